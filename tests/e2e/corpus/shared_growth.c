// SPDX-License-Identifier: GPL-2.0-only
/*
 * A segment of shared memory of 128 MiB, of which 5 MB/s more are written.
 *
 * smaps: RssShmem 5 MB/s in a line, to 30 MB; anonymous memory stays at 0.1 MB.
 */
#include "tests/e2e/corpus/corpus.h"

int main(int argc, char **argv)
{
	size_t touched = 0, size = 128 * MIB;
	char *segment;

	corpus_start(argc, argv);
	segment = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (segment == MAP_FAILED)
		abort();
	while (corpus_step(20))
		for (; touched < corpus_due(0, 5e6) && touched < size; touched += PAGE)
			corpus_touch(segment + touched, PAGE);
	corpus_end();
}
