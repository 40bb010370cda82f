// SPDX-License-Identifier: GPL-2.0-only
/*
 * A bounded cache: 24 MB of 8 KiB entries (in the mean) filled in the first 1.5 s, then the oldest
 * entry is replaced, 150 a second.
 *
 * smaps: 24 to 26 MB at 1.5 s; then glibc and mimalloc stay, jemalloc gains another 0.3 MB.
 */
#include "tests/e2e/corpus/corpus.h"

enum { ENTRIES = 3000, FILL_RATE = 2000, REPLACE_RATE = 150 };

static void *entries[ENTRIES];

static void __attribute__((noinline)) lru_replace(size_t turn)
{
	corpus_replace(&entries[turn % ENTRIES], 6 * KIB + corpus_random(4 * KIB));
}

int main(int argc, char **argv)
{
	size_t turn = 0;

	corpus_start(argc, argv);
	do
		for (; turn < ENTRIES && turn < corpus_due(0, FILL_RATE); turn++)
			lru_replace(turn);
	while (turn < ENTRIES && corpus_step(10));
	while (corpus_step(20))
		for (; turn < ENTRIES + corpus_due(1.5, REPLACE_RATE); turn++)
			lru_replace(turn);
	corpus_end();
}
