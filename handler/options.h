/* The command line, parsed into one struct that is passed down as const. */
#ifndef HANDLER_OPTIONS_H
#define HANDLER_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "handler/cache.h"
#include "handler/generator.h"

struct options {
	const struct cache_kind *cache;
	uint64_t lru_size;	    /* entries */
	struct generator generator; /* --records, --payload, --malformed, --seed */
	uint64_t invocations;	    /* of all threads together; 0: no limit */
	bool invocations_given;	    /* by the command line */
	uint64_t duration_s;	    /* 0: no limit */
	uint64_t gap_ms;
	uint64_t threads; /* >= 1 */
	uint64_t burst_mb;
	uint64_t idle_s;
	uint64_t report;   /* invocations between two truth lines; 0: only the last line */
	const char *truth; /* the file for them, within argv; NULL: not given */
	bool emf;	   /* a line of metrics per invocation */
};

enum options_outcome {
	OPTIONS_RUN,
	OPTIONS_HELP, /* the help was printed: there is nothing more to do */
};

/*
 * Fills *options from the command line. Help goes to out; of whatever is wrong exactly one line
 * that says what to do goes to err. An options_outcome, or -EINVAL with *options untouched, or
 * -ENOMEM.
 */
int options_parse(int argc, char **argv, FILE *out, FILE *err, struct options *options);

#endif
