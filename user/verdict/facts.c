// SPDX-License-Identifier: GPL-2.0-only
#include "user/verdict/facts.h"

#include <math.h>
#include <string.h>

#include "user/base/units.h"

/* A fall of this much of the peak, in one interval, is one of those that late_purged counts. */
#define LATE_SHARE 0.05
#define LATE_SECONDS 1.0

/* With heap evidence it is known that they were free. */
#define LATE_HEAP_SECONDS 0.5

/* Births of less than this share of the peak in an interval: its pages were not touched anew. */
#define STILL_SHARE 0.01

/* Growth of the newer half that is less than this of the whole has to prove itself. */
#define NEWER_SHARE 0.25
#define CREEP_SHARE 0.05
#define FADED_SHARE 0.5 /* and its last third is no less than this of its first */

/*
 * Growth is sure where the lower end of its interval is no less than this part of it. With few
 * reports, where one point makes a block, that end is unsure itself: what falls on its way up by
 * FEW_FALL_SHARE of what it gained has to be surer.
 */
#define SURE_SHARE 0.25
#define SURE_SHARE_FEW 0.5
#define FEW_REPORTS (8 * TREND_BLOCKS_MIN)
#define FEW_FALL_SHARE 0.125

/* What each third of the newer half gains at least, as a share of the even one. */
#define THIRD_SHARE 0.4

/* Near its peak it has grown; who works less than half as hard from then on does little. */
#define NEAR_PEAK 0.9
#define WORKS_ON_SHARE 0.5

/* A fall by this share of the peak, and half as much up again, is a swing. */
#define SWING_SHARE 0.2

/* A program touches a MiB or two before it is at work: to have grown means more. */
#define GROWN_FACTOR 16

/* A peak that is higher than the one before by less than this share is as high. */
#define PEAK_SHARE 0.15

/* Heap evidence that knows less of the heap than this does not decide. */
#define KNOWN_SHARE 0.7

static double pages_bytes(uint64_t pages)
{
	return (double)(pages << PAGE_SHIFT);
}

/* The oldest report of the present program that says all there is. */
static size_t reports_usable(const struct process *process)
{
	uint64_t kept =
		process->report_count < REPORT_HISTORY ? process->report_count : REPORT_HISTORY;
	const struct report *newest = process_newest(process);
	size_t count = 0;

	while (count < kept) {
		const struct report *report = process_report_at(process, count);

		if (report->execs != newest->execs || !report->complete || !report->rss)
			break;
		count++;
	}
	return count;
}

/* A process that ended has a report of its last moment, which is no interval. */
static size_t reports_skipped(const struct process *process)
{
	const struct report *newest = process_newest(process);
	const struct report *before = process_report_at(process, 1);

	return before && newest->interval == before->interval ? 1 : 0;
}

static void gain_between(const struct report *a, const struct report *b, struct facts_gain *gain)
{
	*gain = (struct facts_gain){
		.rss = (double)b->rss - (double)a->rss,
		.file = (double)(b->file + b->shmem) - (double)(a->file + a->shmem),
		.lazy = (double)b->lazyfree - (double)a->lazyfree,
		.heap = pages_bytes(b->parts.heap) - pages_bytes(a->parts.heap),
		.arenas = pages_bytes(b->parts.arenas) - pages_bytes(a->parts.arenas),
		.own = pages_bytes(b->parts.own) - pages_bytes(a->parts.own),
		.stacks = pages_bytes(b->parts.threads + b->parts.stack) -
			  pages_bytes(a->parts.threads + a->parts.stack),
		.huge = pages_bytes(b->huge_pages_total - a->huge_pages_total),
		.live = (double)b->heap.live_bytes - (double)a->heap.live_bytes,
		.fragmented = (double)b->heap.fragmented_bytes - (double)a->heap.fragmented_bytes,
		.free = facts_class(b, HEAP_FREE) - facts_class(a, HEAP_FREE),
		.unknown = facts_class(b, HEAP_UNKNOWN) - facts_class(a, HEAP_UNKNOWN),
	};
}

/*
 * A heap that fills, or spreads while it is churned, gains ever less, and one that climbs by steps
 * may be done: each third of the newer half has its share in what that gained. Where most of the
 * growth came before, it also has to be more than what a heap at work gains by chance.
 */
static bool is_steady(const double *values, size_t count)
{
	size_t middle = count ? (count - 1) / 2 : 0, points = count - middle;
	size_t third = points ? (points - 1) / 3 : 0;
	const double *newer = values + middle;
	double gained, least;

	if (!third)
		return false;
	gained = newer[points - 1] - newer[0];
	least = THIRD_SHARE * gained / 3;
	if (newer[third] - newer[0] < least || newer[2 * third] - newer[third] < least ||
	    newer[points - 1] - newer[2 * third] < least)
		return false;
	if (gained >= NEWER_SHARE * (values[count - 1] - values[0]))
		return true;
	return gained >= CREEP_SHARE * values[count - 1] && trend_growth(newer, points).low > 0 &&
	       newer[points - 1] - newer[2 * third] >= FADED_SHARE * (newer[third] - newer[0]);
}

/* Of what moves up and down any two moments say little: a level is a quarter's. */
static void gather_level(struct facts *facts, const double *rss)
{
	double older[FACTS_REPORTS_MAX / 4], newer[FACTS_REPORTS_MAX / 4];
	size_t quarter = facts->count / 4;

	for (size_t i = 0; i < quarter; i++) {
		newer[i] = rss[facts->count - 1 - i];
		older[i] = rss[facts->count - 1 - quarter - i];
	}
	trend_sort(older, quarter);
	trend_sort(newer, quarter);
	facts->level_gain = newer[quarter / 2] - older[quarter / 2];
}

static void gather_growth(struct facts *facts, size_t skip)
{
	double rss[FACTS_REPORTS_MAX], per_hour;
	struct trend_range range;

	for (size_t i = 0; i < facts->count; i++)
		rss[i] =
			(double)process_report_at(facts->process, skip + facts->count - 1 - i)->rss;
	range = trend_growth(rss, facts->count);
	gather_level(facts, rss);
	facts->steady = is_steady(rss, facts->count);
	per_hour = 3600 * (double)(facts->count - 1) / facts->seconds;
	facts->growth = (struct trend_range){range.estimate * per_hour, range.low * per_hour,
					     range.high * per_hour};
	facts->invocation = facts->last->per_invocation;
}

/*
 * With heap evidence: pages are taken to be purged in the order in which they were freed. Those
 * that were free LATE_HEAP_SECONDS before, and not purged since then, go first.
 */
static double late_by_heap(const struct facts *facts, size_t skip, size_t back, double purged)
{
	const struct report *before = process_report_at(facts->process, skip + back + 1);
	const struct report *then = before;
	double late;

	for (size_t i = back + 1; i < facts->count; i++) {
		then = process_report_at(facts->process, skip + i);
		if (before->time_s - then->time_s >= LATE_HEAP_SECONDS)
			break;
	}
	late = facts_class(then, HEAP_FREE) - (double)(before->purged_total - then->purged_total);
	return fmax(0, fmin(late, purged));
}

/*
 * By the pages alone a purge is known to be late of allocators that purge so by design: of
 * jemalloc, unless it was told not to wait, and of glibc, where only malloc_trim() purges.
 * (mimalloc waits for 25 ms, and a program that frees its data after a second looks no different.)
 */
static bool purges_late(const struct ledger *ledger)
{
	if (ledger->allocator == ALLOCATOR_JEMALLOC)
		return !strstr(ledger->settings.text, "dirty_decay_ms:0");
	return ledger->allocator == ALLOCATOR_GLIBC;
}

static double late_part(const struct facts *facts, size_t skip, size_t back, double purged)
{
	const struct report *before = process_report_at(facts->process, skip + back + 1);

	if (facts->has_heap && before->heap.on)
		return late_by_heap(facts, skip, back, purged);
	return purges_late(facts->process->ledger) ? purged : 0;
}

/* One fall under way. */
struct fall {
	double top;    /* since the last one ended */
	double bottom; /* since that top */
	bool low;      /* it has fallen */
};

static void gather_fall(struct facts *facts, double rss, struct fall *fall)
{
	double far = SWING_SHARE * (double)facts->peak->rss;

	if (rss > fall->top && !fall->low)
		fall->top = fall->bottom = rss;
	if (rss < fall->bottom)
		fall->bottom = rss;
	if (fall->top - fall->bottom >= far)
		fall->low = true;
	if (!fall->low || rss - fall->bottom < far / 2)
		return;
	facts->falls++;
	*fall = (struct fall){.top = rss, .bottom = rss};
}

/* What falls and rises is told by how far it fell; what was purged, by how long it had rested. */
static void gather_changes(struct facts *facts, size_t skip)
{
	double peak = (double)facts->peak->rss, top = (double)facts->first->rss, top_newer = 0,
	       top_older = top, touched_s = facts->first->time_s;
	const struct report *before = facts->first;
	struct fall fall = {.top = top, .bottom = top};

	facts->trough = (double)facts->last->rss;
	for (size_t i = 1; i < facts->count; i++) {
		const struct report *report =
			process_report_at(facts->process, skip + facts->count - 1 - i);
		double born = pages_bytes(report->born_pages_total - before->born_pages_total);
		double purged = (double)(report->purged_total - before->purged_total);
		double sat = before->time_s - touched_s;

		gather_fall(facts, (double)report->rss, &fall);
		if ((double)report->rss > top)
			top = (double)report->rss;
		if (top - (double)report->rss > facts->swing)
			facts->swing = top - (double)report->rss;
		if (report->time_s > facts->middle->time_s) {
			top_newer = fmax(top_newer, (double)report->rss);
			facts->trough = fmin(facts->trough, (double)report->rss);
			facts->swing_newer =
				fmax(facts->swing_newer, top_newer - (double)report->rss);
		} else {
			top_older = fmax(top_older, (double)report->rss);
		}
		if (purged > LATE_SHARE * peak &&
		    sat >= (facts->has_heap ? LATE_HEAP_SECONDS : LATE_SECONDS)) {
			facts->late_purged += late_part(facts, skip, facts->count - 1 - i, purged);
			if (sat > facts->late_seconds)
				facts->late_seconds = sat;
		}
		/* what was given back in between was used, too */
		if (born > STILL_SHARE * peak)
			touched_s = report->time_s;
		before = report;
	}
	facts->peak_gain = top_newer - top_older;
}

/* CPU time per second from where RSS began to grow to where it nearly reached its peak; 0: at once.
 */
static double share_while_grown(const struct facts *facts, size_t skip)
{
	double first = (double)facts->first->rss, up = (double)facts->peak->rss - first;
	const struct report *begin = facts->first;

	for (size_t i = facts->count - 1; i-- > 0;) {
		const struct report *report = process_report_at(facts->process, skip + i);

		if ((double)report->rss < first + (1 - NEAR_PEAK) * up)
			begin = report;
		if ((double)report->rss < first + NEAR_PEAK * up)
			continue;
		return report->time_s > begin->time_s
			       ? (double)(report->cpu_ns - begin->cpu_ns) / NSEC_PER_SEC /
					 (report->time_s - begin->time_s)
			       : 0;
	}
	return 0;
}

static void gather_work(struct facts *facts, size_t skip)
{
	const struct report *a = facts->middle, *b = facts->last;
	double seconds = b->time_s - a->time_s;

	if (seconds > 0 && b->cpu_ns >= a->cpu_ns)
		facts->cpu_share = (double)(b->cpu_ns - a->cpu_ns) / NSEC_PER_SEC / seconds;
	facts->working = facts->cpu_share >= FACTS_IDLE_SHARE &&
			 b->cpu_ns >= a->cpu_ns + 2 * FACTS_TICK_NS &&
			 facts->cpu_share >= WORKS_ON_SHARE * share_while_grown(facts, skip);
	facts->shows_work =
		facts->working || b->invocations_total > a->invocations_total ||
		pages_bytes(b->born_pages_total - a->born_pages_total) >= facts->material * 4;
}

/* By the bytes that were asked for: size classes round a growing buffer up, in leaps. */
static void gather_live(struct facts *facts, size_t skip)
{
	double asked[FACTS_REPORTS_MAX], older = 0, newer = 0;
	size_t count = 0;

	for (size_t i = facts->count; i-- > 0;) {
		const struct report *report = process_report_at(facts->process, skip + i);

		if (report->heap.begin_ns != facts->last->heap.begin_ns)
			continue;
		asked[count++] = (double)report->heap.asked_bytes;
		if (report->time_s > facts->middle->time_s)
			newer = fmax(newer, (double)report->heap.asked_bytes);
		else
			older = fmax(older, (double)report->heap.asked_bytes);
	}
	facts->asked_gain =
		(double)facts->last->heap.asked_bytes - (double)facts->middle->heap.asked_bytes;
	facts->live_grows = facts->asked_gain >= facts->material && is_steady(asked, count) &&
			    trend_growth(asked, count).low > 0;
	facts->live_may_grow =
		newer - older > PEAK_SHARE * newer && newer - older >= facts->material;
}

/*
 * A page that was free when the probes went may be in use again, without a fault that says so: what
 * they saw counts for as long again as they were there.
 */
static double heap_stale_seconds(const struct report *last)
{
	const struct heap_report *heap = &last->heap;
	uint64_t lasted, passed;

	if (heap->on || heap->end_ns < heap->begin_ns || last->time_ns <= heap->end_ns)
		return 0;
	lasted = heap->end_ns - heap->begin_ns;
	passed = last->time_ns - heap->end_ns;
	return passed > lasted ? (double)passed / NSEC_PER_SEC : 0;
}

static void gather_heap(struct facts *facts, size_t skip, bool use_heap)
{
	const struct heap_report *heap = &facts->last->heap;
	uint64_t known = heap->pages - heap->classes[HEAP_UNKNOWN];

	if (!use_heap || !heap->begin_ns || !heap->pages)
		return;
	facts->heap_known = (double)known / (double)heap->pages;
	facts->heap_stale_s = heap_stale_seconds(facts->last);
	facts->has_heap = facts->heap_known >= KNOWN_SHARE && !facts->heap_stale_s;
	facts->heap_spans = facts->has_heap && facts->middle->heap.begin_ns == heap->begin_ns;
	if (!facts->heap_spans)
		return;
	facts->turnover =
		(double)heap->totals.alloc_bytes - (double)facts->middle->heap.totals.alloc_bytes;
	gather_live(facts, skip);
}

/* All of its interval is above 0, and that not by chance: what climbs by steps has a wide one. */
static bool is_sure(const struct trend_range *range, double share)
{
	return range->low > 0 && range->low >= share * range->estimate;
}

static double share_that_is_sure(const struct facts *facts)
{
	bool falls = facts->swing_newer > FEW_FALL_SHARE * facts->newer.rss;

	return facts->count <= FEW_REPORTS && falls ? SURE_SHARE_FEW : SURE_SHARE;
}

/* More than half of the evidence points upwards, or not. */
static void gather_verdict_of_growth(struct facts *facts)
{
	bool material = facts->newer.rss >= facts->material && facts->whole.rss >= facts->material;
	bool by_invocation = is_sure(&facts->invocation, SURE_SHARE) &&
			     facts->last->invocations_total > facts->middle->invocations_total;

	facts->grows = material && facts->steady &&
		       (is_sure(&facts->growth, share_that_is_sure(facts)) || by_invocation);
	/*
	 * What falls as far as it gained only moves, unless its peaks rise. It need not be steady:
	 * what grows by leaps is not said to have come to rest.
	 */
	facts->may_grow = !facts->grows && material && facts->growth.high > 0 &&
			  ((facts->steady && facts->growth.low > 0) ||
			   (facts->newer.rss >= NEWER_SHARE * facts->whole.rss &&
			    facts->newer.rss > 2 * facts->swing_newer) ||
			   facts->peak_gain > PEAK_SHARE * (double)facts->peak->rss);
	facts->grown = facts->whole.rss >= GROWN_FACTOR * facts->material &&
		       facts->whole.rss >= 0.2 * (double)facts->last->rss;
}

void facts_gather(const struct process *process, bool use_heap, struct facts *facts)
{
	size_t skip, usable;

	memset(facts, 0, sizeof(*facts));
	facts->process = process;
	facts->growth = facts->invocation = (struct trend_range){NAN, NAN, NAN};
	if (!process_newest(process))
		return;
	skip = reports_skipped(process);
	usable = reports_usable(process);
	facts->count = usable > skip ? usable - skip : 0;
	if (!facts->count)
		return;
	facts->first = process_report_at(process, skip + facts->count - 1);
	facts->middle = process_report_at(process, skip + (facts->count - 1) / 2);
	facts->last = process_report_at(process, skip);
	facts->seconds = facts->last->time_s - facts->first->time_s;
	facts->peak = facts->first;
	for (size_t i = 0; i < facts->count; i++)
		if (process_report_at(process, skip + i)->rss > facts->peak->rss)
			facts->peak = process_report_at(process, skip + i);
	facts->material =
		fmax(FACTS_MATERIAL_BYTES, FACTS_MATERIAL_SHARE * (double)facts->last->rss);
	gain_between(facts->middle, facts->last, &facts->newer);
	gain_between(facts->first, facts->last, &facts->whole);
	facts->born = pages_bytes(facts->last->born_pages_total - facts->first->born_pages_total);
	facts->purged = (double)(facts->last->purged_total - facts->first->purged_total);
	facts->returned = (double)(facts->last->returned_total - facts->first->returned_total);
	if (facts->count < FACTS_REPORTS_MIN || facts->seconds < FACTS_SECONDS_MIN)
		return;
	gather_growth(facts, skip);
	gather_heap(facts, skip, use_heap);
	gather_changes(facts, skip);
	gather_work(facts, skip);
	gather_verdict_of_growth(facts);
	if (facts->last->parts.arena_count > facts->middle->parts.arena_count)
		facts->arenas_new = (uint32_t)(facts->last->parts.arena_count -
					       facts->middle->parts.arena_count);
	facts->purge_thread =
		process->ledger->settings.flags & SETTINGS_PURGE_THREAD ? true : false;
}
