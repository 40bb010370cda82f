/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The collector's thread: it does nothing but take events, so that neither a
 * slow terminal nor a blocked pipe makes the ring buffer overflow. Whoever looks
 * at the pipeline or the views meanwhile holds the lock.
 */
#ifndef TIDEMARK_COLLECTOR_H
#define TIDEMARK_COLLECTOR_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "user/pipeline.h"

struct collector {
	struct pipeline *pipeline;
	pthread_mutex_t lock;
	pthread_t thread;
	int wake_fd;	   /* eventfd: readable after each interval, and at the end */
	bool stop;	   /* set to end it */
	bool ended;	   /* it has ended by itself: nothing is left to watch */
	bool wait_for_new; /* processes may still come: watched by name */
	bool seen;	   /* a process has been watched */
	uint64_t start_ns;
	int error; /* negative errno of the source */
};

/* Starts the thread, with all signals blocked in it. 0 or a negative errno. */
int collector_start(struct collector *collector, struct pipeline *pipeline, bool wait_for_new);

/* Stops and joins it. */
void collector_stop(struct collector *collector);

/* Says that something is new: to be called by a view at each interval. */
void collector_wake(struct collector *collector);

#endif
