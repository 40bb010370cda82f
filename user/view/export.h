/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * --export DIR: a directory per process, PID-COMMAND-START, with the files of
 * the chosen formats (export_format.h). Streams are written as it goes and
 * flushed each interval; snapshots when a process ends and when they are asked
 * for, under another name first, so that a reader never sees half of one. A
 * file that cannot be written is given up with one message; the watching, and
 * the other files, go on.
 */
#ifndef TIDEMARK_VIEW_EXPORT_H
#define TIDEMARK_VIEW_EXPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "user/verdict/process.h"

struct export;

struct export_options {
	const char *path;
	uint32_t formats; /* see export_format.h */
	const char *version;
	int64_t wall_offset_ns; /* CLOCK_REALTIME - CLOCK_MONOTONIC, of the stream */
	int64_t boot_offset_ns; /* CLOCK_BOOTTIME - CLOCK_MONOTONIC, likewise */
};

/*
 * Makes the directory if it is not there. 0, or a negative errno of making or
 * opening it; *export is untouched then.
 */
int export_open(const struct export_options *options, struct export **export);
void export_close(struct export *export);

void export_event(struct export *export, struct process *process, const struct event_header *event);
void export_report(struct export *export, struct process *process, const struct report *report);
void export_end(struct export *export, struct process *process);

/* Writes out what is buffered. */
void export_flush(struct export *export);

/*
 * A round of snapshots of all processes that have not ended: begin, then one
 * process with each call of next until that returns false, then one message
 * with what was written where. Between the calls the rest may go on: processes
 * may begin and end.
 */
void export_snapshots_begin(struct export *export);
bool export_snapshots_next(struct export *export);
void export_snapshots_end(const struct export *export);

/* Rows, objects and snapshots that could not be written. */
uint64_t export_failures(const struct export *export);

/* Longest line event_to_json() makes, with its NUL. */
#define EVENT_JSON_MAX 16384

/*
 * One event as a line of JSON, with the newline and a NUL, in line. Names as in
 * event.h, addresses as hexadecimal strings. Returns its length.
 */
size_t event_to_json(const struct event_header *event, uint64_t start_ns,
		     char line[EVENT_JSON_MAX]);

#endif
