// SPDX-License-Identifier: GPL-2.0-only
#include "user/ledger/mapping.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include <sys/mman.h>

static int mapping_compare(const struct mapping *a, const struct mapping *b)
{
	return a->start < b->start ? -1 : a->start > b->start;
}

RB_GENERATE(mapping_tree, mapping, link, mapping_compare)

const char *mapping_kind_name(enum mapping_kind kind)
{
	static const char *const names[MAPPING_KIND_COUNT] = {
		[MAPPING_ANON] = "anon",     [MAPPING_FILE] = "file",
		[MAPPING_HEAP] = "heap",     [MAPPING_STACK] = "stack",
		[MAPPING_THREAD] = "thread", [MAPPING_SPECIAL] = "special",
	};

	return kind < MAPPING_KIND_COUNT ? names[kind] : "?";
}

/* The tree macros take pointers to non-const; a look-up changes nothing. */
static struct mapping_tree *tree_of(const struct mapping_map *map)
{
	return (struct mapping_tree *)&map->tree;
}

static bool mapping_is_code(const struct mapping_attr *attr)
{
	return attr->prot & PROT_EXEC;
}

static void mapping_drop(struct mapping_map *map, struct mapping *mapping)
{
	RB_REMOVE(mapping_tree, &map->tree, mapping);
	map->code_changes += mapping_is_code(&mapping->attr);
	map->cached = NULL;
	map->count--;
	map->bytes -= malloc_usable_size(mapping) + sizeof(size_t);
	free(mapping);
}

void mapping_map_free(struct mapping_map *map)
{
	struct mapping *mapping, *next;

	RB_FOREACH_SAFE (mapping, mapping_tree, &map->tree, next)
		mapping_drop(map, mapping);
}

static struct mapping *mapping_insert(struct mapping_map *map, uint64_t start, uint64_t end,
				      struct mapping_attr attr, uint32_t birth)
{
	struct mapping *mapping = calloc(1, sizeof(*mapping));

	if (!mapping)
		return NULL;
	mapping->start = start;
	mapping->end = end;
	mapping->attr = attr;
	mapping->birth = birth;
	RB_INSERT(mapping_tree, &map->tree, mapping);
	map->code_changes += mapping_is_code(&attr);
	map->count++;
	map->bytes += malloc_usable_size(mapping) + sizeof(size_t);
	return mapping;
}

struct mapping *mapping_at_or_after(const struct mapping_map *map, uint64_t addr)
{
	struct mapping key = {.start = addr};
	struct mapping *after, *before;

	after = RB_NFIND(mapping_tree, tree_of(map), &key);
	before = after ? RB_PREV(mapping_tree, tree_of(map), after)
		       : RB_MAX(mapping_tree, tree_of(map));
	if (after && after->start == addr)
		return after;
	return before && before->end > addr ? before : after;
}

struct mapping *mapping_find(const struct mapping_map *map, uint64_t addr)
{
	struct mapping *mapping = map->cached;

	if (mapping && mapping->start <= addr && addr < mapping->end)
		return mapping;
	mapping = mapping_at_or_after(map, addr);
	if (!mapping || mapping->start > addr)
		return NULL;
	((struct mapping_map *)map)->cached = mapping; /* a cache, not a change */
	return mapping;
}

struct mapping *mapping_next(const struct mapping *mapping)
{
	return RB_NEXT(mapping_tree, NULL, (struct mapping *)mapping);
}

/* Cuts a mapping in two at addr; the new half is returned, NULL without memory. */
static struct mapping *mapping_split(struct mapping_map *map, struct mapping *mapping,
				     uint64_t addr)
{
	struct mapping *tail =
		mapping_insert(map, addr, mapping->end, mapping->attr, mapping->birth);

	if (tail)
		mapping->end = addr;
	return tail;
}

/* Makes addr a boundary. 0 or -ENOMEM. */
static int mapping_cut(struct mapping_map *map, uint64_t addr)
{
	struct mapping *mapping = mapping_find(map, addr);

	if (!mapping || mapping->start == addr)
		return 0;
	return mapping_split(map, mapping, addr) ? 0 : -ENOMEM;
}

int mapping_remove(struct mapping_map *map, uint64_t start, uint64_t end)
{
	struct mapping *mapping, *next;

	if (start >= end)
		return 0;
	if (mapping_cut(map, start) || mapping_cut(map, end))
		return -ENOMEM;
	for (mapping = mapping_at_or_after(map, start); mapping && mapping->start < end;
	     mapping = next) {
		next = mapping_next(mapping);
		mapping_drop(map, mapping);
	}
	return 0;
}

static bool attr_equal(const struct mapping_attr *a, const struct mapping_attr *b)
{
	return a->prot == b->prot && a->kind == b->kind && a->flags == b->flags &&
	       a->name == b->name && a->owner == b->owner && a->file == b->file &&
	       a->stack == b->stack && a->base == b->base;
}

/* Joins a mapping with its successor if they touch and agree. */
static void mapping_join_next(struct mapping_map *map, struct mapping *mapping)
{
	struct mapping *next = mapping ? mapping_next(mapping) : NULL;

	if (!next || mapping->end != next->start || !attr_equal(&mapping->attr, &next->attr))
		return;
	mapping->end = next->end;
	if (next->birth > mapping->birth)
		mapping->birth = next->birth;
	mapping_drop(map, next);
}

static void mapping_join(struct mapping_map *map, struct mapping *mapping)
{
	struct mapping *before = RB_PREV(mapping_tree, &map->tree, mapping);

	mapping_join_next(map, mapping);
	mapping_join_next(map, before);
}

int mapping_set(struct mapping_map *map, uint64_t start, uint64_t end, struct mapping_attr attr,
		uint32_t birth)
{
	struct mapping *mapping;
	int rc;

	if (start >= end)
		return 0;
	rc = mapping_remove(map, start, end);
	if (rc)
		return rc;
	mapping = mapping_insert(map, start, end, attr, birth);
	if (!mapping)
		return -ENOMEM;
	mapping_join(map, mapping);
	return 0;
}

int mapping_change(struct mapping_map *map, uint64_t start, uint64_t end,
		   void (*change)(struct mapping_attr *attr, uint32_t arg), uint32_t arg)
{
	struct mapping *mapping;

	if (start >= end)
		return 0;
	if (mapping_cut(map, start) || mapping_cut(map, end))
		return -ENOMEM;
	for (mapping = mapping_at_or_after(map, start); mapping && mapping->start < end;
	     mapping = mapping_next(mapping)) {
		bool was_code = mapping_is_code(&mapping->attr);

		change(&mapping->attr, arg);
		map->code_changes += was_code != mapping_is_code(&mapping->attr);
	}
	/* boundaries that the change made needless: from the one at start to the one at end */
	mapping = mapping_at_or_after(map, start ? start - 1 : 0);
	while (mapping && mapping->start < end) {
		uint64_t was = mapping->end;

		mapping_join_next(map, mapping);
		if (mapping->end == was)
			mapping = mapping_next(mapping);
	}
	return 0;
}

int mapping_map_clone(const struct mapping_map *from, struct mapping_map *into)
{
	struct mapping *mapping;

	RB_FOREACH (mapping, mapping_tree, tree_of(from))
		if (!mapping_insert(into, mapping->start, mapping->end, mapping->attr,
				    mapping->birth))
			return -ENOMEM;
	return 0;
}
