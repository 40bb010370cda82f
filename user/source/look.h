/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A look at a process through /proc, in steps that hold its mmap_lock for some
 * tens of microseconds each. A look goes on over many steps; between them the
 * process, and the collector, do as they please.
 */
#ifndef TIDEMARK_SOURCE_LOOK_H
#define TIDEMARK_SOURCE_LOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "user/source/procfs.h"
#include "user/source/queue.h"

struct look_job {
	struct look_job *next;
	uint32_t pid;
	uint32_t cause; /* enum event_cause */
	uint64_t start;
	uint64_t end;
	bool whole; /* a cycle: all of the process */
	bool lazy;  /* a round of smaps instead */
	bool started;
	bool vmas_pushed;   /* all of maps was read as text: its records went first */
	bool in_vma;	    /* `vma` is being scanned, up to `at` */
	uint64_t at;	    /* next address */
	uint64_t gap_start; /* end of the mapping before */
	uint64_t span;	    /* bytes the next scan step may cover */
	uint64_t cost_ns;   /* spent so far */
	struct proc_vma vma;
};

/*
 * One step, about 10 to 50 us. Pushes records to the queue. 1: there is more,
 * 0: done, or a negative errno (-ESRCH: the process is gone), after which the
 * job is over, too.
 */
int look_step(struct look_job *job, struct proc *proc, struct queue *queue);

/* CLOCK_MONOTONIC, as the records have it. */
uint64_t clock_ns(void);

#endif
