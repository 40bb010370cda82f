/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The functions of one module, sorted by address. Names stay in the file and
 * are read when asked for: a table takes 24 bytes a function, whatever they are called.
 */
#ifndef TIDEMARK_STACK_SYMBOL_TABLE_H
#define TIDEMARK_STACK_SYMBOL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/base/elf_file.h"
#include "user/stack/spans.h"

/* A browser with all its symbols has a million functions. */
#define SYMBOL_TABLE_MAX ((size_t)4 << 20)

/* Longer names are cut: it is the start that tells. */
#define SYMBOL_NAME_MAX 4096

/* Where the names of some of the symbols are. */
struct symbol_names {
	struct elf_bytes bytes;
	uint64_t offset; /* of the string table */
	uint64_t size;
	uint8_t *owned; /* bytes.image, if it is the table's */
};

#define SYMBOL_TABLE_SOURCES 3

struct symbol_table {
	struct spans functions;
	struct symbol_names names[SYMBOL_TABLE_SOURCES];
	size_t source_count;
};

/*
 * Adds the functions of a file's .symtab, else, of .gnu_debugdata and .dynsym; call
 * symbol_table_settle() when all is added. The file's bytes stay borrowed.
 * 0, -ENOENT: no symbols; -EFBIG: more than SYMBOL_TABLE_MAX; -ENOMEM; -EIO.
 */
int symbol_table_add(struct symbol_table *table, const struct elf_file *file);
int symbol_table_add_dynamic(struct symbol_table *table, const struct elf_file *file);
int symbol_table_settle(struct symbol_table *table);

/* Copies the name of the function that covers an address, without its version; false: none. */
bool symbol_table_name(const struct symbol_table *table, uint64_t address,
		       char name[SYMBOL_NAME_MAX]);

/*
 * Calls back with the name of every function, in the order of addresses, until that returns
 * true; also if none did, false. Reads the file once for each.
 */
bool symbol_table_any(const struct symbol_table *table, bool (*is)(void *ctx, const char *name),
		      void *ctx);

uint64_t symbol_table_memory(const struct symbol_table *table);
void symbol_table_free(struct symbol_table *table);

#endif
