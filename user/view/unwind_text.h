/* SPDX-License-Identifier: GPL-2.0-only */
/* How well the stacks of a process could be unwound, as a line for people. */
#ifndef TIDEMARK_VIEW_UNWIND_TEXT_H
#define TIDEMARK_VIEW_UNWIND_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "user/stack/unwinder.h"

/* Enough for all counters, whatever they are. */
#define UNWIND_TEXT_LEN 512

/*
 * "12,345 taken, 99.8% complete; cut 12, no_cfi 3": counters that are 0 are left out, failures
 * come by their number, 100% is said only where none failed. text holds size bytes. Returns text.
 */
char *unwind_text(const struct unwind_totals *totals, char *text, size_t size);

/*
 * Counters beside those of enum stack_end, by the names that unwind_text() gives them, with a
 * sentence each; ends with a NULL name.
 */
struct unwind_counter {
	const char *name;
	const char *help;
	size_t offset; /* of a uint64_t in struct unwind_totals */
	bool failure;  /* one of those in unwind_failures() */
};

extern const struct unwind_counter unwind_counters[];

#endif
