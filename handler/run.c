#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "handler/run.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "handler/cleanup.h"
#include "handler/generator.h"
#include "handler/log.h"
#include "handler/request_id.h"
#include "handler/stop.h"

struct run {
	const struct options *options;
	const struct function *function;
	pthread_mutex_t lock; /* of everything below */
	struct account *account;
	int error;
};

struct worker {
	struct run *run;
	uint64_t index;
	pthread_t thread;
};

/* Called with the lock held. The first failure counts, and ends all threads. */
static void run_fail(struct run *run, int error)
{
	if (run->error)
		return;
	run->error = error;
	stop_request();
}

/* The event is made before the invocation begins: a function is handed its events. */
static int event_run(struct run *run, uint64_t number, struct outcome *outcome)
{
	const struct generator *generator = &run->options->generator;
	CLEANUP_FREE char *event = NULL;
	char request_id[REQUEST_ID_MADE];
	struct invocation invocation = {.request_id = request_id};
	int err = event_generate(generator, number, &event, &invocation.length, NULL);

	if (err)
		return err;
	request_id_make(generator->seed, number, request_id);
	invocation.event = event;
	return invocation_run(run->function, &invocation, outcome);
}

static int worker_step(struct run *run, uint64_t number)
{
	struct outcome outcome;
	int err = event_run(run, number, &outcome);

	pthread_mutex_lock(&run->lock);
	if (err == -ENOMEM && !run->error)
		log_error("out of memory in invocation %ju: use --cache lru, fewer --invocations, "
			  "or raise the limit",
			  (uintmax_t)number);
	/* After a failure the others only end: their lines would fail, too. */
	if (!err && !run->error)
		err = account_add(run->account, &outcome.result);
	if (err)
		run_fail(run, err);
	pthread_mutex_unlock(&run->lock);
	return err;
}

static bool run_continues(const struct run *run, uint64_t number)
{
	const struct options *options = run->options;

	if (stop_requested())
		return false;
	if (options->invocations && number >= options->invocations)
		return false;
	return !options->duration_s ||
	       stop_now_ns() - run->account->start_ns < options->duration_s * 1000000000;
}

/* The gap ends with the duration: nothing would begin after it. */
static void gap_wait(const struct run *run)
{
	const struct options *options = run->options;
	uint64_t until = stop_now_ns() + options->gap_ms * 1000000;
	uint64_t end = run->account->start_ns + options->duration_s * 1000000000;

	stop_wait_until(options->duration_s && end < until ? end : until);
}

static void *worker_run(void *argument)
{
	const struct worker *worker = argument;
	struct run *run = worker->run;
	uint64_t number = worker->index;

	while (run_continues(run, number)) {
		if (worker_step(run, number))
			break;
		number += run->options->threads;
		if (run->options->gap_ms && run_continues(run, number))
			gap_wait(run);
	}
	return NULL;
}

/* Worker 0 is the calling thread: with one thread everything stays in the main arena. */
static int workers_run(struct run *run)
{
	uint64_t count = run->options->threads;
	CLEANUP_FREE struct worker *workers = calloc(count, sizeof(*workers));
	uint64_t started = 1;
	int err = 0;

	if (!workers) {
		log_error("out of memory for the threads: use fewer --threads");
		return -ENOMEM;
	}
	for (uint64_t i = 0; i < count; i++)
		workers[i] = (struct worker){.run = run, .index = i};

	for (; started < count && !err; started += !err)
		err = -pthread_create(&workers[started].thread, NULL, worker_run,
				      &workers[started]);
	if (err) {
		log_error("cannot start thread %ju: %s; use fewer --threads", (uintmax_t)started,
			  strerror(-err));
		pthread_mutex_lock(&run->lock);
		run_fail(run, err);
		pthread_mutex_unlock(&run->lock);
	} else {
		worker_run(&workers[0]);
	}
	for (uint64_t i = 1; i < started; i++)
		pthread_join(workers[i].thread, NULL);
	return run->error;
}

int run_workload(const struct options *options, const struct function *function,
		 struct account *account)
{
	struct run run = {.options = options,
			  .function = function,
			  .lock = PTHREAD_MUTEX_INITIALIZER,
			  .account = account};
	int err;

	account_begin(account);
	err = workers_run(&run);
	return err ? err : account_end(account);
}
