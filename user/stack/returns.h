/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Return addresses that the kernel has put its trampoline in the place of, because
 * the return of their function is marked (--invocation func:...): what a walk finds
 * in the stack is the trampoline, and what belongs there is known from the record of
 * the function's entry. Of one process; not thread safe.
 */
#ifndef TIDEMARK_STACK_RETURNS_H
#define TIDEMARK_STACK_RETURNS_H

#include <stddef.h>
#include <stdint.h>

#include <bsd/sys/tree.h>

#include "bpf/event.h"

/* Open at once; more are not kept, and their stacks end in `uprobe`. */
#define RETURNS_MAX 65536

struct replaced {
	RB_ENTRY(replaced) link;
	uint32_t tid; /* 0: of the thread that a child began with */
	uint32_t pad;
	uint64_t cfa;
	uint64_t caller; /* the return address as it was */
};

RB_HEAD(returns_tree, replaced);

struct returns {
	struct returns_tree tree;
	size_t count;
};

void returns_free(struct returns *returns);

/* Takes an INVOCATION record; those of USDT probes replace nothing. 0 or -ENOMEM, -ENOSPC. */
int returns_event(struct returns *returns, const struct event_invocation *event);

/*
 * What belongs where a thread's frame with this CFA returns to; 0: not known.
 */
uint64_t returns_find(const struct returns *returns, uint32_t tid, uint64_t cfa);

/* A child's memory is its parent's, trampolines included. 0 or -ENOMEM. */
int returns_fork(const struct returns *parent, struct returns *child);

#endif
