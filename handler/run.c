#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "handler/run.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "handler/batch.h"
#include "handler/cleanup.h"
#include "handler/generator.h"
#include "handler/log.h"
#include "handler/stop.h"
#include "handler/truth.h"

struct run {
	const struct options *options;
	const struct allocator *allocator;
	struct cache *cache;
	FILE *out;
	uint64_t start_ns;
	pthread_mutex_t lock; /* of everything below, and of out */
	struct truth truth;
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

static int truth_report(struct run *run)
{
	int err;

	run->truth.size = cache_measure(run->cache);
	err = truth_write(run->out, &run->truth, run->allocator);
	if (err == -ENOMEM)
		log_error("out of memory for a line of truth: lower --burst or --invocations, or "
			  "raise the limit");
	else if (err)
		log_error("cannot write to stdout: %s; give it a place that takes the lines",
			  strerror(-err));
	return err;
}

static int invocation_handle(struct run *run, uint64_t number, struct batch_result *result)
{
	CLEANUP_FREE char *event = NULL;
	CLEANUP_FREE char *response = NULL;
	size_t length;
	int err;

	err = event_generate(&run->options->generator, number, &event, &length);
	if (!err)
		err = batch_handle(run->cache, event, length, result);
	if (!err)
		err = batch_respond(result, &response);
	return err;
}

static int invocation_run(struct run *run, uint64_t number)
{
	struct batch_result result;
	int err = invocation_handle(run, number, &result);

	pthread_mutex_lock(&run->lock);
	if (err && !run->error)
		log_error("out of memory in invocation %ju: use --cache lru, fewer --invocations, "
			  "or raise the limit",
			  (uintmax_t)number);
	if (!err) {
		run->truth.invocations++;
		run->truth.processed += result.processed_count;
		run->truth.errors += result.error_count;
		if (run->options->report && run->truth.invocations % run->options->report == 0 &&
		    !run->error)
			err = truth_report(run);
	}
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
	       stop_now_ns() - run->start_ns < options->duration_s * 1000000000;
}

/* The gap ends with the duration: nothing would begin after it. */
static void gap_wait(const struct run *run)
{
	const struct options *options = run->options;
	uint64_t until = stop_now_ns() + options->gap_ms * 1000000;
	uint64_t end = run->start_ns + options->duration_s * 1000000000;

	stop_wait_until(options->duration_s && end < until ? end : until);
}

static void *worker_run(void *argument)
{
	const struct worker *worker = argument;
	struct run *run = worker->run;
	uint64_t number = worker->index;

	while (run_continues(run, number)) {
		if (invocation_run(run, number))
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

int run_workload(const struct options *options, const struct allocator *allocator,
		 struct cache *cache, FILE *out)
{
	struct run run = {.options = options,
			  .allocator = allocator,
			  .cache = cache,
			  .out = out,
			  .start_ns = stop_now_ns(),
			  .lock = PTHREAD_MUTEX_INITIALIZER,
			  .truth = {.cache = cache->kind->name}};
	int err = workers_run(&run);

	if (err)
		return err;
	run.truth.final = true;
	run.truth.elapsed_s = (double)(stop_now_ns() - run.start_ns) / 1e9;
	return truth_report(&run);
}
