/* SPDX-License-Identifier: GPL-2.0-only */
/* The command line, parsed. Exit codes are part of the interface: see README.md. */
#ifndef TIDEMARK_OPTIONS_H
#define TIDEMARK_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/source/heap_spec.h"
#include "user/source/invocation_spec.h"
#include "user/view/check.h"

#define OPTIONS_LIST_MAX 64

enum exit_code {
	EXIT_DONE = 0,
	EXIT_TARGET = 1,     /* no such process or command, or it could not be watched */
	EXIT_OVER = 1,	     /* check: a limit is passed, or a verdict is one to fail on */
	EXIT_IMPOSSIBLE = 2, /* no root, no BPF, a kernel without what is needed, no terminal */
	EXIT_UNJUDGED = 2,   /* check: it could not be judged, also for the reasons above */
	EXIT_BAD_USAGE = 64, /* EX_USAGE, sysexits.h */
};

/* What tidemark does. X(NAME, word, help) */
#define COMMANDS(X)                                                                                \
	X(TOP, "top", "full-screen dashboard")                                                     \
	X(WATCH, "watch", "the same as lines, for pipes and logs")                                 \
	X(HEAP, "heap", "allocations, for a time: live, fragmented and free pages")                \
	X(CHECK, "check", "a verdict, and an exit code: for scripts and CI")

enum command {
#define X(name, word, help) COMMAND_##name,
	COMMANDS(X)
#undef X
		COMMAND_COUNT
};

struct options {
	enum command command;
	uint32_t pids[OPTIONS_LIST_MAX];
	size_t pid_count;
	const char *names[OPTIONS_LIST_MAX]; /* point into argv */
	size_t name_count;
	char **argv; /* of the command to run, NULL-terminated; NULL: none */
	bool children;
	bool verbose;
	unsigned int interval_ms;
	unsigned int duration_s; /* 0: no limit */
	unsigned int reconcile_ms;
	bool reconcile_exact;
	size_t buffer_bytes;
	size_t stack_bytes;	 /* of each stack; 0: none are taken */
	unsigned int stack_rate; /* stacks of page faults per second; 0: none of faults */
	const char *export_path; /* NULL: none */
	uint32_t formats;	 /* of the export, see view/export_format.h */
	struct invocation_spec invocations[INVOCATION_SPECS_MAX]; /* their texts point into argv */
	size_t invocation_count;
	bool heap; /* follow allocations from the start */
	size_t heap_tracked;
	struct heap_spec heap_specs[HEAP_SPECS_MAX]; /* their texts point into argv */
	size_t heap_spec_count;
	struct check_limits limits;
	bool json;
	const char *omit_program;
};

/*
 * Parses argv. 0: go on; otherwise *code is the exit code: after --help,
 * --version or --format help (printed), or after an error (one line on standard
 * error).
 */
int options_parse(int argc, char **argv, const char *version, struct options *options, int *code);

#endif
