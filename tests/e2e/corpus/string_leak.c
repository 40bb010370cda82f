// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leaks the strings that strdup makes, about 500 KB/s.
 *
 * smaps: 0.5 MB/s in a line with every allocator.
 */
#include "tests/e2e/corpus/corpus.h"

static size_t __attribute__((noinline)) name_copy(size_t number)
{
	char name[128];
	char *copy;

	snprintf(name, sizeof(name), "customer %zu of the shop in street number %zu, upper floor",
		 number, number * 7);
	copy = strdup(name);
	if (!copy)
		abort();
	corpus_held(copy);
	return malloc_usable_size(copy);
}

int main(int argc, char **argv)
{
	size_t leaked = 0;

	corpus_start(argc, argv);
	while (corpus_step(20))
		while (leaked < corpus_due(0, 500e3))
			leaked += name_copy(leaked);
	corpus_end();
}
