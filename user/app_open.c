// SPDX-License-Identifier: GPL-2.0-only
/* From options to a source, a pipeline and views; and their end. */
#include "user/app.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/resource.h>

#include "user/base/cleanup.h"
#include "user/base/log.h"
#include "user/base/units.h"
#include "user/source/look.h"

/* ---- views ---- */

static void view_begin(void *view, struct process *process)
{
	struct app *app = view;

	if (app->check)
		check_view_begin(app->check, process);
}

static void view_event(void *view, struct process *process, const struct event_header *event)
{
	struct app *app = view;

	if (app->export)
		export_event(app->export, process, event);
}

static void view_report(void *view, struct process *process, const struct report *report)
{
	struct app *app = view;

	watch_view_report(app->watch, process, report);
	if (app->export)
		export_report(app->export, process, report);
}

static void view_end(void *view, struct process *process)
{
	struct app *app = view;

	if (app->check)
		check_view_end(app->check, process);
	else
		watch_view_end(app->watch, process);
	if (app->export)
		export_end(app->export, process);
}

static void view_interval(void *view, uint64_t number)
{
	struct app *app = view;

	(void)number;
	if (app->export)
		export_flush(app->export);
	collector_wake(&app->collector);
}

static const struct view_ops view_ops = {
	.begin = view_begin,
	.event = view_event,
	.report = view_report,
	.end = view_end,
	.interval = view_interval,
};

/* ---- start and end ---- */

/* A child process takes six files, an export a few more. */
void app_raise_file_limit(void)
{
	struct rlimit limit;

	if (!getrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static enum spawn_output output_of_command(enum command command)
{
	if (command == COMMAND_TOP)
		return SPAWN_OUTPUT_HUSH;
	return command == COMMAND_CHECK ? SPAWN_OUTPUT_ASIDE : SPAWN_OUTPUT_KEEP;
}

/* Heap evidence is wanted, or the dashboard's key may ask for it. */
bool app_may_follow(const struct options *options)
{
	return options->heap || options->command == COMMAND_TOP;
}

static int open_live(struct app *app)
{
	const struct options *options = &app->options;
	struct live_options live = {
		.buffer_bytes = options->buffer_bytes,
		.interval_ms = options->interval_ms,
		.omit_program = options->omit_program,
		.command_output = output_of_command(options->command),
		.stack_bytes = options->stack_bytes,
		.stack_rate = options->stack_rate,
		.invocations = options->invocations,
		.invocation_count = options->invocation_count,
		.heap = app_may_follow(options),
		.heap_from_start = options->heap && options->argv,
		.heap_children = options->heap && options->children,
		.heap_sample_bytes = options->stack_bytes ? LIVE_HEAP_SAMPLE_DEFAULT : 0,
		.heap_specs = options->heap_specs,
		.heap_spec_count = options->heap_spec_count,
	};
	int rc = live_open(&live, &app->live);

	if (rc)
		return rc == -ENOENT ? EXIT_TARGET : EXIT_IMPOSSIBLE;
	app->source = live_source(app->live);
	recording_header_fill(&app->clock, TIDEMARK_VERSION, options->interval_ms,
			      options->stack_bytes ? RECORDING_STACKS : 0);
	app->clock.heap_tracked = (uint32_t)options->heap_tracked;
	return EXIT_DONE;
}

static int open_replay(struct app *app)
{
	struct replay_options replay = {
		.path = app->options.files[0],
		.realtime = app->options.realtime,
		.to_s = app->options.to_s,
	};

	return replay_open(&replay, &app->source, &app->clock) ? EXIT_TARGET : EXIT_DONE;
}

static void open_export(struct app *app)
{
	struct export_options traces = {
		.path = app->options.export_path,
		.formats = app->options.formats,
		.version = app->clock.version,
		.wall_offset_ns = app->clock.wall_offset_ns,
		.boot_offset_ns = app->clock.boot_offset_ns,
	};
	int rc = export_open(&traces, &app->export);

	if (rc)
		log_error("--export %s: %s; nothing is exported, %s", traces.path, strerror(-rc),
			  app->live ? "the watching goes on" : "the replay goes on");
}

/* What else is to be made of the stream. */
static int open_recorder(struct app *app)
{
	struct recorder_options recording = {
		.path = app->options.recording_path,
		.max_bytes = app->options.recording_bytes,
		.header = app->clock,
	};

	if (!recording.path)
		return EXIT_DONE;
	if (recorder_open(&recording, &app->recorder))
		return EXIT_IMPOSSIBLE;
	recorder_attach(app->recorder, app->pipeline, app->source);
	return EXIT_DONE;
}

int app_open(struct app *app)
{
	const struct options *options = &app->options;
	struct pipeline_options policy = {
		.reconcile_ms = options->reconcile_ms,
		.reconcile_exact = options->reconcile_exact,
		.replayed = options->command == COMMAND_REPLAY,
	};
	int rc = policy.replayed ? open_replay(app) : open_live(app);

	if (rc)
		return rc;
	policy.stacks = app->clock.flags & RECORDING_STACKS;
	policy.heap_tracked = app->clock.heap_tracked;
	app->pipeline = pipeline_new(app->source, &policy);
	app->watch = watch_view_new(options->command == COMMAND_TOP || options->on_top ||
				    options->command == COMMAND_RECORD ||
				    options->command == COMMAND_CHECK);
	if (options->command == COMMAND_CHECK)
		app->check = check_view_new(&options->limits, options->json);
	if (!app->pipeline || !app->watch || (options->command == COMMAND_CHECK && !app->check)) {
		log_error("out of memory");
		return EXIT_IMPOSSIBLE;
	}
	/* first: a view may end with the process it is told of */
	rc = open_recorder(app);
	pipeline_add_view(app->pipeline, &view_ops, app);
	if (options->export_path)
		open_export(app);
	return rc;
}

int app_print_summary(struct app *app)
{
	AUTO_FREE char *text = NULL, *traces = NULL;
	struct source_state state;
	struct source *source = app->source;
	size_t size;
	int rc = 0;

	source->ops->state(source, &state);
	if (state.unwatched_children)
		log_warning("%llu processes were not followed: too many at once",
			    (unsigned long long)state.unwatched_children);
	if (state.missing_marks)
		log_warning("%u of the --invocation were in no watched process: what they name was "
			    "not marked",
			    state.missing_marks);
	if (state.malformed)
		log_warning("%llu records were malformed and skipped",
			    (unsigned long long)state.malformed);
	if (app->export && export_failures(app->export))
		log_warning("export: %llu rows and events could not be written",
			    (unsigned long long)export_failures(app->export));
	text = watch_view_take_summary(app->watch, &size);
	if (text)
		rc = app_write_out(app, text, size);
	/* what a check prints is its result alone */
	if (app->export && app->check)
		log_info("traces in %s", app->options.export_path);
	else if (!rc && app->export &&
		 asprintf(&traces, "traces in %s\n", app->options.export_path) > 0)
		rc = app_write_out(app, traces, strlen(traces));
	return rc;
}

bool app_export_failed(const struct app *app)
{
	return app->options.export_path && (!app->export || export_failures(app->export));
}

/* The pipeline has ended: nothing more comes. */
int app_end_recording(struct app *app)
{
	struct recording_figures figures;
	char bytes[UNITS_TEXT_LEN], count[UNITS_TEXT_LEN];
	int rc;

	if (!app->live)
		replay_report(app->source, app->options.files[0]);
	if (!app->recorder)
		return EXIT_DONE;
	rc = recorder_close(app->recorder, &figures);
	app->recorder = NULL;
	if (figures.refused)
		log_warning("%llu records could not be recorded",
			    (unsigned long long)figures.refused);
	log_info("%s records, %s in %s", units_whole(count, figures.records),
		 units_bytes(bytes, (double)figures.bytes), app->options.recording_path);
	return rc ? EXIT_IMPOSSIBLE : EXIT_DONE;
}

void app_close(struct app *app)
{
	struct recording_figures figures;
	struct source *source = app->source;

	(void)recorder_close(app->recorder, &figures);
	export_close(app->export);
	check_view_free(app->check);
	watch_view_free(app->watch);
	if (source)
		source->ops->close(source);
}
