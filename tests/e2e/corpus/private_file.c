// SPDX-License-Identifier: GPL-2.0-only
/*
 * A file that is mapped in private, and read on: 2 MB/s more of it become resident, of the file and
 * not of the heap.
 *
 * smaps: RssFile grows by 2 MB/s.
 */
#include "tests/e2e/corpus/corpus.h"

#define SIZE (32 * MIB)

int main(int argc, char **argv)
{
	volatile unsigned int sum = 0;
	size_t at = 0;
	FILE *file = tmpfile();
	char *map;

	corpus_start(argc, argv);
	if (!file)
		abort();
	for (size_t i = 0; i < SIZE / PAGE; i++)
		if (fseek(file, (long)(i * PAGE), SEEK_SET) || fputc('x', file) == EOF)
			abort();
	fflush(file);
	map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fileno(file), 0);
	if (map == MAP_FAILED || madvise(map, SIZE, MADV_RANDOM))
		abort();
	while (corpus_step(20))
		for (; at < SIZE && at < corpus_due(0, 2e6); at += PAGE)
			sum += (unsigned int)map[at];
	corpus_end();
}
