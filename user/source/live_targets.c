// SPDX-License-Identifier: GPL-2.0-only
/* Who is watched: by pid, by name, or because we start it. */
#include "user/source/live_internal.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/base/log.h"

static int watched_set(struct live *live, uint32_t pid, uint32_t flags)
{
	struct watched watched = {.ledger_pid = pid, .flags = flags};
	int rc = bpf_map__update_elem(live->skeleton->maps.watched, &pid, sizeof(pid), &watched,
				      sizeof(watched), BPF_NOEXIST);

	if (rc == -E2BIG)
		log_error("too many processes are watched");
	return rc == -EEXIST ? 0 : rc;
}

static void watched_clear(struct live *live, uint32_t pid)
{
	bpf_map__delete_elem(live->skeleton->maps.watched, &pid, sizeof(pid), 0);
}

static int attach_explain(uint32_t pid, int rc)
{
	if (rc == -EINVAL)
		log_error("%u is a thread, not a process: give its process id, Tgid in "
			  "/proc/%u/status",
			  pid, pid);
	else if (rc == -ENOTSUP)
		log_error("%u is a kernel thread: it has no memory of its own", pid);
	else if (rc == -ESRCH)
		log_error("no process %u", pid);
	else
		log_error("cannot read /proc/%u: %s", pid, strerror(-rc));
	return rc;
}

int live_watch_pid(struct live *live, uint32_t pid, uint32_t flags)
{
	struct live_process *process;
	struct proc proc;
	int rc = proc_open(pid, &proc);

	if (rc)
		return attach_explain(pid, rc);
	if (live_process_find(live, pid)) {
		proc_close(&proc);
		return 0;
	}
	/* from here on its records come; what was before is in /proc */
	rc = watched_set(live, pid, flags);
	/* the handle is bound to the process: if the pid had been given anew, it would fail */
	if (!rc && !proc_alive(&proc)) {
		watched_clear(live, pid);
		log_error("process %u ended while tidemark attached to it", pid);
		rc = -ESRCH;
	}
	process = rc ? NULL : live_process_add(live, pid);
	if (!process) {
		proc_close(&proc);
		return rc ? rc : -ENOMEM;
	}
	process->proc = proc;
	process->opened = true;
	live_process_begin(live, process, clock_ns());
	live_push_attach(live, process);
	return 0;
}

/* Those that run under the name now. One that ends while we look is no error. */
static int watch_running(struct live *live, const char *name, uint32_t flags, unsigned int *found)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		char *end;
		unsigned long pid = strtoul(entry->d_name, &end, 10);
		struct proc proc;
		bool same;

		if (*end || end == entry->d_name || pid == (unsigned long)getpid())
			continue;
		if (proc_open((uint32_t)pid, &proc))
			continue;
		same = !strncmp(proc.comm, name, sizeof(proc.comm));
		proc_close(&proc);
		if (same && !live_watch_pid(live, (uint32_t)pid, flags))
			(*found)++;
	}
	closedir(dir);
	return 0;
}

int live_watch_name(struct live *live, const char *name, uint32_t flags, unsigned int *found)
{
	struct watched_name key = {0};
	size_t length = strlen(name);
	int rc;

	if (!length || length >= sizeof(key.comm)) {
		log_error("-n '%s': a command name has 1 to %zu bytes, as in /proc/PID/comm", name,
			  sizeof(key.comm) - 1);
		return -EINVAL;
	}
	memcpy(key.comm, name, length);
	flags |= WATCH_NAMED;
	rc = bpf_map__update_elem(live->skeleton->maps.names, &key, sizeof(key), &flags,
				  sizeof(flags), BPF_ANY);
	if (rc) {
		log_error("-n '%s': %s", name,
			  rc == -E2BIG ? "at most 64 names can be watched" : strerror(-rc));
		return rc;
	}
	*found = 0;
	return watch_running(live, name, flags, found);
}

static void spawn_failed(struct live *live, const char *command, int error)
{
	log_error("cannot run '%s': %s", command, strerror(-error));
	if (live->spawn.pid > 0)
		watched_clear(live, (uint32_t)live->spawn.pid);
}

int live_spawn_held(struct live *live, char *const argv[], uint32_t flags, pid_t *pid)
{
	int rc = spawn_prepare(argv, live->output, live->heap_from_start, &live->spawn);

	if (!rc) {
		rc = watched_set(live, (uint32_t)live->spawn.pid, flags | WATCH_DORMANT);
		if (rc)
			spawn_abandon(&live->spawn);
	}
	if (rc) {
		spawn_failed(live, argv[0], rc);
		return rc;
	}
	live_invocations_command(live, argv[0]);
	live_heap_hold(live, (uint32_t)live->spawn.pid);
	*pid = live->spawn.pid;
	return 0;
}

int live_release(struct live *live, const char *command)
{
	int rc = spawn_release(&live->spawn);

	if (rc)
		spawn_failed(live, command, rc);
	return rc;
}

int live_spawn(struct live *live, char *const argv[], uint32_t flags, pid_t *pid)
{
	int rc = live_spawn_held(live, argv, flags, pid);

	return rc ? rc : live_release(live, argv[0]);
}
