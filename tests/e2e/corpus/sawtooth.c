// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every 1.3 s: 20 MB allocated over 0.9 s, all of it freed, a rest.
 *
 * smaps: glibc stays at 19 MB, free between the teeth. mimalloc falls to between 7 and 15 MB and
 * reaches 21 again. jemalloc falls by 3 MB at most and climbs: 22, 28, 31, 37 MB, of which never
 * more than 22 are live.
 */
#include "tests/e2e/corpus/corpus.h"

int main(int argc, char **argv)
{
	corpus_start(argc, argv);
	for (int tooth = 0; corpus_goes_on(); tooth++) {
		struct corpus_list list = {0};

		corpus_list_fill(&list, 20000000, 1.3 * tooth + 0.9);
		corpus_list_free(&list);
		corpus_rest_until(1.3 * (tooth + 1));
	}
	corpus_end();
}
