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

/* --- growth of a series of counts --------------------------------------------------- */

#define BLOCK 8

/* A series whose blocks of 8 gain so much each; between the ends of a block it may rise. */
static size_t series(const double *gains, size_t blocks)
{
	uint64_t seed = 77;
	double level = 1e6;

	for (size_t i = 0; i < blocks; i++) {
		y[i * BLOCK] = level;
		for (size_t j = 1; j < BLOCK; j++)
			y[i * BLOCK + j] = 1e9 + (double)random_below(&seed, 1000000);
		level += gains[i] * BLOCK;
	}
	y[blocks * BLOCK] = level;
	return blocks * BLOCK + 1;
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

/* The means of all pairs, each with itself too, in order. */
static size_t pair_means(const double *gains, size_t n, double *means)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j <= i; j++)
			means[count++] = (gains[i] + gains[j]) / 2;
	qsort(means, count, sizeof(*means), compare);
	return count;
}

/*
 * P(T < k) of the signed-rank statistic T under the null hypothesis, exactly: of
 * the 2^n sets of ranks 1..n, the share whose sum is below k.
 */
static double signed_rank_below(unsigned int n, size_t k)
{
	double ways[TREND_BLOCKS_MAX * (TREND_BLOCKS_MAX + 1) / 2 + 1] = {1};
	size_t most = n * (n + 1) / 2;
	double sum = 0;

	for (unsigned int rank = 1; rank <= n; rank++)
		for (size_t total = most; total >= rank; total--)
			ways[total] += ways[total - rank];
	for (size_t total = 0; total < k; total++)
		sum += ways[total];
	return ldexp(sum, -(int)n);
}

/* Hamilton's depression scores, Hollander and Wolfe, table 3.1: the estimate is -0.46. */
static void growth_is_the_textbooks_estimate(void **state)
{
	static const double gains[] = {-0.952, 0.147,  -1.022, -0.430, -0.620,
				       -0.590, -0.490, 0.080,  -0.010};
	struct trend_range range = trend_growth(y, series(gains, ARRAY_SIZE(gains)));

	(void)state;
	assert_near(range.estimate, -0.46, 1e-6);
	/* there 96.1% are in (-0.786, -0.010); here it is 97.3% */
	assert_true(range.low <= -0.786 && range.low > -0.9);
	assert_true(range.high >= -0.0100001 && range.high < 0.07);
}

/* For each number of blocks: which of the pairs' means are the ends, and what that is worth. */
static void the_interval_has_its_confidence(void **state)
{
	(void)state;
	for (unsigned int n = TREND_BLOCKS_MIN; n <= TREND_BLOCKS_MAX; n++) {
		double gains[TREND_BLOCKS_MAX], means[TREND_BLOCKS_MAX * TREND_BLOCKS_MAX];
		double sorted[TREND_BLOCKS_MAX];
		struct trend_range range;
		size_t count, k = 0;
		uint64_t seed = n;
		double confidence;

		/* all grow, and the newer half as the older one: nothing else widens it */
		for (unsigned int i = 0; i < n; i++)
			sorted[i] = (double)random_below(&seed, 1000000) / 64;
		qsort(sorted, n, sizeof(*sorted), compare);
		for (unsigned int i = 0; i < n; i++)
			gains[i % 2 ? i / 2 : n - 1 - i / 2] = sorted[i];
		count = pair_means(gains, n, means);
		range = trend_growth(y, series(gains, n));
		while (k < count && fabs(means[k] - range.low) > 1e-6)
			k++;
		assert_true(k < count);
		assert_near(range.high, means[count - 1 - k], 1e-6);
		assert_near(range.estimate, (means[(count - 1) / 2] + means[count / 2]) / 2, 1e-6);
		confidence = 1 - 2 * signed_rank_below(n, k + 1);
		if (confidence < 0.949 || confidence > 0.98)
			fail_msg("%u blocks: %g", n, confidence);
	}
}

static void growth_needs_enough_points(void **state)
{
	struct trend_range range;

	(void)state;
	line(COUNT_MAX, 5, 3);
	for (size_t count = 0; count <= TREND_BLOCKS_MIN; count++) {
		range = trend_growth(y, count);
		assert_true(isnan(range.estimate) && isnan(range.low) && isnan(range.high));
	}
	for (size_t count = TREND_BLOCKS_MIN + 1; count <= COUNT_MAX; count++) {
		range = trend_growth(y, count);
		assert_near(range.estimate, 3, 1e-9);
		assert_near(range.low, 3, 1e-9);
		assert_near(range.high, 3, 1e-9);
	}
}

/* What does not divide into blocks is left out where it is oldest: at the start all is new. */
static void the_oldest_points_are_left_out(void **state)
{
	(void)state;
	for (size_t i = 0; i <= 6 * BLOCK; i++)
		y[5 + i] = (double)i;
	for (size_t i = 0; i < 5; i++)
		y[i] = -1e9;
	assert_near(trend_growth(y, 5 + 6 * BLOCK + 1).high, 1, 1e-9);
}

/* Of six blocks the interval is the whole range, however long they are. */
static void few_points_make_six_blocks(void **state)
{
	(void)state;
	for (size_t length = 1; length < BLOCK; length++) {
		struct trend_range range;

		for (size_t i = 0; i <= 6 * length; i++) {
			double block = (double)(i / length);

			/* the b-th block gains b + 1 a point */
			y[i] = block * (block + 1) / 2 * (double)length +
			       (block + 1) * (double)(i % length);
		}
		range = trend_growth(y, 6 * length + 1);
		assert_near(range.low, 1, 1e-9);
		assert_near(range.estimate, 3.5, 1e-9);
		assert_near(range.high, 6, 1e-9);
	}
}

static void wild_blocks_move_no_growth(void **state)
{
	double gains[TREND_BLOCKS_MAX];

	(void)state;
	for (size_t i = 0; i < TREND_BLOCKS_MAX; i++)
		gains[i] = i % 4 ? 3 : 1e6;
	assert_near(trend_growth(y, series(gains, TREND_BLOCKS_MAX)).estimate, 3, 1e-6);
	/* blocks that fill caches, and a plateau after them */
	for (size_t i = 0; i < TREND_BLOCKS_MAX; i++)
		gains[i] = i < 2 ? 1e6 : 0;
	assert_near(trend_growth(y, series(gains, TREND_BLOCKS_MAX)).estimate, 0, 1e-9);
	assert_near(trend_growth(y, series(gains, TREND_BLOCKS_MAX)).high, 0, 1e-9);
}

/* Noise of one point, around 0: even, or mostly a little less and now and then much more. */
static double noise_even(uint64_t *seed)
{
	return (double)random_below(seed, 2001) - 1000;
}

static double noise_skewed(uint64_t *seed)
{
	return random_below(seed, 10) ? -100 : 900;
}

/* How often, of 1,000 walks that drift by 3 a point, the interval holds the 3. */
static unsigned int coverage(size_t count, double (*noise)(uint64_t *seed), uint64_t seed)
{
	unsigned int held = 0;

	for (int walk = 0; walk < 1000; walk++) {
		struct trend_range range;

		y[0] = 0;
		for (size_t i = 1; i < count; i++)
			y[i] = y[i - 1] + 3 + noise(&seed);
		range = trend_growth(y, count);
		assert_true(range.low <= range.estimate && range.estimate <= range.high);
		held += range.low <= 3 && 3 <= range.high;
	}
	return held;
}

static void the_interval_holds_the_truth(void **state)
{
	static const size_t counts[] = {7, 50, 200, 1001, 4096};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		assert_in_range(coverage(counts[i], noise_even, i + 1), 930, 985);
	/* the longer the blocks the more even are their sums */
	assert_in_range(coverage(1001, noise_skewed, 9), 900, 985);
	assert_in_range(coverage(4096, noise_skewed, 9), 920, 985);
}

/* A cache that fills and is emptied, at any phase: three periods are to be seen. */
static void what_is_given_back_has_not_grown(void **state)
{
	static const size_t periods[] = {120, 300, 500, 1000, 1300};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(periods); i++) {
		size_t period = periods[i];

		for (size_t count = 3 * period; count <= 4096; count += period / 3) {
			for (size_t phase = 0; phase < period; phase += period / 10) {
				struct trend_range range;

				for (size_t at = 0; at < count; at++)
					y[at] = 4096.0 * (double)((at + phase) % period);
				range = trend_growth(y, count);
				if (range.low > 0)
					fail_msg("period %zu, %zu points, phase %zu: %g", period,
						 count, phase, range.low);
				assert_true(range.low <= range.estimate &&
					    range.estimate <= range.high);
			}
		}
	}
	/* 100 a point stay, 500 a point come in most of the time */
	for (size_t at = 0; at < 2000; at++)
		y[at] = 100 * (double)at + 400.0 * (double)(at % 500);
	assert_true(trend_growth(y, 2000).low <= 100 && trend_growth(y, 2000).high >= 100);
	assert_true(trend_growth(y, 2000).estimate < 300);
}

/* It filled in the older half. */
static void what_came_to_rest_grows_no_more(void **state)
{
	(void)state;
	for (size_t count = 200; count <= 4096; count += 487)
		for (size_t full = count / 16; full <= count * 7 / 16; full += count / 16) {
			for (size_t at = 0; at < count; at++)
				y[at] = 4096.0 * (double)(at < full ? at : full);
			assert_true(trend_growth(y, count).low <= 0);
		}
}

/* A table that doubles, seen from its first entry: a leap is a wild block, and all there is. */
static void what_leaps_may_grow(void **state)
{
	(void)state;
	for (size_t count = 200; count <= 4096; count += 487) {
		struct trend_range range;
		double size = 64;

		for (size_t at = 0; at < count; at++) {
			while (size < (double)at)
				size *= 2;
			y[at] = size;
		}
		range = trend_growth(y, count);
		assert_true(range.low <= 0.5);
		if (range.high < 0.5)
			fail_msg("%zu points: at most %g", count, range.high);
	}
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
		cmocka_unit_test(growth_is_the_textbooks_estimate),
		cmocka_unit_test(the_interval_has_its_confidence),
		cmocka_unit_test(growth_needs_enough_points),
		cmocka_unit_test(the_oldest_points_are_left_out),
		cmocka_unit_test(few_points_make_six_blocks),
		cmocka_unit_test(wild_blocks_move_no_growth),
		cmocka_unit_test(the_interval_holds_the_truth),
		cmocka_unit_test(what_is_given_back_has_not_grown),
		cmocka_unit_test(what_came_to_rest_grows_no_more),
		cmocka_unit_test(what_leaps_may_grow),
	};

	return cmocka_run_group_tests_name("trend", tests, NULL, NULL);
}
