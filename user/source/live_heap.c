// SPDX-License-Identifier: GPL-2.0-only
/*
 * Heap evidence: the probes of allocators, on demand, each for one process. (On a library's file
 * for everybody they would slow down the whole machine.) The kernel takes them off when their file
 * descriptors go, so also when tidemark is killed.
 */
#include "user/source/live_heap.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/base/cleanup.h"
#include "user/base/log.h"
#include "user/base/units.h"

/* How long a child has run before its allocations are followed. */
#define CHILD_NS NSEC_PER_SEC

/* The kernel's include/linux/errno.h, which it should not give to anybody. */
#define KERNEL_ENOTSUPP 524

/* ---- programs ---- */

static void fill_draws(struct tidemark *skeleton)
{
	for (unsigned int i = 1; i <= HEAP_DRAWS; i++)
		skeleton->rodata->heap_draws[i] =
			(uint32_t)lround(-log((double)i / HEAP_DRAWS) * HEAP_DRAW_ONE);
}

void live_heap_open(struct live *live, const struct live_options *options)
{
	struct tidemark *skeleton = live->skeleton;
	bool wanted = options->heap || options->heap_from_start;

	live->heap_way = heap_attach_select(
		skeleton, wanted, options->heap_way ? options->heap_way : HEAP_BY_SESSION);
	bpf_map__set_autocreate(skeleton->maps.heap_threads, wanted);
	skeleton->rodata->heap_sample_bytes = options->heap_sample_bytes;
	skeleton->rodata->heap_exact_pids = live->heap_way != HEAP_ONE_BY_ONE;
	fill_draws(skeleton);
	live->heap = wanted;
	live->heap_from_start = options->heap_from_start;
	live->heap_children = options->heap_children;
	live->heap_first_bytes = options->heap_first_bytes;
	live->heap_specs = options->heap_specs;
	live->heap_spec_count = options->heap_spec_count;
}

/* ---- what is said ---- */

static void say_dear(uint32_t pid, const struct heap_probes *probes)
{
	static char said[256]; /* a program that runs itself anew has them again */
	char names[sizeof(said)] = "";
	size_t used = 0;

	if (!probes->dear)
		return;
	for (size_t i = 0; i < probes->count && used < sizeof(names) - 1; i++)
		if (probes->probes[i].dear)
			used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
						 used ? ", " : "",
						 probes->probes[i].function->name);
	if (!strcmp(said, names))
		return;
	memcpy(said, names, sizeof(said));
	log_warning("heap evidence of process %u: %s can be probed at the first byte alone, which "
		    "takes 11 us a call instead of 0.6",
		    pid, names);
}

/* An exception must not meet a return that is probed: see bpf/heap.bpf.c, may_throw(). */
static void say_left_out(const struct live *live, uint32_t pid, const struct heap_probes *probes)
{
	if (probes->left_out)
		log_warning(
			"heap evidence of process %u: what its operator new allocates is not "
			"seen: %s",
			pid,
			live->heap_way == HEAP_BY_SESSION
				? "another process has its probes on the same library, and with "
				  "both a process would end where memory runs out"
				: "on kernels before 6.13 a probe there would end the process "
				  "where memory runs out");
}

static void say_not_found(uint32_t pid, int rc, bool is_static)
{
	switch (rc) {
	case -ENOENT:
		log_error(
			"heap evidence of process %u: %s; give the offsets of its functions in "
			"the file: --heap-probe malloc=BINARY+0xOFFSET, and free, calloc, realloc",
			pid,
			is_static ? "it is linked statically and has no symbol malloc"
				  : "none of its files with code defines malloc");
		break;
	case -EPERM:
	case -EACCES:
		log_error("heap evidence of process %u: refused (%s): it takes "
			  "CAP_CHECKPOINT_RESTORE to read its files, and CAP_PERFMON or "
			  "CAP_SYS_ADMIN to probe them",
			  pid, strerror(-rc));
		break;
	case -EFAULT:
	case -EILSEQ:
		log_error("heap evidence of process %u: an offset of --heap-probe is %s; give that "
			  "of its function's first byte in the file",
			  pid, rc == -EFAULT ? "not of code" : "not where a function begins");
		break;
	case -KERNEL_ENOTSUPP:
		log_error("heap evidence of process %u: the kernel can place no probe on its "
			  "functions",
			  pid);
		break;
	case -ESRCH:
		log_error("heap evidence of process %u: it has ended", pid);
		break;
	default:
		log_error("heap evidence of process %u: its allocator cannot be probed: %s", pid,
			  strerror(-rc));
	}
}

/* ---- on and off ---- */

static struct live_heap *heap_new(void)
{
	struct live_heap *heap = calloc(1, sizeof(*heap));

	for (unsigned int i = 0; heap && i < HEAP_LINKS; i++)
		heap->links[i] = -1;
	return heap;
}

static void push_state(struct live *live, uint32_t pid, const struct live_heap *heap,
		       enum heap_state state, uint32_t flags)
{
	struct event_heap event = {
		.state = state,
		.allocator = heap->probes.allocator,
		.flags = flags,
		.functions = (uint32_t)heap->probes.count,
		.dear = (uint32_t)heap->probes.dear,
		.sample_bytes = live->skeleton->rodata->heap_sample_bytes,
	};

	event.h = live_header(EVENT_HEAP, sizeof(event), pid);
	live_push(live, &event.h);
}

/*
 * A probe is an instruction that the kernel writes into the process's code, which makes that page
 * its own; taking it off gives the page back. No fault tells of that.
 */
static void look_at_code(struct live *live, uint32_t pid)
{
	live_look(&live->source, pid, 0, UINT64_MAX, CAUSE_POPULATE);
}

/* say: the process is there yet, for a record to be of it */
static void heap_off(struct live *live, uint32_t pid, struct live_heap *heap, bool say)
{
	/* from here on frees may be missed of what is still seen to be allocated */
	if (heap->on && say)
		push_state(live, pid, heap, HEAP_OFF, 0);
	heap->on = false;
	heap_detach(heap);
}

/* -ENOENT: no allocator so far; is_static: there will be none. */
static int heap_on(struct live *live, struct live_process *process, struct live_heap *heap,
		   bool *is_static)
{
	uint64_t begin = clock_ns();
	int fd = -1, rc = heap_search(live, process, heap, &fd, is_static);

	if (rc)
		return rc;
	say_dear(process->pid, &heap->probes);
	say_left_out(live, process->pid, &heap->probes);
	rc = heap_attach(live, process->pid, fd, heap);
	close(fd);
	if (rc)
		return rc;
	heap->on = true;
	look_at_code(live, process->pid);
	push_state(live, process->pid, heap, HEAP_ON, heap->stopped ? HEAP_WHOLE : 0);
	log_debug("heap evidence of process %u: %zu functions of %s probed in %llu us",
		  process->pid, heap->probes.count, heap->path,
		  (unsigned long long)((clock_ns() - begin) / 1000));
	return 0;
}

static int heap_begin(struct live *live, struct live_process *process, bool *is_static)
{
	int rc;

	*is_static = false;
	process->heap = heap_new();
	rc = process->heap ? heap_on(live, process, process->heap, is_static) : -ENOMEM;
	if (!rc)
		return 0;
	free(process->heap);
	process->heap = NULL;
	return rc;
}

int live_heap(struct source *source, uint32_t pid, bool on)
{
	struct live *live = live_of(source);
	struct live_process *process = live_process_find(live, pid);
	bool is_static;
	int rc;

	if (!process)
		return -ESRCH;
	if (on == !!process->heap)
		return -EALREADY;
	if (!on) {
		live_heap_drop(live, process, true);
		return 0;
	}
	if (!live->heap) {
		log_error("heap evidence of process %u: its BPF programs were not loaded", pid);
		return -EOPNOTSUPP;
	}
	rc = heap_begin(live, process, &is_static);
	if (rc)
		say_not_found(pid, rc, is_static);
	return rc;
}

void live_heap_drop(struct live *live, struct live_process *process, bool say)
{
	if (!process->heap)
		return;
	heap_off(live, process->pid, process->heap, say);
	free(process->heap);
	process->heap = NULL;
	if (say)
		look_at_code(live, process->pid);
}

/* ---- programs that begin ---- */

void live_heap_hold(struct live *live, uint32_t pid)
{
	if (live->heap_from_start)
		live->skeleton->bss->heap_held = pid;
}

static bool is_held(const struct live *live, const struct live_process *process)
{
	return live->skeleton->bss->heap_held == process->pid;
}

static void child_wait(struct live *live, struct live_process *child)
{
	child->heap_due_ns = clock_ns() + CHILD_NS;
	if (!live->heap_children_due_ns)
		live->heap_children_due_ns = child->heap_due_ns;
}

void live_heap_fork(struct live *live, const struct event_fork *event)
{
	const struct live_process *process = live_process_find(live, event->h.pid);
	struct live_process *child = live_process_find(live, event->child);

	if (!process || (!process->heap && !process->heap_due_ns))
		return;
	if (live->heap_children && event->flags & FORK_SHARES_MM)
		live->heap_vforks[live->heap_vfork_next++ % LIVE_HEAP_CHILDREN] = event->child;
	if (!(event->flags & FORK_WATCHED))
		return;
	if (child && live->heap_children) {
		child_wait(live, child);
	} else if (!live->heap_fork_said) {
		live->heap_fork_said = true;
		log_info("heap evidence is of process %u alone: its child %u has none unless it is "
			 "asked for",
			 process->pid, event->child);
	}
}

static size_t heaps_on(struct live *live)
{
	struct live_process *process;
	size_t count = 0;

	RB_FOREACH (process, live_processes, &live->processes)
		count += process->heap != NULL;
	return count;
}

/* What it cannot be had of, as of a program without an allocator, is no failure of what was asked.
 */
static void child_begin(struct live *live, struct live_process *child)
{
	bool is_static;
	int rc;

	if (heaps_on(live) > LIVE_HEAP_CHILDREN) {
		if (!live->heap_fork_said)
			log_warning("heap evidence is of %d children at once: process %u has none",
				    LIVE_HEAP_CHILDREN, child->pid);
		live->heap_fork_said = true;
		return;
	}
	rc = heap_begin(live, child, &is_static);
	if (rc)
		log_debug("heap evidence of process %u, a child: %s", child->pid, strerror(-rc));
}

static void children_begin(struct live *live)
{
	uint64_t now = clock_ns();
	struct live_process *process;

	if (!live->heap_children_due_ns || now < live->heap_children_due_ns)
		return;
	live->heap_children_due_ns = 0;
	RB_FOREACH (process, live_processes, &live->processes) {
		if (!process->heap_due_ns)
			continue;
		if (now < process->heap_due_ns) {
			if (!live->heap_children_due_ns ||
			    process->heap_due_ns < live->heap_children_due_ns)
				live->heap_children_due_ns = process->heap_due_ns;
			continue;
		}
		process->heap_due_ns = 0;
		if (!process->heap)
			child_begin(live, process);
	}
}

void live_heap_exec(struct live *live, struct live_process *process)
{
	for (size_t i = 0; i < LIVE_HEAP_CHILDREN && !process->heap; i++)
		if (live->heap_vforks[i] == process->pid) {
			live->heap_vforks[i] = 0;
			child_wait(live, process);
		}
	if (!process->heap && is_held(live, process))
		process->heap = heap_new();
	if (!process->heap)
		return;
	heap_off(live, process->pid, process->heap, true);
	process->heap->waiting = true;
	process->heap->stopped = is_held(live, process);
	live->heap_due = true;
}

void live_heap_file(struct live *live, struct live_process *process)
{
	if (!process->heap || !process->heap->waiting)
		return;
	process->heap->stopped = is_held(live, process);
	live->heap_due = true;
}

/* No more stops: those of a running program's threads would end their waits with EINTR. */
static void heap_settle(struct live *live, struct live_process *process)
{
	process->heap->waiting = false;
	if (is_held(live, process))
		live->skeleton->bss->heap_held_files = 0;
}

static void heap_try(struct live *live, struct live_process *process)
{
	struct live_heap *heap = process->heap;
	bool stopped = heap->stopped, is_static;
	int rc = heap_on(live, process, heap, &is_static);

	if (!rc || rc != -ENOENT || is_static)
		heap_settle(live, process);
	if (rc && !heap->waiting) {
		say_not_found(process->pid, rc, is_static);
		free(heap);
		process->heap = NULL;
	} else {
		heap->stopped = false;
	}
	if (stopped)
		kill((pid_t)process->pid, SIGCONT);
}

void live_heap_run(struct live *live)
{
	struct live_process *process;

	children_begin(live);
	if (!live->heap_due)
		return;
	live->heap_due = false;
	RB_FOREACH (process, live_processes, &live->processes)
		if (process->heap && process->heap->waiting)
			heap_try(live, process);
}
