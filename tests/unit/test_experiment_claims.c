// SPDX-License-Identifier: GPL-2.0-only
/*
 * The claims' rules: with figures made so that a claim is true, false, or not measured, each says
 * so. The figures are of two worlds: in one the story is true, in the other nothing of it is.
 */
#include "tests/unit/support.h"

#include <math.h>

#include "tests/experiment/claims.h"
#include "tests/experiment/scenarios.h"

#define MIB 1048576.0

/* What a world's scenarios have, by kind, cache, build and setting. */
struct figure {
	const char *measure;
	double truth, falsehood; /* in the world where the story is true, and in the other */
};

struct part {
	enum scenario_kind kind;
	int lru, second; /* -1: either */
	struct figure figures[10];
};

/* All the same for every allocator but where a test says otherwise. */
static const struct part parts[] = {
	{SCENARIO_BACK,
	 0,
	 0,
	 {{"growth_bytes", 20000, 5},
	  {"growth_low_bytes", 19000, -1},
	  {"growth_high_bytes", 21000, 9},
	  {"anon_at_100_bytes", 10 * MIB, 10 * MIB},
	  {"retained_bytes", 20 * MIB, 20 * MIB},
	  {"resident_bytes", 20 * MIB, 20 * MIB},
	  {"live_bytes", 20 * MIB, 20 * MIB},
	  {"p99_ms", 1, 1},
	  {"billed_ms", 200000, 1}}},
	{SCENARIO_BACK, 0, 1, {{"retained_bytes", 30 * MIB, 21 * MIB}}},
	{SCENARIO_BACK,
	 1,
	 0,
	 {{"billed_ms", 1, 1},
	  {"processed", 10000, 10000},
	  {"invocations", 1000, 1000},
	  {"mean_ms", 1, 0.001}}},
	{SCENARIO_LONG,
	 0,
	 0,
	 {{"resident_bytes", 200 * MIB, 200 * MIB},
	  {"live_bytes", 40 * MIB, 190 * MIB},
	  {"p99_ms", 2, 1.1}}},
	{SCENARIO_LONG,
	 1,
	 0,
	 {{"growth_bytes", 5, 20000},
	  {"growth_low_bytes", -1, 19000},
	  {"growth_high_bytes", 9, 21000}}},
	{SCENARIO_LIMIT,
	 0,
	 0,
	 {{"life_invocations", 3000, NAN}, {"oom_kills", 3, 0}, {"delivered", 10000, 10000}}},
	{SCENARIO_LIMIT, 1, 0, {{"oom_kills", 0, 0}, {"delivered", 10000, 10000}}},
	{SCENARIO_INSERT, 1, 0, {{"ns_per_put", 100, 100}}},
	{SCENARIO_GAP,
	 0,
	 0,
	 {{"anon_at_100_bytes", 5 * MIB, 10.5 * MIB},
	  {"growth_known_s", 4, 4},
	  {"growth_bytes", 20000, 20000},
	  {"growth_low_bytes", 19000, 19000},
	  {"growth_high_bytes", 21000, 21000}}},
	{SCENARIO_BURST,
	 -1,
	 0,
	 {{"peak_bytes", 64 * MIB, 64 * MIB},
	  {"kept_at_first_bytes", 60 * MIB, 60 * MIB},
	  {"kept_at_last_bytes", 10 * MIB, 60 * MIB}}},
};

/* The two claims about what ends the growth are true where others are false, and the reverse. */
static bool is_reverse(const char *claim)
{
	return !strcmp(claim, "other-allocator") || !strcmp(claim, "settings");
}

static void part_add(struct results *results, const struct part *part, bool truth)
{
	struct scenario scenarios[SCENARIOS_MAX];
	size_t count = scenarios_make(part->kind, scenarios);

	for (size_t i = 0; i < count; i++) {
		const struct sink sink = {results, scenarios[i].name, 1};
		bool second =
			part->kind == SCENARIO_BURST ? scenarios[i].frozen : scenarios[i].debug;

		if ((part->lru >= 0 && scenarios[i].lru != part->lru) || second != part->second)
			continue;
		for (const struct figure *figure = part->figures;
		     figure < part->figures + ARRAY_SIZE(part->figures) && figure->measure;
		     figure++)
			results_number(&sink, figure->measure,
				       truth ? figure->truth : figure->falsehood);
		results_text(&sink, "state", STATE_OK);
	}
}

static struct results world_make(bool truth)
{
	struct results results = {0};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		part_add(&results, &parts[i], truth);
	return results;
}

static enum verdict judge(const struct results *results, const char *name)
{
	struct judgement judgement = {0};

	assert_non_null(claim_find(name));
	claim_find(name)->judge(results, &judgement);
	assert_true(judgement.figures[0]);
	assert_null(strpbrk(judgement.figures, "|\n"));
	return judgement.verdict;
}

/* Changes one measure of one scenario. */
static void change(struct results *results, const char *scenario, const char *measure,
		   const char *value)
{
	for (size_t i = 0; i < results->count; i++) {
		struct cell *cell = &results->cells[i];

		if (!strcmp(cell->scenario, scenario) && !strcmp(cell->measure, measure)) {
			snprintf(cell->value, sizeof(cell->value), "%s", value);
			return;
		}
	}
	fail_msg("%s has no %s", scenario, measure);
}

static void each_claim_can_hold_and_fail(void **state)
{
	(void)state;
	for (int truth = 0; truth < 2; truth++) {
		struct results results = world_make(truth);

		for (size_t i = 0; i < claim_count; i++) {
			enum verdict expected =
				truth != is_reverse(claims[i].name) ? VERDICT_HOLDS : VERDICT_FAILS;

			if (!strcmp(claims[i].name, "fortnight"))
				expected = VERDICT_UNTESTED;
			if (judge(&results, claims[i].name) != expected)
				fail_msg("%s: expected '%s'", claims[i].name,
					 claim_verdict_text(expected));
		}
		results_free(&results);
	}
}

static void what_was_not_measured_is_not_judged(void **state)
{
	struct results nothing = {0};

	(void)state;
	for (size_t i = 0; i < claim_count; i++)
		assert_int_equal(judge(&nothing, claims[i].name), VERDICT_UNTESTED);
}

/* Of four allocators one has failed: no rule about all of them can be decided. */
static void a_failed_run_leaves_a_claim_open(void **state)
{
	struct results results = world_make(true);

	(void)state;
	change(&results, "back/glibc/unbounded/release", "state", STATE_FAILED);
	assert_int_equal(judge(&results, "growth"), VERDICT_UNTESTED);
	assert_int_equal(judge(&results, "lru"), VERDICT_HOLDS);
	change(&results, "long/tcmalloc/lru", "state", STATE_FAILED);
	assert_int_equal(judge(&results, "lru"), VERDICT_UNTESTED);
	/* one that lost records counts */
	change(&results, "long/tcmalloc/lru", "state", STATE_LOSSY);
	assert_int_equal(judge(&results, "lru"), VERDICT_HOLDS);
	results_free(&results);
}

static void one_allocator_decides_for_all_or_for_some(void **state)
{
	struct results results = world_make(true);

	(void)state;
	/* for all: one that does not grow breaks it, and makes the claim of others true */
	change(&results, "back/mimalloc/unbounded/release", "growth_low_bytes", "-1");
	assert_int_equal(judge(&results, "growth"), VERDICT_FAILS);
	assert_int_equal(judge(&results, "other-allocator"), VERDICT_HOLDS);
	assert_int_equal(judge(&results, "settings"), VERDICT_FAILS);
	change(&results, "back/jemalloc dirty_decay_ms:0/unbounded/release", "growth_low_bytes",
	       "-1");
	assert_int_equal(judge(&results, "settings"), VERDICT_HOLDS);
	results_free(&results);
}

/* The rule's bound: a page in 100 invocations is 40.96 bytes. */
static void little_growth_is_none(void **state)
{
	struct results results = world_make(true);
	const char *scenario = "long/glibc/lru";

	(void)state;
	change(&results, scenario, "growth_low_bytes", "30");
	change(&results, scenario, "growth_bytes", "40");
	assert_int_equal(judge(&results, "lru"), VERDICT_HOLDS);
	change(&results, scenario, "growth_bytes", "42");
	assert_int_equal(judge(&results, "lru"), VERDICT_FAILS);
	change(&results, scenario, "growth_low_bytes", "0");
	assert_int_equal(judge(&results, "lru"), VERDICT_HOLDS);
	results_free(&results);
}

/* What keeps nothing at the begin of the silence does not give it back late. */
static void a_burst_given_back_at_once_is_not_kept(void **state)
{
	struct results results = world_make(false);

	(void)state;
	change(&results, "burst/jemalloc/awake", "kept_at_first_bytes", "10000000");
	change(&results, "burst/jemalloc/awake", "kept_at_last_bytes", "1000000");
	assert_int_equal(judge(&results, "burst"), VERDICT_FAILS);
	change(&results, "burst/jemalloc/awake", "kept_at_first_bytes", "40000000");
	assert_int_equal(judge(&results, "burst"), VERDICT_HOLDS);
	results_free(&results);
}

/* Killed, but only after more invocations than the bounded one had: that shows nothing. */
static void a_late_kill_is_no_shorter_life(void **state)
{
	struct results results = world_make(true);

	(void)state;
	change(&results, "limit/mimalloc/unbounded", "life_invocations", "10001");
	assert_int_equal(judge(&results, "reuse"), VERDICT_FAILS);
	change(&results, "limit/mimalloc/unbounded", "life_invocations", "9999");
	assert_int_equal(judge(&results, "reuse"), VERDICT_HOLDS);
	change(&results, "limit/mimalloc/lru", "oom_kills", "1");
	assert_int_equal(judge(&results, "reuse"), VERDICT_FAILS);
	results_free(&results);
}

static void claims_are_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < claim_count; i++) {
		assert_ptr_equal(claim_find(claims[i].name), &claims[i]);
		assert_true(strlen(claims[i].sentence) > 10 && strlen(claims[i].rule) > 10);
		assert_null(strpbrk(claims[i].sentence, "|\n"));
		assert_null(strpbrk(claims[i].rule, "|\n"));
	}
	assert_null(claim_find("nothing"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_claim_can_hold_and_fail),
		cmocka_unit_test(what_was_not_measured_is_not_judged),
		cmocka_unit_test(a_failed_run_leaves_a_claim_open),
		cmocka_unit_test(one_allocator_decides_for_all_or_for_some),
		cmocka_unit_test(little_growth_is_none),
		cmocka_unit_test(a_burst_given_back_at_once_is_not_kept),
		cmocka_unit_test(a_late_kill_is_no_shorter_life),
		cmocka_unit_test(claims_are_whole),
	};

	return cmocka_run_group_tests_name("experiment_claims", tests, NULL, NULL);
}
