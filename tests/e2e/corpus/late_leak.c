// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loads 20 MB in the first second, then works, and leaks 1 MB/s meanwhile.
 *
 * smaps: 19 to 22 MB at 1 s, then 1 MB/s in a line to 25 to 28 MB.
 */
#include "tests/e2e/corpus/corpus.h"

static void __attribute__((noinline)) result_forget(void)
{
	corpus_alloc(1000);
}

int main(int argc, char **argv)
{
	struct corpus_list table = {0};
	size_t leaked = 0;

	corpus_start(argc, argv);
	corpus_list_fill(&table, 20000000, 1);
	while (corpus_step(20)) {
		for (; leaked < corpus_due(1, 1e6); leaked += 1000)
			result_forget();
		corpus_churn(32);
	}
	corpus_end();
}
