// SPDX-License-Identifier: GPL-2.0-only
/*
 * What heap evidence costs the collector: time for a record, memory for a live allocation and for
 * a page of the heap, and time for a report. Frees and allocations of random blocks, at a steady
 * number of live ones. live_set_bench [--quick]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "user/base/units.h"
#include "user/ledger/ledger.h"

#define HEAP_START ((uint64_t)0x7f0000000000)

struct bench {
	struct ledger *ledger;
	uint64_t random;
	uint64_t now;
	uint64_t failures;
};

static uint64_t clock_now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (uint64_t)time.tv_sec * NSEC_PER_SEC + (uint64_t)time.tv_nsec;
}

static uint64_t below(struct bench *bench, uint64_t limit)
{
	bench->random ^= bench->random << 13;
	bench->random ^= bench->random >> 7;
	bench->random ^= bench->random << 17;
	return bench->random % limit;
}

static void feed(struct bench *bench, struct event_header *event, uint16_t kind, uint16_t size)
{
	event->kind = kind;
	event->size = size;
	event->pid = event->tid = 1;
	event->time_ns = ++bench->now;
	if (bench->ledger)
		bench->failures += ledger_apply(bench->ledger, event) != 0;
}

static void feed_alloc(struct bench *bench, uint64_t addr, uint64_t size)
{
	struct event_alloc event = {.addr = addr, .size = size};

	feed(bench, &event.h, EVENT_ALLOC, sizeof(event));
}

static void feed_free(struct bench *bench, uint64_t addr)
{
	struct event_free event = {.addr = addr};

	feed(bench, &event.h, EVENT_FREE, sizeof(event));
}

static void print_row(const char *what, double value, const char *unit)
{
	printf("  %-52s %10.1f %s\n", what, value, unit);
}

/* A process whose heap is resident and all known. */
static void bench_begin(struct bench *bench, uint64_t bytes, size_t max_tracked)
{
	struct event_heap probes = {
		.state = HEAP_ON, .allocator = ALLOCATOR_JEMALLOC, .flags = HEAP_WHOLE};
	struct event_mmap map = {
		.addr = HEAP_START, .len = page_ceil(bytes), .prot = PROT_READ | PROT_WRITE};

	bench->ledger = ledger_new(1, 1);
	if (!bench->ledger)
		exit(1);
	bench->random = 88172645463325252ULL;
	bench->ledger->heap_tracked = max_tracked;
	map.flags = MAP_PRIVATE | MAP_ANONYMOUS;
	feed(bench, &map.h, EVENT_MMAP, sizeof(map));
	for (uint64_t at = 0; at < map.len; at += PAGE_BYTES) {
		struct event_fault fault = {.addr = HEAP_START + at, .error = 7};

		feed(bench, &fault.h, EVENT_FAULT, sizeof(fault));
	}
	feed(bench, &probes.h, EVENT_HEAP, sizeof(probes));
}

struct blocks {
	uint64_t live;
	uint64_t slots;
	uint64_t size;
	unsigned char *used; /* by slot */
	uint64_t *list;	     /* slots of the live ones */
};

static uint64_t fill(struct bench *bench, struct blocks *blocks)
{
	uint64_t begin = clock_now();

	memset(blocks->used, 0, blocks->slots);
	for (uint64_t i = 0; i < blocks->live; i++) {
		uint64_t slot = below(bench, blocks->slots);

		while (blocks->used[slot])
			slot = below(bench, blocks->slots);
		blocks->used[slot] = 1;
		blocks->list[i] = slot;
		feed_alloc(bench, HEAP_START + slot * blocks->size, blocks->size);
	}
	return clock_now() - begin;
}

/* Each round a free and an allocation. */
static uint64_t churn(struct bench *bench, struct blocks *blocks, uint64_t rounds)
{
	uint64_t begin = clock_now();

	for (uint64_t i = 0; i < rounds; i++) {
		uint64_t k = below(bench, blocks->live), slot = below(bench, blocks->slots);

		while (blocks->used[slot])
			slot = slot + 1 < blocks->slots ? slot + 1 : 0;
		feed_free(bench, HEAP_START + blocks->list[k] * blocks->size);
		blocks->used[blocks->list[k]] = 0;
		blocks->used[slot] = 1;
		blocks->list[k] = slot;
		feed_alloc(bench, HEAP_START + slot * blocks->size, blocks->size);
	}
	return clock_now() - begin;
}

static void print_report(struct bench *bench, const struct blocks *blocks)
{
	uint64_t memory = heap_memory(bench->ledger->heap), begin = clock_now();
	struct heap_report report;

	heap_report(bench->ledger, &report);
	begin = clock_now() - begin;
	print_row("heap_report", (double)begin / (double)report.pages, "ns/page");
	print_row("memory", (double)memory / (1 << 20), "MiB");
	print_row("memory by live allocation", (double)memory / (double)blocks->live, "bytes");
	print_row("one page in", report.one_in, "");
	print_row("live bytes, estimate to truth",
		  100.0 * (double)report.live_bytes / (double)(blocks->live * blocks->size), "%");
}

/* Blocks of one size class at random places of a heap twice as large. */
static void measure(uint64_t live, uint64_t size, size_t max_tracked, uint64_t rounds)
{
	struct blocks blocks = {.live = live, .slots = live * 2, .size = size};
	struct bench bench = {0}, none = {.random = 88172645463325252ULL};
	uint64_t filled, churned;

	blocks.used = calloc(blocks.slots, 1);
	blocks.list = malloc(live * sizeof(*blocks.list));
	if (!blocks.used || !blocks.list)
		exit(1);
	/* the same without a ledger: what choosing the blocks takes */
	filled = fill(&none, &blocks);
	churned = churn(&none, &blocks, rounds);
	bench_begin(&bench, blocks.slots * size, max_tracked);
	filled = fill(&bench, &blocks) - filled;
	churned = churn(&bench, &blocks, rounds) - churned;
	printf("%.1f million live, of %llu bytes, %.0f MiB of pages, %zu tracked at most\n",
	       (double)live / 1e6, (unsigned long long)size,
	       (double)(blocks.slots * size) / (1 << 20), max_tracked);
	print_row("allocation, filling", (double)filled / (double)live, "ns/record");
	print_row("free and allocation at random", (double)churned / (double)rounds / 2,
		  "ns/record");
	print_report(&bench, &blocks);
	if (bench.failures)
		fprintf(stderr, "heap_bench: %llu records were refused\n",
			(unsigned long long)bench.failures);
	ledger_free(bench.ledger);
	free(blocks.used);
	free(blocks.list);
}

int main(int argc, char **argv)
{
	bool quick = argc == 2 && !strcmp(argv[1], "--quick");
	uint64_t scale = quick ? 10 : 1;

	if (argc > 1 && !quick) {
		fprintf(stderr, "usage: live_set_bench [--quick]\n");
		return 1;
	}
	measure(1000000 / scale, 112, HEAP_TRACKED_DEFAULT, 2000000 / scale);
	measure(1000000 / scale, 1024, HEAP_TRACKED_DEFAULT, 2000000 / scale);
	measure(100000 / scale, 16384, HEAP_TRACKED_DEFAULT, 2000000 / scale);
	measure(4000000 / scale, 112, HEAP_TRACKED_DEFAULT, 2000000 / scale);
	measure(4000000 / scale, 112, 100000 / scale, 2000000 / scale);
	return 0;
}
