/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The mappings of one process in address order, as the kernel's own tree of
 * VMAs: no two overlap, neighbours that agree in everything are one. Range
 * arguments are [start, end) on page boundaries. All operations are O(log n)
 * in the number of mappings, plus the mappings they cover.
 */
#ifndef TIDEMARK_LEDGER_MAPPING_H
#define TIDEMARK_LEDGER_MAPPING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bsd/sys/tree.h>

enum mapping_kind {
	MAPPING_ANON,
	MAPPING_FILE,	 /* of a file, private or shared; a private one has anonymous pages once
			    written */
	MAPPING_HEAP,	 /* brk */
	MAPPING_STACK,	 /* the main thread's */
	MAPPING_THREAD,	 /* MAP_STACK: a thread's stack */
	MAPPING_SPECIAL, /* [vdso] and the like */
	MAPPING_KIND_COUNT
};

/* A word for people and exports: "anon", "file", ... */
const char *mapping_kind_name(enum mapping_kind kind);

/* Bits of mapping_attr.flags. */
#define MAPPING_SHARED 0x01
#define MAPPING_NORESERVE 0x02
#define MAPPING_HUGE 0x04	/* MADV_HUGEPAGE */
#define MAPPING_NOHUGE 0x08	/* MADV_NOHUGEPAGE */
#define MAPPING_DONTFORK 0x10	/* MADV_DONTFORK */
#define MAPPING_WIPEONFORK 0x20 /* MADV_WIPEONFORK */
#define MAPPING_HUGETLB 0x40	/* not part of RSS */
#define MAPPING_LOCKED 0x80	/* mlock: the kernel faults in what is added to it */

struct mapping_attr {
	uint8_t prot; /* PROT_* */
	uint8_t kind; /* enum mapping_kind */
	uint8_t flags;
	uint8_t pad;
	uint32_t name;	/* of the file, an index into the ledger's names; 0: none */
	uint32_t owner; /* the library that asked for it, likewise; 0: not known */
	uint32_t file;	/* a struct mapping_file, an index into the ledger's files; 0: none */
	uint32_t stack; /* number of the stack it was created under; 0: not known */
	uint32_t pad2;
	uint64_t base; /* of a file: the address its first byte has, or would have */
};

/* Names a file for good, as long as it is mapped. */
struct mapping_file {
	uint64_t ino;
	uint32_t dev; /* major << 20 | minor */
	uint32_t pad;
};

struct mapping {
	RB_ENTRY(mapping) link;
	uint64_t start;
	uint64_t end;
	uint32_t birth; /* when it was made or last changed, in ticks of the ledger's clock */
	struct mapping_attr attr;
};

RB_HEAD(mapping_tree, mapping);
RB_PROTOTYPE(mapping_tree, mapping, link, mapping_compare)

struct mapping_map {
	struct mapping_tree tree;
	struct mapping *cached; /* the last one found, or NULL */
	size_t count;
	uint64_t bytes;	       /* memory they take, as malloc rounds it */
	uint64_t code_changes; /* grows with every change to a mapping that is executable */
};

void mapping_map_free(struct mapping_map *map);

/* The mapping that holds addr, or NULL. Valid until the next change. */
struct mapping *mapping_find(const struct mapping_map *map, uint64_t addr);

/* The first mapping that ends after addr, or NULL. */
struct mapping *mapping_at_or_after(const struct mapping_map *map, uint64_t addr);

struct mapping *mapping_next(const struct mapping *mapping);

/* Sets a range to one mapping, replacing what was there. 0 or -ENOMEM. */
int mapping_set(struct mapping_map *map, uint64_t start, uint64_t end, struct mapping_attr attr,
		uint32_t birth);

/* Removes a range, splitting what sticks out. 0 or -ENOMEM. */
int mapping_remove(struct mapping_map *map, uint64_t start, uint64_t end);

/*
 * Calls change on the attributes of each mapping part inside the range,
 * splitting and merging as needed. 0 or -ENOMEM.
 */
int mapping_change(struct mapping_map *map, uint64_t start, uint64_t end,
		   void (*change)(struct mapping_attr *attr, uint32_t arg), uint32_t arg);

int mapping_map_clone(const struct mapping_map *from, struct mapping_map *into);

/* An anonymous page can live in it. */
static inline bool mapping_is_private(const struct mapping *mapping)
{
	return !(mapping->attr.flags & (MAPPING_SHARED | MAPPING_HUGETLB)) &&
	       mapping->attr.kind != MAPPING_SPECIAL;
}

#endif
