/* The handler as a Lambda function: what it makes of events, right and wrong ones. */
#include "tests/handler/fake_api.h"

#include <jansson.h>

#include "handler/generator.h"
#include "handler/request_id.h"
#include "tests/handler/emf_check.h"

#define INVOCATIONS 2000
#define LRU_OPTIONS "--cache lru --lru-size 500 "
#define LIMIT (6 << 20)

static struct fake_api api;
static struct child child;
static char truth_path[] = "/tmp/truth-XXXXXX";

/* All lines of the file of truth, as an array. */
static json_t *truth_read(void)
{
	FILE *file = fopen(truth_path, "r");
	json_t *lines = json_array();
	char *text = NULL;
	size_t size = 0;

	assert_non_null(file);
	while (getline(&text, &size, file) > 0)
		assert_int_equal(json_array_append_new(
					 lines, json_loads(text, JSON_REJECT_DUPLICATES, NULL)),
				 0);
	free(text);
	fclose(file);
	return lines;
}

static json_int_t truth_number(const json_t *lines, size_t index, const char *name)
{
	const json_t *value = json_object_get(json_array_get(lines, index), name);

	assert_true(json_is_integer(value));
	return json_integer_value(value);
}

/* Gives the event of that number, and checks the response. */
static void event_play(const struct generator *generator, uint64_t number)
{
	char id[REQUEST_ID_MADE];
	uint64_t usable;
	size_t length;
	char *event;
	json_t *response;

	request_id_make(generator->seed, number, id);
	assert_int_equal(event_generate(generator, number, &event, &length, &usable), 0);
	fake_give(&api, id, event, length);
	free(event);
	fake_take(&api, id, "response");
	assert_non_null(call_header(&api, "\r\nContent-Type: application/json\r\n"));
	response = json_loadb(api.body, api.length, JSON_REJECT_DUPLICATES, NULL);
	assert_int_equal(json_object_size(response), 4);
	assert_int_equal(json_integer_value(json_object_get(response, "processed_count")), usable);
	assert_int_equal(json_is_true(json_object_get(response, "success")),
			 usable == generator->records);
	json_decref(response);
}

/* One line of metrics per invocation, in order, and nothing else. */
static void metrics_check(const struct generator *generator, const char *allocator,
			  const char *cache)
{
	char *rest, *line = strtok_r(child.out_text, "\n", &rest);
	uint64_t number = 0;

	for (; line; line = strtok_r(NULL, "\n", &rest), number++) {
		json_t *root = emf_parse(line);
		char id[REQUEST_ID_MADE];

		request_id_make(generator->seed, number, id);
		assert_string_equal(json_string_value(json_object_get(root, "requestId")), id);
		assert_string_equal(json_string_value(json_object_get(root, "FunctionName")),
				    "orders-test");
		assert_string_equal(json_string_value(json_object_get(root, "Allocator")),
				    allocator);
		assert_string_equal(json_string_value(json_object_get(root, "Cache")), cache);
		json_decref(root);
	}
	assert_int_equal(number, INVOCATIONS);
}

/* The line of truth of local mode, for the same events. */
static json_t *local_run(const char *options)
{
	char line[512];
	json_t *lines;

	snprintf(line, sizeof(line), "%s --invocations %d --report 0 --truth %s", options,
		 INVOCATIONS, truth_path);
	child_start(&child, NULL, line);
	child_expect(&child, 0, NULL);
	assert_string_equal(child.out_text, "");
	lines = truth_read();
	assert_int_equal(json_array_size(lines), 1);
	return lines;
}

static void same_work(const char *options, const char *cache)
{
	static const char *const names[] = {"invocations", "processed", "errors", "entries",
					    "live_bytes"};
	const struct generator generator = {.seed = 1,
					    .records = 10,
					    .payload_min = 100,
					    .payload_max = 700,
					    .malformed_percent = 1};
	json_t *local = local_run(options), *lines;
	size_t last;
	char line[512];

	fake_open(&api);
	snprintf(line, sizeof(line), "%s --truth %s", options, truth_path);
	child_start(&child, api.address, line);
	for (uint64_t i = 0; i < INVOCATIONS; i++)
		event_play(&generator, i);
	fake_expect(&api, "GET", "invocation/next");
	kill(child.pid, SIGTERM);
	child_expect(&child, 0, NULL);
	assert_int_equal(api.connections, 1);
	metrics_check(&generator, "glibc", cache);

	lines = truth_read();
	last = json_array_size(lines) - 1;
	assert_int_equal(last, INVOCATIONS / 100);
	assert_true(json_is_true(json_object_get(json_array_get(lines, last), "final")));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_int_equal(truth_number(lines, last, names[i]),
				 truth_number(local, 0, names[i]));
	json_decref(local);
	json_decref(lines);
}

static void test_unbounded_as_local(void **state)
{
	(void)state;
	same_work("--cache unbounded", "unbounded");
}

static void test_lru_as_local(void **state)
{
	(void)state;
	same_work(LRU_OPTIONS, "lru");
}

/* Once the cache is full nothing may grow: not the cache, and not what is allocated beside it. */
static void test_lru_does_not_grow(void **state)
{
	/* All orders take one block, so that the cache itself is constant. */
	const struct generator generator = {
		.seed = 3, .records = 10, .payload_min = 400, .payload_max = 400};
	json_int_t live, used = 0;
	char line[512];
	json_t *lines;

	(void)state;
	fake_open(&api);
	snprintf(line, sizeof(line), LRU_OPTIONS "--invocations %d --truth %s", INVOCATIONS,
		 truth_path);
	/* What a thread keeps for itself counts as used: without it the figure is exact. */
	setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0", 1);
	child_start(&child, api.address, line);
	unsetenv("GLIBC_TUNABLES");
	for (uint64_t i = 0; i < INVOCATIONS; i++)
		event_play(&generator, i);
	/* It was asked for so many, and leaves. */
	child_expect(&child, 0, NULL);

	lines = truth_read();
	assert_int_equal(json_array_size(lines), INVOCATIONS / 100 + 1);
	live = truth_number(lines, 0, "live_bytes");
	for (size_t i = 0; i < json_array_size(lines); i++) {
		const json_t *stats = json_object_get(json_array_get(lines, i), "allocator_stats");
		json_int_t now = json_integer_value(json_object_get(stats, "uordblks"));

		assert_int_equal(truth_number(lines, i, "entries"), 500);
		assert_int_equal(truth_number(lines, i, "live_bytes"), live);
		/* Half way all buffers have their size; 8 bytes kept each time would be 8,000. */
		if (i == json_array_size(lines) / 2)
			used = now;
		if (i > json_array_size(lines) / 2 && !UNDER_SANITIZER)
			assert_in_range(now, used - 2048, used + 2048);
	}
	json_decref(lines);
}

static void error_check(const char *type, const char *message)
{
	json_t *error = json_loadb(api.body, api.length, JSON_REJECT_DUPLICATES, NULL);
	const char *header = call_header(&api, "\r\nLambda-Runtime-Function-Error-Type: ");

	assert_int_equal(json_object_size(error), 3);
	assert_string_equal(json_string_value(json_object_get(error, "errorType")), type);
	assert_non_null(strstr(json_string_value(json_object_get(error, "errorMessage")), message));
	assert_true(json_is_array(json_object_get(error, "stackTrace")));
	assert_int_equal(json_array_size(json_object_get(error, "stackTrace")), 0);
	assert_non_null(header);
	assert_memory_equal(header, type, strlen(type));
	json_decref(error);
}

static void leave(const char *text)
{
	fake_expect(&api, "GET", "invocation/next");
	kill(child.pid, SIGTERM);
	assert_int_equal(child_finish(&child), 0);
	if (!strstr(child.err_text, text))
		fail_msg("'%s' is not in: %s", text, child.err_text);
}

static void test_unusable_events(void **state)
{
	static const char *const events[][2] = {
		{"", "no valid JSON"},
		{"{\"Records\":[", "no valid JSON"},
		{"\xff\xfe", "no valid JSON"},
		{"[]", "no array Records"},
		{"{\"Records\":7}", "no array Records"},
	};

	(void)state;
	fake_open(&api);
	child_start(&child, api.address, "");
	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		fake_give(&api, "id-1", events[i][0], strlen(events[i][0]));
		fake_take(&api, "id-1", "error");
		error_check("Function.UnusableEvent", events[i][1]);
	}
	leave("request id-1 failed: the event is no valid JSON\n");
	assert_int_equal(strncmp(child.out_text, "{\"_aws\"", 7), 0);
}

/* A batch whose orders are all wrong is handled, and its response says so. */
static void test_wrong_orders_are_a_response(void **state)
{
	static const char event[] = "{\"Records\":[{\"messageId\":\"m1\",\"body\":\"{}\"}]}";

	(void)state;
	fake_open(&api);
	child_start(&child, api.address, "");
	fake_give(&api, "id-1", event, strlen(event));
	fake_take(&api, "id-1", "response");
	assert_non_null(strstr(api.body, "\"success\":false"));
	assert_non_null(strstr(api.body, "m1: "));
	leave("");
}

static void test_largest_event(void **state)
{
	static const char event[] = "{\"Records\":[]}";
	char *large = malloc(LIMIT + 1);

	(void)state;
	memset(large, ' ', LIMIT + 1);
	memcpy(large, event, strlen(event));
	fake_open(&api);
	child_start(&child, api.address, "");
	fake_give(&api, "id-1", large, LIMIT);
	fake_take(&api, "id-1", "response");
	fake_give(&api, "id-2", large, LIMIT + 1);
	fake_take(&api, "id-2", "error");
	error_check("Function.EventTooLarge", "6 MiB");
	fake_give(&api, "id-3", event, strlen(event));
	fake_take(&api, "id-3", "response");
	leave("request id-2 failed: the event is over 6 MiB\n");
	free(large);
}

static int begin(void **state)
{
	int fd = mkstemp(truth_path);

	(void)state;
	alarm(600);
	return fd < 0 ? -1 : close(fd);
}

static int end(void **state)
{
	(void)state;
	return unlink(truth_path);
}

static int clean(void **state)
{
	(void)state;
	child_forget(&child);
	fake_close(&api);
	return 0;
}

#define LAMBDA_TEST(function) cmocka_unit_test_teardown(function, clean)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAMBDA_TEST(test_unbounded_as_local),	       LAMBDA_TEST(test_lru_as_local),
		LAMBDA_TEST(test_lru_does_not_grow),	       LAMBDA_TEST(test_unusable_events),
		LAMBDA_TEST(test_wrong_orders_are_a_response), LAMBDA_TEST(test_largest_event),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
