/* SPDX-License-Identifier: GPL-2.0-only */
/* Invocations as lines for people, and their ids. */
#ifndef TIDEMARK_VIEW_INVOCATION_TEXT_H
#define TIDEMARK_VIEW_INVOCATION_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "user/ledger/invocations.h"
#include "user/verdict/trend.h"

/* Enough for each of the texts below but the id. All return text. */
#define INVOCATION_TEXT_LEN 256

/* Has an edge of an invocation been seen? */
bool invocation_any(const struct invocation_totals *totals);

/* The text it came with, else its number in decimal, else "". Printable ASCII. */
char *invocation_id_text(const char *id, uint64_t value, char text[EVENT_ID_LEN]);

/* What keeps the figures from being whole, each with its number; 0: it does not. */
#define INVOCATION_FLAWS 3

struct invocation_flaw {
	const char *name;
	uint64_t count;
};

void invocation_flaws(const struct invocation_totals *totals,
		      struct invocation_flaw flaws[INVOCATION_FLAWS]);

/* "10,000 ended", with what there is of ", 3 unmatched, 2 cut, 1 too deep". */
char *invocation_counts_text(const struct invocation_totals *totals, char *text, size_t size);

/*
 * "+4.21K per invocation (4.18K to 4.25K)", bytes, and whether that shows no growth; or that they
 * are too few.
 */
char *invocation_growth_text(const struct trend_range *growth, char *text, size_t size);

/* "at the end 62.1%, 1 later 51.0%, 10 later 50.2%": the points that were reached; "": none. */
char *invocation_survival_text(const struct invocations *invocations, char *text, size_t size);

#endif
