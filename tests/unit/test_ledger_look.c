// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/support.h"

#include <sys/mman.h>

#define A ((uint64_t)0x7f0000000000)
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

/* A scan of [start, start + pages): seen says which of its pages are there. Took 1 ms. */
static void scan_seen(struct world *w, enum event_cause cause, uint64_t start, uint64_t pages,
		      bool (*seen)(uint64_t page))
{
	union {
		struct event_scan scan;
		unsigned char
			room[sizeof(struct event_scan) + EVENT_RUNS_MAX * sizeof(struct event_run)];
	} event;
	uint32_t count = 0;

	event.scan = (struct event_scan){.start = start,
					 .end = start + PAGES(pages),
					 .begin_ns = w->now - MS(1),
					 .cause = cause};
	for (uint64_t i = 0; i < pages; i++) {
		if (!seen(i))
			continue;
		if (i && seen(i - 1))
			event.scan.runs[count - 1].pages++;
		else
			event.scan.runs[count++] = (struct event_run){start + PAGES(i), 1};
	}
	event.scan.run_count = count;
	world_feed(w, &event.scan.h, EVENT_SCAN,
		   sizeof(event.scan) + count * sizeof(struct event_run));
}

static bool all(uint64_t page)
{
	(void)page;
	return true;
}

static bool none(uint64_t page)
{
	(void)page;
	return false;
}

static bool even(uint64_t page)
{
	return page % 2 == 0;
}

static void vma_seen(struct world *w, uint64_t gap_start, uint64_t start, uint64_t end,
		     struct event_vma event)
{
	event.gap_start = gap_start;
	event.start = start;
	event.end = end;
	event.flags = event.flags ? event.flags : MAP_PRIVATE;
	world_feed(w, &event.h, EVENT_VMA, sizeof(event));
}

static uint32_t origin_at(const struct world *w, uint64_t addr)
{
	const struct page_entry *entry = page_table_find(&w->ledger->pages, addr);
	const struct provenance *provenance;

	assert_non_null(entry);
	provenance = intern_get(&w->ledger->provenances, entry->provenance);
	return provenance->origin;
}

/* --- scans ---------------------------------------------------------------------- */

static void a_scan_adds_and_removes(void **state)
{
	struct world w = world_new();
	const uint64_t start = A + PAGES(300); /* over the end of a leaf */

	(void)state;
	world_mmap(&w, A, PAGES(2048), RW, ANON);
	for (uint64_t i = 1; i < 400; i += 2)
		world_touch(&w, start + PAGES(i), 1);
	world_touch(&w, start - PAGES(5), 5); /* outside of what is scanned */
	world_touch(&w, start + PAGES(400), 5);
	w.now += MS(1000);
	scan_seen(&w, CAUSE_PERIODIC, start, 400, even);
	assert_int_equal(w.ledger->pages.pages, 200 + 10);
	for (uint64_t i = 0; i < 400; i++)
		assert_int_equal(!!page_table_find(&w.ledger->pages, start + PAGES(i)), even(i));
	assert_int_equal(w.ledger->totals.repaired, 400);
	assert_int_equal(w.ledger->totals.unsettled, 0);
	assert_int_equal(w.ledger->totals.born, 210);
	/* a second look has nothing to do */
	scan_seen(&w, CAUSE_PERIODIC, start, 400, even);
	assert_int_equal(w.ledger->totals.repaired, 400);
	world_free(&w);
}

static void a_run_may_go_over_leaves(void **state)
{
	struct world w = world_new();
	const uint64_t start = A + PAGES(500);

	(void)state;
	scan_seen(&w, CAUSE_PERIODIC, start, 512, all);
	assert_int_equal(w.ledger->pages.pages, 512);
	assert_int_equal(world_resident(&w, start, PAGES(512)), 512);
	scan_seen(&w, CAUSE_PERIODIC, A, 500, none);
	assert_int_equal(w.ledger->pages.pages, 512);
	world_free(&w);
}

/* What a look finds is counted by why it was made. */
static void causes_decide_what_is_counted(void **state)
{
	static const struct {
		enum event_cause cause;
		uint64_t added_repaired, added_born, removed_repaired, removed_purged;
		enum page_origin origin;
	} cases[] = {
		{CAUSE_ATTACH, 0, 0, 0, 0, ORIGIN_FOUND},
		{CAUSE_PERIODIC, 8, 0, 8, 0, ORIGIN_REPAIRED},
		{CAUSE_LOSS, 8, 0, 8, 0, ORIGIN_REPAIRED},
		{CAUSE_FAILED, 8, 0, 8, 0, ORIGIN_REPAIRED},
		{CAUSE_HUGE, 0, 8, 8, 0, ORIGIN_HUGE},
		{CAUSE_POPULATE, 0, 8, 8, 0, ORIGIN_POPULATE},
		{CAUSE_ADVICE, 8, 0, 0, 8, ORIGIN_REPAIRED},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct world w = world_new();
		const struct ledger_totals *totals = &w.ledger->totals;

		scan_seen(&w, cases[i].cause, A, 8, all);
		assert_int_equal(w.ledger->pages.pages, 8);
		assert_int_equal(totals->repaired, cases[i].added_repaired);
		assert_int_equal(totals->born, cases[i].added_born);
		assert_int_equal(origin_at(&w, A), cases[i].origin);
		assert_int_equal(page_table_find(&w.ledger->pages, A)->birth == 0,
				 cases[i].cause == CAUSE_ATTACH);
		w.now += MS(1000);
		scan_seen(&w, cases[i].cause, A, 8, none);
		assert_int_equal(w.ledger->pages.pages, 0);
		assert_int_equal(totals->repaired - cases[i].added_repaired,
				 cases[i].removed_repaired);
		assert_int_equal(totals->purged, cases[i].removed_purged);
		assert_int_equal(totals->returned, 0);
		assert_int_equal(totals->unsettled, 0);
		world_free(&w);
	}
}

/* The fault was recorded, and may not yet have been handled when we looked. */
static void recent_births_are_not_settled(void **state)
{
	struct world w = world_new();

	(void)state;
	world_mmap(&w, A, PAGES(100), RW, ANON);
	world_touch(&w, A, 10);
	w.now += MS(200);
	world_touch(&w, A + PAGES(10), 10);
	w.now += MS(50);
	world_cycle(&w, CAUSE_PERIODIC, 0, 0);
	scan_seen(&w, CAUSE_PERIODIC, A, 100, none);
	assert_int_equal(w.ledger->pages.pages, 10);
	assert_int_equal(w.ledger->totals.repaired, 10);
	assert_int_equal(w.ledger->totals.unsettled, 10);
	/* a cycle comes again anyway */
	assert_int_equal(w.ledger->request_count, 0);
	w.now += MS(200);
	world_cycle(&w, CAUSE_PERIODIC, 0, 0);
	assert_int_equal(w.ledger->totals.unsettled, 0);
	scan_seen(&w, CAUSE_PERIODIC, A, 100, none);
	assert_int_equal(w.ledger->pages.pages, 0);
	assert_int_equal(w.ledger->totals.unsettled, 0);
	world_free(&w);
}

/* The munmap was recorded when entered, and may not yet have been done. */
static void recent_removals_are_not_settled(void **state)
{
	struct world w = world_new();

	(void)state;
	world_mmap(&w, A, PAGES(100), RW, ANON);
	world_touch(&w, A, 20);
	w.now += MS(1000);
	world_range(&w, EVENT_MADVISE, A, PAGES(5), EVENT_CALL_MADVISE, MADV_DONTNEED);
	w.now += MS(500);
	world_range(&w, EVENT_MADVISE, A + PAGES(5), PAGES(5), EVENT_CALL_MADVISE, MADV_DONTNEED);
	w.now += MS(50);
	scan_seen(&w, CAUSE_PERIODIC, A, 20, all);
	assert_int_equal(world_resident(&w, A, PAGES(5)), 5);
	assert_int_equal(world_resident(&w, A + PAGES(5), PAGES(5)), 0);
	assert_int_equal(w.ledger->totals.unsettled, 5);
	assert_int_equal(w.ledger->totals.repaired, 5);
	world_free(&w);
}

/*
 * A process may remove more ranges within the settling time than are remembered.
 * Beyond that a look is believed: else it would never settle anything for such a
 * process. Was it wrong, the next one puts it right.
 */
static void forgotten_removals_count_as_settled(void **state)
{
	struct world w = world_new();

	(void)state;
	world_mmap(&w, A, PAGES(10000), RW, ANON);
	world_touch(&w, A, 8);
	w.now += MS(1000);
	world_range(&w, EVENT_MADVISE, A, PAGES(8), EVENT_CALL_MADVISE, MADV_DONTNEED);
	for (int i = 0; i < LEDGER_REMOVALS; i++) {
		w.now += 20000;
		world_range(&w, EVENT_MADVISE, A + PAGES(2000), PAGES(1), EVENT_CALL_MADVISE,
			    MADV_DONTNEED);
	}
	w.now += MS(2);
	scan_seen(&w, CAUSE_PERIODIC, A, 8, all);
	assert_int_equal(w.ledger->pages.pages, 8);
	assert_int_equal(w.ledger->totals.repaired, 8);
	assert_int_equal(w.ledger->totals.unsettled, 0);
	world_free(&w);
}

/* A look that was asked for at one range is asked for again. */
static void an_unsettled_look_is_repeated(void **state)
{
	static const enum event_cause causes[] = {CAUSE_FAILED, CAUSE_HUGE, CAUSE_POPULATE,
						  CAUSE_ADVICE};
	struct scan_request request;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(causes); i++) {
		struct world w = world_new();

		world_mmap(&w, A, PAGES(100), RW, ANON);
		world_touch(&w, A, 10);
		scan_seen(&w, causes[i], A, 20, none);
		assert_int_equal(w.ledger->pages.pages, 10);
		assert_false(ledger_take_request(w.ledger, w.now + LEDGER_SETTLE_NS - 1, &request));
		assert_true(ledger_take_request(w.ledger, w.now + LEDGER_SETTLE_NS, &request));
		assert_int_equal(request.cause, causes[i]);
		assert_true(request.start == A && request.end == A + PAGES(20));
		world_free(&w);
	}
}

static void pages_on_their_way_are_not_settled(void **state)
{
	struct world w = world_new();
	struct event_mremap move = {
		.old_addr = A, .old_len = PAGES(8), .new_len = PAGES(16), .flags = MREMAP_MAYMOVE};

	(void)state;
	world_mmap(&w, A, PAGES(8), RW, ANON);
	world_touch(&w, A, 8);
	w.now += MS(1000);
	world_feed(&w, &move.h, EVENT_MREMAP_BEGIN, sizeof(move));
	w.now += MS(1000); /* it takes its time */
	scan_seen(&w, CAUSE_PERIODIC, A + PAGES(100), 8, all);
	assert_int_equal(w.ledger->totals.unsettled, 8);
	move.result = (int64_t)A + PAGES(100);
	world_feed(&w, &move.h, EVENT_MREMAP_END, sizeof(move));
	assert_int_equal(w.ledger->pages.pages, 8);
	assert_int_equal(w.ledger->totals.repaired, 0);
	world_free(&w);
}

static void random_scans_match_a_model(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed < 300; seed++) {
		uint64_t random = seed * 0x9e3779b97f4a7c15, expected = 0, repaired = 0;
		struct world w = world_new();
		bool known[2048], found[2048];
		struct event_scan *scan = calloc(1, EVENT_SIZE_MAX);
		uint64_t from = random_below(&random, 1536), to = from;
		uint32_t density = 1 + random_below(&random, 6);

		assert_non_null(scan);
		world_mmap(&w, A, PAGES(2048), RW, ANON);
		for (uint64_t i = 0; i < 2048; i++) {
			known[i] = !random_below(&random, density);
			found[i] = !random_below(&random, density);
			if (known[i])
				world_touch(&w, A + PAGES(i), 1);
		}
		w.now += MS(1000);
		to += random_below(&random, 513);
		scan->start = A + PAGES(from);
		scan->end = A + PAGES(to);
		scan->begin_ns = w.now;
		scan->cause = CAUSE_LOSS;
		for (uint64_t i = from; i < to; i++)
			if (found[i])
				scan->runs[scan->run_count++] = (struct event_run){A + PAGES(i), 1};
		world_feed(&w, &scan->h, EVENT_SCAN,
			   sizeof(*scan) + scan->run_count * sizeof(struct event_run));
		for (uint64_t i = 0; i < 2048; i++) {
			bool inside = i >= from && i < to, there = inside ? found[i] : known[i];

			assert_int_equal(!!page_table_find(&w.ledger->pages, A + PAGES(i)), there);
			expected += there;
			repaired += there != known[i];
		}
		assert_int_equal(w.ledger->pages.pages, expected);
		assert_int_equal(w.ledger->totals.repaired, repaired);
		free(scan);
		world_free(&w);
	}
}

/* --- mappings ------------------------------------------------------------------- */

/* Where nothing is mapped nothing is resident: the record of its going was lost. */
static void pages_in_gaps_are_gone(void **state)
{
	struct world w = world_new();

	(void)state;
	world_mmap(&w, A, PAGES(16), RW, ANON);
	world_touch(&w, A, 16);
	w.ledger->complete = true;
	w.now += MS(1000);
	/* of the 16 pages only the last 4 are still mapped */
	vma_seen(&w, A - PAGES(4), A + PAGES(12), A + PAGES(16),
		 (struct event_vma){.prot = RW, .vma_kind = VMA_KIND_ANON});
	assert_int_equal(w.ledger->pages.pages, 4);
	assert_int_equal(w.ledger->totals.repaired, 12);
	assert_null(world_mapping(&w, A));
	world_free(&w);
}

static void gaps_are_unmapped(void **state)
{
	struct world w = world_new();

	(void)state;
	world_mmap(&w, A, PAGES(10), RW, ANON);
	world_mmap(&w, A + PAGES(50), PAGES(10), RW, ANON);
	vma_seen(&w, A + PAGES(5), A + PAGES(20), A + PAGES(30),
		 (struct event_vma){.prot = PROT_READ});
	assert_true(world_mapping(&w, A)->end == A + PAGES(5));
	assert_int_equal(world_mapping(&w, A + PAGES(20))->attr.prot, PROT_READ);
	/* only a gap */
	vma_seen(&w, A + PAGES(30), A + PAGES(100), A + PAGES(100), (struct event_vma){0});
	assert_int_equal(w.ledger->mappings.count, 2);
	assert_null(world_mapping(&w, A + PAGES(50)));
	world_free(&w);
}

static void a_mapping_is_fitted_part_by_part(void **state)
{
	struct world w = world_new();
	const struct mapping *mapping;

	(void)state;
	world_mmap(&w, A + PAGES(2), PAGES(2), RW, ANON | MAP_NORESERVE);
	world_mmap(&w, A + PAGES(6), PAGES(2), PROT_NONE, ANON);
	world_range(&w, EVENT_MADVISE, A + PAGES(2), PAGES(2), EVENT_CALL_MADVISE, MADV_DONTFORK);
	w.now += MS(1000);
	vma_seen(&w, A, A, A + PAGES(10), (struct event_vma){.prot = RW});
	/* what /proc does not tell is kept, what it tells is put right */
	mapping = world_mapping(&w, A + PAGES(2));
	assert_int_equal(mapping->attr.flags, MAPPING_NORESERVE | MAPPING_DONTFORK);
	assert_int_equal(world_mapping(&w, A + PAGES(6))->attr.prot, RW);
	assert_int_equal(world_mapping(&w, A)->attr.prot, RW);
	assert_non_null(world_mapping(&w, A + PAGES(9)));
	assert_int_equal(w.ledger->mappings.count, 3);
	world_free(&w);
}

static void kinds_and_names_are_learnt(void **state)
{
	struct world w = world_new();

	(void)state;
	w.ledger->complete = false;
	vma_seen(&w, 0, A, A + PAGES(1),
		 (struct event_vma){.prot = PROT_READ | PROT_EXEC,
				    .vma_kind = VMA_KIND_FILE,
				    .name = "libmimalloc.so.2.0"});
	vma_seen(&w, A + PAGES(1), A + PAGES(1), A + PAGES(2),
		 (struct event_vma){.prot = RW, .vma_kind = VMA_KIND_FILE, .name = "libfoo.so"});
	vma_seen(&w, A + PAGES(2), A + PAGES(2), A + PAGES(3),
		 (struct event_vma){.prot = RW, .vma_kind = VMA_KIND_ANON});
	vma_seen(&w, A + PAGES(3), A + PAGES(4), A + PAGES(5),
		 (struct event_vma){.prot = RW, .vma_kind = VMA_KIND_HEAP});
	vma_seen(&w, A + PAGES(5), A + PAGES(6), A + PAGES(7),
		 (struct event_vma){.prot = RW, .vma_kind = VMA_KIND_STACK});
	vma_seen(&w, A + PAGES(7), A + PAGES(8), A + PAGES(9),
		 (struct event_vma){.prot = RW, .vma_kind = VMA_KIND_SPECIAL});
	vma_seen(&w, A + PAGES(9), A + PAGES(10), A + PAGES(11),
		 (struct event_vma){.prot = RW, .flags = MAP_SHARED});
	vma_seen(&w, A + PAGES(11), A + PAGES(12), A + PAGES(13),
		 (struct event_vma){.prot = RW, .vma_kind = 999});
	assert_int_equal(w.ledger->allocator, ALLOCATOR_MIMALLOC);
	assert_int_equal(world_mapping(&w, A)->attr.kind, MAPPING_FILE);
	/* .bss behind a library's data */
	assert_string_equal(
		intern_get(&w.ledger->names, world_mapping(&w, A + PAGES(2))->attr.owner),
		"libfoo.so");
	assert_int_equal(world_mapping(&w, A + PAGES(4))->attr.kind, MAPPING_HEAP);
	assert_int_equal(world_mapping(&w, A + PAGES(6))->attr.kind, MAPPING_STACK);
	assert_int_equal(world_mapping(&w, A + PAGES(8))->attr.kind, MAPPING_SPECIAL);
	assert_int_equal(world_mapping(&w, A + PAGES(10))->attr.flags, MAPPING_SHARED);
	assert_int_equal(world_mapping(&w, A + PAGES(12))->attr.kind, MAPPING_ANON);
	/* there before the watch began */
	assert_int_equal(world_mapping(&w, A)->birth, 0);
	world_free(&w);
}

/* /proc shows a thread's stack as anonymous memory: the ledger knows better. */
static void thread_stacks_stay_thread_stacks(void **state)
{
	struct world w = world_new();

	(void)state;
	world_mmap(&w, A, PAGES(8), RW, ANON | MAP_STACK);
	vma_seen(&w, A, A, A + PAGES(8), (struct event_vma){.prot = RW});
	assert_int_equal(world_mapping(&w, A)->attr.kind, MAPPING_THREAD);
	world_free(&w);
}

static void recently_unmapped_is_not_settled(void **state)
{
	struct world w = world_new();

	(void)state;
	world_mmap(&w, A, PAGES(8), RW, ANON);
	world_range(&w, EVENT_UNMAP, A, PAGES(8), EVENT_CALL_MUNMAP, 0);
	w.now += MS(50);
	vma_seen(&w, A, A, A + PAGES(8), (struct event_vma){.prot = RW});
	assert_int_equal(w.ledger->mappings.count, 0);
	assert_int_equal(w.ledger->totals.unsettled, 1);
	w.now += MS(100);
	vma_seen(&w, A, A, A + PAGES(8), (struct event_vma){.prot = RW});
	assert_int_equal(w.ledger->mappings.count, 1);
	world_free(&w);
}

/* --- cycles, lazily freed pages ----------------------------------------------------- */

static void cycles_complete_the_ledger(void **state)
{
	struct world w = world_new();

	(void)state;
	w.ledger->complete = false;
	w.ledger->totals.cycles = 0;
	world_cycle(&w, CAUSE_LOSS, 0, 0);
	assert_false(w.ledger->complete);
	world_cycle(&w, CAUSE_LOSS, 2, 5); /* given up */
	assert_false(w.ledger->complete);
	assert_int_equal(w.ledger->totals.cycles, 0);
	w.now += MS(5);
	world_cycle(&w, CAUSE_LOSS, 1, 777);
	assert_true(w.ledger->complete);
	assert_int_equal(w.ledger->totals.cycles, 1);
	assert_int_equal(w.ledger->cycle_cost_ns, 777);
	assert_int_equal(w.ledger->cycle_cause, CAUSE_LOSS);
	assert_true(w.ledger->cycle_end_ns == w.now);
	world_free(&w);
}

static void lazy_seen(struct world *w, uint64_t addr, uint64_t pages, bool first, uint64_t value)
{
	struct event_range event = {
		.addr = addr, .len = PAGES(pages), .arg = first, .value = value};

	world_feed(w, &event.h, EVENT_LAZYFREE, sizeof(event));
}

/* Three mappings of 16 pages, each with 8 lazily freed ones. */
static struct world lazy_world(void)
{
	struct world w = world_new();

	for (int i = 0; i < 3; i++) {
		world_mmap(&w, A + PAGES(32 * i), PAGES(16), RW, ANON);
		world_touch(&w, A + PAGES(32 * i), 16);
		world_range(&w, EVENT_MADVISE, A + PAGES(32 * i), PAGES(8), EVENT_CALL_MADVISE,
			    MADV_FREE);
	}
	assert_int_equal(ledger_classes(w.ledger).lazy, 24);
	w.now += MS(1000);
	return w;
}

static void rounds_of_smaps_correct_the_lazy_class(void **state)
{
	struct world w = lazy_world();

	(void)state;
	/* the first has 5 left, the second none, the third all */
	lazy_seen(&w, A, 16, true, PAGES(5));
	lazy_seen(&w, A + PAGES(64), 16, false, PAGES(8));
	lazy_seen(&w, 0, 0, false, 12345);
	assert_int_equal(ledger_classes(w.ledger).lazy, 13);
	assert_int_equal(w.ledger->pages.lazy, 16);
	assert_int_equal(w.ledger->lazy_cost_ns, 12345);
	assert_true(w.ledger->lazy_round_ns == w.now);
	assert_int_equal(ledger_classes(w.ledger).resident, 48);
	/* the next round begins from nothing */
	w.now += MS(1000);
	lazy_seen(&w, A, 16, true, PAGES(4));
	lazy_seen(&w, A + PAGES(64), 16, false, PAGES(8));
	lazy_seen(&w, 0, 0, false, 1);
	assert_int_equal(ledger_classes(w.ledger).lazy, 12);
	/* none anywhere */
	lazy_seen(&w, 0, 0, true, 1);
	assert_int_equal(ledger_classes(w.ledger).lazy, 0);
	assert_int_equal(w.ledger->pages.lazy, 0);
	world_free(&w);
}

static void a_round_says_nothing_of_newer_advice(void **state)
{
	struct world w = lazy_world();

	(void)state;
	world_range(&w, EVENT_MADVISE, A + PAGES(8), PAGES(2), EVENT_CALL_MADVISE, MADV_FREE);
	w.now += MS(50);
	lazy_seen(&w, 0, 0, true, 1);
	assert_int_equal(ledger_classes(w.ledger).lazy, 26);
	assert_true(w.ledger->lazy_round_ns == w.now);
	w.now += MS(100);
	lazy_seen(&w, 0, 0, true, 1);
	assert_int_equal(ledger_classes(w.ledger).lazy, 0);
	world_free(&w);
}

/*
 * A fault that makes the stack grow is recorded before it has: a look between the two sees the
 * shorter stack. A later one, of a stack that is still shorter, is right.
 */
static void a_stack_that_grows_keeps_its_pages(void **state)
{
	struct event_vma stack = {.prot = RW, .vma_kind = VMA_KIND_STACK};
	struct world w = world_new();

	(void)state;
	vma_seen(&w, 0, A + PAGES(100), A + PAGES(200), stack);
	world_touch(&w, A + PAGES(110), 4);
	w.now += MS(500);
	world_touch(&w, A + PAGES(99), 1);
	vma_seen(&w, 0, A + PAGES(100), A + PAGES(200), stack);
	assert_int_equal(world_resident(&w, A, PAGES(200)), 5);
	assert_true(w.ledger->totals.unsettled > 0);
	w.now += MS(500);
	vma_seen(&w, 0, A + PAGES(100), A + PAGES(200), stack);
	assert_int_equal(world_resident(&w, A, PAGES(200)), 4);
	world_free(&w);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_scan_adds_and_removes),
		cmocka_unit_test(a_stack_that_grows_keeps_its_pages),
		cmocka_unit_test(a_run_may_go_over_leaves),
		cmocka_unit_test(causes_decide_what_is_counted),
		cmocka_unit_test(recent_births_are_not_settled),
		cmocka_unit_test(recent_removals_are_not_settled),
		cmocka_unit_test(forgotten_removals_count_as_settled),
		cmocka_unit_test(an_unsettled_look_is_repeated),
		cmocka_unit_test(pages_on_their_way_are_not_settled),
		cmocka_unit_test(random_scans_match_a_model),
		cmocka_unit_test(pages_in_gaps_are_gone),
		cmocka_unit_test(gaps_are_unmapped),
		cmocka_unit_test(a_mapping_is_fitted_part_by_part),
		cmocka_unit_test(kinds_and_names_are_learnt),
		cmocka_unit_test(thread_stacks_stay_thread_stacks),
		cmocka_unit_test(recently_unmapped_is_not_settled),
		cmocka_unit_test(cycles_complete_the_ledger),
		cmocka_unit_test(rounds_of_smaps_correct_the_lazy_class),
		cmocka_unit_test(a_round_says_nothing_of_newer_advice),
	};

	return cmocka_run_group_tests_name("ledger_look", tests, NULL, NULL);
}
