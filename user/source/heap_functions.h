/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The functions of allocators: which of their arguments tells what. One const table, sorted by
 * name.
 */
#ifndef TIDEMARK_SOURCE_HEAP_FUNCTIONS_H
#define TIDEMARK_SOURCE_HEAP_FUNCTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/event.h"
#include "bpf/heap.h"

#define HEAP_NO_ARGUMENT (-1)

/* More than a table of names has in one file: mimalloc's have about 80. */
#define HEAP_FUNCTIONS_MAX 128

struct heap_function {
	const char *name;
	enum heap_kind kind;
	/* by position, from 0; HEAP_NO_ARGUMENT: it has no such. The size of RESIZE is its result.
	 */
	int8_t arguments[HEAP_ARGUMENT_TOTAL];
	/*
	 * An operator of C++: those of the standard library call malloc, so they are probed in
	 * files of allocators only, which have their own.
	 */
	bool is_operator;
};

/*
 * The function of that name; jemalloc's also with the prefix it is given where it is built in:
 * je_malloc, _rjem_malloc. NULL: none.
 */
const struct heap_function *heap_function_find(const char *name);

/* All of them, for those who look at the table. */
const struct heap_function *heap_functions(size_t *count);

/* Whose functions they are, by the name of one that only it has; ALLOCATOR_UNKNOWN. */
enum event_allocator heap_function_owner(const char *name);

#endif
