/* SPDX-License-Identifier: GPL-2.0-only */
/* Where what is live was allocated, as a person reads it; by samples, so estimates. */
#ifndef TIDEMARK_VIEW_ALLOCATIONS_H
#define TIDEMARK_VIEW_ALLOCATIONS_H

#include <stddef.h>
#include <stdint.h>

#include "user/verdict/process.h"

#define ALLOCATIONS_MAX 12

/* Stacks with the same title (frames.h) are one row, as long as its first is on show. */
struct allocations_row {
	char title[160];
	uint64_t bytes;
	uint64_t count;
};

/*
 * The rows with the most live bytes, most first, up to `max` (ALLOCATIONS_MAX at most). 0 where
 * allocations were not followed, stacks are not taken, or there is no memory.
 */
size_t allocations_rows(const struct process *process, struct allocations_row *rows, size_t max);

#endif
