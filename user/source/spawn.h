/* SPDX-License-Identifier: GPL-2.0-only */
/* Starting a command in two steps: the child waits before its exec until it is watched. */
#ifndef TIDEMARK_SOURCE_SPAWN_H
#define TIDEMARK_SOURCE_SPAWN_H

#include <stdbool.h>

#include <sys/types.h>

/* What becomes of what the command writes. */
enum spawn_output {
	SPAWN_OUTPUT_KEEP,
	SPAWN_OUTPUT_HUSH,  /* to a terminal: nothing, for there is a screen on it */
	SPAWN_OUTPUT_ASIDE, /* to standard output: to standard error, for ours is a result */
};

struct spawn {
	pid_t pid;
	int go_fd;     /* closing it without a byte makes the child exit */
	int report_fd; /* the errno of a failed exec, or end of file */
};

/*
 * Forks the child; exec resets the handlers that were set, and nothing else is changed but its
 * output. held: it will be stopped by SIGSTOP for moments, so should we die in one of them the
 * kernel sends it SIGCONT (PR_SET_PDEATHSIG; not to a setuid program). 0 or -errno.
 */
int spawn_prepare(char *const argv[], enum spawn_output output, bool held, struct spawn *spawn);

/* Lets it exec. 0 once it has, else the negative errno of execvp; the child is reaped then. */
int spawn_release(struct spawn *spawn);

/* Ends and reaps a child that was not released. */
void spawn_abandon(struct spawn *spawn);

#endif
