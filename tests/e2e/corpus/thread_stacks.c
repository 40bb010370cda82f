// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ten more threads a second, which stay; each has touched 200 KiB of its stack.
 *
 * smaps: 2 MB/s in a line, in mappings of 8 MiB between guard pages.
 */
#include "tests/e2e/corpus/corpus.h"

static void *thread_run(void *argument)
{
	char frame[200 * KIB];

	corpus_touch(frame, sizeof(frame));
	for (;;)
		pause();
	return argument;
}

int main(int argc, char **argv)
{
	size_t threads = 0;

	corpus_start(argc, argv);
	while (corpus_step(20))
		for (; threads < corpus_due(0, 10); threads++)
			corpus_thread(thread_run, NULL);
	corpus_end();
}
