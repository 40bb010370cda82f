// SPDX-License-Identifier: GPL-2.0-only
#include "user/view/unwind_text.h"

#include <inttypes.h>
#include <stdlib.h>

#include "user/base/units.h"
#include "user/view/text_line.h"

#define OTHERS_MAX 8

const struct unwind_counter unwind_counters[] = {
	{"refused", "the stack is one too many, or there was no memory for it: not kept",
	 offsetof(struct unwind_totals, refused), true},
	{"lost", "the stack was taken, but the ring buffer lost it",
	 offsetof(struct unwind_totals, lost), true},
	{"skipped", "no stack was taken: the ring buffer was filling up",
	 offsetof(struct unwind_totals, skipped), false},
	{"guessed",
	 "steps from a frame to its caller by the frame pointer, where there is no unwind "
	 "information",
	 offsetof(struct unwind_totals, guessed), false},
	{NULL, NULL, 0, false},
};

struct named_count {
	const char *name;
	uint64_t count;
};

static int compare_counts(const void *left, const void *right)
{
	const struct named_count *a = left;
	const struct named_count *b = right;

	return (a->count < b->count) - (a->count > b->count);
}

static uint64_t counter_value(const struct unwind_totals *totals,
			      const struct unwind_counter *counter)
{
	return *(const uint64_t *)((const char *)totals + counter->offset);
}

/* Those that are not 0, the greatest first. */
static size_t collect_failures(const struct unwind_totals *totals,
			       struct named_count failures[STACK_END_COUNT + OTHERS_MAX])
{
	size_t count = 0;

	for (unsigned int end = STACK_END_COMPLETE + 1; end < STACK_END_COUNT; end++) {
		if (totals->ends[end])
			failures[count++] =
				(struct named_count){stack_end_name(end), totals->ends[end]};
	}
	for (const struct unwind_counter *counter = unwind_counters; counter->name; counter++) {
		if (counter->failure && counter_value(totals, counter))
			failures[count++] =
				(struct named_count){counter->name, counter_value(totals, counter)};
	}
	qsort(failures, count, sizeof(*failures), compare_counts);
	return count;
}

char *unwind_text(const struct unwind_totals *totals, char *text, size_t size)
{
	struct named_count failures[STACK_END_COUNT + OTHERS_MAX];
	size_t failure_count = collect_failures(totals, failures);
	uint64_t all = totals->taken;
	uint64_t failed = unwind_failures(totals);
	struct text_line line = {text, size, 0};
	char number[UNITS_TEXT_LEN];

	text_line_add(&line, "%s taken", units_whole(number, all));
	if (all && !failed) {
		text_line_add(&line, ", 100%% complete");
	} else if (all) {
		/* cut, not rounded: nothing but all is 100% */
		uint64_t permille =
			failed < all ? (uint64_t)((double)(all - failed) * 1000 / (double)all) : 0;

		permille = permille > 999 ? 999 : permille;
		text_line_add(&line, ", %" PRIu64 ".%" PRIu64 "%% complete", permille / 10,
			      permille % 10);
	}
	for (size_t i = 0; i < failure_count; i++)
		text_line_add(&line, "%s %s %s", i ? "," : ";", failures[i].name,
			      units_whole(number, failures[i].count));
	for (const struct unwind_counter *counter = unwind_counters; counter->name; counter++) {
		if (!counter->failure && counter_value(totals, counter))
			text_line_add(&line, "; %s %s", counter->name,
				      units_whole(number, counter_value(totals, counter)));
	}
	return text;
}
