// SPDX-License-Identifier: GPL-2.0-only
#include "user/stack/spans.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"

static uint64_t span_end(const struct span *span)
{
	return span->start + span->size;
}

static int spans_reserve(struct spans *spans, size_t capacity)
{
	struct span *items = reallocarray(spans->items, capacity, sizeof(*items));

	if (!items)
		return -ENOMEM;
	spans->items = items;
	spans->capacity = capacity;
	return 0;
}

int spans_add(struct spans *spans, const struct span *span)
{
	if (!span->size || span->start > UINT64_MAX - span->size)
		return 0;
	if (spans->count == spans->capacity &&
	    spans_reserve(spans, spans->capacity ? spans->capacity * 2 : 64))
		return -ENOMEM;
	spans->items[spans->count++] = *span;
	return 0;
}

static int compare(const void *left, const void *right)
{
	const struct span *a = left, *b = right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	/* of those that start together the shortest is the innermost */
	if (a->size != b->size)
		return a->size > b->size ? -1 : 1;
	return a->tag < b->tag ? -1 : a->tag > b->tag;
}

/* The spans that reach the address at hand, the one that covers on top: a binary heap. */
struct active {
	const struct span *items;
	size_t *heap; /* indices of items, which are in the order of compare() */
	size_t count;
};

static bool covers(const struct active *active, size_t a, size_t b)
{
	const struct span *left = &active->items[a], *right = &active->items[b];

	return left->rank != right->rank ? left->rank > right->rank : a > b;
}

static void active_push(struct active *active, size_t index)
{
	size_t at = active->count++;

	while (at && covers(active, index, active->heap[(at - 1) / 2])) {
		active->heap[at] = active->heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	active->heap[at] = index;
}

static void active_pop(struct active *active)
{
	size_t last = active->heap[--active->count], at = 0, child;

	while ((child = 2 * at + 1) < active->count) {
		if (child + 1 < active->count &&
		    covers(active, active->heap[child + 1], active->heap[child]))
			child++;
		if (covers(active, last, active->heap[child]))
			break;
		active->heap[at] = active->heap[child];
		at = child;
	}
	active->heap[at] = last;
}

/* Writes the pieces between two addresses, where nothing starts in between. */
static uint64_t emit(struct active *active, uint64_t from, uint64_t to, struct span *pieces,
		     size_t *count)
{
	while (active->count && from < to) {
		const struct span *top = &active->items[active->heap[0]];
		uint64_t end = span_end(top) < to ? span_end(top) : to;

		if (end > from) {
			pieces[*count] = *top;
			pieces[*count].start = from;
			pieces[(*count)++].size = (uint32_t)(end - from);
			from = end;
		}
		if (span_end(top) <= from)
			active_pop(active);
	}
	return to;
}

static bool disjoint(const struct spans *spans)
{
	for (size_t i = 1; i < spans->count; i++)
		if (span_end(&spans->items[i - 1]) > spans->items[i].start)
			return false;
	return true;
}

int spans_settle(struct spans *spans)
{
	AUTO_FREE size_t *heap = NULL;
	struct span *pieces;
	struct active active;
	uint64_t at = 0;
	size_t count = 0;

	if (spans->count)
		qsort(spans->items, spans->count, sizeof(*spans->items), compare);
	if (disjoint(spans))
		return 0;
	heap = reallocarray(NULL, spans->count, sizeof(*heap));
	/* every start and every end makes one more piece at most */
	pieces = reallocarray(NULL, spans->count, 2 * sizeof(*pieces));
	if (!heap || !pieces) {
		free(pieces);
		return -ENOMEM;
	}
	active = (struct active){.items = spans->items, .heap = heap};
	for (size_t i = 0; i < spans->count; i++) {
		at = emit(&active, at, spans->items[i].start, pieces, &count);
		active_push(&active, i);
	}
	emit(&active, at, UINT64_MAX, pieces, &count);
	free(spans->items);
	*spans = (struct spans){.items = pieces, .count = count, .capacity = 2 * spans->count};
	return 0;
}

const struct span *spans_find(const struct spans *spans, uint64_t address)
{
	size_t low = 0, high = spans->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (spans->items[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || address - spans->items[low - 1].start >= spans->items[low - 1].size)
		return NULL;
	return &spans->items[low - 1];
}

void spans_trim(struct spans *spans)
{
	if (!spans->count)
		spans_free(spans);
	else if (spans->count < spans->capacity)
		spans_reserve(spans, spans->count);
}

void spans_free(struct spans *spans)
{
	free(spans->items);
	memset(spans, 0, sizeof(*spans));
}
