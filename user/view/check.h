/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `tidemark check`: the verdict of each process when it ends, or the watch of it, held against
 * limits. Text, or a JSON array with an object per process.
 */
#ifndef TIDEMARK_VIEW_CHECK_H
#define TIDEMARK_VIEW_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/verdict/process.h"
#include "user/verdict/verdict.h"

/* What a process is held against. NAN: no limit. */
struct check_limits {
	double growth_per_hour; /* bytes */
	double per_invocation;	/* bytes */
	double retained;	/* bytes */
	uint32_t fail_on;	/* bit 1 << enum verdict_kind */
};

enum check_result {
	CHECK_WITHIN,
	CHECK_UNJUDGED, /* too little is known: a longer watch, or more evidence */
	CHECK_OVER,
};

#define CHECK_REASON_MAX 256

/*
 * One process held against the limits; reason (CHECK_REASON_MAX bytes) says what is over, or what
 * is not known; "" if it is within. A limit on growth is passed where all of its interval of
 * confidence is above, and not judged where only its upper part is.
 */
enum check_result check_limits_hold(const struct check_limits *limits,
				    const struct verdict *verdict, char *reason);

struct check_view;

/* use_heap: heap evidence counts where there is any. NULL without memory. */
struct check_view *check_view_new(const struct check_limits *limits, bool json);
void check_view_free(struct check_view *view);

/* The first process is the one that was asked for: it is always judged. */
void check_view_begin(struct check_view *view, const struct process *process);

/* Judges it. Others that end within the shortest time that can be judged are left out. */
void check_view_end(struct check_view *view, const struct process *process);

/* The command's own end: one that failed makes the whole unjudged. text: what happened to it. */
void check_view_command_failed(struct check_view *view, const char *text);

/* The worst result of all; CHECK_UNJUDGED where there is none. */
enum check_result check_view_result(const struct check_view *view);

/* The whole output, the caller's to free; NULL without memory. */
char *check_view_take(struct check_view *view, size_t *size);

#endif
