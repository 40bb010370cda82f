// SPDX-License-Identifier: GPL-2.0-only
/* The tables of the process page: mappings, and what was given back. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "user/base/cleanup.h"
#include "user/base/units.h"
#include "user/view/dashboard/page.h"

#define ADDRESS_COLS 12
#define RANGE_COLS (2 * ADDRESS_COLS + 1)
#define FIGURE_COLS 6
#define KIND_COLS 7
/* From this width on, ranges are given with their end. */
#define WIDE_COLS 100

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

/* Puts figures side by side, each with a blank before it. */
struct cells {
	struct grid *grid;
	unsigned int row;
	unsigned int col;
	enum style style;
};

static void cell_left(struct cells *cells, unsigned int width, const char *text)
{
	grid_left(cells->grid, cells->row, cells->col, width, cells->style, text);
	cells->col += width + 1;
}

static void cell_right(struct cells *cells, unsigned int width, const char *text)
{
	grid_right(cells->grid, cells->row, cells->col, width, cells->style, text);
	cells->col += width + 1;
}

static void cell_pages(struct cells *cells, uint64_t pages)
{
	char text[UNITS_TEXT_LEN];
	enum style style = cells->style;

	if (!pages)
		cells->style = STYLE_DIM;
	cell_right(cells, FIGURE_COLS, units_bytes(text, (double)pages * PAGE_BYTES));
	cells->style = style;
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

/* "1-6/123", or as much as fits, at the right end of a heading that is written up to col. */
static void draw_position(struct grid *grid, unsigned int row, unsigned int col, enum style style,
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

static enum style draw_bar(struct grid *grid, unsigned int row, bool focus)
{
	enum style style = focus ? STYLE_FOCUS : STYLE_HEADING;

	grid_fill(grid, row, 0, 1, grid->cols, style, ' ');
	return style;
}

/*
 * Figures stand before the names, so that a narrow screen cuts the names. What
 * is left for them is shared between the mapping's own and its owner's.
 */
struct mapping_columns {
	bool wide;
	unsigned int name;
	unsigned int owner;
};

static struct mapping_columns mapping_columns(unsigned int cols)
{
	struct mapping_columns columns = {.wide = cols >= WIDE_COLS};
	unsigned int used = 1 + (columns.wide ? RANGE_COLS : ADDRESS_COLS) + 1 + KIND_COLS + 1 +
			    4 * (FIGURE_COLS + 1);
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
	cell_right(&cells, FIGURE_COLS, "RETAIN");
	cell_right(&cells, FIGURE_COLS, "RESID");
	cell_right(&cells, FIGURE_COLS, "LAZY");
	cell_right(&cells, FIGURE_COLS, "SIZE");
	cell_left(&cells, columns->wide ? RANGE_COLS : ADDRESS_COLS,
		  columns->wide ? "MAPPING" : "MAPPING AT");
	cell_left(&cells, KIND_COLS, "KIND");
	cell_left(&cells, columns->name, "NAME");
	return grid_text(cells.grid, cells.row, cells.col, cells.style, "OWNER");
}

static void draw_mapping(struct cells cells, const struct mapping_columns *columns,
			 const struct mapping_row *row)
{
	const struct mapping_report *report = &row->report;

	cells.style = STYLE_STRONG;
	cell_pages(&cells, report->retained);
	cells.style = STYLE_NORMAL;
	cell_pages(&cells, report->resident);
	cell_pages(&cells, report->lazy);
	cell_pages(&cells, (report->end - report->start) >> PAGE_SHIFT);
	cell_range(&cells, columns->wide, report->start, report->end);
	cell_left(&cells, KIND_COLS, mapping_kind_name(report->kind));
	cell_left(&cells, columns->name, row->name);
	cell_left(&cells, columns->owner, row->owner);
}

void mapping_list_draw(const struct mapping_list *list, struct scroll *scroll, bool focus,
		       struct grid *grid, unsigned int row, unsigned int rows)
{
	struct mapping_columns columns = mapping_columns(grid->cols);
	struct cells cells = {grid, row, 1, draw_bar(grid, row, focus)};

	page_scroll_clamp(scroll, list->count, rows - 1);
	draw_position(grid, row, mapping_headings(cells, &columns), cells.style, scroll,
		      list->count);
	if (!list->count)
		grid_text(grid, row + 1, 1, STYLE_DIM,
			  list->failed ? "no memory for the list of mappings" : "no mappings yet");
	for (unsigned int i = 0; i + 1 < rows && scroll->top + i < list->count; i++) {
		cells.row = row + 1 + i;
		draw_mapping(cells, &columns, &list->rows[scroll->top + i]);
	}
}

static void draw_removal(struct cells cells, const struct removal *removal, uint64_t now_ns)
{
	double age = now_ns > removal->time_ns ? (double)(now_ns - removal->time_ns) : 0;
	char text[UNITS_TEXT_LEN];
	bool wide;

	cell_right(&cells, FIGURE_COLS, page_duration(text, age / NSEC_PER_SEC));
	cells.style = removal->kind == REMOVAL_PURGE ? STYLE_STRONG : STYLE_NORMAL;
	cell_left(&cells, KIND_COLS, removal_kind_name(removal->kind));
	cells.style = STYLE_NORMAL;
	cell_pages(&cells, removal->pages);
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
	struct cells cells = {grid, row, 1, draw_bar(grid, row, focus)};
	struct cells heading = cells;

	page_scroll_clamp(scroll, count, rows - 1);
	cell_right(&heading, FIGURE_COLS, "AGO");
	cell_left(&heading, KIND_COLS, "GIVEN");
	cell_right(&heading, FIGURE_COLS, "BYTES");
	cell_right(&heading, KIND_COLS, "PAGES");
	cell_right(&heading, KIND_COLS, "TID");
	heading.col = grid_text(grid, row, heading.col, heading.style, "RANGE");
	draw_position(grid, row, heading.col, cells.style, scroll, count);
	if (!count)
		grid_text(grid, row + 1, 1, STYLE_DIM, "nothing purged or returned yet");
	for (unsigned int i = 0; i + 1 < rows && scroll->top + i < count; i++) {
		cells.row = row + 1 + i;
		draw_removal(cells, removals[scroll->top + i], now_ns);
	}
}
