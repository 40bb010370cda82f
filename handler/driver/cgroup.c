#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "handler/driver/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <mntent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "handler/cleanup.h"

static void cleanup_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

static void cleanup_mounts(FILE **mounts)
{
	if (*mounts)
		endmntent(*mounts);
}

/* Whether the list, separated by commas, blanks or line ends, has the word. */
static bool list_has(const char *list, const char *word)
{
	static const char separators[] = ", \n";
	size_t length = strlen(word);

	for (; *list; list += strspn(list, separators)) {
		size_t size = strcspn(list, separators);

		if (size == length && memcmp(list, word, length) == 0)
			return true;
		list += size;
	}
	return false;
}

/* Where the hierarchy of version 1 with that controller is mounted, or with NULL version 2. */
static int mount_find(const char *controller, char **path)
{
	__attribute__((cleanup(cleanup_mounts))) FILE *mounts =
		setmntent("/proc/self/mounts", "re");
	char text[PATH_MAX + 1024]; /* one line: longer ones are cut, and are none of these */
	struct mntent entry;

	if (!mounts)
		return -errno;
	while (getmntent_r(mounts, &entry, text, sizeof(text))) {
		if (strcmp(entry.mnt_type, controller ? "cgroup" : "cgroup2") != 0)
			continue;
		if (controller && !list_has(entry.mnt_opts, controller))
			continue;
		*path = strdup(entry.mnt_dir);
		return *path ? 0 : -ENOMEM;
	}
	return -ENOENT;
}

/* The path of this process's group within that hierarchy. */
static int own_group_find(const char *controller, char **path)
{
	__attribute__((cleanup(cleanup_file))) FILE *groups = fopen("/proc/self/cgroup", "re");
	CLEANUP_FREE char *line = NULL;
	size_t size = 0;

	if (!groups)
		return -errno;
	while (getline(&line, &size, groups) > 0) {
		/* NUMBER:CONTROLLER,CONTROLLER:PATH; version 2 has no controllers here */
		char *list = strchr(line, ':');
		char *own = list ? strchr(list + 1, ':') : NULL;

		if (!own)
			continue;
		*own++ = '\0';
		if (controller ? !list_has(list + 1, controller) : list[1] != '\0')
			continue;
		own[strcspn(own, "\n")] = '\0';
		*path = strdup(own);
		return *path ? 0 : -ENOMEM;
	}
	return -ENOENT;
}

/* Whether groups made in that directory have the memory controller, if need be from now on. */
static bool memory_handed_down(const char *path)
{
	int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char list[1024];
	bool down;

	if (directory < 0)
		return false;
	down = (cgroup_read(directory, "cgroup.subtree_control", list, sizeof(list)) == 0 &&
		list_has(list, "memory")) ||
	       cgroup_write(directory, "cgroup.subtree_control", "+memory") == 0;
	close(directory);
	return down;
}

/* A group with processes hands no controller down: look above it, up to the mount. */
static int memory_parent_find(char *path, size_t mount_length)
{
	while (!memory_handed_down(path)) {
		char *slash = strrchr(path, '/');

		if (!slash || (size_t)(slash - path) < mount_length)
			return -ENOENT;
		*slash = '\0';
	}
	return 0;
}

int cgroup_tree_find(const char *controller, struct cgroup_tree *tree)
{
	CLEANUP_FREE char *mount = NULL;
	CLEANUP_FREE char *own = NULL;
	CLEANUP_FREE char *path = NULL;
	bool v2 = false;
	int err = mount_find(controller, &mount);

	if (err == -ENOENT) {
		v2 = true;
		err = mount_find(NULL, &mount);
	}
	if (!err)
		err = own_group_find(v2 ? NULL : controller, &own);
	if (err || !mount || !own)
		return err ? err : -ENOENT;

	if (asprintf(&path, "%s%s", mount, strcmp(own, "/") == 0 ? "" : own) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	/* In a container the path may be one that only the host sees. */
	if (access(path, F_OK))
		path[strlen(mount)] = '\0';
	if (v2 && strcmp(controller, "memory") == 0)
		err = memory_parent_find(path, strlen(mount));
	if (err)
		return err;
	tree->path = TAKE(path);
	tree->v2 = v2;
	return 0;
}

int cgroup_write(int directory, const char *file, const char *text)
{
	int fd = openat(directory, file, O_WRONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

int cgroup_read(int directory, const char *file, char *text, size_t size)
{
	int fd = openat(directory, file, O_RDONLY | O_CLOEXEC);
	ssize_t count;
	int err = 0;

	if (fd < 0)
		return -errno;
	count = read(fd, text, size - 1);
	if (count < 0)
		err = -errno;
	else
		text[count] = '\0';
	close(fd);
	return err;
}

int cgroup_read_number(int directory, const char *file, const char *word, uint64_t *number)
{
	char text[4096];
	size_t length = strlen(word);
	int err = cgroup_read(directory, file, text, sizeof(text));
	char *rest = text;

	if (err)
		return err;
	for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n")) {
		uint64_t value;

		if (strncmp(line, word, length) != 0 || (length && line[length] != ' '))
			continue;
		if (sscanf(line + length, "%" SCNu64, &value) != 1)
			return -ENODATA;
		*number = value;
		return 0;
	}
	return -ENODATA;
}

int cgroup_kill(int directory)
{
	__attribute__((cleanup(cleanup_file))) FILE *processes = NULL;
	int fd = openat(directory, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	int pid;

	if (fd < 0)
		return -errno;
	processes = fdopen(fd, "r");
	if (!processes) {
		close(fd);
		return -ENOMEM;
	}
	while (fscanf(processes, "%d", &pid) == 1) {
		/* 0 is a process of another PID namespace: kill() would take it for this group */
		if (pid > 0)
			kill(pid, SIGKILL);
	}
	return 0;
}

int cgroup_each(int directory, cgroup_entry_fn call, bool v2)
{
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int first = 0;

	if (!stream) {
		first = -errno;
		if (fd >= 0)
			close(fd);
		return first;
	}
	while ((entry = readdir(stream))) {
		int err = 0;

		if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			err = call(directory, entry->d_name, v2);
		first = first ? first : err;
	}
	closedir(stream);
	return first;
}

int cgroup_remove(int parent, const char *name, bool v2)
{
	int directory = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (directory < 0)
		return -errno;
	/* In version 1 a frozen process obeys a signal only when it is thawed: then at once. */
	cgroup_kill(directory);
	cgroup_write(directory, v2 ? "cgroup.freeze" : "freezer.state", v2 ? "0" : "THAWED");
	cgroup_each(directory, cgroup_remove, v2);
	close(directory);
	return unlinkat(parent, name, AT_REMOVEDIR) ? -errno : 0;
}
