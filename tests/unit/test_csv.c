// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/exports.h"

#include <math.h>

#include "user/stack/frames.h"
#include "user/view/csv.h"

#define KEPT __attribute__((noinline, noclone, used))

static struct csv csv; /* too large for a stack */
static volatile int sink;

static KEPT void cache_insert(void)
{
	sink++;
}

static KEPT void order_handle(void)
{
	cache_insert();
	sink++;
}

static void parse(struct exports *e,
		  int (*write)(FILE *, const struct process *, const struct export_context *))
{
	csv_parse(&csv, exports_write(e, write));
}

static void expect(size_t row, const char *name, const char *value)
{
	const char *got = csv_get(&csv, row, name);

	if (strcmp(got, value))
		fail_msg("row %zu: %s is '%s', not '%s'", row, name, got, value);
}

/* ---- fields ---- */

static void check_field(const char *text, const char *expected)
{
	char put[128] = "";
	FILE *file = fmemopen(put, sizeof(put), "w");

	assert_non_null(file);
	csv_put(file, text);
	fclose(file);
	assert_string_equal(put, expected);
}

static void fields_are_quoted_where_they_need_it(void **state)
{
	(void)state;
	check_field("", "");
	check_field("plain; text", "plain; text");
	check_field("a,b", "\"a,b\"");
	check_field("say \"x\"", "\"say \"\"x\"\"\"");
	check_field("two\nlines", "\"two\nlines\"");
	check_field("\r", "\"\r\"");
}

/* ---- sites.csv ---- */

static void sites_by_size(void **state)
{
	struct exports e = exports_new("handler", true);
	uint32_t self = exports_self(&e), known, cut;
	uint64_t start;

	(void)state;
	known = STACK(&e, STACK_END_COMPLETE, {exports_address(cache_insert), self, 0},
		      {exports_address(order_handle), self, 0});
	cut = STACK(&e, STACK_END_CUT, {exports_address(order_handle), self, 0});
	start = exports_touch(&e, 20, known);
	world_range(&e.world, EVENT_MADVISE, start, PAGES(4), EVENT_CALL_MADVISE, MADV_FREE);
	exports_interval(&e);
	exports_touch(&e, 10, known);
	exports_touch(&e, 7, cut);
	exports_touch(&e, 3, 0);
	parse(&e, sites_csv_write);
	assert_int_equal(csv.rows, 4);
	expect(1, "rank", "1");
	expect(1, "stack", "1");
	expect(1, "reason", "known");
	expect(1, "allocator", "jemalloc");
	expect(1, "end", "complete");
	expect(1, "resident_pages", "30");
	expect(1, "resident_bytes", "122880");
	expect(1, "retained_pages", "20");
	expect(1, "retained_bytes", "81920");
	expect(1, "lazyfree_pages", "4");
	expect(1, "lazyfree_bytes", "16384");
	expect(1, "estimated_pages", "0");
	expect(1, "frames", "order_handle;cache_insert");
	assert_non_null(strstr(csv_get(&csv, 1, "title"), "cache_insert"));
	assert_true(strtod(csv_get(&csv, 1, "oldest_s"), NULL) >= 2);
	assert_true(strtod(csv_get(&csv, 1, "newest_s"), NULL) <= 0.02);
	expect(2, "end", "cut");
	expect(2, "frames", "order_handle");
	expect(3, "rank", "3");
	expect(3, "stack", "0");
	expect(3, "reason", "untaken");
	expect(3, "end", "");
	expect(3, "title", "[stack not taken]");
	expect(3, "frames", "[stack not taken]");
	/* the sites add up to the ledger */
	assert_int_equal(csv_sum(&csv, "resident_pages"), 40);
	assert_int_equal(csv_sum(&csv, "retained_bytes"), PAGES(20));
	free(csv.text);
	exports_free(&e);
}

static void growth_is_since_the_list_before(void **state)
{
	struct exports e = exports_new("handler", true);
	uint32_t module = exports_module(&e, "/bin/x"), stack;

	(void)state;
	stack = STACK(&e, STACK_END_COMPLETE, {0x10, module, 0});
	exports_touch(&e, 5, stack);
	parse(&e, sites_csv_write);
	expect(1, "growth_time_s", "0.000");
	free(csv.text);
	e.world.now += MS(2500);
	exports_touch(&e, 8, stack);
	parse(&e, sites_csv_write);
	expect(1, "growth_pages", "8");
	expect(1, "growth_time_s", "2.500");
	free(csv.text);
	exports_free(&e);
}

/* Found when the watch began: there is no age, and no stack. */
static void ages_may_not_be_known(void **state)
{
	struct exports e = exports_new("handler", true);
	struct {
		struct event_scan scan;
		struct event_run run;
	} event = {
		.scan = {.start = A, .end = A + PAGES(16), .run_count = 1, .begin_ns = e.world.now},
		.run = {A, 6},
	};

	(void)state;
	world_cycle(&e.world, CAUSE_ATTACH, 0, 0);
	event.scan.cause = CAUSE_ATTACH;
	e.world.now += MS(1000);
	event.scan.begin_ns = e.world.now;
	world_feed(&e.world, &event.scan.h, EVENT_SCAN, sizeof(event));
	parse(&e, sites_csv_write);
	assert_int_equal(csv.rows, 2);
	assert_int_equal(csv_sum(&csv, "resident_pages"), 6);
	expect(1, "stack", "0");
	assert_int_equal(csv_get(&csv, 1, "frames")[0], '[');
	free(csv.text);
	exports_free(&e);
}

static void hostile_names_are_quoted(void **state)
{
	struct exports e = exports_new("handler", true);
	uint32_t module = exports_module(&e, "/x/" HOSTILE), stack;

	(void)state;
	stack = STACK(&e, STACK_END_NO_CFI, {0x10, module, 0}, {0x20, module, 0});
	exports_touch(&e, 1, stack);
	parse(&e, sites_csv_write);
	assert_int_equal(csv.rows, 2);
	assert_clean_line(csv_get(&csv, 1, "frames"));
	assert_clean_line(csv_get(&csv, 1, "title"));
	assert_int_equal(strncmp(csv_get(&csv, 1, "frames"), "a:b,\"c\"???", 10), 0);
	/* two frames, so one separator */
	assert_non_null(strchr(csv_get(&csv, 1, "frames"), ';'));
	assert_ptr_equal(strchr(csv_get(&csv, 1, "frames"), ';'),
			 strrchr(csv_get(&csv, 1, "frames"), ';'));
	free(csv.text);
	exports_free(&e);
}

static void sites_without_stacks(void **state)
{
	struct exports e = exports_new("handler", false);

	(void)state;
	parse(&e, sites_csv_write);
	assert_int_equal(csv.rows, 1);
	free(csv.text);
	exports_touch(&e, 4, 0);
	parse(&e, sites_csv_write);
	assert_int_equal(csv.rows, 2);
	expect(1, "allocator", "jemalloc");
	expect(1, "frames", "[stack not taken]");
	free(csv.text);
	exports_free(&e);
}

/* ---- mappings.csv ---- */

static void mappings_name_their_allocator(void **state)
{
	struct exports e = exports_new("handler", true);
	uint32_t module = exports_module(&e, "/usr/lib/libjemalloc.so.2"), stack;
	struct event_mmap event = {.addr = A + PAGES(2 << 20),
				   .len = PAGES(8),
				   .prot = PROT_READ | PROT_WRITE,
				   .flags = ANON};
	char number[16];

	(void)state;
	stack = STACK(&e, STACK_END_COMPLETE, {0x10, module, 0});
	event.h.stack = stack;
	world_feed(&e.world, &event.h, EVENT_MMAP, sizeof(event));
	exports_touch(&e, 3, 0);
	parse(&e, mappings_csv_write);
	assert_int_equal(csv.rows, 3);
	expect(1, "start", "0x7f0000000000");
	expect(1, "allocator", "?");
	expect(1, "stack", "0");
	expect(1, "resident_bytes", "12288");
	expect(2, "allocator",
	       allocator_name(stack_allocator(e.symbols, stacks_get(e.stacks, stack))));
	expect(2, "allocator", "jemalloc");
	snprintf(number, sizeof(number), "%u", stack);
	expect(2, "stack", number);
	expect(2, "kind", "anon");
	expect(2, "protection", "rw-p");
	expect(2, "size_bytes", "32768");
	free(csv.text);
	exports_free(&e);
}

static void mappings_without_stacks(void **state)
{
	struct exports e = exports_new("handler", false);

	(void)state;
	parse(&e, mappings_csv_write);
	assert_int_equal(csv.rows, 2);
	expect(1, "allocator", "?");
	expect(1, "stack", "0");
	free(csv.text);
	exports_free(&e);
}

/* ---- stacks.csv ---- */

static void counters_have_names(void **state)
{
	struct exports e = exports_new("handler", true);
	struct event_loss loss = {.h = HEADER(EVENT_LOSS, event_loss, WORLD_PID, 1, e.world.now),
				  .stacks = 7};
	static const char *const names[] = {"taken", "repeated"};
	size_t row = 1;

	(void)state;
	unwinder_event(e.process->unwinder, &loss.h);
	parse(&e, stacks_csv_write);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		expect(row++, "name", names[i]);
	for (unsigned int end = 0; end < STACK_END_COUNT; end++) {
		expect(row, "help", stack_end_help(end));
		expect(row++, "name", stack_end_name(end));
	}
	for (; row < csv.rows; row++) {
		const char *name = csv_get(&csv, row, "name");

		assert_true(!strcmp(name, "guessed") || !strcmp(name, "refused") ||
			    !strcmp(name, "lost") || !strcmp(name, "skipped"));
		assert_true(*csv_get(&csv, row, "help"));
		expect(row, "count", strcmp(name, "skipped") ? "0" : "7");
	}
	assert_int_equal(csv.rows, 1 + 2 + STACK_END_COUNT + 4);
	free(csv.text);
	exports_free(&e);
}

static void no_counters_without_stacks(void **state)
{
	struct exports e = exports_new("handler", false);

	(void)state;
	parse(&e, stacks_csv_write);
	assert_int_equal(csv.rows, 1);
	assert_int_equal(csv.columns, 3);
	free(csv.text);
	exports_free(&e);
}

/* ---- invocations.csv, survival.csv ---- */

static void mark(struct exports *e, enum invocation_edge edge, const char *id, uint64_t value)
{
	struct event_invocation event = {.edge = edge, .value = value};

	snprintf(event.id, sizeof(event.id), "%s", id);
	e->world.now += MS(250);
	world_feed(&e->world, &event.h, EVENT_INVOCATION, sizeof(event));
}

static void give_back(struct exports *e, uint64_t start, uint64_t pages)
{
	world_range(&e->world, EVENT_MADVISE, start, PAGES(pages), EVENT_CALL_MADVISE,
		    MADV_DONTNEED);
}

/* Three that ended, one that is open, one whose thread ended. */
static void add_invocations(struct exports *e)
{
	uint64_t first, second;

	mark(e, INVOCATION_BEGIN, "a,\"b\"", 0);
	first = exports_touch(e, 5, 0);
	give_back(e, first, 2);
	mark(e, INVOCATION_END, "", 0);
	mark(e, INVOCATION_BEGIN, "", 77);
	second = exports_touch(e, 4, 0);
	give_back(e, first + PAGES(2), 1);
	mark(e, INVOCATION_END, "", 0);
	give_back(e, second, 4);
	mark(e, INVOCATION_BEGIN, "\x1b[31m", 0);
	mark(e, INVOCATION_BEGIN, "inner", 0);
	exports_touch(e, 6, 0);
	mark(e, INVOCATION_END, "inner", 0);
	e->world.tid++;
	mark(e, INVOCATION_BEGIN, "", 0);
	mark(e, INVOCATION_GONE, "", 0);
	e->world.tid--;
}

static void invocations_oldest_first(void **state)
{
	static const char *const expected[][15] = {
		{"1", "a,\"b\"", "4000", "0", "ended", "0", "1.2", "0.2", "5", "2", "3", "2", "nan",
		 "nan", "nan"},
		{"2", "77", "4000", "0", "ended", "0", "1.7", "0.2", "4", "0", "4", "0", "nan",
		 "nan", "nan"},
		{"3", "", "4000", "0", "open", "0", "2.2", "nan", "0", "0", "nan", "nan", "nan",
		 "nan", "nan"},
		{"4", "inner", "4000", "1", "ended", "0", "2.5", "0.2", "6", "6", "6", "nan", "nan",
		 "nan", "nan"},
		{"5", "", "4001", "0", "cut", "0", "3.0", "nan", "0", "0", "nan", "nan", "nan",
		 "nan", "nan"},
	};
	struct exports e = exports_new("handler", true);

	(void)state;
	add_invocations(&e);
	parse(&e, invocations_csv_write);
	assert_int_equal(csv.columns, 15);
	assert_string_equal(csv.fields[0][0], "number");
	assert_string_equal(csv.fields[0][10], "end_pages");
	assert_string_equal(csv.fields[0][14], "later_1000_pages");
	assert_int_equal(csv.rows, 1 + ARRAY_SIZE(expected));
	for (size_t row = 0; row < ARRAY_SIZE(expected); row++) {
		for (size_t column = 0; column < 15; column++) {
			const char *got = csv.fields[row + 1][column];
			const char *wanted = expected[row][column];

			/* times to the first digits: touches take some, too */
			if (column == 6 || column == 7 ? strncmp(got, wanted, 3) != 0
						       : strcmp(got, wanted) != 0)
				fail_msg("row %zu: %s is '%s', not '%s'", row + 1,
					 csv.fields[0][column], got, wanted);
		}
	}
	free(csv.text);
	exports_free(&e);
}

static void survival_by_point(void **state)
{
	static const char *const expected[][5] = {
		{"0", "3", "15", "13", "0.866667"}, {"1", "2", "9", "2", "0.222222"},
		{"10", "0", "0", "0", "nan"},	    {"100", "0", "0", "0", "nan"},
		{"1000", "0", "0", "0", "nan"},
	};
	struct exports e = exports_new("handler", true);

	(void)state;
	add_invocations(&e);
	parse(&e, survival_csv_write);
	assert_int_equal(csv.rows, 1 + ARRAY_SIZE(expected));
	assert_int_equal(csv.columns, 5);
	for (size_t row = 0; row < ARRAY_SIZE(expected); row++)
		for (size_t column = 0; column < 5; column++)
			assert_string_equal(csv.fields[row + 1][column], expected[row][column]);
	assert_string_equal(csv.fields[0][4], "share");
	free(csv.text);
	exports_free(&e);
}

/* A heading, as of stacks where none are taken. */
static void no_invocations(void **state)
{
	struct exports e = exports_new("handler", true);

	(void)state;
	exports_touch(&e, 3, 0);
	parse(&e, invocations_csv_write);
	assert_int_equal(csv.rows, 1);
	free(csv.text);
	parse(&e, survival_csv_write);
	assert_int_equal(csv.rows, 1);
	free(csv.text);
	exports_free(&e);
}

static void the_newest_invocations_are_kept(void **state)
{
	struct exports e = exports_new("handler", true);
	char *text, *last;
	size_t rows = 0;

	(void)state;
	for (uint32_t i = 0; i < INVOCATIONS_KEPT + 100; i++) {
		mark(&e, INVOCATION_BEGIN, "", i + 1);
		mark(&e, INVOCATION_END, "", i + 1);
	}
	text = exports_read(exports_write(&e, invocations_csv_write));
	last = text;
	for (char *at = text; *at; at++) {
		if (*at != '\n')
			continue;
		if (!rows++)
			assert_int_equal(strncmp(at + 1, "101,101,", 8), 0);
		if (at[1])
			last = at + 1;
	}
	assert_int_equal(rows, 1 + INVOCATIONS_KEPT);
	assert_int_equal(strncmp(last, "4196,4196,", 10), 0);
	free(text);
	exports_free(&e);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_quoted_where_they_need_it),
		EXPORTS_TEST(sites_by_size),
		EXPORTS_TEST(growth_is_since_the_list_before),
		EXPORTS_TEST(ages_may_not_be_known),
		EXPORTS_TEST(hostile_names_are_quoted),
		EXPORTS_TEST(sites_without_stacks),
		EXPORTS_TEST(mappings_name_their_allocator),
		EXPORTS_TEST(mappings_without_stacks),
		EXPORTS_TEST(counters_have_names),
		EXPORTS_TEST(no_counters_without_stacks),
		EXPORTS_TEST(invocations_oldest_first),
		EXPORTS_TEST(survival_by_point),
		EXPORTS_TEST(no_invocations),
		EXPORTS_TEST(the_newest_invocations_are_kept),
	};

	order_handle();
	return cmocka_run_group_tests_name("csv", tests, NULL, NULL);
}
