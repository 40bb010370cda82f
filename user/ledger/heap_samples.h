/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Live allocations whose stack was taken, and what they stand for, by stack. An allocation is
 * chosen with the probability 1 - exp(-size / sample_bytes), so it stands for the reciprocal of
 * that: sums over them are without bias. 48 bytes each.
 */
#ifndef TIDEMARK_LEDGER_HEAP_SAMPLES_H
#define TIDEMARK_LEDGER_HEAP_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/base/intern.h"
#include "user/ledger/heap.h"
#include "user/ledger/live_set.h"

/* What one stands for. */
struct heap_sample {
	double bytes;
	double count;
	uint32_t site; /* number of its stack in the interned ones; in a free place the next free */
};

struct heap_site_sums {
	double live_bytes;
	double live_count;
	double born_bytes;
	uint64_t samples; /* live: with none left the sums are 0, whatever rounding has left */
	uint64_t before;  /* live bytes at the last list that was to be remembered */
};

struct heap_samples {
	struct live_set by_addr; /* address -> place in kept; its limit is theirs */
	struct heap_sample *kept;
	size_t capacity;
	size_t used;	   /* places handed out so far */
	size_t free_place; /* + 1; 0: none */
	struct intern stacks;
	struct heap_site_sums *sites; /* by number in stacks, from 1 */
	uint32_t site_capacity;
};

/* One allocation. -ENOMEM; -ENOSPC: there are as many as may be. */
int heap_samples_add(struct heap_samples *samples, uint64_t addr, uint32_t stack, uint64_t size,
		     uint64_t sample_bytes);

/* Takes one out; false if there is none at addr. */
bool heap_samples_take(struct heap_samples *samples, uint64_t addr, struct heap_sample *sample);

/* Puts one back that was taken, maybe elsewhere. */
int heap_samples_put(struct heap_samples *samples, uint64_t addr, const struct heap_sample *sample);

/* See heap_sites(). */
int heap_samples_list(struct heap_samples *samples, bool remember, struct heap_site **sites,
		      size_t *count);

/* None is live any more; what was born stays. */
void heap_samples_clear(struct heap_samples *samples);

void heap_samples_free(struct heap_samples *samples);
uint64_t heap_samples_memory(const struct heap_samples *samples);

#endif
