// SPDX-License-Identifier: GPL-2.0-only
/* The records of an allocator's probes, entered into the live set, its pages and its samples. */
#include "user/ledger/heap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/ledger/heap_internal.h"
#include "user/ledger/ledger.h"

/* Memory for the pages beside the live set: a share for each allocation, and for the first. */
#define PAGES_BYTES_PER_TRACKED 24
#define PAGES_BYTES_MIN ((uint64_t)1 << 20)

/* Samples kept, as a share of the allocations. */
#define SAMPLES_SHARE 4

/* So many records lost per live allocation: the live set is not believed any more. */
#define DOUBTFUL_SHARE 64

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

	if (!heap)
		return NULL;
	if (max_tracked < HEAP_TRACKED_MIN)
		max_tracked = HEAP_TRACKED_MIN;
	heap->live.limit = max_tracked;
	heap->samples.by_addr.limit = max_tracked / SAMPLES_SHARE;
	return heap;
}

/* The live set is empty, and nothing is known of any page. */
static void heap_forget(struct heap *heap)
{
	live_set_clear(&heap->live);
	heap_pages_clear(&heap->pages);
	heap_samples_clear(&heap->samples);
	memset(&heap->sums, 0, sizeof(heap->sums));
	heap->thread_count = 0;
	heap->doubtful = 0;
}

void heap_free(struct heap *heap)
{
	if (!heap)
		return;
	heap_forget(heap);
	heap_samples_free(&heap->samples);
	free(heap);
}

void heap_reset(struct heap *heap)
{
	heap_forget(heap);
	heap->on = false;
	heap->whole = false;
	memset(&heap->probes, 0, sizeof(heap->probes));
	heap->end_ns = 0;
}

static struct heap_extent extent_of(const struct heap *heap, const struct live_block *block)
{
	return heap_extent(heap->probes.allocator, block->addr, block->size);
}

/* What an allocation adds to the sums: by the share of its pages that is chosen. */
static struct heap_sums share_of(const struct heap *heap, const struct live_block *block,
				 struct heap_extent extent)
{
	uint64_t first = extent.start >> PAGE_SHIFT;
	uint64_t count = ((extent.end + PAGE_BYTES - 1) >> PAGE_SHIFT) - first, chosen;
	struct heap_sums whole = {extent.end - extent.start, block->size, HEAP_PARTS};
	struct page_groups groups;
	double share;

	if (!heap->pages.shift)
		return whole;
	groups = heap_pages_groups(&heap->pages, extent.start, extent.end);
	chosen = groups.to - groups.from;
	if (chosen == count || !chosen)
		return chosen ? whole : (struct heap_sums){0};
	share = (double)chosen / (double)count;
	return (struct heap_sums){
		.bytes = (uint64_t)((double)whole.bytes * share + 0.5),
		.asked = (uint64_t)((double)whole.asked * share + 0.5),
		.parts = (uint64_t)((double)whole.parts * share + 0.5),
	};
}

static void sums_add(struct heap_sums *sums, struct heap_sums share)
{
	sums->bytes += share.bytes;
	sums->asked += share.asked;
	sums->parts += share.parts;
}

static void sums_subtract(struct heap_sums *sums, struct heap_sums share)
{
	sums->bytes -= share.bytes;
	sums->asked -= share.asked;
	sums->parts -= share.parts;
}

/* Takes an allocation out of the set and the pages; its sample stays. False: it is not there. */
static bool block_take(struct heap *heap, uint64_t addr, struct live_block *block)
{
	struct heap_extent extent;

	if (!live_set_take(&heap->live, addr, block))
		return false;
	extent = extent_of(heap, block);
	sums_subtract(&heap->sums, share_of(heap, block, extent));
	heap_pages_remove(&heap->pages, addr, extent.start, extent.end);
	return true;
}

/* Its sample as well. */
static bool block_drop(struct heap *heap, uint64_t addr)
{
	struct heap_sample sample;
	struct live_block block;

	if (!block_take(heap, addr, &block))
		return false;
	if (block.sampled)
		heap_samples_take(&heap->samples, addr, &sample);
	return true;
}

static bool is_chosen(const struct heap *heap, struct heap_extent extent)
{
	struct page_groups groups = heap_pages_groups(&heap->pages, extent.start, extent.end);

	return groups.from < groups.to;
}

static bool thin_keep(void *ctx, const struct live_block *block)
{
	struct heap *heap = ctx;
	struct heap_extent extent = extent_of(heap, block);

	if (!is_chosen(heap, extent)) {
		heap->totals.untracked++;
		return false;
	}
	sums_add(&heap->sums, share_of(heap, block, extent));
	return true;
}

/* One page in twice as many, until there is room. */
static void heap_thin(struct heap *heap)
{
	if (heap->pages.shift >= HEAP_SHIFT_MAX)
		return;
	heap_pages_thin(&heap->pages);
	memset(&heap->sums, 0, sizeof(heap->sums));
	live_set_filter(&heap->live, thin_keep, heap);
}

static bool heap_is_full(const struct heap *heap)
{
	const struct heap_pages *pages = &heap->pages;
	uint64_t bytes = pages->block_count * sizeof(struct heap_block) +
			 pages->leaf_count * (sizeof(struct heap_leaf) +
					      heap_leaf_slots(pages) * sizeof(struct heap_slot));

	return heap->live.count >= heap->live.limit ||
	       bytes > heap->live.limit * PAGES_BYTES_PER_TRACKED + PAGES_BYTES_MIN;
}

/* Enters an allocation that is not there. */
static int block_add(struct heap *heap, const struct live_block *block)
{
	struct heap_extent extent = extent_of(heap, block);
	int rc;

	while (heap_is_full(heap) && heap->pages.shift < HEAP_SHIFT_MAX)
		heap_thin(heap);
	if (!is_chosen(heap, extent)) {
		heap->totals.untracked++;
		return 0;
	}
	rc = live_set_add(&heap->live, block);
	if (rc == -ENOSPC) {
		heap->totals.untracked++;
		return 0;
	}
	if (rc)
		return rc;
	rc = heap_pages_add(&heap->pages, block->addr, extent.start, extent.end);
	if (rc) {
		struct live_block dropped;

		live_set_take(&heap->live, block->addr, &dropped);
		return rc;
	}
	sums_add(&heap->sums, share_of(heap, block, extent));
	return 0;
}

/* Drops what begins in a granule and overlaps [addr, end). Two of 8 bytes may begin in it. */
static void stale_drop(struct heap *heap, uint64_t granule, uint64_t addr, uint64_t end)
{
	for (uint64_t at = granule; at < granule + GRANULE_BYTES && at < end; at += 8) {
		struct live_block block;

		if (!live_set_find(&heap->live, at, &block))
			continue;
		if (at + (block.size ? block.size : 1) <= addr)
			continue;
		block_drop(heap, at);
		heap->totals.stale++;
	}
}

/*
 * Memory is handed out: what is known to be live in it is not, its free was lost. By sizes as
 * asked for, which are known for sure.
 */
static void stale_find(struct heap *heap, uint64_t addr, uint64_t size)
{
	uint64_t end = addr + (size ? size : 1), at = addr & ~(GRANULE_BYTES - 1), granule;

	if (heap_pages_start_before(&heap->pages, at, &granule))
		stale_drop(heap, granule, addr, end);
	while (heap_pages_next_start(&heap->pages, at, end, &granule)) {
		stale_drop(heap, granule, addr, end);
		at = granule + GRANULE_BYTES;
	}
}

/* The state of a thread; NULL: nothing is under way in it. */
static struct heap_thread *thread_find(struct heap *heap, uint32_t tid)
{
	for (uint32_t i = 0; i < heap->thread_count; i++)
		if (heap->threads[i].tid == tid)
			return &heap->threads[i];
	return NULL;
}

static void thread_settle(struct heap *heap, struct heap_thread *thread);

static struct heap_thread *thread_get(struct heap *heap, uint32_t tid)
{
	struct heap_thread *thread = thread_find(heap, tid);

	if (thread)
		return thread;
	if (heap->thread_count < HEAP_THREADS) {
		thread = &heap->threads[heap->thread_count++];
	} else {
		thread = &heap->threads[heap->thread_oldest++ % HEAP_THREADS];
		thread_settle(heap, thread);
	}
	*thread = (struct heap_thread){.tid = tid, .stack = STACK_NONE};
	return thread;
}

/* Nothing is under way in it any more. */
static void thread_end(struct heap *heap, struct heap_thread *thread)
{
	*thread = heap->threads[--heap->thread_count];
}

/* What was given to the realloc under way is gone. */
static void thread_settle(struct heap *heap, struct heap_thread *thread)
{
	if (!thread->realloc)
		return;
	thread->realloc = false;
	if (thread->known)
		heap->totals.frees++;
	else
		heap->totals.unknown_free++;
}

/* It is what it was. */
static int thread_restore(struct heap *heap, struct heap_thread *thread)
{
	thread->realloc = false;
	if (thread->old.sampled &&
	    heap_samples_put(&heap->samples, thread->old.addr, &thread->sample))
		thread->old.sampled = false;
	return thread->tracked ? block_add(heap, &thread->old) : 0;
}

/* An address that is left out because of the pages it lies in is not an unknown one. */
static bool is_left_out(const struct heap *heap, uint64_t addr)
{
	uint64_t page = addr >> PAGE_SHIFT;

	return heap->pages.shift &&
	       heap_pages_chosen(&heap->pages, page >> heap->pages.shift) != page;
}

/* What is freed, with its sample, as a thread that reallocates it keeps it. */
static struct heap_thread freed_take(struct heap *heap, uint64_t addr)
{
	struct heap_thread freed = {.old.addr = addr};

	freed.tracked = block_take(heap, addr, &freed.old);
	freed.known = freed.tracked || is_left_out(heap, addr);
	if (freed.tracked ? freed.old.sampled : freed.known)
		freed.old.sampled = heap_samples_take(&heap->samples, addr, &freed.sample);
	return freed;
}

static int on_free(struct heap *heap, const struct event_free *event)
{
	struct heap_thread freed, *thread;

	if (!event->addr || event->addr >= EVENT_ADDRESS_LIMIT)
		return 0;
	freed = freed_take(heap, event->addr);
	if (!(event->flags & FREE_REALLOC)) {
		heap->totals.frees += freed.known;
		heap->totals.unknown_free += !freed.known;
		return 0;
	}
	thread = thread_get(heap, event->h.tid);
	thread_settle(heap, thread); /* the end of the one before was lost */
	freed.tid = thread->tid;
	freed.stack = thread->stack;
	freed.realloc = true;
	*thread = freed;
	return 0;
}

static int on_alloc_begin(struct heap *heap, const struct event_alloc_begin *event)
{
	struct heap_thread *thread = thread_get(heap, event->h.tid);

	thread->stack = event->h.stack;
	return 0;
}

/* The realloc under way in the thread ends. */
static int realloc_end(struct heap *heap, const struct event_alloc *event,
		       struct heap_thread *thread, bool refused)
{
	if (thread && thread->realloc && thread->old.addr == event->old) {
		if (refused)
			return thread_restore(heap, thread);
		thread_settle(heap, thread);
		return 0;
	}
	if (thread)
		thread_settle(heap, thread);
	/* its FREE was lost */
	if (!refused && event->old && block_drop(heap, event->old))
		heap->totals.frees++;
	return 0;
}

/* xallocx: the allocation at addr has another size. Its stack stays. */
static int resize(struct heap *heap, const struct event_alloc *event)
{
	struct live_block block = {.addr = event->addr};

	if (!block_take(heap, event->addr, &block))
		stale_find(heap, event->addr, event->size);
	block.size = event->size;
	return block_add(heap, &block);
}

static int sample_add(struct heap *heap, const struct event_alloc *event, uint32_t stack,
		      struct live_block *block)
{
	int rc;

	heap->totals.samples++;
	if (!stack || stack >= STACK_NONE)
		return 0;
	rc = heap_samples_add(&heap->samples, event->addr, stack, event->size,
			      heap->probes.sample_bytes);
	block->sampled = !rc;
	if (rc != -ENOSPC)
		return rc;
	heap->totals.untracked++;
	return 0;
}

/* Memory was handed out. */
static int alloc_enter(struct heap *heap, const struct event_alloc *event, uint32_t stack)
{
	struct live_block block = {.addr = event->addr, .size = event->size};
	struct heap_sample left_out;
	int rc = 0, sampled = 0;

	heap->totals.allocs++;
	heap->totals.alloc_bytes += event->size;
	if (event->flags & ALLOC_IN_PLACE)
		return resize(heap, event);
	stale_find(heap, event->addr, event->size);
	if (is_left_out(heap, event->addr)) /* its free may have been lost */
		heap_samples_take(&heap->samples, event->addr, &left_out);
	if (event->flags & ALLOC_SAMPLED)
		sampled = sample_add(heap, event, stack, &block);
	rc = block_add(heap, &block);
	return rc ? rc : sampled;
}

static int on_alloc(struct heap *heap, const struct event_alloc *event)
{
	struct heap_thread *thread = thread_find(heap, event->h.tid);
	uint32_t stack = thread ? thread->stack : STACK_NONE;
	bool refused = !event->addr && event->size;
	int rc = 0;

	if (event->flags & ALLOC_REALLOC || (thread && thread->realloc))
		rc = realloc_end(heap, event, thread, refused);
	if (thread)
		thread_end(heap, thread);
	heap->totals.refused += refused;
	if (rc || !event->addr)
		return rc;
	/* no allocator's: of a damaged recording */
	if (event->addr >= EVENT_ADDRESS_LIMIT - 2 * PAGE_BYTES ||
	    event->size > (EVENT_ADDRESS_LIMIT - 2 * PAGE_BYTES - event->addr) / 2)
		return 0;
	return alloc_enter(heap, event, stack);
}

static int on_heap(struct heap *heap, const struct event_heap *event)
{
	if (event->state == HEAP_OFF) {
		if (heap->on)
			heap->end_ns = event->h.time_ns;
		heap->on = false;
		return 0;
	}
	heap_forget(heap);
	heap->probes = *event;
	heap->on = true;
	heap->whole = event->flags & HEAP_WHOLE;
	heap->known_ns = event->h.time_ns;
	heap->lost_ns = 0;
	heap->end_ns = 0;
	return 0;
}

/*
 * What may have been allocated or freed meanwhile is not known. Live allocations are still
 * believed to be, as long as only few of them can be wrong.
 */
static int on_loss(struct heap *heap, const struct event_loss *event)
{
	if (!heap->on || !event->lost)
		return 0;
	heap->totals.lost += event->lost;
	heap->doubtful += event->lost;
	heap->whole = false;
	heap->known_ns = heap->lost_ns = event->h.time_ns;
	if (heap->doubtful > heap->live.count / DOUBTFUL_SHARE)
		heap_forget(heap);
	else
		heap_pages_doubt_all(&heap->pages);
	return 0;
}

int heap_event(struct heap *heap, const struct event_header *event)
{
	if (event->kind == EVENT_HEAP)
		return on_heap(heap, (const struct event_heap *)event);
	if (!heap->on)
		return 0;
	switch (event->kind) {
	case EVENT_ALLOC_BEGIN:
		return on_alloc_begin(heap, (const struct event_alloc_begin *)event);
	case EVENT_ALLOC:
		return on_alloc(heap, (const struct event_alloc *)event);
	case EVENT_FREE:
		return on_free(heap, (const struct event_free *)event);
	case EVENT_LOSS:
		return on_loss(heap, (const struct event_loss *)event);
	default:
		return 0;
	}
}

void heap_fresh(struct heap *heap, uint64_t start, uint64_t end, uint64_t time_ns)
{
	if (!heap->on || start >= end || end > EVENT_ADDRESS_LIMIT)
		return;
	/* a call that was under way when the probes came may have made it for itself, unseen */
	if (!heap->whole && time_ns < heap->known_ns + LEDGER_SETTLE_NS)
		return;
	heap_pages_know(&heap->pages, start, end);
}

void heap_moved(struct heap *heap, uint64_t start, uint64_t end)
{
	if (heap->on && !heap->whole && start < end && end <= EVENT_ADDRESS_LIMIT)
		heap_pages_doubt(&heap->pages, start, end);
}

void heap_drop_range(struct heap *heap, uint64_t start, uint64_t end)
{
	uint64_t from = start, granule;

	while (heap_pages_next_start(&heap->pages, from, end, &granule)) {
		for (uint64_t at = granule; at < granule + GRANULE_BYTES; at += 8)
			heap->totals.stale += block_drop(heap, at);
		from = granule + GRANULE_BYTES;
	}
	heap_pages_forget(&heap->pages, start, end);
}

int heap_sites(struct heap *heap, bool remember, struct heap_site **sites, size_t *count)
{
	return heap_samples_list(&heap->samples, remember, sites, count);
}

uint64_t heap_memory(const struct heap *heap)
{
	return sizeof(*heap) + live_set_memory(&heap->live) + heap_pages_memory(&heap->pages) +
	       heap_samples_memory(&heap->samples);
}
