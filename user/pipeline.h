/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Wiring: events from a source go to the ledgers of their processes and to the
 * views; and the policy of when /proc is read. Not thread safe.
 */
#ifndef TIDEMARK_PIPELINE_H
#define TIDEMARK_PIPELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/source/source.h"
#include "user/verdict/process.h"

#define PIPELINE_VIEWS_MAX 4

/* Each may be NULL. Called in the order of the stream. */
struct view_ops {
	void (*begin)(void *view, struct process *process);
	void (*event)(void *view, struct process *process, const struct event_header *event);
	void (*report)(void *view, struct process *process, const struct report *report);
	/* after its last report; the ledger still has its last state */
	void (*end)(void *view, struct process *process);
	/* after the reports of all processes */
	void (*interval)(void *view, uint64_t number);
};

struct pipeline_options {
	/*
	 * Least time between two periodic reconciliation cycles of one process.
	 * They are further apart as needed to stay under 1% of one CPU, unless
	 * reconcile_exact says to do it at that rate whatever it costs.
	 */
	unsigned int reconcile_ms;
	bool reconcile_exact;
	bool stacks;	     /* the source takes stacks: unwind them */
	size_t heap_tracked; /* see HEAP_TRACKED_*; 0: the default */
};

struct pipeline;

/* Owns neither source nor views. NULL without memory. */
struct pipeline *pipeline_new(struct source *source, const struct pipeline_options *options);

/* Ends all processes for the views, then frees. */
void pipeline_free(struct pipeline *pipeline);

void pipeline_add_view(struct pipeline *pipeline, const struct view_ops *ops, void *view);

/* Waits as source_ops.wait does; to be called without the lock that guards the rest. */
int pipeline_wait(struct pipeline *pipeline, int timeout_ms);

/* Handles what there is. 0; 1 when a recording has ended; a negative errno. */
int pipeline_run(struct pipeline *pipeline);

/* All processes, ended ones among them for a while, in order of attach. */
const struct process *const *pipeline_processes(const struct pipeline *pipeline, size_t *count);

/* Watched and not ended. */
size_t pipeline_alive(const struct pipeline *pipeline);

/* Records about processes that are not known (their FORK or EXEC was lost). */
uint64_t pipeline_orphans(const struct pipeline *pipeline);

/*
 * Is every process's ledger complete, with nothing left to look at? (A process
 * at rest then has an exact ledger.)
 */
bool pipeline_settled(const struct pipeline *pipeline);

#endif
