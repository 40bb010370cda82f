/* A run: one instance at a time gets one event at a time, until there were enough. */
#ifndef HANDLER_DRIVER_RUN_H
#define HANDLER_DRIVER_RUN_H

#include <stdio.h>

#include "handler/driver/figures.h"
#include "handler/driver/options.h"

/* What is written during the run; NULL or -1: nowhere. They stay the caller's. */
struct run_outputs {
	FILE *samples;
	int function_log; /* the function's stdout */
};

/*
 * Runs it and fills *figures, whose times belong to the caller whatever this returns. Blocks SIGINT
 * and SIGTERM, which end it early. 0; -ECANCELED: instances kept ending before they served
 * anything; another negative errno: it was not possible. Each failure has been logged.
 */
int run_function(const struct driver_options *options, const struct run_outputs *outputs,
		 struct figures *figures);

#endif
