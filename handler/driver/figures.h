/* What a run counts and measures, and how it is told. */
#ifndef HANDLER_DRIVER_FIGURES_H
#define HANDLER_DRIVER_FIGURES_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "handler/driver/options.h"

/* Every time that was measured, nanoseconds. */
struct times {
	uint64_t *values; /* owned; times_free() */
	size_t count, capacity;
};

struct figures {
	/* invocations = succeeded + failed + timed_out + mismatched + interrupted */
	uint64_t invocations; /* delivered */
	uint64_t succeeded;
	uint64_t failed;     /* an error or too large a response, or the instance ended in it */
	uint64_t failed_oom; /* of these: the kernel killed the instance for want of memory */
	uint64_t timed_out;
	uint64_t mismatched;  /* answered, but wrong */
	uint64_t interrupted; /* under way when a signal ended the run */
	uint64_t instances;   /* started */
	uint64_t cold_starts; /* instances that had to be started for an invocation */
	uint64_t oom_kills;   /* instances */
	uint64_t crashes;     /* instances that ended by themselves, or hung outside invocations */
	uint64_t freezes;
	uint64_t refused_requests;
	uint64_t elapsed_ns;	/* from the first start to the end of the last invocation */
	struct times durations; /* of answered invocations: delivery to arrival of the answer */
	struct times inits;	/* start of an instance until it asked for its first event */
};

/* 0 or -ENOMEM. */
int times_add(struct times *times, uint64_t time_ns);
void times_free(struct times *times);

/* The smallest time that at least that share of them, in (0, 1], does not exceed; 0 for none. */
uint64_t times_percentile(const struct times *sorted, double share);
/* Needed before times_percentile(). */
void times_sort(struct times *times);

/* 0 if all went right by the exit codes of the driver, else 1. */
int figures_status(const struct figures *figures);

/* For people. Sorts the times. */
void figures_print(struct figures *figures, FILE *out);

/* One JSON object on one line. Sorts the times. 0, -ENOMEM or the negative errno of the write. */
int figures_write(struct figures *figures, const struct driver_options *options, FILE *out);

#endif
