/* The workload within the process. A stop is for ever, so the test of it comes last. */
#include "tests/handler/support.h"

#include <jansson.h>
#include <malloc.h>

#include "handler/burst.h"
#include "handler/request_id.h"
#include "handler/run.h"
#include "handler/stop.h"
#include "tests/handler/emf_check.h"

static const struct options standard = {
	.cache = &cache_unbounded,
	.generator = {.seed = 3,
		      .records = 5,
		      .payload_min = 10,
		      .payload_max = 300,
		      .malformed_percent = 5},
	.invocations = 200,
	.threads = 1,
};

struct ran {
	int result;
	char *text;
	size_t length;
	json_t *last; /* NULL when there was no line */
	size_t lines;
	struct cache *cache;
};

static int cache_run(const struct options *options, struct cache *cache, struct emf *emf, FILE *out)
{
	const struct function function = {.cache = cache, .emf = emf};
	struct account account = {.out = out,
				  .name = "the test",
				  .report = options->report,
				  .allocator = &allocator,
				  .cache = cache};

	return run_workload(options, &function, &account);
}

static struct ran options_run(const struct options *options)
{
	struct ran outcome = {0};
	FILE *out = open_memstream(&outcome.text, &outcome.length);
	char *rest, *line;

	assert_int_equal(cache_create(options->cache, 50, &outcome.cache), 0);
	outcome.result = cache_run(options, outcome.cache, NULL, out);
	fclose(out);
	for (line = strtok_r(outcome.text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		json_decref(outcome.last);
		outcome.last = json_loads(line, 0, NULL);
		assert_non_null(outcome.last);
		outcome.lines++;
	}
	return outcome;
}

static void outcome_free(struct ran *outcome)
{
	json_decref(outcome->last);
	free(outcome->text);
	cache_destroy(outcome->cache);
}

static size_t last_number(const struct ran *outcome, const char *name)
{
	const json_t *value = json_object_get(outcome->last, name);

	assert_true(json_is_integer(value));
	return (size_t)json_integer_value(value);
}

static void order_sum(const struct order *order, void *context)
{
	*(uint64_t *)context +=
		order_length(order) + (uint64_t)atoll(order->order_id + 4) * 1000003;
}

static void test_threads_share_the_work(void **state)
{
	static const uint64_t threads[] = {1, 2, 3, 8, 300};
	uint64_t expected = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		struct options options = standard;
		struct ran outcome;
		uint64_t sum = 0;

		options.threads = threads[i];
		outcome = options_run(&options);
		assert_int_equal(outcome.result, 0);
		assert_int_equal(outcome.lines, 1);
		assert_true(json_is_true(json_object_get(outcome.last, "final")));
		assert_int_equal(last_number(&outcome, "invocations"), 200);
		assert_int_equal(
			last_number(&outcome, "processed") + last_number(&outcome, "errors"), 1000);
		assert_in_range(last_number(&outcome, "errors"), 10, 120);
		assert_int_equal(last_number(&outcome, "entries"),
				 last_number(&outcome, "processed"));
		assert_int_equal(last_number(&outcome, "live_bytes"),
				 cache_measure(outcome.cache).live_bytes);
		/* However many threads: the same orders. */
		cache_each(outcome.cache, order_sum, &sum);
		if (i == 0)
			expected = sum;
		assert_true(sum == expected);
		outcome_free(&outcome);
	}
}

static void test_reports(void **state)
{
	struct options options = standard;
	struct ran outcome;

	(void)state;
	options.threads = 2;
	options.report = 30;
	outcome = options_run(&options);
	assert_int_equal(outcome.lines, 200 / 30 + 1);
	outcome_free(&outcome);
}

static void test_duration_and_gap(void **state)
{
	struct options options = standard;
	struct ran outcome;
	uint64_t start = stop_now_ns();
	double elapsed;

	(void)state;
	options.invocations = 0;
	options.duration_s = 1;
	options.gap_ms = 300;
	outcome = options_run(&options);
	elapsed = (double)(stop_now_ns() - start) / 1e9;
	assert_true(elapsed >= 0.9 && elapsed < 5);
	assert_in_range(last_number(&outcome, "invocations"), 1, 4);
	outcome_free(&outcome);
}

static void test_write_error(void **state)
{
	struct cache *cache;
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	assert_int_equal(cache_create(&cache_unbounded, 1, &cache), 0);
	assert_int_equal(cache_run(&standard, cache, NULL, full), -ENOSPC);
	fclose(full);
	cache_destroy(cache);
}

/* One line per invocation, each with an id of its own, whichever thread it ran on. */
static void test_metrics(void **state)
{
	struct options options = standard;
	struct emf emf = {.out = tmpfile(),
			  .function = "f",
			  .allocator = "glibc",
			  .cache = "unbounded",
			  .capacity = 1000};
	bool seen[200] = {false};
	struct cache *cache;
	char *text = NULL;
	size_t size = 0, lines = 0;
	ssize_t length;

	(void)state;
	options.threads = 3;
	assert_int_equal(emf_open(&emf), 0);
	assert_int_equal(cache_create(&cache_unbounded, 1, &cache), 0);
	assert_int_equal(cache_run(&options, cache, &emf, NULL), 0);
	rewind(emf.out);
	for (; (length = getline(&text, &size, emf.out)) > 0; lines++) {
		char id[REQUEST_ID_MADE];
		json_t *line;
		size_t i = 0;

		text[length - 1] = '\0';
		line = emf_parse(text);
		do
			request_id_make(standard.generator.seed, i, id);
		while (strcmp(id, json_string_value(json_object_get(line, "requestId"))) != 0 &&
		       ++i < ARRAY_SIZE(seen));
		assert_in_range(i, 0, ARRAY_SIZE(seen) - 1);
		assert_false(seen[i]);
		seen[i] = true;
		json_decref(line);
	}
	assert_int_equal(lines, ARRAY_SIZE(seen));
	free(text);
	fclose(emf.out);
	emf_close(&emf);
	cache_destroy(cache);
}

static void test_burst_leaves_nothing(void **state)
{
	size_t before;

	(void)state;
	assert_int_equal(burst_run(0, 1), 0);
	before = mallinfo2().uordblks;
	assert_int_equal(burst_run(4 << 20, 1), 0);
	/* 8,000 blocks were allocated: if they were still held, 4 MiB more would be in use. */
	assert_in_range(mallinfo2().uordblks, 0, before + 1000000);
}

static void test_stop(void **state)
{
	struct options options = standard;
	struct ran outcome;
	uint64_t start = stop_now_ns();

	(void)state;
	assert_false(stop_requested());
	stop_wait_until(start + 50000000);
	assert_true(stop_now_ns() - start >= 50000000);

	stop_request();
	assert_true(stop_requested());
	start = stop_now_ns();
	stop_wait_until(start + 60000000000);
	assert_true(stop_now_ns() - start < 5000000000);

	options.invocations = 0;
	outcome = options_run(&options);
	assert_int_equal(outcome.result, 0);
	assert_int_equal(outcome.lines, 1);
	assert_int_equal(last_number(&outcome, "invocations"), 0);
	outcome_free(&outcome);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_threads_share_the_work),
		cmocka_unit_test(test_reports),
		cmocka_unit_test(test_duration_and_gap),
		cmocka_unit_test(test_burst_leaves_nothing),
		cmocka_unit_test(test_write_error),
		cmocka_unit_test(test_metrics),
		cmocka_unit_test(test_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
