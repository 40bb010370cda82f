// SPDX-License-Identifier: GPL-2.0-only
#include "user/ledger/live_set.h"

#include <errno.h>
#include <stdlib.h>

#include "bpf/event.h"

#define LIVE_SAMPLED ((uint64_t)1 << 63)
#define SLOTS_MIN 1024

_Static_assert(EVENT_ADDRESS_LIMIT <= LIVE_SAMPLED, "the mark lies above all addresses");

/* Room for count entries at four fifths. */
static uint64_t slots_for(uint64_t count)
{
	return count + count / 4 + 1;
}

/* Where an address belongs: its multiplicative hash, scaled to a number of slots of any size. */
static uint64_t home_of(const struct live_set *set, uint64_t addr)
{
	uint64_t hash = (addr >> 3) * 0x9e3779b97f4a7c15ULL;

	return (uint64_t)(((unsigned __int128)hash * set->slots) >> 64);
}

static uint64_t slot_next(const struct live_set *set, uint64_t slot)
{
	return slot + 1 < set->slots ? slot + 1 : 0;
}

static uint64_t entry_addr(const struct live_entry *entry)
{
	return entry->key & ~LIVE_SAMPLED;
}

static struct live_block entry_block(const struct live_entry *entry)
{
	return (struct live_block){
		.addr = entry_addr(entry),
		.size = entry->size,
		.sampled = entry->key & LIVE_SAMPLED,
	};
}

/* The slot of an address, or the free one where it would be. */
static uint64_t slot_of(const struct live_set *set, uint64_t addr)
{
	uint64_t slot = home_of(set, addr);

	while (set->entries[slot].key && entry_addr(&set->entries[slot]) != addr)
		slot = slot_next(set, slot);
	return slot;
}

static int set_grow(struct live_set *set)
{
	uint64_t most = slots_for(set->limit);
	struct live_set bigger = *set;

	bigger.slots = set->slots ? set->slots * 2 : SLOTS_MIN;
	if (bigger.slots > most)
		bigger.slots = most;
	bigger.entries = calloc(bigger.slots, sizeof(*bigger.entries));
	if (!bigger.entries)
		return -ENOMEM;
	for (uint64_t i = 0; i < set->slots; i++)
		if (set->entries[i].key)
			bigger.entries[slot_of(&bigger, entry_addr(&set->entries[i]))] =
				set->entries[i];
	free(set->entries);
	*set = bigger;
	return 0;
}

int live_set_add(struct live_set *set, const struct live_block *block)
{
	int rc;

	if (set->count >= set->limit)
		return -ENOSPC;
	if (slots_for(set->count + 1) > set->slots) {
		rc = set_grow(set);
		if (rc)
			return rc;
	}
	set->entries[slot_of(set, block->addr)] = (struct live_entry){
		.key = block->addr | (block->sampled ? LIVE_SAMPLED : 0),
		.size = block->size,
	};
	set->count++;
	return 0;
}

bool live_set_find(const struct live_set *set, uint64_t addr, struct live_block *block)
{
	uint64_t slot;

	if (!set->count)
		return false;
	slot = slot_of(set, addr);
	if (!set->entries[slot].key)
		return false;
	*block = entry_block(&set->entries[slot]);
	return true;
}

/* Frees a slot; what lies behind it moves up, so that no search ends too early. */
static void slot_free(struct live_set *set, uint64_t hole)
{
	uint64_t slot = hole;

	set->count--;
	for (;;) {
		uint64_t home;

		slot = slot_next(set, slot);
		if (!set->entries[slot].key)
			break;
		home = home_of(set, entry_addr(&set->entries[slot]));
		/* does the way from its home to it lead over the hole? */
		if (hole <= slot ? home <= hole || home > slot : home <= hole && home > slot) {
			set->entries[hole] = set->entries[slot];
			hole = slot;
		}
	}
	set->entries[hole] = (struct live_entry){0};
}

bool live_set_take(struct live_set *set, uint64_t addr, struct live_block *block)
{
	uint64_t slot;

	if (!set->count)
		return false;
	slot = slot_of(set, addr);
	if (!set->entries[slot].key)
		return false;
	*block = entry_block(&set->entries[slot]);
	slot_free(set, slot);
	return true;
}

void live_set_filter(struct live_set *set, bool (*keep)(void *ctx, const struct live_block *block),
		     void *ctx)
{
	uint64_t begin = 0, slot;

	if (!set->count)
		return;
	while (set->entries[begin].key) /* nothing moves over a free slot */
		begin++;
	for (slot = slot_next(set, begin); slot != begin;) {
		struct live_block block;

		if (set->entries[slot].key) {
			block = entry_block(&set->entries[slot]);
			if (!keep(ctx, &block)) {
				slot_free(set, slot); /* and another one may be there now */
				continue;
			}
		}
		slot = slot_next(set, slot);
	}
}

void live_set_clear(struct live_set *set)
{
	free(set->entries);
	*set = (struct live_set){.limit = set->limit};
}

uint64_t live_set_memory(const struct live_set *set)
{
	return set->slots * sizeof(*set->entries);
}
