/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The terminal, through curses: the only place that knows colours and keys.
 * There is one per process. It is put back as it was by terminal_close(), by
 * exit(), and by a signal that kills the process from within (SIGSEGV, SIGABRT,
 * SIGQUIT and the like).
 *
 * SIGINT, SIGTERM and SIGHUP are the caller's: install handlers that set a
 * flag before terminal_open(), which would else get curses' own. All calls from
 * one thread; other threads should block every signal.
 */
#ifndef TIDEMARK_VIEW_DASHBOARD_TERMINAL_H
#define TIDEMARK_VIEW_DASHBOARD_TERMINAL_H

#include <stdbool.h>

#include "user/view/dashboard/grid.h"

/*
 * Switches standard output to full screen and standard input to single keys.
 * *utf8: characters beyond ASCII can be shown. Returns 0, or
 * -ENOTTY: standard input or output is not a terminal,
 * -ENODEV: TERM is not set or names no known terminal,
 * -ENOTSUP: the terminal cannot move its cursor,
 * -EBUSY: open already, or another negative errno of the terminal device.
 */
int terminal_open(bool *utf8);

/* Puts the terminal back. Does nothing if it is not open. */
void terminal_close(void);

/* One line for a person on an error of terminal_open(), without a full stop. */
const char *terminal_error(int error);

void terminal_size(unsigned int *rows, unsigned int *cols);

/* Shows the grid; what is larger than the terminal is cut. */
void terminal_flush(const struct grid *grid);

/*
 * Waits for a key, at most timeout_ms; -1: for ever. Returns an enum
 * dashboard_key; DASHBOARD_KEY_NONE also when a signal came in.
 */
int terminal_key(int timeout_ms);

#endif
