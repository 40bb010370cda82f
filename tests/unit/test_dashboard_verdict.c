// SPDX-License-Identifier: GPL-2.0-only
/* The page of a verdict, and the writer that lays out its text. */
#include "tests/unit/dashboard.h"

#include "user/view/dashboard/writer.h"

/* A leak of a MiB a second, after so many intervals. */
static struct process *add_leak(struct stage *stage, unsigned int intervals)
{
	struct process *process = add_process(stage, 1200, "orders", ALLOCATOR_JEMALLOC);
	struct event_cycle cycle = {.h.time_ns = START_NS, .cause = CAUSE_ATTACH};

	apply(process, &cycle.h, sizeof(cycle), EVENT_CYCLE);
	cycle.end = 1;
	apply(process, &cycle.h, sizeof(cycle), EVENT_CYCLE);
	map(process, ARENA, 1024 * MIB, VMA_KIND_ANON, "");
	for (unsigned int i = 0; i < intervals; i++) {
		touch(stage, process, ARENA + i * MIB, 256);
		sample(stage, process, 0, 2 * MIB);
		end_interval(stage);
	}
	return process;
}

/* The probes come, find blocks of 4,096 bytes, and of half of that. */
static void follow(struct stage *stage, struct process *process, uint64_t full, uint64_t half)
{
	struct event_heap probes = {.h.time_ns = stage->input.now_ns,
				    .state = HEAP_ON,
				    .allocator = ALLOCATOR_JEMALLOC,
				    .functions = 12,
				    .flags = HEAP_WHOLE};

	apply(process, &probes.h, sizeof(probes), EVENT_HEAP);
	for (uint64_t i = 0; i < full + half; i++) {
		struct event_alloc alloc = {
			.h = {.tid = 1200, .time_ns = stage->input.now_ns},
			.addr = ARENA + i * PAGE_BYTES,
			.size = i < full ? PAGE_BYTES : PAGE_BYTES / 2,
		};

		apply(process, &alloc.h, sizeof(alloc), EVENT_ALLOC);
	}
	sample(stage, process, 0, 2 * MIB);
	end_interval(stage);
}

static struct process *add_followed(struct stage *stage)
{
	struct process *process = add_leak(stage, 12);

	follow(stage, process, 512, 512);
	return process;
}

static void the_verdict_of_a_leak(void **state)
{
	struct stage *stage = *state;

	add_leak(stage, 12);
	draw(stage);
	press(stage, 'v');
	assert_string_equal(
		line(stage, 0),
		" tidemark  1200 orders   verdict   allocator jemalloc   watched 12.0s");
	assert_string_equal(line(stage, 2), " live data grows");
	assert_int_equal(style_at(stage, 2, 1), STYLE_ALARM);
	assert_string_equal(line(stage, 3),
			    " why        the program keeps more and more: a leak, or "
			    "a cache without a bound");
	assert_string_equal(line(stage, 4), " tier       by page evidence, rule live_growth");
	assert_string_equal(line(stage, 5), " evidence   pages that were first touched stay: RSS "
					    "gained 11.0M in 11 s, 11.0M");
	assert_string_equal(line(stage, 6), "            were touched and 0 given back again");
	assert_string_equal(line(stage, 7), "            growth of RSS per hour: +3.52G (95%: "
					    "+3.52G to +3.52G) over 11 s");
	assert_shows(stage, "\n advice     look at the top site");
	assert_shows(stage, "\n change     fragmentation looks the same by pages");
	assert_shows(stage, "\n Heap evidence\n H          follows its allocations for 30 s");
	assert_hides(stage, "top site  "); /* none is known */
	assert_shows(stage, "Esc back  H heap  s sites");
}

static void too_little_is_said(void **state)
{
	struct stage *stage = *state;

	add_process(stage, 1200, "orders", ALLOCATOR_JEMALLOC);
	draw(stage);
	press(stage, 'v');
	assert_shows(stage, "no report yet");
	end_interval(stage);
	press(stage, 'x');
	assert_shows(stage, "\n cannot be told\n");
	assert_int_equal(style_at(stage, 2, 1), STYLE_NORMAL);
	assert_shows(stage, "rule too_little");
	assert_hides(stage, "no report yet");
}

/* The page follows the newest report, but not while it is frozen. */
static void frozen_it_stays(void **state)
{
	struct stage *stage = *state;
	struct process *process = add_leak(stage, 12);

	draw(stage);
	press(stage, 'v');
	press(stage, ' ');
	for (int i = 0; i < 40; i++) {
		sample(stage, process, 0, 2 * MIB);
		end_interval(stage);
	}
	draw(stage);
	assert_shows(stage, " live data grows\n");
	press(stage, ' ');
	assert_hides(stage, " live data grows\n");
	assert_shows(stage, "rule kept_idle");
}

/* ---- heap evidence ---- */

static void classes_of_the_heap(void **state)
{
	struct stage *stage = *state;

	add_followed(stage);
	draw(stage);
	press(stage, 'v');
	draw_at(stage, 40, 100);
	assert_shows(stage, "\n following  3.00M live in 1.02k allocations; 1.00M of fragmented "
			    "pages are empty; 12 functions\n            probed, H ends it\n");
	assert_shows(stage,
		     "\n █ live 2.00M 16.7%  ▓ fragmented 2.00M 16.7%  ▒ free 8.00M 66.7%  ░ "
		     "unknown 0 0\n");
	/* 12, 12 and 48 of 72 columns */
	assert_shows(stage, "\n ████████████▓▓▓▓▓▓▓▓▓▓▓▓"
			    "▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒\n");
	assert_shows(stage, "heap pages: 2.00M live, 2.00M fragmented, 8.00M free, 0 unknown");
}

static void without_utf8(void **state)
{
	struct stage *stage = *state;

	add_followed(stage);
	draw(stage);
	press(stage, 'v');
	draw_at(stage, 40, 100);
	assert_shows(stage,
		     "\n # live 2.00M 16.7%  + fragmented 2.00M 16.7%  ~ free 8.00M 66.7%  . "
		     "unknown 0 0\n");
	assert_shows(stage, "\n ############++++++++++++~~~~~~~~");
	for (const char *at = stage->text; *at; at++)
		assert_true(!(*at & 0x80));
}

/* What is over, sampled or lost is said. */
static void the_state_of_the_probes(void **state)
{
	struct stage *stage = *state;
	struct process *process = add_followed(stage);
	struct event_heap off = {.h.time_ns = stage->input.now_ns, .state = HEAP_OFF};

	draw(stage);
	press(stage, 'v');
	draw_at(stage, 40, 100);
	apply(process, &off.h, sizeof(off), EVENT_HEAP);
	end_interval(stage);
	draw(stage);
	assert_shows(stage, "\n followed   3.00M live");
	assert_shows(stage, "probed, ended\n");
	process->reports[(process->report_count - 1) % REPORT_HISTORY].heap.one_in = 8;
	process->reports[(process->report_count - 1) % REPORT_HISTORY].heap.totals.lost = 99;
	draw(stage);
	assert_shows(stage,
		     "\n sampled    more allocations than are tracked: those of one page in 8");
	assert_shows(stage, "\n lost       99 records");
	assert_int_equal(style_at(stage, row_of(stage, " lost       99"), 12), STYLE_ALARM);
}

/* ---- narrow and short ---- */

static void assert_fits(struct stage *stage)
{
	const char *at = stage->text;

	while (*at) {
		size_t length = strcspn(at, "\n");
		char copy[1024];

		snprintf(copy, sizeof(copy), "%.*s", (int)length, at);
		assert_true(grid_width(copy) <= stage->grid.cols);
		at += length + (at[length] == '\n');
	}
}

/* Nothing is left out where there is room for a word: it goes on below. */
static void narrow(void **state)
{
	static const char *const words[] = {" live data grows\n", " evidence ",
					    " advice ",		  " change ",
					    " live 2.00M 16.7%",  "fragmented 2.00M 16.7%",
					    "free 8.00M 66.7%",	  "unknown 0 0"};
	struct stage *stage = *state;

	add_followed(stage);
	draw(stage);
	press(stage, 'v');
	for (unsigned int cols = 30; cols < 130; cols++) {
		draw_at(stage, 80, cols);
		assert_fits(stage);
		for (size_t i = 0; i < ARRAY_SIZE(words); i++)
			assert_shows(stage, words[i]);
	}
	for (unsigned int rows = 1; rows < 30; rows++) {
		draw_at(stage, rows, 5 * rows);
		assert_fits(stage);
	}
}

/* The whole of it can be reached, a line at a time, and no more than that. */
static void scrolling(void **state)
{
	struct stage *stage = *state;

	add_followed(stage);
	draw(stage);
	press(stage, 'v');
	draw_at(stage, 12, 50);
	assert_shows(stage, " live data grows\n");
	assert_hides(stage, "Heap evidence");
	for (int i = 0; i < 100; i++)
		press(stage, DASHBOARD_KEY_DOWN);
	assert_hides(stage, " live data grows\n");
	assert_shows(stage, "free 8.00M 66.7%");
	press(stage, DASHBOARD_KEY_UP);
	press(stage, DASHBOARD_KEY_HOME);
	assert_shows(stage, " live data grows\n");
	press(stage, DASHBOARD_KEY_END);
	assert_shows(stage, "unknown 0 0");
}

/* ---- keys ---- */

static struct {
	unsigned int calls;
	uint32_t pid;
	bool on;
} asked;

static void heap_asked(void *ctx, uint32_t pid, bool on)
{
	assert_ptr_equal(ctx, &asked);
	asked.calls++;
	asked.pid = pid;
	asked.on = on;
}

static void the_heap_key(void **state)
{
	struct stage *stage = *state;
	struct process *process = add_leak(stage, 12);

	memset(&asked, 0, sizeof(asked));
	draw(stage);
	press(stage, 'v');
	press(stage, 'H'); /* nobody can: nothing happens */
	stage->input.heap = heap_asked;
	stage->input.heap_ctx = &asked;
	press(stage, 'H');
	assert_int_equal(asked.calls, 1);
	assert_int_equal(asked.pid, 1200);
	assert_true(asked.on);
	follow(stage, process, 512, 512);
	press(stage, 'H'); /* again: it ends them */
	assert_int_equal(asked.calls, 2);
	assert_false(asked.on);
	exit_process(stage, process, 0);
	end_interval(stage);
	press(stage, 'H');
	assert_int_equal(asked.calls, 2);
}

static void what_has_ended_was_not_followed(void **state)
{
	struct stage *stage = *state;
	struct process *process = add_leak(stage, 12);

	exit_process(stage, process, 0);
	end_interval(stage);
	draw(stage);
	press(stage, 'v');
	assert_shows(stage, "it has ended: its allocations were not followed");
	assert_hides(stage, "1 us per allocation");
}

static void from_page_to_page(void **state)
{
	struct stage *stage = *state;

	add_leak(stage, 12);
	draw(stage);
	press(stage, 'v');
	assert_shows(stage, "orders   verdict");
	press(stage, DASHBOARD_KEY_ESC);
	assert_hides(stage, "orders   verdict");
	press(stage, DASHBOARD_KEY_ENTER); /* the process's own page */
	press(stage, 'v');
	assert_shows(stage, "orders   verdict");
	press(stage, 's');
	assert_hides(stage, "orders   verdict");
	press(stage, DASHBOARD_KEY_ESC);
	assert_shows(stage, "orders   verdict");
	press(stage, DASHBOARD_KEY_BACKSPACE);
	assert_hides(stage, "orders   verdict");
	press(stage, DASHBOARD_KEY_ESC);
	assert_hides(stage, "orders   verdict");
	/* and nowhere without a process */
	press(stage, 'v');
	process_free(stage->processes[0]);
	stage->input.count = 0;
	draw(stage);
	assert_hides(stage, "orders");
	press(stage, 'v');
	press(stage, 'H');
	assert_hides(stage, "verdict   ");
}

/* ---- the writer ---- */

static char *written(struct stage *stage, unsigned int cols, const char *text, size_t *lines)
{
	struct writer writer = {.grid = &stage->grid, .rows = 60};

	assert_int_equal(grid_resize(&stage->grid, 60, cols), 0);
	writer_entry(&writer, "term", STYLE_NORMAL, text);
	*lines = writer.line;
	free(stage->text);
	stage->text = grid_to_text(&stage->grid);
	assert_non_null(stage->text);
	return stage->text;
}

static void words_are_wrapped(void **state)
{
	struct stage *stage = *state;
	size_t lines;

	written(stage, 33, "one two three four five six seven", &lines);
	assert_string_equal(line(stage, 0), " term       one two three four");
	assert_string_equal(line(stage, 1), "            five six seven");
	assert_int_equal(lines, 2);
	/* exactly as wide, and a column too wide */
	written(stage, 33, "12345678901234567890", &lines);
	assert_int_equal(lines, 1);
	assert_string_equal(line(stage, 0), " term       12345678901234567890");
	written(stage, 33, "123456789012345678901", &lines);
	assert_int_equal(lines, 2);
	assert_string_equal(line(stage, 1), "            1");
	/* a word that is longer than a line is broken; blanks begin none */
	written(stage, 33, "a abcdefghijklmnopqrstuvwxyz0123456789    b", &lines);
	assert_string_equal(line(stage, 0), " term       a");
	assert_string_equal(line(stage, 1), "            abcdefghijklmnopqrst");
	assert_string_equal(line(stage, 2), "            uvwxyz0123456789");
	assert_string_equal(line(stage, 3), "            b");
	/* an empty text is a line all the same */
	written(stage, 33, "", &lines);
	assert_int_equal(lines, 1);
	assert_string_equal(line(stage, 0), " term");
	written(stage, 33, "   ", &lines);
	assert_string_equal(line(stage, 0), " term");
}

/* By columns, and between characters. */
static void wide_characters_are_wrapped(void **state)
{
	struct stage *stage = *state;
	size_t lines;

	written(stage, 33, "äöüäöüäöüäöüäöüäöüäöüäöü", &lines);
	assert_string_equal(line(stage, 0), " term       äöüäöüäöüäöüäöüäöüäö");
	assert_string_equal(line(stage, 1), "            üäöü");
}

/* Whatever comes, each word is there once and in order, and it ends. */
static void nothing_is_lost_by_wrapping(void **state)
{
	struct stage *stage = *state;
	uint64_t seed = 9;

	for (int round = 0; round < 300; round++) {
		char text[400] = "", *at, *shown, *out;
		size_t lines, length = random_below(&seed, sizeof(text) - 1);

		for (size_t i = 0; i < length; i++)
			text[i] = random_below(&seed, 6) ? (char)('a' + random_below(&seed, 26))
							 : ' ';
		at = written(stage, 26 + (unsigned int)random_below(&seed, 120), text, &lines);
		shown = at = strdup(at + strlen(" term"));
		assert_non_null(shown);
		for (out = at; *at; at++)
			if (*at != ' ' && *at != '\n')
				*out++ = *at;
		*out = '\0';
		for (out = at = text; *at; at++)
			if (*at != ' ')
				*out++ = *at;
		*out = '\0';
		assert_string_equal(shown, text);
		assert_true(lines <= 60);
		free(shown);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_UTF8(the_verdict_of_a_leak),
		ON_UTF8(too_little_is_said),
		ON_UTF8(frozen_it_stays),
		ON_UTF8(classes_of_the_heap),
		ON_ASCII(without_utf8),
		ON_UTF8(the_state_of_the_probes),
		ON_UTF8(narrow),
		ON_UTF8(scrolling),
		ON_UTF8(the_heap_key),
		ON_UTF8(what_has_ended_was_not_followed),
		ON_UTF8(from_page_to_page),
		ON_UTF8(words_are_wrapped),
		ON_UTF8(wide_characters_are_wrapped),
		ON_UTF8(nothing_is_lost_by_wrapping),
	};

	return cmocka_run_group_tests_name("dashboard_verdict", tests, NULL, NULL);
}
