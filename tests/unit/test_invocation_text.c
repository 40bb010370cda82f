// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/support.h"

#include <math.h>

#include "user/view/invocation_text.h"

static void ids_are_texts_or_numbers(void **state)
{
	char id[EVENT_ID_LEN] = "request-7", text[EVENT_ID_LEN];

	(void)state;
	assert_string_equal(invocation_id_text(id, 5, text), "request-7");
	/* a number that points to something, but no text */
	assert_string_equal(invocation_id_text("\x7f"
					       "ELF",
					       0x400000, text),
			    "4194304");
	assert_string_equal(invocation_id_text("a\xff", 0, text), "");
	assert_string_equal(invocation_id_text("", 5, text), "5");
	assert_string_equal(invocation_id_text("", UINT64_MAX, text), "18446744073709551615");
	assert_string_equal(invocation_id_text("", 0, text), "");
	memset(id, '~', sizeof(id) - 1);
	assert_int_equal(strlen(invocation_id_text(id, 0, text)), sizeof(id) - 1);
}

static const char *counts_of(struct invocation_totals totals)
{
	static char text[INVOCATION_TEXT_LEN];

	return invocation_counts_text(&totals, text, sizeof(text));
}

static void counters_are_there_if_any(void **state)
{
	char text[12];

	(void)state;
	assert_string_equal(counts_of((struct invocation_totals){0}), "0 ended");
	assert_string_equal(counts_of((struct invocation_totals){.begun = 9, .ended = 10000}),
			    "10,000 ended");
	assert_string_equal(counts_of((struct invocation_totals){
				    .ended = 7, .cut = 2, .unmatched = 3, .too_deep = 1234}),
			    "7 ended, 3 unmatched, 2 cut, 1,234 too deep");
	/* the greatest fit */
	assert_in_range(strlen(counts_of((struct invocation_totals){
				.ended = UINT64_MAX,
				.cut = UINT64_MAX,
				.unmatched = UINT64_MAX,
				.too_deep = UINT64_MAX,
			})),
			100, INVOCATION_TEXT_LEN - 2);
	invocation_counts_text(&(struct invocation_totals){.cut = 5, .unmatched = 7}, text,
			       sizeof(text));
	assert_string_equal(text, "0 ended, 7 ");
	assert_false(invocation_any(&(struct invocation_totals){0}));
	assert_true(invocation_any(&(struct invocation_totals){.begun = 1}));
	assert_true(invocation_any(&(struct invocation_totals){.unmatched = 1}));
}

static const char *growth_of(double estimate, double low, double high)
{
	static char text[INVOCATION_TEXT_LEN];

	return invocation_growth_text(&(struct trend_range){estimate, low, high}, text,
				      sizeof(text));
}

static void growth_has_its_interval(void **state)
{
	(void)state;
	assert_string_equal(growth_of(4311, 4280, 4352), "+4.21K per invocation (4.18K to 4.25K)");
	assert_string_equal(growth_of(-4096, -8192, 512),
			    "-4.00K per invocation (-8.00K to 512), no growth shown");
	assert_string_equal(growth_of(0, 0, 0), "0 per invocation (0 to 0), no growth shown");
	assert_string_equal(growth_of(NAN, NAN, NAN), "too few to tell their growth");
	assert_in_range(strlen(growth_of(-INFINITY, -INFINITY, INFINITY)), 1,
			INVOCATION_TEXT_LEN - 2);
}

static void mark(struct invocations *invocations, enum invocation_edge edge)
{
	static uint64_t now;
	struct event_invocation event = {
		.h = HEADER(EVENT_INVOCATION, event_invocation, WORLD_PID, 5, ++now), .edge = edge};

	assert_int_equal(invocations_event(invocations, &event), 0);
}

/* Four pages each, of which one is gone at the end, and another when one more has ended. */
static void survival_names_what_was_reached(void **state)
{
	struct invocations *invocations = invocations_new();
	char text[INVOCATION_TEXT_LEN], cut[17];

	(void)state;
	assert_non_null(invocations);
	assert_string_equal(invocation_survival_text(invocations, text, sizeof(text)), "");
	for (uint32_t i = 1; i <= 1001; i++) {
		mark(invocations, INVOCATION_BEGIN);
		for (int page = 0; page < 4; page++)
			invocations_page_born(invocations, i);
		invocations_page_gone(invocations, i);
		if (i > 1)
			invocations_page_gone(invocations, i - 1);
		mark(invocations, INVOCATION_END);
		if (i == 1)
			assert_string_equal(
				invocation_survival_text(invocations, text, sizeof(text)),
				"at the end 75.0%");
		if (i == 3)
			assert_string_equal(
				invocation_survival_text(invocations, text, sizeof(text)),
				"at the end 75.0%, 1 later 50.0%");
	}
	assert_string_equal(invocation_survival_text(invocations, text, sizeof(text)),
			    "at the end 75.0%, 1 later 50.0%, 10 later 50.0%, 100 later 50.0%, "
			    "1,000 later 50.0%");
	assert_string_equal(invocation_survival_text(invocations, cut, sizeof(cut)),
			    "at the end 75.0%");
	invocations_free(invocations);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_are_texts_or_numbers),
		cmocka_unit_test(counters_are_there_if_any),
		cmocka_unit_test(growth_has_its_interval),
		cmocka_unit_test(survival_names_what_was_reached),
	};

	return cmocka_run_group_tests_name("invocation_text", tests, NULL, NULL);
}
