/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared by the files of the ledger; nobody else's. */
#ifndef TIDEMARK_LEDGER_INTERNAL_H
#define TIDEMARK_LEDGER_INTERNAL_H

#include "user/ledger/ledger.h"

/*
 * The source of an mremap between its entry and its return: the pages and
 * mappings that left their place, at their old addresses. One per thread.
 */
struct limbo {
	struct limbo *next;
	uint32_t tid;
	uint64_t start;
	uint64_t end;
	struct page_table pages;
	struct mapping_map mappings;
};

void limbo_free(struct limbo *limbo);

/* A time on the ledger's clock; 0 only for what is before it. */
uint32_t ledger_tick(const struct ledger *ledger, uint64_t time_ns);

/*
 * Makes one page resident and counts the birth, in the invocation of that number; 0: in none, or
 * it was not seen to be touched.
 */
int ledger_add_page(struct ledger *ledger, uint64_t addr, struct provenance provenance,
		    uint32_t invocation);

/* The innermost invocation open in a thread; 0: none. */
static inline uint32_t ledger_invocation(const struct ledger *ledger, uint32_t tid)
{
	return ledger->invocations ? invocations_current(ledger->invocations, tid) : 0;
}

/* The number of a file, interned. */
uint32_t ledger_file(struct ledger *ledger, uint32_t dev, uint64_t ino);

/* As ledger_request(), and the pages that are then found are first touched as it says. */
void ledger_ask(struct ledger *ledger, const struct asked *asked, uint64_t not_before);

/*
 * Removes the pages of a range and remembers the removal. Returns how many were
 * resident.
 */
uint64_t ledger_remove_pages(struct ledger *ledger, uint64_t start, uint64_t end, uint32_t tid,
			     enum removal_kind kind);

/* Asks for a look at a range; if there is no room for the request, at everything. */
void ledger_request(struct ledger *ledger, uint64_t start, uint64_t end, enum event_cause cause,
		    uint64_t not_before);

/* Forgets all mappings and pages, as exec does. */
void ledger_reset(struct ledger *ledger);

/* The allocator whose library has that name, or ALLOCATOR_UNKNOWN. */
uint32_t ledger_library_allocator(const char *name);

/* No record that is missing can have changed the mappings: a look has been there since. */
bool ledger_mappings_known(const struct ledger *ledger);

/* What the executable file mappings say about the allocator. */
void ledger_learn_allocator(struct ledger *ledger, const char *name);

/* ledger_calls.c: what the process and the kernel do */
int ledger_on_fault(struct ledger *ledger, const struct event_header *event);
int ledger_on_unmap(struct ledger *ledger, const struct event_header *event);
int ledger_on_madvise(struct ledger *ledger, const struct event_header *event);
int ledger_on_mremap_begin(struct ledger *ledger, const struct event_header *event);
int ledger_on_mremap_end(struct ledger *ledger, const struct event_header *event);
int ledger_on_mmap(struct ledger *ledger, const struct event_header *event);
int ledger_on_mmap_file(struct ledger *ledger, const struct event_header *event);
int ledger_on_mprotect(struct ledger *ledger, const struct event_header *event);
int ledger_on_populate(struct ledger *ledger, const struct event_header *event);
int ledger_on_brk(struct ledger *ledger, const struct event_header *event);
int ledger_on_failed(struct ledger *ledger, const struct event_header *event);

/* ledger_look.c: what /proc shows */
int ledger_on_vma(struct ledger *ledger, const struct event_header *event);
int ledger_on_scan(struct ledger *ledger, const struct event_header *event);
int ledger_on_lazyfree(struct ledger *ledger, const struct event_header *event);

#endif
