/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Heap evidence at the door of the live source: the set of live allocations as the records make it,
 * kept by other code than the collector's, for tests to hold against what a target says of itself.
 */
#ifndef TESTS_BPF_HEAP_WATCH_H
#define TESTS_BPF_HEAP_WATCH_H

#include "tests/bpf/watch.h"
#include "tests/targets/heap_work.h"

#define HEAP_CELLS (1U << 20)

struct heap_cell {
	uint64_t addr; /* 0: none; 1: there was one */
	uint64_t size;
};

/* What a realloc has taken away until it returns. */
struct heap_taken {
	uint32_t tid;
	struct heap_cell cell;
	bool unknown;
};

/* Stands at the door of the source: there is one at a time. */
static struct {
	struct source_ops ops;
	const struct source_ops *inner;
	source_sink sink;
	void *sink_ctx;
	uint32_t pid;
	struct heap_cell *cells;
	size_t count;
	struct heap_taken taken[64];
	struct event_heap state; /* the last one */
	unsigned int states;
	uint64_t allocs;
	uint64_t alloc_bytes;
	uint64_t refused;
	uint64_t unknown; /* frees of what is not there */
	uint64_t doubled; /* allocations where there was one */
	uint64_t strangers;
	uint64_t begins;
	uint64_t begin_stacks;
	uint64_t sampled;
	double estimated; /* bytes, from the samples */
	uint64_t lost;
} heap;

static inline struct heap_cell *heap_find(uint64_t addr)
{
	uint64_t at = addr * 0x9e3779b97f4a7c15ULL >> 44;

	for (;; at++) {
		struct heap_cell *cell = &heap.cells[at % HEAP_CELLS];

		if (cell->addr == addr)
			return cell;
		if (!cell->addr)
			return NULL;
	}
}

static inline void heap_insert(uint64_t addr, uint64_t size)
{
	uint64_t at = addr * 0x9e3779b97f4a7c15ULL >> 44;
	struct heap_cell *cell = heap_find(addr);

	if (cell) {
		heap.doubled++;
		cell->size = size;
		return;
	}
	assert_true(heap.count < HEAP_CELLS / 2);
	while (heap.cells[at % HEAP_CELLS].addr > 1)
		at++;
	heap.cells[at % HEAP_CELLS] = (struct heap_cell){addr, size};
	heap.count++;
}

static inline struct heap_taken *heap_taken_of(uint32_t tid)
{
	struct heap_taken *free_one = NULL;

	for (size_t i = 0; i < 64; i++) {
		if (heap.taken[i].tid == tid)
			return &heap.taken[i];
		if (!heap.taken[i].tid)
			free_one = &heap.taken[i];
	}
	assert_non_null(free_one);
	free_one->tid = tid;
	return free_one;
}

static inline void heap_on_free(const struct event_free *event)
{
	struct heap_cell *cell = heap_find(event->addr);
	struct heap_taken *taken = heap_taken_of(event->h.tid);

	assert_int_not_equal(event->addr, 0);
	taken->cell = (struct heap_cell){0};
	taken->unknown = !cell;
	if (!cell) {
		heap.unknown++;
		return;
	}
	if (event->flags & FREE_REALLOC)
		taken->cell = *cell;
	cell->addr = 1;
	heap.count--;
}

static inline void heap_on_alloc(const struct event_alloc *event)
{
	struct heap_taken *taken = heap_taken_of(event->h.tid);
	struct heap_cell *cell;

	heap.allocs += event->addr != 0;
	heap.refused += !event->addr && (event->size || !(event->flags & ALLOC_REALLOC));
	heap.alloc_bytes += event->addr ? event->size : 0;
	heap.sampled += event->flags & ALLOC_SAMPLED;
	if (event->flags & ALLOC_IN_PLACE) {
		cell = heap_find(event->addr);
		if (cell)
			cell->size = event->size;
	} else if (event->addr) {
		heap_insert(event->addr, event->size);
	} else if (event->flags & ALLOC_REALLOC && event->size && taken->cell.addr) {
		assert_int_equal(taken->cell.addr, event->old);
		heap_insert(taken->cell.addr, taken->cell.size);
	} else if (event->flags & ALLOC_REALLOC && event->size && event->old) {
		/* it was not freed */
		assert_true(taken->unknown);
		heap.unknown--;
	}
	taken->cell = (struct heap_cell){0};
}

static inline void heap_on_begin(const struct event_alloc_begin *event)
{
	double mean = (double)heap.state.sample_bytes;

	heap.begins++;
	heap.begin_stacks += event->h.stack == STACK_TAKEN;
	heap.estimated += (double)event->size / (1 - exp(-(double)event->size / mean));
}

static inline void heap_on_state(const struct event_heap *event)
{
	heap.state = *event;
	heap.states++;
	if (event->state != HEAP_ON)
		return;
	memset(heap.cells, 0, HEAP_CELLS * sizeof(*heap.cells));
	memset(heap.taken, 0, sizeof(heap.taken));
	heap.count = 0;
	heap.allocs = heap.alloc_bytes = heap.refused = heap.unknown = heap.doubled = 0;
	heap.begins = heap.begin_stacks = heap.sampled = 0;
	heap.estimated = 0;
}

static inline void heap_record(void *ctx, const struct event_header *event)
{
	bool on = heap.state.state == HEAP_ON;

	(void)ctx;
	if (event->kind == EVENT_HEAP && event->pid == heap.pid)
		heap_on_state((const struct event_heap *)event);
	else if (event->kind == EVENT_LOSS)
		heap.lost += ((const struct event_loss *)event)->lost;
	else if (event->kind >= EVENT_ALLOC_BEGIN && event->kind <= EVENT_FREE &&
		 event->pid != heap.pid)
		heap.strangers++;
	else if (event->kind == EVENT_ALLOC && on)
		heap_on_alloc((const struct event_alloc *)event);
	else if (event->kind == EVENT_FREE && on)
		heap_on_free((const struct event_free *)event);
	else if (event->kind == EVENT_ALLOC_BEGIN && on)
		heap_on_begin((const struct event_alloc_begin *)event);
	heap.sink(heap.sink_ctx, event);
}

static inline int heap_drain(struct source *source, source_sink sink, void *ctx)
{
	heap.sink = sink;
	heap.sink_ctx = ctx;
	return heap.inner->drain(source, heap_record, NULL);
}

static inline void heap_watch_open(struct watch *watch, const struct live_options *options)
{
	struct source *source;

	memset(&heap, 0, sizeof(heap));
	heap.cells = calloc(HEAP_CELLS, sizeof(*heap.cells));
	assert_non_null(heap.cells);
	watch_open(watch, options);
	source = live_source(watch->live);
	heap.inner = source->ops;
	heap.ops = *source->ops;
	heap.ops.drain = heap_drain;
	source->ops = &heap.ops;
}

static inline void heap_watch_close(struct watch *watch)
{
	watch_close(watch);
	free(heap.cells);
	heap.cells = NULL;
}

static inline int heap_switch(struct watch *watch, bool on)
{
	struct source *source = live_source(watch->live);

	return source->ops->heap(source, heap.pid, on);
}

/* ---- the target's account ---- */

static inline struct heap_account *heap_account_new(char path[64])
{
	struct heap_account *account;
	int fd;

	snprintf(path, 64, "/tmp/heap-account-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, sizeof(*account)), 0);
	account = mmap(NULL, sizeof(*account), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(account, MAP_FAILED);
	close(fd);
	return account;
}

static inline void heap_account_free(struct heap_account *account, const char *path)
{
	munmap(account, sizeof(*account));
	unlink(path);
}

#endif
