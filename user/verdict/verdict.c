// SPDX-License-Identifier: GPL-2.0-only
#include "user/verdict/verdict.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "user/base/units.h"
#include "user/verdict/rules.h"

static const struct {
	const char *word, *title, *text;
} verdicts[VERDICT_COUNT] = {
#define X(name, word, title, text) [VERDICT_##name] = {word, title, text},
	VERDICTS(X)
#undef X
};

const char *verdict_word(unsigned int kind)
{
	return kind < VERDICT_COUNT ? verdicts[kind].word : "?";
}

const char *verdict_title(unsigned int kind)
{
	return kind < VERDICT_COUNT ? verdicts[kind].title : "?";
}

const char *verdict_text(unsigned int kind)
{
	return kind < VERDICT_COUNT ? verdicts[kind].text : "?";
}

int verdict_find(const char *word)
{
	for (int i = 0; i < VERDICT_COUNT; i++)
		if (!strcmp(verdicts[i].word, word))
			return i;
	return -EINVAL;
}

const char *verdict_tier_name(unsigned int tier)
{
	static const char *const names[TIER_COUNT] = {
		[TIER_COUNTS] = "counts",
		[TIER_PAGES] = "pages",
		[TIER_ALLOCATOR] = "allocator",
		[TIER_HEAP] = "heap",
	};

	return tier < TIER_COUNT ? names[tier] : "?";
}

__attribute__((format(printf, 2, 3))) static void evidence(struct verdict *verdict,
							   const char *format, ...)
{
	va_list args;

	for (size_t i = 0; i < VERDICT_EVIDENCE_MAX; i++) {
		if (*verdict->evidence[i])
			continue;
		va_start(args, format);
		vsnprintf(verdict->evidence[i], VERDICT_TEXT_MAX, format, args);
		va_end(args);
		return;
	}
}

static bool rule_applies(const struct rule *rule, const struct facts *facts)
{
	switch (rule->when) {
	case RULE_GROWING:
		return facts->grows;
	case RULE_RESTING:
		return !facts->grows;
	case RULE_FIRST:
	case RULE_ALWAYS:
		break;
	}
	return true;
}

static void take(struct verdict *verdict, const struct rule *rule, const struct finding *finding)
{
	verdict->kind = rule->kind;
	verdict->tier = rule->tier;
	verdict->rule = rule->name;
	verdict->share = finding->share;
	verdict->kept = finding->kept > 0 ? (uint64_t)finding->kept : 0;
	evidence(verdict, "%s", finding->text);
	if (rule->change)
		snprintf(verdict->change, sizeof(verdict->change), "%s", rule->change);
}

/* "It has come to rest" is not said of what may grow. */
static bool is_said_beside(const struct rule *rule, const struct verdict *verdict)
{
	return rule->kind != verdict->kind && rule->kind != VERDICT_UNKNOWN &&
	       rule->kind != VERDICT_NONE && rule->tier >= verdict->tier &&
	       !(rule->kind == VERDICT_PLATEAU && verdict->kind == VERDICT_UNKNOWN);
}

/* The first rule that holds; one more of another kind, that has its figures, is said beside it. */
static void apply_rules(const struct facts *facts, struct verdict *verdict)
{
	bool also = false;

	for (size_t i = 0; i < verdict_rule_count; i++) {
		const struct rule *rule = &verdict_rules[i];
		struct finding finding = {0};

		if (!rule_applies(rule, facts) || !rule->test(facts, &finding))
			continue;
		if (!verdict->rule) {
			take(verdict, rule, &finding);
			if (rule->when == RULE_FIRST)
				return;
		} else if (!also && is_said_beside(rule, verdict)) {
			also = true;
			evidence(verdict, "also: %s", finding.text);
		}
	}
}

static void say_growth(const struct facts *facts, struct verdict *verdict)
{
	char a[UNITS_TEXT_LEN], b[UNITS_TEXT_LEN], c[UNITS_TEXT_LEN];
	const struct trend_range *growth = &facts->growth, *invocation = &facts->invocation;

	if (!isnan(growth->estimate))
		evidence(verdict, "growth of RSS per hour: %s (95%%: %s to %s) over %.0f s%s",
			 units_signed_bytes(a, growth->estimate),
			 units_signed_bytes(b, growth->low), units_signed_bytes(c, growth->high),
			 facts->seconds,
			 growth->high > 0 && fabs(facts->newer.rss) < facts->material
				 ? "; none in the newer half"
				 : "");
	if (facts->last->invocations_total && !isnan(invocation->estimate))
		evidence(verdict,
			 "each invocation leaves %s (95%%: %s to %s), by the newest of %" PRIu64
			 " that ended",
			 units_signed_bytes(a, invocation->estimate),
			 units_signed_bytes(b, invocation->low),
			 units_signed_bytes(c, invocation->high), facts->last->invocations_total);
}

static void say_heap(const struct facts *facts, struct verdict *verdict)
{
	const struct heap_report *heap = &facts->last->heap;
	char a[UNITS_TEXT_LEN], b[UNITS_TEXT_LEN], c[UNITS_TEXT_LEN], d[UNITS_TEXT_LEN];

	if (!heap->begin_ns || !heap->pages)
		return;
	evidence(verdict, "heap pages: %s live, %s fragmented, %s free, %s unknown%s",
		 units_bytes(a, facts_class(facts->last, HEAP_LIVE)),
		 units_bytes(b, facts_class(facts->last, HEAP_FRAGMENTED)),
		 units_bytes(c, facts_class(facts->last, HEAP_FREE)),
		 units_bytes(d, facts_class(facts->last, HEAP_UNKNOWN)),
		 heap->one_in > 1 ? " (estimates: not all allocations are tracked)" : "");
	if (facts->heap_stale_s)
		evidence(verdict,
			 "heap evidence does not decide any more: the probes went %.0f s ago, and "
			 "pages that were free then may be in use again",
			 facts->heap_stale_s);
	else if (!facts->has_heap && strcmp(verdict->rule, "too_little"))
		evidence(verdict,
			 "heap evidence does not decide: %.0f%% of the heap's pages are known, the "
			 "rest is older than the probes; that share grows as memory is used again",
			 facts->heap_known * 100);
	if (heap->totals.lost)
		evidence(verdict, "%" PRIu64 " records were lost while allocations were followed",
			 heap->totals.lost);
}

static void say_settings(const struct facts *facts, struct verdict *verdict)
{
	const struct ledger *ledger = facts->process->ledger;
	char text[EVENT_SETTINGS_LEN];

	if (verdict->kind != VERDICT_IDLE_RETENTION && verdict->kind != VERDICT_DELAYED_PURGE &&
	    strcmp(verdict->rule, "kept_idle"))
		return;
	if (ledger->allocator == ALLOCATOR_JEMALLOC && ledger->settings.h.time_ns)
		evidence(verdict, "%s",
			 facts->purge_thread ? "jemalloc has a thread that purges"
					     : "jemalloc purges on activity only: there is no "
					       "thread of its own that does");
	memcpy(text, ledger->settings.text, sizeof(text));
	for (char *at = strchr(text, '\n'); at; at = strchr(at, '\n'))
		*at = ' ';
	if (*text)
		evidence(verdict, "its environment says %s", text);
}

/* Page records that were lost have healed, but who touched what is not sure any more. */
static void lower_tier(const struct facts *facts, struct verdict *verdict)
{
	uint64_t lost = facts->process->ledger->totals.lost;

	if (!lost)
		return;
	if (verdict->tier > TIER_COUNTS)
		verdict->tier--;
	evidence(verdict,
		 "%" PRIu64 " records were lost: the pages were counted anew, their history has "
		 "gaps (--buffer makes room)",
		 lost);
}

/* The site of a verdict of growth is what was touched lately and stays; else what is kept. */
static void find_site(const struct facts *facts, struct verdict *verdict)
{
	const struct site_list *sites = &facts->process->sites;
	uint64_t most = 0, sum = 0;

	for (size_t i = 0; i < sites->count; i++) {
		uint64_t part = facts->grows ? sites->sites[i].recent : sites->sites[i].resident;

		sum += part;
		if (!sites->sites[i].stack || part <= most)
			continue;
		most = part;
		verdict->stack = sites->sites[i].stack;
	}
	verdict->stack_share = sum ? (double)most / (double)sum : 0;
}

void verdict_judge(const struct process *process, bool use_heap, struct verdict *verdict)
{
	struct facts facts;

	memset(verdict, 0, sizeof(*verdict));
	facts_gather(process, use_heap, &facts);
	verdict->growth = facts.growth;
	verdict->per_invocation = facts.invocation;
	verdict->grows = facts.grows;
	verdict->seconds = facts.seconds;
	verdict->retained = facts.last ? facts.last->retained : 0;
	apply_rules(&facts, verdict);
	if (!facts.last)
		return;
	say_growth(&facts, verdict);
	if (use_heap)
		say_heap(&facts, verdict);
	say_settings(&facts, verdict);
	lower_tier(&facts, verdict);
	if (strcmp(verdict->rule, "too_little"))
		find_site(&facts, verdict);
	snprintf(verdict->advice, sizeof(verdict->advice), "%s",
		 strcmp(verdict->rule, "kept_idle")
			 ? verdict_advice(verdict->kind, process->ledger->allocator)
			 : verdict_purge_advice(process->ledger->allocator));
}
