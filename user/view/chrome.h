/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * --format chrome: trace.json, the trace event format as an array, which Perfetto's UI and
 * chrome://tracing open. Times are CLOCK_MONOTONIC in microseconds, so the files of processes
 * that were watched together fit each other.
 *
 * Written as events come, whole objects at a time: where tidemark is killed, all that lacks is
 * the closing bracket, which both do without.
 */
#ifndef TIDEMARK_VIEW_CHROME_H
#define TIDEMARK_VIEW_CHROME_H

#include <stdio.h>

#include "user/verdict/process.h"

/* Hooks of a stream, see export_format.h. */
void chrome_begin(FILE *file, const struct process *process);
void chrome_event(FILE *file, const struct process *process, const struct event_header *event);
void chrome_report(FILE *file, const struct process *process, const struct report *report);
void chrome_end(FILE *file, const struct process *process);

#endif
