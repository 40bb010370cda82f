/* SPDX-License-Identifier: GPL-2.0-only */
/* Pages of text: headings, and terms with their explanation wrapped beside them, that scroll. */
#ifndef TIDEMARK_VIEW_DASHBOARD_WRITER_H
#define TIDEMARK_VIEW_DASHBOARD_WRITER_H

#include <stdbool.h>
#include <stddef.h>

#include "user/view/dashboard/grid.h"

/*
 * Writes lines one below the other, of which rows from `top` on are seen. Lines
 * off the screen are laid out too: that gives the length of the whole, in line.
 */
struct writer {
	struct grid *grid;
	unsigned int head; /* the row of the first line that is seen */
	size_t top;
	unsigned int rows;
	size_t line; /* the next one */
};

/* A heading, with an empty line above it unless it is the first. */
void writer_heading(struct writer *writer, const char *text);

/* An empty line. */
void writer_gap(struct writer *writer);

/* A term and its explanation. Words of watched processes are drawn as grid_text() does. */
void writer_entry(struct writer *writer, const char *term, enum style style, const char *text);

/* The row that the next line is drawn in, for what is drawn otherwise; the line is used up. False:
 * it is not seen. */
bool writer_row(struct writer *writer, unsigned int *row);

#endif
