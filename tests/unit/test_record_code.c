// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/support.h"

#include "user/source/record_code.h"

#define ROUNDS 20000

/* Mostly near what it was before, sometimes anything. */
static void record_make(union record *record, uint64_t *random)
{
	static const uint16_t kinds[] = {EVENT_FAULT, EVENT_MMAP_FILE, EVENT_SCAN, 63, 64, 65, 999};
	size_t words = random_below(random, 40);

	if (!random_below(random, 100))
		words = EVENT_SIZE_MAX / 8 - 3;
	record->h.size = (uint16_t)(sizeof(record->h) + 8 * words);
	record->h.kind = kinds[random_below(random, ARRAY_SIZE(kinds))];
	record->h.pid = (uint32_t)random_below(random, 3) + 1000;
	record->h.tid = random_below(random, 50) ? record->h.pid : (uint32_t)random_next(random);
	record->h.stack = (uint32_t)random_below(random, 5);
	record->h.time_ns +=
		random_below(random, 10) ? random_below(random, 100000) : random_next(random);
	for (size_t i = 0; i < words; i++)
		record->words[3 + i] = random_below(random, 4)
					       ? 0x7f0000000000 + random_below(random, 1 << 20)
					       : random_next(random);
}

static void what_is_told_is_read_again(void **state)
{
	struct record_code *out = calloc(1, sizeof(*out)), *in = calloc(1, sizeof(*in));
	uint8_t *bytes = malloc(RECORD_CODE_MAX);
	union record *record = calloc(1, sizeof(*record)), *read = calloc(1, sizeof(*read));
	uint64_t random = 1;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct cursor cursor;
		size_t size;

		record_make(record, &random);
		size = record_encode(out, &record->h, bytes);
		assert_in_range(size, 3, RECORD_CODE_MAX);
		cursor = cursor_of(bytes, size);
		assert_int_equal(record_decode(in, &cursor, read), 0);
		assert_int_equal(cursor.at, size);
		assert_memory_equal(read, record, record->h.size);
	}
	free(out);
	free(in);
	free(bytes);
	free(record);
	free(read);
}

static void the_worst_record_fits(void **state)
{
	struct record_code *code = calloc(1, sizeof(*code));
	uint8_t *bytes = malloc(RECORD_CODE_MAX);
	union record *record = malloc(sizeof(*record));
	uint64_t random = 9;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(record->words); i++)
		record->words[i] = random_next(&random);
	record->h = (struct event_header){EVENT_SIZE_MAX, 60000,      1U << 31,
					  UINT32_MAX,	  UINT32_MAX, 1ULL << 63};
	assert_in_range(record_encode(code, &record->h, bytes), EVENT_SIZE_MAX, RECORD_CODE_MAX);
	free(code);
	free(bytes);
	free(record);
}

static void a_page_fault_is_small(void **state)
{
	struct record_code *code = calloc(1, sizeof(*code));
	struct event_fault fault = {.addr = 0x7f0000000000, .error = 6, .weight = 1};
	uint8_t bytes[RECORD_CODE_MAX];
	size_t sum = 0;

	(void)state;
	fault.h = HEADER(EVENT_FAULT, event_fault, 10, 10, MS(1000));
	record_encode(code, &fault.h, bytes);
	for (int i = 0; i < 100; i++) {
		fault.addr += 4096;
		fault.h.time_ns += 20000 + (uint64_t)i;
		sum += record_encode(code, &fault.h, bytes);
	}
	assert_true(sum <= 800);
	free(code);
}

static void text_stays_text(void **state)
{
	struct record_code *code = calloc(1, sizeof(*code));
	struct event_invocation begin = {.id = "01234567-89ab-cdef-0123-456789abcdef"};
	uint8_t bytes[RECORD_CODE_MAX];
	size_t size;

	(void)state;
	begin.h = HEADER(EVENT_INVOCATION, event_invocation, 10, 10, MS(1));
	size = record_encode(code, &begin.h, bytes);
	assert_non_null(memmem(bytes, size, "01234567", 8));
	assert_non_null(memmem(bytes, size, "-89ab-cd", 8));
	free(code);
}

static void what_is_no_record_is_not_told(void **state)
{
	struct record_code *code = calloc(1, sizeof(*code));
	union record record = {.h = {.kind = EVENT_FAULT}};
	uint8_t bytes[RECORD_CODE_MAX];
	static const uint16_t sizes[] = {0, 8, 16, 23, 41, EVENT_SIZE_MAX + 8, UINT16_MAX};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		record.h.size = sizes[i];
		assert_int_equal(record_encode(code, &record.h, bytes), 0);
	}
	free(code);
}

static int decode(const uint8_t *bytes, size_t size)
{
	struct record_code *code = calloc(1, sizeof(*code));
	union record *record = calloc(1, sizeof(*record));
	struct cursor cursor = cursor_of(bytes, size);
	int rc = record_decode(code, &cursor, record);

	assert_true(!rc == !cursor.failed);
	free(code);
	free(record);
	return rc;
}

static void what_cannot_be_is_refused(void **state)
{
	/* kind, time, what differs: 1 the size, 2 the process, 0x10 the first word */
	static const struct {
		uint8_t bytes[12];
		size_t size;
	} cases[] = {
		{{1, 0, 0}, 3},					  /* of no size */
		{{1, 0, 1, 16}, 4},				  /* smaller than a header */
		{{1, 0, 1, 25}, 4},				  /* of no whole words */
		{{1, 0, 1, 0x88, 0x80, 1}, 6},			  /* 16,392 bytes */
		{{1, 0, 1, 0xff, 0xff, 0xff, 0xff, 0xf}, 8},	  /* 4 GiB */
		{{1, 0, 3, 24, 1}, 5},				  /* the process before 0 */
		{{1, 0, 3, 24, 0x80, 0x80, 0x80, 0x80, 0x20}, 9}, /* and 2^32 */
		{{1, 0, 0x11, 24, 2}, 5},			  /* a word that it has not */
		{{0x80, 0x80, 4, 0, 1, 24}, 6},			  /* kind 65,536 */
		{{1, 0, 0x11, 32, 0x80, 0, 1, 2, 3, 4}, 10},	  /* a word cut off */
		{{1, 0, 0x11, 32}, 4},
	};
	static const uint8_t least[] = {1, 0, 1, 24};

	(void)state;
	assert_int_equal(decode(least, sizeof(least)), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(decode(cases[i].bytes, cases[i].size), -EBADMSG);
	for (size_t size = 0; size < sizeof(least); size++)
		assert_int_equal(decode(least, size), -EBADMSG);
}

static void random_bytes_do_no_harm(void **state)
{
	struct record_code *code = calloc(1, sizeof(*code));
	union record *record = calloc(1, sizeof(*record));
	uint64_t random = 3;
	uint8_t bytes[256];

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct cursor cursor = cursor_of(bytes, random_below(&random, sizeof(bytes)));

		for (size_t j = 0; j < sizeof(bytes); j++)
			bytes[j] =
				(uint8_t)(random_next(&random) >> (random_below(&random, 2) * 6));
		while (!record_decode(code, &cursor, record))
			assert_true(record->h.size % 8 == 0 && record->h.size >= 24 &&
				    record->h.size <= EVENT_SIZE_MAX);
	}
	free(code);
	free(record);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_told_is_read_again),
		cmocka_unit_test(the_worst_record_fits),
		cmocka_unit_test(a_page_fault_is_small),
		cmocka_unit_test(text_stays_text),
		cmocka_unit_test(what_is_no_record_is_not_told),
		cmocka_unit_test(what_cannot_be_is_refused),
		cmocka_unit_test(random_bytes_do_no_harm),
	};

	return cmocka_run_group_tests_name("record_code", tests, NULL, NULL);
}
