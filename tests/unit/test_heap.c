// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/support.h"

#include "tests/unit/heap_world.h"

#define A ((uint64_t)0x7f0000000000)
#define B ((uint64_t)0x7f8000000000)

/* A world whose mapping at A is older than jemalloc's probes, or as `flags` say. */
static struct world old_world(uint64_t pages, uint32_t flags)
{
	struct world w = world_new();

	world_found(&w, A, PAGES(pages), VMA_KIND_ANON);
	world_touch(&w, A, pages);
	world_probes(&w, HEAP_ON, ALLOCATOR_JEMALLOC, flags, 0);
	w.now += MS(1000);
	return w;
}

/* --- classes ---------------------------------------------------------------- */

static void without_probes_there_is_no_report(void **state)
{
	static const struct heap_report none;
	struct world w = world_new();
	struct heap_report report = world_heap(&w);

	(void)state;
	assert_memory_equal(&report, &none, sizeof(none));
	world_alloc(&w, A, 16);
	world_release(&w, A, 0);
	assert_null(w.ledger->heap);
	world_free(&w);
}

static void what_is_older_than_the_probes_is_unknown(void **state)
{
	struct world w = old_world(8, 0);

	(void)state;
	assert_classes(&w, 0, 0, 0, 8);
	world_alloc(&w, A + PAGES(1), 2048);
	assert_classes(&w, 0, 0, 0, 8);
	world_alloc(&w, A + PAGES(1) + 2048, 1024); /* three quarters */
	assert_classes(&w, 1, 0, 0, 7);
	world_alloc(&w, A + PAGES(1) + 3072, 1024);
	assert_classes(&w, 1, 0, 0, 7);
	world_release(&w, A + PAGES(1), 0); /* all of it was handed out since */
	assert_classes(&w, 0, 1, 0, 7);
	world_release(&w, A + PAGES(1) + 2048, 0);
	world_release(&w, A + PAGES(1) + 3072, 0);
	assert_classes(&w, 0, 0, 1, 7);
	world_free(&w);
}

static void from_the_first_allocation_on_all_is_known(void **state)
{
	struct world w = old_world(8, HEAP_WHOLE);
	struct heap_report report;

	(void)state;
	assert_classes(&w, 0, 0, 8, 0);
	world_alloc(&w, A + PAGES(1), 112);
	world_alloc(&w, A + PAGES(2), PAGES(3));
	assert_classes(&w, 3, 1, 4, 0);
	report = world_heap(&w);
	assert_true(report.on && report.whole);
	assert_int_equal(report.live_count, 2);
	assert_int_equal(report.live_bytes, 112 + PAGES(3));
	assert_int_equal(report.asked_bytes, 112 + PAGES(3));
	assert_int_equal(report.fragmented_bytes, 4096 - 112);
	assert_int_equal(report.one_in, 1);
	assert_int_equal(report.functions, 9);
	assert_int_equal(report.dear, 1);
	world_free(&w);
}

static void a_mapping_made_since_is_known(void **state)
{
	struct world w = old_world(4, 0);

	(void)state;
	world_mmap(&w, A + PAGES(4), PAGES(4), RW, ANON);
	world_touch(&w, A + PAGES(4), 3);
	world_alloc(&w, A + PAGES(4), 64);
	assert_classes(&w, 0, 1, 2, 4);
	world_free(&w);
}

/* While realloc copies, what it was given is still there; elsewhere it may be handed out again. */
static void what_is_reallocated_is_live_until_it_is_not(void **state)
{
	struct world w = old_world(8, HEAP_WHOLE);

	(void)state;
	world_alloc(&w, A, PAGES(3));
	world_release(&w, A, FREE_REALLOC);
	for (int i = 0; i < 2; i++) { /* a report changes nothing */
		assert_int_equal(world_heap(&w).live_bytes, PAGES(3));
		assert_classes(&w, 3, 0, 5, 0);
	}
	world_alloc_flags(&w, A + PAGES(4), PAGES(4), A, ALLOC_REALLOC);
	assert_int_equal(world_heap(&w).live_bytes, PAGES(4));
	assert_int_equal(world_heap(&w).totals.frees, 1);
	world_release(&w, A + PAGES(4), FREE_REALLOC);
	w.tid++;
	world_alloc(&w, A + PAGES(4), 4096);
	assert_int_equal(world_heap(&w).live_bytes, 4096);
	assert_classes(&w, 1, 0, 7, 0);
	assert_int_equal(world_heap(&w).totals.stale, 0);
	world_free(&w);
}

static void a_full_slab_is_live(void **state)
{
	struct world w = old_world(7, 0);

	(void)state;
	/* 256 slots of 112 bytes for requests of 100, in 7 pages */
	for (uint64_t i = 0; i < 256; i++)
		world_alloc(&w, A + i * 112, 100);
	assert_classes(&w, 7, 0, 0, 0);
	assert_int_equal(world_heap(&w).fragmented_bytes, 0);
	for (uint64_t i = 0; i < 256; i += 2)
		world_release(&w, A + i * 112, 0);
	assert_classes(&w, 0, 7, 0, 0);
	assert_int_equal(world_heap(&w).fragmented_bytes, PAGES(7) - 128 * 112);
	world_free(&w);
}

/* A slot that nobody had since the probes came may hold something older. */
static void a_page_with_a_slot_not_seen_is_unknown(void **state)
{
	struct world w = old_world(7, 0);

	(void)state;
	for (uint64_t i = 0; i < 256; i++)
		if (i != 100) /* in page 2 */
			world_alloc(&w, A + i * 112, 112);
	for (uint64_t i = 0; i < 256; i++)
		if (i != 100)
			world_release(&w, A + i * 112, 0);
	assert_classes(&w, 0, 0, 6, 1);
	world_free(&w);
}

static void a_page_that_was_covered_stays_known(void **state)
{
	struct world w = old_world(4, 0);

	(void)state;
	world_alloc(&w, A + PAGES(1), PAGES(2));
	world_release(&w, A + PAGES(1), 0);
	assert_classes(&w, 0, 0, 2, 2);
	world_range(&w, EVENT_MADVISE, A, PAGES(4), EVENT_CALL_MADVISE, MADV_DONTNEED);
	assert_classes(&w, 0, 0, 0, 0);
	/* a purge proves nothing: the program itself may purge what it has allocated */
	world_touch(&w, A, 4);
	assert_classes(&w, 0, 0, 2, 2);
	world_free(&w);
}

static void retained_pages_have_classes_too(void **state)
{
	struct world w = old_world(4, HEAP_WHOLE);
	struct heap_report report;

	(void)state;
	world_interval(&w, 1);
	world_mmap(&w, A + PAGES(4), PAGES(4), RW, ANON);
	world_touch(&w, A + PAGES(4), 2);
	world_alloc(&w, A + PAGES(3), PAGES(2));
	report = world_heap(&w);
	assert_int_equal(report.classes[HEAP_LIVE], 2);
	assert_int_equal(report.retained[HEAP_LIVE], 1);
	assert_int_equal(report.classes[HEAP_FREE], 4);
	assert_int_equal(report.retained[HEAP_FREE], 3);
	world_free(&w);
}

/* --- what is known because it came later -------------------------------------- */

static void a_call_under_way_at_the_beginning_is_not_trusted(void **state)
{
	struct world w = world_new();

	(void)state;
	world_library(&w, B, "libjemalloc.so.2");
	world_probes(&w, HEAP_ON, ALLOCATOR_JEMALLOC, 0, 0);
	w.now += LEDGER_SETTLE_NS - 1;
	world_mmap_by(&w, A, PAGES(4), B);
	world_touch(&w, A, 4);
	assert_classes(&w, 0, 0, 0, 4);
	w.now += 1;
	world_mmap_by(&w, A + PAGES(4), PAGES(4), B);
	world_touch(&w, A + PAGES(4), 4);
	assert_classes(&w, 0, 0, 4, 4);
	world_free(&w);
}

static void the_heap_above_the_old_break_is_known(void **state)
{
	struct world w = world_new();

	(void)state;
	world_found(&w, A, PAGES(4), VMA_KIND_HEAP);
	world_touch(&w, A, 4);
	world_probes(&w, HEAP_ON, ALLOCATOR_GLIBC, 0, 0);
	w.now += MS(1000);
	world_range(&w, EVENT_BRK, A, PAGES(10), EVENT_CALL_BRK, 0);
	world_touch(&w, A + PAGES(4), 6);
	assert_classes(&w, 0, 0, 6, 4);
	/* down below the old break, and up again */
	world_range(&w, EVENT_BRK_SHRINK, A + PAGES(2), PAGES(8), EVENT_CALL_BRK, 0);
	world_range(&w, EVENT_BRK, A, PAGES(6), EVENT_CALL_BRK, 0);
	world_touch(&w, A + PAGES(2), 4);
	assert_classes(&w, 0, 0, 4, 2);
	world_free(&w);
}

/* A lost record may have moved the break: until a look nobody knows where it was. */
static void after_a_loss_the_break_is_not_known(void **state)
{
	struct world w = world_new();

	(void)state;
	world_found(&w, A, PAGES(4), VMA_KIND_HEAP);
	world_probes(&w, HEAP_ON, ALLOCATOR_GLIBC, 0, 0);
	w.now += MS(1000);
	world_lose(&w, 1);
	w.now += MS(1000);
	world_range(&w, EVENT_BRK, A, PAGES(10), EVENT_CALL_BRK, 0);
	world_touch(&w, A + PAGES(4), 6);
	assert_classes(&w, 0, 0, 0, 6);
	world_cycle(&w, CAUSE_LOSS, 0, 0);
	world_cycle(&w, CAUSE_LOSS, 1, 0);
	w.now += MS(1000);
	world_range(&w, EVENT_BRK, A, PAGES(12), EVENT_CALL_BRK, 0);
	world_touch(&w, A + PAGES(10), 2);
	assert_classes(&w, 0, 0, 2, 6);
	world_free(&w);
}

static void an_arena_that_grows_is_known(void **state)
{
	struct world w = world_new();

	(void)state;
	world_library(&w, B, "libc.so.6");
	world_mmap_by(&w, A, PAGES(16), B);
	world_range(&w, EVENT_MPROTECT, A + PAGES(4), PAGES(12), 0, PROT_NONE);
	world_touch(&w, A, 4);
	world_probes(&w, HEAP_ON, ALLOCATOR_GLIBC, 0, 0);
	w.now += MS(1000);
	/* pages 3 could be accessed before */
	world_range(&w, EVENT_MPROTECT, A + PAGES(3), PAGES(5), 0, RW);
	world_touch(&w, A + PAGES(4), 4);
	assert_classes(&w, 0, 0, 4, 4);
	world_range(&w, EVENT_MPROTECT, A + PAGES(6), PAGES(1), 0, PROT_READ);
	world_range(&w, EVENT_MPROTECT, A + PAGES(2), PAGES(6), 0, RW);
	assert_classes(&w, 0, 0, 4, 4);
	world_free(&w);
}

static void world_mremap(struct world *w, uint64_t from, uint64_t old_len, uint64_t to,
			 uint64_t new_len)
{
	struct event_mremap event = {
		.old_addr = from,
		.old_len = old_len,
		.new_len = new_len,
		.flags = MREMAP_MAYMOVE,
	};

	world_feed(w, &event.h, EVENT_MREMAP_BEGIN, sizeof(event));
	event.result = (int64_t)to;
	world_feed(w, &event.h, EVENT_MREMAP_END, sizeof(event));
}

static void pages_that_move_bring_what_they_hold(void **state)
{
	struct world w = old_world(4, 0);

	(void)state;
	/* B was mapped since, and known, until older pages came there */
	world_library(&w, A + PAGES(100), "libjemalloc.so.2");
	world_mmap_by(&w, B, PAGES(8), A + PAGES(100));
	world_touch(&w, B, 8);
	assert_classes(&w, 0, 0, 8, 4);
	world_range(&w, EVENT_UNMAP, B, PAGES(8), EVENT_CALL_MUNMAP, 0);
	world_mremap(&w, A, PAGES(4), B, PAGES(8));
	world_touch(&w, B, 8);
	world_alloc(&w, B, PAGES(1));
	assert_classes(&w, 1, 0, 4, 3);
	world_free(&w);
}

/* --- whose pages ---------------------------------------------------------------- */

static void stacks_files_and_own_mappings_are_outside(void **state)
{
	struct world w = world_new();

	(void)state;
	world_library(&w, B, "libjemalloc.so.2");
	world_library(&w, B + PAGES(10), "server");
	world_found(&w, A, PAGES(4), VMA_KIND_STACK);
	world_found(&w, A + PAGES(10), PAGES(4), VMA_KIND_FILE);
	world_probes(&w, HEAP_ON, ALLOCATOR_JEMALLOC, HEAP_WHOLE, 0);
	world_mmap(&w, A + PAGES(20), PAGES(4), RW, ANON | MAP_STACK);
	world_mmap_by(&w, A + PAGES(30), PAGES(4), B + PAGES(10));
	for (uint64_t i = 0; i < 4; i++)
		world_touch(&w, A + PAGES(10) * i, 4);
	assert_classes(&w, 0, 0, 0, 0);
	assert_int_equal(world_heap(&w).outside, 16);
	/* a program with the allocator inside */
	world_alloc(&w, A + PAGES(31), PAGES(1));
	assert_classes(&w, 1, 0, 3, 0);
	assert_int_equal(world_heap(&w).outside, 12);
	world_release(&w, A + PAGES(31), 0);
	assert_classes(&w, 0, 0, 4, 0);
	/* another library's */
	world_library(&w, B + PAGES(20), "libc.so.6");
	world_mmap_by(&w, A + PAGES(40), PAGES(4), B + PAGES(20));
	world_touch(&w, A + PAGES(40), 4);
	assert_int_equal(world_heap(&w).outside, 16);
	world_free(&w);
}

static void the_librarys_own_data_is_outside(void **state)
{
	struct world w = world_new();
	struct mapping *mapping;

	(void)state;
	world_library(&w, B, "libjemalloc.so.2");
	world_probes(&w, HEAP_ON, ALLOCATOR_JEMALLOC, HEAP_WHOLE, 0);
	world_mmap_by(&w, B + PAGES(1), PAGES(4), B); /* as the loader lays .bss behind the file */
	world_touch(&w, B + PAGES(1), 4);
	mapping = world_mapping(&w, B + PAGES(1));
	assert_int_equal(mapping->attr.owner, world_mapping(&w, B)->attr.name);
	assert_int_equal(world_heap(&w).outside, 4);
	world_mmap_by(&w, B + PAGES(8), PAGES(4), B);
	world_touch(&w, B + PAGES(8), 4);
	assert_classes(&w, 0, 0, 4, 0);
	world_free(&w);
}

/* --- records -------------------------------------------------------------------- */

static void reallocs_are_exact(void **state)
{
	struct world w = old_world(4, HEAP_WHOLE);
	struct heap_report report;

	(void)state;
	world_alloc(&w, A, 1000);
	world_alloc(&w, A + 2048, 1000);
	/* two threads in realloc at once; the first one's old memory goes to the second */
	w.tid = 1;
	world_release(&w, A, FREE_REALLOC);
	w.tid = 2;
	world_release(&w, A + 2048, FREE_REALLOC);
	world_alloc_flags(&w, A, 900, A + 2048, ALLOC_REALLOC);
	w.tid = 1;
	world_alloc_flags(&w, A + PAGES(1), 2000, A, ALLOC_REALLOC);
	report = world_heap(&w);
	assert_int_equal(report.live_count, 2);
	assert_int_equal(report.asked_bytes, 2900);
	assert_int_equal(report.totals.frees, 2);
	assert_int_equal(report.totals.stale, 0);
	/* refused: as it was, and live all the while */
	world_release(&w, A, FREE_REALLOC);
	assert_int_equal(world_heap(&w).live_count, 2);
	world_alloc_flags(&w, 0, 1 << 30, A, ALLOC_REALLOC);
	report = world_heap(&w);
	assert_int_equal(report.asked_bytes, 2900);
	assert_int_equal(report.totals.refused, 1);
	assert_int_equal(report.totals.frees, 2);
	/* of size 0: freed */
	world_release(&w, A, FREE_REALLOC);
	world_alloc_flags(&w, 0, 0, A, ALLOC_REALLOC);
	/* of what is older than the probes */
	world_release(&w, A + PAGES(2), FREE_REALLOC);
	world_alloc_flags(&w, A + PAGES(2), 64, A + PAGES(2), ALLOC_REALLOC);
	/* of NULL */
	world_alloc_flags(&w, A + PAGES(3), 64, 0, ALLOC_REALLOC);
	report = world_heap(&w);
	assert_int_equal(report.live_count, 3);
	assert_int_equal(report.totals.frees, 3);
	assert_int_equal(report.totals.unknown_free, 1);
	assert_int_equal(report.totals.refused, 1);
	world_free(&w);
}

static void a_realloc_whose_records_are_lost(void **state)
{
	struct world w = old_world(4, HEAP_WHOLE);

	(void)state;
	/* the entry is lost */
	world_alloc(&w, A, 1000);
	world_alloc_flags(&w, A + PAGES(1), 2000, A, ALLOC_REALLOC);
	assert_int_equal(world_heap(&w).live_count, 1);
	/* the return is lost, and another call follows */
	world_release(&w, A + PAGES(1), FREE_REALLOC);
	world_alloc(&w, A + PAGES(4) - 64, 16);
	assert_int_equal(world_heap(&w).live_count, 1);
	assert_int_equal(world_heap(&w).totals.frees, 2);
	/* of more threads than are remembered */
	world_alloc_many(&w, A, 16, 1000);
	for (uint32_t i = 0; i < 1000; i++) {
		w.tid = 100 + i;
		world_release(&w, A + i * 16, FREE_REALLOC);
	}
	/* those that are remembered are still copied from */
	assert_int_equal(world_heap(&w).live_count, 1 + 256);
	/* they end all the same */
	for (uint32_t i = 0; i < 1000; i++) {
		w.tid = 100 + i;
		world_alloc_flags(&w, A + i * 16, 8, A + i * 16, ALLOC_REALLOC);
	}
	assert_int_equal(world_heap(&w).live_count, 1001);
	assert_int_equal(world_heap(&w).totals.frees, 1002);
	world_free(&w);
}

static void xallocx_changes_the_size(void **state)
{
	struct world w = old_world(4, HEAP_WHOLE);

	(void)state;
	world_alloc(&w, A, PAGES(1));
	world_alloc_flags(&w, A, PAGES(2), 0, ALLOC_IN_PLACE);
	assert_int_equal(world_heap(&w).live_bytes, PAGES(2));
	assert_classes(&w, 2, 0, 2, 0);
	world_alloc_flags(&w, A, PAGES(1), 0, ALLOC_IN_PLACE);
	assert_classes(&w, 1, 0, 3, 0);
	/* of what was not known */
	world_alloc_flags(&w, A + PAGES(2), PAGES(1), 0, ALLOC_IN_PLACE);
	assert_classes(&w, 2, 0, 2, 0);
	assert_int_equal(world_heap(&w).live_count, 2);
	world_free(&w);
}

static void memory_handed_out_again_was_free(void **state)
{
	struct world w = old_world(8, HEAP_WHOLE);
	struct heap_report report;

	(void)state;
	world_alloc_many(&w, A, 64, 64);
	world_alloc(&w, A, 64);		/* the same */
	world_alloc(&w, A + 128, 1024); /* over 16 of them */
	report = world_heap(&w);
	assert_int_equal(report.totals.stale, 17);
	assert_int_equal(report.live_bytes, 48 * 64 + 1024);
	/* in the middle of a large one, and of a page that is full */
	world_alloc(&w, A + PAGES(2), PAGES(3));
	world_alloc(&w, A + PAGES(4), 16);
	report = world_heap(&w);
	assert_int_equal(report.totals.stale, 18);
	assert_classes(&w, 1, 1, 6, 0);
	/* two of 8 bytes do not overlap */
	world_alloc(&w, A + PAGES(6), 8);
	world_alloc(&w, A + PAGES(6) + 8, 8);
	assert_int_equal(world_heap(&w).totals.stale, 18);
	world_alloc(&w, A + PAGES(6), 7);
	assert_int_equal(world_heap(&w).totals.stale, 19);
	world_release(&w, A + PAGES(6) + 8, 0);
	world_release(&w, A + PAGES(6), 0);
	assert_classes(&w, 1, 1, 6, 0);
	world_free(&w);
}

static void a_huge_one_costs_little(void **state)
{
	struct world w = world_new();
	uint64_t size = (uint64_t)1 << 44, memory;

	(void)state;
	world_library(&w, B, "libjemalloc.so.2");
	world_mmap_by(&w, 1ULL << 45, size, B);
	world_probes(&w, HEAP_ON, ALLOCATOR_JEMALLOC, HEAP_WHOLE, 0);
	memory = heap_memory(w.ledger->heap);
	world_alloc(&w, 1ULL << 45, size);
	world_touch(&w, (1ULL << 45) + size / 2, 3);
	assert_classes(&w, 3, 0, 0, 0);
	assert_true(heap_memory(w.ledger->heap) < memory + (1 << 20));
	/* one in its middle: its free was lost */
	world_alloc(&w, (1ULL << 45) + size / 2, 64);
	assert_classes(&w, 0, 1, 2, 0);
	assert_int_equal(world_heap(&w).totals.stale, 1);
	world_free(&w);
}

/* Past the door as well. */
static void nonsense_is_ignored(void **state)
{
	static const struct event_alloc allocs[] = {
		{.h.kind = EVENT_ALLOC, .addr = A, .size = UINT64_MAX},
		{.h.kind = EVENT_ALLOC, .addr = UINT64_MAX, .size = 1},
		{.h.kind = EVENT_ALLOC, .addr = EVENT_ADDRESS_LIMIT - 1, .size = 1 << 20},
	};
	struct world w = old_world(1, HEAP_WHOLE);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(allocs); i++)
		assert_int_equal(heap_event(w.ledger->heap, &allocs[i].h), 0);
	world_release(&w, UINT64_MAX, 0);
	world_alloc(&w, 1, 1 << 22);
	world_release(&w, 1, 0);
	assert_int_equal(world_heap(&w).live_count, 0);
	world_free(&w);
}

/* --- begin, loss, end ------------------------------------------------------------ */

static void what_a_loss_leaves(void **state)
{
	struct world w = old_world(8, 0);
	struct heap_report report;

	(void)state;
	world_alloc_many(&w, A, 16, 3 * 256);
	for (uint64_t i = 0; i < 256; i++)
		world_release(&w, A + i * 16, 0);
	assert_classes(&w, 2, 0, 1, 5);
	world_lose(&w, 8); /* one in 64 of those live: they are believed */
	report = world_heap(&w);
	assert_int_equal(report.live_count, 512);
	assert_int_equal(report.totals.lost, 8);
	assert_false(report.whole);
	assert_classes(&w, 2, 0, 0, 6);
	world_lose(&w, 1);
	report = world_heap(&w);
	assert_int_equal(report.live_count, 0);
	assert_int_equal(report.totals.lost, 9);
	assert_classes(&w, 0, 0, 0, 8);
	/* and covering begins anew */
	world_alloc(&w, A, PAGES(1));
	world_release(&w, A, 0);
	assert_classes(&w, 0, 0, 1, 7);
	world_free(&w);
}

static void what_is_unmapped_is_not_live(void **state)
{
	struct world w = old_world(1, 0);

	(void)state;
	world_library(&w, B, "libjemalloc.so.2");
	world_mmap_by(&w, A + LEAF_BYTES, LEAF_BYTES * 3, B);
	world_alloc(&w, A + LEAF_BYTES, 100);
	world_alloc(&w, A + LEAF_BYTES + PAGES(4), LEAF_BYTES * 2);
	assert_int_equal(world_heap(&w).live_count, 2);
	world_range(&w, EVENT_UNMAP, A + LEAF_BYTES, LEAF_BYTES * 3, EVENT_CALL_MUNMAP, 0);
	assert_int_equal(world_heap(&w).live_count, 0);
	assert_int_equal(world_heap(&w).totals.stale, 2);
	world_free(&w);
}

static void when_the_probes_go_the_last_state_stays(void **state)
{
	struct world w = old_world(4, HEAP_WHOLE);
	struct heap_report report;

	(void)state;
	world_alloc(&w, A, PAGES(1));
	world_probes(&w, HEAP_OFF, ALLOCATOR_JEMALLOC, 0, 0);
	report = world_heap(&w);
	assert_false(report.on);
	assert_int_equal(report.end_ns, w.now);
	assert_int_equal(report.begin_ns, w.now - MS(1000));
	w.now += MS(100);
	world_release(&w, A, 0);
	world_alloc(&w, A + PAGES(1), PAGES(1));
	assert_classes(&w, 1, 0, 3, 0);
	/* what came later is not known */
	world_range(&w, EVENT_MADVISE, A, PAGES(2), EVENT_CALL_MADVISE, MADV_DONTNEED);
	world_touch(&w, A, 2);
	assert_classes(&w, 0, 0, 2, 2);
	/* once more: nothing is known from before */
	world_probes(&w, HEAP_ON, ALLOCATOR_JEMALLOC, 0, 0);
	assert_classes(&w, 0, 0, 0, 4);
	assert_int_equal(world_heap(&w).live_count, 0);
	assert_int_equal(world_heap(&w).end_ns, 0);
	assert_int_equal(world_heap(&w).totals.allocs, 1);
	world_free(&w);
}

static void exec_forgets_all(void **state)
{
	struct world w = old_world(4, HEAP_WHOLE);
	struct event_exec event = {.comm = "other"};

	(void)state;
	world_alloc(&w, A, PAGES(1));
	world_feed(&w, &event.h, EVENT_EXEC, sizeof(event));
	assert_int_equal(world_heap(&w).begin_ns, 0);
	assert_int_equal(world_heap(&w).live_count, 0);
	world_alloc(&w, A, PAGES(1)); /* before its HEAP */
	assert_int_equal(world_heap(&w).live_count, 0);
	world_free(&w);
}

/* glibc's chunks begin 16 bytes before the memory they hold. */
static void chunks_cover_pages_with_their_headers(void **state)
{
	struct world w = world_new();

	(void)state;
	world_found(&w, A, PAGES(4), VMA_KIND_HEAP);
	world_touch(&w, A, 4);
	world_probes(&w, HEAP_ON, ALLOCATOR_GLIBC, 0, 0);
	for (uint64_t i = 0; i < 128; i++)
		world_alloc(&w, A + PAGES(1) + 16 + i * 32, 24);
	assert_classes(&w, 1, 0, 0, 3);
	assert_int_equal(world_heap(&w).live_bytes, PAGES(1));
	for (uint64_t i = 0; i < 128; i++)
		world_release(&w, A + PAGES(1) + 16 + i * 32, 0);
	assert_classes(&w, 0, 0, 1, 3);
	/* a mapping of its own: with its header in whole pages */
	world_alloc(&w, B + 16, 200000);
	assert_int_equal(world_heap(&w).live_bytes, 0); /* nothing is mapped there */
	world_mmap(&w, B, page_ceil(200016), RW, ANON);
	world_alloc(&w, B + 16, 200000);
	assert_int_equal(world_heap(&w).live_bytes, page_ceil(200016));
	world_touch(&w, B, 2);
	assert_classes(&w, 2, 0, 1, 3);
	world_free(&w);
}

static void classes_have_names(void **state)
{
	(void)state;
	assert_string_equal(heap_class_name(HEAP_LIVE), "live");
	assert_string_equal(heap_class_name(HEAP_UNKNOWN), "unknown");
	assert_string_equal(heap_class_name(HEAP_CLASS_COUNT), "?");
	assert_non_null(strstr(heap_class_help(HEAP_FREE), "allocator keeps it"));
	assert_string_equal(heap_class_help(99), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_probes_there_is_no_report),
		cmocka_unit_test(what_is_older_than_the_probes_is_unknown),
		cmocka_unit_test(from_the_first_allocation_on_all_is_known),
		cmocka_unit_test(a_mapping_made_since_is_known),
		cmocka_unit_test(what_is_reallocated_is_live_until_it_is_not),
		cmocka_unit_test(a_full_slab_is_live),
		cmocka_unit_test(a_page_with_a_slot_not_seen_is_unknown),
		cmocka_unit_test(a_page_that_was_covered_stays_known),
		cmocka_unit_test(retained_pages_have_classes_too),
		cmocka_unit_test(a_call_under_way_at_the_beginning_is_not_trusted),
		cmocka_unit_test(the_heap_above_the_old_break_is_known),
		cmocka_unit_test(after_a_loss_the_break_is_not_known),
		cmocka_unit_test(an_arena_that_grows_is_known),
		cmocka_unit_test(pages_that_move_bring_what_they_hold),
		cmocka_unit_test(stacks_files_and_own_mappings_are_outside),
		cmocka_unit_test(the_librarys_own_data_is_outside),
		cmocka_unit_test(reallocs_are_exact),
		cmocka_unit_test(a_realloc_whose_records_are_lost),
		cmocka_unit_test(xallocx_changes_the_size),
		cmocka_unit_test(memory_handed_out_again_was_free),
		cmocka_unit_test(a_huge_one_costs_little),
		cmocka_unit_test(nonsense_is_ignored),
		cmocka_unit_test(what_a_loss_leaves),
		cmocka_unit_test(what_is_unmapped_is_not_live),
		cmocka_unit_test(when_the_probes_go_the_last_state_stays),
		cmocka_unit_test(exec_forgets_all),
		cmocka_unit_test(chunks_cover_pages_with_their_headers),
		cmocka_unit_test(classes_have_names),
	};

	return cmocka_run_group_tests_name("heap", tests, NULL, NULL);
}
