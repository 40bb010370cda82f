#include "tests/handler/support.h"

#include <malloc.h>

#include "handler/random.h"

static int setup(void **state)
{
	return cache_create(&cache_unbounded, 1, (struct cache **)state);
}

static int teardown(void **state)
{
	cache_destroy(*state);
	return 0;
}

struct sum {
	size_t entries, bytes;
};

static void order_add(const struct order *order, void *context)
{
	struct sum *sum = context;

	sum->entries++;
	sum->bytes += order_count(order);
}

static struct sum cache_sum(struct cache *cache)
{
	struct sum sum = {0};

	cache_each(cache, order_add, &sum);
	return sum;
}

static void test_nothing_is_forgotten(void **state)
{
	char id[32];

	for (int i = 0; i < 5000; i++) {
		snprintf(id, sizeof(id), "ord-%d", i);
		assert_int_equal(cache_touch(*state, id), -ENOENT);
		order_put(*state, id, 20);
	}
	assert_int_equal(cache_measure(*state).entries, 5000);
	assert_int_equal(cache_sum(*state).entries, 5000);
	for (int i = 0; i < 5000; i++) {
		snprintf(id, sizeof(id), "ord-%d", i);
		assert_int_equal(cache_touch(*state, id), 0);
	}
	assert_int_equal(cache_touch(*state, "ord-5000"), -ENOENT);
	assert_int_equal(cache_touch(*state, ""), -ENOENT);
}

static void test_live_bytes_are_the_sum(void **state)
{
	struct random random = {.state = 7};
	size_t empty = cache_measure(*state).live_bytes;
	size_t entry, buckets = 64;
	char id[32];

	order_put(*state, "first", 100);
	entry = cache_measure(*state).live_bytes - empty - cache_sum(*state).bytes;
	assert_in_range(entry, sizeof(void *), 64);

	/* Replacements among them: 3,000 puts of 2,000 ids. */
	for (int i = 0; i < 3000; i++) {
		struct cache_size size;
		struct sum sum;

		snprintf(id, sizeof(id), "%d", (int)random_between(&random, 0, 1999));
		order_put(*state, id, random_between(&random, 1, 3800));
		size = cache_measure(*state);
		while (buckets < size.entries)
			buckets *= 2;
		if (i % 10)
			continue;
		sum = cache_sum(*state);
		assert_int_equal(size.entries, sum.entries);
		assert_int_equal(size.live_bytes, empty + sum.bytes + sum.entries * entry +
							  (buckets - 64) * sizeof(void *));
	}
	assert_true(buckets > 64);
	assert_true(cache_measure(*state).entries < 2001);
}

static void test_replacing_keeps_one(void **state)
{
	struct cache_size size;

	order_put(*state, "same", 100);
	size = cache_measure(*state);
	for (int i = 0; i < 1000; i++)
		order_put(*state, "same", 100);
	assert_int_equal(cache_measure(*state).entries, 1);
	assert_int_equal(cache_measure(*state).live_bytes, size.live_bytes);
	order_put(*state, "same", 150);
	assert_int_equal(cache_measure(*state).live_bytes, size.live_bytes);
	order_put(*state, "same", 100 + ORDER_BLOCK);
	assert_int_equal(cache_measure(*state).live_bytes, size.live_bytes + ORDER_BLOCK);
	assert_int_equal(cache_sum(*state).entries, 1);
}

/* What the allocator handed out is what was counted, plus its rounding: nothing leaks. */
static void test_the_allocator_agrees(void **state)
{
	size_t heap, counted;
	char id[32];

	if (UNDER_SANITIZER) {
		print_message("skipped: mallinfo2 knows nothing of a sanitizer's heap\n");
		skip();
	}
	order_put(*state, "warm", 10);
	counted = cache_measure(*state).live_bytes;
	heap = mallinfo2().uordblks + mallinfo2().hblkhd;
	for (int i = 0; i < 20000; i++) {
		snprintf(id, sizeof(id), "ord-%d", i / 4);
		order_put(*state, id, 500);
	}
	counted = cache_measure(*state).live_bytes - counted;
	heap = mallinfo2().uordblks + mallinfo2().hblkhd - heap;
	assert_in_range(heap, counted, counted + counted / 5);
}

static void test_kinds_by_name(void **state)
{
	(void)state;
	assert_ptr_equal(cache_kind_find("unbounded"), &cache_unbounded);
	assert_ptr_equal(cache_kind_find("lru"), &cache_lru);
	assert_null(cache_kind_find("LRU"));
	assert_null(cache_kind_find(""));
	cache_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_nothing_is_forgotten, setup, teardown),
		cmocka_unit_test_setup_teardown(test_live_bytes_are_the_sum, setup, teardown),
		cmocka_unit_test_setup_teardown(test_replacing_keeps_one, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_allocator_agrees, setup, teardown),
		cmocka_unit_test(test_kinds_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
