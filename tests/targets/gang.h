/* SPDX-License-Identifier: GPL-2.0-only */
/* Threads that all work in rounds and are all asleep between two rounds. */
#ifndef TESTS_TARGETS_GANG_H
#define TESTS_TARGETS_GANG_H

#include "tests/targets/target.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>

enum { GANG_THREADS_MAX = 64 };

/* Does one round of one thread. */
typedef void (*gang_round_fn)(size_t thread, size_t round);

static struct {
	gang_round_fn round_run;
	size_t threads;
	pthread_t thread[GANG_THREADS_MAX];
	_Atomic pid_t tid[GANG_THREADS_MAX];
	/* Rounds that may be run; a futex. */
	_Atomic uint32_t round;
	/* Threads that have done theirs. */
	_Atomic size_t parked;
	_Atomic bool stop;
} gang;

static inline void *gang_thread_run(void *arg)
{
	size_t thread = (size_t)(uintptr_t)arg;

	gang.tid[thread] = thread_id();
	for (uint32_t done = 0;; done++) {
		gang.parked++;
		while (gang.round == done)
			syscall(SYS_futex, &gang.round, FUTEX_WAIT_PRIVATE, done, NULL);
		if (gang.stop)
			return NULL;
		gang.round_run(thread, done);
	}
}

/* Returns once every thread sleeps: parked, it has nothing left to do but its futex call. */
static inline void gang_wait_parked(void)
{
	while (gang.parked < gang.threads)
		sleep_ms(1);
	for (size_t i = 0; i < gang.threads; i++)
		thread_wait_asleep(gang.tid[i]);
}

static inline void gang_start(size_t threads, gang_round_fn round_run)
{
	target_expect(threads > 0 && threads <= GANG_THREADS_MAX, "a number of threads");
	gang.threads = threads;
	gang.round_run = round_run;
	for (size_t i = 0; i < threads; i++)
		target_expect(pthread_create(&gang.thread[i], NULL, gang_thread_run,
					     (void *)(uintptr_t)i) == 0,
			      "pthread_create");
	gang_wait_parked();
}

static inline void gang_release(void)
{
	gang.parked = 0;
	gang.round++;
	syscall(SYS_futex, &gang.round, FUTEX_WAKE_PRIVATE, INT_MAX);
}

/* One round of all threads. */
static inline void gang_round(void)
{
	gang_release();
	gang_wait_parked();
}

static inline void gang_end(void)
{
	gang.stop = true;
	gang_release();
	for (size_t i = 0; i < gang.threads; i++)
		target_expect(pthread_join(gang.thread[i], NULL) == 0, "pthread_join");
}

/* A reproducible stream of numbers (xorshift64*). */
static inline uint64_t random_next(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545F4914F6CDD1DULL;
}

static inline uint64_t random_seed(uint64_t seed, size_t thread)
{
	return (seed + 1) * 0x9E3779B97F4A7C15ULL + thread * 0xD1B54A32D192ED03ULL;
}

#endif /* TESTS_TARGETS_GANG_H */
