// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/support.h"

#include <float.h>
#include <math.h>

static void bytes_have_binary_prefixes(void **state)
{
	static const struct {
		double bytes;
		const char *text;
	} cases[] = {
		{0, "0"},
		{1, "1"},
		{812, "812"},
		{999, "999"},
		{1000, "0.98K"},
		{1024, "1.00K"},
		{4096, "4.00K"},
		{12.3 * 1048576, "12.3M"},
		{999.9 * 1024, "999.9K"},
		{999.96 * 1024, "0.98M"},
		{1.25 * 1099511627776.0, "1.25T"},
		{18446744073709551615.0, "16.0E"},
		{-4096, "-4.00K"},
		{-1, "-1"},
		{0.4, "0"},
		{-0.4, "0"},
	};
	char text[UNITS_TEXT_LEN];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(units_bytes(text, cases[i].bytes), cases[i].text);
}

static void counts_have_decimal_prefixes(void **state)
{
	static const struct {
		double count;
		const char *text;
	} cases[] = {
		{0, "0"},	 {950, "950"},	    {999.4, "999"},
		{1000, "1.00k"}, {1200, "1.20k"},   {12300000, "12.3M"},
		{9995, "10.0k"}, {-1200, "-1.20k"}, {1e15, "1.00P"},
	};
	char text[UNITS_TEXT_LEN];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(units_count(text, cases[i].count), cases[i].text);
}

static void differences_have_a_sign(void **state)
{
	char text[UNITS_TEXT_LEN];

	(void)state;
	assert_string_equal(units_signed_bytes(text, 1.2 * 1048576), "+1.20M");
	assert_string_equal(units_signed_bytes(text, 0), "0");
	assert_string_equal(units_signed_bytes(text, 0.3), "0");
	assert_string_equal(units_signed_bytes(text, -4096), "-4.00K");
	assert_string_equal(units_signed_bytes(text, 1), "+1");
	assert_string_equal(units_signed_bytes(text, NAN), "-");
}

static void what_is_no_number_is_a_dash(void **state)
{
	char text[UNITS_TEXT_LEN];

	(void)state;
	assert_string_equal(units_bytes(text, NAN), "-");
	assert_string_equal(units_count(text, NAN), "-");
}

static void the_largest_numbers_fit(void **state)
{
	static const double values[] = {DBL_MAX, -DBL_MAX, INFINITY, -INFINITY, 1e21, -1e21};
	char text[UNITS_TEXT_LEN];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		assert_in_range(strlen(units_bytes(text, values[i])), 1, UNITS_TEXT_LEN - 1);
		assert_in_range(strlen(units_count(text, values[i])), 1, UNITS_TEXT_LEN - 1);
		assert_in_range(strlen(units_signed_bytes(text, values[i])), 1, UNITS_TEXT_LEN - 1);
	}
	assert_string_equal(units_bytes(text, INFINITY), ">99999E");
	assert_string_equal(units_bytes(text, -INFINITY), "->99999E");
}

/* Any ordinary value takes at most 6 characters, and a minus sign one more. */
static void columns_are_narrow(void **state)
{
	uint64_t seed = 7;
	char text[UNITS_TEXT_LEN];

	(void)state;
	for (int i = 0; i < 100000; i++) {
		double value = (double)(random_next(&seed) >> random_below(&seed, 64));

		assert_in_range(strlen(units_bytes(text, value)), 1, 6);
		assert_in_range(strlen(units_bytes(text, -value)), 1, 7);
		assert_in_range(strlen(units_signed_bytes(text, value)), 1, 7);
	}
}

static void pages_are_rounded_without_wrapping(void **state)
{
	(void)state;
	assert_int_equal(page_floor(0), 0);
	assert_int_equal(page_floor(4095), 0);
	assert_int_equal(page_floor(4096), 4096);
	assert_int_equal(page_ceil(0), 0);
	assert_int_equal(page_ceil(1), 4096);
	assert_int_equal(page_ceil(4096), 4096);
	assert_int_equal(page_ceil(4097), 8192);
	assert_true(page_ceil(UINT64_MAX) == UINT64_MAX - 4095);
	assert_true(page_ceil(UINT64_MAX - 4096) == UINT64_MAX - 4095);
	assert_true(page_ceil(UINT64_MAX - 8191) == UINT64_MAX - 8191);
}

static void whole_counts_are_in_groups(void **state)
{
	static const struct {
		uint64_t count;
		const char *text;
	} cases[] = {
		{0, "0"},
		{999, "999"},
		{1000, "1,000"},
		{1234567, "1,234,567"},
		{UINT64_MAX, "18,446,744,073,709,551,615"},
	};
	char text[UNITS_TEXT_LEN];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_ptr_equal(units_whole(text, cases[i].count), text);
		assert_string_equal(text, cases[i].text);
	}
}

/* Nothing but all is 100%, and nothing but none is 0. */
static void shares_are_cut(void **state)
{
	static const struct {
		uint64_t part;
		uint64_t whole;
		const char *text;
	} cases[] = {
		{0, 0, "0"},	 {0, 5, "0"},	       {5, 5, "100%"},
		{1, 3, "33.3%"}, {1, 100000, "<0.1%"}, {99999, 100000, "99.9%"},
		{6, 5, "100%"},	 {1, 0, "0"},	       {UINT64_MAX, UINT64_MAX, "100%"},
	};
	char text[UNITS_TEXT_LEN];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(units_share(text, cases[i].part, cases[i].whole),
				    cases[i].text);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_have_binary_prefixes),
		cmocka_unit_test(counts_have_decimal_prefixes),
		cmocka_unit_test(differences_have_a_sign),
		cmocka_unit_test(what_is_no_number_is_a_dash),
		cmocka_unit_test(the_largest_numbers_fit),
		cmocka_unit_test(columns_are_narrow),
		cmocka_unit_test(pages_are_rounded_without_wrapping),
		cmocka_unit_test(whole_counts_are_in_groups),
		cmocka_unit_test(shares_are_cut),
	};

	return cmocka_run_group_tests_name("units", tests, NULL, NULL);
}
