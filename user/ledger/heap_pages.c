// SPDX-License-Identifier: GPL-2.0-only
#include "user/ledger/heap_pages.h"

#include <errno.h>
#include <string.h>

#define LEAF_MASK (LEAF_BYTES - 1)

/* One bit of a node of the binary tree over the pages: which half is chosen (splitmix64). */
static uint64_t node_bit(uint64_t node, unsigned int level)
{
	uint64_t hash = (node + 1) * 0x9e3779b97f4a7c15ULL + level;

	hash = (hash ^ hash >> 30) * 0xbf58476d1ce4e5b9ULL;
	hash = (hash ^ hash >> 27) * 0x94d049bb133111ebULL;
	return hash >> 63;
}

uint64_t heap_pages_chosen(const struct heap_pages *pages, uint64_t group)
{
	uint64_t page = group;

	for (unsigned int level = pages->shift; level > 0; level--)
		page = page << 1 | node_bit(page, level);
	return page;
}

/* The first group whose chosen page is not before `page`. */
static uint64_t group_from(const struct heap_pages *pages, uint64_t page)
{
	uint64_t group = page >> pages->shift;

	if (!pages->shift)
		return page;
	return group + (heap_pages_chosen(pages, group) < page);
}

struct page_groups heap_pages_groups(const struct heap_pages *pages, uint64_t start, uint64_t end)
{
	return (struct page_groups){
		.from = group_from(pages, start >> PAGE_SHIFT),
		.to = group_from(pages, (end + PAGE_BYTES - 1) >> PAGE_SHIFT),
	};
}

/* Is the page that holds addr chosen? Its group in *group. */
static bool page_is_chosen(const struct heap_pages *pages, uint64_t addr, uint64_t *group)
{
	uint64_t page = addr >> PAGE_SHIFT;

	*group = page >> pages->shift;
	return !pages->shift || heap_pages_chosen(pages, *group) == page;
}

/* Bits [from, to) of a word's 64. */
static uint64_t word_bits(unsigned int word, unsigned int from, unsigned int to)
{
	unsigned int low = from > word * 64 ? from - word * 64 : 0;
	unsigned int high = to > word * 64 ? to - word * 64 : 0;

	if (low >= 64 || !high)
		return 0;
	return (high >= 64 ? ~0ULL : (1ULL << high) - 1) & ~((1ULL << low) - 1);
}

/* The page's slot, with a block unless all of it is covered and nothing begins in it. */
static bool page_reserve(struct heap_pages *pages, uint64_t addr, bool start)
{
	struct heap_leaf *leaf;
	unsigned int slot;
	uint64_t group;

	if (!page_is_chosen(pages, addr, &group))
		return true;
	leaf = heap_leaf_get(pages, addr);
	if (!leaf)
		return false;
	slot = heap_leaf_slot(pages, group);
	if (!start && slot_bit(leaf->covered, slot))
		return true;
	return heap_block_get(pages, leaf, slot);
}

/* The whole leaves of a range; empty: start >= end. */
static uint64_t leaves_start(uint64_t start)
{
	return (start + LEAF_MASK) & ~LEAF_MASK;
}

static uint64_t leaves_end(uint64_t end)
{
	return end & ~LEAF_MASK;
}

/* All that an allocation needs, so that it can then be entered without failure. */
static bool range_reserve(struct heap_pages *pages, uint64_t addr, uint64_t start, uint64_t end)
{
	uint64_t last = end - 1, begin = leaves_start(start), stop = leaves_end(end);
	struct page_groups groups = heap_pages_groups(pages, start, end);
	struct mapping_attr attr = {.base = addr};

	if (groups.from == groups.to)
		return true;
	if (begin > start && !heap_leaf_get(pages, start))
		return false;
	if ((begin >= stop || stop < end) && !heap_leaf_get(pages, last))
		return false;
	if (!page_reserve(pages, addr, true))
		return false;
	if (start & (PAGE_BYTES - 1) && !page_reserve(pages, start, false))
		return false;
	if (end & (PAGE_BYTES - 1) && !page_reserve(pages, last, false))
		return false;
	return begin >= stop || !mapping_set(&pages->big, begin, stop, attr, 0);
}

static void cover_granules(struct heap_pages *pages, struct heap_leaf *leaf, unsigned int slot,
			   unsigned int from, unsigned int to)
{
	struct heap_block *block;
	uint64_t all = ~0ULL;

	if (slot_bit(leaf->covered, slot) || !leaf->slots[slot].block)
		return;
	block = heap_block_at(pages, leaf->slots[slot].block);
	for (unsigned int word = 0; word < BLOCK_WORDS; word++) {
		block->covered[word] |= word_bits(word, from, to);
		all &= block->covered[word];
	}
	if (all != ~0ULL)
		return;
	leaf->covered[slot / 64] |= 1ULL << (slot % 64);
	if (!leaf->slots[slot].starts)
		heap_block_drop(pages, leaf, slot);
}

/* Bytes [low, high) of a page become live, or are so no more. */
static void page_apply(struct heap_pages *pages, struct heap_leaf *leaf, uint64_t page,
		       unsigned int low, unsigned int high, bool live)
{
	struct heap_slot *slot;
	unsigned int number, bytes = high - low;
	uint64_t group;

	if (!page_is_chosen(pages, page << PAGE_SHIFT, &group))
		return;
	number = heap_leaf_slot(pages, group);
	slot = &leaf->slots[number];
	if (!live) {
		slot->live -= (uint16_t)(slot->live < bytes ? slot->live : bytes);
		return;
	}
	/* more than a page: sizes are not as they were thought to be */
	if (slot->live <= UINT16_MAX - bytes)
		slot->live += (uint16_t)bytes;
	cover_granules(pages, leaf, number, (low + GRANULE_BYTES - 1) >> GRANULE_SHIFT,
		       high >> GRANULE_SHIFT);
}

/* The slots of a leaf whose pages are in [first, last). */
static void leaf_slots_of(const struct heap_pages *pages, uint64_t first, uint64_t last,
			  unsigned int *from, unsigned int *to)
{
	struct page_groups groups =
		heap_pages_groups(pages, first << PAGE_SHIFT, last << PAGE_SHIFT);

	*from = *to = 0;
	if (groups.from >= groups.to)
		return;
	*from = heap_leaf_slot(pages, groups.from);
	*to = *from + (unsigned int)(groups.to - groups.from);
}

/* Pages [first, last) of a leaf are inside one allocation, or no more. */
static void pages_apply(struct heap_pages *pages, struct heap_leaf *leaf, uint64_t first,
			uint64_t last, bool live)
{
	unsigned int from, to;

	leaf_slots_of(pages, first, last, &from, &to);
	for (unsigned int word = from / 64; from < to && word <= (to - 1) / 64; word++) {
		uint64_t bits = word_bits(word, from, to);

		if (!live) {
			leaf->full[word] &= ~bits;
			continue;
		}
		leaf->full[word] |= bits;
		leaf->covered[word] |= bits;
		for (uint64_t rest = bits & leaf->blocks[word]; rest; rest &= rest - 1) {
			unsigned int slot = word * 64 + (unsigned int)__builtin_ctzll(rest);

			if (!leaf->slots[slot].starts)
				heap_block_drop(pages, leaf, slot);
		}
	}
}

/* The part of an allocation that is in one leaf. */
static void leaf_apply(struct heap_pages *pages, uint64_t start, uint64_t end, bool live)
{
	uint64_t first = start >> PAGE_SHIFT, last = end >> PAGE_SHIFT;
	unsigned int low = start & (PAGE_BYTES - 1), high = end & (PAGE_BYTES - 1);
	struct heap_leaf *leaf = heap_pages_leaf(pages, start);

	if (!leaf)
		return;
	pages->cached = leaf;
	heap_leaf_sync(pages, leaf);
	if (first == last) {
		page_apply(pages, leaf, first, low, high, live);
		return;
	}
	if (low)
		page_apply(pages, leaf, first++, low, PAGE_BYTES, live);
	if (first < last)
		pages_apply(pages, leaf, first, last, live);
	if (high)
		page_apply(pages, leaf, last, 0, high, live);
}

/* All but the whole leaves, which are ranges. */
static void range_apply(struct heap_pages *pages, uint64_t start, uint64_t end, bool live)
{
	uint64_t begin = leaves_start(start), stop = leaves_end(end);

	if (begin > end) { /* within one leaf */
		leaf_apply(pages, start, end, live);
		return;
	}
	if (start < begin)
		leaf_apply(pages, start, begin, live);
	if (stop < end)
		leaf_apply(pages, stop, end, live);
}

static void start_mark(struct heap_pages *pages, uint64_t addr)
{
	unsigned int granule = (addr & (PAGE_BYTES - 1)) >> GRANULE_SHIFT;
	struct heap_leaf *leaf;
	struct heap_block *block;
	unsigned int slot;
	uint64_t group;

	if (!page_is_chosen(pages, addr, &group))
		return;
	leaf = heap_pages_leaf(pages, addr);
	slot = heap_leaf_slot(pages, group);
	block = heap_block_at(pages, leaf->slots[slot].block);
	if (block->starts[granule / 64] >> (granule % 64) & 1)
		return; /* two of 8 bytes */
	block->starts[granule / 64] |= 1ULL << (granule % 64);
	leaf->slots[slot].starts++;
	leaf->starts++;
}

int heap_pages_add(struct heap_pages *pages, uint64_t addr, uint64_t start, uint64_t end)
{
	struct page_groups groups = heap_pages_groups(pages, start, end);

	if (groups.from >= groups.to)
		return 0;
	if (!range_reserve(pages, addr, start, end))
		return -ENOMEM;
	start_mark(pages, addr); /* first, so that its block stays */
	range_apply(pages, start, end, true);
	heap_pages_know(pages, leaves_start(start), leaves_end(end));
	return 0;
}

static void start_clear(struct heap_pages *pages, uint64_t addr)
{
	unsigned int granule = (addr & (PAGE_BYTES - 1)) >> GRANULE_SHIFT;
	struct heap_leaf *leaf = heap_pages_leaf(pages, addr);
	struct heap_block *block;
	unsigned int slot;
	uint64_t group;

	if (!leaf || !page_is_chosen(pages, addr, &group))
		return;
	slot = heap_leaf_slot(pages, group);
	if (!leaf->slots[slot].block)
		return;
	block = heap_block_at(pages, leaf->slots[slot].block);
	if (!(block->starts[granule / 64] >> (granule % 64) & 1))
		return;
	block->starts[granule / 64] &= ~(1ULL << (granule % 64));
	leaf->slots[slot].starts--;
	leaf->starts--;
	if (!leaf->slots[slot].starts && slot_bit(leaf->covered, slot))
		heap_block_drop(pages, leaf, slot);
}

void heap_pages_remove(struct heap_pages *pages, uint64_t addr, uint64_t start, uint64_t end)
{
	uint64_t begin = leaves_start(start), stop = leaves_end(end);
	const struct mapping *big;

	range_apply(pages, start, end, false);
	start_clear(pages, addr);
	if (begin >= stop)
		return;
	big = mapping_find(&pages->big, begin);
	/* without memory to split a range it stays live: it never has to be */
	if (big && big->attr.base == addr)
		(void)mapping_remove(&pages->big, begin, stop);
}

/* The first granule of a page from `from` on, and before `to`, that something begins in. */
static bool page_next_start(const struct heap_block *block, unsigned int from, unsigned int to,
			    unsigned int *granule)
{
	for (unsigned int word = from / 64; word < BLOCK_WORDS; word++) {
		uint64_t bits = block->starts[word] & word_bits(word, from, to);

		if (!bits)
			continue;
		*granule = word * 64 + (unsigned int)__builtin_ctzll(bits);
		return true;
	}
	return false;
}

/* In one leaf; [start, end) are granules' bounds. */
static bool leaf_next_start(const struct heap_pages *pages, const struct heap_leaf *leaf,
			    uint64_t start, uint64_t end, uint64_t *found)
{
	uint64_t first = start >> PAGE_SHIFT, last = (end - 1) >> PAGE_SHIFT;
	unsigned int from, to, granule;

	if (!leaf->starts)
		return false;
	leaf_slots_of(pages, first, last + 1, &from, &to);
	for (unsigned int slot = from; slot < to; slot++) {
		uint64_t page, low = 0, high = PAGE_BYTES;

		if (!leaf->slots[slot].starts)
			continue;
		page = (leaf->index << (LEAF_SHIFT - PAGE_SHIFT)) + slot;
		if (pages->shift)
			page = heap_pages_chosen(
				pages,
				(leaf->index << (LEAF_SHIFT - PAGE_SHIFT) >> pages->shift) + slot);
		if (page == first)
			low = start & (PAGE_BYTES - 1);
		if (page == last)
			high = ((end - 1) & (PAGE_BYTES - 1)) + 1;
		if (page_next_start(heap_block_at(pages, leaf->slots[slot].block),
				    (unsigned int)(low >> GRANULE_SHIFT),
				    (unsigned int)((high + GRANULE_BYTES - 1) >> GRANULE_SHIFT),
				    &granule)) {
			*found = (page << PAGE_SHIFT) + ((uint64_t)granule << GRANULE_SHIFT);
			return true;
		}
	}
	return false;
}

bool heap_pages_next_start(const struct heap_pages *pages, uint64_t start, uint64_t end,
			   uint64_t *granule)
{
	if (start >= end)
		return false;
	/* a range with more leaves than there are */
	if ((end - start) >> LEAF_SHIFT > pages->leaf_count) {
		for (uint64_t i = 0; i < pages->leaf_slots; i++) {
			const struct heap_leaf *leaf = pages->leaves[i];
			uint64_t at = leaf ? leaf->index << LEAF_SHIFT : end;
			uint64_t low = at > start ? at : start;
			uint64_t high = at + LEAF_BYTES < end ? at + LEAF_BYTES : end;

			if (leaf && low < high && leaf_next_start(pages, leaf, low, high, granule))
				return true;
		}
		return false;
	}
	for (uint64_t at = start; at < end; at = (at & ~LEAF_MASK) + LEAF_BYTES) {
		const struct heap_leaf *leaf = heap_pages_leaf(pages, at);
		uint64_t stop = (at & ~LEAF_MASK) + LEAF_BYTES;

		if (leaf && leaf_next_start(pages, leaf, at, stop < end ? stop : end, granule))
			return true;
	}
	return false;
}

/* The last granule of a page before `before` that something begins in. */
static bool page_last_start(const struct heap_block *block, unsigned int before,
			    unsigned int *granule)
{
	for (unsigned int word = BLOCK_WORDS; word-- > 0;) {
		uint64_t bits = block->starts[word] & word_bits(word, 0, before);

		if (!bits)
			continue;
		*granule = word * 64 + 63 - (unsigned int)__builtin_clzll(bits);
		return true;
	}
	return false;
}

/*
 * What may reach to addr begins in its page, or in one before it from which on all pages are live
 * to their ends. It is followed as far as pages are known: past those that are left out it is not.
 */
bool heap_pages_start_before(const struct heap_pages *pages, uint64_t addr, uint64_t *granule)
{
	unsigned int before = (addr & (PAGE_BYTES - 1)) >> GRANULE_SHIFT, found;
	uint64_t page = addr >> PAGE_SHIFT, group;

	for (uint64_t steps = 0; steps <= 2 * LEAF_PAGES; steps++, before = PAGE_GRANULES) {
		const struct mapping *big = NULL;
		const struct heap_leaf *leaf = heap_pages_leaf(pages, page << PAGE_SHIFT);
		const struct heap_slot *slot = NULL;

		if (!page_is_chosen(pages, page << PAGE_SHIFT, &group))
			return false;
		if (leaf)
			slot = &leaf->slots[heap_leaf_slot(pages, group)];
		if (slot && slot->starts &&
		    page_last_start(heap_block_at(pages, slot->block), before, &found)) {
			*granule = (page << PAGE_SHIFT) + ((uint64_t)found << GRANULE_SHIFT);
			return true;
		}
		if (pages->big.count)
			big = mapping_find(&pages->big, page << PAGE_SHIFT);
		if (big) {
			*granule = big->attr.base;
			return true;
		}
		/* in its own page: bytes before it that are live; in the others: all of them */
		if (!slot || !page)
			return false;
		if (!slot_bit(leaf->full, heap_leaf_slot(pages, group)) &&
		    slot->live < (steps ? PAGE_BYTES : (uint64_t)before << GRANULE_SHIFT))
			return false;
		page--;
	}
	return false;
}

/* Ranges that come and go at ever new places are not remembered for ever. */
#define KNOWN_RANGES_MAX 65536

void heap_pages_know(struct heap_pages *pages, uint64_t start, uint64_t end)
{
	struct mapping_attr attr = {0};

	if (start >= end)
		return;
	if (pages->known.count >= KNOWN_RANGES_MAX)
		mapping_map_free(&pages->known);
	(void)mapping_set(&pages->known, start, end, attr, 0); /* else it stays unknown */
}

static void leaf_doubt(struct heap_pages *pages, struct heap_leaf *leaf, uint64_t first,
		       uint64_t last)
{
	unsigned int from, to;

	heap_leaf_sync(pages, leaf);
	leaf_slots_of(pages, first, last, &from, &to);
	for (unsigned int slot = from; slot < to; slot++) {
		leaf->covered[slot / 64] &= ~(1ULL << (slot % 64));
		if (leaf->slots[slot].block)
			memset(heap_block_at(pages, leaf->slots[slot].block)->covered, 0,
			       sizeof(((struct heap_block *)0)->covered));
	}
}

void heap_pages_doubt(struct heap_pages *pages, uint64_t start, uint64_t end)
{
	if (start >= end)
		return;
	/* without memory to split a range all of them go */
	if (mapping_remove(&pages->known, start, end))
		mapping_map_free(&pages->known);
	for (uint64_t i = 0; i < pages->leaf_slots; i++) {
		struct heap_leaf *leaf = pages->leaves[i];
		uint64_t at = leaf ? leaf->index << LEAF_SHIFT : end;
		uint64_t low = at > start ? at : start;
		uint64_t high = at + LEAF_BYTES < end ? at + LEAF_BYTES : end;

		if (leaf && low < high)
			leaf_doubt(pages, leaf, low >> PAGE_SHIFT, high >> PAGE_SHIFT);
	}
}

void heap_pages_doubt_all(struct heap_pages *pages)
{
	mapping_map_free(&pages->known);
	pages->epoch++;
}

void heap_pages_known(const struct heap_pages *pages, const struct heap_leaf *leaf, uint64_t at,
		      uint64_t bits[LEAF_WORDS])
{
	const struct mapping *range = mapping_at_or_after(&pages->known, at);

	memset(bits, 0, LEAF_WORDS * sizeof(*bits));
	if (leaf && leaf->epoch == pages->epoch && !pages->shift)
		memcpy(bits, leaf->covered, sizeof(leaf->covered));
	for (unsigned int slot = 0;
	     leaf && leaf->epoch == pages->epoch && pages->shift && slot < heap_leaf_slots(pages);
	     slot++) {
		uint64_t page = heap_pages_chosen(pages, (at >> PAGE_SHIFT >> pages->shift) + slot);

		page &= LEAF_PAGES - 1;
		bits[page / 64] |= (uint64_t)slot_bit(leaf->covered, slot) << (page % 64);
	}
	for (; range && range->start < at + LEAF_BYTES; range = mapping_next(range)) {
		uint64_t low = range->start > at ? range->start - at : 0;
		uint64_t high = range->end - at < LEAF_BYTES ? range->end - at : LEAF_BYTES;

		for (unsigned int word = 0; word < LEAF_WORDS; word++)
			bits[word] |= word_bits(word, (unsigned int)(low >> PAGE_SHIFT),
						(unsigned int)(high >> PAGE_SHIFT));
	}
}
