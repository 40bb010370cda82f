/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Turns the SNAPSHOT records of one process into numbers of stacks. What lies
 * where in its memory comes from its ledger, the files from the source.
 *
 * Not thread safe.
 */
#ifndef TIDEMARK_STACK_UNWINDER_H
#define TIDEMARK_STACK_UNWINDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/ledger/ledger.h"
#include "user/source/source.h"
#include "user/stack/stacks.h"

/* Of one process since its watch began. */
struct unwind_totals {
	uint64_t taken;			/* snapshots that came */
	uint64_t repeated;		/* of these, known again without a walk */
	uint64_t ends[STACK_END_COUNT]; /* of these, by how they ended; repeated ones too */
	uint64_t guessed;		/* steps by frame pointer, for want of unwind information */
	uint64_t refused;		/* stacks not kept: STACKS_MAX reached, or no memory */
	uint64_t lost;	  /* records whose stack was taken, and its snapshot not seen */
	uint64_t skipped; /* stacks not taken: the ring buffer was filling up */
};

struct unwinder;

/* Borrows all three; source may be NULL: of a recording. NULL without memory. */
struct unwinder *unwinder_new(struct stacks *stacks, struct source *source,
			      const struct ledger *ledger);
void unwinder_free(struct unwinder *unwinder);

/* A child as fork(2) makes it: what is known of the parent's modules is true of it. */
struct unwinder *unwinder_fork(const struct unwinder *parent, const struct ledger *ledger);

/*
 * Sees every record of the process before its ledger does: takes snapshots, and opens files with
 * code while the process is there.
 */
void unwinder_event(struct unwinder *unwinder, const struct event_header *event);

/* The number of the stack of a record marked STACK_TAKEN; 0 if it is not known. */
uint32_t unwinder_take(struct unwinder *unwinder, const struct event_header *event);

/* Gives back what only a walk needs: the process has ended. Its totals stay. */
void unwinder_rest(struct unwinder *unwinder);

/* Of a recording, which has no snapshots: takes the totals from an UNWOUND record. */
void unwinder_set_totals(struct unwinder *unwinder, const struct event_unwound *event);

/* Fills an UNWOUND record but for its header. False: nothing has changed since the last. */
bool unwinder_tell_totals(struct unwinder *unwinder, struct event_unwound *event);

const struct unwind_totals *unwinder_totals(const struct unwinder *unwinder);

/* Snapshots whose walk did not reach the end: the sum of ends but COMPLETE, and of refused and
 * lost. */
uint64_t unwind_failures(const struct unwind_totals *totals);
uint64_t unwinder_memory(const struct unwinder *unwinder);

#endif
