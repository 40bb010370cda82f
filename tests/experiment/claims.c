/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/experiment/claims.h"

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "tests/experiment/measure.h"
#include "tests/experiment/number.h"
#include "tests/experiment/scenarios.h"
#include "user/base/units.h"

#define KIB 1024.0
#define MIB 1048576.0

/* One page in so many invocations is no growth: a day's worth of them would fit a small cache. */
#define NO_GROWTH_INVOCATIONS 100

/* Less than this, relatively, is within what two runs of the same differ by. */
#define SAME 0.10

/* Durations of a shared machine differ more. */
#define SAME_DURATION 0.50

/* "Little": the insertions of an invocation, as a share of its duration. */
#define LITTLE 0.01

/* Most of something. */
#define MOST 0.5

/* The bill of the story. */
#define STORY_USD 12000
#define STORY_INVOCATIONS 5e6

const char *claim_verdict_text(enum verdict verdict)
{
	static const char *const texts[] = {"holds", "does not hold", "cannot be tested here"};

	return texts[verdict];
}

/* ---- what rules are made of ---- */

__attribute__((format(printf, 2, 3))) static void figures_add(struct judgement *judgement,
							      const char *format, ...)
{
	size_t used = strlen(judgement->figures);
	va_list args;

	va_start(args, format);
	vsnprintf(judgement->figures + used, sizeof(judgement->figures) - used, format, args);
	va_end(args);
}

/* The parts of a list. */
static const char *separator(const struct judgement *judgement)
{
	return judgement->figures[0] ? "; " : "";
}

/* Every rule over allocators: so many were judged, of them so many speak for the claim. */
struct tally {
	size_t judged, expected, in_favour;
};

/* All must speak for it; with one that was not measured nothing can be said. */
static enum verdict verdict_all(const struct tally *tally)
{
	if (tally->judged < tally->expected)
		return VERDICT_UNTESTED;
	return tally->in_favour == tally->judged ? VERDICT_HOLDS : VERDICT_FAILS;
}

static enum verdict verdict_any(const struct tally *tally)
{
	if (tally->judged < tally->expected)
		return VERDICT_UNTESTED;
	return tally->in_favour ? VERDICT_HOLDS : VERDICT_FAILS;
}

static void missing_add(struct judgement *judgement, const char *what)
{
	figures_add(judgement, "%s%s: not measured", separator(judgement), what);
}

struct growth {
	double estimate, low, high; /* bytes per invocation; the interval of all runs together */
};

static struct growth growth_of(const struct results *results, const char *scenario)
{
	return (struct growth){
		.estimate = results_median(results, scenario, "growth_bytes"),
		.low = results_least(results, scenario, "growth_low_bytes"),
		.high = results_greatest(results, scenario, "growth_high_bytes"),
	};
}

static bool growth_known(const struct growth *growth)
{
	return !isnan(growth->estimate) && !isnan(growth->low) && !isnan(growth->high);
}

static bool grows(const struct growth *growth)
{
	return growth->low > 0 && growth->estimate >= (double)PAGE_BYTES / NO_GROWTH_INVOCATIONS;
}

/* Adds one allocator's growth to the figures and to the tally, if it speaks as it is expected to.
 */
static void growth_judge(const struct results *results, const struct memory *memory,
			 const char *scenario, bool growing, struct tally *tally,
			 struct judgement *judgement)
{
	struct growth growth = growth_of(results, scenario);

	tally->expected++;
	if (!growth_known(&growth)) {
		missing_add(judgement, memory->name);
		return;
	}
	tally->judged++;
	tally->in_favour += grows(&growth) == growing;
	figures_add(judgement, "%s%s %.2f KiB (%.2f to %.2f)", separator(judgement), memory->name,
		    growth.estimate / KIB, growth.low / KIB, growth.high / KIB);
}

/* ---- the claims ---- */

static void judge_growth(const struct results *results, struct judgement *judgement)
{
	struct tally tally = {0};

	for (size_t i = 0; i < ALLOCATORS; i++)
		growth_judge(results, &memories[i],
			     scenario_name(SCENARIO_BACK, &memories[i], false, false), true, &tally,
			     judgement);
	judgement->verdict = verdict_all(&tally);
}

/* Of all anonymous memory the part that is not live, as it grows from short to long run. */
static void judge_allocator(const struct results *results, struct judgement *judgement)
{
	struct tally tally = {0};

	for (size_t i = 0; i < ALLOCATORS; i++) {
		char shorter[64];
		const char *longer;
		double retained, live;

		snprintf(shorter, sizeof(shorter), "%s",
			 scenario_name(SCENARIO_BACK, &memories[i], false, false));
		longer = scenario_name(SCENARIO_LONG, &memories[i], false, false);
		retained = results_median(results, longer, "resident_bytes") -
			   results_median(results, shorter, "resident_bytes");
		live = results_median(results, longer, "live_bytes") -
		       results_median(results, shorter, "live_bytes");
		tally.expected++;
		if (!(retained > 0) || isnan(live)) {
			missing_add(judgement, memories[i].name);
			continue;
		}
		tally.judged++;
		tally.in_favour += (retained - live) / retained > MOST;
		figures_add(judgement, "%s%s +%.1f MiB, of it +%.1f MiB (%.0f%%) live",
			    separator(judgement), memories[i].name, retained / MIB, live / MIB,
			    100 * live / retained);
	}
	judgement->verdict = verdict_any(&tally);
}

static void judge_other_allocator(const struct results *results, struct judgement *judgement)
{
	struct tally tally = {0};

	for (size_t i = 1; i < ALLOCATORS; i++)
		growth_judge(results, &memories[i],
			     scenario_name(SCENARIO_BACK, &memories[i], false, false), false,
			     &tally, judgement);
	judgement->verdict = verdict_any(&tally);
}

static void judge_settings(const struct results *results, struct judgement *judgement)
{
	struct tally tally = {0};

	for (size_t i = ALLOCATORS; i < MEMORIES; i++)
		growth_judge(results, &memories[i],
			     scenario_name(SCENARIO_BACK, &memories[i], false, false), false,
			     &tally, judgement);
	judgement->verdict = verdict_any(&tally);
}

/* One measure of two scenarios, per allocator: does the second differ from the first? */
struct comparison {
	const char *measure;
	double unit;
	const char *unit_name;
	enum scenario_kind kinds[2];
	bool debug[2];
	double same;
	bool either_way; /* less counts as a difference, too */
};

static void compare(const struct results *results, const struct comparison *comparison,
		    struct tally *tally, struct judgement *judgement)
{
	for (size_t i = 0; i < ALLOCATORS; i++) {
		double first, second, change;

		first = results_median(results,
				       scenario_name(comparison->kinds[0], &memories[i], false,
						     comparison->debug[0]),
				       comparison->measure);
		second = results_median(results,
					scenario_name(comparison->kinds[1], &memories[i], false,
						      comparison->debug[1]),
					comparison->measure);
		tally->expected++;
		if (!(first > 0) || isnan(second)) {
			missing_add(judgement, memories[i].name);
			continue;
		}
		change = second / first - 1;
		tally->judged++;
		tally->in_favour +=
			(comparison->either_way ? fabs(change) : change) > comparison->same;
		figures_add(judgement, "%s%s %.2f and %.2f %s (%+.1f%%)", separator(judgement),
			    memories[i].name, first / comparison->unit, second / comparison->unit,
			    comparison->unit_name, 100 * change);
	}
}

static void judge_gaps(const struct results *results, struct judgement *judgement)
{
	static const struct comparison comparison = {
		"anon_at_100_bytes", MIB,  "MiB", {SCENARIO_BACK, SCENARIO_GAP},
		{false, false},	     SAME, true};
	struct tally tally = {0};

	compare(results, &comparison, &tally, judgement);
	judgement->verdict = verdict_any(&tally);
}

static void judge_debug(const struct results *results, struct judgement *judgement)
{
	static const struct comparison comparison = {
		"retained_bytes", MIB,	"MiB", {SCENARIO_BACK, SCENARIO_BACK},
		{false, true},	  SAME, false};
	struct tally tally = {0};

	compare(results, &comparison, &tally, judgement);
	judgement->verdict = verdict_all(&tally);
}

static void judge_lru(const struct results *results, struct judgement *judgement)
{
	struct tally tally = {0};

	for (size_t i = 0; i < ALLOCATORS; i++)
		growth_judge(results, &memories[i],
			     scenario_name(SCENARIO_LONG, &memories[i], true, false), false, &tally,
			     judgement);
	judgement->verdict = verdict_all(&tally);
}

static void judge_insertion(const struct results *results, struct judgement *judgement)
{
	struct tally tally = {0};

	for (size_t i = 0; i < ALLOCATORS; i++) {
		const char *run;
		double per_put = results_median(
			results, scenario_name(SCENARIO_INSERT, &memories[i], true, false),
			"ns_per_put");
		double orders, duration, share;

		run = scenario_name(SCENARIO_BACK, &memories[i], true, false);
		orders = results_median(results, run, "processed") /
			 results_median(results, run, "invocations");
		duration = results_median(results, run, "mean_ms");
		share = per_put * orders / (duration * 1e6);
		tally.expected++;
		if (isnan(share)) {
			missing_add(judgement, memories[i].name);
			continue;
		}
		tally.judged++;
		tally.in_favour += share < LITTLE;
		figures_add(judgement, "%s%s %.0f ns, %.2f%% of an invocation",
			    separator(judgement), memories[i].name, per_put, 100 * share);
	}
	judgement->verdict = verdict_all(&tally);
}

/* The settings of jemalloc are told, too, but the story is about allocators as they come. */
static void judge_burst(const struct results *results, struct judgement *judgement)
{
	struct tally tally = {0};

	for (size_t i = 0; i < MEMORIES; i++) {
		const char *burst = scenario_name(SCENARIO_BURST, &memories[i], false, false);
		double first = results_median(results, burst, "kept_at_first_bytes");
		double last = results_median(results, burst, "kept_at_last_bytes");
		double peak = results_median(results, burst, "peak_bytes");
		double after = results_median(results, burst, "back_after_bytes");
		bool counts = i < ALLOCATORS;

		tally.expected += counts;
		if (isnan(first) || isnan(last) || isnan(peak)) {
			missing_add(judgement, memories[i].name);
			continue;
		}
		tally.judged += counts;
		/* one that kept little has nothing to give back late */
		tally.in_favour += counts && first > MOST * peak && last < MOST * first;
		figures_add(judgement,
			    "%s%s kept %.1f of %.1f MiB, after %.0f s %.1f, the next invocation "
			    "gave back %.1f",
			    separator(judgement), memories[i].name, first / MIB, peak / MIB,
			    results_median(results, burst, "silence_s"), last / MIB, after / MIB);
	}
	judgement->verdict = verdict_any(&tally);
}

static void judge_reuse(const struct results *results, struct judgement *judgement)
{
	struct tally tally = {0};

	for (size_t i = 0; i < ALLOCATORS; i++) {
		double delivered[2], kills[2], life = NAN;

		for (int lru = 0; lru < 2; lru++) {
			const char *name = scenario_name(SCENARIO_LIMIT, &memories[i], lru, false);

			delivered[lru] = results_median(results, name, "delivered");
			kills[lru] = results_median(results, name, "oom_kills");
			if (!lru)
				life = results_median(results, name, "life_invocations");
		}
		tally.expected++;
		if (isnan(kills[0]) || isnan(kills[1])) {
			missing_add(judgement, memories[i].name);
			continue;
		}
		tally.judged++;
		tally.in_favour += kills[0] > 0 && life < delivered[1] && kills[1] == 0;
		figures_add(
			judgement,
			"%s%s killed %.0f times, after %s invocations; bounded %.0f times in %s",
			separator(judgement), memories[i].name, kills[0], NUMBER(life, 0), kills[1],
			NUMBER(delivered[1], 0));
	}
	judgement->verdict = verdict_all(&tally);
}

/* Ten times the memory: does it show in the duration? */
static void judge_p99(const struct results *results, struct judgement *judgement)
{
	static const struct comparison comparison = {
		"p99_ms",      1,    "ms", {SCENARIO_BACK, SCENARIO_LONG}, {false, false},
		SAME_DURATION, false};
	struct tally tally = {0};

	compare(results, &comparison, &tally, judgement);
	judgement->verdict = verdict_all(&tally);
}

static void judge_bill(const struct results *results, struct judgement *judgement)
{
	double bills[2], billed[2], needed;

	for (int lru = 0; lru < 2; lru++) {
		billed[lru] = results_median(results,
					     scenario_name(SCENARIO_BACK, &memories[0], lru, false),
					     "billed_ms");
		bills[lru] = lambda_cost(STORY_INVOCATIONS, billed[lru], LAMBDA_MEMORY_MB);
	}
	if (isnan(bills[0]) || isnan(bills[1])) {
		judgement->verdict = VERDICT_UNTESTED;
		missing_add(judgement, memories[0].name);
		return;
	}
	needed = lambda_billed_for(bills[1] + STORY_USD, STORY_INVOCATIONS, LAMBDA_MEMORY_MB);
	judgement->verdict =
		bills[0] - bills[1] >= MOST * STORY_USD ? VERDICT_HOLDS : VERDICT_FAILS;
	figures_add(
		judgement,
		"5M invocations cost $%s with the unbounded cache (%s ms billed each) and $%s "
		"with the bounded one (%s ms), a difference of $%s. Memory used is not in the "
		"formula; for $%s more each invocation would have to be billed %s s instead of %s "
		"ms, or the configured memory raised from %s MB to %s GB",
		NUMBER(bills[0], 2), NUMBER(billed[0], 3), NUMBER(bills[1], 2),
		NUMBER(billed[1], 3), NUMBER(bills[0] - bills[1], 2), NUMBER(STORY_USD, 0),
		NUMBER(needed / 1000, 1), NUMBER(billed[1], 3), NUMBER(LAMBDA_MEMORY_MB, 0),
		NUMBER(needed / billed[1], 0));
}

static void judge_fortnight(const struct results *results, struct judgement *judgement)
{
	struct tally tally = {0};

	for (size_t i = 0; i < ALLOCATORS; i++) {
		const char *gap = scenario_name(SCENARIO_GAP, &memories[i], false, false);
		double known = results_median(results, gap, "growth_known_s");
		struct growth growth = growth_of(results, gap);

		tally.expected++;
		if (isnan(known) || !growth_known(&growth)) {
			missing_add(judgement, memories[i].name);
			continue;
		}
		figures_add(judgement,
			    "%s%s growth known after %.0f s, after %.0f s %.1f KiB (%.1f to %.1f)",
			    separator(judgement), memories[i].name, known,
			    results_median(results, gap, "watched_s"), growth.estimate / KIB,
			    growth.low / KIB, growth.high / KIB);
	}
	judgement->verdict = VERDICT_UNTESTED;
}

#define NO_GROWTH                                                                                  \
	"no growth is an interval of confidence that holds 0, or an estimate below one page in "   \
	"100 invocations"

const struct claim claims[] = {
	{"growth", "The memory of an order function grew with each invocation.",
	 "unbounded cache, growth per invocation above 0 with each allocator (" NO_GROWTH ")",
	 judge_growth},
	{"allocator", "The allocator is the cause: what it keeps grows with the invocations.",
	 "unbounded cache, from the short to the long run: with some allocator most of the "
	 "anonymous memory that is added is not live",
	 judge_allocator},
	{"other-allocator", "Another allocator ends the growth.",
	 "unbounded cache: some allocator other than jemalloc shows no growth",
	 judge_other_allocator},
	{"settings", "jemalloc's settings end the growth.",
	 "unbounded cache: one of the settings shows no growth", judge_settings},
	{"gaps", "Gaps of over 500 ms between invocations change what is kept.",
	 "unbounded cache: anonymous memory after 100 invocations, back to back and with gaps, "
	 "differs by more than 10% with some allocator",
	 judge_gaps},
	{"debug", "A debug build keeps more.",
	 "unbounded cache: -O0 retains over 10% more than -O2 with each allocator", judge_debug},
	{"lru", "A bounded (LRU) cache ends the growth.",
	 "LRU cache, long run: no growth with each allocator", judge_lru},
	{"insertion", "An LRU cache costs little per insertion.",
	 "the insertions of an invocation take below 1% of its mean duration with each allocator",
	 judge_insertion},
	{"burst",
	 "After a burst the allocator keeps the memory for a while and then gives it back.",
	 "with some allocator as it comes over half of the peak is kept at the begin of a silence "
	 "of "
	 "the running process, and less than half of that at its end",
	 judge_burst},
	{"reuse", "Growth shortens the life of instances.",
	 "under the limit instances with the unbounded cache are killed before they have had as "
	 "many "
	 "invocations as one with the bounded cache, which is not killed, with each allocator",
	 judge_reuse},
	{"p99", "Durations (p99) grow with the memory.",
	 "unbounded cache: p99 of the long run is over 50% above that of the short one with "
	 "each allocator",
	 judge_p99},
	{"bill", "The bill rose by $12,000 because memory grew.",
	 "5M invocations a month at 1,024 MB cost at least half of that more with the unbounded "
	 "cache than with the bounded one (jemalloc, durations as measured)",
	 judge_bill},
	{"fortnight", "It took 14 days to find; it can take a minute.",
	 "days of people at work are not measured here; the figures say what tidemark shows of a "
	 "function called every half second",
	 judge_fortnight},
};

const size_t claim_count = sizeof(claims) / sizeof(*claims);

const struct claim *claim_find(const char *name)
{
	for (size_t i = 0; i < claim_count; i++)
		if (!strcmp(claims[i].name, name))
			return &claims[i];
	return NULL;
}
