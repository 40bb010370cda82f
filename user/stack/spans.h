/* SPDX-License-Identifier: GPL-2.0-only */
/* Named ranges of addresses: from any heap of them to a sorted list without overlap. */
#ifndef TIDEMARK_STACK_SPANS_H
#define TIDEMARK_STACK_SPANS_H

#include <stddef.h>
#include <stdint.h>

struct span {
	uint64_t start;
	uint32_t size;
	uint32_t rank; /* where spans overlap, the greater one covers the other */
	uint64_t tag;  /* whatever the owner finds the name by */
};

struct spans {
	struct span *items; /* owned */
	size_t count;
	size_t capacity;
};

/* Adds one at the end; no size, or none that fits below 2^64, adds nothing. 0 or -ENOMEM. */
int spans_add(struct spans *spans, const struct span *span);

/*
 * Sorts by address and cuts to pieces that do not overlap. Among equal ranks
 * the one that starts last covers: the inner one of two functions. A span that
 * is interrupted goes on behind what covers it. 0 or -ENOMEM (unchanged, but for the order).
 */
int spans_settle(struct spans *spans);

/* The one that holds an address, or NULL. Only after spans_settle(). */
const struct span *spans_find(const struct spans *spans, uint64_t address);

/* Gives back what was reserved for more. */
void spans_trim(struct spans *spans);
void spans_free(struct spans *spans);

#endif
