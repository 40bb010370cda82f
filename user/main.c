// SPDX-License-Identifier: GPL-2.0-only
/* Wiring only: options to source, pipeline and views, and back to an exit code. */
#include "user/app.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/base/cleanup.h"
#include "user/base/log.h"
#include "user/base/units.h"
#include "user/source/look.h"
#include "user/source/privileges.h"
#include "user/view/dashboard/terminal.h"

/*
 * What was closed by who started us would else be the number of a file of ours, and written to. The
 * wrong way round, so that it fails as it would; the command that we start has it closed.
 */
static void reserve_standard_files(void)
{
	int fd;

	do
		fd = open("/dev/null",
			  O_CLOEXEC | (fcntl(STDIN_FILENO, F_GETFD) < 0 ? O_WRONLY : O_RDONLY));
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

/* Standard output that is gone is a reader's wish to end; what else went wrong loses the result. */
static int output_code(int failed)
{
	if (!failed || failed == -EPIPE || failed == -EAGAIN)
		return EXIT_DONE;
	log_error("standard output: %s", strerror(-failed));
	return EXIT_IMPOSSIBLE;
}

/* Of what was printed by stdio. */
static int printed_code(int code)
{
	errno = 0;
	if (fflush(stdout) || ferror(stdout))
		return output_code(errno ? -errno : -EIO) == EXIT_DONE ? code : EXIT_IMPOSSIBLE;
	return code;
}

/* At full speed, and no line is dropped: what is printed holds up what is read. */
static int replay_lines(struct app *app)
{
	int rc = 0, failed = 0;

	while (!rc && !failed && !app_stop_signal && !app_time_is_up(app)) {
		rc = pipeline_wait(app->pipeline, 100);
		if (!rc)
			rc = pipeline_run(app->pipeline);
		else if (rc == -EINTR)
			rc = 0;
		failed = app_print_lines(app);
	}
	if (rc < 0)
		log_error("%s: %s", app->options.files[0], replay_error(rc));
	return rc < 0 ? EXIT_TARGET : output_code(failed);
}

/* What a call that fails says as well: no reader, a limit of the size of files. */
static void ignore_signals(void)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
}

static int replay_run(struct app *app)
{
	bool utf8;
	int rc;

	ignore_signals();
	if (!app->options.on_top)
		return replay_lines(app);
	if (collector_start(&app->collector, app->pipeline, true)) {
		log_error("cannot start a thread");
		return EXIT_IMPOSSIBLE;
	}
	rc = terminal_open(&utf8);
	if (rc) {
		log_error("%s; without --top it is replayed as lines", terminal_error(rc));
	} else {
		log_hold(true);
		rc = app_run_top(app, utf8);
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

	if (app_watch_targets(app)) {
		app_end_command(app);
		return EXIT_TARGET;
	}
	/* after the command was started: it is to have the limits and signals it would have had */
	app_raise_file_limit();
	ignore_signals();
	if (privileges_drop((app->export || app->recorder) && geteuid() == 0, app->command_pid > 0,
			    app->options.invocation_count > 0 || app_may_follow(&app->options)))
		log_warning("capabilities could not be dropped: %s", strerror(errno));
	if (collector_start(&app->collector, app->pipeline, app->options.name_count > 0)) {
		log_error("cannot start a thread");
		app_end_command(app);
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
			app_end_command(app);
			collector_stop(&app->collector);
			return EXIT_IMPOSSIBLE;
		}
		log_hold(true);
	}
	if (top)
		rc = app_run_top(app, utf8) ? EXIT_IMPOSSIBLE : EXIT_DONE;
	else
		rc = output_code(app_run_watch(app));
	log_hold(false);
	app_end_command(app);
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
	rc = text ? app_write_out(app, text, size) : -ENOMEM;
	if (rc)
		log_error("the result could not be written to standard output: %s", strerror(-rc));
	return rc ? EXIT_UNJUDGED : codes[result];
}

int main(int argc, char **argv)
{
	struct app app = {.start_ns = clock_ns()};
	bool judged = false;
	int code;

	reserve_standard_files();
	setlocale(LC_CTYPE, "");
	if (options_parse(argc, argv, TIDEMARK_VERSION, &app.options, &code))
		return printed_code(code);
	if (app.options.verbose)
		log_set_level(LOG_DEBUG);
	app_catch_signals();
	if (app.options.command == COMMAND_INFO)
		return printed_code(info_print(app.options.files[0]) ? EXIT_TARGET : EXIT_DONE);
	if (app.options.command == COMMAND_DIFF)
		return printed_code(diff_files(&app.options) ? EXIT_TARGET : EXIT_DONE);
	code = app_open(&app);
	if (code == EXIT_DONE)
		code = app.live ? app_run(&app) : replay_run(&app);
	if (app.pipeline && code == EXIT_DONE) {
		int failed, recorded;

		pipeline_free(app.pipeline); /* the views get the last state */
		failed = app_print_lines(&app);
		if (!failed)
			failed = app_print_summary(&app);
		code = output_code(failed);
		recorded = app_end_recording(&app);
		if (code == EXIT_DONE)
			code = app_export_failed(&app) ? EXIT_IMPOSSIBLE : recorded;
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
