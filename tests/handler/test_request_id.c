#include "tests/handler/support.h"

#include <regex.h>

#include "handler/request_id.h"

#define IDS 1000

static void test_made_ids(void **state)
{
	static char ids[IDS][REQUEST_ID_MADE];
	char again[REQUEST_ID_MADE];
	regex_t uuid;

	(void)state;
	assert_int_equal(regcomp(&uuid,
				 "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-"
				 "[0-9a-f]{12}$",
				 REG_EXTENDED | REG_NOSUB),
			 0);
	for (size_t i = 0; i < IDS; i++) {
		request_id_make(7, i, ids[i]);
		assert_int_equal(regexec(&uuid, ids[i], 0, NULL, 0), 0);
		assert_true(request_id_valid(ids[i]));
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(ids[i], ids[j]);
	}
	regfree(&uuid);
	request_id_make(7, 500, again);
	assert_string_equal(again, ids[500]);
	request_id_make(8, 500, again);
	assert_string_not_equal(again, ids[500]);
}

static void test_valid(void **state)
{
	static const char *const bad[] = {"",	  "a b",  "a/b", "..",	"a\n", "a\r\nX: y",
					  "\xc3", "a%2f", "a?b", "a#b", "{a}", "a_b"};
	char longest[REQUEST_ID_LIMIT + 2];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(request_id_valid(bad[i]));
	assert_true(request_id_valid("8476a536-e9f4-11e8-9739-2dfe598c3fcd"));
	assert_true(request_id_valid("Z"));
	memset(longest, 'a', sizeof(longest));
	longest[REQUEST_ID_LIMIT + 1] = '\0';
	assert_false(request_id_valid(longest));
	longest[REQUEST_ID_LIMIT] = '\0';
	assert_true(request_id_valid(longest));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_made_ids),
		cmocka_unit_test(test_valid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
