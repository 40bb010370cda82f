/* A chained hash table of orders, keyed by order_id, that doubles when it is full. */
#ifndef HANDLER_TABLE_H
#define HANDLER_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "handler/order.h"

/* Embedded in the entry of a cache, which allocates and frees it. */
struct table_entry {
	struct table_entry *next;
	uint64_t hash;
	struct order *order; /* owned by the cache */
};

struct table {
	struct table_entry **buckets; /* owned */
	size_t bucket_count;	      /* a power of two */
	size_t entries;
};

/* 0 or -ENOMEM. */
int table_init(struct table *table);

/* Frees the buckets; the entries must be gone or released by the caller. */
void table_destroy(struct table *table);

/* The entry with that key, or NULL. */
struct table_entry *table_find(const struct table *table, const char *order_id);

/*
 * Links an entry whose order is set and whose key is not in the table yet. 0 or -ENOMEM, when the
 * buckets could not grow; the entry is not linked then.
 */
int table_insert(struct table *table, struct table_entry *entry);

/* Unlinks an entry that is in the table. */
void table_remove(struct table *table, struct table_entry *entry);

/* Bytes requested for the buckets. */
size_t table_bytes(const struct table *table);

#endif
