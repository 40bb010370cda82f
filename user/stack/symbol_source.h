/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the names of one module come from: the best table of symbols there is, the
 * file that has its DWARF, or the list of a JIT compiler.
 */
#ifndef TIDEMARK_STACK_SYMBOL_SOURCE_H
#define TIDEMARK_STACK_SYMBOL_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/stack/perf_map.h"
#include "user/stack/reader.h"
#include "user/stack/stacks.h"
#include "user/stack/symbol_table.h"

struct symbol_settings {
	const char *debug_directory; /* DEBUG_DIRECTORY, but in tests */
	bool lines;		     /* look for DWARF */
	uint64_t unpacked_bytes;     /* most that packed DWARF may unpack to */
	uint64_t reader_bytes;	     /* most that a reader may take, with that */
	uint64_t table_bytes;	     /* of all symbol tables together */
};

struct symbol_source {
	bool opened;
	const struct module *of; /* borrowed: the file it was opened from; NULL: none was there */
	bool too_large;	   /* left alone: its size, or what it did to a reader; outlives closing */
	int own_fd;	   /* opened by path, for a recording; -1 */
	int debug_fd;	   /* the separate debug file; -1 */
	int dwarf_fd;	   /* borrowed: the file that has the DWARF; -1: none */
	uint64_t openings; /* so far; outlives closing */
	struct symbol_table table;
	struct perf_map map;
	struct reader *reader; /* of dwarf_fd, while it runs */
	uint8_t allocator;     /* which malloc() is in it, for frames.c; +1, 0: not asked yet */
};

/*
 * Opens and reads what there is. 0 or -ENOMEM: try again later. One that is not open is all
 * zeroes at first, and may be opened again.
 */
int symbol_source_open(struct symbol_source *source, const struct stack_module *module,
		       const struct symbol_settings *settings);
void symbol_source_close(struct symbol_source *source);

/* Changes whenever a name may be known that was not before. */
uint64_t symbol_source_version(const struct symbol_source *source);

uint64_t symbol_source_memory(const struct symbol_source *source);

#endif
