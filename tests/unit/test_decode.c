// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/support.h"

#include <ctype.h>

#include "user/source/decode.h"

static const uint16_t sizes[EVENT_KIND_COUNT] = {
#define X(name, type, text) [EVENT_##name] = sizeof(struct type),
	EVENT_KINDS(X)
#undef X
};

union record {
	struct event_header h;
	struct event_snapshot snapshot;
	struct event_module module;
	struct event_stack stack;
	struct event_kept_mapping mapping;
	uint64_t words[64];
};

/* What a kind needs to pass beside its size. */
static void record_make_valid(union record *record, uint16_t kind)
{
	memset(record, 0, sizeof(*record));
	record->h.kind = kind;
	if (kind == EVENT_SNAPSHOT)
		record->snapshot.register_count = 17;
	if (kind == EVENT_MODULE)
		record->module.number = 1;
	if (kind == EVENT_KEPT_MAPPING)
		record->mapping.end = 4096;
	if (kind == EVENT_STACK)
		record->stack.number = record->stack.frame_count = 1;
}

static void every_kind_has_a_least_size(void **state)
{
	union record record;

	(void)state;
	for (uint16_t kind = 1; kind < EVENT_KIND_COUNT; kind++) {
		if (kind == EVENT_STACK) /* of no less than one frame: a test of its own */
			continue;
		record_make_valid(&record, kind);
		record.h.size = sizes[kind];
		assert_int_equal(event_check(&record, sizes[kind]), 0);
		assert_int_equal(event_check(&record, sizeof(record)), 0);
		/* the buffer ends within it */
		assert_int_equal(event_check(&record, sizes[kind] - 1u), -EBADMSG);
		assert_int_equal(event_check(&record, sizeof(record.h)), -EBADMSG);
		/* it says that it is smaller */
		record.h.size = sizes[kind] - 1;
		assert_int_equal(event_check(&record, sizeof(record)), -EBADMSG);
		/* a later version's has fields at the end that we do not know */
		record.h.size = sizes[kind] + 8;
		assert_int_equal(event_check(&record, sizeof(record)), 0);
	}
}

static void headers_are_checked_first(void **state)
{
	struct event_header header = {.kind = EVENT_FAULT, .size = 40};

	(void)state;
	for (size_t size = 0; size < sizeof(header); size++)
		assert_int_equal(event_check(&header, size), -EBADMSG);
	header.size = 0;
	assert_int_equal(event_check(&header, sizeof(header)), -EBADMSG);
	header.size = sizeof(header) - 1;
	assert_int_equal(event_check(&header, sizeof(header)), -EBADMSG);
}

/* What a recording begins with makes ledgers: it lies in user space, in whole pages. */
static void what_was_kept_lies_in_user_space(void **state)
{
	static const uint64_t addrs[] = {1, 4095, EVENT_ADDRESS_LIMIT + 4096, UINT64_MAX - 4095};
	struct event_kept_pages pages = {.h = HEADER(EVENT_KEPT_PAGES, event_kept_pages, 1, 1, 1),
					 .pages = 1};
	struct event_kept_mapping mapping = {
		.h = HEADER(EVENT_KEPT_MAPPING, event_kept_mapping, 1, 1, 1), .end = 8192};
	struct event_kept kept = {.h = HEADER(EVENT_KEPT, event_kept, 1, 1, 5)};

	(void)state;
	assert_int_equal(event_check(&pages, sizeof(pages)), 0);
	assert_int_equal(event_check(&mapping, sizeof(mapping)), 0);
	assert_int_equal(event_check(&kept, sizeof(kept)), 0);
	for (size_t i = 0; i < ARRAY_SIZE(addrs); i++) {
		pages.addr = mapping.end = addrs[i];
		assert_int_equal(event_check(&pages, sizeof(pages)), -EBADMSG);
		assert_int_equal(event_check(&mapping, sizeof(mapping)), -EBADMSG);
	}
	pages.addr = EVENT_ADDRESS_LIMIT - PAGES(1);
	assert_int_equal(event_check(&pages, sizeof(pages)), 0);
	pages.pages = 2;
	assert_int_equal(event_check(&pages, sizeof(pages)), -EBADMSG);
	pages.addr = 0;
	pages.pages = EVENT_RUNS_MAX + 1;
	assert_int_equal(event_check(&pages, sizeof(pages)), -EBADMSG);
	mapping.end = mapping.start;
	assert_int_equal(event_check(&mapping, sizeof(mapping)), -EBADMSG);
	kept.attach_ns = 6; /* later than it was told */
	assert_int_equal(event_check(&kept, sizeof(kept)), -EBADMSG);
}

static void unknown_kinds_are_to_be_skipped(void **state)
{
	static const uint16_t kinds[] = {EVENT_NONE, EVENT_KIND_COUNT, 999, UINT16_MAX};
	struct event_header header = {.size = sizeof(header)};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		header.kind = kinds[i];
		assert_int_equal(event_check(&header, sizeof(header)), -ENOTSUP);
	}
	/* but not if its size cannot be trusted */
	header.size = sizeof(header) + 1;
	assert_int_equal(event_check(&header, sizeof(header)), -EBADMSG);
}

static void snapshots_hold_what_they_say(void **state)
{
	union record record;
	struct event_snapshot *snapshot = &record.snapshot;

	(void)state;
	record_make_valid(&record, EVENT_SNAPSHOT);
	snapshot->h.size = sizeof(*snapshot) + 64;
	snapshot->bytes = 64;
	assert_int_equal(event_check(&record, sizeof(record)), 0);
	snapshot->return_count = EVENT_RETURNS_MAX + 1;
	assert_int_equal(event_check(&record, sizeof(record)), -EBADMSG);
	snapshot->return_count = EVENT_RETURNS_MAX;
	assert_int_equal(event_check(&record, sizeof(record)), 0);
	snapshot->bytes = 72;
	assert_int_equal(event_check(&record, sizeof(record)), -EBADMSG);
	snapshot->bytes = 60; /* no whole words */
	assert_int_equal(event_check(&record, sizeof(record)), -EBADMSG);
	snapshot->bytes = UINT32_MAX & ~7u;
	assert_int_equal(event_check(&record, sizeof(record)), -EBADMSG);
	snapshot->bytes = 0;
	snapshot->register_count = 0;
	assert_int_equal(event_check(&record, sizeof(record)), -EBADMSG);
	snapshot->register_count = EVENT_REGISTERS_MAX + 1;
	assert_int_equal(event_check(&record, sizeof(record)), -EBADMSG);
}

static void modules_have_a_number_and_a_name_that_ends(void **state)
{
	union record record;
	struct event_module *module = &record.module;

	(void)state;
	record_make_valid(&record, EVENT_MODULE);
	module->h.size = sizeof(*module);
	module->build_id_len = EVENT_BUILD_ID_LEN;
	assert_int_equal(event_check(&record, sizeof(record)), 0);
	module->build_id_len++;
	assert_int_equal(event_check(&record, sizeof(record)), -EBADMSG);
	module->build_id_len = 0;
	module->number = 0;
	assert_int_equal(event_check(&record, sizeof(record)), -EBADMSG);
	module->number = 1;
	memset(module->path, 'x', sizeof(module->path));
	assert_int_equal(event_check(&record, sizeof(record)), -EBADMSG);
}

static void stacks_hold_their_frames(void **state)
{
	union record record;
	struct event_stack *stack = &record.stack;

	(void)state;
	record_make_valid(&record, EVENT_STACK);
	stack->h.size = sizeof(*stack) + 2 * sizeof(struct event_frame);
	stack->frame_count = 2;
	assert_int_equal(event_check(&record, sizeof(record)), 0);
	stack->frame_count = 3;
	assert_int_equal(event_check(&record, sizeof(record)), -EBADMSG);
	stack->frame_count = 0;
	assert_int_equal(event_check(&record, sizeof(record)), -EBADMSG);
	stack->frame_count = UINT16_MAX;
	assert_int_equal(event_check(&record, sizeof(record)), -EBADMSG);
	stack->frame_count = 1;
	stack->end = STACK_END_COUNT;
	assert_int_equal(event_check(&record, sizeof(record)), -EBADMSG);
	stack->end = STACK_END_CUT;
	stack->number = 0;
	assert_int_equal(event_check(&record, sizeof(record)), -EBADMSG);
}

struct scan {
	struct event_scan scan;
	struct event_run runs[8];
};

#define SCAN_START ((uint64_t)0x7f0000000000)

/* Checks a scan of 16 pages with those runs: page numbers from its start, and lengths. */
static int check_runs(unsigned int count, const struct event_run *runs)
{
	struct scan record = {.scan = {.start = SCAN_START, .end = SCAN_START + PAGES(16)}};

	record.scan.h = HEADER(EVENT_SCAN, event_scan, 1, 0, 0);
	record.scan.h.size += count * sizeof(*runs);
	record.scan.run_count = count;
	for (unsigned int i = 0; i < count; i++) {
		record.runs[i].start = SCAN_START + PAGES(runs[i].start);
		record.runs[i].pages = runs[i].pages;
	}
	return event_check(&record, record.scan.h.size);
}

#define RUNS(...)                                                                                  \
	check_runs(sizeof((struct event_run[]){__VA_ARGS__}) / sizeof(struct event_run),           \
		   (struct event_run[]){__VA_ARGS__})

static void runs_are_sorted_and_in_range(void **state)
{
	(void)state;
	assert_int_equal(check_runs(0, NULL), 0);
	assert_int_equal(RUNS({0, 16}), 0);
	assert_int_equal(RUNS({0, 1}, {2, 3}, {8, 8}), 0);
	assert_int_equal(RUNS({0, 2}, {2, 2}), 0); /* they touch */
	assert_int_equal(RUNS({4, 1}, {2, 1}), -EBADMSG);
	assert_int_equal(RUNS({0, 3}, {2, 2}), -EBADMSG);
	assert_int_equal(RUNS({2, 1}, {2, 1}), -EBADMSG);
	assert_int_equal(RUNS({0, 17}), -EBADMSG);
	assert_int_equal(RUNS({15, 2}), -EBADMSG);
	assert_int_equal(RUNS({16, 1}), -EBADMSG);
	assert_int_equal(RUNS({17, 0}), -EBADMSG);
	assert_int_equal(RUNS({(uint64_t)-1, 1}), -EBADMSG);
	/* lengths that wrap */
	assert_int_equal(RUNS({0, UINT64_MAX}), -EBADMSG);
	assert_int_equal(RUNS({1, (uint64_t)1 << 52}), -EBADMSG);
	assert_int_equal(RUNS({1, ((uint64_t)1 << 52) - 1}), -EBADMSG);
}

static void scans_hold_their_runs(void **state)
{
	struct scan record = {.scan = {.start = SCAN_START, .end = SCAN_START + PAGES(16)}};

	(void)state;
	record.scan.h = HEADER(EVENT_SCAN, event_scan, 1, 0, 0);
	record.scan.run_count = 1;
	assert_int_equal(event_check(&record, sizeof(record)), -EBADMSG);
	record.scan.run_count = UINT32_MAX;
	assert_int_equal(event_check(&record, sizeof(record)), -EBADMSG);
	record.scan.run_count = 0;
	record.scan.end = record.scan.start - 4096;
	assert_int_equal(event_check(&record, sizeof(record)), -EBADMSG);
	record.scan.end = record.scan.start;
	assert_int_equal(event_check(&record, sizeof(record)), 0);
	record.scan.h.size += sizeof(record.runs[0]);
	record.scan.run_count = 1;
	record.runs[0].start = SCAN_START + 1;
	record.scan.end = SCAN_START + PAGES(16);
	assert_int_equal(event_check(&record, sizeof(record)), -EBADMSG);
}

/*
 * A recording may say anything. A scan step finds EVENT_RUNS_MAX pages at most,
 * in user space; one that claims more would have the ledger fill all memory, or
 * walk on past the end of the address space for ever.
 */
static void scans_are_of_a_step_in_user_space(void **state)
{
	struct scan record = {.scan = {.start = 0, .end = (uint64_t)1 << 57}};

	(void)state;
	record.scan.h = HEADER(EVENT_SCAN, event_scan, 1, 0, 0);
	record.scan.h.size += sizeof(record.runs[0]);
	record.scan.run_count = 1;
	record.runs[0] = (struct event_run){0, EVENT_RUNS_MAX};
	assert_int_equal(event_check(&record, sizeof(record)), 0);
	record.runs[0].pages = (uint64_t)1 << 45;
	assert_int_equal(event_check(&record, sizeof(record)), -EBADMSG);
	record.runs[0] = (struct event_run){0 - (uint64_t)0x2000, 1};
	record.scan.end = 0 - (uint64_t)0x1000;
	assert_int_equal(event_check(&record, sizeof(record)), -EBADMSG);
}

static void random_bytes_do_no_harm(void **state)
{
	uint64_t seed = 11, passed = 0;

	(void)state;
	for (int i = 0; i < 300000; i++) {
		size_t size = random_below(&seed, 320) & ~7ULL;
		struct event_header *record = malloc(size ? size : 1);

		assert_non_null(record);
		for (size_t at = 0; at < size; at += 8)
			((uint64_t *)record)[at / 8] =
				random_next(&seed) >> random_below(&seed, 64);
		if (size >= sizeof(*record) && random_below(&seed, 4)) {
			record->kind = random_below(&seed, EVENT_KIND_COUNT + 2);
			record->size = (uint16_t)random_below(&seed, size + 2);
			if (random_below(&seed, 2))
				record->kind = EVENT_SCAN;
		}
		if (!event_check(record, size)) {
			assert_in_range(record->kind, 1, EVENT_KIND_COUNT - 1);
			assert_in_range(record->size, sizes[record->kind], size);
			passed++;
		}
		free(record);
	}
	assert_true(passed > 1000);
}

static void kinds_have_names(void **state)
{
	(void)state;
	for (unsigned int kind = 1; kind < EVENT_KIND_COUNT; kind++) {
		assert_string_not_equal(event_kind_name(kind), "?");
		for (unsigned int other = 1; other < kind; other++)
			assert_string_not_equal(event_kind_name(kind), event_kind_name(other));
	}
	assert_string_equal(event_kind_name(EVENT_NONE), "?");
	assert_string_equal(event_kind_name(EVENT_KIND_COUNT), "?");
	assert_string_equal(event_kind_name(UINT32_MAX), "?");
}

/*
 * A stack that was taken, of a kind that has none: the pipeline would copy a part of the record,
 * and the ledger read all that the kind has. (Found by fuzzing.)
 */
static void few_kinds_take_stacks(void **state)
{
	union record record;
	unsigned int taken = 0;

	(void)state;
	for (uint16_t kind = 1; kind < EVENT_KIND_COUNT; kind++) {
		record_make_valid(&record, kind);
		record.h.size = sizeof(record);
		assert_int_equal(event_check(&record, sizeof(record)), 0);
		record.h.stack = STACK_TAKEN;
		if (event_check(&record, sizeof(record))) {
			assert_int_equal(event_check(&record, sizeof(record)), -EBADMSG);
			continue;
		}
		taken++;
		assert_true(sizes[kind] <= sizeof(struct event_mmap_file));
	}
	assert_int_equal(taken, EVENT_FAILED + 1);
	record_make_valid(&record, EVENT_SETTINGS);
	record.h.size = sizeof(struct event_settings);
	record.h.stack = STACK_TAKEN;
	assert_int_equal(event_check(&record, sizeof(record)), -EBADMSG);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_has_a_least_size),
		cmocka_unit_test(headers_are_checked_first),
		cmocka_unit_test(few_kinds_take_stacks),
		cmocka_unit_test(what_was_kept_lies_in_user_space),
		cmocka_unit_test(unknown_kinds_are_to_be_skipped),
		cmocka_unit_test(snapshots_hold_what_they_say),
		cmocka_unit_test(modules_have_a_number_and_a_name_that_ends),
		cmocka_unit_test(stacks_hold_their_frames),
		cmocka_unit_test(runs_are_sorted_and_in_range),
		cmocka_unit_test(scans_hold_their_runs),
		cmocka_unit_test(scans_are_of_a_step_in_user_space),
		cmocka_unit_test(random_bytes_do_no_harm),
		cmocka_unit_test(kinds_have_names),
	};

	return cmocka_run_group_tests_name("decode", tests, NULL, NULL);
}
