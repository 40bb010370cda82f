/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The running kernel as a source: loads and attaches the BPF programs, reads
 * the ring buffer, and /proc. The only user of the skeleton. Everything it
 * attached goes when its file descriptors do, so also when tidemark is killed.
 *
 * Functions return 0 or a negative errno; where they fail they have said why,
 * and what to do, in one line (log.h). Not thread safe.
 */
#ifndef TIDEMARK_SOURCE_LIVE_H
#define TIDEMARK_SOURCE_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/types.h>

#include "user/source/heap_spec.h"
#include "user/source/invocation_spec.h"
#include "user/source/source.h"
#include "user/source/spawn.h"

#define LIVE_BUFFER_DEFAULT ((size_t)32 << 20)
#define LIVE_BUFFER_MIN ((size_t)4096)
#define LIVE_BUFFER_MAX ((size_t)1 << 30)

#define LIVE_STACK_RATE_DEFAULT 20000

#define LIVE_HEAP_SAMPLE_DEFAULT ((uint64_t)32 << 10)

/* How the probes of an allocator are attached. */
enum heap_way {
	HEAP_BEST,	 /* that the kernel has */
	HEAP_ONE_BY_ONE, /* taking them off takes 0.1 s each */
	HEAP_BY_MULTI,	 /* all at once, since 6.10 */
	HEAP_BY_SESSION, /* the same, and what may throw is left alone, since 6.13 */
};

#define LIVE_HEAP_CHILDREN 16

struct live_options {
	size_t buffer_bytes; /* rounded up to a power of two, see LIVE_BUFFER_* */
	size_t stack_bytes;  /* of each stack, SNAPSHOT_BYTES_*; 0: no stacks are taken */
	uint32_t stack_rate; /* stacks of page faults per second; beyond, one fault in N */
	unsigned int interval_ms;
	enum spawn_output command_output; /* what becomes of what a command writes */
	unsigned int poll_ms;		  /* how long records may wait in the buffer; 0: 20 */
	/* The caller's, as long as the live; see live_check_invocations(). */
	const struct invocation_spec *invocations;
	size_t invocation_count;
	/*
	 * Heap evidence may be asked for (source_ops.heap); without, its BPF programs are not
	 * loaded.
	 */
	bool heap;
	/*
	 * Of a command it is wanted from its first allocation on: HEAP_WHOLE. The command is
	 * stopped (SIGSTOP) a moment for each file with code that it maps until its allocator is
	 * there; so is each program that it turns into by exec.
	 */
	bool heap_from_start;
	/*
	 * What processes with heap evidence fork, and is watched, has it as well, from a second
	 * after it began on: attaching takes longer than most children of a script live. Of
	 * LIVE_HEAP_CHILDREN at once.
	 */
	bool heap_children;
	uint64_t heap_sample_bytes; /* the stack of one allocation per so many is taken; 0: none */
	const struct heap_spec *heap_specs; /* the caller's, as long as the live */
	size_t heap_spec_count;		    /* at most HEAP_SPECS_MAX */
	bool heap_first_bytes;		    /* probe first bytes, however dear: for benchmarks */
	enum heap_way heap_way;		    /* the best that is to be used: for tests */
	const char *omit_program;	    /* a BPF program to leave out, for tests; NULL: none */
};

struct live;

/*
 * -EPERM: not root or BPF is refused; -EOPNOTSUPP: the kernel lacks something
 * needed; -EINVAL: options; -ENOENT: a file that --invocation gives by its path has not what it
 * names, or not so that it can be probed. *live is untouched on failure.
 */
int live_open(const struct live_options *options, struct live **live);

/* The source; its close() frees the live. */
struct source *live_source(struct live *live);

/*
 * Watches a running process; flags are WATCH_CHILDREN or 0. -ESRCH: there is
 * none, or it ended meanwhile; -EINVAL: the id of a thread.
 */
int live_watch_pid(struct live *live, uint32_t pid, uint32_t flags);

/*
 * Watches all processes whose command name is `name`, those there now and those
 * that exec under it later. *found counts the former. -EINVAL: empty or longer
 * than 15 bytes; -E2BIG: too many names.
 */
int live_watch_name(struct live *live, const char *name, uint32_t flags, unsigned int *found);

/*
 * Are the probes of all --invocation there? Those of a file given by its path are attached by
 * live_open(), others to each file that a watched process has mapped, now or later. -ENOENT: what
 * is watched already has none of them, with names like the one wanted. What can only be known later
 * (a library may be loaded yet, a command is not started) is said then, once (log.h).
 *
 * Probes are on files: whoever runs one hits them, watched or not. That costs 0.5 us at a USDT
 * probe, 1 us at a function and its return, and 11 us at a function whose first instruction the
 * kernel has to step over one by one (of x86_64's push, nop, jmp and call it need not). They go
 * when the live is closed or tidemark is killed.
 */
int live_check_invocations(struct live *live);

/*
 * Starts a command, watched from its first instruction. argv is NULL-terminated,
 * looked up in PATH. -ENOENT, -EACCES, ...: what execvp said.
 */
int live_spawn(struct live *live, char *const argv[], uint32_t flags, pid_t *pid);

/*
 * The same in two steps: the command waits before its exec until it is released, so that the
 * collector runs by then and reads what the first program of a short chain has mapped. Releasing
 * is the one call that needs no lock against those who drain the source.
 */
int live_spawn_held(struct live *live, char *const argv[], uint32_t flags, pid_t *pid);
int live_release(struct live *live, const char *command);

#endif
