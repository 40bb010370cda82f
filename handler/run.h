/* The workload: invocations on threads until there are enough, the time is up, or a stop. */
#ifndef HANDLER_RUN_H
#define HANDLER_RUN_H

#include "handler/account.h"
#include "handler/invocation.h"
#include "handler/options.h"

/*
 * Runs the invocations, with events it makes itself, and writes the lines of truth, the final one
 * included. The final line's figures are exact; in a line before it the cache may be ahead of the
 * counts by the invocations that other threads had under way. 0, or the negative errno of the first
 * failure, which has been logged.
 */
int run_workload(const struct options *options, const struct function *function,
		 struct account *account);

#endif
