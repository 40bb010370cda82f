/* SPDX-License-Identifier: GPL-2.0-only */
/* Programs that are run to their end, within a time, leaving nothing behind. */
#ifndef TESTS_EXPERIMENT_PROCESS_H
#define TESTS_EXPERIMENT_PROCESS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * To be called once: descendants whose parents end become children of this process, so that they
 * are found; SIGINT and SIGTERM end what runs.
 */
void process_setup(void);

/* A signal has asked for the end. */
bool process_stopped(void);

/*
 * Runs argv with stdout and stderr in a file, and kills what is left of it and of all its
 * descendants. Its exit status, or 128 and the signal; -ETIMEDOUT: it took longer than that;
 * -EINTR: a signal asked for the end; another negative errno: it could not be started.
 */
int process_run(char *const argv[], const char *output, double timeout_s);

/* The first line that a program writes to stdout, without its end; "" if there is none. */
void process_line(const char *command, char *line, size_t size);

/* Makes the directory and those above it. 0 or a negative errno. */
int directories_make(const char *path);

#endif
