/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The sheet the dashboard draws on: rows by columns of cells, each a character
 * of one column and a role. Which colour a role has is the terminal's business.
 * Drawing outside of the grid is clipped, never an error.
 */
#ifndef TIDEMARK_VIEW_DASHBOARD_GRID_H
#define TIDEMARK_VIEW_DASHBOARD_GRID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum style {
	STYLE_NORMAL,
	STYLE_DIM,
	STYLE_TITLE,   /* the bar on top */
	STYLE_HEADING, /* of a table */
	STYLE_SORTED,  /* the heading of the column it is sorted by */
	STYLE_FOCUS,   /* the heading of the table that the keys move */
	STYLE_SELECTED,
	STYLE_STRONG, /* a figure that matters */
	STYLE_GOOD,
	STYLE_WARNING,
	STYLE_ALARM,
	STYLE_KEY, /* a key that can be pressed */
	STYLE_AXIS,
	STYLE_SPARK,
	STYLE_CLASS_RETAINED,
	STYLE_CLASS_YOUNG,
	STYLE_CLASS_LAZY,
	STYLE_CLASS_FILE,
	STYLE_CLASS_SHMEM,
	STYLE_CLASS_UNEXPLAINED,
	STYLE_COUNT
};

/* More than any terminal; keeps rows * cols from overflowing. */
#define GRID_SIDE_MAX 10000

struct cell {
	uint32_t character; /* code point; never a control, never 0 */
	uint32_t style;	    /* enum style */
};

struct grid {
	unsigned int rows;
	unsigned int cols;
	bool ascii;	    /* characters beyond ASCII become '?' */
	struct cell *cells; /* owned, rows * cols, row by row */
};

/* Makes the grid that size and blanks it. 0, -EINVAL beyond GRID_SIDE_MAX, or -ENOMEM. */
int grid_resize(struct grid *grid, unsigned int rows, unsigned int cols);

/* Frees the cells; the grid is then of size 0. */
void grid_release(struct grid *grid);

/* Blanks every cell. */
void grid_clear(struct grid *grid);

/* Outside of the grid: does nothing. */
void grid_put(struct grid *grid, unsigned int row, unsigned int col, enum style style,
	      uint32_t character);

/* Fills a rectangle. */
void grid_fill(struct grid *grid, unsigned int row, unsigned int col, unsigned int rows,
	       unsigned int cols, enum style style, uint32_t character);

/*
 * Text in UTF-8, of any origin: control characters, invalid bytes and
 * characters that do not take exactly one column are drawn as '?'. Returns the
 * column after the last one, also if that is outside of the grid.
 */
unsigned int grid_text(struct grid *grid, unsigned int row, unsigned int col, enum style style,
		       const char *text);

/* Likewise, cut or padded to width columns. A cut is marked by '~'. */
void grid_left(struct grid *grid, unsigned int row, unsigned int col, unsigned int width,
	       enum style style, const char *text);
void grid_right(struct grid *grid, unsigned int row, unsigned int col, unsigned int width,
		enum style style, const char *text);

/* As grid_text; the text is cut at 511 bytes. */
__attribute__((format(printf, 5, 6))) unsigned int grid_printf(struct grid *grid, unsigned int row,
							       unsigned int col, enum style style,
							       const char *format, ...);

/* Columns that the text takes. */
unsigned int grid_width(const char *text);

/* The text behind its first cols columns; its end if it is no longer than that. */
const char *grid_skip(const char *text, unsigned int cols);

/* The character as UTF-8 with a NUL; bytes holds 5. Returns the length without the NUL. */
size_t grid_encode(uint32_t character, char *bytes);

/*
 * The grid as lines of UTF-8, blanks at their ends cut. The caller frees it;
 * NULL without memory.
 */
char *grid_to_text(const struct grid *grid);

#endif
