/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A walk under way: the registers as they are in the frame at hand. What was
 * saved is read when it is needed, not before: most of it never is, and a walk
 * that depends on few words of the stack is known again more often.
 */
#ifndef TIDEMARK_STACK_UNWIND_WALK_H
#define TIDEMARK_STACK_UNWIND_WALK_H

#include "user/stack/unwind.h"
#include "user/stack/unwind_arch.h"

/* Values that an expression has at a time. */
#define UNWIND_VALUES_MAX 64
/* Operations of all expressions of a walk. A frame of a signal handler takes 40, others a dozen. */
#define UNWIND_STEPS_MAX 4096

struct walk {
	const struct event_snapshot *snapshot;
	const struct unwind_arch *arch;
	const struct unwind_ops *ops;
	struct unwind_result *result;
	uint64_t bottom; /* the snapshot's bytes are of [bottom, limit) */
	uint64_t limit;
	uint64_t top;	/* 0: not known */
	uint64_t known; /* registers that have a value */
	uint64_t saved; /* of these, whose value is in memory, at values[] */
	uint64_t first; /* of these, which are as they were in the snapshot */
	uint64_t values[UNWIND_RULES_MAX];
	uint64_t pc;
	uint64_t sp;
	uint32_t steps;	    /* operations so far */
	uint64_t bias;	    /* of the module at hand: addresses in memory less its own */
	bool exact;	    /* pc is where the frame goes on, not behind a call */
	bool guessed;	    /* the frame was found by frame pointer */
	bool signalled;	    /* the frame was interrupted by the one before */
	enum stack_end end; /* why the last read failed */
};

/* A word of the stack, which is noted. False: not there, see end. */
bool walk_word(struct walk *walk, uint64_t address, uint64_t *word);

/* The value of a register. False: not known or not there, see end. */
bool walk_register(struct walk *walk, uint64_t reg, uint64_t *value);

/*
 * The value of an expression. cfa: what its stack begins with, NULL for none.
 * False: it has none, see end.
 */
bool walk_expression(struct walk *walk, const struct unwind_expression *expression,
		     const uint64_t *cfa, uint64_t *value);

#endif
