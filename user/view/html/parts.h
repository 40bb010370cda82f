/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the data of a page is made of. Each function makes a new reference, NULL without memory.
 * Notes are sentences on what was left out; they are added to an array.
 */
#ifndef TIDEMARK_VIEW_HTML_PARTS_H
#define TIDEMARK_VIEW_HTML_PARTS_H

#include <jansson.h>

#include "user/view/html/html.h"

/* {"names": [...], "rows": [[...], ...]}: the reports that are kept, oldest first. Bytes. */
json_t *html_series(const struct process *process);

/* The newest report, field by field: name, title, help, text. */
json_t *html_figures(const struct process *process);

/* null where no invocation has been seen. */
json_t *html_invocations(const struct process *process, json_t *notes);

/* null before the first report. */
json_t *html_verdict(const struct process *process);

/*
 * {"frames": [...], "rows": [...], "rest": {...}, "allocations": [...]}. Pages and seconds; of live
 * allocations bytes.
 */
json_t *html_sites(const struct process *process, json_t *notes);

/* {"shift": log2 of a square's bytes, "squares": [...], "mappings": [...]}. */
json_t *html_map(const struct process *process, json_t *notes);

/*
 * null where allocations were never followed: {"names": [...], "rows": [[...], ...], ...}, the
 * classes of the heap's pages in bytes, and what is live at the end.
 */
json_t *html_heap(const struct process *process);

/* Appends an item, whose reference it takes. Without memory *array is freed and NULL: so is all. */
void html_append(json_t **array, json_t *item);

/* A number, null where it is not known. */
json_t *html_number(double number);

/* A name that may hold anything. */
json_t *html_text(const char *text);

__attribute__((format(printf, 2, 3))) void html_note(json_t *notes, const char *format, ...);

#endif
