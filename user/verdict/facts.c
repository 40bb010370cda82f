// SPDX-License-Identifier: GPL-2.0-only
#include "user/verdict/facts.h"

#include <math.h>
#include <string.h>

#include "user/base/units.h"

/* A fall of this much of the peak, in one interval, is one of those that late_purged counts. */
#define LATE_SHARE 0.05
#define LATE_SECONDS 1.0

/* Births of less than this share of the peak in an interval: its pages were not touched anew. */
#define STILL_SHARE 0.01

/* Growth of the newer half that is less than this of the whole has to prove itself. */
#define NEWER_SHARE 0.25

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

	return process->ended && before && newest->interval == before->interval ? 1 : 0;
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
 * A heap that fills, or spreads while it is churned, gains ever less: where most of the growth came
 * before, it counts only if the newer half, by itself, grows for certain, and at its end as well as
 * at its beginning.
 */
static bool is_steady(const double *rss, size_t count)
{
	size_t middle = (count - 1) / 2, points = count - middle;
	const double *newer = rss + middle;
	double gained = newer[points - 1] - newer[0];
	size_t third = points / 3;

	if (gained >= NEWER_SHARE * (rss[count - 1] - rss[0]))
		return true;
	return trend_growth(newer, points).low > 0 &&
	       newer[points - 1] - newer[points - 1 - third] >= 0.5 * (newer[third] - newer[0]);
}

static void gather_growth(struct facts *facts, size_t skip)
{
	double rss[FACTS_REPORTS_MAX], per_hour;
	struct trend_range range;

	for (size_t i = 0; i < facts->count; i++)
		rss[i] =
			(double)process_report_at(facts->process, skip + facts->count - 1 - i)->rss;
	range = trend_growth(rss, facts->count);
	facts->steady = is_steady(rss, facts->count);
	per_hour = 3600 * (double)(facts->count - 1) / facts->seconds;
	facts->growth = (struct trend_range){range.estimate * per_hour, range.low * per_hour,
					     range.high * per_hour};
	facts->invocation = facts->last->per_invocation;
}

/*
 * Late is a purge that comes long after the pages were freed. By the pages alone that is known of
 * allocators that purge so by design: of jemalloc, unless it was told not to wait, and of glibc,
 * where only malloc_trim() purges. (mimalloc waits for 25 ms, and a program that frees its data
 * after a second looks no different.)
 */
static double late_part(const struct facts *facts, const struct report *before, double purged)
{
	const struct ledger *ledger = facts->process->ledger;
	double free = facts_class(before, HEAP_FREE);

	if (facts->has_heap && before->heap.on)
		return purged < free ? purged : free;
	if (ledger->allocator == ALLOCATOR_JEMALLOC)
		return strstr(ledger->settings.text, "dirty_decay_ms:0") ? 0 : purged;
	return ledger->allocator == ALLOCATOR_GLIBC ? purged : 0;
}

/* What falls and rises is told by how far it fell; what was purged, by how long it had rested. */
static void gather_changes(struct facts *facts, size_t skip)
{
	double peak = (double)facts->peak->rss, top = (double)facts->first->rss, top_newer = 0,
	       top_older = top, touched_s = facts->first->time_s;
	const struct report *before = facts->first;

	for (size_t i = 1; i < facts->count; i++) {
		const struct report *report =
			process_report_at(facts->process, skip + facts->count - 1 - i);
		double born = pages_bytes(report->born_pages_total - before->born_pages_total);
		double purged = (double)(report->purged_total - before->purged_total);
		double sat = before->time_s - touched_s;

		if ((double)report->rss > top)
			top = (double)report->rss;
		if (top - (double)report->rss > facts->swing)
			facts->swing = top - (double)report->rss;
		if (report->time_s > facts->middle->time_s) {
			top_newer = fmax(top_newer, (double)report->rss);
			facts->swing_newer =
				fmax(facts->swing_newer, top_newer - (double)report->rss);
		} else {
			top_older = fmax(top_older, (double)report->rss);
		}
		if (purged > LATE_SHARE * peak && sat >= LATE_SECONDS) {
			facts->late_purged += late_part(facts, before, purged);
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

static void gather_work(struct facts *facts)
{
	const struct report *a = facts->middle, *b = facts->last;
	double seconds = b->time_s - a->time_s;

	if (seconds > 0 && b->cpu_ns >= a->cpu_ns)
		facts->cpu_share = (double)(b->cpu_ns - a->cpu_ns) / NSEC_PER_SEC / seconds;
	facts->working = facts->cpu_share >= FACTS_IDLE_SHARE;
	facts->shows_work =
		facts->working || b->invocations_total > a->invocations_total ||
		pages_bytes(b->born_pages_total - a->born_pages_total) >= facts->material * 4;
}

static void gather_heap(struct facts *facts, bool use_heap)
{
	const struct heap_report *heap = &facts->last->heap;
	uint64_t known = heap->pages - heap->classes[HEAP_UNKNOWN];

	if (!use_heap || !heap->begin_ns || !heap->pages)
		return;
	facts->heap_known = (double)known / (double)heap->pages;
	facts->has_heap = facts->heap_known >= KNOWN_SHARE;
	facts->heap_spans = facts->has_heap && facts->middle->heap.begin_ns == heap->begin_ns;
}

/* More than half of the evidence points upwards, or not. */
static void gather_verdict_of_growth(struct facts *facts)
{
	bool material = facts->newer.rss >= facts->material && facts->whole.rss >= facts->material;
	bool by_invocation = facts->invocation.low > 0 &&
			     facts->last->invocations_total > facts->middle->invocations_total;

	facts->grows = material && facts->steady && (facts->growth.low > 0 || by_invocation);
	/* what falls as far as it gained only moves, unless its peaks rise */
	facts->may_grow = !facts->grows && material && facts->growth.high > 0 &&
			  ((facts->steady && facts->newer.rss > 2 * facts->swing_newer) ||
			   facts->peak_gain > PEAK_SHARE * (double)facts->peak->rss);
	facts->grown = facts->whole.rss >= 8 * facts->material &&
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
	gather_heap(facts, use_heap);
	gather_changes(facts, skip);
	gather_work(facts);
	gather_verdict_of_growth(facts);
	if (facts->last->parts.arena_count > facts->middle->parts.arena_count)
		facts->arenas_new = (uint32_t)(facts->last->parts.arena_count -
					       facts->middle->parts.arena_count);
	facts->purge_thread =
		process->ledger->settings.flags & SETTINGS_PURGE_THREAD ? true : false;
}
