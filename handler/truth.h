/* The line of truth: what the application itself knows about its memory, for tests to hold
 * against what a monitor says. */
#ifndef HANDLER_TRUTH_H
#define HANDLER_TRUTH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "handler/allocator.h"
#include "handler/cache.h"

struct truth {
	uint64_t invocations; /* completed */
	uint64_t processed;   /* orders put into the cache */
	uint64_t errors;      /* records refused */
	struct cache_size size;
	const char *cache; /* name of the kind */
	bool final;	   /* the last line: it also tells elapsed_s and invocations_per_s */
	double elapsed_s;  /* seconds since the first invocation began */
};

/*
 * Writes one JSON object on one line and flushes it. 0, -ENOMEM, or the negative errno of the
 * write.
 */
int truth_write(FILE *out, const struct truth *truth, const struct allocator *allocator);

#endif
