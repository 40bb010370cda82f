// SPDX-License-Identifier: GPL-2.0-only
/* Where resident pages are said to be, and in how many pieces they lie. */
#include "tests/unit/support.h"

#include "tests/unit/heap_world.h"

#define BASE ((uint64_t)0x7f0000000000) /* of 64 MiB, as glibc's arenas */
#define ARENA_STEP ((uint64_t)64 << 20)
#define LIBC ((uint64_t)0x7e0000000000)
#define JEMALLOC (LIBC + PAGES(10))
#define OWN_LIBRARY (LIBC + PAGES(20))
#define LEAF_PAGES 512

static struct ledger_parts parts_of(const struct world *w)
{
	struct ledger_parts parts;

	memset(&parts, 0x5a, sizeof(parts)); /* all of it is written */
	ledger_parts(w->ledger, &parts);
	return parts;
}

static uint64_t sum(const struct ledger_parts *parts)
{
	return parts->heap + parts->arenas + parts->own + parts->threads + parts->stack +
	       parts->files;
}

static struct world world_of(uint32_t allocator)
{
	struct world w = world_new();

	world_library(&w, LIBC, "libc.so.6");
	world_library(&w, JEMALLOC, "libjemalloc.so.2");
	world_library(&w, OWN_LIBRARY, "libown.so");
	w.ledger->allocator = allocator; /* not what the libraries make one think */
	return w;
}

static void nothing_is_resident(void **state)
{
	struct world w = world_of(ALLOCATOR_GLIBC);
	struct ledger_parts parts;

	(void)state;
	world_mmap(&w, BASE, PAGES(1000), RW, ANON);
	parts = parts_of(&w);
	assert_int_equal(sum(&parts), 0);
	assert_int_equal(parts.arena_count + parts.thread_stacks + parts.runs, 0);
	assert_int_equal(parts.huge_advised, 0);
	world_free(&w);
}

/* Each page is in one part; they add up to the ledger's pages. */
static void each_kind_has_its_part(void **state)
{
	struct world w = world_of(ALLOCATOR_GLIBC);
	uint64_t at = BASE + PAGES(1); /* aligned to nothing */
	struct ledger_parts parts;

	(void)state;
	world_found(&w, at, PAGES(100), VMA_KIND_HEAP);
	world_touch(&w, at, 3);
	world_found(&w, at + PAGES(200), PAGES(100), VMA_KIND_STACK);
	world_touch(&w, at + PAGES(200), 5);
	world_mmap(&w, at + PAGES(400), PAGES(100), RW, ANON | MAP_STACK);
	world_touch(&w, at + PAGES(400), 7);
	world_mmap(&w, at + PAGES(600), PAGES(100), RW, ANON | MAP_STACK); /* and not used */
	world_mmap_by(&w, at + PAGES(800), PAGES(100), LIBC);
	world_touch(&w, at + PAGES(800), 11);
	world_mmap_by(&w, at + PAGES(1000), PAGES(100), JEMALLOC);
	world_touch(&w, at + PAGES(1000), 13);
	world_mmap_by(&w, at + PAGES(1200), PAGES(100), OWN_LIBRARY);
	world_touch(&w, at + PAGES(1200), 17);
	world_mmap(&w, at + PAGES(1400), PAGES(100), RW, ANON); /* nobody knows who asked */
	world_touch(&w, at + PAGES(1400), 19);
	parts = parts_of(&w);
	assert_int_equal(parts.stack, 5);
	assert_int_equal(parts.threads, 7);
	assert_int_equal(parts.thread_stacks, 1);
	assert_int_equal(parts.own, 17);
	assert_int_equal(parts.heap, 3 + 11 + 13 + 19);
	assert_int_equal(parts.arenas, 0);
	assert_int_equal(sum(&parts), w.ledger->pages.pages);
	assert_int_equal(parts.runs, 5); /* stacks are none of them */
	world_free(&w);
}

/* Written pages of a private file mapping; a shared mapping has none of its own. */
static void files(void **state)
{
	struct world w = world_of(ALLOCATOR_GLIBC);
	struct event_mmap_file event = {
		.m = {.addr = BASE, .len = PAGES(10), .prot = RW, .flags = MAP_PRIVATE}, .ino = 5};
	struct ledger_parts parts;

	(void)state;
	snprintf(event.name, sizeof(event.name), "data");
	world_feed(&w, &event.m.h, EVENT_MMAP_FILE, sizeof(event));
	world_touch(&w, BASE, 4);
	world_mmap(&w, BASE + PAGES(100), PAGES(10), RW, MAP_SHARED | MAP_ANONYMOUS);
	world_touch(&w, BASE + PAGES(100), 10);
	parts = parts_of(&w);
	assert_int_equal(parts.files, 4);
	assert_int_equal(sum(&parts), 4);
	assert_int_equal(parts.runs, 0);
	world_free(&w);
}

/* glibc's arenas begin at 64 MiB; the same place is nothing special with another allocator. */
static void arenas_are_aligned(void **state)
{
	static const struct {
		uint32_t allocator;
		uint64_t arenas, count;
	} cases[] = {
		{ALLOCATOR_GLIBC, 5 + 9, 2}, {ALLOCATOR_JEMALLOC, 0, 0}, {ALLOCATOR_UNKNOWN, 0, 0}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct world w = world_of(cases[i].allocator);
		struct ledger_parts parts;

		world_mmap_by(&w, BASE, PAGES(100), LIBC);
		world_touch(&w, BASE, 5);
		world_mmap_by(&w, BASE + ARENA_STEP, PAGES(100), LIBC);
		world_touch(&w, BASE + ARENA_STEP, 9);
		world_mmap_by(&w, BASE + 2 * ARENA_STEP, PAGES(100), LIBC); /* without a page */
		world_mmap_by(&w, BASE + 3 * ARENA_STEP + PAGES(1), PAGES(100), LIBC);
		world_touch(&w, BASE + 3 * ARENA_STEP + PAGES(1), 20);
		world_mmap_by(&w, BASE + 4 * ARENA_STEP, PAGES(100), OWN_LIBRARY);
		world_touch(&w, BASE + 4 * ARENA_STEP, 30);
		parts = parts_of(&w);
		assert_int_equal(parts.arenas, cases[i].arenas);
		assert_int_equal(parts.arena_count, cases[i].count);
		assert_int_equal(parts.own, 30);
		assert_int_equal(parts.heap, 5 + 9 + 20 - cases[i].arenas);
		world_free(&w);
	}
}

static void huge_pages_are_advised(void **state)
{
	struct world w = world_of(ALLOCATOR_GLIBC);
	struct ledger_parts parts;

	(void)state;
	world_mmap(&w, BASE, PAGES(1024), RW, ANON);
	world_touch(&w, BASE, 700);
	world_range(&w, EVENT_MADVISE, BASE, PAGES(512), EVENT_CALL_MADVISE, MADV_HUGEPAGE);
	parts = parts_of(&w);
	assert_int_equal(parts.huge_advised, 512);
	assert_int_equal(sum(&parts), 700);
	world_free(&w);
}

/* ---- runs ---- */

#define RUN_PAGES (4 * LEAF_PAGES)

/* By asking for each page. */
static uint64_t runs_by_hand(const struct world *w, uint64_t addr, uint64_t pages)
{
	uint64_t runs = 0;
	bool before = false;

	for (uint64_t i = 0; i < pages; i++) {
		bool is = world_resident(w, addr + PAGES(i), PAGES(1)) > 0;

		runs += is && !before;
		before = is;
	}
	return runs;
}

static void runs_go_on(void **state)
{
	static const struct {
		uint64_t from, pages, runs; /* of what is there by then */
	} cases[] =
		{
			{0, 1, 1},   {2, 1, 2},	   {1, 1, 1},	   {60, 4, 2},
			{64, 1, 2},  {127, 1, 3},  {128, 64, 3},   {500, 12, 4},
			{512, 1, 4}, {1023, 2, 5}, {1600, 448, 6}, /* to the end */
		};
	struct world w = world_of(ALLOCATOR_JEMALLOC);

	(void)state;
	world_mmap(&w, BASE, PAGES(RUN_PAGES), RW, ANON);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		world_touch(&w, BASE + PAGES(cases[i].from), cases[i].pages);
		if (parts_of(&w).runs != cases[i].runs)
			fail_msg("case %zu: %llu", i, (unsigned long long)parts_of(&w).runs);
	}
	/* all of it is one */
	world_touch(&w, BASE, RUN_PAGES);
	assert_int_equal(parts_of(&w).runs, 1);
	world_range(&w, EVENT_MADVISE, BASE + PAGES(511), PAGES(2), EVENT_CALL_MADVISE,
		    MADV_DONTNEED);
	assert_int_equal(parts_of(&w).runs, 2);
	world_free(&w);
}

static void runs_at_random(void **state)
{
	uint64_t seed = 3;

	(void)state;
	for (int round = 0; round < 60; round++) {
		struct world w = world_of(ALLOCATOR_JEMALLOC);
		/* from and to the middle of a leaf, too */
		uint64_t addr = BASE + PAGES(random_below(&seed, 600));
		uint64_t pages = 1 + random_below(&seed, RUN_PAGES);
		uint64_t pieces = 1 + random_below(&seed, 100);

		world_mmap(&w, addr, PAGES(pages), RW, ANON);
		while (pieces--) {
			uint64_t from = random_below(&seed, pages);
			uint64_t most = pages - from < 150 ? pages - from : 150;

			world_touch(&w, addr + PAGES(from), 1 + random_below(&seed, most));
		}
		assert_int_equal(parts_of(&w).runs, runs_by_hand(&w, addr, pages));
		assert_int_equal(parts_of(&w).heap, w.ledger->pages.pages);
		world_free(&w);
	}
}

/*
 * Mappings that touch each other, as after mprotect: what lies side by side is one piece, and none
 * is counted with both.
 */
static void runs_across_mappings(void **state)
{
	struct world w = world_of(ALLOCATOR_JEMALLOC);

	(void)state;
	world_mmap(&w, BASE, PAGES(100), RW, ANON);
	world_touch(&w, BASE, 100);
	world_range(&w, EVENT_MPROTECT, BASE + PAGES(30), PAGES(20), EVENT_CALL_MPROTECT,
		    PROT_READ);
	assert_true(world_mapping(&w, BASE) != world_mapping(&w, BASE + PAGES(30)));
	assert_int_equal(parts_of(&w).runs, 1);
	world_range(&w, EVENT_MADVISE, BASE + PAGES(30), PAGES(1), EVENT_CALL_MADVISE,
		    MADV_DONTNEED);
	assert_int_equal(parts_of(&w).runs, 2);
	world_range(&w, EVENT_UNMAP, BASE + PAGES(50), PAGES(1), EVENT_CALL_MUNMAP, 0);
	assert_int_equal(parts_of(&w).runs, 3);
	/* beside a stack, whose pages are none */
	world_mmap(&w, BASE + PAGES(100), PAGES(10), RW, ANON | MAP_STACK);
	world_touch(&w, BASE + PAGES(100), 10);
	world_mmap(&w, BASE + PAGES(110), PAGES(10), RW, ANON);
	world_touch(&w, BASE + PAGES(110), 10);
	assert_int_equal(parts_of(&w).runs, 4);
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_resident),
		cmocka_unit_test(each_kind_has_its_part),
		cmocka_unit_test(files),
		cmocka_unit_test(arenas_are_aligned),
		cmocka_unit_test(huge_pages_are_advised),
		cmocka_unit_test(runs_go_on),
		cmocka_unit_test(runs_at_random),
		cmocka_unit_test(runs_across_mappings),
	};

	return cmocka_run_group_tests_name("ledger_parts", tests, NULL, NULL);
}
