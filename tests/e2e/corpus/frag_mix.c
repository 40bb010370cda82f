// SPDX-License-Identifier: GPL-2.0-only
/*
 * 60 MB of blocks of 32 to 250 bytes in the second half of the first second; all are freed but one
 * in each page, and then nothing more happens.
 *
 * smaps: 63 MB from 1 s to the end with every allocator, of which 2.4 to 2.9 MB are live, some in
 * every page.
 */
#include "tests/e2e/corpus/survivors.h"

int main(int argc, char **argv)
{
	struct corpus_list burst = {0};

	corpus_start(argc, argv);
	corpus_rest_until(0.5);
	do
		while (burst.bytes < corpus_due(0.5, 120e6) && burst.bytes < 60000000)
			corpus_list_add(&burst, 32 + corpus_random(218));
	while (burst.bytes < 60000000 && corpus_step(10));
	survivors_leave(&burst);
	corpus_rest();
	corpus_end();
}
