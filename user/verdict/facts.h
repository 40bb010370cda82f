/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the reports of a process say, as the figures that the rules of the verdict test. Taken
 * from those since its present program began, at most FACTS_REPORTS_MAX of them.
 */
#ifndef TIDEMARK_VERDICT_FACTS_H
#define TIDEMARK_VERDICT_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/verdict/process.h"

#define FACTS_REPORTS_MAX REPORT_HISTORY

/* Fewer reports than these, or less time, tell nothing. */
#define FACTS_REPORTS_MIN (TREND_BLOCKS_MIN + 2)
#define FACTS_SECONDS_MIN 1.5

/*
 * Growth or memory kept that is smaller than this is not worth a word: 32 pages, or one part in a
 * thousand of the resident set.
 */
#define FACTS_MATERIAL_BYTES ((double)(128 << 10))
#define FACTS_MATERIAL_SHARE 0.001

/*
 * A process that takes less of one CPU than this rests: it wakes now and then. Its CPU time is
 * known in clock ticks: at least two of them must have passed.
 */
#define FACTS_IDLE_SHARE 0.01
#define FACTS_TICK_NS (10 * NSEC_PER_MSEC)

/* Bytes that something gained from the middle of the evidence to its end; negative: it shrank. */
struct facts_gain {
	double rss;
	double file; /* of files and shared memory */
	double lazy;
	double heap; /* brk and allocators' mappings, the main arena's */
	double arenas;
	double own;
	double stacks; /* of threads, the main one's too */
	double huge;   /* births that came along in huge pages */
	/* heap evidence, on both sides of it */
	double live;	   /* bytes in live allocations */
	double fragmented; /* the rest of fragmented pages */
	double free;
	double unknown;
};

struct facts {
	const struct process *process;
	const struct report *first; /* of the evidence */
	const struct report *middle;
	const struct report *last;
	const struct report *peak; /* of RSS */
	size_t count;		   /* reports */
	double seconds;		   /* from first to last */
	double material;	   /* bytes, see FACTS_MATERIAL_* */

	struct trend_range growth;     /* of RSS per hour; all NAN with too few reports */
	struct trend_range invocation; /* of what invocations leave, per invocation */
	struct facts_gain newer;       /* from middle to last */
	struct facts_gain whole;       /* from first to last */
	bool steady;		       /* the newer half has its share in what was gained */
	bool grows;		       /* surely, and by more than is immaterial */
	bool may_grow;		       /* it may, but that is not sure */
	bool grown;		       /* above where it began, by a fifth at least */
	bool working;	  /* in the newer half it took CPU time, not much less than while it grew */
	bool shows_work;  /* or invocations ended, or pages were born there */
	double cpu_share; /* of one CPU, in the newer half */
	double born;	  /* bytes first touched since the first report */
	double purged;	  /* the same for what was given back */
	double returned;
	double swing;	   /* greatest fall of RSS from a peak since the first report */
	double level_gain; /* of RSS: from the median of the third quarter to that of the last */
	double peak_gain;  /* by how much the newer half's peak of RSS is above that of the older */
	double trough;	   /* least RSS in the newer half */
	unsigned int falls; /* times that RSS fell by a fifth of its peak and rose again */
	double swing_newer; /* the same in the newer half */

	/*
	 * Purges after a second or more in which hardly a page was touched, by an allocator that is
	 * known to purge late (or, with heap evidence, of pages that were free at the report
	 * before)
	 */
	double late_purged;  /* bytes */
	double late_seconds; /* the longest that such pages sat */

	uint32_t arenas_new; /* heaps of arenas that are there at the end and were not in the middle
			      */
	bool has_heap;	     /* heap evidence at the end, and most of the heap is known by it */
	bool heap_spans;     /* and since before the middle: gains are known, too */
	double turnover;     /* bytes allocated in the newer half, if it spans */
	double asked_gain;   /* live bytes as they were asked for, gained in the newer half */
	bool live_grows;     /* these grow, surely, and by more than is immaterial */
	bool live_may_grow;  /* their peak is higher than in the older half */
	double heap_known;   /* share of the heap's pages that is known, 0..1 */
	double heap_stale_s; /* since the probes went, where that is too long ago; else 0 */
	bool purge_thread;   /* the allocator purges by a thread of its own */
};

/* use_heap false: as if there were no heap evidence. */
void facts_gather(const struct process *process, bool use_heap, struct facts *facts);

/* Bytes of a class of heap pages at a report. */
static inline double facts_class(const struct report *report, enum heap_class class)
{
	return (double)(report->heap.classes[class] << PAGE_SHIFT);
}

#endif
