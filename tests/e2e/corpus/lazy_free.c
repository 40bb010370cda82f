// SPDX-License-Identifier: GPL-2.0-only
/*
 * A pool of the program's own, 32 MiB, that is filled in the first second and a half; then all but
 * an eighth, which goes on being used, is given back by MADV_FREE: still resident, and the
 * kernel's whenever it wants it.
 *
 * smaps: 32 MB from 1.5 s to the end, of which LazyFree 27 to 28 MB.
 */
#include "tests/e2e/corpus/corpus.h"

int main(int argc, char **argv)
{
	size_t size = 32 * MIB, filled = 0;
	char *pool;

	corpus_start(argc, argv);
	pool = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pool == MAP_FAILED)
		abort();
	for (; filled < size && corpus_goes_on(); corpus_step(10))
		for (; filled < size && filled < corpus_due(0.5, 32e6); filled += PAGE)
			corpus_touch(pool + filled, PAGE);
	if (madvise(pool + size / 8, size - size / 8, MADV_FREE))
		abort();
	while (corpus_step(50))
		corpus_touch(pool, size / 8);
	corpus_end();
}
