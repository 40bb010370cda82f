// SPDX-License-Identifier: GPL-2.0-only
/* What the ring buffer could not hold: how much, and whom it made us miss. */
#include "user/source/live_internal.h"

#include "user/base/units.h"

/* How often the kernel's list of watched processes is compared with ours. */
#define UNKNOWN_NS NSEC_PER_SEC

/* Its EXIT record was lost: say it ourselves. */
static void push_exit(struct live *live, const struct live_process *process)
{
	struct event_exit event = {.lost = process->lost};

	event.h = live_header(EVENT_EXIT, sizeof(event), process->pid);
	live_push(live, &event.h);
	bpf_map__delete_elem(live->skeleton->maps.watched, &process->pid, sizeof(process->pid), 0);
}

/* Has this process lost records since we last asked? */
static bool check_loss(struct live *live, struct live_process *process)
{
	struct event_loss event = {0};
	struct watched watched;
	bool lost;

	if (bpf_map__lookup_elem(live->skeleton->maps.watched, &process->pid, sizeof(process->pid),
				 &watched, sizeof(watched), 0))
		return false;
	if (watched.lost < process->lost || watched.stacks_lost < process->stacks_lost)
		process->lost = process->stacks_lost = 0; /* the pid is another process's now */
	lost = watched.lost != process->lost;
	if (lost || watched.stacks_lost != process->stacks_lost) {
		/* an EXEC may be among them, or a new file */
		if (lost) {
			process->identify = true;
			live_process_probe(live, process);
		}
		event.h = live_header(EVENT_LOSS, sizeof(event), process->pid);
		event.lost = watched.lost - process->lost;
		event.stacks = watched.stacks_lost - process->stacks_lost;
		process->lost = watched.lost;
		process->stacks_lost = watched.stacks_lost;
		live_push(live, &event.h);
	}
	if (watched.flags & WATCH_ENDED)
		push_exit(live, process);
	return lost;
}

/* Attaches to a process that the kernel watches and we do not know. */
static void attach_unknown(struct live *live, uint32_t pid, const struct watched *watched)
{
	struct live_process *process;

	if (watched->flags & WATCH_ENDED) { /* all it was, was lost */
		bpf_map__delete_elem(live->skeleton->maps.watched, &pid, sizeof(pid), 0);
		return;
	}
	if (watched->flags & (WATCH_ALIAS | WATCH_DORMANT))
		return;
	process = live_process_add(live, pid);
	if (!process)
		return;
	if (proc_open(pid, &process->proc)) {
		live_process_drop(live, pid);
		return;
	}
	process->opened = true;
	live_process_begin(live, process, clock_ns());
	process->lost = watched->lost;
	live_push_attach(live, process);
}

/* A FORK or EXEC may be among the lost: whom does the kernel watch that we do not know? */
static void find_unknown(struct live *live)
{
	const struct bpf_map *map = live->skeleton->maps.watched;
	uint32_t key, next;
	int end = bpf_map__get_next_key(map, NULL, &next, sizeof(next));

	while (!end) {
		struct watched watched;

		/* before this one may be deleted: the walk would begin anew */
		key = next;
		end = bpf_map__get_next_key(map, &key, &next, sizeof(next));
		if (!live_process_find(live, key) &&
		    !bpf_map__lookup_elem(map, &key, sizeof(key), &watched, sizeof(watched), 0))
			attach_unknown(live, key, &watched);
	}
}

void live_check_losses(struct live *live, uint64_t now)
{
	struct live_process *process;
	bool any = false;

	if (now < live->loss_due_ns)
		return;
	live->loss_due_ns = now + LOSS_NS;
	RB_FOREACH (process, live_processes, &live->processes)
		any |= check_loss(live, process);
	/* loss may have hit the only record that told of a process */
	if (any || now >= live->unknown_due_ns) {
		live->unknown_due_ns = now + UNKNOWN_NS;
		find_unknown(live);
	}
}
