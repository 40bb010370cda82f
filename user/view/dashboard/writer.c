// SPDX-License-Identifier: GPL-2.0-only
#include "user/view/dashboard/writer.h"

#include <string.h>

#define KEY_COLS 10
#define TEXT_COL (KEY_COLS + 2)
#define TEXT_COLS_MAX 100

static bool is_seen(const struct writer *writer, unsigned int *row)
{
	if (writer->line < writer->top || writer->line - writer->top >= writer->rows)
		return false;
	*row = writer->head + (unsigned int)(writer->line - writer->top);
	return true;
}

bool writer_row(struct writer *writer, unsigned int *row)
{
	bool seen = is_seen(writer, row);

	writer->line++;
	return seen;
}

void writer_gap(struct writer *writer)
{
	writer->line++;
}

void writer_heading(struct writer *writer, const char *text)
{
	unsigned int row;

	if (writer->line)
		writer->line++;
	if (writer_row(writer, &row))
		grid_text(writer->grid, row, 1, STYLE_STRONG, text);
}

/* How many bytes of the text fit into width columns, broken at a blank where there is one. */
static size_t wrap(const char *text, unsigned int width)
{
	size_t most = (size_t)(grid_skip(text, width) - text);

	if (!text[most])
		return most;
	for (size_t at = most; at > 0; at--) {
		if (text[at] == ' ')
			return at;
	}
	return most ? most : 1;
}

void writer_entry(struct writer *writer, const char *term, enum style style, const char *text)
{
	unsigned int cols = writer->grid->cols;
	unsigned int width = cols > TEXT_COL + 12 ? cols - TEXT_COL - 1 : 12;
	bool first = true;

	if (width > TEXT_COLS_MAX)
		width = TEXT_COLS_MAX;
	for (; first || *text; first = false) {
		size_t length = wrap(text, width);
		unsigned int row;

		if (writer_row(writer, &row)) {
			if (first)
				grid_left(writer->grid, row, 1, KEY_COLS, STYLE_KEY, term);
			grid_printf(writer->grid, row, TEXT_COL, style, "%.*s", (int)length, text);
		}
		text += length;
		text += strspn(text, " ");
	}
}
