#include "handler/cache.h"

#include <string.h>

static const struct cache_kind *const cache_kinds[] = {&cache_unbounded, &cache_lru};

const struct cache_kind *cache_kind_find(const char *name)
{
	for (size_t i = 0; i < sizeof(cache_kinds) / sizeof(cache_kinds[0]); i++) {
		if (strcmp(cache_kinds[i]->name, name) == 0)
			return cache_kinds[i];
	}
	return NULL;
}

int cache_create(const struct cache_kind *kind, size_t limit, struct cache **cache)
{
	struct cache *created;
	int err = kind->create(limit, &created);

	if (err)
		return err;

	created->kind = kind;
	pthread_mutex_init(&created->lock, NULL); /* cannot fail with default attributes */
	*cache = created;
	return 0;
}

void cache_destroy(struct cache *cache)
{
	if (!cache)
		return;

	pthread_mutex_destroy(&cache->lock);
	cache->kind->destroy(cache);
}

int cache_put(struct cache *cache, const struct order *order)
{
	int err;

	pthread_mutex_lock(&cache->lock);
	err = cache->kind->put(cache, order);
	pthread_mutex_unlock(&cache->lock);
	return err;
}

int cache_touch(struct cache *cache, const char *order_id)
{
	int err;

	pthread_mutex_lock(&cache->lock);
	err = cache->kind->touch(cache, order_id);
	pthread_mutex_unlock(&cache->lock);
	return err;
}

struct cache_size cache_measure(struct cache *cache)
{
	struct cache_size size;

	pthread_mutex_lock(&cache->lock);
	size = cache->size;
	pthread_mutex_unlock(&cache->lock);
	return size;
}

void cache_each(struct cache *cache, cache_visit_fn visit, void *context)
{
	pthread_mutex_lock(&cache->lock);
	cache->kind->each(cache, visit, context);
	pthread_mutex_unlock(&cache->lock);
}
