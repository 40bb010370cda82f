#include "tests/handler/support.h"

#include <jansson.h>

#include "handler/generator.h"

static const struct generator standard = {
	.seed = 1, .records = 10, .payload_min = 100, .payload_max = 700, .malformed_percent = 0};

static char *event_text(const struct generator *generator, uint64_t invocation)
{
	size_t length = 0;
	char *text = NULL;

	assert_int_equal(event_generate(generator, invocation, &text, &length, NULL), 0);
	assert_int_equal(strlen(text), length);
	return text;
}

static json_t *event_records(const struct generator *generator, uint64_t invocation)
{
	char *text = event_text(generator, invocation);
	json_t *event = json_loads(text, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);
	json_t *records;

	assert_non_null(event);
	records = json_incref(json_object_get(event, "Records"));
	assert_int_equal(json_array_size(records), generator->records);
	json_decref(event);
	free(text);
	return records;
}

/*
 * 0 and the order, whose body is that of the record, or the error order_parse() has for the record;
 * 1 for a record with no body.
 */
static int record_order(const json_t *records, size_t index, struct order **order)
{
	const json_t *record = json_array_get(records, index);
	const json_t *body = json_object_get(record, "body");

	assert_true(json_is_string(json_object_get(record, "messageId")));
	if (json_is_null(body))
		return 1;
	assert_true(json_is_string(body));
	assert_in_range(json_string_length(body), 0, ORDER_BODY_LIMIT - 1);
	return order_parse(json_string_value(body), json_string_length(body), order);
}

static size_t note_length(const struct order *order)
{
	json_t *body = json_loadb(order->body, order->body_len, 0, NULL);
	size_t length = json_string_length(json_object_get(body, "note"));

	assert_true(json_is_string(json_object_get(body, "note")));
	json_decref(body);
	return length;
}

static void test_same_seed_same_events(void **state)
{
	struct generator other = standard;

	(void)state;
	other.seed = 2;
	/* Backwards the second time: an event must not depend on those made before it. */
	for (uint64_t i = 0; i < 20; i++) {
		char *first = event_text(&standard, i);
		char *between = event_text(&standard, 1000 - i);
		char *second = event_text(&standard, i);
		char *different = event_text(&other, i);

		assert_string_equal(first, second);
		assert_string_not_equal(first, between);
		assert_string_not_equal(first, different);
		free(first);
		free(between);
		free(second);
		free(different);
	}
}

static void test_order_ids_increase(void **state)
{
	char last[ORDER_FIELD_MAX + 1] = "";

	(void)state;
	for (uint64_t i = 0; i < 200; i++) {
		json_t *records = event_records(&standard, i);

		for (size_t j = 0; j < standard.records; j++) {
			struct order *order;

			assert_int_equal(record_order(records, j, &order), 0);
			assert_true(strcmp(order->order_id, last) > 0);
			snprintf(last, sizeof(last), "%s", order->order_id);
			order_free(order);
		}
		json_decref(records);
	}
}

static void payload_check(uint64_t min, uint64_t max)
{
	struct generator generator = standard;
	size_t smallest = SIZE_MAX, largest = 0;

	generator.payload_min = min;
	generator.payload_max = max;
	for (uint64_t i = 0; i < 300; i++) {
		json_t *records = event_records(&generator, i);

		for (size_t j = 0; j < generator.records; j++) {
			struct order *order;
			size_t length;

			assert_int_equal(record_order(records, j, &order), 0);
			length = note_length(order);
			smallest = length < smallest ? length : smallest;
			largest = length > largest ? length : largest;
			order_free(order);
		}
		json_decref(records);
	}
	/* Of 3,000 draws some are within 2% of either end. */
	assert_in_range(smallest, min, min + (max - min) / 50);
	assert_in_range(largest, max - (max - min) / 50, max);
}

static void test_payload_sizes(void **state)
{
	(void)state;
	payload_check(0, 0);
	payload_check(500, 500);
	payload_check(100, 700);
	payload_check(0, GENERATOR_PAYLOAD_MAX);
	payload_check(GENERATOR_PAYLOAD_MAX, GENERATOR_PAYLOAD_MAX);
}

static void test_late_invocations_fit(void **state)
{
	struct generator generator = standard;
	json_t *records;

	(void)state;
	generator.records = 10000;
	generator.payload_min = generator.payload_max = GENERATOR_PAYLOAD_MAX;
	records = event_records(&generator, 1000000000000000 - 1);
	for (size_t j = 0; j < generator.records; j++) {
		struct order *order;

		assert_int_equal(record_order(records, j, &order), 0);
		order_free(order);
	}
	json_decref(records);
}

struct counts {
	size_t good, absent, empty, malformed, wrong;
};

/* What the generator says of its own event. */
static uint64_t event_usable(const struct generator *generator, uint64_t invocation)
{
	char *text = NULL;
	size_t length = 0;
	uint64_t usable = UINT64_MAX;

	assert_int_equal(event_generate(generator, invocation, &text, &length, &usable), 0);
	free(text);
	return usable;
}

static struct counts records_count(double percent)
{
	struct generator generator = standard;
	struct counts counts = {0};

	generator.malformed_percent = percent;
	for (uint64_t i = 0; i < 2000; i++) {
		json_t *records = event_records(&generator, i);
		size_t good = counts.good;

		for (size_t j = 0; j < generator.records; j++) {
			struct order *order = NULL;
			int err = record_order(records, j, &order);

			counts.good += err == 0;
			counts.absent += err == 1;
			counts.empty += err == -ENODATA;
			counts.malformed += err == -EBADMSG;
			counts.wrong += err == -EINVAL;
			order_free(order);
		}
		assert_int_equal(event_usable(&generator, i), counts.good - good);
		json_decref(records);
	}
	assert_int_equal(counts.good + counts.absent + counts.empty + counts.malformed +
				 counts.wrong,
			 20000);
	return counts;
}

static void test_malformed_share(void **state)
{
	struct counts counts;

	(void)state;
	assert_int_equal(records_count(0).good, 20000);
	/* Five standard deviations around the mean of 20,000 draws. */
	assert_in_range(records_count(1).good, 19800 - 70, 19800 + 70);
	assert_in_range(records_count(10).good, 18000 - 212, 18000 + 212);
	assert_in_range(records_count(50).good, 10000 - 354, 10000 + 354);

	/* Of eight kinds four are no JSON, two have wrong fields. */
	counts = records_count(100);
	assert_int_equal(counts.good, 0);
	assert_in_range(counts.absent, 2200, 2800);
	assert_in_range(counts.empty, 2200, 2800);
	assert_in_range(counts.malformed, 9500, 10500);
	assert_in_range(counts.wrong, 4600, 5400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_seed_same_events),
		cmocka_unit_test(test_order_ids_increase),
		cmocka_unit_test(test_payload_sizes),
		cmocka_unit_test(test_late_invocations_fit),
		cmocka_unit_test(test_malformed_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
