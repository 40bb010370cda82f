/* SPDX-License-Identifier: GPL-2.0-only */
/* Inside of struct symbols, for symbols.c, symbol_readers.c, frames.c and tests. */
#ifndef TIDEMARK_STACK_SYMBOLS_INTERNAL_H
#define TIDEMARK_STACK_SYMBOLS_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/base/intern.h"
#include "user/stack/symbol_source.h"
#include "user/stack/symbols.h"

/* What was found out about one frame. */
struct answer {
	uint64_t address;
	uint32_t module;
	uint32_t raw; /* number of the symbol's name; 0: none */
	bool has_raw;
	bool has_lines;
	bool cut_short;	  /* the batch had no time left: ask again in the next */
	uint64_t batch;	  /* when it was made */
	uint64_t version; /* of the JIT compiler's list then */
	struct symbol_lines lines;
};

/* Line arrays, which live as long as the symbols. */
struct line_block {
	struct line_block *next;
	struct symbol lines[];
};

struct symbols {
	const struct stacks *stacks;
	struct symbol_settings settings;
	struct symbol_source *sources; /* by number of the module */
	size_t source_count;
	struct answer **slots; /* open addressing; NULL: free */
	size_t slot_count;     /* power of two */
	size_t answer_count;
	struct line_block *blocks;
	uint64_t block_bytes;
	struct intern strings;
	uint32_t *demangled; /* by number of the mangled name; 0: not asked yet */
	size_t demangled_count;
	struct reader_host *host;	 /* NULL: it could not be started, or died */
	struct reader *demangler;	 /* while it runs */
	unsigned int demangler_failures; /* in this batch */
	unsigned int readers;		 /* with DWARF, that run */
	uint64_t batch;
	uint64_t waited_ns; /* for readers, in this batch */
	uint64_t wasted_ns; /* of that, for those that gave nothing; in all batches */
	uint64_t skipped;
	uint8_t *allocators; /* stack_allocator()'s answers, by number of the stack; +1, 0: none */
	size_t allocator_count;
};

/*
 * The source of a module's names, opened if it was not; NULL: no such module, or no
 * memory. *module is what the stacks know of it.
 */
struct symbol_source *symbols_source(struct symbols *symbols, uint32_t number,
				     const struct stack_module **module);

/* ---- symbol_readers.c ---- */

/* A line of DWARF, its strings by number; 0: not known. */
struct known_line {
	uint32_t name; /* mangled where it is */
	uint32_t file;
	uint32_t line;
};

/* Starts the host of the readers; where it cannot, the first question will. */
void symbols_start_host(struct symbols *symbols);

/* Ends it and all readers. */
void symbols_stop_host(struct symbols *symbols);

/*
 * What DWARF says of the address of an answer, which it marks if there was no time. Returns
 * how many lines, 0: nothing.
 */
size_t symbols_ask_lines(struct symbols *symbols, struct answer *answer,
			 struct known_line lines[DEBUG_LINES_MAX]);

/* A name as people write it, by number; the same one where it cannot be demangled. */
uint32_t symbols_demangle(struct symbols *symbols, uint32_t name, struct answer *answer);

/* CLOCK_MONOTONIC. */
uint64_t symbols_now_ns(void);

#endif
