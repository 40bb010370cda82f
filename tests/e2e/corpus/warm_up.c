// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loads a table of 20 MB in the first second and a half, then works on it with a steady churn.
 *
 * smaps: 19 to 22 MB at 1.5 s, and so to the end.
 */
#include "tests/e2e/corpus/corpus.h"

int main(int argc, char **argv)
{
	struct corpus_list table = {0};
	struct corpus_block *at = NULL;

	corpus_start(argc, argv);
	corpus_list_fill(&table, 20000000, 1.5);
	while (corpus_step(20)) {
		for (int i = 0; i < 200; i++)
			at = at ? at->next : table.first;
		for (int i = 0; i < 8; i++)
			corpus_churn(64);
	}
	corpus_end();
}
