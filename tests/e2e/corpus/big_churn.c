// SPDX-License-Identifier: GPL-2.0-only
/*
 * Eight buffers of 200 KiB to 1 MiB, about glibc's limit for mmap and above; one is replaced every
 * 40 ms.
 *
 * smaps: glibc and mimalloc 5 to 8 MB up and down; jemalloc 6 MB at first, 10 MB from 2 s on.
 */
#include "tests/e2e/corpus/corpus.h"

static void *buffers[8];

int main(int argc, char **argv)
{
	size_t turn = 0;

	corpus_start(argc, argv);
	while (corpus_step(20))
		for (; turn < 8 + corpus_due(0, 25); turn++)
			corpus_replace(&buffers[turn % 8], 200 * KIB + corpus_random(824 * KIB));
	corpus_end();
}
