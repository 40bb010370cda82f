// SPDX-License-Identifier: GPL-2.0-only
/*
 * The functions of an allocator, for heap evidence. Three programs for all of them: what a function
 * does and where its arguments are comes in the cookie of its probe. They run a million times a
 * second: nothing here is done twice.
 *
 * Of calls within calls (calloc in malloc, free in realloc) only the outermost counts. It is known
 * by its frame: until it returns, the kernel's trampoline lies in the place of its return address.
 * Where that is gone the function was left in another way, and what is entered next is outermost.
 */
#include "bpf/heap.h"
#include "bpf/snapshot.bpf.h"

/*
 * Set before loading. exact_pids: the kernel runs the programs for the threads of the process that
 * they were placed for and no others, so that who it is need not be looked up. Otherwise a vfork
 * child comes here, too.
 */
const volatile bool heap_exact_pids = false;

/* Likewise; 0: no stacks. */
const volatile __u64 heap_sample_bytes = 32768;
const volatile __u32 heap_draws[HEAP_DRAWS + 1];

/* The outermost function that a thread is in. */
struct heap_thread {
	__u64 cfa; /* its frame; 0: in none */
	__u64 size;
	__u64 old;
	__u64 out;
	__u64 left; /* bytes until a stack is taken; 0: not drawn yet */
	__u32 kind;
	__u32 flags; /* ALLOC_* */
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct heap_thread);
} heap_threads SEC(".maps");

static __always_inline __u64 argument(struct pt_regs *ctx, __u64 cookie, enum heap_argument which)
{
	__u64 place = HEAP_COOKIE_ARGUMENT(cookie, which), value = 0;

	if (place != HEAP_NOWHERE)
		bpf_probe_read_kernel(&value, sizeof(value), (__u64 *)ctx + place);
	return value;
}

/* The memory below 1/256 is drawn from as if it were the whole: the distribution has no memory. */
static __noinline __u64 draw_bytes(void)
{
	__u64 sum = 0;

	for (int i = 0; i < 4; i++) {
		__u32 random = bpf_get_prandom_u32(), at = random >> 24 & (HEAP_DRAWS - 1);
		__u64 high, low;

		if (at) {
			high = heap_draws[at];
			low = heap_draws[at + 1];
			sum += high - ((high - low) * (random & 0xffffff) >> 24);
			break;
		}
		sum += heap_draws[1];
	}
	return sum * heap_sample_bytes / HEAP_DRAW_ONE + 1;
}

/* Is an outer function under way? cfa: of the one that is entered. */
static __always_inline bool is_nested(const struct heap_thread *thread, struct task_struct *task,
				      __u64 cfa)
{
	__u64 caller = 0;

	if (!thread->cfa || cfa > thread->cfa)
		return false;
	return user_return_is_probed(task, thread->cfa, caller);
}

/* Whose memory it is; 0: nobody's who is watched. */
static __always_inline __u32 heap_owner(void)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct watched *w;

	if (heap_exact_pids)
		return tgid;
	w = watch_current();
	return w ? w->ledger_pid : 0;
}

static __always_inline void heap_count_lost(__u32 owner)
{
	struct watched *w = bpf_map_lookup_elem(&watched, &owner);

	if (w)
		watch_count_lost(w);
}

/* record_reserve() for those who know the owner. */
static __always_inline void *heap_reserve(__u32 owner, __u64 size, __u16 kind)
{
	struct event_header *h = bpf_ringbuf_reserve(&events, size, 0);

	if (!h) {
		heap_count_lost(owner);
		return NULL;
	}
	h->size = size;
	h->kind = kind;
	h->pid = owner;
	h->tid = (__u32)bpf_get_current_pid_tgid();
	h->stack = 0;
	h->time_ns = bpf_ktime_get_ns();
	return h;
}

/*
 * The reader polls. While it lags behind, each record would wake it, at four times the cost of the
 * rest: one in 64 does, by the last bits of the time.
 */
static __always_inline void heap_submit(void *slot)
{
	struct event_header *h = *(struct event_header **)slot;

	if (h && h->time_ns & 63)
		bpf_ringbuf_submit(h, BPF_RB_NO_WAKEUP);
	else
		record_submit(slot);
}

#define HEAP_RECORD(type, name, owner, kind)                                                       \
	type *name __attribute__((cleanup(heap_submit))) = heap_reserve(owner, sizeof(type), kind)

static __always_inline void alloc_begin_record(__u32 owner, __u64 size)
{
	struct watched *w = bpf_map_lookup_elem(&watched, &owner);
	__u64 now = bpf_ktime_get_ns();
	__u32 stack;

	if (!w)
		return;
	stack = snapshot_take(w, now);
	RECORD_AT(struct event_alloc_begin, r, w, EVENT_ALLOC_BEGIN, now);
	if (!r)
		return;
	r->h.stack = stack;
	r->size = size;
}

/* True: its stack is taken. */
static __always_inline bool is_sampled(struct heap_thread *thread, __u64 size)
{
	if (!heap_sample_bytes)
		return false;
	if (!thread->left)
		thread->left = draw_bytes();
	if (thread->left > size) {
		thread->left -= size;
		return false;
	}
	thread->left = draw_bytes();
	return true;
}

static __always_inline void free_record(__u32 owner, __u64 addr, __u32 flags)
{
	HEAP_RECORD(struct event_free, r, owner, EVENT_FREE);

	if (!r)
		return;
	r->addr = addr;
	r->flags = flags;
	r->pad = 0;
}

static __always_inline bool is_realloc(__u32 kind)
{
	return kind == HEAP_KIND_REALLOC || kind == HEAP_KIND_REALLOC_FREES ||
	       kind == HEAP_KIND_REALLOC_OUT;
}

static __always_inline void arguments_read(struct heap_thread *thread, struct pt_regs *ctx,
					   __u64 cookie)
{
	thread->kind = HEAP_COOKIE_KIND(cookie);
	thread->size = argument(ctx, cookie, HEAP_ARGUMENT_SIZE);
	if (HEAP_COOKIE_ARGUMENT(cookie, HEAP_ARGUMENT_COUNT) != HEAP_NOWHERE)
		thread->size *= argument(ctx, cookie, HEAP_ARGUMENT_COUNT);
	thread->old = argument(ctx, cookie, HEAP_ARGUMENT_OLD);
	thread->out = argument(ctx, cookie, HEAP_ARGUMENT_OUT);
	thread->flags = 0;
	if (thread->kind == HEAP_KIND_REALLOC_OUT)
		bpf_probe_read_user(&thread->old, sizeof(thread->old), (void *)thread->out);
	if (is_realloc(thread->kind))
		thread->flags = ALLOC_REALLOC;
	else if (thread->kind == HEAP_KIND_RESIZE)
		thread->flags = ALLOC_IN_PLACE;
}

#define UNLIKELY_BYTES (1ULL << 30)  /* that memory is there for one allocation */
#define ALLOCATOR_BYTES (1ULL << 27) /* by which an allocator may ask for more than it needs */

static __always_inline bool is_over_limit(struct task_struct *task, int which, __u64 pages,
					  __u64 size)
{
	__u64 limit = task->signal->rlim[which].rlim_cur;

	return limit != RLIM_INFINITY && size + ALLOCATOR_BYTES + pages * 4096 > limit;
}

/*
 * May it fail? An exception that passes the kernel's trampoline ends the process, so that the
 * return of what throws is not probed then, and its record is lost.
 */
static __always_inline bool may_throw(struct task_struct *task, __u64 cookie, __u64 size)
{
	struct mm_struct *mm = task->mm;

	if (!(cookie & HEAP_COOKIE_THROWS))
		return false;
	return !mm || size >= UNLIKELY_BYTES ||
	       is_over_limit(task, RLIMIT_AS, mm->total_vm, size) ||
	       is_over_limit(task, RLIMIT_DATA, mm->data_vm, size);
}

/* 1: its return is of no interest. */
static __always_inline int on_enter(struct pt_regs *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 cookie = bpf_get_attach_cookie(ctx), cfa = user_entry_cfa(ctx);
	__u32 owner = heap_owner();
	struct heap_thread *thread;

	if (!owner)
		return 1;
	thread = bpf_task_storage_get(&heap_threads, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!thread) { /* no memory for it */
		heap_count_lost(owner);
		return 1;
	}
	if (is_nested(thread, task, cfa))
		return 1;
	arguments_read(thread, ctx, cookie);
	if (may_throw(task, cookie, thread->size)) {
		thread->cfa = 0;
		heap_count_lost(owner);
		return 1;
	}
	thread->cfa = cfa;
	if (thread->kind == HEAP_KIND_FREE || is_realloc(thread->kind)) {
		if (thread->old)
			free_record(owner, thread->old,
				    thread->kind == HEAP_KIND_FREE ? 0 : FREE_REALLOC);
		if (thread->kind == HEAP_KIND_FREE)
			return 0;
	}
	if (is_sampled(thread, thread->size)) {
		thread->flags |= ALLOC_SAMPLED;
		alloc_begin_record(owner, thread->size);
	}
	return 0;
}

/* A function's result in the terms of event_alloc: 0 is a refusal. */
static __always_inline __u64 result_address(const struct heap_thread *thread, __u64 result)
{
	__u64 addr = 0;

	switch (thread->kind) {
	case HEAP_KIND_RESIZE:
		return thread->old;
	case HEAP_KIND_ALLOC_OUT:
	case HEAP_KIND_REALLOC_OUT:
		if (!(__u32)result) /* an int */
			bpf_probe_read_user(&addr, sizeof(addr), (void *)thread->out);
		return addr;
	default:
		return result;
	}
}

static __always_inline __u64 result_size(const struct heap_thread *thread, __u64 result, __u64 addr)
{
	if (thread->kind == HEAP_KIND_RESIZE)
		return result;
	/* what is refused with size 0 is freed: event.h */
	return thread->kind == HEAP_KIND_REALLOC_FREES && !addr ? 0 : thread->size;
}

static __always_inline void alloc_record(__u32 owner, const struct heap_thread *thread,
					 __u64 result)
{
	__u64 addr = result_address(thread, result);
	HEAP_RECORD(struct event_alloc, r, owner, EVENT_ALLOC);

	if (!r)
		return;
	r->addr = addr;
	r->size = result_size(thread, result, addr);
	r->old = thread->old;
	r->flags = thread->flags;
	r->pad = 0;
}

static __always_inline int on_return(struct pt_regs *ctx)
{
	struct heap_thread *thread =
		bpf_task_storage_get(&heap_threads, bpf_get_current_task_btf(), NULL, 0);
	__u32 owner;

	/* the return has taken the address off the stack; an inner call's frame is another */
	if (!thread || thread->cfa != USER_STACK_POINTER(ctx))
		return 0;
	thread->cfa = 0;
	owner = heap_owner();
	if (owner && thread->kind != HEAP_KIND_FREE)
		alloc_record(owner, thread, PT_REGS_RC(ctx));
	return 0;
}

/* On a function that has heap_return on its return as well. */
SEC("uprobe")
int heap_enter(struct pt_regs *ctx)
{
	on_enter(ctx);
	return 0;
}

SEC("uretprobe")
int heap_return(struct pt_regs *ctx)
{
	return on_return(ctx);
}

/*
 * Both in one, since 6.13 (uprobe sessions): what the entry returns says whether the return is
 * probed at all. Told apart by where the thread is.
 */
SEC("uprobe")
int heap_session(struct pt_regs *ctx)
{
	return PT_REGS_IP(ctx) == bpf_get_func_ip(ctx) ? on_enter(ctx) : on_return(ctx);
}

/* On a function that frees and calls none of the others. */
SEC("uprobe")
int heap_free(struct pt_regs *ctx)
{
	__u64 addr = argument(ctx, bpf_get_attach_cookie(ctx), HEAP_ARGUMENT_OLD);
	struct task_struct *task = bpf_get_current_task_btf();
	const struct heap_thread *thread;
	__u32 owner = heap_owner();

	if (!addr || !owner)
		return 0;
	thread = bpf_task_storage_get(&heap_threads, task, NULL, 0);
	if (!thread || !is_nested(thread, task, user_entry_cfa(ctx)))
		free_record(owner, addr, 0);
	return 0;
}

char LICENSE[] SEC("license") __weak = "GPL";
