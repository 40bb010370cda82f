// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/support.h"

#include "user/view/unwind_text.h"
#include "user/view/watch.h"

static const char *text_of(const struct unwind_totals *totals)
{
	static char text[256];

	return unwind_text(totals, text, sizeof(text));
}

static void nothing_is_taken(void **state)
{
	struct unwind_totals totals = {0};

	(void)state;
	assert_string_equal(text_of(&totals), "0 taken");
	totals.skipped = 3;
	assert_string_equal(text_of(&totals), "0 taken; skipped 3");
}

static void only_all_is_100_percent(void **state)
{
	struct unwind_totals totals = {.taken = 1000000000, .ends[STACK_END_COMPLETE] = 1000000000};

	(void)state;
	assert_string_equal(text_of(&totals), "1,000,000,000 taken, 100% complete");
	totals.ends[STACK_END_COMPLETE]--;
	totals.ends[STACK_END_UPROBE]++;
	assert_string_equal(text_of(&totals), "1,000,000,000 taken, 99.9% complete; uprobe 1");
	totals = (struct unwind_totals){.taken = 3, .ends[STACK_END_NO_CFI] = 3};
	assert_string_equal(text_of(&totals), "3 taken, 0.0% complete; no_cfi 3");
}

static void failures_come_by_number(void **state)
{
	struct unwind_totals totals = {
		.taken = 12345,
		.ends = {[STACK_END_COMPLETE] = 12320,
			 [STACK_END_CUT] = 3,
			 [STACK_END_NO_CFI] = 12,
			 [STACK_END_ABSENT] = 10},
		.lost = 4,
		.guessed = 5,
	};

	(void)state;
	assert_string_equal(text_of(&totals), "12,345 taken, 99.7% complete; no_cfi 12, absent 10, "
					      "lost 4, cut 3; guessed 5");
}

/* All counters at their greatest fit the views' buffers, and any buffer is kept to. */
static void any_buffer_will_do(void **state)
{
	struct unwind_totals totals;
	char text[UNWIND_TEXT_LEN], part[UNWIND_TEXT_LEN + 1];
	size_t length;

	(void)state;
	memset(&totals, 0xff, sizeof(totals));
	length = strlen(unwind_text(&totals, text, sizeof(text)));
	assert_in_range(length, 300, sizeof(text) - 2);
	for (size_t size = 1; size <= length; size++) {
		memset(part, '#', sizeof(part));
		unwind_text(&totals, part, size);
		assert_int_equal(strlen(part), size - 1);
		assert_memory_equal(part, text, size - 1);
		assert_int_equal(part[size], '#');
	}
}

/* What `tidemark watch` says at the end. */
static char *summary_of(struct process *process)
{
	struct watch_view *view = watch_view_new(true);
	char *taken, *text;
	size_t size;

	assert_non_null(view);
	watch_view_end(view, process);
	taken = watch_view_take_summary(view, &size);
	watch_view_free(view);
	assert_non_null(taken);
	text = strndup(taken, size);
	free(taken);
	assert_non_null(text);
	return text;
}

static void summaries_tell_of_stacks_if_any(void **state)
{
	struct process *process = process_new(ledger_new(7, WORLD_START));
	struct stacks *stacks = stacks_new(NULL, NULL);
	struct unwind_totals *totals;
	char *text;

	(void)state;
	assert_non_null(process);
	assert_int_equal(process_report(process, WORLD_START + MS(10), 1), 0);
	text = summary_of(process);
	assert_null(strstr(text, "stacks"));
	free(text);
	process->unwinder = unwinder_new(stacks, NULL, process->ledger);
	assert_non_null(process->unwinder);
	totals = (struct unwind_totals *)unwinder_totals(process->unwinder);
	totals->taken = 8;
	totals->ends[STACK_END_COMPLETE] = 6;
	totals->ends[STACK_END_CUT] = 2;
	assert_int_equal(process_report(process, WORLD_START + MS(20), 2), 0);
	text = summary_of(process);
	if (!strstr(text, "\n  stacks    8 taken, 75.0% complete; cut 2; 0 resident without a "
			  "known stack\n"))
		fail_msg("%s", text);
	free(text);
	process_free(process);
	stacks_free(stacks);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_taken),
		cmocka_unit_test(only_all_is_100_percent),
		cmocka_unit_test(failures_come_by_number),
		cmocka_unit_test(any_buffer_will_do),
		cmocka_unit_test(summaries_tell_of_stacks_if_any),
	};

	return cmocka_run_group_tests_name("unwind text", tests, NULL, NULL);
}
