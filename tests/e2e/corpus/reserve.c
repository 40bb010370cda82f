// SPDX-License-Identifier: GPL-2.0-only
/*
 * 90 MiB by calloc() in the first second and a half, in blocks of 6 MiB of which one page each is
 * ever written: address space, not memory. Then some churn.
 *
 * smaps: glibc 0.2, jemalloc 0.7 MB throughout. mimalloc 2.0 clears such blocks itself: 90 MB at
 * 1.5 s, and so to the end.
 */
#include "tests/e2e/corpus/corpus.h"

int main(int argc, char **argv)
{
	size_t blocks = 0;

	corpus_start(argc, argv);
	while (corpus_step(20)) {
		corpus_churn(16);
		for (; blocks < 15 && blocks < corpus_due(0, 10); blocks++) {
			char *block = calloc(6, MIB);

			if (!block)
				abort();
			corpus_touch(block, 1);
			corpus_held(block);
		}
	}
	corpus_end();
}
