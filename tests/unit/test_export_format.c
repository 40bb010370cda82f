// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/support.h"

#include "user/view/export_format.h"

static void the_table_is_well_formed(void **state)
{
	(void)state;
	assert_in_range(export_format_count, 1, EXPORT_FORMATS_MAX);
	for (size_t i = 0; i < export_format_count; i++) {
		const struct export_format *format = &export_formats[i];

		assert_null(strpbrk(format->name, ", "));
		assert_true(*format->help && !strchr(format->help, '\n'));
		assert_true(format->stream || format->snapshots[0].name);
		assert_null(format->snapshots[EXPORT_SNAPSHOTS_MAX].name);
		assert_true(!format->stream == (!format->event && !format->report));
		for (size_t j = 0; format->snapshots[j].name; j++) {
			assert_non_null(format->snapshots[j].write);
			/* the help names each file */
			assert_non_null(strstr(format->help, format->snapshots[j].name));
		}
		if (format->stream)
			assert_non_null(strstr(format->help, format->stream));
	}
}

static void lists_are_sets(void **state)
{
	uint32_t formats = 0;

	(void)state;
	assert_int_equal(export_formats_add("csv,jsonl", &formats), 0);
	assert_int_equal(formats, export_formats_default());
	assert_int_equal(export_formats_add("folded,folded,pprof,chrome,html", &formats), 0);
	assert_int_equal(formats, (1U << export_format_count) - 1);
	formats = 0;
	assert_int_equal(export_formats_add(export_formats[2].name, &formats), 0);
	assert_int_equal(formats, 1U << 2);
}

static void wrong_lists_change_nothing(void **state)
{
	static const char *const wrong[] = {"",		  ",",	 "csv,", ",csv", "csv,,jsonl",
					    "CSV",	  "cs",	 "csvs", " csv", "csv jsonl",
					    "csv, jsonl", "all", "csv,x"};
	uint32_t formats = 5;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_int_equal(export_formats_add(wrong[i], &formats), -EINVAL);
		assert_int_equal(formats, 5);
	}
}

static void names_as_a_text(void **state)
{
	char text[64];

	(void)state;
	assert_string_equal(export_formats_text(text, sizeof(text)),
			    "csv, jsonl, pprof, folded, chrome, html");
	export_formats_text(text, 6);
	assert_string_equal(text, "csv, ");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_is_well_formed),
		cmocka_unit_test(lists_are_sets),
		cmocka_unit_test(wrong_lists_change_nothing),
		cmocka_unit_test(names_as_a_text),
	};

	return cmocka_run_group_tests_name("export_format", tests, NULL, NULL);
}
