// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory syscalls. What destroys is recorded at entry, what creates at
 * exit; see event.h for why.
 */
#include "bpf/snapshot.bpf.h"

/* include/uapi/linux/mman.h and asm-generic/mman-common.h */
#define PROT_EXEC 0x4
#define MAP_FIXED 0x10
#define MAP_ANONYMOUS 0x20
#define MAP_FIXED_NOREPLACE 0x100000
#define MADV_DONTNEED 4
#define MADV_FREE 8
#define MADV_REMOVE 9
#define MADV_DONTFORK 10
#define MADV_DOFORK 11
#define MADV_HUGEPAGE 14
#define MADV_NOHUGEPAGE 15
#define MADV_WIPEONFORK 18
#define MADV_KEEPONFORK 19
#define MADV_PAGEOUT 21
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#define MADV_DONTNEED_LOCKED 24
#define MADV_COLLAPSE 25
#define MADV_GUARD_INSTALL 102 /* since 6.13: zaps what it guards */

/* PIDFD_SELF_THREAD, PIDFD_SELF_THREAD_GROUP: include/uapi/linux/pidfd.h, since 6.14 */
#define PIDFD_SELF_THREAD (-10000)
#define PIDFD_SELF_THREAD_GROUP (-10001)

/* PIDTYPE_TGID of enum pid_type, include/linux/pid_types.h */
#define PIDTYPE_TGID 1

/* of at most UIO_MAXIOV (1024): jemalloc sends 16 */
#define IOVEC_MAX 64

extern const volatile __u64 wake_bytes;

static __always_inline bool advice_destroys(int advice)
{
	return advice == MADV_DONTNEED || advice == MADV_FREE || advice == MADV_REMOVE ||
	       advice == MADV_DONTNEED_LOCKED || advice == MADV_GUARD_INSTALL;
}

static __always_inline bool advice_marks(int advice)
{
	return advice == MADV_DONTFORK || advice == MADV_DOFORK || advice == MADV_HUGEPAGE ||
	       advice == MADV_NOHUGEPAGE || advice == MADV_WIPEONFORK || advice == MADV_KEEPONFORK;
}

static __always_inline bool advice_populates(int advice)
{
	return advice == MADV_POPULATE_READ || advice == MADV_POPULATE_WRITE;
}

/* Residency changes by as much as the kernel sees fit: someone has to look afterwards. */
static __always_inline bool advice_is_settled_later(int advice)
{
	return advice == MADV_PAGEOUT || advice_populates(advice) || advice == MADV_COLLAPSE;
}

static __always_inline void advice_enter(struct watched *w, __u64 addr, __u64 len, int advice)
{
	if (advice_destroys(advice) || advice_marks(advice))
		record_range(w, EVENT_MADVISE, addr, len, EVENT_CALL_MADVISE, advice);
}

static __always_inline void advice_exit(struct watched *w, __u64 addr, __u64 len, int advice,
					long ret, __u32 stack)
{
	if (advice_is_settled_later(advice))
		record_range_at(w, EVENT_POPULATE, addr, len, EVENT_CALL_MADVISE, advice, stack);
	else if (is_error(ret) && advice_destroys(advice))
		record_range(w, EVENT_FAILED, addr, len, EVENT_CALL_MADVISE, advice);
}

/*
 * Past the end of user space the kernel refuses a range before it does anything
 * (mm/vma.c, do_vmi_munmap; mm/mmap.c, get_unmapped_area).
 */
static __always_inline bool range_is_absurd(__u64 addr, __u64 len)
{
	__u64 size = BPF_CORE_READ(bpf_get_current_task_btf(), mm, task_size);

	return len > size || addr > size - len;
}

static __always_inline bool mmap_overlays(__u64 flags)
{
	return (flags & MAP_FIXED) && !(flags & MAP_FIXED_NOREPLACE);
}

SEC("tracepoint/syscalls/sys_enter_mmap")
int sys_enter_mmap(struct trace_event_raw_sys_enter *ctx)
{
	struct watched *w = watch_current();

	if (w && mmap_overlays(ctx->args[3]) && !range_is_absurd(ctx->args[0], ctx->args[1]))
		record_range(w, EVENT_OVERLAY, ctx->args[0], ctx->args[1], EVENT_CALL_MMAP, 0);
	return 0;
}

static __always_inline void mmap_fill(struct event_mmap *m, struct pt_regs *regs, __u64 addr)
{
	m->addr = addr;
	m->len = user_arg2(regs);
	m->prot = (__u32)user_arg3(regs);
	m->flags = (__u32)user_arg4(regs);
	if (bpf_probe_read_user(m->callers, sizeof(m->callers), (void *)PT_REGS_SP_CORE(regs)))
		__builtin_memset(m->callers, 0, sizeof(m->callers));
}

static __always_inline struct file *file_of_fd(struct task_struct *task, __u32 fd)
{
	struct fdtable *fdt = BPF_CORE_READ(task, files, fdt);
	struct file *file = NULL;

	if (fd < BPF_CORE_READ(fdt, max_fds))
		bpf_probe_read_kernel(&file, sizeof(file), BPF_CORE_READ(fdt, fd) + fd);
	return file;
}

/*
 * A file with code may be one whose invocations are marked: the probes are to be on it before its
 * code runs for long.
 */
static __always_inline void file_submit(void *slot)
{
	struct event_mmap_file *r = *(struct event_mmap_file **)slot;
	bool code = r && r->m.prot & PROT_EXEC, held = code && heap_held_files && is_held();

	/* stopped before it is said, so that it is never continued before it is stopped */
	if (held)
		bpf_send_signal(SIGSTOP);
	if (code && (invocations_marked || held))
		bpf_ringbuf_submit(r, BPF_RB_FORCE_WAKEUP);
	else
		record_submit(slot);
}

static __always_inline void mmap_file_record(struct watched *w, struct pt_regs *regs, long ret)
{
	__u64 now = bpf_ktime_get_ns();
	__u32 stack = snapshot_take(w, now);
	struct event_mmap_file *r __attribute__((cleanup(file_submit))) =
		record_reserve(w, sizeof(*r), EVENT_MMAP_FILE, now);
	struct file *file;

	if (!r)
		return;
	r->m.h.stack = stack;
	mmap_fill(&r->m, regs, ret);
	r->offset = user_arg6(regs);
	file = file_of_fd(bpf_get_current_task_btf(), (__u32)user_arg5(regs));
	r->ino = BPF_CORE_READ(file, f_inode, i_ino);
	r->dev = BPF_CORE_READ(file, f_inode, i_sb, s_dev);
	r->pad = 0;
	if (bpf_probe_read_kernel_str(r->name, sizeof(r->name),
				      BPF_CORE_READ(file, f_path.dentry, d_name.name)) < 0)
		r->name[0] = '\0';
}

SEC("tracepoint/syscalls/sys_exit_mmap")
int sys_exit_mmap(struct trace_event_raw_sys_exit *ctx)
{
	struct watched *w = watch_current();
	struct pt_regs *regs;
	long ret = ctx->ret;
	__u32 stack;
	__u64 now;

	if (!w)
		return 0;
	regs = user_regs();
	if (is_error(ret)) {
		if (mmap_overlays(user_arg4(regs)) &&
		    !range_is_absurd(user_arg1(regs), user_arg2(regs)))
			record_range(w, EVENT_FAILED, user_arg1(regs), user_arg2(regs),
				     EVENT_CALL_MMAP, 0);
		return 0;
	}
	if (!(user_arg4(regs) & MAP_ANONYMOUS)) {
		mmap_file_record(w, regs, ret);
		return 0;
	}

	now = bpf_ktime_get_ns();
	stack = snapshot_take(w, now);
	RECORD_AT(struct event_mmap, r, w, EVENT_MMAP, now);
	if (!r)
		return 0;
	r->h.stack = stack;
	mmap_fill(r, regs, ret);
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_munmap")
int sys_enter_munmap(struct trace_event_raw_sys_enter *ctx)
{
	struct watched *w = watch_current();

	if (w && !range_is_absurd(ctx->args[0], ctx->args[1]))
		record_range(w, EVENT_UNMAP, ctx->args[0], ctx->args[1], EVENT_CALL_MUNMAP, 0);
	return 0;
}

SEC("tracepoint/syscalls/sys_exit_munmap")
int sys_exit_munmap(struct trace_event_raw_sys_exit *ctx)
{
	struct watched *w;
	struct pt_regs *regs;

	if (!is_error(ctx->ret))
		return 0;
	w = watch_current();
	if (!w)
		return 0;
	regs = user_regs();
	if (!range_is_absurd(user_arg1(regs), user_arg2(regs)))
		record_range(w, EVENT_FAILED, user_arg1(regs), user_arg2(regs), EVENT_CALL_MUNMAP,
			     0);
	return 0;
}

static __always_inline void mremap_record(struct watched *w, __u16 kind, struct pt_regs *regs,
					  long ret, __u32 stack)
{
	RECORD(struct event_mremap, r, w, kind);

	if (!r)
		return;
	r->h.stack = stack;
	r->old_addr = user_arg1(regs);
	r->old_len = user_arg2(regs);
	r->new_len = user_arg3(regs);
	r->flags = (__u32)user_arg4(regs);
	r->new_addr = user_arg5(regs);
	r->result = ret;
	r->pad = 0;
}

SEC("tracepoint/syscalls/sys_enter_mremap")
int sys_enter_mremap(struct trace_event_raw_sys_enter *ctx)
{
	struct watched *w = watch_current();

	if (w)
		mremap_record(w, EVENT_MREMAP_BEGIN, user_regs(), 0, 0);
	return 0;
}

SEC("tracepoint/syscalls/sys_exit_mremap")
int sys_exit_mremap(struct trace_event_raw_sys_exit *ctx)
{
	struct watched *w = watch_current();

	if (w)
		mremap_record(w, EVENT_MREMAP_END, user_regs(), ctx->ret,
			      is_error(ctx->ret) ? 0 : snapshot_take(w, bpf_ktime_get_ns()));
	return 0;
}

static __always_inline int mprotect_exit(long ret)
{
	struct watched *w = watch_current();
	struct pt_regs *regs;

	if (!w)
		return 0;
	regs = user_regs();
	record_range(w, is_error(ret) ? EVENT_FAILED : EVENT_MPROTECT, user_arg1(regs),
		     user_arg2(regs), EVENT_CALL_MPROTECT, (__u32)user_arg3(regs));
	return 0;
}

SEC("tracepoint/syscalls/sys_exit_mprotect")
int sys_exit_mprotect(struct trace_event_raw_sys_exit *ctx)
{
	return mprotect_exit(ctx->ret);
}

SEC("tracepoint/syscalls/sys_exit_pkey_mprotect")
int sys_exit_pkey_mprotect(struct trace_event_raw_sys_exit *ctx)
{
	return mprotect_exit(ctx->ret);
}

SEC("tracepoint/syscalls/sys_enter_madvise")
int sys_enter_madvise(struct trace_event_raw_sys_enter *ctx)
{
	struct watched *w = watch_current();

	if (w)
		advice_enter(w, ctx->args[0], ctx->args[1], (int)ctx->args[2]);
	return 0;
}

SEC("tracepoint/syscalls/sys_exit_madvise")
int sys_exit_madvise(struct trace_event_raw_sys_exit *ctx)
{
	struct watched *w = watch_current();
	struct pt_regs *regs;
	__u32 stack = 0;

	if (!w)
		return 0;
	regs = user_regs();
	if (advice_populates((int)user_arg3(regs)))
		stack = snapshot_take(w, bpf_ktime_get_ns());
	advice_exit(w, user_arg1(regs), user_arg2(regs), (int)user_arg3(regs), ctx->ret, stack);
	return 0;
}

/*
 * Whom a pidfd means. Until 6.9 its file's private_data is the struct pid,
 * since then (cb12fd8e0dab, "pidfd: add pidfs") its inode's i_private is.
 */
static __always_inline struct watched *watch_of_pidfd(int pidfd)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct file *file;
	struct pid *pid;

	if (pidfd == PIDFD_SELF_THREAD || pidfd == PIDFD_SELF_THREAD_GROUP)
		return watch_current();
	file = file_of_fd(task, pidfd);
	pid = BPF_CORE_READ(file, f_inode, i_private);
	if (!pid)
		pid = BPF_CORE_READ(file, private_data);
	return watch_find(BPF_CORE_READ(pid, numbers[0].nr));
}

enum advice_moment { ADVICE_ENTERS, ADVICE_DONE, ADVICE_REFUSED };

/* One range. A global function: the verifier walks it once, not in each turn of the loop. */
__noinline int process_madvise_one(struct watched *w, __u64 addr, __u64 len, int advice,
				   enum advice_moment moment)
{
	if (!w)
		return 0;
	if (moment == ADVICE_ENTERS)
		advice_enter(w, addr, len, advice);
	else
		advice_exit(w, addr, len, advice, moment == ADVICE_REFUSED ? -1 : 0, 0);
	return 0;
}

static __always_inline void process_madvise_each(struct pt_regs *regs, bool entering, long ret)
{
	struct watched *w = watch_of_pidfd((int)user_arg1(regs));
	const struct iovec *vec = (const struct iovec *)user_arg2(regs);
	__u64 count = user_arg3(regs), advised = 0;
	int advice = (int)user_arg4(regs);
	enum advice_moment moment = ADVICE_ENTERS;

	if (!w)
		return;
	if (count > IOVEC_MAX) {
		/* counted as lost, so that the whole process is looked at again */
		__sync_fetch_and_add(&totals.cut_iovecs, 1);
		__sync_fetch_and_add(&w->lost, 1);
	}
	for (__u32 i = 0; i < IOVEC_MAX && i < count; i++) {
		struct iovec range;

		if (bpf_probe_read_user(&range, sizeof(range), vec + i))
			return;
		advised += range.iov_len;
		/* a short count: the ranges behind it were not advised */
		if (!entering)
			moment = is_error(ret) || advised > (__u64)ret ? ADVICE_REFUSED
								       : ADVICE_DONE;
		process_madvise_one(w, (__u64)range.iov_base, range.iov_len, advice, moment);
	}
}

SEC("tracepoint/syscalls/sys_enter_process_madvise")
int sys_enter_process_madvise(struct trace_event_raw_sys_enter *ctx)
{
	process_madvise_each(user_regs(), true, 0);
	return 0;
}

SEC("tracepoint/syscalls/sys_exit_process_madvise")
int sys_exit_process_madvise(struct trace_event_raw_sys_exit *ctx)
{
	process_madvise_each(user_regs(), false, ctx->ret);
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_brk")
int sys_enter_brk(struct trace_event_raw_sys_enter *ctx)
{
	struct watched *w = watch_current();
	struct mm_struct *mm;
	__u64 want = ctx->args[0], brk;

	if (!w)
		return 0;
	mm = BPF_CORE_READ(bpf_get_current_task_btf(), mm);
	brk = BPF_CORE_READ(mm, brk);
	if (want < brk && want >= BPF_CORE_READ(mm, start_brk))
		record_range(w, EVENT_BRK_SHRINK, want, brk - want, EVENT_CALL_BRK, 0);
	return 0;
}

SEC("tracepoint/syscalls/sys_exit_brk")
int sys_exit_brk(struct trace_event_raw_sys_exit *ctx)
{
	struct watched *w = watch_current();
	__u64 want, start, ret = ctx->ret;

	if (!w)
		return 0;
	want = user_arg1(user_regs());
	start = BPF_CORE_READ(bpf_get_current_task_btf(), mm, start_brk);
	if (want < start)
		return 0; /* brk(0) asks where it is */
	if (ret > want)
		record_range(w, EVENT_FAILED, want, ret - want, EVENT_CALL_BRK, 0);
	record_range_at(w, EVENT_BRK, start, ret - start, EVENT_CALL_BRK, 0,
			snapshot_take(w, bpf_ktime_get_ns()));
	return 0;
}

static __always_inline int mlock_exit(__u64 addr, __u64 len, __u32 flags, long ret)
{
	struct watched *w = watch_current();

	if (w && !is_error(ret))
		record_range_at(w, EVENT_POPULATE, addr, len, EVENT_CALL_MLOCK, flags,
				snapshot_take(w, bpf_ktime_get_ns()));
	return 0;
}

SEC("tracepoint/syscalls/sys_exit_mlock")
int sys_exit_mlock(struct trace_event_raw_sys_exit *ctx)
{
	struct pt_regs *regs = user_regs();

	return mlock_exit(user_arg1(regs), user_arg2(regs), 0, ctx->ret);
}

SEC("tracepoint/syscalls/sys_exit_mlock2")
int sys_exit_mlock2(struct trace_event_raw_sys_exit *ctx)
{
	struct pt_regs *regs = user_regs();

	return mlock_exit(user_arg1(regs), user_arg2(regs), 0, ctx->ret);
}

SEC("tracepoint/syscalls/sys_exit_mlockall")
int sys_exit_mlockall(struct trace_event_raw_sys_exit *ctx)
{
	return mlock_exit(0, ~0ULL, (__u32)user_arg1(user_regs()), ctx->ret);
}

char LICENSE[] SEC("license") __weak = "GPL";
