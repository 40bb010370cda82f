#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "handler/driver/group.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "handler/driver/cgroup.h"
#include "handler/log.h"
#include "handler/stop.h"

/* Freezing takes microseconds; a process in the midst of a slow system call holds it up. */
#define FREEZE_WAIT_NS 5000000000
/* A killed process of many GiB takes a while to give them back. */
#define REMOVE_WAIT_NS 10000000000
#define PAUSE_MIN_NS 20000
#define PAUSE_MAX_NS 2000000

/* Sleeps a little, and longer each time. */
static void pause_longer(long *pause_ns)
{
	const struct timespec pause = {.tv_nsec = *pause_ns};

	nanosleep(&pause, NULL);
	*pause_ns = *pause_ns * 2 < PAUSE_MAX_NS ? *pause_ns * 2 : PAUSE_MAX_NS;
}

/* The limit of the instance, which it has before its first process enters. */
static int limit_write(int directory, const struct groups *groups)
{
	bool v2 = groups->trees[groups->memory].v2;
	char bytes[32];
	int err;

	snprintf(bytes, sizeof(bytes), "%" PRIu64, groups->memory_limit);
	err = cgroup_write(directory, v2 ? "memory.max" : "memory.limit_in_bytes", bytes);
	if (err)
		return err;
	/* Lambda does not swap. Where the files are not there, the kernel does not account for it.
	 */
	if (v2) {
		cgroup_write(directory, "memory.swap.max", "0");
		cgroup_write(directory, "memory.oom.group", "1");
	} else {
		cgroup_write(directory, "memory.swappiness", "0");
		cgroup_write(directory, "memory.memsw.limit_in_bytes", bytes);
	}
	return 0;
}

/* The group in one tree: its directory and the file by which it is entered. */
static int group_make(struct group *group, int tree)
{
	int own = group->groups->trees[tree].own;

	if (mkdirat(own, group->name, 0755))
		return -errno;
	group->directories[tree] = openat(own, group->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (group->directories[tree] < 0)
		return -errno;
	group->entries[tree] =
		openat(group->directories[tree], "cgroup.procs", O_WRONLY | O_CLOEXEC);
	return group->entries[tree] < 0 ? -errno : 0;
}

int group_create(const struct groups *groups, uint64_t number, struct group *group)
{
	int err = 0;

	*group = (struct group){.groups = groups,
				.directories = {-1, -1},
				.entries = {-1, -1},
				.made = groups->tree_count > 0};
	snprintf(group->name, sizeof(group->name), "%" PRIu64, number);
	for (int i = 0; i < groups->tree_count && !err; i++)
		err = group_make(group, i);
	if (err) {
		log_error("cannot make a control group for an instance: %s", strerror(-err));
		return err;
	}
	if (groups->memory >= 0)
		err = limit_write(group->directories[groups->memory], groups);
	if (err)
		log_error("cannot limit the memory to %ju bytes: %s; give a larger --memory",
			  (uintmax_t)groups->memory_limit, strerror(-err));
	return err;
}

int group_enter(const struct group *group)
{
	for (int i = 0; i < GROUP_TREES; i++) {
		if (group->entries[i] >= 0 && write(group->entries[i], "0", 1) != 1)
			return -errno;
	}
	return 0;
}

/* Whether the kernel says that all of it is frozen. */
static bool freeze_done(int directory, bool v2)
{
	char state[32];
	uint64_t frozen;

	if (v2)
		return cgroup_read_number(directory, "cgroup.events", "frozen", &frozen) == 0 &&
		       frozen;
	return cgroup_read(directory, "freezer.state", state, sizeof(state)) == 0 &&
	       strcmp(state, "FROZEN\n") == 0;
}

int group_freeze(struct group *group)
{
	uint64_t until = stop_now_ns() + FREEZE_WAIT_NS;
	int freezer = group->made ? group->groups->freezer : -1;
	long pause_ns = PAUSE_MIN_NS;
	bool v2;
	int err;

	if (freezer < 0 || group->frozen)
		return 0;
	v2 = group->groups->trees[freezer].v2;
	err = cgroup_write(group->directories[freezer], v2 ? "cgroup.freeze" : "freezer.state",
			   v2 ? "1" : "FROZEN");
	group->frozen = !err;
	while (!err && !freeze_done(group->directories[freezer], v2)) {
		if (stop_now_ns() > until)
			err = -ETIMEDOUT;
		pause_longer(&pause_ns);
	}
	if (err) {
		log_error("cannot freeze the function: %s; run without --freeze", strerror(-err));
		group_thaw(group);
	}
	return err;
}

int group_thaw(struct group *group)
{
	int freezer = group->made ? group->groups->freezer : -1;
	bool v2;
	int err;

	if (freezer < 0 || !group->frozen)
		return 0;
	v2 = group->groups->trees[freezer].v2;
	err = cgroup_write(group->directories[freezer], v2 ? "cgroup.freeze" : "freezer.state",
			   v2 ? "0" : "THAWED");
	if (err)
		log_error("cannot thaw the function: %s", strerror(-err));
	else
		group->frozen = false;
	return err;
}

void group_kill(struct group *group)
{
	/* In version 1 a frozen process obeys a signal only when it is thawed: then at once. */
	for (int i = 0; i < GROUP_TREES; i++) {
		if (group->directories[i] >= 0)
			cgroup_kill(group->directories[i]);
	}
	group_thaw(group);
}

uint64_t group_oom_kills(const struct group *group)
{
	int memory = group->made ? group->groups->memory : -1;
	uint64_t kills = 0;

	if (memory >= 0)
		cgroup_read_number(group->directories[memory],
				   group->groups->trees[memory].v2 ? "memory.events"
								   : "memory.oom_control",
				   "oom_kill", &kills);
	return kills;
}

int group_memory(const struct group *group, uint64_t *bytes)
{
	int memory = group->made ? group->groups->memory : -1;

	if (memory < 0)
		return -ENODATA;
	return cgroup_read_number(group->directories[memory],
				  group->groups->trees[memory].v2 ? "memory.current"
								  : "memory.usage_in_bytes",
				  "", bytes);
}

/* Removed once the last process is gone for good, which is after its death. */
static void group_remove(struct group *group, int tree)
{
	uint64_t until = stop_now_ns() + REMOVE_WAIT_NS;
	long pause_ns = PAUSE_MIN_NS;

	for (;;) {
		const struct group_tree *own = &group->groups->trees[tree];
		int err = cgroup_remove(own->own, group->name, own->v2);

		if (err != -EBUSY || stop_now_ns() > until) {
			if (err && err != -ENOENT)
				log_error("cannot remove a control group: %s; the next driver will "
					  "try again",
					  strerror(-err));
			return;
		}
		/* What is frozen in one hierarchy is held up in the other. */
		group_kill(group);
		pause_longer(&pause_ns);
	}
}

void group_destroy(struct group *group)
{
	if (!group->made)
		return;
	group_kill(group);
	for (int i = 0; i < group->groups->tree_count; i++)
		group_remove(group, i);
	for (int i = 0; i < GROUP_TREES; i++) {
		if (group->entries[i] >= 0)
			close(group->entries[i]);
		if (group->directories[i] >= 0)
			close(group->directories[i]);
	}
	group->made = false;
}
