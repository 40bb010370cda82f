// SPDX-License-Identifier: GPL-2.0-only
/*
 * 24 MB of blocks of 128 to 512 bytes from 0.5 to 1.5 s; then all are freed but one in each page,
 * and nothing more happens.
 *
 * smaps: 24 to 26 MB from 1.5 s to the end, of which 2.0 to 2.5 MB are live, some in every page. By
 * its own account jemalloc has 23.4 MB in slabs beside what is allocated, and 3.2 MB of free pages.
 */
#include "tests/e2e/corpus/survivors.h"

int main(int argc, char **argv)
{
	struct corpus_list burst = {0};

	corpus_start(argc, argv);
	corpus_rest_until(0.5);
	do
		while (burst.bytes < corpus_due(0.5, 24e6) && burst.bytes < 24000000)
			corpus_list_add(&burst, 128 + corpus_random(384));
	while (burst.bytes < 24000000 && corpus_step(10));
	survivors_leave(&burst);
	corpus_rest();
	corpus_end();
}
