// SPDX-License-Identifier: GPL-2.0-only
/* The page of one process: its memory by class over time, its mappings, what it gave back. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "user/base/units.h"
#include "user/view/dashboard/chart.h"
#include "user/view/dashboard/sites.h"
#include "user/view/invocation_text.h"
#include "user/view/unwind_text.h"

#define HEAD_ROWS 3    /* title, health, figures */
#define STACKS_FROM 16 /* with so many rows there are some about stacks and invocations */
#define CHART_COLS 256 /* columns of history at most */
#define CHART_ROWS_MAX 17
#define TABLE_ROWS_MIN 3 /* heading and two items */

enum layer {
	LAYER_RETAINED,
	LAYER_YOUNG,
	LAYER_LAZY,
	LAYER_FILE,
	LAYER_SHMEM,
	LAYER_UNEXPLAINED,
	LAYER_COUNT
};

static const struct chart_layer layers[LAYER_COUNT] = {
	[LAYER_RETAINED] = {"retained", STYLE_CLASS_RETAINED, 0x2588, '#'},
	[LAYER_YOUNG] = {"young", STYLE_CLASS_YOUNG, 0x2593, '+'},
	[LAYER_LAZY] = {"lazy", STYLE_CLASS_LAZY, 0x2592, '~'},
	[LAYER_FILE] = {"file", STYLE_CLASS_FILE, 0x2591, '.'},
	[LAYER_SHMEM] = {"shmem", STYLE_CLASS_SHMEM, 0x256c, '%'},
	[LAYER_UNEXPLAINED] = {"unexplained", STYLE_CLASS_UNEXPLAINED, '?', '?'},
};

/* Reports per column that the zoom keys step through; 0 shows all history. */
static const unsigned int zooms[] = {0, 10, 5, 2, 1};
#define ZOOM_COUNT (sizeof(zooms) / sizeof(*zooms))

/*
 * The classes of a report. The ledger counts lazily freed pages among those of
 * their age; nearly all are old, so they are taken from the retained ones
 * first. The first three always add up to what is in the ledger.
 */
static void split_classes(const struct report *report, double *values)
{
	uint64_t lazy = report->lazyfree < report->resident ? report->lazyfree : report->resident;
	uint64_t rest = report->resident - lazy;
	uint64_t retained = report->retained > lazy ? report->retained - lazy : 0;

	if (retained > rest)
		retained = rest;
	values[LAYER_RETAINED] = (double)retained;
	values[LAYER_YOUNG] = (double)(rest - retained);
	values[LAYER_LAZY] = (double)lazy;
	values[LAYER_FILE] = (double)report->file;
	values[LAYER_SHMEM] = (double)report->shmem;
	values[LAYER_UNEXPLAINED] = report->unexplained > 0 ? (double)report->unexplained : 0;
}

static void draw_figures(const struct dashboard_input *input, struct grid *grid,
			 const struct process *process, const struct report *report)
{
	struct page_health health = page_health_of(process, report);
	struct page_line line = {grid, 2, 1};
	char text[UNITS_TEXT_LEN];

	page_draw_health(input, grid, 1, &health);
	if (!report) {
		page_line_add(&line, STYLE_DIM, "no report yet");
		return;
	}
	page_line_add(&line, STYLE_STRONG, "RSS %s", units_bytes(text, (double)report->rss));
	page_line_add(&line, page_growth_style(report), "growth %s/h",
		      units_signed_bytes(text, report->growth_per_hour));
	page_line_add(&line, report->verdict == VERDICT_LIVE_GROWTH ? STYLE_ALARM : STYLE_NORMAL,
		      "why %s", verdict_word(report->verdict));
	page_line_add(&line, STYLE_NORMAL, "born %s pages/s",
		      units_count(text, report->born_pages_per_s));
	page_line_add(&line, STYLE_NORMAL, "purged %s",
		      units_bytes(text, (double)report->purged_total));
	page_line_add(&line, STYLE_NORMAL, "returned %s",
		      units_bytes(text, (double)report->returned_total));
	page_line_add(&line, STYLE_NORMAL, "swap %s", units_bytes(text, (double)report->swap));
	page_line_add(&line, STYLE_DIM, "%s events/s", units_count(text, report->events_per_s));
}

/* How well its stacks could be unwound: what failed is named, with its number. */
static void draw_stacks(struct grid *grid, unsigned int row, const struct process *process,
			const struct unwind_totals *totals)
{
	uint64_t failed = unwind_failures(totals);
	enum style style = STYLE_DIM;
	char counts[UNWIND_TEXT_LEN];
	unsigned int col;

	if (!process->unwinder) {
		grid_left(grid, row, 1, grid->cols - 1, STYLE_DIM, STACKS_OFF);
		return;
	}
	if (failed * 100 > totals->taken)
		style = failed * 5 > totals->taken ? STYLE_ALARM : STYLE_WARNING;
	col = grid_text(grid, row, 1, style, "stacks: ");
	grid_left(grid, row, col, grid->cols - col, style,
		  unwind_text(totals, counts, sizeof(counts)));
}

static void draw_invocations(struct grid *grid, unsigned int row, const struct report *report)
{
	struct page_line line = {grid, row, 1};
	char growth[INVOCATION_TEXT_LEN];
	char text[UNITS_TEXT_LEN];

	page_line_add(&line, STYLE_NORMAL, "invocations: %s ended",
		      units_whole(text, report->invocations_total));
	page_line_add(&line, page_invocation_style(report), "%s",
		      invocation_growth_text(&report->per_invocation, growth, sizeof(growth)));
	page_line_add(&line, STYLE_NORMAL, "retained %s",
		      units_bytes(text, (double)report->invocation_retained));
}

/* Names the classes and gives their newest figures; shmem and the remainder only if any. */
static void draw_legend(struct grid *grid, unsigned int row, const struct report *report)
{
	struct page_line line = {grid, row, 1};
	double values[LAYER_COUNT];

	split_classes(report, values);
	for (unsigned int i = 0; i < LAYER_COUNT; i++) {
		unsigned int before = line.col;
		char text[UNITS_TEXT_LEN];

		if (values[i] < 1 && i >= LAYER_SHMEM)
			continue;
		page_line_add(&line, STYLE_NORMAL, "  %s %s", layers[i].name,
			      units_bytes(text, values[i]));
		if (line.col == before) /* the figure is on another line too */
			page_line_add(&line, STYLE_NORMAL, "  %s", layers[i].name);
		if (line.col == before)
			continue;
		grid_put(grid, row, before, layers[i].style, chart_fill(grid, &layers[i]));
		line.col--;
	}
}

static void draw_chart(const struct dashboard *dashboard, const struct dashboard_input *input,
		       struct grid *grid, unsigned int row, unsigned int rows)
{
	const struct process *process = dashboard->process.process;
	unsigned int plot = grid->cols - CHART_LABEL_COLS - 1;
	const struct report *reports[CHART_COLS];
	double values[CHART_COLS * LAYER_COUNT];
	unsigned int per_column;
	struct chart_stack stack = {.layers = layers, .layer_count = LAYER_COUNT, .values = values};

	stack.columns = plot < CHART_COLS ? plot : CHART_COLS;
	per_column = page_history(dashboard, process, zooms[dashboard->process.zoom], reports,
				  (unsigned int)stack.columns);
	for (size_t i = 0; i < stack.columns; i++) {
		if (reports[i])
			split_classes(reports[i], values + i * LAYER_COUNT);
		for (size_t layer = 0; layer < LAYER_COUNT && !reports[i]; layer++)
			values[i * LAYER_COUNT + layer] = NAN;
	}
	stack.column_seconds = per_column * (input->interval_ms / 1000.0);
	chart_stack(grid, row, 0, rows, CHART_LABEL_COLS + (unsigned int)stack.columns, &stack);
}

/* The two tables below the chart; where only one fits, the one with the focus. */
static void draw_tables(struct dashboard *dashboard, const struct dashboard_input *input,
			struct grid *grid, unsigned int row, unsigned int rows)
{
	struct process_state *state = &dashboard->process;
	bool on_mappings = state->focus == FOCUS_MAPPINGS;
	unsigned int upper = on_mappings ? rows : 0;

	if (rows >= 2 * TABLE_ROWS_MIN + 1) {
		upper = on_mappings ? rows - rows * 2 / 5 : rows * 2 / 5;
		if (upper < TABLE_ROWS_MIN)
			upper = TABLE_ROWS_MIN;
	}
	if (upper)
		mapping_list_draw(state, on_mappings, grid, row, upper);
	if (rows > upper)
		removal_list_draw(state->process, page_now(dashboard, input),
				  &state->scroll[FOCUS_REMOVALS], !on_mappings, grid, row + upper,
				  rows - upper);
}

static void process_page_draw(struct dashboard *dashboard, const struct dashboard_input *input,
			      struct grid *grid, unsigned int rows)
{
	struct process_state *state = &dashboard->process;
	const struct report *report;
	unsigned int row = HEAD_ROWS;
	unsigned int chart;

	if (!page_has_process(input, state->process)) {
		mapping_list_release(&state->mappings);
		state->process = NULL;
		dashboard->page = &overview_page;
		overview_page.draw(dashboard, input, grid, rows);
		return;
	}
	report = page_report(dashboard, state->process);
	mapping_list_update(&state->mappings, state->process, report ? report->interval : 0);
	if (state->process->unwinder && (!dashboard->frozen || !state->stacks.taken))
		state->stacks = *unwinder_totals(state->process->unwinder);
	page_draw_title(dashboard, input, grid, state->process, "");
	draw_figures(input, grid, state->process, report);
	if (rows < HEAD_ROWS + 2)
		return;
	if (rows >= STACKS_FROM)
		draw_stacks(grid, row++, state->process, &state->stacks);
	if (rows >= STACKS_FROM && report && report->invocations_total)
		draw_invocations(grid, row++, report);

	/* An odd number of rows gives the axis a middle. */
	chart = (rows - row) * 2 / 5;
	chart = chart > CHART_ROWS_MAX ? CHART_ROWS_MAX : chart - !(chart % 2);
	if (report && rows >= row + 1 + 5 + TABLE_ROWS_MIN && chart >= 5) {
		draw_legend(grid, row, report);
		draw_chart(dashboard, input, grid, row + 1, chart);
		row += 1 + chart;
	}
	draw_tables(dashboard, input, grid, row, rows - row);
}

/* The creating stack of the selected mapping, if that table has the keys. */
static void open_mapping(struct dashboard *dashboard)
{
	struct process_state *state = &dashboard->process;

	if (state->focus == FOCUS_MAPPINGS && state->mappings.count)
		stack_page_open_mapping(dashboard, state->process,
					&state->mappings.rows[mapping_list_selected(state)]);
}

static void move_in_table(struct process_state *state, int key)
{
	struct scroll *scroll = &state->scroll[state->focus];
	const struct mapping_list *list = &state->mappings;

	if (state->focus != FOCUS_MAPPINGS) {
		page_scroll_key(scroll, key);
	} else if (list->count) {
		state->selected_row = page_select_key(mapping_list_selected(state), key,
						      list->count, scroll->rows);
		state->selected = list->rows[state->selected_row].report.start;
	}
}

static void process_page_key(struct dashboard *dashboard, int key,
			     const struct dashboard_input *input)
{
	struct process_state *state = &dashboard->process;

	switch (key) {
	case DASHBOARD_KEY_ENTER:
		if (page_has_process(input, state->process))
			open_mapping(dashboard);
		break;
	case 's':
		if (page_has_process(input, state->process))
			sites_page_open(dashboard, state->process);
		break;
	case 'i':
		if (page_has_process(input, state->process))
			invocations_page_open(dashboard, state->process);
		break;
	case 'v':
		if (page_has_process(input, state->process))
			verdict_page_open(dashboard, state->process);
		break;
	case 'H':
		if (page_has_process(input, state->process))
			page_toggle_heap(input, state->process);
		break;
	case DASHBOARD_KEY_ESC:
	case DASHBOARD_KEY_BACKSPACE:
		dashboard->page = &overview_page;
		break;
	case DASHBOARD_KEY_TAB:
		state->focus = (state->focus + 1) % FOCUS_COUNT;
		break;
	case 'm':
		state->focus = FOCUS_MAPPINGS;
		break;
	case 'p':
		state->focus = FOCUS_REMOVALS;
		break;
	case '+':
	case DASHBOARD_KEY_RIGHT:
		state->zoom += state->zoom + 1 < ZOOM_COUNT ? 1 : 0;
		break;
	case '-':
	case DASHBOARD_KEY_LEFT:
		state->zoom -= state->zoom ? 1 : 0;
		break;
	default:
		move_in_table(state, key);
	}
}

static const struct page_key keys[] = {
	{"Esc", "back", "back to the overview (also Backspace)"},
	{"v", "verdict", "why memory grows or stays, by what evidence"},
	{"H", NULL, "follow the allocations for 30 s: live, fragmented, free; again: end it"},
	{"s", "sites", "where the pages come from: a row per call stack"},
	{"i", "invocations", "what is left of each invocation, and after how many further ones"},
	{"Enter", "stack", "the call stack that made the selected mapping"},
	{"Tab", "table", "the other table (m: mappings, p: purges and returns)"},
	{"+ -", "zoom", "less or more time in the chart (also the arrow keys)"},
	{"Up Down", "move", "move in the table (also k j, PgUp PgDn, Home End)"},
	{NULL, NULL, NULL},
};

const struct page process_page = {
	.name = "Process",
	.keys = keys,
	.draw = process_page_draw,
	.key = process_page_key,
};
