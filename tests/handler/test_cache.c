/* What every kind of cache does alike: the copies it holds, and what it does without memory. */
#include "tests/handler/support.h"

#include <dlfcn.h>
#include <malloc.h>

#include "handler/cleanup.h"

static const struct cache_kind *const kinds[] = {&cache_unbounded, &cache_lru};

/* Entries at which the buckets double. */
#define FULL_TABLE 64

/* Allocations that succeed before one fails; none fails while it is negative. */
static long allocations_left = -1;

static bool allocation_refused(void)
{
	if (allocations_left < 0)
		return false;
	if (allocations_left == 0) {
		errno = ENOMEM;
		return true;
	}
	allocations_left--;
	return false;
}

/* The one behind the two below, be it glibc's or a sanitizer's. */
static void *malloc_unlimited(size_t size)
{
	static void *(*next)(size_t);

	if (!next)
		next = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
	return next(size);
}

void *malloc(size_t size)
{
	return allocation_refused() ? NULL : malloc_unlimited(size);
}

void *calloc(size_t count, size_t size)
{
	static void *(*next)(size_t, size_t);

	if (!next)
		next = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "calloc");
	return allocation_refused() ? NULL : next(count, size);
}

static int limited_put(struct cache *cache, const struct order *order, long allocations)
{
	int err;

	allocations_left = allocations;
	err = cache_put(cache, order);
	allocations_left = -1;
	return err;
}

static void order_print(const struct order *order, void *context)
{
	fprintf(context, "%p %s %s %s %zu %s\n", (const void *)order, order->order_id,
		order->customer_id, order->processed_at, order->body_len, order->body);
}

/* All that can be seen of a cache: its size, and its orders in their order and at their place. */
static char *cache_text(struct cache *cache)
{
	struct cache_size size = cache_measure(cache);
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	fprintf(out, "%zu %zu\n", size.entries, size.live_bytes);
	cache_each(cache, order_print, out);
	fclose(out);
	return text;
}

/* A sanitizer's heap is not glibc's: it has a leak check of its own. */
static size_t heap_bytes(void)
{
	return mallinfo2().uordblks + mallinfo2().hblkhd;
}

static struct cache *cache_make(const struct cache_kind *kind, size_t entries)
{
	struct cache *cache;
	char id[32];

	assert_int_equal(cache_create(kind, 1000, &cache), 0);
	for (size_t i = 0; i < entries; i++) {
		snprintf(id, sizeof(id), "ord-%zu", i);
		order_put(cache, id, 100);
	}
	return cache;
}

struct wanted {
	const char *id;
	const char *body;
	size_t found;
};

static void order_look(const struct order *order, void *context)
{
	struct wanted *wanted = context;

	if (strcmp(order->order_id, wanted->id) != 0)
		return;
	wanted->found++;
	assert_string_equal(order->customer_id, "cus-1");
	assert_string_equal(order->processed_at, "2024-01-01T00:00:00Z");
	assert_true(order->total_usd == 12.5);
	assert_int_equal(order->body_len, strlen(wanted->body));
	assert_string_equal(order->body, wanted->body);
}

/* Puts the order, lets go of it, and looks at what the cache has; the bytes it has more now. */
static size_t put_check(struct cache *cache, const char *id, size_t note, long allocations)
{
	struct order *order = order_make(id, note);
	CLEANUP_FREE char *body = strndup(order->body, order->body_len);
	struct wanted wanted = {.id = id, .body = body};
	size_t before = cache_measure(cache).live_bytes;

	assert_int_equal(limited_put(cache, order, allocations), 0);
	order_unmake(order);
	cache_each(cache, order_look, &wanted);
	assert_int_equal(wanted.found, 1);
	return cache_measure(cache).live_bytes - before;
}

static void test_the_order_stays_the_callers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct cache *cache = cache_make(kinds[i], 3);
		struct order *order = order_make("new", 100);
		const struct order before = *order;

		/* Twice: the first is added, the second replaces it. */
		assert_int_equal(cache_put(cache, order), 0);
		assert_int_equal(cache_put(cache, order), 0);
		assert_memory_equal(order, &before, sizeof(before));
		cache_destroy(cache);
		assert_string_equal(order->order_id, "new");
		order_unmake(order);
	}
}

static void test_replacing_within_the_block_allocates_nothing(void **state)
{
	size_t full = note_for_length("ord-1", ORDER_BLOCK);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct cache *cache = cache_make(kinds[i], 3);

		for (size_t note = 1; note <= full; note += 97)
			assert_int_equal(put_check(cache, "ord-1", note, 0), 0);
		assert_int_equal(put_check(cache, "ord-1", full, 0), 0);
		assert_int_equal(put_check(cache, "ord-1", 1, 0), 0);
		assert_int_equal(cache_measure(cache).entries, 3);
		cache_destroy(cache);
	}
}

static void test_replacing_by_more_blocks_and_back(void **state)
{
	size_t two = note_for_length("ord-1", ORDER_BLOCK + 1);
	size_t three = note_for_length("ord-1", (2 * ORDER_BLOCK) + 1);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct cache *cache = cache_make(kinds[i], 3);
		size_t before = cache_measure(cache).live_bytes;

		assert_int_equal(put_check(cache, "ord-1", two, 1), ORDER_BLOCK);
		assert_int_equal(put_check(cache, "ord-1", two + 5, 0), 0);
		assert_int_equal(put_check(cache, "ord-1", three, 1), ORDER_BLOCK);
		assert_int_equal(put_check(cache, "ord-1", 1, 1), -(size_t)2 * ORDER_BLOCK);
		assert_int_equal(put_check(cache, "ord-1", three, 1), 2 * ORDER_BLOCK);
		assert_int_equal(put_check(cache, "ord-1", two, 1), -(size_t)ORDER_BLOCK);
		assert_int_equal(put_check(cache, "ord-1", two - 1, 1), -(size_t)ORDER_BLOCK);
		assert_int_equal(cache_measure(cache).live_bytes, before);
		assert_int_equal(cache_measure(cache).entries, 3);
		cache_destroy(cache);
	}
}

/* The put fails, nobody can tell that it was tried, and with memory it goes through. */
static void put_refused(struct cache *cache, const char *id, size_t note, long allocations)
{
	struct order *order = order_make(id, note);
	char *before = cache_text(cache);
	size_t heap = heap_bytes();
	char *after;

	assert_int_equal(limited_put(cache, order, allocations), -ENOMEM);
	/* What is kept for reuse counts as used: half a block is less than one that leaked. */
	assert_in_range(heap_bytes(), 0, heap + (ORDER_BLOCK / 2));
	after = cache_text(cache);
	assert_string_equal(after, before);
	free(before);
	free(after);
	order_unmake(order);
}

static void test_no_memory_to_add(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct cache *cache = cache_make(kinds[i], 3);

		/* The entry, then the order. */
		put_refused(cache, "new", 100, 0);
		put_refused(cache, "new", 100, 1);
		put_check(cache, "new", 100, 2);
		assert_int_equal(cache_measure(cache).entries, 4);
		cache_destroy(cache);
	}
}

static void test_no_memory_for_the_buckets(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct cache *cache = cache_make(kinds[i], FULL_TABLE);

		for (long allocations = 0; allocations < 3; allocations++)
			put_refused(cache, "new", 100, allocations);
		put_check(cache, "new", 100, 3);
		assert_int_equal(cache_measure(cache).entries, FULL_TABLE + 1);
		cache_destroy(cache);
	}
}

static void test_no_memory_to_replace(void **state)
{
	size_t two = note_for_length("ord-1", ORDER_BLOCK + 1);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct cache *cache = cache_make(kinds[i], 3);

		put_refused(cache, "ord-1", two, 0);
		put_check(cache, "ord-1", two, 1);
		/* A smaller one takes a block of its own too: the larger stays. */
		put_refused(cache, "ord-1", 100, 0);
		put_check(cache, "ord-1", 100, 1);
		cache_destroy(cache);
	}
}

static void test_no_memory_for_a_cache(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct cache *cache = NULL;

		for (long allocations = 0; allocations < 2; allocations++) {
			int err;

			allocations_left = allocations;
			err = cache_create(kinds[i], 1000, &cache);
			allocations_left = -1;
			assert_int_equal(err, -ENOMEM);
			assert_null(cache);
		}
	}
}

static void test_no_memory_for_a_copy(void **state)
{
	struct order *order = order_make("o-1", 100);
	struct order *larger = order_make("o-1", 3000);
	struct order *kept = NULL, *before;
	int err;

	(void)state;
	allocations_left = 0;
	err = order_keep(&kept, order);
	allocations_left = -1;
	assert_int_equal(err, -ENOMEM);
	assert_null(kept);

	assert_int_equal(order_keep(&kept, order), 0);
	before = kept;
	allocations_left = 0;
	err = order_keep(&kept, larger);
	allocations_left = -1;
	assert_int_equal(err, -ENOMEM);
	assert_ptr_equal(kept, before);
	assert_int_equal(kept->body_len, order->body_len);
	assert_memory_equal(kept->body, order->body, order->body_len);
	order_free(kept);
	order_unmake(order);
	order_unmake(larger);
}

/* The JSON library has all it asks for: only the order itself is refused. */
static void test_no_memory_for_a_parsed_order(void **state)
{
	static const char body[] = "{\"order_id\":\"o\",\"customer_id\":\"c\",\"total_usd\":7,"
				   "\"processed_at\":\"t\"}";
	struct order *order = NULL;
	int err;

	(void)state;
	json_set_alloc_funcs(malloc_unlimited, free);
	allocations_left = 0;
	err = order_parse(body, strlen(body), &order);
	allocations_left = -1;
	assert_int_equal(err, -ENOMEM);
	assert_null(order);

	allocations_left = 1;
	err = order_parse(body, strlen(body), &order);
	allocations_left = -1;
	json_set_alloc_funcs(malloc, free);
	assert_int_equal(err, 0);
	order_free(order);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_order_stays_the_callers),
		cmocka_unit_test(test_replacing_within_the_block_allocates_nothing),
		cmocka_unit_test(test_replacing_by_more_blocks_and_back),
		cmocka_unit_test(test_no_memory_to_add),
		cmocka_unit_test(test_no_memory_for_the_buckets),
		cmocka_unit_test(test_no_memory_to_replace),
		cmocka_unit_test(test_no_memory_for_a_cache),
		cmocka_unit_test(test_no_memory_for_a_copy),
		cmocka_unit_test(test_no_memory_for_a_parsed_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
