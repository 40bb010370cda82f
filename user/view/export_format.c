// SPDX-License-Identifier: GPL-2.0-only
#include "user/view/export_format.h"

#include <errno.h>
#include <string.h>

#include "user/view/chrome.h"
#include "user/view/csv.h"
#include "user/view/export.h"
#include "user/view/folded.h"
#include "user/view/html/html.h"
#include "user/view/pprof.h"

static void events_event(FILE *file, const struct process *process,
			 const struct event_header *event)
{
	char line[EVENT_JSON_MAX];

	event_to_json(event, process->ledger->attach_ns, line);
	fputs(line, file);
}

const struct export_format export_formats[] = {
	{
		.name = "csv",
		.help = "series.csv, mappings.csv, sites.csv, stacks.csv, invocations.csv, "
			"survival.csv: tables",
		.by_default = true,
		.stream = "series.csv",
		.begin = series_begin,
		.report = series_report,
		.snapshots = {{"mappings.csv", mappings_csv_write},
			      {"sites.csv", sites_csv_write},
			      {"stacks.csv", stacks_csv_write},
			      {"invocations.csv", invocations_csv_write},
			      {"survival.csv", survival_csv_write}},
	},
	{
		.name = "jsonl",
		.help = "events.jsonl: every event, an object a line",
		.by_default = true,
		.stream = "events.jsonl",
		.event = events_event,
	},
	{
		.name = "pprof",
		.help = "heap.pb.gz: pages by call stack, for go tool pprof and its kin",
		.snapshots = {{"heap.pb.gz", pprof_write}},
	},
	{
		.name = "folded",
		.help = "sites.folded: retained bytes by call stack, for flame graphs",
		.snapshots = {{"sites.folded", folded_write}},
	},
	{
		.name = "chrome",
		.help = "trace.json: classes, invocations and purges over time, for Perfetto's UI",
		.stream = "trace.json",
		.begin = chrome_begin,
		.event = chrome_event,
		.report = chrome_report,
		.end = chrome_end,
	},
	{
		.name = "html",
		.help = "report.html: all of it to look at, in a browser",
		.snapshots = {{"report.html", html_write}},
	},
};

const size_t export_format_count = sizeof(export_formats) / sizeof(*export_formats);

_Static_assert(sizeof(export_formats) / sizeof(*export_formats) <= EXPORT_FORMATS_MAX,
	       "a process has a stream for each format");

uint32_t export_formats_default(void)
{
	uint32_t formats = 0;

	for (size_t i = 0; i < export_format_count; i++)
		formats |= (uint32_t)export_formats[i].by_default << i;
	return formats;
}

int export_formats_add(const char *names, uint32_t *formats)
{
	uint32_t found = 0;

	for (;; names++) {
		size_t length = strcspn(names, ","), i = 0;

		while (i < export_format_count && (strlen(export_formats[i].name) != length ||
						   memcmp(export_formats[i].name, names, length)))
			i++;
		if (i == export_format_count)
			return -EINVAL;
		found |= 1U << i;
		names += length;
		if (!*names)
			break;
	}
	*formats |= found;
	return 0;
}

char *export_formats_text(char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < export_format_count && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "",
					 export_formats[i].name);
	return text;
}
