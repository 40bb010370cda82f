// SPDX-License-Identifier: GPL-2.0-only
/* The page about invocations. What stays of each is chosen by these tests. */
#include "tests/unit/dashboard.h"

#include <inttypes.h>

#include "user/view/fields.h"

/* Of each invocation of run(). */
#define TOUCHED 10
#define LEFT_AT_END 8
#define LEFT_LATER 5

static void edge(struct stage *stage, struct process *process, uint32_t tid, uint32_t edge,
		 const char *id, uint64_t value)
{
	struct event_invocation event = {
		.h = {.tid = tid, .time_ns = stage->input.now_ns}, .edge = edge, .value = value};

	snprintf(event.id, sizeof(event.id), "%s", id);
	apply(process, &event.h, sizeof(event), EVENT_INVOCATION);
}

static void begin(struct stage *stage, struct process *process, const char *id)
{
	edge(stage, process, process->ledger->pid + 1, INVOCATION_BEGIN, id, 0);
}

static void end(struct stage *stage, struct process *process)
{
	edge(stage, process, process->ledger->pid + 1, INVOCATION_END, "", 0);
}

static uint64_t place(uint64_t number)
{
	return ARENA + number * TOUCHED * PAGE_BYTES;
}

/* Invocations one after the other, 1.5 ms each; the first is the number-th of all. */
static void run(struct stage *stage, struct process *process, uint64_t number, uint64_t count)
{
	for (uint64_t last = number + count; number < last; number++) {
		char id[EVENT_ID_LEN];

		snprintf(id, sizeof(id), "request-%" PRIu64, number);
		begin(stage, process, id);
		touch(stage, process, place(number), TOUCHED);
		advise(stage, process, place(number), TOUCHED - LEFT_AT_END, MADV_DONTNEED);
		if (number > 1)
			advise(stage, process, place(number - 1), TOUCHED - LEFT_LATER,
			       MADV_DONTNEED);
		stage->input.now_ns += NSEC_PER_MSEC * 3 / 2;
		end(stage, process);
	}
}

static void pass(struct stage *stage)
{
	for (size_t i = 0; i < stage->input.count; i++)
		sample(stage, stage->processes[i], 0, 0);
	end_interval(stage);
}

static struct process *add_marked(struct stage *stage, uint64_t count)
{
	struct process *process = add_process(stage, 1200, "orders", ALLOCATOR_JEMALLOC);
	struct event_cycle cycle = {.h.time_ns = START_NS, .cause = CAUSE_ATTACH};

	apply(process, &cycle.h, sizeof(cycle), EVENT_CYCLE);
	cycle.end = 1;
	apply(process, &cycle.h, sizeof(cycle), EVENT_CYCLE);
	map(process, ARENA, 1024 * MIB, VMA_KIND_ANON, "");
	pass(stage);
	run(stage, process, 1, count);
	pass(stage);
	return process;
}

/* In other threads, and in none: one open, one cut, one end too many, pages outside of all. */
static void add_strays(struct stage *stage, struct process *process)
{
	touch(stage, process, ARENA + 512 * MIB, 100);
	begin(stage, process, "");
	edge(stage, process, 1300, INVOCATION_END, "", 0);
	edge(stage, process, 1300, INVOCATION_BEGIN, "", 123);
	edge(stage, process, 1300, INVOCATION_GONE, "", 0);
	pass(stage);
}

static void the_curve_is_that_of_the_pages(void **state)
{
	struct stage *stage = *state;

	add_strays(stage, add_marked(stage, 1234));
	press(stage, 'i');
	assert_string_equal(
		line(stage, 0),
		" tidemark  1200 orders   invocations   allocator jemalloc   watched 4.9s");
	assert_string_equal(line(stage, 2), " 1,234 ended   +20.0K per invocation (20.0K to 20.0K)"
					    "   retained 24.1M   0/s");
	/* 100 of 12,440 pages */
	assert_string_equal(line(stage, 3), " 1 open   1 unmatched   1 cut   "
					    "born outside of any 400.0K (0.8%)");
	assert_string_equal(line(stage, 4),
			    " LATER        SHARE  RESID   BORN  INVOC STILL RESIDENT");
	assert_string_equal(
		line(stage, 5),
		" their end    80.0%  38.6M  48.2M  1.23k ██████████████████████████████▍");
	assert_string_equal(line(stage, 6),
			    " 1 later      50.0%  24.1M  48.2M  1.23k ███████████████████");
	assert_string_equal(line(stage, 9),
			    " 1,000 later  50.0%  4.57M  9.14M    234 ███████████████████");
	assert_int_equal(style_at(stage, 2, 16), STYLE_WARNING);
	assert_int_equal(style_at(stage, 6, 42), STYLE_CLASS_RETAINED);
}

static void what_has_not_come_so_far_is_said(void **state)
{
	struct stage *stage = *state;
	struct process *process = add_marked(stage, 3);

	press(stage, 'i');
	assert_shows(stage, " 3 ended   too few to tell their growth   retained 72.0K   3/s\n");
	assert_string_equal(line(stage, 3),
			    " 0 open   born outside of any 0 (0)   born inside 120.0K");
	assert_shows(stage, " 1 later      50.0%  40.0K  80.0K      2 ███████████████████\n");
	assert_shows(stage, " 10 later         -      0      0      0 none has come so far\n");
	/* an invocation that touches nothing */
	process = add_process(stage, 7, "idle", ALLOCATOR_GLIBC);
	begin(stage, process, "");
	end(stage, process);
	pass(stage);
	press(stage, DASHBOARD_KEY_ESC);
	press(stage, 'N');
	press(stage, DASHBOARD_KEY_HOME);
	press(stage, 'i');
	assert_shows(stage, "tidemark  7 idle");
	assert_shows(stage, " their end        -      0      0      1 no page was born in them\n");
}

static void the_newest_come_first(void **state)
{
	struct stage *stage = *state;

	add_strays(stage, add_marked(stage, 1234));
	press(stage, 'i');
	assert_string_equal(line(stage, 10), "   NUMBER   BORN  RESID STATE   TOOK    AGE     TID "
					     "ID                 1-12/1236");
	assert_string_equal(line(stage, 11),
			    "     1236      0      0 cut        -   1.0s    1300 123");
	assert_string_equal(line(stage, 12), "     1235      0      0 open       -   1.0s    1201");
	assert_string_equal(line(stage, 13),
			    "     1234  40.0K  32.0K ended  1.5ms   2.0s    1201 request-1234");
	assert_string_equal(line(stage, 14),
			    "     1233  40.0K  20.0K ended  1.5ms   2.0s    1201 request-1233");
	press(stage, DASHBOARD_KEY_END);
	assert_string_equal(line(stage, 22),
			    "        1  40.0K  20.0K ended  1.5ms   3.9s    1201 request-1");
	press(stage, DASHBOARD_KEY_UP);
	assert_string_equal(line(stage, 22),
			    "        2  40.0K  20.0K ended  1.5ms   3.8s    1201 request-2");
	press(stage, DASHBOARD_KEY_HOME);
	assert_shows(stage, "     1236 ");
	draw_at(stage, 40, 120);
	assert_shows(stage, "     1234  40.0K  32.0K ended  1.5ms   2.0s    1201  32.0K request");
}

/* Of so many the newest are kept. */
static void the_list_has_an_end(void **state)
{
	struct stage *stage = *state;

	add_marked(stage, INVOCATIONS_KEPT + 100);
	press(stage, 'i');
	press(stage, DASHBOARD_KEY_END);
	assert_shows(stage, "/4096\n");
	assert_shows(stage, "request-101\n");
	assert_hides(stage, "request-100\n");
}

static void durations_of_all_sizes(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {
		{0, "   0us"},		 {81400, "  81us"},
		{999400, " 999us"},	 {999600, " 1.0ms"},
		{12340000, "12.3ms"},	 {99960000, " 100ms"},
		{999400000, " 999ms"},	 {999600000, "  1.0s"},
		{12300000000, " 12.3s"}, {200000000000, " 3m20s"},
	};
	struct stage *stage = *state;
	struct process *process = add_marked(stage, 0);

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		begin(stage, process, "");
		stage->input.now_ns += cases[i].ns;
		end(stage, process);
	}
	pass(stage);
	press(stage, 'i');
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char row[64];

		snprintf(row, sizeof(row), " ended %s ", cases[i].text);
		assert_shows(stage, row);
	}
}

static void lossy_ones_are_marked(void **state)
{
	struct stage *stage = *state;
	struct process *process = add_marked(stage, 0);
	struct event_invocation last = {
		.h = {.tid = 1201, .time_ns = stage->input.now_ns},
		.edge = INVOCATION_END,
		.lost = 3,
	};

	begin(stage, process, "whole");
	end(stage, process);
	begin(stage, process, "hurt");
	apply(process, &last.h, sizeof(last), EVENT_INVOCATION);
	pass(stage);
	press(stage, 'i');
	assert_shows(stage, " lossy ");
	assert_non_null(strstr(line(stage, row_of(stage, " lossy ")), " hurt"));
	assert_non_null(strstr(line(stage, row_of(stage, " whole")), " ended "));
	assert_int_equal(style_at(stage, row_of(stage, " lossy "), 24), STYLE_WARNING);
}

static void small_screens_have_what_matters(void **state)
{
	struct stage *stage = *state;

	add_strays(stage, add_marked(stage, 1234));
	press(stage, 'i');
	draw_at(stage, 12, 40);
	assert_string_equal(line(stage, 2), " 1,234 ended   +20.0K per invocation");
	assert_string_equal(line(stage, 3), " 1 open   1 unmatched   1 cut");
	assert_string_equal(line(stage, 4), " end 80.0%  1: 50.0%  10: 50.0%");
	assert_string_equal(line(stage, 5), "   NUMBER   BORN  RESID STATE ID   /1236");
	assert_string_equal(line(stage, 8), "     1234  40.0K  32.0K ended request-1~");
	draw_at(stage, 6, 30);
	assert_string_equal(line(stage, 2), " 1,234 ended   retained 24.1M");
	assert_string_equal(line(stage, 4), " end 80.0%  1: 50.0%");
	/* narrow, but high: bars without the figures behind them */
	draw_at(stage, 24, 40);
	assert_string_equal(line(stage, 5), " their end    80.0% ███████████████▎");
}

static void ascii_screens_are_ascii(void **state)
{
	struct stage *stage = *state;

	add_strays(stage, add_marked(stage, 1234));
	press(stage, 'i');
	for (const char *at = draw_at(stage, 60, 200); *at; at++)
		assert_true((unsigned char)*at < 0x7f);
	draw_at(stage, 24, 80);
	assert_shows(stage, " 1 later      50.0%  24.1M  48.2M  1.23k ###################\n");
}

static void without_any_it_says_how_to_mark_them(void **state)
{
	static const unsigned int sizes[][2] = {{24, 80}, {12, 40}, {8, 30}};
	struct stage *stage = *state;

	add_rich(stage);
	press(stage, 'i');
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		draw_at(stage, sizes[i][0], sizes[i][1]);
		assert_shows(stage, "No invocation has been seen");
		assert_shows(stage, "usdt:PROVIDER:START,END");
		assert_shows(stage, "func:BINARY:FUNCTION");
	}
	draw_at(stage, 24, 80);
	assert_shows(stage, "start tidemark with --invocation");
	assert_hides(stage, "NUMBER");
	/* a thread without any may end */
	edge(stage, stage->processes[0], 5, INVOCATION_GONE, "", 0);
	pass(stage);
	draw(stage);
	assert_shows(stage, "No invocation has been seen");
}

static void there_and_back(void **state)
{
	struct stage *stage = *state;

	add_marked(stage, 10);
	draw(stage);
	assert_shows(stage, "i invocations");
	press(stage, 'i');
	press(stage, '?');
	assert_shows(stage, "tidemark  help");
	press(stage, '?');
	assert_shows(stage, "STILL RESIDENT");
	press(stage, DASHBOARD_KEY_ESC);
	assert_shows(stage, "PID COMMAND");
	press(stage, DASHBOARD_KEY_ENTER);
	assert_shows(stage, "i invocations");
	press(stage, 'i');
	assert_shows(stage, "STILL RESIDENT");
	press(stage, DASHBOARD_KEY_BACKSPACE);
	assert_shows(stage, "MAPPING AT");
	/* gone while it is on show */
	press(stage, 'i');
	process_free(stage->processes[--stage->input.count]);
	draw(stage);
	assert_shows(stage, "no process is watched");
	press(stage, 'i');
	assert_shows(stage, "no process is watched");
}

static void freezing_holds_the_figures(void **state)
{
	struct stage *stage = *state;
	struct process *process = add_marked(stage, 100);
	char *before;

	press(stage, 'i');
	press(stage, ' ');
	before = strdup(stage->text);
	run(stage, process, 101, 50);
	assert_string_equal(draw(stage), before);
	pass(stage);
	assert_string_equal(draw(stage), before);
	/* what is on show can be looked at, the whole of it */
	press(stage, DASHBOARD_KEY_END);
	assert_shows(stage, "request-1\n");
	press(stage, DASHBOARD_KEY_HOME);
	assert_string_equal(stage->text, before);
	free(before);
	press(stage, ' ');
	assert_shows(stage, " 150 ended ");
	assert_shows(stage, "request-150\n");
}

/* The last interval of a process is cut short: what is open then is cut. */
static void the_end_is_shown(void **state)
{
	struct stage *stage = *state;
	struct process *process = add_marked(stage, 5);

	begin(stage, process, "last");
	pass(stage);
	press(stage, 'i');
	assert_shows(stage, " 1 open ");
	exit_process(stage, process, 0);
	draw(stage);
	assert_shows(stage, " 0 open   1 cut ");
	assert_shows(stage, "ended: exit 0");
}

static void an_exec_leaves_nothing(void **state)
{
	struct stage *stage = *state;
	struct process *process = add_marked(stage, 5);
	struct event_exec exec = {.h.time_ns = stage->input.now_ns, .comm = "orders2"};

	begin(stage, process, "left");
	apply(process, &exec.h, sizeof(exec), EVENT_EXEC);
	pass(stage);
	press(stage, 'i');
	assert_shows(stage, "1200 orders2");
	assert_shows(stage, " retained 0 ");
	assert_hides(stage, " 1 open");
}

static void ids_may_hold_anything(void **state)
{
	struct stage *stage = *state;
	struct process *process = add_marked(stage, 0);

	edge(stage, process, 5, INVOCATION_BEGIN, "\x1b[2J\xff\n\xe2\x80\xae", 77);
	edge(stage, process, 6, INVOCATION_BEGIN, "a,b;\"c\" %s", 0);
	pass(stage);
	press(stage, 'i');
	for (const char *at = stage->text; *at; at++)
		assert_true((unsigned char)*at >= 0x20 || *at == '\n');
	assert_shows(stage, " a,b;\"c\" %s\n");
}

/* ---- the other pages ---- */

static void the_process_page_has_a_line(void **state)
{
	struct stage *stage = *state;
	struct process *process = add_marked(stage, 0);

	press(stage, DASHBOARD_KEY_ENTER);
	assert_hides(stage, "ended");
	run(stage, process, 1, 100);
	pass(stage);
	draw(stage);
	/* the last one has not lost its three pages yet */
	assert_string_equal(line(stage, 4), " invocations: 100 ended   +20.0K per invocation "
					    "(20.0K to 20.0K)");
	assert_shows(stage, "█ retained");
	draw_at(stage, 24, 100);
	assert_shows(stage, "(20.0K to 20.0K)   retained 1.96M");
}

static void the_overview_has_a_column_on_demand(void **state)
{
	struct stage *stage = *state;
	struct process *process;

	add_rich(stage);
	draw_at(stage, 24, 150);
	assert_hides(stage, "GROW/i");
	for (size_t i = 0; i < field_count; i++) {
		press(stage, '>');
		assert_non_null(strpbrk(line(stage, 2), "\x91\x93"));
	}
	process = add_marked(stage, 100);
	draw(stage);
	assert_shows(stage, "GROW/i");
	assert_shows(stage, "+20.0K");
	press(stage, 'G');
	for (size_t i = 0; i < field_count && !strstr(line(stage, 2), "↓GROW/i"); i++)
		press(stage, '>');
	assert_non_null(strstr(line(stage, 2), "↓GROW/i"));
	/* what is not known goes last */
	assert_non_null(strstr(line(stage, 3), "+20.0K"));
	assert_ptr_equal(process, stage->processes[1]);
	draw_at(stage, 24, 80);
	assert_shows(stage, "GROW/i");
	assert_hides(stage, "EVT/s");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		ON_UTF8(the_curve_is_that_of_the_pages),
		ON_UTF8(what_has_not_come_so_far_is_said),
		ON_UTF8(the_newest_come_first),
		ON_UTF8(the_list_has_an_end),
		ON_UTF8(durations_of_all_sizes),
		ON_UTF8(lossy_ones_are_marked),
		ON_UTF8(small_screens_have_what_matters),
		ON_ASCII(ascii_screens_are_ascii),
		ON_UTF8(without_any_it_says_how_to_mark_them),
		ON_UTF8(there_and_back),
		ON_UTF8(freezing_holds_the_figures),
		ON_UTF8(the_end_is_shown),
		ON_UTF8(an_exec_leaves_nothing),
		ON_UTF8(ids_may_hold_anything),
		ON_UTF8(the_process_page_has_a_line),
		ON_UTF8(the_overview_has_a_column_on_demand),
	};

	return cmocka_run_group_tests_name("dashboard_invocations", tests, NULL, NULL);
}
