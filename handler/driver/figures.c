#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "handler/driver/figures.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "handler/cleanup.h"
#include "handler/json_line.h"

#define NS_PER_MS 1e6
#define NS_PER_S 1e9

/* The figures that are made of others. */
struct derived {
	double per_instance, reuse_percent;
	double mean_ms, billed_ms; /* of the durations; Lambda bills each rounded up to 1 ms */
	double elapsed_s, per_second;
};

int times_add(struct times *times, uint64_t time_ns)
{
	if (times->count == times->capacity) {
		size_t capacity = times->capacity ? times->capacity * 2 : 1024;
		uint64_t *values = reallocarray(times->values, capacity, sizeof(*values));

		if (!values)
			return -ENOMEM;
		times->values = values;
		times->capacity = capacity;
	}
	times->values[times->count++] = time_ns;
	return 0;
}

void times_free(struct times *times)
{
	free(times->values);
	*times = (struct times){0};
}

static int time_compare(const void *left, const void *right)
{
	const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

void times_sort(struct times *times)
{
	if (times->count)
		qsort(times->values, times->count, sizeof(*times->values), time_compare);
}

uint64_t times_percentile(const struct times *sorted, double share)
{
	size_t rank = (size_t)ceil(share * (double)sorted->count);

	if (!sorted->count)
		return 0;
	rank = rank < 1 ? 1 : rank;
	rank = rank > sorted->count ? sorted->count : rank;
	return sorted->values[rank - 1];
}

static double percentile_ms(const struct times *sorted, double share)
{
	return (double)times_percentile(sorted, share) / NS_PER_MS;
}

static struct derived figures_derive(const struct figures *figures)
{
	double invocations = (double)figures->invocations;
	double answered = (double)figures->durations.count;
	struct derived derived = {.elapsed_s = (double)figures->elapsed_ns / NS_PER_S};
	double sum_ns = 0, billed_ms = 0;

	for (size_t i = 0; i < figures->durations.count; i++) {
		sum_ns += (double)figures->durations.values[i];
		billed_ms += ceil((double)figures->durations.values[i] / NS_PER_MS);
	}
	if (answered > 0) {
		derived.mean_ms = sum_ns / NS_PER_MS / answered;
		derived.billed_ms = billed_ms / answered;
	}
	if (figures->instances)
		derived.per_instance = invocations / (double)figures->instances;
	if (figures->invocations)
		derived.reuse_percent = 100 * (1 - (double)figures->cold_starts / invocations);
	if (figures->elapsed_ns)
		derived.per_second = invocations / derived.elapsed_s;
	return derived;
}

int figures_status(const struct figures *figures)
{
	return figures->failed > figures->failed_oom || figures->timed_out || figures->mismatched ||
	       figures->crashes;
}

void figures_print(struct figures *figures, FILE *out)
{
	struct derived derived = figures_derive(figures);
	const struct times *durations = &figures->durations;

	times_sort(&figures->durations);
	times_sort(&figures->inits);
	fprintf(out,
		"invocations  %" PRIu64 ": %" PRIu64 " succeeded, %" PRIu64 " failed (%" PRIu64
		" out of memory), %" PRIu64 " timed out, %" PRIu64 " mismatched, %" PRIu64
		" interrupted\n",
		figures->invocations, figures->succeeded, figures->failed, figures->failed_oom,
		figures->timed_out, figures->mismatched, figures->interrupted);
	fprintf(out,
		"instances    %" PRIu64 ": %" PRIu64 " cold starts, %" PRIu64
		" killed out of memory, %" PRIu64 " crashed; %.1f invocations each, reuse %.3f%%\n",
		figures->instances, figures->cold_starts, figures->oom_kills, figures->crashes,
		derived.per_instance, derived.reuse_percent);
	fprintf(out,
		"duration     mean %.3f ms, p50 %.3f, p90 %.3f, p99 %.3f, max %.3f; billed %.3f\n",
		derived.mean_ms, percentile_ms(durations, 0.5), percentile_ms(durations, 0.9),
		percentile_ms(durations, 0.99), percentile_ms(durations, 1), derived.billed_ms);
	fprintf(out, "init         p50 %.3f ms, max %.3f\n", percentile_ms(&figures->inits, 0.5),
		percentile_ms(&figures->inits, 1));
	fprintf(out,
		"elapsed      %.3f s, %.1f invocations/s, %" PRIu64 " freezes, %" PRIu64
		" requests refused\n",
		derived.elapsed_s, derived.per_second, figures->freezes, figures->refused_requests);
}

static json_t *counts_pack(const struct figures *figures)
{
	return json_pack(
		"{sI sI sI sI sI sI sI sI sI sI sI sI sI}", "invocations",
		(json_int_t)figures->invocations, "succeeded", (json_int_t)figures->succeeded,
		"failed", (json_int_t)figures->failed, "failed_oom",
		(json_int_t)figures->failed_oom, "timed_out", (json_int_t)figures->timed_out,
		"mismatched", (json_int_t)figures->mismatched, "interrupted",
		(json_int_t)figures->interrupted, "instances", (json_int_t)figures->instances,
		"cold_starts", (json_int_t)figures->cold_starts, "oom_kills",
		(json_int_t)figures->oom_kills, "crashes", (json_int_t)figures->crashes, "freezes",
		(json_int_t)figures->freezes, "refused_requests",
		(json_int_t)figures->refused_requests);
}

static json_t *times_pack(const struct figures *figures, const struct derived *derived)
{
	const struct times *durations = &figures->durations;

	return json_pack("{sf sf s{sf sf} s{sf sf sf sf sf} sf sf sf}", "invocations_per_instance",
			 derived->per_instance, "reuse_percent", derived->reuse_percent, "init_ms",
			 "p50", percentile_ms(&figures->inits, 0.5), "max",
			 percentile_ms(&figures->inits, 1), "duration_ms", "mean", derived->mean_ms,
			 "p50", percentile_ms(durations, 0.5), "p90", percentile_ms(durations, 0.9),
			 "p99", percentile_ms(durations, 0.99), "max", percentile_ms(durations, 1),
			 "billed_ms_mean", derived->billed_ms, "elapsed_s", derived->elapsed_s,
			 "invocations_per_s", derived->per_second);
}

static json_t *options_pack(const struct driver_options *options)
{
	const struct generator *generator = &options->generator;

	/* A seed can be beyond JSON's integers: it is told as they wrap. */
	return json_pack("{so sb sI sI sI sI sf sI sf sI}", "memory_limit_bytes",
			 options->memory_bytes ? json_integer((json_int_t)options->memory_bytes)
					       : json_null(),
			 "frozen", options->freeze, "seed", (json_int_t)generator->seed, "records",
			 (json_int_t)generator->records, "payload_min",
			 (json_int_t)generator->payload_min, "payload_max",
			 (json_int_t)generator->payload_max, "malformed_percent",
			 generator->malformed_percent, "gap_ms", (json_int_t)options->gap_ms,
			 "rate", options->rate, "timeout_ms", (json_int_t)options->timeout_ms);
}

int figures_write(struct figures *figures, const struct driver_options *options, FILE *out)
{
	struct derived derived = figures_derive(figures);
	CLEANUP_JSON json_t *counts = counts_pack(figures);
	CLEANUP_JSON json_t *settings = options_pack(options);
	CLEANUP_JSON json_t *times = NULL;

	times_sort(&figures->durations);
	times_sort(&figures->inits);
	times = times_pack(figures, &derived);
	if (!counts || !times || !settings || json_object_update(counts, times) ||
	    json_object_update(counts, settings))
		return -ENOMEM;
	return json_line_write(out, counts, JSON_COMPACT | JSON_REAL_PRECISION(12));
}
