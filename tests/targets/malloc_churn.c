// SPDX-License-Identifier: GPL-2.0-only
/*
 * malloc_churn [THREADS [ROUNDS [SEED]]]
 *
 * malloc, calloc, realloc and free by several threads with reproducible random sizes; blocks are
 * freed by another thread than the one that took them. Works with any allocator, so it can claim
 * only what holds for all: a live block that was written is resident, and nothing of it lazily
 * freed. Huge pages are left as the machine has them.
 */
#define _GNU_SOURCE
#include "tests/targets/gang.h"

enum {
	SLOTS = 1024,
	OPERATIONS = 20000,
	/* A thread with more live bytes frees until it has fewer. */
	BUDGET = 24 * 1024 * 1024,
	KEPT_PAGES = 96,
};

struct block {
	char *at;
	size_t size;
};

struct heap {
	struct block block[SLOTS];
	size_t live;
	uint64_t random;
	char *kept;
};

static struct heap *heaps[GANG_THREADS_MAX];
static size_t thread_count, round_count;

/* Mostly small, as programs do; now and then large, rarely beyond what an allocator keeps. */
static size_t size_draw(uint64_t *random)
{
	uint64_t r = random_next(random), dice = r % 1000;

	if (dice < 800)
		return 1 + (r >> 10) % 1024;
	if (dice < 980)
		return 1 + (r >> 10) % 32768;
	if (dice < 998)
		return 1 + (r >> 10) % (512 * 1024);
	return 1 + (r >> 10) % (10 * MIB);
}

static void block_write(struct block *block)
{
	volatile char *p = block->at;

	for (size_t i = 0; i < block->size; i += PAGE)
		p[i] = (char)i;
	p[block->size - 1] = 1;
}

static void block_free(struct heap *heap, struct block *block)
{
	free(block->at);
	heap->live -= block->size;
	*block = (struct block){0};
}

static void block_take(struct heap *heap, struct block *block, bool zeroed)
{
	size_t size = size_draw(&heap->random);

	block->at = zeroed ? calloc(1, size) : malloc(size);
	target_expect(block->at != NULL, "malloc");
	block->size = size;
	heap->live += size;
	block_write(block);
}

static void block_resize(struct heap *heap, struct block *block)
{
	size_t size = size_draw(&heap->random);
	char *at = realloc(block->at, size);

	target_expect(at != NULL, "realloc");
	heap->live += size - block->size;
	*block = (struct block){.at = at, .size = size};
	block_write(block);
}

static void heap_step(struct heap *heap)
{
	uint64_t r = random_next(&heap->random);
	struct block *block = &heap->block[(r >> 8) % SLOTS];

	if (!block->at)
		block_take(heap, block, r % 8 == 0);
	else if (heap->live < BUDGET && r % 4 == 0)
		block_resize(heap, block);
	else
		block_free(heap, block);
}

static void heap_free_every(struct heap *heap, size_t step)
{
	for (size_t i = 0; i < SLOTS; i += step) {
		if (heap->block[i].at)
			block_free(heap, &heap->block[i]);
	}
}

/* The heap of another thread in each round, so that blocks change hands. */
static void churn_round(size_t thread, size_t round)
{
	struct heap *heap = heaps[(thread + round) % thread_count];

	if (round == 0) {
		heap->kept = malloc((KEPT_PAGES + 1) * PAGE);
		target_expect(heap->kept != NULL, "malloc");
		for (size_t i = 0; i <= KEPT_PAGES; i++)
			((volatile char *)heap->kept)[i * PAGE] = 1;
	}
	if (round == round_count) {
		heap_free_every(heap, 1);
		return;
	}
	for (int i = 0; i < OPERATIONS; i++)
		heap_step(heap);
	if (round % 2)
		heap_free_every(heap, 2);
}

static void churn_rest(const char *name)
{
	for (size_t i = 0; i < thread_count; i++) {
		uintptr_t first = ((uintptr_t)heaps[i]->kept + PAGE - 1) & ~(PAGE - 1);

		target_claim((void *)first, KEPT_PAGES, KEPT_PAGES, 0, "live block");
	}
	target_rest(name);
}

int main(int argc, char **argv)
{
	uint64_t seed;

	target_start_keep_thp();
	thread_count = target_argument(argc, argv, 1, 4);
	round_count = target_argument(argc, argv, 2, 4);
	seed = target_argument(argc, argv, 3, 1);
	target_expect(thread_count > 0 && thread_count <= GANG_THREADS_MAX, "a number of threads");
	for (size_t i = 0; i < thread_count; i++) {
		heaps[i] = calloc(1, sizeof(*heaps[i]));
		target_expect(heaps[i] != NULL, "calloc");
		heaps[i]->random = random_seed(seed, i);
	}
	target_rest("start");
	gang_start(thread_count, churn_round);
	target_rest("threads");
	for (size_t i = 0; i < round_count; i++) {
		char name[32];

		gang_round();
		snprintf(name, sizeof(name), "round_%zu", i + 1);
		churn_rest(name);
	}
	gang_round();
	churn_rest("freed");
	gang_end();
	target_rest("threads_gone");
	return 0;
}
