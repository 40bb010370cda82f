// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/dashboard.h"

#include "user/view/fields.h"

static void nothing_is_watched(void **state)
{
	struct stage *stage = *state;

	draw(stage);
	assert_shows(stage, "0 processes");
	assert_shows(stage, "unexplained 0");
	assert_shows(stage, "lost 0");
	assert_shows(stage, "no process is watched");
	press(stage, DASHBOARD_KEY_ENTER);
	press(stage, DASHBOARD_KEY_DOWN);
	press(stage, DASHBOARD_KEY_END);
	assert_shows(stage, "no process is watched");
}

static void before_the_first_report(void **state)
{
	struct stage *stage = *state;

	add_process(stage, 42, "new", ALLOCATOR_UNKNOWN);
	draw(stage);
	assert_string_equal(
		line(stage, 3),
		"  42 new     ?          -      -      -       -       -      -      - -");
	assert_shows(stage, "first look under way");
	press(stage, DASHBOARD_KEY_ENTER);
	assert_shows(stage, "42 new");
	assert_shows(stage, "no report yet");
	assert_shows(stage, "unexplained 0");
}

static void overview_shows_a_row_per_process(void **state)
{
	struct stage *stage = *state;

	add_rich(stage);
	draw(stage);
	assert_string_equal(line(stage, 2), "  PID COMMAND ALLOC       RSS RETAIN   LAZY "
					    "↓GROW/h  UNEXPL   LOST WHY     RSS");
	assert_string_equal(line(stage, 3), " 1200 orders  jemalloc  25.1M  15.1M  2.00M "
					    " +8.79G   2.00M      0 unknown   ▂▁█");
}

static void totals_are_in_the_title(void **state)
{
	struct stage *stage = *state;
	struct process *other;

	add_rich(stage);
	other = add_process(stage, 7, "other", ALLOCATOR_GLIBC);
	/* The ledger knows more than the kernel counts: must not cancel out. */
	map(other, ARENA, MIB, VMA_KIND_ANON, "");
	touch(stage, other, ARENA, 256);
	sample(stage, other, -(int64_t)MIB / 2, 0);
	sample(stage, stage->processes[0], 2 * MIB, 4 * MIB);
	end_interval(stage);
	draw(stage);
	assert_shows(stage, "2 processes");
	assert_shows(stage, "unexplained 2.50M");
	assert_shows(stage, "-512.0K");
	exit_process(stage, other, 0);
	draw(stage);
	assert_shows(stage, "1 process  1 ended");
}

static void add_three(struct stage *stage)
{
	static const char *const names[] = {"bravo", "alpha", "alpha"};

	for (uint32_t i = 0; i < 3; i++) {
		struct process *process =
			add_process(stage, 30 - i * 10, names[i], ALLOCATOR_GLIBC);

		map(process, ARENA, 64 * MIB, VMA_KIND_ANON, "");
		touch(stage, process, ARENA, i == 1 ? 512 : 256);
		sample(stage, process, 0, 0);
	}
	end_interval(stage);
	draw(stage);
}

/* The pids of the rows, top down. */
static void assert_order(struct stage *stage, const char *first, const char *second,
			 const char *third)
{
	assert_int_equal(row_of(stage, first), 3);
	assert_int_equal(row_of(stage, second), 4);
	assert_int_equal(row_of(stage, third), 5);
}

static void sorting_is_stable(void **state)
{
	struct stage *stage = *state;

	add_three(stage);
	/* No growth is known yet: in order of attach, reversed or not. */
	assert_order(stage, " 30 bravo", " 20 alpha", " 10 alpha");
	press(stage, 'r');
	assert_order(stage, " 30 bravo", " 20 alpha", " 10 alpha");
	press(stage, 'M');
	assert_order(stage, " 20 alpha", " 30 bravo", " 10 alpha");
	press(stage, 'r');
	assert_order(stage, " 30 bravo", " 10 alpha", " 20 alpha");
	press(stage, 'C');
	assert_order(stage, " 20 alpha", " 10 alpha", " 30 bravo");
	press(stage, 'N');
	assert_order(stage, " 10 alpha", " 20 alpha", " 30 bravo");
	press(stage, 'r');
	assert_order(stage, " 30 bravo", " 20 alpha", " 10 alpha");
}

static void sort_column_is_chosen_and_marked(void **state)
{
	struct stage *stage = *state;

	add_three(stage);
	assert_non_null(strstr(line(stage, 2), "↓GROW/h"));
	press(stage, '<');
	assert_non_null(strstr(line(stage, 2), "↓LAZY"));
	press(stage, '>');
	press(stage, DASHBOARD_KEY_RIGHT);
	assert_non_null(strstr(line(stage, 2), "↓UNEXPL"));
	press(stage, 'r');
	assert_non_null(strstr(line(stage, 2), "↑UNEXPL"));
	press(stage, 'C');
	assert_non_null(strstr(line(stage, 2), "↑COMMAND"));
	/* All the way round. */
	for (size_t i = 0; i < field_count; i++) {
		press(stage, '>');
		assert_non_null(strpbrk(line(stage, 2), "\x91\x93"));
	}
}

static void selection_follows_the_process(void **state)
{
	struct stage *stage = *state;

	add_three(stage);
	press(stage, 'N');
	press(stage, DASHBOARD_KEY_HOME);
	press(stage, DASHBOARD_KEY_DOWN);
	assert_int_equal(style_at(stage, 4, 0), STYLE_SELECTED);
	press(stage, 'M');
	assert_int_equal(row_of(stage, " 20 alpha"), 3);
	assert_int_equal(style_at(stage, 3, 0), STYLE_SELECTED);
	/* It grows smaller than the others. */
	advise(stage, stage->processes[1], ARENA, 512, MADV_DONTNEED);
	sample(stage, stage->processes[1], 0, 0);
	end_interval(stage);
	draw(stage);
	assert_int_equal(row_of(stage, " 20 alpha"), 5);
	assert_int_equal(style_at(stage, 5, 0), STYLE_SELECTED);
	press(stage, DASHBOARD_KEY_ENTER);
	assert_shows(stage, "tidemark  20 alpha");
}

static void selection_survives_a_vanished_process(void **state)
{
	struct stage *stage = *state;

	add_three(stage);
	press(stage, DASHBOARD_KEY_END);
	assert_int_equal(style_at(stage, 5, 0), STYLE_SELECTED);
	press(stage, DASHBOARD_KEY_ENTER);
	assert_shows(stage, "tidemark  10 alpha");
	process_free(stage->processes[--stage->input.count]);
	draw(stage);
	assert_shows(stage, "2 processes");
	assert_shows(stage, "Enter open");
	assert_int_equal(style_at(stage, 4, 0), STYLE_SELECTED);
}

static void many_processes_scroll(void **state)
{
	struct stage *stage = *state;

	for (uint32_t i = 0; i < PROCESSES_MAX; i++)
		add_process(stage, 10000 + i, "worker", ALLOCATOR_GLIBC);
	end_interval(stage);
	draw(stage);
	assert_shows(stage, "10000 worker");
	assert_shows(stage, "10019 worker");
	assert_hides(stage, "10020 worker");
	press(stage, DASHBOARD_KEY_END);
	assert_int_equal(row_of(stage, "10999 worker"), 22);
	assert_int_equal(style_at(stage, 22, 0), STYLE_SELECTED);
	press(stage, DASHBOARD_KEY_PGUP);
	assert_int_equal(style_at(stage, 3, 0), STYLE_SELECTED);
	assert_int_equal(row_of(stage, "10980 worker"), 3);
	press(stage, DASHBOARD_KEY_UP);
	assert_int_equal(row_of(stage, "10979 worker"), 3);
	/* A smaller screen keeps the selected row in sight. */
	press(stage, DASHBOARD_KEY_PGDN);
	draw_at(stage, 10, 80);
	assert_int_equal(row_of(stage, "10998 worker"), 8);
	press(stage, DASHBOARD_KEY_HOME);
	assert_int_equal(row_of(stage, "10000 worker"), 3);
	press(stage, DASHBOARD_KEY_UP);
	assert_int_equal(style_at(stage, 3, 0), STYLE_SELECTED);
}

static void ended_processes_stay_dimmed(void **state)
{
	struct stage *stage = *state;
	struct process *rich = add_rich(stage);

	add_process(stage, 7, "other", ALLOCATOR_GLIBC);
	end_interval(stage);
	exit_process(stage, rich, 9);
	press(stage, 'N');
	assert_non_null(strstr(line(stage, 4), "ended"));
	assert_int_equal(style_at(stage, 4, 7), STYLE_DIM);
	press(stage, DASHBOARD_KEY_DOWN);
	press(stage, DASHBOARD_KEY_ENTER);
	assert_shows(stage, "1200 orders   ended: signal 9");
	rich->ledger->exit_code = 3 << 8;
	draw(stage);
	assert_shows(stage, "ended: exit 3");
	rich->ledger->exit_code = EXIT_CODE_LEFT;
	draw(stage);
	assert_shows(stage, "ended: no longer watched");
}

static void ended_processes_do_not_lead_by_growth(void **state)
{
	struct stage *stage = *state;
	struct process *rich = add_rich(stage);

	sample(stage, add_process(stage, 7, "still", ALLOCATOR_GLIBC), 0, MIB);
	end_interval(stage);
	end_interval(stage);
	exit_process(stage, rich, 0);
	draw(stage);
	assert_int_equal(row_of(stage, "still"), 3);
	assert_int_equal(row_of(stage, "orders"), 4);
}

static void loss_is_on_every_screen(void **state)
{
	static const unsigned int sizes[][2] = {{24, 80}, {60, 200}, {10, 40}, {6, 30}};
	static const int keys[] = {DASHBOARD_KEY_NONE, DASHBOARD_KEY_ENTER, 'i', '?'};
	struct stage *stage = *state;
	struct process *rich = add_rich(stage);
	struct event_loss loss = {.h.time_ns = stage->input.now_ns, .lost = 321};

	apply(rich, &loss.h, sizeof(loss), EVENT_LOSS);
	rich->ledger->totals.repaired = 45;
	sample(stage, rich, 2 * MIB, 4 * MIB);
	end_interval(stage);
	for (size_t page = 0; page < 4; page++) {
		press(stage, keys[page]);
		for (size_t i = 0; i < 4; i++) {
			draw_at(stage, sizes[i][0], sizes[i][1]);
			assert_non_null(strstr(line(stage, 1), "lost 321"));
			assert_non_null(strstr(line(stage, 1), "unexpl"));
			assert_non_null(strstr(line(stage, 1), " 2.00M"));
		}
		draw_at(stage, 24, 80);
		assert_shows(stage, "lost 321 records, repaired 45 pages");
	}
}

static void process_page_shows_classes(void **state)
{
	struct stage *stage = *state;

	add_rich(stage);
	press(stage, DASHBOARD_KEY_ENTER);
	assert_string_equal(line(stage, 0),
			    " tidemark  1200 orders   allocator jemalloc   watched 3.0s");
	assert_string_equal(line(stage, 3),
			    " no call stacks are taken: start tidemark without --stack-bytes 0");
	assert_string_equal(line(stage, 4), " █ retained 13.1M  ▓ young 4.00M  "
					    "▒ lazy 2.00M  ░ file 4.00M  ? unexplained");
	assert_shows(stage, " 28.0M ┤");
	assert_shows(stage, "     0 └─");
	assert_shows(stage, " now\n");
	assert_shows(stage, "purged 1.00M");
	/* The newest column, at the right end: nothing but retained at the bottom. */
	assert_int_equal(style_at(stage, 10, 78), STYLE_CLASS_RETAINED);
}

static void mappings_are_sorted_by_retained(void **state)
{
	struct stage *stage = *state;
	struct process *rich = add_rich(stage);
	struct event_mmap call = {
		.h.time_ns = stage->input.now_ns,
		.addr = ARENA + 128 * MIB,
		.len = 64 * MIB,
		.prot = PROT_READ | PROT_WRITE,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS,
		.callers = {LIBRARY + 0x1234},
	};

	apply(rich, &call.h, sizeof(call), EVENT_MMAP);
	touch(stage, rich, call.addr, 8192);
	sample(stage, rich, 0, 0);
	end_interval(stage);
	sample(stage, rich, 0, 0);
	end_interval(stage);
	press(stage, DASHBOARD_KEY_ENTER);
	assert_string_equal(line(stage, 13), "  32.0M  32.0M      0  64.0M 7f1208000000 anon    "
					     "                  libjemalloc~");
	assert_non_null(strstr(line(stage, 14), " 7f1200000000 anon"));
	assert_non_null(strstr(line(stage, 15), " 555500000000 heap"));
	assert_non_null(strstr(line(stage, 16), "file    libjemalloc.so.2"));
	draw_at(stage, 24, 120);
	assert_shows(stage, "7f1208000000-7f120c000000 anon");
	assert_shows(stage, "libjemalloc.so.2");
}

static void purges_are_listed_newest_first(void **state)
{
	struct stage *stage = *state;
	struct process *rich = add_rich(stage);

	advise(stage, rich, ARENA + 8 * MIB, 3, MADV_DONTNEED);
	stage->input.now_ns += 5 * NSEC_PER_SEC;
	press(stage, DASHBOARD_KEY_ENTER);
	assert_shows(stage, "   5.0s purge    12.0K       3      77 7f1200800000-7f1200803000\n"
			    "   7.0s purge    1.00M     256      77 7f1200000000-7f1200100000\n");
}

static void mappings_are_read_once_an_interval(void **state)
{
	struct stage *stage = *state;
	struct process *rich = add_rich(stage);

	press(stage, DASHBOARD_KEY_ENTER);
	map(rich, HEAP - 16 * MIB, MIB, VMA_KIND_ANON, "");
	draw(stage);
	assert_hides(stage, "5554ff000000");
	sample(stage, rich, 0, 0);
	end_interval(stage);
	draw(stage);
	assert_shows(stage, "5554ff000000");
}

static void tables_scroll_and_take_turns(void **state)
{
	struct stage *stage = *state;
	struct process *rich = add_rich(stage);

	for (uint64_t i = 0; i < 2 * LEDGER_REMOVALS; i++) {
		touch(stage, rich, ARENA + 60 * MIB, 1);
		advise(stage, rich, ARENA + 60 * MIB, i + 1, MADV_DONTNEED);
	}
	for (uint64_t i = 0; i < 50; i++)
		map(rich, LIBRARY + (i + 16) * 4 * MIB, MIB, VMA_KIND_FILE, "data");
	sample(stage, rich, 0, 0);
	end_interval(stage);
	press(stage, DASHBOARD_KEY_ENTER);
	assert_shows(stage, " 1-6/53");
	assert_shows(stage, " 1-3/1024");
	assert_int_equal(style_at(stage, 13, 0), STYLE_SELECTED);
	press(stage, DASHBOARD_KEY_DOWN);
	assert_int_equal(style_at(stage, 14, 0), STYLE_SELECTED);
	press(stage, DASHBOARD_KEY_PGDN);
	assert_shows(stage, " 2-7/53");
	assert_int_equal(style_at(stage, 18, 0), STYLE_SELECTED);
	press(stage, DASHBOARD_KEY_END);
	assert_shows(stage, " /53");
	press(stage, DASHBOARD_KEY_TAB);
	assert_int_equal(style_at(stage, 15, 0), STYLE_NORMAL);
	assert_shows(stage, " 1-6/1024");
	press(stage, DASHBOARD_KEY_END);
	assert_shows(stage, " 1019-1024/1024");
	press(stage, DASHBOARD_KEY_PGUP);
	assert_shows(stage, " 1014-1019/1024");
	press(stage, DASHBOARD_KEY_HOME);
	assert_shows(stage, " 1-6/1024");
	/* With room for one, it is the one with the focus. */
	draw_at(stage, 10, 80);
	assert_shows(stage, "RANGE");
	assert_hides(stage, "MAPPING");
	press(stage, 'm');
	assert_hides(stage, "RANGE");
	assert_shows(stage, "MAPPING");
}

/* The order changes with the figures; what is selected stays. */
static void selected_mapping_stays(void **state)
{
	struct stage *stage = *state;
	struct process *rich = add_rich(stage);

	press(stage, DASHBOARD_KEY_ENTER);
	press(stage, DASHBOARD_KEY_DOWN);
	assert_int_equal(row_of(stage, " 555500000000 heap"), 14);
	assert_int_equal(style_at(stage, 14, 0), STYLE_SELECTED);
	advise(stage, rich, ARENA, 64 * MIB / PAGE_BYTES, MADV_DONTNEED);
	sample(stage, rich, 0, 0);
	end_interval(stage);
	draw(stage);
	assert_int_equal(row_of(stage, " 555500000000 heap"), 13);
	assert_int_equal(style_at(stage, 13, 0), STYLE_SELECTED);
}

static void history_is_zoomed(void **state)
{
	struct stage *stage = *state;
	struct process *process = add_process(stage, 5, "long", ALLOCATOR_GLIBC);

	map(process, ARENA, 64 * MIB, VMA_KIND_ANON, "");
	for (uint64_t i = 0; i < REPORT_HISTORY + 80; i++) {
		touch(stage, process, ARENA + i * PAGE_BYTES, 1);
		sample(stage, process, 0, 0);
		end_interval(stage);
	}
	press(stage, DASHBOARD_KEY_ENTER);
	assert_shows(stage, "-9m");
	press(stage, '-');
	assert_shows(stage, "-9m");
	for (int i = 0; i < 10; i++)
		press(stage, '+');
	assert_shows(stage, "-15s");
	assert_hides(stage, "-9m");
	press(stage, DASHBOARD_KEY_LEFT);
	assert_shows(stage, "-30s");
}

static void freezing_holds_the_figures(void **state)
{
	struct stage *stage = *state;
	struct process *rich = add_rich(stage);
	char *before;

	press(stage, ' ');
	assert_shows(stage, "FROZEN");
	before = strdup(stage->text);
	stage->input.now_ns += NSEC_PER_SEC;
	touch(stage, rich, ARENA + 48 * MIB, 2048);
	advise(stage, rich, ARENA + 48 * MIB, 100, MADV_DONTNEED);
	sample(stage, rich, 0, 0);
	end_interval(stage);
	assert_string_equal(draw(stage), before);
	free(before);
	press(stage, DASHBOARD_KEY_ENTER);
	assert_shows(stage, "RSS 25.1M");
	assert_shows(stage, " 1-1/1");
	press(stage, ' ');
	assert_hides(stage, "FROZEN");
	assert_hides(stage, "RSS 25.1M");
	assert_shows(stage, " 1-2/2");
}

static void freezing_outlives_the_history(void **state)
{
	struct stage *stage = *state;

	add_rich(stage);
	press(stage, ' ');
	for (int i = 0; i < REPORT_HISTORY + 10; i++)
		end_interval(stage);
	add_process(stage, 8, "late", ALLOCATOR_GLIBC);
	end_interval(stage);
	draw(stage);
	assert_shows(stage, "orders");
	assert_shows(stage, "late");
	press(stage, DASHBOARD_KEY_ENTER);
	assert_shows(stage, "RSS ");
}

static void help_explains_every_column_and_key(void **state)
{
	struct stage *stage = *state;

	press(stage, '?');
	draw_at(stage, 250, 150);
	for (size_t i = 0; i < field_count; i++)
		assert_shows(stage, fields[i].title);
	assert_shows(stage, "Growth of RSS per hour");
	assert_shows(stage, "the other table");
	assert_shows(stage, "orphans");
	draw_at(stage, 24, 80);
	assert_hides(stage, "orphans");
	press(stage, DASHBOARD_KEY_END);
	assert_shows(stage, "Upper end of its interval of confidence of 95%.");
	press(stage, DASHBOARD_KEY_ESC);
	assert_shows(stage, "no process is watched");
	/* The help goes back to where it was asked for. */
	add_rich(stage);
	press(stage, DASHBOARD_KEY_ENTER);
	press(stage, 'h');
	assert_shows(stage, "tidemark  help");
	press(stage, '?');
	assert_shows(stage, "allocator jemalloc");
	press(stage, DASHBOARD_KEY_ESC);
	assert_shows(stage, "Enter open");
}

static void hostile_names_are_harmless(void **state)
{
	struct stage *stage = *state;
	struct process *process = add_process(stage, 6, "\x1b[2J\xff\x9b\n", ALLOCATOR_UNKNOWN);

	map(process, LIBRARY, MIB, VMA_KIND_FILE, "a\x1b]0;x\a\xe2\x80\xae.so");
	stage->input.message = "cannot read \x1b[31m";
	sample(stage, process, 0, 0);
	end_interval(stage);
	draw(stage);
	assert_shows(stage, "?[2J???");
	assert_shows(stage, "cannot read ?[31m");
	press(stage, DASHBOARD_KEY_ENTER);
	assert_shows(stage, "6 ?[2J???");
	assert_shows(stage, "a?]0;x??.so");
	for (const char *at = stage->text; *at; at++)
		assert_true((unsigned char)*at >= 0x20 || *at == '\n');
}

static void messages_are_above_the_foot(void **state)
{
	struct stage *stage = *state;

	stage->input.message = "no right to read /proc/42/smaps";
	stage->input.orphans = 12;
	stage->input.buffer_percent = 95;
	draw(stage);
	assert_string_equal(line(stage, 22), " no right to read /proc/42/smaps");
	assert_shows(stage, "orphans 12");
	assert_shows(stage, "buffer 95%");
	assert_int_equal(style_at(stage, 1, 27), STYLE_ALARM);
}

static void asks_to_quit(void **state)
{
	struct stage *stage = *state;

	assert_true(dashboard_key(stage->dashboard, 'q', &stage->input));
	assert_true(dashboard_key(stage->dashboard, 3, &stage->input));
	assert_true(dashboard_key(stage->dashboard, DASHBOARD_KEY_HANGUP, &stage->input));
	press(stage, '?');
	assert_true(dashboard_key(stage->dashboard, 'q', &stage->input));
}

static void tiny_screens_say_so(void **state)
{
	struct stage *stage = *state;

	add_rich(stage);
	assert_string_equal(draw_at(stage, 3, 10), "too small\nneed 30x6\nq quits\n");
	assert_string_equal(draw_at(stage, 1, 1), "t\n");
	assert_string_equal(draw_at(stage, 0, 0), "");
	draw_at(stage, 6, 29);
	assert_shows(stage, "too small");
	draw_at(stage, 6, 30);
	assert_shows(stage, "1200 orders");
	draw_at(stage, 24, 80);
	assert_shows(stage, "1200 orders");
}

/* On narrow screens what matters least goes first. */
static void columns_are_dropped_by_priority(void **state)
{
	struct stage *stage = *state;

	add_rich(stage);
	draw_at(stage, 10, 40);
	assert_string_equal(line(stage, 2), "  PID COMMAND    RSS ↓GROW/h WHY");
	draw_at(stage, 60, 200);
	assert_shows(stage, "EVT/s WHY ");
}

static void ascii_screens_are_ascii(void **state)
{
	static const int keys[] = {DASHBOARD_KEY_NONE, DASHBOARD_KEY_ENTER, '?'};
	struct stage *stage = *state;

	add_rich(stage);
	add_process(stage, 6, "caf\xc3\xa9", ALLOCATOR_UNKNOWN);
	end_interval(stage);
	for (size_t page = 0; page < 3; page++) {
		press(stage, keys[page]);
		for (const char *at = draw_at(stage, 60, 200); *at; at++)
			assert_true((unsigned char)*at < 0x7f);
		draw_at(stage, 24, 80);
	}
	press(stage, '?');
	assert_shows(stage, " # retained ");
	assert_shows(stage, "  ~ lazy 2.00M");
	press(stage, DASHBOARD_KEY_ESC);
	assert_shows(stage, "vGROW/h");
	assert_shows(stage, "caf?");
}

static void mark(struct stage *stage, struct process *process, uint64_t random)
{
	struct event_invocation event = {
		.h = {.tid = 1 + (random >> 40 & 3), .time_ns = stage->input.now_ns},
		.edge = (random >> 44) % INVOCATION_EDGE_COUNT,
		.value = random >> 50 & 3,
	};

	apply(process, &event.h, sizeof(event), EVENT_INVOCATION);
}

/* Any keys at any sizes, with processes that come and go. */
static void random_use_is_survived(void **state)
{
	static const int keys[] = {
		'?',
		'<',
		'>',
		'r',
		'G',
		'M',
		'C',
		'N',
		' ',
		'm',
		'p',
		'i',
		's',
		'+',
		'-',
		'j',
		'k',
		0x7f,
		'\t',
		'\r',
		0x1b,
		0,
		300,
		-1,
		DASHBOARD_KEY_UP,
		DASHBOARD_KEY_DOWN,
		DASHBOARD_KEY_PGUP,
		DASHBOARD_KEY_PGDN,
		DASHBOARD_KEY_HOME,
		DASHBOARD_KEY_END,
		DASHBOARD_KEY_LEFT,
		DASHBOARD_KEY_RIGHT,
		DASHBOARD_KEY_RESIZE,
	};
	struct stage *stage = *state;
	uint64_t random = 88172645463325252ULL;

	add_rich(stage);
	for (uint32_t step = 0; step < 20000; step++) {
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		if (step % 50 == 0)
			assert_int_equal(
				grid_resize(&stage->grid, random >> 8 & 63, random >> 16 & 255), 0);
		if (step % 97 == 0 && stage->input.count < 60)
			add_process(stage, step + 1, "guest", random >> 24 & 7);
		if (step % 131 == 0 && stage->input.count)
			process_free(stage->processes[--stage->input.count]);
		if (step % 20 == 0)
			end_interval(stage);
		if (step % 3 == 0 && stage->input.count)
			mark(stage, stage->processes[(random >> 32) % stage->input.count], random);
		dashboard_key(stage->dashboard, keys[random % (sizeof(keys) / sizeof(*keys))],
			      &stage->input);
		dashboard_draw(stage->dashboard, &stage->input, &stage->grid);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		ON_UTF8(nothing_is_watched),
		ON_UTF8(before_the_first_report),
		ON_UTF8(overview_shows_a_row_per_process),
		ON_UTF8(totals_are_in_the_title),
		ON_UTF8(sorting_is_stable),
		ON_UTF8(sort_column_is_chosen_and_marked),
		ON_UTF8(selection_follows_the_process),
		ON_UTF8(selection_survives_a_vanished_process),
		ON_UTF8(many_processes_scroll),
		ON_UTF8(ended_processes_stay_dimmed),
		ON_UTF8(ended_processes_do_not_lead_by_growth),
		ON_UTF8(loss_is_on_every_screen),
		ON_UTF8(process_page_shows_classes),
		ON_UTF8(mappings_are_sorted_by_retained),
		ON_UTF8(purges_are_listed_newest_first),
		ON_UTF8(mappings_are_read_once_an_interval),
		ON_UTF8(tables_scroll_and_take_turns),
		ON_UTF8(selected_mapping_stays),
		ON_UTF8(history_is_zoomed),
		ON_UTF8(freezing_holds_the_figures),
		ON_UTF8(freezing_outlives_the_history),
		ON_UTF8(help_explains_every_column_and_key),
		ON_UTF8(hostile_names_are_harmless),
		ON_UTF8(messages_are_above_the_foot),
		ON_UTF8(asks_to_quit),
		ON_UTF8(tiny_screens_say_so),
		ON_UTF8(columns_are_dropped_by_priority),
		ON_ASCII(ascii_screens_are_ascii),
		ON_UTF8(random_use_is_survived),
	};

	return cmocka_run_group_tests_name("dashboard", tests, NULL, NULL);
}
