/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names for the frames of stacks, looked up when they are shown or exported and
 * kept: never on the event path. Sources, best first: .symtab of the file or of
 * its separate debug file (by build id below /usr/lib/debug, or .gnu_debuglink),
 * .gnu_debugdata, .dynsym; /tmp/perf-PID.map for JIT code. C++ and Rust names are
 * demangled. With DWARF, source lines and inlined functions.
 *
 * DWARF and mangled names are read by processes apart (reader.h), which may be waited
 * for: milliseconds as a rule, 3 s for a file that they cannot cope with, and no more
 * than twice that between two calls of symbols_rest().
 *
 * Not thread safe.
 */
#ifndef TIDEMARK_STACK_SYMBOLS_H
#define TIDEMARK_STACK_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/stack/stacks.h"

/* One line of a shown stack. Strings live as long as the symbols. */
struct symbol {
	/*
	 * Demangled; where no symbol covers the address, "NAME+0xOFFSET" with the
	 * module's base name and the address in it. Never NULL or "".
	 */
	const char *name;
	const char *file; /* "" if not known */
	uint32_t line;	  /* 0 if not known */
	bool known;	  /* name is a symbol's */
	bool inlined;	  /* into the next one */
};

/* The lines of one frame: inlined functions innermost first, then the function itself. */
struct symbol_lines {
	const struct symbol *lines;
	size_t count; /* at least 1 */
};

struct symbols;

/*
 * Borrows the stacks. lines: look into DWARF as well. NULL without memory. Forks, so call it
 * before threads start, memory grows, and the right to change users is dropped.
 */
struct symbols *symbols_new(const struct stacks *stacks, bool lines);
void symbols_free(struct symbols *symbols);

struct symbol_lines symbols_of(struct symbols *symbols, const struct event_frame *frame);

/*
 * The symbol that covers an address of a module, as in the file (not demangled) or NULL.
 * Only from symbol tables: cheap enough for every frame of every stack.
 */
const char *symbols_raw_name(struct symbols *symbols, const struct event_frame *frame);

/* Ends a batch of look-ups: gives the memory of DWARF back; the answers stay. */
void symbols_rest(struct symbols *symbols);

/* Modules whose debug information was left alone because it is too large, so far. */
uint64_t symbols_skipped(const struct symbols *symbols);
uint64_t symbols_memory(const struct symbols *symbols);

#endif
