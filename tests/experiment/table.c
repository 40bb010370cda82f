/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/experiment/table.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"

char *file_text(const char *path)
{
	AUTO_FILE FILE *file = fopen(path, "re");
	AUTO_FREE char *text = NULL;
	size_t used = 0, room = 0, got;

	if (!file)
		return NULL;
	do {
		if (used + 1 >= room) {
			char *more = realloc(text, room = room ? room * 2 : 1 << 16);

			if (!more)
				return NULL;
			text = more;
		}
		got = fread(text + used, 1, room - used - 1, file);
		used += got;
	} while (got);
	if (ferror(file))
		return NULL;
	text[used] = '\0';
	return TAKE_PTR(text);
}

/* Ends the field at *at and steps behind it. Its end: ',', '\n' or '\0'; -1: not closed. */
static int field_cut(char **at, const char **field)
{
	char *read = *at, *write = read;
	bool quoted = *read == '"';
	char end;

	*field = write;
	read += quoted;
	while (*read && (quoted ? !(read[0] == '"' && read[1] != '"') : !strchr(",\n", *read))) {
		read += quoted && *read == '"';
		*write++ = *read++;
	}
	if (quoted && *read++ != '"')
		return -1;
	end = *read;
	*at = end ? read + 1 : read;
	*write = '\0';
	return end == ',' || end == '\n' || !end ? end : -1;
}

static int field_add(struct table *table, size_t count, const char *field)
{
	const char **fields;

	if (count & (count - 1)) { /* there is room up to the next power of two */
		table->fields[count] = field;
		return 0;
	}
	fields = reallocarray(table->fields, count ? count * 2 : 1, sizeof(*fields));
	if (!fields)
		return -ENOMEM;
	table->fields = fields;
	table->fields[count] = field;
	return 0;
}

static int table_cut(struct table *table)
{
	size_t count = 0, column = 0;
	char *at = table->text;

	while (*at || column) {
		const char *field;
		int end = field_cut(&at, &field);

		if (end < 0)
			return -EBADMSG;
		if (field_add(table, count++, field))
			return -ENOMEM;
		column++;
		if (end == ',')
			continue;
		if (!table->columns)
			table->columns = column;
		if (column != table->columns)
			return -EBADMSG;
		column = 0;
	}
	if (!count)
		return -EBADMSG;
	table->rows = count / table->columns - 1;
	return 0;
}

int table_parse(char *text, struct table *table)
{
	struct table parsed = {.text = text};
	int err = table_cut(&parsed);

	if (err)
		table_free(&parsed);
	else
		*table = parsed;
	return err;
}

int table_read(const char *path, struct table *table)
{
	char *text = file_text(path);

	return text ? table_parse(text, table) : -errno;
}

void table_free(struct table *table)
{
	free(table->fields);
	free(table->text);
	*table = (struct table){0};
}

const char *table_get(const struct table *table, size_t row, const char *column)
{
	if (row >= table->rows)
		return NULL;
	for (size_t i = 0; i < table->columns; i++)
		if (!strcmp(table->fields[i], column))
			return table->fields[(row + 1) * table->columns + i];
	return NULL;
}

double table_number(const struct table *table, size_t row, const char *column)
{
	const char *text = table_get(table, row, column);
	char *end;
	double number;

	if (!text || !*text)
		return NAN;
	number = strtod(text, &end);
	return *end ? NAN : number;
}
