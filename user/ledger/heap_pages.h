/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pages of a heap: how much of each is live, and how much of it has been handed out since the
 * probes came (covered). A leaf per 2 MiB, as the page table has them: 8 bytes a page and 232 a
 * leaf, and 64 more for a page that allocations begin in, or that is covered in part. Whole leaves
 * inside one allocation, and what is known because it was mapped since, are kept as ranges.
 *
 * Of one page in 2^shift only: in every aligned group of so many pages one is chosen, by a hash of
 * the page's number; those of a greater shift are among those of a smaller one.
 *
 * Covered is counted in granules of 16 bytes; one that is not wholly covered is not covered.
 */
#ifndef TIDEMARK_LEDGER_HEAP_PAGES_H
#define TIDEMARK_LEDGER_HEAP_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/ledger/mapping.h"
#include "user/ledger/page_table.h"

#define GRANULE_SHIFT 4
#define GRANULE_BYTES ((uint64_t)1 << GRANULE_SHIFT)
#define PAGE_GRANULES (PAGE_BYTES >> GRANULE_SHIFT)
#define BLOCK_WORDS (PAGE_GRANULES / 64)

#define HEAP_SHIFT_MAX 24
#define HEAP_CHUNK_BLOCKS 4096

/* A page in detail: one line of the CPU's cache. */
struct heap_block {
	uint64_t covered[BLOCK_WORDS];
	uint64_t starts[BLOCK_WORDS]; /* an allocation begins in the granule */
};

struct heap_slot {
	uint32_t block;	 /* its number, from 1; 0: none */
	uint16_t live;	 /* bytes, of allocations that do not cover the page */
	uint16_t starts; /* granules that allocations begin in */
};

/* Bits are by slot: the chosen pages of the leaf, in order. */
struct heap_leaf {
	uint64_t index;		      /* address >> LEAF_SHIFT */
	uint64_t full[LEAF_WORDS];    /* inside one live allocation */
	uint64_t covered[LEAF_WORDS]; /* wholly */
	uint64_t blocks[LEAF_WORDS];  /* with a block */
	uint32_t epoch;		      /* of what is covered */
	uint32_t starts;	      /* sum over the slots */
	uint32_t block_count;
	struct heap_slot slots[];
};

struct heap_pages {
	unsigned int shift;
	uint32_t epoch;		   /* what was covered in an earlier one is not known any more */
	struct heap_leaf **leaves; /* open addressing by index */
	uint64_t leaf_slots;	   /* a power of two, or 0 */
	uint64_t leaf_count;
	struct heap_leaf *cached; /* the last one used, or NULL */
	struct heap_block **chunks;
	uint32_t chunk_count;
	uint32_t block_free;	  /* a list through covered[0]; 0: empty */
	uint32_t block_limit;	  /* handed out so far, of those in chunks */
	uint64_t block_count;	  /* in use */
	struct mapping_map big;	  /* whole leaves in one allocation; attr.base is its address */
	struct mapping_map known; /* nothing older than the probes is in there */
};

/* Numbers of groups, and so of chosen pages: [from, to). */
struct page_groups {
	uint64_t from;
	uint64_t to;
};

/* The number (address >> PAGE_SHIFT) of the page that is chosen in a group. */
uint64_t heap_pages_chosen(const struct heap_pages *pages, uint64_t group);

/* The chosen pages of those that hold [start, end). */
struct page_groups heap_pages_groups(const struct heap_pages *pages, uint64_t start, uint64_t end);

/* An allocation at addr takes [start, end), which holds addr. 0, or -ENOMEM: nothing is changed. */
int heap_pages_add(struct heap_pages *pages, uint64_t addr, uint64_t start, uint64_t end);

/* It is gone; what it covered stays covered. */
void heap_pages_remove(struct heap_pages *pages, uint64_t addr, uint64_t start, uint64_t end);

/* The first granule of [start, end) that an allocation begins in; false: there is none. */
bool heap_pages_next_start(const struct heap_pages *pages, uint64_t start, uint64_t end,
			   uint64_t *granule);

/*
 * Something that begins before addr and may reach beyond it: the granule that it begins in, or
 * for a big one its address. false: there is none.
 */
bool heap_pages_start_before(const struct heap_pages *pages, uint64_t addr, uint64_t *granule);

/* A range is fresh from the kernel: nothing older is in it. Whole pages. */
void heap_pages_know(struct heap_pages *pages, uint64_t start, uint64_t end);

/* A range holds what was elsewhere before: it is not known. Whole pages. */
void heap_pages_doubt(struct heap_pages *pages, uint64_t start, uint64_t end);

/* Nothing is known or covered any more; what is live stays. */
void heap_pages_doubt_all(struct heap_pages *pages);

/* Forgets what is in leaves wholly inside the range. Nothing in it is live. */
void heap_pages_forget(struct heap_pages *pages, uint64_t start, uint64_t end);

/* One page in twice as many from now on. */
void heap_pages_thin(struct heap_pages *pages);

/* Of the leaf that holds addr, or NULL. */
struct heap_leaf *heap_pages_leaf(const struct heap_pages *pages, uint64_t addr);

/* Bits of what is known in the leaf at `at`, by page. */
void heap_pages_known(const struct heap_pages *pages, const struct heap_leaf *leaf, uint64_t at,
		      uint64_t bits[LEAF_WORDS]);

/* All is gone, the shift is 0 again. */
void heap_pages_clear(struct heap_pages *pages);

uint64_t heap_pages_memory(const struct heap_pages *pages);

/* heap_leaves.c: the leaves and blocks themselves */

/* Slots of a leaf. */
unsigned int heap_leaf_slots(const struct heap_pages *pages);

/* The slot of a group in the leaf it lies in. */
unsigned int heap_leaf_slot(const struct heap_pages *pages, uint64_t group);

/* The leaf that holds addr, made if need be, its cover up to date; NULL without memory. */
struct heap_leaf *heap_leaf_get(struct heap_pages *pages, uint64_t addr);

/* What was covered in an earlier epoch is so no more. */
void heap_leaf_sync(struct heap_pages *pages, struct heap_leaf *leaf);

/* The slot's block; the first makes one, NULL without memory; the second gives it back. */
struct heap_block *heap_block_get(struct heap_pages *pages, struct heap_leaf *leaf,
				  unsigned int slot);
void heap_block_drop(struct heap_pages *pages, struct heap_leaf *leaf, unsigned int slot);

static inline struct heap_block *heap_block_at(const struct heap_pages *pages, uint32_t number)
{
	return &pages->chunks[(number - 1) / HEAP_CHUNK_BLOCKS][(number - 1) % HEAP_CHUNK_BLOCKS];
}

static inline bool slot_bit(const uint64_t *bits, unsigned int slot)
{
	return bits[slot / 64] >> (slot % 64) & 1;
}

#endif
