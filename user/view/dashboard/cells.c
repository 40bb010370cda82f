// SPDX-License-Identifier: GPL-2.0-only
#include "user/view/dashboard/cells.h"

#include <stdio.h>

#include "user/base/units.h"

void cell_left_as(struct cells *cells, enum style style, unsigned int width, const char *text)
{
	grid_left(cells->grid, cells->row, cells->col, width,
		  cells->selected ? STYLE_SELECTED : style, text);
	cells->col += width + 1;
}

void cell_right_as(struct cells *cells, enum style style, unsigned int width, const char *text)
{
	grid_right(cells->grid, cells->row, cells->col, width,
		   cells->selected ? STYLE_SELECTED : style, text);
	cells->col += width + 1;
}

void cell_left(struct cells *cells, unsigned int width, const char *text)
{
	cell_left_as(cells, cells->style, width, text);
}

void cell_right(struct cells *cells, unsigned int width, const char *text)
{
	cell_right_as(cells, cells->style, width, text);
}

void cell_pages_as(struct cells *cells, enum style style, uint64_t pages)
{
	char text[UNITS_TEXT_LEN];

	cell_right_as(cells, pages ? style : STYLE_DIM, CELL_BYTES,
		      units_bytes(text, (double)pages * PAGE_BYTES));
}

void cell_heading(struct cells *cells, unsigned int width, const char *title, bool right,
		  bool sorted, bool ascending)
{
	unsigned int start = cells->col;
	uint32_t mark = ascending ? 0x2191 : 0x2193;

	if (cells->grid->ascii)
		mark = ascending ? '^' : 'v';
	if (right && grid_width(title) < width)
		start += width - grid_width(title);
	if (right)
		cell_right_as(cells, sorted ? STYLE_SORTED : cells->style, width, title);
	else
		cell_left_as(cells, sorted ? STYLE_SORTED : cells->style, width, title);
	/* There is a blank before every column. */
	if (sorted && start)
		grid_put(cells->grid, cells->row, start - 1, STYLE_SORTED, mark);
}

enum style cells_bar(struct grid *grid, unsigned int row, bool focus)
{
	enum style style = focus ? STYLE_FOCUS : STYLE_HEADING;

	grid_fill(grid, row, 0, 1, grid->cols, style, ' ');
	return style;
}

void cells_position(struct grid *grid, unsigned int row, unsigned int col, enum style style,
		    const struct scroll *scroll, size_t count)
{
	size_t last = scroll->top + scroll->rows;
	char text[64];

	if (!count)
		return;
	snprintf(text, sizeof(text), "%zu-%zu/%zu", scroll->top + 1, last < count ? last : count,
		 count);
	if (col + 1 + grid_width(text) > grid->cols)
		snprintf(text, sizeof(text), "/%zu", count);
	if (col + 1 + grid_width(text) <= grid->cols)
		grid_text(grid, row, grid->cols - grid_width(text), style, text);
}

void cells_select(struct cells *cells)
{
	cells->selected = true;
	grid_fill(cells->grid, cells->row, 0, 1, cells->grid->cols, STYLE_SELECTED, ' ');
}
