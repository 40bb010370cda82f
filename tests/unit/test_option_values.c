// SPDX-License-Identifier: GPL-2.0-only
/* What options take for a number, a size, a time and a rate, and what they do not. */
#include "tests/unit/support.h"

#include <limits.h>

#include "user/option_values.h"

#define UNTOUCHED 0x5a5a5a5a

static void refuse_number(const char *text, unsigned long min, unsigned long max)
{
	unsigned long number = UNTOUCHED;

	if (option_number(text, min, max, &number) != -EINVAL || number != UNTOUCHED)
		fail_msg("'%s' was taken, for %lu", text, number);
}

static void numbers(void **state)
{
	static const char *const bad[] = {
		"",   "-1",  "+1",  " 1",	    "1 ",   "1x",
		"x1", "1.0", "0x1", "1e3",	    "1,0",  "\n1",
		"-",  "1-1", "--1", "\xef\xbc\x91", "\xff", "18446744073709551616"};
	unsigned long number = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		refuse_number(bad[i], 0, ULONG_MAX);
	refuse_number("9", 10, 20);
	refuse_number("21", 10, 20);
	assert_int_equal(option_number("10", 10, 20, &number), 0);
	assert_int_equal(number, 10);
	assert_int_equal(option_number("20", 10, 20, &number), 0);
	assert_int_equal(number, 20);
	assert_int_equal(option_number("007", 0, 7, &number), 0);
	assert_int_equal(number, 7);
	assert_int_equal(option_number("18446744073709551615", 0, ULONG_MAX, &number), 0);
	assert_true(number == ULONG_MAX);
}

static void sizes(void **state)
{
	static const struct {
		const char *text;
		size_t bytes;
	} good[] = {
		{"1", 1},
		{"4096", 4096},
		{"4K", 4096},
		{"4k", 4096},
		{"1M", 1 << 20},
		{"64m", (size_t)64 << 20},
		{"1G", (size_t)1 << 30},
		{"1g", (size_t)1 << 30},
	};
	static const char *const bad[] = {"",
					  "0",
					  "0K",
					  "K",
					  "1X",
					  "1KB",
					  "1KiB",
					  "1.5K",
					  "-1K",
					  "1 K",
					  "2G",
					  "1024M1",
					  "1KK",
					  "1073741825",
					  "1048577K",
					  "18014398509481985K",
					  "17179869185G",
					  "000000000000000000000001"};
	size_t bytes;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		bytes = 0;
		if (option_size(good[i].text, 1, (size_t)1 << 30, &bytes) || bytes != good[i].bytes)
			fail_msg("'%s': %zu", good[i].text, bytes);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		bytes = UNTOUCHED;
		if (option_size(bad[i], 1, (size_t)1 << 30, &bytes) != -EINVAL ||
		    bytes != UNTOUCHED)
			fail_msg("'%s' was taken, for %zu", bad[i], bytes);
	}
	assert_int_equal(option_size("4095", 4096, 1 << 20, &bytes), -EINVAL);
	assert_int_equal(option_size("3K", 4096, 1 << 20, &bytes), -EINVAL);
	assert_int_equal(option_size("1025K", 4096, 1 << 20, &bytes), -EINVAL);
	assert_int_equal(option_size("1024K", 4096, 1 << 20, &bytes), 0);
	assert_int_equal(bytes, 1 << 20);
}

static void amounts_of_bytes(void **state)
{
	static const struct {
		const char *text;
		double bytes;
	} good[] = {
		{"0", 0},	  {"0KB", 0},		{"4096", 4096},	 {"1B", 1},
		{"4K", 4096},	  {"4k", 4096},		{"4KiB", 4096},	 {"4kib", 4096},
		{"4KB", 4000},	  {"4kb", 4000},	{"1M", 1048576}, {"1MiB", 1048576},
		{"100MB", 100e6}, {"1.5M", 1572864},	{".5K", 512},	 {"1.K", 1024},
		{"0.001GB", 1e6}, {"2GiB", 2147483648}, {"1G", 1 << 30}, {"3GB", 3e9},
	};
	static const char *const bad[] = {"",
					  "K",
					  "MB",
					  "-1",
					  "+1",
					  "1 MB",
					  "1MB ",
					  "1TB",
					  "1KiBs",
					  "1..5M",
					  "1.5.",
					  ".",
					  ".K",
					  "1e6",
					  "inf",
					  "nan",
					  "0x10",
					  "1,5M",
					  "1M1",
					  "1Ki",
					  "KB1",
					  "1KBB",
					  "\xef\xbc\x91MB",
					  "1\xff",
					  "1/h",
					  "12345678901234567890123456789012"};
	double bytes;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		bytes = -1;
		if (option_bytes(good[i].text, &bytes) || bytes != good[i].bytes)
			fail_msg("'%s': %f", good[i].text, bytes);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		bytes = -1;
		if (option_bytes(bad[i], &bytes) != -EINVAL || bytes != -1)
			fail_msg("'%s' was taken, for %f", bad[i], bytes);
	}
}

static void times(void **state)
{
	static const struct {
		const char *text;
		unsigned int seconds;
	} good[] = {
		{"1", 1},      {"30", 30},     {"30s", 30},	 {"30S", 30},
		{"30sec", 30}, {"5m", 300},    {"5M", 300},	 {"5min", 300},
		{"2h", 7200},  {"1d", 86400},  {"1.0", 1},	 {"0.5m", 30},
		{"0.1h", 360}, {"1.5h", 5400}, {"0.25d", 21600}, {"366d", 366 * 86400},
	};
	/* a part of a second would be cut off: what was asked for is not what would be done */
	static const char *const bad[] = {"",
					  "0",
					  "0.5",
					  "0.9999",
					  "1.5",
					  "2.5s",
					  "0.01m",
					  "-1",
					  "+1",
					  "1 s",
					  "s",
					  "1ms",
					  "1x",
					  "1hs",
					  "abc",
					  "367d",
					  "31622401",
					  "1e3",
					  "1:00",
					  "1h30m",
					  "99999999999",
					  "99999999999999999999999999999d"};
	unsigned int seconds;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		seconds = 0;
		if (option_seconds(good[i].text, 366 * 86400, &seconds) ||
		    seconds != good[i].seconds)
			fail_msg("'%s': %u", good[i].text, seconds);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		seconds = UNTOUCHED;
		if (option_seconds(bad[i], 366 * 86400, &seconds) != -EINVAL ||
		    seconds != UNTOUCHED)
			fail_msg("'%s' was taken, for %u", bad[i], seconds);
	}
}

static void rates(void **state)
{
	static const struct {
		const char *text;
		double per_hour;
	} good[] = {
		{"10MB/h", 10e6},
		{"10mb/H", 10e6},
		{"64KiB/s", 65536.0 * 3600},
		{"64KiB/sec", 65536.0 * 3600},
		{"1/s", 3600},
		{"600/min", 36000},
		{"600/m", 36000},
		{"24M/d", 1048576},
		{"0/h", 0},
		{"1.5K/h", 1536},
	};
	/* a number of hours is none of them: 10MB/30s would be another rate than it looks like */
	static const char *const bad[] = {
		"",	     "10MB",	  "10MB/",
		"/h",	     "10MB/30s",  "10MB/1h",
		"10MB/0.5h", "10MB/.5",	  "10MB/ h",
		"10 MB/h",   "10MB/hour", "10MB/h/",
		"10MB//h",   "-1MB/h",	  "MB/h",
		"10MB/y",    "10h/MB",	  "10MB/hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh"};
	double rate;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		rate = -1;
		if (option_rate(good[i].text, &rate) || rate < good[i].per_hour * (1 - 1e-12) ||
		    rate > good[i].per_hour * (1 + 1e-12))
			fail_msg("'%s': %f", good[i].text, rate);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		rate = -1;
		if (option_rate(bad[i], &rate) != -EINVAL || rate != -1)
			fail_msg("'%s' was taken, for %f", bad[i], rate);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(sizes),
		cmocka_unit_test(amounts_of_bytes),
		cmocka_unit_test(times),
		cmocka_unit_test(rates),
	};

	return cmocka_run_group_tests_name("option_values", tests, NULL, NULL);
}
