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

/* Set before loading; 0: no stacks. */
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

static __always_inline void alloc_begin_record(struct watched *w, __u64 size)
{
	__u64 now = bpf_ktime_get_ns();
	__u32 stack = snapshot_take(w, now);
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

static __always_inline void free_record(struct watched *w, __u64 addr, __u32 flags)
{
	RECORD(struct event_free, r, w, EVENT_FREE);

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

/* On a function that has heap_return on its return as well. */
SEC("uprobe")
int heap_enter(struct pt_regs *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 cookie = bpf_get_attach_cookie(ctx), cfa = user_entry_cfa(ctx);
	struct watched *w = watch_current();
	struct heap_thread *thread;

	if (!w)
		return 0;
	thread = bpf_task_storage_get(&heap_threads, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!thread) {
		watch_count_lost(w);
		return 0;
	}
	if (is_nested(thread, task, cfa))
		return 0;
	thread->cfa = cfa;
	arguments_read(thread, ctx, cookie);
	if (thread->kind == HEAP_KIND_FREE || is_realloc(thread->kind)) {
		if (thread->old)
			free_record(w, thread->old,
				    thread->kind == HEAP_KIND_FREE ? 0 : FREE_REALLOC);
		if (thread->kind == HEAP_KIND_FREE)
			return 0;
	}
	if (is_sampled(thread, thread->size)) {
		thread->flags |= ALLOC_SAMPLED;
		alloc_begin_record(w, thread->size);
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

static __always_inline void alloc_record(struct watched *w, const struct heap_thread *thread,
					 __u64 result)
{
	__u64 addr = result_address(thread, result);
	RECORD(struct event_alloc, r, w, EVENT_ALLOC);

	if (!r)
		return;
	r->addr = addr;
	r->size = result_size(thread, result, addr);
	r->old = thread->old;
	r->flags = thread->flags;
	r->pad = 0;
}

SEC("uretprobe")
int heap_return(struct pt_regs *ctx)
{
	struct heap_thread *thread =
		bpf_task_storage_get(&heap_threads, bpf_get_current_task_btf(), NULL, 0);
	struct watched *w;

	/* the return has taken the address off the stack; an inner call's frame is another */
	if (!thread || thread->cfa != USER_STACK_POINTER(ctx))
		return 0;
	thread->cfa = 0;
	w = watch_current();
	if (w && thread->kind != HEAP_KIND_FREE)
		alloc_record(w, thread, PT_REGS_RC(ctx));
	return 0;
}

/* On a function that frees and calls none of the others. */
SEC("uprobe")
int heap_free(struct pt_regs *ctx)
{
	__u64 addr = argument(ctx, bpf_get_attach_cookie(ctx), HEAP_ARGUMENT_OLD);
	struct task_struct *task = bpf_get_current_task_btf();
	const struct heap_thread *thread;
	struct watched *w;

	if (!addr)
		return 0;
	w = watch_current();
	if (!w)
		return 0;
	thread = bpf_task_storage_get(&heap_threads, task, NULL, 0);
	if (!thread || !is_nested(thread, task, user_entry_cfa(ctx)))
		free_record(w, addr, 0);
	return 0;
}

char LICENSE[] SEC("license") __weak = "GPL";
