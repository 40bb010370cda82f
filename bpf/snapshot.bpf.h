/* SPDX-License-Identifier: GPL-2.0-only */
/* Stacks: the user's registers and the top of the user's stack, for user space to unwind. */
#ifndef TIDEMARK_SNAPSHOT_BPF_H
#define TIDEMARK_SNAPSHOT_BPF_H

#include "bpf/tidemark.bpf.h"

/*
 * Global functions: the verifier walks them once, not once for each call.
 *
 * Takes a snapshot of the current thread. What to write into the stack field of
 * the record that follows: STACK_TAKEN, or 0 if none was taken.
 */
__u32 snapshot_take(struct watched *w, __u64 now);

/*
 * How many page faults the one at hand stands for: event_fault.weight. 0: it was
 * not chosen to have its stack taken.
 */
__u32 snapshot_weight(__u64 now);

#endif
