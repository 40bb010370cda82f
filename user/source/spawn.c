// SPDX-License-Identifier: GPL-2.0-only
#include "user/source/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <sys/prctl.h>
#include <sys/wait.h>

/* What would be written over the screen goes nowhere. */
static void hush_terminal(void)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	for (int fd = STDOUT_FILENO; null >= 0 && fd <= STDERR_FILENO; fd++)
		if (isatty(fd))
			dup2(null, fd);
}

static void __attribute__((noreturn))
child_run(char *const argv[], enum spawn_output output, bool held, int go_fd, int report_fd)
{
	char go;
	int error;

	if (read(go_fd, &go, 1) != 1)
		_exit(0);
	if (held)
		prctl(PR_SET_PDEATHSIG, SIGCONT);
	if (output == SPAWN_OUTPUT_HUSH)
		hush_terminal();
	else if (output == SPAWN_OUTPUT_ASIDE)
		dup2(STDERR_FILENO, STDOUT_FILENO);
	execvp(argv[0], argv);
	error = errno;
	if (write(report_fd, &error, sizeof(error)) != sizeof(error))
		_exit(126);
	_exit(127);
}

int spawn_prepare(char *const argv[], enum spawn_output output, bool held, struct spawn *spawn)
{
	int go[2], report[2];

	*spawn = (struct spawn){.pid = -1, .go_fd = -1, .report_fd = -1};
	if (pipe2(go, O_CLOEXEC))
		return -errno;
	if (pipe2(report, O_CLOEXEC)) {
		int rc = -errno;

		close(go[0]);
		close(go[1]);
		return rc;
	}
	spawn->pid = fork();
	if (!spawn->pid) {
		close(go[1]);
		child_run(argv, output, held, go[0], report[1]);
	}
	close(go[0]);
	close(report[1]);
	spawn->go_fd = go[1];
	spawn->report_fd = report[0];
	if (spawn->pid < 0) {
		int rc = -errno;

		close(go[1]);
		close(report[0]);
		return rc;
	}
	return 0;
}

static void reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

int spawn_release(struct spawn *spawn)
{
	int error = 0;
	ssize_t got;

	if (write(spawn->go_fd, "", 1) != 1)
		error = errno;
	close(spawn->go_fd);
	do
		got = read(spawn->report_fd, &error, sizeof(error));
	while (got < 0 && errno == EINTR);
	close(spawn->report_fd);
	if (error)
		reap(spawn->pid);
	return -error;
}

void spawn_abandon(struct spawn *spawn)
{
	if (spawn->pid <= 0)
		return;
	close(spawn->go_fd);
	close(spawn->report_fd);
	reap(spawn->pid);
}
