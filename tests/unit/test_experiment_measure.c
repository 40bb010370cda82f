// SPDX-License-Identifier: GPL-2.0-only
/* The experiment's arithmetic: from files to figures. Truth is computed by hand. */
#include "tests/unit/support.h"

#include <math.h>
#include <unistd.h>

#include "tests/experiment/measure.h"
#include "tests/experiment/scenarios.h"

static bool is_near(double a, double b)
{
	return fabs(a - b) < 1e-6 * fmax(1, fabs(b));
}

#define NEAR(a, b) assert_true(is_near(a, b))

static struct table table_of(const char *text)
{
	struct table table;

	assert_int_equal(table_parse(strdup(text), &table), 0);
	return table;
}

static double value_of(const struct results *results, const char *measure)
{
	const char *text = results_find(results, "s", 1, measure);

	return text ? strtod(text, NULL) : NAN;
}

#define SINK(results) (&(const struct sink){&(results), "s", 1})

/* ---- the bill ---- */

static void cost_is_that_of_the_price_list(void **state)
{
	(void)state;
	/* the example on AWS's price page: 540,000 GB-seconds and 3 million requests */
	NEAR(lambda_cost(3e6, 120, 1536), 540000 * 0.0000166667 + 0.60);
	/* a million of 1 ms at 1 GB: 1,000 GB-seconds */
	NEAR(lambda_cost(1e6, 1, 1024), 0.2166667);
	NEAR(lambda_cost(0, 1, 1024), 0);
	NEAR(lambda_cost(1e6, 0, 1024), 0.20);
}

static void cost_is_linear_in_memory_and_time(void **state)
{
	double without = lambda_cost(5e6, 0, 1024);

	(void)state;
	NEAR(lambda_cost(5e6, 8, 1024) - without, 4 * (lambda_cost(5e6, 2, 1024) - without));
	NEAR(lambda_cost(5e6, 2, 4096), lambda_cost(5e6, 8, 1024));
}

static void billed_for_is_the_inverse(void **state)
{
	(void)state;
	NEAR(lambda_billed_for(lambda_cost(5e6, 37, 512), 5e6, 512), 37);
	/* 12,001 - 1 dollars of time: 720,000,... GB-seconds over 5 million */
	NEAR(lambda_billed_for(12001, 5e6, 1024), 12000 / 0.0000166667 / 5e6 * 1000);
	assert_true(lambda_billed_for(0.5, 5e6, 1024) < 0);
}

/* ---- tables ---- */

static void table_reads_quotes_and_a_cut_end(void **state)
{
	struct table table = table_of("a,\"b \"\"c\"\"\",d\n1,\"x,\ny\",\n2,nan,z");

	(void)state;
	assert_int_equal(table.columns, 3);
	assert_int_equal(table.rows, 2);
	assert_string_equal(table_get(&table, 0, "b \"c\""), "x,\ny");
	assert_string_equal(table_get(&table, 0, "d"), "");
	assert_string_equal(table_get(&table, 1, "d"), "z");
	NEAR(table_number(&table, 1, "a"), 2);
	assert_true(isnan(table_number(&table, 0, "d")));
	assert_true(isnan(table_number(&table, 1, "b \"c\"")));
	assert_true(isnan(table_number(&table, 1, "d")));
	assert_null(table_get(&table, 2, "a"));
	assert_null(table_get(&table, 0, "e"));
	table_free(&table);
}

static void table_refuses_what_is_none(void **state)
{
	static const char *const wrong[] = {"", "a,b\n1\n", "a,b\n1,2,3\n", "a\n\"1\n",
					    "a\n\"1\"2\n"};
	struct table table = {.rows = 7};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(table_parse(strdup(wrong[i]), &table), -EBADMSG);
	assert_int_equal(table.rows, 7);
	assert_int_equal(table_read("/nonexistent", &table), -ENOENT);
}

/* Any bytes: it may refuse them, and must not read beyond. */
static void table_survives_noise(void **state)
{
	uint64_t random = 1;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		static const char letters[] = ",\"\nab";
		size_t length = random_below(&random, 24);
		char *text = malloc(length + 1);
		struct table table;

		assert_non_null(text);
		for (size_t i = 0; i < length; i++)
			text[i] = letters[random_below(&random, sizeof(letters) - 1)];
		text[length] = '\0';
		if (table_parse(text, &table))
			continue;
		for (size_t row = 0; row < table.rows; row++)
			assert_non_null(table_get(&table, row, table.fields[0]));
		table_free(&table);
	}
}

/* ---- results ---- */

static void run_add(struct results *results, unsigned int run, const char *status, double value)
{
	const struct sink sink = {results, "s", run};

	results_number(&sink, "x", value);
	results_text(&sink, "state", status);
}

static void medians_are_of_runs_that_count(void **state)
{
	struct results results = {0};

	(void)state;
	assert_true(isnan(results_median(&results, "s", "x")));
	run_add(&results, 1, STATE_OK, 5);
	run_add(&results, 2, STATE_FAILED, 1e9);
	run_add(&results, 3, STATE_LOSSY, 1);
	NEAR(results_median(&results, "s", "x"), 3);
	run_add(&results, 4, STATE_OK, 9);
	NEAR(results_median(&results, "s", "x"), 5);
	NEAR(results_least(&results, "s", "x"), 1);
	NEAR(results_greatest(&results, "s", "x"), 9);
	run_add(&results, 5, STATE_OK, NAN);
	NEAR(results_median(&results, "s", "x"), 5);
	assert_null(results_find(&results, "s", 5, "x"));
	assert_int_equal(results_runs(&results, "s", NULL), 5);
	assert_int_equal(results_runs(&results, "s", STATE_FAILED), 1);
	assert_int_equal(results_runs(&results, "t", NULL), 0);
	results_free(&results);
}

static void results_survive_their_file(void **state)
{
	struct results results = {0}, read = {0};
	char path[] = "/tmp/tidemark-results-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	results_text(SINK(results), "text", "a \"b\", c\nd");
	results_number(SINK(results), "number", 21286.78788);
	assert_int_equal(results_write(path, &results), 0);
	assert_int_equal(results_read(path, &read), 0);
	assert_int_equal(read.count, results.count);
	for (size_t i = 0; i < read.count; i++) {
		assert_string_equal(read.cells[i].scenario, results.cells[i].scenario);
		assert_string_equal(read.cells[i].measure, results.cells[i].measure);
		assert_string_equal(read.cells[i].value, results.cells[i].value);
		assert_int_equal(read.cells[i].run, results.cells[i].run);
	}
	remove(path);
	results_free(&results);
	results_free(&read);
}

/* ---- what runs leave ---- */

static void series_gives_last_and_worst(void **state)
{
	struct table series =
		table_of("time_s,invocations_total,invocation_growth_bytes,"
			 "invocation_growth_low_bytes,invocation_growth_high_bytes,"
			 "invocation_retained_bytes,unexplained_bytes,lost_events_total\n"
			 "0.1,0,nan,nan,nan,0,4096,0\n"
			 "0.2,50,100,-5,200,8192,-12288,0\n"
			 "0.3,90,110,10,180,9000,0,2\n"
			 "0.4,100,120,20,170,10000,999999,2\n");
	struct results results = {0};

	(void)state;
	measure_series(&series, SINK(results));
	NEAR(value_of(&results, "invocations"), 100);
	NEAR(value_of(&results, "growth_bytes"), 120);
	NEAR(value_of(&results, "growth_low_bytes"), 20);
	NEAR(value_of(&results, "growth_high_bytes"), 170);
	NEAR(value_of(&results, "retained_bytes"), 10000);
	NEAR(value_of(&results, "lost_events"), 2);
	/* whatever its sign, and not of the last row, where the process is gone */
	NEAR(value_of(&results, "unexplained_bytes"), 12288);
	NEAR(value_of(&results, "growth_known_s"), 0.3);
	/* a column that is not there is not made up */
	assert_null(results_find(&results, "s", 1, "purged_bytes"));
	table_free(&series);
	results_free(&results);
}

static void invocations_give_pages_of_the_ended(void **state)
{
	struct table table = table_of("number,state,lossy,resident_pages\n"
				      "1,ended,0,5\n2,ended,1,7\n3,open,0,100\n4,cut,0,100\n");
	struct results results = {0};

	(void)state;
	measure_invocations(&table, SINK(results));
	NEAR(value_of(&results, "listed"), 4);
	NEAR(value_of(&results, "listed_resident_bytes"), 12 * 4096);
	NEAR(value_of(&results, "lossy_invocations"), 1);
	table_free(&table);
	results_free(&results);
}

/* Invocations at 2.0 to 2.5 and 9.0: the silence is rows 3.0 to 8.0. */
static const char burst_invocations[] = "begin_s,duration_s\n2.0,0.5\n9.0,0.5\n";

static void burst_is_split_by_the_silence(void **state)
{
	struct table invocations = table_of(burst_invocations);
	struct table series =
		table_of("time_s,resident_bytes,purged_bytes_total,returned_bytes_total\n"
			 "1.0,900,0,0\n2.0,1000,0,50\n3.0,800,100,50\n5.0,500,300,100\n"
			 "6.0,400,400,100\n8.0,300,450,150\n9.2,200,600,200\n9.8,100,600,300\n");
	struct results results = {0};

	(void)state;
	measure_burst(&series, &invocations, SINK(results));
	NEAR(value_of(&results, "silence_s"), 6.5);
	NEAR(value_of(&results, "peak_bytes"), 1000);
	NEAR(value_of(&results, "kept_at_first_bytes"), 800);
	NEAR(value_of(&results, "kept_at_last_bytes"), 300);
	NEAR(value_of(&results, "half_gone_s"), 3.5);
	NEAR(value_of(&results, "back_before_bytes"), 150);
	NEAR(value_of(&results, "back_in_silence_bytes"), 450);
	NEAR(value_of(&results, "back_after_bytes"), 300);
	NEAR(value_of(&results, "kept_in_the_end_bytes"), 100);
	table_free(&series);
	table_free(&invocations);
	results_free(&results);
}

static void burst_without_a_silence_says_nothing(void **state)
{
	struct table invocations = table_of(burst_invocations);
	struct table one = table_of("begin_s,duration_s\n2.0,0.5\n");
	struct table series = table_of("time_s,resident_bytes\n1.0,900\n3.0,1000\n");
	struct results results = {0};

	(void)state;
	measure_burst(&series, &invocations, SINK(results));
	measure_burst(&series, &one, SINK(results));
	assert_int_equal(results.count, 0);
	table_free(&series);
	table_free(&invocations);
	table_free(&one);
	results_free(&results);
}

static void driver_and_truth_are_read(void **state)
{
	struct results results = {0};

	(void)state;
	assert_int_equal(
		measure_driver("{\"invocations\":7,\"duration_ms\":{\"p99\":1.5},"
			       "\"billed_ms_mean\":2,\"memory_limit_bytes\":null,\"oom_kills\":0}",
			       SINK(results)),
		0);
	NEAR(value_of(&results, "delivered"), 7);
	NEAR(value_of(&results, "p99_ms"), 1.5);
	NEAR(value_of(&results, "billed_ms"), 2);
	NEAR(value_of(&results, "oom_kills"), 0);
	assert_null(results_find(&results, "s", 1, "mean_ms"));
	/* the last whole line counts */
	assert_int_equal(measure_truth("{\"live_bytes\":1}\n{\"live_bytes\":42,"
				       "\"allocator_stats\":{\"uordblks\":0}}\n{\"live",
				       SINK(results)),
			 0);
	NEAR(value_of(&results, "live_bytes"), 42);
	/* glibc's count is empty where another allocator is preloaded */
	assert_null(results_find(&results, "s", 1, "allocator_live_bytes"));
	assert_int_equal(measure_driver("{", SINK(results)), -EBADMSG);
	assert_int_equal(measure_driver("[]", SINK(results)), -EBADMSG);
	assert_int_equal(measure_truth("", SINK(results)), -EBADMSG);
	assert_int_equal(measure_truth("\n", SINK(results)), -EBADMSG);
	results_free(&results);
}

static void samples_give_moments(void **state)
{
	struct table samples = table_of("invocations,anon_bytes\n0,1\n50,9\n100,2\n200,3\n300,4\n");
	struct results results = {0};

	(void)state;
	measure_samples(&samples, 100, 200, SINK(results));
	assert_int_equal(results.count, 2);
	NEAR(value_of(&results, "anon_at_100_bytes"), 2);
	NEAR(value_of(&results, "anon_at_200_bytes"), 3);
	table_free(&samples);
	results_free(&results);
}

static void lives_are_of_instances_that_were_replaced(void **state)
{
	/* 30, 10, 20 invocations, and an instance that goes on */
	struct table samples = table_of("invocations,instance\n10,1\n20,1\n30,1\n40,2\n50,3\n60,3\n"
					"70,4\n80,4\n");
	struct table one = table_of("invocations,instance\n10,1\n20,1\n");
	struct results results = {0};

	(void)state;
	measure_lives(&one, SINK(results));
	assert_int_equal(results.count, 0);
	measure_lives(&samples, SINK(results));
	NEAR(value_of(&results, "life_invocations"), 20);
	table_free(&samples);
	table_free(&one);
	results_free(&results);
}

/* 500 bytes an invocation, whoever touched them; the start of the program is not in it. */
static void the_whole_process_grows_by_its_slope(void **state)
{
	struct table series =
		table_of("time_s,invocations_total,resident_bytes\n1,0,100\n2,10,50000\n"
			 "3,20,55000\n4,30,60000\n5,40,65000\n");
	struct results results = {0};

	(void)state;
	measure_series(&series, SINK(results));
	NEAR(value_of(&results, "whole_growth_bytes"), 500);
	NEAR(value_of(&results, "resident_bytes"), 65000);
	table_free(&series);
	results_free(&results);
}

/* ---- scenarios ---- */

static void scenarios_are_the_whole_product(void **state)
{
	struct scenario scenarios[SCENARIOS_MAX];
	static const size_t counts[SCENARIO_KINDS] = {
		[SCENARIO_BACK] = 4 * 2 * 2 + 3 * 2,
		[SCENARIO_LONG] = 4 * 2,
		[SCENARIO_BARE] = 4 * 2,
		[SCENARIO_LIMIT] = 7 * 2,
		[SCENARIO_INSERT] = 4 * 2,
		[SCENARIO_GAP] = 4 * 2 * 2,
		[SCENARIO_MINUTE] = 4 * 2,
		[SCENARIO_BURST] = 7 * 2,
	};

	(void)state;
	for (int kind = 0; kind < SCENARIO_KINDS; kind++) {
		size_t count = scenarios_make(kind, scenarios);

		assert_int_equal(count, counts[kind]);
		for (size_t i = 0; i < count; i++)
			for (size_t j = 0; j < i; j++)
				assert_string_not_equal(scenarios[i].name, scenarios[j].name);
	}
	assert_string_equal(scenario_name(SCENARIO_GAP, &memories[3], true, true),
			    "gap/tcmalloc/lru/debug");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cost_is_that_of_the_price_list),
		cmocka_unit_test(cost_is_linear_in_memory_and_time),
		cmocka_unit_test(billed_for_is_the_inverse),
		cmocka_unit_test(table_reads_quotes_and_a_cut_end),
		cmocka_unit_test(table_refuses_what_is_none),
		cmocka_unit_test(table_survives_noise),
		cmocka_unit_test(medians_are_of_runs_that_count),
		cmocka_unit_test(results_survive_their_file),
		cmocka_unit_test(series_gives_last_and_worst),
		cmocka_unit_test(invocations_give_pages_of_the_ended),
		cmocka_unit_test(burst_is_split_by_the_silence),
		cmocka_unit_test(burst_without_a_silence_says_nothing),
		cmocka_unit_test(driver_and_truth_are_read),
		cmocka_unit_test(samples_give_moments),
		cmocka_unit_test(lives_are_of_instances_that_were_replaced),
		cmocka_unit_test(the_whole_process_grows_by_its_slope),
		cmocka_unit_test(scenarios_are_the_whole_product),
	};

	return cmocka_run_group_tests_name("experiment_measure", tests, NULL, NULL);
}
