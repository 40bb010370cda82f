// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sessions that come and go at random around a level of 1,500: the level is reached in the first
 * two seconds, and what is live goes up and down a little from then on.
 *
 * smaps: 9 to 12 MB at 2 s; then flat, jemalloc gains a few 100 KB more.
 */
#include "tests/e2e/corpus/corpus.h"

enum { SLOTS = 1500, RATE = 750 };

static void *sessions[SLOTS];

int main(int argc, char **argv)
{
	size_t turn = 0;

	corpus_start(argc, argv);
	while (corpus_step(20)) {
		corpus_work(700);
		for (; turn < corpus_due(0, RATE); turn++) {
			void **slot =
				turn < SLOTS ? &sessions[turn] : &sessions[corpus_random(SLOTS)];

			corpus_replace(slot, 6 * KIB + corpus_random(2 * KIB));
		}
	}
	corpus_end();
}
