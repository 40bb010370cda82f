/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared by the two files about invocations; nobody else's. */
#ifndef TIDEMARK_LEDGER_INVOCATIONS_INTERNAL_H
#define TIDEMARK_LEDGER_INVOCATIONS_INTERNAL_H

#include <bsd/sys/tree.h>

#include "user/ledger/invocations.h"

/* What is open in a thread. */
struct opened {
	uint32_t number;
	uint32_t lost; /* as at BEGIN */
	uint64_t cfa;  /* likewise; 0: it is no function's */
};

/* A thread with something open, or of which something was ended elsewhere. */
struct invocation_thread {
	RB_ENTRY(invocation_thread) link;
	uint32_t tid;
	uint32_t count;
	uint32_t deeper; /* begun beyond INVOCATION_DEPTH_MAX, and not ended */
	uint32_t taken;	 /* the last one that an end in another thread was taken to mean, or 0 */
	struct opened open[INVOCATION_DEPTH_MAX];
};

RB_HEAD(invocation_threads, invocation_thread);

/* The end of one, in the order of the ends. */
struct ended {
	uint32_t number;
	uint64_t retained; /* right after it */
};

struct invocations {
	struct invocation_threads threads;
	struct invocation_thread *cached; /* the last one found, or NULL */
	size_t thread_count;
	size_t open;
	/* Rings: number n is at (n - 1) % capacity, so is the n-th end. */
	struct invocation *kept;
	struct ended *ended;
	uint32_t capacity; /* grows by doubling up to INVOCATIONS_KEPT */
	uint32_t newest;
	uint64_t retained;
	struct invocation_totals totals;
	struct invocation_survival survival[INVOCATION_POINT_COUNT];
};

RB_PROTOTYPE(invocation_threads, invocation_thread, link, thread_compare)

/* The one of that number, if it is kept; else NULL. */
struct invocation *invocations_kept(const struct invocations *invocations, uint32_t number);

/* A thread, known of from now on; NULL without memory. */
struct invocation_thread *invocation_thread_get(struct invocations *invocations, uint32_t tid);

/* A thread that is known of, or NULL. */
struct invocation_thread *invocation_thread_find(struct invocations *invocations, uint32_t tid);

/* Takes one off a thread's stack, wherever it lies; those around it stay. */
struct opened invocation_thread_take(struct invocations *invocations,
				     struct invocation_thread *thread, uint32_t index);

/* Forgets a thread with nothing open, but for what may still come of it. */
void invocation_thread_settle(struct invocations *invocations, struct invocation_thread *thread);

/* Functions whose frame lies below cfa were left without a return: they are cut. */
void invocation_thread_cut_frames(struct invocations *invocations, struct invocation_thread *thread,
				  uint64_t cfa, uint64_t time_ns);

/* invocation_ends.c: an END record. */
void invocations_end(struct invocations *invocations, const struct event_invocation *event);

#endif
