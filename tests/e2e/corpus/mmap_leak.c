// SPDX-License-Identifier: GPL-2.0-only
/*
 * Maps 64 KiB of its own again and again, 2 MB/s, and forgets it: no allocator knows of it.
 *
 * smaps: 2 MB/s in a line, outside the heap.
 */
#include "tests/e2e/corpus/corpus.h"

static void __attribute__((noinline)) region_forget(void)
{
	void *region =
		mmap(NULL, 64 * KIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (region == MAP_FAILED)
		abort();
	corpus_touch(region, 64 * KIB);
}

int main(int argc, char **argv)
{
	size_t leaked = 0;

	corpus_start(argc, argv);
	while (corpus_step(20)) {
		for (; leaked < corpus_due(0, 2e6); leaked += 64 * KIB)
			region_forget();
		corpus_churn(8);
	}
	corpus_end();
}
