// SPDX-License-Identifier: GPL-2.0-only
/* What --heap-probe may be given, and what is said of the rest. */
#include "tests/unit/support.h"

#include "user/source/heap_spec.h"

static void good_ones(void **state)
{
	static const struct {
		const char *text, *function, *binary;
		uint64_t offset;
	} cases[] = {
		{"malloc=server+0x1", "malloc", "server", 1},
		{"free=/srv/a+b=c/x+0x7fffffffffffffff", "free", "/srv/a+b=c/x", INT64_MAX},
		{"je_malloc=x+0xAbC", "malloc", "x", 0xabc},
		{"_Znwm=./x+0x10", "_Znwm", "./x", 16},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct heap_spec spec;
		char why[256] = "";

		if (heap_spec_parse(cases[i].text, &spec, why, sizeof(why)))
			fail_msg("%s: %s", cases[i].text, why);
		assert_ptr_equal(spec.text, cases[i].text);
		assert_string_equal(spec.function->name, cases[i].function);
		assert_string_equal(spec.binary, cases[i].binary);
		assert_int_equal(spec.offset, cases[i].offset);
	}
}

static void bad_ones(void **state)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{"", "name of a function"},
		{"malloc", "name of a function"},
		{"=x+0x1", "name of a function"},
		{"maloc=x+0x1", "no function"},
		{"malloc=", "offset"},
		{"malloc=x", "offset"},
		{"malloc=x+1", "offset"},
		{"malloc=x+0x", "offset"},
		{"malloc=x+0x-1", "offset"},
		{"malloc=x+0x0", "offset"},
		{"malloc=x+0x1 ", "offset"},
		{"malloc=x+0x8000000000000000", "offset"},
		{"malloc=x+0x10000000000000000", "offset"},
		{"malloc=+0x1", "BINARY"},
		{"malloc=a\nb+0x1", "control"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct heap_spec spec, before;
		char why[256] = "";

		memset(&spec, 0x5a, sizeof(spec));
		before = spec;
		if (heap_spec_parse(cases[i].text, &spec, why, sizeof(why)) != -EINVAL)
			fail_msg("'%s' is taken", cases[i].text);
		if (!strstr(why, cases[i].words) || !strstr(why, "malloc=BINARY+0xOFFSET"))
			fail_msg("'%s': %s", cases[i].text, why);
		assert_memory_equal(&spec, &before, sizeof(spec));
	}
}

static void long_ones(void **state)
{
	static char text[8192];
	struct heap_spec spec;
	char why[64];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	memcpy(text, "malloc=", 7);
	memcpy(text + sizeof(text) - 6, "+0x10", 6);
	assert_int_equal(heap_spec_parse(text, &spec, why, sizeof(why)), -EINVAL);
	memset(text, 'x', 7);
	text[4000] = '=';
	assert_int_equal(heap_spec_parse(text, &spec, why, sizeof(why)), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_ones),
		cmocka_unit_test(bad_ones),
		cmocka_unit_test(long_ones),
	};

	return cmocka_run_group_tests_name("heap_spec", tests, NULL, NULL);
}
