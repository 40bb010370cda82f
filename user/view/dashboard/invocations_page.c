// SPDX-License-Identifier: GPL-2.0-only
/* The invocations of one process: how much of what they touch stays, and for how many more. */
#include <math.h>
#include <stdio.h>

#include "user/base/units.h"
#include "user/view/dashboard/cells.h"
#include "user/view/dashboard/chart.h"
#include "user/view/invocation_text.h"

#define HEAD_ROWS 4				/* title, health, figures, what is not in them */
#define CURVE_ROWS (1 + INVOCATION_POINT_COUNT) /* with its heading */
#define LIST_ROWS_MIN 5 /* heading and four items; else the curve is one line */
#define LATER_COLS 11
#define SHARE_COLS 6
#define COUNT_COLS 6
#define FIGURES_FROM 60 /* columns: beside the bars there are the figures behind them */

/* Ended per second in the interval on show; NAN where that is not known. */
static double ended_per_s(const struct dashboard *dashboard, const struct process *process)
{
	const struct report *report = page_report(dashboard, process);
	const struct report *before = page_report_before(dashboard, process);
	double seconds;
	uint64_t ended;

	if (!report)
		return NAN;
	seconds = report->time_s - (before ? before->time_s : 0);
	ended = report->invocations_total - (before ? before->invocations_total : 0);
	return seconds > 0 ? (double)ended / seconds : NAN;
}

static void draw_growth(struct page_line *line, const struct report *report)
{
	enum style style = page_invocation_style(report);
	char text[INVOCATION_TEXT_LEN];

	invocation_growth_text(&report->per_invocation, text, sizeof(text));
	/* on a narrow screen without its interval */
	if (!page_line_add(line, style, "%s", text) && !isnan(report->per_invocation.estimate))
		page_line_add(line, style, "%s per invocation",
			      units_signed_bytes(text, report->per_invocation.estimate));
}

static void draw_figures(const struct dashboard *dashboard, struct grid *grid,
			 const struct report *report)
{
	const struct invocations_state *state = &dashboard->invocations;
	struct page_line line = {grid, 2, 1};
	char text[UNITS_TEXT_LEN];

	page_line_add(&line, STYLE_STRONG, "%s ended", units_whole(text, state->list.totals.ended));
	if (report)
		draw_growth(&line, report);
	page_line_add(&line, STYLE_NORMAL, "retained %s",
		      units_bytes(text, (double)state->list.retained * PAGE_BYTES));
	page_line_add(&line, STYLE_NORMAL, "%s/s",
		      units_count(text, ended_per_s(dashboard, state->process)));
}

/* What hurts the figures comes first, if there is any. */
static void draw_rest(const struct invocation_list *list, struct grid *grid)
{
	const struct invocation_totals *totals = &list->totals;
	struct invocation_flaw flaws[INVOCATION_FLAWS];
	struct page_line line = {grid, 3, 1};
	char text[UNITS_TEXT_LEN];
	char share[UNITS_TEXT_LEN];

	invocation_flaws(totals, flaws);
	page_line_add(&line, list->open ? STYLE_GOOD : STYLE_DIM, "%zu open", list->open);
	for (size_t i = 0; i < INVOCATION_FLAWS; i++) {
		if (flaws[i].count)
			page_line_add(&line, STYLE_WARNING, "%s %s",
				      units_whole(text, flaws[i].count), flaws[i].name);
	}
	if (!page_line_add(
		    &line, STYLE_NORMAL, "born outside of any %s (%s)",
		    units_bytes(text, (double)totals->born_outside * PAGE_BYTES),
		    units_share(share, totals->born_outside, totals->born_outside + totals->born)))
		page_line_add(&line, STYLE_NORMAL, "outside %s", text);
	page_line_add(&line, STYLE_NORMAL, "born inside %s",
		      units_bytes(text, (double)totals->born * PAGE_BYTES));
}

/* ---- the survival curve ---- */

/* "at their end", "10 later"; text holds UNITS_TEXT_LEN bytes. */
static char *later_text(char *text, unsigned int point)
{
	char count[UNITS_TEXT_LEN];

	if (invocation_later[point])
		snprintf(text, UNITS_TEXT_LEN, "%.12s later",
			 units_whole(count, invocation_later[point]));
	else
		snprintf(text, UNITS_TEXT_LEN, "their end");
	return text;
}

static void draw_point(struct cells cells, const struct invocation_survival *survival,
		       unsigned int point)
{
	bool known = survival->born;
	char text[UNITS_TEXT_LEN];

	cell_left(&cells, LATER_COLS, later_text(text, point));
	cell_right_as(&cells, known ? STYLE_STRONG : STYLE_DIM, SHARE_COLS,
		      known ? units_share(text, survival->resident, survival->born) : "-");
	if (cells.grid->cols >= FIGURES_FROM) {
		cell_pages_as(&cells, STYLE_NORMAL, survival->resident);
		cell_pages_as(&cells, STYLE_NORMAL, survival->born);
		cell_right_as(&cells, survival->invocations ? STYLE_NORMAL : STYLE_DIM, COUNT_COLS,
			      units_count(text, (double)survival->invocations));
	}
	if (!survival->invocations)
		grid_text(cells.grid, cells.row, cells.col, STYLE_DIM, "none has come so far");
	else if (!known)
		grid_text(cells.grid, cells.row, cells.col, STYLE_DIM, "no page was born in them");
	else if (cells.col + 1 < cells.grid->cols)
		chart_bar(cells.grid, cells.row, cells.col, cells.grid->cols - cells.col - 1,
			  STYLE_CLASS_RETAINED,
			  (double)survival->resident / (double)survival->born);
}

static void draw_curve(const struct invocation_list *list, struct grid *grid, unsigned int row)
{
	struct cells heading = {grid, row, 1, cells_bar(grid, row, false), false};

	cell_left(&heading, LATER_COLS, "LATER");
	cell_right(&heading, SHARE_COLS, "SHARE");
	if (grid->cols >= FIGURES_FROM) {
		cell_right(&heading, CELL_BYTES, "RESID");
		cell_right(&heading, CELL_BYTES, "BORN");
		cell_right(&heading, COUNT_COLS, "INVOC");
	}
	grid_text(grid, row, heading.col, heading.style, "STILL RESIDENT");
	for (unsigned int i = 0; i < INVOCATION_POINT_COUNT; i++) {
		struct cells cells = {grid, row + 1 + i, 1, STYLE_NORMAL, false};

		draw_point(cells, &list->survival[i], i);
	}
}

/* The same on a small screen: "end 62.1%  1: 51.0%  10: 50.2%" */
static void draw_curve_line(const struct invocation_list *list, struct grid *grid, unsigned int row)
{
	unsigned int col = 1;

	for (unsigned int i = 0; i < INVOCATION_POINT_COUNT; i++) {
		const struct invocation_survival *survival = &list->survival[i];
		char later[UNITS_TEXT_LEN], share[UNITS_TEXT_LEN] = "-";
		char text[2 * UNITS_TEXT_LEN + 2];

		if (survival->born)
			units_share(share, survival->resident, survival->born);
		snprintf(text, sizeof(text), "%s%s %s",
			 i ? units_count(later, invocation_later[i]) : "end", i ? ":" : "", share);
		if (col + grid_width(text) > grid->cols)
			break;
		col = grid_text(grid, row, col, survival->born ? STYLE_STRONG : STYLE_DIM, text) +
		      2;
	}
}

/* ---- the page ---- */

static void draw_how_to_mark(struct grid *grid)
{
	static const char *const lines[] = {
		"No invocation has been seen in this process.",
		"To mark them, start tidemark with --invocation, one of",
		"  usdt:PROVIDER:START,END   two USDT probes",
		"  func:BINARY:FUNCTION      a function's entry and return",
	};

	for (unsigned int i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		grid_text(grid, HEAD_ROWS - 1 + i, 1, i ? STYLE_NORMAL : STYLE_STRONG, lines[i]);
}

static void draw_body(struct dashboard *dashboard, const struct dashboard_input *input,
		      struct grid *grid, unsigned int rows)
{
	struct invocations_state *state = &dashboard->invocations;
	unsigned int row = HEAD_ROWS;

	if (rows >= HEAD_ROWS + CURVE_ROWS + LIST_ROWS_MIN) {
		draw_curve(&state->list, grid, row);
		row += CURVE_ROWS;
	} else if (rows > row) {
		draw_curve_line(&state->list, grid, row++);
	}
	if (rows > row + 1)
		invocation_list_draw(&state->list, page_now(dashboard, input), &state->scroll, grid,
				     row, rows - row);
}

static void invocations_draw(struct dashboard *dashboard, const struct dashboard_input *input,
			     struct grid *grid, unsigned int rows)
{
	struct invocations_state *state = &dashboard->invocations;
	const struct report *report;
	struct page_health health;

	if (!page_has_process(input, state->process)) {
		invocation_list_release(&state->list);
		state->process = NULL;
		dashboard->page = &overview_page;
		overview_page.draw(dashboard, input, grid, rows);
		return;
	}
	report = page_report(dashboard, state->process);
	invocation_list_update(&state->list, state->process, report ? report->interval : 0,
			       dashboard->frozen);
	health = page_health_of(state->process, report);
	page_draw_title(dashboard, input, grid, state->process, "invocations");
	page_draw_health(input, grid, 1, &health);
	if (!invocation_any(&state->list.totals)) {
		draw_how_to_mark(grid);
		return;
	}
	draw_figures(dashboard, grid, report);
	draw_rest(&state->list, grid);
	draw_body(dashboard, input, grid, rows);
}

static void invocations_key(struct dashboard *dashboard, int key,
			    const struct dashboard_input *input)
{
	struct invocations_state *state = &dashboard->invocations;

	(void)input;
	if (key == DASHBOARD_KEY_ESC || key == DASHBOARD_KEY_BACKSPACE)
		dashboard->page = state->back;
	else
		page_scroll_key(&state->scroll, key);
}

void invocations_page_open(struct dashboard *dashboard, const struct process *process)
{
	struct invocations_state *state = &dashboard->invocations;

	if (state->process != process) {
		invocation_list_release(&state->list);
		*state = (struct invocations_state){.process = process};
	}
	state->back = dashboard->page;
	dashboard->page = &invocations_page;
}

static const struct page_key keys[] = {
	{"Esc", "back", "back (also Backspace)"},
	{"Up Down", "scroll", "scroll the newest invocations (also k j, PgUp PgDn, Home End)"},
	{NULL, NULL, NULL},
};

const struct page invocations_page = {
	.name = "Invocations",
	.keys = keys,
	.draw = invocations_draw,
	.key = invocations_key,
};
