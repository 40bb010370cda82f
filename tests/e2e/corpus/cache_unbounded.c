// SPDX-License-Identifier: GPL-2.0-only
/*
 * A cache that only grows, 1.5 MB/s, with a look-up of an old entry now and then: reachable, so
 * that no leak checker complains, and live growth all the same.
 *
 * smaps: 1.5 MB/s in a line, to 10 MB.
 */
#include "tests/e2e/corpus/corpus.h"

enum { BUCKETS = 1024 };

struct entry {
	struct entry *next;
	size_t key;
	char value[400];
};

static struct entry *buckets[BUCKETS];

static void __attribute__((noinline)) cache_insert(size_t key)
{
	struct entry *entry = corpus_alloc(sizeof(*entry));

	entry->key = key;
	entry->next = buckets[key % BUCKETS];
	buckets[key % BUCKETS] = entry;
}

static void cache_look_up(size_t key)
{
	struct entry *entry = buckets[key % BUCKETS];

	while (entry && entry->key != key)
		entry = entry->next;
	if (entry)
		entry->value[key % sizeof(entry->value)]++;
}

int main(int argc, char **argv)
{
	size_t key = 0;

	corpus_start(argc, argv);
	while (corpus_step(20)) {
		while (key * sizeof(struct entry) < corpus_due(0, 1.5e6))
			cache_insert(key++);
		for (int i = 0; i < 4 && key; i++)
			cache_look_up(corpus_random(key));
	}
	corpus_end();
}
