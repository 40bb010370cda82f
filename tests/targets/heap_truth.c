// SPDX-License-Identifier: GPL-2.0-only
/*
 * heap_truth SCENARIO FILE: makes a heap that is known, writes what its allocator says of it, then
 * rests until it is told to end.
 *
 *	live	100,000 blocks of mixed sizes, all kept
 *	freed	a burst of 120 MB, of which all is freed
 *	half	the same, of which every other block is freed
 *
 * The line in FILE has what the program holds by its own account (bytes by malloc_usable_size), and
 * "allocated", "active", "resident" of jemalloc or "uordblks", "hblkhd", "fordblks" of glibc.
 */
#include <malloc.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/prctl.h>

/* Of jemalloc, if that is what it is linked with. */
int mallctl(const char *name, void *old, size_t *old_len, void *new, size_t new_len)
	__attribute__((weak));

enum { BLOCKS_MAX = 400000 };

static void *blocks[BLOCKS_MAX];
static size_t count;
static uint64_t seed = 1;

static size_t next_size(void)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return seed >> 62 ? 40 + (seed >> 33) % 500 : 1000 + (seed >> 33) % 4000;
}

static void fill(size_t bytes)
{
	for (size_t sum = 0; sum < bytes && count < BLOCKS_MAX;) {
		size_t size = next_size();

		blocks[count] = malloc(size);
		memset(blocks[count++], 1, size);
		sum += size;
	}
}

static void drop(size_t step)
{
	for (size_t i = 0; i < count; i += step) {
		free(blocks[i]);
		blocks[i] = NULL;
	}
}

static size_t jemalloc_stat(const char *name)
{
	size_t value = 0, size = sizeof(value);

	return mallctl(name, &value, &size, NULL, 0) ? 0 : value;
}

static void tell(const char *path)
{
	FILE *file = fopen(path, "w");
	size_t live = 0, kept = 0;

	if (!file)
		exit(1);
	setvbuf(file, NULL, _IONBF, 0);
	for (size_t i = 0; i < count; i++) {
		live += blocks[i] ? malloc_usable_size(blocks[i]) : 0;
		kept += blocks[i] != NULL;
	}
	if (mallctl) {
		uint64_t epoch = 1;
		size_t size = sizeof(epoch);

		/* what threads keep for themselves counts as allocated */
		mallctl("thread.tcache.flush", NULL, NULL, NULL, 0);
		mallctl("epoch", &epoch, &size, &epoch, size);
		fprintf(file,
			"{\"live\":%zu,\"kept\":%zu,\"allocated\":%zu,\"active\":%zu,"
			"\"resident\":%zu}\n",
			live, kept, jemalloc_stat("stats.allocated"), jemalloc_stat("stats.active"),
			jemalloc_stat("stats.resident"));
	} else {
		struct mallinfo2 info = mallinfo2();

		fprintf(file,
			"{\"live\":%zu,\"kept\":%zu,\"uordblks\":%zu,\"hblkhd\":%zu,"
			"\"fordblks\":%zu}\n",
			live, kept, info.uordblks, info.hblkhd, info.fordblks);
	}
	fclose(file);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 64;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fill(!strcmp(argv[1], "live") ? 60000000 : 120000000);
	if (!strcmp(argv[1], "freed")) {
		free(blocks[count - 1]); /* what comes last pins glibc's heap */
		blocks[count - 1] = NULL;
		blocks[count - 1] = malloc(100);
		for (size_t i = 0; i + 1 < count; i++) {
			free(blocks[i]);
			blocks[i] = NULL;
		}
	} else if (!strcmp(argv[1], "half")) {
		drop(2);
	}
	tell(argv[2]);
	alarm(60);
	pause();
	return 0;
}
