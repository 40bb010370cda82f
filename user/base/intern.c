// SPDX-License-Identifier: GPL-2.0-only
#include "user/base/intern.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define SLOTS_MIN 64

static uint32_t hash_bytes(const void *data, uint32_t size)
{
	return (uint32_t)XXH3_64bits(data, size);
}

static void slot_put(struct intern *intern, uint32_t hash, uint32_t number)
{
	uint32_t at = hash & (intern->slot_count - 1);

	while (intern->slots[at])
		at = (at + 1) & (intern->slot_count - 1);
	intern->slots[at] = number;
}

static int slots_grow(struct intern *intern)
{
	uint32_t count = intern->slot_count ? intern->slot_count * 2 : SLOTS_MIN;
	uint32_t *slots = calloc(count, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	intern->bytes += (uint64_t)(count - intern->slot_count) * sizeof(*slots);
	free(intern->slots);
	intern->slots = slots;
	intern->slot_count = count;
	for (uint32_t i = 0; i < intern->count; i++)
		slot_put(intern, intern->items[i].hash, i + 1);
	return 0;
}

static uint32_t find(const struct intern *intern, const void *data, uint32_t size, uint32_t hash)
{
	uint32_t at = hash & (intern->slot_count - 1);

	for (; intern->slots[at]; at = (at + 1) & (intern->slot_count - 1)) {
		const struct intern_item *item = &intern->items[intern->slots[at] - 1];

		if (item->hash == hash && item->size == size && !memcmp(item->data, data, size))
			return intern->slots[at];
	}
	return 0;
}

static int items_grow(struct intern *intern)
{
	uint32_t capacity = intern->capacity ? intern->capacity * 2 : 16;
	struct intern_item *items = reallocarray(intern->items, capacity, sizeof(*items));

	if (!items)
		return -ENOMEM;
	intern->bytes += (uint64_t)(capacity - intern->capacity) * sizeof(*items);
	intern->items = items;
	intern->capacity = capacity;
	return 0;
}

uint32_t intern_find(const struct intern *intern, const void *data, uint32_t size)
{
	return size && intern->slot_count ? find(intern, data, size, hash_bytes(data, size)) : 0;
}

uint32_t intern_add(struct intern *intern, const void *data, uint32_t size)
{
	uint32_t hash, number;
	char *copy;

	if (!size)
		return 0;
	/* at most 3/4 full */
	if (intern->count >= intern->slot_count / 4 * 3 && slots_grow(intern))
		return 0;
	hash = hash_bytes(data, size);
	number = find(intern, data, size, hash);
	if (number)
		return number;
	if (intern->count == intern->capacity && items_grow(intern))
		return 0;
	copy = malloc((size_t)size + 1);
	if (!copy)
		return 0;
	memcpy(copy, data, size);
	copy[size] = '\0';
	intern->items[intern->count] =
		(struct intern_item){.data = copy, .size = size, .hash = hash};
	intern->bytes += size + 1;
	number = ++intern->count;
	slot_put(intern, hash, number);
	return number;
}

uint32_t intern_string(struct intern *intern, const char *text)
{
	return intern_add(intern, text, (uint32_t)strlen(text));
}

const void *intern_get(const struct intern *intern, uint32_t number)
{
	return number && number <= intern->count ? intern->items[number - 1].data : "";
}

int intern_clone(const struct intern *from, struct intern *into)
{
	for (uint32_t i = 0; i < from->count; i++)
		if (!intern_add(into, from->items[i].data, from->items[i].size))
			return -ENOMEM;
	return 0;
}

void intern_free(struct intern *intern)
{
	for (uint32_t i = 0; i < intern->count; i++)
		free(intern->items[i].data);
	free(intern->items);
	free(intern->slots);
	memset(intern, 0, sizeof(*intern));
}
