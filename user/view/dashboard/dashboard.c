// SPDX-License-Identifier: GPL-2.0-only
#include "user/view/dashboard/dashboard.h"

#include <stdio.h>
#include <stdlib.h>

#include "user/view/dashboard/sites.h"

/* First at the foot, so that they stay on a narrow screen. */
const struct page_key page_common_keys[] = {
	{"?", "help", "this help; again, Esc or Backspace: back"},
	{"q", "quit", "quit (also Ctrl-C)"},
	{"Space", "freeze", "freeze the display; again: go on. The watch goes on meanwhile"},
	{NULL, NULL, NULL},
};

struct dashboard *dashboard_new(bool utf8)
{
	struct dashboard *dashboard = calloc(1, sizeof(*dashboard));

	if (!dashboard)
		return NULL;
	dashboard->utf8 = utf8;
	dashboard->page = &overview_page;
	dashboard->back = &overview_page;
	dashboard->overview.sort = field_find("growth_bytes_per_hour");
	dashboard->sites.order.merged = true;
	return dashboard;
}

void dashboard_free(struct dashboard *dashboard)
{
	if (!dashboard)
		return;
	mapping_list_release(&dashboard->process.mappings);
	site_rows_release(&dashboard->sites.rows);
	site_keys_release(&dashboard->sites.keys);
	invocation_list_release(&dashboard->invocations.list);
	free(dashboard->overview.order);
	free(dashboard);
}

static void toggle_frozen(struct dashboard *dashboard, const struct dashboard_input *input)
{
	dashboard->frozen = !dashboard->frozen;
	dashboard->frozen_ns = input->now_ns;
	dashboard->frozen_interval = 0;
	for (size_t i = 0; i < input->count; i++) {
		const struct report *report = process_newest(input->processes[i]);

		if (report && report->interval > dashboard->frozen_interval)
			dashboard->frozen_interval = report->interval;
	}
}

bool dashboard_key(struct dashboard *dashboard, int key, const struct dashboard_input *input)
{
	switch (key) {
	case 'q':
	case 'Q':
	case 'c' & 0x1f: /* a terminal in raw mode passes Ctrl-C on */
	case DASHBOARD_KEY_HANGUP:
		return true;
	case ' ':
		toggle_frozen(dashboard, input);
		return false;
	case '?':
	case 'h':
		if (dashboard->page == &help_page) {
			dashboard->page = dashboard->back;
		} else {
			dashboard->back = dashboard->page;
			dashboard->page = &help_page;
			dashboard->help.top = 0;
		}
		return false;
	case '\n':
		key = DASHBOARD_KEY_ENTER;
		break;
	case '\b':
	case 0x7f:
		key = DASHBOARD_KEY_BACKSPACE;
		break;
	default:
		break;
	}
	dashboard->page->key(dashboard, key, input);
	return false;
}

static unsigned int draw_keys(struct grid *grid, unsigned int row, unsigned int col,
			      const struct page_key *keys)
{
	for (; keys->key; keys++) {
		if (!keys->action)
			continue;
		if (col + grid_width(keys->key) + 1 + grid_width(keys->action) > grid->cols)
			continue;
		col = grid_text(grid, row, col, STYLE_KEY, keys->key);
		col = grid_text(grid, row, col + 1, STYLE_NORMAL, keys->action) + 2;
	}
	return col;
}

static void draw_too_small(struct grid *grid)
{
	char need[32];

	grid_text(grid, 0, 0, STYLE_ALARM, "too small");
	snprintf(need, sizeof(need), "need %ux%u", DASHBOARD_COLS_MIN, DASHBOARD_ROWS_MIN);
	grid_text(grid, 1, 0, STYLE_NORMAL, need);
	grid_text(grid, 2, 0, STYLE_NORMAL, "q quits");
}

void dashboard_draw(struct dashboard *dashboard, const struct dashboard_input *input,
		    struct grid *grid)
{
	unsigned int foot = 1;
	unsigned int col;

	grid->ascii = !dashboard->utf8;
	grid_clear(grid);
	if (grid->rows < DASHBOARD_ROWS_MIN || grid->cols < DASHBOARD_COLS_MIN) {
		draw_too_small(grid);
		return;
	}
	if (input->message && *input->message) {
		foot++;
		grid_left(grid, grid->rows - 2, 1, grid->cols - 2, STYLE_WARNING, input->message);
	}
	dashboard->page->draw(dashboard, input, grid, grid->rows - foot);
	/* Drawing may have turned the page: the process on show is gone. */
	col = draw_keys(grid, grid->rows - 1, 1, page_common_keys);
	draw_keys(grid, grid->rows - 1, col, dashboard->page->keys);
	if (dashboard->frozen)
		grid_text(grid, 0, grid->cols - 8, STYLE_ALARM, " FROZEN ");
}
