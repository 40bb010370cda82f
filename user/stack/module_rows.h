/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The unwind rows of a module that have been asked for. Functions look alike, so
 * equal rows are kept once; by address there is only a pointer, or the reason
 * why there is no row.
 *
 * Addresses are forgotten when there are too many of them in all modules
 * together: those of the module that has most. Rows stay.
 */
#ifndef TIDEMARK_STACK_MODULE_ROWS_H
#define TIDEMARK_STACK_MODULE_ROWS_H

#include <stdint.h>

#include "user/stack/unwind_row.h"

/* Of all modules together; one takes 16 bytes, its free neighbour as much. */
#define MODULE_ADDRESSES_MAX (1U << 20)

/* Of distinct rows in a module. Those of libLLVM and rustc take about 100 KiB. */
#define MODULE_ROW_BYTES_MAX (2U << 20)

struct module_rows_slot {
	uint64_t address;
	const struct unwind_row *row; /* NULL: free; below 4096: a positive errno */
};

struct module_rows {
	struct module_rows_slot *slots; /* open addressing, a power of two */
	uint32_t slot_bits;		/* log2 of their number, 0: none */
	uint32_t count;
	struct unwind_row **rows; /* distinct, open addressing, a power of two */
	uint32_t row_capacity;
	uint32_t row_count;
	uint64_t row_bytes;
	struct module_rows *next; /* all there are */
	struct module_rows *previous;
};

static inline uint32_t module_rows_slot(const struct module_rows *rows, uint64_t address)
{
	return (uint32_t)(address * 0x9e3779b97f4a7c15ULL >> (64 - rows->slot_bits));
}

/* 1: the address was not asked for yet; else what module_row() says. */
static inline int module_rows_find(const struct module_rows *rows, uint64_t address,
				   const struct unwind_row **row)
{
	const struct unwind_row *found;
	uint32_t at;

	if (!rows->slot_bits)
		return 1;
	for (at = module_rows_slot(rows, address); rows->slots[at].row;
	     at = (at + 1) & ((1U << rows->slot_bits) - 1)) {
		if (rows->slots[at].address != address)
			continue;
		found = rows->slots[at].row;
		if ((uintptr_t)found < 4096)
			return -(int)(uintptr_t)found;
		*row = found;
		return 0;
	}
	return 1;
}

void module_rows_open(struct module_rows *rows);
void module_rows_close(struct module_rows *rows);

/* Takes a row; *kept is it, or its equal. -ENOMEM also past MODULE_ROW_BYTES_MAX. */
int module_rows_keep(struct module_rows *rows, struct unwind_row *row,
		     const struct unwind_row **kept);

/* Remembers the answer for an address: a row, or NULL and the negative errno. Best effort. */
void module_rows_answer(struct module_rows *rows, uint64_t address, const struct unwind_row *row,
			int error);

uint64_t module_rows_memory(const struct module_rows *rows);

#endif
