// SPDX-License-Identifier: GPL-2.0-only
/*
 * 4 MB at once, then nothing.
 *
 * smaps: 4 to 5 MB throughout.
 */
#include "tests/e2e/corpus/corpus.h"

int main(int argc, char **argv)
{
	struct corpus_list data = {0};

	corpus_start(argc, argv);
	while (data.bytes < 4000000)
		corpus_list_add(&data, corpus_size());
	corpus_rest();
	corpus_end();
}
