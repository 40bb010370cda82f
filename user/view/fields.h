/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one table of fields: what a process report holds, named once with unit
 * and help. series.csv, the lines of `tidemark watch`, the columns of the
 * dashboard, its help and the README's list all walk it.
 */
#ifndef TIDEMARK_VIEW_FIELDS_H
#define TIDEMARK_VIEW_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#include "user/verdict/process.h"

enum field_type {
	FIELD_UINT,   /* value.u */
	FIELD_INT,    /* value.i */
	FIELD_DOUBLE, /* value.d; NAN when not known */
	FIELD_TEXT,   /* value.text, owned by the process or constant */
};

enum field_unit {
	UNIT_NONE,
	UNIT_SECONDS,
	UNIT_BYTES,
	UNIT_BYTES_PER_HOUR,
	UNIT_PAGES,
	UNIT_PAGES_PER_SECOND,
	UNIT_EVENTS,
	UNIT_EVENTS_PER_SECOND,
	UNIT_STACKS,
	UNIT_INVOCATIONS,
	UNIT_BYTES_PER_INVOCATION,
	UNIT_ALLOCATIONS,
	UNIT_COUNT
};

union field_value {
	uint64_t u;
	int64_t i;
	double d;
	const char *text;
};

/* Where a field is shown. */
#define FIELD_IN_CSV 0x1
#define FIELD_IN_WATCH 0x2
#define FIELD_IN_OVERVIEW 0x4	 /* a column of the dashboard's overview */
#define FIELD_ON_INVOCATIONS 0x8 /* a column for people only where invocations have been seen */
#define FIELD_ON_HEAP 0x10	 /* the same where there is heap evidence */
#define FIELD_ON_DEMAND (FIELD_ON_INVOCATIONS | FIELD_ON_HEAP)

struct field {
	const char *name;  /* in exports: snake_case with the unit: rss_bytes */
	const char *title; /* heading for people, at most `width` characters */
	const char *help;  /* one sentence */
	enum field_type type;
	enum field_unit unit;
	unsigned int shown;    /* FIELD_IN_* */
	unsigned int width;    /* of the column for people */
	unsigned int priority; /* on narrow screens columns with a higher number go first */
	union field_value (*get)(const struct process *process, const struct report *report);
};

extern const struct field fields[];
extern const size_t field_count;

/* The columns that a report calls for, of those that are shown on demand: FIELD_ON_* bits. */
unsigned int field_demands(const struct report *report);

/* Is it shown where `demands` are called for? */
bool field_is_demanded(const struct field *field, unsigned int demands);

/* The field of that export name, or NULL. */
const struct field *field_find(const char *name);

/* The value as people read it ("12.3M", "+1.2M", "-"); text holds size bytes. Returns text. */
char *field_format(const struct field *field, union field_value value, char *text, size_t size);

/* The value as a number of double precision, NAN for text and what is not known; for sorting. */
double field_number(const struct field *field, union field_value value);

#endif
