// SPDX-License-Identifier: GPL-2.0-only
/*
 * A queue that is filled faster than it is emptied: 1,500 items of 1 to 3 KiB come in a second and
 * 1,000 go. Nothing is lost, all is reachable, and the backlog grows by 1 MB/s.
 *
 * smaps: 1 MB/s in a line; what goes is used again.
 */
#include "tests/e2e/corpus/corpus.h"

int main(int argc, char **argv)
{
	struct corpus_list queue = {0};
	size_t put = 0, taken = 0;

	corpus_start(argc, argv);
	while (corpus_step(20)) {
		for (; put < corpus_due(0, 1500); put++)
			corpus_list_add(&queue, KIB + corpus_random(2 * KIB));
		for (; taken < corpus_due(0, 1000); taken++)
			corpus_free(corpus_list_take(&queue));
	}
	corpus_end();
}
