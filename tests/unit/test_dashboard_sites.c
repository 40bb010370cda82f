// SPDX-License-Identifier: GPL-2.0-only
/* The pages about sites and call stacks. The stacks are as a recording has them: without symbols.
 */
#include "tests/unit/dashboard.h"

#include "user/stack/stacks.h"
#include "user/stack/symbols.h"
#include "user/stack/unwinder.h"

/* Modules, in the order in which they are defined. */
enum known_module { HANDLER = 1, JEMALLOC, LIBC, LONG_NAME };

#define LONG "lib" /* and so many digits: longer than any column */
#define LONG_LEN 200

static struct stacks *stacks;
static struct symbols *symbols;

static void define_module(uint32_t number, const char *path)
{
	struct event_module module = {
		.h = {.size = sizeof(module), .kind = EVENT_MODULE, .time_ns = START_NS},
		.number = number,
		.ino = number,
		.dev = 1,
	};

	snprintf(module.path, sizeof(module.path), "%s", path);
	assert_int_equal(stacks_apply(stacks, &module.h), 0);
}

static int open_stacks(void **state)
{
	char name[LONG_LEN + 1];

	(void)state;
	stacks = stacks_new(NULL, NULL);
	assert_non_null(stacks);
	memset(name, '7', LONG_LEN);
	name[LONG_LEN] = '\0';
	memcpy(name, LONG, strlen(LONG));
	define_module(HANDLER, "/usr/bin/handler");
	define_module(JEMALLOC, "/usr/lib/libjemalloc.so.2");
	define_module(LIBC, "/usr/lib/libc.so.6");
	define_module(LONG_NAME, name);
	symbols = symbols_new(stacks, true);
	assert_non_null(symbols);
	return 0;
}

static int close_stacks(void **state)
{
	(void)state;
	symbols_free(symbols);
	stacks_free(stacks);
	return 0;
}

union stack_record {
	struct event_stack stack;
	unsigned char
		room[sizeof(struct event_stack) + EVENT_FRAMES_MAX * sizeof(struct event_frame)];
};

static uint32_t define_stack(union stack_record *record, enum stack_end end)
{
	uint32_t number = (uint32_t)stacks_count(stacks) + 1;

	record->stack.h = (struct event_header){
		.size = (uint16_t)(sizeof(record->stack) +
				   record->stack.frame_count * sizeof(record->stack.frames[0])),
		.kind = EVENT_STACK,
		.time_ns = START_NS,
	};
	record->stack.number = number;
	record->stack.end = (uint16_t)end;
	assert_int_equal(stacks_apply(stacks, &record->stack.h), 0);
	return number;
}

/*
 * malloc's two frames and mmap below the handler's, `at` telling one call of malloc from the next,
 * `within` where in malloc it is.
 */
static uint32_t allocating_within(uint64_t at, uint64_t within, enum stack_end end)
{
	union stack_record record = {.stack.frame_count = 5};

	record.stack.frames[0] = (struct event_frame){.module = LIBC, .address = within};
	record.stack.frames[1] = (struct event_frame){.module = JEMALLOC, .address = 0x20};
	record.stack.frames[2] = (struct event_frame){.module = JEMALLOC, .address = 0x30};
	record.stack.frames[3] = (struct event_frame){.module = HANDLER, .address = at};
	record.stack.frames[4] = (struct event_frame){.module = HANDLER, .address = 0x9000 + at};
	return define_stack(&record, end);
}

static uint32_t allocating(uint64_t at, enum stack_end end)
{
	return allocating_within(at, 0x10, end);
}

static struct process *add_stacked(struct stage *stage, uint32_t pid)
{
	struct process *process = add_process(stage, pid, "orders", ALLOCATOR_JEMALLOC);

	process->stacks = stacks;
	process->symbols = symbols;
	process->unwinder = unwinder_new(stacks, NULL, process->ledger);
	assert_non_null(process->unwinder);
	map(process, ARENA, 256 * MIB, VMA_KIND_ANON, "");
	stage->input.stack_weight = 1;
	return process;
}

/* Each call touches pages of its own. */
static void touch_under(struct stage *stage, struct process *process, uint64_t pages,
			uint32_t stack, uint32_t weight)
{
	static uint64_t next;

	for (uint64_t i = 0; i < pages; i++, next++) {
		struct event_fault fault = {
			.h = {.tid = 5, .stack = stack, .time_ns = stage->input.now_ns},
			.addr = ARENA + (next * PAGE_BYTES) % (256 * MIB),
			.error = FAULT_USER | FAULT_WRITE,
			.weight = weight,
		};

		apply(process, &fault.h, sizeof(fault), EVENT_FAULT);
	}
}

/* Ends an interval in which the kernel counted what the ledger has. */
static void pass(struct stage *stage)
{
	for (size_t i = 0; i < stage->input.count; i++)
		sample(stage, stage->processes[i], 0, 0);
	end_interval(stage);
}

/* Sites of 8M, 4M and 2M, and the pages found: 1M. The second one grows. */
static struct process *add_sites(struct stage *stage, uint32_t numbers[3])
{
	struct process *process = add_stacked(stage, 1200);

	for (uint32_t i = 0; i < 3; i++) {
		numbers[i] = allocating(0x1000 * (stacks_count(stacks) + 1), STACK_END_COMPLETE);
		touch_under(stage, process, 2048 >> i, numbers[i], 1);
	}
	touch_under(stage, process, 256, 0, 1);
	pass(stage);
	pass(stage);
	touch_under(stage, process, 512, numbers[1], 1);
	pass(stage);
	return process;
}

/* "handler+0x1000", as the first frame of the handler in a stack is called. */
static const char *name_of(uint32_t stack)
{
	static char name[32];

	snprintf(name, sizeof(name), "handler+0x%llx",
		 (unsigned long long)stacks_get(stacks, stack)->frames[3].address);
	return name;
}

static void assert_row(const struct stage *stage, unsigned int row, uint32_t stack)
{
	if (!strstr(line(stage, row), name_of(stack))) {
		fputs(stage->text, stderr);
		fail_msg("row %u is not that of %s", row, name_of(stack));
	}
}

/* ---- the list ---- */

static void sites_are_listed(void **state)
{
	struct stage *stage = *state;
	uint32_t numbers[3];
	char expected[160];

	add_sites(stage, numbers);
	press(stage, 's');
	assert_string_equal(line(stage, 0),
			    " tidemark  1200 orders   sites   allocator jemalloc   watched 3.0s");
	assert_shows(stage, "unexplained 0");
	assert_string_equal(line(stage, 2), " 4 sites   unknown 5.9%   growth in 1s");
	assert_string_equal(line(stage, 3), " ↓RESID RETAIN SHARE  GROWTH     AGE "
					    "FIRST TOUCHED IN                      1-4/4");
	snprintf(expected, sizeof(expected), "  8.00M  8.00M 47.1%%       0    2.0s %s",
		 name_of(numbers[0]));
	assert_string_equal(line(stage, 4), expected);
	snprintf(expected, sizeof(expected), "  6.00M  4.00M 35.3%%  +2.00M    1.3s %s",
		 name_of(numbers[1]));
	assert_string_equal(line(stage, 5), expected);
	assert_row(stage, 6, numbers[2]);
	assert_string_equal(
		line(stage, 7),
		"  1.00M  1.00M  5.9%       0    2.0s (its stack was not taken, or could not be~");
	assert_int_equal(style_at(stage, 7, 10), STYLE_DIM);
	assert_int_equal(style_at(stage, 4, 0), STYLE_SELECTED);
	/* Esc goes back to where it was opened. */
	press(stage, DASHBOARD_KEY_ESC);
	assert_shows(stage, "Enter open");
	press(stage, DASHBOARD_KEY_ENTER);
	press(stage, 's');
	press(stage, DASHBOARD_KEY_ESC);
	assert_shows(stage, "MAPPING AT");
}

static void wide_screens_show_all_columns(void **state)
{
	struct stage *stage = *state;
	uint32_t numbers[3];

	add_sites(stage, numbers);
	press(stage, 's');
	draw_at(stage, 40, 120);
	assert_non_null(strstr(line(stage, 3), "↓RESID RETAIN SHARE  GROWTH  OLDEST  NEWEST     "
					       "AGE ALLOC    FIRST TOUCHED IN"));
	assert_non_null(strstr(line(stage, 5), " +2.00M    2.0s    0.0s    1.3s jemalloc "));
	/* and the selected site's stack below */
	assert_shows(stage, "... 3 frames of libc.so.6, libjemalloc.so.2 (a: show them)");
	draw_at(stage, 10, 40);
	assert_non_null(strstr(line(stage, 3), "↓RESID RETAIN  GROWTH FIRST TOUCHED IN"));
	assert_row(stage, 4, numbers[0]);
	draw_at(stage, 6, 30);
	assert_non_null(strstr(line(stage, 3), " ↓RESID  GROWTH FIRST"));
}

static void sites_are_sorted(void **state)
{
	struct stage *stage = *state;
	uint32_t numbers[3];

	add_sites(stage, numbers);
	press(stage, 's');
	press(stage, '>');
	assert_shows(stage, "↓RETAIN");
	assert_row(stage, 4, numbers[0]);
	press(stage, '>');
	assert_shows(stage, "↓GROWTH");
	assert_row(stage, 4, numbers[1]);
	press(stage, 'r');
	assert_shows(stage, "↑GROWTH");
	assert_row(stage, 7, numbers[1]);
	press(stage, DASHBOARD_KEY_RIGHT);
	assert_shows(stage, "↓AGE");
	assert_row(stage, 7, numbers[1]);
	press(stage, '>');
	assert_shows(stage, "↓RESID");
	press(stage, '<');
	assert_shows(stage, "↓AGE");
	press(stage, 'G');
	assert_row(stage, 4, numbers[1]);
	press(stage, 'M');
	assert_row(stage, 4, numbers[0]);
	/* The column it is sorted by stays on a narrow screen. */
	press(stage, 'A');
	draw_at(stage, 10, 40);
	assert_shows(stage, "↓AGE");
}

static void selection_stays_on_its_site(void **state)
{
	struct stage *stage = *state;
	uint32_t numbers[3];
	struct process *process = add_sites(stage, numbers);

	press(stage, 's');
	press(stage, DASHBOARD_KEY_DOWN);
	press(stage, DASHBOARD_KEY_DOWN);
	assert_int_equal(style_at(stage, 6, 0), STYLE_SELECTED);
	touch_under(stage, process, 4096, numbers[2], 1);
	pass(stage);
	draw(stage);
	assert_row(stage, 4, numbers[2]);
	assert_int_equal(style_at(stage, 4, 0), STYLE_SELECTED);
	press(stage, 'r');
	assert_int_equal(style_at(stage, 7, 0), STYLE_SELECTED);
	/* All its pages go: who takes its row is selected. */
	press(stage, 'r');
	advise(stage, process, ARENA, 256 * MIB / PAGE_BYTES, MADV_DONTNEED);
	touch_under(stage, process, 8, numbers[0], 1);
	pass(stage);
	draw(stage);
	assert_row(stage, 4, numbers[0]);
	assert_int_equal(style_at(stage, 4, 0), STYLE_SELECTED);
	advise(stage, process, ARENA, 256 * MIB / PAGE_BYTES, MADV_DONTNEED);
	pass(stage);
	draw(stage);
	assert_shows(stage, "no anonymous pages are resident");
	press(stage, DASHBOARD_KEY_ENTER);
	press(stage, DASHBOARD_KEY_DOWN);
	assert_shows(stage, "no anonymous pages are resident");
}

/* malloc touches at many of its instructions: that is one row, or each by itself. */
static void alike_sites_are_one_row(void **state)
{
	struct stage *stage = *state;
	struct process *process = add_stacked(stage, 9);
	uint32_t other = allocating(0x53000, STACK_END_COMPLETE);
	uint32_t stack = 0;

	touch_under(stage, process, 350, other, 1);
	touch_under(stage, process, 100, allocating_within(0x52000, 0x2, STACK_END_COMPLETE), 1);
	pass(stage);
	stack = allocating_within(0x52000, 0x1, STACK_END_COMPLETE);
	touch_under(stage, process, 200, stack, 1);
	touch_under(stage, process, 100, allocating_within(0x52000, 0x3, STACK_END_COMPLETE), 1);
	/* as far as it is known, but it ends otherwise */
	touch_under(stage, process, 50, allocating_within(0x52000, 0x4, STACK_END_CUT), 1);
	pass(stage);
	press(stage, 's');
	assert_string_equal(line(stage, 2), " 5 sites in 3 rows   unknown 0   growth in 1s");
	assert_string_equal(line(stage, 4), "  1.56M 400.0K 50.0%  +1.17M    0.2s "
					    "handler+0x52000 x3");
	assert_row(stage, 5, other);
	assert_shows(stage, "handler+0x52000 (cut)\n");
	press(stage, DASHBOARD_KEY_ENTER);
	assert_shows(stage, "resident 1.56M (50.0%)");
	assert_shows(stage, "1 of 3 stacks");
	press(stage, 'a');
	assert_shows(stage, "   1 libc.so.6+0x1 "); /* the largest */
	press(stage, 'a');
	press(stage, DASHBOARD_KEY_ESC);
	/* What is selected stays, as a part of it and as the whole. */
	press(stage, 'f');
	assert_string_equal(line(stage, 2), " 5 sites   unknown 0   growth in 1s");
	assert_row(stage, 4, other);
	assert_row(stage, 5, stack);
	assert_int_equal(style_at(stage, 5, 0), STYLE_SELECTED);
	press(stage, DASHBOARD_KEY_DOWN);
	press(stage, 'f');
	assert_int_equal(style_at(stage, 4, 0), STYLE_SELECTED);
	/* Another of its stacks becomes the largest: it is the same row, and the stack is read on.
	 */
	press(stage, DASHBOARD_KEY_ENTER);
	touch_under(stage, process, 500, stack + 1, 1);
	pass(stage);
	draw(stage);
	assert_shows(stage, "resident 3.52M");
	press(stage, 'a');
	assert_shows(stage, "   1 libc.so.6+0x1 ");
	press(stage, DASHBOARD_KEY_ESC);
	assert_int_equal(style_at(stage, 4, 0), STYLE_SELECTED);
	/* Frozen, too. */
	press(stage, ' ');
	touch_under(stage, process, 500, stack + 1, 1);
	pass(stage);
	press(stage, 'f');
	press(stage, 'f');
	assert_shows(stage, " 3.52M");
}

static void growth_stands_out_where_it_matters(void **state)
{
	struct stage *stage = *state;
	uint32_t numbers[3];
	struct process *process = add_sites(stage, numbers);

	/* One burst is no growth. */
	for (int i = 0; i < 30; i++)
		pass(stage);
	touch_under(stage, process, 2000, numbers[0], 1);
	pass(stage);
	press(stage, 's');
	press(stage, DASHBOARD_KEY_END);
	assert_row(stage, 4, numbers[0]);
	assert_non_null(strstr(line(stage, 4), "+7.81M"));
	assert_int_equal(style_at(stage, 4, 27), STYLE_NORMAL);
	/* Of steady growth it is who has a good part in it. */
	for (int i = 0; i < 2 * GROWTH_WINDOW; i++) {
		touch_under(stage, process, 100, numbers[1], 1);
		touch_under(stage, process, 5, numbers[2], 1);
		pass(stage);
	}
	draw(stage);
	assert_row(stage, 4, numbers[1]);
	assert_int_equal(style_at(stage, 4, 27), STYLE_ALARM);
	assert_row(stage, 5, numbers[0]);
	assert_int_equal(style_at(stage, 5, 27), STYLE_DIM);
	assert_row(stage, 6, numbers[2]);
	assert_int_equal(style_at(stage, 6, 27), STYLE_NORMAL);
}

static void sampling_is_said(void **state)
{
	struct stage *stage = *state;
	struct process *process = add_stacked(stage, 7);
	uint32_t stack = allocating(0x100, STACK_END_COMPLETE);

	touch_under(stage, process, 100, stack, 1);
	touch_under(stage, process, 100, stack, 8);
	touch_under(stage, process, 600, 0, 0);
	touch_under(stage, process, 200, 0, 1);
	pass(stage);
	stage->input.stack_weight = 8;
	press(stage, 's');
	assert_string_equal(line(stage, 2),
			    " 2 sites   unknown 20.0%   1 stack in 8 faults   ~ 60.0% estimated");
	assert_string_equal(line(stage, 4), " ~3.12M      0 80.0%       -    0.0s handler+0x100");
	assert_non_null(strstr(line(stage, 5), " 800.0K"));
	press(stage, DASHBOARD_KEY_ENTER);
	assert_shows(stage, "resident ~3.12M (80.0%)");
	/* Too narrow for all of it: what is unknown stays. */
	press(stage, DASHBOARD_KEY_ESC);
	draw_at(stage, 10, 30);
	assert_string_equal(line(stage, 2), " 2 sites   unknown 20.0%");
}

static void without_stacks_it_says_so(void **state)
{
	struct stage *stage = *state;
	struct process *process = add_process(stage, 9, "plain", ALLOCATOR_GLIBC);

	map(process, ARENA, 16 * MIB, VMA_KIND_ANON, "");
	touch(stage, process, ARENA, 64);
	press(stage, 's');
	assert_shows(stage, "the first list comes with the next interval");
	pass(stage);
	draw(stage);
	assert_shows(stage, "no call stacks are taken: start tidemark without --stack-bytes 0");
	assert_shows(stage, "256.0K");
	assert_shows(stage, "(touched since the watch began)");
	press(stage, DASHBOARD_KEY_ENTER);
	assert_shows(stage, "no call stacks are taken: start tidemark without --stack-bytes 0");
	press(stage, DASHBOARD_KEY_ESC);
	press(stage, DASHBOARD_KEY_ESC);
	press(stage, DASHBOARD_KEY_ENTER);
	assert_shows(stage, "no call stacks are taken");
	press(stage, DASHBOARD_KEY_ENTER);
	assert_shows(stage, "no call stacks are taken: start tidemark without --stack-bytes 0");
	/* only those of calls */
	process->stacks = stacks;
	process->symbols = symbols;
	press(stage, DASHBOARD_KEY_ESC);
	press(stage, 's');
	assert_shows(stage, "no call stacks of page faults: start tidemark without --stack-rate 0");
}

static void many_sites_scroll(void **state)
{
	struct stage *stage = *state;
	struct process *process = add_stacked(stage, 9);
	uint32_t first = 0, last = 0;

	for (uint64_t i = 0; i < 300; i++) {
		last = allocating(0x100000 + i, STACK_END_COMPLETE);
		first = first ? first : last;
		touch_under(stage, process, 301 - i, last, 1);
	}
	pass(stage);
	press(stage, 's');
	assert_row(stage, 4, first);
	assert_shows(stage, " 1-19/300");
	press(stage, DASHBOARD_KEY_END);
	assert_row(stage, 22, last);
	assert_int_equal(style_at(stage, 22, 0), STYLE_SELECTED);
	press(stage, DASHBOARD_KEY_PGUP);
	assert_int_equal(style_at(stage, 4, 0), STYLE_SELECTED);
	press(stage, DASHBOARD_KEY_HOME);
	press(stage, DASHBOARD_KEY_PGDN);
	assert_int_equal(style_at(stage, 22, 0), STYLE_SELECTED);
	press(stage, DASHBOARD_KEY_DOWN);
	assert_shows(stage, " 2-20/300");
}

static void freezing_holds_the_list(void **state)
{
	struct stage *stage = *state;
	uint32_t numbers[3];
	struct process *process = add_sites(stage, numbers);
	char *before;

	press(stage, 's');
	press(stage, ' ');
	before = strdup(stage->text);
	touch_under(stage, process, 8192, numbers[2], 1);
	pass(stage);
	assert_string_equal(draw(stage), before);
	free(before);
	/* It can still be sorted, and its stacks be read. */
	press(stage, 'r');
	assert_row(stage, 7, numbers[0]);
	press(stage, DASHBOARD_KEY_ENTER);
	assert_shows(stage, "resident 8.00M (47.1%)");
	press(stage, DASHBOARD_KEY_ESC);
	press(stage, ' ');
	assert_row(stage, 7, numbers[2]);
}

/* ---- one stack ---- */

static void a_stack_is_shown_whole(void **state)
{
	struct stage *stage = *state;
	struct process *process = add_stacked(stage, 1200);
	uint32_t stack = allocating(0x4242, STACK_END_COMPLETE);

	touch_under(stage, process, 256, stack, 1);
	pass(stage);
	press(stage, 's');
	press(stage, DASHBOARD_KEY_ENTER);
	assert_shows(stage, "who first touched these pages");
	assert_string_equal(line(stage, 2), " resident 1.00M (100%)   retained 0   growth -   "
					    "allocator jemalloc");
	assert_string_equal(line(stage, 3), "   # FUNCTION                          SOURCE"
					    "                 MODULE       1-3/3");
	assert_string_equal(line(stage, 4),
			    "     ... 3 frames of libc.so.6, libjemalloc.so.2 (a: show them)");
	assert_string_equal(line(stage, 5), "   4 handler+0x4242                           "
					    "                handler");
	assert_int_equal(style_at(stage, 5, 6), STYLE_STRONG);
	assert_non_null(strstr(line(stage, 6), "   5 handler+0xd242"));
	assert_string_equal(line(stage, 7), "");
	press(stage, 'a');
	assert_shows(stage, " 1-5/5");
	assert_non_null(strstr(line(stage, 4), "   1 libc.so.6+0x10"));
	assert_int_equal(style_at(stage, 4, 6), STYLE_DIM);
	assert_non_null(strstr(line(stage, 7), "   4 handler+0x4242"));
	press(stage, 'a');
	assert_shows(stage, "... 3 frames");
	press(stage, DASHBOARD_KEY_ESC);
	assert_shows(stage, "FIRST TOUCHED IN");
}

/* Every way to end is in its place, and named. */
static void an_incomplete_stack_says_why(void **state)
{
	struct stage *stage = *state;
	struct process *process = add_stacked(stage, 1200);

	for (unsigned int end = STACK_END_COMPLETE + 1; end < STACK_END_COUNT; end++)
		touch_under(stage, process, 100 - end, allocating(0x500 + end, end), 1);
	pass(stage);
	press(stage, 's');
	for (unsigned int end = STACK_END_COMPLETE + 1; end < STACK_END_COUNT; end++) {
		char expected[160];

		snprintf(expected, sizeof(expected), "handler+0x%x (%s)", 0x500 + end,
			 stack_end_name(end));
		assert_shows(stage, expected);
		press(stage, DASHBOARD_KEY_ENTER);
		draw_at(stage, 24, 120);
		snprintf(expected, sizeof(expected),
			 "     ... what called this is not known: %s (%s)\n", stack_end_help(end),
			 stack_end_name(end));
		assert_shows(stage, expected);
		draw_at(stage, 24, 80);
		press(stage, DASHBOARD_KEY_ESC);
		press(stage, DASHBOARD_KEY_DOWN);
	}
}

static void deep_stacks_scroll(void **state)
{
	struct stage *stage = *state;
	struct process *process = add_stacked(stage, 1200);
	union stack_record record = {.stack.frame_count = EVENT_FRAMES_MAX};

	for (uint64_t i = 0; i < EVENT_FRAMES_MAX; i++)
		record.stack.frames[i] =
			(struct event_frame){.module = HANDLER, .address = 0x7000 + i};
	touch_under(stage, process, 1, define_stack(&record, STACK_END_DEEP), 1);
	pass(stage);
	press(stage, 's');
	press(stage, DASHBOARD_KEY_ENTER);
	assert_shows(stage, " 1-19/257");
	press(stage, DASHBOARD_KEY_DOWN);
	assert_shows(stage, " 2-20/257");
	press(stage, DASHBOARD_KEY_END);
	assert_shows(stage, "more frames than are kept (deep)");
	assert_shows(stage, " 256 handler+0x70ff");
	assert_shows(stage, "257/257");
	press(stage, DASHBOARD_KEY_HOME);
	assert_shows(stage, "   1 handler+0x7000");
	draw_at(stage, 6, 30);
	assert_shows(stage, "handler+0x7000");
}

/* A name that is too long takes more lines, and the whole is longer once it has been seen. */
static void long_names_take_several_lines(void **state)
{
	struct stage *stage = *state;
	struct process *process = add_stacked(stage, 1200);
	union stack_record record = {.stack.frame_count = 40};
	size_t digits = 0;

	for (uint64_t i = 0; i < 40; i++)
		record.stack.frames[i] =
			(struct event_frame){.module = HANDLER, .address = 0x8000 + i};
	record.stack.frames[39].module = LONG_NAME;
	touch_under(stage, process, 1, define_stack(&record, STACK_END_COMPLETE), 1);
	pass(stage);
	press(stage, 's');
	draw_at(stage, 24, 120);
	press(stage, DASHBOARD_KEY_ENTER);
	assert_shows(stage, " 1-19/40");
	press(stage, DASHBOARD_KEY_END);
	assert_shows(stage, " 26-44/44");
	for (const char *at = strstr(stage->text, LONG "777"); *at; at++)
		digits += *at == '7';
	/* all of the name but what its module's column repeats and numbers of lines have */
	assert_in_range(digits, LONG_LEN - strlen(LONG), LONG_LEN + 60);
	assert_shows(stage, "+0x8027");
	/* on a narrow screen it is cut */
	draw_at(stage, 24, 30);
	press(stage, DASHBOARD_KEY_END);
	assert_shows(stage, "7~\n");
}

/* ---- the process page ---- */

static void mappings_show_who_made_them(void **state)
{
	struct stage *stage = *state;
	struct process *process = add_stacked(stage, 1200);
	struct event_mmap call = {
		.h = {.time_ns = START_NS, .stack = allocating(0x600, STACK_END_COMPLETE)},
		.addr = LIBRARY,
		.len = 8 * MIB,
		.prot = PROT_READ | PROT_WRITE,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS,
	};

	apply(process, &call.h, sizeof(call), EVENT_MMAP);
	touch(stage, process, call.addr, 16);
	pass(stage);
	press(stage, DASHBOARD_KEY_ENTER);
	assert_int_equal(row_of(stage, " 7f1400000000 anon"), 13);
	assert_non_null(strstr(line(stage, 13), "jemalloc"));
	assert_int_equal(style_at(stage, 13, 0), STYLE_SELECTED);
	draw_at(stage, 24, 120);
	assert_non_null(strstr(line(stage, 12), "KIND    ALLOC    NAME"));
	assert_non_null(strstr(line(stage, 13), "anon    jemalloc"));
	draw_at(stage, 24, 80);
	press(stage, DASHBOARD_KEY_ENTER);
	assert_shows(stage, "who made this mapping");
	assert_shows(stage,
		     " 7f1400000000-7f1400800000   anon   resident 64.0K   allocator jemalloc");
	assert_shows(stage, "   4 handler+0x600");
	press(stage, DASHBOARD_KEY_ESC);
	press(stage, DASHBOARD_KEY_DOWN);
	assert_int_equal(style_at(stage, 14, 0), STYLE_SELECTED);
	press(stage, DASHBOARD_KEY_ENTER);
	assert_shows(stage, "There is no call stack for this:");
	press(stage, DASHBOARD_KEY_BACKSPACE);
	/* The other table has no stacks. */
	press(stage, DASHBOARD_KEY_TAB);
	press(stage, DASHBOARD_KEY_ENTER);
	assert_shows(stage, "nothing purged or returned yet");
}

static struct unwind_totals *totals_of(struct process *process)
{
	return (struct unwind_totals *)unwinder_totals(process->unwinder);
}

static void failures_are_named(void **state)
{
	struct stage *stage = *state;
	struct process *process = add_stacked(stage, 1200);
	struct unwind_totals *totals = totals_of(process);

	pass(stage);
	press(stage, DASHBOARD_KEY_ENTER);
	assert_string_equal(line(stage, 3), " stacks: 0 taken");
	totals->taken = 12345;
	totals->ends[STACK_END_COMPLETE] = 12345;
	draw(stage);
	assert_string_equal(line(stage, 3), " stacks: 12,345 taken, 100% complete");
	assert_int_equal(style_at(stage, 3, 10), STYLE_DIM);
	totals->ends[STACK_END_COMPLETE]--;
	totals->ends[STACK_END_CUT]++;
	draw(stage);
	assert_string_equal(line(stage, 3), " stacks: 12,345 taken, 99.9% complete; cut 1");
	totals->ends[STACK_END_NO_CFI] = 1003;
	totals->lost = 2;
	totals->refused = 0;
	totals->skipped = 7;
	totals->guessed = 9;
	draw(stage);
	assert_string_equal(line(stage, 3), " stacks: 12,345 taken, 91.8% complete; no_cfi 1,003, "
					    "lost 2, cut 1; skipped 7; ~");
	assert_int_equal(style_at(stage, 3, 10), STYLE_WARNING);
	totals->ends[STACK_END_CUT] = 10000;
	draw_at(stage, 24, 120);
	assert_string_equal(line(stage, 3),
			    " stacks: 12,345 taken, 10.8% complete; cut 10,000, no_cfi 1,003, "
			    "lost 2; skipped 7; guessed 9");
	assert_int_equal(style_at(stage, 3, 10), STYLE_ALARM);
	/* More failures than stacks: a lost record's snapshot never came. */
	totals->lost = 100000;
	draw(stage);
	assert_shows(stage, "taken, 0.0% complete; lost 100,000");
}

static void frozen_counters_stay(void **state)
{
	struct stage *stage = *state;
	struct process *process = add_stacked(stage, 1200);

	pass(stage);
	press(stage, DASHBOARD_KEY_ENTER);
	totals_of(process)->taken = 4;
	draw(stage);
	press(stage, ' ');
	totals_of(process)->taken = 5;
	draw(stage);
	assert_shows(stage, "stacks: 4 taken");
	press(stage, ' ');
	assert_shows(stage, "stacks: 5 taken");
}

/* ---- all of them ---- */

static void help_explains_sites(void **state)
{
	struct stage *stage = *state;

	press(stage, '?');
	draw_at(stage, 250, 150);
	for (unsigned int end = 0; end < STACK_END_COUNT; end++)
		assert_shows(stage, stack_end_help(end));
	for (unsigned int reason = SITE_KNOWN + 1; reason < SITE_REASON_COUNT; reason++)
		assert_shows(stage, site_reason_help(reason));
	assert_shows(stage, "where the pages come from: a row per call stack");
	assert_shows(stage, "the whole call stack of the selected site");
	assert_shows(stage, "partly estimated");
	assert_shows(stage, "skipped");
}

static void vanished_processes_close_their_pages(void **state)
{
	static const int keys[][3] = {{'s', 0, 0},
				      {'s', DASHBOARD_KEY_ENTER, 0},
				      {DASHBOARD_KEY_ENTER, 's', DASHBOARD_KEY_ENTER},
				      {DASHBOARD_KEY_ENTER, DASHBOARD_KEY_ENTER, 0}};
	struct stage *stage = *state;

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		struct process *process = add_stacked(stage, 1200);

		touch_under(stage, process, 3, allocating(0x9900 + i, STACK_END_COMPLETE), 1);
		pass(stage);
		draw(stage);
		for (size_t j = 0; j < 3; j++)
			press(stage, keys[i][j]);
		assert_hides(stage, "Enter open");
		process_free(stage->processes[--stage->input.count]);
		/* keys come before the next drawing */
		dashboard_key(stage->dashboard, DASHBOARD_KEY_ENTER, &stage->input);
		dashboard_key(stage->dashboard, 's', &stage->input);
		draw(stage);
		assert_shows(stage, "no process is watched");
	}
}

static void pages_are_ascii_where_asked(void **state)
{
	static const int keys[] = {'s', DASHBOARD_KEY_ENTER, 'a', '?'};
	struct stage *stage = *state;
	uint32_t numbers[3];

	add_sites(stage, numbers);
	draw(stage);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		press(stage, keys[i]);
		for (const char *at = draw_at(stage, 50, 200); *at; at++)
			assert_true((unsigned char)*at < 0x7f);
	}
	press(stage, '?');
	press(stage, DASHBOARD_KEY_ESC);
	assert_shows(stage, "vRESID");
}

/* Any keys at any sizes, while sites and processes come and go. */
static void random_use_is_survived(void **state)
{
	static const int keys[] = {
		's',
		's',
		'a',
		'f',
		'r',
		'G',
		'A',
		'T',
		'M',
		'<',
		'>',
		' ',
		'?',
		'j',
		'\t',
		'\r',
		'\r',
		0x1b,
		0,
		DASHBOARD_KEY_UP,
		DASHBOARD_KEY_DOWN,
		DASHBOARD_KEY_PGUP,
		DASHBOARD_KEY_PGDN,
		DASHBOARD_KEY_HOME,
		DASHBOARD_KEY_END,
	};
	struct stage *stage = *state;
	uint64_t random = 88172645463325252ULL;
	uint32_t numbers[3];

	add_sites(stage, numbers);
	for (uint32_t step = 0; step < 20000; step++) {
		uint64_t next = random_next(&random);

		if (step % 50 == 0)
			assert_int_equal(
				grid_resize(&stage->grid, next >> 8 & 63, next >> 16 & 255), 0);
		if (step % 97 == 0 && stage->input.count < 20)
			add_stacked(stage, step + 1);
		if (step % 331 == 0 && stage->input.count)
			process_free(stage->processes[--stage->input.count]);
		if (step % 20 == 0) {
			for (size_t i = 0; i < stage->input.count; i++)
				touch_under(stage, stage->processes[i], next >> 24 & 7,
					    numbers[next >> 32 & 1], next >> 40 & 3);
			pass(stage);
		}
		dashboard_key(stage->dashboard, keys[next % ARRAY_SIZE(keys)], &stage->input);
		dashboard_draw(stage->dashboard, &stage->input, &stage->grid);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		ON_UTF8(sites_are_listed),
		ON_UTF8(wide_screens_show_all_columns),
		ON_UTF8(sites_are_sorted),
		ON_UTF8(selection_stays_on_its_site),
		ON_UTF8(alike_sites_are_one_row),
		ON_UTF8(growth_stands_out_where_it_matters),
		ON_UTF8(sampling_is_said),
		ON_UTF8(without_stacks_it_says_so),
		ON_UTF8(many_sites_scroll),
		ON_UTF8(freezing_holds_the_list),
		ON_UTF8(a_stack_is_shown_whole),
		ON_UTF8(an_incomplete_stack_says_why),
		ON_UTF8(deep_stacks_scroll),
		ON_UTF8(long_names_take_several_lines),
		ON_UTF8(mappings_show_who_made_them),
		ON_UTF8(failures_are_named),
		ON_UTF8(frozen_counters_stay),
		ON_UTF8(help_explains_sites),
		ON_UTF8(vanished_processes_close_their_pages),
		ON_ASCII(pages_are_ascii_where_asked),
		ON_UTF8(random_use_is_survived),
	};

	return cmocka_run_group_tests_name("dashboard, sites", tests, open_stacks, close_stacks);
}
