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

/* Smaller grids show that they are too small, and nothing else. */
#define DASHBOARD_ROWS_MIN 6
#define DASHBOARD_COLS_MIN 30

/* A key: an ASCII character as itself, or one of these. */
enum dashboard_key {
	DASHBOARD_KEY_NONE = 0,
	DASHBOARD_KEY_TAB = '\t',
	DASHBOARD_KEY_ENTER = '\r',
	DASHBOARD_KEY_ESC = 0x1b,
	DASHBOARD_KEY_UP = 0x100,
	DASHBOARD_KEY_DOWN,
	DASHBOARD_KEY_LEFT,
	DASHBOARD_KEY_RIGHT,
	DASHBOARD_KEY_PGUP,
	DASHBOARD_KEY_PGDN,
	DASHBOARD_KEY_HOME,
	DASHBOARD_KEY_END,
	DASHBOARD_KEY_BACKSPACE,
	DASHBOARD_KEY_RESIZE, /* the terminal has another size: draw again */
	DASHBOARD_KEY_HANGUP, /* the terminal is gone: quits */
};

/* What there is to show. Valid during the call it is passed to. */
struct dashboard_input {
	const struct process *const *processes; /* in order of attach */
	size_t count;
	uint64_t now_ns; /* CLOCK_MONOTONIC */
	unsigned int interval_ms;
	unsigned int buffer_percent; /* fill of the ring buffer */
	uint64_t orphans;	     /* records about no known process */
	const char *message;	     /* newest message to the person, "" if none */
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
