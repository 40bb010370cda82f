/* The cache as it should have been: a bounded number of orders, the least recently used goes. */
#include <errno.h>
#include <stdlib.h>

#include "handler/cache.h"
#include "handler/table.h"

struct lru_entry {
	struct table_entry entry; /* first: a struct table_entry * is a struct lru_entry * */
	struct lru_entry *newer;  /* NULL for the newest */
	struct lru_entry *older;  /* NULL for the oldest */
};

struct lru {
	struct cache cache; /* first: a struct cache * is a struct lru * */
	struct table table;
	size_t limit;
	struct lru_entry *newest;
	struct lru_entry *oldest;
};

static int lru_create(size_t limit, struct cache **cache)
{
	struct lru *lru;

	if (limit == 0)
		return -EINVAL;
	lru = calloc(1, sizeof(*lru));
	if (!lru)
		return -ENOMEM;
	if (table_init(&lru->table)) {
		free(lru);
		return -ENOMEM;
	}

	lru->limit = limit;
	lru->cache.size.live_bytes = sizeof(*lru) + table_bytes(&lru->table);
	*cache = &lru->cache;
	return 0;
}

static void lru_destroy(struct cache *cache)
{
	struct lru *lru = (struct lru *)cache;
	struct lru_entry *entry = lru->newest;

	while (entry) {
		struct lru_entry *older = entry->older;

		order_free(entry->entry.order);
		free(entry);
		entry = older;
	}
	table_destroy(&lru->table);
	free(lru);
}

static void entry_unlink(struct lru *lru, struct lru_entry *entry)
{
	if (entry->newer)
		entry->newer->older = entry->older;
	else
		lru->newest = entry->older;
	if (entry->older)
		entry->older->newer = entry->newer;
	else
		lru->oldest = entry->newer;
}

static void entry_link_newest(struct lru *lru, struct lru_entry *entry)
{
	entry->newer = NULL;
	entry->older = lru->newest;
	if (lru->newest)
		lru->newest->newer = entry;
	else
		lru->oldest = entry;
	lru->newest = entry;
}

static void oldest_evict(struct lru *lru)
{
	struct lru_entry *entry = lru->oldest;

	entry_unlink(lru, entry);
	table_remove(&lru->table, &entry->entry);
	lru->cache.size.entries--;
	lru->cache.size.live_bytes -= sizeof(*entry) + order_bytes(entry->entry.order);
	order_free(entry->entry.order);
	free(entry);
}

static int entry_add(struct lru *lru, const struct order *order)
{
	struct lru_entry *entry = malloc(sizeof(*entry));
	size_t buckets_before = table_bytes(&lru->table);

	if (!entry)
		return -ENOMEM;
	entry->entry.order = NULL;
	if (order_keep(&entry->entry.order, order) || table_insert(&lru->table, &entry->entry)) {
		order_free(entry->entry.order);
		free(entry);
		return -ENOMEM;
	}

	entry_link_newest(lru, entry);
	lru->cache.size.entries++;
	lru->cache.size.live_bytes +=
		sizeof(*entry) + order_bytes(order) + table_bytes(&lru->table) - buckets_before;
	if (lru->cache.size.entries > lru->limit)
		oldest_evict(lru);
	return 0;
}

static struct lru_entry *entry_find(struct lru *lru, const char *order_id)
{
	return (struct lru_entry *)table_find(&lru->table, order_id);
}

static void entry_use(struct lru *lru, struct lru_entry *entry)
{
	entry_unlink(lru, entry);
	entry_link_newest(lru, entry);
}

static int lru_put(struct cache *cache, const struct order *order)
{
	struct lru *lru = (struct lru *)cache;
	struct lru_entry *entry = entry_find(lru, order->order_id);
	size_t before;

	if (!entry)
		return entry_add(lru, order);

	before = order_bytes(entry->entry.order);
	if (order_keep(&entry->entry.order, order))
		return -ENOMEM;
	cache->size.live_bytes += order_bytes(entry->entry.order) - before;
	entry_use(lru, entry);
	return 0;
}

static int lru_touch(struct cache *cache, const char *order_id)
{
	struct lru *lru = (struct lru *)cache;
	struct lru_entry *entry = entry_find(lru, order_id);

	if (!entry)
		return -ENOENT;
	entry_use(lru, entry);
	return 0;
}

static void lru_each(const struct cache *cache, cache_visit_fn visit, void *context)
{
	const struct lru *lru = (const struct lru *)cache;

	for (const struct lru_entry *entry = lru->newest; entry; entry = entry->older)
		visit(entry->entry.order, context);
}

const struct cache_kind cache_lru = {
	.name = "lru",
	.summary = "keeps the orders used last",
	.create = lru_create,
	.destroy = lru_destroy,
	.put = lru_put,
	.touch = lru_touch,
	.each = lru_each,
};
