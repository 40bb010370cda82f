// SPDX-License-Identifier: GPL-2.0-only
/*
 * Maps a temporary file piece by piece, 256 KiB at a time, 5 MB/s, and writes to every page.
 *
 * smaps: RssFile 5 MB/s in a line, to 32 MB; anonymous memory stays at 0.1 MB.
 */
#include "tests/e2e/corpus/corpus.h"

int main(int argc, char **argv)
{
	char path[] = "/tmp/corpus-XXXXXX";
	size_t mapped = 0;
	int fd;

	corpus_start(argc, argv);
	fd = mkstemp(path);
	if (fd < 0 || unlink(path))
		abort();
	while (corpus_step(20))
		for (; mapped < corpus_due(0, 5e6); mapped += 256 * KIB) {
			void *piece;

			if (ftruncate(fd, (off_t)(mapped + 256 * KIB)))
				abort();
			piece = mmap(NULL, 256 * KIB, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
				     (off_t)mapped);
			if (piece == MAP_FAILED)
				abort();
			corpus_touch(piece, 256 * KIB);
		}
	corpus_end();
}
