/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The contract between the kernel side (bpf/) and the collector (user/), and
 * the one record format of the whole pipeline: what the BPF programs put into
 * the ring buffer, what the collector learns from /proc, and what a recording
 * holds are all `struct event_*`, told apart by event_header.kind.
 *
 * Order of events. A syscall's exit record can land after another thread's
 * mmap has already reused the range that the syscall freed. So what destroys
 * is recorded when the syscall is entered and what creates when it returns:
 *
 *	enter: UNMAP, OVERLAY, MADVISE, BRK_SHRINK, MREMAP_BEGIN, FAULT
 *	exit:  MMAP, MMAP_FILE, BRK, MREMAP_END, MPROTECT, POPULATE, FAILED
 *
 * A creating record clears nothing. A destroying call that the kernel then
 * refuses is followed by FAILED for the same range.
 *
 * Included by BPF C, by the collector and, through the skeleton, by the host
 * compiler: fixed-width __u types only, padding explicit, sizes asserted.
 */
#ifndef TIDEMARK_BPF_EVENT_H
#define TIDEMARK_BPF_EVENT_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#define EVENT_COMM_LEN 16 /* TASK_COMM_LEN, include/linux/sched.h */
#define EVENT_NAME_LEN 56 /* base name of a mapped file, NUL-terminated, cut to fit */
#define EVENT_ID_LEN 40	  /* a UUID has 36; NUL-terminated, cut to fit */
#define EVENT_CALLERS 8	  /* words copied from the top of the caller's stack at mmap */

/* Records that the collector makes; runs of one scan step (512 pages) always fit. */
#define EVENT_SIZE_MAX 16384
#define EVENT_RUNS_MAX 512

#define EVENT_PATH_LEN 256     /* path of a module, NUL-terminated, cut at its front to fit */
#define EVENT_BUILD_ID_LEN 20  /* SHA-1, ld --build-id */
#define EVENT_FRAMES_MAX 256   /* of one stack; deeper ones keep their innermost frames */
#define EVENT_REGISTERS_MAX 33 /* arm64's DWARF numbering: x0-x30, sp, pc */

/*
 * Bytes of stack in a SNAPSHOT. The greatest fits the 16-bit size field. 16 KiB
 * hold all stacks of servers in C, 85% of those of an interpreter.
 */
#define SNAPSHOT_BYTES_DEFAULT 16384
#define SNAPSHOT_BYTES_MIN 1024
#define SNAPSHOT_BYTES_MAX 61440

/* Replaced return addresses in a SNAPSHOT: as deep as an allocator calls itself, and a few more. */
#define EVENT_RETURNS_MAX 6

/* No user address is as high: 5-level paging. */
#define EVENT_ADDRESS_LIMIT (1ULL << 57)

/*
 * Every kind of record, once: NAME, payload struct, what it says.
 * Kinds are numbered by position and recorded to disk: append, never reorder.
 * X(NAME, struct, text)
 */
#define EVENT_KINDS(X)                                                                             \
	X(FAULT, event_fault, "a page fault on a user address, before it is handled")              \
	X(UNMAP, event_range, "munmap entered")                                                    \
	X(OVERLAY, event_range, "mmap with MAP_FIXED entered: the range under it goes")            \
	X(MADVISE, event_range, "madvise or process_madvise entered; arg is the advice")           \
	X(BRK_SHRINK, event_range, "brk entered with an address below the current break")          \
	X(MREMAP_BEGIN, event_mremap, "mremap entered: the source leaves its place")               \
	X(MREMAP_END, event_mremap, "mremap returned; result is the new address or an error")      \
	X(MMAP, event_mmap, "mmap returned an anonymous mapping")                                  \
	X(MMAP_FILE, event_mmap_file, "mmap returned a mapping of a file")                         \
	X(MPROTECT, event_range, "mprotect succeeded; arg is the protection")                      \
	X(POPULATE, event_range, "the kernel faulted a range in: madvise POPULATE, mlock")         \
	X(BRK, event_range, "brk returned: the whole heap range")                                  \
	X(FAILED, event_range, "a call was refused, maybe half done; call names it")               \
	X(FORK, event_fork, "a watched process forked")                                            \
	X(EXEC, event_exec, "a process began a new program")                                       \
	X(EXIT, event_exit, "the last thread of a process ended")                                  \
	X(ATTACH, event_attach, "the collector began to watch a process")                          \
	X(IDENTITY, event_identity, "program, allocator and file names of a process")              \
	X(VMA, event_vma, "a mapping as /proc shows it")                                           \
	X(SCAN, event_scan, "resident pages of a range as the page table shows them")              \
	X(CYCLE, event_cycle, "a reconciliation cycle begins or ends")                             \
	X(LAZYFREE, event_range, "lazily freed bytes of a mapping as smaps shows them, in arg")    \
	X(SAMPLE, event_sample, "resident set by kind as /proc/PID/status shows it")               \
	X(LOSS, event_loss, "records or stacks were lost because the ring buffer was full")        \
	X(INTERVAL, event_interval, "a reporting interval ended")                                  \
	X(SNAPSHOT, event_snapshot, "registers and top of the stack of the thread's next record")  \
	X(MODULE, event_module, "a file with code, numbered")                                      \
	X(STACK, event_stack, "a call stack, numbered")                                            \
	X(INVOCATION, event_invocation, "an invocation began or ended in a thread")                \
	X(SETTINGS, event_settings, "what a process tells its allocator")                          \
	X(HEAP, event_heap, "the probes of an allocator were placed or taken off")                 \
	X(ALLOC_BEGIN, event_alloc_begin, "the stack of the allocation under way in the thread")   \
	X(ALLOC, event_alloc, "an allocation function returned")                                   \
	X(FREE, event_free, "a free function was entered, or realloc with memory")                 \
	X(UNWOUND, event_unwound, "how the stacks of a process were unwound so far")               \
	X(STATE, event_state, "what a source knows of itself")                                     \
	X(KEPT, event_kept, "a process as a recording begins that let go of what was before")      \
	X(KEPT_MAPPING, event_kept_mapping, "a mapping of its, likewise")                          \
	X(KEPT_PAGES, event_kept_pages, "resident pages of its that are alike, likewise")          \
	X(KEPT_INVOCATIONS, event_kept_invocations, "sums of its invocations, likewise")           \
	X(KEPT_INVOCATION, event_kept_invocation, "an invocation of its, likewise")                \
	X(KEPT_END, event_kept_end, "the end of an invocation of its, likewise")

enum event_kind {
	EVENT_NONE = 0,
#define X(name, type, text) EVENT_##name,
	EVENT_KINDS(X)
#undef X
		EVENT_KIND_COUNT
};

/*
 * size: bytes of the whole record with this header; a reader skips by it.
 * pid: the process (tgid, initial PID namespace) whose memory the record is
 * about; tid: the thread that caused it. time_ns: CLOCK_MONOTONIC.
 * stack: number of the call stack (STACK) it happened under; 0: not known. The
 * kernel side writes STACK_TAKEN where the thread's SNAPSHOT came right before.
 */
struct event_header {
	__u16 size;
	__u16 kind;
	__u32 pid;
	__u32 tid;
	__u32 stack;
	__u64 time_ns;
};

#define STACK_TAKEN 0xffffffffU

/*
 * Bits of a page fault's error code, arch/x86/include/asm/trap_pf.h. The
 * kernel side translates other architectures to these.
 */
#define FAULT_PRESENT 0x1 /* the page was there: a protection fault, copy on write */
#define FAULT_WRITE 0x2
#define FAULT_USER 0x4 /* unset: the kernel touched user memory, as in read(2) */

struct event_fault {
	struct event_header h;
	__u64 addr; /* as accessed, not rounded */
	__u32 error;
	/*
	 * How many faults its stack stands for: stacks are taken of one fault in
	 * `weight`, chosen at random. 0: this one was not chosen.
	 */
	__u32 weight;
};

/* Which call a range record is about, for FAILED. */
enum event_call {
	EVENT_CALL_NONE,
	EVENT_CALL_MUNMAP,
	EVENT_CALL_MMAP,
	EVENT_CALL_MADVISE,
	EVENT_CALL_BRK,
	EVENT_CALL_MLOCK,    /* POPULATE of everything: mlockall, arg its MCL_* flags */
	EVENT_CALL_MPROTECT, /* arg is the protection: it holds up to the first hole */
	EVENT_CALL_COUNT
};

struct event_range {
	struct event_header h;
	__u64 addr;
	__u64 len; /* bytes, as passed: not rounded to pages */
	__u32 call;
	__u32 arg;   /* by kind, see EVENT_KINDS */
	__u64 value; /* LAZYFREE: bytes, in its last record ns spent; else 0 */
};

struct event_mremap {
	struct event_header h;
	__u64 old_addr;
	__u64 old_len;
	__u64 new_len;
	__u64 new_addr; /* MREMAP_FIXED's wish at BEGIN, else 0 */
	__s64 result;	/* at END: the new address, or a negative errno */
	__u32 flags;
	__u32 pad;
};

/*
 * callers: the top of the user stack at the call. In glibc's mmap64, and every
 * other leaf wrapper, callers[0] is the return address, so the module it lies
 * in is the library that asked for the memory.
 */
struct event_mmap {
	struct event_header h;
	__u64 addr;
	__u64 len;
	__u32 prot;
	__u32 flags;
	__u64 callers[EVENT_CALLERS];
};

struct event_mmap_file {
	struct event_mmap m;
	__u64 offset; /* bytes into the file */
	__u64 ino;
	__u32 dev; /* kernel's dev_t: major << 20 | minor */
	__u32 pad;
	char name[EVENT_NAME_LEN];
};

#define FORK_SHARES_MM 0x1 /* vfork, posix_spawn: the child runs in the parent's memory */
#define FORK_WATCHED 0x2   /* the child has its own memory and is watched from now on */

/* h.pid is the parent. */
struct event_fork {
	struct event_header h;
	__u32 child;
	__u32 flags;
	char comm[EVENT_COMM_LEN];
};

struct event_exec {
	struct event_header h;
	char comm[EVENT_COMM_LEN];
};

#define EXIT_CODE_LEFT 0xffffffffU /* alive, but no longer of those to be watched */

struct event_exit {
	struct event_header h;
	__u32 code; /* as wait(2) has it, or EXIT_CODE_LEFT */
	__u32 pad;
	__u64 lost; /* records of this process lost since the watch began */
};

/* start_ticks: field 22 of /proc/PID/stat; with the pid it names a process for good. */
struct event_attach {
	struct event_header h;
	__u64 start_ticks;
	char comm[EVENT_COMM_LEN];
};

enum event_allocator {
	ALLOCATOR_UNKNOWN,
	ALLOCATOR_GLIBC,
	ALLOCATOR_JEMALLOC,
	ALLOCATOR_MIMALLOC,
	ALLOCATOR_TCMALLOC,
	ALLOCATOR_MUSL,
	ALLOCATOR_GO,
	ALLOCATOR_SNMALLOC,
	ALLOCATOR_JVM,
	ALLOCATOR_V8,
	ALLOCATOR_PYTHON,  /* obmalloc's arenas */
	ALLOCATOR_THREADS, /* stacks that pthread_create maps */
	ALLOCATOR_LOADER,  /* ld.so and the kernel's exec: .bss, relocation */
	ALLOCATOR_OTHER,   /* the program's own mmap */
	ALLOCATOR_COUNT
};

struct event_identity {
	struct event_header h;
	__u64 start_ticks;
	__u32 allocator; /* enum event_allocator */
	__u32 flags;	 /* IDENTITY_* */
	char comm[EVENT_COMM_LEN];
};

#define IDENTITY_THP_ALWAYS 0x1 /* transparent huge pages without madvise */
#define IDENTITY_THP_NEVER 0x2
#define IDENTITY_THP_SIZES 0x4 /* sizes between 4 KiB and 2 MiB are enabled, too: since 6.8 */

/* How a mapping found in /proc is used; those made by mmap say it by their flags. */
enum event_vma_kind {
	VMA_KIND_ANON,
	VMA_KIND_FILE,
	VMA_KIND_HEAP,
	VMA_KIND_STACK,
	VMA_KIND_SPECIAL, /* [vdso], [vvar], [uprobes] */
	VMA_KIND_COUNT
};

/*
 * gap_start: the end of the mapping before it: [gap_start, start) is unmapped.
 * start == end says that [gap_start, start) is unmapped and no more. time_ns
 * is from before the look: later records win over it.
 */
struct event_vma {
	struct event_header h;
	__u64 gap_start;
	__u64 start;
	__u64 end;
	__u64 offset;
	__u64 ino;
	__u32 dev;
	__u32 prot;  /* PROT_* */
	__u32 flags; /* MAP_PRIVATE or MAP_SHARED */
	__u32 vma_kind;
	char name[EVENT_NAME_LEN];
};

/* Why /proc was read. */
enum event_cause {
	CAUSE_ATTACH,	/* first look, also after exec and fork */
	CAUSE_PERIODIC, /* the low-rate check */
	CAUSE_LOSS,	/* records were lost */
	CAUSE_FAILED,	/* a destroying call was refused */
	CAUSE_HUGE,	/* a fault may have brought a huge page */
	CAUSE_POPULATE, /* the kernel faulted pages in for the process */
	CAUSE_ADVICE,	/* advice whose effect the kernel may defer: PAGEOUT, COLLAPSE */
	CAUSE_COUNT
};

struct event_run {
	__u64 start; /* address */
	__u64 pages;
};

/*
 * Anonymous private pages present in [start, end), sorted, without overlap, at
 * most EVENT_RUNS_MAX of them in all.
 * The look was between begin_ns and h.time_ns: what changed since shortly
 * before begin_ns is not settled by it.
 */
struct event_scan {
	struct event_header h;
	__u64 start;
	__u64 end;
	__u64 begin_ns;
	__u32 cause;
	__u32 run_count;
	struct event_run runs[];
};

struct event_cycle {
	struct event_header h;
	__u32 cause;
	__u32 end;     /* 0: begins, 1: ends, 2: given up, the process is gone */
	__u64 cost_ns; /* at the end: time spent in /proc for it */
};

struct event_sample {
	struct event_header h;
	__u64 anon_bytes;
	__u64 file_bytes;
	__u64 shmem_bytes;
	__u64 swap_bytes;
	__u64 virtual_bytes;
	__u64 cpu_ns; /* user and system time of all its threads so far, in clock ticks of 10 ms */
	__u32 threads;
	__u32 pad;
};

struct event_loss {
	struct event_header h;
	__u64 lost;   /* records since the last one */
	__u64 stacks; /* stacks that were not taken, since the last one: the ledger is whole */
};

/* h.pid is 0: an interval ends for every process at once. */
struct event_interval {
	struct event_header h;
	__u64 number;
};

/*
 * The kernel has put the address of a uretprobe's trampoline in the place of `address`, where a
 * function returns to. stack: the stack pointer as the function was entered.
 */
struct event_return {
	__u64 stack;
	__u64 address;
};

/*
 * What user space needs to unwind a stack. Registers are in DWARF's numbering
 * (x86_64: System V ABI 3.6.2; arm64: AADWARF64 4.1), with the pc behind the
 * rest. stack is the memory from the stack pointer upwards.
 */
struct event_snapshot {
	struct event_header h;
	__u64 top;    /* the stack ends here at the latest; 0: not known */
	__u64 absent; /* bit i: page i from the stack pointer's on could not be read, is zeroes */
	__u32 bytes;  /* of stack */
	__u16 register_count;
	__u16 machine; /* EM_X86_64 or EM_AARCH64, elf.h */
	__u64 registers[EVENT_REGISTERS_MAX];
	struct event_return returns[EVENT_RETURNS_MAX]; /* the innermost ones */
	__u32 return_count;
	__u32 pad;
	__u64 stack[];
};

#define MODULE_NO_FILE 0x1 /* code without a file: what a JIT compiler of process h.pid made */
#define MODULE_VDSO 0x2

/* h.time_ns is of its first use. Modules are numbered from 1, in order. */
struct event_module {
	struct event_header h;
	__u32 number;
	__u32 flags;
	__u64 ino;
	__u32 dev;	   /* major << 20 | minor */
	__u8 build_id_len; /* 0: it has none */
	__u8 pad[3];
	__u8 build_id[EVENT_BUILD_ID_LEN];
	__u32 pad2;
	char path[EVENT_PATH_LEN]; /* as the process sees it, " (deleted)" included */
};

/*
 * address: in the module's own numbering (ELF p_vaddr), without a file: in
 * memory. Of callers it is that of the call instruction's last byte, not of the
 * return, so that it lies in the calling line; of what a signal interrupted, and
 * of the trampoline that the handler returns to, it is exact.
 */
struct event_frame {
	__u64 address;
	__u32 module; /* 0: in no known mapping */
	__u32 pad;
};

/* How a stack ends. All but the first are failures, and counted. */
#define STACK_ENDS(X)                                                                              \
	X(COMPLETE, "complete", "reaches the start of the thread or program")                      \
	X(CUT, "cut", "deeper than the snapshot of the stack")                                     \
	X(DEEP, "deep", "more frames than are kept")                                               \
	X(NO_CFI, "no_cfi", "code without unwind information, and no frame pointer")               \
	X(NO_MODULE, "no_module", "an address in no known mapping")                                \
	X(UNREADABLE, "unreadable", "a file with code could not be read")                          \
	X(ABSENT, "absent", "a page of the stack was not in memory")                               \
	X(BAD_CFI, "bad_cfi", "unwind information that cannot be followed")                        \
	X(UPROBE, "uprobe", "a return address replaced by somebody's uretprobe")

enum stack_end {
#define X(name, word, text) STACK_END_##name,
	STACK_ENDS(X)
#undef X
		STACK_END_COUNT
};

/* Numbered from 1, in order. The same call chain has the same number, in all processes. */
struct event_stack {
	struct event_header h;
	__u32 number;
	__u16 frame_count;
	__u16 end;		     /* enum stack_end */
	struct event_frame frames[]; /* innermost first */
};

/*
 * What was asked to be taken for an invocation (--invocation): two USDT probes, or the entry and
 * return of a function. GONE: the thread ended, and with it what was open there.
 */
enum invocation_edge { INVOCATION_BEGIN, INVOCATION_END, INVOCATION_GONE, INVOCATION_EDGE_COUNT };

struct event_invocation {
	struct event_header h;
	__u32 edge; /* enum invocation_edge */
	__u32 lost; /* of `watched`, its low half: when it differs from that at BEGIN, records of
		       the process were lost in between */
	/*
	 * At BEGIN of a function: its frame (the stack pointer as its caller has it after the
	 * return, the CFA of DWARF), and the return address. The kernel puts its trampoline in the
	 * place of that until the function returns, which is what snapshots of that time show. At
	 * END of one: its frame. Of USDT probes 0.
	 */
	__u64 cfa;
	__u64 caller;
	__u64 value;	       /* first argument of the USDT probe; 0 if it has none */
	char id[EVENT_ID_LEN]; /* the text there, if it points to some; "" otherwise */
};

#define EVENT_SETTINGS_LEN 256

#define SETTINGS_PURGE_THREAD 0x1 /* a thread of jemalloc's purges while the program is idle */

/*
 * text: the variables of the environment that allocators read, and no others, as it was at exec:
 * "NAME=VALUE" with a newline between two, NUL-terminated, cut to fit; "" if there are none.
 */
struct event_settings {
	struct event_header h;
	__u32 flags; /* SETTINGS_* */
	__u32 pad;
	char text[EVENT_SETTINGS_LEN];
};

#define EVENT_STACK_ENDS_MAX 16 /* room for more ends than there are */

/*
 * Snapshots are not recorded, so what became of them is: of one process since its watch began.
 * Before each INTERVAL, and before its end, where it has changed.
 */
struct event_unwound {
	struct event_header h;
	__u64 taken;			  /* snapshots that came */
	__u64 repeated;			  /* of these, known again without a walk */
	__u64 guessed;			  /* steps by frame pointer */
	__u64 refused;			  /* stacks not kept */
	__u64 lost;			  /* records whose snapshot was not seen */
	__u64 skipped;			  /* stacks not taken */
	__u64 ends[EVENT_STACK_ENDS_MAX]; /* of `taken`, by enum stack_end */
};

/* Of struct source_state. h.pid is 0. After an INTERVAL, and at the end, where it has changed. */
struct event_state {
	struct event_header h;
	__u64 unwatched_children;
	__u64 cut_iovecs;
	__u64 malformed;
	__u64 look_ns;
	__u32 buffer_percent;
	__u32 missing_marks;
	__u32 stack_weight;
	__u32 pad;
};

/*
 * A recording that is kept to a size lets go of its beginning. It then begins with these, from
 * which the ledgers are made as they were: KEPT, the mappings and pages, the invocations. Never
 * elsewhere. Times as the ledger's clock has them are in its ticks, see LEDGER_TICK_NS.
 */
#define EVENT_KEPT_TOTALS_MAX 24

#define KEPT_COMPLETE 0x1    /* all of its memory was known */
#define KEPT_LOCK_FUTURE 0x2 /* mlockall(MCL_FUTURE) */

struct event_kept {
	struct event_header h;
	__u64 attach_ns;
	__u64 base_ns; /* tick 1 */
	__u64 start_ticks;
	__u64 exec_ns;
	__u64 lazy_ns;
	__u64 lazy_rewritten;
	__u64 loss_ns;
	__u64 mapped_ns;
	__u32 tick_shift;
	__u32 newest_birth;
	__u32 young_since; /* begin of the present interval */
	__u32 epoch;	   /* its number */
	__u32 allocator;   /* enum event_allocator */
	__u32 identity_flags;
	__u32 flags; /* KEPT_* */
	__u32 execs;
	char comm[EVENT_COMM_LEN];
	__u64 totals[EVENT_KEPT_TOTALS_MAX]; /* struct ledger_totals, in its order */
};

struct event_kept_mapping {
	struct event_header h; /* h.stack: it was created under */
	__u64 start;
	__u64 end;
	__u64 base;
	__u64 ino; /* of its file, where it has code; dev likewise */
	__u32 dev;
	__u32 birth;
	__u32 prot;
	__u32 kind;  /* enum mapping_kind */
	__u32 flags; /* MAPPING_* */
	__u32 pad;
	char name[EVENT_NAME_LEN];
	char owner[EVENT_NAME_LEN];
};

struct event_kept_pages {
	struct event_header h; /* h.tid and h.stack: that they were first touched by and under */
	__u64 addr;
	__u32 pages; /* at most EVENT_RUNS_MAX */
	__u32 birth;
	__u32 weight;
	__u16 origin; /* enum page_origin */
	__u16 lazy;
	__u32 stamp; /* number of the invocation; 0: none */
	__u32 pad;
};

#define EVENT_KEPT_POINTS_MAX 8

struct event_kept_invocations {
	struct event_header h;
	__u64 begun;
	__u64 ended;
	__u64 cut;
	__u64 unmatched;
	__u64 too_deep;
	__u64 born;
	__u64 born_outside;
	__u64 retained;
	__u32 newest;
	__u32 pad;
	__u64 survival[EVENT_KEPT_POINTS_MAX][3]; /* invocations, born, resident */
};

struct event_kept_invocation {
	struct event_header h; /* h.tid: its thread; h.time_ns is of the snapshot */
	__u64 begin_ns;
	__u64 end_ns;
	__u64 value;
	__u64 ended;
	__u64 cfa; /* of an open one, as at BEGIN; lost likewise */
	__u32 lost;
	__u32 number;
	__u32 born;
	__u32 resident;
	__u16 state; /* enum invocation_state */
	__u16 depth;
	__u16 points;
	__u16 lossy;
	__u32 at[EVENT_KEPT_POINTS_MAX];
	char id[EVENT_ID_LEN];
};

struct event_kept_end {
	struct event_header h;
	__u64 order; /* from 1 */
	__u64 retained;
	__u32 number;
	__u32 pad;
};

enum heap_state { HEAP_OFF, HEAP_ON, HEAP_STATE_COUNT };

#define HEAP_WHOLE 0x1 /* ON: they were there before the program's first allocation */

/*
 * Heap evidence: the uprobes on the functions of an allocator. From ON to OFF every allocation and
 * free of the process is recorded, but for those that LOSS tells of. ALLOC and FREE are ordered as
 * the rest is: what was allocated before ON is not known, and not known to be free either.
 */
struct event_heap {
	struct event_header h;
	__u32 state;	 /* enum heap_state */
	__u32 allocator; /* enum event_allocator: whose functions they are */
	__u32 flags;	 /* HEAP_* */
	__u32 functions; /* probed */
	__u32 dear;	 /* of these, on an instruction that the kernel steps out of line */
	__u32 pad;
	__u64 sample_bytes; /* the stack of one allocation per so many bytes is taken; 0: of none */
};

/*
 * An allocation of `size` bytes was chosen with the probability 1 - exp(-size / sample_bytes); its
 * ALLOC has ALLOC_SAMPLED.
 */
struct event_alloc_begin {
	struct event_header h;
	__u64 size;
};

#define ALLOC_SAMPLED 0x1  /* an ALLOC_BEGIN of the thread came before it */
#define ALLOC_REALLOC 0x2  /* `old` was given to it, see FREE_REALLOC; of NULL it is 0 */
#define ALLOC_IN_PLACE 0x4 /* xallocx: addr has size bytes now, whatever it had */

/*
 * Of nested calls (operator new calls malloc) only the outermost is recorded. addr 0: refused; of
 * a realloc `old` is then what it was, unless size is 0, which frees it.
 */
struct event_alloc {
	struct event_header h;
	__u64 addr;
	__u64 size; /* bytes, as asked for; of calloc the product */
	__u64 old;
	__u32 flags; /* ALLOC_* */
	__u32 pad;
};

#define FREE_REALLOC 0x1 /* realloc entered: gone unless the thread's next ALLOC says otherwise */

struct event_free {
	struct event_header h;
	__u64 addr;  /* never 0 */
	__u32 flags; /* FREE_* */
	__u32 pad;
};

_Static_assert(sizeof(struct event_header) == 24, "event_header is part of the contract");
_Static_assert(sizeof(struct event_fault) == 40, "event_fault is part of the contract");
_Static_assert(sizeof(struct event_range) == 56, "event_range is part of the contract");
_Static_assert(sizeof(struct event_mremap) == 72, "event_mremap is part of the contract");
_Static_assert(sizeof(struct event_mmap) == 112, "event_mmap is part of the contract");
_Static_assert(sizeof(struct event_mmap_file) == 192, "event_mmap_file is part of the contract");
_Static_assert(sizeof(struct event_fork) == 48, "event_fork is part of the contract");
_Static_assert(sizeof(struct event_exec) == 40, "event_exec is part of the contract");
_Static_assert(sizeof(struct event_exit) == 40, "event_exit is part of the contract");
_Static_assert(sizeof(struct event_attach) == 48, "event_attach is part of the contract");
_Static_assert(sizeof(struct event_identity) == 56, "event_identity is part of the contract");
_Static_assert(sizeof(struct event_vma) == 136, "event_vma is part of the contract");
_Static_assert(sizeof(struct event_scan) == 56, "event_scan is part of the contract");
_Static_assert(sizeof(struct event_run) == 16, "event_run is part of the contract");
_Static_assert(sizeof(struct event_cycle) == 40, "event_cycle is part of the contract");
_Static_assert(sizeof(struct event_sample) == 80, "event_sample is part of the contract");
_Static_assert(sizeof(struct event_loss) == 40, "event_loss is part of the contract");
_Static_assert(sizeof(struct event_interval) == 32, "event_interval is part of the contract");
_Static_assert(sizeof(struct event_snapshot) == 416, "event_snapshot is part of the contract");
_Static_assert(sizeof(struct event_module) == 328, "event_module is part of the contract");
_Static_assert(sizeof(struct event_frame) == 16, "event_frame is part of the contract");
_Static_assert(sizeof(struct event_stack) == 32, "event_stack is part of the contract");
_Static_assert(sizeof(struct event_invocation) == 96, "event_invocation is part of the contract");
_Static_assert(sizeof(struct event_settings) == 288, "event_settings is part of the contract");
_Static_assert(sizeof(struct event_heap) == 56, "event_heap is part of the contract");
_Static_assert(sizeof(struct event_alloc_begin) == 32, "event_alloc_begin is part of the contract");
_Static_assert(sizeof(struct event_alloc) == 56, "event_alloc is part of the contract");
_Static_assert(sizeof(struct event_free) == 40, "event_free is part of the contract");
_Static_assert(sizeof(struct event_unwound) == 200, "event_unwound is part of the contract");
_Static_assert(sizeof(struct event_state) == 72, "event_state is part of the contract");
_Static_assert(sizeof(struct event_kept) == 328, "event_kept is part of the contract");
_Static_assert(sizeof(struct event_kept_mapping) == 192,
	       "event_kept_mapping is part of the contract");
_Static_assert(sizeof(struct event_kept_pages) == 56, "event_kept_pages is part of the contract");
_Static_assert(sizeof(struct event_kept_invocations) == 288,
	       "event_kept_invocations is part of the contract");
_Static_assert(sizeof(struct event_kept_invocation) == 160,
	       "event_kept_invocation is part of the contract");
_Static_assert(sizeof(struct event_kept_end) == 48, "event_kept_end is part of the contract");
_Static_assert(sizeof(struct event_snapshot) + SNAPSHOT_BYTES_MAX < 1 << 16,
	       "a snapshot's size fits the header");

/*
 * The `watched` map: key is a tgid (initial PID namespace). Who is not in it
 * pays one look-up. The counters are written by the kernel side, and read, never
 * reset, by the collector.
 */
#define WATCH_CHILDREN 0x1 /* its children are watched too */
#define WATCH_NAMED 0x2	   /* watched because of its command name */
#define WATCH_DORMANT 0x4  /* silent until its next exec: tidemark's own child before it is CMD */
#define WATCH_ALIAS 0x8	   /* runs in ledger_pid's memory (vfork) until it execs or exits */
#define WATCH_ENDED 0x10   /* exited, but the EXIT record was lost: the collector removes it */

struct watched {
	__u32 ledger_pid; /* whose ledger its records belong to; itself unless WATCH_ALIAS */
	__u32 flags;
	__u64 lost;	   /* records that found the ring buffer full */
	__u64 mm;	   /* WATCH_ALIAS: the kernel's address of the memory it shares */
	__u64 stacks_lost; /* stacks not taken because the ring buffer was filling up */
};

/* `names` map: key is a comm; who execs under that name is watched. The value is its WATCH_*. */
struct watched_name {
	char comm[EVENT_COMM_LEN];
};

/* Counters about no process in particular, in the skeleton's .bss. */
struct watch_totals {
	__u64 unwatched_children; /* `watched` was full: this many were not followed */
	__u64 cut_iovecs;	  /* process_madvise with more ranges than are followed */
	__u64 window_ns;	  /* when the present window of faults began, see snapshot.bpf.h */
	__u32 window_faults;
	__u32 weight; /* stacks are taken of one fault in this many */
};

#endif
