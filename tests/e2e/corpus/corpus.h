/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every program of the corpus shares.
 *
 * A program has one manner of using memory, with a known answer to why its resident set grows or
 * stays (the table in tests/e2e/test_corpus.c). `NAME [SECONDS]` runs for 7 s unless told
 * otherwise, ends by itself, at SIGTERM sooner, and says last on stdout what it still holds:
 *
 *   {"live_bytes":N,"live_count":N,"peak_bytes":N}
 *
 * bytes by malloc_usable_size(), before anything is freed at the end. What a program maps itself
 * is not in it.
 *
 * All is paced by a clock, so that what happens by when does not depend on the machine's speed.
 * Comments "smaps:" in the programs say what the kernel and the allocators of Debian 12 showed.
 */
#ifndef TESTS_E2E_CORPUS_H
#define TESTS_E2E_CORPUS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define KIB 1024UL
#define MIB (1024UL * KIB)
#define PAGE 4096UL

static struct {
	double start;
	double seconds;
	uint64_t random;
	size_t live_bytes;
	size_t live_count;
	size_t peak_bytes;
	volatile sig_atomic_t asked_to_end;
} corpus;

/* ---- time ---- */

static inline double corpus_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Seconds since the start. */
static inline double corpus_now(void)
{
	return corpus_clock() - corpus.start;
}

static inline bool corpus_goes_on(void)
{
	return !corpus.asked_to_end && corpus_now() < corpus.seconds;
}

/* One step of a paced loop: false when the program should end. */
static inline bool corpus_step(int ms)
{
	poll(NULL, 0, ms);
	return corpus_goes_on();
}

/* The same for a phase that ends at `until` seconds from the start. */
static inline bool corpus_step_until(double until, int ms)
{
	return corpus_step(ms) && corpus_now() < until;
}

/* Touches and allocates nothing. */
static inline void corpus_rest_until(double until)
{
	while (corpus_step_until(until, 100))
		;
}

static inline void corpus_rest(void)
{
	corpus_rest_until(corpus.seconds);
}

/* Bytes (or anything) due by now at a rate per second that began at `from`. */
static inline size_t corpus_due(double from, double rate)
{
	double passed = corpus_now() - from;

	return passed > 0 ? (size_t)(passed * rate) : 0;
}

/* ---- sizes ---- */

/* Not for two threads at once. */
static inline uint64_t corpus_random(uint64_t below)
{
	corpus.random ^= corpus.random << 13;
	corpus.random ^= corpus.random >> 7;
	corpus.random ^= corpus.random << 17;
	return corpus.random % below;
}

/* Mostly small, sometimes up to 32 KiB; below every allocator's limit for mmap. */
static inline size_t corpus_size(void)
{
	uint64_t kind = corpus_random(10);

	if (kind < 6)
		return 32 + corpus_random(480);
	return kind < 9 ? 512 + corpus_random(3584) : 4 * KIB + corpus_random(28 * KIB);
}

/* ---- allocations ---- */

/* Writes a byte of each page; volatile, so that no compiler leaves it out. */
static inline void corpus_touch(void *base, size_t size)
{
	volatile char *byte = base;

	for (size_t i = 0; i < size; i += PAGE)
		byte[i] = 1;
	if (size)
		byte[size - 1] = 1;
}

static inline void corpus_held(void *block)
{
	size_t live =
		__atomic_add_fetch(&corpus.live_bytes, malloc_usable_size(block), __ATOMIC_RELAXED);

	__atomic_add_fetch(&corpus.live_count, 1, __ATOMIC_RELAXED);
	if (live > __atomic_load_n(&corpus.peak_bytes, __ATOMIC_RELAXED))
		__atomic_store_n(&corpus.peak_bytes, live, __ATOMIC_RELAXED);
}

static inline void corpus_let_go(void *block)
{
	__atomic_sub_fetch(&corpus.live_bytes, malloc_usable_size(block), __ATOMIC_RELAXED);
	__atomic_sub_fetch(&corpus.live_count, 1, __ATOMIC_RELAXED);
}

static inline void *corpus_alloc(size_t size)
{
	void *block = malloc(size);

	if (!block)
		abort();
	corpus_touch(block, size);
	corpus_held(block);
	return block;
}

static inline void corpus_free(void *block)
{
	corpus_let_go(block);
	free(block);
}

/* A list through the blocks themselves, oldest first: no memory beside them. */
struct corpus_block {
	struct corpus_block *next;
};

struct corpus_list {
	struct corpus_block *first, *last;
	size_t bytes; /* as asked for, of all that were ever added */
};

static inline void corpus_list_add(struct corpus_list *list, size_t size)
{
	struct corpus_block *block = corpus_alloc(size);

	block->next = NULL;
	if (list->last)
		list->last->next = block;
	else
		list->first = block;
	list->last = block;
	list->bytes += size;
}

static inline struct corpus_block *corpus_list_take(struct corpus_list *list)
{
	struct corpus_block *block = list->first;

	if (block) {
		list->first = block->next;
		if (!list->first)
			list->last = NULL;
	}
	return block;
}

/* Adds blocks of mixed sizes from now until `until`, `bytes` in all. */
static inline void corpus_list_fill(struct corpus_list *list, size_t bytes, double until)
{
	double from = corpus_now(), rate = (double)bytes / (until - from);

	do {
		size_t due = corpus_due(from, rate);

		while (list->bytes < (due < bytes ? due : bytes))
			corpus_list_add(list, corpus_size());
	} while (list->bytes < bytes && corpus_step(10));
}

static inline void corpus_list_free(struct corpus_list *list)
{
	struct corpus_block *block;

	while ((block = corpus_list_take(list)))
		corpus_free(block);
}

/* Blocks of a fixed number of slots, which others replace. */
#define CORPUS_SLOTS 512

static inline void corpus_replace(void **slot, size_t size)
{
	if (*slot)
		corpus_free(*slot);
	*slot = corpus_alloc(size);
}

/* Some work with no growth: a few blocks made and freed at once. */
static inline void corpus_churn(unsigned int blocks)
{
	void *made[64];

	for (unsigned int i = 0; i < blocks && i < 64; i++)
		made[i] = corpus_alloc(64 + i * 37);
	for (unsigned int i = 0; i < blocks && i < 64; i++)
		corpus_free(made[i]);
}

/* ---- start and end ---- */

static void corpus_asked(int number)
{
	(void)number;
	corpus.asked_to_end = 1;
}

/* Call first. */
static inline void corpus_start_keep_thp(int argc, char **argv)
{
	corpus.start = corpus_clock();
	corpus.seconds = argc > 1 ? strtod(argv[1], NULL) : 7;
	corpus.random = 88172645463325252ULL;
	signal(SIGTERM, corpus_asked);
	signal(SIGINT, corpus_asked);
}

/* As above, and a page touched is a page, whatever the machine says about huge pages. */
static inline void corpus_start(int argc, char **argv)
{
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	corpus_start_keep_thp(argc, argv);
}

/* Call last: says what is held and ends without freeing it. */
static inline void __attribute__((noreturn)) corpus_end(void)
{
	char line[160];
	int length = snprintf(line, sizeof(line),
			      "{\"live_bytes\":%zu,\"live_count\":%zu,\"peak_bytes\":%zu}\n",
			      corpus.live_bytes, corpus.live_count, corpus.peak_bytes);

	_exit(write(STDOUT_FILENO, line, (size_t)length) == length ? 0 : 1);
}

static inline void corpus_thread(void *(*run)(void *), void *argument)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, argument))
		abort();
	pthread_detach(thread);
}

#endif /* TESTS_E2E_CORPUS_H */
