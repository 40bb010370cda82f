/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared by the BPF programs: the maps, the filter, and how a record is written. */
#ifndef TIDEMARK_BPF_H
#define TIDEMARK_BPF_H

#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "bpf/event.h"

/*
 * Weak: each object of the linked skeleton brings the same definition. Sizes
 * are the defaults; the collector sets them before loading.
 */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 32 * 1024 * 1024);
} events SEC(".maps") __weak;

/*
 * Processes, not threads. 16384 entries bound the kernel memory (about 2 MiB);
 * a child that finds the map full is counted, and not followed.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, struct watched);
} watched SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct watched_name);
	__type(value, __u32);
} names SEC(".maps") __weak;

/*
 * Waking the reader costs 2.5 us, a record without it 0.3 us: the reader polls,
 * and is woken only once this many bytes wait for it.
 */
extern const volatile __u64 wake_bytes;

/* Set before loading: invocations are marked, and end with their thread. */
extern const volatile bool invocations_marked;

extern struct watch_totals totals;

/*
 * The command whose allocator is to be probed before it runs: stopped whenever it has begun a
 * program or mapped a file with code, until the collector has seen to that and continues it. 0:
 * none.
 */
extern __u32 heap_held;
extern __u32 heap_held_files; /* of its present program, files are still looked at */

#define SIGSTOP 19

static __always_inline bool is_held(void)
{
	return heap_held && heap_held == bpf_get_current_pid_tgid() >> 32;
}

static __always_inline struct watched *watch_find(__u32 tgid)
{
	struct watched *w = bpf_map_lookup_elem(&watched, &tgid);

	return w && !(w->flags & (WATCH_DORMANT | WATCH_ENDED)) ? w : NULL;
}

/*
 * A vfork child's exec works on its new memory some time before it is recorded
 * as EXEC: what happens there is not the parent's.
 */
static __always_inline bool alias_has_left(const struct watched *w)
{
	return (w->flags & WATCH_ALIAS) &&
	       (__u64)BPF_CORE_READ(bpf_get_current_task_btf(), mm) != w->mm;
}

static __always_inline struct watched *watch_current(void)
{
	struct watched *w = watch_find(bpf_get_current_pid_tgid() >> 32);

	return w && !alias_has_left(w) ? w : NULL;
}

/* A lost record is charged to the process whose ledger lacks it. */
static __always_inline void watch_count_lost(struct watched *w)
{
	if (w->flags & WATCH_ALIAS) {
		__u32 owner = w->ledger_pid;

		w = bpf_map_lookup_elem(&watched, &owner);
		if (!w)
			return;
	}
	__sync_fetch_and_add(&w->lost, 1);
}

/* size must be a constant of the caller for the verifier. The payload is not zeroed. */
static __always_inline void *record_reserve(struct watched *w, __u64 size, __u16 kind, __u64 now)
{
	struct event_header *h = bpf_ringbuf_reserve(&events, size, 0);

	if (!h) {
		watch_count_lost(w);
		return NULL;
	}
	h->size = size;
	h->kind = kind;
	h->pid = w->ledger_pid;
	h->tid = (__u32)bpf_get_current_pid_tgid();
	h->stack = 0;
	h->time_ns = now;
	return h;
}

static __always_inline void record_submit(void *slot)
{
	void *record = *(void **)slot;

	if (!record)
		return;
	bpf_ringbuf_submit(record, bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) > wake_bytes
					   ? BPF_RB_FORCE_WAKEUP
					   : BPF_RB_NO_WAKEUP);
}

/*
 * `RECORD(struct event_x, r, w, EVENT_X);` declares r, reserved and with its
 * header filled, or NULL with the loss counted. It is submitted when r goes
 * out of scope, so no path can forget it.
 */
#define RECORD_AT(type, name, w, kind, now)                                                        \
	type *name __attribute__((cleanup(record_submit))) =                                       \
		record_reserve(w, sizeof(type), kind, now)
#define RECORD(type, name, w, kind) RECORD_AT(type, name, w, kind, bpf_ktime_get_ns())

static __always_inline void record_range_at(struct watched *w, __u16 kind, __u64 addr, __u64 len,
					    __u32 call, __u32 arg, __u32 stack)
{
	RECORD(struct event_range, r, w, kind);

	if (!r)
		return;
	r->h.stack = stack;
	r->addr = addr;
	r->len = len;
	r->call = call;
	r->arg = arg;
	r->value = 0;
}

static __always_inline void record_range(struct watched *w, __u16 kind, __u64 addr, __u64 len,
					 __u32 call, __u32 arg)
{
	record_range_at(w, kind, addr, len, call, arg, 0);
}

/*
 * A syscall's arguments are still in the user's registers when it returns, so
 * nothing is stored between entry and exit, and nothing can linger when an
 * exit never comes.
 */
static __always_inline struct pt_regs *user_regs(void)
{
	return (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
}

#define user_arg1(regs) PT_REGS_PARM1_CORE_SYSCALL(regs)
#define user_arg2(regs) PT_REGS_PARM2_CORE_SYSCALL(regs)
#define user_arg3(regs) PT_REGS_PARM3_CORE_SYSCALL(regs)
#define user_arg4(regs) PT_REGS_PARM4_CORE_SYSCALL(regs)
#define user_arg5(regs) PT_REGS_PARM5_CORE_SYSCALL(regs)
#define user_arg6(regs) USER_ARG6(regs)

static __always_inline bool is_error(long ret)
{
	return (unsigned long)ret >= (unsigned long)-4095; /* IS_ERR_VALUE, include/linux/err.h */
}

#endif
