// SPDX-License-Identifier: GPL-2.0-only
/*
 * 2 MB and some churn; after 1.2 s it begins anew as another image of itself, until time is over.
 *
 * smaps: 2.1 MB, from nothing again after each exec.
 */
#include "tests/e2e/corpus/corpus.h"

int main(int argc, char **argv)
{
	struct corpus_list data = {0};
	char left[32];

	corpus_start(argc, argv);
	corpus_list_fill(&data, 2000000, 0.3);
	while (corpus_step_until(1.2, 20))
		corpus_churn(32);
	if (corpus_goes_on()) {
		snprintf(left, sizeof(left), "%.2f", corpus.seconds - corpus_now());
		execl("/proc/self/exe", argv[0], left, NULL);
		abort();
	}
	corpus_end();
}
