/* The one way to end early: a signal or a failure asks, every thread sees it, every sleep ends. */
#ifndef HANDLER_STOP_H
#define HANDLER_STOP_H

#include <stdbool.h>
#include <stdint.h>

/* Turns SIGINT and SIGTERM into a stop request and ignores SIGPIPE. 0 or a negative errno. */
int stop_install(void);

/* Safe from any thread and from a signal handler. */
void stop_request(void);

bool stop_requested(void);

/* Readable once a stop is requested, for whoever waits for other things, too; never to be read. */
int stop_fd(void);

/* Sleeps until the time on CLOCK_MONOTONIC, in nanoseconds, or until a stop is requested. */
void stop_wait_until(uint64_t deadline_ns);

/* Now on CLOCK_MONOTONIC, nanoseconds. */
uint64_t stop_now_ns(void);

#endif
