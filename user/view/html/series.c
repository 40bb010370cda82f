// SPDX-License-Identifier: GPL-2.0-only
/* What a page tells of time: reports, and invocations. */
#include "user/base/cleanup.h"
#include "user/base/units.h"
#include "user/view/fields.h"
#include "user/view/html/parts.h"
#include "user/view/invocation_text.h"

#define FIGURE_LEN 64

/* ---- reports ---- */

static const char *const columns[] = {"time_s", "retained", "young", "lazy",	   "file",
				      "shmem",	"rss",	    "swap",  "unexplained"};

/*
 * The classes add up to RSS less what is unexplained. How many of the lazily freed pages are
 * retained is not known; most are, so they are taken out there first.
 */
static json_t *series_row(const struct report *report)
{
	uint64_t lazy_retained =
		report->lazyfree < report->retained ? report->lazyfree : report->retained;
	uint64_t retained = report->retained - lazy_retained;

	return json_pack(
		"[o, I, I, I, I, I, I, I, I]", html_number(report->time_s), (json_int_t)retained,
		(json_int_t)(report->resident - report->lazyfree - retained),
		(json_int_t)report->lazyfree, (json_int_t)report->file, (json_int_t)report->shmem,
		(json_int_t)report->rss, (json_int_t)report->swap, (json_int_t)report->unexplained);
}

json_t *html_series(const struct process *process)
{
	json_t *names = json_array(), *rows = json_array();

	for (size_t i = 0; i < sizeof(columns) / sizeof(*columns); i++)
		html_append(&names, json_string(columns[i]));
	for (uint64_t back = REPORT_HISTORY; back-- > 0;) {
		const struct report *report = process_report_at(process, back);

		if (report)
			html_append(&rows, series_row(report));
	}
	return json_pack("{s:o, s:o}", "names", names, "rows", rows);
}

json_t *html_figures(const struct process *process)
{
	const struct report *report = process_newest(process);
	json_t *figures = json_array();

	for (size_t i = 0; report && i < field_count; i++) {
		const struct field *field = &fields[i];
		char text[FIGURE_LEN];

		if (field->type == FIELD_TEXT)
			continue;
		html_append(
			&figures,
			json_pack("{s:s, s:s, s:s, s:s, s:o}", "name", field->name, "title",
				  field->title, "help", field->help, "text",
				  field_format(field, field->get(process, report), text,
					       sizeof(text)),
				  "value",
				  html_number(field_number(field, field->get(process, report)))));
	}
	return figures;
}

/* ---- invocations ---- */

static json_t *survival(const struct invocations *invocations)
{
	json_t *points = json_array();

	for (unsigned int i = 0; i < INVOCATION_POINT_COUNT; i++) {
		const struct invocation_survival *point = invocations_survival(invocations, i);

		if (point->born)
			html_append(&points, json_pack("{s:i, s:I, s:I, s:I}", "later",
						       (int)invocation_later[i], "invocations",
						       (json_int_t)point->invocations, "born",
						       (json_int_t)point->born, "resident",
						       (json_int_t)point->resident));
	}
	return points;
}

/* [[ends, retained pages], ...]: evenly thinned, the newest kept. */
static json_t *ends(const struct invocations *invocations, json_t *notes)
{
	uint64_t ended = invocations_totals(invocations)->ended;
	AUTO_FREE uint64_t *pages = calloc(INVOCATIONS_KEPT, sizeof(*pages));
	size_t count, step;
	json_t *rows;

	if (!pages)
		return NULL;
	count = invocations_history(invocations, pages, INVOCATIONS_KEPT);
	step = count / HTML_ENDS_MAX + 1;
	rows = json_array();
	if (step > 1)
		html_note(notes,
			  "The chart of what ended invocations left behind has a point for one end "
			  "in %zu, of the newest %zu.",
			  step, count);
	for (size_t i = count ? (count - 1) % step : 0; i < count; i += step) {
		uint64_t end = ended - count + i + 1;

		html_append(&rows, json_pack("[I, I]", (json_int_t)end, (json_int_t)pages[i]));
	}
	return rows;
}

json_t *html_invocations(const struct process *process, json_t *notes)
{
	const struct invocations *invocations = process->ledger->invocations;
	char counts[INVOCATION_TEXT_LEN];

	if (!invocations || !invocation_any(invocations_totals(invocations)))
		return json_null();
	return json_pack(
		"{s:s, s:o, s:o}", "counts",
		invocation_counts_text(invocations_totals(invocations), counts, sizeof(counts)),
		"survival", survival(invocations), "ends", ends(invocations, notes));
}
