// SPDX-License-Identifier: GPL-2.0-only
#include "user/verdict/trend.h"

#include <math.h>
#include <stdlib.h>

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare_doubles);
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
