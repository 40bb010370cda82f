/* SPDX-License-Identifier: GPL-2.0-only */
/* A verdict in words: for the end of a watch, for `check`, for the dashboard and reports. */
#ifndef TIDEMARK_VIEW_VERDICT_TEXT_H
#define TIDEMARK_VIEW_VERDICT_TEXT_H

#include <stddef.h>

#include "user/verdict/process.h"
#include "user/verdict/verdict.h"

/*
 * The site that a verdict is about, as people name it: of allocations where there is heap
 * evidence, else of first touches; stacks of the same function count together. "" where none is
 * known. *share (may be NULL) is its part of what grew or is kept, 0..1. Looks names up: see
 * symbols.h. Returns text.
 */
char *verdict_site_text(const struct process *process, const struct verdict *verdict, double *share,
			char *text, size_t size);

/* "live data grows: the program keeps ... (by live allocations)". Returns text. */
char *verdict_head_text(const struct verdict *verdict, char *text, size_t size);

/* "by page evidence", "by heap evidence", ... */
const char *verdict_tier_text(unsigned int tier);

#endif
