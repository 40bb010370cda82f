// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/exports.h"

#include "user/view/folded.h"

#define KEPT __attribute__((noinline, noclone, used))

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

static char *fold(struct exports *e)
{
	return exports_read(exports_write(e, folded_write));
}

/* Every line is a command and its frames, a blank, and a number above 0. Returns their sum. */
static uint64_t check_lines(char *text)
{
	uint64_t sum = 0;
	char *line, *rest = text;

	while ((line = strsep(&rest, "\n"))) {
		char *value = strrchr(line, ' '), *end;

		if (!*line) {
			assert_null(rest); /* the end of the last line */
			break;
		}
		assert_non_null(value);
		sum += strtoull(value + 1, &end, 10);
		assert_int_equal(*end, '\0');
		assert_true(strtoull(value + 1, NULL, 10) > 0);
		assert_non_null(strchr(line, ';'));
		assert_clean_line(line);
	}
	return sum;
}

static void a_line_per_site(void **state)
{
	struct exports e = exports_new("handler", true);
	uint32_t self = exports_self(&e), stack;
	char *text;

	(void)state;
	stack = STACK(&e, STACK_END_COMPLETE, {exports_address(cache_insert), self, 0},
		      {exports_address(order_handle), self, 0});
	exports_touch(&e, 10, stack);
	exports_touch(&e, 3, 0);
	exports_interval(&e);
	text = fold(&e);
	assert_string_equal(text, "handler;order_handle;cache_insert 40960\n"
				  "handler;[stack not taken] 12288\n");
	assert_int_equal(check_lines(text), PAGES(13));
	free(text);
	exports_free(&e);
}

/* Pages of this interval are not retained. */
static void only_what_is_retained(void **state)
{
	struct exports e = exports_new("handler", true);
	uint32_t module = exports_module(&e, "/usr/bin/handler"), old, young;
	char *text;

	(void)state;
	old = STACK(&e, STACK_END_COMPLETE, {0x1000, module, 0});
	young = STACK(&e, STACK_END_COMPLETE, {0x2000, module, 0});
	exports_touch(&e, 5, old);
	exports_interval(&e);
	exports_touch(&e, 7, old);
	exports_touch(&e, 20, young);
	text = fold(&e);
	assert_string_equal(text, "handler;handler+0x1000 20480\n");
	free(text);
	exports_free(&e);
}

static void names_keep_the_form(void **state)
{
	struct exports e = exports_new("x;y\nz\xff", true);
	uint32_t module = exports_module(&e, "/tmp/" HOSTILE), stack;
	unsigned int frames = 0;
	char *text;

	(void)state;
	stack = STACK(&e, STACK_END_CUT, {0x10, module, 0}, {0x20, 0, 0});
	exports_touch(&e, 2, stack);
	exports_interval(&e);
	text = fold(&e);
	assert_int_equal(strncmp(text, "x:y?z?;", 7), 0);
	assert_non_null(strstr(text, ";a:b,\"c\"???"));
	for (const char *at = strchr(text, ';'); at; at = strchr(at + 1, ';'))
		frames++;
	assert_int_equal(frames, 2);
	assert_int_equal(check_lines(text), PAGES(2));
	free(text);
	exports_free(&e);
}

static void without_stacks(void **state)
{
	struct exports e = exports_new("", false);
	char *text;

	(void)state;
	text = fold(&e);
	assert_string_equal(text, "");
	free(text);
	exports_touch(&e, 4, 0);
	exports_interval(&e);
	text = fold(&e);
	assert_string_equal(text, "?;[stack not taken] 16384\n");
	free(text);
	exports_free(&e);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		EXPORTS_TEST(a_line_per_site),
		EXPORTS_TEST(only_what_is_retained),
		EXPORTS_TEST(names_keep_the_form),
		EXPORTS_TEST(without_stacks),
	};

	order_handle();
	return cmocka_run_group_tests_name("folded", tests, NULL, NULL);
}
