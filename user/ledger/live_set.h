/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The live allocations of one process by address: open addressing, 16 bytes an
 * entry, at most four fifths full. Between a few entries and its limit it grows by
 * doubling, so an allocation takes 20 to 40 bytes of it, at the limit 20.
 */
#ifndef TIDEMARK_LEDGER_LIVE_SET_H
#define TIDEMARK_LEDGER_LIVE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct live_entry {
	uint64_t key; /* the address, and LIVE_SAMPLED; 0: free */
	uint64_t size;
};

struct live_set {
	struct live_entry *entries;
	uint64_t slots;
	uint64_t count;
	uint64_t limit; /* of count */
};

/* One allocation. addr is below EVENT_ADDRESS_LIMIT and not 0; size as asked for. */
struct live_block {
	uint64_t addr;
	uint64_t size;
	bool sampled; /* its stack is known */
};

/* Adds one that is not there. 0, -ENOMEM, or -ENOSPC at the limit. */
int live_set_add(struct live_set *set, const struct live_block *block);

/* False: it is not there, *block is as it was. */
bool live_set_find(const struct live_set *set, uint64_t addr, struct live_block *block);

/* The same, and takes it out. */
bool live_set_take(struct live_set *set, uint64_t addr, struct live_block *block);

/* Takes out those of which keep() is false; it is asked once about each. */
void live_set_filter(struct live_set *set, bool (*keep)(void *ctx, const struct live_block *block),
		     void *ctx);

/* Empties it; the limit stays. */
void live_set_clear(struct live_set *set);

uint64_t live_set_memory(const struct live_set *set);

#endif
