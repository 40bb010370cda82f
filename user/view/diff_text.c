// SPDX-License-Identifier: GPL-2.0-only
#include "user/view/diff_text.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/units.h"
#include "user/view/fields.h"

/* What changed less is added up in one line. */
#define ROWS_MAX 20

struct row {
	const char *title;
	uint64_t count_a, count_b;
	uint64_t a, b; /* bytes resident */
};

static const struct moment_part nothing = {.key = "", .title = ""};

static uint64_t row_change(const struct row *row)
{
	return row->a > row->b ? row->a - row->b : row->b - row->a;
}

static int compare_rows(const void *left, const void *right)
{
	const struct row *a = left, *b = right;
	uint64_t change_a = row_change(a), change_b = row_change(b);

	if (change_a != change_b)
		return change_a > change_b ? -1 : 1;
	return strcmp(a->title, b->title);
}

static void put_bytes(FILE *file, double a, double b)
{
	char from[UNITS_TEXT_LEN], to[UNITS_TEXT_LEN], change[UNITS_TEXT_LEN];

	fprintf(file, "  %8s %8s %9s", units_bytes(from, a), units_bytes(to, b),
		b == a ? "" : units_signed_bytes(change, b - a));
}

/* Both are sorted by key: one walk over them. Returns how many rows; those without change count. */
static size_t rows_make(struct row *rows, const struct moment_parts *a,
			const struct moment_parts *b)
{
	size_t i = 0, j = 0, count = 0;

	while (i < a->count || j < b->count) {
		int order = i == a->count   ? 1
			    : j == b->count ? -1
					    : strcmp(a->items[i].key, b->items[j].key);
		const struct moment_part *from = order <= 0 ? &a->items[i++] : &nothing;
		const struct moment_part *to = order >= 0 ? &b->items[j++] : &nothing;

		if (!from->resident && !to->resident)
			continue;
		rows[count++] = (struct row){
			.title = order <= 0 ? from->title : to->title,
			.count_a = from->count,
			.count_b = to->count,
			.a = from->resident,
			.b = to->resident,
		};
	}
	return count;
}

static void put_row(FILE *file, const struct row *row)
{
	put_bytes(file, (double)row->a, (double)row->b);
	fprintf(file, "  %s", row->title);
	if (row->count_a > 1 || row->count_b > 1)
		fprintf(file, " (%" PRIu64 " -> %" PRIu64 ")", row->count_a, row->count_b);
	fputc('\n', file);
}

static int put_parts(FILE *file, const char *heading, const struct moment_parts *a,
		     const struct moment_parts *b)
{
	AUTO_FREE struct row *rows = calloc(a->count + b->count + 1, sizeof(*rows));
	struct row rest = {0};
	size_t count, shown = 0;
	char title[64];

	if (!rows)
		return -ENOMEM;
	count = rows_make(rows, a, b);
	qsort(rows, count, sizeof(*rows), compare_rows);
	fprintf(file, "%s\n", heading);
	while (shown < count && shown < ROWS_MAX && row_change(&rows[shown]))
		put_row(file, &rows[shown++]);
	for (size_t i = shown; i < count; i++) {
		rest.a += rows[i].a;
		rest.b += rows[i].b;
	}
	if (shown < count) {
		snprintf(title, sizeof(title), "%zu more", count - shown);
		rest.title = title;
		put_row(file, &rest);
	}
	return 0;
}

/* Every field in bytes: the classes, and what was given back. */
static void put_classes(FILE *file, const struct moment_process *a, const struct moment_process *b)
{
	fputs("classes\n", file);
	for (size_t i = 0; i < field_count; i++) {
		double from = a ? a->values[i] : 0, to = b ? b->values[i] : 0;

		if (fields[i].unit != UNIT_BYTES || isnan(from) || isnan(to) ||
		    (from == 0 && to == 0))
			continue;
		put_bytes(file, from, to);
		fprintf(file, "  %s\n", fields[i].name);
	}
}

static void put_name(FILE *file, const struct moment_process *process)
{
	if (process)
		fprintf(file, "%" PRIu32 " %s (%.1f s)", process->pid, process->command,
			process->time_s);
	else
		fputs("none", file);
}

static int put_process(FILE *file, const struct moment_process *a, const struct moment_process *b)
{
	static const struct moment_parts none;
	int rc;

	put_name(file, a);
	fputs(" -> ", file);
	put_name(file, b);
	fprintf(file, "\n  %8s %8s %9s\n", "from", "to", "change");
	put_classes(file, a, b);
	rc = put_parts(file, "sites, resident", a ? &a->sites : &none, b ? &b->sites : &none);
	if (!rc)
		rc = put_parts(file, "mappings, resident", a ? &a->mappings : &none,
			       b ? &b->mappings : &none);
	return rc;
}

static bool is_same(const struct moment_process *a, const struct moment_process *b)
{
	return a->pid == b->pid && a->attach_ns == b->attach_ns;
}

/* The processes of b that go with those of a: 1 + their number, 0: none. */
static void match(const struct moment *a, const struct moment *b, size_t *partners, bool *taken)
{
	if (a->count == 1 && b->count == 1) { /* there is nothing else to compare */
		partners[0] = 1;
		taken[0] = true;
	}
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < a->count; i++) {
			for (size_t j = 0; !partners[i] && j < b->count; j++) {
				const struct moment_process *x = &a->processes[i];
				const struct moment_process *y = &b->processes[j];

				if (taken[j] ||
				    !(round ? !strcmp(x->command, y->command) : is_same(x, y)))
					continue;
				partners[i] = j + 1;
				taken[j] = true;
			}
		}
	}
}

int diff_write(FILE *file, const struct moment *a, const struct moment *b)
{
	AUTO_FREE size_t *partners = calloc(a->count + 1, sizeof(*partners));
	AUTO_FREE bool *taken = calloc(b->count + 1, sizeof(*taken));
	bool first = true;
	int rc = 0;

	if (!partners || !taken)
		return -ENOMEM;
	match(a, b, partners, taken);
	for (size_t i = 0; i < a->count && !rc; i++, first = false) {
		if (!first)
			fputc('\n', file);
		rc = put_process(file, &a->processes[i],
				 partners[i] ? &b->processes[partners[i] - 1] : NULL);
	}
	for (size_t j = 0; j < b->count && !rc; j++) {
		if (taken[j])
			continue;
		if (!first)
			fputc('\n', file);
		first = false;
		rc = put_process(file, NULL, &b->processes[j]);
	}
	return rc;
}
