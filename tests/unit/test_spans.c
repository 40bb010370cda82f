// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/support.h"

#include "user/stack/spans.h"

#define SPACE 300

static void add(struct spans *spans, uint64_t start, uint32_t size, uint32_t rank, uint64_t tag)
{
	const struct span span = {.start = start, .size = size, .rank = rank, .tag = tag};

	assert_int_equal(spans_add(spans, &span), 0);
}

/* The tag at an address; 0: none. */
static uint64_t tag_at(const struct spans *spans, uint64_t address)
{
	const struct span *found = spans_find(spans, address);

	return found ? found->tag : 0;
}

static void settle(struct spans *spans)
{
	assert_int_equal(spans_settle(spans), 0);
	for (size_t i = 1; i < spans->count; i++)
		assert_true(spans->items[i - 1].start + spans->items[i - 1].size <=
			    spans->items[i].start);
}

static void none_holds_nothing(void **state)
{
	struct spans spans = {0};

	(void)state;
	assert_null(spans_find(&spans, 0));
	settle(&spans);
	assert_null(spans_find(&spans, 5));
	spans_trim(&spans);
	spans_free(&spans);
}

static void ends_are_exact(void **state)
{
	struct spans spans = {0};

	(void)state;
	add(&spans, 100, 10, 0, 1);
	add(&spans, 50, 5, 0, 2);
	settle(&spans);
	assert_int_equal(tag_at(&spans, 49), 0);
	assert_int_equal(tag_at(&spans, 50), 2);
	assert_int_equal(tag_at(&spans, 54), 2);
	assert_int_equal(tag_at(&spans, 55), 0);
	assert_int_equal(tag_at(&spans, 99), 0);
	assert_int_equal(tag_at(&spans, 109), 1);
	assert_int_equal(tag_at(&spans, 110), 0);
	assert_int_equal(tag_at(&spans, UINT64_MAX), 0);
	spans_free(&spans);
}

static void what_holds_nothing_is_not_kept(void **state)
{
	struct spans spans = {0};

	(void)state;
	add(&spans, 100, 0, 0, 1);
	add(&spans, UINT64_MAX - 4, 5, 0, 2);
	assert_int_equal(spans.count, 0);
	add(&spans, UINT64_MAX - 5, 5, 0, 3);
	settle(&spans);
	assert_int_equal(tag_at(&spans, UINT64_MAX - 1), 3);
	assert_int_equal(tag_at(&spans, UINT64_MAX), 0);
	spans_free(&spans);
}

static void the_inner_one_interrupts_the_outer(void **state)
{
	struct spans spans = {0};

	(void)state;
	add(&spans, 0x1000, 0x100, 1, 1);
	add(&spans, 0x1040, 0x10, 1, 2);
	/* of a lower rank: only where nothing else is */
	add(&spans, 0x10f0, 0x20, 0, 3);
	settle(&spans);
	assert_int_equal(tag_at(&spans, 0x103f), 1);
	assert_int_equal(tag_at(&spans, 0x1040), 2);
	assert_int_equal(tag_at(&spans, 0x1050), 1);
	assert_int_equal(tag_at(&spans, 0x10ff), 1);
	assert_int_equal(tag_at(&spans, 0x1100), 3);
	spans_free(&spans);
}

/* What the list says of an address by looking at all of the spans. */
static const struct span *look(const struct span *all, size_t count, uint64_t address)
{
	const struct span *best = NULL;

	for (size_t i = 0; i < count; i++) {
		const struct span *span = &all[i];

		if (address < span->start || address - span->start >= span->size)
			continue;
		if (!best || span->rank > best->rank ||
		    (span->rank == best->rank &&
		     (span->start > best->start ||
		      (span->start == best->start && span->size < best->size))))
			best = span;
	}
	return best;
}

static void any_heap_is_as_it_looks(void **state)
{
	uint64_t seed = 42;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		size_t count = 1 + random_below(&seed, 40);
		struct span all[40];
		struct spans spans = {0};

		for (size_t i = 0; i < count; i++) {
			all[i] = (struct span){
				.start = random_below(&seed, SPACE),
				.size = 1 + (uint32_t)random_below(&seed, round % 2 ? 100 : 6),
				.rank = (uint32_t)random_below(&seed, 4),
			};
			/* those that are the same are told apart by nothing */
			all[i].tag = 1 + ((uint64_t)all[i].rank << 40 | all[i].start << 20 |
					  all[i].size);
			assert_int_equal(spans_add(&spans, &all[i]), 0);
		}
		settle(&spans);
		spans_trim(&spans);
		for (uint64_t address = 0; address < SPACE + 110; address++) {
			const struct span *found = look(all, count, address);

			assert_int_equal(tag_at(&spans, address), found ? found->tag : 0);
		}
		spans_free(&spans);
	}
}

static void settled_ones_take_more(void **state)
{
	struct spans spans = {0};

	(void)state;
	add(&spans, 10, 20, 0, 1);
	add(&spans, 40, 20, 0, 2);
	settle(&spans);
	add(&spans, 15, 30, 7, 3);
	settle(&spans);
	assert_int_equal(tag_at(&spans, 14), 1);
	assert_int_equal(tag_at(&spans, 15), 3);
	assert_int_equal(tag_at(&spans, 35), 3);
	assert_int_equal(tag_at(&spans, 44), 3);
	assert_int_equal(tag_at(&spans, 45), 2);
	spans_free(&spans);
}

/* Quadratic work would take minutes. */
static void nesting_may_be_deep(void **state)
{
	enum { COUNT = 200000 };
	struct spans spans = {0};

	(void)state;
	for (uint32_t i = 0; i < COUNT; i++)
		add(&spans, i, 2 * (COUNT - i), 1, i + 1);
	settle(&spans);
	assert_true(spans.count <= 2 * COUNT);
	assert_int_equal(tag_at(&spans, 0), 1);
	assert_int_equal(tag_at(&spans, COUNT - 1), COUNT);
	assert_int_equal(tag_at(&spans, COUNT + 1), COUNT - 1);
	assert_int_equal(tag_at(&spans, 2 * COUNT - 1), 1);
	spans_free(&spans);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(none_holds_nothing),
		cmocka_unit_test(ends_are_exact),
		cmocka_unit_test(what_holds_nothing_is_not_kept),
		cmocka_unit_test(the_inner_one_interrupts_the_outer),
		cmocka_unit_test(any_heap_is_as_it_looks),
		cmocka_unit_test(settled_ones_take_more),
		cmocka_unit_test(nesting_may_be_deep),
	};

	return cmocka_run_group_tests_name("spans", tests, NULL, NULL);
}
