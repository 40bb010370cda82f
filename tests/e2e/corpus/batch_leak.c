// SPDX-License-Identifier: GPL-2.0-only
/*
 * Work in batches, ten a second: each makes 300 KB, uses it, frees most of it and forgets 100 KB.
 *
 * smaps: 1 MB/s in steps that the eye takes for a line.
 */
#include "tests/e2e/corpus/corpus.h"

enum { BLOCKS = 300 };

static void __attribute__((noinline)) batch_run(void)
{
	static void *blocks[BLOCKS];

	for (int i = 0; i < BLOCKS; i++)
		blocks[i] = corpus_alloc(500 + corpus_random(1000));
	corpus_work(1500);
	for (int i = 0; i < BLOCKS; i++)
		if (i % 3)
			corpus_free(blocks[i]);
}

int main(int argc, char **argv)
{
	size_t batches = 0;

	corpus_start(argc, argv);
	while (corpus_step(10))
		for (; batches < corpus_due(0, 10); batches++)
			batch_run();
	corpus_end();
}
