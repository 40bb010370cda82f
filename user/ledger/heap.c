// SPDX-License-Identifier: GPL-2.0-only
#include "user/ledger/heap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/ledger/ledger.h"

struct heap {
	size_t max_tracked;
};

static const char *const words[HEAP_CLASS_COUNT] = {
#define X(name, word, text) [HEAP_##name] = word,
	HEAP_CLASSES(X)
#undef X
};

static const char *const helps[HEAP_CLASS_COUNT] = {
#define X(name, word, text) [HEAP_##name] = text,
	HEAP_CLASSES(X)
#undef X
};

const char *heap_class_name(unsigned int class)
{
	return class < HEAP_CLASS_COUNT ? words[class] : "?";
}

const char *heap_class_help(unsigned int class)
{
	return class < HEAP_CLASS_COUNT ? helps[class] : "";
}

struct heap *heap_new(size_t max_tracked)
{
	struct heap *heap = calloc(1, sizeof(*heap));

	if (heap)
		heap->max_tracked = max_tracked;
	return heap;
}

void heap_free(struct heap *heap)
{
	free(heap);
}

int heap_event(struct heap *heap, const struct event_header *event)
{
	(void)heap;
	(void)event;
	return 0;
}

void heap_reset(struct heap *heap)
{
	(void)heap;
}

void heap_report(const struct ledger *ledger, struct heap_report *report)
{
	(void)ledger;
	memset(report, 0, sizeof(*report));
}

int heap_sites(struct heap *heap, bool remember, struct heap_site **sites, size_t *count)
{
	(void)heap;
	(void)remember;
	*sites = NULL;
	*count = 0;
	return 0;
}

uint64_t heap_rounded(uint32_t allocator, uint64_t size)
{
	(void)allocator;
	return (size + 15) & ~(uint64_t)15;
}

uint64_t heap_memory(const struct heap *heap)
{
	return sizeof(*heap);
}
