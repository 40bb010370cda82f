/* The driver's command line, parsed into one struct that is passed down as const. */
#ifndef HANDLER_DRIVER_OPTIONS_H
#define HANDLER_DRIVER_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "handler/generator.h"

/* A run is no longer than this: the duration of every invocation is kept, 8 bytes each. */
#define INVOCATIONS_MAX (1 << 24)

struct driver_options {
	struct generator generator; /* --records, --payload, --malformed, --seed */
	uint64_t invocations;	    /* 1..INVOCATIONS_MAX */
	uint64_t duration_s;	    /* 0: no limit */
	uint64_t gap_ms;
	double rate; /* invocations per second; 0: as many as there can be */
	uint64_t timeout_ms, init_timeout_ms;
	uint64_t memory_bytes; /* 0: no limit */
	uint64_t sample_every;
	bool freeze;
	const char *summary, *samples, *function_log; /* paths, or NULL */
	char **function;			      /* its command line, ends with NULL */
};

enum driver_outcome {
	DRIVER_RUN,
	DRIVER_HELP, /* the help was printed: there is nothing more to do */
};

/*
 * Fills *options from the command line, whose strings it points into. Help goes to out; of
 * whatever is wrong exactly one line that says what to do goes to err. A driver_outcome, or -EINVAL
 * with *options untouched, or -ENOMEM.
 */
int driver_options_parse(int argc, char **argv, FILE *out, FILE *err,
			 struct driver_options *options);

#endif
