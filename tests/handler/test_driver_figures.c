#include "tests/handler/support.h"

#include <jansson.h>

#include "handler/driver/figures.h"
#include "handler/random.h"

/* The definition, by counting: the smallest value that this share of all does not exceed. */
static uint64_t percentile_counted(const struct times *times, double share)
{
	uint64_t best = UINT64_MAX;

	for (size_t i = 0; i < times->count; i++) {
		size_t within = 0;

		for (size_t j = 0; j < times->count; j++)
			within += times->values[j] <= times->values[i];
		if ((double)within >= share * (double)times->count && times->values[i] < best)
			best = times->values[i];
	}
	return best;
}

static void test_percentiles(void **state)
{
	static const double shares[] = {0.5, 0.9, 0.99, 1};
	struct random random = {.state = 7};

	(void)state;
	for (size_t count = 1; count < 400; count += 13) {
		struct times times = {0};

		for (size_t i = 0; i < count; i++)
			assert_int_equal(times_add(&times, random_between(&random, 0, 50)), 0);
		times_sort(&times);
		assert_int_equal(times.count, count);
		for (size_t i = 0; i < ARRAY_SIZE(shares); i++)
			assert_int_equal(times_percentile(&times, shares[i]),
					 percentile_counted(&times, shares[i]));
		times_free(&times);
	}
}

static void test_no_times(void **state)
{
	struct times times = {0};

	(void)state;
	times_sort(&times);
	assert_int_equal(times_percentile(&times, 0.5), 0);
	times_free(&times);
}

static double summary_number(const json_t *summary, const char *name, const char *part)
{
	const json_t *value = json_object_get(summary, name);

	if (part)
		value = json_object_get(value, part);
	assert_true(json_is_number(value));
	return json_number_value(value);
}

static void test_summary(void **state)
{
	const struct driver_options options = {.generator = {.seed = 5, .records = 3},
					       .memory_bytes = 1 << 27};
	struct figures figures = {.invocations = 8,
				  .succeeded = 4,
				  .failed = 2,
				  .failed_oom = 1,
				  .timed_out = 1,
				  .mismatched = 1,
				  .instances = 4,
				  .cold_starts = 2,
				  .elapsed_ns = 2000000000};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	json_t *summary;

	(void)state;
	/* 0.4, 1.0, 1.1 and 9.5 ms: billed as 1, 1, 2 and 10 */
	assert_int_equal(times_add(&figures.durations, 1100000), 0);
	assert_int_equal(times_add(&figures.durations, 9500000), 0);
	assert_int_equal(times_add(&figures.durations, 400000), 0);
	assert_int_equal(times_add(&figures.durations, 1000000), 0);
	assert_int_equal(figures_write(&figures, &options, out), 0);
	fclose(out);
	summary = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(summary);
	assert_true(summary_number(summary, "billed_ms_mean", NULL) == 3.5);
	assert_true(summary_number(summary, "duration_ms", "mean") == 3);
	assert_true(summary_number(summary, "duration_ms", "p50") == 1);
	assert_true(summary_number(summary, "duration_ms", "max") == 9.5);
	assert_true(summary_number(summary, "reuse_percent", NULL) == 75);
	assert_true(summary_number(summary, "invocations_per_instance", NULL) == 2);
	assert_true(summary_number(summary, "invocations_per_s", NULL) == 4);
	assert_true(summary_number(summary, "memory_limit_bytes", NULL) == 1 << 27);
	assert_true(summary_number(summary, "init_ms", "max") == 0);
	assert_true(json_is_false(json_object_get(summary, "frozen")));
	json_decref(summary);
	free(text);
	times_free(&figures.durations);
}

static void test_write_fails(void **state)
{
	const struct driver_options options = {0};
	struct figures figures = {0};
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(full);
	assert_int_equal(figures_write(&figures, &options, full), -ENOSPC);
	fclose(full);
}

static void test_status(void **state)
{
	(void)state;
	assert_int_equal(figures_status(&(struct figures){.invocations = 3, .succeeded = 3}), 0);
	assert_int_equal(
		figures_status(&(struct figures){.failed = 2, .failed_oom = 2, .oom_kills = 3}), 0);
	assert_int_equal(figures_status(&(struct figures){.interrupted = 1}), 0);
	assert_int_equal(figures_status(&(struct figures){.failed = 2, .failed_oom = 1}), 1);
	assert_int_equal(figures_status(&(struct figures){.timed_out = 1}), 1);
	assert_int_equal(figures_status(&(struct figures){.mismatched = 1}), 1);
	assert_int_equal(figures_status(&(struct figures){.crashes = 1}), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_percentiles), cmocka_unit_test(test_no_times),
		cmocka_unit_test(test_summary),	    cmocka_unit_test(test_write_fails),
		cmocka_unit_test(test_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
