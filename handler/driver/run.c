#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "handler/driver/run.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "handler/driver/run_internal.h"
#include "handler/log.h"
#include "handler/stop.h"

/* Instances in a row that serve nothing: the next one would not, either. */
#define BARREN_MAX 3
/* What an instance has left after it said that it cannot start. */
#define INIT_ERROR_WAIT_NS (1 * NS_PER_S)
/* What the function has to end in after SIGTERM, or to answer in when a signal ends the run. */
#define END_WAIT_NS (3 * NS_PER_S)
/* Lines logged of wrong answers and ended instances. */
#define TOLD_MAX 10
/* Rounds in which what an ended instance had sent is read. */
#define LAST_ROUNDS_MAX 100

bool run_may_tell(struct run *run)
{
	if (run->told >= TOLD_MAX)
		return false;
	if (++run->told == TOLD_MAX)
		log_error("more of this is counted and not said");
	return run->told < TOLD_MAX;
}

static void instance_begin(struct run *run)
{
	run->error = instance_start(&run->setup, run->figures->instances + 1, &run->instance);
	if (run->error)
		return;
	run->figures->instances++;
	run->instance_usable = 0;
	run->instance_served = 0;
	run->phase = PHASE_INIT;
	run->phase_end_ns = run->instance.started_ns + run->options->init_timeout_ms * NS_PER_MS;
}

/* When the next event is to go out. */
static uint64_t event_due(const struct run *run)
{
	const struct driver_options *options = run->options;
	uint64_t due = 0;

	if (!run->figures->invocations)
		return 0;
	if (options->rate > 0)
		due = run->start_ns +
		      (uint64_t)((double)run->figures->invocations / options->rate * 1e9);
	if (options->gap_ms && run->last_end_ns + options->gap_ms * NS_PER_MS > due)
		due = run->last_end_ns + options->gap_ms * NS_PER_MS;
	return due;
}

static uint64_t run_end(const struct run *run)
{
	uint64_t duration = run->options->duration_s;

	return duration ? run->start_ns + duration * NS_PER_S : UINT64_MAX;
}

static bool run_continues(const struct run *run)
{
	if (run->error)
		return false;
	if (run->phase == PHASE_BUSY)
		return !run->stopping || stop_now_ns() < run->phase_end_ns;
	return !run->stopping && run->figures->invocations < run->options->invocations &&
	       stop_now_ns() < run_end(run);
}

/* Counts an instance that is over, with the invocation it had. Something ended it for a reason. */
static void instance_over(struct run *run, const char *reason)
{
	struct figures *figures = run->figures;
	enum phase phase = run->phase;
	const char *init_error = server_init_error(run->instance.server);
	uint64_t number = run->instance.number;
	bool killed = run->instance.killed;
	char said[320] = "", end_text[64];
	struct instance_end end;

	if (init_error)
		snprintf(said, sizeof(said), ": %s", init_error);
	if (phase == PHASE_BUSY)
		invocation_lost(run, killed ? &figures->timed_out : &figures->failed);
	figures->refused_requests += server_refused(run->instance.server);
	end = instance_finish(&run->instance);
	instance_end_describe(&end, end_text, sizeof(end_text));
	run->phase = PHASE_NONE;
	figures->oom_kills += end.oom;
	figures->failed_oom += end.oom && phase == PHASE_BUSY;
	figures->crashes += !end.oom && !(killed && phase == PHASE_BUSY);
	if (!end.oom)
		run_tell(run, "instance %ju %s%s%s%s", (uintmax_t)number,
			 reason ? reason : end_text,
			 phase == PHASE_INIT && !reason ? " before it asked for an event" : "",
			 phase == PHASE_BUSY ? " in an invocation" : "", said);
	if (run->instance_served == 0 && ++run->barren >= BARREN_MAX) {
		log_error("%d instances in a row served nothing, the last one %s%s", BARREN_MAX,
			  reason ? reason : end_text, said);
		run->error = -ECANCELED;
	}
}

/* What is read here was sent before the end: it counts. */
static void instance_drain(struct run *run)
{
	struct pollfd poll_fd = {.fd = server_fd(run->instance.server), .events = POLLIN};

	for (int i = 0; i < LAST_ROUNDS_MAX; i++) {
		if (!server_busy(run->instance.server) && poll(&poll_fd, 1, 0) <= 0)
			break;
		server_run(run->instance.server);
	}
	if (run->phase == PHASE_BUSY)
		invocation_answer(run);
}

/* The phase has taken longer than it may. */
static void phase_overdue(struct run *run)
{
	const char *reason = "did not ask for its next event in time: killed";

	if (run->phase == PHASE_BUSY)
		reason = "passed the deadline: killed";
	else if (run->phase == PHASE_INIT && server_init_error(run->instance.server))
		reason = "could not start";
	else if (run->phase == PHASE_INIT)
		reason = "did not ask for an event in time: killed";
	instance_kill(&run->instance);
	instance_over(run, reason);
}

static void next_note(struct run *run)
{
	if (run->phase == PHASE_INIT &&
	    times_add(&run->figures->inits, stop_now_ns() - run->instance.started_ns)) {
		log_error("out of memory for the times: use fewer --invocations");
		run->error = -ENOMEM;
	}
	run->phase = PHASE_WAITING;
	run->phase_end_ns = UINT64_MAX;
}

/* Sees what the function did, and how late it is; whatever has changed shows in the phase. */
static void phase_advance(struct run *run)
{
	struct server *server = run->instance.server;

	if (run->phase == PHASE_BUSY)
		invocation_answer(run);
	if (run->phase == PHASE_INIT && server_init_error(server) &&
	    run->phase_end_ns > stop_now_ns() + INIT_ERROR_WAIT_NS)
		run->phase_end_ns = stop_now_ns() + INIT_ERROR_WAIT_NS;
	if ((run->phase == PHASE_INIT || run->phase == PHASE_ANSWERED) && server_next_waits(server))
		next_note(run);
	if (stop_now_ns() >= run->phase_end_ns && !run->stopping)
		phase_overdue(run);
}

/* Delivers the event that is due, or freezes the function until it is. When to look again. */
static uint64_t event_deliver(struct run *run)
{
	uint64_t due = event_due(run);

	if (due <= stop_now_ns()) {
		run->error = invocation_begin(run);
		if (run->error == -ENOMEM)
			log_error("out of memory for an event: use fewer --records");
		return 0;
	}
	if (run->options->freeze && !run->instance.group.frozen) {
		run->error = group_freeze(&run->instance.group);
		run->figures->freezes += !run->error;
	}
	return due < run_end(run) ? due : run_end(run);
}

static void signal_read(struct run *run, int fd)
{
	struct signalfd_siginfo info;

	if (read(fd, &info, sizeof(info)) != sizeof(info) || run->stopping)
		return;
	run->stopping = true;
	if (run->phase == PHASE_BUSY && run->phase_end_ns > stop_now_ns() + END_WAIT_NS)
		run->phase_end_ns = stop_now_ns() + END_WAIT_NS;
}

/*
 * Sleeps until something happens or it is that time. Whether the instance has ended, of which all
 * that it sent is then read.
 */
static bool run_wait(struct run *run, int signals, uint64_t until_ns)
{
	struct pollfd fds[] = {{.fd = signals, .events = POLLIN},
			       {.fd = run->instance.pidfd, .events = POLLIN},
			       {.fd = server_fd(run->instance.server), .events = POLLIN}};
	uint64_t now = stop_now_ns();
	bool busy = server_busy(run->instance.server);
	uint64_t left = until_ns > now && !busy ? until_ns - now : 0;
	const struct timespec timeout = {.tv_sec = (time_t)(left / NS_PER_S),
					 .tv_nsec = (long)(left % NS_PER_S)};

	if (ppoll(fds, 3, until_ns == UINT64_MAX && !busy ? NULL : &timeout, NULL) < 0)
		return false;
	if (fds[0].revents)
		signal_read(run, signals);
	if (fds[2].revents || busy)
		server_run(run->instance.server);
	if (fds[1].revents)
		instance_drain(run);
	return fds[1].revents != 0;
}

static void run_loop(struct run *run, int signals)
{
	while (run_continues(run)) {
		uint64_t until;

		if (run->phase == PHASE_NONE) {
			instance_begin(run);
			continue;
		}
		until = run->phase_end_ns < run_end(run) || run->phase == PHASE_BUSY
				? run->phase_end_ns
				: run_end(run);
		if (run->phase == PHASE_WAITING)
			until = event_deliver(run);
		if (run->error)
			break;
		if (run->phase == PHASE_BUSY && until == 0)
			until = run->phase_end_ns;
		if (run_wait(run, signals, until))
			instance_over(run, NULL);
		else
			phase_advance(run);
	}
}

/* Asks the last instance to end, and sees to it that it does. */
static void run_finish(struct run *run)
{
	struct server *server = run->instance.server;
	uint64_t until = stop_now_ns() + END_WAIT_NS;

	if (run->phase == PHASE_NONE)
		return;
	if (run->phase == PHASE_BUSY)
		invocation_lost(run, &run->figures->interrupted);
	instance_ask_end(&run->instance);
	for (uint64_t now = stop_now_ns(); now < until; now = stop_now_ns()) {
		struct pollfd fds[] = {{.fd = run->instance.pidfd, .events = POLLIN},
				       {.fd = server_fd(server), .events = POLLIN}};

		poll(fds, 2, server_busy(server) ? 0 : (int)((until - now) / NS_PER_MS) + 1);
		server_run(server);
		if (fds[0].revents)
			break;
	}
	run->figures->refused_requests += server_refused(server);
	instance_kill(&run->instance);
	instance_finish(&run->instance);
	run->phase = PHASE_NONE;
}

int run_function(const struct driver_options *options, const struct run_outputs *outputs,
		 struct figures *figures)
{
	struct run run = {.options = options, .outputs = outputs, .figures = figures};
	sigset_t stop;
	int signals;

	*figures = (struct figures){0};
	sigemptyset(&stop);
	sigaddset(&stop, SIGINT);
	sigaddset(&stop, SIGTERM);
	run.setup = (struct instance_setup){
		.options = options, .groups = &run.groups, .out = outputs->function_log};
	function_name(options->function[0], run.setup.name);
	if (sigprocmask(SIG_BLOCK, &stop, &run.setup.signals))
		return -errno;
	signals = signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0) {
		run.error = -errno;
		log_error("cannot set up the signals: %s", strerror(errno));
		return run.error;
	}
	run.error = groups_open(&run.groups, options->freeze, options->memory_bytes);
	if (!run.error) {
		run.start_ns = stop_now_ns();
		run_loop(&run, signals);
		run_finish(&run);
		groups_close(&run.groups);
	}
	close(signals);
	return run.error;
}
