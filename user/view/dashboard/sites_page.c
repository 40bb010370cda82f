// SPDX-License-Identifier: GPL-2.0-only
/* The sites of one process: a row per call stack that its pages were first touched under. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "user/base/units.h"
#include "user/stack/frames.h"
#include "user/view/dashboard/cells.h"
#include "user/view/dashboard/sites.h"
#include "user/view/site_text.h"

#define HEAD_ROWS 3 /* title, health, what the list rests on */
#define ALLOC_COLS 8
#define SHARE_COLS 5
#define AGE_COLS 7
#define TITLE_LEN 256
#define TITLE_COLS_MIN 40 /* columns of figures give way to it */
#define TITLE_COLS_LEAST 12
/* A screen with so many rows has room for the selected site's stack, in so many of them. */
#define PREVIEW_FROM 32
#define PREVIEW_ROWS_MAX 22
#define REST_EVERY 30 /* lists */

/* What the cells of a row are made from. */
struct site_context {
	const struct process *process;
	const struct site_rows *rows;
	const struct report *report; /* may be NULL */
	const char *off;	     /* what sites_off() says */
};

static void cell_resident(struct cells *cells, const struct site_context *context,
			  const struct site *site)
{
	enum style style = site->stack ? STYLE_STRONG : STYLE_DIM;
	unsigned int start = cells->col;
	char text[UNITS_TEXT_LEN];

	(void)context;
	units_bytes(text, (double)site->resident * PAGE_BYTES);
	cell_right_as(cells, style, CELL_BYTES, text);
	/* in the blank before the figure */
	if (site->estimated && grid_width(text) <= CELL_BYTES)
		grid_put(cells->grid, cells->row, start + CELL_BYTES - grid_width(text) - 1,
			 cells->selected ? STYLE_SELECTED : style, '~');
}

static void cell_retained(struct cells *cells, const struct site_context *context,
			  const struct site *site)
{
	(void)context;
	cell_pages_as(cells, cells->style, site->retained);
}

static void cell_share(struct cells *cells, const struct site_context *context,
		       const struct site *site)
{
	char text[UNITS_TEXT_LEN];

	cell_right(cells, SHARE_COLS, units_share(text, site->resident, context->rows->resident));
}

static void cell_growth(struct cells *cells, const struct site_context *context,
			const struct site *site)
{
	enum style style = site_growth_style(context->rows, site, context->report);
	char text[UNITS_TEXT_LEN];

	if (!site->growth)
		style = STYLE_DIM;
	cell_right_as(cells, style == STYLE_NORMAL ? cells->style : style, CELL_SIGNED,
		      site_growth(context->rows, site, text));
}

static void cell_age(struct cells *cells, const struct site_context *context, double age_s)
{
	char text[UNITS_TEXT_LEN];

	cell_right(cells, AGE_COLS, site_age(context->rows, age_s, text));
}

static void cell_oldest(struct cells *cells, const struct site_context *context,
			const struct site *site)
{
	cell_age(cells, context, site->oldest_s);
}

static void cell_newest(struct cells *cells, const struct site_context *context,
			const struct site *site)
{
	cell_age(cells, context, site->newest_s);
}

static void cell_mean(struct cells *cells, const struct site_context *context,
		      const struct site *site)
{
	cell_age(cells, context, site->mean_s);
}

static void cell_allocator(struct cells *cells, const struct site_context *context,
			   const struct site *site)
{
	uint32_t seen = stack_view_allocator(context->process, site->stack);
	uint32_t allocator = site_text_allocator(context->process, site);

	/* dim where it is not seen in the stack, only known to be in the process */
	cell_left_as(cells, seen == allocator ? cells->style : STYLE_DIM, ALLOC_COLS,
		     site->stack ? allocator_name(allocator) : "-");
}

#define NO_SORT SITE_SORT_COUNT

/* The columns before the title, in their order. */
static const struct site_column {
	const char *title;
	unsigned int width;
	unsigned int priority; /* on narrow screens those with a higher number go first */
	bool left;
	unsigned int sort; /* enum site_sort; NO_SORT: it is never sorted by it */
	void (*draw)(struct cells *cells, const struct site_context *context,
		     const struct site *site);
} columns[] = {
	{"RESID", CELL_BYTES, 1, false, SITE_SORT_RESIDENT, cell_resident},
	{"RETAIN", CELL_BYTES, 3, false, SITE_SORT_RETAINED, cell_retained},
	{"SHARE", SHARE_COLS, 5, false, NO_SORT, cell_share},
	{"GROWTH", CELL_SIGNED, 2, false, SITE_SORT_GROWTH, cell_growth},
	{"OLDEST", AGE_COLS, 7, false, NO_SORT, cell_oldest},
	{"NEWEST", AGE_COLS, 8, false, NO_SORT, cell_newest},
	{"AGE", AGE_COLS, 4, false, SITE_SORT_AGE, cell_mean},
	{"ALLOC", ALLOC_COLS, 6, true, NO_SORT, cell_allocator},
};
#define COLUMN_COUNT (sizeof(columns) / sizeof(*columns))

struct site_layout {
	bool shown[COLUMN_COUNT];
	unsigned int title_cols;
};

static struct site_layout site_layout(unsigned int cols, enum site_sort sort)
{
	unsigned int least = cols < 60 ? TITLE_COLS_LEAST : TITLE_COLS_MIN;
	struct site_layout layout = {.title_cols = cols > 2 ? cols - 2 : 0};

	/* By priority; the one it is sorted by is not left out. */
	for (unsigned int priority = 0; priority <= COLUMN_COUNT; priority++) {
		for (size_t i = 0; i < COLUMN_COUNT; i++) {
			unsigned int wanted = columns[i].sort == sort ? 0 : columns[i].priority;

			if (wanted != priority || layout.title_cols < columns[i].width + 1 + least)
				continue;
			layout.shown[i] = true;
			layout.title_cols -= columns[i].width + 1;
		}
	}
	return layout;
}

/* Known stacks have a title, the others a reason. text holds TITLE_LEN bytes. */
static void site_title(const struct site_context *context, const struct site *site, char *text)
{
	const struct process *process = context->process;
	const struct stack *stack =
		process->stacks && site->stack ? stacks_get(process->stacks, site->stack) : NULL;
	size_t used;

	if (!site->stack) {
		snprintf(text, TITLE_LEN, "(%s)", site_reason(site, context->off));
		return;
	}
	if (!stack || context->off) {
		snprintf(text, TITLE_LEN, "stack %" PRIu32, site->stack);
		return;
	}
	used = strlen(stack_title(process->symbols, stack, text, TITLE_LEN));
	if (stack->end != STACK_END_COMPLETE)
		snprintf(text + used, TITLE_LEN - used, " (%s)", stack_end_name(stack->end));
}

static void draw_site_title(const struct cells *cells, const struct site_context *context,
			    const struct site_row *row, unsigned int width)
{
	enum style style = cells->selected ? STYLE_SELECTED : cells->style;
	unsigned int left = width;
	char stacks[32] = "";
	char text[TITLE_LEN];

	/* how many they are is seen, also where the title has to be cut */
	if (row->stacks > 1)
		snprintf(stacks, sizeof(stacks), " x%" PRIu32, row->stacks);
	if (grid_width(stacks) * 3 < width)
		left -= grid_width(stacks);
	else
		stacks[0] = '\0';
	site_title(context, &row->site, text);
	grid_left(cells->grid, cells->row, cells->col, left, style, text);
	if (grid_width(text) < left)
		left = grid_width(text);
	grid_text(cells->grid, cells->row, cells->col + left,
		  cells->selected ? STYLE_SELECTED : STYLE_DIM, stacks);
}

/* ---- drawing ---- */

/* The time that growth is about: "1s", "0.5s", in whole reporting intervals where it is. */
static void growth_span(const struct site_rows *rows, const struct dashboard_input *input,
			char text[UNITS_TEXT_LEN])
{
	double interval_s = input->interval_ms / 1000.0;
	double count = interval_s > 0 ? round(rows->seconds / interval_s) : 0;

	snprintf(text, UNITS_TEXT_LEN, "%.3gs", count >= 1 ? count * interval_s : rows->seconds);
}

/* What the list rests on: how many sites, what is not known, what is estimated. */
static void draw_summary(const struct dashboard *dashboard, const struct dashboard_input *input,
			 struct grid *grid)
{
	const struct site_rows *rows = &dashboard->sites.rows;
	const char *off = sites_off(input, dashboard->sites.process, rows);
	struct page_line line = {grid, HEAD_ROWS - 1, 1};
	char text[UNITS_TEXT_LEN];

	if (off) {
		grid_left(grid, HEAD_ROWS - 1, 1, grid->cols - 1, STYLE_WARNING, off);
		return;
	}
	page_line_add(&line, STYLE_STRONG, "%zu site%s", rows->site_count,
		      rows->site_count == 1 ? "" : "s");
	if (rows->count < rows->site_count) {
		line.col -= 2;
		page_line_add(&line, STYLE_NORMAL, "in %zu row%s", rows->count,
			      rows->count == 1 ? "" : "s");
	}
	page_line_add(&line,
		      !rows->unknown			   ? STYLE_DIM
		      : rows->unknown * 2 > rows->resident ? STYLE_WARNING
							   : STYLE_NORMAL,
		      "unknown %s", units_share(text, rows->unknown, rows->resident));
	if (input->stack_weight > 1)
		page_line_add(&line, STYLE_WARNING, "1 stack in %" PRIu32 " faults",
			      input->stack_weight);
	if (rows->estimated)
		page_line_add(&line, STYLE_NORMAL, "~ %s estimated",
			      units_share(text, rows->estimated, rows->resident));
	if (rows->seconds > 0) {
		growth_span(rows, input, text);
		page_line_add(&line, STYLE_DIM, "growth in %s", text);
	}
}

static void draw_headings(const struct dashboard *dashboard, const struct site_layout *layout,
			  struct grid *grid, unsigned int row)
{
	const struct sites_state *state = &dashboard->sites;
	struct cells cells = {grid, row, 1, cells_bar(grid, row, false), false};

	for (size_t i = 0; i < COLUMN_COUNT; i++) {
		if (layout->shown[i])
			cell_heading(&cells, columns[i].width, columns[i].title, !columns[i].left,
				     columns[i].sort == state->order.by, state->order.ascending);
	}
	cells.col = grid_text(grid, row, cells.col, cells.style, "FIRST TOUCHED IN");
	cells_position(grid, row, cells.col, cells.style, &state->scroll, state->rows.count);
}

static void draw_site(struct cells cells, const struct site_context *context,
		      const struct site_layout *layout, const struct site_row *row)
{
	for (size_t i = 0; i < COLUMN_COUNT; i++) {
		if (layout->shown[i])
			columns[i].draw(&cells, context, &row->site);
	}
	draw_site_title(&cells, context, row, layout->title_cols);
}

/* The row of the selected site; one that vanished gives way to who took its row. */
static size_t select_row(struct sites_state *state)
{
	const struct site_rows *rows = &state->rows;
	const struct site_row *row = site_rows_find(rows, state->selected);

	if (row)
		state->selected_row = (size_t)(row - rows->items);
	else if (state->selected_row >= rows->count)
		state->selected_row = rows->count - 1;
	state->selected = rows->items[state->selected_row].key;
	return state->selected_row;
}

static void draw_table(struct dashboard *dashboard, const struct dashboard_input *input,
		       struct grid *grid, unsigned int row, unsigned int rows)
{
	struct sites_state *state = &dashboard->sites;
	struct site_layout layout = site_layout(grid->cols, state->order.by);
	struct site_context context = {
		.process = state->process,
		.rows = &state->rows,
		.report = page_report(dashboard, state->process),
		.off = sites_off(input, state->process, &state->rows),
	};
	size_t selected = 0;

	if (state->rows.count) {
		selected = select_row(state);
		page_scroll_to(&state->scroll, selected, state->rows.count, rows - 1);
	}
	draw_headings(dashboard, &layout, grid, row);
	for (unsigned int i = 0; i + 1 < rows && state->scroll.top + i < state->rows.count; i++) {
		const struct site_row *item = &state->rows.items[state->scroll.top + i];
		struct cells cells = {grid, row + 1 + i, 1,
				      item->site.stack ? STYLE_NORMAL : STYLE_DIM, false};

		if (state->scroll.top + i == selected)
			cells_select(&cells);
		draw_site(cells, &context, &layout, item);
	}
	if (!state->rows.count)
		grid_text(grid, row + 1, 1, STYLE_DIM,
			  state->rows.failed	? "no memory for the list of sites"
			  : state->rows.time_ns ? "no anonymous pages are resident"
						: "the first list comes with the next interval");
}

/* Rows for the stack of the selected site, on a large screen. */
static unsigned int preview_rows(const struct sites_state *state, unsigned int rows)
{
	unsigned int wanted = rows * 2 / 5;

	if (rows < PREVIEW_FROM || !state->rows.count || !state->process->symbols)
		return 0;
	return wanted < PREVIEW_ROWS_MAX ? wanted : PREVIEW_ROWS_MAX;
}

/*
 * What reads symbols is kept while the page is open, for each list may bring new sites, but not
 * for ever.
 */
static void rest_symbols(struct dashboard *dashboard)
{
	struct sites_state *state = &dashboard->sites;

	if (dashboard->frozen || !state->process->symbols ||
	    state->rows.time_ns == state->process->sites.time_ns)
		return;
	if (++state->lists % REST_EVERY == 0)
		symbols_rest(state->process->symbols);
}

static void sites_draw(struct dashboard *dashboard, const struct dashboard_input *input,
		       struct grid *grid, unsigned int rows)
{
	struct sites_state *state = &dashboard->sites;
	struct page_health health;
	unsigned int preview;

	if (!page_has_process(input, state->process)) {
		site_rows_release(&state->rows);
		state->process = NULL;
		dashboard->page = &overview_page;
		overview_page.draw(dashboard, input, grid, rows);
		return;
	}
	rest_symbols(dashboard);
	site_rows_update(&state->rows, &state->keys, state->process, dashboard->frozen,
			 state->order);
	health = page_health_of(state->process, page_report(dashboard, state->process));
	page_draw_title(dashboard, input, grid, state->process, "sites");
	page_draw_health(input, grid, 1, &health);
	draw_summary(dashboard, input, grid);
	preview = preview_rows(state, rows);
	if (rows > HEAD_ROWS)
		draw_table(dashboard, input, grid, HEAD_ROWS, rows - HEAD_ROWS - preview);
	if (preview)
		stack_view_draw(&state->preview, state->process,
				state->rows.items[state->selected_row].site.stack, grid,
				rows - preview, preview, false);
}

/* ---- keys ---- */

static void move_selection(struct sites_state *state, int key)
{
	if (!state->rows.count)
		return;
	state->selected_row =
		page_select_key(select_row(state), key, state->rows.count, state->scroll.rows);
	state->selected = state->rows.items[state->selected_row].key;
}

static bool sort_by_letter(struct sites_state *state, int key)
{
	static const int letters[SITE_SORT_COUNT] = {
		[SITE_SORT_RESIDENT] = 'M',
		[SITE_SORT_RETAINED] = 'T',
		[SITE_SORT_GROWTH] = 'G',
		[SITE_SORT_AGE] = 'A',
	};

	for (unsigned int i = 0; i < SITE_SORT_COUNT; i++) {
		if (letters[i] != key)
			continue;
		state->order.by = (enum site_sort)i;
		state->order.ascending = false;
		return true;
	}
	return false;
}

static void move_sort(struct sites_state *state, unsigned int step)
{
	state->order.by = (enum site_sort)((state->order.by + step) % SITE_SORT_COUNT);
	state->order.ascending = false;
}

/* What is selected stays so, or what it becomes a part of. */
static void toggle_merged(struct sites_state *state)
{
	const struct site *site =
		state->rows.count ? &state->rows.items[select_row(state)].site : NULL;

	state->order.merged = !state->order.merged;
	if (site)
		state->selected = state->order.merged ? site_key(&state->keys, state->process, site)
						      : site_key_exact(site);
}

/* Names are looked up no more: what that took is given back. */
void sites_leave(struct dashboard *dashboard, const struct dashboard_input *input,
		 const struct process *process, const struct page *back)
{
	if (page_has_process(input, process) && process->symbols)
		symbols_rest(process->symbols);
	dashboard->page = back;
}

static void sites_key(struct dashboard *dashboard, int key, const struct dashboard_input *input)
{
	struct sites_state *state = &dashboard->sites;

	switch (key) {
	case DASHBOARD_KEY_ESC:
	case DASHBOARD_KEY_BACKSPACE:
		sites_leave(dashboard, input, state->process, state->back);
		break;
	case DASHBOARD_KEY_ENTER:
		if (page_has_process(input, state->process) && state->rows.count)
			stack_page_open_site(dashboard, state->process,
					     &state->rows.items[select_row(state)]);
		break;
	case '<':
	case DASHBOARD_KEY_LEFT:
		move_sort(state, SITE_SORT_COUNT - 1);
		break;
	case '>':
	case DASHBOARD_KEY_RIGHT:
		move_sort(state, 1);
		break;
	case 'f':
		if (page_has_process(input, state->process))
			toggle_merged(state);
		break;
	case 'r':
		state->order.ascending = !state->order.ascending;
		break;
	default:
		if (!sort_by_letter(state, key))
			move_selection(state, key);
	}
}

void sites_page_open(struct dashboard *dashboard, const struct process *process)
{
	struct sites_state *state = &dashboard->sites;

	if (state->process != process) {
		site_rows_release(&state->rows);
		*state = (struct sites_state){
			.process = process, .order = state->order, .keys = state->keys};
	}
	state->back = dashboard->page;
	dashboard->page = &sites_page;
}

static const struct page_key keys[] = {
	{"Esc", "back", "back (also Backspace)"},
	{"Enter", "stack", "the whole call stack of the selected site"},
	{"< >", "sort", "sort by resident, retained, growth, age (also the arrow keys)"},
	{"f", "functions", "a row per function and its callers, or per call stack"},
	{"r", "reverse", "reverse the order"},
	{"M T G A", NULL, "sort by resident, retained, growth, age"},
	{"Up Down", "select", "select a site (also k j, PgUp PgDn, Home End)"},
	{NULL, NULL, NULL},
};

const struct page sites_page = {
	.name = "Sites",
	.keys = keys,
	.draw = sites_draw,
	.key = sites_key,
};
