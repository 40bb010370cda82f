// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/support.h"

#include "user/stack/returns.h"
#include "user/stack/unwinder.h"

#define TRAMPOLINE 0x7fffffffe000ULL
#define CALLER(number) (0x401000ULL + (number)*0x10 + 5)

static void edge(struct returns *returns, uint32_t tid, enum invocation_edge edge, uint64_t cfa,
		 uint64_t caller)
{
	const struct event_invocation event = {
		.h = {.size = sizeof(event), .kind = EVENT_INVOCATION, .tid = tid},
		.edge = edge,
		.cfa = cfa,
		.caller = caller,
	};

	assert_int_equal(returns_event(returns, &event), 0);
}

static void enter(struct returns *returns, uint32_t tid, uint64_t cfa, uint64_t caller)
{
	edge(returns, tid, INVOCATION_BEGIN, cfa, caller);
}

static void leave(struct returns *returns, uint32_t tid, uint64_t cfa)
{
	edge(returns, tid, INVOCATION_END, cfa, 0);
}

static void each_frame_has_its_own(void **state)
{
	struct returns returns = {0};

	(void)state;
	assert_int_equal(returns_find(&returns, 7, 0x8000), 0);
	enter(&returns, 7, 0x8000, CALLER(1));
	enter(&returns, 7, 0x7000, CALLER(2));
	enter(&returns, 8, 0x8000, CALLER(3));
	assert_int_equal(returns_find(&returns, 7, 0x8000), CALLER(1));
	assert_int_equal(returns_find(&returns, 7, 0x7000), CALLER(2));
	assert_int_equal(returns_find(&returns, 7, 0x7800), 0);
	assert_int_equal(returns_find(&returns, 8, 0x8000), CALLER(3));
	assert_int_equal(returns_find(&returns, 9, 0x8000), 0);
	leave(&returns, 7, 0x7000);
	assert_int_equal(returns_find(&returns, 7, 0x7000), 0);
	assert_int_equal(returns_find(&returns, 7, 0x8000), CALLER(1));
	leave(&returns, 7, 0x8000);
	leave(&returns, 7, 0x8000); /* entered before the watch began */
	leave(&returns, 8, 0x8000);
	assert_int_equal(returns.count, 0);
	returns_free(&returns);
}

static void usdt_probes_replace_nothing(void **state)
{
	struct returns returns = {0};

	(void)state;
	enter(&returns, 7, 0x8000, CALLER(1));
	enter(&returns, 7, 0, 0);
	leave(&returns, 7, 0);
	assert_int_equal(returns_find(&returns, 7, 0x8000), CALLER(1));
	returns_free(&returns);
}

/* longjmp: nothing tells of it but what comes after. */
static void frames_that_were_left_go(void **state)
{
	struct returns returns = {0};

	(void)state;
	enter(&returns, 7, 0x8000, CALLER(1));
	enter(&returns, 7, 0x7000, CALLER(2));
	enter(&returns, 7, 0x6000, CALLER(3));
	/* back to the outermost, which calls another at the same place as the second */
	enter(&returns, 7, 0x7000, CALLER(4));
	assert_int_equal(returns.count, 2);
	assert_int_equal(returns_find(&returns, 7, 0x7000), CALLER(4));
	assert_int_equal(returns_find(&returns, 7, 0x6000), 0);
	/* both are left by a return of the outermost */
	enter(&returns, 7, 0x6000, CALLER(5));
	leave(&returns, 7, 0x8000);
	assert_int_equal(returns.count, 0);
	returns_free(&returns);
}

/* A function that jumps into another finds the trampoline where its return address was. */
static void a_jump_keeps_the_first_address(void **state)
{
	struct returns returns = {0};

	(void)state;
	enter(&returns, 7, 0x8000, CALLER(1));
	enter(&returns, 7, 0x8000, TRAMPOLINE);
	assert_int_equal(returns_find(&returns, 7, 0x8000), CALLER(1));
	returns_free(&returns);
}

static void a_thread_takes_its_own_along(void **state)
{
	struct returns returns = {0};

	(void)state;
	enter(&returns, 7, 0x8000, CALLER(1));
	enter(&returns, 7, 0x7000, CALLER(2));
	enter(&returns, 8, 0x8000, CALLER(3));
	edge(&returns, 7, INVOCATION_GONE, 0, 0);
	assert_int_equal(returns_find(&returns, 7, 0x8000), 0);
	assert_int_equal(returns_find(&returns, 8, 0x8000), CALLER(3));
	assert_int_equal(returns.count, 1);
	returns_free(&returns);
}

static void a_child_has_its_parents(void **state)
{
	struct returns parent = {0}, child = {0};

	(void)state;
	enter(&parent, 7, 0x8000, CALLER(1));
	enter(&parent, 8, 0x9000, CALLER(2));
	assert_int_equal(returns_fork(&parent, &child), 0);
	returns_free(&parent);
	assert_int_equal(returns_find(&child, 70, 0x8000), CALLER(1));
	enter(&child, 70, 0x7000, CALLER(3));
	assert_int_equal(returns_find(&child, 70, 0x7000), CALLER(3));
	assert_int_equal(returns_find(&child, 70, 0x8000), CALLER(1));
	returns_free(&child);
}

static void there_is_a_limit(void **state)
{
	struct returns returns = {0};
	struct event_invocation event = {.edge = INVOCATION_BEGIN, .cfa = 0x8000};

	(void)state;
	for (uint32_t tid = 1; tid <= RETURNS_MAX; tid++)
		enter(&returns, tid, 0x8000, CALLER(tid));
	event.h.tid = RETURNS_MAX + 1;
	assert_int_equal(returns_event(&returns, &event), -ENOSPC);
	assert_int_equal(returns.count, RETURNS_MAX);
	leave(&returns, 1, 0x8000);
	assert_int_equal(returns_event(&returns, &event), 0);
	returns_free(&returns);
	assert_int_equal(returns.count, 0);
}

/* After a loss others may be where they were; where stacks alone were not taken they hold. */
static void a_loss_takes_all(void **state)
{
	const struct event_invocation begin = {
		.h = {.size = sizeof(begin), .kind = EVENT_INVOCATION, .tid = 1},
		.edge = INVOCATION_BEGIN,
		.cfa = 0x8000,
		.caller = CALLER(1),
	};
	struct event_loss loss = {.h = {.size = sizeof(loss), .kind = EVENT_LOSS}, .stacks = 5};
	struct unwinder *unwinder = unwinder_new(NULL, NULL, NULL);
	uint64_t empty;

	(void)state;
	assert_non_null(unwinder);
	empty = unwinder_memory(unwinder);
	unwinder_event(unwinder, &begin.h);
	assert_int_equal(unwinder_memory(unwinder), empty + sizeof(struct replaced));
	unwinder_event(unwinder, &loss.h);
	assert_int_equal(unwinder_memory(unwinder), empty + sizeof(struct replaced));
	loss.lost = 1;
	unwinder_event(unwinder, &loss.h);
	assert_int_equal(unwinder_memory(unwinder), empty);
	assert_int_equal(unwinder_totals(unwinder)->skipped, 10);
	unwinder_free(unwinder);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_frame_has_its_own),
		cmocka_unit_test(usdt_probes_replace_nothing),
		cmocka_unit_test(frames_that_were_left_go),
		cmocka_unit_test(a_jump_keeps_the_first_address),
		cmocka_unit_test(a_thread_takes_its_own_along),
		cmocka_unit_test(a_child_has_its_parents),
		cmocka_unit_test(there_is_a_limit),
		cmocka_unit_test(a_loss_takes_all),
	};

	return cmocka_run_group_tests_name("returns", tests, NULL, NULL);
}
