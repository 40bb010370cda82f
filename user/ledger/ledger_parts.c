// SPDX-License-Identifier: GPL-2.0-only
/* Where the resident pages are: heaps, arenas, stacks, files, the program's own mappings. */
#include "user/ledger/ledger.h"

#include <string.h>

/* HEAP_MAX_SIZE on 64-bit: glibc 2.36, malloc/arena.c. An arena's heaps are aligned to it. */
#define ARENA_BYTES ((uint64_t)64 << 20)

/* Libraries whose mmaps are a heap, by the beginnings of their names. */
static bool is_heap_owner(const char *name)
{
	static const char *const beginnings[] = {"libc.so",	"libc-2",      "ld-musl",
						 "libjemalloc", "libmimalloc", "libtcmalloc",
						 "libsnmalloc"};

	for (size_t i = 0; i < sizeof(beginnings) / sizeof(*beginnings); i++)
		if (!strncmp(name, beginnings[i], strlen(beginnings[i])))
			return true;
	return false;
}

static bool is_arena(const struct ledger *ledger, const struct mapping *mapping, const char *owner)
{
	return ledger->allocator == ALLOCATOR_GLIBC && !(mapping->start & (ARENA_BYTES - 1)) &&
	       (!*owner || is_heap_owner(owner));
}

/* Runs of neighbouring resident pages: one that goes on in the next leaf is one run. */
struct runs {
	uint64_t count;
	uint64_t next; /* the address behind the last resident page */
};

static void runs_add(struct runs *runs, const struct page_leaf *leaf, uint64_t at, uint64_t start,
		     uint64_t end)
{
	for (unsigned int word = 0; word < LEAF_WORDS; word++) {
		uint64_t bits = leaf->present[word];

		while (bits) {
			unsigned int bit = (unsigned int)__builtin_ctzll(bits);
			uint64_t rest = ~(bits >> bit), addr;
			unsigned int length = rest ? (unsigned int)__builtin_ctzll(rest) : 64 - bit;

			addr = at + (((uint64_t)word * 64 + bit) << PAGE_SHIFT);
			bits = length + bit >= 64 ? 0 : bits & ~(((1ULL << length) - 1) << bit);
			if (addr >= end || addr + ((uint64_t)length << PAGE_SHIFT) <= start)
				continue;
			runs->count += addr != runs->next;
			runs->next = addr + ((uint64_t)length << PAGE_SHIFT);
		}
	}
}

static void runs_of_mapping(struct runs *runs, const struct ledger *ledger,
			    const struct mapping *mapping)
{
	const struct page_leaf *leaf;
	uint64_t at = mapping->start & ~(LEAF_BYTES - 1);

	while ((leaf = page_table_next(&ledger->pages, at, mapping->end, &at))) {
		runs_add(runs, leaf, at, mapping->start, mapping->end);
		at += LEAF_BYTES;
	}
}

static void parts_add(struct ledger_parts *parts, const struct ledger *ledger,
		      const struct mapping *mapping, uint64_t pages)
{
	const char *owner = intern_get(&ledger->names, mapping->attr.owner);

	if (!owner)
		owner = "";
	switch ((enum mapping_kind)mapping->attr.kind) {
	case MAPPING_HEAP:
		parts->heap += pages;
		return;
	case MAPPING_STACK:
		parts->stack += pages;
		return;
	case MAPPING_THREAD:
		parts->threads += pages;
		parts->thread_stacks += pages > 0;
		return;
	case MAPPING_FILE:
		parts->files += pages;
		return;
	case MAPPING_ANON:
	case MAPPING_SPECIAL:
	case MAPPING_KIND_COUNT:
		break;
	}
	if (is_arena(ledger, mapping, owner)) {
		parts->arenas += pages;
		parts->arena_count += pages > 0;
	} else if (!*owner || is_heap_owner(owner)) {
		parts->heap += pages;
	} else {
		parts->own += pages;
	}
	if (mapping->attr.flags & MAPPING_HUGE)
		parts->huge_advised += pages;
}

void ledger_parts(const struct ledger *ledger, struct ledger_parts *parts)
{
	struct mapping_tree *tree = (struct mapping_tree *)&ledger->mappings.tree;
	struct runs runs = {0};
	struct mapping *mapping;

	memset(parts, 0, sizeof(*parts));
	RB_FOREACH (mapping, mapping_tree, tree) {
		struct page_tally tally = {0};

		if (!mapping_is_private(mapping))
			continue;
		page_table_count(&ledger->pages, mapping->start, mapping->end, &tally);
		if (!tally.pages)
			continue;
		parts_add(parts, ledger, mapping, tally.pages);
		if (mapping->attr.kind == MAPPING_ANON || mapping->attr.kind == MAPPING_HEAP)
			runs_of_mapping(&runs, ledger, mapping);
	}
	parts->runs = runs.count;
}
