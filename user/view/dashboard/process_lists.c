// SPDX-License-Identifier: GPL-2.0-only
/* The tables of the process page: mappings, and what was given back. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "user/base/cleanup.h"
#include "user/base/units.h"
#include "user/view/dashboard/cells.h"
#include "user/view/dashboard/sites.h"

#define ADDRESS_COLS 12
#define RANGE_COLS (2 * ADDRESS_COLS + 1)
#define KIND_COLS 7
#define ALLOC_COLS 8
/* From this width on, ranges are given with their end, and the allocator beside the owner. */
#define WIDE_COLS 100
#define ALLOC_FROM 115

void mapping_list_release(struct mapping_list *list)
{
	free(list->rows);
	*list = (struct mapping_list){0};
}

static int compare_rows(const void *left, const void *right)
{
	const struct mapping_report *a = &((const struct mapping_row *)left)->report;
	const struct mapping_report *b = &((const struct mapping_row *)right)->report;

	if (a->retained != b->retained)
		return a->retained > b->retained ? -1 : 1;
	if (a->resident != b->resident)
		return a->resident > b->resident ? -1 : 1;
	return a->start < b->start ? -1 : a->start > b->start;
}

void mapping_list_update(struct mapping_list *list, const struct process *process,
			 uint64_t interval)
{
	AUTO_FREE struct mapping_report *reports = NULL;
	size_t count = 0;

	/* Once per interval: it walks every leaf. */
	if (list->process == process && list->attach_ns == process->ledger->attach_ns &&
	    list->interval == interval)
		return;
	mapping_list_release(list);
	list->process = process;
	list->attach_ns = process->ledger->attach_ns;
	list->interval = interval;
	if (ledger_report_mappings(process->ledger, &reports, &count)) {
		list->failed = true;
		return;
	}
	list->rows = malloc((count + 1) * sizeof(*list->rows));
	if (!list->rows) {
		list->failed = true;
		return;
	}
	for (size_t i = 0; i < count; i++) {
		struct mapping_row *row = &list->rows[i];

		row->report = reports[i];
		snprintf(row->name, sizeof(row->name), "%s", reports[i].name);
		snprintf(row->owner, sizeof(row->owner), "%s", reports[i].owner);
		row->report.name = NULL;
		row->report.owner = NULL;
	}
	list->count = count;
	qsort(list->rows, count, sizeof(*list->rows), compare_rows);
}

static void cell_range(struct cells *cells, bool wide, uint64_t start, uint64_t end)
{
	char text[40];

	if (wide)
		snprintf(text, sizeof(text), "%" PRIx64 "-%" PRIx64, start, end);
	else
		snprintf(text, sizeof(text), "%" PRIx64, start);
	cell_left(cells, wide ? RANGE_COLS : ADDRESS_COLS, text);
}

/*
 * Figures stand before the names, so that a narrow screen cuts the names. What
 * is left for them is shared between the mapping's own and its owner's.
 */
struct mapping_columns {
	bool wide;
	bool alloc; /* the allocator has a column of its own; else it is given as the owner */
	unsigned int name;
	unsigned int owner;
};

static struct mapping_columns mapping_columns(unsigned int cols)
{
	struct mapping_columns columns = {.wide = cols >= WIDE_COLS, .alloc = cols >= ALLOC_FROM};
	unsigned int used = 1 + (columns.wide ? RANGE_COLS : ADDRESS_COLS) + 1 + KIND_COLS + 1 +
			    4 * (CELL_BYTES + 1) + (columns.alloc ? ALLOC_COLS + 1 : 0);
	unsigned int left = cols > used + 1 ? cols - used - 1 : 0;

	columns.name = left > 24 ? left * 3 / 5 : left / 2;
	if (columns.name > EVENT_NAME_LEN)
		columns.name = EVENT_NAME_LEN;
	columns.owner = left - columns.name;
	return columns;
}

/* Returns the column after the last heading. */
static unsigned int mapping_headings(struct cells cells, const struct mapping_columns *columns)
{
	cell_right(&cells, CELL_BYTES, "RETAIN");
	cell_right(&cells, CELL_BYTES, "RESID");
	cell_right(&cells, CELL_BYTES, "LAZY");
	cell_right(&cells, CELL_BYTES, "SIZE");
	cell_left(&cells, columns->wide ? RANGE_COLS : ADDRESS_COLS,
		  columns->wide ? "MAPPING" : "MAPPING AT");
	cell_left(&cells, KIND_COLS, "KIND");
	if (columns->alloc)
		cell_left(&cells, ALLOC_COLS, "ALLOC");
	cell_left(&cells, columns->name, "NAME");
	return grid_text(cells.grid, cells.row, cells.col, cells.style, "OWNER");
}

static void draw_mapping(struct cells cells, const struct mapping_columns *columns,
			 const struct process *process, const struct mapping_row *row)
{
	const struct mapping_report *report = &row->report;
	/* Looked up for the rows that are shown only; the answers are kept by the symbols. */
	uint32_t allocator = stack_view_allocator(process, report->stack);
	const char *name = allocator == ALLOCATOR_UNKNOWN ? "" : allocator_name(allocator);

	cell_pages_as(&cells, STYLE_STRONG, report->retained);
	cell_pages_as(&cells, STYLE_NORMAL, report->resident);
	cell_pages_as(&cells, STYLE_NORMAL, report->lazy);
	cell_pages_as(&cells, STYLE_NORMAL, (report->end - report->start) >> PAGE_SHIFT);
	cell_range(&cells, columns->wide, report->start, report->end);
	cell_left(&cells, KIND_COLS, mapping_kind_name(report->kind));
	if (columns->alloc)
		cell_left(&cells, ALLOC_COLS, name);
	cell_left(&cells, columns->name, row->name);
	cell_left(&cells, columns->owner, !columns->alloc && *name ? name : row->owner);
}

size_t mapping_list_selected(struct process_state *state)
{
	const struct mapping_list *list = &state->mappings;
	size_t row = state->selected_row < list->count ? state->selected_row : list->count - 1;

	for (size_t i = 0; i < list->count; i++) {
		if (list->rows[i].report.start == state->selected) {
			row = i;
			break;
		}
	}
	state->selected_row = row;
	state->selected = list->rows[row].report.start;
	return row;
}

void mapping_list_draw(struct process_state *state, bool focus, struct grid *grid, unsigned int row,
		       unsigned int rows)
{
	const struct mapping_list *list = &state->mappings;
	struct scroll *scroll = &state->scroll[FOCUS_MAPPINGS];
	struct mapping_columns columns = mapping_columns(grid->cols);
	struct cells cells = {grid, row, 1, cells_bar(grid, row, focus), false};
	size_t selected = 0;

	if (list->count) {
		selected = mapping_list_selected(state);
		page_scroll_to(scroll, selected, list->count, rows - 1);
	}
	cells_position(grid, row, mapping_headings(cells, &columns), cells.style, scroll,
		       list->count);
	if (!list->count)
		grid_text(grid, row + 1, 1, STYLE_DIM,
			  list->failed ? "no memory for the list of mappings" : "no mappings yet");
	for (unsigned int i = 0; i + 1 < rows && scroll->top + i < list->count; i++) {
		struct cells at = {grid, row + 1 + i, 1, STYLE_NORMAL, false};

		if (focus && scroll->top + i == selected)
			cells_select(&at);
		draw_mapping(at, &columns, state->process, &list->rows[scroll->top + i]);
	}
}

static void draw_removal(struct cells cells, const struct removal *removal, uint64_t now_ns)
{
	double age = now_ns > removal->time_ns ? (double)(now_ns - removal->time_ns) : 0;
	char text[UNITS_TEXT_LEN];
	bool wide;

	cell_right(&cells, CELL_BYTES, page_duration(text, age / NSEC_PER_SEC));
	cell_left_as(&cells, removal->kind == REMOVAL_PURGE ? STYLE_STRONG : STYLE_NORMAL,
		     KIND_COLS, removal_kind_name(removal->kind));
	cell_pages_as(&cells, STYLE_NORMAL, removal->pages);
	if (removal->pages)
		snprintf(text, sizeof(text), "%" PRIu64, removal->pages);
	else
		snprintf(text, sizeof(text), "-");
	cell_right(&cells, KIND_COLS, text);
	snprintf(text, sizeof(text), "%" PRIu32, removal->tid);
	cell_right(&cells, KIND_COLS, text);
	wide = cells.col + RANGE_COLS <= cells.grid->cols;
	cell_range(&cells, wide, removal->start, removal->end);
}

/*
 * Those until now_ns that took pages, newest first. A frozen display does not
 * show what came later; what took nothing, or moved, gave nothing back.
 */
static size_t removals_collect(const struct ledger *ledger, uint64_t now_ns,
			       const struct removal *found[LEDGER_REMOVALS])
{
	size_t count = 0;

	for (uint64_t back = 1; back <= ledger->removal_count && back <= LEDGER_REMOVALS; back++) {
		const struct removal *removal =
			&ledger->removals[(ledger->removal_count - back) % LEDGER_REMOVALS];

		if (removal->time_ns <= now_ns && removal->pages && removal->kind != REMOVAL_MOVE)
			found[count++] = removal;
	}
	return count;
}

void removal_list_draw(const struct process *process, uint64_t now_ns, struct scroll *scroll,
		       bool focus, struct grid *grid, unsigned int row, unsigned int rows)
{
	const struct removal *removals[LEDGER_REMOVALS];
	size_t count = removals_collect(process->ledger, now_ns, removals);
	struct cells heading = {grid, row, 1, cells_bar(grid, row, focus), false};

	page_scroll_clamp(scroll, count, rows - 1);
	cell_right(&heading, CELL_BYTES, "AGO");
	cell_left(&heading, KIND_COLS, "GIVEN");
	cell_right(&heading, CELL_BYTES, "BYTES");
	cell_right(&heading, KIND_COLS, "PAGES");
	cell_right(&heading, KIND_COLS, "TID");
	heading.col = grid_text(grid, row, heading.col, heading.style, "RANGE");
	cells_position(grid, row, heading.col, heading.style, scroll, count);
	if (!count)
		grid_text(grid, row + 1, 1, STYLE_DIM, "nothing purged or returned yet");
	for (unsigned int i = 0; i + 1 < rows && scroll->top + i < count; i++) {
		struct cells cells = {grid, row + 1 + i, 1, STYLE_NORMAL, false};

		draw_removal(cells, removals[scroll->top + i], now_ns);
	}
}
