// SPDX-License-Identifier: GPL-2.0-only
#include "user/view/verdict_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/clean_text.h"
#include "user/base/cleanup.h"
#include "user/stack/frames.h"

/* Sites looked at, the largest: each costs a look-up of names once. */
#define SITES_MAX 64
#define TITLE_MAX 160

/* One line of the program, with what its stacks have in common. */
struct group {
	char title[TITLE_MAX];
	uint64_t part;
};

struct groups {
	struct group *items; /* SITES_MAX */
	size_t count;
	uint64_t sum;
};

static void group_add(struct groups *groups, const struct process *process, uint32_t number,
		      uint64_t part)
{
	const struct stack *stack = process_stack(process, number);
	char title[TITLE_MAX];

	groups->sum += part;
	if (!stack || !part)
		return;
	stack_title(process->symbols, stack, title, sizeof(title));
	for (size_t i = 0; i < groups->count; i++) {
		if (strcmp(groups->items[i].title, title))
			continue;
		groups->items[i].part += part;
		return;
	}
	if (groups->count == SITES_MAX)
		return;
	memcpy(groups->items[groups->count].title, title, sizeof(title));
	groups->items[groups->count++].part = part;
}

static int compare_recent(const void *left, const void *right)
{
	const struct site *a = left, *b = right;

	if (a->recent != b->recent)
		return a->recent > b->recent ? -1 : 1;
	return a->stack < b->stack ? -1 : a->stack > b->stack;
}

/* First touches: what came lately of what grows, else what is there. */
static void group_touches(struct groups *groups, const struct process *process, bool grows)
{
	const struct site_list *list = &process->sites;
	AUTO_FREE struct site *sites = malloc((list->count + 1) * sizeof(*sites));

	if (!sites)
		return;
	if (list->count)
		memcpy(sites, list->sites, list->count * sizeof(*sites));
	if (grows)
		qsort(sites, list->count, sizeof(*sites), compare_recent);
	for (size_t i = 0; i < list->count; i++)
		group_add(groups, process, i < SITES_MAX ? sites[i].stack : 0,
			  grows ? sites[i].recent : sites[i].resident);
}

/* Live allocations, by the samples of their stacks. */
static void group_allocations(struct groups *groups, const struct process *process, bool grows)
{
	AUTO_FREE struct heap_site *now = NULL;
	const struct heap_site *sites;
	size_t count;

	if (!process->ledger->heap || heap_sites(process->ledger->heap, false, &now, &count))
		return;
	sites = now;
	/* a period that has just begun says little of growth: the one before it does */
	if (grows && process->report_count < process->heap_period * 5 / 4) {
		sites = process->heap_sites;
		count = process->heap_site_count;
	}
	for (size_t i = 0; i < count; i++) {
		uint64_t part = sites[i].live_bytes;

		if (grows)
			part = sites[i].growth > 0 ? (uint64_t)sites[i].growth : 0;
		group_add(groups, process, i < SITES_MAX ? sites[i].stack : 0, part);
	}
}

static bool is_about_allocations(const struct verdict *verdict)
{
	return verdict->tier == TIER_HEAP &&
	       (verdict->kind == VERDICT_LIVE_GROWTH || verdict->kind == VERDICT_FRAGMENTATION ||
		verdict->kind == VERDICT_PLATEAU);
}

char *verdict_site_text(const struct process *process, const struct verdict *verdict, double *share,
			char *text, size_t size)
{
	struct groups groups = {.items = calloc(SITES_MAX, sizeof(*groups.items))};
	const struct group *most = NULL;
	char clean[CLEAN_TEXT_MAX];

	*text = '\0';
	if (share)
		*share = 0;
	if (!groups.items)
		return text;
	/* of what nothing is known there is no site either */
	if (verdict->rule && !strcmp(verdict->rule, "too_little")) {
		free(groups.items);
		return text;
	}
	if (is_about_allocations(verdict))
		group_allocations(&groups, process, verdict->grows);
	if (!groups.count) {
		groups.sum = 0;
		group_touches(&groups, process, verdict->grows);
	}
	for (size_t i = 0; i < groups.count; i++)
		if (!most || groups.items[i].part > most->part)
			most = &groups.items[i];
	if (most) {
		snprintf(text, size, "%s", clean_text(most->title, clean));
		if (share && groups.sum)
			*share = (double)most->part / (double)groups.sum;
	}
	free(groups.items);
	return text;
}

const char *verdict_tier_text(unsigned int tier)
{
	static const char *const texts[TIER_COUNT] = {
		[TIER_COUNTS] = "by the kernel's counts alone: records were lost",
		[TIER_PAGES] = "by page evidence",
		[TIER_ALLOCATOR] = "by what the allocator did",
		[TIER_HEAP] = "by heap evidence",
	};

	return tier < TIER_COUNT ? texts[tier] : "?";
}

char *verdict_head_text(const struct verdict *verdict, char *text, size_t size)
{
	snprintf(text, size, "%s: %s (%s)", verdict_title(verdict->kind),
		 verdict_text(verdict->kind), verdict_tier_text(verdict->tier));
	return text;
}
