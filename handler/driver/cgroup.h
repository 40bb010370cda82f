/*
 * The kernel's control groups, version 1 or 2: where a group can be made, and its files. Every
 * function returns 0 or a negative errno and logs nothing.
 */
#ifndef HANDLER_DRIVER_CGROUP_H
#define HANDLER_DRIVER_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A directory under which groups with that controller can be made. */
struct cgroup_tree {
	char *path; /* owned: free() */
	bool v2;
};

/*
 * Finds it for the controller "freezer" or "memory": below the group of this process, so that the
 * limits on it hold, or in version 2 above it, where the controller is handed down. -ENOENT: no
 * hierarchy has it. *tree is untouched on failure.
 */
int cgroup_tree_find(const char *controller, struct cgroup_tree *tree);

/* Writes the text to a file of the group whose directory is open as directory. */
int cgroup_write(int directory, const char *file, const char *text);

/* Reads a file as text, cut to size bytes with its NUL. */
int cgroup_read(int directory, const char *file, char *text, size_t size);

/*
 * The number behind a word at the start of a line, or with "" the file's first number. -ENODATA: it
 * is not there.
 */
int cgroup_read_number(int directory, const char *file, const char *word, uint64_t *number);

/*
 * Calls for each directory in that one, until they have all been seen; the first error counts. v2
 * is handed on.
 */
typedef int (*cgroup_entry_fn)(int directory, const char *name, bool v2);
int cgroup_each(int directory, cgroup_entry_fn call, bool v2);

/* Sends SIGKILL to every process of the group; new ones may have come meanwhile. */
int cgroup_kill(int directory);

/*
 * Removes the group of that name in parent: kills what is in it and in the groups below, which a
 * function can make, too, thaws them and removes those. -EBUSY: the dead are not gone yet.
 */
int cgroup_remove(int parent, const char *name, bool v2);

#endif
