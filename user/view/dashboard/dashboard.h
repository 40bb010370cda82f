/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `tidemark top`: what the full-screen view shows and how keys move it. Draws
 * on a grid and knows no terminal, so that it can be tested as text.
 *
 * Not thread safe; whoever changes the processes at the same time has to hold
 * a lock around dashboard_key() and dashboard_draw().
 */
#ifndef TIDEMARK_VIEW_DASHBOARD_DASHBOARD_H
#define TIDEMARK_VIEW_DASHBOARD_DASHBOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/verdict/process.h"
#include "user/view/dashboard/grid.h"
#include "user/view/dashboard/keys.h"

/* Smaller grids show that they are too small, and nothing else. */
#define DASHBOARD_ROWS_MIN 6
#define DASHBOARD_COLS_MIN 30

/* What there is to show. Valid during the call it is passed to. */
struct dashboard_input {
	const struct process *const *processes; /* in order of attach */
	size_t count;
	uint64_t now_ns; /* CLOCK_MONOTONIC */
	unsigned int interval_ms;
	unsigned int buffer_percent; /* fill of the ring buffer */
	uint64_t orphans;	     /* records about no known process */
	uint32_t stack_weight;	     /* stacks are taken of one fault in this many; 0: of none */
	/* Begins or ends heap evidence of a process; what fails is said by a message. NULL: cannot
	 * be */
	void (*heap)(void *ctx, uint32_t pid, bool on);
	void *heap_ctx;
	const char *message; /* newest message to the person, "" if none */
};

struct dashboard;

/* utf8: characters beyond ASCII may be drawn. NULL without memory. */
struct dashboard *dashboard_new(bool utf8);
void dashboard_free(struct dashboard *dashboard);

/* Handles a key; keys that mean nothing are ignored. True if it asks to quit. */
bool dashboard_key(struct dashboard *dashboard, int key, const struct dashboard_input *input);

/* Blanks the grid and draws the present page on it. */
void dashboard_draw(struct dashboard *dashboard, const struct dashboard_input *input,
		    struct grid *grid);

#endif
