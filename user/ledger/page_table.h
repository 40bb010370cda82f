/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The shadow page table: which anonymous pages of a process are resident, and
 * for each who touched it first and when. A radix tree over the address as the
 * CPU's own is, 512-way, with a leaf per 2 MiB that holds one packed entry per
 * resident page: 8 bytes a page plus 96 a leaf; 12 where invocations are marked.
 *
 * Addresses are bytes and may be unaligned where said; ranges are [start, end)
 * with both on page boundaries. Address bits above 56 do not exist in user
 * space (5-level paging) and are refused.
 */
#ifndef TIDEMARK_LEDGER_PAGE_TABLE_H
#define TIDEMARK_LEDGER_PAGE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/base/units.h"

#define LEAF_SHIFT 21
#define LEAF_PAGES 512
#define LEAF_WORDS (LEAF_PAGES / 64)
#define LEAF_BYTES ((uint64_t)1 << LEAF_SHIFT)
#define PAGE_TABLE_LIMIT ((uint64_t)1 << 57)

/* birth: on the ledger's clock, see LEDGER_TICK_NS; 0: before the watch began. */
struct page_entry {
	uint32_t birth;
	uint32_t provenance : 31; /* index into the ledger's provenances */
	uint32_t lazy : 1;	  /* MADV_FREE, and not known to be rewritten */
};

/*
 * stamps: the invocation that a page was first touched in, 0: in none. Made with the leaf's first
 * page that was touched in one, so that who marks none pays 8 bytes a leaf.
 */
struct page_leaf {
	uint64_t present[LEAF_WORDS];
	struct page_entry *entries; /* in address order, one per bit of present */
	uint32_t *stamps;	    /* of these; NULL: all 0 */
	uint16_t count;
	uint16_t capacity;
	uint16_t lazy;	/* entries with lazy set */
	uint16_t young; /* born in interval `epoch` */
	uint32_t epoch;
};

/* A page with a stamp is resident no more. It must not use the table. */
typedef void (*page_gone_fn)(void *ctx, uint32_t stamp);

struct page_table {
	void *root;
	page_gone_fn gone; /* NULL: nobody wants to know */
	void *gone_ctx;
	uint64_t pages; /* resident */
	uint64_t lazy;	/* of these, lazily freed */
	uint64_t young; /* of these, born in the present interval */
	uint64_t leaves;
	uint64_t bytes;	       /* memory the tree takes, as malloc rounds it */
	uint32_t epoch;	       /* number of the present interval */
	uint32_t young_since;  /* start of the present interval, a birth */
	uint64_t cached_index; /* the last leaf used, + 1; 0: none */
	struct page_leaf *cached;
};

/* What a walk over a range met. */
struct page_tally {
	uint64_t pages;
	uint64_t lazy;
	uint64_t young;
};

/* Each stamped page is gone then. The table is empty, its epoch 0; `gone` stays. */
void page_table_free(struct page_table *table);

/* An interval begins: pages with an earlier birth are not young any more. O(1). */
void page_table_begin_interval(struct page_table *table, uint32_t since);

/* NULL if the page holding addr is not resident. Valid until the next change. */
struct page_entry *page_table_find(const struct page_table *table, uint64_t addr);

/*
 * Makes the page holding addr resident. Returns 1 if it was not (entry stored),
 * 0 if it was (entry ignored, a lazy mark cleared: the page is live again),
 * -ENOMEM, or -EINVAL past PAGE_TABLE_LIMIT.
 */
int page_table_add(struct page_table *table, uint64_t addr, struct page_entry entry);

/* The same for a page that was first touched in an invocation. */
int page_table_add_stamped(struct page_table *table, uint64_t addr, struct page_entry entry,
			   uint32_t stamp);

/* The stamp of the page holding addr; 0 if it has none or is not resident. */
uint32_t page_table_stamp(const struct page_table *table, uint64_t addr);

/* Removes the pages of a range; what they were is added to *tally (may be NULL). */
void page_table_remove(struct page_table *table, uint64_t start, uint64_t end,
		       struct page_tally *tally);

/* Sets or clears the lazy mark on the resident pages of a range; returns how many changed. */
uint64_t page_table_mark_lazy(struct page_table *table, uint64_t start, uint64_t end, bool lazy);

/* Counts the pages of a range: whole leaves by their counters. */
void page_table_count(const struct page_table *table, uint64_t start, uint64_t end,
		      struct page_tally *tally);

/*
 * Moves the pages of [start, end) of one table to `to` in another, keeping who
 * and when; pages already there stay, and what would have come in their place is
 * gone: nothing else is. -ENOMEM loses none of those not yet moved.
 */
int page_table_move(struct page_table *from, uint64_t start, uint64_t end, struct page_table *into,
		    uint64_t to);

/*
 * Copies all pages, as fork does, with their entries but not their stamps: the
 * child has run no invocation. into is empty, and in the same interval. -ENOMEM
 * leaves a part of them there.
 */
int page_table_clone(const struct page_table *from, struct page_table *into);

/* The leaf that holds addr, or NULL. */
struct page_leaf *page_table_leaf(const struct page_table *table, uint64_t addr);

/*
 * The first leaf at or after addr and before end, or NULL; its start in *at.
 * Skips what is empty by whole subtrees.
 */
struct page_leaf *page_table_next(const struct page_table *table, uint64_t addr, uint64_t end,
				  uint64_t *at);

/* Entry of a resident page by its number in the leaf. */
static inline unsigned int leaf_rank(const struct page_leaf *leaf, unsigned int page)
{
	unsigned int rank = 0;

	for (unsigned int word = 0; word < page / 64; word++)
		rank += (unsigned int)__builtin_popcountll(leaf->present[word]);
	return rank + (unsigned int)__builtin_popcountll(leaf->present[page / 64] &
							 ((1ULL << (page % 64)) - 1));
}

static inline bool leaf_has(const struct page_leaf *leaf, unsigned int page)
{
	return leaf->present[page / 64] >> (page % 64) & 1;
}

#endif
