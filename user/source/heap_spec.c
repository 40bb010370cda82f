// SPDX-License-Identifier: GPL-2.0-only
#include "user/source/heap_spec.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GRAMMAR "malloc=BINARY+0xOFFSET, and the same for free, calloc, realloc, ..."

static int refuse(char *why, size_t size, const char *what)
{
	snprintf(why, size, "%s: give " GRAMMAR, what);
	return -EINVAL;
}

/* Copies [from, to). False: it is empty or does not fit. */
static bool copy_part(const char *from, const char *to, char *into, size_t size)
{
	size_t length = (size_t)(to - from);

	if (!length || length >= size)
		return false;
	memcpy(into, from, length);
	into[length] = '\0';
	return true;
}

static bool parse_offset(const char *text, uint64_t *offset)
{
	char *end;

	/* strtoull() takes signs and spaces, too */
	if (strncmp(text, "0x", 2) != 0 || !isxdigit((unsigned char)text[2]))
		return false;
	errno = 0;
	*offset = strtoull(text, &end, 16);
	return !*end && !errno && *offset && *offset <= INT64_MAX;
}

int heap_spec_parse(const char *text, struct heap_spec *spec, char *why, size_t size)
{
	const char *equals = strchr(text, '='), *plus = strrchr(text, '+');
	struct heap_spec parsed = {.text = text};
	char name[64];

	for (const char *at = text; *at; at++)
		if (iscntrl((unsigned char)*at))
			return refuse(why, size, "there is a control character in it");
	if (!equals || !copy_part(text, equals, name, sizeof(name)))
		return refuse(why, size, "the name of a function is missing");
	parsed.function = heap_function_find(name);
	if (!parsed.function)
		return refuse(why, size, "no function of an allocator has that name");
	if (!plus || plus < equals || !parse_offset(plus + 1, &parsed.offset))
		return refuse(
			why, size,
			"the offset of its first byte in the file, in hexadecimal, is missing");
	if (!copy_part(equals + 1, plus, parsed.binary, sizeof(parsed.binary)))
		return refuse(why, size, "BINARY is missing or too long");
	*spec = parsed;
	return 0;
}
