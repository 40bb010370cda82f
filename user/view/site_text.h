/* SPDX-License-Identifier: GPL-2.0-only */
/* Sites as exports name them. Works where no stacks are taken, too. */
#ifndef TIDEMARK_VIEW_SITE_TEXT_H
#define TIDEMARK_VIEW_SITE_TEXT_H

#include <stdint.h>

#include "user/verdict/process.h"

/* The call stack of a site; NULL: it is not known, or there are no names for it. */
const struct stack *site_text_stack(const struct process *process, const struct site *site);

/* What stands for the frames of a site without a stack: "[found at attach]", ... */
const char *site_text_placeholder(const struct site *site);

/*
 * enum event_allocator: the one whose code touched the pages, else the one that
 * was found in the process. A site is no mapping: its pages may lie in several.
 */
uint32_t site_text_allocator(const struct process *process, const struct site *site);

/*
 * Function names joined by ';', outermost first, inlined ones among them; those
 * of a site without a stack are its placeholder. Fit for an export (clean_text.h).
 * The caller frees it; NULL without memory.
 */
char *site_text_frames(const struct process *process, const struct site *site);

#endif
