/* The application's own account: the sums over its invocations, and the lines of truth. */
#ifndef HANDLER_ACCOUNT_H
#define HANDLER_ACCOUNT_H

#include <stdint.h>
#include <stdio.h>

#include "handler/allocator.h"
#include "handler/batch.h"
#include "handler/cache.h"
#include "handler/truth.h"

struct account {
	FILE *out;	  /* NULL: no lines */
	const char *name; /* of out, for messages */
	uint64_t report;  /* invocations between two lines; 0: only the last line */
	const struct allocator *allocator;
	struct cache *cache;
	uint64_t start_ns; /* CLOCK_MONOTONIC: the first invocation may begin */
	struct truth truth;
};

/* Starts the clock; the fields before it are set by the caller. */
void account_begin(struct account *account);

/*
 * Adds an invocation that is over, and writes a line when it is due. Not for two threads at once.
 * 0, or the negative errno of the line, which has been logged.
 */
int account_add(struct account *account, const struct batch_result *result);

/* Writes the final line; as account_add(). */
int account_end(struct account *account);

#endif
