// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/support.h"

#include "user/ledger/page_table.h"

/*
 * The model: one struct per page of a few windows, each some leaves long, that
 * differ in every level of the tree. Two tables, so that pages can move.
 */
#define WINDOW_LEAVES 5
#define WINDOW_PAGES (WINDOW_LEAVES * LEAF_PAGES)
#define WINDOW_COUNT 6
#define MODEL_PAGES (WINDOW_COUNT * WINDOW_PAGES)

static const uint64_t windows[WINDOW_COUNT] = {
	0,
	0x555500000000,
	0x555500000000 + 4 * LEAF_BYTES * 512, /* 4 GiB on */
	((uint64_t)1 << 47) - 2 * LEAF_BYTES,  /* across the end of 4-level paging */
	((uint64_t)1 << 56) - 3 * LEAF_BYTES,
	PAGE_TABLE_LIMIT - WINDOW_LEAVES *LEAF_BYTES,
};

struct model_page {
	bool present;
	bool lazy;
	uint32_t birth;
	uint32_t provenance;
	uint32_t stamp;
};

#define STAMPS 64

struct model {
	struct page_table table;
	struct model_page pages[MODEL_PAGES];
	uint64_t gone[STAMPS]; /* pages of each stamp that are, as told */
	uint64_t left[STAMPS]; /* and as they are */
};

static void count_gone(void *ctx, uint32_t stamp)
{
	struct model *model = ctx;

	assert_in_range(stamp, 1, STAMPS - 1);
	model->gone[stamp]++;
}

static void model_drop(struct model *model, struct model_page *page)
{
	if (page->present && page->stamp)
		model->left[page->stamp]++;
	page->present = false;
}

static uint64_t model_addr(size_t i)
{
	return windows[i / WINDOW_PAGES] + PAGES(i % WINDOW_PAGES);
}

/* The end of a range whose last page is i - 1. */
static uint64_t model_end(size_t i)
{
	return i ? model_addr(i - 1) + PAGE_BYTES : 0;
}

static void model_count(const struct model *model, size_t from, size_t to, struct page_tally *tally)
{
	for (size_t i = from; i < to; i++) {
		const struct model_page *page = &model->pages[i];

		tally->pages += page->present;
		tally->lazy += page->present && page->lazy;
		tally->young += page->present && page->birth >= model->table.young_since;
	}
}

static void assert_tally(struct page_tally found, struct page_tally expected)
{
	assert_int_equal(found.pages, expected.pages);
	assert_int_equal(found.lazy, expected.lazy);
	assert_int_equal(found.young, expected.young);
}

static void assert_same(const struct model *model)
{
	const struct page_table *table = &model->table;
	struct page_tally all = {0};

	for (size_t i = 0; i < MODEL_PAGES; i++) {
		const struct page_entry *entry = page_table_find(table, model_addr(i) + i % 4096);
		const struct model_page *page = &model->pages[i];

		assert_int_equal(page_table_stamp(table, model_addr(i) + i % 4096),
				 page->present ? page->stamp : 0);
		if (!page->present) {
			assert_null(entry);
			continue;
		}
		assert_non_null(entry);
		assert_int_equal(entry->birth, page->birth);
		assert_int_equal(entry->provenance, page->provenance);
		assert_int_equal(entry->lazy, page->lazy);
	}
	model_count(model, 0, MODEL_PAGES, &all);
	assert_tally((struct page_tally){table->pages, table->lazy, table->young}, all);
	assert_memory_equal(model->gone, model->left, sizeof(model->gone));
}

/* Leaves: one for each 2 MiB with a page, none without. */
static void assert_leaves(const struct model *model)
{
	uint64_t expected = 0, walked = 0, at;

	for (size_t i = 0; i < MODEL_PAGES; i += LEAF_PAGES) {
		struct page_tally tally = {0};

		model_count(model, i, i + LEAF_PAGES, &tally);
		expected += tally.pages > 0;
		if (tally.pages)
			assert_int_equal(page_table_leaf(&model->table, model_addr(i))->count,
					 tally.pages);
		else
			assert_null(page_table_leaf(&model->table, model_addr(i)));
	}
	for (uint64_t addr = 0; page_table_next(&model->table, addr, PAGE_TABLE_LIMIT, &at);
	     addr = at + LEAF_BYTES) {
		assert_true(at >= addr && !(at & (LEAF_BYTES - 1)));
		walked++;
	}
	assert_int_equal(model->table.leaves, expected);
	assert_int_equal(walked, expected);
}

static void model_add(struct model *model, size_t i, struct page_entry entry, uint32_t stamp)
{
	struct model_page *page = &model->pages[i];
	uint64_t addr = model_addr(i) + i % 4096;
	bool was = page->present;

	assert_int_equal(stamp ? page_table_add_stamped(&model->table, addr, entry, stamp)
			       : page_table_add(&model->table, addr, entry),
			 !was);
	if (was)
		page->lazy = false;
	else
		*page = (struct model_page){true, entry.lazy, entry.birth, entry.provenance, stamp};
}

static void model_remove(struct model *model, size_t from, size_t to, bool tallied)
{
	struct page_tally expected = {1, 2, 3}, found = {1, 2, 3};

	model_count(model, from, to, &expected);
	page_table_remove(&model->table, model_addr(from), model_end(to), tallied ? &found : NULL);
	if (tallied)
		assert_tally(found, expected);
	for (size_t i = from; i < to; i++)
		model_drop(model, &model->pages[i]);
}

static void model_mark_lazy(struct model *model, size_t from, size_t to, bool lazy)
{
	uint64_t changed = 0;

	for (size_t i = from; i < to; i++) {
		changed += model->pages[i].present && model->pages[i].lazy != lazy;
		model->pages[i].lazy = lazy;
	}
	assert_int_equal(page_table_mark_lazy(&model->table, model_addr(from), model_end(to), lazy),
			 changed);
}

/*
 * Ranges of both lie in one window each. What is there already counts as touched
 * again, and what would have taken its place is gone.
 */
static void model_move(struct model *from, size_t start, size_t count, struct model *into,
		       size_t to)
{
	assert_int_equal(page_table_move(&from->table, model_addr(start), model_end(start + count),
					 &into->table, model_addr(to)),
			 0);
	for (size_t i = 0; i < count; i++) {
		struct model_page *source = &from->pages[start + i];
		struct model_page *target = &into->pages[to + i];

		if (source->present && target->present) {
			target->lazy = false;
			model_drop(from, source);
		} else if (source->present) {
			*target = *source;
		}
		source->present = false;
	}
}

static void model_interval(struct model *models, uint32_t since)
{
	for (int i = 0; i < 2; i++) {
		page_table_begin_interval(&models[i].table, since);
		assert_int_equal(models[i].table.young, 0);
	}
}

struct state {
	struct model models[2];
	uint64_t seed;
	uint32_t clock;
	bool stamped;
};

static uint32_t random_stamp(struct state *state)
{
	return state->stamped && random_below(&state->seed, 3)
		       ? (uint32_t)random_below(&state->seed, STAMPS)
		       : 0;
}

static struct page_entry random_entry(struct state *state)
{
	return (struct page_entry){
		.birth = random_below(&state->seed, 4)
				 ? state->clock
				 : (uint32_t)random_below(&state->seed, state->clock),
		.provenance = (uint32_t)random_below(&state->seed, 1u << 31),
		.lazy = !random_below(&state->seed, 8),
	};
}

static void random_range(struct state *state, size_t *from, size_t *to)
{
	size_t length = random_below(&state->seed, 3) ? random_below(&state->seed, 700)
						      : random_below(&state->seed, MODEL_PAGES);

	*from = random_below(&state->seed, MODEL_PAGES);
	if (!random_below(&state->seed, 4))
		*from -= *from % LEAF_PAGES;
	*to = *from + length < MODEL_PAGES ? *from + length : MODEL_PAGES;
	if (!random_below(&state->seed, 4))
		*to -= *to % LEAF_PAGES;
	if (*to <= *from)
		*to = *from + 1;
}

static void random_move(struct state *state, struct model *from, struct model *into)
{
	size_t length = 1 + random_below(&state->seed, WINDOW_PAGES);
	size_t start = random_below(&state->seed, WINDOW_PAGES - length + 1);
	size_t to = random_below(&state->seed, WINDOW_PAGES - length + 1);

	if (random_below(&state->seed, 2)) { /* whole leaves, perhaps with a part at the end */
		start -= start % LEAF_PAGES;
		to -= to % LEAF_PAGES;
	}
	model_move(from, random_below(&state->seed, WINDOW_COUNT) * WINDOW_PAGES + start, length,
		   into, random_below(&state->seed, WINDOW_COUNT) * WINDOW_PAGES + to);
}

static void random_step(struct state *state)
{
	unsigned int which = random_below(&state->seed, 2);
	struct model *model = &state->models[which], *other = &state->models[!which];
	struct page_tally expected = {0}, found = {0};
	size_t from, to;

	random_range(state, &from, &to);
	switch (random_below(&state->seed, 16)) {
	case 0:
	case 1:
		model_remove(model, from, to, random_below(&state->seed, 2));
		break;
	case 2:
		model_mark_lazy(model, from, to, random_below(&state->seed, 2));
		break;
	case 3:
		model_count(model, from, to, &expected);
		page_table_count(&model->table, model_addr(from), model_end(to), &found);
		assert_tally(found, expected);
		break;
	case 4:
		random_move(state, model, other);
		break;
	case 5:
		model_interval(state->models, ++state->clock);
		break;
	case 6: /* a run of faults, upwards */
		for (size_t i = from; i < to && i < from + 600; i++)
			model_add(model, i, random_entry(state), random_stamp(state));
		break;
	case 7: /* and downwards, as a stack */
		for (size_t i = to; i > from && i + 600 > to; i--)
			model_add(model, i - 1, random_entry(state), random_stamp(state));
		break;
	default:
		for (int i = 0; i < 20; i++)
			model_add(model, random_below(&state->seed, MODEL_PAGES),
				  random_entry(state), random_stamp(state));
	}
}

static void assert_clone(const struct model *model)
{
	struct model *copy = calloc(1, sizeof(*copy));

	assert_non_null(copy);
	memcpy(copy->pages, model->pages, sizeof(copy->pages));
	for (size_t i = 0; i < MODEL_PAGES; i++)
		copy->pages[i].stamp = 0;
	copy->table.gone = count_gone;
	copy->table.gone_ctx = copy;
	copy->table.epoch = model->table.epoch;
	copy->table.young_since = model->table.young_since;
	assert_int_equal(page_table_clone(&model->table, &copy->table), 0);
	assert_same(copy);
	assert_leaves(copy);
	/* it stands on its own */
	page_table_remove(&copy->table, 0, PAGE_TABLE_LIMIT, NULL);
	assert_memory_equal(copy->gone, copy->left, sizeof(copy->gone)); /* of no stamp */
	assert_same(model);
	page_table_free(&copy->table);
	free(copy);
}

static void assert_stamps(const struct state *state)
{
	for (int i = 0; i < 2; i++) {
		struct page_leaf *leaf;
		uint64_t at;

		for (uint64_t addr = 0;
		     (leaf = page_table_next(&state->models[i].table, addr, PAGE_TABLE_LIMIT, &at));
		     addr = at + LEAF_BYTES)
			assert_true(state->stamped || !leaf->stamps);
	}
}

static void assert_empties(struct model *model, uint64_t seed)
{
	if (seed % 3 == 0) /* everything at once */
		model_remove(model, 0, MODEL_PAGES, true);
	if (seed % 3 == 1) { /* and by itself */
		for (size_t i = 0; i < MODEL_PAGES; i++)
			model_drop(model, &model->pages[i]);
		page_table_free(&model->table);
		assert_true(model->table.gone == count_gone);
		assert_true(model->table.gone_ctx == model);
		/* it can be used again */
		model_add(model, 5, (struct page_entry){.birth = 1}, 7);
	}
	for (size_t page = 0; page < MODEL_PAGES; page += 97)
		model_remove(model, page, page + 97 < MODEL_PAGES ? page + 97 : MODEL_PAGES, true);
	assert_memory_equal(model->gone, model->left, sizeof(model->gone));
	assert_int_equal(model->table.bytes, 0);
	assert_int_equal(model->table.leaves, 0);
	assert_int_equal(model->table.pages, 0);
	assert_null(model->table.root);
	page_table_free(&model->table);
}

static void random_walk(uint64_t seed)
{
	struct state *state = calloc(1, sizeof(*state));

	assert_non_null(state);
	state->seed = seed * 0x9e3779b97f4a7c15;
	state->clock = 1;
	state->stamped = seed % 4;
	for (int i = 0; i < 2; i++) {
		state->models[i].table.gone = count_gone;
		state->models[i].table.gone_ctx = &state->models[i];
	}
	model_interval(state->models, 1);
	for (int round = 0; round < 10; round++) {
		for (int i = 0; i < 30; i++)
			random_step(state);
		for (int i = 0; i < 2; i++) {
			assert_same(&state->models[i]);
			assert_leaves(&state->models[i]);
		}
	}
	assert_stamps(state);
	assert_clone(&state->models[seed % 2]);
	for (int i = 0; i < 2; i++)
		assert_empties(&state->models[i], seed);
	free(state);
}

static void random_operations_match_a_model(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++)
		random_walk(seed);
}

static void addresses_past_the_limit_are_refused(void **state)
{
	static const uint64_t addrs[] = {PAGE_TABLE_LIMIT, PAGE_TABLE_LIMIT + 4096,
					 (uint64_t)1 << 63, UINT64_MAX};
	struct page_table table = {0};
	struct page_entry entry = {.birth = 1};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(addrs); i++) {
		assert_int_equal(page_table_add(&table, addrs[i], entry), -EINVAL);
		assert_null(page_table_find(&table, addrs[i]));
		assert_null(page_table_leaf(&table, addrs[i]));
	}
	assert_int_equal(table.bytes, 0);
	assert_int_equal(page_table_add(&table, PAGE_TABLE_LIMIT - 1, entry), 1);
	assert_int_equal(page_table_add(&table, PAGE_TABLE_LIMIT - 4096, entry), 0);
	page_table_remove(&table, PAGE_TABLE_LIMIT - 4096, UINT64_MAX & ~4095ULL, NULL);
	assert_int_equal(table.bytes, 0);
}

/* A move past the limit stops there, and loses nothing that has not moved. */
static void a_refused_move_keeps_the_pages(void **state)
{
	struct page_table from = {0}, into = {0};
	struct page_entry entry = {.birth = 1};

	(void)state;
	for (uint64_t page = 0; page < 2 * LEAF_PAGES; page++)
		assert_int_equal(page_table_add(&from, PAGES(page), entry), 1);
	assert_int_equal(
		page_table_move(&from, 0, 2 * LEAF_BYTES, &into, PAGE_TABLE_LIMIT - LEAF_BYTES),
		-EINVAL);
	assert_int_equal(into.pages, LEAF_PAGES);
	assert_int_equal(from.pages, LEAF_PAGES);
	assert_non_null(page_table_find(&from, LEAF_BYTES));
	page_table_free(&from);
	page_table_free(&into);
}

static void empty_ranges_do_nothing(void **state)
{
	struct page_table table = {0};
	struct page_tally tally = {0};
	uint64_t at;

	(void)state;
	page_table_remove(&table, 0, PAGE_TABLE_LIMIT, &tally);
	page_table_count(&table, 0, PAGE_TABLE_LIMIT, &tally);
	assert_null(page_table_next(&table, 0, PAGE_TABLE_LIMIT, &at));
	assert_int_equal(page_table_add(&table, 0x200000, (struct page_entry){.birth = 1}), 1);
	page_table_remove(&table, 0x200000, 0x200000, &tally);
	page_table_remove(&table, 0x300000, 0x200000, &tally);
	page_table_count(&table, 0x200000, 0x200000, &tally);
	assert_int_equal(page_table_mark_lazy(&table, 0x201000, 0x400000, true), 0);
	assert_null(page_table_next(&table, 0, 0x200000, &at));
	assert_null(page_table_next(&table, 0x400000, PAGE_TABLE_LIMIT, &at));
	assert_non_null(page_table_next(&table, 0, 0x201000, &at));
	assert_true(at == 0x200000);
	assert_tally(tally, (struct page_tally){0});
	assert_int_equal(table.pages, 1);
	page_table_free(&table);
	assert_int_equal(table.bytes, 0);
}

/* The figure that is promised: a few bytes a page when leaves are full. */
static void a_full_leaf_takes_few_bytes(void **state)
{
	(void)state;
	for (uint32_t stamp = 0; stamp < 2; stamp++) {
		struct page_table table = {0};

		for (uint64_t page = 0; page < 64 * LEAF_PAGES; page++)
			assert_int_equal(page_table_add_stamped(&table, PAGES(page),
								(struct page_entry){0}, stamp),
					 1);
		assert_in_range(table.bytes / (64 * LEAF_PAGES), stamp ? 12 : 8, stamp ? 16 : 12);
		page_table_free(&table); /* without a hook nobody is told */
	}
}

/* The first stamped page of a leaf leaves the others without one. */
static void pages_before_the_first_stamp_have_none(void **state)
{
	struct page_table table = {0};

	(void)state;
	for (uint64_t page = 0; page < 100; page += 2)
		assert_int_equal(page_table_add(&table, PAGES(page), (struct page_entry){0}), 1);
	assert_null(page_table_leaf(&table, 0)->stamps);
	assert_int_equal(page_table_add_stamped(&table, PAGES(51), (struct page_entry){0}, 9), 1);
	/* one that is there keeps what it has */
	assert_int_equal(page_table_add_stamped(&table, PAGES(50), (struct page_entry){0}, 8), 0);
	assert_int_equal(page_table_add_stamped(&table, PAGES(51), (struct page_entry){0}, 8), 0);
	for (uint64_t page = 0; page < LEAF_PAGES; page++)
		assert_int_equal(page_table_stamp(&table, PAGES(page)), page == 51 ? 9 : 0);
	assert_int_equal(page_table_stamp(&table, PAGE_TABLE_LIMIT), 0);
	assert_int_equal(page_table_stamp(&table, UINT64_MAX), 0);
	page_table_free(&table);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_operations_match_a_model),
		cmocka_unit_test(addresses_past_the_limit_are_refused),
		cmocka_unit_test(a_refused_move_keeps_the_pages),
		cmocka_unit_test(empty_ranges_do_nothing),
		cmocka_unit_test(a_full_leaf_takes_few_bytes),
		cmocka_unit_test(pages_before_the_first_stamp_have_none),
	};

	return cmocka_run_group_tests_name("page_table", tests, NULL, NULL);
}
