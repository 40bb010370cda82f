/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * --format html: report.html, one process in one file that a browser opens without a network:
 * page.h with the data behind it, as JSON. The data is bounded: see the limits below; what is left
 * out is summed and said on the page.
 */
#ifndef TIDEMARK_VIEW_HTML_HTML_H
#define TIDEMARK_VIEW_HTML_HTML_H

#include <stdio.h>

#include "user/view/export_format.h"

#define HTML_SITES_MAX 2000    /* the rest is one row */
#define HTML_SQUARES_MAX 20000 /* of the map; beyond that a square stands for 4 MiB, 8 MiB, ... */
#define HTML_MAPPINGS_MAX 2000 /* those with the most resident pages */
#define HTML_ENDS_MAX 1000     /* invocations in the chart of what they left */

/* A snapshot, see export_format.h. */
int html_write(FILE *file, const struct process *process, const struct export_context *context);

#endif
