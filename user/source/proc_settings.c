// SPDX-License-Identifier: GPL-2.0-only
/* What a process tells its allocator. An environment holds secrets: what is not known here stays.
 */
#include "user/source/procfs.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/base/cleanup.h"

#define ENVIRONMENT_MAX ((size_t)128 << 10)
#define THREADS_MAX 1024

/* The name of jemalloc's purging threads: src/background_thread.c. */
#define PURGE_THREAD "jemalloc_bg_thd"

/*
 * Variables, or with '*' beginnings of their names: jemalloc(3) TUNING; mimalloc's
 * doc, Environment; GLIBC_TUNABLES of the glibc manual, and what mallopt(3) names.
 */
static const char *const names[] = {
	"MALLOC_CONF",
	"JE_MALLOC_CONF",
	"_RJEM_MALLOC_CONF",
	"MIMALLOC_*",
	"GLIBC_TUNABLES",
	"MALLOC_ARENA_MAX",
	"MALLOC_ARENA_TEST",
	"MALLOC_TOP_PAD_",
	"MALLOC_TRIM_THRESHOLD_",
	"MALLOC_MMAP_MAX_",
	"MALLOC_MMAP_THRESHOLD_",
	"TCMALLOC_*",
	"GODEBUG",
	"GOGC",
	"GOMEMLIMIT",
};

static bool is_setting(const char *entry)
{
	size_t length = strcspn(entry, "=");

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		size_t wanted = strlen(names[i]);

		if (names[i][wanted - 1] == '*'
			    ? !strncmp(entry, names[i], wanted - 1)
			    : wanted == length && !strncmp(entry, names[i], length))
			return true;
	}
	return false;
}

/* Printable ASCII only: it is shown as it is. */
static void setting_add(struct event_settings *settings, const char *entry)
{
	size_t used = strlen(settings->text);

	if (used && used < sizeof(settings->text) - 1)
		settings->text[used++] = '\n';
	for (; *entry && used < sizeof(settings->text) - 1; entry++)
		settings->text[used++] =
			isascii((unsigned char)*entry) && isprint((unsigned char)*entry) ? *entry
											 : '?';
	settings->text[used] = '\0';
}

static int read_environment(const struct proc *proc, struct event_settings *settings)
{
	AUTO_FD int fd = openat(proc->dir_fd, "environ", O_RDONLY | O_CLOEXEC);
	AUTO_FREE char *text = NULL;
	size_t size = 0;
	ssize_t got = 1;

	if (fd < 0)
		return -errno;
	text = malloc(ENVIRONMENT_MAX + 1);
	if (!text)
		return -ENOMEM;
	while (got > 0 && size < ENVIRONMENT_MAX) {
		got = read(fd, text + size, ENVIRONMENT_MAX - size);
		if (got < 0)
			return -errno;
		size += (size_t)got;
	}
	text[size] = '\0';
	for (size_t at = 0; at < size; at += strlen(text + at) + 1)
		if (is_setting(text + at))
			setting_add(settings, text + at);
	return 0;
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static int find_purge_thread(const struct proc *proc, struct event_settings *settings)
{
	int fd = openat(proc->dir_fd, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	__attribute__((cleanup(close_dir))) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir) {
		int rc = -errno;

		if (fd >= 0)
			close(fd);
		return rc;
	}
	for (int i = 0; i < THREADS_MAX && (entry = readdir(dir)); i++) {
		char path[300], comm[EVENT_COMM_LEN + 1];
		AUTO_FD int comm_fd = -1;
		ssize_t got;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "%s/comm", entry->d_name);
		comm_fd = openat(fd, path, O_RDONLY | O_CLOEXEC);
		got = comm_fd < 0 ? -1 : read(comm_fd, comm, sizeof(comm) - 1);
		if (got > 0 && !strncmp(comm, PURGE_THREAD, strlen(PURGE_THREAD)))
			settings->flags |= SETTINGS_PURGE_THREAD;
	}
	return 0;
}

int proc_read_settings(const struct proc *proc, struct event_settings *settings)
{
	int rc, also;

	settings->flags = 0;
	settings->pad = 0;
	memset(settings->text, 0, sizeof(settings->text));
	rc = read_environment(proc, settings);
	also = find_purge_thread(proc, settings);
	return rc ? rc : also;
}
