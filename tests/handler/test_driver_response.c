#include "tests/handler/support.h"

#include "handler/driver/response.h"

static bool check(const char *response, const struct expected *expected, char why[256])
{
	return response_check(response, strlen(response), expected, why, 256);
}

static void test_right(void **state)
{
	static const struct expected whole = {.records = 10, .usable = 10, .instance_usable = 30};
	static const struct expected part = {.records = 10, .usable = 7, .instance_usable = 7};
	static const struct expected none = {.records = 2, .usable = 0, .instance_usable = 0};
	char why[256];

	(void)state;
	assert_true(check("{\"success\":true,\"processed_count\":10,\"cache_size\":30,"
			  "\"error_msg\":null}",
			  &whole, why));
	assert_true(
		check("{\"success\":true,\"processed_count\":10,\"cache_size\":1}", &whole, why));
	assert_true(
		check("{\"success\":false,\"processed_count\":7,\"cache_size\":7}", &part, why));
	assert_true(
		check("{\"success\":false,\"processed_count\":0,\"cache_size\":0}", &none, why));
}

static void test_wrong(void **state)
{
	static const struct expected expected = {
		.records = 10, .usable = 10, .instance_usable = 30};
	static const char *const cases[] = {
		"",
		"null",
		"[1]",
		"{\"success\":true,\"processed_count\":10}",
		"{\"success\":true,\"processed_count\":9,\"cache_size\":30}",
		"{\"success\":true,\"processed_count\":11,\"cache_size\":30}",
		"{\"success\":true,\"processed_count\":-10,\"cache_size\":30}",
		"{\"success\":true,\"processed_count\":10.0,\"cache_size\":30}",
		"{\"success\":true,\"processed_count\":\"10\",\"cache_size\":30}",
		"{\"success\":true,\"processed_count\":10,\"cache_size\":31}",
		"{\"success\":true,\"processed_count\":10,\"cache_size\":0}",
		"{\"success\":true,\"processed_count\":10,\"cache_size\":-1}",
		"{\"success\":false,\"processed_count\":10,\"cache_size\":30}",
		"{\"success\":1,\"processed_count\":10,\"cache_size\":30}",
		"{\"success\":true,\"processed_count\":10,\"cache_size\":30",
		"{\"success\":true,\"processed_count\":10,\"cache_size\":30}}",
		"{\"success\":true,\"processed_count\":9,\"processed_count\":10,"
		"\"cache_size\":30}",
		"\x1b[2J\xff{\"success\":true}",
	};
	char why[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		memset(why, 0, sizeof(why));
		if (check(cases[i], &expected, why))
			fail_msg("'%s' was accepted", cases[i]);
		assert_true(strlen(why) > 10);
		for (const char *c = why; *c; c++)
			assert_in_range(*c, ' ', '~');
	}
}

static void test_nul_and_depth(void **state)
{
	static const struct expected expected = {.records = 1, .usable = 1, .instance_usable = 1};
	static const char nul[] = "{\"success\":true,\"processed_count\":1,\"cache_size\":1}\0x";
	size_t depth = 1 << 20;
	char *deep = malloc(depth + 1);
	char why[256];

	(void)state;
	assert_false(response_check(nul, sizeof(nul) - 1, &expected, why, sizeof(why)));
	assert_non_null(deep);
	memset(deep, '[', depth);
	deep[depth] = '\0';
	assert_false(check(deep, &expected, why));
	free(deep);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_right),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_nul_and_depth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
