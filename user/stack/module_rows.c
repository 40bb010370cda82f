// SPDX-License-Identifier: GPL-2.0-only
#include "user/stack/module_rows.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#define SLOT_BITS_MIN 6
#define ROWS_MIN 32

static struct module_rows all = {.next = &all, .previous = &all};
static uint32_t addresses; /* of all */

void module_rows_open(struct module_rows *rows)
{
	memset(rows, 0, sizeof(*rows));
	rows->next = &all;
	rows->previous = all.previous;
	all.previous->next = rows;
	all.previous = rows;
}

static void addresses_forget(struct module_rows *rows)
{
	addresses -= rows->count;
	free(rows->slots);
	rows->slots = NULL;
	rows->slot_bits = 0;
	rows->count = 0;
}

void module_rows_close(struct module_rows *rows)
{
	addresses_forget(rows);
	for (uint32_t i = 0; i < rows->row_capacity; i++)
		free(rows->rows[i]);
	free(rows->rows);
	rows->next->previous = rows->previous;
	rows->previous->next = rows->next;
	memset(rows, 0, sizeof(*rows));
}

static void addresses_make_room(void)
{
	struct module_rows *most = &all;

	if (addresses < MODULE_ADDRESSES_MAX)
		return;
	for (struct module_rows *rows = all.next; rows != &all; rows = rows->next)
		if (rows->count > most->count)
			most = rows;
	addresses_forget(most);
}

static void slot_put(struct module_rows *rows, struct module_rows_slot slot)
{
	uint32_t at = module_rows_slot(rows, slot.address);

	while (rows->slots[at].row)
		at = (at + 1) & ((1U << rows->slot_bits) - 1);
	rows->slots[at] = slot;
}

static int slots_grow(struct module_rows *rows)
{
	uint32_t count = rows->slot_bits ? 1U << rows->slot_bits : 0;
	uint32_t bits = rows->slot_bits ? rows->slot_bits + 1 : SLOT_BITS_MIN;
	struct module_rows_slot *old = rows->slots;
	struct module_rows_slot *slots = calloc((size_t)1 << bits, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	rows->slots = slots;
	rows->slot_bits = bits;
	for (uint32_t i = 0; i < count; i++)
		if (old[i].row)
			slot_put(rows, old[i]);
	free(old);
	return 0;
}

void module_rows_answer(struct module_rows *rows, uint64_t address, const struct unwind_row *row,
			int error)
{
	const struct unwind_row *answer = row ? row : (const void *)(uintptr_t)-error;

	addresses_make_room();
	/* at most 2/3 full */
	if ((!rows->slot_bits || rows->count >= (2U << rows->slot_bits) / 3) && slots_grow(rows))
		return;
	slot_put(rows, (struct module_rows_slot){.address = address, .row = answer});
	rows->count++;
	addresses++;
}

static bool expressions_equal(const struct unwind_expression *a, const struct unwind_expression *b)
{
	if (a->count != b->count)
		return false;
	for (uint32_t i = 0; i < a->count; i++)
		if (a->operations[i].atom != b->operations[i].atom ||
		    a->operations[i].number != b->operations[i].number ||
		    a->operations[i].number2 != b->operations[i].number2)
			return false;
	return true;
}

static uint32_t expression_count(const struct unwind_row *row)
{
	uint32_t count = row->cfa_is_expression;

	for (uint32_t i = 0; i < row->rule_count; i++)
		count += row->rules[i].kind == RULE_EXPRESSION ||
			 row->rules[i].kind == RULE_VAL_EXPRESSION;
	return count;
}

static bool rows_equal(const struct unwind_row *a, const struct unwind_row *b)
{
	if (a->signal_frame != b->signal_frame || a->cfa_is_expression != b->cfa_is_expression ||
	    a->cfa_reg != b->cfa_reg || a->return_reg != b->return_reg ||
	    a->rule_count != b->rule_count || a->cfa_offset != b->cfa_offset ||
	    memcmp(a->rules, b->rules, a->rule_count * sizeof(*a->rules)) != 0)
		return false;
	for (uint32_t i = 0, count = expression_count(a); i < count; i++)
		if (!expressions_equal(a->expressions[i], b->expressions[i]))
			return false;
	return true;
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15ULL;
	return hash ^ hash >> 32;
}

static uint32_t row_hash(const struct unwind_row *row)
{
	uint64_t hash = mix(row->cfa_reg | row->rule_count << 8, (uint32_t)row->cfa_offset);

	for (uint32_t i = 0; i < row->rule_count; i++)
		hash = mix(hash, row->rules[i].reg | row->rules[i].kind << 8 |
					 (uint64_t)(uint32_t)row->rules[i].offset << 32);
	for (uint32_t i = 0, count = expression_count(row); i < count; i++)
		for (uint32_t j = 0; j < row->expressions[i]->count; j++)
			hash = mix(mix(hash, row->expressions[i]->operations[j].atom),
				   row->expressions[i]->operations[j].number);
	return (uint32_t)hash;
}

/* The place of a row or of its equal. */
static struct unwind_row **row_place(struct unwind_row **rows, uint32_t capacity,
				     const struct unwind_row *row)
{
	uint32_t at = row_hash(row) & (capacity - 1);

	while (rows[at] && !rows_equal(rows[at], row))
		at = (at + 1) & (capacity - 1);
	return &rows[at];
}

static int rows_grow(struct module_rows *rows)
{
	uint32_t capacity = rows->row_capacity ? rows->row_capacity * 2 : ROWS_MIN;
	struct unwind_row **grown = calloc(capacity, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	for (uint32_t i = 0; i < rows->row_capacity; i++)
		if (rows->rows[i])
			*row_place(grown, capacity, rows->rows[i]) = rows->rows[i];
	free(rows->rows);
	rows->rows = grown;
	rows->row_capacity = capacity;
	return 0;
}

int module_rows_keep(struct module_rows *rows, struct unwind_row *row,
		     const struct unwind_row **kept)
{
	uint64_t bytes = malloc_usable_size(row) + sizeof(size_t);
	struct unwind_row **place;

	if (rows->row_count >= rows->row_capacity / 4 * 3 && rows_grow(rows)) {
		free(row);
		return -ENOMEM;
	}
	place = row_place(rows->rows, rows->row_capacity, row);
	if (*place) {
		free(row);
	} else if (rows->row_bytes + bytes > MODULE_ROW_BYTES_MAX) {
		free(row);
		return -ENOMEM;
	} else {
		*place = row;
		rows->row_count++;
		rows->row_bytes += bytes;
	}
	*kept = *place;
	return 0;
}

uint64_t module_rows_memory(const struct module_rows *rows)
{
	uint64_t slots = rows->slot_bits ? 1ULL << rows->slot_bits : 0;

	return slots * sizeof(*rows->slots) + rows->row_capacity * sizeof(struct unwind_row *) +
	       rows->row_bytes;
}
