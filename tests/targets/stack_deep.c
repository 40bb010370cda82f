// SPDX-License-Identifier: GPL-2.0-only
/*
 * Deep call chains through frames of many sizes, with and without alloca: in the main thread, in
 * others, and deeper than a collector keeps.
 */
#define _GNU_SOURCE
#include "tests/targets/chain.h"

#include <alloca.h>

enum { DEPTHS = 6, THREADS = 3, PAGES = DEPTHS * (THREADS + 1) + 8 };

/* What is at the end of a descent. */
struct dive {
	void *page;
	const char *end;
	unsigned int least;
};

static char *region;
static size_t used;

static void *page_next(void)
{
	return page_at(region, used++);
}

CHAIN_LINK static void descend(unsigned int depth, const struct dive *dive);

CHAIN_LINK static void frame_small(unsigned int depth, const struct dive *dive)
{
	descend(depth, dive);
}

CHAIN_LINK static void frame_large(unsigned int depth, const struct dive *dive)
{
	char locals[900];

	CHAIN_KEEP(locals);
	descend(depth, dive);
	CHAIN_KEEP(locals);
}

/* The frame's size is not known to the compiler: found by a register. */
CHAIN_LINK static void frame_alloca(unsigned int depth, const struct dive *dive)
{
	size_t size = 24 + (size_t)depth * 40 % 700;
	char *locals = (char *)alloca(size);

	CHAIN_KEEP(locals);
	descend(depth, dive);
	CHAIN_KEEP(locals);
}

/* More arguments than registers: the stack moves around the call. */
CHAIN_LINK static void frame_arguments(unsigned int depth, const struct dive *dive, long a, long b,
				       long c, long d, long e, long f, long g)
{
	volatile long sum = a + b + c + d + e + f + g;

	descend(depth, dive);
	sum += 1;
}

/* All the registers that a callee has to save. */
CHAIN_LINK static void frame_registers(unsigned int depth, const struct dive *dive)
{
	volatile long source = depth;
	long a = source, b = source * 3, c = source * 5, d = source * 7, e = source * 11;

	descend(depth, dive);
	source = a ^ b ^ c ^ d ^ e;
}

/* Aligned beyond what the ABI promises: the frame is found by way of a saved register. */
CHAIN_LINK static void frame_aligned(unsigned int depth, const struct dive *dive)
{
	_Alignas(256) char locals[256];

	CHAIN_KEEP(locals);
	descend(depth, dive);
	CHAIN_KEEP(locals);
}

CHAIN_LINK static void descend(unsigned int depth, const struct dive *dive)
{
	if (!depth) {
		chain_touch_ending(dive->page, dive->end, dive->least);
		return;
	}
	switch (depth-- % 6) {
	case 0:
		frame_small(depth, dive);
		break;
	case 1:
		frame_large(depth, dive);
		break;
	case 2:
		frame_alloca(depth, dive);
		break;
	case 3:
		frame_arguments(depth, dive, 1, 2, 3, 4, 5, 6, 7);
		break;
	case 4:
		frame_registers(depth, dive);
		break;
	default:
		frame_aligned(depth, dive);
		break;
	}
}

CHAIN_LINK static void all_depths(void)
{
	for (unsigned int i = 0; i < DEPTHS; i++) {
		struct dive dive = {.page = page_next(), .end = "complete"};

		descend(1 + i * i, &dive);
	}
}

/*
 * Buffers on the stack that nobody has written to yet: there is a page of the stack between two
 * frames that is not in memory.
 */
CHAIN_LINK static void around_hole(const struct dive *dive)
{
	char locals[2 * PAGE + 900];

	CHAIN_KEEP(locals);
	descend(3, dive);
	CHAIN_KEEP(locals);
}

static void *thread_run(void *arg)
{
	if (arg)
		around_hole((const struct dive *)arg);
	else
		all_depths();
	return NULL;
}

/* 100 bytes a frame: past the frames that are kept before it is past the snapshot. */
CHAIN_LINK static void recurse_shallow(unsigned int depth, const struct dive *dive)
{
	if (depth)
		recurse_shallow(depth - 1, dive);
	else
		chain_touch_ending(dive->page, dive->end, dive->least);
}

/* 400 bytes a frame. */
CHAIN_LINK static void recurse_wide(unsigned int depth, const struct dive *dive)
{
	char locals[360];

	CHAIN_KEEP(locals);
	if (depth)
		recurse_wide(depth - 1, dive);
	else
		chain_touch_ending(dive->page, dive->end, dive->least);
	CHAIN_KEEP(locals);
}

CHAIN_LINK static void too_deep(void)
{
	struct dive deep = {.page = page_next(), .end = "deep", .least = 256};
	struct dive cut = {.page = page_next(), .end = "cut", .least = 36};

	recurse_shallow(290, &deep);
	recurse_wide(200, &cut);
}

static void thread_once(const struct dive *dive)
{
	pthread_t thread;

	target_expect(pthread_create(&thread, NULL, thread_run, (void *)dive) == 0, "thread");
	target_expect(pthread_join(thread, NULL) == 0, "join");
}

int main(void)
{
	struct dive hole;

	chain_start();
	region = pages_map(PAGES);
	all_depths();
	too_deep();
	target_rest("main_thread");
	/* the first thread: its stack is new */
	hole = (struct dive){.page = page_next(), .end = "complete"};
	thread_once(&hole);
	target_rest("hole");
	for (int i = 0; i < THREADS; i++)
		thread_once(NULL);
	target_rest("threads");
	return 0;
}
