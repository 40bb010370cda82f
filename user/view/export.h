/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * --export DIR: a directory per process, PID-COMMAND-START, with
 *   series.csv    a row per interval, columns from the table of fields
 *   events.jsonl  an object per event
 *   mappings.csv  the mappings at the end
 * Written as it goes and flushed each interval. A file that cannot be written is
 * given up with one message; the watching, and the other files, go on.
 */
#ifndef TIDEMARK_VIEW_EXPORT_H
#define TIDEMARK_VIEW_EXPORT_H

#include <stdint.h>

#include "user/verdict/process.h"

struct export;

/*
 * Makes the directory if it is not there. 0, or a negative errno of making or
 * opening it; *export is untouched then.
 */
int export_open(const char *path, struct export **export);
void export_close(struct export *export);

void export_event(struct export *export, struct process *process, const struct event_header *event);
void export_report(struct export *export, struct process *process, const struct report *report);
void export_end(struct export *export, struct process *process);

/* Writes out what is buffered. */
void export_flush(struct export *export);

/* Rows and objects that could not be written. */
uint64_t export_failures(const struct export *export);

/* Longest line event_to_json() makes, with its NUL. */
#define EVENT_JSON_MAX 1024

/*
 * One event as a line of JSON, with the newline and a NUL, in line. Names as in
 * event.h, addresses as hexadecimal strings. Returns its length.
 */
size_t event_to_json(const struct event_header *event, uint64_t start_ns,
		     char line[EVENT_JSON_MAX]);

#endif
