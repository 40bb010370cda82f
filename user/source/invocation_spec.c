// SPDX-License-Identifier: GPL-2.0-only
#include "user/source/invocation_spec.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define GRAMMAR "usdt:PROVIDER:START,END, usdt:BINARY:PROVIDER:START,END or func:BINARY:FUNCTION"

struct parse {
	char *why;
	size_t size;
};

/* A stretch of the text. */
struct part {
	const char *start;
	size_t size;
};

__attribute__((format(printf, 2, 3))) static int refuse(const struct parse *parse,
							const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(parse->why, parse->size, format, args);
	va_end(args);
	return -EINVAL;
}

static struct part part_of(const char *text)
{
	return (struct part){text, strlen(text)};
}

/* Takes what is behind the last `mark` off `from`; false: there is none. */
static bool cut_last(struct part *from, char mark, struct part *last)
{
	const char *found = memrchr(from->start, mark, from->size);

	if (!found)
		return false;
	*last = (struct part){found + 1, from->size - (size_t)(found + 1 - from->start)};
	from->size = (size_t)(found - from->start);
	return true;
}

static int copy_part(const struct parse *parse, const char *what, const struct part *part,
		     char *into, size_t size)
{
	if (!part->size)
		return refuse(parse, "%s is empty: give " GRAMMAR, what);
	if (part->size >= size)
		return refuse(parse, "%s is too long: at most %zu bytes", what, size - 1);
	memcpy(into, part->start, part->size);
	into[part->size] = '\0';
	return 0;
}

/* What follows a BINARY must not be empty: without a BINARY there is no ':' either. */
static int copy_binary(const struct parse *parse, const struct part *part,
		       struct invocation_spec *spec)
{
	return copy_part(parse, "BINARY", part, spec->binary, sizeof(spec->binary));
}

static int parse_usdt(const struct parse *parse, struct part rest, struct invocation_spec *spec)
{
	struct part provider, begin, end, probes;
	bool has_binary;
	int rc = 0;

	if (!cut_last(&rest, ':', &probes))
		return refuse(parse, "PROVIDER or the probes are missing: give "
				     "usdt:PROVIDER:START,END");
	has_binary = cut_last(&rest, ':', &provider);
	if (!has_binary)
		provider = rest;
	begin = probes;
	if (!cut_last(&begin, ',', &end) || !end.size)
		return refuse(parse, "the probe at the end of an invocation is missing: give "
				     "START,END");
	if (memchr(begin.start, ',', begin.size))
		return refuse(parse, "there are more than two probes: give START,END");
	if (has_binary)
		rc = copy_binary(parse, &rest, spec);
	if (!rc)
		rc = copy_part(parse, "PROVIDER", &provider, spec->provider,
			       sizeof(spec->provider));
	if (!rc)
		rc = copy_part(parse, "START", &begin, spec->begin, sizeof(spec->begin));
	if (!rc)
		rc = copy_part(parse, "END", &end, spec->end, sizeof(spec->end));
	if (!rc && !strcmp(spec->begin, spec->end))
		rc = refuse(parse, "START and END are the same probe: an invocation needs two");
	return rc;
}

/* A name as people write it in C++ or Rust: ns::f, f(int), f<int>. */
static bool is_demangled(const struct part *rest, const struct part *function)
{
	const char *slash = memrchr(rest->start, '/', rest->size);
	const char *file = slash ? slash + 1 : rest->start;
	size_t room = (size_t)(function->start + function->size - file);

	return memmem(file, room, "::", 2) || function->start[strcspn(function->start, "(<> ")];
}

static int parse_function(const struct parse *parse, struct part rest, struct invocation_spec *spec)
{
	struct part function;
	int rc;

	if (!cut_last(&rest, ':', &function))
		return refuse(parse, "BINARY or FUNCTION is missing: give func:BINARY:FUNCTION");
	if (function.size && is_demangled(&rest, &function))
		return refuse(
			parse,
			"FUNCTION must be the mangled name, as `nm BINARY` prints it, such as "
			"_Z6handleP5order");
	rc = copy_binary(parse, &rest, spec);
	if (!rc)
		rc = copy_part(parse, "FUNCTION", &function, spec->begin, sizeof(spec->begin));
	return rc;
}

/* It is shown in messages of one line, and no file is called so. */
static bool has_control(const char *text)
{
	for (; *text; text++)
		if (iscntrl((unsigned char)*text))
			return true;
	return false;
}

int invocation_spec_parse(const char *text, struct invocation_spec *spec, char *why, size_t size)
{
	static const struct {
		const char *prefix;
		enum invocation_spec_kind kind;
		int (*parse)(const struct parse *, struct part, struct invocation_spec *);
	} kinds[] = {{"usdt:", INVOCATION_SPEC_USDT, parse_usdt},
		     {"func:", INVOCATION_SPEC_FUNCTION, parse_function}};
	const struct parse parse = {why, size};
	struct invocation_spec parsed = {.text = text};
	int rc;

	if (has_control(text))
		return refuse(&parse, "there is a control character in it");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		size_t length = strlen(kinds[i].prefix);

		if (strncmp(text, kinds[i].prefix, length) != 0)
			continue;
		parsed.kind = kinds[i].kind;
		rc = kinds[i].parse(&parse, part_of(text + length), &parsed);
		if (!rc)
			*spec = parsed;
		return rc;
	}
	return refuse(&parse, "unknown kind: give " GRAMMAR);
}
