// SPDX-License-Identifier: GPL-2.0-only
#include "user/view/dashboard/grid.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPLACEMENT '?'
#define CUT_MARK '~'

/*
 * Beyond ASCII, what is known to take one column on every terminal. wcwidth()
 * would depend on the locale, and terminals differ on the rest.
 */
static const struct {
	uint32_t first;
	uint32_t last;
} narrow[] = {
	{0x00a1, 0x00ac}, {0x00ae, 0x02ff}, {0x0370, 0x0373}, {0x0376, 0x0377},
	{0x037b, 0x037f}, {0x0384, 0x038a}, {0x038c, 0x038c}, {0x038e, 0x03a1},
	{0x03a3, 0x0482}, {0x048a, 0x052f}, {0x1e00, 0x1eff}, {0x2010, 0x2027},
	{0x2030, 0x205e}, {0x20a0, 0x20bf}, {0x2190, 0x21ff}, {0x2500, 0x25fc},
};

static bool is_narrow(uint32_t character)
{
	if (character < 0x7f)
		return character >= 0x20;
	for (size_t i = 0; i < sizeof(narrow) / sizeof(*narrow); i++) {
		if (character >= narrow[i].first && character <= narrow[i].last)
			return true;
	}
	return false;
}

/*
 * Takes one character off *text and moves it on. A byte that begins no valid
 * UTF-8 counts as a character of its own and yields REPLACEMENT.
 */
static uint32_t take_character(const char **text)
{
	const unsigned char *bytes = (const unsigned char *)*text;
	uint32_t character = bytes[0];
	unsigned int more = 0;
	uint32_t least = 0;

	if (character >= 0xc2 && character < 0xe0) {
		more = 1;
		character &= 0x1f;
		least = 0x80;
	} else if (character >= 0xe0 && character < 0xf0) {
		more = 2;
		character &= 0x0f;
		least = 0x800;
	} else if (character >= 0xf0 && character < 0xf5) {
		more = 3;
		character &= 0x07;
		least = 0x10000;
	} else if (character >= 0x80) {
		*text += 1;
		return REPLACEMENT;
	}
	for (unsigned int i = 1; i <= more; i++) {
		if ((bytes[i] & 0xc0) != 0x80) {
			*text += 1;
			return REPLACEMENT;
		}
		character = character << 6 | (bytes[i] & 0x3f);
	}
	if (character < least) {
		*text += 1;
		return REPLACEMENT;
	}
	*text += 1 + more;
	return is_narrow(character) ? character : REPLACEMENT;
}

int grid_resize(struct grid *grid, unsigned int rows, unsigned int cols)
{
	if (rows > GRID_SIDE_MAX || cols > GRID_SIDE_MAX)
		return -EINVAL;
	if (rows != grid->rows || cols != grid->cols || !grid->cells) {
		struct cell *cells = calloc((size_t)rows * cols + 1, sizeof(*cells));

		if (!cells)
			return -ENOMEM;
		free(grid->cells);
		grid->cells = cells;
		grid->rows = rows;
		grid->cols = cols;
	}
	grid_clear(grid);
	return 0;
}

void grid_release(struct grid *grid)
{
	free(grid->cells);
	*grid = (struct grid){0};
}

void grid_clear(struct grid *grid)
{
	grid_fill(grid, 0, 0, grid->rows, grid->cols, STYLE_NORMAL, ' ');
}

void grid_put(struct grid *grid, unsigned int row, unsigned int col, enum style style,
	      uint32_t character)
{
	if (row >= grid->rows || col >= grid->cols)
		return;
	if (!is_narrow(character) || (grid->ascii && character > 0x7e))
		character = REPLACEMENT;
	grid->cells[(size_t)row * grid->cols + col] = (struct cell){character, style};
}

void grid_fill(struct grid *grid, unsigned int row, unsigned int col, unsigned int rows,
	       unsigned int cols, enum style style, uint32_t character)
{
	for (unsigned int r = 0; r < rows && row + r < grid->rows; r++) {
		for (unsigned int c = 0; c < cols && col + c < grid->cols; c++)
			grid_put(grid, row + r, col + c, style, character);
	}
}

unsigned int grid_text(struct grid *grid, unsigned int row, unsigned int col, enum style style,
		       const char *text)
{
	while (*text)
		grid_put(grid, row, col++, style, take_character(&text));
	return col;
}

unsigned int grid_width(const char *text)
{
	unsigned int width = 0;

	while (*text) {
		take_character(&text);
		width++;
	}
	return width;
}

const char *grid_skip(const char *text, unsigned int cols)
{
	while (*text && cols--)
		take_character(&text);
	return text;
}

void grid_left(struct grid *grid, unsigned int row, unsigned int col, unsigned int width,
	       enum style style, const char *text)
{
	bool cut = grid_width(text) > width;
	unsigned int at = 0;

	for (; at < width && *text; at++)
		grid_put(grid, row, col + at, style, take_character(&text));
	if (cut && width)
		grid_put(grid, row, col + width - 1, style, CUT_MARK);
	grid_fill(grid, row, col + at, 1, width - at, style, ' ');
}

void grid_right(struct grid *grid, unsigned int row, unsigned int col, unsigned int width,
		enum style style, const char *text)
{
	unsigned int length = grid_width(text);
	unsigned int pad = length < width ? width - length : 0;

	grid_fill(grid, row, col, 1, pad, style, ' ');
	grid_left(grid, row, col + pad, width - pad, style, text);
}

unsigned int grid_printf(struct grid *grid, unsigned int row, unsigned int col, enum style style,
			 const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return grid_text(grid, row, col, style, text);
}

size_t grid_encode(uint32_t character, char *bytes)
{
	size_t length = 0;

	if (character < 0x80) {
		bytes[length++] = (char)character;
	} else if (character < 0x800) {
		bytes[length++] = (char)(0xc0 | character >> 6);
		bytes[length++] = (char)(0x80 | (character & 0x3f));
	} else if (character < 0x10000) {
		bytes[length++] = (char)(0xe0 | character >> 12);
		bytes[length++] = (char)(0x80 | (character >> 6 & 0x3f));
		bytes[length++] = (char)(0x80 | (character & 0x3f));
	} else {
		bytes[length++] = (char)(0xf0 | (character >> 18 & 0x07));
		bytes[length++] = (char)(0x80 | (character >> 12 & 0x3f));
		bytes[length++] = (char)(0x80 | (character >> 6 & 0x3f));
		bytes[length++] = (char)(0x80 | (character & 0x3f));
	}
	bytes[length] = '\0';
	return length;
}

char *grid_to_text(const struct grid *grid)
{
	char *text = malloc((size_t)grid->rows * ((size_t)grid->cols * 4 + 1) + 5);
	size_t length = 0;

	if (!text)
		return NULL;
	for (unsigned int row = 0; row < grid->rows; row++) {
		const struct cell *cells = grid->cells + (size_t)row * grid->cols;
		unsigned int cols = grid->cols;

		while (cols && cells[cols - 1].character == ' ')
			cols--;
		for (unsigned int col = 0; col < cols; col++)
			length += grid_encode(cells[col].character, text + length);
		text[length++] = '\n';
	}
	text[length] = '\0';
	return text;
}
