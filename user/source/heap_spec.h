/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What --heap-probe names: a function of an allocator where there are no symbols to find it by.
 *
 *	malloc=BINARY+0xOFFSET
 *
 * The name says what the function does (heap_functions.h). OFFSET is that of its first byte in the
 * file, as readelf's or perf's offsets are. BINARY as in invocation_spec.h.
 */
#ifndef TIDEMARK_SOURCE_HEAP_SPEC_H
#define TIDEMARK_SOURCE_HEAP_SPEC_H

#include <stddef.h>
#include <stdint.h>

#include "user/source/heap_functions.h"

#define HEAP_SPECS_MAX 32

struct heap_spec {
	const char *text; /* as given, the caller's */
	const struct heap_function *function;
	char binary[4096]; /* PATH_MAX */
	uint64_t offset;
};

/* 0; -EINVAL with what is wrong, and what to give instead, in why[size]. */
int heap_spec_parse(const char *text, struct heap_spec *spec, char *why, size_t size);

#endif
