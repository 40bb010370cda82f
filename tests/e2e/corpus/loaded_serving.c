// SPDX-License-Identifier: GPL-2.0-only
/*
 * A table of 30 MB that is loaded within a second and then looked up in, with a small answer made
 * and freed each time: data that stays, in a program that works.
 *
 * smaps: 30 to 34 MB at 1.2 s, then flat.
 */
#include "tests/e2e/corpus/corpus.h"

enum { ROWS = 20000, LOOK_UPS = 400 };

static void *rows[ROWS];

int main(int argc, char **argv)
{
	size_t loaded = 0, served = 0;

	corpus_start(argc, argv);
	do
		for (; loaded < ROWS && loaded < corpus_due(0.2, ROWS); loaded++)
			rows[loaded] = corpus_alloc(KIB + corpus_random(KIB));
	while (loaded < ROWS && corpus_step(10));
	while (corpus_step(20)) {
		corpus_work(900);
		for (; served < corpus_due(1.2, LOOK_UPS); served++) {
			char *answer = corpus_alloc(2 * KIB);

			memcpy(answer, rows[corpus_random(ROWS)], KIB);
			corpus_free(answer);
		}
	}
	corpus_end();
}
