// SPDX-License-Identifier: GPL-2.0-only
/*
 * The burst of burst_idle under a jemalloc with a background thread and a decay of two seconds:
 * the program is idle, and the pages go all the same.
 *
 * smaps: 62 MB at 1 s; 42, 34, 18, 9 and 4 MB at each half second after.
 */
#include "tests/e2e/corpus/corpus.h"

const char *malloc_conf = "background_thread:true,dirty_decay_ms:2000";

int main(int argc, char **argv)
{
	struct corpus_list burst = {0};

	corpus_start(argc, argv);
	corpus_rest_until(0.5);
	corpus_list_fill(&burst, 60000000, 1);
	corpus_list_free(&burst);
	corpus_rest();
	corpus_end();
}
