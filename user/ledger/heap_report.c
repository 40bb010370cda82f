// SPDX-License-Identifier: GPL-2.0-only
/* The live set held against the pages that are resident. */
#include <string.h>

#include "user/ledger/heap_internal.h"
#include "user/ledger/internal.h"

/* From so many live bytes on a page is live. */
#define LIVE_BYTES (PAGE_BYTES / 4 * 3)

/* Whose pages a mapping holds. */
enum holder {
	HOLDER_OTHER,
	HOLDER_ALLOCATOR,
	HOLDER_MAYBE /* the allocator's, if allocations are known in it */
};

/* What was met in one mapping. Of the chosen pages only, but for resident and retained. */
struct tally {
	uint64_t resident;
	uint64_t classes[HEAP_CLASS_COUNT];
	uint64_t retained[HEAP_CLASS_COUNT];
	uint64_t fragmented_bytes;
	bool used; /* allocations have been seen in it */
};

/* A leaf of the page table and the same one of the heap. */
struct leaf_pair {
	const struct ledger *ledger;
	const struct heap *heap;
	uint64_t at;
	const struct page_leaf *pages;
	const struct heap_leaf *live; /* NULL: nothing was ever seen in it */
	bool big;		      /* inside one allocation */
	uint32_t after;		      /* pages born later are not known; 0: the probes are there */
	uint64_t known[LEAF_WORDS];   /* by page */
};

/* .bss lies right behind a file's mapping and has its name as owner. */
static bool is_bss(const struct ledger *ledger, const struct mapping *mapping)
{
	const struct mapping *before =
		mapping->start ? mapping_find(&ledger->mappings, mapping->start - 1) : NULL;

	return before && before->attr.kind == MAPPING_FILE &&
	       before->attr.name == mapping->attr.owner;
}

static enum holder holder_of(const struct ledger *ledger, const struct mapping *mapping)
{
	uint32_t allocator = ledger->heap->probes.allocator, owner;

	if (!mapping_is_private(mapping))
		return HOLDER_OTHER;
	if (mapping->attr.kind == MAPPING_HEAP)
		return HOLDER_ALLOCATOR;
	if (mapping->attr.kind != MAPPING_ANON)
		return HOLDER_OTHER;
	/* older than the watch: who asked for it is not known */
	if (!mapping->attr.owner)
		return mapping->birth ? HOLDER_MAYBE : HOLDER_ALLOCATOR;
	owner = ledger_library_allocator(intern_get(&ledger->names, mapping->attr.owner));
	if (owner == ALLOCATOR_UNKNOWN || owner != allocator || is_bss(ledger, mapping))
		return HOLDER_MAYBE;
	return HOLDER_ALLOCATOR;
}

static void pair_open(struct leaf_pair *pair, uint64_t at, const struct page_leaf *pages)
{
	const struct heap *heap = pair->heap;
	const struct mapping *big =
		heap->pages.big.count ? mapping_find(&heap->pages.big, at) : NULL;

	pair->at = at;
	pair->pages = pages;
	pair->live = heap_pages_leaf(&heap->pages, at);
	pair->big = big;
	if (heap->whole)
		memset(pair->known, 0xff, sizeof(pair->known));
	else
		heap_pages_known(&heap->pages, pair->live, at, pair->known);
}

/* Live bytes of a page; slot: its number in the heap's leaf. */
static uint64_t page_live(const struct leaf_pair *pair, unsigned int slot)
{
	const struct heap_leaf *leaf = pair->live;

	if (pair->big || (leaf && slot_bit(leaf->full, slot)))
		return PAGE_BYTES;
	if (!leaf)
		return 0;
	return leaf->slots[slot].live < PAGE_BYTES ? leaf->slots[slot].live : PAGE_BYTES;
}

static enum heap_class page_class(const struct leaf_pair *pair, unsigned int page, uint64_t live,
				  uint32_t birth)
{
	if (pair->after && birth > pair->after)
		return HEAP_UNKNOWN;
	if (live >= LIVE_BYTES)
		return HEAP_LIVE;
	if (!slot_bit(pair->known, page))
		return HEAP_UNKNOWN;
	return live ? HEAP_FRAGMENTED : HEAP_FREE;
}

static void page_tally(const struct leaf_pair *pair, unsigned int page, unsigned int slot,
		       unsigned int rank, struct tally *tally)
{
	uint32_t birth = pair->pages->entries[rank].birth;
	uint64_t live = page_live(pair, slot);
	enum heap_class class = page_class(pair, page, live, birth);

	tally->classes[class]++;
	tally->retained[class] += birth < pair->ledger->pages.young_since;
	if (class == HEAP_FRAGMENTED)
		tally->fragmented_bytes += PAGE_BYTES - live;
	tally->used |= live || (pair->live && slot_bit(pair->live->covered, slot)) ||
		       (pair->live && pair->live->slots[slot].block);
}

/* Pages [first, last) of a leaf, each of them. */
static void leaf_tally_all(const struct leaf_pair *pair, unsigned int first, unsigned int last,
			   struct tally *tally)
{
	unsigned int rank = leaf_rank(pair->pages, first);

	for (unsigned int word = first / 64; word < LEAF_WORDS && word * 64 < last; word++) {
		uint64_t bits = pair->pages->present[word];

		if (word == first / 64)
			bits &= ~0ULL << (first % 64);
		if (last < (word + 1) * 64)
			bits &= (1ULL << (last % 64)) - 1;
		for (; bits; bits &= bits - 1) {
			unsigned int page = word * 64 + (unsigned int)__builtin_ctzll(bits);

			page_tally(pair, page, page, rank++, tally);
			tally->resident++;
		}
	}
}

/* The chosen ones only. */
static void leaf_tally_chosen(const struct leaf_pair *pair, unsigned int first, unsigned int last,
			      struct tally *tally)
{
	const struct heap_pages *heap = &pair->heap->pages;
	uint64_t begin = pair->at >> PAGE_SHIFT;
	struct page_groups groups = heap_pages_groups(heap, (begin + first) << PAGE_SHIFT,
						      (begin + last) << PAGE_SHIFT);

	tally->resident +=
		(last == LEAF_PAGES ? pair->pages->count : leaf_rank(pair->pages, last)) -
		leaf_rank(pair->pages, first);
	for (uint64_t group = groups.from; group < groups.to; group++) {
		unsigned int page = (unsigned int)(heap_pages_chosen(heap, group) - begin);

		if (leaf_has(pair->pages, page))
			page_tally(pair, page, heap_leaf_slot(heap, group),
				   leaf_rank(pair->pages, page), tally);
	}
}

static void mapping_tally(struct leaf_pair *pair, const struct mapping *mapping,
			  struct tally *tally)
{
	const struct page_table *table = &pair->ledger->pages;
	const struct page_leaf *leaf;
	uint64_t at;

	for (uint64_t addr = mapping->start;
	     (leaf = page_table_next(table, addr, mapping->end, &at)); addr = at + LEAF_BYTES) {
		uint64_t low = mapping->start > at ? mapping->start - at : 0;
		uint64_t high = mapping->end - at < LEAF_BYTES ? mapping->end - at : LEAF_BYTES;
		unsigned int first = (unsigned int)(low >> PAGE_SHIFT);
		unsigned int last = (unsigned int)(high >> PAGE_SHIFT);

		pair_open(pair, at, leaf);
		if (pair->heap->pages.shift)
			leaf_tally_chosen(pair, first, last, tally);
		else
			leaf_tally_all(pair, first, last, tally);
	}
}

/* Parts of a whole to numbers that make it up: what is left goes to the greatest remainders. */
static void scale_to(uint64_t whole, uint64_t *parts, unsigned int count)
{
	uint64_t sum = 0, given = 0, rest[HEAP_CLASS_COUNT];

	for (unsigned int i = 0; i < count; i++)
		sum += parts[i];
	for (unsigned int i = 0; sum && i < count; i++) {
		unsigned __int128 product = (unsigned __int128)parts[i] * whole;

		parts[i] = (uint64_t)(product / sum);
		rest[i] = (uint64_t)(product % sum);
		given += parts[i];
	}
	for (; sum && given < whole; given++) {
		unsigned int most = 0;

		for (unsigned int i = 1; i < count; i++)
			if (rest[i] > rest[most])
				most = i;
		parts[most]++;
		rest[most] = 0;
	}
}

/* Chosen pages stand for all of them. */
static void scale_classes(struct heap_report *report)
{
	uint64_t chosen[HEAP_CLASS_COUNT], sum = 0;

	memcpy(chosen, report->classes, sizeof(chosen));
	for (unsigned int i = 0; i < HEAP_CLASS_COUNT; i++)
		sum += chosen[i];
	if (!sum) {
		report->classes[HEAP_UNKNOWN] = report->pages;
		return;
	}
	scale_to(report->pages, report->classes, HEAP_CLASS_COUNT);
	for (unsigned int i = 0; i < HEAP_CLASS_COUNT; i++)
		if (chosen[i])
			report->retained[i] = (uint64_t)((unsigned __int128)report->classes[i] *
							 report->retained[i] / chosen[i]);
	report->fragmented_bytes =
		(uint64_t)((unsigned __int128)report->fragmented_bytes * report->pages / sum);
}

static void report_pages(const struct ledger *ledger, struct heap_report *report)
{
	struct leaf_pair pair = {
		.ledger = ledger,
		.heap = ledger->heap,
		.after = ledger->heap->on ? 0 : ledger_tick(ledger, ledger->heap->end_ns),
	};
	const struct mapping *mapping = mapping_at_or_after(&ledger->mappings, 0);

	for (; mapping; mapping = mapping_next(mapping)) {
		enum holder holder = holder_of(ledger, mapping);
		struct tally tally = {0};
		struct page_tally others = {0};

		if (holder == HOLDER_OTHER) {
			page_table_count(&ledger->pages, mapping->start, mapping->end, &others);
			report->outside += others.pages;
			continue;
		}
		mapping_tally(&pair, mapping, &tally);
		if (holder == HOLDER_MAYBE && !tally.used) {
			report->outside += tally.resident;
			continue;
		}
		report->pages += tally.resident;
		report->fragmented_bytes += tally.fragmented_bytes;
		for (unsigned int i = 0; i < HEAP_CLASS_COUNT; i++) {
			report->classes[i] += tally.classes[i];
			report->retained[i] += tally.retained[i];
		}
	}
	if (ledger->heap->pages.shift)
		scale_classes(report);
}

/* In the leaf at `at`. */
static void drop_unmapped_leaf(const struct ledger *ledger, uint64_t at)
{
	uint64_t end = at + LEAF_BYTES;

	while (at < end) {
		const struct mapping *mapping = mapping_at_or_after(&ledger->mappings, at);

		if (!mapping || mapping->start >= end) {
			heap_drop_range(ledger->heap, at, end);
			return;
		}
		if (at < mapping->start)
			heap_drop_range(ledger->heap, at, mapping->start);
		at = mapping->end;
	}
}

/* Where nothing is mapped nothing is live: the record of its free was lost. */
static void drop_unmapped(const struct ledger *ledger)
{
	const struct heap_pages *pages = &ledger->heap->pages;

	if (!ledger->heap->on || ledger->limbos || !ledger_mappings_known(ledger))
		return;
	for (uint64_t i = 0; i < pages->leaf_slots;) {
		uint64_t index = pages->leaves[i] ? pages->leaves[i]->index : 0;

		if (pages->leaves[i])
			drop_unmapped_leaf(ledger, index << LEAF_SHIFT);
		/* another one may have moved to the place of one that is gone */
		i += !pages->leaves[i] || pages->leaves[i]->index == index;
	}
}

void heap_report(const struct ledger *ledger, struct heap_report *report)
{
	struct heap *heap = ledger->heap;

	memset(report, 0, sizeof(*report));
	if (!heap || !heap->probes.h.time_ns)
		return;
	drop_unmapped(ledger);
	report->on = heap->on;
	report->whole = heap->whole;
	report->begin_ns = heap->probes.h.time_ns;
	report->end_ns = heap->end_ns;
	report->one_in = 1U << heap->pages.shift;
	report->live_bytes = heap->sums.bytes << heap->pages.shift;
	report->asked_bytes = heap->sums.asked << heap->pages.shift;
	report->live_count = (heap->sums.parts << heap->pages.shift) / HEAP_PARTS;
	report->functions = heap->probes.functions;
	report->dear = heap->probes.dear;
	report->totals = heap->totals;
	report_pages(ledger, report);
}
