/* SPDX-License-Identifier: GPL-2.0-only */
/* Trend arithmetic: how fast something grows, without being fooled by a spike. */
#ifndef TIDEMARK_VERDICT_TREND_H
#define TIDEMARK_VERDICT_TREND_H

#include <stddef.h>

/* Points used at most: n * (n - 1) / 2 slopes are compared. */
#define TREND_POINTS_MAX 60

/*
 * The Theil-Sen estimate: the median of the slopes between all pairs of points
 * (Sen, 1968, JASA 63:1379). Up to 29% of the points may be wild without moving
 * it. x must not decrease; pairs with equal x are left out. Points beyond
 * TREND_POINTS_MAX are thinned evenly, first and last kept. NAN with fewer than
 * two points of different x.
 */
double trend_slope(const double *x, const double *y, size_t count);

/* Least first. */
void trend_sort(double *values, size_t count);

/* An estimate and its interval of confidence of 95%; all NAN with too few points. */
struct trend_range {
	double estimate;
	double low;
	double high;
};

/* Blocks that a series is cut into, and the fewest that give 95%. */
#define TREND_BLOCKS_MAX 30
#define TREND_BLOCKS_MIN 6

/*
 * How much y grows per point, of a series of counts where what one point adds stays in all later
 * ones: points beside each other are not independent of each other, so no slope through them has
 * an honest interval. The series is cut into up to TREND_BLOCKS_MAX blocks of equal length (of 8
 * points at least, if that leaves TREND_BLOCKS_MIN of them); what each adds, per point, is
 * independent of the others. The estimate is that of Hodges and Lehmann, the median of the means
 * of all pairs; the interval is that of Wilcoxon's signed-rank test (Hollander, Wolfe, Chicken:
 * Nonparametric Statistical Methods, 3.2 and 3.3). Up to 29% of the blocks may be wild without
 * moving it, but for two things. What was given back again has not grown: estimate and lower end
 * count what stayed, as a cache that fills and is emptied shows in the points from three rounds on.
 * And the interval holds what the newer half of the points gained: what came to rest there, or
 * grows by rare leaps, is not said to be certain. Needs TREND_BLOCKS_MIN + 1 points.
 */
struct trend_range trend_growth(const double *y, size_t count);

#endif
