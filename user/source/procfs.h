/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What /proc says of one process. A handle stays with the process it was opened
 * for: once that has ended, reads fail with -ESRCH, also when its pid is used
 * again. Every function takes the target's mmap_lock, if at all, for one small
 * step; only proc_read_lazy() walks a whole mapping at a time.
 */
#ifndef TIDEMARK_SOURCE_PROCFS_H
#define TIDEMARK_SOURCE_PROCFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/event.h"

struct proc_vma {
	uint64_t start;
	uint64_t end;
	uint64_t offset;
	uint64_t ino;
	uint32_t dev;  /* major << 20 | minor, as the kernel's dev_t */
	uint32_t prot; /* PROT_* */
	bool shared;
	enum event_vma_kind kind;
	char name[EVENT_NAME_LEN]; /* base name of the file, or "[stack]" and the like */
};

struct proc {
	uint32_t pid;
	uint64_t start_ticks;
	char comm[EVENT_COMM_LEN];
	int dir_fd;
	int status_fd;
	int maps_fd;
	int pagemap_fd;
	bool no_map_query;     /* PROCMAP_QUERY is not there (before Linux 6.11): text it is */
	bool no_page_scan;     /* PAGEMAP_SCAN is not there (before 6.7): pagemap it is */
	uint64_t zero_pfn;     /* of the shared zero page, for pagemap; 0: not known */
	struct proc_vma *vmas; /* the text of maps, read at proc_begin_vmas() */
	size_t vma_count;
	size_t vma_next;
};

/*
 * Opens a process. -ESRCH: there is none; -EINVAL: the id of a thread; -ENOTSUP: a
 * kernel thread, without memory of its own; -EACCES: not allowed. On failure *proc holds nothing.
 */
int proc_open(uint32_t pid, struct proc *proc);
void proc_close(struct proc *proc);

/* Is it still running? Zombies are not. */
bool proc_alive(const struct proc *proc);

/* Rereads the command name, which exec changes. */
int proc_read_comm(struct proc *proc);

/* Fills a sample, all but its header, from status and stat: they take no lock of the target's. */
int proc_read_sample(const struct proc *proc, struct event_sample *sample);

/*
 * What the process tells its allocator: the variables of its environment that allocators read, as
 * they were at exec, and whether jemalloc has a thread that purges. Looks at 1,024 threads at most.
 * Fills all but the header. 0 or a negative errno; what could not be read is empty then.
 */
int proc_read_settings(const struct proc *proc, struct event_settings *settings);

/* Begins a pass over the mappings. Without PROCMAP_QUERY this reads all of maps. */
int proc_begin_vmas(struct proc *proc, uint64_t start);

/* The mapping that holds addr or the next one. 0, -ENOENT past the last, -ESRCH. */
int proc_next_vma(struct proc *proc, uint64_t addr, struct proc_vma *vma);

typedef int (*proc_vma_found)(void *ctx, const struct proc_vma *vma);

/*
 * Calls back for the executable mappings there are now, until it returns other
 * than 0, which is returned then. Disturbs no pass of proc_next_vma(). 0; -ESRCH.
 */
int proc_list_code(const struct proc *proc, proc_vma_found found, void *ctx);

/*
 * Opens the file mapped executable at addr, if it is the one of dev and ino, through map_files:
 * also in another mount namespace, and after it was unlinked. path: as the process sees it, its
 * end if it is long. A file descriptor, the caller's; -ENOENT: it is not mapped there; -EPERM:
 * takes CAP_CHECKPOINT_RESTORE (since 5.9, before CAP_SYS_ADMIN).
 */
int proc_open_file(const struct proc *proc, uint64_t addr, uint32_t dev, uint64_t ino,
		   char path[EVENT_PATH_LEN]);

/*
 * Anonymous private pages present in [start, end), in runs; at most max_runs
 * runs and EVENT_RUNS_MAX pages. *done is how far it came. Returns the number
 * of runs or a negative errno.
 */
int proc_scan_pages(struct proc *proc, uint64_t start, uint64_t end, struct event_run *runs,
		    size_t max_runs, uint64_t *done);

/*
 * Lazily freed bytes per mapping, from smaps. Walks all pages of each mapping
 * under its mmap_lock: 34-42 ms for 10 GiB. Calls back for mappings with some.
 */
int proc_read_lazy(const struct proc *proc,
		   int (*found)(void *ctx, uint64_t start, uint64_t end, uint64_t bytes),
		   void *ctx);

/* Allocator linked into the program itself, by the strings it carries. Reads at most 64 MiB. */
enum event_allocator proc_static_allocator(const struct proc *proc);

/* IDENTITY_THP_* of this machine, from /sys/kernel/mm/transparent_hugepage. */
uint32_t system_thp_flags(void);

#endif
