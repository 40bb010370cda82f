// SPDX-License-Identifier: GPL-2.0-only
#include "user/ledger/heap_samples.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "user/base/cleanup.h"

/* The site of a stack, made if need be; 0 without memory. */
static uint32_t site_of(struct heap_samples *samples, uint32_t stack)
{
	uint32_t site = intern_add(&samples->stacks, &stack, sizeof(stack));
	uint32_t capacity = samples->site_capacity ? samples->site_capacity * 2 : 64;
	struct heap_site_sums *sites;

	if (site < samples->site_capacity)
		return site;
	sites = reallocarray(samples->sites, capacity, sizeof(*sites));
	if (!sites)
		return 0;
	for (uint32_t i = samples->site_capacity; i < capacity; i++)
		sites[i] = (struct heap_site_sums){0};
	samples->sites = sites;
	samples->site_capacity = capacity;
	return site;
}

/* A free place; -ENOMEM. */
static int place_new(struct heap_samples *samples, size_t *place)
{
	size_t capacity = samples->capacity ? samples->capacity * 2 : 64;
	struct heap_sample *kept;

	if (samples->free_place) {
		*place = samples->free_place - 1;
		samples->free_place = samples->kept[*place].site;
		return 0;
	}
	if (samples->used == samples->capacity) {
		kept = reallocarray(samples->kept, capacity, sizeof(*kept));
		if (!kept)
			return -ENOMEM;
		samples->kept = kept;
		samples->capacity = capacity;
	}
	*place = samples->used++;
	return 0;
}

static void place_free(struct heap_samples *samples, size_t place)
{
	samples->kept[place].site = (uint32_t)samples->free_place;
	samples->free_place = place + 1;
}

int heap_samples_put(struct heap_samples *samples, uint64_t addr, const struct heap_sample *sample)
{
	struct heap_site_sums *site = &samples->sites[sample->site];
	struct live_block entry = {.addr = addr};
	size_t place;
	int rc = place_new(samples, &place);

	if (rc)
		return rc;
	entry.size = place;
	rc = live_set_add(&samples->by_addr, &entry);
	if (rc) {
		place_free(samples, place);
		return rc;
	}
	samples->kept[place] = *sample;
	site->live_bytes += sample->bytes;
	site->live_count += sample->count;
	site->samples++;
	return 0;
}

int heap_samples_add(struct heap_samples *samples, uint64_t addr, uint32_t stack, uint64_t size,
		     uint64_t sample_bytes)
{
	struct heap_sample sample = {.bytes = (double)size, .count = 1};
	int rc;

	sample.site = site_of(samples, stack);
	if (!sample.site)
		return -ENOMEM;
	if (sample_bytes && size) {
		sample.count = -1 / expm1(-(double)size / (double)sample_bytes);
		sample.bytes = (double)size * sample.count;
	}
	rc = heap_samples_put(samples, addr, &sample);
	if (!rc)
		samples->sites[sample.site].born_bytes += sample.bytes;
	return rc;
}

bool heap_samples_take(struct heap_samples *samples, uint64_t addr, struct heap_sample *sample)
{
	struct heap_site_sums *site;
	struct live_block entry;

	if (!live_set_take(&samples->by_addr, addr, &entry))
		return false;
	*sample = samples->kept[entry.size];
	place_free(samples, entry.size);
	site = &samples->sites[sample->site];
	site->live_bytes -= sample->bytes;
	site->live_count -= sample->count;
	if (!--site->samples)
		site->live_bytes = site->live_count = 0;
	return true;
}

static int by_live_bytes(const void *a, const void *b)
{
	const struct heap_site *x = a, *y = b;

	if (x->live_bytes != y->live_bytes)
		return x->live_bytes < y->live_bytes ? 1 : -1;
	return x->stack < y->stack ? -1 : x->stack > y->stack;
}

/* Sums of doubles that rounding may have put a little below 0. */
static uint64_t whole(double sum)
{
	return sum > 0 ? (uint64_t)(sum + 0.5) : 0;
}

int heap_samples_list(struct heap_samples *samples, bool remember, struct heap_site **sites,
		      size_t *count)
{
	AUTO_FREE struct heap_site *out = calloc(samples->stacks.count + 1, sizeof(*out));
	size_t used = 0;

	if (!out)
		return -ENOMEM;
	for (uint32_t i = 1; i <= samples->stacks.count && i < samples->site_capacity; i++) {
		struct heap_site_sums *site = &samples->sites[i];
		const uint32_t *stack = intern_get(&samples->stacks, i);

		out[used] = (struct heap_site){
			.stack = *stack,
			.live_bytes = whole(site->live_bytes),
			.live_count = whole(site->live_count),
			.born_bytes = whole(site->born_bytes),
		};
		out[used].growth = (int64_t)out[used].live_bytes - (int64_t)site->before;
		if (remember)
			site->before = out[used].live_bytes;
		used++;
	}
	qsort(out, used, sizeof(*out), by_live_bytes);
	*sites = TAKE_PTR(out);
	*count = used;
	return 0;
}

void heap_samples_clear(struct heap_samples *samples)
{
	live_set_clear(&samples->by_addr);
	free(samples->kept);
	samples->kept = NULL;
	samples->capacity = samples->used = samples->free_place = 0;
	for (uint32_t i = 0; i < samples->site_capacity; i++)
		samples->sites[i].live_bytes = samples->sites[i].live_count =
			(double)(samples->sites[i].samples = 0);
}

void heap_samples_free(struct heap_samples *samples)
{
	heap_samples_clear(samples);
	intern_free(&samples->stacks);
	free(samples->sites);
}

uint64_t heap_samples_memory(const struct heap_samples *samples)
{
	return live_set_memory(&samples->by_addr) + samples->capacity * sizeof(*samples->kept) +
	       samples->stacks.bytes + samples->site_capacity * sizeof(*samples->sites);
}
