// SPDX-License-Identifier: GPL-2.0-only
/*
 * threads_same_range [THREADS [PAIRS]]
 *
 * Threads map, touch and unmap at once, so that the kernel hands the range one thread has just
 * freed to the next: the order of events is all that keeps the pages apart.
 */
#define _GNU_SOURCE
#include "tests/targets/gang.h"

enum { WINDOW_PAGES = 256, SLICE_PAGES = 16, ROUNDS = 3 };

static size_t thread_count, pair_count;
static char *window, *own[GANG_THREADS_MAX];
static size_t own_touched[GANG_THREADS_MAX];

/* Anywhere: mostly the range that another thread freed a moment ago. */
static void churn_anywhere(uint64_t *random)
{
	size_t pages = 1 + random_next(random) % SLICE_PAGES;
	char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);

	target_expect(p != MAP_FAILED, "mmap");
	pages_touch(p, 0, 1 + random_next(random) % pages);
	target_expect(munmap(p, pages * PAGE) == 0, "munmap");
}

/* In the window all share: it is never unmapped, so that touching is safe for everybody. */
static void churn_window(uint64_t *random)
{
	size_t first = random_next(random) % (WINDOW_PAGES - SLICE_PAGES);
	char *at = page_at(window, first);

	switch (random_next(random) % 4) {
	case 0:
		target_expect(madvise(at, SLICE_PAGES * PAGE, MADV_DONTNEED) == 0, "madvise");
		break;
	case 1:
		target_expect(mmap(at, SLICE_PAGES * PAGE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at,
			      "mmap");
		break;
	default:
		pages_touch(at, 0, SLICE_PAGES);
	}
}

static void round_run(size_t thread, size_t round)
{
	uint64_t random = random_seed(round, thread);

	for (size_t i = 0; i < pair_count; i++) {
		churn_anywhere(&random);
		churn_window(&random);
	}
	/* What a thread keeps: its own pages, where others' were before. */
	if (own[thread])
		pages_unmap(own[thread], WINDOW_PAGES);
	own[thread] = pages_map(WINDOW_PAGES);
	own_touched[thread] = random_next(&random) % WINDOW_PAGES;
	pages_touch(own[thread], 0, own_touched[thread]);
}

static void round_claim(void)
{
	for (size_t i = 0; i < thread_count; i++)
		target_claim(own[i], WINDOW_PAGES, (long)own_touched[i], 0, "own pages");
	/* Which of the threads came last to each page is not known; a count is all there is. */
	target_claim(window, WINDOW_PAGES, pages_count_own(window, WINDOW_PAGES), 0, "window");
}

int main(int argc, char **argv)
{
	target_start();
	thread_count = target_argument(argc, argv, 1, 4);
	pair_count = target_argument(argc, argv, 2, 2000);
	window = pages_map(WINDOW_PAGES);
	gang_start(thread_count, round_run);
	target_claim(window, WINDOW_PAGES, 0, 0, "window");
	target_rest("threads");
	for (int i = 0; i < ROUNDS; i++) {
		char name[32];

		gang_round();
		round_claim();
		snprintf(name, sizeof(name), "round_%d", i + 1);
		target_rest(name);
	}
	pages_touch(window, 0, WINDOW_PAGES);
	target_claim(window, WINDOW_PAGES, WINDOW_PAGES, 0, "window");
	target_rest("window_touched");
	gang_end();
	target_rest("threads_gone");
	return 0;
}
