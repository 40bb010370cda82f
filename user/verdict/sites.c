// SPDX-License-Identifier: GPL-2.0-only
#include "user/verdict/sites.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/word.h"

static const struct word reasons[SITE_REASON_COUNT] = {
#define X(name, word, text) [SITE_##name] = {(word), (text)},
	SITE_REASONS(X)
#undef X
};

const char *site_reason_name(unsigned int reason)
{
	return word_name(reasons, SITE_REASON_COUNT, reason);
}

const char *site_reason_help(unsigned int reason)
{
	return word_help(reasons, SITE_REASON_COUNT, reason);
}

/* The pages of one provenance, or of one site. */
struct tally {
	uint64_t resident;
	uint64_t retained;
	uint64_t lazy;
	uint64_t recent;
	uint64_t birth_sum;
	uint64_t born; /* pages with a birth: those of birth_sum */
	uint32_t oldest;
	uint32_t newest;
	bool before; /* some are older than the watch */
};

static void tally_page(struct tally *tally, const struct page_entry *entry, uint32_t young_since,
		       uint32_t recent_since)
{
	tally->resident++;
	tally->recent += entry->birth >= recent_since;
	tally->retained += entry->birth < young_since;
	tally->lazy += entry->lazy;
	if (!entry->birth) {
		tally->before = true;
		return;
	}
	tally->birth_sum += entry->birth;
	if (!tally->born++ || entry->birth < tally->oldest)
		tally->oldest = entry->birth;
	if (entry->birth > tally->newest)
		tally->newest = entry->birth;
}

static void tally_add(struct tally *into, const struct tally *from)
{
	into->resident += from->resident;
	into->retained += from->retained;
	into->lazy += from->lazy;
	into->recent += from->recent;
	into->birth_sum += from->birth_sum;
	if (from->born && (!into->born || from->oldest < into->oldest))
		into->oldest = from->oldest;
	if (from->newest > into->newest)
		into->newest = from->newest;
	into->born += from->born;
	into->before |= from->before;
}

/* One site while the list is made. */
struct draft {
	uint32_t stack;
	uint32_t reason;
	struct tally tally;
	/* how many unsampled pages its sampled ones stand for, in each state */
	double extra_resident;
	double extra_retained;
	double extra_lazy;
	double extra_recent;
	uint64_t estimated;
};

struct drafts {
	struct draft *items;
	size_t count;
	uint32_t *slots; /* open addressing by stack, or reason where there is none; item + 1 */
	uint32_t mask;
};

static void drafts_free(struct drafts *drafts)
{
	free(drafts->items);
	free(drafts->slots);
}

/* As many as there can be: a site has at least one provenance. */
static int drafts_init(struct drafts *drafts, uint32_t provenances)
{
	uint32_t slots = 64;

	while (slots < 2 * (provenances + SITE_REASON_COUNT))
		slots *= 2;
	drafts->items = calloc((size_t)provenances + SITE_REASON_COUNT, sizeof(*drafts->items));
	drafts->slots = calloc(slots, sizeof(*drafts->slots));
	drafts->mask = slots - 1;
	return drafts->items && drafts->slots ? 0 : -ENOMEM;
}

static struct draft *draft_of(struct drafts *drafts, uint32_t stack, uint32_t reason)
{
	uint32_t at = (stack ? stack * 2654435761U : reason) & drafts->mask;
	struct draft *draft;

	for (; drafts->slots[at]; at = (at + 1) & drafts->mask) {
		draft = &drafts->items[drafts->slots[at] - 1];
		if (draft->stack == stack && draft->reason == reason)
			return draft;
	}
	draft = &drafts->items[drafts->count++];
	drafts->slots[at] = (uint32_t)drafts->count;
	draft->stack = stack;
	draft->reason = reason;
	return draft;
}

static uint32_t reason_of(const struct provenance *provenance)
{
	if (provenance->stack)
		return SITE_KNOWN;
	switch (provenance->origin) {
	case ORIGIN_FOUND:
		return SITE_FOUND;
	case ORIGIN_REPAIRED:
		return SITE_REPAIRED;
	default:
		return provenance->weight ? SITE_UNTAKEN : SITE_UNSAMPLED;
	}
}

/* The first birth of the newer half of the watch. */
static uint32_t recent_since(const struct ledger *ledger)
{
	uint64_t passed =
		ledger->now_ns > ledger->attach_ns ? ledger->now_ns - ledger->attach_ns : 0;
	uint64_t half = passed / 2 < SITES_RECENT_NS ? passed / 2 : SITES_RECENT_NS;
	uint64_t since = ledger->now_ns - half;
	uint64_t ticks = since > ledger->base_ns ? (since - ledger->base_ns) / LEDGER_TICK_NS : 0;

	ticks += 1 + ledger->tick_shift;
	return ticks < UINT32_MAX ? (uint32_t)ticks : UINT32_MAX;
}

/* Counts each provenance's pages: one pass over all the leaves, without a look-up. */
static struct tally *tally_provenances(const struct ledger *ledger)
{
	const struct page_table *pages = &ledger->pages;
	uint32_t limit = ledger->provenances.count, recent = recent_since(ledger);
	struct tally *tallies = calloc((size_t)limit + 1, sizeof(*tallies));
	struct page_leaf *leaf;
	uint64_t addr = 0;

	if (!tallies)
		return NULL;
	while ((leaf = page_table_next(pages, addr, PAGE_TABLE_LIMIT, &addr))) {
		for (unsigned int i = 0; i < leaf->count; i++) {
			const struct page_entry *entry = &leaf->entries[i];

			tally_page(&tallies[entry->provenance <= limit ? entry->provenance : 0],
				   entry, pages->young_since, recent);
		}
		addr += LEAF_BYTES;
	}
	return tallies;
}

static void draft_charge(struct drafts *drafts, const struct provenance *provenance,
			 const struct tally *tally)
{
	struct draft *draft = draft_of(drafts, provenance->stack, reason_of(provenance));

	tally_add(&draft->tally, tally);
	if (provenance->stack && provenance->weight > 1) {
		double extra = provenance->weight - 1;

		draft->extra_resident += extra * (double)tally->resident;
		draft->extra_retained += extra * (double)tally->retained;
		draft->extra_lazy += extra * (double)tally->lazy;
		draft->extra_recent += extra * (double)tally->recent;
	}
}

/*
 * Divides `whole` in proportion to the weights, one part at a time, so that the parts add up to
 * the whole whatever the rounding.
 */
struct division {
	uint64_t whole;
	double total;
	double passed;
	uint64_t given;
};

static uint64_t division_part(struct division *division, double weight)
{
	uint64_t until, part;

	if (division->total <= 0)
		return 0;
	division->passed += weight;
	until = (uint64_t)((double)division->whole * (division->passed / division->total) + 0.5);
	if (until > division->whole)
		until = division->whole;
	part = until > division->given ? until - division->given : 0;
	division->given += part;
	return part;
}

/* Pages of faults that were not sampled go to the sites that the sampled ones stand for. */
static void spread_unsampled(struct drafts *drafts)
{
	struct draft *unsampled = draft_of(drafts, 0, SITE_UNSAMPLED);
	struct division resident = {.whole = unsampled->tally.resident};
	struct division retained = {.whole = unsampled->tally.retained};
	struct division lazy = {.whole = unsampled->tally.lazy};
	struct division recent = {.whole = unsampled->tally.recent};

	for (size_t i = 0; i < drafts->count; i++) {
		resident.total += drafts->items[i].extra_resident;
		retained.total += drafts->items[i].extra_retained;
		lazy.total += drafts->items[i].extra_lazy;
		recent.total += drafts->items[i].extra_recent;
	}
	for (size_t i = 0; i < drafts->count; i++) {
		struct draft *draft = &drafts->items[i];
		uint64_t part = division_part(&resident, draft->extra_resident);

		draft->estimated = part;
		draft->tally.resident += part;
		draft->tally.retained += division_part(&retained, draft->extra_retained);
		draft->tally.lazy += division_part(&lazy, draft->extra_lazy);
		draft->tally.recent += division_part(&recent, draft->extra_recent);
		/* they are divided one by one: rounding must not make a part exceed the whole
		 */
		if (draft->tally.retained > draft->tally.resident)
			draft->tally.retained = draft->tally.resident;
		if (draft->tally.lazy > draft->tally.resident)
			draft->tally.lazy = draft->tally.resident;
		if (draft->tally.recent > draft->tally.resident)
			draft->tally.recent = draft->tally.resident;
	}
	unsampled->tally.resident -= resident.given;
	unsampled->tally.retained -= retained.given;
	unsampled->tally.lazy -= lazy.given;
	unsampled->tally.recent -= recent.given;
	if (unsampled->tally.retained > unsampled->tally.resident)
		unsampled->tally.retained = unsampled->tally.resident;
}

double page_age_s(const struct ledger *ledger, double birth)
{
	uint64_t passed = ledger->now_ns > ledger->base_ns ? ledger->now_ns - ledger->base_ns : 0;
	uint64_t ticks = passed / LEDGER_TICK_NS + 1 + ledger->tick_shift;
	double now = (double)ticks;

	return now > birth ? (now - birth) * ((double)LEDGER_TICK_NS / NSEC_PER_SEC) : 0;
}

static void site_fill(struct site *site, const struct draft *draft, const struct ledger *ledger)
{
	const struct tally *tally = &draft->tally;

	*site = (struct site){
		.stack = draft->stack,
		.reason = draft->reason,
		.resident = tally->resident,
		.retained = tally->retained,
		.lazy = tally->lazy,
		.recent = tally->recent,
		.estimated = draft->estimated,
		.oldest_s = NAN,
		.newest_s = NAN,
		.mean_s = NAN,
	};
	if (!tally->born)
		return;
	if (!tally->before)
		site->oldest_s = page_age_s(ledger, tally->oldest);
	site->newest_s = page_age_s(ledger, tally->newest);
	site->mean_s = page_age_s(ledger, (double)tally->birth_sum / (double)tally->born);
}

static int compare_identity(const void *left, const void *right)
{
	const struct site *a = left, *b = right;

	if (a->stack != b->stack)
		return a->stack < b->stack ? -1 : 1;
	return a->reason < b->reason ? -1 : a->reason > b->reason;
}

static int compare_size(const void *left, const void *right)
{
	const struct site *a = left, *b = right;

	if (a->resident != b->resident)
		return a->resident > b->resident ? -1 : 1;
	return compare_identity(left, right);
}

/* Both sorted by identity. What is not in the list any more has shrunk to nothing. */
static void fill_growth(struct site *sites, size_t count, const struct site *before,
			size_t before_count)
{
	size_t j = 0;

	for (size_t i = 0; i < count; i++) {
		while (j < before_count && compare_identity(&before[j], &sites[i]) < 0)
			j++;
		sites[i].growth = (int64_t)sites[i].resident;
		if (j < before_count && !compare_identity(&before[j], &sites[i]))
			sites[i].growth -= (int64_t)before[j].resident;
	}
}

static int list_take(struct site_list *list, const struct drafts *drafts,
		     const struct ledger *ledger)
{
	struct site *sites = calloc(drafts->count + 1, sizeof(*sites));
	size_t count = 0;

	if (!sites)
		return -ENOMEM;
	for (size_t i = 0; i < drafts->count; i++)
		if (drafts->items[i].tally.resident)
			site_fill(&sites[count++], &drafts->items[i], ledger);
	qsort(sites, count, sizeof(*sites), compare_identity);
	if (list->count)
		qsort(list->sites, list->count, sizeof(*list->sites), compare_identity);
	fill_growth(sites, count, list->sites, list->count);
	qsort(sites, count, sizeof(*sites), compare_size);
	free(list->sites);
	list->sites = sites;
	list->count = count;
	return 0;
}

int site_list_update(struct site_list *list, const struct ledger *ledger, uint64_t interval)
{
	AUTO_FREE struct tally *tallies = tally_provenances(ledger);
	struct drafts drafts = {0};
	int rc = tallies ? drafts_init(&drafts, ledger->provenances.count) : -ENOMEM;

	for (uint32_t i = 0; !rc && i <= ledger->provenances.count; i++) {
		static const struct provenance none = {.weight = 1};

		if (tallies[i].resident)
			draft_charge(&drafts, i ? intern_get(&ledger->provenances, i) : &none,
				     &tallies[i]);
	}
	if (!rc) {
		spread_unsampled(&drafts);
		rc = list_take(list, &drafts, ledger);
	}
	drafts_free(&drafts);
	if (rc)
		return rc;
	list->resident = list->unknown = 0;
	for (size_t i = 0; i < list->count; i++) {
		list->resident += list->sites[i].resident;
		list->unknown += list->sites[i].stack ? 0 : list->sites[i].resident;
	}
	list->seconds = list->time_ns && ledger->now_ns > list->time_ns
				? (double)(ledger->now_ns - list->time_ns) / NSEC_PER_SEC
				: 0;
	list->time_ns = ledger->now_ns;
	list->interval = interval;
	return 0;
}

void site_list_free(struct site_list *list)
{
	free(list->sites);
	memset(list, 0, sizeof(*list));
}
