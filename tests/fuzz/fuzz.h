/* SPDX-License-Identifier: GPL-2.0-only */
/* What the fuzz targets share: the pipeline behind a door that anything may come through. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/log.h"
#include "user/pipeline.h"
#include "user/view/csv.h"
#include "user/view/export.h"
#include "user/view/watch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Views that read all there is to read. */
struct fuzz_views {
	struct watch_view *watch;
	FILE *out;
};

static inline void fuzz_event(void *view, struct process *process, const struct event_header *event)
{
	char line[EVENT_JSON_MAX];

	(void)view;
	event_to_json(event, process->ledger->attach_ns, line);
}

static inline void fuzz_report(void *view, struct process *process, const struct report *report)
{
	struct fuzz_views *views = view;

	watch_view_report(views->watch, process, report);
	series_report(views->out, process, report);
}

static inline void fuzz_end(void *view, struct process *process)
{
	static const struct export_context context = {.version = "fuzz"};
	struct fuzz_views *views = view;

	watch_view_end(views->watch, process);
	process_update_sites(process);
	mappings_csv_write(views->out, process, &context);
	sites_csv_write(views->out, process, &context);
	invocations_csv_write(views->out, process, &context);
	survival_csv_write(views->out, process, &context);
}

static const struct view_ops fuzz_view_ops = {
	.event = fuzz_event,
	.report = fuzz_report,
	.end = fuzz_end,
};

/* Runs a source to its end. Stacks are not told to the pipeline: their names would be looked up. */
static inline void fuzz_run(struct source *source)
{
	const struct pipeline_options options = {.reconcile_ms = 1000, .replayed = true};
	struct pipeline *pipeline = pipeline_new(source, &options);
	struct fuzz_views views = {
		.watch = watch_view_new(false),
		.out = fopen("/dev/null", "we"),
	};

	if (!pipeline || !views.watch || !views.out)
		abort();
	pipeline_add_view(pipeline, &fuzz_view_ops, &views);
	while (!pipeline_run(pipeline))
		;
	pipeline_free(pipeline);
	watch_view_free(views.watch);
	fclose(views.out);
}

#endif
