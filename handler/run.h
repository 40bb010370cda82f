/* The workload: invocations on threads until there are enough, the time is up, or a stop. */
#ifndef HANDLER_RUN_H
#define HANDLER_RUN_H

#include <stdio.h>

#include "handler/allocator.h"
#include "handler/cache.h"
#include "handler/options.h"

/*
 * Runs the invocations and writes the lines of truth, the final one included, to out. The final
 * line's figures are exact; in a line before it the cache may be ahead of the counts by the
 * invocations that other threads had under way. 0, or the negative errno of the first failure,
 * which has been logged.
 */
int run_workload(const struct options *options, const struct allocator *allocator,
		 struct cache *cache, FILE *out);

#endif
