// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/support.h"

#include <jansson.h>

#include "user/base/clean_text.h"

static void cleans(const char *text, const char *expected)
{
	char clean[CLEAN_TEXT_MAX];

	assert_ptr_equal(clean_text(text, clean), clean);
	assert_string_equal(clean, expected);
}

static void what_is_fit_stays(void **state)
{
	(void)state;
	cleans("", "");
	cleans("std::vector<int, a&&>::f(char) const; [clone .cold]",
	       "std::vector<int, a&&>::f(char) const; [clone .cold]");
	cleans("größe \xe2\x82\xac \xf0\x9f\x90\x98 \xf4\x8f\xbf\xbf",
	       "größe \xe2\x82\xac \xf0\x9f\x90\x98 \xf4\x8f\xbf\xbf");
	cleans("\xef\xbf\xbd \xc2\xa0", "\xef\xbf\xbd \xc2\xa0");
}

static void controls_become_marks(void **state)
{
	(void)state;
	cleans("a\nb\rc\td\x1b[0m\x7f\x01", "a?b?c?d?[0m??");
	cleans("\xc2\x80\xc2\x9f", "????");				      /* U+0080 to U+009F */
	cleans("\xe2\x80\xaegnp.exe\xe2\x81\xa6\xd8\x9c", "???gnp.exe?????"); /* bidirectional */
	cleans("\xe2\x80\xa8|\xe2\x80\x93", "???|\xe2\x80\x93");	      /* a line; a dash */
}

static void other_bytes_become_marks(void **state)
{
	(void)state;
	cleans("\xff\xfe", "??");
	cleans("\x80x\xbf", "?x?");
	cleans("\xc0\xaf\xc1\xbf", "????");		     /* overlong */
	cleans("\xe0\x80\xaf \xf0\x80\x80\xaf", "??? ????"); /* overlong */
	cleans("\xed\xa0\x80\xed\xbf\xbf", "??????");	     /* surrogates */
	cleans("\xf4\x90\x80\x80\xf5\x80\x80\x80", "????????");
	cleans("cut \xe2\x82", "cut ??");
	cleans("\xe2(\xa1", "?(?");
	cleans("\xf0", "?");
}

static void items_hold_no_separator(void **state)
{
	char clean[CLEAN_TEXT_MAX];

	(void)state;
	assert_string_equal(clean_item("a;b;;\n;", clean), "a:b::?:");
	assert_string_equal(clean_item("\xc2\xbb;", clean), "\xc2\xbb:");
}

/* Cut between characters, never within one. */
static void long_text_is_cut(void **state)
{
	char clean[CLEAN_TEXT_MAX], text[2 * CLEAN_TEXT_MAX];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(strlen(clean_text(text, clean)), CLEAN_TEXT_MAX - 1);
	for (size_t i = 0; i + 3 < sizeof(text); i += 3)
		memcpy(text + i, "\xe2\x82\xac", 3);
	clean_text(text, clean);
	assert_int_equal(strlen(clean), (CLEAN_TEXT_MAX - 1) / 3 * 3);
	memset(text, 0xff, sizeof(text));
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(strlen(clean_text(text, clean)), CLEAN_TEXT_MAX - 1);
}

/* By the judgement of another reader of UTF-8. */
static void whatever_comes_in_utf8_comes_out(void **state)
{
	uint64_t seed = 7, changed = 0;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		char text[16], clean[CLEAN_TEXT_MAX];
		size_t size = random_below(&seed, sizeof(text));
		json_t *was, *is;

		for (size_t at = 0; at < size; at++)
			text[at] = (char)(random_below(&seed, 2) ? 0x20 + random_below(&seed, 0x5f)
								 : 1 + random_below(&seed, 255));
		text[size] = '\0';
		clean_text(text, clean);
		is = json_string(clean);
		assert_non_null(is);
		assert_int_equal(strlen(clean), size);
		was = json_string(text);
		if (!was)
			assert_string_not_equal(text, clean);
		changed += strcmp(text, clean) != 0;
		json_decref(was);
		json_decref(is);
	}
	assert_true(changed > 1000);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_fit_stays),
		cmocka_unit_test(controls_become_marks),
		cmocka_unit_test(other_bytes_become_marks),
		cmocka_unit_test(items_hold_no_separator),
		cmocka_unit_test(long_text_is_cut),
		cmocka_unit_test(whatever_comes_in_utf8_comes_out),
	};

	return cmocka_run_group_tests_name("clean_text", tests, NULL, NULL);
}
