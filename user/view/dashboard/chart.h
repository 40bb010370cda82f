/* SPDX-License-Identifier: GPL-2.0-only */
/* Charts on a grid. Pure functions of their arguments. Values are bytes, NAN where not known. */
#ifndef TIDEMARK_VIEW_DASHBOARD_CHART_H
#define TIDEMARK_VIEW_DASHBOARD_CHART_H

#include <stddef.h>

#include "user/view/dashboard/grid.h"

/* Columns of a stacked chart taken by the labels of its axis. */
#define CHART_LABEL_COLS 8
/* The least that chart_stack draws on. */
#define CHART_ROWS_MIN 3

/*
 * One value per column, the last one at the right end of the width columns; at
 * most width values are drawn. The scale runs from the least value to the
 * greatest, but over no less than 1/64 of the greatest, so that noise stays flat.
 */
void chart_sparkline(struct grid *grid, unsigned int row, unsigned int col, unsigned int width,
		     enum style style, const double *values, size_t count);

/* One layer of a stacked chart; the fills tell layers apart where there is no colour. */
struct chart_layer {
	const char *name;
	enum style style;
	uint32_t fill; /* character of a full cell */
	char plain;    /* the same in ASCII */
};

struct chart_stack {
	const struct chart_layer *layers; /* bottom first */
	size_t layer_count;
	const double *values;  /* [column * layer_count + layer]; negative counts as 0 */
	size_t columns;	       /* the last one is at the right end */
	double column_seconds; /* time between columns, for the axis */
};

/*
 * The layers stacked over time, with the axis of bytes in the left
 * CHART_LABEL_COLS columns and that of time in the last row. Too small a
 * rectangle is left alone.
 */
void chart_stack(struct grid *grid, unsigned int row, unsigned int col, unsigned int rows,
		 unsigned int cols, const struct chart_stack *stack);

/* A bar from the left end of width columns on, share (0 to 1) of them long. */
void chart_bar(struct grid *grid, unsigned int row, unsigned int col, unsigned int width,
	       enum style style, double share);

/* The fill of a layer on this grid. */
uint32_t chart_fill(const struct grid *grid, const struct chart_layer *layer);

/* The end of an axis that has to hold max: 4/4, 5/4, 6/4 or 7/4 of a power of two. */
double chart_scale(double max);

#endif
