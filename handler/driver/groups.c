#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "handler/cleanup.h"
#include "handler/driver/cgroup.h"
#include "handler/driver/group.h"
#include "handler/log.h"

/* The own directory is PREFIX PID - start time: a PID alone may be another process by now. */
#define PREFIX "lambda-driver-"
/* The start time is this field of /proc/PID/stat, counted from the one behind the name as 3. */
#define STAT_START_FIELD 22
/* Tries of 10 ms to empty a group that a dead driver left. */
#define LEFTOVER_TRIES 100

/* When the process began, in clock ticks since boot. 0, or -ESRCH: there is no such process. */
static int process_start(int pid, uint64_t *ticks)
{
	char path[64], text[1024];
	char *field;
	int err;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	err = cgroup_read(AT_FDCWD, path, text, sizeof(text));
	field = err ? NULL : strrchr(text, ')');
	for (int i = 2; field && i < STAT_START_FIELD; i++)
		field = strchr(field + 1, ' ');
	if (!field || sscanf(field, "%" SCNu64, ticks) != 1)
		return -ESRCH;
	return 0;
}

static bool name_is_leftover(const char *name)
{
	uint64_t started, ticks;
	int pid, end = 0;

	if (sscanf(name, PREFIX "%d-%" SCNu64 "%n", &pid, &started, &end) != 2 || name[end])
		return false;
	return process_start(pid, &ticks) || ticks != started;
}

/* Empties the group of an instance and removes it. */
static int leftover_group_remove(int parent, const char *name, bool v2)
{
	const struct timespec pause = {.tv_nsec = 10000000};
	int err = cgroup_remove(parent, name, v2);

	for (int i = 1; i < LEFTOVER_TRIES && err == -EBUSY; i++) {
		nanosleep(&pause, NULL);
		err = cgroup_remove(parent, name, v2);
	}
	return err;
}

static int leftover_remove(int parent, const char *name, bool v2)
{
	int directory;
	int err;

	if (!name_is_leftover(name))
		return 0;
	directory = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (directory < 0)
		return 0; /* another driver was quicker */
	/* Of a driver in another PID namespace the number means nothing here; it has the lock. */
	if (flock(directory, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK) {
		close(directory);
		return 0;
	}
	err = cgroup_each(directory, leftover_group_remove, v2);
	close(directory);
	if (unlinkat(parent, name, AT_REMOVEDIR) && errno != ENOENT)
		log_error("cannot remove the control group %s of a dead driver: %s", name,
			  strerror(err ? -err : errno));
	return 0;
}

/* Makes the driver's own directory in the tree. */
static int tree_open(struct groups *groups, const struct cgroup_tree *found)
{
	struct group_tree *tree = &groups->trees[groups->tree_count];

	*tree = (struct group_tree){.own = -1, .v2 = found->v2};
	tree->parent = open(found->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (tree->parent < 0)
		return -errno;
	groups->tree_count++;
	if (mkdirat(tree->parent, groups->name, 0755))
		return -errno;
	tree->own = openat(tree->parent, groups->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (tree->own < 0)
		return -errno;
	/* Held while it is open: it tells drivers that cannot see this process that it lives. */
	flock(tree->own, LOCK_EX | LOCK_NB);
	return 0;
}

/* Removes what dead drivers left; what cannot be is left to the next driver. */
static void leftovers_remove(void)
{
	/* The freezer first: what is frozen does not die. */
	static const char *const controllers[] = {"freezer", "memory"};

	for (int i = 0; i < GROUP_TREES; i++) {
		struct cgroup_tree found;
		int directory;

		if (cgroup_tree_find(controllers[i], &found))
			continue;
		directory = open(found.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		free(found.path);
		if (directory < 0)
			continue;
		cgroup_each(directory, leftover_remove, found.v2);
		close(directory);
	}
}

/* The index of the tree for the controller. */
static int tree_find(struct groups *groups, const char *controller, int *index)
{
	struct cgroup_tree found = {0};
	int err = cgroup_tree_find(controller, &found);
	CLEANUP_FREE char *path = found.path;

	/* Version 2 has one hierarchy for all: the first tree in it serves both. */
	if (!err && found.v2 && groups->tree_count > 0 && groups->trees[0].v2) {
		*index = 0;
		return 0;
	}
	if (!err)
		err = tree_open(groups, &found);
	if (!err)
		*index = groups->tree_count - 1;
	return err;
}

static int memory_open(struct groups *groups)
{
	int err = tree_find(groups, "memory", &groups->memory);

	/* In version 2 the instances' groups get what their parent hands down. */
	if (!err && groups->trees[groups->memory].v2)
		err = cgroup_write(groups->trees[groups->memory].own, "cgroup.subtree_control",
				   "+memory");
	if (!err)
		return 0;
	if (err == -ENOENT)
		log_error("--memory is not possible here: no memory controller is mounted in "
			  "/proc/self/mounts, or none is handed down");
	else
		log_error("--memory is not possible here: no control group can be made: %s; run "
			  "as root",
			  strerror(-err));
	return err;
}

static int freezer_open(struct groups *groups)
{
	int err = tree_find(groups, "freezer", &groups->freezer);

	/* Groups of version 2 can be frozen from Linux 5.2 on. */
	if (!err && groups->trees[groups->freezer].v2 &&
	    faccessat(groups->trees[groups->freezer].own, "cgroup.freeze", W_OK, 0))
		err = -errno;
	if (!err)
		return 0;
	if (err == -ENOENT)
		log_error("--freeze is not possible here: no freezer is mounted in "
			  "/proc/self/mounts");
	else
		log_error("--freeze is not possible here: no control group can be made: %s; run "
			  "as root",
			  strerror(-err));
	return err;
}

int groups_open(struct groups *groups, bool freeze, uint64_t memory_limit)
{
	uint64_t started;
	int err = process_start(getpid(), &started);

	*groups = (struct groups){.freezer = -1, .memory = -1, .memory_limit = memory_limit};
	if (err) {
		log_error("cannot read /proc/%d/stat: is /proc mounted?", getpid());
		return err;
	}
	snprintf(groups->name, sizeof(groups->name), PREFIX "%d-%" PRIu64, getpid(), started);
	if (memory_limit || freeze)
		leftovers_remove();
	if (memory_limit)
		err = memory_open(groups);
	if (!err && freeze)
		err = freezer_open(groups);
	if (err)
		groups_close(groups);
	return err;
}

void groups_close(struct groups *groups)
{
	for (int i = 0; i < groups->tree_count; i++) {
		struct group_tree *tree = &groups->trees[i];

		if (tree->own >= 0) {
			close(tree->own);
			if (unlinkat(tree->parent, groups->name, AT_REMOVEDIR))
				log_error("cannot remove the control group %s: %s", groups->name,
					  strerror(errno));
		}
		close(tree->parent);
	}
	groups->tree_count = 0;
	groups->freezer = groups->memory = -1;
}
