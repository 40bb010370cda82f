// SPDX-License-Identifier: GPL-2.0-only
/* report.html: what its data say, and that nothing in them gets out of their place. */
#include "tests/unit/exports.h"

#include <jansson.h>

#include "tests/unit/heap_world.h"
#include "user/view/html/html.h"
#include "user/view/html/page.h"

#define DATA "<script type=\"application/json\" id=\"data\">"
#define TAIL "</script>\n</body>\n</html>\n"

/* As long as a command name may be: what would end the data, if it were not escaped. */
#define HOSTILE_COMM "</script><!--&"

/* The data of the page as it was written, parsed; the caller's. */
static json_t *page_read(struct exports *e)
{
	char *text = exports_read(exports_write(e, html_write)), *begin, *end;
	size_t page = (size_t)(html_page_end - html_page);
	json_error_t error;
	json_t *data;

	assert_true(strlen(text) > page + strlen(DATA TAIL));
	assert_memory_equal(text, html_page, page);
	begin = text + page;
	assert_memory_equal(begin, DATA, strlen(DATA));
	begin += strlen(DATA);
	end = text + strlen(text) - strlen(TAIL);
	assert_string_equal(end, TAIL);
	*end = '\0';
	/* no character that begins or ends anything in HTML */
	assert_null(strpbrk(begin, "<>&"));
	data = json_loads(begin, JSON_REJECT_DUPLICATES, &error);
	if (!data)
		fail_msg("column %d: %s", error.column, error.text);
	free(text);
	return data;
}

static json_t *get(const json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);

	if (!value)
		fail_msg("there is no %s", key);
	return value;
}

static long long number_of(const json_t *object, const char *key)
{
	assert_true(json_is_integer(get(object, key)));
	return json_integer_value(get(object, key));
}

static const char *text_of(const json_t *object, const char *key)
{
	assert_true(json_is_string(get(object, key)));
	return json_string_value(get(object, key));
}

static long long item(const json_t *row, size_t index)
{
	assert_true(json_is_integer(json_array_get(row, index)));
	return json_integer_value(json_array_get(row, index));
}

static long long sum_key(const json_t *rows, const char *key)
{
	long long sum = 0;
	size_t i;
	json_t *row;

	json_array_foreach(rows, i, row) sum += number_of(row, key);
	return sum;
}

static long long sum_column(const json_t *rows, size_t column)
{
	long long sum = 0;
	size_t i;
	json_t *row;

	json_array_foreach(rows, i, row) sum += item(row, column);
	return sum;
}

static void expect_note(const json_t *data, const char *words)
{
	size_t i;
	json_t *note;

	json_array_foreach(get(data, "notes"), i,
			   note) if (strstr(json_string_value(note), words)) return;
	fail_msg("no note with '%s'", words);
}

/* ---- names ---- */

static void names_stay_in_their_place(void **state)
{
	struct exports e = exports_new(HOSTILE_COMM, true);
	uint32_t module = exports_module(&e, "/x/</script><script>alert(1)</script>"), stack;
	uint32_t other = exports_module(&e, "/x/" HOSTILE);
	struct event_mmap_file file = {.m.addr = A + PAGES(1 << 21),
				       .m.len = PAGES(4),
				       .m.prot = PROT_READ | PROT_WRITE,
				       .m.flags = MAP_PRIVATE,
				       .ino = 5};
	json_t *data, *frames, *frame, *mappings;
	size_t i;
	bool found = false;

	(void)state;
	snprintf(file.name, sizeof(file.name), "<img src=x onerror=alert(2)>&amp;");
	world_feed(&e.world, &file.m.h, EVENT_MMAP_FILE, sizeof(file));
	world_touch(&e.world, A + PAGES(1 << 21), 2);
	stack = STACK(&e, STACK_END_COMPLETE, {0x10, module, 0}, {0x20, other, 0});
	exports_touch(&e, 3, stack);
	exports_interval(&e);
	data = page_read(&e);
	assert_string_equal(text_of(get(data, "process"), "command"), HOSTILE_COMM);
	frames = get(get(data, "sites"), "frames");
	json_array_foreach(frames, i, frame)
	{
		const char *name = json_string_value(json_array_get(frame, 2));

		assert_clean_line(name);
		/* the base name of a path, whatever is in it */
		found |= !strcmp(name, "script>");
	}
	assert_true(found);
	mappings = get(get(data, "map"), "mappings");
	assert_int_equal(json_array_size(mappings), 2);
	assert_string_equal(json_string_value(json_array_get(json_array_get(mappings, 1), 3)),
			    "<img src=x onerror=alert(2)>&amp;");
	json_decref(data);
	exports_free(&e);
}

/* ---- figures ---- */

static void report(struct exports *e, uint64_t number)
{
	e->world.now += MS(1000);
	assert_int_equal(process_report(e->process, e->world.now, number), 0);
	world_interval(&e->world, number);
}

static void history_adds_up(void **state)
{
	static const char *const names[] = {"time_s", "retained", "young", "lazy",	 "file",
					    "shmem",  "rss",	  "swap",  "unexplained"};
	struct exports e = exports_new("handler", true);
	struct event_sample sample = {
		.anon_bytes = PAGES(14), .file_bytes = PAGES(3), .shmem_bytes = PAGES(2)};
	json_t *data, *rows, *row;
	size_t i;

	(void)state;
	exports_touch(&e, 8, 0);
	report(&e, 1);
	exports_touch(&e, 5, 0);
	world_range(&e.world, EVENT_MADVISE, A, PAGES(3), EVENT_CALL_MADVISE, MADV_FREE);
	world_feed(&e.world, &sample.h, EVENT_SAMPLE, sizeof(sample));
	report(&e, 2);
	data = page_read(&e);
	for (i = 0; i < ARRAY_SIZE(names); i++)
		assert_string_equal(
			json_string_value(json_array_get(get(get(data, "series"), "names"), i)),
			names[i]);
	rows = get(get(data, "series"), "rows");
	assert_int_equal(json_array_size(rows), 2);
	row = json_array_get(rows, 1);
	assert_int_equal(item(row, 1), PAGES(5));
	assert_int_equal(item(row, 2), PAGES(5));
	assert_int_equal(item(row, 3), PAGES(3));
	assert_int_equal(item(row, 4), PAGES(3));
	assert_int_equal(item(row, 5), PAGES(2));
	assert_int_equal(item(row, 6), PAGES(19));
	assert_int_equal(item(row, 8), PAGES(1));
	assert_int_equal(json_array_size(get(data, "notes")), 0);
	json_decref(data);
	exports_free(&e);
}

static void what_history_lacks_is_said(void **state)
{
	struct exports e = exports_new("handler", true);
	json_t *data, *rows;

	(void)state;
	for (uint64_t i = 1; i <= REPORT_HISTORY + 10; i++)
		report(&e, i);
	data = page_read(&e);
	rows = get(get(data, "series"), "rows");
	assert_int_equal(json_array_size(rows), REPORT_HISTORY);
	expect_note(data, "begins at 12 s");
	json_decref(data);
	exports_free(&e);
}

static void nothing_known_is_no_error(void **state)
{
	struct exports e = exports_new("", false);
	json_t *data = page_read(&e);

	(void)state;
	assert_string_equal(text_of(get(data, "process"), "command"), "?");
	assert_true(json_is_null(get(data, "invocations")));
	assert_int_equal(json_array_size(get(get(data, "sites"), "rows")), 0);
	assert_int_equal(json_array_size(get(get(data, "map"), "squares")), 0);
	assert_int_equal(json_array_size(get(data, "figures")), 0);
	json_decref(data);
	exports_free(&e);
}

/* What is in the heap's pages, from the report on after which allocations were followed. */
static void heap_adds_up(void **state)
{
	struct exports e = exports_new("handler", true);
	uint32_t module = exports_module(&e, "/opt/handler"), stack;
	struct event_alloc_begin begin = {.size = PAGES(1)};
	json_t *data, *heap, *row, *live;

	(void)state;
	exports_touch(&e, 8, 0);
	report(&e, 1);
	data = page_read(&e);
	assert_true(json_is_null(get(data, "heap")));
	assert_int_equal(json_array_size(get(get(data, "sites"), "allocations")), 0);
	json_decref(data);
	world_probes(&e.world, HEAP_ON, ALLOCATOR_JEMALLOC, HEAP_WHOLE, 0);
	world_alloc(&e.world, A, PAGES(2));
	stack = STACK(&e, STACK_END_COMPLETE, {0x10, module, 0}, {0x30, module, 0});
	begin.h.stack = stack;
	world_feed(&e.world, &begin.h, EVENT_ALLOC_BEGIN, sizeof(begin));
	world_alloc_flags(&e.world, A + PAGES(2), PAGES(1), 0, ALLOC_SAMPLED);
	report(&e, 2);
	data = page_read(&e);
	heap = get(data, "heap");
	assert_int_equal(json_array_size(get(heap, "rows")), 1);
	assert_int_equal(json_array_size(get(heap, "names")), 2 + HEAP_CLASS_COUNT);
	row = json_array_get(get(heap, "rows"), 0);
	assert_int_equal(item(row, 1 + HEAP_LIVE), PAGES(3));
	assert_int_equal(item(row, 1 + HEAP_FRAGMENTED), 0);
	assert_int_equal(item(row, 1 + HEAP_FREE), PAGES(5));
	assert_int_equal(item(row, 1 + HEAP_UNKNOWN), 0);
	assert_int_equal(item(row, 1 + HEAP_CLASS_COUNT), PAGES(3));
	assert_int_equal(number_of(heap, "live_count"), 2);
	assert_true(json_is_true(get(heap, "whole")));
	assert_true(json_is_null(get(heap, "end")));
	live = get(get(data, "sites"), "allocations");
	assert_int_equal(json_array_size(live), 1);
	assert_int_equal(json_array_size(get(json_array_get(live, 0), "frames")), 2);
	assert_int_equal(number_of(json_array_get(live, 0), "live"), PAGES(1));
	json_decref(data);
	exports_free(&e);
}

static void survival_is_told(void **state)
{
	struct exports e = exports_new("handler", true);
	json_t *data, *invocations, *points, *ends;

	(void)state;
	for (unsigned int i = 0; i < 2500; i++) {
		uint64_t at;

		world_invocation(&e.world, INVOCATION_BEGIN, "");
		at = exports_touch(&e, 2, 0);
		world_range(&e.world, EVENT_MADVISE, at, PAGES(1), EVENT_CALL_MADVISE,
			    MADV_DONTNEED);
		world_invocation(&e.world, INVOCATION_END, "");
	}
	data = page_read(&e);
	invocations = get(data, "invocations");
	points = get(invocations, "survival");
	assert_int_equal(json_array_size(points), INVOCATION_POINT_COUNT);
	assert_int_equal(number_of(json_array_get(points, 4), "later"), 1000);
	assert_int_equal(number_of(json_array_get(points, 4), "born"), 3000);
	assert_int_equal(number_of(json_array_get(points, 4), "resident"), 1500);
	ends = get(invocations, "ends");
	/* thinned, and each where it belongs: a page stays of each invocation */
	assert_in_range(json_array_size(ends), HTML_ENDS_MAX / 2, HTML_ENDS_MAX);
	for (size_t i = 0; i < json_array_size(ends); i++)
		assert_int_equal(item(json_array_get(ends, i), 0),
				 item(json_array_get(ends, i), 1));
	assert_int_equal(item(json_array_get(ends, json_array_size(ends) - 1), 0), 2500);
	expect_note(data, "a point for one end in ");
	json_decref(data);
	exports_free(&e);
}

/* ---- sites ---- */

static void sites_share_their_frames(void **state)
{
	struct exports e = exports_new("handler", true);
	uint32_t module = exports_module(&e, "/opt/handler"), stack[2];
	json_t *data, *sites, *rows, *frames;

	(void)state;
	stack[0] = STACK(&e, STACK_END_COMPLETE, {0x10, module, 0}, {0x30, module, 0});
	stack[1] = STACK(&e, STACK_END_CUT, {0x20, module, 0}, {0x30, module, 0});
	exports_touch(&e, 5, stack[0]);
	exports_touch(&e, 3, stack[1]);
	exports_interval(&e);
	exports_touch(&e, 2, 0);
	data = page_read(&e);
	sites = get(data, "sites");
	rows = get(sites, "rows");
	frames = get(sites, "frames");
	assert_int_equal(json_array_size(rows), 3);
	assert_int_equal(json_array_size(frames), 4); /* one is the placeholder's */
	assert_int_equal(number_of(json_array_get(rows, 0), "retained"), 5);
	/* outermost first */
	assert_int_equal(item(get(json_array_get(rows, 0), "frames"), 0),
			 item(get(json_array_get(rows, 1), "frames"), 0));
	assert_string_equal(
		json_string_value(json_array_get(
			json_array_get(frames,
				       (size_t)item(get(json_array_get(rows, 0), "frames"), 1)),
			0)),
		"handler+0x10");
	assert_string_equal(text_of(json_array_get(rows, 0), "end"), "");
	assert_string_equal(text_of(json_array_get(rows, 1), "end"), stack_end_help(STACK_END_CUT));
	assert_string_equal(text_of(json_array_get(rows, 2), "reason"),
			    site_reason_help(SITE_UNTAKEN));
	assert_int_equal(sum_key(rows, "resident"), 10);
	assert_true(json_is_null(get(sites, "rest")));
	json_decref(data);
	exports_free(&e);
}

static void many_sites_are_summed(void **state)
{
	struct exports e = exports_new("handler", true);
	uint32_t module = exports_module(&e, "/opt/handler");
	const size_t count = HTML_SITES_MAX + 123;
	json_t *data, *sites;

	(void)state;
	for (size_t i = 0; i < count; i++)
		exports_touch(&e, 1 + i % 3,
			      STACK(&e, STACK_END_COMPLETE, {0x1000 + i, module, 0}));
	exports_interval(&e);
	data = page_read(&e);
	sites = get(data, "sites");
	assert_int_equal(json_array_size(get(sites, "rows")), HTML_SITES_MAX);
	assert_int_equal(number_of(get(sites, "rest"), "count"), 123);
	assert_int_equal(sum_key(get(sites, "rows"), "resident") +
				 number_of(get(sites, "rest"), "resident"),
			 (long long)e.world.ledger->pages.pages);
	assert_int_equal(sum_key(get(sites, "rows"), "retained") +
				 number_of(get(sites, "rest"), "retained"),
			 (long long)e.world.ledger->pages.pages);
	expect_note(data, "123 more are summed");
	json_decref(data);
	exports_free(&e);
}

/* ---- the map ---- */

static void squares_hold_the_ledgers_pages(void **state)
{
	struct exports e = exports_new("handler", true);
	json_t *data, *squares;

	(void)state;
	exports_touch(&e, 700, 0); /* a whole leaf, and 188 pages of the next */
	exports_interval(&e);
	e.next = A + 4 * LEAF_BYTES;
	exports_touch(&e, 7, 0);
	world_range(&e.world, EVENT_MADVISE, A, PAGES(100), EVENT_CALL_MADVISE, MADV_FREE);
	data = page_read(&e);
	assert_int_equal(number_of(get(data, "map"), "shift"), 21);
	squares = get(get(data, "map"), "squares");
	assert_int_equal(json_array_size(squares), 3);
	assert_int_equal(item(json_array_get(squares, 0), 0), A >> 21);
	assert_int_equal(item(json_array_get(squares, 0), 1), 512);
	assert_int_equal(item(json_array_get(squares, 0), 2), 512);
	assert_int_equal(item(json_array_get(squares, 0), 3), 100);
	assert_int_equal(item(json_array_get(squares, 1), 1), 188);
	assert_int_equal(item(json_array_get(squares, 2), 0), (A >> 21) + 4);
	assert_int_equal(item(json_array_get(squares, 2), 2), 0);
	/* touched two seconds before the others */
	assert_in_range(
		(long)(1000 * (json_real_value(json_array_get(json_array_get(squares, 0), 5)) -
			       json_real_value(json_array_get(json_array_get(squares, 2), 5)))),
		1980, 2020);
	json_decref(data);
	exports_free(&e);
}

/* A page in each of more leaves than there may be squares: a square stands for several. */
static void a_large_map_is_made_coarser(void **state)
{
	struct exports e = exports_new("handler", true);
	const size_t count = 3 * HTML_SQUARES_MAX;
	json_t *data, *squares;
	size_t i;
	json_t *square;

	(void)state;
	world_mmap(&e.world, A, count * LEAF_BYTES, PROT_READ | PROT_WRITE, ANON);
	for (i = 0; i < count; i++)
		world_touch(&e.world, A + i * LEAF_BYTES, 1);
	data = page_read(&e);
	assert_int_equal(number_of(get(data, "map"), "shift"), 23);
	squares = get(get(data, "map"), "squares");
	assert_int_equal(json_array_size(squares), count / 4);
	json_array_foreach(squares, i, square) assert_int_equal(item(square, 1), 4);
	expect_note(data, "stands for 8 MiB");
	json_decref(data);
	exports_free(&e);
}

static void many_mappings_are_cut(void **state)
{
	struct exports e = exports_new("handler", true);
	const size_t count = HTML_MAPPINGS_MAX + 50;
	json_t *data, *mappings;

	(void)state;
	for (size_t i = 0; i < count; i++) {
		uint64_t at = A + PAGES(1 << 21) + PAGES(16 * i);

		world_mmap(&e.world, at, PAGES(8), PROT_READ | PROT_WRITE, ANON);
		world_touch(&e.world, at, 1 + (i % 100 == 0));
	}
	data = page_read(&e);
	mappings = get(get(data, "map"), "mappings");
	assert_int_equal(json_array_size(mappings), HTML_MAPPINGS_MAX);
	/* the larger ones are among them */
	assert_int_equal(sum_column(mappings, 5), HTML_MAPPINGS_MAX + (count + 99) / 100);
	for (size_t i = 1; i < json_array_size(mappings); i++)
		assert_true(item(json_array_get(mappings, i - 1), 1) <=
			    item(json_array_get(mappings, i), 0));
	expect_note(data, "of 2050");
	json_decref(data);
	exports_free(&e);
}

/* ---- the page ---- */

/* All is in the file, and the browser is told to load nothing else. */
static void the_page_is_whole(void **state)
{
	size_t size = (size_t)(html_page_end - html_page);
	char *page = strndup(html_page, size);

	(void)state;
	assert_non_null(page);
	assert_int_equal(strlen(page), size);
	assert_non_null(strstr(page, "default-src 'none'"));
	assert_null(strstr(page, "<link"));
	assert_null(strstr(page, " src="));
	assert_null(strstr(page, "@import"));
	assert_null(strstr(page, "url(http"));
	for (const char *at = page; (at = strstr(at, "href=\"")); at++)
		assert_int_equal(at[strlen("href=\"")], '#');
	/* what the build was to put in, and the licences with it */
	assert_null(strstr(page, "@styles@"));
	assert_null(strstr(page, "@libraries@"));
	assert_null(strstr(page, "@scripts@"));
	assert_null(strstr(page, "-hash@"));
	assert_non_null(strstr(page, "Dan Vanderkam"));
	assert_non_null(strstr(page, "Permission is hereby granted"));
	assert_non_null(strstr(page, "Mike Bostock"));
	assert_non_null(strstr(page, "Redistribution and use"));
	free(page);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		EXPORTS_TEST(names_stay_in_their_place),
		EXPORTS_TEST(history_adds_up),
		EXPORTS_TEST(what_history_lacks_is_said),
		EXPORTS_TEST(nothing_known_is_no_error),
		EXPORTS_TEST(heap_adds_up),
		EXPORTS_TEST(survival_is_told),
		EXPORTS_TEST(sites_share_their_frames),
		EXPORTS_TEST(many_sites_are_summed),
		EXPORTS_TEST(squares_hold_the_ledgers_pages),
		EXPORTS_TEST(a_large_map_is_made_coarser),
		EXPORTS_TEST(many_mappings_are_cut),
		EXPORTS_TEST(the_page_is_whole),
	};

	return cmocka_run_group_tests_name("html", tests, NULL, NULL);
}
