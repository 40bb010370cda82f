// SPDX-License-Identifier: GPL-2.0-only
/*
 * Maps, touches and unmaps 256 KiB, fifty times a second.
 *
 * smaps: 0.1 MB throughout.
 */
#include "tests/e2e/corpus/corpus.h"

int main(int argc, char **argv)
{
	corpus_start(argc, argv);
	while (corpus_step(20)) {
		void *region = mmap(NULL, 256 * KIB, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (region == MAP_FAILED)
			abort();
		corpus_touch(region, 256 * KIB);
		munmap(region, 256 * KIB);
	}
	corpus_end();
}
