// SPDX-License-Identifier: GPL-2.0-only
/* The sites of a process as they are shown: a copy, put together, in an order of its own. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/units.h"
#include "user/view/dashboard/sites.h"

/* A site has a good part in the growth of its process if it has one in this many of it. */
#define GROWTH_PART 10

/* So many sites, the largest, are put together: each new stack has to be looked at once. */
#define MERGED_MAX 4096

void site_rows_release(struct site_rows *rows)
{
	free(rows->sites);
	free(rows->items);
	*rows = (struct site_rows){0};
}

/* ---- making them ---- */

static int copy_list(struct site_rows *rows, const struct process *process)
{
	const struct site_list *list = &process->sites;

	site_rows_release(rows);
	rows->process = process;
	rows->attach_ns = process->ledger->attach_ns;
	rows->time_ns = list->time_ns;
	rows->seconds = list->seconds;
	rows->resident = list->resident;
	rows->unknown = list->unknown;
	rows->sites = malloc((list->count + 1) * sizeof(*rows->sites));
	rows->items = malloc((list->count + 1) * sizeof(*rows->items));
	if (!rows->sites || !rows->items) {
		rows->failed = true;
		return -1;
	}
	if (list->count)
		memcpy(rows->sites, list->sites, list->count * sizeof(*rows->sites));
	rows->site_count = list->count;
	for (size_t i = 0; i < rows->site_count; i++)
		rows->estimated += rows->sites[i].estimated;
	return 0;
}

/* Open addressing: number of the row + 1. */
struct row_index {
	uint32_t *slots;
	size_t mask;
};

static struct site_row *find_row(const struct site_rows *rows, const struct row_index *index,
				 uint64_t key, size_t *slot)
{
	for (*slot = key & index->mask; index->slots[*slot]; *slot = (*slot + 1) & index->mask) {
		struct site_row *row = &rows->items[index->slots[*slot] - 1];

		if (row->key == key)
			return row;
	}
	return NULL;
}

/* The row keeps the stack that it has: of the larger site, for those come first. */
static void merge_site(struct site_row *row, const struct site *site)
{
	struct site *into = &row->site;
	double weight = (double)site->resident / (double)(into->resident + site->resident);

	row->stacks++;
	if (isnan(into->mean_s) || isnan(site->mean_s))
		into->mean_s = isnan(into->mean_s) ? site->mean_s : into->mean_s;
	else
		into->mean_s += (site->mean_s - into->mean_s) * weight;
	/* not known is older than all */
	if (!isnan(into->oldest_s) && !(site->oldest_s < into->oldest_s))
		into->oldest_s = site->oldest_s;
	into->newest_s = fmin(into->newest_s, site->newest_s);
	into->resident += site->resident;
	into->retained += site->retained;
	into->lazy += site->lazy;
	into->estimated += site->estimated;
	into->growth += site->growth;
}

static void make_rows(struct site_rows *rows, struct site_keys *keys, const struct process *process)
{
	size_t slot_count = 64;
	struct row_index index;

	while (slot_count < rows->site_count * 2)
		slot_count *= 2;
	index = (struct row_index){calloc(slot_count, sizeof(*index.slots)), slot_count - 1};
	rows->count = 0;
	for (size_t i = 0; i < rows->site_count; i++) {
		const struct site *site = &rows->sites[i];
		bool merged = rows->order.merged && i < MERGED_MAX && index.slots;
		uint64_t key = merged ? site_key(keys, process, site) : site_key_exact(site);
		struct site_row *row = NULL;
		size_t slot = 0;

		if (merged)
			row = find_row(rows, &index, key, &slot);
		if (row) {
			merge_site(row, site);
			continue;
		}
		rows->items[rows->count++] = (struct site_row){*site, key, 1};
		if (merged)
			index.slots[slot] = (uint32_t)rows->count;
	}
	free(index.slots);
	rows->grown = 0;
	for (size_t i = 0; i < rows->count; i++)
		rows->grown +=
			rows->items[i].site.growth > 0 ? (uint64_t)rows->items[i].site.growth : 0;
}

/* ---- their order ---- */

/* The age it is sorted by: what is older than the watch is the oldest of all. */
static double sort_age(const struct site *site)
{
	return isnan(site->mean_s) ? INFINITY : site->mean_s;
}

static int compare_figures(const struct site *a, const struct site *b, enum site_sort by)
{
	switch (by) {
	case SITE_SORT_RETAINED:
		return (a->retained > b->retained) - (a->retained < b->retained);
	case SITE_SORT_GROWTH:
		return (a->growth > b->growth) - (a->growth < b->growth);
	case SITE_SORT_AGE:
		return (sort_age(a) > sort_age(b)) - (sort_age(a) < sort_age(b));
	case SITE_SORT_RESIDENT:
	default:
		return (a->resident > b->resident) - (a->resident < b->resident);
	}
}

static int compare_rows(const void *left, const void *right, void *arg)
{
	const struct site_order *order = arg;
	const struct site_row *a = left;
	const struct site_row *b = right;
	int figures = compare_figures(&a->site, &b->site, order->by);

	if (figures)
		return order->ascending ? figures : -figures;
	if (a->site.resident != b->site.resident)
		return a->site.resident > b->site.resident ? -1 : 1;
	if (a->site.stack != b->site.stack)
		return a->site.stack < b->site.stack ? -1 : 1;
	return a->site.reason < b->site.reason ? -1 : a->site.reason > b->site.reason;
}

void site_rows_update(struct site_rows *rows, struct site_keys *keys, const struct process *process,
		      bool frozen, struct site_order order)
{
	bool other = rows->process != process || rows->attach_ns != process->ledger->attach_ns;
	bool old = rows->time_ns != process->sites.time_ns && !frozen;
	bool made = rows->order.merged == order.merged;

	if (made && rows->order.by == order.by && rows->order.ascending == order.ascending &&
	    !other && !old)
		return;
	if ((other || old) && copy_list(rows, process))
		return;
	rows->order = order;
	if (rows->failed)
		return;
	if (other || old || !made)
		make_rows(rows, keys, process);
	qsort_r(rows->items, rows->count, sizeof(*rows->items), compare_rows, &order);
}

const struct site_row *site_rows_find(const struct site_rows *rows, uint64_t key)
{
	for (size_t i = 0; i < rows->count; i++) {
		if (rows->items[i].key == key)
			return &rows->items[i];
	}
	return NULL;
}

/* ---- what is said of them ---- */

const char *sites_off(const struct dashboard_input *input, const struct process *process,
		      const struct site_rows *rows)
{
	if (!process->stacks || !process->symbols)
		return STACKS_OFF;
	return input->stack_weight || rows->unknown < rows->resident ? NULL : STACKS_OFF_FAULTS;
}

const char *site_reason(const struct site *site, const char *off)
{
	/* nobody tried to take it */
	if (off && (site->reason == SITE_UNSAMPLED || site->reason == SITE_UNTAKEN))
		return "touched since the watch began";
	return site_reason_help(site->reason);
}

enum style site_growth_style(const struct site_rows *rows, const struct site *site,
			     const struct report *report)
{
	if (!report || rows->seconds <= 0 || site->growth <= 0 ||
	    (uint64_t)site->growth * GROWTH_PART < rows->grown)
		return STYLE_NORMAL;
	return page_growth_style(report);
}

char *site_growth(const struct site_rows *rows, const struct site *site, char *text)
{
	if (rows->seconds <= 0)
		snprintf(text, UNITS_TEXT_LEN, "-");
	else
		units_signed_bytes(text, (double)site->growth * PAGE_BYTES);
	return text;
}

char *site_age(const struct site_rows *rows, double age_s, char *text)
{
	uint64_t watched_ns = rows->time_ns > rows->attach_ns ? rows->time_ns - rows->attach_ns : 0;
	char watched[UNITS_TEXT_LEN];

	if (!isnan(age_s))
		return page_duration(text, age_s);
	page_duration(watched, (double)watched_ns / NSEC_PER_SEC);
	snprintf(text, UNITS_TEXT_LEN, ">%.*s", UNITS_TEXT_LEN - 2, watched);
	return text;
}
