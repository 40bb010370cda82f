/*
 * The control groups of a run: a directory of the driver's own in each hierarchy that is needed,
 * and in it one group for each instance, which freezes it and limits its memory. Of what fails one
 * line is logged, except where a function says otherwise.
 */
#ifndef HANDLER_DRIVER_GROUP_H
#define HANDLER_DRIVER_GROUP_H

#include <stdbool.h>
#include <stdint.h>

/* The freezer and the memory controller may lie in two hierarchies. */
#define GROUP_TREES 2

struct groups {
	struct group_tree {
		int parent, own; /* directories, open */
		bool v2;
	} trees[GROUP_TREES];
	int tree_count;
	int freezer, memory; /* index into trees, or -1: not asked for */
	uint64_t memory_limit;
	char name[64]; /* of the driver's own directory */
};

struct group {
	const struct groups *groups;
	int directories[GROUP_TREES]; /* open */
	int entries[GROUP_TREES];     /* cgroup.procs, open for writing */
	char name[32];
	bool made, frozen;
};

/*
 * Makes the directories and removes those that dead drivers left. memory_limit is in bytes, 0 for
 * none; without limit and freeze there are no groups, and nothing below does anything. 0, or a
 * negative errno: it is not possible here.
 */
int groups_open(struct groups *groups, bool freeze, uint64_t memory_limit);

void groups_close(struct groups *groups);

/* *group is to be given to group_destroy(), whether this succeeds or not. */
int group_create(const struct groups *groups, uint64_t number, struct group *group);

/* The calling process enters it. Logs nothing: it is called between fork and exec. */
int group_enter(const struct group *group);

/* Returns when every process of the group stands still. */
int group_freeze(struct group *group);

/* Nothing happens if it is not frozen. */
int group_thaw(struct group *group);

/* SIGKILL to all that is in it, and a thaw so that it can be obeyed. */
void group_kill(struct group *group);

/* Processes of the group that the kernel has killed for want of memory; 0 without a limit. */
uint64_t group_oom_kills(const struct group *group);

/* Memory charged to the group, bytes. 0, or -ENODATA without a limit. Logs nothing. */
int group_memory(const struct group *group, uint64_t *bytes);

/* Kills what is in it and removes it. */
void group_destroy(struct group *group);

#endif
