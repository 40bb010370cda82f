// SPDX-License-Identifier: GPL-2.0-only
/* The newest invocations of a process: a copy as of an interval, and a row for each. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "user/base/units.h"
#include "user/view/dashboard/cells.h"
#include "user/view/invocation_text.h"

#define ID_COLS_WANTED 24 /* other columns give way to it */
#define ID_COLS_LEAST 8

/* ---- making it ---- */

void invocation_list_release(struct invocation_list *list)
{
	free(list->items);
	*list = (struct invocation_list){0};
}

static void copy_items(struct invocation_list *list, const struct invocations *invocations)
{
	uint32_t newest = invocations_newest(invocations);
	uint32_t count = newest < INVOCATIONS_KEPT ? newest : INVOCATIONS_KEPT;

	list->items = malloc((count + 1) * sizeof(*list->items));
	list->failed = !list->items;
	for (uint32_t back = 0; list->items && back < count; back++) {
		const struct invocation *item = invocations_find(invocations, newest - back);

		if (item)
			list->items[list->count++] = *item;
	}
}

void invocation_list_update(struct invocation_list *list, const struct process *process,
			    uint64_t interval, bool frozen)
{
	const struct invocations *invocations = process->ledger->invocations;

	/* Once per interval: there are thousands of them. */
	if (list->process == process && list->attach_ns == process->ledger->attach_ns &&
	    (frozen || (list->interval == interval && list->ended == process->ended)))
		return;
	invocation_list_release(list);
	list->process = process;
	list->attach_ns = process->ledger->attach_ns;
	list->interval = interval;
	list->ended = process->ended;
	if (!invocations)
		return;
	list->totals = *invocations_totals(invocations);
	list->open = invocations_open(invocations);
	list->retained = invocations_retained(invocations);
	for (unsigned int i = 0; i < INVOCATION_POINT_COUNT; i++)
		list->survival[i] = *invocations_survival(invocations, i);
	copy_items(list, invocations);
}

/* ---- drawing it ---- */

/* How long it took: most take less than page_duration() tells apart. */
static char *short_duration(char *text, double seconds)
{
	if (seconds < 999.5e-6)
		snprintf(text, UNITS_TEXT_LEN, "%.0fus", seconds * 1e6);
	else if (seconds < 99.95e-3)
		snprintf(text, UNITS_TEXT_LEN, "%.1fms", seconds * 1e3);
	else if (seconds < 999.5e-3)
		snprintf(text, UNITS_TEXT_LEN, "%.0fms", seconds * 1e3);
	else
		page_duration(text, seconds);
	return text;
}

/* Seconds from one time to another, 0 where the later is the earlier. */
static double seconds_between(uint64_t from_ns, uint64_t to_ns)
{
	return to_ns > from_ns ? (double)(to_ns - from_ns) / NSEC_PER_SEC : 0;
}

static void cell_count(struct cells *cells, unsigned int width, uint32_t count)
{
	char text[UNITS_TEXT_LEN];

	snprintf(text, sizeof(text), "%" PRIu32, count);
	cell_right(cells, width, text);
}

static void cell_state(struct cells *cells, unsigned int width, const struct invocation *invocation)
{
	enum style style = invocation->state == INVOCATION_OPEN ? STYLE_GOOD : cells->style;
	const char *name = invocation_state_name(invocation->state);

	if (invocation->state == INVOCATION_CUT || invocation->lossy)
		style = STYLE_WARNING;
	if (invocation->state == INVOCATION_ENDED && invocation->lossy)
		name = "lossy";
	cell_left_as(cells, style, width, name);
}

enum column {
	COLUMN_NUMBER,
	COLUMN_BORN,
	COLUMN_RESIDENT,
	COLUMN_STATE,
	COLUMN_TOOK,
	COLUMN_AGE,
	COLUMN_THREAD,
	COLUMN_END,
	COLUMN_COUNT
};

/* In the order in which they are shown; on narrow screens the last ones go first. */
static const struct {
	const char *title;
	unsigned int width;
	bool left;
} columns[COLUMN_COUNT] = {
	[COLUMN_NUMBER] = {"NUMBER", 8, false},
	[COLUMN_BORN] = {"BORN", CELL_BYTES, false},
	[COLUMN_RESIDENT] = {"RESID", CELL_BYTES, false},
	[COLUMN_STATE] = {"STATE", 5, true},
	[COLUMN_TOOK] = {"TOOK", 6, false},
	[COLUMN_AGE] = {"AGE", 6, false},
	[COLUMN_THREAD] = {"TID", 7, false},
	[COLUMN_END] = {"AT END", CELL_BYTES, false},
};

/* How many columns there is room for beside the id, which comes last. */
static unsigned int columns_shown(unsigned int cols)
{
	unsigned int least = cols < 60 ? ID_COLS_LEAST : ID_COLS_WANTED;
	unsigned int used = 1, count = 0;

	while (count < COLUMN_COUNT && used + columns[count].width + 1 + least <= cols)
		used += columns[count++].width + 1;
	return count;
}

static void draw_cell(struct cells *cells, enum column column, const struct invocation *invocation,
		      uint64_t now_ns)
{
	unsigned int width = columns[column].width;
	char text[UNITS_TEXT_LEN];

	switch (column) {
	case COLUMN_NUMBER:
		return cell_count(cells, width, invocation->number);
	case COLUMN_BORN:
		return cell_pages_as(cells, cells->style, invocation->born);
	case COLUMN_RESIDENT:
		return cell_pages_as(cells, STYLE_STRONG, invocation->resident);
	case COLUMN_STATE:
		return cell_state(cells, width, invocation);
	case COLUMN_TOOK:
		/* of one that was cut it is not known when it ended, if it has */
		if (invocation->state != INVOCATION_ENDED)
			return cell_right(cells, width, "-");
		return cell_right(cells, width,
				  short_duration(text, seconds_between(invocation->begin_ns,
								       invocation->end_ns)));
	case COLUMN_AGE:
		return cell_right(
			cells, width,
			page_duration(text, seconds_between(invocation->begin_ns, now_ns)));
	case COLUMN_THREAD:
		return cell_count(cells, width, invocation->tid);
	case COLUMN_END:
		if (!invocation->points)
			return cell_right(cells, width, "-");
		return cell_pages_as(cells, cells->style, invocation->at[0]);
	case COLUMN_COUNT:
		break;
	}
}

static void draw_invocation(struct cells cells, unsigned int shown,
			    const struct invocation *invocation, uint64_t now_ns)
{
	unsigned int cols = cells.grid->cols;
	char id[EVENT_ID_LEN];

	for (unsigned int i = 0; i < shown; i++)
		draw_cell(&cells, (enum column)i, invocation, now_ns);
	if (cells.col < cols)
		cell_left(&cells, cols - cells.col,
			  invocation_id_text(invocation->id, invocation->value, id));
}

void invocation_list_draw(const struct invocation_list *list, uint64_t now_ns,
			  struct scroll *scroll, struct grid *grid, unsigned int row,
			  unsigned int rows)
{
	struct cells heading = {grid, row, 1, cells_bar(grid, row, true), false};
	unsigned int shown = columns_shown(grid->cols);

	page_scroll_clamp(scroll, list->count, rows - 1);
	for (unsigned int i = 0; i < shown; i++)
		cell_heading(&heading, columns[i].width, columns[i].title, !columns[i].left, false,
			     false);
	heading.col = grid_text(grid, row, heading.col, heading.style, "ID");
	cells_position(grid, row, heading.col, heading.style, scroll, list->count);
	if (!list->count)
		grid_text(grid, row + 1, 1, STYLE_DIM,
			  list->failed ? "no memory for the list of invocations" : "none is kept");
	for (unsigned int i = 0; i + 1 < rows && scroll->top + i < list->count; i++) {
		struct cells cells = {grid, row + 1 + i, 1, STYLE_NORMAL, false};

		draw_invocation(cells, shown, &list->items[scroll->top + i], now_ns);
	}
}
