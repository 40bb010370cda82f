/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which call stacks a process's resident pages were first touched under. A site
 * is a stack; the ledger is walked, so the sites of a process add up to its
 * pages, with those of unknown stack in sites of their own.
 *
 * Where only one fault in N had its stack taken, the pages of the others are
 * divided among the sites in proportion to the weights of those that had: the
 * sum stays exact, the parts are estimates, and `estimated` says how much.
 */
#ifndef TIDEMARK_VERDICT_SITES_H
#define TIDEMARK_VERDICT_SITES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/ledger/ledger.h"
#include "user/stack/stacks.h"

/* Why a page's stack is not known. Each is a site of its own, with stack 0. */
#define SITE_REASONS(X)                                                                            \
	X(KNOWN, "known", "a call stack")                                                          \
	X(FOUND, "found", "resident before the watch began")                                       \
	X(REPAIRED, "repaired", "found by reconciliation: no event told of it")                    \
	X(UNSAMPLED, "unsampled", "first touched while stacks were sampled, and none like it was") \
	X(UNTAKEN, "untaken", "its stack was not taken, or could not be unwound at all")

enum site_reason {
#define X(name, word, text) SITE_##name,
	SITE_REASONS(X)
#undef X
		SITE_REASON_COUNT
};

struct site {
	uint32_t stack;	    /* 0: see reason */
	uint32_t reason;    /* enum site_reason */
	uint64_t resident;  /* pages */
	uint64_t retained;  /* of these, first touched before the present interval */
	uint64_t lazy;	    /* of these, lazily freed */
	uint64_t recent;    /* of these, first touched in the newer half of the watch */
	uint64_t estimated; /* of resident, how many are the share of pages without a stack */
	int64_t growth;	    /* resident pages since the list before */
	double oldest_s;    /* age of the oldest page; NAN: older than the watch */
	double newest_s;
	double mean_s; /* of those with an age */
};

/* The newer half is no longer than this. */
#define SITES_RECENT_NS (360 * NSEC_PER_SEC)

struct site_list {
	struct site *sites; /* owned; most resident first */
	size_t count;
	uint64_t resident; /* sum over sites: all pages of the ledger */
	uint64_t unknown;  /* of these, those of sites with stack 0 */
	uint64_t time_ns;  /* of the ledger when it was made; 0: never */
	uint64_t interval;
	double seconds; /* since the list before; 0: there was none */
};

/*
 * Makes the list anew from the ledger; the list before, which is in it, gives
 * the growth. 0 or -ENOMEM (the list before stays).
 */
int site_list_update(struct site_list *list, const struct ledger *ledger, uint64_t interval);
void site_list_free(struct site_list *list);

/* How long ago that was, on the ledger's clock: a birth of its pages, or a mean of some. */
double page_age_s(const struct ledger *ledger, double birth);

/* "known", ... and one sentence. */
const char *site_reason_name(unsigned int reason);
const char *site_reason_help(unsigned int reason);

#endif
