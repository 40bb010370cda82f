/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Heap evidence of one process: which of its allocations are live, and so which of its resident
 * pages hold live data, which hold some, and which hold none. From the records of an allocator's
 * probes (HEAP, ALLOC, FREE of bpf/event.h), while they are in place.
 *
 * What was allocated before the probes is not known, and never taken for free. A page is known
 * once nothing older can be in it: its mapping is younger than the probes, or all of it has been
 * handed out since by allocations that were seen.
 *
 * The set of live allocations is bounded. Where it would grow past that, only the allocations of
 * some pages are kept, chosen at random by their address, so that every byte of the heap has the
 * same chance: sums are estimates then, without bias, and `one_in` says so.
 *
 * Not thread safe. 0 or a negative errno.
 */
#ifndef TIDEMARK_LEDGER_HEAP_H
#define TIDEMARK_LEDGER_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/event.h"

/*
 * Allocations tracked at most, by default: at most some 200 MiB of collector memory, 80 of them
 * for the allocations and 97 for their pages.
 */
#define HEAP_TRACKED_DEFAULT ((size_t)4 << 20)
#define HEAP_TRACKED_MIN ((size_t)1024)

/* A resident page of the allocator's mappings, by what is in it. */
#define HEAP_CLASSES(X)                                                                            \
	X(LIVE, "live", "at least three quarters of it are live allocations")                      \
	X(FRAGMENTED, "fragmented", "some of it is live, and keeps the rest of it resident")       \
	X(FREE, "free", "nothing in it is live: the allocator keeps it")                           \
	X(UNKNOWN, "unknown", "it may hold allocations that are older than the probes")

enum heap_class {
#define X(name, word, text) HEAP_##name,
	HEAP_CLASSES(X)
#undef X
		HEAP_CLASS_COUNT
};

/* "live", ... and one sentence. */
const char *heap_class_name(unsigned int class);
const char *heap_class_help(unsigned int class);

/* Since HEAP_ON; never reset. */
struct heap_totals {
	uint64_t allocs;       /* allocations seen, reallocs among them */
	uint64_t frees;	       /* frees of what is known */
	uint64_t alloc_bytes;  /* as asked for */
	uint64_t unknown_free; /* frees of addresses that are not known: older than the probes */
	uint64_t stale;	    /* known ones whose memory was handed out again: their free was lost */
	uint64_t refused;   /* allocations that the allocator refused */
	uint64_t lost;	    /* records lost meanwhile: what was known before is not any more */
	uint64_t untracked; /* allocations left out because the set was full */
	uint64_t samples;   /* stacks taken */
};

/* Live allocations by the stack they were made under; from samples, so estimates. */
struct heap_site {
	uint32_t stack;	     /* number of the stack; never 0 */
	uint64_t live_bytes; /* now */
	uint64_t live_count;
	uint64_t born_bytes; /* since HEAP_ON */
	int64_t growth;	     /* live bytes since the site list before */
};

/* Pages but for what is said to be bytes. */
struct heap_report {
	bool on;	   /* the probes are in place */
	bool whole;	   /* since before the first allocation */
	uint64_t begin_ns; /* when they came; 0: never */
	uint64_t end_ns;   /* when they went; 0: they are there */
	uint64_t pages;	   /* resident pages of the allocator: the sum of `classes` */
	uint64_t classes[HEAP_CLASS_COUNT];
	uint64_t retained[HEAP_CLASS_COUNT]; /* of these, first touched before the interval */
	uint64_t outside;     /* resident anonymous pages of no allocator: stacks, own mappings */
	uint64_t live_bytes;  /* in live allocations, as the allocator rounds them */
	uint64_t asked_bytes; /* the same as the program asked for them */
	uint64_t live_count;  /* live allocations */
	uint64_t fragmented_bytes; /* not live, in fragmented pages */
	uint32_t one_in;	   /* 1: all are tracked; N: those of one page in N */
	uint32_t functions;	   /* probed, see event_heap */
	uint32_t dear;
	struct heap_totals totals;
};

struct heap;
struct ledger;

/* max_tracked: see HEAP_TRACKED_*; the seed of the choice of pages is fixed, so replays agree. */
struct heap *heap_new(size_t max_tracked);
void heap_free(struct heap *heap);

/* One HEAP, ALLOC_BEGIN, ALLOC, FREE or LOSS record. 0 or -ENOMEM. */
int heap_event(struct heap *heap, const struct event_header *event);

/* The process runs another program: nothing is known of it. */
void heap_reset(struct heap *heap);

/*
 * The kernel has given the process [start, end), whole pages that nobody can have used before: what
 * is in there is all seen. Of no effect while the probes are not there.
 */
void heap_fresh(struct heap *heap, uint64_t start, uint64_t end, uint64_t time_ns);

/* Pages from elsewhere are at [start, end) now: mremap. */
void heap_moved(struct heap *heap, uint64_t start, uint64_t end);

/*
 * Holds the live set against the ledger's resident pages. Walks the leaves of the allocator's
 * mappings: about 10 ns a page. A ledger without heap evidence gives a report of zeroes.
 */
void heap_report(const struct ledger *ledger, struct heap_report *report);

/*
 * The sites by live bytes, most first. *sites is the caller's to free. growth is against the call
 * before with `remember` set. 0 or -ENOMEM.
 */
int heap_sites(struct heap *heap, bool remember, struct heap_site **sites, size_t *count);

/*
 * How many bytes an allocator takes for a request: its size class, or its chunk with the header.
 * allocator: enum event_allocator; one that is not known rounds up to 16.
 */
uint64_t heap_rounded(uint32_t allocator, uint64_t size);

/* Bytes of collector memory it takes. */
uint64_t heap_memory(const struct heap *heap);

#endif
