// SPDX-License-Identifier: GPL-2.0-only
/* Past the cap only some pages are followed: estimates without bias, in bounded memory. */
#include "tests/unit/support.h"

#include "tests/unit/heap_world.h"

#define TRACKED 1024
#define START ((uint64_t)0x7f0000000000)
#define LIBRARY ((uint64_t)0x7f7000000000)

/* What is promised: 20 bytes in the set and 24 for pages, and what does not depend on the cap. */
#define BYTES_PER_TRACKED (20 + 24 + 12)
#define BYTES_FIXED ((uint64_t)3 << 20)

static struct world capped_world(size_t tracked)
{
	struct world w = world_new();

	w.ledger->heap_tracked = tracked;
	world_library(&w, LIBRARY, "libjemalloc.so.2");
	world_mmap_by(&w, START, (uint64_t)256 << 30, LIBRARY);
	world_probes(&w, HEAP_ON, ALLOCATOR_JEMALLOC, HEAP_WHOLE, 0);
	return w;
}

/* The truth about a heap. */
struct truth {
	uint64_t count;
	uint64_t bytes;
	uint64_t asked;
	uint64_t small; /* bytes in blocks of less than a page */
};

/*
 * Blocks in the classes of sizes, at a random place: some pages full of small ones, some with one
 * left, blocks across pages, large ones. Returns the end.
 */
static uint64_t fill(struct world *w, uint64_t *random, uint64_t addr, unsigned int runs,
		     struct truth *truth)
{
	static const uint64_t sizes[] = {80, 128, 224, 320, 1280, 4096, 20480, 1 << 20};

	for (unsigned int run = 0; run < runs; run++) {
		uint64_t asked = sizes[random_below(random, ARRAY_SIZE(sizes))];
		uint64_t size = heap_rounded(ALLOCATOR_JEMALLOC, asked -= asked / 20);
		uint64_t end = addr + page_ceil(size * (size < 8192 ? 60 : 2));
		uint64_t one_in = 1 + random_below(random, 3);

		for (; addr + size <= end; addr += size) {
			if (random_below(random, one_in))
				continue;
			world_alloc(w, addr, asked);
			truth->count++;
			truth->bytes += size;
			truth->asked += asked;
			truth->small += size < PAGE_BYTES ? size : 0;
		}
		addr = end;
	}
	return addr;
}

static void assert_near(double estimate, double truth, double share)
{
	if (estimate < truth * (1 - share) || estimate > truth * (1 + share))
		fail_msg("%.0f is not within %.1f%% of %.0f", estimate, share * 100, truth);
}

static void estimates_have_no_bias(void **state)
{
	uint64_t random = 4711;
	double count = 0, bytes = 0, asked = 0, seen_count = 0, seen_bytes = 0, seen_asked = 0;
	uint64_t one_in = 0;

	(void)state;
	for (unsigned int heaps = 0; heaps < 200; heaps++) {
		struct world w = capped_world(4 * TRACKED);
		uint64_t addr = START + PAGES(random_below(&random, 1 << 24));
		struct truth truth = {0};
		struct heap_report report;

		fill(&w, &random, addr, 600, &truth);
		report = world_heap(&w);
		assert_true(report.one_in > 1);
		assert_int_equal(report.totals.allocs, truth.count);
		one_in += report.one_in;
		count += (double)truth.count;
		bytes += (double)truth.bytes;
		asked += (double)truth.asked;
		seen_count += (double)report.live_count;
		seen_bytes += (double)report.live_bytes;
		seen_asked += (double)report.asked_bytes;
		world_free(&w);
	}
	assert_true(one_in > 200 * 2);
	assert_near(seen_count, count, 0.01);
	assert_near(seen_bytes, bytes, 0.01);
	assert_near(seen_asked, asked, 0.01);
}

/* Each size alone: neither small ones nor those across pages are preferred. */
static void no_size_is_preferred(void **state)
{
	static const uint64_t sizes[] = {112, 640, 2560, 3584, 5120, 65536};
	uint64_t random = 99;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		double seen = 0, seen_bytes = 0;

		for (unsigned int heaps = 0; heaps < 150; heaps++) {
			struct world w = capped_world(TRACKED);
			uint64_t addr = START + PAGES(random_below(&random, 1 << 24));
			struct heap_report report;

			world_alloc_many(&w, addr, sizes[i], 5000);
			report = world_heap(&w);
			seen += (double)report.live_count;
			seen_bytes += (double)report.live_bytes;
			world_free(&w);
		}
		assert_near(seen, 150 * 5000, 0.03);
		assert_near(seen_bytes, 150 * 5000 * (double)sizes[i], 0.03);
	}
}

/* Classes are scaled to all the pages there are, and come near the truth. */
static void pages_stay_whole(void **state)
{
	struct world w = capped_world(TRACKED);
	uint64_t addr = START + PAGES(12345);
	struct heap_report report;

	(void)state;
	world_touch(&w, addr, 6000);
	world_interval(&w, 1);
	w.now += MS(1000);
	world_touch(&w, addr + PAGES(6000), 3001);
	world_alloc_many(&w, addr, 1024, 4 * 3000);
	for (uint64_t page = 3000; page < 6000; page++)
		world_alloc(&w, addr + PAGES(page), 64);
	report = world_heap(&w);
	assert_true(report.one_in >= 8);
	assert_int_equal(report.pages, 9001);
	assert_near((double)report.classes[HEAP_LIVE], 3000, 0.1);
	assert_near((double)report.classes[HEAP_FRAGMENTED], 3000, 0.1);
	assert_near((double)report.classes[HEAP_FREE], 3001, 0.1);
	assert_int_equal(report.classes[HEAP_UNKNOWN], 0);
	assert_int_equal(report.retained[HEAP_LIVE], report.classes[HEAP_LIVE]);
	assert_int_equal(report.retained[HEAP_FREE], 0);
	assert_near((double)report.fragmented_bytes, 3000.0 * (4096 - 64), 0.1);
	assert_true(report.totals.untracked > 0);
	world_free(&w);
}

/* What was entered before the cap was reached goes as it came. */
static void what_is_freed_is_gone(void **state)
{
	struct world w = capped_world(TRACKED);
	uint64_t addr = START, random = 5;
	struct heap_report report;

	(void)state;
	for (uint64_t i = 0; i < 20000; i++)
		world_alloc(&w, addr + i * 6144, 5000);
	for (uint64_t i = 0; i < 20000; i++)
		world_alloc_flags(&w, addr + i * 6144, 5000 + random_below(&random, 100), 0,
				  ALLOC_IN_PLACE);
	for (uint64_t i = 0; i < 20000; i++)
		world_release(&w, addr + i * 6144, 0);
	report = world_heap(&w);
	assert_true(report.one_in > 1);
	assert_int_equal(report.live_count, 0);
	assert_int_equal(report.live_bytes, 0);
	assert_int_equal(report.asked_bytes, 0);
	assert_int_equal(report.totals.frees, 20000);
	assert_int_equal(report.totals.unknown_free, 0);
	world_free(&w);
}

static void memory_is_bounded(void **state)
{
	static const size_t limits[] = {TRACKED, 50000};
	uint64_t random = 77;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		struct world w = capped_world(limits[i]);
		uint64_t addr = START, most = 0;
		struct truth truth = {0};

		/* small ones, far more than fit, then one to a page, then large ones */
		for (unsigned int round = 0; round < 20; round++) {
			uint64_t memory;

			addr = fill(&w, &random, addr, 200, &truth);
			for (unsigned int n = 0; n < 5000; n++, addr += PAGE_BYTES)
				world_alloc(&w, addr, 24);
			for (unsigned int n = 0; n < 200; n++, addr += PAGES(3000))
				world_alloc(&w, addr, PAGES(3000));
			memory = heap_memory(w.ledger->heap);
			most = memory > most ? memory : most;
		}
		assert_true(most < limits[i] * BYTES_PER_TRACKED + BYTES_FIXED);
		world_free(&w);
	}
}

/* Without a cap in reach nothing is estimated. */
static void below_the_cap_all_is_exact(void **state)
{
	struct world w = capped_world(TRACKED);
	struct heap_report report;

	(void)state;
	world_alloc_many(&w, START, 64, TRACKED);
	report = world_heap(&w);
	assert_int_equal(report.one_in, 1);
	assert_int_equal(report.live_count, TRACKED);
	assert_int_equal(report.totals.untracked, 0);
	world_alloc(&w, 0x7f1000000000, 64);
	report = world_heap(&w);
	assert_int_equal(report.one_in, 2);
	assert_true(report.totals.untracked > 100);
	world_free(&w);
}

/* The same records give the same figures. */
static void replays_agree(void **state)
{
	struct heap_report reports[2];

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct world w = capped_world(TRACKED);
		struct truth truth = {0};
		uint64_t random = 1234;

		fill(&w, &random, START, 300, &truth);
		reports[i] = world_heap(&w);
		world_free(&w);
	}
	assert_memory_equal(&reports[0], &reports[1], sizeof(reports[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(estimates_have_no_bias),
		cmocka_unit_test(no_size_is_preferred),
		cmocka_unit_test(pages_stay_whole),
		cmocka_unit_test(what_is_freed_is_gone),
		cmocka_unit_test(memory_is_bounded),
		cmocka_unit_test(below_the_cap_all_is_exact),
		cmocka_unit_test(replays_agree),
	};

	return cmocka_run_group_tests_name("heap_cap", tests, NULL, NULL);
}
