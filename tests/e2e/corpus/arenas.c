// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two and a half more threads a second, which stay. Each allocates 2 MB, keeps one small block at
 * the end and frees the rest: glibc gives each an arena of its own, up to eight per core, and the
 * free pages of one are of no use to the others.
 *
 * smaps: 2 MB more with each thread, to 31 MB at 6.5 s, with 17 blocks live.
 */
#include "tests/e2e/corpus/corpus.h"

static void *thread_run(void *argument)
{
	void *first = NULL;

	for (size_t bytes = 0; bytes < 2000000; bytes += 2 * KIB) {
		void **block = corpus_alloc(2 * KIB);

		*block = first;
		first = block;
	}
	corpus_alloc(100);
	while (first) {
		void *next = *(void **)first;

		corpus_free(first);
		first = next;
	}
	for (;;)
		pause();
	return argument;
}

int main(int argc, char **argv)
{
	size_t threads = 0;

	corpus_start(argc, argv);
	while (corpus_step(20))
		for (; threads < corpus_due(0, 2.5); threads++)
			corpus_thread(thread_run, NULL);
	corpus_end();
}
