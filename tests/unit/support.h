/* SPDX-License-Identifier: GPL-2.0-only */
/* What the unit tests share. Include it first: it brings cmocka's prerequisites. */
#ifndef TESTS_UNIT_SUPPORT_H
#define TESTS_UNIT_SUPPORT_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/event.h"
#include "user/base/units.h"
#include "user/ledger/ledger.h"
#include "user/source/decode.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define PAGES(n) ((uint64_t)(n) << PAGE_SHIFT)
#define MS(n) ((uint64_t)(n)*NSEC_PER_MSEC)

/* xorshift64*: the same numbers everywhere. The state must not be 0. */
static inline uint64_t random_next(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 2685821657736338717ULL;
}

static inline uint64_t random_below(uint64_t *state, uint64_t limit)
{
	return random_next(state) % limit;
}

/* A header for a record of the named struct. */
#define HEADER(kind_, type_, pid_, tid_, time_)                                                    \
	((struct event_header){.size = sizeof(struct type_),                                       \
			       .kind = (kind_),                                                    \
			       .pid = (pid_),                                                      \
			       .tid = (tid_),                                                      \
			       .time_ns = (time_)})

/*
 * A ledger and the time and thread of the next record. The functions below make
 * one record each, pass it through the door, and apply it.
 */
struct world {
	struct ledger *ledger;
	uint64_t now;
	uint32_t tid;
};

#define WORLD_PID 4000
#define WORLD_START MS(1000000) /* when the watch begins */

static inline int world_apply(struct world *world, struct event_header *event, uint16_t kind,
			      size_t size)
{
	event->kind = kind;
	event->size = (uint16_t)size;
	event->pid = world->ledger->pid;
	event->tid = world->tid;
	event->time_ns = world->now;
	assert_int_equal(event_check(event, size), 0);
	return ledger_apply(world->ledger, event);
}

static inline void world_feed(struct world *world, struct event_header *event, uint16_t kind,
			      size_t size)
{
	assert_int_equal(world_apply(world, event, kind, size), 0);
}

static inline void world_range(struct world *world, enum event_kind kind, uint64_t addr,
			       uint64_t len, enum event_call call, uint32_t arg)
{
	struct event_range event = {.addr = addr, .len = len, .call = call, .arg = arg};

	world_feed(world, &event.h, kind, sizeof(event));
}

static inline void world_mmap(struct world *world, uint64_t addr, uint64_t len, uint32_t prot,
			      uint32_t flags)
{
	struct event_mmap event = {.addr = addr, .len = len, .prot = prot, .flags = flags};

	world_feed(world, &event.h, EVENT_MMAP, sizeof(event));
}

static inline void world_fault(struct world *world, uint64_t addr, uint32_t error)
{
	struct event_fault event = {.addr = addr, .error = error};

	world_feed(world, &event.h, EVENT_FAULT, sizeof(event));
}

/* First touches of pages, by writing. */
static inline void world_touch(struct world *world, uint64_t addr, uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i++)
		world_fault(world, addr + PAGES(i), FAULT_USER | FAULT_WRITE);
}

static inline void world_cycle(struct world *world, enum event_cause cause, uint32_t end,
			       uint64_t cost_ns)
{
	struct event_cycle event = {.cause = cause, .end = end, .cost_ns = cost_ns};

	world_feed(world, &event.h, EVENT_CYCLE, sizeof(event));
}

static inline void world_interval(struct world *world, uint64_t number)
{
	struct event_interval event = {.number = number};

	world_feed(world, &event.h, EVENT_INTERVAL, sizeof(event));
}

static inline void world_invocation(struct world *world, enum invocation_edge edge, const char *id)
{
	struct event_invocation event = {.edge = edge};

	snprintf(event.id, sizeof(event.id), "%s", id);
	world_feed(world, &event.h, EVENT_INVOCATION, sizeof(event));
}

/* A ledger whose first look is done and found nothing. */
static inline struct world world_new(void)
{
	struct world world = {
		.ledger = ledger_new(WORLD_PID, WORLD_START),
		.now = WORLD_START,
		.tid = WORLD_PID,
	};

	assert_non_null(world.ledger);
	world_cycle(&world, CAUSE_ATTACH, 0, 0);
	world_cycle(&world, CAUSE_ATTACH, 1, 0);
	world.now += MS(1000);
	return world;
}

static inline void world_free(struct world *world)
{
	ledger_free(world->ledger);
}

/* Resident pages in a range. */
static inline uint64_t world_resident(const struct world *world, uint64_t start, uint64_t len)
{
	struct page_tally tally = {0};

	page_table_count(&world->ledger->pages, start, start + len, &tally);
	return tally.pages;
}

static inline struct mapping *world_mapping(const struct world *world, uint64_t addr)
{
	return mapping_find(&world->ledger->mappings, addr);
}

#endif
