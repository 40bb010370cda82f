// SPDX-License-Identifier: GPL-2.0-only
/*
 * The burst of burst_idle; two seconds later the program calls malloc_trim().
 *
 * smaps: 58 MB from 1 s on, 1.5 MB from 3 s on.
 */
#include "tests/e2e/corpus/corpus.h"

int main(int argc, char **argv)
{
	struct corpus_list burst = {0};

	corpus_start(argc, argv);
	corpus_rest_until(0.5);
	corpus_list_fill(&burst, 60000000, 1);
	corpus_alloc(300);
	corpus_list_free(&burst);
	corpus_rest_until(3);
	malloc_trim(0);
	corpus_rest();
	corpus_end();
}
