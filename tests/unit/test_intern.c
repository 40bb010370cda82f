// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/support.h"

#include "user/base/intern.h"

static void equal_data_has_one_number(void **state)
{
	struct intern intern = {0};
	uint32_t a = intern_string(&intern, "libc.so.6"), b = intern_string(&intern, "libm.so.6");

	(void)state;
	assert_int_equal(a, 1);
	assert_int_equal(b, 2);
	assert_int_equal(intern_string(&intern, "libc.so.6"), a);
	assert_int_equal(intern_add(&intern, "libc.so.6 and more", 9), a);
	assert_int_equal(intern.count, 2);
	assert_string_equal(intern_get(&intern, a), "libc.so.6");
	assert_string_equal(intern_get(&intern, b), "libm.so.6");
	intern_free(&intern);
}

static void zero_is_the_empty_string(void **state)
{
	struct intern intern = {0};

	(void)state;
	assert_int_equal(intern_string(&intern, ""), 0);
	assert_int_equal(intern_add(&intern, NULL, 0), 0);
	assert_string_equal(intern_get(&intern, 0), "");
	assert_string_equal(intern_get(&intern, 1), "");
	assert_string_equal(intern_get(&intern, UINT32_MAX), "");
	assert_int_equal(intern.count, 0);
	intern_free(&intern);
}

/* Data, not text: NULs count, and a prefix is something else. */
static void bytes_are_compared_whole(void **state)
{
	struct intern intern = {0};
	uint32_t first = intern_add(&intern, "a\0b", 3);

	(void)state;
	assert_int_not_equal(intern_add(&intern, "a\0c", 3), first);
	assert_int_not_equal(intern_add(&intern, "a", 1), first);
	assert_int_not_equal(intern_add(&intern, "a\0b\0", 4), first);
	assert_int_equal(intern_add(&intern, "a\0b", 3), first);
	assert_memory_equal(intern_get(&intern, first), "a\0b", 4);
	intern_free(&intern);
}

static void many_keep_their_numbers(void **state)
{
	enum { COUNT = 20000 };
	struct intern intern = {0};
	char text[32];
	uint64_t payload = 0;

	(void)state;
	for (uint32_t i = 1; i <= COUNT; i++) {
		snprintf(text, sizeof(text), "library-%u", i);
		payload += strlen(text) + 1;
		assert_int_equal(intern_string(&intern, text), i);
	}
	for (uint32_t i = COUNT; i > 0; i--) {
		snprintf(text, sizeof(text), "library-%u", i);
		assert_int_equal(intern_string(&intern, text), i);
		assert_string_equal(intern_get(&intern, i), text);
	}
	assert_int_equal(intern.count, COUNT);
	assert_true(intern.bytes == payload + (uint64_t)intern.capacity * sizeof(*intern.items) +
					    (uint64_t)intern.slot_count * sizeof(*intern.slots));
	intern_free(&intern);
	assert_int_equal(intern.bytes, 0);
	assert_int_equal(intern.count, 0);
}

static void what_is_added_may_be_our_own(void **state)
{
	struct intern intern = {0};
	uint32_t first = intern_string(&intern, "own");

	(void)state;
	for (int i = 0; i < 200; i++) {
		char text[24];

		snprintf(text, sizeof(text), "other-%d", i);
		intern_string(&intern, text);
		assert_int_equal(intern_string(&intern, intern_get(&intern, first)), first);
	}
	intern_free(&intern);
}

static void a_clone_has_the_same_numbers(void **state)
{
	struct intern from = {0}, into = {0};
	char text[32];

	(void)state;
	for (int i = 0; i < 300; i++) {
		snprintf(text, sizeof(text), "name-%d", i);
		intern_string(&from, text);
	}
	assert_int_equal(intern_clone(&from, &into), 0);
	assert_int_equal(into.count, from.count);
	for (uint32_t i = 1; i <= from.count; i++) {
		assert_string_equal(intern_get(&into, i), intern_get(&from, i));
		assert_ptr_not_equal(intern_get(&into, i), intern_get(&from, i));
	}
	intern_free(&from);
	assert_int_equal(intern_string(&into, "name-299"), 300);
	intern_free(&into);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_data_has_one_number),
		cmocka_unit_test(zero_is_the_empty_string),
		cmocka_unit_test(bytes_are_compared_whole),
		cmocka_unit_test(many_keep_their_numbers),
		cmocka_unit_test(what_is_added_may_be_our_own),
		cmocka_unit_test(a_clone_has_the_same_numbers),
	};

	return cmocka_run_group_tests_name("intern", tests, NULL, NULL);
}
