// SPDX-License-Identifier: GPL-2.0-only
/*
 * Snapshots of stacks. Allocators are built without frame pointers, so that a
 * walk in the kernel (bpf_get_stack) ends in the first library; user space has
 * the unwind information, and gets what it needs to use it.
 */
#include "bpf/snapshot.bpf.h"

#define PAGE_SIZE                                                                                  \
	4096 /* of the stack's absent pages; a smaller one than the kernel's is no harm            \
	      */

/* How far below its top the main thread's stack is looked for: RLIMIT_STACK may be unlimited. */
#define STACK_SPAN (1ULL << 30)

#define WINDOW_NS 10000000ULL
#define WINDOWS_PER_SECOND 100

extern const volatile __u64 wake_bytes;

/* Set before loading. Bytes 0: no stacks at all; rate 0: none of page faults. */
const volatile __u32 snapshot_bytes = SNAPSHOT_BYTES_DEFAULT;
const volatile __u32 snapshot_rate = 20000; /* of page faults, per second */

/*
 * The end of the stack that sp lies in: reading past it faults, which costs six
 * times what the snapshot does. The main thread's ends where its arguments
 * begin, others (pthreads) below the thread's own descriptor. Coroutines have
 * stacks of their own: 0.
 *
 * Here and below the kernel's structs are read directly: a helper's call for
 * each would double the cost.
 */
static __always_inline __u64 stack_top(struct task_struct *task, __u64 sp)
{
	struct mm_struct *mm = task->mm;
	__u64 start = mm ? mm->start_stack : 0, thread = USER_THREAD_POINTER(task);

	/* the nearer one: without address randomization threads lie right below the main stack */
	if (sp < thread && thread - sp < STACK_SPAN && (start < sp || thread < start))
		return thread;
	if (sp <= start && start - sp < STACK_SPAN)
		return start;
	return 0;
}

/* What is asked of a snapshot. */
struct request {
	__u64 now;
	__u64 sp;
	__u64 top;
	__u64 want; /* bytes from sp on */
};

/*
 * Reads [sp, sp + want) page by page, and notes those that are not in memory: a
 * page that a buffer lies in which nobody has written to yet. What could not be
 * read is zeroes. Behind the last page that is there the stack has ended.
 * Returns the bytes up to there.
 */
static __always_inline __u32 snapshot_read(struct event_snapshot *r, const struct request *q,
					   __u64 room)
{
	__u64 at = 0, bytes = 0, absent = 0;

	for (int i = 0; i <= SNAPSHOT_BYTES_MAX / PAGE_SIZE && at < q->want; i++) {
		__u64 end = ((q->sp + at) | (PAGE_SIZE - 1)) + 1 - q->sp, length;

		if (end > q->want)
			end = q->want;
		length = end - at;
		/* says to the verifier what is so */
		barrier_var(length);
		barrier_var(at);
		if (at > room || length > PAGE_SIZE)
			break;
		if (bpf_probe_read_user((char *)r->stack + at, length, (char *)q->sp + at)) {
			absent |= 1ULL << i;
		} else {
			bytes = end;
			r->absent = absent;
		}
		at = end;
	}
	return (__u32)bytes;
}

/* Whoever's uretprobes they are: the kernel keeps one list of a thread's. */
static __always_inline void returns_copy(struct event_snapshot *r, struct task_struct *task)
{
	struct return_instance *at = NULL;
	__u32 count = 0;

	if (bpf_core_field_exists(task->utask) && task->utask)
		at = task->utask->return_instances;
	for (int i = 0; i < EVENT_RETURNS_MAX && at; i++) {
		r->returns[i].stack = at->stack;
		r->returns[i].address = at->orig_ret_vaddr;
		at = at->next;
		count++;
	}
	r->return_count = count;
	r->pad = 0;
}

static __always_inline void snapshot_fill(struct event_snapshot *r, struct watched *w,
					  struct pt_regs *regs, const struct request *q)
{
	r->h.kind = EVENT_SNAPSHOT;
	r->h.pid = w->ledger_pid;
	r->h.tid = (__u32)bpf_get_current_pid_tgid();
	r->h.stack = 0;
	r->h.time_ns = q->now;
	r->top = q->top;
	r->absent = 0;
	r->machine = USER_MACHINE;
	r->register_count = USER_REGISTER_COUNT;
	user_registers_copy(r->registers, regs);
	returns_copy(r, bpf_get_current_task_btf());
}

/* The record that follows wakes the reader if that is due. */
static __always_inline __u32 snapshot_submit(struct event_snapshot *r, __u32 bytes)
{
	r->bytes = bytes & ~7U;
	r->h.size = (__u16)(sizeof(*r) + r->bytes);
	bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
	return STACK_TAKEN;
}

static __always_inline __u32 snapshot_lost(struct watched *w)
{
	__sync_fetch_and_add(&w->stacks_lost, 1);
	return 0;
}

/* room is a constant of the caller; a page more: each read is bounded for itself. */
static __always_inline __u32 snapshot_paged(struct watched *w, const struct request *q, __u64 room)
{
	struct event_snapshot *r = bpf_ringbuf_reserve(&events, sizeof(*r) + room + PAGE_SIZE, 0);

	if (!r)
		return snapshot_lost(w);
	snapshot_fill(r, w, user_regs(), q);
	return snapshot_submit(r, snapshot_read(r, q, room));
}

/*
 * A page of the stack is not there, the lowest one where the fault is about to
 * bring it, or the stack ends before its time: no hurry then.
 */
__noinline __u32 snapshot_slow(struct watched *w, struct request *q)
{
	if (!w || !q)
		return 0;
	if (q->want <= SNAPSHOT_BYTES_DEFAULT)
		return snapshot_paged(w, q, SNAPSHOT_BYTES_DEFAULT);
	return snapshot_paged(w, q, SNAPSHOT_BYTES_MAX);
}

/* room is a constant of the caller for the verifier. */
static __always_inline __u32 snapshot_quick(struct watched *w, struct pt_regs *regs,
					    struct request *q, __u64 room)
{
	struct event_snapshot *r = bpf_ringbuf_reserve(&events, sizeof(*r) + room, 0);
	__u64 length = q->want;

	if (!r)
		return snapshot_lost(w);
	barrier_var(length);
	if (length > room || bpf_probe_read_user(r->stack, length, (void *)q->sp)) {
		bpf_ringbuf_discard(r, BPF_RB_NO_WAKEUP);
		return snapshot_slow(w, q);
	}
	snapshot_fill(r, w, regs, q);
	return snapshot_submit(r, (__u32)length);
}

__noinline __u32 snapshot_take(struct watched *w, __u64 now)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *regs = user_regs();
	struct request q = {.now = now, .sp = USER_STACK_POINTER(regs), .want = snapshot_bytes};

	if (!q.want || !w)
		return 0;
	/* what records of the ledger need comes first */
	if (bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) > 2 * wake_bytes)
		return snapshot_lost(w);
	q.top = stack_top(task, q.sp);
	if (q.top && q.top - q.sp < q.want)
		q.want = q.top - q.sp;
	if (q.want <= 512)
		return snapshot_quick(w, regs, &q, 512);
	if (q.want <= 1024)
		return snapshot_quick(w, regs, &q, 1024);
	if (q.want <= 2048)
		return snapshot_quick(w, regs, &q, 2048);
	if (q.want <= 4096)
		return snapshot_quick(w, regs, &q, 4096);
	if (q.want <= 8192)
		return snapshot_quick(w, regs, &q, 8192);
	if (q.want <= 16384)
		return snapshot_quick(w, regs, &q, 16384);
	return snapshot_quick(w, regs, &q, SNAPSHOT_BYTES_MAX);
}

/*
 * Every fault's stack is taken up to the rate, then one in a power of two, which
 * is decided anew for each window and rises within one. Racing CPUs may count a
 * fault less: the weight that a fault was chosen with is in its record, so that
 * sums stay right whatever it is.
 */
static __always_inline __u32 sample_weight(__u64 now)
{
	__u64 passed = now - totals.window_ns;
	__u32 allowed = snapshot_rate / WINDOWS_PER_SECOND + 1, weight = totals.weight;
	__u64 due = 0;

	if ((__s64)passed < 0) /* another CPU began the window after we took the time */
		passed = 0;
	if (passed > WINDOW_NS) {
		due = totals.window_faults * WINDOW_NS / passed / allowed;
		totals.window_ns = now;
		totals.window_faults = 0;
		weight = 1;
	} else {
		due = totals.window_faults / (2 * allowed);
	}
	totals.window_faults++;
	if (!weight)
		weight = 1;
	for (int i = 0; i < 20 && weight < due; i++)
		weight *= 2;
	totals.weight = weight;
	return weight;
}

__noinline __u32 snapshot_weight(__u64 now)
{
	__u32 one_in;

	if (!snapshot_bytes || !snapshot_rate)
		return 0;
	one_in = sample_weight(now);
	return one_in > 1 && bpf_get_prandom_u32() & (one_in - 1) ? 0 : one_in;
}

char LICENSE[] SEC("license") __weak = "GPL";
