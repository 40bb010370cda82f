// SPDX-License-Identifier: GPL-2.0-only
/* The stream: records of the ring buffer and of /proc, in the order of their times. */
#include "user/source/live_internal.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/mman.h>

#include "user/base/units.h"
#include "user/source/decode.h"

/*
 * One drain ends after this long even if there is more, so that intervals and
 * keys are served while a process makes events as fast as it can.
 */
#define DRAIN_NS (50 * NSEC_PER_MSEC)

static void note_program(struct live *live, uint32_t pid, uint64_t time_ns)
{
	struct live_process *process = live_process_add(live, pid);

	if (process)
		live_process_begin(live, process, time_ns);
}

static void note_file(struct live *live, const struct event_mmap_file *event)
{
	struct live_process *process;

	if (!(event->m.prot & PROT_EXEC))
		return;
	process = live_process_find(live, event->m.h.pid);
	if (process && live->invocations)
		live_process_probe(live, process);
	if (process && live->heap)
		live_heap_file(live, process);
}

/* Keeps the table of processes in step with the stream. */
static void note_record(struct live *live, const struct event_header *event)
{
	struct live_process *process;

	switch (event->kind) {
	case EVENT_FORK:
		if (((const struct event_fork *)event)->flags & FORK_WATCHED)
			note_program(live, ((const struct event_fork *)event)->child,
				     event->time_ns);
		break;
	case EVENT_EXEC:
		note_program(live, event->pid, event->time_ns);
		process = live_process_find(live, event->pid);
		if (process)
			live_heap_exec(live, process);
		break;
	case EVENT_MMAP_FILE:
		note_file(live, (const struct event_mmap_file *)event);
		break;
	case EVENT_EXIT:
		process = live_process_find(live, event->pid);
		if (process)
			live_invocations_warn(live, process);
		live_process_drop(live, event->pid);
		break;
	default:
		break;
	}
}

static void deliver(void *ctx, const struct event_header *event)
{
	struct live *live = ctx;

	/* its EXIT came first: nobody would end it again */
	if (event->kind == EVENT_ATTACH && !live_process_find(live, event->pid))
		return;
	/* who gets the record may ask about the process: it is known before its first and until
	 * after its last */
	if (event->kind != EVENT_EXIT)
		note_record(live, event);
	live->sink(live->sink_ctx, event);
	if (event->kind == EVENT_EXIT)
		note_record(live, event);
}

int live_on_record(void *ctx, void *data, size_t size)
{
	struct live *live = ctx;
	const struct event_header *event = data;

	if (event_check(data, size)) {
		live->state.malformed++;
		return 0;
	}
	queue_deliver(&live->queue, event->time_ns, deliver, live);
	deliver(live, event);
	if (!(++live->drain_count % 1024) && clock_ns() > live->drain_until_ns)
		return -EAGAIN;
	return 0;
}

static void end_interval(struct live *live, uint64_t now)
{
	struct event_interval event = {.number = ++live->interval_number};
	struct live_process *process;

	RB_FOREACH (process, live_processes, &live->processes) {
		struct event_sample sample = {0};
		struct proc *proc = live_process_proc(live, process);

		/* one that is gone has an EXIT record on its way */
		sample.h = live_header(EVENT_SAMPLE, sizeof(sample), process->pid);
		if (proc && !proc_read_sample(proc, &sample))
			live_push(live, &sample.h);
		if (proc && now >= process->settings_due_ns)
			live_push_settings(live, process);
	}
	event.h = live_header(EVENT_INTERVAL, sizeof(event), 0);
	live_push(live, &event.h);
	live_invocations_warn(live, NULL);
	live_invocations_rest(live);
	live->interval_due_ns += live->interval_ns;
	if (live->interval_due_ns < now) /* we were stopped: no burst to catch up */
		live->interval_due_ns = now + live->interval_ns;
}

static int live_wait(struct source *source, int timeout_ms)
{
	struct live *live = live_of(source);
	struct pollfd fd = {.fd = ring_buffer__epoll_fd(live->ring), .events = POLLIN};
	uint64_t now = clock_ns();
	uint64_t left = live->interval_due_ns > now ? live->interval_due_ns - now : 0;
	int timeout = (int)live->poll_ms;

	if (live->jobs && timeout > 5)
		timeout = 5;
	if (left < (uint64_t)timeout * NSEC_PER_MSEC)
		timeout = (int)(left / NSEC_PER_MSEC) + 1;
	if (timeout_ms < timeout)
		timeout = timeout_ms;
	return poll(&fd, 1, timeout) < 0 ? -errno : 0;
}

/* What waits is what the kernel has written less what we have read. */
static void note_fill(struct live *live)
{
	uint64_t written = __atomic_load_n(live->producer_pos, __ATOMIC_ACQUIRE);
	uint64_t read = __atomic_load_n(live->consumer_pos, __ATOMIC_ACQUIRE);

	live->state.buffer_percent = (unsigned int)((written - read) * 100 / live->buffer_bytes);
}

static int live_drain(struct source *source, source_sink sink, void *ctx)
{
	struct live *live = live_of(source);
	uint64_t begin = clock_ns();
	int rc;

	live->sink = sink;
	live->sink_ctx = ctx;
	live->drain_count = 0;
	live->drain_until_ns = begin + DRAIN_NS;
	note_fill(live);
	rc = ring_buffer__consume(live->ring);
	if (rc < 0 && rc != -EAGAIN)
		return rc;
	/* the ring was emptied after `begin`: no older record can come */
	if (rc >= 0)
		queue_deliver(&live->queue, begin, deliver, live);

	live_check_losses(live, begin);
	if (begin >= live->interval_due_ns)
		end_interval(live, begin);
	live_heap_run(live);
	live_invocations_run(live);
	live_run_jobs(live);
	return 0;
}

static void live_state(const struct source *source, struct source_state *state)
{
	const struct live *live = live_of(source);

	*state = live->state;
	state->missing_marks = live_invocations_missing(live);
	state->unwatched_children = live->skeleton->bss->totals.unwatched_children;
	state->cut_iovecs = live->skeleton->bss->totals.cut_iovecs;
	if (live->skeleton->rodata->snapshot_bytes && live->skeleton->rodata->snapshot_rate) {
		uint32_t weight = live->skeleton->bss->totals.weight;

		state->stack_weight = weight ? weight : 1;
	}
}

static void unmap_positions(const struct live *live)
{
	long page = sysconf(_SC_PAGESIZE);

	if (live->consumer_pos)
		munmap((void *)live->consumer_pos, (size_t)page);
	if (live->producer_pos)
		munmap((void *)live->producer_pos, (size_t)page);
}

static void live_close(struct source *source)
{
	struct live *live = live_of(source);
	struct live_process *process;

	live_invocations_close(live);
	for (size_t i = 0; i < live->link_count; i++)
		bpf_link__destroy(live->links[i]);
	while ((process = RB_MIN(live_processes, &live->processes)))
		live_process_drop(live, process->pid);
	ring_buffer__free(live->ring);
	unmap_positions(live);
	tidemark__destroy(live->skeleton);
	queue_free(&live->queue);
	free(live);
}

const struct source_ops live_ops = {
	.wait = live_wait,
	.drain = live_drain,
	.look = live_look,
	.look_lazy = live_look_lazy,
	.looking = live_looking,
	.list_code = live_list_code,
	.open_file = live_open_file,
	.heap = live_heap,
	.state = live_state,
	.close = live_close,
};

struct source *live_source(struct live *live)
{
	return &live->source;
}
