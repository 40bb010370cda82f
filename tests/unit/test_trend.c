// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/support.h"

#include <math.h>

#include "user/verdict/trend.h"

#define COUNT_MAX 5000

static double x[COUNT_MAX], y[COUNT_MAX];

static void line(size_t count, double from, double slope)
{
	for (size_t i = 0; i < count; i++) {
		x[i] = (double)i;
		y[i] = from + slope * (double)i;
	}
}

static void assert_near(double value, double expected, double tolerance)
{
	if (!(fabs(value - expected) <= tolerance))
		fail_msg("%g is not within %g of %g", value, tolerance, expected);
}

static void a_line_has_its_slope(void **state)
{
	static const size_t counts[] = {2, 3, 10, 59, 60, 61, 120, 1000, COUNT_MAX};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		line(counts[i], 1e9, 4096);
		assert_near(trend_slope(x, y, counts[i]), 4096, 1e-3);
		line(counts[i], -5, -0.25);
		assert_near(trend_slope(x, y, counts[i]), -0.25, 1e-9);
	}
}

static void a_quarter_of_wild_points_moves_nothing(void **state)
{
	uint64_t seed = 5;

	(void)state;
	line(60, 100, 3);
	for (size_t i = 0; i < 60; i += 4)
		y[i] = (double)random_below(&seed, 1000000000) * (i % 8 ? 1 : -1);
	assert_near(trend_slope(x, y, 60), 3, 0.5);
	/* the first and the last point alone decide a two-point estimate */
	line(60, 100, 3);
	y[0] = 1e12;
	y[59] = -1e12;
	assert_near(trend_slope(x, y, 60), 3, 1e-9);
}

/* Most of the time is growth, but it leads nowhere. */
static void a_sawtooth_does_not_grow(void **state)
{
	(void)state;
	for (size_t i = 0; i < 120; i++) {
		x[i] = (double)i;
		y[i] = 1000 + 10 * (double)(i % 12);
	}
	assert_near(trend_slope(x, y, 120), 0, 0.5);
	for (size_t i = 0; i < 120; i++)
		y[i] += 2 * (double)i;
	assert_near(trend_slope(x, y, 120), 2, 0.5);
}

static void a_constant_has_no_slope(void **state)
{
	(void)state;
	line(120, 42, 0);
	assert_true(trend_slope(x, y, 120) == 0);
}

/* A step once is no growth. */
static void a_plateau_after_a_burst_does_not_grow(void **state)
{
	(void)state;
	line(120, 1000, 0);
	for (size_t i = 0; i < 20; i++)
		y[i] = 50 * (double)i;
	assert_true(trend_slope(x, y, 120) == 0);
}

static void too_few_points_have_none(void **state)
{
	(void)state;
	line(10, 0, 1);
	assert_true(isnan(trend_slope(x, y, 0)));
	assert_true(isnan(trend_slope(x, y, 1)));
	for (size_t i = 0; i < 10; i++)
		x[i] = 7;
	assert_true(isnan(trend_slope(x, y, 10)));
}

static void points_at_one_time_are_left_out(void **state)
{
	(void)state;
	line(10, 0, 5);
	x[4] = x[3];
	y[4] = 1e9;
	assert_near(trend_slope(x, y, 10), 5, 1e-9);
}

static void many_points_are_thinned_to_the_whole_range(void **state)
{
	(void)state;
	/* a slope that only the second half has: evenly taken, the median lies between */
	line(COUNT_MAX, 0, 0);
	for (size_t i = COUNT_MAX / 2; i < COUNT_MAX; i++)
		y[i] = (double)(i - COUNT_MAX / 2);
	assert_in_range(trend_slope(x, y, COUNT_MAX) * 1000, 100, 900);
	/* noise that is not periodic does not matter */
	line(COUNT_MAX, 0, 2);
	for (size_t i = 0; i < COUNT_MAX; i++)
		y[i] += (double)(i * 7919 % 101) - 50;
	assert_near(trend_slope(x, y, COUNT_MAX), 2, 0.05);
	/* first and last are among them */
	memset(x, 0, sizeof(x));
	memset(y, 0, sizeof(y));
	x[COUNT_MAX - 1] = 1;
	y[COUNT_MAX - 1] = 6;
	assert_near(trend_slope(x, y, COUNT_MAX), 6, 1e-9);
	x[0] = -1;
	y[0] = -4;
	x[COUNT_MAX - 1] = y[COUNT_MAX - 1] = 0;
	assert_near(trend_slope(x, y, COUNT_MAX), 4, 1e-9);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_has_its_slope),
		cmocka_unit_test(a_quarter_of_wild_points_moves_nothing),
		cmocka_unit_test(a_sawtooth_does_not_grow),
		cmocka_unit_test(a_constant_has_no_slope),
		cmocka_unit_test(a_plateau_after_a_burst_does_not_grow),
		cmocka_unit_test(too_few_points_have_none),
		cmocka_unit_test(points_at_one_time_are_left_out),
		cmocka_unit_test(many_points_are_thinned_to_the_whole_range),
	};

	return cmocka_run_group_tests_name("trend", tests, NULL, NULL);
}
