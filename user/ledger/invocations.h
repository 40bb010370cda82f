/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The invocations of one process, and what became of the pages that were first
 * touched in each. A page belongs to the innermost invocation that is open in
 * the thread that touched it; what a thread touches outside of any belongs to
 * none, and so does what was found or repaired.
 *
 * Driven by records alone (EVENT_INVOCATION), as the ledger is. Not thread safe.
 */
#ifndef TIDEMARK_LEDGER_INVOCATIONS_H
#define TIDEMARK_LEDGER_INVOCATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/event.h"

/* The newest so many are kept one by one: more than the furthest point, a power of two. */
#define INVOCATIONS_KEPT 4096

/* Open in one thread at once; what begins deeper is counted, and not told apart. */
#define INVOCATION_DEPTH_MAX 32

/*
 * After so many further invocations have ended it is noted how many of an
 * invocation's pages are still resident; 0 is its own end. X(later)
 */
#define INVOCATION_POINTS(X) X(0) X(1) X(10) X(100) X(1000)

enum {
#define X(later) INVOCATION_POINT_##later,
	INVOCATION_POINTS(X)
#undef X
		INVOCATION_POINT_COUNT
};

/* How many later, by number of the point. */
extern const uint32_t invocation_later[INVOCATION_POINT_COUNT];

enum invocation_state {
	INVOCATION_OPEN,
	INVOCATION_ENDED,
	INVOCATION_CUT, /* its end was not seen: the thread ended, records were lost, exec */
};

struct invocation {
	uint32_t number; /* from 1, in the order of their beginnings; 0: no invocation */
	uint32_t tid;
	uint64_t begin_ns;
	uint64_t end_ns;   /* 0 while open */
	uint64_t value;	   /* as in event_invocation */
	uint16_t state;	   /* enum invocation_state */
	uint16_t depth;	   /* 0: not inside another of its thread */
	uint16_t points;   /* how many of `at` are known */
	bool lossy;	   /* records were lost while it was open: its pages may be more */
	uint64_t ended;	   /* it was the ended-th to end, from 1; 0: it has not */
	uint32_t born;	   /* pages first touched in it */
	uint32_t resident; /* of these, resident now */
	uint32_t at[INVOCATION_POINT_COUNT];
	char id[EVENT_ID_LEN];
};

/* Sums over the invocations that have reached a point. Pages. */
struct invocation_survival {
	uint64_t invocations;
	uint64_t born;
	uint64_t resident; /* of these, resident then */
};

/* Since the watch began. */
struct invocation_totals {
	uint64_t begun;
	uint64_t ended;
	uint64_t cut;	       /* see INVOCATION_CUT */
	uint64_t unmatched;    /* ends without a beginning: it was before the watch, or lost */
	uint64_t too_deep;     /* beyond INVOCATION_DEPTH_MAX */
	uint64_t born;	       /* pages first touched in an invocation */
	uint64_t born_outside; /* pages first touched in none, since the first one began */
};

struct invocations;

struct invocations *invocations_new(void);
void invocations_free(struct invocations *invocations);

/* One EVENT_INVOCATION record. 0 or -ENOMEM. */
int invocations_event(struct invocations *invocations, const struct event_invocation *event);

/* All that are open are cut: records of the process were lost, it execs, or it has ended. */
void invocations_cut(struct invocations *invocations, uint64_t time_ns);

/* Tells all of them as KEPT_INVOCATIONS, KEPT_INVOCATION and KEPT_END records. */
void invocations_keep(struct invocations *invocations, uint32_t pid, uint64_t time_ns,
		      void (*sink)(void *ctx, const struct event_header *event), void *ctx);

/* Makes them again: from the first of these records, NULL without memory; and from the others. */
struct invocations *invocations_restore(const struct event_kept_invocations *event);
int invocations_restore_one(struct invocations *invocations, const struct event_header *event);

/* The number of the innermost one open in a thread; 0: none. */
uint32_t invocations_current(struct invocations *invocations, uint32_t tid);

/* A page was first touched in that invocation (0: in none), or is resident no more. */
void invocations_page_born(struct invocations *invocations, uint32_t number);
void invocations_page_gone(struct invocations *invocations, uint32_t number);

/* The one of that number, if it is kept; else NULL. Valid until the next record. */
const struct invocation *invocations_find(const struct invocations *invocations, uint32_t number);

/* Number of the newest one; 0: none. Those kept are (newest - INVOCATIONS_KEPT, newest]. */
uint32_t invocations_newest(const struct invocations *invocations);

/* The one that was the last to end, as long as it is kept; else NULL. Valid likewise. */
const struct invocation *invocations_newest_end(const struct invocations *invocations);

/* Open now. */
size_t invocations_open(const struct invocations *invocations);

/* Resident pages that were first touched in an invocation that is not open any more. */
uint64_t invocations_retained(const struct invocations *invocations);

/*
 * That count as it was after each of the newest ends, oldest first; at most max, at most
 * INVOCATIONS_KEPT. Returns how many were written.
 */
size_t invocations_history(const struct invocations *invocations, uint64_t *pages, size_t max);

const struct invocation_survival *invocations_survival(const struct invocations *invocations,
						       unsigned int point);
const struct invocation_totals *invocations_totals(const struct invocations *invocations);
uint64_t invocations_memory(const struct invocations *invocations);

/*
 * Is what an argument points to the text of an id? Printable ASCII is; a number points nowhere, or
 * to what is none.
 */
bool invocation_id_is_text(const char *id);

/* "open", "ended", "cut". */
const char *invocation_state_name(unsigned int state);

#endif
