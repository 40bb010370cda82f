// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/support.h"

#include <math.h>

#include <sys/mman.h>

#include "user/verdict/sites.h"

#define HEAP ((uint64_t)0x7f0000000000)

static struct world world_with_heap(uint64_t pages)
{
	struct world world = world_new();

	world_mmap(&world, HEAP, PAGES(pages), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
	return world;
}

/* First touches under a stack that stands for `weight` faults. */
static void touch(struct world *world, uint64_t page, uint64_t count, uint32_t stack,
		  uint32_t weight)
{
	for (uint64_t i = 0; i < count; i++) {
		struct event_fault fault = {
			.h.stack = stack,
			.addr = HEAP + PAGES(page + i),
			.error = FAULT_USER | FAULT_WRITE,
			.weight = weight,
		};

		world_feed(world, &fault.h, EVENT_FAULT, sizeof(fault));
	}
}

static const struct site *site_find(const struct site_list *list, uint32_t stack, uint32_t reason)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->sites[i].stack == stack && list->sites[i].reason == reason)
			return &list->sites[i];
	return NULL;
}

static uint64_t resident_of(const struct site_list *list, uint32_t stack, uint32_t reason)
{
	const struct site *site = site_find(list, stack, reason);

	return site ? site->resident : 0;
}

static void assert_adds_up(const struct site_list *list, const struct ledger *ledger)
{
	struct ledger_classes classes = ledger_classes(ledger);
	uint64_t resident = 0, retained = 0, lazy = 0;

	for (size_t i = 0; i < list->count; i++) {
		const struct site *site = &list->sites[i];

		assert_true(site->retained <= site->resident);
		assert_true(site->lazy <= site->resident);
		assert_true(site->estimated <= site->resident);
		if (i)
			assert_true(site->resident <= list->sites[i - 1].resident);
		resident += site->resident;
		retained += site->retained;
		lazy += site->lazy;
	}
	assert_int_equal(resident, classes.resident);
	assert_int_equal(list->resident, classes.resident);
	assert_true(retained <= classes.retained);
	assert_true(lazy <= ledger->pages.lazy);
}

static void an_empty_ledger_has_no_sites(void **state)
{
	struct world world = world_new();
	struct site_list list = {0};

	(void)state;
	assert_int_equal(site_list_update(&list, world.ledger, 1), 0);
	assert_int_equal(list.count, 0);
	assert_int_equal(list.resident, 0);
	site_list_free(&list);
	world_free(&world);
}

static void sites_add_up_to_the_ledger(void **state)
{
	struct world world = world_with_heap(4096);
	struct site_list list = {0};

	(void)state;
	touch(&world, 0, 100, 7, 1);
	touch(&world, 1000, 300, 3, 1);
	touch(&world, 2000, 50, 0, 1); /* chosen, and its stack not taken */
	world.tid++;
	touch(&world, 3000, 20, 7, 1); /* another thread's: the same site */
	assert_int_equal(site_list_update(&list, world.ledger, 1), 0);
	assert_int_equal(list.count, 3);
	assert_int_equal(resident_of(&list, 7, SITE_KNOWN), 120);
	assert_int_equal(resident_of(&list, 3, SITE_KNOWN), 300);
	assert_int_equal(resident_of(&list, 0, SITE_UNTAKEN), 50);
	assert_int_equal(list.unknown, 50);
	assert_int_equal(list.sites[0].stack, 3);
	assert_adds_up(&list, world.ledger);
	site_list_free(&list);
	world_free(&world);
}

static void growth_is_since_the_list_before(void **state)
{
	struct world world = world_with_heap(4096);
	struct site_list list = {0};

	(void)state;
	touch(&world, 0, 100, 7, 1);
	touch(&world, 1000, 100, 8, 1);
	assert_int_equal(site_list_update(&list, world.ledger, 1), 0);
	assert_int_equal(site_find(&list, 7, SITE_KNOWN)->growth, 100);
	assert_true(list.seconds == 0);
	world.now += MS(2000);
	world_interval(&world, 1);
	touch(&world, 200, 30, 7, 1);
	world_range(&world, EVENT_UNMAP, HEAP + PAGES(1000), PAGES(60), EVENT_CALL_MUNMAP, 0);
	touch(&world, 2000, 5, 9, 1);
	assert_int_equal(site_list_update(&list, world.ledger, 2), 0);
	assert_int_equal(site_find(&list, 7, SITE_KNOWN)->growth, 30);
	assert_int_equal(site_find(&list, 8, SITE_KNOWN)->growth, -60);
	assert_int_equal(site_find(&list, 9, SITE_KNOWN)->growth, 5);
	assert_int_equal(site_find(&list, 7, SITE_KNOWN)->retained, 100);
	assert_int_equal(site_find(&list, 9, SITE_KNOWN)->retained, 0);
	assert_true(fabs(list.seconds - 2) < 0.1);
	assert_adds_up(&list, world.ledger);
	/* gone altogether */
	world_range(&world, EVENT_UNMAP, HEAP + PAGES(1000), PAGES(100), EVENT_CALL_MUNMAP, 0);
	assert_int_equal(site_list_update(&list, world.ledger, 3), 0);
	assert_null(site_find(&list, 8, SITE_KNOWN));
	site_list_free(&list);
	world_free(&world);
}

static void ages_are_of_the_pages_still_there(void **state)
{
	struct world world = world_with_heap(4096);
	struct site_list list = {0};
	const struct site *site;

	(void)state;
	touch(&world, 0, 10, 7, 1);
	world.now += MS(4000);
	touch(&world, 10, 30, 7, 1);
	world.now += MS(1000);
	world_interval(&world, 1); /* the ledger's time is that of its newest record */
	assert_int_equal(site_list_update(&list, world.ledger, 1), 0);
	site = site_find(&list, 7, SITE_KNOWN);
	assert_true(fabs(site->oldest_s - 5) < 0.05);
	assert_true(fabs(site->newest_s - 1) < 0.05);
	assert_true(fabs(site->mean_s - 2) < 0.05);
	world_range(&world, EVENT_UNMAP, HEAP, PAGES(10), EVENT_CALL_MUNMAP, 0);
	assert_int_equal(site_list_update(&list, world.ledger, 2), 0);
	assert_true(fabs(site_find(&list, 7, SITE_KNOWN)->oldest_s - 1) < 0.05);
	site_list_free(&list);
	world_free(&world);
}

/*
 * Three places touch pages 6:3:1, one in eight is sampled, a part is freed
 * again: the sum is exact, the shares are as near as chance allows.
 */
static void sampled_sites_are_estimated_without_bias(void **state)
{
	struct world world = world_with_heap(200000);
	struct site_list list = {0};
	uint64_t seed = 42, share[4] = {0};

	(void)state;
	for (uint64_t page = 0; page < 120000; page++) {
		uint64_t which = random_below(&seed, 10);
		uint32_t stack = which < 6 ? 1 : which < 9 ? 2 : 3;
		bool chosen = !random_below(&seed, 8);

		touch(&world, page, 1, chosen ? stack : 0, chosen ? 8 : 0);
		/* the second place's pages live only half as often */
		if (stack == 2 && random_below(&seed, 2))
			world_range(&world, EVENT_MADVISE, HEAP + PAGES(page), PAGES(1),
				    EVENT_CALL_MADVISE, MADV_DONTNEED);
		else
			share[stack]++;
	}
	assert_int_equal(site_list_update(&list, world.ledger, 1), 0);
	assert_adds_up(&list, world.ledger);
	assert_int_equal(list.unknown, 0);
	for (uint32_t stack = 1; stack <= 3; stack++) {
		const struct site *site = site_find(&list, stack, SITE_KNOWN);
		double error = (double)site->resident / (double)share[stack] - 1;

		/* about 1,500 samples or more each: 5 sigma are under 13% */
		assert_true(fabs(error) < 0.13);
		assert_true(site->estimated > site->resident / 2);
	}
	site_list_free(&list);
	world_free(&world);
}

static void unsampled_pages_without_any_like_them_are_unknown(void **state)
{
	struct world world = world_with_heap(4096);
	struct site_list list = {0};

	(void)state;
	touch(&world, 0, 10, 7, 1); /* stands for itself alone */
	touch(&world, 100, 90, 0, 0);
	assert_int_equal(site_list_update(&list, world.ledger, 1), 0);
	assert_int_equal(resident_of(&list, 7, SITE_KNOWN), 10);
	assert_int_equal(resident_of(&list, 0, SITE_UNSAMPLED), 90);
	assert_int_equal(list.unknown, 90);
	assert_adds_up(&list, world.ledger);
	site_list_free(&list);
	world_free(&world);
}

static void scan(struct world *world, uint64_t page, uint64_t pages, enum event_cause cause)
{
	struct {
		struct event_scan scan;
		struct event_run run;
	} event = {
		.scan = {.start = HEAP + PAGES(page),
			 .end = HEAP + PAGES(page + pages),
			 .begin_ns = world->now,
			 .cause = cause,
			 .run_count = 1},
		.run = {HEAP + PAGES(page), pages},
	};

	world_feed(world, &event.scan.h, EVENT_SCAN, sizeof(event));
}

static void pages_without_an_event_say_why(void **state)
{
	struct world world = world_with_heap(4096);
	struct site_list list = {0};

	(void)state;
	scan(&world, 0, 64, CAUSE_ATTACH);
	scan(&world, 100, 16, CAUSE_PERIODIC);
	assert_int_equal(site_list_update(&list, world.ledger, 1), 0);
	assert_int_equal(resident_of(&list, 0, SITE_FOUND), 64);
	assert_true(isnan(site_find(&list, 0, SITE_FOUND)->oldest_s));
	assert_int_equal(resident_of(&list, 0, SITE_REPAIRED), 16);
	assert_int_equal(list.unknown, 80);
	assert_adds_up(&list, world.ledger);
	site_list_free(&list);
	world_free(&world);
}

/* What a populating call brought is first touched under that call's stack. */
static void populated_pages_are_the_callers(void **state)
{
	struct world world = world_with_heap(16);
	struct site_list list = {0};
	struct event_mmap call = {
		.h.stack = 11,
		.addr = HEAP + PAGES(100),
		.len = PAGES(64),
		.prot = PROT_READ | PROT_WRITE,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE,
	};
	struct scan_request request;

	(void)state;
	world_feed(&world, &call.h, EVENT_MMAP, sizeof(call));
	world.now += MS(500);
	assert_true(ledger_take_request(world.ledger, world.now, &request));
	assert_int_equal(request.cause, CAUSE_POPULATE);
	scan(&world, 100, 64, CAUSE_POPULATE);
	assert_int_equal(site_list_update(&list, world.ledger, 1), 0);
	assert_int_equal(resident_of(&list, 11, SITE_KNOWN), 64);
	assert_int_equal(list.unknown, 0);
	site_list_free(&list);
	world_free(&world);
}

static void map_populated(struct world *world, uint64_t page, uint64_t pages, uint32_t stack)
{
	struct event_mmap call = {
		.h.stack = stack,
		.addr = HEAP + PAGES(page),
		.len = PAGES(pages),
		.prot = PROT_READ | PROT_WRITE,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE,
	};

	world_feed(world, &call.h, EVENT_MMAP, sizeof(call));
}

/* More calls than are remembered until the look comes: still nobody else's pages. */
static void many_populated_mappings_are_their_callers(void **state)
{
	struct world world = world_with_heap(16);
	struct site_list list = {0};

	(void)state;
	for (uint64_t i = 0; i < 4 * LEDGER_ASKED; i++)
		map_populated(&world, 100 + 8 * i, 4, i % 2 ? 11 : 12);
	touch(&world, 0, 4, 7, 64); /* stands for others that were not chosen */
	world.now += MS(500);
	for (uint64_t i = 0; i < 4 * LEDGER_ASKED; i++)
		scan(&world, 100 + 8 * i, 4, CAUSE_POPULATE);
	assert_int_equal(site_list_update(&list, world.ledger, 1), 0);
	assert_int_equal(resident_of(&list, 11, SITE_KNOWN), 8 * LEDGER_ASKED);
	assert_int_equal(resident_of(&list, 12, SITE_KNOWN), 8 * LEDGER_ASKED);
	assert_int_equal(resident_of(&list, 7, SITE_KNOWN), 4);
	assert_adds_up(&list, world.ledger);
	site_list_free(&list);
	world_free(&world);
}

/* What was asked for a range does not hold for what is mapped there later. */
static void an_old_call_is_not_the_new_mappings(void **state)
{
	struct world world = world_with_heap(16);
	struct site_list list = {0};

	(void)state;
	map_populated(&world, 100, 4, 11);
	world_range(&world, EVENT_UNMAP, HEAP + PAGES(100), PAGES(4), EVENT_CALL_MUNMAP, 0);
	world.now += MS(500);
	world_mmap(&world, HEAP + PAGES(100), PAGES(4), PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS);
	world.now += MS(500);
	scan(&world, 100, 4, CAUSE_POPULATE);
	assert_int_equal(site_list_update(&list, world.ledger, 1), 0);
	assert_int_equal(resident_of(&list, 11, SITE_KNOWN), 0);
	assert_int_equal(resident_of(&list, 0, SITE_UNTAKEN), 4);
	site_list_free(&list);
	world_free(&world);
}

/* A child's pages are its parent's, with their stacks. */
static void a_forked_child_keeps_the_stacks(void **state)
{
	struct world world = world_with_heap(64);
	struct event_fork fork = {.child = 9000, .flags = FORK_WATCHED};
	struct site_list list = {0};
	struct ledger *child;

	(void)state;
	touch(&world, 0, 40, 7, 1);
	fork.h = HEADER(EVENT_FORK, event_fork, WORLD_PID, WORLD_PID, world.now);
	child = ledger_fork(world.ledger, &fork);
	assert_non_null(child);
	assert_int_equal(site_list_update(&list, child, 1), 0);
	assert_int_equal(resident_of(&list, 7, SITE_KNOWN), 40);
	site_list_free(&list);
	ledger_free(child);
	world_free(&world);
}

static uint64_t recent_of(const struct site_list *list, uint32_t stack, uint32_t reason)
{
	const struct site *site = site_find(list, stack, reason);

	return site ? site->recent : 0;
}

/* What was first touched in the newer half of the watch, and is still there. */
static void recent_pages_are_of_the_newer_half(void **state)
{
	struct world world = world_with_heap(4096);
	struct site_list list = {0};

	(void)state;
	touch(&world, 0, 100, 7, 1); /* a second after the watch began */
	world.now += MS(6000);
	touch(&world, 200, 30, 7, 1);
	touch(&world, 300, 20, 8, 1);
	touch(&world, 400, 10, 0, 1);
	world_range(&world, EVENT_MADVISE, HEAP + PAGES(300), PAGES(5), EVENT_CALL_MADVISE,
		    MADV_DONTNEED);
	assert_int_equal(site_list_update(&list, world.ledger, 1), 0);
	assert_int_equal(recent_of(&list, 7, SITE_KNOWN), 30);
	assert_int_equal(recent_of(&list, 8, SITE_KNOWN), 15);
	assert_int_equal(recent_of(&list, 0, SITE_UNTAKEN), 10);
	/* at 15 s it is the last seven and a half: these are older now */
	world.now += MS(8000);
	touch(&world, 500, 1, 9, 1);
	assert_int_equal(site_list_update(&list, world.ledger, 2), 0);
	assert_int_equal(recent_of(&list, 7, SITE_KNOWN), 0);
	assert_int_equal(recent_of(&list, 8, SITE_KNOWN), 0);
	assert_int_equal(recent_of(&list, 9, SITE_KNOWN), 1);
	assert_adds_up(&list, world.ledger);
	site_list_free(&list);
	world_free(&world);
}

/* Of a long watch it is no more than SITES_RECENT_NS. */
static void recent_is_not_half_a_day(void **state)
{
	struct world world = world_with_heap(4096);
	struct site_list list = {0};

	(void)state;
	world.now += SITES_RECENT_NS * 10;
	touch(&world, 0, 10, 7, 1);
	world.now += SITES_RECENT_NS;
	touch(&world, 100, 20, 7, 1);
	world.now += MS(1000);
	touch(&world, 200, 40, 7, 1);
	assert_int_equal(site_list_update(&list, world.ledger, 1), 0);
	assert_int_equal(recent_of(&list, 7, SITE_KNOWN), 60);
	site_list_free(&list);
	world_free(&world);
}

/* Estimated as the rest is: they add up to the pages there are, and are within their site's. */
static void recent_pages_are_estimated(void **state)
{
	struct world world = world_with_heap(8192);
	struct site_list list = {0};
	uint64_t sum = 0;

	(void)state;
	/* one fault in ten is chosen; before, and in the newer half twice as many under 8 */
	for (uint64_t i = 0; i < 1000; i++)
		touch(&world, i, 1, i % 10 ? 0 : 7, i % 10 ? 0 : 10);
	world.now += MS(10000);
	for (uint64_t i = 2000; i < 4000; i++)
		touch(&world, i, 1, i % 10 ? 0 : 8, i % 10 ? 0 : 10);
	assert_int_equal(site_list_update(&list, world.ledger, 1), 0);
	for (size_t i = 0; i < list.count; i++) {
		assert_true(list.sites[i].recent <= list.sites[i].resident);
		sum += list.sites[i].recent;
	}
	assert_int_equal(sum, 2000);
	assert_int_equal(recent_of(&list, 8, SITE_KNOWN), 2000);
	assert_int_equal(recent_of(&list, 7, SITE_KNOWN), 0);
	assert_adds_up(&list, world.ledger);
	site_list_free(&list);
	world_free(&world);
}

static void reasons_have_names(void **state)
{
	(void)state;
	for (unsigned int reason = 0; reason < SITE_REASON_COUNT; reason++) {
		assert_string_not_equal(site_reason_name(reason), "?");
		assert_string_not_equal(site_reason_help(reason), "?");
	}
	assert_string_equal(site_reason_name(SITE_REASON_COUNT), "?");
	assert_string_equal(site_reason_help(SITE_REASON_COUNT), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_ledger_has_no_sites),
		cmocka_unit_test(sites_add_up_to_the_ledger),
		cmocka_unit_test(growth_is_since_the_list_before),
		cmocka_unit_test(ages_are_of_the_pages_still_there),
		cmocka_unit_test(sampled_sites_are_estimated_without_bias),
		cmocka_unit_test(unsampled_pages_without_any_like_them_are_unknown),
		cmocka_unit_test(pages_without_an_event_say_why),
		cmocka_unit_test(populated_pages_are_the_callers),
		cmocka_unit_test(many_populated_mappings_are_their_callers),
		cmocka_unit_test(an_old_call_is_not_the_new_mappings),
		cmocka_unit_test(a_forked_child_keeps_the_stacks),
		cmocka_unit_test(recent_pages_are_of_the_newer_half),
		cmocka_unit_test(recent_is_not_half_a_day),
		cmocka_unit_test(recent_pages_are_estimated),
		cmocka_unit_test(reasons_have_names),
	};

	return cmocka_run_group_tests_name("sites", tests, NULL, NULL);
}
