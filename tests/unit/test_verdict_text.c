// SPDX-License-Identifier: GPL-2.0-only
/* A verdict in words, and the site it names. The stacks are as a recording has them. */
#include "tests/unit/support.h"

#include "tests/unit/verdict_history.h"
#include "user/stack/stacks.h"
#include "user/stack/symbols.h"
#include "user/view/verdict_text.h"

enum known_module { PROGRAM = 1, LIBRARY, HOSTILE };

struct stage {
	struct stacks *stacks;
	struct symbols *symbols;
	struct history h;
};

static void define_module(struct stage *stage, uint32_t number, const char *path)
{
	struct event_module module = {
		.h = {.size = sizeof(module), .kind = EVENT_MODULE, .time_ns = WORLD_START},
		.number = number,
		.ino = number,
		.dev = 1,
	};

	snprintf(module.path, sizeof(module.path), "%s", path);
	assert_int_equal(stacks_apply(stage->stacks, &module.h), 0);
}

static struct stage stage_new(void)
{
	struct stage stage = {.stacks = stacks_new(NULL, NULL), .h = history_new(ALLOCATOR_GLIBC)};

	assert_non_null(stage.stacks);
	define_module(&stage, PROGRAM, "/usr/bin/program");
	define_module(&stage, LIBRARY, "/usr/lib/libc.so.6");
	define_module(&stage, HOSTILE, "/usr/bin/a\nb\xff\x1b[2J");
	stage.symbols = symbols_new(stage.stacks, true);
	assert_non_null(stage.symbols);
	stage.h.process->stacks = stage.stacks;
	stage.h.process->symbols = stage.symbols;
	return stage;
}

static void stage_free(struct stage *stage)
{
	history_free(&stage->h);
	symbols_free(stage->symbols);
	stacks_free(stage->stacks);
}

/* A place of the library that the program called at an address. */
static uint32_t define_stack(struct stage *stage, uint64_t within, uint32_t module, uint64_t at)
{
	union {
		struct event_stack stack;
		unsigned char room[sizeof(struct event_stack) + 2 * sizeof(struct event_frame)];
	} record = {.stack = {.frame_count = 2, .end = STACK_END_COMPLETE}};

	record.stack.h = (struct event_header){
		.size = sizeof(record), .kind = EVENT_STACK, .time_ns = WORLD_START};
	record.stack.number = (uint32_t)stacks_count(stage->stacks) + 1;
	record.stack.frames[0] = (struct event_frame){.module = LIBRARY, .address = within};
	record.stack.frames[1] = (struct event_frame){.module = module, .address = at};
	assert_int_equal(stacks_apply(stage->stacks, &record.stack.h), 0);
	return record.stack.number;
}

static void set_sites(struct stage *stage, struct site *sites, size_t count)
{
	stage->h.process->sites.sites = sites;
	stage->h.process->sites.count = count;
}

/* Stacks of one place in the program count together, however they go on below it. */
static void one_place_is_one_site(void **state)
{
	struct stage stage = stage_new();
	uint32_t a = define_stack(&stage, 0x10, PROGRAM, 0x1000);
	uint32_t b = define_stack(&stage, 0x20, PROGRAM, 0x1000);
	uint32_t c = define_stack(&stage, 0x10, PROGRAM, 0x2000);
	struct site sites[] = {
		{.stack = c, .resident = 500, .recent = 0},
		{.stack = a, .resident = 300, .recent = 10},
		{.stack = b, .resident = 300, .recent = 20},
		{.stack = 0, .resident = 900, .recent = 70},
	};
	struct verdict verdict = {.kind = VERDICT_PLATEAU, .tier = TIER_PAGES};
	char text[192];
	double share;

	(void)state;
	set_sites(&stage, sites, ARRAY_SIZE(sites));
	assert_ptr_equal(verdict_site_text(stage.h.process, &verdict, &share, text, sizeof(text)),
			 text);
	assert_string_equal(text, "program+0x1000");
	assert_true(share == 600.0 / 2000);
	/* of what grows it is what came lately */
	verdict.grows = true;
	verdict_site_text(stage.h.process, &verdict, &share, text, sizeof(text));
	assert_string_equal(text, "program+0x1000");
	assert_true(share == 30.0 / 100);
	sites[0].recent = 31;
	verdict_site_text(stage.h.process, &verdict, NULL, text, sizeof(text));
	assert_string_equal(text, "program+0x2000");
	/* the list itself stays as it was */
	assert_int_equal(sites[0].stack, c);
	assert_int_equal(sites[3].stack, 0);
	set_sites(&stage, NULL, 0);
	stage_free(&stage);
}

/* Of many sites those that are not looked at count in the whole. */
static void many_sites(void **state)
{
	struct stage stage = stage_new();
	struct verdict verdict = {.kind = VERDICT_LIVE_GROWTH, .grows = true};
	struct site sites[300] = {0};
	char text[192];
	double share;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sites); i++) {
		sites[i].stack = define_stack(&stage, 0x10, PROGRAM, 0x1000 + i);
		sites[i].resident = 1000 - i;
		sites[i].recent = 1;
	}
	sites[299].recent = 701; /* the smallest that there is */
	set_sites(&stage, sites, ARRAY_SIZE(sites));
	verdict_site_text(stage.h.process, &verdict, &share, text, sizeof(text));
	assert_string_equal(text, "program+0x112b");
	assert_true(share == 0.701);
	set_sites(&stage, NULL, 0);
	stage_free(&stage);
}

static void none_is_known(void **state)
{
	struct stage stage = stage_new();
	struct site unknown = {.stack = 0, .resident = 900, .recent = 70};
	struct site lost = {.stack = 4711, .resident = 900}; /* of no recording */
	struct verdict verdict = {.kind = VERDICT_FRAGMENTATION, .tier = TIER_HEAP};
	char text[192] = "before";
	double share = 5;

	(void)state;
	verdict_site_text(stage.h.process, &verdict, &share, text, sizeof(text));
	assert_string_equal(text, "");
	assert_true(share == 0);
	set_sites(&stage, &unknown, 1);
	assert_string_equal(
		verdict_site_text(stage.h.process, &verdict, &share, text, sizeof(text)), "");
	set_sites(&stage, &lost, 1);
	assert_string_equal(
		verdict_site_text(stage.h.process, &verdict, &share, text, sizeof(text)), "");
	/* no stacks are taken at all */
	stage.h.process->stacks = NULL;
	assert_string_equal(
		verdict_site_text(stage.h.process, &verdict, &share, text, sizeof(text)), "");
	set_sites(&stage, NULL, 0);
	stage_free(&stage);
}

/* The name of a file is what somebody made it. */
static void hostile_names(void **state)
{
	struct stage stage = stage_new();
	struct site site = {.resident = 1};
	struct verdict verdict = {.kind = VERDICT_PLATEAU};
	char text[192], small[8];

	(void)state;
	site.stack = define_stack(&stage, 0x10, HOSTILE, 0x1000);
	set_sites(&stage, &site, 1);
	verdict_site_text(stage.h.process, &verdict, NULL, text, sizeof(text));
	assert_string_equal(text, "a?b??[2J+0x1000");
	verdict_site_text(stage.h.process, &verdict, NULL, small, sizeof(small));
	assert_string_equal(small, "a?b??[2");
	set_sites(&stage, NULL, 0);
	stage_free(&stage);
}

static void heads(void **state)
{
	(void)state;
	for (unsigned int kind = 0; kind < VERDICT_COUNT; kind++) {
		for (unsigned int tier = 0; tier < TIER_COUNT; tier++) {
			struct verdict verdict = {.kind = kind, .tier = tier};
			char text[VERDICT_TEXT_MAX], expected[VERDICT_TEXT_MAX];

			verdict_head_text(&verdict, text, sizeof(text));
			snprintf(expected, sizeof(expected), "%s: %s (%s)", verdict_title(kind),
				 verdict_text(kind), verdict_tier_text(tier));
			assert_string_equal(text, expected);
			assert_true(strlen(text) < VERDICT_TEXT_MAX - 1);
		}
	}
	assert_string_equal(verdict_tier_text(TIER_HEAP), "by heap evidence");
	assert_string_equal(verdict_tier_text(TIER_COUNT), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_place_is_one_site),
		cmocka_unit_test(many_sites),
		cmocka_unit_test(none_is_known),
		cmocka_unit_test(hostile_names),
		cmocka_unit_test(heads),
	};

	return cmocka_run_group_tests_name("verdict_text", tests, NULL, NULL);
}
