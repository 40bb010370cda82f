// SPDX-License-Identifier: GPL-2.0-only
/*
 * One buffer that grows by 64 KiB at a time, 3 MB/s, and is written to its end.
 *
 * smaps: glibc grows in a line by mremap, to 19 MB. jemalloc and mimalloc copy, and the places
 * left behind stay dirty for a while: to 54 and 35 MB with steps and falls, of which 20 MB are the
 * buffer.
 */
#include "tests/e2e/corpus/corpus.h"

static char *buffer;
static size_t buffer_size;

static void __attribute__((noinline)) buffer_extend(void)
{
	if (buffer)
		corpus_let_go(buffer);
	buffer = realloc(buffer, buffer_size + 64 * KIB);
	if (!buffer)
		abort();
	corpus_held(buffer);
	corpus_touch(buffer + buffer_size, 64 * KIB);
	buffer_size += 64 * KIB;
}

int main(int argc, char **argv)
{
	corpus_start(argc, argv);
	while (corpus_step(20))
		while (buffer_size < corpus_due(0, 3e6))
			buffer_extend();
	corpus_end();
}
