// SPDX-License-Identifier: GPL-2.0-only
/* Processes: who is watched from when to when. */
#include "bpf/invocations.bpf.h"

const volatile __u64 wake_bytes = 8 * 1024 * 1024;
struct watch_totals totals;
const volatile bool invocations_marked = false;
__u32 heap_held;
__u32 heap_held_files;

static __always_inline bool name_is_watched(__u32 *flags)
{
	struct watched_name name = {};
	__u32 *found;

	bpf_get_current_comm(name.comm, sizeof(name.comm));
	found = bpf_map_lookup_elem(&names, &name);
	if (found)
		*flags = *found;
	return found;
}

/*
 * Runs in the parent, before the child does. A child that shares the parent's
 * memory (vfork, posix_spawn) faults for the parent's ledger until it execs.
 */
SEC("tp_btf/sched_process_fork")
int BPF_PROG(sched_process_fork, struct task_struct *parent, struct task_struct *child)
{
	__u32 parent_tgid = parent->tgid, child_tgid = child->tgid;
	struct watched entry = {};
	struct watched *w;

	if (parent_tgid == child_tgid)
		return 0;
	w = watch_find(parent_tgid);
	if (!w)
		return 0;

	entry.flags = w->flags & (WATCH_CHILDREN | WATCH_NAMED);
	if (child->mm == parent->mm) {
		entry.ledger_pid = w->ledger_pid;
		entry.flags |= WATCH_ALIAS;
		entry.mm = (__u64)parent->mm;
	} else if (entry.flags) {
		entry.ledger_pid = child_tgid;
	} else {
		return 0;
	}
	if (bpf_map_update_elem(&watched, &child_tgid, &entry, BPF_ANY)) {
		__sync_fetch_and_add(&totals.unwatched_children, 1);
		return 0;
	}

	RECORD(struct event_fork, r, w, EVENT_FORK);
	if (!r)
		return 0;
	r->child = child_tgid;
	r->flags = entry.flags & WATCH_ALIAS ? FORK_SHARES_MM : FORK_WATCHED;
	bpf_get_current_comm(r->comm, sizeof(r->comm));
	return 0;
}

/*
 * Wakes the reader at once: where exec mapped the program and its loader is in
 * no record, only in /proc, and that for as long as the process lives.
 */
static __always_inline void exec_record(struct watched *w)
{
	struct event_exec *r = record_reserve(w, sizeof(*r), EVENT_EXEC, bpf_ktime_get_ns());

	if (!r)
		return;
	if (is_held()) {
		heap_held_files = 1;
		bpf_send_signal(SIGSTOP);
	}
	bpf_get_current_comm(r->comm, sizeof(r->comm));
	bpf_ringbuf_submit(r, BPF_RB_FORCE_WAKEUP);
}

static __always_inline bool exit_record(struct watched *w, __u32 code)
{
	RECORD(struct event_exit, r, w, EVENT_EXIT);

	if (!r)
		return false;
	r->code = code;
	r->pad = 0;
	r->lost = w->lost;
	return true;
}

/* Says that a process is watched no more. If that cannot be said, the entry stays to say it. */
static __always_inline void watch_end(struct watched *w, __u32 tgid, __u32 code)
{
	if (w->flags & (WATCH_ALIAS | WATCH_DORMANT) || exit_record(w, code))
		bpf_map_delete_elem(&watched, &tgid);
	else
		w->flags |= WATCH_ENDED;
}

/* What is open in the thread is so no more. */
static __always_inline void thread_record(struct watched *w)
{
	INVOCATION(r, invocations_marked ? w : NULL, INVOCATION_GONE);

	(void)r;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(sched_process_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	__u32 tgid = task->tgid, name_flags = 0;
	struct watched *w = bpf_map_lookup_elem(&watched, &tgid);
	bool named = name_is_watched(&name_flags);

	if (!w) {
		struct watched entry = {.ledger_pid = tgid, .flags = name_flags};

		if (!named)
			return 0;
		if (bpf_map_update_elem(&watched, &tgid, &entry, BPF_NOEXIST)) {
			__sync_fetch_and_add(&totals.unwatched_children, 1);
			return 0;
		}
		w = bpf_map_lookup_elem(&watched, &tgid);
		if (w)
			exec_record(w);
		return 0;
	}

	/* watched for its name alone, and now it is another program */
	if ((w->flags & (WATCH_NAMED | WATCH_CHILDREN)) == WATCH_NAMED && !named) {
		watch_end(w, tgid, EXIT_CODE_LEFT);
		return 0;
	}
	if (w->flags & WATCH_ALIAS) {
		thread_record(w);
		if (!(w->flags & (WATCH_CHILDREN | WATCH_NAMED))) {
			bpf_map_delete_elem(&watched, &tgid);
			return 0;
		}
		w->ledger_pid = tgid;
	}
	w->flags &= ~(WATCH_ALIAS | WATCH_DORMANT | WATCH_ENDED);
	exec_record(w);
	return 0;
}

/* Each thread passes here; signal->live has reached 0 for the last one. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(sched_process_exit, struct task_struct *task)
{
	__u32 tgid = task->tgid;
	struct watched *w = bpf_map_lookup_elem(&watched, &tgid);

	if (!w)
		return 0;
	/* of a process it is clear from its EXIT, but a vfork child has none */
	if (task->signal->live.counter != 0 || w->flags & WATCH_ALIAS)
		thread_record(w);
	if (task->signal->live.counter == 0)
		watch_end(w, tgid, task->exit_code);
	return 0;
}

char LICENSE[] SEC("license") __weak = "GPL";
