// SPDX-License-Identifier: GPL-2.0-only
#include "user/view/dashboard/chart.h"

#include <math.h>
#include <stdio.h>

#include "user/base/units.h"

#define LEVELS 8
#define TICK_COLS 15

static const uint32_t blocks[LEVELS] = {0x2581, 0x2582, 0x2583, 0x2584,
					0x2585, 0x2586, 0x2587, 0x2588};
static const char plain_levels[LEVELS + 1] = "_.-=+*#@";

static uint32_t level_character(const struct grid *grid, unsigned int level)
{
	return grid->ascii ? (uint32_t)plain_levels[level] : blocks[level];
}

void chart_sparkline(struct grid *grid, unsigned int row, unsigned int col, unsigned int width,
		     enum style style, const double *values, size_t count)
{
	double least = INFINITY;
	double greatest = -INFINITY;
	double range;

	if (count > width) {
		values += count - width;
		count = width;
	}
	for (size_t i = 0; i < count; i++) {
		least = fmin(least, values[i]);
		greatest = fmax(greatest, values[i]);
	}
	range = fmax(greatest - least, fabs(greatest) / 64);
	col += width - (unsigned int)count;
	for (size_t i = 0; i < count; i++) {
		double share = range > 0 ? (values[i] - least) / range : 0;

		if (isnan(values[i]))
			continue;
		grid_put(grid, row, col + (unsigned int)i, style,
			 level_character(grid, (unsigned int)fmin(share * LEVELS, LEVELS - 1)));
	}
}

void chart_bar(struct grid *grid, unsigned int row, unsigned int col, unsigned int width,
	       enum style style, double share)
{
	/* in eighths of a column; whatever there is of it is seen */
	double length = fmin(fmax(share, 0), 1) * width * LEVELS;
	unsigned int eighths = (unsigned int)lround(length);

	if (length > 0 && !eighths)
		eighths = 1;
	if (grid->ascii && eighths)
		eighths = eighths < LEVELS ? LEVELS : (eighths + LEVELS / 2) / LEVELS * LEVELS;
	grid_fill(grid, row, col, 1, eighths / LEVELS, style, grid->ascii ? '#' : 0x2588);
	if (eighths % LEVELS)
		grid_put(grid, row, col + eighths / LEVELS, style, 0x2590 - eighths % LEVELS);
}

double chart_scale(double max)
{
	int exponent;
	double quarters;

	/* No axis of nothing, and none finer than a page. */
	if (!(max > PAGE_BYTES) || !isfinite(max))
		return PAGE_BYTES;
	/* max = f * 2^exponent with f in [1/2, 1) */
	quarters = ceil(frexp(max, &exponent) * 8);
	return ldexp(quarters, exponent - 3);
}

uint32_t chart_fill(const struct grid *grid, const struct chart_layer *layer)
{
	return grid->ascii ? (uint32_t)layer->plain : layer->fill;
}

static double layer_value(const struct chart_stack *stack, size_t column, size_t layer)
{
	double value = stack->values[column * stack->layer_count + layer];

	return value > 0 ? value : 0;
}

static double column_sum(const struct chart_stack *stack, size_t column)
{
	double sum = 0;

	for (size_t i = 0; i < stack->layer_count; i++)
		sum += layer_value(stack, column, i);
	return sum;
}

/*
 * A cell shows the layer that takes most of it. Where the stack ends inside of
 * a cell its height shows by eighths; less than a sixteenth shows nothing.
 */
static void draw_cell(struct grid *grid, unsigned int row, unsigned int col,
		      const struct chart_stack *stack, size_t column, double from, double to)
{
	const struct chart_layer *shown = NULL;
	double most = 0;
	double covered = 0;
	double base = 0;

	for (size_t i = 0; i < stack->layer_count; i++) {
		double top = base + layer_value(stack, column, i);
		double part = fmin(top, to) - fmax(base, from);

		if (part > 0)
			covered += part;
		if (part > most) {
			most = part;
			shown = &stack->layers[i];
		}
		base = top;
	}
	covered /= to - from;
	if (!shown || covered < 1.0 / (2 * LEVELS))
		return;
	if (grid->ascii) {
		if (covered >= 0.5 || from == 0)
			grid_put(grid, row, col, shown->style, (uint32_t)shown->plain);
		return;
	}
	if (covered > 1 - 1.0 / (2 * LEVELS))
		grid_put(grid, row, col, shown->style, shown->fill);
	else
		grid_put(grid, row, col, shown->style,
			 blocks[(unsigned int)fmax(lround(covered * LEVELS) - 1, 0)]);
}

static void draw_labels(struct grid *grid, unsigned int row, unsigned int col, unsigned int rows,
			double scale)
{
	/* The axis row stands for 0, the middle is labelled only where a row lies on it. */
	for (unsigned int r = 0; r < rows; r++) {
		bool labelled = !r || (rows >= 6 && r * 2 == rows);
		char text[UNITS_TEXT_LEN];

		if (labelled)
			grid_right(grid, row + r, col, CHART_LABEL_COLS - 2, STYLE_AXIS,
				   units_bytes(text, scale * (rows - r) / rows));
		grid_put(grid, row + r, col + CHART_LABEL_COLS - 1, STYLE_AXIS,
			 grid->ascii ? (labelled ? '+' : '|') : (labelled ? 0x2524 : 0x2502));
	}
}

static void format_offset(char *text, size_t size, double seconds)
{
	unsigned long whole = (unsigned long)lround(fmin(seconds, 1e9));

	if (whole < 60)
		snprintf(text, size, "-%lus", whole);
	else if (whole < 3600 && whole % 60)
		snprintf(text, size, "-%lum%02lus", whole / 60, whole % 60);
	else if (whole < 3600)
		snprintf(text, size, "-%lum", whole / 60);
	else
		snprintf(text, size, "-%luh%02lum", whole / 3600, whole / 60 % 60);
}

/* Ticks are counted from the right end, which is the newest report. */
static void draw_time(struct grid *grid, unsigned int row, unsigned int col, unsigned int cols,
		      double column_seconds)
{
	unsigned int left = col + CHART_LABEL_COLS;
	unsigned int plot = cols - CHART_LABEL_COLS;

	grid_right(grid, row, col, CHART_LABEL_COLS - 2, STYLE_AXIS, "0");
	grid_put(grid, row, left - 1, STYLE_AXIS, grid->ascii ? '+' : 0x2514);
	grid_fill(grid, row, left, 1, plot, STYLE_AXIS, grid->ascii ? '-' : 0x2500);
	if (plot < 4)
		return;
	grid_text(grid, row, left + plot - 4, STYLE_AXIS, " now");
	for (unsigned int back = TICK_COLS; column_seconds > 0 && back + 8 < plot;
	     back += TICK_COLS) {
		char text[32];

		format_offset(text, sizeof(text), back * column_seconds);
		grid_put(grid, row, left + plot - 1 - back, STYLE_AXIS, grid->ascii ? '+' : 0x2534);
		grid_text(grid, row, left + plot - back, STYLE_AXIS, text);
	}
}

void chart_stack(struct grid *grid, unsigned int row, unsigned int col, unsigned int rows,
		 unsigned int cols, const struct chart_stack *stack)
{
	unsigned int height = rows - 1;
	unsigned int plot = cols - CHART_LABEL_COLS;
	size_t first;
	size_t columns;
	double scale = 0;

	if (rows < CHART_ROWS_MIN || cols <= CHART_LABEL_COLS)
		return;
	columns = stack->columns < plot ? stack->columns : plot;
	first = stack->columns - columns;
	for (size_t i = first; i < stack->columns; i++)
		scale = fmax(scale, column_sum(stack, i));
	scale = chart_scale(scale);

	draw_labels(grid, row, col, height, scale);
	draw_time(grid, row + height, col, cols, stack->column_seconds);
	for (size_t i = 0; i < columns; i++) {
		unsigned int at = col + cols - (unsigned int)(columns - i);

		for (unsigned int r = 0; r < height; r++)
			draw_cell(grid, row + height - 1 - r, at, stack, first + i,
				  scale * r / height, scale * (r + 1) / height);
	}
}
