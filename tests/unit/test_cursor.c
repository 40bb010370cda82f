// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/support.h"

#include "user/base/cursor.h"

static void numbers_are_little_endian(void **state)
{
	static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
	struct cursor cursor = cursor_of(bytes, sizeof(bytes));

	(void)state;
	assert_int_equal(cursor_u8(&cursor), 1);
	assert_int_equal(cursor_u16(&cursor), 0x0302);
	assert_int_equal(cursor_u32(&cursor), 0x07060504);
	assert_true(cursor_u64(&cursor) == 0x0f0e0d0c0b0a0908);
	assert_false(cursor.failed);
	assert_int_equal(cursor_left(&cursor), 0);
}

static void the_first_failure_is_remembered(void **state)
{
	static const uint8_t bytes[] = {0xff, 0xff, 0xff, 0xff, 0xff};
	struct cursor cursor = cursor_of(bytes, sizeof(bytes));
	char text[4] = "abc";

	(void)state;
	assert_int_equal(cursor_u16(&cursor), 0xffff);
	assert_int_equal(cursor_u32(&cursor), 0);
	assert_true(cursor.failed);
	assert_int_equal(cursor.failed_at, 2);
	/* nothing is read any more, although there are bytes */
	assert_int_equal(cursor_u8(&cursor), 0);
	assert_int_equal(cursor_varint(&cursor), 0);
	assert_null(cursor_take(&cursor, 1));
	cursor_read(&cursor, text, sizeof(text));
	assert_memory_equal(text, "\0\0\0", 4);
	assert_int_equal(cursor.failed_at, 2);
	assert_int_equal(cursor_left(&cursor), 0);
}

static size_t varint_put(uint8_t *into, uint64_t value)
{
	size_t size = 0;

	for (; value >= 0x80; value >>= 7)
		into[size++] = (uint8_t)(value | 0x80);
	into[size++] = (uint8_t)value;
	return size;
}

static void varints_of_every_length_are_read(void **state)
{
	uint8_t bytes[16];

	(void)state;
	for (unsigned int bits = 0; bits <= 64; bits++) {
		uint64_t value = bits == 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1;

		for (uint64_t i = 0; i < 3 && value + i >= value; i++) {
			size_t size = varint_put(bytes, value + i);
			struct cursor cursor = cursor_of(bytes, size);

			assert_true(cursor_varint(&cursor) == value + i);
			assert_false(cursor.failed);
			assert_int_equal(cursor.at, size);
			/* with more behind it, and with less */
			cursor = cursor_of(bytes, sizeof(bytes));
			assert_true(cursor_varint(&cursor) == value + i);
			assert_int_equal(cursor.at, size);
			for (size_t less = 0; less < size; less++) {
				cursor = cursor_of(bytes, less);
				assert_true(cursor_varint(&cursor) == 0);
				assert_true(cursor.failed);
			}
		}
	}
}

static void varints_beyond_64_bits_fail(void **state)
{
	uint8_t bytes[16];
	struct cursor cursor;

	(void)state;
	memset(bytes, 0xff, sizeof(bytes));
	cursor = cursor_of(bytes, sizeof(bytes));
	assert_true(cursor_varint(&cursor) == 0);
	assert_true(cursor.failed);
	assert_int_equal(cursor.failed_at, 0);
	bytes[9] = 2; /* the 65th bit */
	cursor = cursor_of(bytes, sizeof(bytes));
	cursor_varint(&cursor);
	assert_true(cursor.failed);
	bytes[9] = 1;
	cursor = cursor_of(bytes, sizeof(bytes));
	assert_true(cursor_varint(&cursor) == UINT64_MAX);
	assert_false(cursor.failed);
}

static void zigzag_keeps_small_numbers_small(void **state)
{
	static const int64_t values[] = {0, -1, 1, -2, 2, INT64_MAX, INT64_MIN};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		assert_true(unzigzag(zigzag(values[i])) == values[i]);
	assert_true(zigzag(-1) == 1 && zigzag(1) == 2 && zigzag(-64) == 127);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_little_endian),
		cmocka_unit_test(the_first_failure_is_remembered),
		cmocka_unit_test(varints_of_every_length_are_read),
		cmocka_unit_test(varints_beyond_64_bits_fail),
		cmocka_unit_test(zigzag_keeps_small_numbers_small),
	};

	return cmocka_run_group_tests_name("cursor", tests, NULL, NULL);
}
