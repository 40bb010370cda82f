// SPDX-License-Identifier: GPL-2.0-only
/* trace.json: read by a strict parser, and held against the rules of the trace event format. */
#include "tests/unit/exports.h"

#include <jansson.h>

#include "tests/unit/heap_world.h"
#include "user/view/chrome.h"

#define THREADS 3

/* What is written, and the trace that it was parsed to. */
struct trace {
	struct exports e;
	char path[128];
	FILE *file;
	json_t *events;
};

static struct trace trace_new(const char *comm)
{
	struct trace t = {.e = exports_new(comm, true)};

	snprintf(t.path, sizeof(t.path), "%s/trace.json", exports_dir);
	t.file = fopen(t.path, "we");
	assert_non_null(t.file);
	chrome_begin(t.file, t.e.process);
	return t;
}

static json_t *parse(const char *path, const char *closing)
{
	char *text = exports_read(path), *whole;
	json_error_t error;
	json_t *events;

	assert_true(asprintf(&whole, "%s%s", text, closing) > 0);
	events = json_loads(whole, JSON_REJECT_DUPLICATES, &error);
	if (!events)
		fail_msg("line %d: %s: %s", error.line, error.text, whole);
	assert_true(json_is_array(events));
	free(whole);
	free(text);
	return events;
}

static json_t *get(const json_t *event, const char *key, json_type type)
{
	json_t *value = json_object_get(event, key);

	if (!value || json_typeof(value) != type)
		fail_msg("%s is missing or wrong", key);
	return value;
}

static const char *text_of(const json_t *event, const char *key)
{
	return json_string_value(get(event, key, JSON_STRING));
}

static long long number_of(const json_t *event, const char *key)
{
	return json_integer_value(get(event, key, JSON_INTEGER));
}

static double ns_of(const json_t *event, const char *key)
{
	return json_real_value(get(event, key, JSON_REAL)) * 1000;
}

static long long arg_of(const json_t *event, const char *key)
{
	return number_of(get(event, "args", JSON_OBJECT), key);
}

/* The keys that the format wants of each kind, and no others. */
static void expect_keys(const json_t *event)
{
	static const struct {
		char phase;
		const char *keys;
	} kinds[] = {
		{'M', ""},	  {'C', " ts"},	       {'i', " ts s"},
		{'X', " ts dur"}, {'b', " ts cat id"}, {'e', " ts cat id"},
	};
	const char *phase = text_of(event, "ph"), *keys = NULL, *key;
	json_t *value;
	char word[16];

	assert_int_equal(strlen(phase), 1);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].phase == *phase)
			keys = kinds[i].keys;
	if (!keys)
		fail_msg("phase %s", phase);
	assert_true(*text_of(event, "name"));
	assert_int_equal(number_of(event, "pid"), WORLD_PID);
	assert_true(number_of(event, "tid") > 0);
	get(event, "args", JSON_OBJECT);
	json_object_foreach((json_t *)event, key, value)
	{
		snprintf(word, sizeof(word), " %s", key);
		assert_non_null(strstr(" ph name pid tid args", word) ?: strstr(keys, word));
	}
	if (strstr(keys, " ts"))
		assert_true(ns_of(event, "ts") >= WORLD_START);
	if (*phase == 'i')
		assert_true(strchr("tp", *text_of(event, "s")) && !text_of(event, "s")[1]);
}

/* Any two slices of a thread are apart, or one holds the other. */
static void expect_nesting(const json_t *events)
{
	size_t i, j;
	json_t *a, *b;

	json_array_foreach(events, i, a)
	{
		double begin = ns_of(a, "ts"), end;

		if (*text_of(a, "ph") != 'X')
			continue;
		end = begin + ns_of(a, "dur");
		for (j = i + 1; j < json_array_size(events); j++) {
			double from, to;

			b = json_array_get(events, j);
			if (*text_of(b, "ph") != 'X' || number_of(a, "tid") != number_of(b, "tid"))
				continue;
			from = ns_of(b, "ts");
			to = from + ns_of(b, "dur");
			assert_true(to <= begin || end <= from || (begin <= from && to <= end) ||
				    (from <= begin && end <= to));
		}
	}
}

/* Counters and instants of a track do not go back in time. */
static void expect_order(const json_t *events)
{
	size_t i, j;
	json_t *a, *b;

	json_array_foreach(events, i, a)
	{
		if (!strchr("Ci", *text_of(a, "ph")))
			continue;
		for (j = i; j-- > 0;) {
			b = json_array_get(events, j);
			if (strcmp(text_of(a, "ph"), text_of(b, "ph")) ||
			    strcmp(text_of(a, "name"), text_of(b, "name")) ||
			    number_of(a, "tid") != number_of(b, "tid"))
				continue;
			assert_true(ns_of(b, "ts") <= ns_of(a, "ts"));
			break;
		}
	}
}

/* Closes the file and parses it. */
static void trace_read(struct trace *t)
{
	size_t i;
	json_t *event, *names;

	chrome_end(t->file, t->e.process);
	assert_int_equal(fclose(t->file), 0);
	t->events = parse(t->path, "");
	names = json_array();
	json_array_foreach(t->events, i, event)
	{
		if (*text_of(event, "ph") != 'M') {
			expect_keys(event);
			json_array_append(names, event);
		}
	}
	/* the rest is of what has a time */
	expect_nesting(names);
	expect_order(names);
	json_decref(names);
}

static void trace_free(struct trace *t)
{
	json_decref(t->events);
	exports_free(&t->e);
}

static void feed(struct trace *t, struct event_header *event, uint16_t kind, size_t size)
{
	t->e.world.now += 1003;
	world_feed(&t->e.world, event, kind, size);
	chrome_event(t->file, t->e.process, event);
}

static void feed_range(struct trace *t, enum event_kind kind, uint64_t addr, uint64_t len,
		       enum event_call call, uint32_t arg)
{
	struct event_range event = {.addr = addr, .len = len, .call = call, .arg = arg};

	feed(t, &event.h, kind, sizeof(event));
}

static void feed_invocation(struct trace *t, uint32_t thread, enum invocation_edge edge,
			    const char *id)
{
	struct event_invocation event = {.edge = edge};

	snprintf(event.id, sizeof(event.id), "%s", id);
	t->e.world.tid = WORLD_PID + thread;
	feed(t, &event.h, EVENT_INVOCATION, sizeof(event));
}

static void report(struct trace *t, uint64_t number)
{
	t->e.world.now += MS(1000);
	assert_int_equal(process_report(t->e.process, t->e.world.now, number), 0);
	chrome_report(t->file, t->e.process, process_newest(t->e.process));
	world_interval(&t->e.world, number);
}

/* The n-th event of that name, from 0; NULL: there is none. */
static const json_t *find(const struct trace *t, const char *name, size_t n)
{
	size_t i;
	json_t *event;

	json_array_foreach(t->events, i,
			   event) if (!strcmp(text_of(event, "name"), name) && !n--) return event;
	return NULL;
}

static void names_may_hold_anything(void **state)
{
	static const char *const names[][2] = {
		{"handler", "handler"},
		{"", "?"},
		{"a\"b\\c</script>", "a\"b\\c</script>"},
		{"\x01\n\x1b[31m\xff", "???[31m?"},
		{"\xc3\xa9\xf0\x9f\x98\x80", "\xc3\xa9\xf0\x9f\x98\x80"},
		{"\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01", "???????????????"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct trace t = trace_new(names[i][0]);
		const json_t *name;

		trace_read(&t);
		name = find(&t, "process_name", 0);
		assert_non_null(name);
		assert_string_equal(text_of(name, "ph"), "M");
		assert_string_equal(text_of(json_object_get(name, "args"), "name"), names[i][1]);
		name = find(&t, "thread_name", 0);
		assert_int_equal(number_of(name, "tid"), WORLD_PID);
		trace_free(&t);
	}
}

static void an_exec_names_it_anew(void **state)
{
	struct trace t = trace_new("sh");
	struct event_exec exec = {.comm = "handler"};

	(void)state;
	feed(&t, &exec.h, EVENT_EXEC, sizeof(exec));
	trace_read(&t);
	assert_string_equal(text_of(json_object_get(find(&t, "process_name", 1), "args"), "name"),
			    "handler");
	assert_string_equal(text_of(find(&t, "exec", 0), "s"), "p");
	trace_free(&t);
}

/* The classes add up to the ledger's pages and the kernel's counts. */
static void classes_add_up(void **state)
{
	struct trace t = trace_new("handler");
	struct event_sample sample = {
		.anon_bytes = PAGES(13), .file_bytes = PAGES(3), .shmem_bytes = PAGES(2)};
	const json_t *at;

	(void)state;
	exports_touch(&t.e, 8, 0);
	report(&t, 1);
	exports_touch(&t.e, 4, 0);
	feed_range(&t, EVENT_MADVISE, A, PAGES(3), EVENT_CALL_MADVISE, MADV_FREE);
	feed(&t, &sample.h, EVENT_SAMPLE, sizeof(sample));
	report(&t, 2);
	trace_read(&t);
	at = find(&t, "memory (bytes)", 1);
	assert_int_equal(arg_of(at, "retained"), PAGES(5));
	assert_int_equal(arg_of(at, "lazily freed"), PAGES(3));
	assert_int_equal(arg_of(at, "young"), PAGES(4));
	assert_int_equal(arg_of(at, "file"), PAGES(3));
	assert_int_equal(arg_of(at, "shared"), PAGES(2));
	assert_int_equal(arg_of(find(&t, "resident set (bytes)", 1), "rss"), PAGES(18));
	assert_int_equal(arg_of(find(&t, "unexplained (bytes)", 1), "unexplained"), PAGES(1));
	assert_int_equal(arg_of(find(&t, "free lazily", 0), "bytes"), PAGES(3));
	trace_free(&t);
}

/* What is in the pages of the heap is told once its allocations are followed, and not before. */
static void heap_classes_add_up(void **state)
{
	struct trace t = trace_new("handler");
	const json_t *at;

	(void)state;
	exports_touch(&t.e, 8, 0);
	report(&t, 1);
	world_probes(&t.e.world, HEAP_ON, ALLOCATOR_JEMALLOC, HEAP_WHOLE, 0);
	world_alloc(&t.e.world, A, PAGES(2));
	report(&t, 2);
	trace_read(&t);
	assert_null(find(&t, "heap pages (bytes)", 1));
	at = find(&t, "heap pages (bytes)", 0);
	assert_int_equal(arg_of(at, "live"), PAGES(2));
	assert_int_equal(arg_of(at, "fragmented"), 0);
	assert_int_equal(arg_of(at, "free"), PAGES(6));
	assert_int_equal(arg_of(at, "unknown"), 0);
	assert_int_equal(arg_of(find(&t, "live allocations (bytes)", 0), "live"), PAGES(2));
	trace_free(&t);
}

/* What held no page, and what was only moved, was neither purged nor returned. */
static void purges_and_returns(void **state)
{
	struct trace t = trace_new("handler");
	struct event_mremap move = {.old_addr = A + PAGES(4),
				    .old_len = PAGES(2),
				    .new_len = PAGES(2),
				    .flags = MREMAP_MAYMOVE | MREMAP_FIXED,
				    .new_addr = A + PAGES(1000)};
	const json_t *at;

	(void)state;
	exports_touch(&t.e, 8, 0);
	feed_range(&t, EVENT_MADVISE, A, PAGES(3), EVENT_CALL_MADVISE, MADV_DONTNEED);
	feed_range(&t, EVENT_MADVISE, A, PAGES(3), EVENT_CALL_MADVISE, MADV_DONTNEED);
	feed_range(&t, EVENT_MADVISE, A + PAGES(4), PAGES(1), EVENT_CALL_MADVISE, MADV_WILLNEED);
	feed(&t, &move.h, EVENT_MREMAP_BEGIN, sizeof(move));
	move.result = (int64_t)(A + PAGES(1000));
	feed(&t, &move.h, EVENT_MREMAP_END, sizeof(move));
	t.e.world.tid = WORLD_PID + 1;
	feed_range(&t, EVENT_UNMAP, A, PAGES(100), EVENT_CALL_MUNMAP, 0);
	/* of another thread, and it comes late */
	t.e.world.tid = WORLD_PID + 2;
	t.e.world.now -= MS(1);
	feed_range(&t, EVENT_UNMAP, A + PAGES(1000), PAGES(1), EVENT_CALL_MUNMAP, 0);
	trace_read(&t);
	at = find(&t, "purge", 0);
	assert_int_equal(arg_of(at, "bytes"), PAGES(3));
	assert_int_equal(number_of(at, "tid"), WORLD_PID);
	assert_string_equal(text_of(get(at, "args", JSON_OBJECT), "start"), "0x7f0000000000");
	assert_null(find(&t, "purge", 1));
	assert_null(find(&t, "move", 0));
	at = find(&t, "munmap", 0);
	assert_int_equal(arg_of(at, "bytes"), PAGES(3));
	assert_int_equal(number_of(at, "tid"), WORLD_PID + 1);
	assert_null(find(&t, "munmap", 2));
	trace_free(&t);
}

static void slices_nest(void **state)
{
	struct trace t = trace_new("handler");
	const json_t *at;

	(void)state;
	feed_invocation(&t, 0, INVOCATION_END, "before the watch");
	feed_invocation(&t, 0, INVOCATION_BEGIN, "outer");
	feed_invocation(&t, 1, INVOCATION_BEGIN, "other \"thread\"");
	feed_invocation(&t, 0, INVOCATION_BEGIN, "inner");
	t.e.world.tid = WORLD_PID;
	exports_touch(&t.e, 5, 0);
	feed_invocation(&t, 0, INVOCATION_END, "inner");
	feed_invocation(&t, 0, INVOCATION_END, "outer");
	feed_invocation(&t, 1, INVOCATION_END, "other \"thread\"");
	feed_invocation(&t, 1, INVOCATION_BEGIN, "never ends");
	report(&t, 1);
	trace_read(&t);
	at = find(&t, "invocation", 0);
	assert_string_equal(text_of(at, "ph"), "X");
	assert_string_equal(text_of(get(at, "args", JSON_OBJECT), "id"), "inner");
	assert_int_equal(arg_of(at, "born_pages"), 5);
	at = find(&t, "invocation", 1);
	assert_string_equal(text_of(get(at, "args", JSON_OBJECT), "id"), "outer");
	assert_int_equal(arg_of(at, "born_pages"), 0);
	at = find(&t, "invocation", 2);
	assert_string_equal(text_of(get(at, "args", JSON_OBJECT), "id"), "other \"thread\"");
	assert_int_equal(number_of(at, "tid"), WORLD_PID + 1);
	assert_null(find(&t, "invocation", 3));
	assert_int_equal(arg_of(find(&t, "invocations unmatched", 0), "unmatched"), 1);
	trace_free(&t);
}

static void what_overlaps_is_no_slice(void **state)
{
	struct trace t = trace_new("handler");

	(void)state;
	feed_invocation(&t, 0, INVOCATION_BEGIN, "a");
	feed_invocation(&t, 0, INVOCATION_BEGIN, "b");
	feed_invocation(&t, 0, INVOCATION_END, "a");
	feed_invocation(&t, 0, INVOCATION_END, "b");
	trace_read(&t);
	assert_string_equal(text_of(find(&t, "invocation", 0), "ph"), "b");
	assert_string_equal(text_of(find(&t, "invocation", 1), "ph"), "e");
	assert_int_equal(number_of(find(&t, "invocation", 0), "id"),
			 number_of(find(&t, "invocation", 1), "id"));
	assert_string_equal(text_of(find(&t, "invocation", 2), "ph"), "X");
	assert_null(find(&t, "invocation", 3));
	trace_free(&t);
}

/* Threads that begin and end at random: each end of one that is open is told once. */
static void ends_are_told_once(void **state)
{
	struct trace t = trace_new("handler");
	bool open[THREADS][8] = {{false}};
	uint64_t random = 7, ended = 0, told = 0;
	size_t i;
	json_t *event;

	(void)state;
	for (unsigned int n = 0; n < 600; n++) {
		uint32_t thread = (uint32_t)random_below(&random, THREADS);
		uint64_t which = random_below(&random, 8);
		bool *is_open = &open[thread][which];
		char id[16];

		snprintf(id, sizeof(id), "t%u-%u", thread, (unsigned int)which);
		feed_invocation(&t, thread, *is_open ? INVOCATION_END : INVOCATION_BEGIN, id);
		ended += *is_open;
		*is_open = !*is_open;
	}
	trace_read(&t);
	json_array_foreach(t.events, i, event) told += strchr("Xe", *text_of(event, "ph")) != NULL;
	assert_int_equal(told, ended);
	assert_true(ended > 100);
	trace_free(&t);
}

/* Whatever has reached the file system is whole, but for the bracket. */
static void cut_anywhere_it_is_whole(void **state)
{
	struct trace t = trace_new("handler");
	size_t parsed = 0, newest = 0;
	char room[1500];

	(void)state;
	assert_int_equal(fclose(t.file), 0);
	t.file = fopen(t.path, "we");
	setvbuf(t.file, room, _IOFBF, sizeof(room));
	chrome_begin(t.file, t.e.process);
	for (unsigned int n = 0; n < 100; n++) {
		struct stat st;

		feed_invocation(&t, n, INVOCATION_BEGIN, "7d0f8b0e-0000");
		feed_invocation(&t, n, INVOCATION_END, "7d0f8b0e-0000");
		assert_int_equal(stat(t.path, &st), 0);
		if (!st.st_size)
			continue;
		json_decref(t.events);
		t.events = parse(t.path, "]");
		parsed += newest != json_array_size(t.events);
		newest = json_array_size(t.events);
	}
	assert_true(parsed > 5 && newest > 80);
	json_decref(t.events);
	trace_read(&t);
	trace_free(&t);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		EXPORTS_TEST(names_may_hold_anything),
		EXPORTS_TEST(an_exec_names_it_anew),
		EXPORTS_TEST(classes_add_up),
		EXPORTS_TEST(heap_classes_add_up),
		EXPORTS_TEST(purges_and_returns),
		EXPORTS_TEST(slices_nest),
		EXPORTS_TEST(what_overlaps_is_no_slice),
		EXPORTS_TEST(ends_are_told_once),
		EXPORTS_TEST(cut_anywhere_it_is_whole),
	};

	return cmocka_run_group_tests_name("chrome", tests, NULL, NULL);
}
