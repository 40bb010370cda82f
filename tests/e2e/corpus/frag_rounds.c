// SPDX-License-Identifier: GPL-2.0-only
/*
 * Three rounds, a second apart, of 16 MB each, every one with a size that does not fit into the
 * holes of the round before: one block in eight (in the last round, in three) survives and pins
 * its page. Then rest.
 *
 * smaps: 15, 31 and 46 MB (jemalloc 50, mimalloc 48) after the rounds; 9 to 10 MB live.
 */
#include "tests/e2e/corpus/corpus.h"

static const struct {
	size_t size;
	unsigned int one_in;
} rounds[] = {{24, 8}, {248, 8}, {1816, 3}};

enum { ROUNDS = sizeof(rounds) / sizeof(rounds[0]), ROUND_BYTES = 16000000 };

static void round_run(double from, size_t size, unsigned int one_in)
{
	/* what an allocation takes, its header included */
	size_t count = 0, blocks = ROUND_BYTES / (size + 8);
	struct corpus_list list = {0};
	struct corpus_block *block;

	do
		for (; count < blocks && count < corpus_due(from, (double)blocks * 2); count++)
			corpus_list_add(&list, size);
	while (count < blocks && corpus_step(10));
	for (count = 0; (block = corpus_list_take(&list)); count++)
		if (count % one_in)
			corpus_free(block);
}

int main(int argc, char **argv)
{
	corpus_start(argc, argv);
	for (size_t i = 0; i < ROUNDS; i++) {
		corpus_rest_until(0.5 + (double)i);
		round_run(0.5 + (double)i, rounds[i].size, rounds[i].one_in);
	}
	corpus_rest();
	corpus_end();
}
