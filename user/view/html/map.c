// SPDX-License-Identifier: GPL-2.0-only
/* The map of the address space: a square per leaf of the page table, or per 2, 4, 8, ... leaves. */
#include <stdlib.h>

#include "user/base/cleanup.h"
#include "user/base/units.h"
#include "user/view/html/parts.h"

/* Leaves whose addresses agree above `shift` bits. Pages. */
struct square {
	uint64_t number; /* address >> shift */
	uint64_t resident;
	uint64_t retained;
	uint64_t lazy;
	uint64_t found;	    /* there when the watch began: their age is not known */
	uint64_t birth_sum; /* of the others */
};

static struct page_leaf *next_leaf(const struct page_table *pages, uint64_t after, uint64_t *at)
{
	return page_table_next(pages, after, PAGE_TABLE_LIMIT, at);
}

/* How many squares there would be. */
static size_t square_count(const struct page_table *pages, unsigned int shift)
{
	uint64_t at, last = UINT64_MAX;
	size_t count = 0;

	for (uint64_t from = 0; next_leaf(pages, from, &at); from = at + LEAF_BYTES) {
		count += at >> shift != last;
		last = at >> shift;
	}
	return count;
}

static void square_add(struct square *square, const struct page_leaf *leaf, uint32_t young_since)
{
	for (unsigned int i = 0; i < leaf->count; i++) {
		const struct page_entry *entry = &leaf->entries[i];

		square->resident++;
		square->retained += entry->birth < young_since;
		square->lazy += entry->lazy;
		square->found += !entry->birth;
		square->birth_sum += entry->birth;
	}
}

/* [number, resident, retained, lazy, found, mean age of the others or null] */
static json_t *square_json(const struct square *square, const struct ledger *ledger)
{
	uint64_t born = square->resident - square->found;
	double birth = (double)square->birth_sum / (double)born;

	return json_pack("[I, I, I, I, I, o]", (json_int_t)square->number,
			 (json_int_t)square->resident, (json_int_t)square->retained,
			 (json_int_t)square->lazy, (json_int_t)square->found,
			 born ? html_number(page_age_s(ledger, birth)) : json_null());
}

static json_t *squares_json(const struct ledger *ledger, unsigned int shift)
{
	const struct page_table *pages = &ledger->pages;
	struct square square = {.number = UINT64_MAX};
	json_t *squares = json_array();
	const struct page_leaf *leaf;
	uint64_t at;

	for (uint64_t from = 0; (leaf = next_leaf(pages, from, &at)); from = at + LEAF_BYTES) {
		if (at >> shift != square.number && square.resident)
			html_append(&squares, square_json(&square, ledger));
		if (at >> shift != square.number)
			square = (struct square){.number = at >> shift};
		square_add(&square, leaf, pages->young_since);
	}
	if (square.resident)
		html_append(&squares, square_json(&square, ledger));
	return squares;
}

/* ---- mappings: what a square is part of ---- */

static int compare_resident(const void *left, const void *right)
{
	const struct mapping_report *a = left, *b = right;

	if (a->resident != b->resident)
		return a->resident > b->resident ? -1 : 1;
	return a->start < b->start ? -1 : a->start > b->start;
}

static int compare_start(const void *left, const void *right)
{
	const struct mapping_report *a = left, *b = right;

	return a->start < b->start ? -1 : a->start > b->start;
}

/* Those to be told: the first of them, in address order. */
static size_t mappings_choose(struct mapping_report *reports, size_t count, json_t *notes)
{
	size_t chosen = 0;

	qsort(reports, count, sizeof(*reports), compare_resident);
	while (chosen < count && reports[chosen].resident)
		chosen++;
	if (chosen > HTML_MAPPINGS_MAX) {
		html_note(notes,
			  "The map names the %d mappings with the most resident pages, of %zu.",
			  HTML_MAPPINGS_MAX, chosen);
		chosen = HTML_MAPPINGS_MAX;
	}
	qsort(reports, chosen, sizeof(*reports), compare_start);
	return chosen;
}

/* Pages have numbers that fit a double; addresses with 57 bits do not. */
static json_t *mappings_json(const struct ledger *ledger, json_t *notes)
{
	AUTO_FREE struct mapping_report *reports = NULL;
	size_t count;
	json_t *mappings;

	if (ledger_report_mappings(ledger, &reports, &count))
		return NULL;
	count = mappings_choose(reports, count, notes);
	mappings = json_array();
	for (size_t i = 0; i < count; i++)
		html_append(&mappings,
			    json_pack("[I, I, s, o, o, I]",
				      (json_int_t)(reports[i].start >> PAGE_SHIFT),
				      (json_int_t)(reports[i].end >> PAGE_SHIFT),
				      mapping_kind_name(reports[i].kind),
				      html_text(reports[i].name), html_text(reports[i].owner),
				      (json_int_t)reports[i].resident));
	return mappings;
}

json_t *html_map(const struct process *process, json_t *notes)
{
	const struct ledger *ledger = process->ledger;
	unsigned int shift = LEAF_SHIFT;

	while (square_count(&ledger->pages, shift) > HTML_SQUARES_MAX)
		shift++;
	if (shift > LEAF_SHIFT)
		html_note(notes, "A square of the map stands for %llu MiB.", (1ULL << shift) >> 20);
	return json_pack("{s:i, s:o, s:o}", "shift", (int)shift, "squares",
			 squares_json(ledger, shift), "mappings", mappings_json(ledger, notes));
}
