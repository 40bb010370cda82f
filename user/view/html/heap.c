// SPDX-License-Identifier: GPL-2.0-only
/* What a page tells of the heap: what is in its pages, while allocations were followed. */
#include <math.h>

#include "user/base/units.h"
#include "user/verdict/facts.h"
#include "user/view/html/parts.h"

static json_t *heap_row(const struct report *report)
{
	const struct heap_report *heap = &report->heap;
	json_t *row = json_array();

	html_append(&row, html_number(report->time_s));
	for (unsigned int class = 0; class < HEAP_CLASS_COUNT; class ++)
		html_append(&row, json_integer((json_int_t)facts_class(report, class)));
	html_append(&row, json_integer((json_int_t)heap->live_bytes));
	return row;
}

static double seconds_of(const struct process *process, uint64_t time_ns)
{
	return time_ns ? ((double)time_ns - (double)process->ledger->attach_ns) / NSEC_PER_SEC
		       : NAN;
}

json_t *html_heap(const struct process *process)
{
	const struct report *newest = process_newest(process);
	const struct heap_report *heap = newest ? &newest->heap : NULL;
	json_t *names, *rows;

	if (!heap || !heap->begin_ns)
		return json_null();
	names = json_array();
	rows = json_array();
	html_append(&names, json_string("time_s"));
	for (unsigned int class = 0; class < HEAP_CLASS_COUNT; class ++)
		html_append(&names, json_string(heap_class_name(class)));
	html_append(&names, json_string("live_bytes"));
	for (uint64_t back = REPORT_HISTORY; back-- > 0;) {
		const struct report *report = process_report_at(process, back);

		if (report && report->heap.begin_ns)
			html_append(&rows, heap_row(report));
	}
	return json_pack("{s:o, s:o, s:b, s:o, s:o, s:I, s:I, s:I, s:I, s:I}", "names", names,
			 "rows", rows, "whole", heap->whole, "begin",
			 html_number(seconds_of(process, heap->begin_ns)), "end",
			 html_number(seconds_of(process, heap->end_ns)), "live_bytes",
			 (json_int_t)heap->live_bytes, "live_count", (json_int_t)heap->live_count,
			 "fragmented_bytes", (json_int_t)heap->fragmented_bytes, "one_in",
			 (json_int_t)heap->one_in, "lost", (json_int_t)heap->totals.lost);
}
