// SPDX-License-Identifier: GPL-2.0-only
/* The leaves of heap_pages.h: found by number, and the blocks of their pages. */
#include "user/ledger/heap_pages.h"

#include <stdlib.h>
#include <string.h>

#define LEAF_SLOTS_MIN 64
#define LEAF_PAGE_SHIFT (LEAF_SHIFT - PAGE_SHIFT)

unsigned int heap_leaf_slots(const struct heap_pages *pages)
{
	return pages->shift < LEAF_PAGE_SHIFT ? LEAF_PAGES >> pages->shift : 1;
}

unsigned int heap_leaf_slot(const struct heap_pages *pages, uint64_t group)
{
	return (unsigned int)(group & (heap_leaf_slots(pages) - 1));
}

static size_t leaf_size(unsigned int slots)
{
	return sizeof(struct heap_leaf) + slots * sizeof(struct heap_slot);
}

static uint64_t leaf_home(const struct heap_pages *pages, uint64_t index)
{
	return (index * 0x9e3779b97f4a7c15ULL) >> 32 & (pages->leaf_slots - 1);
}

/* Where a leaf is, or would be. */
static struct heap_leaf **leaf_place(const struct heap_pages *pages, uint64_t index)
{
	uint64_t at = leaf_home(pages, index);

	while (pages->leaves[at] && pages->leaves[at]->index != index)
		at = (at + 1) & (pages->leaf_slots - 1);
	return &pages->leaves[at];
}

struct heap_leaf *heap_pages_leaf(const struct heap_pages *pages, uint64_t addr)
{
	uint64_t index = addr >> LEAF_SHIFT;

	if (pages->cached && pages->cached->index == index)
		return pages->cached;
	return pages->leaf_count ? *leaf_place(pages, index) : NULL;
}

static bool leaves_grow(struct heap_pages *pages)
{
	struct heap_pages bigger = *pages;

	if (pages->leaf_count * 2 < pages->leaf_slots)
		return true;
	bigger.leaf_slots = pages->leaf_slots ? pages->leaf_slots * 2 : LEAF_SLOTS_MIN;
	bigger.leaves = calloc(bigger.leaf_slots, sizeof(struct heap_leaf *));
	if (!bigger.leaves)
		return false;
	for (uint64_t i = 0; i < pages->leaf_slots; i++)
		if (pages->leaves[i])
			*leaf_place(&bigger, pages->leaves[i]->index) = pages->leaves[i];
	free(pages->leaves);
	*pages = bigger;
	return true;
}

struct heap_leaf *heap_leaf_get(struct heap_pages *pages, uint64_t addr)
{
	struct heap_leaf *leaf = heap_pages_leaf(pages, addr);

	if (!leaf) {
		if (!leaves_grow(pages))
			return NULL;
		leaf = calloc(1, leaf_size(heap_leaf_slots(pages)));
		if (!leaf)
			return NULL;
		leaf->index = addr >> LEAF_SHIFT;
		leaf->epoch = pages->epoch;
		*leaf_place(pages, leaf->index) = leaf;
		pages->leaf_count++;
	}
	pages->cached = leaf;
	heap_leaf_sync(pages, leaf);
	return leaf;
}

/* Calls fn on each slot with a block. */
#define FOR_EACH_BLOCK(leaf, slot)                                                                 \
	for (unsigned int word_ = 0; word_ < LEAF_WORDS; word_++)                                  \
		for (uint64_t rest_ = (leaf)->blocks[word_];                                       \
		     rest_ && ((slot) = word_ * 64 + (unsigned int)__builtin_ctzll(rest_), true);  \
		     rest_ &= rest_ - 1)

void heap_leaf_sync(struct heap_pages *pages, struct heap_leaf *leaf)
{
	unsigned int slot;

	if (leaf->epoch == pages->epoch)
		return;
	leaf->epoch = pages->epoch;
	memset(leaf->covered, 0, sizeof(leaf->covered));
	FOR_EACH_BLOCK(leaf, slot)
	{
		if (leaf->slots[slot].starts)
			memset(heap_block_at(pages, leaf->slots[slot].block)->covered, 0,
			       sizeof(((struct heap_block *)0)->covered));
		else
			heap_block_drop(pages, leaf, slot);
	}
}

static bool chunk_add(struct heap_pages *pages)
{
	struct heap_block **chunks =
		reallocarray(pages->chunks, pages->chunk_count + 1, sizeof(struct heap_block *));
	struct heap_block *chunk;

	if (!chunks)
		return false;
	pages->chunks = chunks;
	chunk = aligned_alloc(sizeof(*chunk), HEAP_CHUNK_BLOCKS * sizeof(*chunk));
	if (!chunk)
		return false;
	chunks[pages->chunk_count++] = chunk;
	return true;
}

struct heap_block *heap_block_get(struct heap_pages *pages, struct heap_leaf *leaf,
				  unsigned int slot)
{
	uint32_t number = leaf->slots[slot].block;
	struct heap_block *block;

	if (number)
		return heap_block_at(pages, number);
	if (pages->block_free) {
		number = pages->block_free;
		pages->block_free = (uint32_t)heap_block_at(pages, number)->covered[0];
	} else {
		if (pages->block_limit == pages->chunk_count * HEAP_CHUNK_BLOCKS &&
		    !chunk_add(pages))
			return NULL;
		number = ++pages->block_limit;
	}
	block = heap_block_at(pages, number);
	memset(block, 0, sizeof(*block));
	leaf->slots[slot].block = number;
	leaf->blocks[slot / 64] |= 1ULL << (slot % 64);
	leaf->block_count++;
	pages->block_count++;
	return block;
}

void heap_block_drop(struct heap_pages *pages, struct heap_leaf *leaf, unsigned int slot)
{
	uint32_t number = leaf->slots[slot].block;

	heap_block_at(pages, number)->covered[0] = pages->block_free;
	pages->block_free = number;
	pages->block_count--;
	leaf->starts -= leaf->slots[slot].starts;
	leaf->slots[slot].starts = 0;
	leaf->slots[slot].block = 0;
	leaf->blocks[slot / 64] &= ~(1ULL << (slot % 64));
	leaf->block_count--;
}

static void leaf_free(struct heap_pages *pages, struct heap_leaf *leaf)
{
	unsigned int slot;

	FOR_EACH_BLOCK(leaf, slot)
	heap_block_drop(pages, leaf, slot);
	free(leaf);
}

/* Empties a place; those behind it that it kept from their own move up. */
static void leaf_unplace(struct heap_pages *pages, uint64_t at)
{
	uint64_t mask = pages->leaf_slots - 1;

	if (pages->cached == pages->leaves[at])
		pages->cached = NULL;
	pages->leaves[at] = NULL;
	pages->leaf_count--;
	for (at = (at + 1) & mask; pages->leaves[at]; at = (at + 1) & mask) {
		struct heap_leaf *leaf = pages->leaves[at];

		pages->leaves[at] = NULL;
		*leaf_place(pages, leaf->index) = leaf;
	}
}

void heap_pages_forget(struct heap_pages *pages, uint64_t start, uint64_t end)
{
	uint64_t first = (start + LEAF_BYTES - 1) >> LEAF_SHIFT, last = end >> LEAF_SHIFT;

	if (!pages->leaf_count)
		return;
	for (uint64_t index = first; index < last; index++) {
		struct heap_leaf **place = leaf_place(pages, index);

		if (!*place)
			continue;
		leaf_free(pages, *place);
		leaf_unplace(pages, (uint64_t)(place - pages->leaves));
	}
}

static void bit_move(uint64_t *bits, unsigned int from, unsigned int to)
{
	uint64_t bit = slot_bit(bits, from);

	bits[to / 64] = (bits[to / 64] & ~(1ULL << (to % 64))) | bit << (to % 64);
}

static void bits_cut(uint64_t *bits, unsigned int count)
{
	for (unsigned int word = 0; word < LEAF_WORDS; word++)
		if (word * 64 >= count)
			bits[word] = 0;
		else if (count - word * 64 < 64)
			bits[word] &= (1ULL << (count - word * 64)) - 1;
}

static void slot_move(struct heap_pages *pages, struct heap_leaf *leaf, unsigned int from,
		      unsigned int to)
{
	if (from == to)
		return;
	if (leaf->slots[to].block)
		heap_block_drop(pages, leaf, to);
	leaf->slots[to] = leaf->slots[from];
	leaf->slots[from] = (struct heap_slot){0};
	bit_move(leaf->full, from, to);
	bit_move(leaf->covered, from, to);
	bit_move(leaf->blocks, from, to);
	leaf->blocks[from / 64] &= ~(1ULL << (from % 64));
}

/* Keeps the slots that are chosen at the new shift; of a leaf with only one, maybe none. */
static void leaf_thin(struct heap_pages *pages, struct heap_leaf *leaf)
{
	struct heap_pages after = {.shift = pages->shift + 1};
	unsigned int before = heap_leaf_slots(pages), count = heap_leaf_slots(&after);
	uint64_t first = leaf->index << LEAF_PAGE_SHIFT >> after.shift;

	heap_leaf_sync(pages, leaf);
	for (unsigned int slot = 0; slot < count && count < before; slot++) {
		uint64_t page = heap_pages_chosen(&after, first + slot);

		slot_move(pages, leaf, heap_leaf_slot(pages, page >> pages->shift), slot);
	}
	if (count == before && heap_pages_chosen(&after, first) >> LEAF_PAGE_SHIFT != leaf->index)
		count = 0;
	for (unsigned int slot = count; slot < before; slot++) {
		if (leaf->slots[slot].block)
			heap_block_drop(pages, leaf, slot);
		leaf->slots[slot].live = 0;
	}
	bits_cut(leaf->full, count);
	bits_cut(leaf->covered, count);
}

void heap_pages_thin(struct heap_pages *pages)
{
	struct heap_pages after = {.shift = pages->shift + 1};

	for (uint64_t i = 0; i < pages->leaf_slots; i++) {
		struct heap_leaf *smaller;

		if (!pages->leaves[i])
			continue;
		leaf_thin(pages, pages->leaves[i]);
		smaller = realloc(pages->leaves[i], leaf_size(heap_leaf_slots(&after)));
		if (smaller)
			pages->leaves[i] = smaller;
	}
	pages->cached = NULL;
	pages->shift++;
}

void heap_pages_clear(struct heap_pages *pages)
{
	for (uint64_t i = 0; i < pages->leaf_slots; i++)
		free(pages->leaves[i]);
	for (uint32_t i = 0; i < pages->chunk_count; i++)
		free(pages->chunks[i]);
	free(pages->leaves);
	free(pages->chunks);
	mapping_map_free(&pages->big);
	mapping_map_free(&pages->known);
	memset(pages, 0, sizeof(*pages));
}

uint64_t heap_pages_memory(const struct heap_pages *pages)
{
	return pages->leaf_slots * sizeof(struct heap_leaf *) +
	       pages->leaf_count * leaf_size(heap_leaf_slots(pages)) +
	       (uint64_t)pages->chunk_count * HEAP_CHUNK_BLOCKS * sizeof(struct heap_block) +
	       pages->big.bytes + pages->known.bytes;
}
