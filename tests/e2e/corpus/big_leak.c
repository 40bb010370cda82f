// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leaks a block of 1 MiB four times a second, each written in full: above glibc's limit for mmap.
 *
 * smaps: 4 MB/s with every allocator; glibc maps each block, jemalloc and mimalloc do not.
 */
#include "tests/e2e/corpus/corpus.h"

static void __attribute__((noinline)) picture_forget(void)
{
	corpus_alloc(MIB);
}

int main(int argc, char **argv)
{
	size_t leaked = 0;

	corpus_start(argc, argv);
	while (corpus_step(20))
		for (; leaked < corpus_due(0, 4); leaked++)
			picture_forget();
	corpus_end();
}
