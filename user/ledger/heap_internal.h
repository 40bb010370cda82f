/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared by the files of heap evidence; nobody else's. */
#ifndef TIDEMARK_LEDGER_HEAP_INTERNAL_H
#define TIDEMARK_LEDGER_HEAP_INTERNAL_H

#include "user/base/units.h"
#include "user/ledger/heap.h"
#include "user/ledger/heap_pages.h"
#include "user/ledger/heap_samples.h"
#include "user/ledger/live_set.h"

/* The memory that an allocation takes: its size class, or its chunk with the header. */
struct heap_extent {
	uint64_t start;
	uint64_t end;
};

struct heap_extent heap_extent(uint32_t allocator, uint64_t addr, uint64_t size);

/*
 * What is under way in a thread: an allocation whose stack was taken, or a realloc, and what it
 * was given, which is in no set meanwhile.
 */
struct heap_thread {
	uint32_t tid;
	uint32_t stack; /* STACK_NONE: no stack was taken */
	bool realloc;	/* entered */
	bool known;	/* what it was given was live, */
	bool tracked;	/* and not left out */
	struct live_block old;
	struct heap_sample sample; /* of that, if it is sampled */
};

#define STACK_NONE 0xfffffffeU

/* Under way at once, at most; the oldest are given up: their ends were lost. */
#define HEAP_THREADS 256

/* Sums over the live set, each allocation by the share of its pages that is chosen. */
struct heap_sums {
	uint64_t bytes; /* as rounded */
	uint64_t asked;
	uint64_t parts; /* allocations, HEAP_PARTS to one */
};

#define HEAP_PARTS ((uint64_t)1 << 24)

struct heap {
	struct event_heap probes; /* the newest HEAP with HEAP_ON; h.time_ns 0: there was none */
	bool on;
	uint64_t end_ns;
	bool whole;	   /* nothing is older than what was seen */
	uint64_t known_ns; /* since when nothing is missing: HEAP_ON, or the last loss */
	uint64_t lost_ns;  /* the last loss; 0: none */
	uint64_t doubtful; /* records lost since the live set began: so many may be wrong in it */
	struct live_set live;
	struct heap_pages pages;
	struct heap_samples samples;
	struct heap_sums sums;
	struct heap_totals totals;
	struct heap_thread threads[HEAP_THREADS];
	uint32_t thread_count;
	uint32_t thread_oldest;
};

/* heap.c */

/* Drops the allocations that start in a range: it is not mapped any more. */
void heap_drop_range(struct heap *heap, uint64_t start, uint64_t end);

#endif
