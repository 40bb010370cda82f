// SPDX-License-Identifier: GPL-2.0-only
/* One call stack on a page of its own: that of a site, or the one that made a mapping. */
#include <inttypes.h>
#include <stdio.h>

#include "user/base/units.h"
#include "user/view/dashboard/sites.h"
#include "user/view/site_text.h"

#define HEAD_ROWS 3 /* title, health, figures */

static void draw_site_figures(const struct dashboard *dashboard, struct grid *grid)
{
	const struct stack_state *state = &dashboard->stack;
	const struct site_rows *rows = &dashboard->sites.rows;
	const struct site *site = &state->row.site;
	struct page_line line = {grid, HEAD_ROWS - 1, 1};
	char text[UNITS_TEXT_LEN];
	char share[UNITS_TEXT_LEN];

	page_line_add(&line, STYLE_STRONG, "resident %s%s (%s)", site->estimated ? "~" : "",
		      units_bytes(text, (double)site->resident * PAGE_BYTES),
		      units_share(share, site->resident, rows->resident));
	page_line_add(&line, STYLE_NORMAL, "retained %s",
		      units_bytes(text, (double)site->retained * PAGE_BYTES));
	page_line_add(&line, site_growth_style(rows, site, page_report(dashboard, state->process)),
		      "growth %s", site_growth(rows, site, text));
	if (state->row.stacks > 1)
		page_line_add(&line, STYLE_NORMAL, "1 of %" PRIu32 " stacks", state->row.stacks);
	if (site->stack)
		page_line_add(&line, STYLE_NORMAL, "allocator %s",
			      allocator_name(site_text_allocator(state->process, site)));
	page_line_add(&line, STYLE_NORMAL, "mean age %s", site_age(rows, site->mean_s, text));
	page_line_add(&line, STYLE_NORMAL, "oldest %s", site_age(rows, site->oldest_s, text));
	page_line_add(&line, STYLE_NORMAL, "newest %s", site_age(rows, site->newest_s, text));
	if (site->lazy)
		page_line_add(&line, STYLE_NORMAL, "lazily freed %s",
			      units_bytes(text, (double)site->lazy * PAGE_BYTES));
}

static void draw_mapping_figures(const struct stack_state *state, struct grid *grid)
{
	const struct mapping_report *report = &state->mapping.report;
	struct page_line line = {grid, HEAD_ROWS - 1, 1};
	char text[UNITS_TEXT_LEN];

	page_line_add(&line, STYLE_STRONG, "%" PRIx64 "-%" PRIx64, report->start, report->end);
	page_line_add(&line, STYLE_NORMAL, "%s%s%s", mapping_kind_name(report->kind),
		      *state->mapping.name ? " " : "", state->mapping.name);
	page_line_add(&line, STYLE_NORMAL, "resident %s",
		      units_bytes(text, (double)report->resident * PAGE_BYTES));
	if (report->stack)
		page_line_add(&line, STYLE_NORMAL, "allocator %s",
			      allocator_name(stack_view_allocator(state->process, report->stack)));
	else if (*state->mapping.owner)
		page_line_add(&line, STYLE_NORMAL, "owner %s", state->mapping.owner);
	page_line_add(&line, STYLE_NORMAL, "size %s",
		      units_bytes(text, (double)(report->end - report->start)));
}

/* Where there is no stack: why, and what can be done. */
static void draw_unknown(const struct dashboard *dashboard, const struct dashboard_input *input,
			 struct grid *grid)
{
	const struct stack_state *state = &dashboard->stack;
	const char *off = sites_off(input, state->process, &dashboard->sites.rows);
	const char *why =
		state->of_mapping
			? "made before the watch began, by exec, or its stack was not taken"
			: site_reason(&state->row.site, off);
	unsigned int row = HEAD_ROWS + 1;

	grid_text(grid, row, 1, STYLE_NORMAL, "There is no call stack for this:");
	grid_left(grid, row + 1, 1, grid->cols - 1, STYLE_NORMAL, why);
	if (off && (!state->of_mapping || !state->process->stacks))
		grid_left(grid, row + 2, 1, grid->cols - 1, STYLE_WARNING, off);
}

/* The list that is on show may have newer figures of the site, or none any more. */
static void refresh_site(struct dashboard *dashboard)
{
	struct stack_state *state = &dashboard->stack;
	const struct site_row *row;
	struct site none = {.stack = state->row.site.stack, .reason = state->row.site.reason};

	site_rows_update(&dashboard->sites.rows, &dashboard->sites.keys, state->process,
			 dashboard->frozen, dashboard->sites.order);
	row = site_rows_find(&dashboard->sites.rows, state->row.key);
	if (!row) {
		state->row.site = none;
		return;
	}
	state->row = *row;
	/* the stack that is being read stays, also if another one has become larger */
	state->row.site.stack = none.stack;
}

static void stack_draw(struct dashboard *dashboard, const struct dashboard_input *input,
		       struct grid *grid, unsigned int rows)
{
	struct stack_state *state = &dashboard->stack;
	struct page_health health;
	uint32_t stack;

	if (!page_has_process(input, state->process)) {
		state->process = NULL;
		dashboard->page = &overview_page;
		overview_page.draw(dashboard, input, grid, rows);
		return;
	}
	stack = state->of_mapping ? state->mapping.report.stack : state->row.site.stack;
	health = page_health_of(state->process, page_report(dashboard, state->process));
	page_draw_title(dashboard, input, grid, state->process,
			state->of_mapping ? "who made this mapping"
					  : "who first touched these pages");
	page_draw_health(input, grid, 1, &health);
	if (state->of_mapping) {
		draw_mapping_figures(state, grid);
	} else {
		refresh_site(dashboard);
		draw_site_figures(dashboard, grid);
	}
	if (rows <= HEAD_ROWS)
		return;
	stack_view_draw(&state->view, state->process, stack, grid, HEAD_ROWS, rows - HEAD_ROWS,
			true);
	if (!stack || !state->process->stacks || !state->process->symbols)
		draw_unknown(dashboard, input, grid);
}

static void stack_key(struct dashboard *dashboard, int key, const struct dashboard_input *input)
{
	struct stack_state *state = &dashboard->stack;

	switch (key) {
	case DASHBOARD_KEY_ESC:
	case DASHBOARD_KEY_BACKSPACE:
		sites_leave(dashboard, input, state->process, state->back);
		break;
	case 'a':
		state->view.unfolded = !state->view.unfolded;
		state->view.scroll.top = 0;
		break;
	default:
		page_scroll_key(&state->view.scroll, key);
	}
}

static void open_stack(struct dashboard *dashboard, const struct stack_state *state)
{
	bool unfolded = dashboard->stack.view.unfolded;

	dashboard->stack = *state;
	dashboard->stack.view.unfolded = unfolded;
	dashboard->stack.back = dashboard->page;
	dashboard->page = &stack_page;
}

void stack_page_open_site(struct dashboard *dashboard, const struct process *process,
			  const struct site_row *row)
{
	struct stack_state state = {.process = process, .row = *row};

	open_stack(dashboard, &state);
}

void stack_page_open_mapping(struct dashboard *dashboard, const struct process *process,
			     const struct mapping_row *mapping)
{
	struct stack_state state = {.process = process, .of_mapping = true, .mapping = *mapping};

	open_stack(dashboard, &state);
}

static const struct page_key keys[] = {
	{"Esc", "back", "back (also Backspace)"},
	{"a", "all frames", "show the allocator's and the C library's frames, or fold them again"},
	{"Up Down", "scroll", "scroll (also k j, PgUp PgDn, Home End)"},
	{NULL, NULL, NULL},
};

const struct page stack_page = {
	.name = "Call stack",
	.keys = keys,
	.draw = stack_draw,
	.key = stack_key,
};
