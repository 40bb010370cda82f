// SPDX-License-Identifier: GPL-2.0-only
/* The overview: a row per process. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/units.h"
#include "user/view/dashboard/cells.h"
#include "user/view/dashboard/chart.h"
#include "user/view/dashboard/sites.h"

#define GROWTH_FIELD "growth_bytes_per_hour" /* what has ended grows no more */
#define HEAD_ROWS 3			     /* title, health, headings */
#define COLUMNS_MAX 32
#define PRIORITY_MAIN 5		/* fields.c: command, size, process, verdict, growth */
#define PRIORITY_BELOW_CHART 15 /* the chart of RSS matters more */
#define TEXT_COLS_MIN 8		/* text columns shrink to this before others go */
#define SPARK_COLS_MIN 4
#define SPARK_COLS_WANTED 6
#define SPARK_COLS_MAX 120

struct column {
	const struct field *field;
	unsigned int width;
	unsigned int priority; /* the field's; of the one that is sorted by 0: it stays */
};

struct layout {
	struct column columns[COLUMNS_MAX];
	size_t count;
	unsigned int spark_col;
	unsigned int spark_cols; /* 0: no room */
};

/* "-" where there is no report yet; what a process is, it says without one. */
static const char *cell_text(const struct field *field, const struct process *process,
			     const struct report *report, char *text, size_t size)
{
	if (!report && field->shown & FIELD_IN_CSV)
		return "-";
	/* The grid makes names safe by itself, whatever the locale. */
	if (field->type == FIELD_TEXT)
		return field->get(process, report).text;
	return field_format(field, field->get(process, report), text, size);
}

/* Sorting. */

struct sort_by {
	const struct field *field;
	const struct dashboard *dashboard;
	bool ascending;
};

struct sort_key {
	const struct process *process;
	const char *text; /* of a text field, else NULL */
	double number;	  /* NAN: not known */
	size_t place;	  /* in order of attach: decides ties */
	bool ascending;
};

static struct sort_key make_sort_key(const struct sort_by *by, const struct process *process,
				     size_t place)
{
	const struct report *report = page_report(by->dashboard, process);
	bool is_text = by->field->type == FIELD_TEXT;
	struct sort_key key = {process, is_text ? "" : NULL, NAN, place, by->ascending};

	if (!report && by->field->shown & FIELD_IN_CSV)
		return key;
	if (is_text)
		key.text = by->field->get(process, report).text;
	else if (!process->ended || by->field != field_find(GROWTH_FIELD))
		key.number = field_number(by->field, by->field->get(process, report));
	return key;
}

static int compare_keys(const void *left, const void *right)
{
	const struct sort_key *a = left;
	const struct sort_key *b = right;
	int order = 0;

	/* What is not known goes last either way. */
	if (!a->text && isnan(a->number) != isnan(b->number))
		return isnan(a->number) ? 1 : -1;
	if (a->text)
		order = strcmp(a->text, b->text);
	else if (a->number < b->number || a->number > b->number)
		order = a->number < b->number ? -1 : 1;
	if (order)
		return a->ascending ? order : -order;
	return a->place < b->place ? -1 : a->place > b->place;
}

/* The processes as shown, in state memory; NULL without memory or processes. */
static const struct process **sort_processes(struct dashboard *dashboard,
					     const struct dashboard_input *input)
{
	struct overview_state *state = &dashboard->overview;
	struct sort_by by = {state->sort, dashboard, state->ascending};
	struct sort_key *keys;

	if (!input->count)
		return NULL;
	if (input->count > state->order_capacity) {
		const struct process **order =
			realloc((void *)state->order, input->count * sizeof(*order));

		if (!order)
			return NULL;
		state->order = order;
		state->order_capacity = input->count;
	}
	memcpy((void *)state->order, (const void *)input->processes,
	       input->count * sizeof(*state->order));
	keys = malloc(input->count * sizeof(*keys));
	if (!keys)
		return state->order; /* unsorted is better than nothing */
	for (size_t i = 0; i < input->count; i++)
		keys[i] = make_sort_key(&by, input->processes[i], i);
	qsort(keys, input->count, sizeof(*keys), compare_keys);
	for (size_t i = 0; i < input->count; i++)
		state->order[i] = keys[i].process;
	free(keys);
	return state->order;
}

/* The row of the selected process; one that vanished gives way to who took its row. */
static size_t select_row(struct overview_state *state, const struct process **order, size_t count)
{
	size_t row = state->selected_row < count ? state->selected_row : count - 1;

	for (size_t i = 0; i < count; i++) {
		if (order[i] == state->selected) {
			row = i;
			break;
		}
	}
	state->selected = order[row];
	state->selected_row = row;
	return row;
}

/* Layout. */

static unsigned int content_width(const struct field *field, const struct dashboard_input *input)
{
	unsigned int width = grid_width(field->title);

	/* Figures change all the time and keep their width; who they are about, and why, does not.
	 */
	if (field->type != FIELD_TEXT && field->shown & FIELD_IN_CSV)
		return field->width;
	for (size_t i = 0; i < input->count && width < field->width; i++) {
		char text[64];
		unsigned int wanted = grid_width(cell_text(field, input->processes[i],
							   process_newest(input->processes[i]),
							   text, sizeof(text)));

		if (wanted > width)
			width = wanted;
	}
	return width < field->width ? width : field->width;
}

/* Columns with a blank before each. */
static unsigned int layout_width(const struct layout *layout)
{
	unsigned int width = 0;

	for (size_t i = 0; i < layout->count; i++)
		width += layout->columns[i].width + 1;
	return width;
}

/* The column that matters least, of at least one. */
static size_t layout_worst(const struct layout *layout)
{
	size_t worst = 0;

	for (size_t i = 1; i < layout->count; i++)
		if (layout->columns[i].priority > layout->columns[worst].priority)
			worst = i;
	return worst;
}

static void layout_drop(struct layout *layout, size_t worst)
{
	layout->count--;
	memmove(&layout->columns[worst], &layout->columns[worst + 1],
		(layout->count - worst) * sizeof(layout->columns[0]));
}

/* Who it is about; the verdict, too, where all says so. */
static void layout_shrink_text(struct layout *layout, bool all, unsigned int wanted)
{
	for (size_t i = 0; i < layout->count; i++) {
		struct column *column = &layout->columns[i];

		if (column->field->shown & FIELD_IN_CSV && !all)
			continue;
		while (column->field->type == FIELD_TEXT && column->width > TEXT_COLS_MIN &&
		       layout_width(layout) > wanted)
			column->width--;
	}
}

/* The columns on demand that any process calls for. */
static unsigned int columns_demanded(const struct dashboard *dashboard,
				     const struct dashboard_input *input)
{
	unsigned int demands = 0;

	for (size_t i = 0; i < input->count; i++) {
		const struct report *report = page_report(dashboard, input->processes[i]);

		if (report)
			demands |= field_demands(report);
	}
	return demands;
}

static bool has_column(const struct field *field, unsigned int demands)
{
	return field->shown & FIELD_IN_OVERVIEW && field_is_demanded(field, demands);
}

static void layout_make(struct layout *layout, const struct dashboard *dashboard,
			const struct dashboard_input *input, unsigned int cols)
{
	unsigned int demands = columns_demanded(dashboard, input);
	unsigned int used;

	*layout = (struct layout){0};
	for (size_t i = 0; i < field_count && layout->count < COLUMNS_MAX; i++) {
		const struct field *field = &fields[i];

		if (has_column(field, demands))
			layout->columns[layout->count++] = (struct column){
				field, content_width(field, input),
				field == dashboard->overview.sort ? 0 : field->priority};
	}
	if (cols > SPARK_COLS_WANTED + 1)
		layout_shrink_text(layout, false, cols - SPARK_COLS_WANTED - 1);
	while (layout->count > 1 && layout_width(layout) + 1 + SPARK_COLS_MIN > cols) {
		size_t worst = layout_worst(layout);

		if (layout->columns[worst].priority < PRIORITY_BELOW_CHART)
			break;
		layout_drop(layout, worst);
	}
	while (layout->count > 1 && layout_width(layout) > cols) {
		size_t worst = layout_worst(layout);

		/* a short word for why is better than none of the main figures */
		if (layout->columns[worst].priority <= PRIORITY_MAIN)
			layout_shrink_text(layout, true, cols);
		if (layout_width(layout) > cols)
			layout_drop(layout, worst);
	}
	used = layout_width(layout) + 1;
	layout->spark_col = used;
	if (used + SPARK_COLS_MIN <= cols)
		layout->spark_cols = cols - used < SPARK_COLS_MAX ? cols - used : SPARK_COLS_MAX;
}

/* Drawing. */

static void draw_title(const struct dashboard *dashboard, const struct dashboard_input *input,
		       struct grid *grid)
{
	struct page_line line = {grid, 0, 1};
	struct page_health health = page_health_of_all(dashboard, input);
	double rss = 0;
	double retained = 0;
	double growth = 0;
	size_t alive = 0;
	char text[UNITS_TEXT_LEN];

	for (size_t i = 0; i < input->count; i++) {
		const struct process *process = input->processes[i];
		const struct report *report = page_report(dashboard, process);

		alive += !process->ended;
		if (!report || process->ended)
			continue;
		rss += (double)report->rss;
		retained += (double)report->retained;
		if (!isnan(report->growth_per_hour))
			growth += report->growth_per_hour;
	}
	grid_fill(grid, 0, 0, 1, grid->cols, STYLE_TITLE, ' ');
	page_line_add(&line, STYLE_TITLE, "tidemark");
	page_line_add(&line, STYLE_TITLE, "%zu process%s", alive, alive == 1 ? "" : "es");
	if (alive < input->count) {
		line.col--;
		page_line_add(&line, STYLE_TITLE, "%zu ended", input->count - alive);
	}
	page_line_add(&line, STYLE_TITLE, "RSS %s", units_bytes(text, rss));
	page_line_add(&line, STYLE_TITLE, "retained %s", units_bytes(text, retained));
	page_line_add(&line, STYLE_TITLE, "growth %s/h", units_signed_bytes(text, growth));
	page_draw_health(input, grid, 1, &health);
}

static void draw_headings(const struct dashboard *dashboard, const struct layout *layout,
			  struct grid *grid)
{
	const struct overview_state *state = &dashboard->overview;
	struct cells cells = {grid, HEAD_ROWS - 1, 1, cells_bar(grid, HEAD_ROWS - 1, false), false};

	for (size_t i = 0; i < layout->count; i++) {
		const struct field *field = layout->columns[i].field;

		cell_heading(&cells, layout->columns[i].width, field->title,
			     field->type != FIELD_TEXT, field == state->sort, state->ascending);
	}
	if (layout->spark_cols)
		grid_left(grid, HEAD_ROWS - 1, layout->spark_col, layout->spark_cols, STYLE_HEADING,
			  layout->spark_cols < 9 ? "RSS" : "RSS TREND");
}

static enum style cell_style(const struct field *field, const struct report *report)
{
	if (!report)
		return STYLE_NORMAL;
	if (!strcmp(field->name, GROWTH_FIELD))
		return page_growth_style(report);
	if (!strcmp(field->name, "unexplained_bytes"))
		return page_unexplained_style(report->unexplained, report->anon);
	if (!strcmp(field->name, "invocation_growth_bytes"))
		return page_invocation_style(report);
	if (!strcmp(field->name, "lost_events_total"))
		return report->lost_total ? STYLE_ALARM : STYLE_DIM;
	if (!strcmp(field->name, "command") || !strcmp(field->name, "rss_bytes"))
		return STYLE_STRONG;
	return STYLE_NORMAL;
}

static void draw_spark(const struct dashboard *dashboard, const struct process *process,
		       const struct layout *layout, struct grid *grid, unsigned int row,
		       enum style style)
{
	const struct report *reports[SPARK_COLS_MAX];
	double values[SPARK_COLS_MAX];

	page_history(dashboard, process, 0, reports, layout->spark_cols);
	for (unsigned int i = 0; i < layout->spark_cols; i++)
		values[i] = reports[i] ? (double)reports[i]->rss : NAN;
	chart_sparkline(grid, row, layout->spark_col, layout->spark_cols, style, values,
			layout->spark_cols);
}

static void draw_row(const struct dashboard *dashboard, const struct process *process,
		     const struct layout *layout, struct grid *grid, unsigned int row,
		     bool selected)
{
	const struct report *report = page_report(dashboard, process);
	unsigned int col = 1;

	if (selected)
		grid_fill(grid, row, 0, 1, grid->cols, STYLE_SELECTED, ' ');
	for (size_t i = 0; i < layout->count; i++) {
		const struct column *column = &layout->columns[i];
		const struct field *field = column->field;
		enum style style = cell_style(field, report);
		char buffer[64];
		const char *text = cell_text(field, process, report, buffer, sizeof(buffer));

		if (process->ended && !strcmp(field->name, GROWTH_FIELD))
			text = "ended";
		if (process->ended)
			style = STYLE_DIM;
		if (selected)
			style = STYLE_SELECTED;
		if (field->type == FIELD_TEXT)
			grid_left(grid, row, col, column->width, style, text);
		else
			grid_right(grid, row, col, column->width, style, text);
		col += column->width + 1;
	}
	if (layout->spark_cols)
		draw_spark(dashboard, process, layout, grid, row,
			   selected	    ? STYLE_SELECTED
			   : process->ended ? STYLE_DIM
					    : STYLE_SPARK);
}

static void overview_draw(struct dashboard *dashboard, const struct dashboard_input *input,
			  struct grid *grid, unsigned int rows)
{
	struct overview_state *state = &dashboard->overview;
	const struct process **order = sort_processes(dashboard, input);
	struct layout layout;
	size_t selected;

	draw_title(dashboard, input, grid);
	layout_make(&layout, dashboard, input, grid->cols);
	draw_headings(dashboard, &layout, grid);
	if (!order) {
		grid_text(grid, HEAD_ROWS, 1, STYLE_DIM,
			  input->count ? "no memory to sort the processes"
				       : "no process is watched");
		return;
	}
	rows -= HEAD_ROWS;
	selected = select_row(state, order, input->count);
	page_scroll_to(&state->scroll, selected, input->count, rows);
	for (unsigned int i = 0; i < rows && state->scroll.top + i < input->count; i++) {
		size_t at = state->scroll.top + i;

		draw_row(dashboard, order[at], &layout, grid, HEAD_ROWS + i, at == selected);
	}
}

/* Keys. */

static void move_selection(struct dashboard *dashboard, const struct dashboard_input *input,
			   int key)
{
	struct overview_state *state = &dashboard->overview;
	const struct process **order = sort_processes(dashboard, input);

	if (!order)
		return;
	state->selected_row = page_select_key(select_row(state, order, input->count), key,
					      input->count, state->scroll.rows);
	state->selected = order[state->selected_row];
}

/* False if no process can be opened. */
static bool settle_selection(struct dashboard *dashboard, const struct dashboard_input *input)
{
	move_selection(dashboard, input, DASHBOARD_KEY_NONE);
	return input->count && page_has_process(input, dashboard->overview.selected);
}

static void move_sort(struct overview_state *state, unsigned int demands, int step)
{
	size_t at = (size_t)(state->sort - fields);

	do
		at = (at + field_count + (size_t)step) % field_count;
	while (!has_column(&fields[at], demands));
	state->sort = &fields[at];
	/* Names from a to z, figures from the greatest. */
	state->ascending = fields[at].type == FIELD_TEXT || !(fields[at].shown & FIELD_IN_CSV);
}

static bool sort_by_letter(struct overview_state *state, int key)
{
	static const struct {
		int key;
		const char *field;
	} letters[] = {
		{'G', GROWTH_FIELD},	    {'M', "rss_bytes"}, {'T', "retained_bytes"},
		{'U', "unexplained_bytes"}, {'N', "pid"},	{'C', "command"},
	};

	for (size_t i = 0; i < sizeof(letters) / sizeof(*letters); i++) {
		if (letters[i].key != key)
			continue;
		state->sort = field_find(letters[i].field);
		state->ascending = !(state->sort->shown & FIELD_IN_CSV);
		return true;
	}
	return false;
}

static void overview_key(struct dashboard *dashboard, int key, const struct dashboard_input *input)
{
	struct overview_state *state = &dashboard->overview;

	switch (key) {
	case DASHBOARD_KEY_ENTER:
		if (!settle_selection(dashboard, input))
			break;
		if (dashboard->process.process != state->selected) {
			mapping_list_release(&dashboard->process.mappings);
			dashboard->process = (struct process_state){.process = state->selected};
		}
		dashboard->page = &process_page;
		break;
	case 's':
		if (settle_selection(dashboard, input))
			sites_page_open(dashboard, state->selected);
		break;
	case 'v':
		if (settle_selection(dashboard, input))
			verdict_page_open(dashboard, state->selected);
		break;
	case 'i':
		if (settle_selection(dashboard, input))
			invocations_page_open(dashboard, state->selected);
		break;
	case '<':
	case DASHBOARD_KEY_LEFT:
		move_sort(state, columns_demanded(dashboard, input), -1);
		break;
	case '>':
	case DASHBOARD_KEY_RIGHT:
		move_sort(state, columns_demanded(dashboard, input), 1);
		break;
	case 'r':
		state->ascending = !state->ascending;
		break;
	default:
		if (!sort_by_letter(state, key))
			move_selection(dashboard, input, key);
	}
}

static const struct page_key keys[] = {
	{"Enter", "open", "open the selected process"},
	{"v", "verdict", "why its memory grows or stays, by what evidence"},
	{"s", "sites", "where its pages come from: a row per call stack"},
	{"i", "invocations", "what is left of each of its invocations"},
	{"< >", "sort", "sort by the column to the left or right (also the arrow keys)"},
	{"r", "reverse", "reverse the order"},
	{"G M T U", NULL, "sort by growth, RSS, retained, unexplained"},
	{"N C", NULL, "sort by process ID, command"},
	{"Up Down", NULL, "select a process (also k j, PgUp PgDn, Home End)"},
	{NULL, NULL, NULL},
};

const struct page overview_page = {
	.name = "Overview",
	.keys = keys,
	.draw = overview_draw,
	.key = overview_key,
};
