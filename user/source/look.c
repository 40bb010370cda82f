// SPDX-License-Identifier: GPL-2.0-only
#include "user/source/look.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include <sys/mman.h>

#include "user/base/units.h"

/*
 * A step covers at most SPAN_MAX of address space, and EVENT_RUNS_MAX resident
 * pages. While nothing is found and steps are quick the span doubles, so that a
 * reservation of terabytes takes hundreds of steps, not millions. Steps of
 * 64 MiB full of pages held the target's mmap_lock for 6 ms at p99.9.
 */
#define SPAN_MIN ((uint64_t)2 << 20)
#define SPAN_MAX ((uint64_t)64 << 30)
#define SPAN_QUICK_NS 10000

uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NSEC_PER_SEC + (uint64_t)now.tv_nsec;
}

static void header_fill(struct event_header *header, uint16_t kind, size_t size, uint32_t pid,
			uint64_t time_ns)
{
	*header = (struct event_header){
		.size = (uint16_t)size, .kind = kind, .pid = pid, .time_ns = time_ns};
}

static int push_cycle(const struct look_job *job, struct queue *queue, uint32_t end)
{
	struct event_cycle event = {.cause = job->cause, .end = end, .cost_ns = job->cost_ns};

	header_fill(&event.h, EVENT_CYCLE, sizeof(event), job->pid, clock_ns());
	return job->whole ? queue_push(queue, &event.h) : 0;
}

/* The mapping, or with vma NULL only that there is none in [gap_start, end). */
static int push_vma(const struct look_job *job, struct queue *queue, const struct proc_vma *vma,
		    uint64_t end, uint64_t time_ns)
{
	struct event_vma event = {
		.gap_start = job->gap_start,
		.start = end,
		.end = end,
	};

	header_fill(&event.h, EVENT_VMA, sizeof(event), job->pid, time_ns);
	if (vma) {
		event.start = vma->start > job->gap_start ? vma->start : job->gap_start;
		event.end = vma->end;
		event.offset = vma->offset + (event.start - vma->start);
		event.ino = vma->ino;
		event.dev = vma->dev;
		event.prot = vma->prot;
		event.flags = vma->shared ? MAP_SHARED : MAP_PRIVATE;
		event.vma_kind = vma->kind;
		memcpy(event.name, vma->name, sizeof(event.name));
	}
	return queue_push(queue, &event.h);
}

/* Tells of the next mapping in job->vma. 1: done so, 0: that there is none, or an error. */
static int next_vma(struct look_job *job, struct proc *proc, struct queue *queue, uint64_t time_ns)
{
	int rc = job->at < job->end ? proc_next_vma(proc, job->at, &job->vma) : -ENOENT;
	bool none = rc == -ENOENT || (!rc && job->vma.start >= job->end);

	if (rc && !none)
		return rc;
	rc = job->vmas_pushed
		     ? 0
		     : push_vma(job, queue, none ? NULL : &job->vma,
				job->gap_start > job->end ? job->gap_start : job->end, time_ns);
	if (rc || none)
		return rc;
	if (job->vma.start > job->at)
		job->at = job->vma.start;
	job->gap_start = job->vma.end;
	return 1;
}

/* The text of maps is older than any step: its records must not come after newer ones. */
static int push_all_vmas(struct look_job *job, struct proc *proc, struct queue *queue,
			 uint64_t time_ns)
{
	int rc;

	while ((rc = next_vma(job, proc, queue, time_ns)) == 1)
		job->at = job->vma.end;
	job->at = job->gap_start = job->start;
	job->vmas_pushed = true;
	proc->vma_next = 0;
	return rc;
}

static int step_vma(struct look_job *job, struct proc *proc, struct queue *queue)
{
	int rc = next_vma(job, proc, queue, clock_ns());

	if (!rc)
		return push_cycle(job, queue, 1);
	if (rc < 0)
		return rc;
	/* no anonymous page lives in a shared mapping, nor in the kernel's own */
	job->in_vma = !job->vma.shared && job->vma.kind != VMA_KIND_SPECIAL;
	if (!job->in_vma)
		job->at = job->vma.end;
	job->span = SPAN_MIN;
	return 1;
}

static int step_pages(struct look_job *job, struct proc *proc, struct queue *queue)
{
	union {
		struct event_scan scan;
		unsigned char
			room[sizeof(struct event_scan) + EVENT_RUNS_MAX * sizeof(struct event_run)];
	} event;
	uint64_t vma_end = job->vma.end < job->end ? job->vma.end : job->end;
	uint64_t limit = vma_end - job->at > job->span ? job->at + job->span : vma_end;
	uint64_t begin = clock_ns(), now, done = limit;
	int count = proc_scan_pages(proc, job->at, limit, event.scan.runs, EVENT_RUNS_MAX, &done);

	if (count < 0)
		return count;
	now = clock_ns();
	header_fill(&event.scan.h, EVENT_SCAN,
		    sizeof(event.scan) + (size_t)count * sizeof(struct event_run), job->pid, now);
	event.scan.start = job->at;
	event.scan.end = done;
	event.scan.begin_ns = begin;
	event.scan.cause = job->cause;
	event.scan.run_count = (uint32_t)count;
	job->span = !count && now - begin < SPAN_QUICK_NS && job->span < SPAN_MAX ? job->span * 2
										  : SPAN_MIN;
	job->at = done;
	if (job->at >= vma_end)
		job->in_vma = false;
	return queue_push(queue, &event.scan.h) ?: 1;
}

struct lazy_round {
	struct queue *queue;
	uint32_t pid;
	uint64_t time_ns;
	bool first;
};

static int push_lazy(void *ctx, uint64_t start, uint64_t end, uint64_t bytes)
{
	struct lazy_round *round = ctx;
	struct event_range event = {
		.addr = start, .len = end - start, .arg = round->first, .value = bytes};

	round->first = false;
	header_fill(&event.h, EVENT_LAZYFREE, sizeof(event), round->pid, round->time_ns);
	return queue_push(round->queue, &event.h);
}

static int step_lazy(const struct look_job *job, const struct proc *proc, struct queue *queue)
{
	struct lazy_round round = {
		.queue = queue, .pid = job->pid, .time_ns = clock_ns(), .first = true};
	int rc = proc_read_lazy(proc, push_lazy, &round);

	return rc ? rc : push_lazy(&round, 0, 0, clock_ns() - round.time_ns);
}

int look_step(struct look_job *job, struct proc *proc, struct queue *queue)
{
	int rc;

	if (job->lazy)
		return step_lazy(job, proc, queue);
	if (!job->started) {
		uint64_t before = clock_ns();

		job->started = true;
		/* [vsyscall] lies in the kernel's half, and is the same for everyone */
		if (job->end > EVENT_ADDRESS_LIMIT)
			job->end = EVENT_ADDRESS_LIMIT;
		job->at = job->gap_start = job->start;
		rc = push_cycle(job, queue, 0);
		if (!rc)
			rc = proc_begin_vmas(proc, job->start);
		if (!rc && proc->no_map_query)
			rc = push_all_vmas(job, proc, queue, before);
		return rc ? rc : 1;
	}
	if (job->in_vma)
		return step_pages(job, proc, queue);
	return step_vma(job, proc, queue);
}
