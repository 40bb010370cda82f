// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which sites are one row. malloc, memcpy and the like touch pages at many of their
 * instructions, and each is a call stack of its own, so sites are put together that
 * agree in the functions from the first of the user's own outwards.
 */
#include <stdlib.h>
#include <string.h>

#include "user/stack/frames.h"
#include "user/view/dashboard/sites.h"

#define KEYS_MIN 1024

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15ULL;
	return hash ^ hash >> 29;
}

static uint64_t mix_frame(uint64_t hash, struct symbols *symbols, const struct event_frame *frame)
{
	const char *name = symbols_raw_name(symbols, frame);

	hash = mix(hash, frame->module);
	if (!name)
		return mix(hash, frame->address);
	for (; *name; name++)
		hash = mix(hash, (unsigned char)*name);
	return hash;
}

static uint64_t stack_key(struct symbols *symbols, const struct stack *stack)
{
	uint64_t hash = stack->end;

	for (size_t i = stack_folded(symbols, stack); i < stack->frame_count; i++)
		hash = mix_frame(hash, symbols, &stack->frames[i]);
	return hash;
}

static bool keys_reserve(struct site_keys *keys, uint32_t number)
{
	size_t count = keys->count ? keys->count : KEYS_MIN;
	uint64_t *grown;

	if (number < keys->count)
		return true;
	while (count <= number)
		count *= 2;
	grown = reallocarray(keys->items, count, sizeof(*grown));
	if (!grown)
		return false;
	memset(grown + keys->count, 0, (count - keys->count) * sizeof(*grown));
	keys->items = grown;
	keys->count = count;
	return true;
}

uint64_t site_key_exact(const struct site *site)
{
	return (uint64_t)site->reason << 32 | site->stack;
}

uint64_t site_key(struct site_keys *keys, const struct process *process, const struct site *site)
{
	const struct stack *stack = process_stack(process, site->stack);

	if (!stack || !keys_reserve(keys, site->stack))
		return site_key_exact(site);
	/* exact keys are small: the top bit tells these from them, and from what is not known yet
	 */
	if (!keys->items[site->stack])
		keys->items[site->stack] = stack_key(process->symbols, stack) | 1ULL << 63;
	return keys->items[site->stack];
}

void site_keys_release(struct site_keys *keys)
{
	free(keys->items);
	*keys = (struct site_keys){0};
}
