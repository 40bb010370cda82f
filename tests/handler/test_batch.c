#include "tests/handler/support.h"

#include <jansson.h>

#include "handler/batch.h"

#define GOOD(id)                                                                                   \
	"{\"order_id\":\"" id "\",\"customer_id\":\"c\",\"total_usd\":1,\"processed_at\":\"t\"}"

static int setup(void **state)
{
	return cache_create(&cache_unbounded, 1, (struct cache **)state);
}

static int teardown(void **state)
{
	cache_destroy(*state);
	return 0;
}

/* An event built with the JSON library, record by record. */
static json_t *event_new(void)
{
	return json_pack("{s[]}", "Records");
}

static void event_add(json_t *event, const char *id, const char *body, size_t length)
{
	json_t *record = json_pack("{so}", "body", json_stringn(body, length));

	if (id)
		json_object_set_new(record, "messageId", json_string(id));
	assert_int_equal(json_array_append_new(json_object_get(event, "Records"), record), 0);
}

static void event_add_text(json_t *event, const char *id, const char *body)
{
	event_add(event, id, body, strlen(body));
}

static struct batch_result event_handle(struct cache *cache, json_t *event)
{
	struct batch_result result;
	char *text = json_dumps(event, 0);

	memset(&result, 0x5a, sizeof(result));
	assert_non_null(text);
	assert_int_equal(batch_handle(cache, text, strlen(text), &result), 0);
	free(text);
	json_decref(event);
	return result;
}

static struct batch_result text_handle(struct cache *cache, const char *text)
{
	struct batch_result result;

	assert_int_equal(batch_handle(cache, text, strlen(text), &result), 0);
	return result;
}

static void test_all_good(void **state)
{
	json_t *event = event_new();
	struct batch_result result;

	event_add_text(event, "m1", GOOD("a"));
	event_add_text(event, "m2", GOOD("b"));
	result = event_handle(*state, event);
	assert_true(result.success);
	assert_int_equal(result.processed_count, 2);
	assert_int_equal(result.error_count, 0);
	assert_int_equal(result.cache_size, 2);
	assert_int_equal(result.redelivered, 0);
	assert_string_equal(result.error_msg, "");
	assert_true(result.log_bytes > 0);
	assert_int_equal(cache_touch(*state, "a"), 0);
	assert_int_equal(cache_touch(*state, "b"), 0);
}

static void test_errors_do_not_stop_the_batch(void **state)
{
	json_t *event = event_new();
	struct batch_result result;

	event_add_text(event, "m1", GOOD("a"));
	event_add_text(event, "m2", "");
	event_add_text(event, "m3", "{\"order_id\":");
	event_add(event, "m4", "{\"order\0_id\":1}", 15);
	event_add_text(event, "m5", "{\"order_id\":5}");
	event_add_text(event, NULL, "no");
	event_add_text(event, "m7", GOOD("b"));
	result = event_handle(*state, event);
	assert_false(result.success);
	assert_int_equal(result.processed_count, 2);
	assert_int_equal(result.error_count, 5);
	assert_int_equal(result.cache_size, 2);
	assert_string_equal(result.error_msg, "m2: the body is empty; "
					      "m3: the body is no valid JSON; "
					      "m4: the body is no valid JSON; "
					      "m5: an order field is missing or wrong; "
					      "record 5: the body is no valid JSON");
}

static void test_huge_body(void **state)
{
	static char body[10000];
	json_t *event = event_new();
	struct batch_result result;

	memset(body, ' ', sizeof(body));
	memcpy(body, GOOD("a"), strlen(GOOD("a")));
	event_add(event, "m1", body, 4096);
	event_add(event, "m2", body, sizeof(body));
	event_add(event, "m3", body, 4095);
	result = event_handle(*state, event);
	assert_int_equal(result.processed_count, 1);
	assert_string_equal(result.error_msg,
			    "m1: the body is too large; m2: the body is too large");
}

static void test_records_without_a_body(void **state)
{
	struct batch_result result = text_handle(
		*state, "{\"Records\":[{\"messageId\":\"m1\"},{\"messageId\":\"m2\",\"body\":null},"
			"{\"body\":{}},7,null,[],\"text\"]}");

	assert_int_equal(result.error_count, 7);
	assert_int_equal(result.processed_count, 0);
	assert_non_null(strstr(result.error_msg, "m1: there is no body; m2: there is no body; "
						 "record 2: there is no body; record 3:"));
}

static void test_unusable_events(void **state)
{
	static const char *const events[] = {"",
					     "{",
					     "null",
					     "[]",
					     "{}",
					     "{\"Records\":{}}",
					     "{\"Records\":null}",
					     "\"text\"",
					     "{\"records\":[]}"};

	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		struct batch_result result = text_handle(*state, events[i]);

		assert_false(result.success);
		assert_true(result.event_unusable);
		assert_int_equal(result.error_count, 1);
		assert_int_equal(result.processed_count, 0);
		assert_memory_equal(result.error_msg, "the event ", 10);
	}
}

static void test_nested_event(void **state)
{
	static char event[100000];

	memset(event, '[', sizeof(event) - 1);
	assert_string_equal(text_handle(*state, event).error_msg, "the event is no valid JSON");
}

static void test_no_records_are_a_success(void **state)
{
	struct batch_result result = text_handle(*state, "{\"Records\":[]}");

	assert_true(result.success);
	assert_int_equal(result.processed_count, 0);
}

static void test_redelivery_replaces(void **state)
{
	json_t *event = event_new();
	struct batch_result result;

	event_add_text(event, "m1", GOOD("a"));
	event_add_text(event, "m1", GOOD("a"));
	result = event_handle(*state, event);
	assert_int_equal(result.processed_count, 2);
	assert_int_equal(result.redelivered, 1);
	assert_int_equal(result.cache_size, 1);
}

static void order_compare(const struct order *order, void *context)
{
	assert_string_equal(order->order_id, "a");
	assert_string_equal(order->customer_id, "c");
	assert_string_equal(order->processed_at, "t");
	assert_true(order->total_usd == 1);
	assert_int_equal(order->body_len, strlen(context));
	assert_string_equal(order->body, context);
}

/* Every text of the event is gone when the batch is done. */
static void test_orders_outlive_the_event(void **state)
{
	static char longer[] = GOOD("a") "    ";
	json_t *event = event_new();

	event_add_text(event, "m1", GOOD("a"));
	event_handle(*state, event);
	cache_each(*state, order_compare, GOOD("a"));

	event = event_new();
	event_add_text(event, "m2", longer);
	assert_int_equal(event_handle(*state, event).redelivered, 1);
	cache_each(*state, order_compare, longer);
	assert_int_equal(cache_measure(*state).entries, 1);
}

static void test_error_msg_is_bounded(void **state)
{
	for (int count = 1; count < 200; count++) {
		json_t *event = event_new();
		struct batch_result result;
		size_t length;

		for (int i = 0; i < count; i++)
			event_add_text(event, i % 3 ? "m" : "a-somewhat-longer-message-id", "");
		result = event_handle(*state, event);
		length = strlen(result.error_msg);
		assert_true(length < BATCH_ERROR_SIZE);
		assert_int_equal(result.error_count, count);
		/* All of them, or whole ones and the mark, once and at the end. */
		if (count < 10)
			assert_null(strstr(result.error_msg, "..."));
		if (count > 30) {
			assert_ptr_equal(strstr(result.error_msg, "; ..."),
					 result.error_msg + length - 5);
			assert_memory_equal(result.error_msg + length - 10, "empty", 5);
		}
	}
}

static void test_ids_are_cut_between_characters(void **state)
{
	char *response;

	for (int shift = 0; shift < 4; shift++) {
		json_t *event = event_new();
		struct batch_result result;
		char id[128] = "xxxx";
		json_t *parsed;

		id[shift] = '\0';
		for (int i = 0; i < 20; i++)
			snprintf(id + strlen(id), sizeof(id) - strlen(id), "%s",
				 i % 2 ? "\xe2\x82\xac" : "\xc3\xa9");
		event_add_text(event, id, "");
		result = event_handle(*state, event);
		assert_int_equal(batch_respond(&result, &response), 0);
		parsed = json_loads(response, 0, NULL); /* refuses broken UTF-8 */
		assert_non_null(parsed);
		assert_non_null(strstr(result.error_msg, ": the body is empty"));
		assert_true(strlen(result.error_msg) <= 48 + strlen(": the body is empty"));
		json_decref(parsed);
		free(response);
	}
}

static void test_response(void **state)
{
	struct batch_result result = {.success = true, .processed_count = 7, .cache_size = 9};
	int success, processed, size;
	json_t *parsed, *message;
	char *response;

	(void)state;
	assert_int_equal(batch_respond(&result, &response), 0);
	parsed = json_loads(response, 0, NULL);
	assert_int_equal(json_unpack(parsed, "{sb si si so!}", "success", &success,
				     "processed_count", &processed, "cache_size", &size,
				     "error_msg", &message),
			 0);
	assert_int_equal(success, 1);
	assert_int_equal(processed, 7);
	assert_int_equal(size, 9);
	assert_true(json_is_null(message));
	json_decref(parsed);
	free(response);

	result.success = false;
	snprintf(result.error_msg, sizeof(result.error_msg), "m1: \"quoted\"");
	assert_int_equal(batch_respond(&result, &response), 0);
	parsed = json_loads(response, 0, NULL);
	assert_true(json_is_false(json_object_get(parsed, "success")));
	assert_string_equal(json_string_value(json_object_get(parsed, "error_msg")),
			    "m1: \"quoted\"");
	json_decref(parsed);
	free(response);
}

static long allocations_left;

/*
 * Strings grow by doubling, and the library reads beyond one that could not: those are spared. The
 * program never lets such an allocation return.
 */
static void *limited_malloc(size_t size)
{
	if (size >= 16 && (size & (size - 1)) == 0)
		return malloc(size);
	return allocations_left-- > 0 ? malloc(size) : NULL;
}

/*
 * Whichever other allocation of the JSON library fails: -ENOMEM and nothing else, or, where the
 * library reports bad input instead, an error in the result. Nothing crashes, nothing is half done.
 */
static void test_out_of_memory(void **state)
{
	static const char event[] =
		"{\"Records\":[{\"messageId\":\"m\",\"body\":\"{\\\"order_id\\\":\\\"o\\\","
		"\\\"customer_id\\\":\\\"c\\\",\\\"total_usd\\\":1,"
		"\\\"processed_at\\\":\\\"t\\\"}\"}]}";
	struct batch_result result = {0};
	long refused = 0;

	json_object_seed(1);
	for (long limit = 0; result.processed_count == 0; limit++) {
		int err;

		memset(&result, 0, sizeof(result));
		allocations_left = limit;
		json_set_alloc_funcs(limited_malloc, free);
		err = batch_handle(*state, event, strlen(event), &result);
		json_set_alloc_funcs(malloc, free);
		if (err) {
			assert_int_equal(err, -ENOMEM);
			assert_int_equal(result.error_count, 0);
			refused++;
		} else {
			assert_int_equal(result.error_count + result.processed_count, 1);
		}
		assert_true(limit < 1000);
	}
	assert_true(refused > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all_good, setup, teardown),
		cmocka_unit_test_setup_teardown(test_errors_do_not_stop_the_batch, setup, teardown),
		cmocka_unit_test_setup_teardown(test_huge_body, setup, teardown),
		cmocka_unit_test_setup_teardown(test_records_without_a_body, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unusable_events, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nested_event, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_records_are_a_success, setup, teardown),
		cmocka_unit_test_setup_teardown(test_redelivery_replaces, setup, teardown),
		cmocka_unit_test_setup_teardown(test_orders_outlive_the_event, setup, teardown),
		cmocka_unit_test_setup_teardown(test_error_msg_is_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ids_are_cut_between_characters, setup,
						teardown),
		cmocka_unit_test(test_response),
		cmocka_unit_test_setup_teardown(test_out_of_memory, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
