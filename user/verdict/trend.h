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

#endif
