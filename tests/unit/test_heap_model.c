// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random walks of a process and its allocator, against a naive model: a list of allocations and a
 * byte for each granule of memory. The model knows what the records do not tell, so it also knows
 * when something is called free that is not.
 */
#include "tests/unit/support.h"

#include "tests/unit/heap_world.h"

/* Window 0 is older than the probes, window 1 is mapped while they are there. */
#define WINDOW_LEAVES 3
#define WINDOW_PAGES (WINDOW_LEAVES * LEAF_PAGES)
#define WINDOWS 2
#define MODEL_PAGES (WINDOWS * WINDOW_PAGES)
#define MODEL_GRANULES (MODEL_PAGES * 256)

static const uint64_t windows[WINDOWS] = {0x7f0000000000, 0x7f4000000000};

#define LIBRARY ((uint64_t)0x7f7000000000)

struct model_block {
	uint64_t addr;
	uint64_t size;
	bool hidden; /* no record told of it */
	bool dead;   /* freed, and no record told of that */
};

#define BLOCKS_MAX 8192

struct model_page {
	bool mapped;
	bool resident;
	bool retained;
	bool fresh; /* mapped since the last loss */
};

struct model {
	struct world world;
	uint64_t random;
	struct model_block blocks[BLOCKS_MAX];
	size_t count;
	struct model_page pages[MODEL_PAGES];
	uint8_t covered[MODEL_GRANULES];
	struct heap_totals totals;
	uint64_t doubtful;
	bool whole;
};

static uint64_t below(struct model *m, uint64_t limit)
{
	return random_below(&m->random, limit);
}

static bool one_in(struct model *m, uint64_t count)
{
	return !below(m, count);
}

static uint64_t page_addr(size_t page)
{
	return windows[page / WINDOW_PAGES] + PAGES(page % WINDOW_PAGES);
}

/* The number of the page, over all windows. */
static size_t page_of(uint64_t addr)
{
	size_t window = addr >= windows[1];

	return window * WINDOW_PAGES + ((addr - windows[window]) >> PAGE_SHIFT);
}

static uint64_t rounded(uint64_t size)
{
	return heap_rounded(ALLOCATOR_JEMALLOC, size);
}

static bool overlaps(const struct model_block *block, uint64_t start, uint64_t end)
{
	return block->addr < end && start < block->addr + rounded(block->size);
}

/* Nothing really live is there. */
static bool is_free(const struct model *m, uint64_t start, uint64_t end)
{
	for (size_t i = 0; i < m->count; i++)
		if (!m->blocks[i].dead && overlaps(&m->blocks[i], start, end))
			return false;
	for (size_t page = page_of(start); page <= page_of(end - 1); page++)
		if (!m->pages[page].mapped)
			return false;
	return true;
}

static void block_delete(struct model *m, size_t i)
{
	m->blocks[i] = m->blocks[--m->count];
}

static void touch(struct model *m, uint64_t start, uint64_t end)
{
	for (size_t page = page_of(start); page <= page_of(end - 1); page++) {
		if (m->pages[page].resident)
			continue;
		m->pages[page].resident = true;
		m->pages[page].retained = false;
		world_touch(&m->world, page_addr(page), 1);
	}
}

static uint64_t pick_size(struct model *m)
{
	switch (below(m, 40)) {
	case 0:
		return rounded(PAGES(1 + below(m, 2 * LEAF_PAGES)));
	case 1:
	case 2:
	case 3:
		return rounded(PAGES(1 + below(m, 8)));
	case 4:
		return below(m, 9);
	default:
		return 1 + below(m, one_in(m, 2) ? 200 : 3500);
	}
}

/* A place where so much could be allocated; 0: none was found. */
static uint64_t pick_place(struct model *m, uint64_t size)
{
	uint64_t length = rounded(size), align = length >= PAGE_BYTES ? PAGE_BYTES : 16;
	/* mostly close together, so that pages fill up */
	uint64_t room = PAGES(one_in(m, 3) || length > PAGES(40) ? WINDOW_PAGES : 48);

	if (length == 8)
		align = 8;
	for (int tries = 0; tries < 20 && length <= room; tries++) {
		uint64_t addr = windows[below(m, WINDOWS)] + below(m, room - length + 1);

		addr &= ~(align - 1);
		if (is_free(m, addr, addr + length))
			return addr;
	}
	return 0;
}

/* The known ones that the new allocation shows to be gone. */
static void drop_stale(struct model *m, uint64_t addr, uint64_t size)
{
	uint64_t end = addr + (size ? size : 1);

	for (size_t i = m->count; i-- > 0;) {
		const struct model_block *block = &m->blocks[i];
		uint64_t length = block->size ? block->size : 1;

		if (block->hidden || block->addr >= end || addr >= block->addr + length)
			continue;
		assert_true(block->dead);
		block_delete(m, i);
		m->totals.stale++;
	}
}

static void cover(struct model *m, uint64_t addr, uint64_t size)
{
	uint64_t first = (addr + 15) / 16 * 16, last = (addr + rounded(size)) / 16 * 16;

	for (uint64_t at = first; at < last; at += 16)
		m->covered[page_of(at) * 256 + at % 4096 / 16] = 1;
}

static void enter(struct model *m, uint64_t addr, uint64_t size, bool hidden)
{
	if (!hidden) {
		drop_stale(m, addr, size);
		cover(m, addr, size);
		m->totals.allocs++;
		m->totals.alloc_bytes += size;
	}
	assert_true(m->count < BLOCKS_MAX);
	m->blocks[m->count++] = (struct model_block){.addr = addr, .size = size, .hidden = hidden};
	if (size && one_in(m, 2))
		touch(m, addr, addr + size);
}

static void do_alloc(struct model *m)
{
	uint64_t size = pick_size(m), addr = pick_place(m, size);

	if (!addr || m->count > 3000)
		return;
	world_alloc(&m->world, addr, size);
	enter(m, addr, size, false);
}

/* One that is really live; false: none was found. */
static bool pick_block(struct model *m, size_t *found)
{
	for (int tries = 0; tries < 10 && m->count; tries++) {
		*found = below(m, m->count);
		if (!m->blocks[*found].dead)
			return true;
	}
	return false;
}

static void count_free(struct model *m, const struct model_block *block)
{
	m->totals.frees += !block->hidden;
	m->totals.unknown_free += block->hidden;
}

static void do_free(struct model *m)
{
	size_t i;

	if (!pick_block(m, &i))
		return;
	world_release(&m->world, m->blocks[i].addr, 0);
	count_free(m, &m->blocks[i]);
	block_delete(m, i);
}

static void do_realloc(struct model *m)
{
	uint64_t size = pick_size(m), addr;
	struct model_block old;
	size_t i;

	if (!pick_block(m, &i))
		return;
	old = m->blocks[i];
	m->world.tid = WORLD_PID + (uint32_t)below(m, 5);
	world_release(&m->world, old.addr, FREE_REALLOC);
	if (one_in(m, 4)) { /* refused, or freed */
		size *= below(m, 2);
		world_alloc_flags(&m->world, 0, size, old.addr, ALLOC_REALLOC);
		m->totals.refused += size != 0;
		if (!size) {
			count_free(m, &old);
			block_delete(m, i);
		}
		return;
	}
	block_delete(m, i);
	addr = old.addr;
	if (one_in(m, 2) || rounded(size) > rounded(old.size))
		addr = pick_place(m, size);
	if (!addr) {
		world_alloc_flags(&m->world, 0, 1, old.addr, ALLOC_REALLOC);
		m->totals.refused++;
		m->blocks[m->count++] = old;
		return;
	}
	world_alloc_flags(&m->world, addr, size, old.addr, ALLOC_REALLOC);
	count_free(m, &old);
	enter(m, addr, size, false);
}

/* xallocx makes it smaller. */
static void do_resize(struct model *m)
{
	struct model_block old;
	uint64_t size;
	size_t i;

	if (!pick_block(m, &i) || m->blocks[i].size < 2 || m->blocks[i].size >= PAGE_BYTES)
		return;
	old = m->blocks[i];
	size = 1 + below(m, old.size);
	world_alloc_flags(&m->world, old.addr, size, 0, ALLOC_IN_PLACE);
	block_delete(m, i);
	enter(m, old.addr, size, false);
}

static void do_purge(struct model *m)
{
	size_t page = below(m, MODEL_PAGES), count = 1 + below(m, 20);

	if (page / WINDOW_PAGES != (page + count - 1) / WINDOW_PAGES)
		return;
	world_range(&m->world, EVENT_MADVISE, page_addr(page), PAGES(count), EVENT_CALL_MADVISE,
		    MADV_DONTNEED);
	for (; count; count--)
		m->pages[page++].resident = false;
}

static void do_touch(struct model *m)
{
	size_t page = below(m, MODEL_PAGES);

	if (m->pages[page].mapped)
		touch(m, page_addr(page), page_addr(page) + PAGE_BYTES);
}

/* All in the range is freed, some of it without a record, and the range unmapped. */
static void do_unmap(struct model *m)
{
	size_t page = WINDOW_PAGES + below(m, WINDOW_PAGES);
	size_t count = one_in(m, 3) ? below(m, WINDOW_PAGES) : below(m, 16);
	uint64_t start, end;

	if (page + count > MODEL_PAGES)
		count = MODEL_PAGES - page;
	start = page_addr(page);
	end = start + PAGES(count);
	if (!count)
		return;
	for (size_t i = m->count; i-- > 0;) {
		struct model_block *block = &m->blocks[i];

		if (!overlaps(block, start, end))
			continue;
		if (block->hidden || (block->addr >= start && one_in(m, 2))) {
			m->totals.stale += !block->hidden;
		} else {
			world_release(&m->world, block->addr, 0);
			m->totals.frees++;
		}
		block_delete(m, i);
	}
	world_range(&m->world, EVENT_UNMAP, start, PAGES(count), EVENT_CALL_MUNMAP, 0);
	for (size_t i = 0; i < count; i++)
		m->pages[page + i].mapped = m->pages[page + i].resident = false;
	world_heap(&m->world); /* it is noticed at the next report */
	for (size_t i = page; i + LEAF_PAGES <= MODEL_PAGES; i++) {
		bool mapped = i % LEAF_PAGES;

		for (size_t k = 0; k < LEAF_PAGES && !mapped; k++)
			mapped = m->pages[i + k].mapped;
		if (!mapped)
			memset(&m->covered[i * 256], 0, LEAF_PAGES * 256);
	}
}

static void do_map(struct model *m)
{
	size_t page = WINDOW_PAGES + below(m, WINDOW_PAGES), end = page;

	while (end < MODEL_PAGES && !m->pages[end].mapped)
		m->pages[end++] = (struct model_page){.mapped = true, .fresh = true};
	if (end > page)
		world_mmap_by(&m->world, page_addr(page), PAGES(end - page), LIBRARY);
}

/* Records are lost: something was allocated and freed, and nobody knows. */
static void do_loss(struct model *m)
{
	uint64_t known = 0, lost = 0, size = pick_size(m), addr = pick_place(m, size);
	size_t i;

	if (addr) {
		enter(m, addr, size, true);
		lost++;
	}
	if (pick_block(m, &i)) {
		m->blocks[i].dead = true;
		if (m->blocks[i].hidden)
			block_delete(m, i);
		lost++;
	}
	if (one_in(m, 4))
		lost += 10;
	if (!lost)
		return;
	world_lose(&m->world, lost);
	m->totals.lost += lost;
	m->doubtful += lost;
	m->whole = false;
	memset(m->covered, 0, sizeof(m->covered));
	for (size_t page = 0; page < MODEL_PAGES; page++)
		m->pages[page].fresh = false;
	for (i = 0; i < m->count; i++)
		known += !m->blocks[i].hidden;
	m->world.now += MS(200);
	world_cycle(&m->world, CAUSE_LOSS, 0, 0);
	world_cycle(&m->world, CAUSE_LOSS, 1, 0);
	if (m->doubtful <= known / 64)
		return;
	m->doubtful = 0;
	for (i = m->count; i-- > 0;) { /* all is forgotten */
		m->blocks[i].hidden = true;
		if (m->blocks[i].dead)
			block_delete(m, i);
	}
}

static void do_interval(struct model *m)
{
	world_interval(&m->world, 1);
	for (size_t page = 0; page < MODEL_PAGES; page++)
		m->pages[page].retained = true;
}

/* --- what the report should be ------------------------------------------------ */

struct expected {
	struct heap_report report;
	uint32_t live[MODEL_PAGES];
	bool hidden[MODEL_PAGES];
};

static void expect_blocks(const struct model *m, struct expected *e)
{
	for (size_t i = 0; i < m->count; i++) {
		const struct model_block *block = &m->blocks[i];
		uint64_t end = block->addr + rounded(block->size);

		if (!block->hidden) {
			e->report.live_count++;
			e->report.live_bytes += rounded(block->size);
			e->report.asked_bytes += block->size;
		}
		for (uint64_t at = block->addr, next; at < end; at = next) {
			next = page_floor(at) + PAGE_BYTES;
			if (next > end)
				next = end;
			if (block->hidden)
				e->hidden[page_of(at)] = true;
			else
				e->live[page_of(at)] += next - at;
		}
	}
}

static void expect_page(const struct model *m, struct expected *e, size_t page)
{
	uint32_t live = e->live[page] < PAGE_BYTES ? e->live[page] : PAGE_BYTES;
	bool known = m->whole || m->pages[page].fresh || !memchr(&m->covered[page * 256], 0, 256);
	enum heap_class class = HEAP_UNKNOWN;

	if (!m->pages[page].resident)
		return;
	if (live >= 3072)
		class = HEAP_LIVE;
	else if (known)
		class = live ? HEAP_FRAGMENTED : HEAP_FREE;
	/* the truth: nothing that was not seen is in what is called free */
	if (class == HEAP_FREE || class == HEAP_FRAGMENTED)
		assert_false(e->hidden[page]);
	if (class == HEAP_FRAGMENTED)
		e->report.fragmented_bytes += PAGE_BYTES - live;
	e->report.classes[class]++;
	e->report.retained[class] += m->pages[page].retained;
	e->report.pages++;
}

static void model_check(struct model *m)
{
	struct expected *e = calloc(1, sizeof(*e));
	struct heap_report report = world_heap(&m->world);

	assert_non_null(e);
	expect_blocks(m, e);
	for (size_t page = 0; page < MODEL_PAGES; page++)
		expect_page(m, e, page);
	assert_int_equal(report.live_count, e->report.live_count);
	assert_int_equal(report.live_bytes, e->report.live_bytes);
	assert_int_equal(report.asked_bytes, e->report.asked_bytes);
	for (unsigned int i = 0; i < HEAP_CLASS_COUNT; i++) {
		assert_int_equal(report.classes[i], e->report.classes[i]);
		assert_int_equal(report.retained[i], e->report.retained[i]);
	}
	assert_int_equal(report.fragmented_bytes, e->report.fragmented_bytes);
	assert_int_equal(report.outside, 0);
	assert_memory_equal(&report.totals, &m->totals, sizeof(m->totals));
	free(e);
}

/* What was there when the probes came. */
static void model_begin(struct model *m, uint64_t seed)
{
	m->world = world_new();
	m->random = seed;
	world_library(&m->world, LIBRARY, "libjemalloc.so.2");
	world_found(&m->world, windows[0], PAGES(WINDOW_PAGES), VMA_KIND_ANON);
	for (size_t page = 0; page < WINDOW_PAGES; page++)
		m->pages[page].mapped = true;
	m->whole = seed % 4 == 3;
	for (int i = 0; i < 100 && !m->whole; i++) {
		uint64_t size = pick_size(m), addr = pick_place(m, size);

		if (addr)
			enter(m, addr, size, true);
	}
	world_probes(&m->world, HEAP_ON, ALLOCATOR_JEMALLOC, m->whole ? HEAP_WHOLE : 0, 0);
	m->world.now += MS(200);
}

static void walk(uint64_t seed, bool losses)
{
	static const struct {
		unsigned int weight;
		void (*step)(struct model *m);
	} steps[] = {
		{500, do_alloc}, {300, do_free}, {60, do_realloc}, {30, do_resize},  {40, do_purge},
		{60, do_touch},	 {4, do_unmap},	 {8, do_map},	   {4, do_interval},
	};
	struct model *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	model_begin(m, seed);
	for (unsigned int step = 0; step < 5000; step++) {
		uint64_t choice = below(m, 1006);
		size_t kind = 0;

		m->world.now += MS(1);
		if (losses && step > 2000 && one_in(m, 300))
			do_loss(m);
		while (choice >= steps[kind].weight)
			choice -= steps[kind++].weight;
		steps[kind].step(m);
		if (step % 40 == 0)
			model_check(m);
	}
	model_check(m);
	/* all that is left goes; nothing remains of it */
	for (size_t i = m->count; i-- > 0;) {
		world_release(&m->world, m->blocks[i].addr, 0);
		count_free(m, &m->blocks[i]);
		block_delete(m, i);
	}
	model_check(m);
	world_free(&m->world);
	free(m);
}

static void walks_without_loss(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 6; seed++)
		walk(seed, false);
}

static void walks_with_loss(void **state)
{
	(void)state;
	for (uint64_t seed = 11; seed <= 16; seed++)
		walk(seed, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(walks_without_loss),
		cmocka_unit_test(walks_with_loss),
	};

	return cmocka_run_group_tests_name("heap_model", tests, NULL, NULL);
}
