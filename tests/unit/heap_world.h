/* SPDX-License-Identifier: GPL-2.0-only */
/* Records of an allocator's probes, for the tests of heap evidence. Include support.h first. */
#ifndef TESTS_UNIT_HEAP_WORLD_H
#define TESTS_UNIT_HEAP_WORLD_H

#include <sys/mman.h>

#include "tests/unit/support.h"

#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static inline void world_probes(struct world *world, enum heap_state state, uint32_t allocator,
				uint32_t flags, uint64_t sample_bytes)
{
	struct event_heap event = {
		.state = state,
		.allocator = allocator,
		.flags = flags,
		.functions = 9,
		.dear = 1,
		.sample_bytes = sample_bytes,
	};

	world_feed(world, &event.h, EVENT_HEAP, sizeof(event));
}

static inline void world_alloc_flags(struct world *world, uint64_t addr, uint64_t size,
				     uint64_t old, uint32_t flags)
{
	struct event_alloc event = {.addr = addr, .size = size, .old = old, .flags = flags};

	world_feed(world, &event.h, EVENT_ALLOC, sizeof(event));
}

static inline void world_alloc(struct world *world, uint64_t addr, uint64_t size)
{
	world_alloc_flags(world, addr, size, 0, 0);
}

/* Blocks of one size side by side. */
static inline void world_alloc_many(struct world *world, uint64_t addr, uint64_t size,
				    uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		world_alloc(world, addr + i * size, size);
}

static inline void world_release(struct world *world, uint64_t addr, uint32_t flags)
{
	struct event_free event = {.addr = addr, .flags = flags};

	world_feed(world, &event.h, EVENT_FREE, sizeof(event));
}

static inline void world_lose(struct world *world, uint64_t lost)
{
	struct event_loss event = {.lost = lost};

	world_feed(world, &event.h, EVENT_LOSS, sizeof(event));
}

static inline struct heap_report world_heap(const struct world *world)
{
	struct heap_report report;
	uint64_t sum = 0;

	heap_report(world->ledger, &report);
	for (unsigned int i = 0; i < HEAP_CLASS_COUNT; i++) {
		assert_true(report.retained[i] <= report.classes[i]);
		sum += report.classes[i];
	}
	assert_int_equal(sum, report.pages);
	return report;
}

static inline void assert_classes(const struct world *world, uint64_t live, uint64_t fragmented,
				  uint64_t free, uint64_t unknown)
{
	struct heap_report report = world_heap(world);

	assert_int_equal(report.classes[HEAP_LIVE], live);
	assert_int_equal(report.classes[HEAP_FRAGMENTED], fragmented);
	assert_int_equal(report.classes[HEAP_FREE], free);
	assert_int_equal(report.classes[HEAP_UNKNOWN], unknown);
}

/* A mapping as /proc showed it when the watch began: older than all. */
static inline void world_found(struct world *world, uint64_t addr, uint64_t len,
			       enum event_vma_kind kind)
{
	struct event_vma event = {
		.gap_start = addr,
		.start = addr,
		.end = addr + len,
		.prot = RW,
		.flags = MAP_PRIVATE,
		.vma_kind = kind,
	};

	world->ledger->complete = false;
	world_feed(world, &event.h, EVENT_VMA, sizeof(event));
	world->ledger->complete = true;
}

#endif
