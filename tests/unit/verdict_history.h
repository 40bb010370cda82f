/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Made-up histories of reports, for the tests of what is concluded from them. A history has a state
 * and adds reports of it, one a second; deltas move the state between them. Include support.h
 * first.
 */
#ifndef TESTS_UNIT_VERDICT_HISTORY_H
#define TESTS_UNIT_VERDICT_HISTORY_H

#include <math.h>

#include "tests/unit/support.h"
#include "user/verdict/facts.h"
#include "user/verdict/process.h"

#define MIB(n) ((int64_t)(n) << 20)
#define KIB(n) ((int64_t)(n) << 10)

/* Pages in a MiB. */
#define PMIB(n) ((int64_t)(n) << 8)

#define HEAP_BEGIN 77 /* when the probes of made-up heap evidence came */

struct history {
	struct process *process;
	struct report now;
	double step_s; /* between reports */
};

/* What changes from one report to the next. */
struct delta {
	/* bytes */
	int64_t anon, file, shmem, lazy, purged, returned;
	/* pages */
	int64_t born, huge, heap, arenas, own, threads, stack;
	int64_t arena_count, cpu_ms, invocations;
	/* bytes of heap evidence */
	int64_t live, asked, fragmented, turnover;
	/* and its pages */
	int64_t pages, live_pages, fragmented_pages, free, unknown;
};

static inline struct history history_new(uint32_t allocator)
{
	struct history h = {.step_s = 1};
	struct ledger *ledger = ledger_new(WORLD_PID, WORLD_START);

	assert_non_null(ledger);
	ledger->allocator = allocator;
	h.process = process_new(ledger);
	assert_non_null(h.process);
	h.process->reports = calloc(REPORT_HISTORY, sizeof(*h.process->reports));
	assert_non_null(h.process->reports);
	h.process->report_capacity = REPORT_HISTORY;
	h.now.complete = true;
	h.now.anon = (uint64_t)MIB(20);
	h.now.threads = 1;
	h.now.growth_per_hour = NAN;
	h.now.per_invocation = (struct trend_range){NAN, NAN, NAN};
	return h;
}

static inline void history_free(struct history *h)
{
	process_free(h->process);
}

static inline void history_add(struct history *h)
{
	struct report *now = &h->now;

	now->interval++;
	now->time_s += h->step_s;
	now->time_ns = WORLD_START + (uint64_t)(now->time_s * NSEC_PER_SEC);
	now->rss = now->anon + now->file + now->shmem;
	h->process->reports[h->process->report_count++ % REPORT_HISTORY] = *now;
}

static inline void history_move(struct history *h, const struct delta *d)
{
	struct report *now = &h->now;

	now->anon += (uint64_t)d->anon;
	now->file += (uint64_t)d->file;
	now->shmem += (uint64_t)d->shmem;
	now->lazyfree += (uint64_t)d->lazy;
	now->purged_total += (uint64_t)d->purged;
	now->returned_total += (uint64_t)d->returned;
	now->born_pages_total += (uint64_t)d->born;
	now->huge_pages_total += (uint64_t)d->huge;
	now->parts.heap += (uint64_t)d->heap;
	now->parts.arenas += (uint64_t)d->arenas;
	now->parts.own += (uint64_t)d->own;
	now->parts.threads += (uint64_t)d->threads;
	now->parts.stack += (uint64_t)d->stack;
	now->parts.arena_count += (uint64_t)d->arena_count;
	now->cpu_ns += (uint64_t)d->cpu_ms * NSEC_PER_MSEC;
	now->invocations_total += (uint64_t)d->invocations;
	now->heap.live_bytes += (uint64_t)d->live;
	now->heap.asked_bytes += (uint64_t)d->asked;
	now->heap.fragmented_bytes += (uint64_t)d->fragmented;
	now->heap.totals.alloc_bytes += (uint64_t)d->turnover;
	now->heap.pages += (uint64_t)d->pages;
	now->heap.classes[HEAP_LIVE] += (uint64_t)d->live_pages;
	now->heap.classes[HEAP_FRAGMENTED] += (uint64_t)d->fragmented_pages;
	now->heap.classes[HEAP_FREE] += (uint64_t)d->free;
	now->heap.classes[HEAP_UNKNOWN] += (uint64_t)d->unknown;
}

/* n reports, each after a delta. */
static inline void history_run(struct history *h, unsigned int n, struct delta delta)
{
	while (n--) {
		history_move(h, &delta);
		history_add(h);
	}
}

#define RUN(h, n, ...) history_run(h, n, (struct delta){__VA_ARGS__})

/* Probes are there from now on; so many pages of the heap, all live. */
static inline void history_probes(struct history *h, int64_t pages)
{
	h->now.heap.on = true;
	h->now.heap.begin_ns = HEAP_BEGIN;
	h->now.heap.one_in = 1;
	history_move(h, &(struct delta){.pages = pages,
					.live_pages = pages,
					.live = pages << PAGE_SHIFT,
					.asked = pages << PAGE_SHIFT});
}

static inline struct facts history_facts(const struct history *h)
{
	struct facts facts;

	facts_gather(h->process, true, &facts);
	return facts;
}

#endif
