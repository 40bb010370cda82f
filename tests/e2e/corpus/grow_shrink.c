// SPDX-License-Identifier: GPL-2.0-only
/*
 * A working set that grows to 40 MB until 2.5 s and shrinks to a tenth until 4.5 s, the oldest
 * first; then it rests.
 *
 * smaps: glibc stays at 38 MB with 4 MB live, jemalloc at 44, 40 after some decay; mimalloc gives
 * back as the blocks go, and ends with 7 MB.
 */
#include "tests/e2e/corpus/corpus.h"

int main(int argc, char **argv)
{
	struct corpus_list set = {0};
	size_t freed = 0;

	corpus_start(argc, argv);
	corpus_list_fill(&set, 40000000, 2.5);
	while (set.first && corpus.live_bytes > corpus.peak_bytes / 10 && corpus_step(20))
		for (; set.first && freed < corpus_due(2.5, 18e6);) {
			struct corpus_block *block = corpus_list_take(&set);

			freed += malloc_usable_size(block);
			corpus_free(block);
		}
	corpus_rest();
	corpus_end();
}
