// SPDX-License-Identifier: GPL-2.0-only
/* Live bytes by stack, from some of the allocations. */
#include "tests/unit/support.h"

#include <math.h>

#include "tests/unit/heap_world.h"

#define A ((uint64_t)0x7f0000000000)
#define RATE ((uint64_t)4096)

static struct world sampled_world(uint64_t rate)
{
	struct world w = world_new();

	world_found(&w, A, (uint64_t)1 << 30, VMA_KIND_ANON);
	world_probes(&w, HEAP_ON, ALLOCATOR_JEMALLOC, HEAP_WHOLE, rate);
	return w;
}

static void begin_stack(struct world *w, uint32_t stack, uint64_t size)
{
	struct event_alloc_begin event = {.h.stack = stack, .size = size};

	world_feed(w, &event.h, EVENT_ALLOC_BEGIN, sizeof(event));
}

static void alloc_sampled(struct world *w, uint32_t stack, uint64_t addr, uint64_t size)
{
	begin_stack(w, stack, size);
	world_alloc_flags(w, addr, size, 0, ALLOC_SAMPLED);
}

static struct heap_site site_of(struct world *w, uint32_t stack, bool remember)
{
	struct heap_site *sites, found = {0};
	size_t count;

	assert_int_equal(heap_sites(w->ledger->heap, remember, &sites, &count), 0);
	for (size_t i = 0; i < count; i++) {
		assert_int_not_equal(sites[i].stack, 0);
		assert_true(!i || sites[i - 1].live_bytes >= sites[i].live_bytes);
		if (sites[i].stack == stack)
			found = sites[i];
	}
	free(sites);
	return found;
}

/* As the kernel side chooses; the truth is known here. */
static void estimates_by_stack_have_no_bias(void **state)
{
	static const uint64_t sizes[] = {64, 1000, 20000};
	struct world w = sampled_world(RATE);
	uint64_t random = 42, addr = A, asked[3] = {0}, counts[3] = {0};

	(void)state;
	for (uint64_t i = 0; i < 60000; i++) {
		uint64_t kind = i % 3, size = sizes[kind];
		double chance = -expm1(-(double)size / (double)RATE);
		bool freed = random_below(&random, 4) == 0;

		if ((double)random_below(&random, 1 << 30) < chance * (1 << 30))
			alloc_sampled(&w, 10 + (uint32_t)kind, addr, size);
		else
			world_alloc(&w, addr, size);
		if (freed)
			world_release(&w, addr, 0);
		asked[kind] += freed ? 0 : size;
		counts[kind] += !freed;
		addr += 20480;
	}
	for (uint32_t kind = 0; kind < 3; kind++) {
		struct heap_site site = site_of(&w, 10 + kind, false);
		double bytes = (double)site.live_bytes / (double)asked[kind];
		double count = (double)site.live_count / (double)counts[kind];

		/* 64 bytes: some 230 samples, so one in 15; the others far more */
		assert_true(fabs(bytes - 1) < (kind ? 0.05 : 0.15));
		assert_true(fabs(count - 1) < (kind ? 0.05 : 0.15));
		assert_true(site.born_bytes > site.live_bytes);
	}
	world_free(&w);
}

static void what_is_freed_leaves_its_site(void **state)
{
	struct world w = sampled_world(0); /* each stands for itself */
	struct heap_site site;

	(void)state;
	alloc_sampled(&w, 7, A, 1000);
	alloc_sampled(&w, 7, A + 4096, 500);
	site = site_of(&w, 7, true);
	assert_int_equal(site.live_bytes, 1500);
	assert_int_equal(site.live_count, 2);
	assert_int_equal(site.growth, 1500);
	world_release(&w, A, 0);
	site = site_of(&w, 7, false);
	assert_int_equal(site.live_bytes, 500);
	assert_int_equal(site.born_bytes, 1500);
	assert_int_equal(site.growth, -1000);
	world_release(&w, A + 4096, 0);
	site = site_of(&w, 7, true);
	assert_int_equal(site.live_bytes, 0);
	assert_int_equal(site.live_count, 0);
	assert_int_equal(site.growth, -1500);
	assert_int_equal(site_of(&w, 7, true).growth, 0);
	assert_int_equal(world_heap(&w).totals.samples, 2);
	world_free(&w);
}

static void a_realloc_has_a_stack_of_its_own(void **state)
{
	struct world w = sampled_world(0);

	(void)state;
	alloc_sampled(&w, 7, A, 1000);
	/* refused: the old one's stack stays */
	world_release(&w, A, FREE_REALLOC);
	begin_stack(&w, 8, 1 << 30);
	world_alloc_flags(&w, 0, 1 << 30, A, ALLOC_REALLOC | ALLOC_SAMPLED);
	assert_int_equal(site_of(&w, 7, false).live_bytes, 1000);
	assert_int_equal(site_of(&w, 8, false).live_bytes, 0);
	/* moved, and chosen */
	world_release(&w, A, FREE_REALLOC);
	begin_stack(&w, 8, 2000);
	world_alloc_flags(&w, A + 8192, 2000, A, ALLOC_REALLOC | ALLOC_SAMPLED);
	assert_int_equal(site_of(&w, 7, false).live_bytes, 0);
	assert_int_equal(site_of(&w, 8, false).live_bytes, 2000);
	/* moved, and not chosen */
	world_release(&w, A + 8192, FREE_REALLOC);
	world_alloc_flags(&w, A, 3000, A + 8192, ALLOC_REALLOC);
	assert_int_equal(site_of(&w, 8, false).live_bytes, 0);
	world_free(&w);
}

static void stacks_belong_to_their_threads(void **state)
{
	struct world w = sampled_world(0);

	(void)state;
	w.tid = 1;
	begin_stack(&w, 7, 100);
	w.tid = 2;
	begin_stack(&w, 8, 200);
	world_alloc_flags(&w, A, 200, 0, ALLOC_SAMPLED);
	w.tid = 1;
	world_alloc_flags(&w, A + 4096, 100, 0, ALLOC_SAMPLED);
	assert_int_equal(site_of(&w, 7, false).live_bytes, 100);
	assert_int_equal(site_of(&w, 8, false).live_bytes, 200);
	/* a beginning that was lost, a stack that was not taken */
	world_alloc_flags(&w, A + 8192, 100, 0, ALLOC_SAMPLED);
	alloc_sampled(&w, 0, A + 12288, 100);
	alloc_sampled(&w, STACK_TAKEN, A + 16384, 100);
	assert_int_equal(site_of(&w, 7, false).live_bytes, 100);
	assert_int_equal(world_heap(&w).live_count, 5);
	world_free(&w);
}

/* What is left out of the live set still has its sample, and loses it. */
static void samples_outlive_the_cap(void **state)
{
	struct world w = world_new();

	(void)state;
	w.ledger->heap_tracked = 1024;
	world_found(&w, A, (uint64_t)1 << 30, VMA_KIND_ANON);
	world_probes(&w, HEAP_ON, ALLOCATOR_JEMALLOC, HEAP_WHOLE, 0);
	for (uint64_t i = 0; i < 20000; i++) {
		if (i % 100)
			world_alloc(&w, A + i * 4096, 100);
		else
			alloc_sampled(&w, 7, A + i * 4096, 100);
	}
	assert_true(world_heap(&w).one_in > 1);
	assert_int_equal(site_of(&w, 7, false).live_bytes, 200 * 100);
	for (uint64_t i = 0; i < 20000; i++)
		world_release(&w, A + i * 4096, 0);
	assert_int_equal(site_of(&w, 7, false).live_bytes, 0);
	assert_int_equal(world_heap(&w).live_count, 0);
	/* more than may be kept are counted */
	for (uint64_t i = 0; i < 1000; i++)
		alloc_sampled(&w, 7, A + i * 16, 16);
	assert_int_equal(site_of(&w, 7, false).live_count, 256);
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(estimates_by_stack_have_no_bias),
		cmocka_unit_test(what_is_freed_leaves_its_site),
		cmocka_unit_test(a_realloc_has_a_stack_of_its_own),
		cmocka_unit_test(stacks_belong_to_their_threads),
		cmocka_unit_test(samples_outlive_the_cap),
	};

	return cmocka_run_group_tests_name("heap_samples", tests, NULL, NULL);
}
