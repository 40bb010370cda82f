#include "handler/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_BUCKETS_MIN 64

/* FNV-1a, then a final mix: the buckets are chosen by the low bits. */
static uint64_t key_hash(const char *key)
{
	uint64_t hash = 0xcbf29ce484222325ULL;

	for (; *key; key++)
		hash = (hash ^ (unsigned char)*key) * 0x100000001b3ULL;
	return hash ^ (hash >> 32);
}

static struct table_entry **bucket_of(const struct table *table, uint64_t hash)
{
	return &table->buckets[hash & (table->bucket_count - 1)];
}

int table_init(struct table *table)
{
	struct table_entry **buckets = calloc(TABLE_BUCKETS_MIN, sizeof(struct table_entry *));

	if (!buckets)
		return -ENOMEM;

	*table = (struct table){.buckets = buckets, .bucket_count = TABLE_BUCKETS_MIN};
	return 0;
}

void table_destroy(struct table *table)
{
	free(table->buckets);
	*table = (struct table){0};
}

struct table_entry *table_find(const struct table *table, const char *order_id)
{
	uint64_t hash = key_hash(order_id);
	struct table_entry *entry = *bucket_of(table, hash);

	while (entry && (entry->hash != hash || strcmp(entry->order->order_id, order_id) != 0))
		entry = entry->next;
	return entry;
}

static void entry_link(struct table *table, struct table_entry *entry)
{
	struct table_entry **bucket = bucket_of(table, entry->hash);

	entry->next = *bucket;
	*bucket = entry;
}

static int table_grow(struct table *table)
{
	struct table grown = {.bucket_count = table->bucket_count * 2, .entries = table->entries};

	grown.buckets = calloc(grown.bucket_count, sizeof(struct table_entry *));
	if (!grown.buckets)
		return -ENOMEM;

	for (size_t i = 0; i < table->bucket_count; i++) {
		struct table_entry *entry = table->buckets[i];

		while (entry) {
			struct table_entry *next = entry->next;

			entry_link(&grown, entry);
			entry = next;
		}
	}

	free(table->buckets);
	*table = grown;
	return 0;
}

int table_insert(struct table *table, struct table_entry *entry)
{
	if (table->entries == table->bucket_count) {
		int err = table_grow(table);

		if (err)
			return err;
	}

	entry->hash = key_hash(entry->order->order_id);
	entry_link(table, entry);
	table->entries++;
	return 0;
}

void table_remove(struct table *table, struct table_entry *entry)
{
	struct table_entry **link = bucket_of(table, entry->hash);

	while (*link != entry)
		link = &(*link)->next;
	*link = entry->next;
	table->entries--;
}

size_t table_bytes(const struct table *table)
{
	return table->bucket_count * sizeof(struct table_entry *);
}
