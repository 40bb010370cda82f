/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The architecture-independent part. Each struct holds only the fields that
 * are read; CO-RE finds their offsets in the running kernel's BTF.
 */
#ifndef VMLINUX_KERNEL_H
#define VMLINUX_KERNEL_H

/* include/uapi/linux/bpf.h */
enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_RINGBUF = 27,
	BPF_MAP_TYPE_TASK_STORAGE = 29,
};

enum {
	BPF_ANY = 0,
	BPF_NOEXIST = 1,
	BPF_EXIST = 2,
};

enum {
	BPF_F_NO_PREALLOC = 1,
	BPF_LOCAL_STORAGE_GET_F_CREATE = 1,
};

enum {
	BPF_RB_NO_WAKEUP = 1,
	BPF_RB_FORCE_WAKEUP = 2,
};

enum {
	BPF_RB_AVAIL_DATA = 0,
	BPF_RB_RING_SIZE = 1,
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* include/linux/types.h */
typedef struct {
	int counter;
} atomic_t;

/* include/linux/pid.h */
struct upid {
	int nr;
};

struct pid {
	struct upid numbers[1];
};

/* include/uapi/linux/resource.h */
struct rlimit {
	unsigned long rlim_cur;
	unsigned long rlim_max;
};

#define RLIMIT_DATA 2
#define RLIMIT_AS 9
#define RLIM_INFINITY (~0UL)

/* include/linux/sched/signal.h */
struct signal_struct {
	atomic_t live;
	struct pid *pids[4];
	struct rlimit rlim[16];
};

/* kernel/events/uprobes.c: the trampoline that uretprobes return to is at its start */
struct xol_area {
	unsigned long vaddr;
};

/* include/linux/uprobes.h */
struct uprobes_state {
	struct xol_area *xol_area;
};

/* include/linux/mm_types.h: the fields live in an anonymous struct there */
struct mm_struct {
	unsigned long task_size;
	unsigned long total_vm; /* pages */
	unsigned long data_vm;
	unsigned long start_stack;
	unsigned long start_brk;
	unsigned long brk;
	struct uprobes_state uprobes_state;
};

struct super_block {
	u32 s_dev;
};

struct inode {
	unsigned long i_ino;
	void *i_private;
	struct super_block *i_sb;
};

/* include/linux/dcache.h: hash and len share an anonymous union with hash_len */
struct qstr {
	const unsigned char *name;
};

struct dentry {
	struct qstr d_name;
};

struct path {
	struct dentry *dentry;
};

struct file {
	void *private_data;
	struct inode *f_inode;
	struct path f_path;
};

/* include/linux/fdtable.h */
struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

/* include/linux/uprobes.h: return addresses that are replaced, innermost first */
struct return_instance {
	unsigned long stack;
	unsigned long orig_ret_vaddr;
	struct return_instance *next;
};

struct uprobe_task {
	struct return_instance *return_instances;
};

/* include/linux/sched.h; struct thread_struct is the architecture's */
struct task_struct {
	struct thread_struct thread;
	int exit_code;
	int pid;
	int tgid;
	char comm[16];
	struct mm_struct *mm;
	struct files_struct *files;
	struct signal_struct *signal;
	int pagefault_disabled;
	struct uprobe_task *utask;
};

struct trace_entry {
	unsigned short type;
	unsigned char flags;
	unsigned char preempt_count;
	int pid;
};

/* include/trace/events/syscalls.h */
struct trace_event_raw_sys_enter {
	struct trace_entry ent;
	long id;
	unsigned long args[6];
};

struct trace_event_raw_sys_exit {
	struct trace_entry ent;
	long id;
	long ret;
};

#pragma clang attribute pop

struct linux_binprm;

/* include/uapi/linux/uio.h: user memory, so without CO-RE */
struct iovec {
	void *iov_base;
	u64 iov_len;
};

#endif
