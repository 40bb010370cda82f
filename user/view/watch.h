/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `tidemark watch`: the columns as lines, one per process and interval, for
 * pipes and logs. Lines are made here and taken by whoever writes them, so that
 * a reader that does not read never holds up the collector.
 */
#ifndef TIDEMARK_VIEW_WATCH_H
#define TIDEMARK_VIEW_WATCH_H

#include <stddef.h>

#include "user/verdict/process.h"

struct watch_view;

/* quiet: no lines for intervals, summaries only. NULL without memory. */
struct watch_view *watch_view_new(bool quiet);
void watch_view_free(struct watch_view *view);

void watch_view_report(struct watch_view *view, const struct process *process,
		       const struct report *report);

/* The process has ended, or the watch of it: a summary of it is kept. */
void watch_view_end(struct watch_view *view, const struct process *process);

/*
 * Takes the lines made since the last call; NULL if there are none. The caller
 * frees. *dropped is how many did not fit since the last call.
 */
char *watch_view_take(struct watch_view *view, size_t *size, size_t *dropped);

/* Takes the summaries, likewise. */
char *watch_view_take_summary(struct watch_view *view, size_t *size);

#endif
