// SPDX-License-Identifier: GPL-2.0-only
/*
 * A steady churn: 512 blocks, of which 2,000 a second are replaced by others of mixed sizes.
 *
 * smaps: glibc 1.8 to 2.3, jemalloc 2.7 to 3.6 (ever slower), mimalloc 2.8 to 3.8 MB up and down.
 */
#include "tests/e2e/corpus/corpus.h"

static void *slots[CORPUS_SLOTS];

int main(int argc, char **argv)
{
	size_t replaced = 0;

	corpus_start(argc, argv);
	for (int i = 0; i < CORPUS_SLOTS; i++)
		corpus_replace(&slots[i], corpus_size());
	while (corpus_step(20))
		for (; replaced < corpus_due(0, 2000); replaced++)
			corpus_replace(&slots[corpus_random(CORPUS_SLOTS)], corpus_size());
	corpus_end();
}
