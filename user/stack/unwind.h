/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From the registers and the top of a stack (event_snapshot) to the call chain.
 * Nothing outside the snapshot is read of the process.
 */
#ifndef TIDEMARK_STACK_UNWIND_H
#define TIDEMARK_STACK_UNWIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/event.h"
#include "user/stack/module.h"

/* What an address of a process lies in. */
struct unwind_place {
	uint32_t module_number; /* 0: no known mapping */
	struct module *module;	/* NULL: no file, or it cannot be read */
	uint64_t address;	/* in the module's own numbering */
	bool unreadable;	/* there is a file, and it could not be read */
	bool uprobes;		/* the [uprobes] page: a uretprobe's trampoline */
	bool executable;
};

/* Tells where an address of the process at hand lies. pc is exact, not a return address. */
typedef void (*unwind_locate)(void *ctx, uint64_t pc, struct unwind_place *place);

/*
 * What belongs where a frame with this CFA returns to, if something else was put there, and the
 * snapshot does not have it: 0: nothing is known of it.
 */
typedef uint64_t (*unwind_replaced)(void *ctx, uint64_t cfa);

/* The process at hand. replaced may be NULL. */
struct unwind_ops {
	unwind_locate locate;
	unwind_replaced replaced;
	void *ctx;
};

/*
 * A word of the snapshot that the walk read, and what it was: as long as all of
 * these are the same, from the same pc, stack pointer and used registers, in a
 * snapshot with the same top, as long and as complete, so is the call chain.
 */
struct unwind_read {
	uint32_t offset; /* bytes from the stack pointer */
	uint64_t value;
};

#define UNWIND_READS_MAX 1024

struct unwind_result {
	enum stack_end end;
	uint32_t frame_count;
	struct event_frame frames[EVENT_FRAMES_MAX];
	bool replaced;		 /* it rests on replaced return addresses, too */
	uint32_t guessed;	 /* steps by frame pointer, for want of unwind information */
	uint64_t used_registers; /* bit per register but pc and sp whose initial value mattered */
	uint32_t read_count;	 /* more than UNWIND_READS_MAX: not all were noted */
	struct unwind_read reads[UNWIND_READS_MAX];
};

/*
 * Always gives a result: what could be walked, and how it ended. The snapshot
 * has passed event_check().
 */
void unwind(const struct event_snapshot *snapshot, const struct unwind_ops *ops,
	    struct unwind_result *result);

#endif
