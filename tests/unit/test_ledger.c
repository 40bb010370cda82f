// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/support.h"

#include <sys/mman.h>

#define A ((uint64_t)0x7f0000000000)
#define B ((uint64_t)0x7f8000000000)
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define WRITE (FAULT_USER | FAULT_WRITE)

#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

static const struct removal *newest_removal(const struct world *world)
{
	assert_true(world->ledger->removal_count > 0);
	return &world->ledger->removals[(world->ledger->removal_count - 1) % LEDGER_REMOVALS];
}

/* --- munmap, MAP_FIXED, brk ------------------------------------------------- */

static void munmap_takes_pages_and_mapping(void **state)
{
	struct world w = world_new();

	(void)state;
	world_mmap(&w, A, PAGES(100), RW, ANON);
	world_touch(&w, A, 50);
	assert_int_equal(w.ledger->totals.born, 50);
	w.tid = 4711;
	world_range(&w, EVENT_UNMAP, A + PAGES(10), PAGES(20) - 1, EVENT_CALL_MUNMAP, 0);
	assert_int_equal(w.ledger->pages.pages, 30);
	assert_int_equal(world_resident(&w, A + PAGES(10), PAGES(20)), 0);
	assert_int_equal(w.ledger->mappings.count, 2);
	assert_null(world_mapping(&w, A + PAGES(29)));
	assert_non_null(world_mapping(&w, A + PAGES(30)));
	assert_int_equal(w.ledger->totals.returned, 20);
	assert_int_equal(w.ledger->totals.purged, 0);
	assert_int_equal(newest_removal(&w)->pages, 20);
	assert_int_equal(newest_removal(&w)->tid, 4711);
	assert_int_equal(newest_removal(&w)->kind, REMOVAL_UNMAP);
	assert_true(newest_removal(&w)->end == A + PAGES(30));
	assert_true(newest_removal(&w)->time_ns == w.now);
	world_free(&w);
}

static void what_the_kernel_refuses_takes_nothing(void **state)
{
	struct world w = world_new();

	(void)state;
	world_mmap(&w, A, PAGES(10), RW, ANON);
	world_touch(&w, A, 10);
	world_range(&w, EVENT_UNMAP, A + 1, PAGES(2), EVENT_CALL_MUNMAP, 0);
	world_range(&w, EVENT_UNMAP, A, 0, EVENT_CALL_MUNMAP, 0);
	world_range(&w, EVENT_UNMAP, A, UINT64_MAX, EVENT_CALL_MUNMAP, 0);
	world_range(&w, EVENT_OVERLAY, A, 0 - A, EVENT_CALL_MMAP, 0);
	world_range(&w, EVENT_MADVISE, A + 1, PAGES(2), EVENT_CALL_MADVISE, MADV_DONTNEED);
	world_range(&w, EVENT_MADVISE, A, UINT64_MAX, EVENT_CALL_MADVISE, MADV_DONTNEED);
	assert_int_equal(w.ledger->pages.pages, 10);
	assert_int_equal(w.ledger->mappings.count, 1);
	world_free(&w);
}

static void map_fixed_takes_what_lies_under_it(void **state)
{
	struct world w = world_new();

	(void)state;
	world_mmap(&w, A, PAGES(10), RW, ANON);
	world_touch(&w, A, 10);
	world_range(&w, EVENT_OVERLAY, A + PAGES(2), PAGES(4), EVENT_CALL_MMAP, 0);
	assert_int_equal(w.ledger->pages.pages, 6);
	assert_int_equal(w.ledger->totals.returned, 4);
	assert_int_equal(newest_removal(&w)->kind, REMOVAL_OVERLAY);
	world_mmap(&w, A + PAGES(2), PAGES(4), PROT_NONE, ANON | MAP_FIXED);
	assert_int_equal(w.ledger->mappings.count, 3);
	world_free(&w);
}

static void creating_clears_nothing(void **state)
{
	struct world w = world_new();

	(void)state;
	/* the fault in the new mapping overtook the return of mmap */
	world_range(&w, EVENT_OVERLAY, A, PAGES(4), EVENT_CALL_MMAP, 0);
	world_mmap(&w, A, PAGES(8), RW, ANON);
	world_touch(&w, A, 3);
	world_mmap(&w, A, PAGES(8), RW, ANON | MAP_FIXED);
	assert_int_equal(w.ledger->pages.pages, 3);
	world_range(&w, EVENT_BRK, A, PAGES(20), EVENT_CALL_BRK, 0);
	world_range(&w, EVENT_MPROTECT, A, PAGES(8), 0, PROT_READ);
	assert_int_equal(w.ledger->pages.pages, 3);
	world_free(&w);
}

/* munmap is recorded when entered, so a range that another thread got since is safe. */
static void a_reused_range_keeps_its_new_pages(void **state)
{
	struct world w = world_new();

	(void)state;
	world_mmap(&w, A, PAGES(4), RW, ANON);
	world_touch(&w, A, 4);
	w.tid = 1;
	world_range(&w, EVENT_UNMAP, A, PAGES(4), EVENT_CALL_MUNMAP, 0);
	w.tid = 2;
	w.now += 500;
	world_mmap(&w, A, PAGES(4), RW, ANON);
	world_touch(&w, A, 2);
	assert_int_equal(w.ledger->pages.pages, 2);
	assert_non_null(world_mapping(&w, A));
	assert_int_equal(w.ledger->totals.returned, 4);
	assert_int_equal(w.ledger->totals.born, 6);
	assert_int_equal(w.ledger->totals.strays, 0);
	world_free(&w);
}

static void the_heap_grows_and_shrinks(void **state)
{
	struct world w = world_new();
	const uint64_t heap = 0x555500001000;

	(void)state;
	world_range(&w, EVENT_BRK, heap, PAGES(10) - 100, EVENT_CALL_BRK, 0);
	assert_int_equal(world_mapping(&w, heap)->attr.kind, MAPPING_HEAP);
	assert_true(world_mapping(&w, heap)->end == heap + PAGES(10));
	world_touch(&w, heap, 10);
	/* what mprotect made different stays so when the break goes up */
	world_range(&w, EVENT_MPROTECT, heap + PAGES(2), PAGES(2), 0, PROT_READ);
	world_range(&w, EVENT_BRK, heap, PAGES(20), EVENT_CALL_BRK, 0);
	assert_int_equal(world_mapping(&w, heap + PAGES(3))->attr.prot, PROT_READ);
	assert_int_equal(world_mapping(&w, heap + PAGES(19))->attr.prot, RW);
	assert_int_equal(w.ledger->mappings.count, 3);
	/* the page that holds the new break stays */
	world_range(&w, EVENT_BRK_SHRINK, heap + PAGES(6) + 1, PAGES(14) - 1, EVENT_CALL_BRK, 0);
	assert_int_equal(w.ledger->pages.pages, 7);
	assert_int_equal(w.ledger->totals.returned, 3);
	assert_int_equal(newest_removal(&w)->kind, REMOVAL_BRK);
	assert_true(world_mapping(&w, heap + PAGES(6))->end == heap + PAGES(7));
	/* within one page nothing goes */
	world_range(&w, EVENT_BRK_SHRINK, heap + PAGES(6) + 1, 4095, EVENT_CALL_BRK, 0);
	assert_int_equal(w.ledger->pages.pages, 7);
	world_free(&w);
}

/* --- mremap ------------------------------------------------------------------ */

struct move {
	uint64_t old_addr, old_len, new_len, new_addr;
	int64_t result;
	uint32_t flags;
};

static void mremap_half(struct world *w, enum event_kind kind, struct move move)
{
	struct event_mremap event = {
		.old_addr = move.old_addr,
		.old_len = move.old_len,
		.new_len = move.new_len,
		.new_addr = move.new_addr,
		.result = kind == EVENT_MREMAP_END ? move.result : 0,
		.flags = move.flags,
	};

	world_feed(w, &event.h, kind, sizeof(event));
}

static void mremap_whole(struct world *w, struct move move)
{
	mremap_half(w, EVENT_MREMAP_BEGIN, move);
	mremap_half(w, EVENT_MREMAP_END, move);
}

/* At A: eight pages mapped, six of them resident, from the second on. */
static struct world mremap_world(void)
{
	struct world w = world_new();

	world_mmap(&w, A, PAGES(8), RW, ANON | MAP_NORESERVE);
	w.tid = 17;
	world_touch(&w, A + PAGES(1), 6);
	w.tid = WORLD_PID;
	w.now += MS(500);
	return w;
}

static void mremap_moves_what_it_should(void **state)
{
	static const struct {
		struct move move;
		uint64_t a_mapped, a_pages, b_mapped, b_pages; /* afterwards, from A and from B */
	} cases[] = {
		/* in place */
		{{A, PAGES(8), PAGES(16), 0, A, 0}, 16, 6, 0, 0},
		{{A, PAGES(8), PAGES(16), 0, A, MREMAP_MAYMOVE}, 16, 6, 0, 0},
		{{A, PAGES(8) - 5, PAGES(16) - 9, 0, A, MREMAP_MAYMOVE}, 16, 6, 0, 0},
		{{A, PAGES(8), PAGES(8), 0, A, MREMAP_MAYMOVE}, 8, 6, 0, 0},
		{{A, PAGES(8), PAGES(3), 0, A, 0}, 3, 2, 0, 0},
		{{A, PAGES(8), PAGES(3), 0, A, MREMAP_MAYMOVE}, 3, 2, 0, 0},
		/* elsewhere */
		{{A, PAGES(8), PAGES(16), 0, B, MREMAP_MAYMOVE}, 0, 0, 16, 6},
		{{A, PAGES(8), PAGES(16), B, B, MREMAP_MAYMOVE | MREMAP_FIXED}, 0, 0, 16, 6},
		{{A, PAGES(8), PAGES(8), B, B, MREMAP_MAYMOVE | MREMAP_FIXED}, 0, 0, 8, 6},
		{{A, PAGES(8), PAGES(3), B, B, MREMAP_MAYMOVE | MREMAP_FIXED}, 0, 0, 3, 2},
		/* pages move, the mapping stays */
		{{A, PAGES(8), PAGES(8), 0, B, MREMAP_MAYMOVE | MREMAP_DONTUNMAP}, 8, 0, 8, 6},
		{{A, PAGES(8), PAGES(8), B, B, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP},
		 8,
		 0,
		 8,
		 6},
		/* refused */
		{{A, PAGES(8), PAGES(16), 0, -ENOMEM, 0}, 8, 6, 0, 0},
		{{A, PAGES(8), PAGES(16), 0, -ENOMEM, MREMAP_MAYMOVE}, 8, 6, 0, 0},
		{{A, PAGES(8), PAGES(8), B, -EINVAL, MREMAP_MAYMOVE | MREMAP_FIXED}, 8, 6, 0, 0},
		{{A, PAGES(8), PAGES(8), 0, -EINVAL, MREMAP_MAYMOVE | MREMAP_DONTUNMAP},
		 8,
		 6,
		 0,
		 0},
		{{A + 1, PAGES(8), PAGES(16), 0, -EINVAL, MREMAP_MAYMOVE}, 8, 6, 0, 0},
		{{A, PAGES(8), 0, 0, -EINVAL, MREMAP_MAYMOVE}, 8, 6, 0, 0},
		{{A, PAGES(8), PAGES(8), B + 1, -EINVAL, MREMAP_MAYMOVE | MREMAP_FIXED},
		 8,
		 6,
		 0,
		 0},
		/* part of it */
		{{A, PAGES(4), PAGES(4), B, B, MREMAP_MAYMOVE | MREMAP_FIXED}, 0, 3, 4, 3},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct world w = mremap_world();
		bool failed = cases[i].move.result < 0;
		uint64_t before = w.ledger->totals.born;
		const struct mapping *a, *b;

		mremap_whole(&w, cases[i].move);
		a = world_mapping(&w, A);
		b = world_mapping(&w, B);
		if (world_resident(&w, A, PAGES(64)) != cases[i].a_pages ||
		    world_resident(&w, B, PAGES(64)) != cases[i].b_pages ||
		    (a ? a->end - a->start : 0) != PAGES(cases[i].a_mapped) ||
		    (b ? b->end - b->start : 0) != PAGES(cases[i].b_mapped))
			fail_msg("case %zu: A %llu, B %llu pages", i,
				 (unsigned long long)world_resident(&w, A, PAGES(64)),
				 (unsigned long long)world_resident(&w, B, PAGES(64)));
		assert_int_equal(w.ledger->totals.failed, failed);
		assert_int_equal(w.ledger->totals.born, before);
		assert_int_equal(w.ledger->totals.purged, 0);
		assert_int_equal(w.ledger->totals.returned, 6 - w.ledger->pages.pages);
		assert_null(w.ledger->limbos);
		if (failed)
			assert_int_equal(w.ledger->requests[0].cause, CAUSE_FAILED);
		if (b) {
			assert_int_equal(b->attr.flags, MAPPING_NORESERVE);
			assert_int_equal(b->attr.prot, RW);
		}
		world_free(&w);
	}
}

/* A moved page keeps who touched it first, and when. */
static void moved_pages_keep_their_provenance(void **state)
{
	struct world w = mremap_world();
	struct page_entry before = *page_table_find(&w.ledger->pages, A + PAGES(1)), *after;
	const struct provenance *provenance;

	(void)state;
	w.tid = 99;
	mremap_whole(&w, (struct move){A, PAGES(8), PAGES(16), 0, (int64_t)B, MREMAP_MAYMOVE});
	after = page_table_find(&w.ledger->pages, B + PAGES(1));
	assert_non_null(after);
	assert_memory_equal(after, &before, sizeof(before));
	provenance = intern_get(&w.ledger->provenances, after->provenance);
	assert_int_equal(provenance->tid, 17);
	assert_int_equal(provenance->origin, ORIGIN_FAULT_USER);
	world_free(&w);
}

static void mremap_covers_its_target(void **state)
{
	struct world w = mremap_world();
	const struct move move = {A,
				  PAGES(8),
				  PAGES(8),
				  B + PAGES(2),
				  (int64_t)B + PAGES(2),
				  MREMAP_MAYMOVE | MREMAP_FIXED};

	(void)state;
	world_mmap(&w, B, PAGES(20), PROT_READ | PROT_WRITE, ANON);
	world_touch(&w, B, 20);
	mremap_whole(&w, move);
	assert_int_equal(world_resident(&w, B, PAGES(20)), 12 + 6);
	assert_int_equal(world_resident(&w, A, PAGES(8)), 0);
	assert_int_equal(w.ledger->totals.returned, 8);
	world_free(&w);
}

/* Under the holes of its source, the target stays. */
static void mremap_of_several_mappings_covers_these(void **state)
{
	struct world w = world_new();
	const struct move move = {A, PAGES(6),	 PAGES(6),
				  B, (int64_t)B, MREMAP_MAYMOVE | MREMAP_FIXED};

	(void)state;
	world_mmap(&w, A, PAGES(2), RW, ANON);
	world_mmap(&w, A + PAGES(4), PAGES(2), RW, ANON);
	world_mmap(&w, B, PAGES(6), RW, ANON | MAP_NORESERVE);
	world_touch(&w, B, 6);
	world_touch(&w, A, 1);
	mremap_whole(&w, move);
	assert_int_equal(world_resident(&w, B, PAGES(6)), 3);
	assert_int_equal(world_resident(&w, B + PAGES(2), PAGES(2)), 2);
	assert_int_equal(world_mapping(&w, B)->attr.flags, 0);
	assert_int_equal(world_mapping(&w, B + PAGES(2))->attr.flags, MAPPING_NORESERVE);
	assert_int_equal(w.ledger->mappings.count, 3);
	world_free(&w);
}

static void a_refused_mremap_asks_for_a_look(void **state)
{
	struct world w = mremap_world();
	struct scan_request request;

	(void)state;
	world_mmap(&w, B, PAGES(8), RW, ANON);
	world_touch(&w, B, 8);
	mremap_whole(&w, (struct move){A, PAGES(8), PAGES(8), B, -ENOMEM,
				       MREMAP_MAYMOVE | MREMAP_FIXED});
	assert_int_equal(w.ledger->request_count, 2);
	assert_false(ledger_take_request(w.ledger, w.now, &request));
	assert_true(ledger_take_request(w.ledger, w.now + MS(100), &request));
	assert_true(request.start == A && request.end == A + PAGES(8));
	assert_true(ledger_take_request(w.ledger, w.now + MS(100), &request));
	assert_true(request.start == B && request.end == B + PAGES(8));
	world_free(&w);
}

static void threads_move_at_the_same_time(void **state)
{
	struct world w = mremap_world();
	const struct move up = {A, PAGES(8), PAGES(16), 0, (int64_t)A + PAGES(100), MREMAP_MAYMOVE};
	const struct move other = {B, PAGES(2), PAGES(4), 0, (int64_t)A, MREMAP_MAYMOVE};

	(void)state;
	world_mmap(&w, B, PAGES(2), RW, ANON);
	world_touch(&w, B, 2);
	w.tid = 1;
	mremap_half(&w, EVENT_MREMAP_BEGIN, up);
	w.tid = 2;
	mremap_half(&w, EVENT_MREMAP_BEGIN, other);
	assert_int_equal(w.ledger->pages.pages, 0);
	/* the second takes the place that the first has left */
	mremap_half(&w, EVENT_MREMAP_END, other);
	w.tid = 1;
	mremap_half(&w, EVENT_MREMAP_END, up);
	assert_int_equal(world_resident(&w, A, PAGES(8)), 2);
	assert_int_equal(world_resident(&w, A + PAGES(100), PAGES(8)), 6);
	assert_null(w.ledger->limbos);
	world_free(&w);
}

static void a_fault_during_mremap_is_no_stray(void **state)
{
	struct world w = mremap_world();
	const struct move grow = {A, PAGES(8), PAGES(16), 0, (int64_t)A, 0};

	(void)state;
	mremap_half(&w, EVENT_MREMAP_BEGIN, grow);
	world_fault(&w, A, WRITE);
	world_fault(&w, A + PAGES(1), WRITE);
	mremap_half(&w, EVENT_MREMAP_END, grow);
	assert_int_equal(w.ledger->pages.pages, 7);
	assert_int_equal(w.ledger->totals.strays, 0);
	world_free(&w);
}

static void an_interval_ends_during_mremap(void **state)
{
	struct world w = mremap_world();
	const struct move grow = {A, PAGES(8), PAGES(16), 0, (int64_t)B, MREMAP_MAYMOVE};

	(void)state;
	assert_int_equal(ledger_classes(w.ledger).retained, 0);
	mremap_half(&w, EVENT_MREMAP_BEGIN, grow);
	w.now += MS(100);
	world_interval(&w, 1);
	w.now += MS(100);
	mremap_half(&w, EVENT_MREMAP_END, grow);
	assert_int_equal(ledger_classes(w.ledger).resident, 6);
	assert_int_equal(ledger_classes(w.ledger).retained, 6);
	world_touch(&w, B, 1);
	world_range(&w, EVENT_UNMAP, B + PAGES(1), PAGES(3), EVENT_CALL_MUNMAP, 0);
	assert_int_equal(ledger_classes(w.ledger).resident, 4);
	assert_int_equal(ledger_classes(w.ledger).retained, 3);
	world_free(&w);
}

/* Without MREMAP_FIXED the kernel does not read the fifth argument: it may be anything. */
static void mremap_ignores_an_address_not_asked_for(void **state)
{
	struct world w = mremap_world();
	const struct move grow = {A, PAGES(8), PAGES(16), UINT64_MAX, (int64_t)B, MREMAP_MAYMOVE};

	(void)state;
	mremap_whole(&w, grow);
	assert_null(world_mapping(&w, A));
	assert_non_null(world_mapping(&w, B));
	assert_int_equal(w.ledger->pages.pages, 6);
	assert_int_equal(w.ledger->request_count, 0);
	world_free(&w);
}

static void lost_halves_of_mremap(void **state)
{
	struct world w = mremap_world();
	const struct move move = {A, PAGES(8), PAGES(16), 0, (int64_t)B, MREMAP_MAYMOVE};

	(void)state;
	/* an END alone: pages went where we do not know: both places are looked at */
	mremap_half(&w, EVENT_MREMAP_END, move);
	assert_int_equal(w.ledger->request_count, 2);
	assert_int_equal(w.ledger->pages.pages, 6);
	/* a BEGIN alone: the next of the same thread ends it */
	mremap_half(&w, EVENT_MREMAP_BEGIN, move);
	world_mmap(&w, B, PAGES(8), RW, ANON);
	world_touch(&w, B, 1);
	mremap_whole(&w, (struct move){B, PAGES(8), PAGES(16), 0, (int64_t)A, MREMAP_MAYMOVE});
	assert_int_equal(w.ledger->pages.pages, 1);
	assert_null(w.ledger->limbos);
	world_free(&w);
}

/* An old length of 0 makes a second mapping of shared memory: nothing of its neighbour's. */
static void mremap_of_length_0_duplicates(void **state)
{
	struct world w = world_new();

	(void)state;
	world_mmap(&w, A, PAGES(4), RW, MAP_SHARED | MAP_ANONYMOUS);
	world_mmap(&w, B - PAGES(1), PAGES(1), RW, ANON);
	mremap_whole(&w, (struct move){A, 0, PAGES(4), 0, (int64_t)B, MREMAP_MAYMOVE});
	assert_non_null(world_mapping(&w, B));
	assert_int_equal(world_mapping(&w, B)->attr.flags, MAPPING_SHARED);
	world_touch(&w, B, 4);
	assert_int_equal(w.ledger->pages.pages, 0);
	world_free(&w);
}

/* --- madvise, mprotect --------------------------------------------------------- */

static void purging_keeps_the_mapping(void **state)
{
	static const uint32_t advices[] = {MADV_DONTNEED, MADV_DONTNEED_LOCKED, 102};
	struct world w = world_new();

	(void)state;
	world_mmap(&w, A, PAGES(100), RW, ANON);
	for (uint32_t i = 0; i < ARRAY_SIZE(advices); i++) {
		world_touch(&w, A, 20);
		world_range(&w, EVENT_MADVISE, A + PAGES(5), PAGES(10) - 50, EVENT_CALL_MADVISE,
			    advices[i]);
		assert_int_equal(w.ledger->pages.pages, 10);
		assert_int_equal(w.ledger->totals.purged, 10 * (i + 1));
		assert_int_equal(newest_removal(&w)->kind, REMOVAL_PURGE);
	}
	assert_int_equal(w.ledger->totals.returned, 0);
	assert_int_equal(w.ledger->totals.born, 20 + 2 * 10);
	assert_int_equal(w.ledger->mappings.count, 1);
	/* advice that takes no page */
	world_range(&w, EVENT_MADVISE, A, PAGES(10), EVENT_CALL_MADVISE, MADV_WILLNEED);
	world_range(&w, EVENT_MADVISE, A, PAGES(10), EVENT_CALL_MADVISE, 9999);
	assert_int_equal(w.ledger->pages.pages, 10);
	world_free(&w);
}

static void lazily_freed_pages_stay_until_touched(void **state)
{
	struct world w = world_new();

	(void)state;
	world_mmap(&w, A, PAGES(10), RW, ANON);
	world_touch(&w, A, 10);
	world_range(&w, EVENT_MADVISE, A, PAGES(6), EVENT_CALL_MADVISE, MADV_FREE);
	assert_int_equal(ledger_classes(w.ledger).lazy, 6);
	assert_int_equal(ledger_classes(w.ledger).resident, 10);
	assert_true(w.ledger->lazy_ns == w.now);
	/* a write that faults, as after fork */
	world_fault(&w, A, WRITE | FAULT_PRESENT);
	assert_int_equal(ledger_classes(w.ledger).lazy, 5);
	world_range(&w, EVENT_UNMAP, A + PAGES(1), PAGES(2), EVENT_CALL_MUNMAP, 0);
	assert_int_equal(ledger_classes(w.ledger).lazy, 3);
	assert_int_equal(w.ledger->totals.purged, 0);
	world_free(&w);
}

static void advice_marks_mappings(void **state)
{
	static const struct {
		uint32_t advice;
		uint8_t flags;
	} steps[] = {
		{MADV_HUGEPAGE, MAPPING_HUGE},
		{MADV_NOHUGEPAGE, MAPPING_NOHUGE},
		{MADV_DONTFORK, MAPPING_NOHUGE | MAPPING_DONTFORK},
		{MADV_HUGEPAGE, MAPPING_HUGE | MAPPING_DONTFORK},
		{MADV_DOFORK, MAPPING_HUGE},
		{MADV_WIPEONFORK, MAPPING_HUGE | MAPPING_WIPEONFORK},
		{MADV_KEEPONFORK, MAPPING_HUGE},
	};
	struct world w = world_new();

	(void)state;
	world_mmap(&w, A, PAGES(10), RW, ANON);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		world_range(&w, EVENT_MADVISE, A + PAGES(2), PAGES(4), EVENT_CALL_MADVISE,
			    steps[i].advice);
		assert_int_equal(world_mapping(&w, A + PAGES(2))->attr.flags, steps[i].flags);
		assert_int_equal(world_mapping(&w, A)->attr.flags, 0);
		assert_int_equal(w.ledger->mappings.count, 3);
	}
	world_free(&w);
}

static void mprotect_splits_and_merges(void **state)
{
	struct world w = world_new();

	(void)state;
	world_mmap(&w, A, PAGES(10), PROT_NONE, ANON);
	world_range(&w, EVENT_MPROTECT, A, PAGES(4) - 1, 0, RW);
	assert_int_equal(w.ledger->mappings.count, 2);
	assert_true(world_mapping(&w, A)->end == A + PAGES(4));
	world_touch(&w, A, 4);
	world_fault(&w, A + PAGES(5), WRITE);
	assert_int_equal(w.ledger->pages.pages, 4);
	assert_int_equal(w.ledger->totals.strays, 1);
	/* mprotect takes no page away */
	world_range(&w, EVENT_MPROTECT, A, PAGES(4), 0, PROT_NONE);
	assert_int_equal(w.ledger->mappings.count, 1);
	assert_int_equal(w.ledger->pages.pages, 4);
	world_free(&w);
}

/* --- faults ---------------------------------------------------------------------- */

static void map_file(struct world *w, uint64_t addr, uint64_t len, uint32_t prot, uint32_t flags,
		     const char *name)
{
	struct event_mmap_file event = {
		.m = {.addr = addr, .len = len, .prot = prot, .flags = flags}, .ino = 5};

	strncpy(event.name, name, sizeof(event.name) - 1);
	world_feed(w, &event.m.h, EVENT_MMAP_FILE, sizeof(event));
}

static void only_private_writes_make_anonymous_pages(void **state)
{
	struct world w = world_new();

	(void)state;
	world_mmap(&w, A, PAGES(4), RW, ANON);
	world_fault(&w, A, FAULT_USER); /* the zero page */
	assert_int_equal(w.ledger->pages.pages, 0);
	world_fault(&w, A, WRITE | FAULT_PRESENT);
	assert_int_equal(w.ledger->pages.pages, 1);
	map_file(&w, B, PAGES(4), RW, MAP_PRIVATE, "data");
	world_fault(&w, B, FAULT_USER);
	assert_int_equal(w.ledger->pages.pages, 1);
	world_fault(&w, B + 77, WRITE);
	assert_int_equal(w.ledger->pages.pages, 2);
	map_file(&w, B + PAGES(8), PAGES(4), RW, MAP_SHARED, "data");
	world_touch(&w, B + PAGES(8), 4);
	world_mmap(&w, B + PAGES(16), PAGES(4), RW, MAP_SHARED | MAP_ANONYMOUS);
	world_touch(&w, B + PAGES(16), 4);
	world_mmap(&w, A + ((uint64_t)1 << 30), (uint64_t)1 << 21, RW, ANON | MAP_HUGETLB);
	world_touch(&w, A + ((uint64_t)1 << 30), 1);
	assert_int_equal(w.ledger->pages.pages, 2);
	assert_int_equal(w.ledger->totals.born, 2);
	assert_int_equal(w.ledger->totals.faults, 4 + 4 + 4 + 1);
	assert_int_equal(w.ledger->totals.strays, 0);
	world_free(&w);
}

static void a_page_is_born_once(void **state)
{
	struct world w = world_new();
	const struct provenance *provenance;

	(void)state;
	world_mmap(&w, A, PAGES(4), RW, ANON);
	w.tid = 5;
	world_fault(&w, A + 100, FAULT_WRITE); /* read(2) into a fresh buffer */
	w.tid = 6;
	w.now += MS(50);
	world_fault(&w, A + 200, WRITE);
	provenance = intern_get(&w.ledger->provenances,
				page_table_find(&w.ledger->pages, A)->provenance);
	assert_int_equal(provenance->tid, 5);
	assert_int_equal(provenance->origin, ORIGIN_FAULT_KERNEL);
	assert_int_equal(page_table_find(&w.ledger->pages, A)->birth,
			 1000 / (LEDGER_TICK_NS / NSEC_PER_MSEC) + 1);
	assert_int_equal(w.ledger->totals.born, 1);
	assert_int_equal(w.ledger->totals.faults, 2);
	world_free(&w);
}

static void faults_outside_mappings_are_strays(void **state)
{
	struct world w = world_new();

	(void)state;
	world_fault(&w, A, WRITE);
	world_fault(&w, 0, FAULT_USER);
	assert_int_equal(w.ledger->totals.strays, 1);
	assert_int_equal(w.ledger->pages.pages, 0);
	/* but not before all mappings are known */
	w.ledger->complete = false;
	world_fault(&w, A, WRITE);
	assert_int_equal(w.ledger->totals.strays, 1);
	assert_int_equal(w.ledger->pages.pages, 1);
	world_free(&w);
}

static void stacks_grow_down(void **state)
{
	struct world w = world_new();
	struct event_vma stack = {.gap_start = A,
				  .start = A + PAGES(1000),
				  .end = A + PAGES(1010),
				  .prot = RW,
				  .flags = MAP_PRIVATE,
				  .vma_kind = VMA_KIND_STACK,
				  .name = "[stack]"};

	(void)state;
	world_feed(&w, &stack.h, EVENT_VMA, sizeof(stack));
	world_fault(&w, A + PAGES(998) + 8, WRITE);
	assert_true(world_mapping(&w, A + PAGES(999))->start == A + PAGES(998));
	assert_int_equal(w.ledger->pages.pages, 1);
	world_fault(&w, A + PAGES(900), FAULT_USER); /* reading, too, but that is the zero page */
	assert_true(world_mapping(&w, A + PAGES(999))->start == A + PAGES(900));
	assert_int_equal(w.ledger->pages.pages, 1);
	assert_int_equal(w.ledger->totals.strays, 0);
	/* too far, or above it */
	world_fault(&w, A - ((uint64_t)2 << 30), WRITE);
	world_fault(&w, A + PAGES(1010), WRITE);
	assert_int_equal(w.ledger->totals.strays, 2);
	assert_int_equal(w.ledger->mappings.count, 1);
	world_free(&w);
}

static void huge_pages_are_looked_for(void **state)
{
	const uint64_t huge = LEAF_BYTES;
	struct world w = world_new();
	struct scan_request request;

	(void)state;
	w.ledger->identity_flags = 0; /* madvise */
	world_mmap(&w, A, 8 * huge, RW, ANON);
	world_fault(&w, A, WRITE);
	assert_int_equal(w.ledger->request_count, 0);
	world_range(&w, EVENT_MADVISE, A + 2 * huge, 2 * huge, EVENT_CALL_MADVISE, MADV_HUGEPAGE);
	world_fault(&w, A + 2 * huge + 5 * 4096, WRITE);
	assert_int_equal(w.ledger->request_count, 1);
	/* the second touch there cannot bring a huge page */
	world_fault(&w, A + 2 * huge + 9 * 4096, WRITE);
	assert_false(ledger_take_request(w.ledger, w.now, &request));
	assert_true(ledger_take_request(w.ledger, w.now + MS(20), &request));
	assert_int_equal(request.cause, CAUSE_HUGE);
	assert_true(request.start == A + 2 * huge && request.end == A + 3 * huge);
	assert_false(ledger_take_request(w.ledger, UINT64_MAX, &request));
	/* never is never */
	w.ledger->identity_flags = IDENTITY_THP_NEVER;
	world_fault(&w, A + 3 * huge, WRITE);
	assert_int_equal(w.ledger->request_count, 0);
	w.ledger->identity_flags = IDENTITY_THP_ALWAYS;
	world_fault(&w, A + 4 * huge, WRITE);
	assert_int_equal(w.ledger->request_count, 1);
	assert_true(ledger_take_request(w.ledger, UINT64_MAX, &request));
	world_range(&w, EVENT_MADVISE, A + 5 * huge, huge, EVENT_CALL_MADVISE, MADV_NOHUGEPAGE);
	world_fault(&w, A + 5 * huge, WRITE);
	assert_int_equal(w.ledger->request_count, 0);
	/* a mapping that does not hold 2 MiB, unless smaller sizes are enabled */
	world_mmap(&w, B + 4096, PAGES(16), RW, ANON);
	world_fault(&w, B + 4096, WRITE);
	assert_int_equal(w.ledger->request_count, 0);
	w.ledger->identity_flags |= IDENTITY_THP_SIZES;
	world_fault(&w, B + 8192, WRITE);
	assert_true(ledger_take_request(w.ledger, UINT64_MAX, &request));
	assert_true(request.start == B + 4096 && request.end == B + PAGES(17));
	world_free(&w);
}

/* --- the life of a process ------------------------------------------------------- */

static void fork_copies_but_what_is_kept(void **state)
{
	struct world w = world_new();
	struct event_fork event = {.child = 4001, .flags = FORK_WATCHED, .comm = "child"};
	struct world child = {0};

	(void)state;
	world_mmap(&w, A, PAGES(30), RW, ANON);
	world_touch(&w, A, 30);
	world_range(&w, EVENT_MADVISE, A, PAGES(10), EVENT_CALL_MADVISE, MADV_DONTFORK);
	world_range(&w, EVENT_MADVISE, A + PAGES(10), PAGES(10), EVENT_CALL_MADVISE,
		    MADV_WIPEONFORK);
	world_range(&w, EVENT_MADVISE, A + PAGES(20), PAGES(2), EVENT_CALL_MADVISE, MADV_FREE);
	w.ledger->allocator = ALLOCATOR_JEMALLOC;
	w.now += MS(10);
	world_feed(&w, &event.h, EVENT_FORK, sizeof(event));
	child.ledger = ledger_fork(w.ledger, &event);
	child.now = w.now + MS(10);
	assert_non_null(child.ledger);
	assert_int_equal(child.ledger->pid, 4001);
	assert_string_equal(child.ledger->comm, "child");
	assert_int_equal(child.ledger->allocator, ALLOCATOR_JEMALLOC);
	assert_null(world_mapping(&child, A));
	assert_non_null(world_mapping(&child, A + PAGES(10)));
	assert_int_equal(world_resident(&child, A, PAGES(20)), 0);
	assert_int_equal(world_resident(&child, A + PAGES(20), PAGES(10)), 10);
	assert_int_equal(ledger_classes(child.ledger).lazy, 2);
	assert_true(child.ledger->rescan_all && !child.ledger->complete);
	assert_int_equal(child.ledger->rescan_cause, CAUSE_ATTACH);
	assert_int_equal(child.ledger->totals.born, 0);
	/* from now on each for itself */
	world_range(&child, EVENT_UNMAP, A + PAGES(20), PAGES(10), EVENT_CALL_MUNMAP, 0);
	assert_int_equal(w.ledger->pages.pages, 30);
	assert_int_equal(w.ledger->mappings.count, 3);
	world_free(&w);
	world_mmap(&child, A, PAGES(1), RW, ANON);
	world_touch(&child, A, 1);
	assert_int_equal(child.ledger->pages.pages, 1);
	world_free(&child);
}

static void exec_begins_anew(void **state)
{
	struct world w = world_new();
	struct event_exec event = {.comm = "new"};

	(void)state;
	world_interval(&w, 1);
	w.ledger->allocator = ALLOCATOR_JEMALLOC;
	world_mmap(&w, A, PAGES(30), RW, ANON);
	world_touch(&w, A, 30);
	world_range(&w, EVENT_FAILED, A, PAGES(1), EVENT_CALL_MADVISE, 0);
	mremap_half(&w, EVENT_MREMAP_BEGIN, (struct move){A, PAGES(8), PAGES(16), 0, 0, 1});
	world_feed(&w, &event.h, EVENT_EXEC, sizeof(event));
	assert_string_equal(w.ledger->comm, "new");
	assert_int_equal(w.ledger->pages.pages, 0);
	assert_int_equal(w.ledger->pages.bytes, 0);
	assert_int_equal(w.ledger->mappings.count, 0);
	assert_null(w.ledger->limbos);
	assert_int_equal(w.ledger->request_count, 0);
	assert_int_equal(w.ledger->allocator, ALLOCATOR_UNKNOWN);
	assert_false(w.ledger->complete);
	assert_true(w.ledger->rescan_all);
	assert_int_equal(w.ledger->rescan_cause, CAUSE_ATTACH);
	/* totals and the interval go on */
	assert_int_equal(w.ledger->totals.born, 30);
	w.now += MS(50);
	world_mmap(&w, A, PAGES(1), RW, ANON);
	world_touch(&w, A, 1);
	assert_int_equal(ledger_classes(w.ledger).retained, 0);
	world_free(&w);
}

static void after_exit_nothing_changes(void **state)
{
	struct world w = world_new();
	struct event_exit event = {.code = 256, .lost = 7};
	uint64_t exit_ns;

	(void)state;
	world_mmap(&w, A, PAGES(30), RW, ANON);
	world_touch(&w, A, 30);
	world_range(&w, EVENT_FAILED, A, PAGES(1), EVENT_CALL_MADVISE, 0);
	w.ledger->rescan_all = true;
	world_feed(&w, &event.h, EVENT_EXIT, sizeof(event));
	exit_ns = w.now;
	assert_true(w.ledger->exit_ns == exit_ns);
	assert_int_equal(w.ledger->exit_code, 256);
	assert_int_equal(w.ledger->totals.lost, 7);
	assert_int_equal(w.ledger->request_count, 0);
	assert_false(w.ledger->rescan_all);
	/* the pid is used again */
	w.now += MS(10);
	world_touch(&w, A, 40);
	world_range(&w, EVENT_UNMAP, A, PAGES(30), EVENT_CALL_MUNMAP, 0);
	world_range(&w, EVENT_FAILED, A, PAGES(1), EVENT_CALL_MADVISE, 0);
	assert_int_equal(w.ledger->pages.pages, 30);
	assert_int_equal(w.ledger->request_count, 0);
	assert_int_equal(ledger_classes(w.ledger).retained, 0);
	world_interval(&w, 1);
	assert_int_equal(ledger_classes(w.ledger).retained, 30);
	world_free(&w);
}

static void pages_of_earlier_intervals_are_retained(void **state)
{
	struct world w = world_new();

	(void)state;
	world_mmap(&w, A, PAGES(2000), RW, ANON);
	world_touch(&w, A, 600);
	assert_int_equal(ledger_classes(w.ledger).retained, 0);
	w.now += MS(1000);
	world_interval(&w, 1);
	assert_int_equal(ledger_classes(w.ledger).retained, 600);
	w.now += MS(500);
	world_touch(&w, A + PAGES(500), 200);
	assert_int_equal(ledger_classes(w.ledger).resident, 700);
	assert_int_equal(ledger_classes(w.ledger).retained, 600);
	world_range(&w, EVENT_MADVISE, A, PAGES(550), EVENT_CALL_MADVISE, MADV_DONTNEED);
	assert_int_equal(ledger_classes(w.ledger).retained, 50);
	/* purged and touched again is new */
	world_touch(&w, A, 10);
	assert_int_equal(ledger_classes(w.ledger).retained, 50);
	w.now += MS(1000);
	world_interval(&w, 2);
	assert_int_equal(ledger_classes(w.ledger).retained, 160);
	world_free(&w);
}

/*
 * The clock's ticks are coarse: pages of the old interval and of the new may
 * have the same birth. However they are counted, the counts must add up.
 */
static void an_interval_may_end_within_a_tick(void **state)
{
	struct world w = world_new();
	struct ledger_classes classes;

	(void)state;
	w.now += MS(2);
	world_mmap(&w, A, PAGES(20), RW, ANON);
	world_touch(&w, A, 5);
	w.now += MS(2);
	world_interval(&w, 1);
	assert_int_equal(ledger_classes(w.ledger).retained, 5);
	w.now += MS(2);
	world_touch(&w, A + PAGES(5), 1);
	world_range(&w, EVENT_UNMAP, A, PAGES(4), EVENT_CALL_MUNMAP, 0);
	classes = ledger_classes(w.ledger);
	assert_int_equal(classes.resident, 2);
	assert_in_range(classes.retained, 1, 2);
	world_range(&w, EVENT_UNMAP, A, PAGES(20), EVENT_CALL_MUNMAP, 0);
	assert_int_equal(ledger_classes(w.ledger).retained, 0);
	assert_int_equal(w.ledger->pages.young, 0);
	world_free(&w);
}

/* --- failures, losses, requests ---------------------------------------------------- */

static void a_refused_call_asks_for_a_look(void **state)
{
	struct world w = world_new();
	struct scan_request request;

	(void)state;
	world_mmap(&w, A, PAGES(10), RW, ANON);
	world_touch(&w, A, 10);
	world_range(&w, EVENT_MADVISE, A, PAGES(10), EVENT_CALL_MADVISE, MADV_DONTNEED);
	world_range(&w, EVENT_FAILED, A + 5, PAGES(9), EVENT_CALL_MADVISE, 0);
	assert_int_equal(w.ledger->totals.failed, 1);
	assert_false(ledger_take_request(w.ledger, w.now, &request));
	assert_true(ledger_take_request(w.ledger, w.now + MS(50), &request));
	assert_true(request.start == A && request.end == A + PAGES(10));
	assert_int_equal(request.cause, CAUSE_FAILED);
	world_free(&w);
}

static void a_refused_mprotect_holds_up_to_the_hole(void **state)
{
	struct world w = world_new();

	(void)state;
	world_mmap(&w, A, PAGES(4), PROT_NONE, ANON);
	world_mmap(&w, A + PAGES(6), PAGES(4), PROT_NONE, ANON);
	world_range(&w, EVENT_FAILED, A, PAGES(10), EVENT_CALL_MPROTECT, RW);
	assert_int_equal(world_mapping(&w, A)->attr.prot, RW);
	assert_int_equal(world_mapping(&w, A + PAGES(6))->attr.prot, PROT_NONE);
	assert_int_equal(w.ledger->request_count, 1);
	world_free(&w);
}

static void populate_asks_for_a_look(void **state)
{
	struct world w = world_new();

	(void)state;
	world_mmap(&w, A, PAGES(4), RW, ANON | MAP_POPULATE);
	assert_int_equal(w.ledger->requests[0].cause, CAUSE_POPULATE);
	world_range(&w, EVENT_POPULATE, B + 5, 10, EVENT_CALL_MADVISE, MADV_PAGEOUT);
	assert_int_equal(w.ledger->requests[1].cause, CAUSE_ADVICE);
	assert_true(w.ledger->requests[1].start == B);
	assert_true(w.ledger->requests[1].end == B + 4096);
	world_range(&w, EVENT_POPULATE, 0, UINT64_MAX, EVENT_CALL_MLOCK, 0);
	assert_int_equal(w.ledger->requests[2].cause, CAUSE_POPULATE);
	assert_true(w.ledger->requests[2].end == PAGE_TABLE_LIMIT);
	world_free(&w);
}

static void losses_lead_to_a_look_at_everything(void **state)
{
	struct world w = world_new();
	struct event_loss event = {.lost = 12};

	(void)state;
	mremap_half(&w, EVENT_MREMAP_BEGIN, (struct move){A, PAGES(8), PAGES(16), 0, 0, 1});
	assert_non_null(w.ledger->limbos);
	assert_false(w.ledger->rescan_all);
	world_feed(&w, &event.h, EVENT_LOSS, sizeof(event));
	world_feed(&w, &event.h, EVENT_LOSS, sizeof(event));
	assert_int_equal(w.ledger->totals.lost, 24);
	assert_true(w.ledger->rescan_all);
	assert_int_equal(w.ledger->rescan_cause, CAUSE_LOSS);
	assert_null(w.ledger->limbos);
	world_free(&w);
}

static void what_cannot_be_applied_is_counted(void **state)
{
	struct world w = world_new();
	struct event_mmap event = {.addr = A + 1, .len = 4096};
	struct event_header unknown = {.size = sizeof(unknown), .kind = EVENT_KIND_COUNT};

	(void)state;
	assert_int_equal(world_apply(&w, &event.h, EVENT_MMAP, sizeof(event)), -EINVAL);
	assert_int_equal(w.ledger->totals.errors, 1);
	assert_true(w.ledger->rescan_all);
	assert_int_equal(ledger_apply(w.ledger, &unknown), -EINVAL);
	unknown.kind = EVENT_NONE;
	assert_int_equal(ledger_apply(w.ledger, &unknown), -EINVAL);
	assert_int_equal(w.ledger->totals.errors, 1);
	world_free(&w);
}

static void requests_that_touch_are_one(void **state)
{
	struct world w = world_new();
	struct scan_request request;

	(void)state;
	world_range(&w, EVENT_FAILED, A, PAGES(2), EVENT_CALL_MUNMAP, 0);
	world_range(&w, EVENT_FAILED, A + PAGES(2), PAGES(2), EVENT_CALL_MUNMAP, 0);
	world_range(&w, EVENT_FAILED, A + PAGES(8), PAGES(2), EVENT_CALL_MUNMAP, 0);
	world_range(&w, EVENT_POPULATE, A + PAGES(8), PAGES(2), EVENT_CALL_MLOCK, 0);
	assert_int_equal(w.ledger->request_count, 3);
	assert_true(ledger_take_request(w.ledger, UINT64_MAX, &request));
	assert_true(request.start == A && request.end == A + PAGES(4));
	assert_true(ledger_take_request(w.ledger, UINT64_MAX, &request));
	assert_int_equal(request.cause, CAUSE_FAILED);
	assert_true(ledger_take_request(w.ledger, UINT64_MAX, &request));
	assert_int_equal(request.cause, CAUSE_POPULATE);
	assert_false(ledger_take_request(w.ledger, UINT64_MAX, &request));
	world_free(&w);
}

/* A steady stream of requests, each beside the last, must not put the look off for ever. */
static void a_stream_of_requests_comes_due(void **state)
{
	struct world w = world_new();
	struct scan_request request;
	bool taken = false;

	(void)state;
	for (int i = 0; i < 1000 && !taken; i++) {
		world_range(&w, EVENT_POPULATE, A + PAGES(i), PAGES(1), EVENT_CALL_MADVISE, 0);
		w.now += MS(5);
		taken = ledger_take_request(w.ledger, w.now, &request);
	}
	assert_true(taken);
	world_free(&w);
}

static void too_many_requests_become_one_for_all(void **state)
{
	struct world w = world_new();

	(void)state;
	for (uint64_t i = 0; i < 10000 && !w.ledger->rescan_all; i++)
		world_range(&w, EVENT_FAILED, A + PAGES(2 * i), PAGES(1), EVENT_CALL_MUNMAP, 0);
	assert_true(w.ledger->rescan_all);
	assert_int_equal(w.ledger->rescan_cause, CAUSE_FAILED);
	assert_int_equal(w.ledger->request_count, 0);
	world_free(&w);
}

/* --- who, what, and the rest ---------------------------------------------------------- */

static void the_owner_is_the_library_that_called(void **state)
{
	struct world w = world_new();
	struct event_mmap event = {.addr = B, .len = PAGES(4), .prot = RW, .flags = ANON};

	(void)state;
	map_file(&w, A, PAGES(4), PROT_READ | PROT_EXEC, MAP_PRIVATE, "libjemalloc.so.2");
	map_file(&w, A + PAGES(8), PAGES(4), PROT_READ, MAP_PRIVATE, "libdata.so");
	map_file(&w, A + PAGES(16), PAGES(4), PROT_READ | PROT_EXEC, MAP_PRIVATE,
		 "ld-linux-x86-64.so.2");
	map_file(&w, A + PAGES(24), PAGES(4), RW, MAP_PRIVATE, "libfoo.so");
	event.callers[0] = A + PAGES(8) + 5; /* not code */
	event.callers[1] = A + PAGES(2) + 5;
	event.callers[2] = A + PAGES(16);
	world_feed(&w, &event.h, EVENT_MMAP, sizeof(event));
	assert_string_equal(intern_get(&w.ledger->names, world_mapping(&w, B)->attr.owner),
			    "libjemalloc.so.2");
	assert_int_equal(w.ledger->allocator, ALLOCATOR_JEMALLOC);
	/* the loader lays a library's .bss behind its data */
	event.addr = A + PAGES(28);
	event.callers[1] = 0;
	world_feed(&w, &event.h, EVENT_MMAP, sizeof(event));
	assert_string_equal(
		intern_get(&w.ledger->names, world_mapping(&w, A + PAGES(28))->attr.owner),
		"libfoo.so");
	event.addr = B + PAGES(100);
	world_feed(&w, &event.h, EVENT_MMAP, sizeof(event));
	assert_string_equal(
		intern_get(&w.ledger->names, world_mapping(&w, B + PAGES(100))->attr.owner),
		"ld-linux-x86-64.so.2");
	event.addr = B + PAGES(200);
	memset(event.callers, 0, sizeof(event.callers));
	world_feed(&w, &event.h, EVENT_MMAP, sizeof(event));
	assert_int_equal(world_mapping(&w, B + PAGES(200))->attr.owner, 0);
	world_free(&w);
}

static void an_allocator_library_wins_over_libc(void **state)
{
	struct world w = world_new();

	(void)state;
	map_file(&w, A, PAGES(4), PROT_READ | PROT_EXEC, MAP_PRIVATE, "libc.so.6");
	assert_int_equal(w.ledger->allocator, ALLOCATOR_GLIBC);
	map_file(&w, A, PAGES(4), PROT_READ, MAP_PRIVATE, "libtcmalloc.so.4");
	assert_int_equal(w.ledger->allocator, ALLOCATOR_GLIBC);
	map_file(&w, A, PAGES(4), PROT_READ | PROT_EXEC, MAP_PRIVATE, "libmimalloc.so.2");
	map_file(&w, A, PAGES(4), PROT_READ | PROT_EXEC, MAP_PRIVATE, "libc.so.6");
	assert_int_equal(w.ledger->allocator, ALLOCATOR_MIMALLOC);
	assert_string_equal(allocator_name(w.ledger->allocator), "mimalloc");
	assert_string_equal(allocator_name(ALLOCATOR_COUNT), "?");
	world_free(&w);
}

static void names_may_fill_their_field(void **state)
{
	struct world w = world_new();
	struct event_mmap_file event = {.m = {.addr = A, .len = 4096, .flags = MAP_PRIVATE}};

	(void)state;
	memset(event.name, 'n', sizeof(event.name));
	world_feed(&w, &event.m.h, EVENT_MMAP_FILE, sizeof(event));
	assert_int_equal(strlen(intern_get(&w.ledger->names, world_mapping(&w, A)->attr.name)),
			 EVENT_NAME_LEN);
	world_free(&w);
}

static void identity_and_attach_name_the_process(void **state)
{
	struct world w = world_new();
	struct event_attach attach = {.start_ticks = 77, .comm = "first"};
	struct event_identity identity = {.start_ticks = 78,
					  .flags = IDENTITY_THP_NEVER,
					  .comm = "second",
					  .allocator = ALLOCATOR_GO};

	(void)state;
	world_feed(&w, &attach.h, EVENT_ATTACH, sizeof(attach));
	assert_int_equal(w.ledger->start_ticks, 77);
	assert_string_equal(w.ledger->comm, "first");
	assert_true(w.ledger->rescan_all);
	world_feed(&w, &identity.h, EVENT_IDENTITY, sizeof(identity));
	assert_int_equal(w.ledger->start_ticks, 78);
	assert_string_equal(w.ledger->comm, "second");
	assert_int_equal(w.ledger->allocator, ALLOCATOR_GO);
	assert_int_equal(w.ledger->identity_flags, IDENTITY_THP_NEVER);
	world_free(&w);
}

static void mappings_are_reported_in_order(void **state)
{
	struct world w = world_new();
	struct mapping_report *reports = NULL;
	size_t count = 0;

	(void)state;
	assert_int_equal(ledger_report_mappings(w.ledger, &reports, &count), 0);
	assert_int_equal(count, 0);
	free(reports);
	map_file(&w, B, PAGES(8), RW, MAP_PRIVATE, "libfoo.so");
	world_touch(&w, B, 2);
	w.now += MS(100);
	world_interval(&w, 1);
	w.now += MS(100);
	world_mmap(&w, A, PAGES(1024), RW, ANON | MAP_STACK);
	world_touch(&w, A, 600);
	world_range(&w, EVENT_MADVISE, A, PAGES(10), EVENT_CALL_MADVISE, MADV_FREE);
	assert_int_equal(ledger_report_mappings(w.ledger, &reports, &count), 0);
	assert_int_equal(count, 2);
	assert_true(reports[0].start == A && reports[0].end == A + PAGES(1024));
	assert_int_equal(reports[0].resident, 600);
	assert_int_equal(reports[0].retained, 0);
	assert_int_equal(reports[0].lazy, 10);
	assert_int_equal(reports[0].kind, MAPPING_THREAD);
	assert_string_equal(reports[0].name, "");
	assert_int_equal(reports[1].resident, 2);
	assert_int_equal(reports[1].retained, 2);
	assert_string_equal(reports[1].name, "libfoo.so");
	free(reports);
	assert_true(ledger_memory(w.ledger) > sizeof(struct ledger) + 602 * 8);
	world_free(&w);
}

/* The same records give the same ledger, whatever the time is on our own clock. */
static void time_comes_from_records(void **state)
{
	struct world w = world_new();

	(void)state;
	world_mmap(&w, A, PAGES(4), RW, ANON);
	w.now = WORLD_START - MS(500); /* a record from before the watch */
	world_fault(&w, A, WRITE);
	assert_true(w.ledger->now_ns == WORLD_START + MS(1000));
	w.now = WORLD_START + (uint64_t)UINT32_MAX * 2 * LEDGER_TICK_NS;
	world_fault(&w, A + PAGES(1), WRITE);
	assert_int_equal(page_table_find(&w.ledger->pages, A + PAGES(1))->birth, UINT32_MAX);
	world_free(&w);
}

static void removals_have_names(void **state)
{
	(void)state;
	for (unsigned int kind = 0; kind < REMOVAL_KIND_COUNT; kind++)
		assert_string_not_equal(removal_kind_name(kind), "?");
	assert_string_equal(removal_kind_name(REMOVAL_KIND_COUNT), "?");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(munmap_takes_pages_and_mapping),
		cmocka_unit_test(what_the_kernel_refuses_takes_nothing),
		cmocka_unit_test(map_fixed_takes_what_lies_under_it),
		cmocka_unit_test(creating_clears_nothing),
		cmocka_unit_test(a_reused_range_keeps_its_new_pages),
		cmocka_unit_test(the_heap_grows_and_shrinks),
		cmocka_unit_test(mremap_moves_what_it_should),
		cmocka_unit_test(moved_pages_keep_their_provenance),
		cmocka_unit_test(mremap_covers_its_target),
		cmocka_unit_test(mremap_of_several_mappings_covers_these),
		cmocka_unit_test(a_refused_mremap_asks_for_a_look),
		cmocka_unit_test(threads_move_at_the_same_time),
		cmocka_unit_test(a_fault_during_mremap_is_no_stray),
		cmocka_unit_test(an_interval_ends_during_mremap),
		cmocka_unit_test(mremap_ignores_an_address_not_asked_for),
		cmocka_unit_test(lost_halves_of_mremap),
		cmocka_unit_test(mremap_of_length_0_duplicates),
		cmocka_unit_test(purging_keeps_the_mapping),
		cmocka_unit_test(lazily_freed_pages_stay_until_touched),
		cmocka_unit_test(advice_marks_mappings),
		cmocka_unit_test(mprotect_splits_and_merges),
		cmocka_unit_test(only_private_writes_make_anonymous_pages),
		cmocka_unit_test(a_page_is_born_once),
		cmocka_unit_test(faults_outside_mappings_are_strays),
		cmocka_unit_test(stacks_grow_down),
		cmocka_unit_test(huge_pages_are_looked_for),
		cmocka_unit_test(fork_copies_but_what_is_kept),
		cmocka_unit_test(exec_begins_anew),
		cmocka_unit_test(after_exit_nothing_changes),
		cmocka_unit_test(pages_of_earlier_intervals_are_retained),
		cmocka_unit_test(an_interval_may_end_within_a_tick),
		cmocka_unit_test(a_refused_call_asks_for_a_look),
		cmocka_unit_test(a_refused_mprotect_holds_up_to_the_hole),
		cmocka_unit_test(populate_asks_for_a_look),
		cmocka_unit_test(losses_lead_to_a_look_at_everything),
		cmocka_unit_test(what_cannot_be_applied_is_counted),
		cmocka_unit_test(requests_that_touch_are_one),
		cmocka_unit_test(a_stream_of_requests_comes_due),
		cmocka_unit_test(too_many_requests_become_one_for_all),
		cmocka_unit_test(the_owner_is_the_library_that_called),
		cmocka_unit_test(an_allocator_library_wins_over_libc),
		cmocka_unit_test(names_may_fill_their_field),
		cmocka_unit_test(identity_and_attach_name_the_process),
		cmocka_unit_test(mappings_are_reported_in_order),
		cmocka_unit_test(time_comes_from_records),
		cmocka_unit_test(removals_have_names),
	};

	return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}
