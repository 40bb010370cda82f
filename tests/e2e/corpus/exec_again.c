// SPDX-License-Identifier: GPL-2.0-only
/*
 * 2 MB and some churn; three times, every 0.8 s, it begins anew as another image of itself. The
 * fourth image stays.
 *
 * smaps: 2.1 MB, from nothing again after each exec.
 */
#include "tests/e2e/corpus/corpus.h"

enum { IMAGES = 4 };

static void __attribute__((noreturn)) image_begin(const char *name, int image)
{
	char left[32], number[16], self[4096] = "";

	snprintf(left, sizeof(left), "%.2f", corpus.seconds - corpus_now());
	snprintf(number, sizeof(number), "%d", image);
	/* not through the link, which would make "exe" of its name */
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) > 0)
		execl(self, name, left, number, NULL);
	abort();
}

int main(int argc, char **argv)
{
	int image = argc > 2 ? atoi(argv[2]) : 1;
	struct corpus_list data = {0};

	corpus_start(argc, argv);
	corpus_list_fill(&data, 2000000, 0.3);
	while (corpus_step_until(image < IMAGES ? 0.8 : corpus.seconds, 20))
		corpus_churn(32);
	if (corpus_goes_on())
		image_begin(argv[0], image + 1);
	corpus_end();
}
