// SPDX-License-Identifier: GPL-2.0-only
#include "user/verdict/trend.h"

#include <math.h>
#include <stdlib.h>

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void trend_sort(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare_doubles);
}

static double median(double *values, size_t count)
{
	trend_sort(values, count);
	return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

/* Which of count points is the i-th of the `used` evenly spread ones. */
static size_t thinned(size_t i, size_t used, size_t count)
{
	return used < 2 ? 0 : i * (count - 1) / (used - 1);
}

double trend_slope(const double *x, const double *y, size_t count)
{
	double slopes[TREND_POINTS_MAX * (TREND_POINTS_MAX - 1) / 2];
	size_t used = count < TREND_POINTS_MAX ? count : TREND_POINTS_MAX;
	size_t pairs = 0;

	for (size_t i = 0; i < used; i++) {
		size_t a = thinned(i, used, count);

		for (size_t j = i + 1; j < used; j++) {
			size_t b = thinned(j, used, count);

			if (x[b] > x[a])
				slopes[pairs++] = (y[b] - y[a]) / (x[b] - x[a]);
		}
	}
	return pairs ? median(slopes, pairs) : NAN;
}

#define BLOCK_POINTS_MIN 8

/*
 * The ends of the interval are the k-th smallest and the k-th greatest of the
 * means of pairs: from the normal approximation of the signed-rank statistic,
 * which at TREND_BLOCKS_MIN gives the whole range, 97%.
 */
static size_t rank_of_limit(size_t n)
{
	double count = (double)n;
	double mean = count * (count + 1) / 4;
	double deviation = sqrt(count * (count + 1) * (2 * count + 1) / 24);
	double k = floor(mean - 1.96 * deviation);

	return k < 1 ? 1 : (size_t)k;
}

/* Of blocks of that length between these levels, one more than there are blocks. */
static struct trend_range range_of_levels(const double *levels, size_t blocks, double length)
{
	double means[TREND_BLOCKS_MAX * (TREND_BLOCKS_MAX + 1) / 2];
	size_t pairs = 0, k = rank_of_limit(blocks);
	struct trend_range range;

	for (size_t i = 0; i < blocks; i++)
		for (size_t j = i; j < blocks; j++)
			means[pairs++] = (levels[i + 1] - levels[i] + levels[j + 1] - levels[j]) /
					 2 / length;
	range.estimate = median(means, pairs); /* which sorts them */
	range.low = means[k - 1];
	range.high = means[pairs - k];
	return range;
}

/*
 * What fills and is emptied, over and over, grows most of the time; that it is
 * emptied looks like a few wild blocks, or falls between their ends. So growth
 * counts as far as it stayed: a level is the lowest point from there on.
 */
static void range_take_back(struct trend_range *range, const double *y, size_t blocks,
			    size_t length)
{
	double levels[TREND_BLOCKS_MAX + 1] = {0}, lowest = y[blocks * length];
	struct trend_range kept;

	for (size_t i = blocks * length + 1; i-- > 0;) {
		if (y[i] < lowest)
			lowest = y[i];
		if (!(i % length))
			levels[i / length] = lowest;
	}
	kept = range_of_levels(levels, blocks, (double)length);
	if (kept.low < range->low)
		range->low = kept.low;
	if (kept.estimate < range->estimate)
		range->estimate = kept.estimate;
}

/*
 * What came to rest grows no more, and what grows by rare leaps, as tables that
 * double do, grows: the interval holds what the newer half gained.
 */
static void range_hold_newest(struct trend_range *range, const double *levels, size_t blocks,
			      double length)
{
	size_t newest = (blocks + 1) / 2;
	double gained = (levels[blocks] - levels[blocks - newest]) / (double)newest / length;

	if (gained < range->low)
		range->low = gained;
	if (gained > range->high)
		range->high = gained;
}

struct trend_range trend_growth(const double *y, size_t count)
{
	size_t steps = count ? count - 1 : 0, blocks = steps / BLOCK_POINTS_MIN;
	struct trend_range range = {NAN, NAN, NAN};
	double levels[TREND_BLOCKS_MAX + 1];
	size_t length, first;

	if (steps < TREND_BLOCKS_MIN)
		return range;
	if (blocks < TREND_BLOCKS_MIN)
		blocks = TREND_BLOCKS_MIN;
	if (blocks > TREND_BLOCKS_MAX)
		blocks = TREND_BLOCKS_MAX;
	length = steps / blocks;
	first = steps - blocks * length; /* what does not divide is left out, at the old end */
	for (size_t i = 0; i <= blocks; i++)
		levels[i] = y[first + i * length];
	range = range_of_levels(levels, blocks, (double)length);
	range_hold_newest(&range, levels, blocks, (double)length);
	if (range.estimate > 0)
		range_take_back(&range, y + first, blocks, length);
	return range;
}
