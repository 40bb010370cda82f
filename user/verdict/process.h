/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the views know of one watched process: its ledger, and a report for
 * each interval.
 */
#ifndef TIDEMARK_VERDICT_PROCESS_H
#define TIDEMARK_VERDICT_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/ledger/heap.h"
#include "user/ledger/ledger.h"
#include "user/stack/symbols.h"
#include "user/stack/unwinder.h"
#include "user/verdict/sites.h"
#include "user/verdict/trend.h"
#include "user/verdict/verdict.h"

#define REPORT_HISTORY 720 /* kept: 12 minutes at the default interval of 1 s */
#define GROWTH_WINDOW 120  /* newest reports that the growth rate rests on */

/* One process at the end of one interval. Bytes unless said. */
struct report {
	double time_s;	   /* since the watch of this process began */
	uint64_t time_ns;  /* CLOCK_MONOTONIC */
	uint64_t interval; /* its number, from 1 */
	uint64_t rss;	   /* anon + file + shmem, as the kernel counts them */
	uint64_t anon;
	uint64_t file;
	uint64_t shmem;
	uint64_t swap;
	uint64_t virtual;
	uint64_t resident; /* anonymous pages in the ledger */
	uint64_t retained; /* of these, first touched in an earlier interval */
	uint64_t lazyfree; /* of these, lazily freed */
	uint64_t purged_total;
	uint64_t returned_total;
	uint64_t born_pages_total;
	double born_pages_per_s;
	double growth_per_hour; /* robust slope of rss; NAN with too few reports */
	int64_t unexplained;	/* anon - resident: what the ledger does not account for */
	uint64_t events_total;
	double events_per_s;
	uint64_t lost_total;
	uint64_t repaired_pages_total;
	uint64_t unknown;	      /* resident, and first touched under a stack not known */
	uint64_t stacks_total;	      /* stacks taken */
	uint64_t stacks_failed_total; /* of these, those that do not reach their start */
	uint64_t invocations_total;   /* ended */
	uint64_t invocations_unmatched_total; /* ends without a beginning, beginnings without end */
	uint64_t invocation_retained;	      /* first touched in one that is not open any more */
	struct trend_range per_invocation;    /* growth of that per invocation; NAN: too few */
	uint64_t huge_pages_total;	      /* born: came along in a huge page */
	uint64_t cpu_ns;		      /* user and system time so far */
	uint32_t threads;
	uint32_t execs; /* since the watch began */
	bool complete;	/* all that is mapped and resident is known */
	struct ledger_parts parts;
	uint64_t parts_ns;	   /* when these were counted */
	uint64_t heap_ns;	   /* when the heap was */
	struct heap_report heap;   /* zeroes without heap evidence */
	enum verdict_kind verdict; /* by all the evidence at this time */
};

/*
 * The site list is made again at the end of an interval once this many times what it takes has
 * passed: 1% of one CPU at most. (Measured: 2 to 4 ns a page.)
 */
#define SITES_SHARE 100
#define SITES_NS_PER_PAGE 4
#define SITES_NS_PER_PROVENANCE 50

/* The same for the parts. (Measured: 100 to 250 ns a mapping.) */
#define PARTS_NS_PER_MAPPING 250
#define PARTS_NS_PER_LEAF 40

/* And for the heap: user/ledger/heap_report.c. */
#define HEAP_NS_PER_PAGE 10

struct process {
	struct ledger *ledger;	     /* owned */
	struct unwinder *unwinder;   /* owned; NULL: no stacks are taken */
	const struct stacks *stacks; /* of all processes, borrowed; NULL likewise */
	struct symbols *symbols;     /* likewise */
	struct site_list sites;	     /* the newest; its sites carry numbers of stacks */
	struct report *reports;	     /* ring once it is full: REPORT_HISTORY */
	uint64_t report_capacity;
	uint64_t report_count;	/* ever */
	struct verdict verdict; /* of the newest report */
	/*
	 * Sites of live allocations with what each gained in the last but one of the periods that
	 * end with a report's number doubled: so there is always one of a good length.
	 */
	struct heap_site *heap_sites; /* owned */
	size_t heap_site_count;
	uint64_t heap_period; /* the report that the present period began with */
	bool ended;	      /* exited, or no longer watched; the ledger keeps its last state */
	void *view;	      /* for the exporter; not touched here */
};

/* Takes ownership of the ledger. NULL without memory (the ledger is freed then). */
struct process *process_new(struct ledger *ledger);
void process_free(struct process *process);

/* Makes the report of the interval that ends at now_ns. 0 or -ENOMEM. */
int process_report(struct process *process, uint64_t now_ns, uint64_t interval);

/* Makes the site list anew now, whatever it costs: for an export. 0 or -ENOMEM. */
int process_update_sites(struct process *process);

/* The newest report, or NULL before the first. */
/* The call stack of that number; NULL: it is not known, or there are no names for it. */
const struct stack *process_stack(const struct process *process, uint32_t number);

const struct report *process_newest(const struct process *process);

/* The report `back` intervals before the newest (0: the newest), or NULL if not kept. */
const struct report *process_report_at(const struct process *process, uint64_t back);

#endif
