/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The files of --format csv: RFC 4180 with lines ended by a newline, UTF-8.
 * Numbers are plain; "nan" is what is not known.
 */
#ifndef TIDEMARK_VIEW_CSV_H
#define TIDEMARK_VIEW_CSV_H

#include <stdio.h>

#include "user/view/export_format.h"

/* Puts a field, in quotes where it needs them. The text is put as it is. */
void csv_put(FILE *file, const char *text);

/* The same of a name that may hold anything. */
void csv_put_name(FILE *file, const char *name);

/* series.csv: a row per interval, columns from the table of fields. */
void series_begin(FILE *file, const struct process *process);
void series_report(FILE *file, const struct process *process, const struct report *report);

/* Snapshots, see export_format.h. */
int mappings_csv_write(FILE *file, const struct process *process,
		       const struct export_context *context);
int sites_csv_write(FILE *file, const struct process *process,
		    const struct export_context *context);
int stacks_csv_write(FILE *file, const struct process *process,
		     const struct export_context *context);
int invocations_csv_write(FILE *file, const struct process *process,
			  const struct export_context *context);
int survival_csv_write(FILE *file, const struct process *process,
		       const struct export_context *context);

#endif
