// SPDX-License-Identifier: GPL-2.0-only
/* Signals, what is printed, and the loop that does. */
#include "user/app.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "user/base/cleanup.h"
#include "user/base/log.h"
#include "user/base/units.h"
#include "user/source/look.h"

/* How long the end waits for a standard output that nobody reads. */
#define UNREAD_MS 500

/* How long processes that a command has left behind may take to end by themselves. */
#define COMMAND_OVER_NS (500 * NSEC_PER_MSEC)

volatile sig_atomic_t app_stop_signal;
static volatile sig_atomic_t snapshot_wanted;

static void on_stop(int number)
{
	app_stop_signal = number;
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

void app_catch_signals(void)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	const struct sigaction stop = {.sa_handler = on_stop};
	/* it must not make a call fail that nobody expects to fail */
	const struct sigaction snapshot = {.sa_handler = on_snapshot, .sa_flags = SA_RESTART};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		catch_signal(numbers[i], &stop);
	catch_signal(SIGUSR1, &snapshot);
}

/*
 * Answers SIGUSR1. Names are looked up meanwhile, so the collector gets its turn
 * after each process.
 */
void app_answer_snapshot(struct app *app)
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
	while (more && !app_stop_signal) {
		more = export_snapshots_next(app->export);
		pthread_mutex_unlock(&app->collector.lock);
		poll(NULL, 0, 1);
		pthread_mutex_lock(&app->collector.lock);
	}
	export_snapshots_end(app->export);
	pthread_mutex_unlock(&app->collector.lock);
}

bool app_time_is_up(const struct app *app)
{
	return app->options.duration_s &&
	       clock_ns() - app->start_ns >= app->options.duration_s * NSEC_PER_SEC;
}

bool app_collector_ended(struct app *app)
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
int app_write_out(struct app *app, const char *data, size_t size)
{
	int waited = 0;

	while (size) {
		struct pollfd fd = {.fd = STDOUT_FILENO, .events = POLLOUT};
		ssize_t done;

		if (poll(&fd, 1, 50) <= 0) {
			app_answer_snapshot(app);
			if ((app_stop_signal || app_time_is_up(app)) && (waited += 50) > UNREAD_MS)
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
int app_print_lines(struct app *app)
{
	AUTO_FREE char *text = NULL;
	size_t size, dropped;

	pthread_mutex_lock(&app->collector.lock);
	text = watch_view_take(app->watch, &size, &dropped);
	pthread_mutex_unlock(&app->collector.lock);
	if (dropped)
		log_warning("%zu lines were dropped: standard output is not read", dropped);
	return text ? app_write_out(app, text, size) : 0;
}

/*
 * A check is of its command, and ends with it, whatever that has left running; in a moment, for the
 * collector to see the end of it.
 */
static bool command_is_over(const struct app *app, uint64_t *over_ns)
{
	if (!app->check || !app->options.argv || app->command_pid)
		return false;
	if (!*over_ns)
		*over_ns = clock_ns();
	return clock_ns() - *over_ns > COMMAND_OVER_NS;
}

int app_run_watch(struct app *app)
{
	uint64_t over_ns = 0;
	int rc = 0;

	while (!rc && !app_stop_signal && !app_time_is_up(app)) {
		struct pollfd fd = {.fd = app->collector.wake_fd, .events = POLLIN};
		uint64_t count;

		app_answer_snapshot(app);
		if (poll(&fd, 1, 100) > 0 && read(fd.fd, &count, sizeof(count)) < 0)
			continue;
		rc = app_print_lines(app);
		app_reap_command(app);
		if (app_collector_ended(app) || command_is_over(app, &over_ns))
			break;
	}
	return rc;
}
