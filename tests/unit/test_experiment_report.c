// SPDX-License-Identifier: GPL-2.0-only
/*
 * The experiment's text: how it is made, and that what is committed is what the committed results
 * give. Run from the top of the source tree.
 */
#include "tests/unit/support.h"

#include <math.h>
#include <unistd.h>

#include "tests/experiment/claims.h"
#include "tests/experiment/number.h"
#include "tests/experiment/report.h"
#include "tests/experiment/report_tables.h"
#include "tests/experiment/table.h"

#define RESULTS "tests/experiment/results.csv"

/* What a function writes to a stream, the caller's. */
struct text {
	char *text;
	size_t size;
	FILE *file;
};

static FILE *text_begin(struct text *text)
{
	text->file = open_memstream(&text->text, &text->size);
	assert_non_null(text->file);
	return text->file;
}

static char *text_end(struct text *text)
{
	assert_int_equal(fclose(text->file), 0);
	return text->text;
}

static char *report_of(const struct results *results)
{
	struct text text;

	report_write(text_begin(&text), results);
	return text_end(&text);
}

/* ---- numbers and tables ---- */

static void numbers_are_written_for_people(void **state)
{
	static const struct {
		double number;
		int digits;
		const char *text;
	} cases[] = {
		{0, 0, "0"},
		{999, 0, "999"},
		{1000, 0, "1,000"},
		{1234567.891, 2, "1,234,567.89"},
		{-1234.5, 1, "-1,234.5"},
		{-0.001, 2, "0.00"},
		{0.2166667, 3, "0.217"},
		{99.999, 2, "100.00"},
		{1e15, 0, "1,000,000,000,000,000"},
		{NAN, 2, "–"},
		{INFINITY, 2, "–"},
		{1e300, 0, "–"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_string_equal(NUMBER(cases[i].number, cases[i].digits), cases[i].text);
	}
}

static void run_add(struct results *results, unsigned int run, const char *status, double bytes)
{
	const struct sink sink = {results, "long/glibc/lru", run};

	results_number(&sink, "invocations", 10000);
	results_number(&sink, "growth_bytes", bytes);
	results_number(&sink, "growth_low_bytes", bytes - 512);
	results_number(&sink, "growth_high_bytes", bytes + 512);
	results_number(&sink, "retained_bytes", 4 * 1048576);
	results_number(&sink, "whole_growth_bytes", 2048);
	results_number(&sink, "resident_bytes", 6 * 1048576);
	results_number(&sink, "live_bytes", 3 * 1048576);
	results_number(&sink, "p99_ms", 0.5);
	results_number(&sink, "unexplained_bytes", bytes);
	results_number(&sink, "lost_events", 0);
	results_text(&sink, "state", status);
}

static void a_row_tells_medians_and_what_is_not_whole(void **state)
{
	struct results results = {0};
	struct text text;
	char *table;

	(void)state;
	run_add(&results, 1, STATE_OK, 1024);
	run_add(&results, 2, STATE_LOSSY, 3072);
	run_add(&results, 3, STATE_FAILED, 1e9);
	table_put(text_begin(&text), &results, SCENARIO_LONG, 0, ALLOCATORS, TABLE_LONG);
	table = text_end(&text);
	assert_non_null(strstr(table,
			       "| glibc | lru | 10,000 | 2.00 (0.50 to 3.50) | 2.00 | 4.00 | "
			       "6.00 | 3.00 (50%) | – | 0.500 | 3 | 0 | 2, **1 failed**, "
			       "**1 lossy** |\n"));
	assert_non_null(strstr(table, "| glibc | unbounded | – | – (– to –) | – | – | – | – (–%) | "
				      "– | – | – | – | not run |\n"));
	free(table);
	results_free(&results);
}

static void a_table_has_its_own_scenarios(void **state)
{
	struct results results = {0};
	struct text text;
	size_t lines = 0;
	char *table;

	(void)state;
	table_put(text_begin(&text), &results, SCENARIO_BACK, ALLOCATORS, MEMORIES, TABLE_MAIN);
	table = text_end(&text);
	for (const char *at = table; (at = strchr(at, '\n')); at++)
		lines++;
	assert_int_equal(lines, 1 + 2 + 3 * 2); /* an empty one, the heading, three settings */
	assert_non_null(strstr(table, "| jemalloc background_thread:true | lru | release -O2 |"));
	assert_null(strstr(table, "| mimalloc |"));
	free(table);
}

static void troubles_are_told(void **state)
{
	struct results results = {0};
	char *report;

	(void)state;
	report = report_of(&results);
	assert_non_null(strstr(report, "lost records\n\nNone.\n"));
	free(report);
	run_add(&results, 1, STATE_FAILED, 1);
	results_text(&(struct sink){&results, "long/glibc/lru", 1}, "reason", "it hung");
	report = report_of(&results);
	assert_non_null(strstr(report, "- long/glibc/lru, run 1: failed: it hung\n"));
	assert_null(strstr(report, "None.\n"));
	free(report);
	results_free(&results);
}

/* ---- README ---- */

static void the_block_is_replaced_and_nothing_else(void **state)
{
	struct results results = {0};
	char *once = readme_quote("before\n" README_BEGIN "\nold\n" README_END "\nafter\n",
				  &results),
	     *twice;

	(void)state;
	assert_non_null(once);
	assert_int_equal(strncmp(once, "before\n" README_BEGIN "\n", 8 + strlen(README_BEGIN)), 0);
	assert_string_equal(strstr(once, README_END), README_END "\nafter\n");
	assert_null(strstr(once, "old"));
	assert_non_null(strstr(once, claims[0].sentence));
	twice = readme_quote(once, &results);
	assert_string_equal(twice, once);
	free(once);
	free(twice);
}

static void marks_that_are_wrong_change_nothing(void **state)
{
	static const char *const wrong[] = {
		"",
		README_BEGIN "\n",
		README_END "\n" README_BEGIN "\n",
		README_BEGIN "\n" README_BEGIN "\n" README_END "\n",
		README_BEGIN "\n" README_END "\n" README_END "\n",
		"x" README_BEGIN "\n" README_END "\n",
		README_BEGIN "x\n" README_END "\n",
		README_BEGIN "\n" README_END,
	};
	struct results results = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_null(readme_quote(wrong[i], &results));
}

/* ---- what is committed ---- */

static struct results committed;

static int committed_read(void **state)
{
	(void)state;
	return results_read(RESULTS, &committed);
}

static int committed_free(void **state)
{
	(void)state;
	results_free(&committed);
	return 0;
}

static void the_report_is_of_the_results(void **state)
{
	char *report = report_of(&committed), *file = file_text("tests/experiment/results.md");

	(void)state;
	assert_non_null(file);
	assert_string_equal(file, report);
	free(report);
	free(file);
}

static void readme_quotes_the_results(void **state)
{
	char *readme = file_text("README.md"), *quoted;

	(void)state;
	assert_non_null(readme);
	quoted = readme_quote(readme, &committed);
	assert_non_null(quoted);
	assert_string_equal(readme, quoted);
	free(readme);
	free(quoted);
}

/* Nothing is missing, and each claim but the one about people has been judged. */
static void the_results_are_whole(void **state)
{
	struct scenario scenarios[SCENARIOS_MAX];

	(void)state;
	for (int kind = 0; kind < SCENARIO_KINDS; kind++) {
		size_t count = scenarios_make(kind, scenarios);

		/* only in the long plan */
		for (size_t i = 0; i < count && kind != SCENARIO_MINUTE; i++)
			if (!results_runs(&committed, scenarios[i].name, NULL))
				fail_msg("%s was not run: make experiment", scenarios[i].name);
	}
	assert_non_null(results_find(&committed, MACHINE, 0, "kernel"));
	assert_non_null(results_find(&committed, MACHINE, 0, "cpu"));
}

/* The pages that are listed one by one add up to the count that the series has. */
static void two_accounts_of_the_pages_agree(void **state)
{
	size_t compared = 0;

	(void)state;
	for (size_t i = 0; i < committed.count; i++) {
		const struct cell *cell = &committed.cells[i];
		const char *listed = results_find(&committed, cell->scenario, cell->run, "listed");
		const char *begun =
			results_find(&committed, cell->scenario, cell->run, "invocations");
		const char *sum = results_find(&committed, cell->scenario, cell->run,
					       "listed_resident_bytes");

		/* the longest runs have more than are listed */
		if (strcmp(cell->measure, "retained_bytes") != 0 || !listed || !begun || !sum ||
		    strcmp(listed, begun) != 0)
			continue;
		assert_string_equal(cell->value, sum);
		compared++;
	}
	assert_true(compared > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_written_for_people),
		cmocka_unit_test(a_row_tells_medians_and_what_is_not_whole),
		cmocka_unit_test(a_table_has_its_own_scenarios),
		cmocka_unit_test(troubles_are_told),
		cmocka_unit_test(the_block_is_replaced_and_nothing_else),
		cmocka_unit_test(marks_that_are_wrong_change_nothing),
		cmocka_unit_test(the_report_is_of_the_results),
		cmocka_unit_test(readme_quotes_the_results),
		cmocka_unit_test(the_results_are_whole),
		cmocka_unit_test(two_accounts_of_the_pages_agree),
	};

	return cmocka_run_group_tests_name("experiment_report", tests, committed_read,
					   committed_free);
}
