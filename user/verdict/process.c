// SPDX-License-Identifier: GPL-2.0-only
#include "user/verdict/process.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "user/verdict/trend.h"

struct process *process_new(struct ledger *ledger)
{
	struct process *process = calloc(1, sizeof(*process));

	if (!process) {
		ledger_free(ledger);
		return NULL;
	}
	process->ledger = ledger;
	return process;
}

void process_free(struct process *process)
{
	if (!process)
		return;
	unwinder_free(process->unwinder);
	ledger_free(process->ledger);
	site_list_free(&process->sites);
	free(process->heap_sites);
	free(process->reports);
	free(process);
}

const struct report *process_report_at(const struct process *process, uint64_t back)
{
	if (back >= process->report_count || back >= REPORT_HISTORY)
		return NULL;
	return &process->reports[(process->report_count - 1 - back) % REPORT_HISTORY];
}

const struct stack *process_stack(const struct process *process, uint32_t number)
{
	return process->stacks && process->symbols ? stacks_get(process->stacks, number) : NULL;
}

const struct report *process_newest(const struct process *process)
{
	return process_report_at(process, 0);
}

/* What came to rest in the newer half grows no more, however fast it did before. */
static double rested(const double *x, const double *y, size_t count, double slope)
{
	size_t middle = count / 2;
	double newer = trend_slope(x + middle, y + middle, count - middle);

	return slope > 0 && newer < slope ? fmax(newer, 0) : slope;
}

/* Bytes per hour over the newest reports, the one being made among them. */
static double growth_per_hour(const struct process *process)
{
	double x[GROWTH_WINDOW], y[GROWTH_WINDOW];
	size_t count = 0;

	for (uint64_t back = GROWTH_WINDOW; back-- > 0;) {
		const struct report *report = process_report_at(process, back);

		/* before the first sample the size is not known, and not 0 */
		if (!report || !report->rss)
			continue;
		x[count] = report->time_s;
		y[count++] = (double)report->rss;
	}
	return rested(x, y, count, trend_slope(x, y, count)) * 3600;
}

/*
 * By the size of the ledger, not by a clock: a recording gives the same lists
 * as the process did.
 */
static bool sites_due(const struct process *process)
{
	const struct ledger *ledger = process->ledger;
	uint64_t cost = ledger->pages.pages * SITES_NS_PER_PAGE +
			ledger->provenances.count * (uint64_t)SITES_NS_PER_PROVENANCE;
	uint64_t gap = cost * SITES_SHARE;

	return !process->sites.time_ns || ledger->now_ns >= process->sites.time_ns + gap;
}

int process_update_sites(struct process *process)
{
	const struct report *newest = process_newest(process);

	/* as it is: made anew it would say that nothing has grown since */
	if (process->sites.time_ns && process->sites.time_ns == process->ledger->now_ns)
		return 0;
	return site_list_update(&process->sites, process->ledger, newest ? newest->interval : 0);
}

/* Where they are; as it was, where it would cost too much to look at each interval. */
static void report_parts(struct report *report, const struct ledger *ledger,
			 const struct report *before)
{
	uint64_t cost = ledger->mappings.count * (uint64_t)PARTS_NS_PER_MAPPING +
			ledger->pages.leaves * PARTS_NS_PER_LEAF;

	report->parts_ns = ledger->now_ns;
	if (before && before->execs == ledger->execs &&
	    ledger->now_ns < before->parts_ns + cost * SITES_SHARE) {
		report->parts = before->parts;
		report->parts_ns = before->parts_ns;
		return;
	}
	ledger_parts(ledger, &report->parts);
}

/* The classes of the pages likewise. */
static void report_heap(struct report *report, const struct ledger *ledger,
			const struct report *before)
{
	uint64_t cost = ledger->pages.pages * HEAP_NS_PER_PAGE;

	report->heap_ns = ledger->now_ns;
	if (before && before->heap.on && ledger->heap && before->execs == ledger->execs &&
	    ledger->now_ns < before->heap_ns + cost * SITES_SHARE) {
		report->heap = before->heap;
		report->heap_ns = before->heap_ns;
		return;
	}
	heap_report(ledger, &report->heap);
}

static void report_stacks(struct report *report, const struct process *process)
{
	report->unknown = process->sites.unknown << PAGE_SHIFT;
	if (!process->unwinder)
		return;
	report->stacks_total = unwinder_totals(process->unwinder)->taken;
	report->stacks_failed_total = unwind_failures(unwinder_totals(process->unwinder));
}

/* Pages to bytes; what is kept of the newest ends is what the growth rests on. */
static void report_invocations(struct report *report, const struct invocations *invocations)
{
	const struct invocation_totals *totals;
	uint64_t pages[INVOCATIONS_KEPT];
	double bytes[INVOCATIONS_KEPT];
	size_t count = 0;

	if (invocations) {
		totals = invocations_totals(invocations);
		report->invocations_total = totals->ended;
		report->invocations_unmatched_total = totals->unmatched + totals->cut;
		report->invocation_retained = invocations_retained(invocations) << PAGE_SHIFT;
		count = invocations_history(invocations, pages, INVOCATIONS_KEPT);
	}
	for (size_t i = 0; i < count; i++)
		bytes[i] = (double)(pages[i] << PAGE_SHIFT);
	report->per_invocation = trend_growth(bytes, count);
}

static void report_fill(struct report *report, const struct ledger *ledger,
			const struct report *before)
{
	const struct event_sample *sample = &ledger->sample;
	struct ledger_classes classes = ledger_classes(ledger);
	const struct ledger_totals *totals = &ledger->totals;
	double elapsed;

	report->resident = classes.resident << PAGE_SHIFT;
	/* of what has ended the kernel counts no more: the ledger is newer than its last count */
	report->anon = ledger->exit_ns ? report->resident : sample->anon_bytes;
	report->file = sample->file_bytes;
	report->shmem = sample->shmem_bytes;
	report->rss = report->anon + report->file + report->shmem;
	report->swap = sample->swap_bytes;
	report->virtual = sample->virtual_bytes;
	report->retained = classes.retained << PAGE_SHIFT;
	report->lazyfree = classes.lazy << PAGE_SHIFT;
	report->purged_total = totals->purged << PAGE_SHIFT;
	report->returned_total = totals->returned << PAGE_SHIFT;
	report->born_pages_total = totals->born;
	report->events_total = totals->events;
	report->lost_total = totals->lost;
	report->repaired_pages_total = totals->repaired;
	report->huge_pages_total = totals->huge;
	report->cpu_ns = sample->cpu_ns;
	report->threads = sample->threads;
	report->execs = ledger->execs;
	report->complete = ledger->complete;
	if (sample->h.time_ns)
		report->unexplained =
			(int64_t)sample->anon_bytes - (int64_t)(ledger->sample_pages << PAGE_SHIFT);

	elapsed = report->time_s - (before ? before->time_s : 0);
	if (elapsed > 0) {
		uint64_t born = before ? before->born_pages_total : 0;
		uint64_t events = before ? before->events_total : 0;

		report->born_pages_per_s = (double)(report->born_pages_total - born) / elapsed;
		report->events_per_s = (double)(report->events_total - events) / elapsed;
	}
}

/* Grows by doubling: most processes of a build or a shell are short. */
static int reports_reserve(struct process *process)
{
	uint64_t capacity = process->report_capacity ? process->report_capacity * 2 : 8;
	struct report *reports;

	if (process->report_count < process->report_capacity ||
	    process->report_capacity == REPORT_HISTORY)
		return 0;
	if (capacity > REPORT_HISTORY)
		capacity = REPORT_HISTORY;
	reports = reallocarray(process->reports, capacity, sizeof(*reports));
	if (!reports)
		return -ENOMEM;
	process->reports = reports;
	process->report_capacity = capacity;
	return 0;
}

/* Without memory for it the present period goes on. */
static void update_heap_sites(struct process *process)
{
	struct heap_site *sites;
	size_t count;

	if (!process->ledger->heap || process->report_count < 2 * process->heap_period ||
	    heap_sites(process->ledger->heap, true, &sites, &count))
		return;
	free(process->heap_sites);
	process->heap_sites = sites;
	process->heap_site_count = count;
	process->heap_period = process->report_count;
}

int process_report(struct process *process, uint64_t now_ns, uint64_t interval)
{
	const struct ledger *ledger = process->ledger;
	const struct report *before;
	struct report report = {.time_ns = now_ns, .interval = interval};
	struct report *slot;

	if (reports_reserve(process))
		return -ENOMEM;
	before = process_newest(process); /* not earlier: the ring may have moved */
	if (now_ns > ledger->attach_ns)
		report.time_s = (double)(now_ns - ledger->attach_ns) / NSEC_PER_SEC;
	report_fill(&report, ledger, before);
	report_parts(&report, ledger, before);
	/* without memory for it, the list before stays */
	if (sites_due(process))
		(void)site_list_update(&process->sites, ledger, interval);
	report_stacks(&report, process);
	report_invocations(&report, ledger->invocations);
	report_heap(&report, ledger, before);
	slot = &process->reports[process->report_count++ % REPORT_HISTORY];
	*slot = report;
	slot->growth_per_hour = growth_per_hour(process);
	update_heap_sites(process);
	verdict_judge(process, true, &process->verdict);
	slot->verdict = process->verdict.kind;
	return 0;
}
