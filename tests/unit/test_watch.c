// SPDX-License-Identifier: GPL-2.0-only
/* The lines of `tidemark watch`: which columns there are, and what the summary says. */
#include "tests/unit/exports.h"
#include "tests/unit/heap_world.h"
#include "user/verdict/process.h"
#include "user/view/watch.h"

struct watched_world {
	struct world world;
	struct process *process;
	struct watch_view *view;
	uint64_t intervals;
	uint64_t pages; /* touched so far */
};

static struct watched_world watched_world_new(void)
{
	struct watched_world w = {.world = world_new(), .view = watch_view_new(false)};

	w.process = process_new(w.world.ledger);
	assert_non_null(w.process);
	assert_non_null(w.view);
	world_mmap(&w.world, A, PAGES(1 << 20), 3, 0x22);
	return w;
}

static void watched_world_free(struct watched_world *w)
{
	watch_view_free(w->view);
	process_free(w->process);
}

/* Three pages of each stay. */
static void invoke(struct watched_world *w, unsigned int count)
{
	while (count--) {
		world_invocation(&w->world, INVOCATION_BEGIN, "");
		world_touch(&w->world, A + PAGES(w->pages), 3);
		w->pages += 3;
		world_invocation(&w->world, INVOCATION_END, "");
	}
}

/* The lines of an interval, the caller's. */
static char *interval(struct watched_world *w)
{
	size_t size, dropped;
	char *taken, *text;

	w->world.now += MS(1000);
	assert_int_equal(process_report(w->process, w->world.now, ++w->intervals), 0);
	watch_view_report(w->view, w->process, process_newest(w->process));
	taken = watch_view_take(w->view, &size, &dropped);
	assert_non_null(taken);
	assert_int_equal(dropped, 0);
	text = strndup(taken, size);
	free(taken);
	assert_non_null(text);
	return text;
}

static char *summary(struct watched_world *w)
{
	size_t size;
	char *taken, *text;

	watch_view_end(w->view, w->process);
	taken = watch_view_take_summary(w->view, &size);
	assert_non_null(taken);
	text = strndup(taken, size);
	free(taken);
	assert_non_null(text);
	return text;
}

static size_t lines_in(const char *text)
{
	size_t lines = 0;

	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

static void columns_come_with_the_first_invocation(void **state)
{
	struct watched_world w = watched_world_new();
	char *text = interval(&w);

	(void)state;
	assert_int_equal(lines_in(text), 2);
	assert_non_null(strstr(text, "COMMAND"));
	assert_null(strstr(text, "INVOC"));
	free(text);
	text = interval(&w);
	assert_int_equal(lines_in(text), 1);
	free(text);
	invoke(&w, 200);
	text = interval(&w);
	/* the heading comes again */
	assert_int_equal(lines_in(text), 2);
	assert_non_null(strstr(text, "  INVOC  GROW/i WHY\n"));
	assert_non_null(strstr(text, "    200  +12.0K "));
	free(text);
	text = interval(&w);
	assert_int_equal(lines_in(text), 1);
	free(text);
	watched_world_free(&w);
}

static void the_summary_tells_of_invocations(void **state)
{
	struct watched_world w = watched_world_new();
	char *text;

	(void)state;
	invoke(&w, 1100);
	free(interval(&w));
	text = summary(&w);
	assert_non_null(strstr(text,
			       "\n  invocations 1,100 ended; retained 12.9M, +12.0K per "
			       "invocation (12.0K to 12.0K); survival: at the end 100%, 1 later "
			       "100%, 10 later 100%, 100 later 100%, 1,000 later 100%\n"));
	free(text);
	watched_world_free(&w);
}

static void few_invocations_tell_little(void **state)
{
	struct watched_world w = watched_world_new();
	char *text;

	(void)state;
	world_invocation(&w.world, INVOCATION_END, "");
	free(interval(&w));
	text = summary(&w);
	assert_non_null(strstr(text, "\n  invocations 0 ended, 1 unmatched; retained 0, too few to "
				     "tell their growth\n"));
	free(text);
	watched_world_free(&w);
}

static void without_invocations_there_is_no_line(void **state)
{
	struct watched_world w = watched_world_new();
	char *text;

	(void)state;
	free(interval(&w));
	text = summary(&w);
	assert_null(strstr(text, "invocation"));
	free(text);
	watched_world_free(&w);
}

/* Where what is live was allocated: those of one function are one row. */
static void live_allocations_are_in_the_summary(void **state)
{
	struct exports e = exports_new("handler", true);
	struct event_alloc_begin begin = {.size = 2 * PAGE_BYTES};
	uint32_t module = exports_module(&e, "/opt/handler"), stacks[3];
	struct watched_world w = {
		.world = e.world, .process = e.process, .view = watch_view_new(false)};
	char *text, *at;

	(void)state;
	stacks[0] = STACK(&e, STACK_END_COMPLETE, {0x10, module, 0}, {0x30, module, 0});
	stacks[1] = STACK(&e, STACK_END_COMPLETE, {0x20, module, 0}, {0x30, module, 0});
	stacks[2] = STACK(&e, STACK_END_COMPLETE, {0x20, module, 0}, {0x40, module, 0});
	exports_touch(&e, 9, 0);
	w.world = e.world;
	free(interval(&w));
	text = summary(&w);
	assert_null(strstr(text, "by samples"));
	free(text);
	world_probes(&w.world, HEAP_ON, ALLOCATOR_JEMALLOC, HEAP_WHOLE, 0);
	for (uint64_t i = 0; i < 3; i++) {
		begin.h.stack = stacks[i];
		world_feed(&w.world, &begin.h, EVENT_ALLOC_BEGIN, sizeof(begin));
		world_alloc_flags(&w.world, A + i * 2 * PAGE_BYTES, 2 * PAGE_BYTES, 0,
				  ALLOC_SAMPLED);
	}
	free(interval(&w));
	text = summary(&w);
	at = strstr(text, "  live        16.0K in      2, by samples: handler+0x20");
	assert_non_null(at);
	assert_non_null(strstr(at, "\n              8.00K in      1, by samples: handler+0x10"));
	free(text);
	watch_view_free(w.view);
	exports_free(&e);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_come_with_the_first_invocation),
		cmocka_unit_test(the_summary_tells_of_invocations),
		cmocka_unit_test(few_invocations_tell_little),
		cmocka_unit_test(without_invocations_there_is_no_line),
		EXPORTS_TEST(live_allocations_are_in_the_summary),
	};

	return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
