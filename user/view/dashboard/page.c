// SPDX-License-Identifier: GPL-2.0-only
#include "user/view/dashboard/page.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "user/base/units.h"

#define LINE_GAP 3
#define NARROW_COLS 40

/* Less than this is within what counting at different moments makes. */
#define UNEXPLAINED_BYTES_NOTED (1 << 20)

uint64_t page_now(const struct dashboard *dashboard, const struct dashboard_input *input)
{
	return dashboard->frozen ? dashboard->frozen_ns : input->now_ns;
}

/* How many reports back from the newest the one on show is. */
static uint64_t report_back(const struct dashboard *dashboard, const struct process *process)
{
	const struct report *newest = process_newest(process);
	uint64_t kept =
		process->report_count < REPORT_HISTORY ? process->report_count : REPORT_HISTORY;
	uint64_t back = 0;

	if (!dashboard->frozen || !newest)
		return 0;
	while (back + 1 < kept &&
	       process_report_at(process, back)->interval > dashboard->frozen_interval)
		back++;
	return back;
}

const struct report *page_report(const struct dashboard *dashboard, const struct process *process)
{
	return process_report_at(process, report_back(dashboard, process));
}

const struct report *page_report_before(const struct dashboard *dashboard,
					const struct process *process)
{
	return process_report_at(process, report_back(dashboard, process) + 1);
}

/* Whole seconds and minutes per column read better than what divides evenly. */
static unsigned int round_bucket(uint64_t kept, unsigned int width)
{
	static const unsigned int nice[] = {1,	2,  3,	4,  5,	 6,   10,  12,	15,
					    20, 30, 40, 60, 120, 180, 240, 360, REPORT_HISTORY};

	for (size_t i = 0; i < sizeof(nice) / sizeof(*nice); i++) {
		if ((uint64_t)nice[i] * width >= kept)
			return nice[i];
	}
	return REPORT_HISTORY;
}

unsigned int page_history(const struct dashboard *dashboard, const struct process *process,
			  unsigned int per_column, const struct report **columns,
			  unsigned int width)
{
	uint64_t back = report_back(dashboard, process);
	const struct report *report = process_report_at(process, back);
	uint64_t newest = 0;

	for (unsigned int i = 0; i < width; i++)
		columns[i] = NULL;
	if (!per_column)
		per_column =
			round_bucket(process->report_count < REPORT_HISTORY ? process->report_count
									    : REPORT_HISTORY,
				     width);
	/* Columns begin at multiples of per_column, so that a drawn one does not change. */
	if (report)
		newest = report->interval / per_column;
	for (; report && report->interval / per_column + width > newest;
	     report = process_report_at(process, ++back)) {
		uint64_t column = width - 1 - (newest - report->interval / per_column);

		if (!columns[column] || report->rss > columns[column]->rss)
			columns[column] = report;
	}
	return per_column;
}

bool page_has_process(const struct dashboard_input *input, const struct process *process)
{
	for (size_t i = 0; i < input->count; i++) {
		if (input->processes[i] == process)
			return true;
	}
	return false;
}

bool page_line_add(struct page_line *line, enum style style, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (line->col + grid_width(text) > line->grid->cols)
		return false;
	line->col = grid_text(line->grid, line->row, line->col, style, text) + LINE_GAP;
	return true;
}

enum style page_unexplained_style(int64_t unexplained, uint64_t anon)
{
	double bytes = fabs((double)unexplained);

	if (bytes < 1)
		return STYLE_DIM;
	if (bytes < UNEXPLAINED_BYTES_NOTED)
		return STYLE_NORMAL;
	return bytes * 20 < (double)anon ? STYLE_WARNING : STYLE_ALARM;
}

enum style page_growth_style(const struct report *report)
{
	double growth = report->growth_per_hour;

	if (!(growth > (1 << 20)) || growth * 100 < (double)report->rss)
		return STYLE_NORMAL;
	return growth * 5 < (double)report->rss ? STYLE_WARNING : STYLE_ALARM;
}

/* That it grows is said only where the whole interval of confidence says so. */
enum style page_invocation_style(const struct report *report)
{
	return report->per_invocation.low > 0 ? STYLE_WARNING : STYLE_NORMAL;
}

struct page_health page_health_of_all(const struct dashboard *dashboard,
				      const struct dashboard_input *input)
{
	struct page_health health = {0};

	for (size_t i = 0; i < input->count; i++) {
		const struct process *process = input->processes[i];
		const struct report *report = page_report(dashboard, process);

		health.incomplete += !process->ended && !process->ledger->complete;
		if (!report)
			continue;
		/* What differs in different directions must not cancel out. */
		health.unexplained += llabs(report->unexplained);
		health.lost += report->lost_total;
		health.repaired += report->repaired_pages_total;
		health.anon += report->anon;
	}
	return health;
}

struct page_health page_health_of(const struct process *process, const struct report *report)
{
	struct page_health health = {
		.incomplete = !process->ended && !process->ledger->complete,
	};

	if (report) {
		health.unexplained = report->unexplained;
		health.anon = report->anon;
		health.lost = report->lost_total;
		health.repaired = report->repaired_pages_total;
	}
	return health;
}

void page_draw_health(const struct dashboard_input *input, struct grid *grid, unsigned int row,
		      const struct page_health *health)
{
	struct page_line line = {grid, row, 1};
	char bytes[UNITS_TEXT_LEN];
	char lost[UNITS_TEXT_LEN];
	char repaired[UNITS_TEXT_LEN];

	units_count(lost, (double)health->lost);
	units_count(repaired, (double)health->repaired);
	page_line_add(&line, page_unexplained_style(health->unexplained, health->anon), "%s %s",
		      grid->cols < NARROW_COLS ? "unexpl" : "unexplained",
		      units_bytes(bytes, (double)health->unexplained));
	/* That the figures were hurt has to be seen on the narrowest screen. */
	if (!health->lost)
		page_line_add(&line, STYLE_DIM, "lost 0");
	else if (!page_line_add(&line, STYLE_ALARM, "lost %s records, repaired %s pages", lost,
				repaired) &&
		 !page_line_add(&line, STYLE_ALARM, "lost %s, repaired %s", lost, repaired))
		page_line_add(&line, STYLE_ALARM, "lost %s", lost);
	if (health->incomplete)
		page_line_add(&line, STYLE_WARNING, "first look under way");
	page_line_add(&line,
		      input->buffer_percent >= 90   ? STYLE_ALARM
		      : input->buffer_percent >= 50 ? STYLE_WARNING
						    : STYLE_DIM,
		      "buffer %u%%", input->buffer_percent);
	if (!health->lost && health->repaired)
		page_line_add(&line, STYLE_DIM, "repaired %s pages", repaired);
	if (input->orphans)
		page_line_add(&line, STYLE_DIM, "orphans %s",
			      units_count(lost, (double)input->orphans));
}

bool page_scroll_key(struct scroll *scroll, int key)
{
	size_t page = scroll->rows > 1 ? scroll->rows - 1 : 1;

	switch (key) {
	case DASHBOARD_KEY_UP:
	case 'k':
		scroll->top -= scroll->top ? 1 : 0;
		return true;
	case DASHBOARD_KEY_DOWN:
	case 'j':
		scroll->top++;
		return true;
	case DASHBOARD_KEY_PGUP:
		scroll->top -= scroll->top < page ? scroll->top : page;
		return true;
	case DASHBOARD_KEY_PGDN:
		scroll->top += page;
		return true;
	case DASHBOARD_KEY_HOME:
	case 'g':
		scroll->top = 0;
		return true;
	case DASHBOARD_KEY_END:
	case 'G':
		scroll->top = SIZE_MAX / 2; /* drawing clamps it */
		return true;
	default:
		return false;
	}
}

void page_scroll_clamp(struct scroll *scroll, size_t count, unsigned int rows)
{
	scroll->rows = rows;
	if (count <= rows)
		scroll->top = 0;
	else if (scroll->top > count - rows)
		scroll->top = count - rows;
}

size_t page_select_key(size_t selected, int key, size_t count, unsigned int rows)
{
	struct scroll at = {.top = selected, .rows = rows};

	page_scroll_key(&at, key);
	page_scroll_clamp(&at, count, 1);
	return at.top;
}

void page_scroll_to(struct scroll *scroll, size_t item, size_t count, unsigned int rows)
{
	if (item < scroll->top)
		scroll->top = item;
	else if (rows && item >= scroll->top + rows)
		scroll->top = item - rows + 1;
	page_scroll_clamp(scroll, count, rows);
}

void page_draw_title(const struct dashboard *dashboard, const struct dashboard_input *input,
		     struct grid *grid, const struct process *process, const char *what)
{
	const struct ledger *ledger = process->ledger;
	uint64_t end_ns = ledger->exit_ns ? ledger->exit_ns : page_now(dashboard, input);
	struct page_line line = {grid, 0, 1};
	char text[UNITS_TEXT_LEN];
	char ended[48];

	grid_fill(grid, 0, 0, 1, grid->cols, STYLE_TITLE, ' ');
	page_line_add(&line, STYLE_TITLE, "tidemark");
	line.col -= 1;
	page_line_add(&line, STYLE_TITLE, "%" PRIu32 " %s", ledger->pid, ledger->comm);
	if (*what)
		page_line_add(&line, STYLE_TITLE, "%s", what);
	if (process->ended)
		page_line_add(&line, STYLE_TITLE, "%s", page_ended(process, ended, sizeof(ended)));
	page_line_add(&line, STYLE_TITLE, "allocator %s", allocator_name(ledger->allocator));
	if (end_ns > ledger->attach_ns)
		page_line_add(
			&line, STYLE_TITLE, "watched %s",
			page_duration(text, (double)(end_ns - ledger->attach_ns) / NSEC_PER_SEC));
}

char *page_duration(char *text, double seconds)
{
	return field_format(field_find("time_s"), (union field_value){.d = seconds}, text,
			    UNITS_TEXT_LEN);
}

char *page_ended(const struct process *process, char *text, size_t size)
{
	uint32_t code = process->ledger->exit_code;

	if (!process->ledger->exit_ns)
		snprintf(text, size, "ended");
	else if (code == EXIT_CODE_LEFT)
		snprintf(text, size, "ended: no longer watched");
	else if (code & 0x7f)
		snprintf(text, size, "ended: signal %" PRIu32, code & 0x7f);
	else
		snprintf(text, size, "ended: exit %" PRIu32, code >> 8 & 0xff);
	return text;
}
