// SPDX-License-Identifier: GPL-2.0-only
/* A call stack, drawn: a line per function, the allocator's own folded into one. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "user/stack/frames.h"
#include "user/view/dashboard/cells.h"
#include "user/view/dashboard/sites.h"

#define NUMBER_COLS 3
#define NAME_COL (1 + NUMBER_COLS + 1)
#define NAME_COLS_MIN 14
#define NAME_COLS_MAX 80 /* further to the right, nobody sees that they belong together */
#define NAME_ROWS_MAX 8	 /* longer names are cut */
#define INDENT 2	 /* of the rest of a name that takes several rows */
#define FOLD_LEAST 2	 /* fewer frames are not worth folding */

/*
 * Writes lines one below the other, of which rows from `top` on are seen. Lines
 * off the screen are laid out too: that gives the length of the whole. What has
 * not been seen yet is not looked up, and counts as one line.
 */
struct stack_writer {
	struct grid *grid;
	unsigned int first; /* row of the first line */
	size_t top;
	unsigned int rows; /* 0: measures only */
	size_t line;	   /* the next one */

	struct stack_view *view;
	struct symbols *symbols;
	const struct stacks *stacks;
	const struct stack *stack;
	size_t folded;
	unsigned int name_cols;
	unsigned int source_cols; /* 0: no room */
	unsigned int module_cols; /* likewise */
	unsigned int source_col;
	unsigned int module_col;
	bool found; /* something was looked up: lengths have changed */
};

static void layout(struct stack_writer *writer)
{
	unsigned int cols = writer->grid->cols;
	unsigned int left = cols > NAME_COL ? cols - NAME_COL : 0;

	if (left >= 60)
		writer->module_cols = left / 4 < 28 ? left / 4 : 28;
	if (left >= 40)
		writer->source_cols = left * 3 / 10 < 56 ? left * 3 / 10 : 56;
	if (writer->source_cols)
		left -= writer->source_cols + 1;
	if (writer->module_cols)
		left -= writer->module_cols + 1;
	left = left < NAME_COLS_MAX ? left : NAME_COLS_MAX;
	writer->name_cols = left > NAME_COLS_MIN ? left : NAME_COLS_MIN;
	writer->source_col = NAME_COL + writer->name_cols + 1;
	writer->module_col =
		writer->source_col + (writer->source_cols ? writer->source_cols + 1 : 0);
}

/* Is the next line seen, and where? Counts it. */
static bool next_line(struct stack_writer *writer, unsigned int *row)
{
	size_t line = writer->line++;

	if (line < writer->top || line - writer->top >= writer->rows)
		return false;
	*row = writer->first + (unsigned int)(line - writer->top);
	return true;
}

/* One row of text over the whole width. */
static void write_text(struct stack_writer *writer, enum style style, const char *text)
{
	unsigned int row;

	if (next_line(writer, &row) && writer->grid->cols > NAME_COL)
		grid_left(writer->grid, row, NAME_COL, writer->grid->cols - NAME_COL, style, text);
}

static const char *module_name(const struct stack_writer *writer, const struct event_frame *frame)
{
	const struct stack_module *module =
		frame->module ? stacks_module(writer->stacks, frame->module) : NULL;

	return module ? module->name : "?";
}

/* "handler/order.c:12", or where that is too long "order.c:12", cut at its front. */
static void write_source(struct stack_writer *writer, unsigned int row, enum style style,
			 const struct symbol *symbol)
{
	const char *slash = strrchr(symbol->file, '/');
	const char *file = symbol->file;
	unsigned int cols = writer->source_cols;
	char line[16] = "";
	char text[512];
	unsigned int width;

	if (!*file || !cols)
		return;
	if (symbol->line)
		snprintf(line, sizeof(line), ":%" PRIu32, symbol->line);
	if (slash && slash[1] && grid_width(file) + strlen(line) > cols)
		file = slash + 1;
	snprintf(text, sizeof(text), "%s%s", file, line);
	width = grid_width(text);
	if (width <= cols) {
		grid_left(writer->grid, row, writer->source_col, cols, style, text);
		return;
	}
	grid_put(writer->grid, row, writer->source_col, style, '~');
	grid_left(writer->grid, row, writer->source_col + 1, cols - 1, style,
		  grid_skip(text, width - cols + 1));
}

/* The rows that a name takes are counted whether they are seen or not. */
static void write_name(struct stack_writer *writer, unsigned int number, enum style style,
		       const struct symbol *symbol, const char *module)
{
	char name[2048];
	const char *rest = name;
	unsigned int row;

	snprintf(name, sizeof(name), "%s%s", symbol->name, symbol->inlined ? " (inlined)" : "");
	for (unsigned int i = 0; i < NAME_ROWS_MAX && (*rest || !i); i++) {
		unsigned int indent = i ? INDENT : 0;
		unsigned int cols = writer->name_cols - indent;
		const char *next = grid_skip(rest, cols);
		enum style quiet = style == STYLE_STRONG ? STYLE_NORMAL : style;
		char part[2048];

		if (i + 1 == NAME_ROWS_MAX)
			next = rest + strlen(rest);
		snprintf(part, sizeof(part), "%.*s", (int)(next - rest), rest);
		rest = next;
		if (!next_line(writer, &row))
			continue;
		grid_left(writer->grid, row, NAME_COL + indent, cols, style, part);
		if (i)
			continue;
		if (number)
			grid_printf(writer->grid, row, 1, STYLE_DIM, "%*u", NUMBER_COLS, number);
		write_source(writer, row, quiet, symbol);
		if (writer->module_cols)
			grid_left(writer->grid, row, writer->module_col, writer->module_cols,
				  STYLE_DIM, module);
	}
}

static enum style frame_style(const struct stack_writer *writer, size_t at)
{
	if (at == writer->folded)
		return STYLE_STRONG; /* the title of its site begins with it */
	return frame_role(writer->symbols, &writer->stack->frames[at]) == FRAME_USER ? STYLE_NORMAL
										     : STYLE_DIM;
}

static void write_frame(struct stack_writer *writer, size_t at)
{
	const struct event_frame *frame = &writer->stack->frames[at];
	const char *module = module_name(writer, frame);
	bool seen =
		writer->line + 1 > writer->top && writer->line < writer->top + (size_t)writer->rows;
	struct symbol_lines lines;

	if (!writer->view->looked_up[at] && !seen) {
		writer->line++;
		return;
	}
	if (!writer->view->looked_up[at]) {
		writer->view->looked_up[at] = true;
		writer->found = true;
	}
	lines = symbols_of(writer->symbols, frame);
	for (size_t i = 0; i < lines.count; i++)
		write_name(writer, i ? 0 : (unsigned int)at + 1, frame_style(writer, at),
			   &lines.lines[i], module);
}

/* "... 4 frames of libjemalloc.so.2, libc.so.6 (a: show them)" */
static void write_folded(struct stack_writer *writer)
{
	const char *names[4];
	size_t name_count = 0;
	size_t used;
	char text[512];

	used = (size_t)snprintf(text, sizeof(text), "... %zu frames of ", writer->folded);
	for (size_t i = 0; i < writer->folded; i++) {
		const char *name = module_name(writer, &writer->stack->frames[i]);
		bool known = name_count == sizeof(names) / sizeof(*names);

		for (size_t j = 0; j < name_count && !known; j++)
			known = !strcmp(names[j], name);
		if (known)
			continue;
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%.80s",
					 name_count ? ", " : "", name);
		names[name_count++] = name;
	}
	snprintf(text + used, sizeof(text) - used, " (a: show them)");
	write_text(writer, STYLE_DIM, text);
}

static void write_end(struct stack_writer *writer)
{
	char text[256];

	if (writer->stack->end == STACK_END_COMPLETE)
		return;
	snprintf(text, sizeof(text), "... what called this is not known: %s (%s)",
		 stack_end_help(writer->stack->end), stack_end_name(writer->stack->end));
	write_text(writer, STYLE_WARNING, text);
}

static void write_all(struct stack_writer *writer)
{
	bool fold = !writer->view->unfolded && writer->folded >= FOLD_LEAST;

	writer->line = 0;
	if (fold)
		write_folded(writer);
	for (size_t i = fold ? writer->folded : 0;
	     i < writer->stack->frame_count && i < EVENT_FRAMES_MAX; i++)
		write_frame(writer, i);
	write_end(writer);
}

/* What comes into sight is looked up and may take more lines: again, until nothing new does. */
static void draw_frames(struct stack_writer *writer, unsigned int rows)
{
	struct scroll *scroll = &writer->view->scroll;
	size_t wanted = scroll->top;

	do {
		scroll->top = wanted;
		writer->found = false;
		writer->rows = 0;
		writer->top = SIZE_MAX;
		write_all(writer);
		page_scroll_clamp(scroll, writer->line, rows);
		grid_fill(writer->grid, writer->first, 0, rows, writer->grid->cols, STYLE_NORMAL,
			  ' ');
		writer->rows = rows;
		writer->top = scroll->top;
		write_all(writer);
	} while (writer->found);
}

static void draw_headings(const struct stack_writer *writer, unsigned int row, bool focus)
{
	struct grid *grid = writer->grid;
	enum style style = cells_bar(grid, row, focus);
	unsigned int col;

	grid_right(grid, row, 1, NUMBER_COLS, style, "#");
	col = grid_text(grid, row, NAME_COL, style, "FUNCTION");
	if (writer->source_cols)
		col = grid_text(grid, row, writer->source_col, style, "SOURCE");
	if (writer->module_cols)
		col = grid_text(grid, row, writer->module_col, style, "MODULE");
	cells_position(grid, row, col, style, &writer->view->scroll, writer->line);
}

void stack_view_draw(struct stack_view *view, const struct process *process, uint32_t stack,
		     struct grid *grid, unsigned int row, unsigned int rows, bool focus)
{
	struct stack_writer writer = {
		.grid = grid,
		.first = row + 1,
		.view = view,
		.symbols = process->symbols,
		.stacks = process->stacks,
		.stack = process_stack(process, stack),
	};

	if (view->stack != stack) {
		view->stack = stack;
		view->scroll = (struct scroll){0};
		memset(view->looked_up, 0, sizeof(view->looked_up));
	}
	if (rows < 2)
		return;
	layout(&writer);
	if (writer.stack) {
		size_t folded = stack_folded(writer.symbols, writer.stack);

		writer.folded = folded < writer.stack->frame_count ? folded : 0;
		draw_frames(&writer, rows - 1);
	}
	draw_headings(&writer, row, focus);
}

uint32_t stack_view_allocator(const struct process *process, uint32_t number)
{
	const struct stack *stack = process_stack(process, number);

	return stack ? stack_allocator(process->symbols, stack) : ALLOCATOR_UNKNOWN;
}
