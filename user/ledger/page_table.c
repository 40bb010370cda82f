// SPDX-License-Identifier: GPL-2.0-only
#include "user/ledger/page_table.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

/*
 * Interior nodes, as the CPU's: 9 bits of the address each. A leaf's number is
 * its address >> LEAF_SHIFT, 36 bits, so the root is at depth 0 of four.
 */
#define NODE_BITS 9
#define NODE_SLOTS 512
#define DEPTH 4

struct node {
	uint32_t used;
	void *slots[NODE_SLOTS];
};

static unsigned int slot_at(uint64_t index, unsigned int depth)
{
	return index >> (NODE_BITS * (DEPTH - 1 - depth)) & (NODE_SLOTS - 1);
}

static uint64_t heap_bytes(void *block)
{
	return block ? malloc_usable_size(block) + sizeof(size_t) : 0;
}

static uint64_t leaf_bytes(struct page_leaf *leaf)
{
	return heap_bytes(leaf->entries) + heap_bytes(leaf->stamps) + heap_bytes(leaf);
}

/* The stamped ones of the entries [from, to) are resident no more. */
static void leaf_tell_gone(const struct page_table *table, const struct page_leaf *leaf,
			   unsigned int from, unsigned int to)
{
	if (!leaf->stamps || !table->gone)
		return;
	for (unsigned int i = from; i < to; i++)
		if (leaf->stamps[i])
			table->gone(table->gone_ctx, leaf->stamps[i]);
}

static void leaf_free(struct page_table *table, struct page_leaf *leaf)
{
	leaf_tell_gone(table, leaf, 0, leaf->count);
	table->bytes -= leaf_bytes(leaf);
	table->leaves--;
	free(leaf->entries);
	free(leaf->stamps);
	free(leaf);
}

static void node_free(struct page_table *table, struct node *node, unsigned int depth)
{
	for (unsigned int i = 0; i < NODE_SLOTS && node->used; i++) {
		if (!node->slots[i])
			continue;
		node->used--;
		if (depth == DEPTH - 1)
			leaf_free(table, node->slots[i]);
		else
			node_free(table, node->slots[i], depth + 1);
	}
	table->bytes -= heap_bytes(node);
	free(node);
}

void page_table_free(struct page_table *table)
{
	struct page_table empty = {.gone = table->gone, .gone_ctx = table->gone_ctx};

	if (table->root)
		node_free(table, table->root, 0);
	*table = empty;
}

void page_table_begin_interval(struct page_table *table, uint32_t since)
{
	table->epoch++;
	table->young = 0;
	table->young_since = since;
}

static struct page_leaf *leaf_find(const struct page_table *table, uint64_t index)
{
	struct node *node = table->root;

	if (table->cached_index == index + 1)
		return table->cached;
	for (unsigned int depth = 0; node && depth < DEPTH - 1; depth++)
		node = node->slots[slot_at(index, depth)];
	return node ? node->slots[slot_at(index, DEPTH - 1)] : NULL;
}

struct page_leaf *page_table_leaf(const struct page_table *table, uint64_t addr)
{
	return addr < PAGE_TABLE_LIMIT ? leaf_find(table, addr >> LEAF_SHIFT) : NULL;
}

static struct node *node_new(struct page_table *table)
{
	struct node *node = calloc(1, sizeof(*node));

	table->bytes += heap_bytes(node);
	return node;
}

/* The slot of a leaf, with the nodes above it; NULL without memory. */
static void **leaf_slot(struct page_table *table, uint64_t index, struct node **parent)
{
	struct node *node;

	if (!table->root)
		table->root = node_new(table);
	node = table->root;
	for (unsigned int depth = 0; node && depth < DEPTH - 1; depth++) {
		void **slot = &node->slots[slot_at(index, depth)];

		if (!*slot) {
			*slot = node_new(table);
			if (!*slot)
				return NULL;
			node->used++;
		}
		node = *slot;
	}
	if (!node)
		return NULL;
	*parent = node;
	return &node->slots[slot_at(index, DEPTH - 1)];
}

static struct page_leaf *leaf_get(struct page_table *table, uint64_t index)
{
	struct page_leaf *leaf = leaf_find(table, index);
	struct node *parent;
	void **slot;

	if (!leaf) {
		slot = leaf_slot(table, index, &parent);
		if (!slot)
			return NULL;
		leaf = calloc(1, sizeof(*leaf));
		if (!leaf)
			return NULL;
		*slot = leaf;
		parent->used++;
		table->leaves++;
		table->bytes += heap_bytes(leaf);
	}
	table->cached_index = index + 1;
	table->cached = leaf;
	return leaf;
}

/* Takes a leaf out of the tree, and the nodes that become empty with it. */
static struct page_leaf *leaf_unlink(struct page_table *table, uint64_t index)
{
	struct node *path[DEPTH];
	struct node *node = table->root;
	struct page_leaf *leaf;

	for (unsigned int depth = 0; depth < DEPTH; depth++) {
		path[depth] = node;
		if (depth < DEPTH - 1)
			node = node->slots[slot_at(index, depth)];
	}
	leaf = node->slots[slot_at(index, DEPTH - 1)];
	for (unsigned int depth = DEPTH; depth-- > 0;) {
		path[depth]->slots[slot_at(index, depth)] = NULL;
		if (--path[depth]->used)
			break;
		if (!depth)
			table->root = NULL;
		table->bytes -= heap_bytes(path[depth]);
		free(path[depth]);
	}
	if (table->cached_index == index + 1)
		table->cached_index = 0;
	return leaf;
}

struct page_entry *page_table_find(const struct page_table *table, uint64_t addr)
{
	struct page_leaf *leaf = page_table_leaf(table, addr);
	unsigned int page = addr >> PAGE_SHIFT & (LEAF_PAGES - 1);

	return leaf && leaf_has(leaf, page) ? &leaf->entries[leaf_rank(leaf, page)] : NULL;
}

uint32_t page_table_stamp(const struct page_table *table, uint64_t addr)
{
	struct page_leaf *leaf = page_table_leaf(table, addr);
	unsigned int page = addr >> PAGE_SHIFT & (LEAF_PAGES - 1);

	if (!leaf || !leaf->stamps || !leaf_has(leaf, page))
		return 0;
	return leaf->stamps[leaf_rank(leaf, page)];
}

/*
 * Leaves are what the collector's memory consists of, and they grow page by
 * page in any order. So their arrays have few sizes, those that jemalloc keeps
 * in slabs of their own (four for each doubling, src/sz.c): what one leaf
 * outgrows fits the next one. What is free in whole pages goes back at once:
 * waiting costs 7 bytes a page while a big process is attached to.
 */
const char *malloc_conf = "dirty_decay_ms:0"; /* jemalloc(3); other allocators ignore it */

static unsigned int capacity_for(unsigned int count)
{
	unsigned int step = 2, capacity = 8;

	while (capacity < count) {
		if (capacity == step * 8)
			step *= 2;
		capacity += step;
	}
	return capacity;
}

static int leaf_resize_stamps(struct page_table *table, struct page_leaf *leaf,
			      unsigned int capacity)
{
	uint64_t before = heap_bytes(leaf->stamps);
	uint32_t *stamps = realloc(leaf->stamps, capacity * sizeof(*stamps));

	if (!stamps)
		return -ENOMEM;
	if (!leaf->stamps)
		memset(stamps, 0, capacity * sizeof(*stamps));
	leaf->stamps = stamps;
	table->bytes += heap_bytes(stamps) - before;
	return 0;
}

static int leaf_resize(struct page_table *table, struct page_leaf *leaf, unsigned int capacity)
{
	uint64_t before = heap_bytes(leaf->entries);
	struct page_entry *entries = realloc(leaf->entries, capacity * sizeof(*entries));

	if (!entries)
		return -ENOMEM;
	leaf->entries = entries;
	table->bytes += heap_bytes(entries) - before;
	/* a failed shrink leaves more than is needed */
	if (leaf->stamps && leaf_resize_stamps(table, leaf, capacity) && capacity > leaf->capacity)
		return -ENOMEM;
	leaf->capacity = (uint16_t)capacity;
	return 0;
}

/* Room for one more. */
static int leaf_reserve(struct page_table *table, struct page_leaf *leaf)
{
	if (leaf->count < leaf->capacity)
		return 0;
	return leaf_resize(table, leaf, capacity_for(leaf->count + 1u));
}

static void leaf_sync_epoch(const struct page_table *table, struct page_leaf *leaf)
{
	if (leaf->epoch == table->epoch)
		return;
	leaf->epoch = table->epoch;
	leaf->young = 0;
}

static void leaf_clear_lazy(struct page_table *table, struct page_leaf *leaf,
			    struct page_entry *entry)
{
	if (!entry->lazy)
		return;
	entry->lazy = 0;
	leaf->lazy--;
	table->lazy--;
}

static int leaf_add(struct page_table *table, struct page_leaf *leaf, unsigned int page,
		    struct page_entry entry, uint32_t stamp)
{
	unsigned int rank = leaf_rank(leaf, page);

	if (leaf_has(leaf, page)) {
		leaf_clear_lazy(table, leaf, &leaf->entries[rank]);
		return 0;
	}
	if (leaf_reserve(table, leaf))
		return -ENOMEM;
	if (stamp && !leaf->stamps && leaf_resize_stamps(table, leaf, leaf->capacity))
		return -ENOMEM;
	memmove(&leaf->entries[rank + 1], &leaf->entries[rank],
		(leaf->count - rank) * sizeof(entry));
	leaf->entries[rank] = entry;
	if (leaf->stamps) {
		memmove(&leaf->stamps[rank + 1], &leaf->stamps[rank],
			(leaf->count - rank) * sizeof(stamp));
		leaf->stamps[rank] = stamp;
	}
	leaf->present[page / 64] |= 1ULL << (page % 64);
	leaf->count++;
	table->pages++;
	if (entry.lazy) {
		leaf->lazy++;
		table->lazy++;
	}
	if (entry.birth >= table->young_since) {
		leaf_sync_epoch(table, leaf);
		leaf->young++;
		table->young++;
	}
	return 1;
}

int page_table_add_stamped(struct page_table *table, uint64_t addr, struct page_entry entry,
			   uint32_t stamp)
{
	struct page_leaf *leaf;
	int rc;

	if (addr >= PAGE_TABLE_LIMIT)
		return -EINVAL;
	leaf = leaf_get(table, addr >> LEAF_SHIFT);
	if (!leaf)
		return -ENOMEM;
	rc = leaf_add(table, leaf, addr >> PAGE_SHIFT & (LEAF_PAGES - 1), entry, stamp);
	if (!leaf->count) /* no memory for its first entry: an empty leaf must not stay */
		leaf_free(table, leaf_unlink(table, addr >> LEAF_SHIFT));
	return rc;
}

int page_table_add(struct page_table *table, uint64_t addr, struct page_entry entry)
{
	return page_table_add_stamped(table, addr, entry, 0);
}

/* Adds the entries [from, to) of a leaf to a tally. */
static void tally_entries(const struct page_table *table, const struct page_leaf *leaf,
			  unsigned int from, unsigned int to, struct page_tally *tally)
{
	bool may_be_young = leaf->epoch == table->epoch && leaf->young;

	tally->pages += to - from;
	if (from == 0 && to == leaf->count) {
		tally->lazy += leaf->lazy;
		tally->young += may_be_young ? leaf->young : 0;
		return;
	}
	if (!leaf->lazy && !may_be_young)
		return;
	for (unsigned int i = from; i < to; i++) {
		tally->lazy += leaf->entries[i].lazy;
		tally->young += may_be_young && leaf->entries[i].birth >= table->young_since;
	}
}

/* Bits [first, last) of one word of a leaf's bitmap; word-relative clipping of page numbers. */
static uint64_t word_mask(unsigned int word, unsigned int first, unsigned int last)
{
	unsigned int low = first > word * 64 ? first - word * 64 : 0;
	unsigned int high = last > word * 64 ? last - word * 64 : 0;

	if (low >= 64 || !high)
		return 0;
	return (high >= 64 ? ~0ULL : (1ULL << high) - 1) & ~((1ULL << low) - 1);
}

/* The packed entries of pages [first, last) are neighbours: ranks [*from, *to). */
static void leaf_ranks(const struct page_leaf *leaf, unsigned int first, unsigned int last,
		       unsigned int *from, unsigned int *to)
{
	*from = leaf_rank(leaf, first);
	*to = last == LEAF_PAGES ? leaf->count : leaf_rank(leaf, last);
}

/* Gives room back, but not so eagerly that a page more or less moves the array each time. */
static void leaf_shrink(struct page_table *table, struct page_leaf *leaf)
{
	unsigned int capacity = capacity_for(leaf->count + leaf->count / 4u);

	/* a failed shrink keeps what there is */
	if (capacity < leaf->capacity)
		(void)leaf_resize(table, leaf, capacity);
}

static void leaf_remove(struct page_table *table, struct page_leaf *leaf, unsigned int first,
			unsigned int last, struct page_tally *tally)
{
	struct page_tally gone = {0};
	unsigned int from, to;

	leaf_ranks(leaf, first, last, &from, &to);
	if (from == to)
		return;
	leaf_sync_epoch(table, leaf);
	tally_entries(table, leaf, from, to, &gone);
	leaf_tell_gone(table, leaf, from, to);
	memmove(&leaf->entries[from], &leaf->entries[to],
		(leaf->count - to) * sizeof(*leaf->entries));
	if (leaf->stamps)
		memmove(&leaf->stamps[from], &leaf->stamps[to],
			(leaf->count - to) * sizeof(*leaf->stamps));
	for (unsigned int word = first / 64; word < LEAF_WORDS; word++)
		leaf->present[word] &= ~word_mask(word, first, last);
	leaf->count -= (uint16_t)(to - from);
	leaf->lazy -= (uint16_t)gone.lazy;
	leaf->young -= (uint16_t)gone.young;
	table->pages -= gone.pages;
	table->lazy -= gone.lazy;
	table->young -= gone.young;
	if (leaf->count)
		leaf_shrink(table, leaf);
	tally->pages += gone.pages;
	tally->lazy += gone.lazy;
	tally->young += gone.young;
}

/* The number of the first leaf at or after index in the subtree, or UINT64_MAX. */
static uint64_t node_next(const struct node *node, unsigned int depth, uint64_t index)
{
	unsigned int shift = NODE_BITS * (DEPTH - 1 - depth);

	for (unsigned int slot = slot_at(index, depth); slot < NODE_SLOTS; slot++) {
		uint64_t found;

		if (node->slots[slot]) {
			found = depth == DEPTH - 1 ? index
						   : node_next(node->slots[slot], depth + 1, index);
			if (found != UINT64_MAX)
				return found;
		}
		/* the start of the next slot's subtree */
		index = ((index >> shift) + 1) << shift;
	}
	return UINT64_MAX;
}

struct page_leaf *page_table_next(const struct page_table *table, uint64_t addr, uint64_t end,
				  uint64_t *at)
{
	uint64_t index;

	if (!table->root || addr >= end || addr >= PAGE_TABLE_LIMIT)
		return NULL;
	index = node_next(table->root, 0, addr >> LEAF_SHIFT);
	if (index == UINT64_MAX || index << LEAF_SHIFT >= end)
		return NULL;
	*at = index << LEAF_SHIFT;
	return leaf_find(table, index);
}

/* The pages of a leaf at `at` that [start, end) covers: numbers [*first, *last). */
static void leaf_clip(uint64_t at, uint64_t start, uint64_t end, unsigned int *first,
		      unsigned int *last)
{
	*first = start > at ? (unsigned int)((start - at) >> PAGE_SHIFT) : 0;
	*last = end - at < LEAF_BYTES ? (unsigned int)((end - at) >> PAGE_SHIFT) : LEAF_PAGES;
}

void page_table_remove(struct page_table *table, uint64_t start, uint64_t end,
		       struct page_tally *tally)
{
	struct page_tally ignored = {0};
	struct page_leaf *leaf;
	uint64_t at;

	for (uint64_t addr = start; (leaf = page_table_next(table, addr, end, &at));
	     addr = at + LEAF_BYTES) {
		unsigned int first, last;

		leaf_clip(at, start, end, &first, &last);
		leaf_remove(table, leaf, first, last, tally ? tally : &ignored);
		if (!leaf->count)
			leaf_free(table, leaf_unlink(table, at >> LEAF_SHIFT));
	}
}

uint64_t page_table_mark_lazy(struct page_table *table, uint64_t start, uint64_t end, bool lazy)
{
	uint64_t at, changed = 0;
	struct page_leaf *leaf;

	for (uint64_t addr = start; (leaf = page_table_next(table, addr, end, &at));
	     addr = at + LEAF_BYTES) {
		unsigned int first, last, from, to;

		if (!lazy && !leaf->lazy)
			continue;
		leaf_clip(at, start, end, &first, &last);
		leaf_ranks(leaf, first, last, &from, &to);
		for (unsigned int i = from; i < to; i++) {
			if (leaf->entries[i].lazy == lazy)
				continue;
			leaf->entries[i].lazy = lazy;
			leaf->lazy += lazy ? 1 : -1;
			changed++;
		}
	}
	table->lazy += lazy ? changed : -changed;
	return changed;
}

void page_table_count(const struct page_table *table, uint64_t start, uint64_t end,
		      struct page_tally *tally)
{
	struct page_leaf *leaf;
	uint64_t at;

	for (uint64_t addr = start; (leaf = page_table_next(table, addr, end, &at));
	     addr = at + LEAF_BYTES) {
		unsigned int first, last, from, to;

		leaf_clip(at, start, end, &first, &last);
		leaf_ranks(leaf, first, last, &from, &to);
		tally_entries(table, leaf, from, to, tally);
	}
}

/* A whole leaf changes tables: no page is looked at. */
static int leaf_hand_over(struct page_table *from, uint64_t index, struct page_table *into,
			  uint64_t to)
{
	struct page_leaf *leaf;
	struct node *parent;
	void **slot = leaf_slot(into, to, &parent);
	uint64_t bytes;

	if (!slot)
		return -ENOMEM;
	leaf = leaf_unlink(from, index);
	leaf_sync_epoch(from, leaf);
	leaf->epoch = into->epoch;
	*slot = leaf;
	parent->used++;
	bytes = leaf_bytes(leaf);
	from->leaves--;
	from->bytes -= bytes;
	from->pages -= leaf->count;
	from->lazy -= leaf->lazy;
	from->young -= leaf->young;
	into->leaves++;
	into->bytes += bytes;
	into->pages += leaf->count;
	into->lazy += leaf->lazy;
	into->young += leaf->young;
	return 0;
}

/* What arrives leaves its stamp behind as 0, so that removing it here tells of no page gone. */
static int leaf_copy_pages(struct page_leaf *leaf, uint64_t at, unsigned int first,
			   unsigned int last, struct page_table *into, uint64_t delta)
{
	unsigned int rank = leaf_rank(leaf, first);

	for (unsigned int page = first; page < last; page++) {
		uint32_t stamp;
		int rc;

		if (!leaf_has(leaf, page))
			continue;
		stamp = leaf->stamps ? leaf->stamps[rank] : 0;
		rc = page_table_add_stamped(into, at + delta + ((uint64_t)page << PAGE_SHIFT),
					    leaf->entries[rank], stamp);
		if (rc < 0)
			return rc;
		if (rc && stamp)
			leaf->stamps[rank] = 0;
		rank++;
	}
	return 0;
}

int page_table_move(struct page_table *from, uint64_t start, uint64_t end, struct page_table *into,
		    uint64_t to)
{
	uint64_t delta = to - start, at;
	struct page_leaf *leaf;

	for (uint64_t addr = start; (leaf = page_table_next(from, addr, end, &at));
	     addr = at + LEAF_BYTES) {
		unsigned int first, last;
		int rc;

		leaf_clip(at, start, end, &first, &last);
		if (first == 0 && last == LEAF_PAGES && !(delta & (LEAF_BYTES - 1)) &&
		    at + delta < PAGE_TABLE_LIMIT && !page_table_leaf(into, at + delta)) {
			rc = leaf_hand_over(from, at >> LEAF_SHIFT, into,
					    (at + delta) >> LEAF_SHIFT);
		} else {
			rc = leaf_copy_pages(leaf, at, first, last, into, delta);
			if (!rc)
				page_table_remove(from, at + ((uint64_t)first << PAGE_SHIFT),
						  at + ((uint64_t)last << PAGE_SHIFT), NULL);
		}
		if (rc)
			return rc;
	}
	return 0;
}

/* A copy of a leaf with no room to spare: a child often execs at once. */
static int leaf_clone(const struct page_table *from, const struct page_leaf *leaf,
		      struct page_table *into, uint64_t index)
{
	struct page_leaf *copy = leaf_get(into, index);

	if (!copy)
		return -ENOMEM;
	if (leaf_resize(into, copy, capacity_for(leaf->count))) {
		leaf_free(into, leaf_unlink(into, index));
		return -ENOMEM;
	}
	memcpy(copy->present, leaf->present, sizeof(copy->present));
	memcpy(copy->entries, leaf->entries, leaf->count * sizeof(*leaf->entries));
	copy->count = leaf->count;
	copy->lazy = leaf->lazy;
	copy->young = leaf->epoch == from->epoch ? leaf->young : 0;
	copy->epoch = into->epoch;
	into->pages += copy->count;
	into->lazy += copy->lazy;
	into->young += copy->young;
	return 0;
}

int page_table_clone(const struct page_table *from, struct page_table *into)
{
	struct page_leaf *leaf;
	uint64_t at;

	for (uint64_t addr = 0; (leaf = page_table_next(from, addr, PAGE_TABLE_LIMIT, &at));
	     addr = at + LEAF_BYTES) {
		int rc = leaf_clone(from, leaf, into, at >> LEAF_SHIFT);

		if (rc)
			return rc;
	}
	return 0;
}
