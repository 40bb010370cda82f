// SPDX-License-Identifier: GPL-2.0-only
/* What --invocation may be given, and what is said of the rest. */
#include "tests/unit/support.h"

#include <limits.h>

#include "user/source/invocation_spec.h"

static void good_ones(void **state)
{
	static const struct {
		const char *text;
		enum invocation_spec_kind kind;
		const char *binary, *provider, *begin, *end;
	} cases[] = {
		{"usdt:orders:begin,end", INVOCATION_SPEC_USDT, "", "orders", "begin", "end"},
		{"usdt:/usr/bin/x:orders:begin,end", INVOCATION_SPEC_USDT, "/usr/bin/x", "orders",
		 "begin", "end"},
		{"usdt:libx.so.1:orders:begin,end", INVOCATION_SPEC_USDT, "libx.so.1", "orders",
		 "begin", "end"},
		{"usdt:/srv/a:b,c/x:p:s,e", INVOCATION_SPEC_USDT, "/srv/a:b,c/x", "p", "s", "e"},
		{"usdt:func:s,e", INVOCATION_SPEC_USDT, "", "func", "s", "e"},
		{"func:handler:handle", INVOCATION_SPEC_FUNCTION, "handler", "", "handle", ""},
		{"func:./handler:_ZN5order6handleEi", INVOCATION_SPEC_FUNCTION, "./handler", "",
		 "_ZN5order6handleEi", ""},
		{"func:/srv/a:b/x:f", INVOCATION_SPEC_FUNCTION, "/srv/a:b/x", "", "f", ""},
		{"func:/srv/a::b/x:f", INVOCATION_SPEC_FUNCTION, "/srv/a::b/x", "", "f", ""},
		{"func:/srv/(old) <1>/x:f", INVOCATION_SPEC_FUNCTION, "/srv/(old) <1>/x", "", "f",
		 ""},
		{"func:x:_RNvC5order6handle.llvm.1$2", INVOCATION_SPEC_FUNCTION, "x", "",
		 "_RNvC5order6handle.llvm.1$2", ""},
		{"func:libc.so.6:f@@GLIBC_2.15", INVOCATION_SPEC_FUNCTION, "libc.so.6", "",
		 "f@@GLIBC_2.15", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct invocation_spec spec;
		char why[200] = "";

		if (invocation_spec_parse(cases[i].text, &spec, why, sizeof(why)))
			fail_msg("%s: %s", cases[i].text, why);
		assert_int_equal(spec.kind, cases[i].kind);
		assert_ptr_equal(spec.text, cases[i].text);
		assert_string_equal(spec.binary, cases[i].binary);
		assert_string_equal(spec.provider, cases[i].provider);
		assert_string_equal(spec.begin, cases[i].begin);
		assert_string_equal(spec.end, cases[i].end);
	}
}

/* -EINVAL, one line that has these words, and a spec that is as it was. */
static void refuse(const char *text, const char *words)
{
	struct invocation_spec spec, before;
	char why[200] = "";

	memset(&spec, 0x5a, sizeof(spec));
	before = spec;
	if (invocation_spec_parse(text, &spec, why, sizeof(why)) != -EINVAL)
		fail_msg("'%s' is taken", text);
	if (!strstr(why, words) || strchr(why, '\n') || strlen(why) > sizeof(why) - 2)
		fail_msg("'%s': %s", text, why);
	assert_memory_equal(&spec, &before, sizeof(spec));
}

static void bad_ones(void **state)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{"", "unknown kind"},
		{"usdt", "unknown kind"},
		{"probe:p:s,e", "unknown kind"},
		{"USDT:p:s,e", "unknown kind"},
		{" usdt:p:s,e", "unknown kind"},
		{":p:s,e", "unknown kind"},
		{"/usr/bin/x:f", "func:BINARY:FUNCTION"},
		{"usdt:", "missing"},
		{"usdt:p", "missing"},
		{"usdt:s,e", "PROVIDER"},
		{"usdt:p:s", "the probe at the end"},
		{"usdt:p:s,", "the probe at the end"},
		{"usdt:p:", "the probe at the end"},
		{"usdt:p:,e", "START is empty"},
		{"usdt:p:a,b,c", "more than two"},
		{"usdt:p:a,,c", "more than two"},
		{"usdt::s,e", "PROVIDER is empty"},
		{"usdt:/bin/x::s,e", "PROVIDER is empty"},
		{"usdt::p:s,e", "BINARY is empty"},
		{"usdt:p:s,s", "the same"},
		{"func:", "missing"},
		{"func:f", "missing"},
		{"func:x:", "FUNCTION is empty"},
		{"func::f", "BINARY is empty"},
		{"func:x:order::handle", "nm"},
		{"func:/a/x:order::handle(int)", "nm"},
		{"func:x:handle(int)", "mangled"},
		{"func:x:handle<int>", "mangled"},
		{"func:x:operator new", "mangled"},
		{"func:x:f\n", "control character"},
		{"usdt:p\033[2J:s,e", "control character"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		refuse(cases[i].text, cases[i].words);
}

/* A name of so many bytes between two texts. */
static const char *long_text(const char *before, size_t size, const char *after)
{
	static char text[3 * PATH_MAX];

	assert_true(strlen(before) + size + strlen(after) < sizeof(text));
	snprintf(text, sizeof(text), "%s%*s%s", before, (int)size, "", after);
	memset(text + strlen(before), 'n', size);
	return text;
}

static void lengths(void **state)
{
	static const struct {
		const char *before, *after, *words;
		size_t longest;
	} cases[] = {
		{"usdt:", ":s,e", "PROVIDER is too long: at most 255", INVOCATION_NAME_MAX - 1},
		{"usdt:p:", ",e", "START is too long: at most 255", INVOCATION_NAME_MAX - 1},
		{"usdt:p:s,", "", "END is too long: at most 255", INVOCATION_NAME_MAX - 1},
		{"func:x:", "", "FUNCTION is too long: at most 255", INVOCATION_NAME_MAX - 1},
		{"usdt:", ":p:s,e", "BINARY is too long: at most 4095", PATH_MAX - 1},
		{"func:", ":f", "BINARY is too long: at most 4095", PATH_MAX - 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct invocation_spec spec;
		char why[200] = "";

		if (invocation_spec_parse(
			    long_text(cases[i].before, cases[i].longest, cases[i].after), &spec,
			    why, sizeof(why)))
			fail_msg("%s: %s", cases[i].words, why);
		refuse(long_text(cases[i].before, cases[i].longest + 1, cases[i].after),
		       cases[i].words);
		refuse(long_text(cases[i].before, 2 * (size_t)PATH_MAX, cases[i].after),
		       cases[i].words);
	}
}

/* The reason is cut to what there is room for, and ends. */
static void little_room(void **state)
{
	struct invocation_spec spec;
	char why[8];

	(void)state;
	memset(why, 'x', sizeof(why));
	assert_int_equal(invocation_spec_parse("none", &spec, why, 5), -EINVAL);
	assert_string_equal(why, "unkn");
	assert_int_equal(why[5], 'x');
}

/* Whatever it is made of: taken with all its parts, or refused with a reason. */
static void any_text(void **state)
{
	static const char *const words[] = {"usdt", "func", ":", ":", ":", ",", "a", "b",
					    "::",   "/",    "(", "@", "",  " ", "ab"};
	uint64_t seed = 7;
	unsigned int taken = 0;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		char text[64] = "", why[200] = "";
		struct invocation_spec spec;

		for (uint64_t left = random_below(&seed, 10); left; left--)
			strcat(text, words[random_below(&seed, ARRAY_SIZE(words))]);
		if (invocation_spec_parse(text, &spec, why, sizeof(why))) {
			assert_true(why[0]);
			continue;
		}
		taken++;
		assert_true(spec.begin[0]);
		if (spec.kind == INVOCATION_SPEC_USDT)
			assert_true(spec.provider[0] && spec.end[0] &&
				    strcmp(spec.begin, spec.end) != 0);
		else
			assert_true(spec.binary[0] && !spec.end[0]);
	}
	assert_true(taken > 100);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_ones), cmocka_unit_test(bad_ones),
		cmocka_unit_test(lengths),   cmocka_unit_test(little_room),
		cmocka_unit_test(any_text),
	};

	return cmocka_run_group_tests_name("invocation_spec", tests, NULL, NULL);
}
