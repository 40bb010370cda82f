// SPDX-License-Identifier: GPL-2.0-only
/*
 * Eight threads; seven of them churn, one of them leaks 2 MB/s beside its churn.
 *
 * smaps: 2 MB/s in a line with every allocator, 13 to 15 MB at 6.5 s; the churn adds nothing.
 */
#include "tests/e2e/corpus/corpus.h"

enum { THREADS = 8, LEAK_SIZE = 600 };

static void __attribute__((noinline)) session_forget(void)
{
	corpus_alloc(LEAK_SIZE);
}

static void *thread_run(void *leaks)
{
	size_t leaked = 0;

	while (corpus_step(20)) {
		corpus_churn(32);
		for (; leaks && leaked < corpus_due(0, 2e6); leaked += LEAK_SIZE)
			session_forget();
	}
	return NULL;
}

int main(int argc, char **argv)
{
	corpus_start(argc, argv);
	for (long i = 1; i < THREADS; i++)
		corpus_thread(thread_run, (void *)(long)(i == 5));
	thread_run(NULL);
	corpus_end();
}
