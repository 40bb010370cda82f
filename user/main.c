// SPDX-License-Identifier: GPL-2.0-only
/* Wiring only: options to source, pipeline and views, and back to an exit code. */
#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/resource.h>
#include <sys/wait.h>

#include "user/base/cleanup.h"
#include "user/base/log.h"
#include "user/base/units.h"
#include "user/collector.h"
#include "user/options.h"
#include "user/pipeline.h"
#include "user/recorder.h"
#include "user/replay.h"
#include "user/source/live.h"
#include "user/source/look.h"
#include "user/source/privileges.h"
#include "user/view/check.h"
#include "user/view/dashboard/dashboard.h"
#include "user/view/dashboard/terminal.h"
#include "user/view/export.h"
#include "user/view/watch.h"

/* How long a command that was sent SIGTERM may take to end. */
#define COMMAND_END_MS 3000

/* How long heap evidence lasts that the dashboard asks for: it costs. */
#define HEAP_KEY_NS (30 * NSEC_PER_SEC)
#define HEAP_KEYS_MAX 16

/* How long the end waits for a standard output that nobody reads. */
#define UNREAD_MS 500

struct app {
	struct options options;
	struct live *live;	       /* NULL: a recording is replayed */
	struct source *source;	       /* of the live, or the recording */
	struct recording_header clock; /* of the stream, and who took it */
	struct recorder *recorder;
	struct pipeline *pipeline;
	struct collector collector;
	struct watch_view *watch;
	struct export *export;
	struct check_view *check; /* NULL: not `check` */
	struct {
		uint32_t pid; /* 0: free */
		uint64_t until_ns;
	} heaps[HEAP_KEYS_MAX]; /* heap evidence that ends by itself */
	pid_t command_pid;	/* of the command we started; 0: none, or reaped */
	bool command_ending;	/* it was sent SIGTERM */
	uint64_t start_ns;
};

static volatile sig_atomic_t stop_signal;
static volatile sig_atomic_t snapshot_wanted;

static void on_stop(int number)
{
	stop_signal = number;
}

static void on_snapshot(int number)
{
	(void)number;
	snapshot_wanted = 1;
}

static void catch_signal(int number, const struct sigaction *action)
{
	struct sigaction was;

	/* what is ignored stays so: nohup */
	if (!sigaction(number, NULL, &was) && was.sa_handler != SIG_IGN)
		sigaction(number, action, NULL);
}

static void catch_signals(void)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
	const struct sigaction stop = {.sa_handler = on_stop};
	/* it must not make a call fail that nobody expects to fail */
	const struct sigaction snapshot = {.sa_handler = on_snapshot, .sa_flags = SA_RESTART};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		catch_signal(numbers[i], &stop);
	catch_signal(SIGUSR1, &snapshot);
}

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

/*
 * Answers SIGUSR1. Names are looked up meanwhile, so the collector gets its turn
 * after each process.
 */
static void answer_snapshot(struct app *app)
{
	bool more = true;

	if (!snapshot_wanted)
		return;
	snapshot_wanted = 0;
	if (!app->export) {
		log_info("SIGUSR1: nothing is exported, so no snapshot is written: see --export");
		return;
	}
	pthread_mutex_lock(&app->collector.lock);
	export_snapshots_begin(app->export);
	while (more && !stop_signal) {
		more = export_snapshots_next(app->export);
		pthread_mutex_unlock(&app->collector.lock);
		poll(NULL, 0, 1);
		pthread_mutex_lock(&app->collector.lock);
	}
	export_snapshots_end(app->export);
	pthread_mutex_unlock(&app->collector.lock);
}

/* ---- what is watched ---- */

/* Follows the allocations of what runs already; a command's are followed as it starts. */
static int begin_heaps(struct app *app)
{
	struct source *source = app->source;
	int rc = 0;

	for (size_t i = 0; i < app->options.pid_count && !rc; i++)
		rc = source->ops->heap ? source->ops->heap(source, app->options.pids[i], true)
				       : -EOPNOTSUPP;
	return rc;
}

static int watch_targets(struct app *app)
{
	const struct options *options = &app->options;
	uint32_t flags = options->children ? WATCH_CHILDREN : 0;
	unsigned int found;
	int rc = 0;

	for (size_t i = 0; i < options->pid_count && !rc; i++)
		rc = live_watch_pid(app->live, options->pids[i], flags);
	for (size_t i = 0; i < options->name_count && !rc; i++) {
		rc = live_watch_name(app->live, options->names[i], flags, &found);
		if (!rc && !found)
			log_info("no process is called '%s' yet: waiting for one",
				 options->names[i]);
	}
	if (!rc)
		rc = live_check_invocations(app->live);
	if (!rc && options->heap)
		rc = begin_heaps(app);
	if (!rc && options->argv)
		rc = live_spawn_held(app->live, options->argv, flags, &app->command_pid);
	return rc;
}

/* We end it by SIGTERM ourselves: that is no failure. */
static void command_failed(const struct app *app, const char *how, int number)
{
	char text[256];

	snprintf(text, sizeof(text), "'%.128s' %s %d", app->options.argv[0], how, number);
	log_info("%s", text);
	if (app->check && !app->command_ending)
		check_view_command_failed(app->check, text);
}

/* Reaps the command, saying how it ended. */
static void reap_command(struct app *app)
{
	int status;

	if (!app->options.argv || app->command_pid <= 0 ||
	    waitpid(app->command_pid, &status, WNOHANG) != app->command_pid)
		return;
	app->command_pid = 0;
	if (WIFSIGNALED(status))
		command_failed(app, "was ended by signal", WTERMSIG(status));
	else if (WEXITSTATUS(status))
		command_failed(app, "exited with status", WEXITSTATUS(status));
}

/* We started it: it ends with us. The collector still runs, to see it end. */
static void end_command(struct app *app)
{
	reap_command(app);
	if (app->command_pid <= 0)
		return;
	app->command_ending = true;
	kill(app->command_pid, SIGTERM);
	for (int waited = 0; waited < COMMAND_END_MS && app->command_pid; waited += 20) {
		poll(NULL, 0, 20);
		reap_command(app);
	}
	if (app->command_pid)
		log_warning("'%s' (process %d) does not end on SIGTERM and is left running",
			    app->options.argv[0], (int)app->command_pid);
}

/* ---- the loops of the main thread ---- */

static bool time_is_up(const struct app *app)
{
	return app->options.duration_s &&
	       clock_ns() - app->start_ns >= app->options.duration_s * NSEC_PER_SEC;
}

static bool collector_ended(struct app *app)
{
	bool ended;

	pthread_mutex_lock(&app->collector.lock);
	ended = app->collector.ended;
	pthread_mutex_unlock(&app->collector.lock);
	return ended;
}

/*
 * Waits for a reader that lags behind, but once we are to end no longer than
 * UNREAD_MS. A pipe that polls writable takes PIPE_BUF bytes without blocking.
 */
static int write_out(struct app *app, const char *data, size_t size)
{
	int waited = 0;

	while (size) {
		struct pollfd fd = {.fd = STDOUT_FILENO, .events = POLLOUT};
		ssize_t done;

		if (poll(&fd, 1, 50) <= 0) {
			answer_snapshot(app);
			if ((stop_signal || time_is_up(app)) && (waited += 50) > UNREAD_MS)
				return -EAGAIN;
			continue;
		}
		done = write(STDOUT_FILENO, data, size < PIPE_BUF ? size : PIPE_BUF);
		if (done < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (done < 0)
			return -errno;
		waited = 0;
		data += done;
		size -= (size_t)done;
	}
	return 0;
}

/* Prints the lines there are; the lock is not held while the reader lets us wait. */
static int print_lines(struct app *app)
{
	AUTO_FREE char *text = NULL;
	size_t size, dropped;

	pthread_mutex_lock(&app->collector.lock);
	text = watch_view_take(app->watch, &size, &dropped);
	pthread_mutex_unlock(&app->collector.lock);
	if (dropped)
		log_warning("%zu lines were dropped: standard output is not read", dropped);
	return text ? write_out(app, text, size) : 0;
}

static int run_watch(struct app *app)
{
	int rc = 0;

	while (!rc && !stop_signal && !time_is_up(app)) {
		struct pollfd fd = {.fd = app->collector.wake_fd, .events = POLLIN};
		uint64_t count;

		answer_snapshot(app);
		if (poll(&fd, 1, 100) > 0 && read(fd.fd, &count, sizeof(count)) < 0)
			continue;
		rc = print_lines(app);
		reap_command(app);
		if (collector_ended(app))
			break;
	}
	if (rc && rc != -EPIPE && rc != -EAGAIN)
		log_error("standard output: %s", strerror(-rc));
	return 0;
}

/* A recording is looked at as it was then. */
static uint64_t stream_now(const struct app *app)
{
	uint64_t newest = 0;
	size_t count;
	const struct process *const *processes = pipeline_processes(app->pipeline, &count);

	if (app->live)
		return clock_ns();
	for (size_t i = 0; i < count; i++)
		if (processes[i]->ledger->now_ns > newest)
			newest = processes[i]->ledger->now_ns;
	return newest;
}

/* The dashboard's key; under the lock. What cannot be is said by the source. */
static void toggle_heap(void *ctx, uint32_t pid, bool on)
{
	struct app *app = ctx;
	struct source *source = app->source;
	size_t slot = HEAP_KEYS_MAX;

	for (size_t i = 0; i < HEAP_KEYS_MAX; i++)
		if (app->heaps[i].pid == pid || (!app->heaps[i].pid && slot == HEAP_KEYS_MAX))
			slot = i;
	if (on && slot == HEAP_KEYS_MAX) {
		log_warning("allocations of %d processes are followed already", HEAP_KEYS_MAX);
		return;
	}
	if (source->ops->heap(source, pid, on) || slot == HEAP_KEYS_MAX)
		return;
	app->heaps[slot].pid = on ? pid : 0;
	app->heaps[slot].until_ns = clock_ns() + HEAP_KEY_NS;
	if (on)
		log_info("allocations of process %u are followed for 30 s", pid);
}

/* Ends what has lasted. */
static void rest_heaps(struct app *app)
{
	uint64_t now = clock_ns();

	for (size_t i = 0; i < HEAP_KEYS_MAX; i++) {
		if (!app->heaps[i].pid || now < app->heaps[i].until_ns)
			continue;
		pthread_mutex_lock(&app->collector.lock);
		toggle_heap(app, app->heaps[i].pid, false);
		log_info("allocations are not followed any more: 30 s are over");
		pthread_mutex_unlock(&app->collector.lock);
		app->heaps[i].pid = 0;
	}
}

/* Passes the model to one call under the lock. */
static bool with_dashboard(struct app *app, struct dashboard *dashboard, int key, struct grid *grid)
{
	struct source *source = app->source;
	struct source_state state;
	char message[256];
	struct dashboard_input input = {
		.interval_ms = app->clock.interval_ms,
		.message = message,
		.heap = source->ops->heap ? toggle_heap : NULL,
		.heap_ctx = app,
	};
	bool quit = false;

	log_newest(message, sizeof(message));
	pthread_mutex_lock(&app->collector.lock);
	source->ops->state(source, &state);
	input.now_ns = stream_now(app);
	input.processes = pipeline_processes(app->pipeline, &input.count);
	input.buffer_percent = state.buffer_percent;
	input.stack_weight = state.stack_weight;
	input.orphans = pipeline_orphans(app->pipeline);
	if (key)
		quit = dashboard_key(dashboard, key, &input);
	if (grid)
		dashboard_draw(dashboard, &input, grid);
	pthread_mutex_unlock(&app->collector.lock);
	return quit;
}

static int draw(struct app *app, struct dashboard *dashboard, struct grid *grid)
{
	unsigned int rows, cols;
	int rc;

	terminal_size(&rows, &cols);
	rc = grid_resize(grid, rows, cols);
	if (rc)
		return rc;
	with_dashboard(app, dashboard, 0, grid);
	terminal_flush(grid);
	return 0;
}

static int run_top(struct app *app, bool utf8)
{
	struct dashboard *dashboard = dashboard_new(utf8);
	struct grid grid = {0};
	int rc = dashboard ? 0 : -ENOMEM;
	bool quit = false;

	while (!rc && !quit && !stop_signal && !time_is_up(app)) {
		unsigned int wait = app->options.interval_ms < 500 ? app->options.interval_ms : 500;
		int key;

		answer_snapshot(app);
		rest_heaps(app);
		rc = draw(app, dashboard, &grid);
		key = rc ? 0 : terminal_key((int)wait);
		if (key)
			quit = with_dashboard(app, dashboard, key, NULL);
		reap_command(app);
		if (app->options.argv && !app->options.pid_count && !app->options.name_count &&
		    collector_ended(app))
			quit = true;
	}
	terminal_close();
	dashboard_free(dashboard);
	grid_release(&grid);
	return rc;
}

/* ---- start and end ---- */

/* A child process takes six files, an export a few more. */
static void raise_file_limit(void)
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
static bool may_follow(const struct options *options)
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
		.heap = may_follow(options),
		.heap_from_start = options->heap && options->argv,
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

static int app_open(struct app *app)
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

static void print_summary(struct app *app)
{
	AUTO_FREE char *text = NULL, *traces = NULL;
	struct source_state state;
	struct source *source = app->source;
	size_t size;

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
	if (text && write_out(app, text, size))
		return;
	/* what a check prints is its result alone */
	if (app->export && app->check)
		log_info("traces in %s", app->options.export_path);
	else if (app->export && asprintf(&traces, "traces in %s\n", app->options.export_path) > 0)
		(void)write_out(app, traces, strlen(traces));
}

/* The pipeline has ended: nothing more comes. */
static int end_recording(struct app *app)
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
	return rc && app->options.command == COMMAND_RECORD ? EXIT_IMPOSSIBLE : EXIT_DONE;
}

static void app_close(struct app *app)
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

/* At full speed, and no line is dropped: what is printed holds up what is read. */
static int replay_lines(struct app *app)
{
	int rc = 0, failed = 0;

	while (!rc && !failed && !stop_signal && !time_is_up(app)) {
		rc = pipeline_wait(app->pipeline, 100);
		if (!rc)
			rc = pipeline_run(app->pipeline);
		else if (rc == -EINTR)
			rc = 0;
		failed = print_lines(app);
	}
	if (failed && failed != -EPIPE && failed != -EAGAIN)
		log_error("standard output: %s", strerror(-failed));
	if (rc < 0)
		log_error("%s: %s", app->options.files[0], replay_error(rc));
	return rc < 0 ? rc : 0;
}

static int replay_run(struct app *app)
{
	bool utf8;
	int rc;

	signal(SIGPIPE, SIG_IGN);
	if (!app->options.on_top)
		return replay_lines(app) ? EXIT_TARGET : EXIT_DONE;
	if (collector_start(&app->collector, app->pipeline, true)) {
		log_error("cannot start a thread");
		return EXIT_IMPOSSIBLE;
	}
	rc = terminal_open(&utf8);
	if (rc) {
		log_error("%s; without --top it is replayed as lines", terminal_error(rc));
	} else {
		log_hold(true);
		rc = run_top(app, utf8);
		log_hold(false);
	}
	collector_stop(&app->collector);
	if (app->collector.error) {
		log_error("%s: %s", app->options.files[0], replay_error(app->collector.error));
		return EXIT_TARGET;
	}
	return rc ? EXIT_IMPOSSIBLE : EXIT_DONE;
}

static int app_run(struct app *app)
{
	bool utf8, top = app->options.command == COMMAND_TOP;
	int rc = EXIT_DONE;

	if (watch_targets(app)) {
		end_command(app);
		return EXIT_TARGET;
	}
	/* after the command was started: it is to have the limits and signals it would have had */
	raise_file_limit();
	signal(SIGPIPE, SIG_IGN);
	if (privileges_drop((app->export || app->recorder) && geteuid() == 0, app->command_pid > 0,
			    app->options.invocation_count > 0 || may_follow(&app->options)))
		log_warning("capabilities could not be dropped: %s", strerror(errno));
	if (collector_start(&app->collector, app->pipeline, app->options.name_count > 0)) {
		log_error("cannot start a thread");
		end_command(app);
		return EXIT_IMPOSSIBLE;
	}
	if (app->command_pid > 0 && live_release(app->live, app->options.argv[0])) {
		app->command_pid = 0; /* it was reaped */
		collector_stop(&app->collector);
		return EXIT_TARGET;
	}
	/* --for is of the watch, not of what it took to begin it */
	app->start_ns = clock_ns();
	if (top) {
		int failed = terminal_open(&utf8);

		if (failed) {
			log_error("%s; `tidemark watch` prints lines instead",
				  terminal_error(failed));
			end_command(app);
			collector_stop(&app->collector);
			return EXIT_IMPOSSIBLE;
		}
		log_hold(true);
	}
	if (top ? run_top(app, utf8) : run_watch(app))
		rc = EXIT_IMPOSSIBLE;
	log_hold(false);
	end_command(app);
	collector_stop(&app->collector);
	if (app->collector.error) {
		log_error("the records of the kernel cannot be read any more: %s",
			  strerror(-app->collector.error));
		rc = EXIT_IMPOSSIBLE;
	}
	return rc;
}

/* Two recordings at their ends, or one at two moments; its begin is the first if none is given. */
static int diff_files(const struct options *options)
{
	if (options->file_count == 2)
		return diff_print(options->files[0], NAN, options->files[1], NAN);
	return diff_print(options->files[0], isnan(options->from_s) ? 0 : options->from_s,
			  options->files[0], options->to_s);
}

/* Prints what was judged; the exit code says it, too. */
static int print_check(struct app *app)
{
	static const int codes[] = {
		[CHECK_WITHIN] = EXIT_DONE,
		[CHECK_UNJUDGED] = EXIT_UNJUDGED,
		[CHECK_OVER] = EXIT_OVER,
	};
	enum check_result result = check_view_result(app->check);
	AUTO_FREE char *text = NULL;
	size_t size;
	int rc;

	text = check_view_take(app->check, &size);
	rc = text ? write_out(app, text, size) : -ENOMEM;
	if (rc)
		log_error("the result could not be written to standard output: %s", strerror(-rc));
	return rc ? EXIT_UNJUDGED : codes[result];
}

int main(int argc, char **argv)
{
	struct app app = {.start_ns = clock_ns()};
	bool judged = false;
	int code;

	setlocale(LC_CTYPE, "");
	if (options_parse(argc, argv, TIDEMARK_VERSION, &app.options, &code))
		return code;
	if (app.options.verbose)
		log_set_level(LOG_DEBUG);
	catch_signals();
	if (app.options.command == COMMAND_INFO)
		return info_print(app.options.files[0]) ? EXIT_TARGET : EXIT_DONE;
	if (app.options.command == COMMAND_DIFF)
		return diff_files(&app.options) ? EXIT_TARGET : EXIT_DONE;
	code = app_open(&app);
	if (code == EXIT_DONE)
		code = app.live ? app_run(&app) : replay_run(&app);
	if (app.pipeline && code == EXIT_DONE) {
		pipeline_free(app.pipeline); /* the views get the last state */
		print_lines(&app);
		print_summary(&app);
		code = end_recording(&app);
		if (app.check)
			code = print_check(&app);
		judged = true;
	} else {
		pipeline_free(app.pipeline);
	}
	app_close(&app);
	/* 1 would say that a limit is passed */
	if (app.options.command == COMMAND_CHECK && code == EXIT_TARGET && !judged)
		code = EXIT_UNJUDGED;
	return code;
}
