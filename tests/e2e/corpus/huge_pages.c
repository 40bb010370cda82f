// SPDX-License-Identifier: GPL-2.0-only
/*
 * A sparse table of 256 MiB advised to be huge pages, into which one byte is written every 2 MiB,
 * twice a second.
 *
 * smaps: 4 MB/s in steps of 2 MiB, all of it AnonHugePages.
 */
#include "tests/e2e/corpus/corpus.h"

int main(int argc, char **argv)
{
	size_t huge = 2 * MIB, size = 256 * MIB, touched = 0;
	char *table;

	corpus_start_keep_thp(argc, argv);
	table = mmap(NULL, size + huge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (table == MAP_FAILED)
		abort();
	table = (char *)(((uintptr_t)table + huge - 1) & ~(huge - 1));
	if (madvise(table, size, MADV_HUGEPAGE))
		abort();
	while (corpus_step(20))
		for (; touched < size && touched / huge < corpus_due(0, 2); touched += huge)
			corpus_touch(table + touched + 777, 1);
	corpus_end();
}
