// SPDX-License-Identifier: GPL-2.0-only
/*
 * One thread that recurses ever deeper: its stack grows by 1 MB/s.
 *
 * smaps: 1 MB/s in a line, to 6.4 MB, all in one mapping of 64 MiB.
 */
#include "tests/e2e/corpus/corpus.h"

enum { FRAME = 8192, STACK = 64 * 1024 * 1024 };

static void __attribute__((noinline)) tree_descend(size_t depth)
{
	char frame[FRAME];

	corpus_touch(frame, sizeof(frame));
	while (corpus_goes_on() && depth * FRAME >= corpus_due(0, 1e6))
		corpus_step(20);
	if (corpus_goes_on())
		tree_descend(depth + 1);
	corpus_touch(frame, 1); /* so that the frame is needed: no tail call */
}

static void *thread_run(void *argument)
{
	tree_descend(0);
	return argument;
}

int main(int argc, char **argv)
{
	pthread_attr_t attr;
	pthread_t thread;

	corpus_start(argc, argv);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	if (pthread_create(&thread, &attr, thread_run, NULL))
		abort();
	corpus_rest();
	corpus_end();
}
