// SPDX-License-Identifier: GPL-2.0-only
/*
 * stack_malloc [THREADS [CALLS [LARGE [SEED]]]]
 *
 * Threads that allocate and write blocks at the end of random call chains. The page faults and
 * system calls happen in the allocator, which is whichever is linked. LARGE not 0: blocks that no
 * allocator keeps at hand, each with a mapping of its own, written at their start only.
 */
#define _GNU_SOURCE
#include "tests/targets/chain.h"
#include "tests/targets/gang.h"

#include <alloca.h>

enum { BLOCKS = 400 };

struct worker {
	uint64_t random;
	char *block[BLOCKS];
	size_t count;
};

static struct worker workers[GANG_THREADS_MAX];
static size_t call_count;
static bool large;

/* Mostly small: many faults are of the allocator's own data. */
static size_t size_draw(uint64_t *random)
{
	uint64_t r = random_next(random), dice = r % 100;

	if (large)
		return 40 * MIB + (r >> 10) % (8 * MIB);
	if (dice < 60)
		return 1 + (r >> 10) % 4096;
	if (dice < 95)
		return 1 + (r >> 10) % (64 * 1024);
	return 1 + (r >> 10) % (300 * 1024);
}

static size_t written(size_t size)
{
	return large ? 64 : size;
}

/* The ends of the chains: each a function that a person would call the user's. */

CHAIN_LINK static void leaf_malloc(struct worker *worker, size_t size)
{
	struct span *span = span_begin();
	char *block = (char *)malloc(size);

	memset(block, 1, written(size));
	worker->block[worker->count] = block;
	span_end(span);
}

CHAIN_LINK static void leaf_calloc(struct worker *worker, size_t size)
{
	struct span *span = span_begin();
	char *block = (char *)calloc(1, size);

	memset(block, 1, written(size));
	worker->block[worker->count] = block;
	span_end(span);
}

CHAIN_LINK static void leaf_realloc(struct worker *worker, size_t size)
{
	struct span *span = span_begin();
	char *block = (char *)realloc(malloc(size / 3 + 1), size);

	memset(block, 1, written(size));
	worker->block[worker->count] = block;
	span_end(span);
}

CHAIN_LINK static void leaf_aligned(struct worker *worker, size_t size)
{
	struct span *span = span_begin();
	char *block = (char *)aligned_alloc(4096, (size + 4095) & ~(size_t)4095);

	memset(block, 1, written(size));
	worker->block[worker->count] = block;
	span_end(span);
}

CHAIN_LINK static void leaf_free(struct worker *worker)
{
	struct span *span = span_begin();

	free(worker->block[worker->count]);
	worker->block[worker->count] = NULL;
	span_end(span);
}

CHAIN_LINK static void leaf(struct worker *worker)
{
	size_t size = size_draw(&worker->random);

	switch (random_next(&worker->random) % 4) {
	case 0:
		leaf_malloc(worker, size);
		break;
	case 1:
		leaf_calloc(worker, size);
		break;
	case 2:
		leaf_realloc(worker, size);
		break;
	default:
		leaf_aligned(worker, size);
		break;
	}
	/* every fourth block does not stay */
	if (random_next(&worker->random) % 4 == 0)
		leaf_free(worker);
	else if (worker->count + 1 < BLOCKS)
		worker->count++;
}

CHAIN_LINK static void step(struct worker *worker, unsigned int depth);

CHAIN_LINK static void step_plain(struct worker *worker, unsigned int depth)
{
	step(worker, depth);
}

CHAIN_LINK static void step_wide(struct worker *worker, unsigned int depth)
{
	char locals[130];

	CHAIN_KEEP(locals);
	step(worker, depth);
	CHAIN_KEEP(locals);
}

CHAIN_LINK static void step_alloca(struct worker *worker, unsigned int depth)
{
	char *locals = (char *)alloca(16 + depth * 24);

	CHAIN_KEEP(locals);
	step(worker, depth);
	CHAIN_KEEP(locals);
}

CHAIN_LINK static void step(struct worker *worker, unsigned int depth)
{
	if (!depth) {
		leaf(worker);
		return;
	}
	switch (random_next(&worker->random) % 3) {
	case 0:
		step_plain(worker, depth - 1);
		break;
	case 1:
		step_wide(worker, depth - 1);
		break;
	default:
		step_alloca(worker, depth - 1);
		break;
	}
}

/* Slow enough for every fault's stack to be taken. */
static void work(size_t index, size_t round)
{
	struct worker *worker = &workers[index];

	(void)round;
	for (size_t i = 0; i < call_count; i++) {
		step(worker, (unsigned int)(random_next(&worker->random) % 12));
		sleep_ms(2);
	}
}

int main(int argc, char **argv)
{
	size_t threads;
	uint64_t seed;

	chain_start();
	threads = target_argument(argc, argv, 1, 3);
	call_count = target_argument(argc, argv, 2, 150);
	large = target_argument(argc, argv, 3, 0);
	seed = target_argument(argc, argv, 4, 1);
	target_expect(threads < GANG_THREADS_MAX, "a number of threads");
	for (size_t i = 0; i <= threads; i++)
		workers[i].random = random_seed(seed, i);
	work(threads, 0);
	if (threads) {
		gang_start(threads, work);
		gang_round();
	}
	spans_say();
	target_rest("allocated");
	return 0;
}
