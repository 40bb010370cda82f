// SPDX-License-Identifier: GPL-2.0-only
/*
 * The burst of burst_idle with a little work after it; jemalloc is told to give dirty pages back
 * by MADV_FREE after 300 ms, and never by MADV_DONTNEED.
 *
 * smaps: 66 MB from 1.5 s to the end, of which LazyFree 64 MB.
 */
#include "tests/e2e/corpus/corpus.h"

const char *malloc_conf = "dirty_decay_ms:300,muzzy_decay_ms:-1";

int main(int argc, char **argv)
{
	struct corpus_list burst = {0};

	corpus_start(argc, argv);
	corpus_rest_until(0.5);
	corpus_list_fill(&burst, 60000000, 1);
	corpus_list_free(&burst);
	while (corpus_step(20))
		for (int i = 0; i < 16; i++)
			corpus_free(corpus_alloc(40 * KIB));
	corpus_end();
}
