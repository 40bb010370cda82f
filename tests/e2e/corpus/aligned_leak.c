// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers of whole cache lines and pages, by posix_memalign and aligned_alloc, of which one in four
 * is never freed: 1 MB/s.
 *
 * smaps: 1 MB/s in a line, a little more with glibc, which keeps the gaps before aligned blocks.
 */
#include "tests/e2e/corpus/corpus.h"

static void *__attribute__((noinline)) buffer_new(size_t number)
{
	size_t size = 4 * KIB + number % 3 * 4 * KIB;
	void *buffer = NULL;

	if (number % 2)
		buffer = aligned_alloc(PAGE, size);
	else if (posix_memalign(&buffer, 64, size))
		abort();
	if (!buffer)
		abort();
	corpus_touch(buffer, size);
	corpus_held(buffer);
	return buffer;
}

int main(int argc, char **argv)
{
	size_t made = 0;

	corpus_start(argc, argv);
	while (corpus_step(20))
		for (; made < corpus_due(0, 500); made++) {
			void *buffer = buffer_new(made);

			if (made % 4)
				corpus_free(buffer);
		}
	corpus_end();
}
