/*
 * The cache of orders by order_id, shared by all threads. A kind of cache is a const descriptor in
 * a file of its own; the functions below take the lock and call it.
 */
#ifndef HANDLER_CACHE_H
#define HANDLER_CACHE_H

#include <pthread.h>
#include <stddef.h>

#include "handler/order.h"

struct cache_size {
	size_t entries;
	/*
	 * Bytes the cache holds, as requested from the allocator: itself, its buckets, its entries
	 * and their orders. The allocator's rounding and headers are not in it.
	 */
	size_t live_bytes;
};

struct cache_kind;

/* The head of every cache. */
struct cache {
	const struct cache_kind *kind;
	pthread_mutex_t lock;
	struct cache_size size; /* kept by the kind */
};

/* The order is only valid during the call, and the call must not use the cache. */
typedef void (*cache_visit_fn)(const struct order *order, void *context);

/* Called with the lock held, except for create and destroy. Contracts as of cache_*() below. */
struct cache_kind {
	const char *name;
	const char *summary;
	int (*create)(size_t limit, struct cache **cache);
	void (*destroy)(struct cache *cache);
	int (*put)(struct cache *cache, const struct order *order);
	int (*touch)(struct cache *cache, const char *order_id);
	void (*each)(const struct cache *cache, cache_visit_fn visit, void *context);
};

/* Never forgets an order: the leak. */
extern const struct cache_kind cache_unbounded;
/* Forgets the order that was used longest ago. */
extern const struct cache_kind cache_lru;

/* The kind of that name, or NULL. */
const struct cache_kind *cache_kind_find(const char *name);

/*
 * limit is the largest number of entries, at least 1; an unbounded cache ignores it. On success
 * *cache belongs to the caller: cache_destroy(). 0, -ENOMEM, or -EINVAL for a limit of 0.
 */
int cache_create(const struct cache_kind *kind, size_t limit, struct cache **cache);

/* Frees all orders. cache may be NULL. No thread may be using it. */
void cache_destroy(struct cache *cache);

/*
 * Stores a copy of the order, in place of one with the same order_id, and counts it as used. On
 * failure (-ENOMEM) the cache is as before.
 */
int cache_put(struct cache *cache, const struct order *order);

/* 0 if the order is there, which counts as a use of it, else -ENOENT. */
int cache_touch(struct cache *cache, const char *order_id);

/* Both figures of one moment. */
struct cache_size cache_measure(struct cache *cache);

/* Visits every order; an lru cache begins with the order that was used last. */
void cache_each(struct cache *cache, cache_visit_fn visit, void *context);

#endif
