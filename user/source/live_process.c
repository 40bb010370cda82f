// SPDX-License-Identifier: GPL-2.0-only
/* The processes that are watched: handles to their /proc, and what they are. */
#include "user/source/live_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/log.h"
#include "user/base/units.h"

/* A purging thread comes with the first allocation, or when it is turned on. */
#define SETTINGS_FIRST_NS (100 * NSEC_PER_MSEC)
#define SETTINGS_GAP_NS (10 * NSEC_PER_SEC)

static int live_process_compare(const struct live_process *a, const struct live_process *b)
{
	return a->pid < b->pid ? -1 : a->pid > b->pid;
}

RB_GENERATE(live_processes, live_process, link, live_process_compare)

struct live_process *live_process_find(const struct live *live, uint32_t pid)
{
	struct live_process key = {.pid = pid};

	return RB_FIND(live_processes, (struct live_processes *)&live->processes, &key);
}

struct live_process *live_process_add(struct live *live, uint32_t pid)
{
	struct live_process *process = live_process_find(live, pid);

	if (process)
		return process;
	process = calloc(1, sizeof(*process));
	if (!process)
		return NULL;
	process->pid = pid;
	RB_INSERT(live_processes, &live->processes, process);
	return process;
}

void live_process_drop(struct live *live, uint32_t pid)
{
	struct live_process *process = live_process_find(live, pid);
	struct look_job **at = &live->jobs;

	if (!process)
		return;
	while (*at) {
		struct look_job *job = *at;

		if (job->pid != pid) {
			at = &job->next;
			continue;
		}
		*at = job->next;
		free(job);
	}
	live->jobs_tail = at; /* the end of the list was reached */
	live_heap_drop(live, process, false);
	RB_REMOVE(live_processes, &live->processes, process);
	if (process->opened)
		proc_close(&process->proc);
	free(process);
}

void live_process_probe(struct live *live, struct live_process *process)
{
	process->probe = live->probe = true;
}

void live_process_begin(struct live *live, struct live_process *process, uint64_t time_ns)
{
	process->identify = true;
	process->probed_once = false;
	process->probed = 0;
	process->since_ns = time_ns;
	live_process_probe(live, process);
}

struct event_header live_header(uint16_t kind, size_t size, uint32_t pid)
{
	return (struct event_header){
		.size = (uint16_t)size, .kind = kind, .pid = pid, .time_ns = clock_ns()};
}

void live_push(struct live *live, const struct event_header *event)
{
	if (queue_push(&live->queue, event))
		log_error("out of memory: a record from /proc is dropped");
}

void live_push_settings(struct live *live, struct live_process *process)
{
	struct event_settings event;

	process->settings_due_ns = clock_ns() + SETTINGS_GAP_NS;
	if (!process->opened || proc_read_settings(&process->proc, &event))
		return;
	event.h = live_header(EVENT_SETTINGS, sizeof(event), process->pid);
	live_push(live, &event.h);
}

/* What the program is, once per program. */
static void process_identify(struct live *live, struct live_process *process)
{
	struct event_identity event = {.flags = live->thp_flags};

	process->identify = false;
	proc_read_comm(&process->proc);
	event.allocator = proc_static_allocator(&process->proc);
	event.start_ticks = process->proc.start_ticks;
	memcpy(event.comm, process->proc.comm, sizeof(event.comm));
	event.h = live_header(EVENT_IDENTITY, sizeof(event), process->pid);
	live_push(live, &event.h);
	/* before the program runs its environment is not its own yet */
	process->settings_due_ns = clock_ns() + SETTINGS_FIRST_NS;
}

/* Its handle; NULL if it is gone, which its EXIT record will say or has said. */
struct proc *live_process_proc(struct live *live, struct live_process *process)
{
	if (!process->opened) {
		int rc = proc_open(process->pid, &process->proc);

		if (rc && rc != -ESRCH && rc != -ENOTSUP && !live->open_failed) {
			live->open_failed = true;
			log_warning("cannot read /proc/%u: %s; it and others are not reconciled",
				    process->pid, strerror(-rc));
		}
		if (rc)
			return NULL;
		process->opened = true;
	}
	if (process->identify)
		process_identify(live, process);
	return &process->proc;
}

void live_push_attach(struct live *live, const struct live_process *process)
{
	struct event_attach event = {.start_ticks = process->proc.start_ticks};

	event.h = live_header(EVENT_ATTACH, sizeof(event), process->pid);
	memcpy(event.comm, process->proc.comm, sizeof(event.comm));
	live_push(live, &event.h);
}
