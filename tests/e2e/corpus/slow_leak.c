// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leaks about 300 KiB/s in small blocks, from the start.
 *
 * smaps: anonymous memory grows in a line, 0.1 to 2.1 MB in 6.5 s, with every allocator.
 */
#include "tests/e2e/corpus/corpus.h"

static void __attribute__((noinline)) order_forget(void)
{
	corpus_alloc(200);
}

int main(int argc, char **argv)
{
	size_t leaked = 0;

	corpus_start(argc, argv);
	while (corpus_step(20)) {
		for (; leaked < corpus_due(0, 300 * KIB); leaked += 200)
			order_forget();
		corpus_churn(8);
	}
	corpus_end();
}
