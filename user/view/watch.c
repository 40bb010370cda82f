// SPDX-License-Identifier: GPL-2.0-only
#include "user/view/watch.h"

#include <inttypes.h>
#include <stdarg.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/clean_text.h"
#include "user/view/allocations.h"
#include "user/view/fields.h"
#include "user/view/invocation_text.h"
#include "user/view/unwind_text.h"
#include "user/view/verdict_text.h"

/* A heading comes again after so many lines: about a screen. */
#define HEADING_EVERY 40

/* Summaries of so many processes that ended are kept; of those alive at the end, all are. */
#define SUMMARIES_MAX 1000

/* Rows of where what is live was allocated. */
#define ALLOCATIONS_SHOWN 5

/* What nobody reads is dropped past this. */
#define TEXT_MAX ((size_t)4 << 20)

struct text {
	char *data;
	size_t size;
	size_t capacity;
	size_t dropped;
};

struct watch_view {
	bool quiet;
	unsigned int demands; /* columns are shown that are so on demand: FIELD_ON_* */
	unsigned int lines;   /* since the last heading */
	uint64_t summaries;   /* of processes that ended */
	struct text lines_text;
	struct text summary;
};

struct watch_view *watch_view_new(bool quiet)
{
	struct watch_view *view = calloc(1, sizeof(*view));

	if (view) {
		view->quiet = quiet;
		view->lines = HEADING_EVERY;
	}
	return view;
}

void watch_view_free(struct watch_view *view)
{
	if (!view)
		return;
	free(view->lines_text.data);
	free(view->summary.data);
	free(view);
}

static void text_add(struct text *text, const char *data, size_t size)
{
	if (text->size + size > text->capacity) {
		size_t capacity = text->capacity ? text->capacity * 2 : 4096;
		char *grown;

		while (capacity < text->size + size)
			capacity *= 2;
		grown = capacity <= TEXT_MAX ? realloc(text->data, capacity) : NULL;
		if (!grown) {
			text->dropped++;
			return;
		}
		text->data = grown;
		text->capacity = capacity;
	}
	memcpy(text->data + text->size, data, size);
	text->size += size;
}

static char *text_take(struct text *text, size_t *size, size_t *dropped)
{
	char *data = text->size ? text->data : NULL;

	*size = text->size;
	if (dropped)
		*dropped = text->dropped;
	if (!data)
		free(text->data);
	memset(text, 0, sizeof(*text));
	return data;
}

/* One row of the table: headings with report NULL. */
static void row_add(struct watch_view *view, const struct process *process,
		    const struct report *report)
{
	char line[1024];
	size_t used = 0;

	for (size_t i = 0; i < field_count; i++) {
		const struct field *field = &fields[i];
		char value[64];
		int width = (int)field->width;

		if (!(field->shown & FIELD_IN_WATCH) || !field_is_demanded(field, view->demands))
			continue;
		if (report)
			field_format(field, field->get(process, report), value, sizeof(value));
		else
			snprintf(value, sizeof(value), "%s", field->title);
		if (field->type == FIELD_TEXT)
			width = -width;
		used += (size_t)snprintf(line + used, sizeof(line) - used, "%s%*s", used ? " " : "",
					 width, value);
		if (used >= sizeof(line) - 1)
			break;
	}
	while (used && line[used - 1] == ' ')
		used--;
	line[used++] = '\n';
	text_add(&view->lines_text, line, used);
}

void watch_view_report(struct watch_view *view, const struct process *process,
		       const struct report *report)
{
	if (view->quiet)
		return;
	if (field_demands(report) & ~view->demands) {
		view->demands |= field_demands(report);
		view->lines = HEADING_EVERY; /* there are more columns now */
	}
	if (view->lines++ >= HEADING_EVERY) {
		row_add(view, NULL, NULL);
		view->lines = 1;
	}
	row_add(view, process, report);
}

static void summary_line(struct text *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void summary_line(struct text *text, const char *format, ...)
{
	char line[1024];
	va_list args;
	int size;

	va_start(args, format);
	size = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (size >= (int)sizeof(line))
		size = (int)sizeof(line) - 1;
	if (size > 0)
		text_add(text, line, (size_t)size);
}

static const struct report *oldest_report(const struct process *process)
{
	uint64_t kept =
		process->report_count < REPORT_HISTORY ? process->report_count : REPORT_HISTORY;

	return kept ? process_report_at(process, kept - 1) : NULL;
}

/* What happened to it: "exited with status 0", "was ended by signal 9", ... */
static void ending_format(const struct ledger *ledger, char *text, size_t size)
{
	uint32_t code = ledger->exit_code;

	if (!ledger->exit_ns)
		snprintf(text, size, "still runs");
	else if (code == EXIT_CODE_LEFT)
		snprintf(text, size, "became another program");
	else if (code & 0x7f)
		snprintf(text, size, "was ended by signal %u", code & 0x7f);
	else
		snprintf(text, size, "exited with status %u", code >> 8 & 0xff);
}

/* Of a process whose stacks are taken. What failed is named, if anything did. */
static void stacks_line(struct text *text, const struct process *process, const struct report *last)
{
	char unknown[UNITS_TEXT_LEN];
	char counts[UNWIND_TEXT_LEN];

	if (!process->unwinder || !last->stacks_total)
		return;
	summary_line(text, "  stacks    %s; %s resident without a known stack\n",
		     unwind_text(unwinder_totals(process->unwinder), counts, sizeof(counts)),
		     units_bytes(unknown, (double)last->unknown));
}

/* Of a process in which invocations were seen. */
static void invocations_line(struct text *text, const struct process *process,
			     const struct report *last)
{
	char counts[INVOCATION_TEXT_LEN], growth[INVOCATION_TEXT_LEN];
	char survival[INVOCATION_TEXT_LEN], retained[UNITS_TEXT_LEN];
	const struct invocations *invocations = process->ledger->invocations;

	if (!invocations || !invocation_any(invocations_totals(invocations)))
		return;
	invocation_counts_text(invocations_totals(invocations), counts, sizeof(counts));
	invocation_growth_text(&last->per_invocation, growth, sizeof(growth));
	invocation_survival_text(invocations, survival, sizeof(survival));
	units_bytes(retained, (double)last->invocation_retained);
	summary_line(text, "  invocations %s; retained %s, %s%s%s\n", counts, retained, growth,
		     *survival ? "; survival: " : "", survival);
}

/* Where what is live was allocated. */
static void allocation_lines(struct text *text, const struct process *process)
{
	struct allocations_row rows[ALLOCATIONS_SHOWN];
	size_t count = allocations_rows(process, rows, ALLOCATIONS_SHOWN);
	char bytes[UNITS_TEXT_LEN], number[UNITS_TEXT_LEN], title[CLEAN_TEXT_MAX];

	for (size_t i = 0; i < count; i++)
		summary_line(text, "  %-9s %7s in %6s, by samples: %s\n", i ? "" : "live",
			     units_bytes(bytes, (double)rows[i].bytes),
			     units_count(number, (double)rows[i].count),
			     clean_text(rows[i].title, title));
}

/* Why it grew or stayed, and what to do. What it rests on is in `check` and on the screen. */
static void verdict_lines(struct text *text, const struct process *process)
{
	const struct verdict *verdict = &process->verdict;
	char head[VERDICT_TEXT_MAX], site[192];
	double share;

	summary_line(text, "  verdict   %s: %s\n", verdict_word(verdict->kind),
		     verdict_head_text(verdict, head, sizeof(head)));
	for (size_t i = 0; i < VERDICT_EVIDENCE_MAX && *verdict->evidence[i]; i++)
		summary_line(text, "            %s\n", verdict->evidence[i]);
	verdict_site_text(process, verdict, &share, site, sizeof(site));
	if (*site)
		summary_line(text, "  top site  %s (%.0f%%)\n", site, share * 100);
	if (*verdict->advice)
		summary_line(text, "  advice    %s\n", verdict->advice);
	if (verdict->kind == VERDICT_UNKNOWN && *verdict->change)
		summary_line(text, "  change    this would change the verdict: %s\n",
			     verdict->change);
}

void watch_view_end(struct watch_view *view, const struct process *process)
{
	const struct report *last = process_newest(process), *first = oldest_report(process);
	char a[UNITS_TEXT_LEN], b[UNITS_TEXT_LEN], c[UNITS_TEXT_LEN], d[UNITS_TEXT_LEN];
	char ending[64], comm[64], growth[48] = "too short to tell a rate";
	struct text *text = &view->summary;

	if (!last || (process->ledger->exit_ns && ++view->summaries > SUMMARIES_MAX))
		return;
	ending_format(process->ledger, ending, sizeof(ending));
	field_format(field_find("command"), field_find("command")->get(process, last), comm,
		     sizeof(comm));
	if (!isnan(last->growth_per_hour))
		snprintf(growth, sizeof(growth), "%s/h",
			 units_signed_bytes(a, last->growth_per_hour));
	summary_line(text, "%u %s (%s): watched %.1f s, %s\n", process->ledger->pid, comm,
		     allocator_name(process->ledger->allocator), last->time_s, ending);
	summary_line(text, "  RSS       %s -> %s, growth %s\n", units_bytes(a, (double)first->rss),
		     units_bytes(b, (double)last->rss), growth);
	summary_line(text, "  pages     %s retained, %s lazily freed, %s purged, %s returned\n",
		     units_bytes(a, (double)last->retained), units_bytes(b, (double)last->lazyfree),
		     units_bytes(c, (double)last->purged_total),
		     units_bytes(d, (double)last->returned_total));
	summary_line(text,
		     "  evidence  %s unexplained, %" PRIu64 " events, %" PRIu64 " lost, %" PRIu64
		     " pages repaired\n",
		     units_bytes(a, (double)last->unexplained), last->events_total,
		     last->lost_total, last->repaired_pages_total);
	stacks_line(text, process, last);
	invocations_line(text, process, last);
	verdict_lines(text, process);
	allocation_lines(text, process);
}

char *watch_view_take(struct watch_view *view, size_t *size, size_t *dropped)
{
	return text_take(&view->lines_text, size, dropped);
}

char *watch_view_take_summary(struct watch_view *view, size_t *size)
{
	if (view->summaries > SUMMARIES_MAX)
		summary_line(&view->summary, "%" PRIu64 " more processes ended, not listed\n",
			     view->summaries - SUMMARIES_MAX);
	view->summaries = 0;
	return text_take(&view->summary, size, NULL);
}
