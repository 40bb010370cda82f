// SPDX-License-Identifier: GPL-2.0-only
/* /proc, read on request: a step of each look in turn, between two drains. */
#include "user/source/live_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sys/mman.h>

#include "user/base/log.h"
#include "user/base/units.h"

/* /proc is read for at most so long between two drains. */
#define LOOK_NS (2 * NSEC_PER_MSEC)

/* Looks wait while so much of what they found is not yet delivered. */
#define QUEUE_HIGH ((size_t)4 << 20)

static void job_end(struct live *live, struct look_job *job, int rc)
{
	struct event_cycle event = {.cause = job->cause, .end = 2, .cost_ns = job->cost_ns};

	struct live_process *process = live_process_find(live, job->pid);

	live->jobs = job->next;
	if (!live->jobs)
		live->jobs_tail = &live->jobs;
	if (process)
		process->jobs--;
	if (rc < 0 && job->whole) {
		event.h = live_header(EVENT_CYCLE, sizeof(event), job->pid);
		live_push(live, &event.h);
	}
	if (rc == -ENOMEM)
		log_error("out of memory while looking at process %u", job->pid);
	free(job);
}

/* The first job becomes the last. There are two or more. */
static void job_rotate(struct live *live)
{
	struct look_job *job = live->jobs;

	live->jobs = job->next;
	job->next = NULL;
	*live->jobs_tail = job;
	live->jobs_tail = &job->next;
}

void live_run_jobs(struct live *live)
{
	uint64_t begin = clock_ns(), until = begin + LOOK_NS, now = begin;

	while (live->jobs && now < until && queue_bytes(&live->queue) < QUEUE_HIGH) {
		struct look_job *job = live->jobs;
		struct live_process *process = live_process_find(live, job->pid);
		struct proc *proc = process ? live_process_proc(live, process) : NULL;
		uint64_t before = now;
		int rc = proc ? look_step(job, proc, &live->queue) : -ESRCH;

		now = clock_ns();
		job->cost_ns += now - before;
		if (rc <= 0)
			job_end(live, job, rc);
		else if (job->next) /* each in its turn: a big process does not hold up the others
				     */
			job_rotate(live);
	}
	live->state.look_ns += now - begin;
}

static void job_add(struct live *live, struct look_job request)
{
	struct live_process *process = live_process_find(live, request.pid);
	struct look_job *job = malloc(sizeof(*job));

	if (!job) {
		log_error("out of memory: a look at process %u is put off", request.pid);
		return;
	}
	*job = request;
	*live->jobs_tail = job;
	live->jobs_tail = &job->next;
	if (process)
		process->jobs++;
}

void live_look(struct source *source, uint32_t pid, uint64_t start, uint64_t end,
	       enum event_cause cause)
{
	job_add(live_of(source), (struct look_job){
					 .pid = pid,
					 .cause = cause,
					 .start = start,
					 .end = end,
					 .whole = !start && end == UINT64_MAX,
				 });
}

void live_look_lazy(struct source *source, uint32_t pid)
{
	job_add(live_of(source), (struct look_job){.pid = pid, .lazy = true});
}

bool live_looking(const struct source *source, uint32_t pid)
{
	const struct live *live = live_of(source);
	const struct live_process *process;

	/* what was seen may still wait for its place in the stream */
	if (queue_bytes(&live->queue))
		return true;
	process = live_process_find(live, pid);
	return process && process->jobs;
}

struct code_list {
	source_sink sink;
	void *ctx;
	uint32_t pid;
	uint64_t time_ns;
};

static int code_found(void *ctx, const struct proc_vma *vma)
{
	const struct code_list *list = ctx;
	struct event_vma event = {
		.gap_start = vma->start,
		.start = vma->start,
		.end = vma->end,
		.offset = vma->offset,
		.ino = vma->ino,
		.dev = vma->dev,
		.prot = vma->prot,
		.flags = vma->shared ? MAP_SHARED : MAP_PRIVATE,
		.vma_kind = vma->kind,
	};

	event.h = live_header(EVENT_VMA, sizeof(event), list->pid);
	event.h.time_ns = list->time_ns;
	memcpy(event.name, vma->name, sizeof(event.name));
	list->sink(list->ctx, &event.h);
	return 0;
}

int live_list_code(struct source *source, uint32_t pid, source_sink sink, void *ctx)
{
	struct live *live = live_of(source);
	struct live_process *process = live_process_find(live, pid);
	struct proc *proc = process ? live_process_proc(live, process) : NULL;
	struct code_list list = {.sink = sink, .ctx = ctx, .pid = pid, .time_ns = clock_ns()};

	return proc ? proc_list_code(proc, code_found, &list) : -ESRCH;
}

int live_open_file(struct source *source, uint32_t pid, uint64_t address, uint32_t dev,
		   uint64_t ino, char path[EVENT_PATH_LEN])
{
	struct live *live = live_of(source);
	struct live_process *process = live_process_find(live, pid);
	struct proc *proc = process ? live_process_proc(live, process) : NULL;

	return proc ? proc_open_file(proc, address, dev, ino, path) : -ESRCH;
}
