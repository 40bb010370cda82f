/* SPDX-License-Identifier: GPL-2.0-only */
/* A CSV file (RFC 4180) in memory, its first row the names of the columns. */
#ifndef TESTS_EXPERIMENT_TABLE_H
#define TESTS_EXPERIMENT_TABLE_H

#include <stddef.h>

struct table {
	char *text;	     /* owned, cut into fields */
	const char **fields; /* owned, row after row, the names first */
	size_t rows;	     /* without the names */
	size_t columns;
};

/*
 * Reads a file. 0; the errno of opening or reading it; -ENOMEM; -EBADMSG: a quote is not closed,
 * or a row has another number of fields than the first. *table is untouched on failure, else to be
 * given to table_free(). A last line without its end counts as a row.
 */
int table_read(const char *path, struct table *table);

/* Text as of a file: takes the text, also on failure. The same results. */
int table_parse(char *text, struct table *table);

void table_free(struct table *table);

/* NULL: there is no such row or column. */
const char *table_get(const struct table *table, size_t row, const char *column);

/* NAN: there is none, or it is no number. */
double table_number(const struct table *table, size_t row, const char *column);

/* All of a file, NUL-terminated, for the caller to free(); NULL: errno says why. */
char *file_text(const char *path);

#endif
