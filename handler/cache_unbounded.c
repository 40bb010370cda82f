/* The static cache nobody bounded: every order of the process's life stays reachable. */
#include <errno.h>
#include <stdlib.h>

#include "handler/cache.h"
#include "handler/table.h"

struct unbounded {
	struct cache cache; /* first: a struct cache * is a struct unbounded * */
	struct table table;
};

static int unbounded_create(size_t limit, struct cache **cache)
{
	struct unbounded *unbounded = calloc(1, sizeof(*unbounded));

	(void)limit;
	if (!unbounded)
		return -ENOMEM;
	if (table_init(&unbounded->table)) {
		free(unbounded);
		return -ENOMEM;
	}

	unbounded->cache.size.live_bytes = sizeof(*unbounded) + table_bytes(&unbounded->table);
	*cache = &unbounded->cache;
	return 0;
}

static void unbounded_destroy(struct cache *cache)
{
	struct unbounded *unbounded = (struct unbounded *)cache;

	for (size_t i = 0; i < unbounded->table.bucket_count; i++) {
		struct table_entry *entry = unbounded->table.buckets[i];

		while (entry) {
			struct table_entry *next = entry->next;

			order_free(entry->order);
			free(entry);
			entry = next;
		}
	}
	table_destroy(&unbounded->table);
	free(unbounded);
}

static int entry_add(struct unbounded *unbounded, const struct order *order)
{
	struct table_entry *entry = malloc(sizeof(*entry));
	size_t buckets_before = table_bytes(&unbounded->table);

	if (!entry)
		return -ENOMEM;
	entry->order = NULL;
	if (order_keep(&entry->order, order) || table_insert(&unbounded->table, entry)) {
		order_free(entry->order);
		free(entry);
		return -ENOMEM;
	}

	unbounded->cache.size.entries++;
	unbounded->cache.size.live_bytes += sizeof(*entry) + order_bytes(order) +
					    table_bytes(&unbounded->table) - buckets_before;
	return 0;
}

static int unbounded_put(struct cache *cache, const struct order *order)
{
	struct unbounded *unbounded = (struct unbounded *)cache;
	struct table_entry *entry = table_find(&unbounded->table, order->order_id);
	size_t before;

	if (!entry)
		return entry_add(unbounded, order);

	before = order_bytes(entry->order);
	if (order_keep(&entry->order, order))
		return -ENOMEM;
	cache->size.live_bytes += order_bytes(entry->order) - before;
	return 0;
}

static int unbounded_touch(struct cache *cache, const char *order_id)
{
	const struct unbounded *unbounded = (const struct unbounded *)cache;

	return table_find(&unbounded->table, order_id) ? 0 : -ENOENT;
}

static void unbounded_each(const struct cache *cache, cache_visit_fn visit, void *context)
{
	const struct unbounded *unbounded = (const struct unbounded *)cache;

	for (size_t i = 0; i < unbounded->table.bucket_count; i++) {
		const struct table_entry *entry = unbounded->table.buckets[i];

		for (; entry; entry = entry->next)
			visit(entry->order, context);
	}
}

const struct cache_kind cache_unbounded = {
	.name = "unbounded",
	.summary = "keeps every order: the leak",
	.create = unbounded_create,
	.destroy = unbounded_destroy,
	.put = unbounded_put,
	.touch = unbounded_touch,
	.each = unbounded_each,
};
