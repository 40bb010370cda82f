#include "tests/handler/support.h"

#include "handler/random.h"

#define IDS 300

/* The simplest LRU there is: ids in an array, newest first, and what each order takes. */
struct model {
	int ids[IDS];
	size_t bytes[IDS];
	size_t count, limit;
};

static size_t model_find(const struct model *model, int id)
{
	size_t i = 0;

	while (i < model->count && model->ids[i] != id)
		i++;
	return i;
}

static void model_move_front(struct model *model, size_t from, int id, size_t bytes)
{
	memmove(model->ids + 1, model->ids, from * sizeof(model->ids[0]));
	memmove(model->bytes + 1, model->bytes, from * sizeof(model->bytes[0]));
	model->ids[0] = id;
	model->bytes[0] = bytes;
}

static void model_put(struct model *model, int id, size_t bytes)
{
	size_t at = model_find(model, id);

	if (at == model->count) {
		if (model->count == model->limit)
			at--; /* the last one falls off */
		else
			model->count++;
	}
	model_move_front(model, at, id, bytes);
}

static bool model_touch(struct model *model, int id)
{
	size_t at = model_find(model, id);

	if (at == model->count)
		return false;
	model_move_front(model, at, id, model->bytes[at]);
	return true;
}

struct comparison {
	const struct model *model;
	size_t at, bytes;
};

static void order_compare(const struct order *order, void *context)
{
	struct comparison *comparison = context;

	assert_true(comparison->at < comparison->model->count);
	assert_int_equal(atoi(order->order_id), comparison->model->ids[comparison->at]);
	assert_int_equal(order_count(order), comparison->model->bytes[comparison->at]);
	comparison->bytes += order_count(order);
	comparison->at++;
}

static void model_compare(struct cache *cache, const struct model *model, size_t empty,
			  size_t entry, size_t buckets)
{
	struct comparison comparison = {.model = model};
	struct cache_size size = cache_measure(cache);

	cache_each(cache, order_compare, &comparison);
	assert_int_equal(comparison.at, model->count);
	assert_int_equal(size.entries, model->count);
	assert_int_equal(size.live_bytes, empty + comparison.bytes + model->count * entry +
						  (buckets - 64) * sizeof(void *));
}

static void random_operations(size_t limit, uint64_t seed, int operations)
{
	struct model model = {.limit = limit};
	struct random random = {.state = seed};
	size_t empty, entry = 0, buckets = 64, full_puts = 0;
	struct cache *cache;

	assert_int_equal(cache_create(&cache_lru, limit, &cache), 0);
	empty = cache_measure(cache).live_bytes;
	for (int i = 0; i < operations; i++) {
		int id = (int)random_between(&random, 0, IDS - 1);
		char name[16];

		snprintf(name, sizeof(name), "%d", id);
		if (i > 0 && random_next(&random) % 3 == 0) {
			assert_int_equal(cache_touch(cache, name),
					 model_touch(&model, id) ? 0 : -ENOENT);
		} else {
			struct order *order = order_make(name, random_between(&random, 1, 3800));

			full_puts += model.count == limit;
			model_put(&model, id, order_count(order));
			assert_int_equal(cache_put(cache, order), 0);
			order_unmake(order);
		}
		if (i == 0)
			entry = cache_measure(cache).live_bytes - empty - model.bytes[0];
		while (buckets < model.count)
			buckets *= 2;
		model_compare(cache, &model, empty, entry, buckets);
	}
	assert_true(limit >= IDS || full_puts > 0);
	cache_destroy(cache);
}

static void test_behaves_as_the_model(void **state)
{
	(void)state;
	random_operations(1, 11, 500);
	random_operations(2, 12, 1000);
	random_operations(63, 13, 5000);
	random_operations(100, 14, 10000);
	random_operations(299, 15, 5000);
	random_operations(300, 16, 3000);
}

static void test_oldest_goes_first(void **state)
{
	struct cache *cache;

	(void)state;
	assert_int_equal(cache_create(&cache_lru, 3, &cache), 0);
	order_put(cache, "a", 1);
	order_put(cache, "b", 1);
	order_put(cache, "c", 1);
	assert_int_equal(cache_touch(cache, "a"), 0); /* b is now the oldest */
	order_put(cache, "d", 1);
	assert_int_equal(cache_touch(cache, "b"), -ENOENT);
	order_put(cache, "c", 9); /* a replacement is a use: a is the oldest */
	order_put(cache, "e", 1);
	assert_int_equal(cache_touch(cache, "a"), -ENOENT);
	assert_int_equal(cache_touch(cache, "c"), 0);
	assert_int_equal(cache_touch(cache, "d"), 0);
	assert_int_equal(cache_touch(cache, "e"), 0);
	assert_int_equal(cache_measure(cache).entries, 3);
	cache_destroy(cache);
}

static void test_stays_bounded(void **state)
{
	struct cache *cache;
	size_t most = 0;
	char id[32];

	(void)state;
	assert_int_equal(cache_create(&cache_lru, 1000, &cache), 0);
	for (int i = 0; i < 20000; i++) {
		snprintf(id, sizeof(id), "ord-%05d", i);
		order_put(cache, id, 100);
		assert_int_equal(cache_measure(cache).entries, i < 1000 ? i + 1 : 1000);
		if (i == 1999)
			most = cache_measure(cache).live_bytes;
	}
	assert_int_equal(cache_measure(cache).live_bytes, most);
	cache_destroy(cache);
}

static void test_limit_of_none(void **state)
{
	struct cache *cache = (struct cache *)0x5a5a;

	(void)state;
	assert_int_equal(cache_create(&cache_lru, 0, &cache), -EINVAL);
	assert_ptr_equal(cache, (struct cache *)0x5a5a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_behaves_as_the_model),
		cmocka_unit_test(test_oldest_goes_first),
		cmocka_unit_test(test_stays_bounded),
		cmocka_unit_test(test_limit_of_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
