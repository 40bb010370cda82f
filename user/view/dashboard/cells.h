/* SPDX-License-Identifier: GPL-2.0-only */
/* Rows of tables on a grid: cells side by side, headings, where in the list one is. */
#ifndef TIDEMARK_VIEW_DASHBOARD_CELLS_H
#define TIDEMARK_VIEW_DASHBOARD_CELLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/view/dashboard/grid.h"
#include "user/view/dashboard/page.h"

/* Columns of a figure in bytes, and of one with a sign. */
#define CELL_BYTES 6
#define CELL_SIGNED 7

/* One row. col is where the next cell begins; a blank comes after each. */
struct cells {
	struct grid *grid;
	unsigned int row;
	unsigned int col;
	enum style style;
	bool selected; /* the whole row in STYLE_SELECTED, whatever the cells ask for */
};

/* A cell in the style of the row, or, where the row is not selected, in one of its own. */
void cell_left(struct cells *cells, unsigned int width, const char *text);
void cell_right(struct cells *cells, unsigned int width, const char *text);
void cell_left_as(struct cells *cells, enum style style, unsigned int width, const char *text);
void cell_right_as(struct cells *cells, enum style style, unsigned int width, const char *text);

/* Pages as bytes; nothing is dim. */
void cell_pages_as(struct cells *cells, enum style style, uint64_t pages);

/* A heading; that of the column it is sorted by has a mark right before its title. */
void cell_heading(struct cells *cells, unsigned int width, const char *title, bool right,
		  bool sorted, bool ascending);

/* The bar that headings are written on; returns their style. */
enum style cells_bar(struct grid *grid, unsigned int row, bool focus);

/* "1-6/123", or as much as fits, at the right end of a heading that is written up to col. */
void cells_position(struct grid *grid, unsigned int row, unsigned int col, enum style style,
		    const struct scroll *scroll, size_t count);

/* Fills a selected row. */
void cells_select(struct cells *cells);

#endif
