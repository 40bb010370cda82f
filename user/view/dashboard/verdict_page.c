// SPDX-License-Identifier: GPL-2.0-only
/* The page of a verdict: why memory grows or stays, by what evidence, and what to do about it. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/units.h"
#include "user/view/allocations.h"
#include "user/view/dashboard/sites.h"
#include "user/view/dashboard/writer.h"
#include "user/view/verdict_text.h"

#define HEAD_ROWS 2 /* title, health */
#define BAR_COLS_MAX 72

static const struct {
	enum style style;
	uint32_t fill;
	char ascii;
} class_looks[HEAP_CLASS_COUNT] = {
	[HEAP_LIVE] = {STYLE_CLASS_RETAINED, 0x2588, '#'},
	[HEAP_FRAGMENTED] = {STYLE_CLASS_YOUNG, 0x2593, '+'},
	[HEAP_FREE] = {STYLE_CLASS_LAZY, 0x2592, '~'},
	[HEAP_UNKNOWN] = {STYLE_CLASS_FILE, 0x2591, '.'},
};

static enum style verdict_style(const struct verdict *verdict)
{
	switch (verdict->kind) {
	case VERDICT_LIVE_GROWTH:
		return STYLE_ALARM;
	case VERDICT_NONE:
	case VERDICT_PLATEAU:
		return STYLE_GOOD;
	case VERDICT_UNKNOWN:
		return STYLE_NORMAL;
	default:
		return STYLE_WARNING;
	}
}

static uint32_t class_fill(const struct grid *grid, unsigned int class)
{
	return grid->ascii ? (uint32_t)class_looks[class].ascii : class_looks[class].fill;
}

/* ---- heap evidence ---- */

static void write_bar(struct writer *writer, const struct heap_report *heap)
{
	unsigned int cols = writer->grid->cols > 4 ? writer->grid->cols - 4 : 1, row;
	uint64_t passed = 0;
	unsigned int at = 0;

	if (cols > BAR_COLS_MAX)
		cols = BAR_COLS_MAX;
	if (!writer_row(writer, &row) || !heap->pages)
		return;
	for (unsigned int class = 0; class < HEAP_CLASS_COUNT; class ++) {
		unsigned int end;

		passed += heap->classes[class];
		end = (unsigned int)((double)passed / (double)heap->pages * cols + 0.5);
		if (end > at)
			grid_fill(writer->grid, row, 1 + at, 1, end - at, class_looks[class].style,
				  class_fill(writer->grid, class));
		at = end > at ? end : at;
	}
}

/* All classes, on as many rows as they take. */
static void write_legend(struct writer *writer, const struct heap_report *heap)
{
	char text[128], bytes[UNITS_TEXT_LEN], share[UNITS_TEXT_LEN];
	struct grid *grid = writer->grid;
	unsigned int row = 0, col = 1;
	bool seen = false;

	for (unsigned int class = 0; class < HEAP_CLASS_COUNT; class ++) {
		units_bytes(bytes, (double)(heap->classes[class] << PAGE_SHIFT));
		units_share(share, heap->classes[class], heap->pages);
		snprintf(text, sizeof(text), "  %s %s %s", heap_class_name(class), bytes, share);
		if (!class || col + grid_width(text) > grid->cols) {
			seen = writer_row(writer, &row);
			col = 1;
		}
		if (seen) {
			grid_text(grid, row, col, STYLE_NORMAL, text);
			grid_put(grid, row, col, class_looks[class].style, class_fill(grid, class));
		}
		col += grid_width(text) + 2;
	}
}

static void write_heap_state(struct writer *writer, const struct process *process,
			     const struct heap_report *heap)
{
	char text[256], live[UNITS_TEXT_LEN], count[UNITS_TEXT_LEN], a[UNITS_TEXT_LEN];

	if (!heap->begin_ns) {
		writer_entry(writer, "H", STYLE_NORMAL,
			     process->ended
				     ? "it has ended: its allocations were not followed"
				     : "follows its allocations for 30 s, by probes in the "
				       "allocator: which pages are live, fragmented or free. "
				       "Costs the process about 1 us per allocation meanwhile");
		return;
	}
	snprintf(text, sizeof(text),
		 "%s live in %s allocations; %s of fragmented pages are empty; %u functions "
		 "probed%s",
		 units_bytes(live, (double)heap->live_bytes),
		 units_count(count, (double)heap->live_count),
		 units_bytes(a, (double)heap->fragmented_bytes), heap->functions,
		 heap->on ? ", H ends it" : ", ended");
	writer_entry(writer, heap->on ? "following" : "followed", STYLE_NORMAL, text);
	if (heap->one_in > 1) {
		snprintf(text, sizeof(text),
			 "more allocations than are tracked: those of one page in %u are, the "
			 "figures are estimates",
			 heap->one_in);
		writer_entry(writer, "sampled", STYLE_WARNING, text);
	}
	if (heap->totals.lost) {
		snprintf(text, sizeof(text),
			 "%" PRIu64 " records: what was known before is not any more",
			 heap->totals.lost);
		writer_entry(writer, "lost", STYLE_ALARM, text);
	}
}

static void write_heap_sites(struct writer *writer, const struct process *process)
{
	struct allocations_row rows[ALLOCATIONS_MAX];
	size_t count = allocations_rows(process, rows, ALLOCATIONS_MAX);
	unsigned int row;

	if (count && writer_row(writer, &row))
		grid_left(writer->grid, row, 1, writer->grid->cols - 1, STYLE_HEADING,
			  "   LIVE  COUNT ALLOCATED IN (by samples)");
	for (size_t i = 0; i < count; i++) {
		char bytes[UNITS_TEXT_LEN], number[UNITS_TEXT_LEN];

		if (writer_row(writer, &row))
			grid_printf(writer->grid, row, 1, STYLE_NORMAL, "%7s %6s %s",
				    units_bytes(bytes, (double)rows[i].bytes),
				    units_count(number, (double)rows[i].count), rows[i].title);
	}
}

/* ---- the verdict ---- */

static void write_verdict(struct writer *writer, const struct verdict_state *state)
{
	const struct verdict *verdict = &state->verdict;
	char text[VERDICT_TEXT_MAX];
	unsigned int row;

	if (writer_row(writer, &row))
		grid_printf(writer->grid, row, 1, verdict_style(verdict), "%s",
			    verdict_title(verdict->kind));
	writer_entry(writer, "why", STYLE_NORMAL, verdict_text(verdict->kind));
	snprintf(text, sizeof(text), "%s, rule %s", verdict_tier_text(verdict->tier),
		 verdict->rule ? verdict->rule : "-");
	writer_entry(writer, "tier", STYLE_DIM, text);
	for (size_t i = 0; i < VERDICT_EVIDENCE_MAX && *verdict->evidence[i]; i++)
		writer_entry(writer, i ? "" : "evidence", STYLE_NORMAL, verdict->evidence[i]);
	if (*state->site) {
		snprintf(text, sizeof(text), "%.200s (%.0f%%)", state->site, state->share * 100);
		writer_entry(writer, "top site", STYLE_STRONG, text);
	}
	if (*verdict->advice)
		writer_entry(writer, "advice", STYLE_NORMAL, verdict->advice);
	if (*verdict->change)
		writer_entry(writer, "change", STYLE_DIM, verdict->change);
}

static void write_all(struct writer *writer, const struct dashboard *dashboard)
{
	const struct verdict_state *state = &dashboard->verdict;
	const struct report *report = page_report(dashboard, state->process);

	if (!report) {
		writer_entry(writer, "", STYLE_DIM, "no report yet");
		return;
	}
	write_verdict(writer, state);
	writer_heading(writer, "Heap evidence");
	write_heap_state(writer, state->process, &report->heap);
	if (!report->heap.begin_ns)
		return;
	write_bar(writer, &report->heap);
	write_legend(writer, &report->heap);
	writer_gap(writer);
	write_heap_sites(writer, state->process);
}

/* Names are looked up for a new verdict only. */
static void state_update(struct dashboard *dashboard)
{
	struct verdict_state *state = &dashboard->verdict;
	const struct report *newest = process_newest(state->process);

	if (!newest || (dashboard->frozen && state->interval) ||
	    state->interval == newest->interval)
		return;
	state->interval = newest->interval;
	state->verdict = state->process->verdict;
	verdict_site_text(state->process, &state->verdict, &state->share, state->site,
			  sizeof(state->site));
}

static void verdict_page_draw(struct dashboard *dashboard, const struct dashboard_input *input,
			      struct grid *grid, unsigned int rows)
{
	struct verdict_state *state = &dashboard->verdict;
	struct writer measure = {.grid = grid};
	struct writer writer = {.grid = grid, .head = HEAD_ROWS, .rows = rows - HEAD_ROWS};
	struct page_health health;

	if (!page_has_process(input, state->process)) {
		state->process = NULL;
		dashboard->page = &overview_page;
		overview_page.draw(dashboard, input, grid, rows);
		return;
	}
	state_update(dashboard);
	health = page_health_of(state->process, page_report(dashboard, state->process));
	page_draw_title(dashboard, input, grid, state->process, "verdict");
	page_draw_health(input, grid, 1, &health);
	write_all(&measure, dashboard);
	page_scroll_clamp(&state->scroll, measure.line, writer.rows);
	writer.top = state->scroll.top;
	write_all(&writer, dashboard);
}

static void verdict_page_key(struct dashboard *dashboard, int key,
			     const struct dashboard_input *input)
{
	struct verdict_state *state = &dashboard->verdict;

	if (key == DASHBOARD_KEY_ESC || key == DASHBOARD_KEY_BACKSPACE)
		dashboard->page = state->back;
	else if (key == 'H' && page_has_process(input, state->process))
		page_toggle_heap(input, state->process);
	else if (key == 's' && page_has_process(input, state->process))
		sites_page_open(dashboard, state->process);
	else
		page_scroll_key(&state->scroll, key);
}

void page_toggle_heap(const struct dashboard_input *input, const struct process *process)
{
	const struct report *newest = process_newest(process);

	if (input->heap && !process->ended)
		input->heap(input->heap_ctx, process->ledger->pid, !newest || !newest->heap.on);
}

void verdict_page_open(struct dashboard *dashboard, const struct process *process)
{
	dashboard->verdict = (struct verdict_state){.process = process, .back = dashboard->page};
	dashboard->page = &verdict_page;
}

static const struct page_key keys[] = {
	{"Esc", "back", "back (also Backspace)"},
	{"H", "heap", "follow the allocations for 30 s: live, fragmented, free; again: end it"},
	{"s", "sites", "where the pages come from: a row per call stack"},
	{"Up Down", "scroll", "scroll (also k j, PgUp PgDn, Home End)"},
	{NULL, NULL, NULL},
};

const struct page verdict_page = {
	.name = "Verdict",
	.keys = keys,
	.draw = verdict_page_draw,
	.key = verdict_page_key,
};
