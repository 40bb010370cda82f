// SPDX-License-Identifier: GPL-2.0-only
/*
 * The burst of burst_idle; a second later a little work begins, which gives every allocator the
 * occasion to purge. jemalloc is told to decay in one second, so that it happens within the run.
 *
 * smaps: jemalloc has 58 MB until 2.5 s, purges within a second of the first work, and keeps 2 MB.
 * glibc (58 MB) and mimalloc 2.0 (63 MB) keep all to the end: the work reuses what is free, and no
 * segment of mimalloc sees the activity that its purge waits for.
 */
#include "tests/e2e/corpus/corpus.h"

const char *malloc_conf = "dirty_decay_ms:1000";

int main(int argc, char **argv)
{
	struct corpus_list burst = {0};

	corpus_start(argc, argv);
	corpus_rest_until(0.5);
	corpus_list_fill(&burst, 60000000, 1);
	corpus_alloc(300);
	corpus_list_free(&burst);
	corpus_rest_until(2.5);
	while (corpus_step(20)) {
		struct corpus_list work = {0};

		while (work.bytes < 100000)
			corpus_list_add(&work, corpus_size());
		/* beyond jemalloc's thread cache, where its clock ticks */
		for (int i = 0; i < 8; i++)
			corpus_list_add(&work, 40 * KIB);
		corpus_list_free(&work);
	}
	corpus_end();
}
