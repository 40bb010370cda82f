/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The formats that --format names, once: a format is a row of this table, and a
 * file of its own where it takes one.
 */
#ifndef TIDEMARK_VIEW_EXPORT_FORMAT_H
#define TIDEMARK_VIEW_EXPORT_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "user/verdict/process.h"

/* What a snapshot may say beside the state of the process. */
struct export_context {
	const char *version;	/* of tidemark */
	int64_t wall_offset_ns; /* CLOCK_REALTIME - CLOCK_MONOTONIC */
};

/* A file with the present state of a process, written anew each time. */
struct export_snapshot {
	const char *name;
	/*
	 * The sites of the process are up to date. 0 or a negative errno; errors of the FILE itself
	 * need not be looked for. May write to its file descriptor instead.
	 */
	int (*write)(FILE *file, const struct process *process,
		     const struct export_context *context);
};

#define EXPORT_SNAPSHOTS_MAX 5

struct export_format {
	const char *name;
	const char *help; /* one line: its files */
	bool by_default;  /* without --format */
	/*
	 * A file that grows as it goes; NULL: none. Its hooks may be NULL, too. end closes it: a
	 * file without is whole after each call.
	 */
	const char *stream;
	void (*begin)(FILE *file, const struct process *process);
	void (*event)(FILE *file, const struct process *process, const struct event_header *event);
	void (*report)(FILE *file, const struct process *process, const struct report *report);
	void (*end)(FILE *file, const struct process *process);
	struct export_snapshot snapshots[EXPORT_SNAPSHOTS_MAX + 1]; /* up to a NULL name */
};

#define EXPORT_FORMATS_MAX 8

extern const struct export_format export_formats[];
extern const size_t export_format_count;

/* Sets of formats have bit i for export_formats[i]. */
uint32_t export_formats_default(void);

/* Adds the formats of "csv,pprof" to a set. -EINVAL: one is unknown, empty too. */
int export_formats_add(const char *names, uint32_t *formats);

/* "csv, jsonl, ..."; text holds size bytes. Returns text. */
char *export_formats_text(char *text, size_t size);

#endif
