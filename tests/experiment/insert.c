/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What it costs to put one order of 1 KB into the cache: linked with the handler's own cache and
 * one of its allocators. The orders are made before; the cache is full, if it can be, before the
 * time is taken, so that every insertion takes the place of an older order.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "handler/cache.h"

/* Of the order as it arrives. */
#define BODY_BYTES 1024

struct settings {
	const struct cache_kind *cache;
	size_t entries, count;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Puts orders with the ids first, first + 1, ...; false: out of memory. */
static bool orders_put(struct cache *cache, const char *body, size_t first, size_t count)
{
	char id[32];
	struct order order = {
		.order_id = id,
		.customer_id = "customer-1",
		.processed_at = "2025-01-01T00:00:00Z",
		.body = body,
		.body_len = BODY_BYTES,
	};

	for (size_t i = 0; i < count; i++) {
		snprintf(id, sizeof(id), "order-%zu", first + i);
		if (cache_put(cache, &order))
			return false;
	}
	return true;
}

static bool settings_parse(int argc, char **argv, struct settings *settings)
{
	static const struct option options[] = {
		{"cache", required_argument, NULL, 'c'},
		{"lru-size", required_argument, NULL, 'l'},
		{"count", required_argument, NULL, 'n'},
		{NULL, 0, NULL, 0},
	};
	int key;

	while ((key = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (key == 'c')
			settings->cache = cache_kind_find(optarg);
		else if (key == 'l')
			settings->entries = strtoul(optarg, NULL, 10);
		else if (key == 'n')
			settings->count = strtoul(optarg, NULL, 10);
		else
			return false;
	}
	return settings->cache && settings->entries && settings->count;
}

int main(int argc, char **argv)
{
	struct settings settings = {.cache = &cache_lru, .entries = 1000, .count = 100000};
	char body[BODY_BYTES + 1];
	struct cache *cache;
	uint64_t begin, took;
	bool done;

	if (!settings_parse(argc, argv, &settings)) {
		fprintf(stderr, "insert: give --cache unbounded|lru, --lru-size N, --count N\n");
		return 64;
	}
	memset(body, 'x', BODY_BYTES);
	body[BODY_BYTES] = '\0';
	if (cache_create(settings.cache, settings.entries, &cache))
		return 1;
	done = orders_put(cache, body, 0, 2 * settings.entries);
	begin = now_ns();
	done = done && orders_put(cache, body, 2 * settings.entries, settings.count);
	took = now_ns() - begin;
	if (!done) {
		fprintf(stderr, "insert: out of memory: give a smaller --count\n");
		return 1;
	}
	printf("{\"ns_per_put\": %.1f, \"puts\": %zu, \"body_bytes\": %d, \"entries\": %zu}\n",
	       (double)took / (double)settings.count, settings.count, BODY_BYTES,
	       cache_measure(cache).entries);
	cache_destroy(cache);
	return 0;
}
