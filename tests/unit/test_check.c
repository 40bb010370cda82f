// SPDX-License-Identifier: GPL-2.0-only
/* Verdicts held against limits, for scripts: what is over, what is not judged, and how it is said.
 */
#include "tests/unit/support.h"

#include <jansson.h>

#include "tests/unit/verdict_history.h"
#include "user/view/check.h"

#define NO_LIMITS                                                                                  \
	{                                                                                          \
		NAN, NAN, NAN, 0                                                                   \
	}
#define BIT(name) (1U << VERDICT_##name)

/* ---- one process against limits ---- */

static struct verdict verdict_of(enum verdict_kind kind, const char *rule)
{
	struct verdict verdict = {
		.kind = kind,
		.rule = rule,
		.growth = {100, 50, 150},
		.per_invocation = {NAN, NAN, NAN},
		.retained = 1000,
		.evidence = {"as it was made"},
	};

	return verdict;
}

static void assert_held(const struct check_limits *limits, const struct verdict *verdict,
			enum check_result expected, const char *words)
{
	char reason[CHECK_REASON_MAX];
	enum check_result result = check_limits_hold(limits, verdict, reason);

	if (result != expected || !strstr(reason, words) || (!*words && *reason) ||
	    strlen(reason) >= CHECK_REASON_MAX - 1)
		fail_msg("%d, not %d with '%s': '%s'", (int)result, (int)expected, words, reason);
}

static void no_limit_is_never_passed(void **state)
{
	struct check_limits limits = NO_LIMITS;

	(void)state;
	for (unsigned int kind = 0; kind < VERDICT_COUNT; kind++) {
		struct verdict verdict = verdict_of(kind, "any");

		verdict.retained = UINT64_MAX;
		verdict.growth = (struct trend_range){1e18, 1e18, 1e18};
		assert_held(&limits, &verdict, CHECK_WITHIN, "");
		verdict.growth = (struct trend_range){NAN, NAN, NAN};
		assert_held(&limits, &verdict, CHECK_WITHIN, "");
	}
}

/* Over only where the whole interval is; where the estimate alone is, it is not judged. */
static void limits_of_growth(void **state)
{
	static const struct {
		double limit;
		enum check_result result;
		const char *words;
	} cases[] = {
		{0, CHECK_OVER, "is +100 (95%: +50 to +150), over 0"},
		{49, CHECK_OVER, "over 49"},
		{50, CHECK_UNJUDGED, "may be over 50"},
		{99, CHECK_UNJUDGED, "a longer watch"},
		{100, CHECK_WITHIN, ""},
		{120, CHECK_WITHIN, ""},
		{1e9, CHECK_WITHIN, ""},
	};
	struct verdict verdict = verdict_of(VERDICT_NONE, "no_growth");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct check_limits limits = NO_LIMITS;

		limits.growth_per_hour = cases[i].limit;
		verdict.growth = (struct trend_range){100, 50, 150};
		verdict.per_invocation = (struct trend_range){NAN, NAN, NAN};
		assert_held(&limits, &verdict, cases[i].result, cases[i].words);
		/* the same of what invocations leave */
		limits.per_invocation = cases[i].limit;
		limits.growth_per_hour = NAN;
		verdict.per_invocation = verdict.growth;
		verdict.growth = (struct trend_range){NAN, NAN, NAN};
		assert_held(&limits, &verdict, cases[i].result, cases[i].words);
	}
}

static void growth_that_is_not_known(void **state)
{
	struct verdict verdict = verdict_of(VERDICT_NONE, "no_growth");
	struct check_limits limits = NO_LIMITS;

	(void)state;
	limits.per_invocation = 1e12;
	assert_held(&limits, &verdict, CHECK_UNJUDGED,
		    "too little to tell the growth per invocation");
	verdict.growth = (struct trend_range){NAN, NAN, NAN};
	limits = (struct check_limits){1e12, NAN, NAN, 0};
	assert_held(&limits, &verdict, CHECK_UNJUDGED, "too little to tell the growth per hour");
	/* what shrinks is within */
	verdict.growth = (struct trend_range){-100, -150, -50};
	assert_held(&limits, &verdict, CHECK_WITHIN, "");
	limits.growth_per_hour = 0;
	assert_held(&limits, &verdict, CHECK_WITHIN, "");
}

static void limits_of_retained_pages(void **state)
{
	struct verdict verdict = verdict_of(VERDICT_PLATEAU, "plateau");
	struct check_limits limits = {NAN, NAN, 499, 0};

	(void)state;
	verdict.retained = 500;
	assert_held(&limits, &verdict, CHECK_OVER, "500 are retained, over 499");
	limits.retained = 500;
	assert_held(&limits, &verdict, CHECK_WITHIN, "");
	limits.retained = 0;
	verdict.retained = 0;
	assert_held(&limits, &verdict, CHECK_WITHIN, "");
	verdict.retained = 4096;
	assert_held(&limits, &verdict, CHECK_OVER, "4.00K are retained, over 0");
}

static void verdicts_to_fail_on(void **state)
{
	struct check_limits limits = {NAN, NAN, NAN, BIT(LIVE_GROWTH) | BIT(FRAGMENTATION)};

	(void)state;
	for (unsigned int kind = 0; kind < VERDICT_COUNT; kind++) {
		struct verdict verdict = verdict_of(kind, "any");

		if (limits.fail_on >> kind & 1)
			assert_held(&limits, &verdict, CHECK_OVER, verdict_word(kind));
		else if (kind == VERDICT_UNKNOWN)
			assert_held(&limits, &verdict, CHECK_UNJUDGED,
				    "the verdict is unknown: as it was made");
		else
			assert_held(&limits, &verdict, CHECK_WITHIN, "");
	}
	/* `unknown` may be failed on, too */
	limits.fail_on = BIT(UNKNOWN);
	assert_held(&limits, &(struct verdict){.kind = VERDICT_UNKNOWN, .rule = "too_little"},
		    CHECK_OVER, "the verdict is unknown");
}

/* At rest with what it has: live or free is not known, but it is no leak. */
static void kept_while_idle(void **state)
{
	struct verdict verdict = verdict_of(VERDICT_UNKNOWN, "kept_idle");
	struct check_limits limits = {NAN, NAN, NAN, 0};

	(void)state;
	for (unsigned int kind = 0; kind < VERDICT_COUNT; kind++) {
		bool may = kind == VERDICT_IDLE_RETENTION || kind == VERDICT_FRAGMENTATION ||
			   kind == VERDICT_PLATEAU;

		limits.fail_on = 1U << kind;
		if (kind == VERDICT_UNKNOWN)
			assert_held(&limits, &verdict, CHECK_OVER, "unknown");
		else
			assert_held(&limits, &verdict, may ? CHECK_UNJUDGED : CHECK_WITHIN,
				    may ? "unknown" : "");
	}
	verdict.rule = "unsure_growth";
	limits.fail_on = BIT(LIVE_GROWTH);
	assert_held(&limits, &verdict, CHECK_UNJUDGED, "unknown");
	verdict.rule = "too_little";
	assert_held(&limits, &verdict, CHECK_UNJUDGED, "unknown");
}

/* The worst of all limits counts, and says why. */
static void the_worst_is_said(void **state)
{
	struct verdict verdict = verdict_of(VERDICT_LIVE_GROWTH, "live_growth");
	struct check_limits limits = {60, NAN, 10, BIT(LIVE_GROWTH)};

	(void)state;
	assert_held(&limits, &verdict, CHECK_OVER, "are retained");
	limits.retained = NAN;
	assert_held(&limits, &verdict, CHECK_OVER, "the verdict is live-growth");
	limits.fail_on = 0;
	assert_held(&limits, &verdict, CHECK_UNJUDGED, "may be over");
}

/* Figures as great as they can be, and evidence as long: cut, and within its room. */
static void reasons_fit(void **state)
{
	struct verdict verdict = verdict_of(VERDICT_UNKNOWN, "too_little");
	struct check_limits limits = {1e300, 1e300, 1, BIT(LIVE_GROWTH)};
	char reason[CHECK_REASON_MAX + 16];

	(void)state;
	memset(verdict.evidence[0], 'x', VERDICT_TEXT_MAX - 1);
	verdict.growth = (struct trend_range){1e307, -1e307, 1e308};
	memset(reason, 0x5a, sizeof(reason));
	limits.retained = NAN;
	assert_int_equal(check_limits_hold(&limits, &verdict, reason), CHECK_UNJUDGED);
	assert_true(strlen(reason) < CHECK_REASON_MAX);
	assert_int_equal(reason[CHECK_REASON_MAX], 0x5a);
	limits = (struct check_limits){NAN, NAN, NAN, BIT(LIVE_GROWTH)};
	assert_int_equal(check_limits_hold(&limits, &verdict, reason), CHECK_UNJUDGED);
	assert_int_equal(strlen(reason), CHECK_REASON_MAX - 1);
	assert_int_equal(reason[CHECK_REASON_MAX], 0x5a);
}

/* ---- processes ---- */

static struct history process_of(uint32_t pid, const char *comm, int64_t step, unsigned int count)
{
	struct history h = history_new(ALLOCATOR_JEMALLOC);

	h.process->ledger->pid = pid;
	h.process->ledger->attach_ns = WORLD_START + pid;
	memcpy(h.process->ledger->comm, comm, strnlen(comm, EVENT_COMM_LEN - 1));
	h.now.retained = (uint64_t)MIB(3);
	RUN(&h, count, .anon = step, .heap = step >> PAGE_SHIFT, .born = step >> PAGE_SHIFT);
	return h;
}

static void judge(struct check_view *view, struct history *h)
{
	check_view_begin(view, h->process);
	check_view_end(view, h->process);
}

static struct check_view *view_new(uint32_t fail_on, bool json)
{
	struct check_limits limits = {NAN, NAN, NAN, fail_on};
	struct check_view *view = check_view_new(&limits, json);

	assert_non_null(view);
	return view;
}

static char *take_text(struct check_view *view)
{
	size_t size;
	char *text = check_view_take(view, &size), *copy;

	assert_non_null(text);
	copy = strndup(text, size);
	assert_non_null(copy);
	assert_int_equal(strlen(copy), size);
	assert_int_equal(copy[size - 1], '\n');
	free(text);
	return copy;
}

static void nothing_was_judged(void **state)
{
	struct check_view *view = view_new(BIT(LIVE_GROWTH), false);
	char *text;

	(void)state;
	assert_int_equal(check_view_result(view), CHECK_UNJUDGED);
	text = take_text(view);
	assert_string_equal(text, "check: not judged\n");
	free(text);
	check_view_free(view);
	view = view_new(BIT(LIVE_GROWTH), true);
	text = take_text(view);
	assert_string_equal(text, "[]\n");
	free(text);
	check_view_free(view);
	check_view_free(NULL);
}

static void the_worst_of_all_processes(void **state)
{
	struct history rest = process_of(10, "rest", 0, 40);
	struct history leak = process_of(11, "leak", MIB(1), 40);
	struct history new = process_of(12, "new", 0, 3);
	struct check_view *view = view_new(BIT(LIVE_GROWTH), false);
	char *text;

	(void)state;
	judge(view, &rest);
	assert_int_equal(check_view_result(view), CHECK_WITHIN);
	judge(view, &new); /* still there, and not known: it is not left out */
	assert_int_equal(check_view_result(view), CHECK_UNJUDGED);
	judge(view, &leak);
	assert_int_equal(check_view_result(view), CHECK_OVER);
	judge(view, &rest);
	assert_int_equal(check_view_result(view), CHECK_OVER);
	text = take_text(view);
	assert_non_null(strstr(text, "10 rest (jemalloc): within\n"));
	assert_non_null(strstr(text, "12 new (jemalloc): not judged: the verdict is unknown: there "
				     "are 3 reports"));
	assert_non_null(strstr(text, "11 leak (jemalloc): over: the verdict is live-growth\n"
				     "  verdict   live-growth: live data grows: "));
	assert_non_null(strstr(text, "\n  evidence  pages that were first touched stay"));
	assert_non_null(strstr(text, "\n  retained  3.00M\n"));
	assert_null(strstr(text, "\n  top site")); /* none is known */
	assert_non_null(strstr(text, "\n  advice    look at the top site"));
	assert_non_null(strstr(text, "\n  change    this would change the verdict: fragmentation"));
	assert_non_null(strstr(text, "\ncheck: over\n"));
	assert_null(strstr(text, "ended too soon"));
	free(text);
	check_view_free(view);
	history_free(&rest);
	history_free(&leak);
	history_free(&new);
}

/* Of a shell's children the most come and go: these are counted. The first is what was asked for.
 */
static void short_lived_ones_are_left_out(void **state)
{
	struct history first = process_of(10, "sh", 0, 3), child = process_of(11, "ls", 0, 3);
	struct history same = process_of(10, "other", 0, 3);
	struct check_view *view = view_new(BIT(LIVE_GROWTH), false);
	char *text;

	(void)state;
	first.process->ledger->exit_ns = child.process->ledger->exit_ns = WORLD_START * 2;
	same.process->ledger->exit_ns = WORLD_START * 2;
	same.process->ledger->attach_ns++; /* the first's pid again: another process */
	check_view_begin(view, first.process);
	judge(view, &child);
	judge(view, &child);
	judge(view, &same);
	assert_int_equal(check_view_result(view), CHECK_UNJUDGED);
	check_view_end(view, first.process);
	assert_int_equal(check_view_result(view), CHECK_UNJUDGED);
	text = take_text(view);
	assert_non_null(strstr(text, "10 sh (jemalloc): not judged"));
	assert_null(strstr(text, "ls"));
	assert_null(strstr(text, "other"));
	assert_non_null(strstr(text, "3 processes ended too soon to be judged\n"));
	free(text);
	check_view_free(view);
	history_free(&first);
	history_free(&child);
	history_free(&same);
}

static void too_many_processes(void **state)
{
	struct history h = process_of(10, "many", 0, 20);
	struct check_view *view = view_new(BIT(LIVE_GROWTH), false);
	char *text;

	(void)state;
	for (int i = 0; i < 4096; i++)
		judge(view, &h);
	assert_int_equal(check_view_result(view), CHECK_WITHIN);
	judge(view, &h);
	judge(view, &h);
	assert_int_equal(check_view_result(view), CHECK_UNJUDGED);
	text = take_text(view);
	assert_non_null(strstr(text, "2 processes were not judged: more than 4096\n"));
	free(text);
	check_view_free(view);
	history_free(&h);
}

/* A test that failed half way has shown nothing; what is over is over all the same. */
static void the_command_failed(void **state)
{
	struct history rest = process_of(10, "rest", 0, 40);
	struct history leak = process_of(11, "leak", MIB(1), 40);
	struct check_view *view = view_new(BIT(LIVE_GROWTH), false);
	char *text;

	(void)state;
	judge(view, &rest);
	check_view_command_failed(view, "'make' exited with status 2");
	assert_int_equal(check_view_result(view), CHECK_UNJUDGED);
	judge(view, &leak);
	assert_int_equal(check_view_result(view), CHECK_OVER);
	text = take_text(view);
	assert_non_null(strstr(text, "not judged: 'make' exited with status 2\ncheck: over\n"));
	free(text);
	check_view_free(view);
	history_free(&rest);
	history_free(&leak);
}

/* ---- JSON ---- */

static const char *string_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	if (!text)
		fail_msg("%s is no string", key);
	return text;
}

static json_t *take_json(struct check_view *view)
{
	size_t size;
	char *text = check_view_take(view, &size);
	json_error_t error;
	json_t *array = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);

	if (!json_is_array(array))
		fail_msg("%s in line %d: %.*s", error.text, error.line, (int)size, text);
	assert_int_equal(text[size - 1], '\n');
	free(text);
	return array;
}

static void an_object_per_process(void **state)
{
	struct history rest = process_of(10, "rest", 0, 40);
	struct history leak = process_of(4194304, "leak", MIB(1), 40);
	struct check_view *view = view_new(BIT(LIVE_GROWTH), true);
	json_t *array, *object;

	(void)state;
	leak.now.per_invocation = (struct trend_range){4096, 4000, 4200};
	leak.now.invocations_total = 10;
	RUN(&leak, 1, .anon = MIB(1), .heap = PMIB(1), .born = PMIB(1), .invocations = 1);
	judge(view, &rest);
	judge(view, &leak);
	array = take_json(view);
	assert_int_equal(json_array_size(array), 2);

	object = json_array_get(array, 0);
	assert_int_equal(json_integer_value(json_object_get(object, "pid")), 10);
	assert_string_equal(string_of(object, "comm"), "rest");
	assert_string_equal(string_of(object, "verdict"), "none");
	assert_string_equal(string_of(object, "result"), "within");
	assert_string_equal(string_of(object, "reason"), "");
	assert_true(json_number_value(json_object_get(object, "growth_bytes_per_hour")) == 0);
	assert_true(json_is_null(json_object_get(object, "bytes_per_invocation")));
	assert_true(json_is_null(json_object_get(object, "top_site")));

	object = json_array_get(array, 1);
	assert_int_equal(json_integer_value(json_object_get(object, "pid")), 4194304);
	assert_string_equal(string_of(object, "allocator"), "jemalloc");
	assert_string_equal(string_of(object, "verdict"), "live-growth");
	assert_string_equal(string_of(object, "rule"), "live_growth");
	assert_int_equal(json_integer_value(json_object_get(object, "tier")), TIER_PAGES);
	assert_true(json_number_value(json_object_get(object, "growth_bytes_per_hour")) ==
		    (double)MIB(3600));
	assert_true(json_number_value(json_object_get(object, "bytes_per_invocation")) == 4096);
	assert_int_equal(json_integer_value(json_object_get(object, "retained_bytes")), MIB(3));
	assert_true(json_is_null(json_object_get(object, "top_site")));
	assert_int_equal(json_array_size(json_object_get(object, "evidence")), 3);
	for (size_t i = 0; i < 3; i++)
		assert_true(json_string_length(
				    json_array_get(json_object_get(object, "evidence"), i)) > 10);
	assert_string_equal(string_of(object, "result"), "over");
	assert_string_equal(string_of(object, "reason"), "the verdict is live-growth");
	assert_true(*string_of(object, "advice") && *string_of(object, "change"));
	json_decref(array);
	check_view_free(view);
	history_free(&rest);
	history_free(&leak);
}

/* What is not a number is null: JSON has no word for it. */
static void unknown_figures_are_null(void **state)
{
	struct history h = process_of(10, "new", MIB(1), 2);
	struct check_view *view = view_new(BIT(LIVE_GROWTH), true);
	json_t *array, *object;

	(void)state;
	judge(view, &h);
	array = take_json(view);
	object = json_array_get(array, 0);
	assert_string_equal(string_of(object, "verdict"), "unknown");
	assert_string_equal(string_of(object, "result"), "not judged");
	assert_true(json_is_null(json_object_get(object, "growth_bytes_per_hour")));
	assert_true(json_is_null(json_object_get(object, "bytes_per_invocation")));
	json_decref(array);
	check_view_free(view);
	history_free(&h);
}

/* A process names itself as it likes: the output stays what it is, line by line. */
static void hostile_names(void **state)
{
	static const struct {
		const char *comm, *shown;
	} cases[] = {
		{"\"},{\"pid\":1", "\"},{\"pid\":1"},
		{"\xff\xfe\x80", "???"},
		{"a\nb\tc\x1b[2J", "a?b?c?[2J"},
		{"cut\xe2\x82", "cut??"},
		{"\xe2\x82\xac", "\xe2\x82\xac"},
		{"%s%n", "%s%n"},
		{"", ""},
		{"\\\\", "\\\\"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct history h = process_of(10, cases[i].comm, 0, 20);
		struct check_view *json = view_new(BIT(LIVE_GROWTH), true);
		struct check_view *plain = view_new(BIT(LIVE_GROWTH), false);
		json_t *array;
		char *text, expected[64];

		judge(json, &h);
		judge(plain, &h);
		array = take_json(json);
		assert_int_equal(json_array_size(array), 1);
		assert_string_equal(string_of(json_array_get(array, 0), "comm"), cases[i].shown);
		json_decref(array);
		text = take_text(plain);
		snprintf(expected, sizeof(expected), "10 %s (jemalloc): within\n", cases[i].shown);
		assert_int_equal(strncmp(text, expected, strlen(expected)), 0);
		free(text);
		check_view_free(json);
		check_view_free(plain);
		history_free(&h);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_limit_is_never_passed),
		cmocka_unit_test(limits_of_growth),
		cmocka_unit_test(growth_that_is_not_known),
		cmocka_unit_test(limits_of_retained_pages),
		cmocka_unit_test(verdicts_to_fail_on),
		cmocka_unit_test(kept_while_idle),
		cmocka_unit_test(the_worst_is_said),
		cmocka_unit_test(reasons_fit),
		cmocka_unit_test(nothing_was_judged),
		cmocka_unit_test(the_worst_of_all_processes),
		cmocka_unit_test(short_lived_ones_are_left_out),
		cmocka_unit_test(too_many_processes),
		cmocka_unit_test(the_command_failed),
		cmocka_unit_test(an_object_per_process),
		cmocka_unit_test(unknown_figures_are_null),
		cmocka_unit_test(hostile_names),
	};

	return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
