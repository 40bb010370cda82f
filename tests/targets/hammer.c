// SPDX-License-Identifier: GPL-2.0-only
/*
 * hammer [THREADS [SECONDS]]
 *
 * mmap, touch and munmap by two threads as fast as they can, for ten seconds: more events than any
 * buffer holds. Prints `PAIRS N`. At the end each thread keeps one mapping whose pages are known.
 */
#define _GNU_SOURCE
#include "tests/targets/gang.h"

#include <time.h>

enum { PAGES = 16, KEPT_PAGES = 512 };

static size_t thread_count, seconds;
static uint64_t pairs[GANG_THREADS_MAX];
static char *kept[GANG_THREADS_MAX];

static uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

static void pair_run(size_t touched)
{
	char *p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);

	target_expect(p != MAP_FAILED, "mmap");
	pages_touch(p, 0, touched);
	target_expect(munmap(p, PAGES * PAGE) == 0, "munmap");
}

static void round_run(size_t thread, size_t round)
{
	uint64_t end = clock_ns() + seconds * 1000000000ULL, done = 0;

	(void)round;
	while (clock_ns() < end) {
		for (int i = 0; i < 64; i++)
			pair_run(1 + (done++ % PAGES));
		/* Pages that stay, so that a lost event shows. */
		pages_touch(kept[thread], done / 64 % (KEPT_PAGES / 2), 1);
	}
	pages_touch(kept[thread], 0, KEPT_PAGES / 2);
	pairs[thread] = done;
}

int main(int argc, char **argv)
{
	uint64_t sum = 0;

	target_start();
	thread_count = target_argument(argc, argv, 1, 2);
	seconds = target_argument(argc, argv, 2, 10);
	target.guard_seconds += (unsigned int)seconds;
	target_expect(thread_count > 0 && thread_count <= GANG_THREADS_MAX, "a number of threads");
	for (size_t i = 0; i < thread_count; i++) {
		kept[i] = pages_map(KEPT_PAGES);
		target_claim(kept[i], KEPT_PAGES, 0, 0, "kept");
	}
	gang_start(thread_count, round_run);
	target_rest("ready");
	gang_round();
	for (size_t i = 0; i < thread_count; i++) {
		target_claim(kept[i], KEPT_PAGES, KEPT_PAGES / 2, 0, "kept");
		sum += pairs[i];
	}
	target_say("PAIRS %llu", (unsigned long long)sum);
	target_rest("hammered");
	gang_end();
	return 0;
}
