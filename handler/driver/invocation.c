#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "handler/cleanup.h"
#include "handler/driver/response.h"
#include "handler/driver/run_internal.h"
#include "handler/driver/samples.h"
#include "handler/driver/text.h"
#include "handler/log.h"
#include "handler/random.h"
#include "handler/request_id.h"
#include "handler/stop.h"

/* Keeps the numbers for the trace ids apart from those of the events and the request ids. */
#define TRACE_SEED UINT64_C(0x7472616365732e2e)
#define REASON_SIZE 256

/* The ids of an invocation, the same for the same seed but for the time in the trace id. */
struct identity {
	char request[REQUEST_ID_MADE];
	char trace[96];
	char arn[64 + FUNCTION_NAME_SIZE];
};

static void identity_make(const struct run *run, struct identity *identity)
{
	uint64_t seed = run->options->generator.seed, number = run->figures->invocations;
	struct random random = random_stream(seed ^ TRACE_SEED, number);
	uint64_t high = random_next(&random), low = random_next(&random);
	uint64_t parent = random_next(&random);

	request_id_make(seed, number, identity->request);
	snprintf(identity->trace, sizeof(identity->trace),
		 "Root=1-%08" PRIx64 "-%08" PRIx64 "%016" PRIx64 ";Parent=%016" PRIx64 ";Sampled=0",
		 (uint64_t)time(NULL) & 0xffffffff, high & 0xffffffff, low, parent);
	snprintf(identity->arn, sizeof(identity->arn),
		 "arn:aws:lambda:eu-central-1:000000000000:function:%s", run->setup.name);
}

int invocation_begin(struct run *run)
{
	const struct driver_options *options = run->options;
	struct identity identity;
	struct server_event event = {.request_id = identity.request,
				     .function_arn = identity.arn,
				     .trace_id = identity.trace,
				     .timeout_ms = options->timeout_ms};
	int err = event_generate(&options->generator, run->figures->invocations, &event.body,
				 &event.length, &run->usable);

	if (!err) {
		identity_make(run, &identity);
		err = group_thaw(&run->instance.group);
	}
	if (err) {
		free(event.body);
		return err;
	}
	err = server_offer(run->instance.server, &event);
	if (err)
		return err;
	run->figures->invocations++;
	run->figures->cold_starts += run->instance_served == 0;
	run->instance_served++;
	run->instance_usable += run->usable;
	run->barren = 0;
	run->phase = PHASE_BUSY;
	run->phase_end_ns =
		server_delivered_ns(run->instance.server) + options->timeout_ms * NS_PER_MS;
	return 0;
}

/* A sample is due after every so many invocations, whatever became of the last of them. */
static void invocation_over(struct run *run, uint64_t ended_ns, uint64_t duration_ns)
{
	uint64_t invocations = run->figures->invocations;
	int err = 0;

	run->last_end_ns = ended_ns;
	run->figures->elapsed_ns = ended_ns - run->start_ns;
	if (run->outputs->samples && invocations % run->options->sample_every == 0)
		err = sample_write(run->outputs->samples, &run->instance, invocations,
				   run->figures->elapsed_ns, duration_ns);
	if (!err)
		return;
	log_error("cannot write the samples: %s; give --samples another place", strerror(-err));
	run->error = err;
}

void invocation_lost(struct run *run, uint64_t *figure)
{
	uint64_t now = stop_now_ns();

	(*figure)++;
	invocation_over(run, now, now - server_delivered_ns(run->instance.server));
}

static void response_count(struct run *run, const struct server_answer *answer)
{
	const struct expected expected = {.records = run->options->generator.records,
					  .usable = run->usable,
					  .instance_usable = run->instance_usable};
	char why[REASON_SIZE];

	if (response_check(answer->body, answer->length, &expected, why, sizeof(why))) {
		run->figures->succeeded++;
		return;
	}
	run->figures->mismatched++;
	run_tell(run, "invocation %ju was answered wrong: %s",
		 (uintmax_t)run->figures->invocations - 1, why);
}

static void failure_count(struct run *run, const struct server_answer *answer)
{
	char why[REASON_SIZE] = "its response is over 6 MiB";

	if (answer->kind == ANSWER_ERROR)
		error_describe(answer->body, answer->length, why, sizeof(why));
	run->figures->failed++;
	run_tell(run, "invocation %ju failed: %s", (uintmax_t)run->figures->invocations - 1, why);
}

bool invocation_answer(struct run *run)
{
	struct server_answer answer;
	uint64_t duration_ns;

	if (!server_take_answer(run->instance.server, &answer))
		return false;
	duration_ns = answer.arrived_ns - answer.delivered_ns;
	if (answer.kind == ANSWER_RESPONSE)
		response_count(run, &answer);
	else
		failure_count(run, &answer);
	free(answer.body);

	if (times_add(&run->figures->durations, duration_ns)) {
		log_error("out of memory for the times: use fewer --invocations");
		run->error = -ENOMEM;
	}
	invocation_over(run, answer.arrived_ns, duration_ns);
	run->phase = PHASE_ANSWERED;
	run->phase_end_ns = answer.arrived_ns + run->options->timeout_ms * NS_PER_MS;
	return true;
}
