/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "tests/experiment/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/base/cleanup.h"

/* A program that is asked to end has that long. */
#define END_S 5

static volatile sig_atomic_t stopped;

static void stop_note(int number)
{
	stopped = number;
}

void process_setup(void)
{
	struct sigaction action = {.sa_handler = stop_note}; /* poll() is to be interrupted */

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

bool process_stopped(void)
{
	return stopped != 0;
}

static void __attribute__((noreturn)) child_exec(char *const argv[], const char *output)
{
	int in = open("/dev/null", O_RDONLY);
	int out = open(output, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0644);

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (in < 0 || out < 0 || dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
	    dup2(out, STDERR_FILENO) < 0)
		_exit(126);
	execvp(argv[0], argv);
	dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

/* Waits for its end that long. 0, -ETIMEDOUT or -EINTR. */
static int end_await(int pidfd, double timeout_s)
{
	struct pollfd fd = {.fd = pidfd, .events = POLLIN};
	int rc = poll(&fd, 1, (int)(timeout_s * 1000));

	return rc > 0 ? 0 : rc == 0 ? -ETIMEDOUT : -EINTR;
}

/* Sends a signal to the children of this process, those it has inherited among them; how many. */
static size_t children_signal(int number)
{
	AUTO_FILE FILE *file = NULL;
	char path[64];
	size_t count = 0;
	int pid;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	file = fopen(path, "re");
	for (; file && fscanf(file, "%d", &pid) == 1; count++)
		kill(pid, number);
	return count;
}

/* Sends the signal again and again, for what is inherited meanwhile. Whether none are left. */
static bool children_end_by(int number)
{
	for (int i = 0; i < END_S * 10; i++) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (!children_signal(number))
			return true;
		usleep(100000);
	}
	return false;
}

/* A driver that is asked to end thaws what it has frozen; what is frozen cannot be killed. */
static void children_end(void)
{
	if (!children_end_by(SIGTERM))
		children_end_by(SIGKILL);
}

int process_run(char *const argv[], const char *output, double timeout_s)
{
	AUTO_FD int pidfd = -1;
	pid_t pid;
	int rc, status = 0;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid)
		child_exec(argv, output);
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	rc = pidfd < 0 ? -errno : end_await(pidfd, timeout_s);
	if (rc) {
		kill(pid, SIGTERM);
		if (pidfd < 0 || end_await(pidfd, END_S))
			kill(pid, SIGKILL);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	children_end();
	if (rc)
		return rc;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void process_line(const char *command, char *line, size_t size)
{
	FILE *pipe = popen(command, "re");

	if (!pipe || !fgets(line, (int)size, pipe))
		*line = '\0';
	line[strcspn(line, "\n")] = '\0';
	if (pipe)
		pclose(pipe);
}

int directories_make(const char *path)
{
	char part[512];

	for (const char *at = path; *at; at += strspn(at, "/")) {
		at += strspn(at, "/");
		at += strcspn(at, "/");
		snprintf(part, sizeof(part), "%.*s", (int)(at - path), path);
		if (mkdir(part, 0755) && errno != EEXIST)
			return -errno;
	}
	return 0;
}
