/* SPDX-License-Identifier: GPL-2.0-only */
/* Invocations: the record of one of their edges. */
#ifndef TIDEMARK_INVOCATIONS_BPF_H
#define TIDEMARK_INVOCATIONS_BPF_H

#include "bpf/tidemark.bpf.h"

/* The payload is zeroed but for the edge. NULL: lost, and counted. */
static __always_inline struct event_invocation *invocation_reserve(struct watched *w, __u32 edge)
{
	struct event_invocation *r =
		record_reserve(w, sizeof(*r), EVENT_INVOCATION, bpf_ktime_get_ns());

	if (!r)
		return NULL;
	r->edge = edge;
	r->lost = (__u32)w->lost;
	r->cfa = 0;
	r->caller = 0;
	r->value = 0;
	__builtin_memset(r->id, 0, sizeof(r->id));
	return r;
}

/* `INVOCATION(r, w, edge);` is RECORD for it; w may be NULL. */
#define INVOCATION(name, w, edge)                                                                  \
	struct event_invocation *name __attribute__((cleanup(record_submit))) =                    \
		(w) ? invocation_reserve(w, edge) : NULL

#endif
