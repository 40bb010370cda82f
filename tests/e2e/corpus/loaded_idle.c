// SPDX-License-Identifier: GPL-2.0-only
/*
 * The 60 MB of burst_idle, at the same pace; but they are data, and stay. Then nothing more.
 *
 * smaps: 58 to 66 MB from 1 s to the end, all of it live: to the kernel the same as burst_idle.
 */
#include "tests/e2e/corpus/corpus.h"

int main(int argc, char **argv)
{
	struct corpus_list data = {0};

	corpus_start(argc, argv);
	corpus_rest_until(0.5);
	corpus_list_fill(&data, 60000000, 1);
	corpus_alloc(300);
	corpus_rest();
	corpus_end();
}
