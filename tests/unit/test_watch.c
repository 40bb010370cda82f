// SPDX-License-Identifier: GPL-2.0-only
/* The lines of `tidemark watch`: which columns there are, and what the summary says. */
#include "tests/unit/support.h"

#include "user/verdict/process.h"
#include "user/view/watch.h"

#define A ((uint64_t)0x7f0000000000)

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

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_come_with_the_first_invocation),
		cmocka_unit_test(the_summary_tells_of_invocations),
		cmocka_unit_test(few_invocations_tell_little),
		cmocka_unit_test(without_invocations_there_is_no_line),
	};

	return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
