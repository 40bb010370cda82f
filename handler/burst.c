#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "handler/burst.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "handler/random.h"
#include "handler/stop.h"

static int blocks_allocate(void **blocks, size_t limit, uint64_t bytes, struct random *random,
			   size_t *count)
{
	uint64_t allocated = 0;

	for (*count = 0; allocated < bytes && *count < limit && !stop_requested(); (*count)++) {
		size_t size = random_between(random, BURST_BLOCK_MIN, BURST_BLOCK_MAX);

		blocks[*count] = malloc(size);
		if (!blocks[*count])
			return -ENOMEM;
		memset(blocks[*count], 0x5a, size);
		allocated += size;
	}
	return 0;
}

static void blocks_free(void **blocks, size_t count, struct random *random)
{
	while (count > 0) {
		size_t chosen = random_between(random, 0, count - 1);

		free(blocks[chosen]);
		blocks[chosen] = blocks[--count];
	}
}

int burst_run(uint64_t bytes, uint64_t seed)
{
	struct random random = random_stream(seed, UINT64_MAX);
	/* Enough even if every block were of the smallest size; only what is used is resident. */
	size_t limit = bytes / BURST_BLOCK_MIN + 1;
	size_t size = limit * sizeof(void *);
	size_t count;
	void **blocks;
	int err;

	if (bytes == 0)
		return 0;
	blocks = mmap(NULL, size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (blocks == MAP_FAILED)
		return -ENOMEM;

	err = blocks_allocate(blocks, limit, bytes, &random, &count);
	blocks_free(blocks, count, &random);
	munmap(blocks, size);
	return err;
}
