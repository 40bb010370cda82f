// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the ledger costs: nanoseconds per record through the door (event_check)
 * and into the ledger, and bytes of memory per resident page. The records are
 * made up, so this needs neither root nor a kernel.
 *
 *	ledger_bench [--quick]
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "user/ledger/ledger.h"
#include "user/source/decode.h"

#define BYTES_PER_PAGE_MAX 12 /* the limit that is promised */
#define BASE ((uint64_t)0x7e0000000000)
#define PID 4000
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define CHURN_BATCH 4096

enum op { OP_FAULT, OP_MMAP, OP_UNMAP, OP_MADVISE, OP_MPROTECT, OP_MREMAP, OP_COUNT };

static const char *const op_names[OP_COUNT] = {"fault",	  "mmap",     "munmap",
					       "madvise", "mprotect", "mremap"};

struct area {
	uint64_t start;
	uint64_t pages;
};

struct bench {
	struct ledger *ledger;
	struct area *areas; /* the mappings, in address order */
	size_t area_count;
	uint64_t pages;	 /* in all of them */
	uint64_t *order; /* addresses of all pages */
	uint64_t now;	 /* time of the records */
	uint64_t seed;
	uint64_t failures; /* records that were refused */
};

static uint64_t clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NSEC_PER_SEC + (uint64_t)now.tv_nsec;
}

static uint64_t random_next(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 2685821657736338717ULL;
}

static void *allocate(size_t count, size_t size)
{
	void *block = calloc(count, size);

	if (!block) {
		perror("ledger_bench");
		exit(1);
	}
	return block;
}

/* Bytes of this process that are resident, and the most that ever were. */
static uint64_t own_rss(void)
{
	unsigned long long size, resident = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	if (file) {
		if (fscanf(file, "%llu %llu", &size, &resident) != 2)
			resident = 0;
		fclose(file);
	}
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* --- records ------------------------------------------------------------------- */

static void feed(struct bench *bench, struct event_header *event, uint16_t kind, size_t size)
{
	event->kind = kind;
	event->size = (uint16_t)size;
	event->pid = event->tid = PID;
	event->time_ns = bench->now += 300;
	if (event_check(event, size) || ledger_apply(bench->ledger, event))
		bench->failures++;
}

static void feed_fault(struct bench *bench, uint64_t addr)
{
	struct event_fault event = {.addr = addr, .error = FAULT_USER | FAULT_WRITE};

	feed(bench, &event.h, EVENT_FAULT, sizeof(event));
}

static void feed_range(struct bench *bench, uint16_t kind, struct area area, uint32_t arg)
{
	struct event_range event = {
		.addr = area.start, .len = area.pages << PAGE_SHIFT, .arg = arg};

	feed(bench, &event.h, kind, sizeof(event));
}

static void feed_mmap(struct bench *bench, struct area area)
{
	struct event_mmap event = {
		.addr = area.start, .len = area.pages << PAGE_SHIFT, .prot = RW, .flags = ANON};

	feed(bench, &event.h, EVENT_MMAP, sizeof(event));
}

static void feed_mremap(struct bench *bench, struct area area, uint64_t to)
{
	struct event_mremap event = {
		.old_addr = area.start,
		.old_len = area.pages << PAGE_SHIFT,
		.new_len = area.pages << PAGE_SHIFT,
		.new_addr = to,
		.flags = MREMAP_MAYMOVE | MREMAP_FIXED,
	};

	feed(bench, &event.h, EVENT_MREMAP_BEGIN, sizeof(event));
	event.result = (int64_t)to;
	feed(bench, &event.h, EVENT_MREMAP_END, sizeof(event));
}

/* --- the process ----------------------------------------------------------------- */

/*
 * Mappings of varied size that come to `pages` in all. stride 0: one page of a
 * gap between them, else each begins a multiple of it.
 */
static void lay_out(struct bench *bench, size_t mappings, uint64_t pages, uint64_t stride)
{
	uint64_t mean = pages / mappings, addr = BASE, left = pages;

	bench->areas = allocate(mappings, sizeof(*bench->areas));
	bench->area_count = mappings;
	bench->pages = pages;
	for (size_t i = 0; i < mappings; i++) {
		uint64_t rest = mappings - 1 - i;
		uint64_t size = mean > 1 ? 1 + random_next(&bench->seed) % (2 * mean - 1) : 1;

		if (size + rest > left || !rest)
			size = left - rest;
		if (stride && rest && left - size > rest * (stride >> PAGE_SHIFT))
			size = stride >> PAGE_SHIFT;
		bench->areas[i] = (struct area){addr, size};
		left -= size;
		addr += (size + 1) << PAGE_SHIFT;
		if (stride)
			addr = (addr + stride - 1) / stride * stride;
	}
}

static void list_pages(struct bench *bench, bool shuffled)
{
	size_t count = 0;

	if (!bench->order)
		bench->order = allocate(bench->pages, sizeof(*bench->order));
	for (size_t i = 0; i < bench->area_count; i++)
		for (uint64_t page = 0; page < bench->areas[i].pages; page++)
			bench->order[count++] = bench->areas[i].start + (page << PAGE_SHIFT);
	for (size_t i = count; shuffled && i > 1; i--) {
		size_t other = random_next(&bench->seed) % i;
		uint64_t addr = bench->order[i - 1];

		bench->order[i - 1] = bench->order[other];
		bench->order[other] = addr;
	}
}

static void bench_begin(struct bench *bench)
{
	struct event_cycle cycle = {.cause = CAUSE_ATTACH};

	bench->now = NSEC_PER_SEC;
	bench->ledger = ledger_new(PID, bench->now);
	if (!bench->ledger) {
		perror("ledger_bench");
		exit(1);
	}
	feed(bench, &cycle.h, EVENT_CYCLE, sizeof(cycle));
	cycle.end = 1;
	feed(bench, &cycle.h, EVENT_CYCLE, sizeof(cycle));
}

static void bench_end(struct bench *bench)
{
	ledger_free(bench->ledger);
	free(bench->areas);
	free(bench->order);
}

/* --- tables ------------------------------------------------------------------------ */

static void print_row(const char *what, double value, const char *unit)
{
	printf("  %-52s %10.1f %s\n", what, value, unit);
}

static void print_limited(const char *what, double value, double limit, const char *unit)
{
	printf("  %-52s %10.2f %-8s <= %g: %s\n", what, value, unit, limit,
	       value <= limit ? "ok" : "OVER");
}

static double per(uint64_t ns, uint64_t count)
{
	return count ? (double)ns / (double)count : 0;
}

/* --- measurements -------------------------------------------------------------------- */

static void measure_fill(struct bench *bench, bool shuffled)
{
	uint64_t rss, begin;

	list_pages(bench, shuffled); /* touched before: it is not the ledger's memory */
	rss = own_rss();
	bench_begin(bench);
	begin = clock_now();
	for (size_t i = 0; i < bench->area_count; i++)
		feed_mmap(bench, bench->areas[i]);
	print_row("mmap, address order", per(clock_now() - begin, bench->area_count), "ns/event");
	begin = clock_now();
	for (uint64_t i = 0; i < bench->pages; i++)
		feed_fault(bench, bench->order[i]);
	print_row(shuffled ? "fault, first touch, random order" : "fault, first touch, in order",
		  per(clock_now() - begin, bench->pages), "ns/event");
	begin = clock_now();
	for (uint64_t i = 0; i < bench->pages; i++)
		feed_fault(bench, bench->order[i]);
	print_row("fault, page resident, same order", per(clock_now() - begin, bench->pages),
		  "ns/event");
	print_limited("collector memory, by its own count (ledger_memory)",
		      per(ledger_memory(bench->ledger), bench->pages), BYTES_PER_PAGE_MAX,
		      "B/page");
	print_limited("collector memory, growth of the resident set",
		      per(own_rss() - rss, bench->pages), BYTES_PER_PAGE_MAX, "B/page");
}

static void feed_invocation(struct bench *bench, enum invocation_edge edge)
{
	struct event_invocation event = {.edge = edge};

	snprintf(event.id, sizeof(event.id), "%016llx", (unsigned long long)bench->seed);
	feed(bench, &event.h, EVENT_INVOCATION, sizeof(event));
}

/* The same first touches in invocations of 64 pages each, whose end is part of the price. */
static uint64_t measure_invocations(const void *arg, uint64_t pages)
{
	struct bench bench = {.seed = 88172645463325252ULL};
	uint64_t begin;

	lay_out(&bench, *(const size_t *)arg, pages, 0);
	list_pages(&bench, true);
	bench_begin(&bench);
	for (size_t i = 0; i < bench.area_count; i++)
		feed_mmap(&bench, bench.areas[i]);
	begin = clock_now();
	for (uint64_t page = 0; page < pages; page++) {
		if (page % 64 == 0)
			feed_invocation(&bench, INVOCATION_BEGIN);
		feed_fault(&bench, bench.order[page]);
		if (page % 64 == 63)
			feed_invocation(&bench, INVOCATION_END);
	}
	print_row("fault, first touch, random order, in invocations",
		  per(clock_now() - begin, pages), "ns/event");
	print_row("collector memory, in invocations (ledger_memory)",
		  per(ledger_memory(bench.ledger), pages), "B/page");
	begin = clock_now();
	for (size_t i = 0; i < bench.area_count; i++)
		feed_range(&bench, EVENT_MADVISE, bench.areas[i], MADV_DONTNEED);
	print_row("madvise, of pages born in invocations", per(clock_now() - begin, pages),
		  "ns/page");
	bench_end(&bench);
	return bench.failures;
}

/* One operation on one mapping; leaves the process as it was, but for what is resident. */
static void churn(struct bench *bench, const struct area *area, enum op op)
{
	struct area part = {area->start, (area->pages + 1) / 2};
	const uint64_t elsewhere = BASE - ((uint64_t)1 << 40) + area->start % ((uint64_t)1 << 39);

	switch (op) {
	case OP_UNMAP:
		feed_range(bench, EVENT_UNMAP, *area, 0);
		break;
	case OP_MMAP:
		feed_mmap(bench, *area);
		break;
	case OP_FAULT:
		for (uint64_t page = 0; page < area->pages; page++)
			feed_fault(bench, area->start + (page << PAGE_SHIFT));
		break;
	case OP_MADVISE:
		feed_range(bench, EVENT_MADVISE, part, MADV_DONTNEED);
		break;
	case OP_MPROTECT:
		feed_range(bench, EVENT_MPROTECT, part, PROT_READ);
		feed_range(bench, EVENT_MPROTECT, part, RW);
		break;
	case OP_MREMAP:
		feed_mremap(bench, *area, elsewhere);
		feed_mremap(bench, (struct area){elsewhere, area->pages}, area->start);
		break;
	default:
		break;
	}
}

static void measure_churn(struct bench *bench, unsigned int batches)
{
	static const enum op sequence[] = {OP_UNMAP,	OP_MMAP,   OP_FAULT,   OP_MADVISE, OP_FAULT,
					   OP_MPROTECT, OP_MREMAP, OP_MADVISE, OP_FAULT};
	uint64_t ns[OP_COUNT] = {0}, events[OP_COUNT] = {0};
	const struct area **chosen = allocate(CHURN_BATCH, sizeof(struct area *));

	for (unsigned int batch = 0; batch < batches; batch++) {
		for (size_t i = 0; i < CHURN_BATCH; i++)
			chosen[i] = &bench->areas[random_next(&bench->seed) % bench->area_count];
		for (size_t step = 0; step < sizeof(sequence) / sizeof(*sequence); step++) {
			uint64_t before = bench->now, begin = clock_now();

			for (size_t i = 0; i < CHURN_BATCH; i++)
				churn(bench, chosen[i], sequence[step]);
			ns[sequence[step]] += clock_now() - begin;
			/* each record took 300 ns of its own time */
			events[sequence[step]] += (bench->now - before) / 300;
		}
	}
	for (unsigned int op = 0; op < OP_COUNT; op++) {
		char what[64];

		snprintf(what, sizeof(what), "churn: %s (%.0f events)", op_names[op],
			 (double)events[op]);
		print_row(what, per(ns[op], events[op]), "ns/event");
	}
	print_limited("collector memory after churn, by its own count",
		      per(ledger_memory(bench->ledger), bench->ledger->pages.pages),
		      BYTES_PER_PAGE_MAX, "B/page");
	free(chosen);
}

/* One whole reconciliation, as scans of at most 512 pages; every `skip`-th page is not seen. */
static uint64_t reconcile(struct bench *bench, uint64_t skip)
{
	union {
		struct event_scan scan;
		unsigned char room[EVENT_SIZE_MAX];
	} event;
	uint64_t begin, number = 0, spent = 0;

	bench->now += NSEC_PER_SEC; /* all is settled */
	for (size_t i = 0; i < bench->area_count; i++) {
		uint64_t at = bench->areas[i].start;
		uint64_t end = at + (bench->areas[i].pages << PAGE_SHIFT);

		while (at < end) {
			uint64_t stop = end - at > 512 * PAGE_BYTES ? at + 512 * PAGE_BYTES : end;
			uint32_t count = 0;
			bool open = false;

			event.scan = (struct event_scan){.start = at,
							 .end = stop,
							 .begin_ns = bench->now,
							 .cause = CAUSE_PERIODIC};
			for (; at < stop; at += PAGE_BYTES) {
				if (skip && ++number % skip == 0) {
					open = false;
					continue;
				}
				if (!open)
					event.scan.runs[count++] = (struct event_run){.start = at};
				event.scan.runs[count - 1].pages++;
				open = true;
			}
			event.scan.run_count = count;
			begin = clock_now();
			feed(bench, &event.scan.h, EVENT_SCAN,
			     sizeof(event.scan) + count * sizeof(struct event_run));
			spent += clock_now() - begin;
		}
	}
	return spent;
}

static void measure_whole(struct bench *bench)
{
	struct event_interval interval = {.number = 1};
	struct mapping_report *reports = NULL;
	volatile uint64_t sum;
	uint64_t begin;
	size_t count = 0;

	reconcile(bench, 0); /* what churn has left unmapped or purged */
	print_row("reconciliation, no difference", (double)reconcile(bench, 0) / 1e6, "ms");
	print_row("reconciliation, 1% of the pages gone", (double)reconcile(bench, 100) / 1e6,
		  "ms");
	print_row("reconciliation, 1% of the pages new", (double)reconcile(bench, 0) / 1e6, "ms");
	begin = clock_now();
	feed(bench, &interval.h, EVENT_INTERVAL, sizeof(interval));
	sum = ledger_classes(bench->ledger).retained;
	(void)sum;
	print_row("interval end, with ledger_classes", (double)(clock_now() - begin) / 1e3, "us");
	begin = clock_now();
	if (ledger_report_mappings(bench->ledger, &reports, &count))
		bench->failures++;
	print_row("ledger_report_mappings", (double)(clock_now() - begin) / 1e6, "ms");
	free(reports);
}

struct layout {
	const char *title;
	uint64_t stride;
	bool shuffled;
	unsigned int batches; /* of churn; 0: only filled */
};

static uint64_t measure_layout(const struct layout *layout, size_t mappings, uint64_t pages)
{
	struct bench bench = {.seed = 88172645463325252ULL};

	printf("%s: %.2f GiB resident, %zu mappings\n", layout->title,
	       (double)(pages << PAGE_SHIFT) / (1 << 30), mappings);
	lay_out(&bench, mappings, pages, layout->stride);
	measure_fill(&bench, layout->shuffled);
	if (layout->batches) {
		measure_churn(&bench, layout->batches);
		measure_whole(&bench);
	}
	bench_end(&bench);
	return bench.failures;
}

/* The same faults on as many pages, with more and more mappings. */
static uint64_t measure_scaling(size_t mappings, uint64_t pages)
{
	struct bench bench = {.seed = 88172645463325252ULL};
	uint64_t begin;
	char what[64];

	lay_out(&bench, mappings, pages, 0);
	list_pages(&bench, true);
	bench_begin(&bench);
	for (size_t i = 0; i < bench.area_count; i++)
		feed_mmap(&bench, bench.areas[i]);
	begin = clock_now();
	for (uint64_t page = 0; page < pages; page++)
		feed_fault(&bench, bench.order[page]);
	snprintf(what, sizeof(what), "fault, %.2f GiB, random order, %zu mappings",
		 (double)(pages << PAGE_SHIFT) / (1 << 30), mappings);
	print_row(what, per(clock_now() - begin, pages), "ns/event");
	bench_end(&bench);
	return bench.failures;
}

/* Each measurement has a process of its own, so that none finds another's free memory. */
static bool in_child(uint64_t (*measure)(const void *arg, uint64_t pages), const void *arg,
		     uint64_t pages)
{
	uint64_t failures;
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		failures = measure(arg, pages);
		if (failures)
			fprintf(stderr, "ledger_bench: %llu records were refused\n",
				(unsigned long long)failures);
		exit(failures > 0);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && !status;
}

/* Mappings of 10 GiB; a smaller process has fewer, of the same size. */
#define MAPPINGS 60000
#define PAGES_WHOLE ((uint64_t)10 << (30 - PAGE_SHIFT))

static uint64_t run_layout(const void *arg, uint64_t pages)
{
	return measure_layout(arg, (size_t)(MAPPINGS * pages / PAGES_WHOLE), pages);
}

static uint64_t run_scaling(const void *arg, uint64_t pages)
{
	return measure_scaling(*(const size_t *)arg, pages);
}

int main(int argc, char **argv)
{
	bool quick = argc == 2 && !strcmp(argv[1], "--quick"), good = true;
	const uint64_t pages = quick ? PAGES_WHOLE / 32 : PAGES_WHOLE;
	const unsigned int batches = quick ? 1 : 8;
	const struct layout layouts[] = {
		{"dense, faults in random order", 0, true, batches},
		{"dense, faults in sequence", 0, false, 0},
		{"2 MiB apart, faults in random order", LEAF_BYTES, true, batches},
	};
	static const size_t mappings[] = {10, 1000, MAPPINGS};
	struct rusage usage;

	if (argc > 1 && !quick) {
		fprintf(stderr, "usage: ledger_bench [--quick]\n");
		return 1;
	}
	for (size_t i = 0; i < sizeof(layouts) / sizeof(*layouts); i++)
		good &= in_child(run_layout, &layouts[i], pages);
	printf("with invocations\n");
	good &= in_child(measure_invocations, &mappings[1], quick ? pages : pages / 4);
	printf("by number of mappings\n");
	for (size_t i = 0; i < sizeof(mappings) / sizeof(*mappings); i++)
		good &= in_child(run_scaling, &mappings[i], quick ? pages : pages / 4);
	getrusage(RUSAGE_CHILDREN, &usage);
	print_row("peak resident set of this benchmark", (double)usage.ru_maxrss / 1024, "MiB");
	return good ? 0 : 1;
}
