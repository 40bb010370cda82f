// SPDX-License-Identifier: GPL-2.0-only
/*
 * A cache whose entries live for 1.5 s: 400 a second come and, from 1.5 s on, as many go. What is
 * live stays the same then, and so do the pages.
 *
 * smaps: 5 to 6 MB at 1.5 s, flat to within a few pages from 2 s on.
 */
#include "tests/e2e/corpus/corpus.h"

enum { RATE = 400, KEPT = 600, ENTRIES = 4096 };

static void *entries[ENTRIES];

int main(int argc, char **argv)
{
	size_t added = 0, gone = 0;

	corpus_start(argc, argv);
	while (corpus_step(20)) {
		corpus_work(800);
		for (; added < corpus_due(0, RATE); added++) {
			if (added - gone == KEPT)
				corpus_free(entries[gone++ % ENTRIES]);
			entries[added % ENTRIES] = corpus_alloc(4 * KIB + corpus_random(8 * KIB));
		}
	}
	corpus_end();
}
