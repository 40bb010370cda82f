// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leaks 10 MB/s in blocks of mixed sizes, from the start.
 *
 * smaps: anonymous memory grows in a line, 5 MB each half second, to 62 (glibc), 71 (jemalloc) and
 * 68 MB (mimalloc).
 */
#include "tests/e2e/corpus/corpus.h"

static size_t __attribute__((noinline)) message_forget(void)
{
	size_t size = corpus_size();

	corpus_alloc(size);
	return size;
}

int main(int argc, char **argv)
{
	size_t leaked = 0;

	corpus_start(argc, argv);
	while (corpus_step(20))
		while (leaked < corpus_due(0, 1e7))
			leaked += message_forget();
	corpus_end();
}
