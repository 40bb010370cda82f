// SPDX-License-Identifier: GPL-2.0-only
#include "user/stack/demangle.h"

#include <setjmp.h>
#include <string.h>

#include <libiberty/demangle.h>

#define OPTIONS (DMGL_PARAMS | DMGL_ANSI)

bool name_is_mangled(const char *name)
{
	return name[0] == '_' && (name[1] == 'Z' || name[1] == 'R');
}

struct sink {
	char *text;
	size_t size;
	size_t used;
	jmp_buf full;
};

static void put(const char *piece, size_t length, void *opaque)
{
	struct sink *sink = opaque;
	size_t room = sink->size - 1 - sink->used;
	size_t taken = length < room ? length : room;

	if (taken)
		memcpy(sink->text + sink->used, piece, taken);
	sink->used += taken;
	/* there may be 2^100 more of it */
	if (taken < length)
		longjmp(sink->full, 1);
}

static bool run(const char *name, struct sink *sink)
{
	/* a legacy Rust name is a valid C++ name, too */
	if (rust_demangle_callback(name, OPTIONS, put, sink))
		return true;
	sink->used = 0;
	return cplus_demangle_v3_callback(name, OPTIONS, put, sink);
}

bool demangle(const char *name, char *text, size_t size)
{
	struct sink sink = {.text = text, .size = size};

	if (!setjmp(sink.full) && !run(name, &sink))
		return false;
	text[sink.used] = '\0';
	return sink.used;
}
