// SPDX-License-Identifier: GPL-2.0-only
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "user/view/fields.h"

static void scripts_find_their_columns(void **state)
{
	static const char *const promised[] = {
		"time_s",
		"rss_bytes",
		"anon_bytes",
		"file_bytes",
		"shmem_bytes",
		"retained_bytes",
		"lazyfree_bytes",
		"purged_bytes_total",
		"returned_bytes_total",
		"born_pages_total",
		"growth_bytes_per_hour",
		"unexplained_bytes",
		"events_total",
		"lost_events_total",
		"repaired_pages_total",
		"resident_bytes",
		"swap_bytes",
		"virtual_bytes",
		"born_pages_per_second",
		"events_per_second",
		"unknown_bytes",
		"stacks_total",
		"stacks_failed_total",
		"invocations_total",
		"invocations_unmatched_total",
		"invocation_retained_bytes",
		"invocation_growth_bytes",
		"invocation_growth_low_bytes",
		"invocation_growth_high_bytes",
		"heap_live_bytes",
		"heap_fragmented_bytes",
		"heap_free_bytes",
		"heap_unknown_bytes",
		"heap_allocated_bytes",
		"heap_allocations",
		"verdict",
	};
	size_t column = 0;

	(void)state;
	for (size_t i = 0; i < field_count; i++) {
		if (!(fields[i].shown & FIELD_IN_CSV))
			continue;
		assert_true(column < sizeof(promised) / sizeof(*promised));
		assert_string_equal(fields[i].name, promised[column++]);
	}
	assert_int_equal(column, sizeof(promised) / sizeof(*promised));
}

static void table_is_well_formed(void **state)
{
	(void)state;
	for (size_t i = 0; i < field_count; i++) {
		const struct field *field = &fields[i];
		size_t help = strlen(field->help);

		assert_ptr_equal(field_find(field->name), field);
		assert_true(strlen(field->title) <= field->width);
		assert_true(field->unit < UNIT_COUNT);
		assert_true(field->shown);
		assert_true(help > 20 && field->help[help - 1] == '.');
		assert_null(strpbrk(field->name, " ,\"-"));
		/* there is no demand for what is not shown */
		assert_true(!(field->shown & FIELD_ON_DEMAND) ||
			    field->shown & (FIELD_IN_WATCH | FIELD_IN_OVERVIEW));
		for (size_t other = 0; other < i; other++)
			assert_int_not_equal(fields[other].priority, field->priority);
	}
	assert_null(field_find("no_such_field"));
	assert_null(field_find(""));
}

static const char *text_of(const char *name, union field_value value)
{
	static char text[32];

	return field_format(field_find(name), value, text, sizeof(text));
}

static void figures_read_well(void **state)
{
	(void)state;
	assert_string_equal(text_of("pid", (union field_value){.u = 4194304}), "4194304");
	assert_string_equal(text_of("rss_bytes", (union field_value){.u = 0}), "0");
	assert_string_equal(text_of("rss_bytes", (union field_value){.u = 12 << 20}), "12.0M");
	assert_string_equal(text_of("unexplained_bytes", (union field_value){.i = -8192}),
			    "-8.00K");
	assert_string_equal(text_of("growth_bytes_per_hour", (union field_value){.d = 1 << 20}),
			    "+1.00M");
	assert_string_equal(text_of("growth_bytes_per_hour", (union field_value){.d = NAN}), "-");
	assert_string_equal(text_of("invocation_growth_bytes", (union field_value){.d = 4311}),
			    "+4.21K");
	assert_string_equal(text_of("invocation_growth_bytes", (union field_value){.d = NAN}), "-");
	assert_string_equal(text_of("invocations_total", (union field_value){.u = 12345}), "12.3k");
	assert_string_equal(text_of("lost_events_total", (union field_value){.u = 12345}), "12.3k");
	assert_string_equal(text_of("born_pages_per_second", (union field_value){.d = 2.4}), "2");
}

static void durations_read_well(void **state)
{
	static const struct {
		double seconds;
		const char *text;
	} cases[] = {
		{0, "0.0s"},	{12.34, "12.3s"}, {99.96, "1m39s"},
		{200, "3m20s"}, {7500, "2h05m"},  {460800, "5d08h"},
		{NAN, "-"},	{-1, "-"},	  {INFINITY, "-"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(text_of("time_s", (union field_value){.d = cases[i].seconds}),
				    cases[i].text);
}

static void names_are_made_harmless(void **state)
{
	(void)state;
	setlocale(LC_CTYPE, "C");
	assert_string_equal(text_of("command", (union field_value){.text = "nginx: worker"}),
			    "nginx: worker");
	assert_string_equal(text_of("command", (union field_value){.text = "\x1b]0;x\a\n\x7f"}),
			    "?]0;x???");
	assert_string_equal(text_of("command", (union field_value){.text = "caf\xc3\xa9\x9b"}),
			    "caf???");
	assert_string_equal(text_of("command", (union field_value){.text = ""}), "");
	if (!setlocale(LC_CTYPE, "C.UTF-8")) {
		print_message("skipped: this system has no C.UTF-8 locale\n");
		skip();
	}
	assert_string_equal(text_of("command", (union field_value){.text = "caf\xc3\xa9\x9b"}),
			    "caf\xc3\xa9?");
	assert_string_equal(text_of("command", (union field_value){.text = "a\xc2\x9b"
									   "b"}),
			    "a?b");
	assert_string_equal(text_of("command", (union field_value){.text = "ab\xe2\x96"}), "ab??");
	setlocale(LC_CTYPE, "C");
}

static void short_buffers_are_respected(void **state)
{
	char text[8] = "#######";
	const struct field *command = field_find("command");
	const struct field *rss = field_find("rss_bytes");

	(void)state;
	field_format(command, (union field_value){.text = "abcdef"}, text, 4);
	assert_memory_equal(text, "abc\0###", 8);
	field_format(command, (union field_value){.text = "abcdef"}, text, 1);
	assert_string_equal(text, "");
	field_format(rss, (union field_value){.u = 999 << 10}, text, 4);
	assert_string_equal(text, "999");
	field_format(rss, (union field_value){.u = 1}, text, 0);
	assert_string_equal(text, "999");
}

static void numbers_are_for_sorting(void **state)
{
	(void)state;
	assert_true(field_number(field_find("rss_bytes"), (union field_value){.u = 7}) == 7);
	assert_true(field_number(field_find("unexplained_bytes"), (union field_value){.i = -7}) ==
		    -7);
	assert_true(field_number(field_find("time_s"), (union field_value){.d = 0.5}) == 0.5);
	assert_true(isnan(field_number(field_find("command"), (union field_value){.text = "7"})));
}

static void getters_read_their_own_member(void **state)
{
	struct process *process = process_new(ledger_new(42, 0));
	struct report report = {
		.time_s = 1,
		.rss = 2,
		.anon = 3,
		.file = 4,
		.shmem = 5,
		.retained = 6,
		.lazyfree = 7,
		.purged_total = 8,
		.returned_total = 9,
		.born_pages_total = 10,
		.growth_per_hour = 11,
		.unexplained = 12,
		.events_total = 13,
		.lost_total = 14,
		.repaired_pages_total = 15,
		.resident = 16,
		.swap = 17,
		.virtual = 18,
		.born_pages_per_s = 19,
		.events_per_s = 20,
		.unknown = 21,
		.stacks_total = 22,
		.stacks_failed_total = 23,
		.invocations_total = 24,
		.invocations_unmatched_total = 25,
		.invocation_retained = 26,
		.per_invocation = {.estimate = 27, .low = 28, .high = 29},
		.heap = {.classes = {30, 31, 32, 33}, .live_bytes = 34, .live_count = 35},
	};
	double expected = 1;

	(void)state;
	assert_non_null(process);
	for (size_t i = 0; i < field_count; i++) {
		double value;

		if (!(fields[i].shown & FIELD_IN_CSV) || fields[i].type == FIELD_TEXT)
			continue;
		value = field_number(&fields[i], fields[i].get(process, &report));
		if (expected >= 30 && expected <= 33) /* pages in the report */
			value /= PAGE_BYTES;
		assert_true(value == expected++);
	}
	report.verdict = VERDICT_LIVE_GROWTH;
	assert_string_equal(field_find("verdict")->get(process, &report).text, "live-growth");
	/* What a process is can be told before its first report. */
	assert_int_equal(field_find("pid")->get(process, NULL).u, 42);
	assert_string_equal(field_find("command")->get(process, NULL).text, "");
	assert_string_equal(field_find("allocator")->get(process, NULL).text, "?");
	process_free(process);
}

static void columns_on_demand(void **state)
{
	struct report report = {0};

	(void)state;
	assert_false(field_demands(&report));
	report.invocations_total = 1;
	assert_true(field_demands(&report));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(scripts_find_their_columns),
		cmocka_unit_test(table_is_well_formed),
		cmocka_unit_test(figures_read_well),
		cmocka_unit_test(durations_read_well),
		cmocka_unit_test(names_are_made_harmless),
		cmocka_unit_test(short_buffers_are_respected),
		cmocka_unit_test(numbers_are_for_sorting),
		cmocka_unit_test(getters_read_their_own_member),
		cmocka_unit_test(columns_on_demand),
	};

	return cmocka_run_group_tests_name("fields", tests, NULL, NULL);
}
