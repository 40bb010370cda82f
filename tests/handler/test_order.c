#include "tests/handler/support.h"

#include <malloc.h>

#define GOOD                                                                                       \
	"{\"order_id\":\"o-1\",\"customer_id\":\"c-1\",\"total_usd\":12.5,"                        \
	"\"processed_at\":\"2024-01-01T00:00:00Z\"}"

static struct order *const untouched = (struct order *)0x5a5a;

static void refuse(const char *body, size_t length, int error)
{
	struct order *order = untouched;
	int err = order_parse(body, length, &order);

	if (err != error)
		fail_msg("'%.80s' gave %d, not %d", body ? body : "(null)", err, error);
	assert_ptr_equal(order, untouched);
}

static void test_fields(void **state)
{
	char body[] = GOOD;
	size_t length = strlen(body);
	struct order *order;

	(void)state;
	assert_int_equal(order_parse(body, length, &order), 0);
	assert_non_null(order->document);
	assert_ptr_equal(order->body, body);
	assert_int_equal(order->body_len, length);

	/* Only the body is the caller's; the library has its own text of the others. */
	memset(body, 'x', length);
	assert_string_equal(order->order_id, "o-1");
	assert_string_equal(order->customer_id, "c-1");
	assert_string_equal(order->processed_at, "2024-01-01T00:00:00Z");
	assert_true(order->total_usd == 12.5);
	order_free(order);
	assert_int_equal(body[0], 'x');
}

static void test_the_length_counts_not_a_nul(void **state)
{
	struct order *order, *copy = NULL;

	(void)state;
	assert_int_equal(order_parse(GOOD "garbage", strlen(GOOD), &order), 0);
	assert_int_equal(order->body_len, strlen(GOOD));
	assert_int_equal(order_keep(&copy, order), 0);
	order_free(order);
	assert_int_equal(copy->body_len, strlen(GOOD));
	assert_string_equal(copy->body, GOOD);
	order_free(copy);
	refuse(GOOD "garbage", strlen(GOOD) + 7, -EBADMSG);
}

static bool text_within(const struct order *order, const char *text)
{
	const char *block = (const char *)order;

	return text >= block + sizeof(*order) && text + strlen(text) < block + order_count(order);
}

static void copy_check(const struct order *copy, const char *id, const char *body)
{
	assert_string_equal(copy->order_id, id);
	assert_string_equal(copy->customer_id, "cus-1");
	assert_string_equal(copy->processed_at, "2024-01-01T00:00:00Z");
	assert_string_equal(copy->body, body);
	assert_int_equal(copy->body_len, strlen(body));
	assert_true(copy->total_usd == 12.5);
	assert_null(copy->document);
	assert_true(text_within(copy, copy->order_id));
	assert_true(text_within(copy, copy->customer_id));
	assert_true(text_within(copy, copy->processed_at));
	assert_true(text_within(copy, copy->body));
	assert_true(malloc_usable_size((void *)copy) >= order_count(copy));
}

/* Keeps the order of that id and note in *copy, and checks it when the order is gone. */
static void keep_check(struct order **copy, const char *id, size_t note)
{
	struct order *order = order_make(id, note);
	char *body = strndup(order->body, order->body_len);

	assert_int_equal(order_keep(copy, order), 0);
	assert_int_equal(order_bytes(*copy), order_count(order));
	order_unmake(order);
	copy_check(*copy, id, body);
	free(body);
}

static void test_a_copy_needs_nothing_else(void **state)
{
	static const char longest[] =
		"0123456789012345678901234567890123456789012345678901234567890123";
	struct order *copy = NULL, *again = NULL;

	(void)state;
	for (size_t note = 1; note < 3800; note += 7) {
		keep_check(&copy, "o-1", note);
		order_free(copy);
		copy = NULL;
	}
	/* A copy can be copied, by whom it does not matter. */
	keep_check(&copy, longest, 3000);
	assert_int_equal(order_keep(&again, copy), 0);
	assert_ptr_not_equal(again, copy);
	memset((char *)copy->body, 'x', copy->body_len);
	order_free(copy);
	assert_string_equal(again->order_id, longest);
	assert_memory_equal(again->body, "{\"order_id\":\"0123456789", 23);
	assert_true(text_within(again, again->body));
	order_free(again);
}

static void test_a_block_is_reused(void **state)
{
	size_t full = note_for_length("o-1", ORDER_BLOCK);
	struct order *copy = NULL;
	uintptr_t first;

	(void)state;
	keep_check(&copy, "o-1", 100);
	first = (uintptr_t)copy;
	for (size_t note = 1; note <= full; note += 13) {
		keep_check(&copy, "o-1", note);
		assert_int_equal((uintptr_t)copy, first);
	}
	/* To the last byte of the block, and with other texts than before. */
	keep_check(&copy, "o-1", full);
	assert_int_equal((uintptr_t)copy, first);
	keep_check(&copy, "an-id-of-its-own", 1);
	assert_int_equal((uintptr_t)copy, first);
	order_free(copy);
}

static void test_a_copy_grows_and_shrinks(void **state)
{
	static const size_t blocks[] = {1, 2, 1, 3, 2, 3, 1};
	char id[ORDER_FIELD_MAX + 1];
	struct order *copy = NULL;

	(void)state;
	/* With the longest id there are orders of more than two blocks. */
	memset(id, 'i', sizeof(id) - 1);
	id[sizeof(id) - 1] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(blocks); i++) {
		size_t least = (blocks[i] - 1) * ORDER_BLOCK + 1;
		size_t note = least > 1 ? note_for_length(id, least) : 1;

		keep_check(&copy, id, note);
		assert_int_equal(order_bytes(copy), blocks[i] * ORDER_BLOCK);
	}
	order_free(copy);
}

static void test_whole_numbers_are_totals(void **state)
{
	static const char body[] = "{\"order_id\":\"o\",\"customer_id\":\"c\",\"total_usd\":7,"
				   "\"processed_at\":\"t\",\"extra\":[{\"a\":null}]}";
	struct order *order;

	(void)state;
	assert_int_equal(order_parse(body, strlen(body), &order), 0);
	assert_true(order->total_usd == 7.0);
	order_free(order);
}

static void test_empty(void **state)
{
	(void)state;
	refuse(NULL, 0, -ENODATA);
	refuse("", 0, -ENODATA);
	refuse(GOOD, 0, -ENODATA);
}

static void test_malformed(void **state)
{
	static const char *const bodies[] = {
		" ",
		"{",
		"}",
		"not json",
		"{\"order_id\":}",
		"{'order_id':'o'}",
		"{\"order_id\":\"o\",}",
		"{\"order_id\":\"\xff\xfe\"}",
		"{\"order_id\":\"\\ud800\"}",
		"{\"total_usd\":1e999}",
		"{\"total_usd\":NaN}",
		"\xef\xbb\xbf{}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++)
		refuse(bodies[i], strlen(bodies[i]), -EBADMSG);
	/* Every proper beginning of a good body is malformed. */
	for (size_t length = 1; length < strlen(GOOD); length++)
		refuse(GOOD, length, -EBADMSG);
}

static void test_nul(void **state)
{
	char body[] = GOOD;
	static const char escaped[] = "{\"order_id\":\"o\\u0000x\",\"customer_id\":\"c\","
				      "\"total_usd\":1,\"processed_at\":\"t\"}";

	(void)state;
	refuse(escaped, strlen(escaped), -EBADMSG);
	for (size_t i = 0; i < strlen(GOOD); i++) {
		memcpy(body, GOOD, sizeof(body));
		body[i] = '\0';
		refuse(body, strlen(GOOD), -EBADMSG);
	}
	/* A NUL behind a complete document is no part of JSON either. */
	refuse(GOOD, strlen(GOOD) + 1, -EBADMSG);
}

static void test_size_limit(void **state)
{
	char body[ORDER_BODY_LIMIT + 1];
	struct order *order;

	(void)state;
	memset(body, ' ', sizeof(body));
	memcpy(body, GOOD, strlen(GOOD));
	assert_int_equal(order_parse(body, 4095, &order), 0);
	assert_int_equal(order->body_len, 4095);
	order_free(order);
	refuse(body, 4096, -EMSGSIZE);
	refuse(body, 4097, -EMSGSIZE);
	refuse(body, SIZE_MAX, -EMSGSIZE);
}

static void test_wrong_types(void **state)
{
	static const char *const bodies[] = {
		"[]",
		"{}",
		"[" GOOD "]",
#define BODY(id, customer, total, at)                                                              \
	"{\"order_id\":" id ",\"customer_id\":" customer ",\"total_usd\":" total                   \
	",\"processed_at\":" at "}"
		BODY("1", "\"c\"", "1", "\"t\""),
		BODY("null", "\"c\"", "1", "\"t\""),
		BODY("\"\"", "\"c\"", "1", "\"t\""),
		BODY("\"o\"", "[]", "1", "\"t\""),
		BODY("\"o\"", "\"\"", "1", "\"t\""),
		BODY("\"o\"", "\"c\"", "\"1\"", "\"t\""),
		BODY("\"o\"", "\"c\"", "true", "\"t\""),
		BODY("\"o\"", "\"c\"", "-0.01", "\"t\""),
		BODY("\"o\"", "\"c\"", "1", "1704067200"),
		BODY("\"o\"", "\"c\"", "1", "{}"),
		"{\"customer_id\":\"c\",\"total_usd\":1,\"processed_at\":\"t\"}",
		"{\"order_id\":\"o\",\"total_usd\":1,\"processed_at\":\"t\"}",
		"{\"order_id\":\"o\",\"customer_id\":\"c\",\"processed_at\":\"t\"}",
		"{\"order_id\":\"o\",\"customer_id\":\"c\",\"total_usd\":1}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++)
		refuse(bodies[i], strlen(bodies[i]), -EINVAL);
}

static void test_scalars_are_no_documents(void **state)
{
	(void)state;
	refuse("12", 2, -EBADMSG);
	refuse("\"o\"", 3, -EBADMSG);
	refuse("null", 4, -EBADMSG);
}

static void test_field_length(void **state)
{
	char body[512];
	struct order *order;
	int length;

	(void)state;
	for (int size = 63; size <= 66; size++) {
		length = snprintf(body, sizeof(body),
				  "{\"order_id\":\"%0*d\",\"customer_id\":\"c\",\"total_usd\":1,"
				  "\"processed_at\":\"t\"}",
				  size, 0);
		if (size > ORDER_FIELD_MAX) {
			refuse(body, (size_t)length, -EINVAL);
			continue;
		}
		assert_int_equal(order_parse(body, (size_t)length, &order), 0);
		assert_int_equal(strlen(order->order_id), size);
		order_free(order);
	}
}

static void test_duplicate_keys(void **state)
{
	static const char body[] = "{\"order_id\":\"o\",\"order_id\":\"p\",\"customer_id\":\"c\","
				   "\"total_usd\":1,\"processed_at\":\"t\"}";

	(void)state;
	refuse(body, strlen(body), -EBADMSG);
}

static void test_deep_nesting(void **state)
{
	static const char head[] = "{\"order_id\":\"o\",\"customer_id\":\"c\",\"total_usd\":1,"
				   "\"processed_at\":\"t\",\"x\":";
	char body[4000];
	struct order *order;
	size_t length = strlen(head);

	(void)state;
	memset(body, '[', sizeof(body));
	refuse(body, sizeof(body), -EBADMSG);

	/* 1,500 levels, closed properly, are strange but valid. */
	memcpy(body, head, length);
	memset(body + length, '[', 1500);
	memset(body + length + 1500, ']', 1500);
	body[length + 3000] = '}';
	assert_int_equal(order_parse(body, length + 3001, &order), 0);
	order_free(order);
}

static void length_check(const char *id, size_t length, size_t bytes)
{
	struct order *order = order_make(id, note_for_length(id, length));

	assert_int_equal(order_length(order), length);
	assert_int_equal(order_bytes(order), bytes);
	order_unmake(order);
}

static void test_bytes_are_whole_blocks(void **state)
{
	struct order *order;

	(void)state;
	for (size_t note = 1; note < 3800; note += 271) {
		order = order_make("ord-000000000007", note);
		assert_int_equal(order_bytes(order), order_count(order));
		order_unmake(order);
	}
	length_check("ord-000000000007", 1000, 2048);
	length_check("ord-000000000007", 2047, 2048);
	length_check("ord-000000000007", 2048, 2048);
	length_check("ord-000000000007", 2049, 4096);
	length_check("ord-000000000007", 4096, 4096);
	length_check("ord-000000000007", 4097, 6144);
	order_free(NULL);
}

static void test_every_error_has_a_text_of_its_own(void **state)
{
	static const int errors[] = {-ENODATA, -EMSGSIZE, -EBADMSG, -EINVAL, -ENOMEM, -EIO};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		assert_non_null(order_error(errors[i]));
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(order_error(errors[i]), order_error(errors[j]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_the_length_counts_not_a_nul),
		cmocka_unit_test(test_a_copy_needs_nothing_else),
		cmocka_unit_test(test_a_block_is_reused),
		cmocka_unit_test(test_a_copy_grows_and_shrinks),
		cmocka_unit_test(test_whole_numbers_are_totals),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_size_limit),
		cmocka_unit_test(test_wrong_types),
		cmocka_unit_test(test_scalars_are_no_documents),
		cmocka_unit_test(test_field_length),
		cmocka_unit_test(test_duplicate_keys),
		cmocka_unit_test(test_deep_nesting),
		cmocka_unit_test(test_bytes_are_whole_blocks),
		cmocka_unit_test(test_every_error_has_a_text_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
