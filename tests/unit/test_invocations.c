// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/support.h"

#include "user/ledger/invocations.h"

static struct invocations *set;
static uint64_t now;

static int setup(void **state)
{
	(void)state;
	set = invocations_new();
	now = 1000;
	return set ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	invocations_free(set);
	return 0;
}

static void feed(uint32_t tid, struct event_invocation event)
{
	event.h = HEADER(EVENT_INVOCATION, event_invocation, WORLD_PID, tid, ++now);
	assert_int_equal(event_check(&event.h, sizeof(event)), 0);
	assert_int_equal(invocations_event(set, &event), 0);
}

static struct event_invocation edge_of(enum invocation_edge edge, const char *id, uint64_t value,
				       uint64_t cfa)
{
	struct event_invocation event = {.edge = edge, .value = value, .cfa = cfa};

	snprintf(event.id, sizeof(event.id), "%s", id);
	return event;
}

static uint32_t begin(uint32_t tid, const char *id)
{
	feed(tid, edge_of(INVOCATION_BEGIN, id, 0, 0));
	return invocations_newest(set);
}

static void end(uint32_t tid, const char *id)
{
	feed(tid, edge_of(INVOCATION_END, id, 0, 0));
}

static uint32_t enter(uint32_t tid, uint64_t cfa)
{
	feed(tid, edge_of(INVOCATION_BEGIN, "", 0, cfa));
	return invocations_newest(set);
}

static void leave(uint32_t tid, uint64_t cfa)
{
	feed(tid, edge_of(INVOCATION_END, "", 0, cfa));
}

static void gone(uint32_t tid)
{
	feed(tid, edge_of(INVOCATION_GONE, "", 0, 0));
}

static unsigned int state_of(uint32_t number)
{
	const struct invocation *invocation = invocations_find(set, number);

	assert_non_null(invocation);
	assert_int_equal(invocation->number, number);
	return invocation->state;
}

static void assert_totals(uint64_t begun, uint64_t ended, uint64_t cut, uint64_t unmatched)
{
	const struct invocation_totals *totals = invocations_totals(set);

	assert_int_equal(totals->begun, begun);
	assert_int_equal(totals->ended, ended);
	assert_int_equal(totals->cut, cut);
	assert_int_equal(totals->unmatched, unmatched);
	assert_int_equal(invocations_open(set), begun - ended - cut);
}

static void bear(uint32_t number, unsigned int pages)
{
	while (pages--)
		invocations_page_born(set, number);
}

static void lose(uint32_t number, unsigned int pages)
{
	while (pages--)
		invocations_page_gone(set, number);
}

/* --- which one ends ------------------------------------------------------------- */

static void nothing_is_open_at_first(void **state)
{
	(void)state;
	assert_int_equal(invocations_current(set, 1), 0);
	assert_int_equal(invocations_newest(set), 0);
	assert_int_equal(invocations_retained(set), 0);
	assert_null(invocations_find(set, 0));
	assert_null(invocations_find(set, 1));
	assert_null(invocations_find(set, UINT32_MAX));
	gone(1);
	invocations_cut(set, 5);
	assert_totals(0, 0, 0, 0);
	end(1, "");
	end(1, "x");
	assert_totals(0, 0, 0, 2);
	invocations_page_born(set, 0); /* before the first one: of no concern */
	assert_int_equal(invocations_totals(set)->born_outside, 0);
}

static void invocations_nest_in_their_threads(void **state)
{
	uint32_t outer = begin(7, "outer"), other = begin(8, "other"), inner = begin(7, "inner");

	(void)state;
	assert_int_equal(outer, 1);
	assert_int_equal(invocations_current(set, 7), inner);
	assert_int_equal(invocations_current(set, 8), other);
	assert_int_equal(invocations_current(set, 9), 0);
	assert_int_equal(invocations_find(set, inner)->depth, 1);
	assert_int_equal(invocations_find(set, other)->depth, 0);
	assert_int_equal(invocations_find(set, inner)->tid, 7);
	assert_string_equal(invocations_find(set, other)->id, "other");
	assert_int_equal(invocations_find(set, other)->begin_ns, 1002);
	assert_int_equal(invocations_find(set, other)->end_ns, 0);
	end(7, "inner");
	assert_int_equal(invocations_current(set, 7), outer);
	assert_int_equal(invocations_find(set, inner)->end_ns, now);
	assert_int_equal(invocations_find(set, inner)->ended, 1);
	assert_int_equal(state_of(inner), INVOCATION_ENDED);
	end(8, "other");
	end(7, "outer");
	assert_int_equal(invocations_current(set, 7), 0);
	assert_int_equal(invocations_find(set, outer)->ended, 3);
	assert_totals(3, 3, 0, 0);
}

static void an_outer_one_may_end_first(void **state)
{
	uint32_t a = begin(7, "a"), b = begin(7, "b"), c = begin(7, "c");

	(void)state;
	end(7, "a");
	assert_int_equal(state_of(a), INVOCATION_ENDED);
	assert_int_equal(invocations_current(set, 7), c);
	end(7, "c");
	assert_int_equal(invocations_current(set, 7), b);
	end(7, "b");
	assert_totals(3, 3, 0, 0);
}

static void the_same_id_twice_ends_the_inner_one(void **state)
{
	uint32_t first = begin(7, "x"), second = begin(7, "x"), elsewhere = begin(6, "x");

	(void)state;
	end(7, "x");
	assert_int_equal(state_of(second), INVOCATION_ENDED);
	assert_int_equal(state_of(first), INVOCATION_OPEN);
	end(7, "x");
	assert_int_equal(state_of(first), INVOCATION_ENDED);
	/* its own thread has it no more: another may */
	end(7, "x");
	assert_int_equal(state_of(elsewhere), INVOCATION_ENDED);
	assert_totals(3, 3, 0, 0);
}

static void an_end_may_come_in_another_thread(void **state)
{
	uint32_t a = begin(7, "a"), b = begin(8, "b"), c = begin(7, "c");

	(void)state;
	end(8, "a");
	assert_int_equal(state_of(a), INVOCATION_ENDED);
	assert_int_equal(invocations_current(set, 8), b);
	end(9, "c");
	assert_int_equal(state_of(c), INVOCATION_ENDED);
	assert_int_equal(invocations_current(set, 7), 0);
	assert_totals(3, 2, 0, 0);
}

/*
 * Threads that use one id, all in the midst of it when the watch begins: an end that is taken from
 * another thread must not pass on from thread to thread for ever.
 */
static void threads_that_share_an_id_come_to_rest(void **state)
{
	bool busy[32];
	uint64_t seed = 3;

	(void)state;
	memset(busy, true, sizeof(busy));
	for (unsigned int step = 0; step < 20000; step++) {
		uint32_t thread = (uint32_t)random_below(&seed, ARRAY_SIZE(busy));

		if (!busy[thread]) {
			begin(thread + 1, "same");
		} else {
			if (step > 1000)
				assert_int_not_equal(invocations_current(set, thread + 1), 0);
			end(thread + 1, "same");
		}
		busy[thread] = !busy[thread];
	}
	assert_int_equal(invocations_totals(set)->unmatched, ARRAY_SIZE(busy));
	for (uint32_t thread = 1; thread <= ARRAY_SIZE(busy); thread++)
		gone(thread);
	assert_int_equal(invocations_open(set), 0);
}

/* Nothing is kept of a thread that is gone, or after a loss, for which an end was taken. */
static void a_taken_end_goes_with_its_thread(void **state)
{
	uint64_t before;

	(void)state;
	begin(9, "warm");
	end(9, "warm");
	before = invocations_memory(set);
	begin(1, "x");
	end(2, "x");
	assert_int_equal(invocations_current(set, 1), 0);
	gone(1);
	assert_int_equal(invocations_memory(set), before);
	begin(1, "x");
	end(2, "x");
	invocations_cut(set, ++now);
	assert_int_equal(invocations_memory(set), before);
	/* the end that comes once more is one without a beginning, also where others are open */
	begin(1, "y");
	end(2, "y");
	begin(3, "y");
	end(1, "y");
	assert_int_equal(invocations_totals(set)->unmatched, 1);
	end(3, "y");
	assert_totals(5, 5, 0, 1);
}

/* Probes without an argument beside a function: its frame tells it apart from them. */
static void a_probe_ends_no_function(void **state)
{
	uint32_t outer, function;

	(void)state;
	outer = begin(1, "");
	function = enter(1, 0x7000);
	end(1, "");
	assert_int_equal(state_of(outer), INVOCATION_ENDED);
	assert_int_equal(state_of(function), INVOCATION_OPEN);
	end(1, "");
	assert_int_equal(state_of(function), INVOCATION_OPEN);
	assert_totals(2, 1, 0, 1);
	leave(1, 0x7000);
	assert_int_equal(state_of(function), INVOCATION_ENDED);
	assert_totals(2, 2, 0, 1);
}

static void an_end_that_names_another_ends_nothing(void **state)
{
	uint32_t a = begin(7, "a");

	(void)state;
	end(7, "b");
	assert_int_equal(state_of(a), INVOCATION_OPEN);
	end(8, "b");
	end(8, "");
	assert_totals(1, 0, 0, 3);
	/* one that names nothing ends the innermost */
	end(7, "");
	assert_totals(1, 1, 0, 3);
}

static void where_only_the_end_is_named_the_innermost_ends(void **state)
{
	uint32_t outer = begin(7, ""), inner = begin(7, "");

	(void)state;
	end(7, "a");
	assert_int_equal(state_of(inner), INVOCATION_ENDED);
	feed(7, edge_of(INVOCATION_END, "", 200, 0)); /* a status */
	assert_int_equal(state_of(outer), INVOCATION_ENDED);
	/* begun with a text, ended with a status */
	inner = begin(7, "text");
	feed(7, edge_of(INVOCATION_END, "", 200, 0));
	assert_int_equal(state_of(inner), INVOCATION_ENDED);
	assert_totals(3, 3, 0, 0);
}

static void numbers_are_names_too(void **state)
{
	uint32_t one, two;

	(void)state;
	feed(7, edge_of(INVOCATION_BEGIN, "", 1, 0));
	feed(7, edge_of(INVOCATION_BEGIN, "", 2, 0));
	one = 1;
	two = 2;
	feed(8, edge_of(INVOCATION_END, "", 1, 0));
	assert_int_equal(state_of(one), INVOCATION_ENDED);
	assert_int_equal(state_of(two), INVOCATION_OPEN);
	assert_int_equal(invocations_find(set, two)->value, 2);
	feed(7, edge_of(INVOCATION_END, "", 3, 0));
	assert_totals(2, 1, 0, 1);
	/* what a number happens to point to is no text, and may change */
	feed(9, edge_of(INVOCATION_BEGIN,
			"\x7f"
			"ELF\x02",
			0x400000, 0));
	assert_string_equal(invocations_find(set, 3)->id, "");
	feed(9, edge_of(INVOCATION_END, "\xf0\x0f", 0x400000, 0));
	assert_int_equal(state_of(3), INVOCATION_ENDED);
}

static void a_frame_ends_with_its_function(void **state)
{
	uint32_t outer = enter(7, 1000), inner = enter(7, 900), other = enter(8, 950);

	(void)state;
	leave(7, 900);
	assert_int_equal(state_of(inner), INVOCATION_ENDED);
	assert_int_equal(state_of(other), INVOCATION_OPEN);
	leave(7, 1000);
	assert_int_equal(state_of(outer), INVOCATION_ENDED);
	leave(7, 1000);
	leave(8, 960); /* entered before the watch; what lies below it has been left */
	assert_int_equal(state_of(other), INVOCATION_CUT);
	assert_totals(3, 2, 1, 2);
}

static void frames_left_without_a_return_are_cut(void **state)
{
	uint32_t usdt = begin(7, "request"), a = enter(7, 1000), b = enter(7, 900);
	uint32_t c = enter(7, 800), again, far;

	(void)state;
	/* longjmp to a, which calls again: b and c are left */
	bear(c, 3);
	again = enter(7, 900);
	assert_int_equal(state_of(b), INVOCATION_CUT);
	assert_int_equal(state_of(c), INVOCATION_CUT);
	assert_int_equal(invocations_find(set, c)->end_ns, now);
	assert_int_equal(invocations_retained(set), 3);
	assert_int_equal(state_of(a), INVOCATION_OPEN);
	assert_int_equal(invocations_current(set, 7), again);
	assert_int_equal(invocations_find(set, again)->depth, 2);
	/* a throws: its caller's return leaves all that is below */
	far = enter(7, 700);
	leave(7, 1000);
	assert_int_equal(state_of(far), INVOCATION_CUT);
	assert_int_equal(state_of(again), INVOCATION_CUT);
	assert_int_equal(state_of(a), INVOCATION_ENDED);
	/* what has no frame is not judged by it */
	assert_int_equal(invocations_current(set, 7), usdt);
	enter(7, 5000);
	leave(7, 6000); /* nor ends with a function */
	assert_int_equal(state_of(usdt), INVOCATION_OPEN);
	assert_totals(7, 1, 5, 1);
}

static void too_deep_ones_are_counted(void **state)
{
	uint32_t last = 0;

	(void)state;
	for (unsigned int i = 0; i < INVOCATION_DEPTH_MAX; i++)
		last = begin(7, "");
	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(begin(7, ""), last);
	assert_int_equal(invocations_totals(set)->too_deep, 8);
	assert_int_equal(invocations_current(set, 7), last);
	for (unsigned int i = 0; i < 8; i++)
		end(7, "");
	assert_int_equal(invocations_current(set, 7), last);
	assert_totals(INVOCATION_DEPTH_MAX, 0, 0, 0);
	for (unsigned int i = 0; i < INVOCATION_DEPTH_MAX; i++) {
		assert_int_equal(invocations_current(set, 7), last - i);
		end(7, "");
	}
	assert_totals(INVOCATION_DEPTH_MAX, INVOCATION_DEPTH_MAX, 0, 0);
	end(7, "");
	assert_totals(INVOCATION_DEPTH_MAX, INVOCATION_DEPTH_MAX, 0, 1);
}

/* Functions that call themselves, and are left all at once. */
static void too_deep_frames_are_left_with_the_others(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < INVOCATION_DEPTH_MAX + 10; i++)
		enter(7, 10000 - 64 * i);
	leave(7, 10000 - 64 * (uint64_t)(INVOCATION_DEPTH_MAX + 9));
	assert_totals(INVOCATION_DEPTH_MAX, 0, 0, 0);
	leave(7, 10000);
	assert_totals(INVOCATION_DEPTH_MAX, 1, INVOCATION_DEPTH_MAX - 1, 0);
	assert_int_equal(invocations_current(set, 7), 0);
	leave(7, 10000);
	assert_totals(INVOCATION_DEPTH_MAX, 1, INVOCATION_DEPTH_MAX - 1, 1);
}

/* One that has no frame, and in it as many functions as are told apart, and ten more. */
static uint32_t begin_deep(void)
{
	uint32_t outer = begin(7, "");

	for (uint64_t i = 1; i < INVOCATION_DEPTH_MAX + 10; i++)
		enter(7, 10000 - 64 * i);
	assert_int_equal(invocations_newest(set), outer + INVOCATION_DEPTH_MAX - 1);
	return outer;
}

/* What began too deep is gone with what it began in, and takes no later end for its own. */
static void too_deep_frames_take_no_end(void **state)
{
	uint32_t outer = begin_deep();

	(void)state;
	leave(7, 10000 - 64);
	end(7, "");
	assert_int_equal(state_of(outer), INVOCATION_ENDED);
	/* by a function that was entered before the watch */
	outer = begin_deep();
	leave(7, 20000);
	assert_int_equal(invocations_totals(set)->unmatched, 1);
	end(7, "");
	assert_int_equal(state_of(outer), INVOCATION_ENDED);
	/* by the innermost that was told apart */
	outer = begin_deep();
	leave(7, 10000 - 64 * (uint64_t)(INVOCATION_DEPTH_MAX - 1));
	end(7, "");
	assert_int_equal(state_of(outer + INVOCATION_DEPTH_MAX - 1), INVOCATION_ENDED);
	assert_int_equal(state_of(outer + INVOCATION_DEPTH_MAX - 2), INVOCATION_OPEN);
	assert_int_equal(state_of(outer), INVOCATION_ENDED);
	assert_int_equal(invocations_totals(set)->unmatched, 1);
}

static void a_thread_takes_its_own_with_it(void **state)
{
	uint32_t a = begin(7, "a"), b = begin(7, "b"), c = begin(8, "c");

	(void)state;
	bear(a, 2);
	gone(7);
	assert_int_equal(state_of(a), INVOCATION_CUT);
	assert_int_equal(state_of(b), INVOCATION_CUT);
	assert_int_equal(state_of(c), INVOCATION_OPEN);
	assert_int_equal(invocations_find(set, a)->ended, 0);
	assert_int_equal(invocations_current(set, 7), 0);
	assert_int_equal(invocations_retained(set), 2);
	end(7, "a");
	assert_totals(3, 0, 2, 1);
	invocations_cut(set, 77);
	assert_int_equal(state_of(c), INVOCATION_CUT);
	assert_int_equal(invocations_find(set, c)->end_ns, 77);
	assert_totals(3, 0, 3, 1);
}

static void records_lost_in_between_are_told(void **state)
{
	struct event_invocation event = edge_of(INVOCATION_BEGIN, "a", 0, 0);

	(void)state;
	event.lost = UINT32_MAX;
	feed(7, event);
	event.edge = INVOCATION_END;
	feed(7, event);
	assert_false(invocations_find(set, 1)->lossy);
	event.edge = INVOCATION_BEGIN;
	feed(7, event);
	event.edge = INVOCATION_END;
	event.lost = 0; /* its low half has wrapped */
	feed(7, event);
	assert_true(invocations_find(set, 2)->lossy);
}

/* --- what is kept ------------------------------------------------------------------ */

static void the_newest_are_kept(void **state)
{
	const uint32_t count = 2 * INVOCATIONS_KEPT + 100;
	uint64_t small = invocations_memory(set);
	uint32_t open;

	(void)state;
	for (uint32_t i = 0; i < 10; i++) {
		begin(7, "early");
		bear(i + 1, 1);
		end(7, "early");
	}
	assert_true(invocations_memory(set) - small < 16384);
	open = begin(9, "open");
	bear(open, 5);
	for (uint32_t i = 11; i < count; i++) {
		assert_int_equal(begin(7, "x"), i + 1);
		/* forgotten once its place is needed */
		assert_int_equal(invocations_current(set, 9),
				 i + 1 - open < INVOCATIONS_KEPT ? open : 0);
		end(7, "x");
		if (i % 37 && i != count - 1)
			continue;
		assert_non_null(invocations_find(set, i + 1));
		assert_int_equal(invocations_find(set, i / 2 + 1) != NULL,
				 i - i / 2 < INVOCATIONS_KEPT);
	}
	assert_null(invocations_find(set, count - INVOCATIONS_KEPT));
	assert_int_equal(state_of(count - INVOCATIONS_KEPT + 1), INVOCATION_ENDED);
	assert_null(invocations_find(set, count + 1));
	assert_totals(count, count - 1, 1, 0);
	end(9, "open");
	assert_totals(count, count - 1, 1, 1);
	/* their pages are still counted */
	assert_int_equal(invocations_retained(set), 15);
	lose(open, 5);
	lose(3, 1);
	assert_int_equal(invocations_retained(set), 9);
	bear(open, 1); /* asked for long ago, and found only now */
	assert_int_equal(invocations_retained(set), 10);
	assert_int_equal(invocations_totals(set)->born, 16);
	assert_true(invocations_memory(set) < (uint64_t)INVOCATIONS_KEPT * 160);
}

/* More are open than are kept: the oldest of many threads are cut, and no one else. */
static void too_many_open_ones_are_cut(void **state)
{
	const uint32_t count = INVOCATIONS_KEPT + 500;

	(void)state;
	for (uint32_t i = 0; i < count; i++)
		begin(1000 + i, "x");
	assert_totals(count, 0, 500, 0);
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(invocations_current(set, 1000 + i), i < 500 ? 0 : i + 1);
	/* the one whose place is needed is the thread's only one */
	assert_int_equal(begin(1500, "y"), count + 1);
	assert_int_equal(invocations_current(set, 1500), count + 1);
	for (uint32_t i = 0; i < count; i++)
		gone(1000 + i);
	assert_totals(count + 1, 0, count + 1, 0);
}

/*
 * Each invocation bears 8 pages: one that goes before its end, one before the
 * next end, one before the 6th, the 51st, the 501st; three stay.
 */
static void points_are_reached_by_ends(void **state)
{
	static const uint32_t lives[] = {0, 1, 6, 51, 501};
	static const uint32_t expected[INVOCATION_POINT_COUNT] = {7, 6, 5, 4, 3};
	const uint32_t count = 6000;

	(void)state;
	for (uint32_t number = 1; number <= count; number++) {
		assert_int_equal(begin(number % 5, "x"), number);
		bear(number, 8);
		for (size_t i = 0; i < ARRAY_SIZE(lives); i++)
			if (number > lives[i])
				lose(number - lives[i], 1);
		end(number % 5, "x");
	}
	for (uint32_t number = count - INVOCATIONS_KEPT + 1; number <= count; number++) {
		const struct invocation *found = invocations_find(set, number);
		unsigned int points = 0;

		while (points < INVOCATION_POINT_COUNT &&
		       number + invocation_later[points] <= count)
			points++;
		assert_int_equal(found->points, points);
		for (unsigned int point = 0; point < points; point++)
			assert_int_equal(found->at[point], expected[point]);
		assert_int_equal(found->born, 8);
	}
	for (unsigned int point = 0; point < INVOCATION_POINT_COUNT; point++) {
		const struct invocation_survival *survival = invocations_survival(set, point);
		uint64_t reached = count - invocation_later[point];

		assert_int_equal(survival->invocations, reached);
		assert_int_equal(survival->born, 8 * reached);
		assert_int_equal(survival->resident, expected[point] * reached);
	}
}

/* So many began between two ends that the first is forgotten. */
static void forgotten_ones_reach_no_point(void **state)
{
	(void)state;
	begin(7, "a");
	bear(1, 4);
	end(7, "a");
	for (uint32_t i = 0; i < INVOCATIONS_KEPT; i++)
		begin(100 + i, "b");
	assert_null(invocations_find(set, 1));
	end(100, "b");
	assert_int_equal(invocations_survival(set, INVOCATION_POINT_0)->invocations, 2);
	assert_int_equal(invocations_survival(set, INVOCATION_POINT_1)->invocations, 0);
	assert_int_equal(invocations_retained(set), 4);
}

/* Cut ones have no place in the order of the ends. */
static void cut_ones_reach_no_point(void **state)
{
	uint64_t history[8];
	uint32_t cut;

	(void)state;
	begin(7, "a");
	bear(1, 4);
	end(7, "a");
	cut = begin(7, "b");
	bear(cut, 10);
	gone(7);
	assert_int_equal(invocations_find(set, 1)->points, 1);
	begin(7, "c");
	end(7, "c");
	assert_int_equal(invocations_find(set, 1)->points, 2);
	assert_int_equal(invocations_find(set, cut)->points, 0);
	assert_int_equal(invocations_survival(set, INVOCATION_POINT_0)->invocations, 2);
	assert_int_equal(invocations_survival(set, INVOCATION_POINT_0)->born, 4);
	assert_int_equal(invocations_history(set, history, ARRAY_SIZE(history)), 2);
	assert_int_equal(history[0], 4);
	assert_int_equal(history[1], 14);
}

/* A page that is found after the end was there at it. */
static void pages_found_late_count_at_earlier_points(void **state)
{
	const struct invocation *invocation;

	(void)state;
	begin(7, "a");
	bear(1, 1);
	end(7, "a");
	bear(1, 2);
	invocation = invocations_find(set, 1);
	assert_int_equal(invocation->born, 3);
	assert_int_equal(invocation->resident, 3);
	assert_int_equal(invocation->at[0], 3);
	assert_int_equal(invocations_survival(set, INVOCATION_POINT_0)->born, 3);
	assert_int_equal(invocations_survival(set, INVOCATION_POINT_0)->resident, 3);
	assert_int_equal(invocations_survival(set, INVOCATION_POINT_1)->born, 0);
	assert_int_equal(invocations_retained(set), 3);
	invocations_page_born(set, 0);
	assert_int_equal(invocations_totals(set)->born_outside, 1);
	assert_int_equal(invocations_totals(set)->born, 3);
}

static void history_is_of_the_newest_ends(void **state)
{
	static uint64_t history[INVOCATIONS_KEPT + 1];
	const uint32_t count = INVOCATIONS_KEPT + 1000;

	(void)state;
	for (uint32_t i = 1; i <= count; i++) {
		begin(7, "x");
		bear(i, 3);
		end(7, "x");
		if (i == 10) {
			assert_int_equal(invocations_history(set, history, 100), 10);
			assert_int_equal(history[0], 3);
			assert_int_equal(history[9], 30);
		}
	}
	assert_int_equal(invocations_history(set, history, INVOCATIONS_KEPT + 1), INVOCATIONS_KEPT);
	for (uint32_t i = 0; i < INVOCATIONS_KEPT; i++)
		assert_int_equal(history[i], 3 * (count - INVOCATIONS_KEPT + i + 1));
	assert_int_equal(invocations_history(set, history, 2), 2);
	assert_int_equal(history[0], 3 * (count - 1));
	assert_int_equal(invocations_history(set, history, 0), 0);
}

static void states_have_names(void **state)
{
	(void)state;
	assert_string_equal(invocation_state_name(INVOCATION_OPEN), "open");
	assert_string_equal(invocation_state_name(INVOCATION_ENDED), "ended");
	assert_string_equal(invocation_state_name(INVOCATION_CUT), "cut");
	assert_string_equal(invocation_state_name(99), "?");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(nothing_is_open_at_first),
		TEST(invocations_nest_in_their_threads),
		TEST(an_outer_one_may_end_first),
		TEST(the_same_id_twice_ends_the_inner_one),
		TEST(an_end_may_come_in_another_thread),
		TEST(threads_that_share_an_id_come_to_rest),
		TEST(a_taken_end_goes_with_its_thread),
		TEST(a_probe_ends_no_function),
		TEST(an_end_that_names_another_ends_nothing),
		TEST(where_only_the_end_is_named_the_innermost_ends),
		TEST(numbers_are_names_too),
		TEST(a_frame_ends_with_its_function),
		TEST(frames_left_without_a_return_are_cut),
		TEST(too_deep_ones_are_counted),
		TEST(too_deep_frames_are_left_with_the_others),
		TEST(too_deep_frames_take_no_end),
		TEST(a_thread_takes_its_own_with_it),
		TEST(records_lost_in_between_are_told),
		TEST(the_newest_are_kept),
		TEST(too_many_open_ones_are_cut),
		TEST(points_are_reached_by_ends),
		TEST(forgotten_ones_reach_no_point),
		TEST(cut_ones_reach_no_point),
		TEST(pages_found_late_count_at_earlier_points),
		TEST(history_is_of_the_newest_ends),
		TEST(states_have_names),
	};

	return cmocka_run_group_tests_name("invocations", tests, NULL, NULL);
}
