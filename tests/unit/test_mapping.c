// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/support.h"

#include <sys/mman.h>

#include "user/ledger/mapping.h"

/* The model: the attributes of each page of a window. kind is kept + 1, 0 is unmapped. */
#define MODEL_PAGES 400
#define BASE ((uint64_t)0x7f0000000000)

struct model {
	struct mapping_map map;
	bool mapped[MODEL_PAGES];
	struct mapping_attr attrs[MODEL_PAGES];
};

static bool attr_same(const struct mapping_attr *a, const struct mapping_attr *b)
{
	return a->prot == b->prot && a->kind == b->kind && a->flags == b->flags &&
	       a->name == b->name && a->owner == b->owner;
}

/* Few different ones, so that neighbours often agree. */
static struct mapping_attr random_attr(uint64_t *seed)
{
	struct mapping_attr attr = {.prot = PROT_READ};

	switch (random_below(seed, 6)) {
	case 0:
		attr.prot |= PROT_WRITE;
		break;
	case 1:
		attr.kind = MAPPING_FILE;
		break;
	case 2:
		attr.flags = MAPPING_NORESERVE;
		break;
	case 3:
		attr.name = 7;
		break;
	case 4:
		attr.owner = 7;
		break;
	}
	return attr;
}

static void set_prot(struct mapping_attr *attr, uint32_t prot)
{
	attr->prot = (uint8_t)prot;
}

/* How many mappings the model comes to: runs of pages that agree. */
static size_t model_runs(const struct model *model)
{
	size_t runs = 0;

	for (size_t i = 0; i < MODEL_PAGES; i++)
		runs += model->mapped[i] && !(i && model->mapped[i - 1] &&
					      attr_same(&model->attrs[i], &model->attrs[i - 1]));
	return runs;
}

static void assert_ordered_and_merged(const struct mapping_map *map)
{
	const struct mapping *before = NULL, *mapping = mapping_at_or_after(map, 0);
	size_t count = 0;

	for (; mapping; before = mapping, mapping = mapping_next(mapping), count++) {
		assert_true(mapping->start < mapping->end);
		if (!before)
			continue;
		assert_true(before->end <= mapping->start);
		assert_false(before->end == mapping->start &&
			     attr_same(&before->attr, &mapping->attr));
	}
	assert_int_equal(map->count, count);
}

static void assert_same(const struct model *model, uint64_t *seed)
{
	assert_ordered_and_merged(&model->map);
	assert_int_equal(model->map.count, model_runs(model));
	for (size_t n = 0; n < MODEL_PAGES; n++) {
		/* in any order: the last one found is remembered */
		size_t i = random_below(seed, MODEL_PAGES), after = i;
		uint64_t addr = BASE + PAGES(i) + random_below(seed, 4096);
		const struct mapping *found = mapping_find(&model->map, addr);
		const struct mapping *next = mapping_at_or_after(&model->map, addr);

		assert_int_equal(!!found, model->mapped[i]);
		if (found) {
			assert_true(found->start <= addr && addr < found->end);
			assert_true(attr_same(&found->attr, &model->attrs[i]));
		}
		while (after < MODEL_PAGES && !model->mapped[after])
			after++;
		assert_int_equal(!!next, after < MODEL_PAGES);
		if (next && after != i)
			assert_true(next->start == BASE + PAGES(after));
		if (next && after == i)
			assert_ptr_equal(next, found);
	}
}

static void random_step(struct model *model, uint64_t *seed)
{
	size_t from = random_below(seed, MODEL_PAGES);
	size_t to = from + random_below(seed, random_below(seed, 5) ? 12 : MODEL_PAGES);
	struct mapping_attr attr = random_attr(seed);
	uint64_t start = BASE + PAGES(from), end;

	to = to < MODEL_PAGES ? to : MODEL_PAGES;
	end = BASE + PAGES(to);
	switch (random_below(seed, 5)) {
	case 0:
		assert_int_equal(mapping_remove(&model->map, start, end), 0);
		for (size_t i = from; i < to; i++)
			model->mapped[i] = false;
		break;
	case 1:
		assert_int_equal(mapping_change(&model->map, start, end, set_prot, attr.prot), 0);
		for (size_t i = from; i < to; i++)
			model->attrs[i].prot = attr.prot;
		break;
	default:
		assert_int_equal(mapping_set(&model->map, start, end, attr, 1), 0);
		for (size_t i = from; i < to; i++) {
			model->mapped[i] = true;
			model->attrs[i] = attr;
		}
	}
}

static void random_operations_match_a_model(void **state)
{
	(void)state;
	for (uint64_t number = 1; number <= 100; number++) {
		struct model *model = calloc(1, sizeof(*model));
		uint64_t seed = number * 0x9e3779b97f4a7c15;
		struct mapping_map copy = {0};

		assert_non_null(model);
		for (int i = 0; i < 200; i++) {
			random_step(model, &seed);
			if (i % 5 == 0)
				assert_same(model, &seed);
		}
		assert_int_equal(mapping_map_clone(&model->map, &copy), 0);
		mapping_map_free(&model->map);
		assert_int_equal(model->map.bytes, 0);
		assert_int_equal(model->map.count, 0);
		assert_null(mapping_find(&model->map, BASE));
		model->map = copy;
		assert_same(model, &seed);
		assert_int_equal(mapping_remove(&model->map, 0, UINT64_MAX), 0);
		assert_int_equal(model->map.bytes, 0);
		free(model);
	}
}

static void a_change_that_ends_a_difference_merges(void **state)
{
	struct mapping_attr rw = {.prot = PROT_READ | PROT_WRITE};
	struct mapping_map map = {0};

	(void)state;
	assert_int_equal(mapping_set(&map, 0x1000, 0x9000, rw, 3), 0);
	assert_int_equal(mapping_change(&map, 0x3000, 0x4000, set_prot, PROT_READ), 0);
	assert_int_equal(mapping_change(&map, 0x5000, 0x6000, set_prot, PROT_READ), 0);
	assert_int_equal(map.count, 5);
	assert_int_equal(mapping_change(&map, 0x2000, 0x7000, set_prot, rw.prot), 0);
	assert_int_equal(map.count, 1);
	assert_true(mapping_find(&map, 0x5000)->start == 0x1000);
	assert_true(mapping_find(&map, 0x5000)->end == 0x9000);
	mapping_map_free(&map);
}

/* A merged mapping is as young as its youngest part: looks must not take it for settled. */
static void the_younger_birth_survives_a_merge(void **state)
{
	struct mapping_attr attr = {.prot = PROT_READ};
	struct mapping_map map = {0};

	(void)state;
	assert_int_equal(mapping_set(&map, 0x1000, 0x2000, attr, 9), 0);
	assert_int_equal(mapping_set(&map, 0x3000, 0x4000, attr, 4), 0);
	assert_int_equal(mapping_set(&map, 0x2000, 0x3000, attr, 6), 0);
	assert_int_equal(map.count, 1);
	assert_int_equal(mapping_find(&map, 0x1000)->birth, 9);
	mapping_map_free(&map);
}

static void empty_ranges_do_nothing(void **state)
{
	struct mapping_attr attr = {.prot = PROT_READ};
	struct mapping_map map = {0};

	(void)state;
	assert_int_equal(mapping_set(&map, 0x3000, 0x3000, attr, 1), 0);
	assert_int_equal(mapping_set(&map, 0x3000, 0x1000, attr, 1), 0);
	assert_int_equal(map.count, 0);
	assert_null(mapping_at_or_after(&map, 0));
	assert_int_equal(mapping_set(&map, 0x1000, 0x3000, attr, 1), 0);
	assert_int_equal(mapping_remove(&map, 0x2000, 0x2000), 0);
	assert_int_equal(mapping_change(&map, 0x2000, 0x2000, set_prot, PROT_WRITE), 0);
	assert_int_equal(mapping_change(&map, 0x5000, 0x9000, set_prot, PROT_WRITE), 0);
	assert_int_equal(map.count, 1);
	assert_int_equal(mapping_find(&map, 0x2fff)->attr.prot, PROT_READ);
	assert_null(mapping_find(&map, 0x3000));
	assert_null(mapping_find(&map, 0xfff));
	mapping_map_free(&map);
}

static void the_whole_address_space_is_a_range(void **state)
{
	struct mapping_attr attr = {.prot = PROT_READ};
	struct mapping_map map = {0};

	(void)state;
	assert_int_equal(mapping_set(&map, 0, UINT64_MAX, attr, 1), 0);
	assert_int_equal(mapping_remove(&map, 0x1000, 0x2000), 0);
	assert_int_equal(map.count, 2);
	assert_non_null(mapping_find(&map, 0));
	assert_non_null(mapping_find(&map, UINT64_MAX - 1));
	assert_int_equal(mapping_change(&map, 0, UINT64_MAX, set_prot, 0), 0);
	assert_int_equal(mapping_find(&map, 0)->attr.prot, 0);
	mapping_map_free(&map);
}

static void anonymous_pages_live_in_private_mappings(void **state)
{
	struct mapping mapping = {0};

	(void)state;
	for (unsigned int kind = 0; kind < MAPPING_KIND_COUNT; kind++) {
		mapping.attr.kind = (uint8_t)kind;
		assert_int_equal(mapping_is_private(&mapping), kind != MAPPING_SPECIAL);
		assert_string_not_equal(mapping_kind_name(kind), "?");
	}
	mapping.attr.kind = MAPPING_ANON;
	mapping.attr.flags = MAPPING_SHARED;
	assert_false(mapping_is_private(&mapping));
	mapping.attr.flags = MAPPING_HUGETLB;
	assert_false(mapping_is_private(&mapping));
	assert_string_equal(mapping_kind_name(MAPPING_KIND_COUNT), "?");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_operations_match_a_model),
		cmocka_unit_test(a_change_that_ends_a_difference_merges),
		cmocka_unit_test(the_younger_birth_survives_a_merge),
		cmocka_unit_test(empty_ranges_do_nothing),
		cmocka_unit_test(the_whole_address_space_is_a_range),
		cmocka_unit_test(anonymous_pages_live_in_private_mappings),
	};

	return cmocka_run_group_tests_name("mapping", tests, NULL, NULL);
}
