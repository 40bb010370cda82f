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
	w.ledger->mappings.cached = NULL;
	world_touch(&w, A + PAGES(4), 3);
	world_alloc(&w, A + PAGES(4), 64);
	assert_classes(&w, 0, 1, 2, 4);
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_probes_there_is_no_report),
		cmocka_unit_test(what_is_older_than_the_probes_is_unknown),
		cmocka_unit_test(from_the_first_allocation_on_all_is_known),
		cmocka_unit_test(a_mapping_made_since_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
