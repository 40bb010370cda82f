// SPDX-License-Identifier: GPL-2.0-only
/* Stacks: the main one growing by recursion and alloca, those of threads, purged at their exit. */
#define _GNU_SOURCE
#include "tests/targets/target.h"

#include <alloca.h>
#include <pthread.h>

enum {
	FRAME_PAGES = 4,
	DEPTH = 200,
	ALLOCA_PAGES = 512,
	THREADS = 8,
	THREAD_PAGES = 128,
	/* The C library keeps this much at a stack's upper end when its thread exits, or less. */
	KEPT_PAGES = 32,
	OWN_STACK_PAGES = 256,
};

static char *page_up(uintptr_t address)
{
	return (char *)((address + PAGE - 1) & ~(PAGE - 1));
}

/* Writes every page of every frame; returns the lowest address, as a number: the frame is gone. */
__attribute__((noinline)) static uintptr_t stack_descend(int depth)
{
	volatile char frame[FRAME_PAGES * PAGE];
	uintptr_t lowest;

	for (size_t i = 0; i < sizeof(frame); i += 256)
		frame[sizeof(frame) - 1 - i] = (char)depth;
	frame[0] = 1;
	lowest = depth ? stack_descend(depth - 1) : (uintptr_t)frame;
	frame[1] = 2; /* no tail call */
	return lowest;
}

__attribute__((noinline)) static uintptr_t stack_alloca(size_t pages)
{
	volatile char *p = alloca(pages * PAGE);

	for (size_t i = pages * PAGE; i > 0; i -= 256)
		p[i - 1] = 1;
	p[0] = 1;
	return (uintptr_t)p;
}

static void stack_main(void)
{
	char *lowest = page_up(stack_descend(DEPTH));
	size_t pages = FRAME_PAGES * DEPTH;

	/* The frames above the deepest lie without a gap: the range ends within the first ones. */
	target_claim(lowest, pages, (long)pages, 0, "main stack, recursion");
	target_rest("recursion");
	lowest = page_up(stack_alloca(FRAME_PAGES * DEPTH + ALLOCA_PAGES));
	pages += ALLOCA_PAGES - 16;
	target_claim(lowest, pages, (long)pages, 0, "main stack, alloca");
	target_rest("alloca");
	/* Nothing takes stack pages back but the process itself. */
	target_expect(madvise(lowest, 100 * PAGE, MADV_DONTNEED) == 0, "MADV_DONTNEED");
	target_claim(lowest, pages, (long)pages - 100, 0, "main stack, purged");
	target_rest("purged");
}

struct worker {
	pthread_t thread;
	pid_t tid;
	char *lowest;
	int go[2];
	int ready[2];
};

static void *worker_run(void *arg)
{
	struct worker *worker = arg;
	char byte = 'r';

	worker->tid = thread_id();
	worker->lowest = page_up(stack_alloca(THREAD_PAGES));
	target_expect(write(worker->ready[1], &byte, 1) == 1, "write");
	target_expect(read(worker->go[0], &byte, 1) == 1, "read");
	return NULL;
}

static void worker_start(struct worker *worker, const pthread_attr_t *attr)
{
	char byte;

	target_expect(pipe2(worker->go, O_CLOEXEC) == 0, "pipe2");
	target_expect(pipe2(worker->ready, O_CLOEXEC) == 0, "pipe2");
	target_expect(pthread_create(&worker->thread, attr, worker_run, worker) == 0, "thread");
	target_expect(read(worker->ready[0], &byte, 1) == 1, "read");
	thread_wait_asleep(worker->tid);
}

static void worker_end(struct worker *worker)
{
	target_expect(write(worker->go[1], "g", 1) == 1, "write");
	target_expect(pthread_join(worker->thread, NULL) == 0, "pthread_join");
	close(worker->go[0]);
	close(worker->go[1]);
	close(worker->ready[0]);
	close(worker->ready[1]);
}

/* Stacks of the C library's: more than it caches, so that some are unmapped. */
static void stack_threads(void)
{
	static struct worker workers[THREADS];

	for (int i = 0; i < THREADS; i++) {
		worker_start(&workers[i], NULL);
		target_claim(workers[i].lowest, THREAD_PAGES - 1, THREAD_PAGES - 1, 0, "thread");
	}
	target_rest("threads");
	for (int i = 0; i < THREADS; i++)
		worker_end(&workers[i]);
	for (int i = 0; i < THREADS; i++)
		target_claim(workers[i].lowest, THREAD_PAGES - KEPT_PAGES, 0, 0, "thread's exit");
	target_rest("threads_gone");
	/* From the cache: an old stack with its upper pages still there. */
	worker_start(&workers[0], NULL);
	target_claim(workers[0].lowest, THREAD_PAGES - 1, THREAD_PAGES - 1, 0, "reused stack");
	target_rest("reused");
	worker_end(&workers[0]);
}

/* A stack of the program's own is left as it is when the thread exits. */
static void stack_own(void)
{
	static struct worker worker;
	char *base = pages_map(OWN_STACK_PAGES);
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	target_expect(pthread_attr_setstack(&attr, base, OWN_STACK_PAGES * PAGE) == 0, "attr");
	worker_start(&worker, &attr);
	target_claim(worker.lowest, THREAD_PAGES - 1, THREAD_PAGES - 1, 0, "own stack");
	target_rest("own_stack");
	worker_end(&worker);
	target_claim(worker.lowest, THREAD_PAGES - 1, THREAD_PAGES - 1, 0, "own stack, exited");
	target_claim(base, OWN_STACK_PAGES / 4, 0, 0, "own stack, never reached");
	target_rest("own_stack_exited");
	pthread_attr_destroy(&attr);
}

int main(void)
{
	target_start();
	stack_main();
	stack_threads();
	stack_own();
	return 0;
}
