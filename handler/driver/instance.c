#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "handler/driver/instance.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "handler/log.h"
#include "handler/stop.h"

/* What a function is told where no limit is set: the size the cost of Lambda is given for. */
#define MEMORY_MIB_DEFAULT 1024

void function_name(const char *path, char name[FUNCTION_NAME_SIZE])
{
	const char *slash = strrchr(path, '/');

	snprintf(name, FUNCTION_NAME_SIZE, "%s", slash ? slash + 1 : path);
	for (char *c = name; *c; c++) {
		if (!isalnum((unsigned char)*c) && *c != '-')
			*c = '_';
	}
	if (!*name)
		snprintf(name, FUNCTION_NAME_SIZE, "function");
}

static int environment_set(const struct instance_setup *setup, uint16_t port)
{
	uint64_t memory = setup->options->memory_bytes >> 20;
	char api[32], mib[32];
	char *root = getcwd(NULL, 0);

	snprintf(api, sizeof(api), "127.0.0.1:%u", port);
	snprintf(mib, sizeof(mib), "%" PRIu64, memory ? memory : MEMORY_MIB_DEFAULT);
	/* A directory that was removed is no reason not to start. */
	if (setenv("AWS_LAMBDA_RUNTIME_API", api, 1) ||
	    setenv("AWS_LAMBDA_FUNCTION_NAME", setup->name, 1) ||
	    setenv("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST", 1) ||
	    setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", mib, 1) ||
	    setenv("_HANDLER", setup->name, 1) || setenv("LAMBDA_TASK_ROOT", root ? root : "/", 1))
		return -errno;
	free(root);
	return 0;
}

/* The child's side: becomes the function, or returns why it cannot. */
static int function_exec(const struct instance_setup *setup, const struct instance *instance,
			 pid_t driver)
{
	char **function = setup->options->function;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int err;

	/* The function does not outlive a driver that is killed, not even before this line. */
	if (null < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL))
		return -errno;
	if (getppid() != driver)
		_exit(EXIT_FAILURE);
	/* A session of its own: the keys of the terminal are for the driver. */
	if (setsid() < 0)
		return -errno;
	err = group_enter(&instance->group);
	if (!err)
		err = environment_set(setup, server_port(instance->server));
	if (err)
		return err;
	if (dup2(null, STDIN_FILENO) < 0 ||
	    dup2(setup->out < 0 ? null : setup->out, STDOUT_FILENO) < 0)
		return -errno;
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &setup->signals, NULL);
	execvp(function[0], function);
	return -errno;
}

/* Forks; *failure is a pipe that tells why it did not become the function, or closes. */
static int function_fork(const struct instance_setup *setup, struct instance *instance,
			 int *failure)
{
	pid_t driver = getpid();
	int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	instance->pid = fork();
	if (instance->pid == 0) {
		int err = function_exec(setup, instance, driver);

		_exit(write(fds[1], &err, sizeof(err)) == sizeof(err) ? 127 : 126);
	}
	close(fds[1]);
	*failure = fds[0];
	if (instance->pid < 0) {
		int err = -errno;

		instance->pid = 0;
		close(fds[0]);
		return err;
	}
	return 0;
}

static int function_start(const struct instance_setup *setup, struct instance *instance)
{
	int failure = -1, reason = 0;
	ssize_t count;
	int err = function_fork(setup, instance, &failure);

	if (err)
		return err;
	do {
		count = read(failure, &reason, sizeof(reason));
	} while (count < 0 && errno == EINTR);
	close(failure);
	if (count == sizeof(reason))
		return reason;
	/* Entering its control groups took milliseconds, and is no part of its start. */
	instance->started_ns = stop_now_ns();
	/* glibc 2.36 has pidfd_open(), glibc of Debian 11 has not. */
	instance->pidfd = (int)syscall(SYS_pidfd_open, instance->pid, 0);
	return instance->pidfd < 0 ? -errno : 0;
}

int instance_start(const struct instance_setup *setup, uint64_t number, struct instance *instance)
{
	struct instance started = {.pidfd = -1, .number = number};
	int err = server_create(&started.server);

	if (err) {
		log_error("cannot serve on 127.0.0.1: %s", strerror(-err));
		return err;
	}
	err = group_create(setup->groups, number, &started.group);
	if (!err) {
		err = function_start(setup, &started);
		if (err)
			log_error("cannot start %s: %s", setup->options->function[0],
				  strerror(-err));
	}
	if (err) {
		instance_kill(&started);
		instance_finish(&started);
		return err;
	}
	*instance = started;
	return 0;
}

void instance_kill(struct instance *instance)
{
	instance->killed = true;
	/* It leads a session and a process group of its own, and is not waited for yet. */
	if (instance->pid) {
		kill(-instance->pid, SIGKILL);
		kill(instance->pid, SIGKILL);
	}
	if (instance->group.made)
		group_kill(&instance->group);
}

void instance_ask_end(struct instance *instance)
{
	group_thaw(&instance->group);
	kill(instance->pid, SIGTERM);
}

struct instance_end instance_finish(struct instance *instance)
{
	struct instance_end end = {0};

	if (instance->pid) {
		/* As long as it is not waited for, its number is no other process's. */
		siginfo_t info;

		while (waitid(P_PID, (id_t)instance->pid, &info, WEXITED | WNOWAIT) &&
		       errno == EINTR)
			;
		kill(-instance->pid, SIGKILL);
		while (waitpid(instance->pid, &end.status, 0) < 0 && errno == EINTR)
			;
		end.oom = !instance->killed && WIFSIGNALED(end.status) &&
			  WTERMSIG(end.status) == SIGKILL && group_oom_kills(&instance->group) > 0;
	}
	group_destroy(&instance->group);
	server_destroy(instance->server);
	if (instance->pidfd >= 0)
		close(instance->pidfd);
	*instance = (struct instance){.pidfd = -1};
	return end;
}

void instance_end_describe(const struct instance_end *end, char *text, size_t size)
{
	if (end->oom)
		snprintf(text, size, "was killed by the kernel for want of memory");
	else if (WIFSIGNALED(end->status))
		snprintf(text, size, "was killed by signal %d", WTERMSIG(end->status));
	else
		snprintf(text, size, "ended with exit code %d", WEXITSTATUS(end->status));
}
