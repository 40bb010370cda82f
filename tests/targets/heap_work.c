// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocates and frees in all ways that its allocator has, and keeps an account of it.
 *
 *	heap_work ACCOUNT [OPERATIONS [exec PROGRAM]]
 *
 * Rests: `warm` with some allocations of each thread; `worked` after OPERATIONS in each of four
 * threads, which also free what another allocated; `forked` after a child did the same in its copy;
 * `jumped` after a jump out of functions that allocated. With `exec` it becomes PROGRAM then.
 */
#define _GNU_SOURCE

#include "tests/targets/target.h"

#include <malloc.h>
#include <pthread.h>
#include <setjmp.h>

#include "tests/targets/heap_work.h"

/* What an allocator other than the C library's brings along. */
#define OPTIONAL __attribute__((weak))
OPTIONAL void *mallocx(size_t size, int flags);
OPTIONAL void *rallocx(void *old, size_t size, int flags);
OPTIONAL size_t xallocx(void *old, size_t size, size_t extra, int flags);
OPTIONAL void dallocx(void *old, int flags);
OPTIONAL void sdallocx(void *old, size_t size, int flags);
OPTIONAL void *mi_malloc(size_t size);
OPTIONAL void *mi_zalloc(size_t size);
OPTIONAL void *mi_calloc(size_t count, size_t size);
OPTIONAL void *mi_realloc(void *old, size_t size);
OPTIONAL void *mi_malloc_aligned(size_t size, size_t alignment);
OPTIONAL void *mi_heap_malloc(void *heap, size_t size);
OPTIONAL void *mi_heap_get_default(void);
OPTIONAL void *mi_recalloc(void *old, size_t count, size_t size);
OPTIONAL void mi_free(void *old);
OPTIONAL void mi_free_size(void *old, size_t size);
OPTIONAL void mi_cfree(void *old);
OPTIONAL void *_Znwm(size_t size);
OPTIONAL void *_ZnwmSt11align_val_t(size_t size, size_t alignment);
OPTIONAL void _ZdlPv(void *old);
OPTIONAL void _ZdaPvm(void *old, size_t size);
OPTIONAL void _ZdlPvmSt11align_val_t(void *old, size_t size, size_t alignment);

#define KINDS_MAX 24

static struct heap_account *account;

/* One thread's. */
struct worker {
	pthread_t thread;
	struct heap_slot *slots;
	bool is_old[HEAP_SLOTS];
	bool is_aligned[HEAP_SLOTS]; /* and so larger than its size says */
	uint64_t random;
	unsigned long operations;
};

static struct worker workers[HEAP_THREADS];
static pthread_barrier_t barrier;

/* What one thread has left for another to free. */
static uint64_t mailbox[64];

static uint64_t draw(struct worker *worker, uint64_t limit)
{
	worker->random ^= worker->random << 13;
	worker->random ^= worker->random >> 7;
	worker->random ^= worker->random << 17;
	return worker->random % limit;
}

static size_t draw_size(struct worker *worker)
{
	switch (draw(worker, 16)) {
	case 0:
		return 0;
	case 1:
		return draw(worker, 300000);
	case 2:
		return draw(worker, 9000);
	default:
		return draw(worker, 700);
	}
}

/* ---- allocating ---- */

static void *by_malloc(size_t size)
{
	return malloc(size);
}

static void *by_calloc(size_t size)
{
	return calloc(1, size);
}

static void *by_realloc(size_t size)
{
	return realloc(NULL, size);
}

static void *by_reallocarray(size_t size)
{
	return reallocarray(NULL, size, 1);
}

static void *by_posix_memalign(size_t size)
{
	void *addr;

	return posix_memalign(&addr, 256, size) ? NULL : addr;
}

static void *by_aligned_alloc(size_t size)
{
	return aligned_alloc(64, size);
}

static void *by_memalign(size_t size)
{
	return memalign(128, size);
}

static void *by_valloc(size_t size)
{
	return valloc(size);
}

static void *by_mallocx(size_t size)
{
	return mallocx(size ? size : 1, 0);
}

static void *by_mi_heap(size_t size)
{
	return mi_heap_malloc(mi_heap_get_default(), size);
}

static void *by_mi_aligned(size_t size)
{
	return mi_malloc_aligned(size, 64);
}

static void *by_mi_calloc(size_t size)
{
	return mi_calloc(1, size);
}

static void *by_aligned_new(size_t size)
{
	return _ZnwmSt11align_val_t(size, 64);
}

static void *(*allocators[KINDS_MAX])(size_t size) = {
	by_malloc,	 by_malloc,	    by_malloc,	      by_calloc,   by_realloc,
	by_reallocarray, by_posix_memalign, by_aligned_alloc, by_memalign, by_valloc,
};
static size_t allocator_count = 10;

static void allocator_add(bool there, void *(*allocator)(size_t size))
{
	if (there)
		allocators[allocator_count++] = allocator;
}

static void allocators_find(void)
{
	allocator_add(mallocx, by_mallocx);
	allocator_add(mi_malloc, mi_malloc);
	allocator_add(mi_zalloc, mi_zalloc);
	allocator_add(mi_heap_malloc, by_mi_heap);
	allocator_add(mi_malloc_aligned, by_mi_aligned);
	allocator_add(mi_calloc, by_mi_calloc);
	allocator_add(_Znwm, _Znwm);
	allocator_add(_ZnwmSt11align_val_t, by_aligned_new);
}

/* What the C++ library's operators make of it before they call the C library. */
static size_t size_for(void *(*allocator)(size_t size), size_t size)
{
	if (!size && (allocator == by_mallocx || allocator == _Znwm))
		return 1;
	return allocator == by_aligned_new ? (size + 64) & ~(size_t)63 : size;
}

static void slot_fill(struct worker *worker, size_t index, void *addr, size_t size)
{
	if (!addr) {
		__atomic_fetch_add(&account->refused, 1, __ATOMIC_RELAXED);
		return;
	}
	worker->slots[index] = (struct heap_slot){(uintptr_t)addr, size};
	worker->is_old[index] = worker->is_aligned[index] = false;
	__atomic_fetch_add(&account->allocations, 1, __ATOMIC_RELAXED);
}

static void slot_allocate(struct worker *worker, size_t index)
{
	void *(*allocator)(size_t size) = allocators[draw(worker, allocator_count)];
	size_t size = size_for(allocator, draw_size(worker));

	slot_fill(worker, index, allocator(size), size);
	worker->is_aligned[index] = allocator == by_posix_memalign ||
				    allocator == by_aligned_alloc || allocator == by_memalign ||
				    allocator == by_valloc || allocator == by_aligned_new;
}

/* ---- freeing ---- */

static void free_somehow(struct worker *worker, void *addr)
{
	/* not all of them take NULL */
	switch (addr ? draw(worker, 6) : 6) {
	case 0:
		if (dallocx)
			return dallocx(addr, 0);
		if (mi_free)
			return mi_free(addr);
		break;
	case 1:
		if (_ZdlPv)
			return _ZdlPv(addr);
		break;
	case 2:
		if (mi_free_size)
			return mi_free_size(addr, 0);
		break;
	case 3:
		if (mi_cfree)
			return mi_cfree(addr);
		break;
	}
	free(addr);
}

static void slot_forget(struct worker *worker, size_t index)
{
	if (worker->is_old[index])
		__atomic_fetch_add(&account->old_frees, 1, __ATOMIC_RELAXED);
	worker->slots[index].addr = 0;
	worker->is_old[index] = false;
}

/* Here, or by whoever comes to the mailbox next. */
static void slot_free(struct worker *worker, size_t index)
{
	uint64_t addr = worker->slots[index].addr;

	slot_forget(worker, index);
	if (!draw(worker, 4))
		addr = __atomic_exchange_n(&mailbox[draw(worker, 64)], addr, __ATOMIC_ACQ_REL);
	free_somehow(worker, (void *)addr);
}

/* By sized functions, which must be told the truth. */
static void slot_free_sized(struct worker *worker, size_t index)
{
	struct heap_slot slot = worker->slots[index];

	if (!sdallocx || !slot.size || worker->is_aligned[index])
		return;
	slot_forget(worker, index);
	sdallocx((void *)slot.addr, slot.size, 0);
}

static void mailbox_empty(void)
{
	for (size_t i = 0; i < sizeof(mailbox) / sizeof(*mailbox); i++) {
		free((void *)mailbox[i]);
		mailbox[i] = 0;
	}
}

/* ---- changing ---- */

static void slot_change(struct worker *worker, size_t index, void *addr, size_t size)
{
	slot_forget(worker, index);
	/* of size 0 some free it and return NULL */
	if (addr || size)
		slot_fill(worker, index, addr, size);
}

static void slot_realloc(struct worker *worker, size_t index)
{
	struct heap_slot slot = worker->slots[index];
	size_t size = draw_size(worker);
	void *old = (void *)slot.addr;

	if (rallocx && !draw(worker, 4))
		return slot_change(worker, index, rallocx(old, size ? size : 1, 0),
				   size ? size : 1);
	if (mi_recalloc && !draw(worker, 4))
		return slot_change(worker, index, mi_recalloc(old, 1, size), size);
	if (mi_realloc && !draw(worker, 4))
		return slot_change(worker, index, mi_realloc(old, size), size);
	slot_change(worker, index, realloc(old, size), size);
}

/* What it cannot have: the old stays. */
static void slot_realloc_too_much(struct worker *worker, size_t index)
{
	target_expect(!realloc((void *)worker->slots[index].addr, PTRDIFF_MAX / 2),
		      "realloc of too much fails");
	__atomic_fetch_add(&account->refused, 1, __ATOMIC_RELAXED);
}

static void slot_resize(struct worker *worker, size_t index)
{
	struct heap_slot *slot = &worker->slots[index];
	size_t size = slot->size + slot->size / 8 + 1;

	if (!xallocx || !slot->size || worker->is_old[index])
		return;
	slot->size = xallocx((void *)slot->addr, size, 0, 0);
	__atomic_fetch_add(&account->allocations, 1, __ATOMIC_RELAXED);
}

static void allocate_too_much(void)
{
	volatile size_t much = PTRDIFF_MAX / 2;

	target_expect(!malloc(much), "malloc of too much fails");
	target_expect(!calloc(much, 4), "calloc of too much fails");
	__atomic_fetch_add(&account->refused, 2, __ATOMIC_RELAXED);
}

/* ---- threads ---- */

static void operate(struct worker *worker)
{
	size_t index = draw(worker, HEAP_SLOTS);
	uint64_t what = draw(worker, 64);

	if (!worker->slots[index].addr) {
		slot_allocate(worker, index);
		return;
	}
	if (what < 16)
		slot_realloc(worker, index);
	else if (what < 20)
		slot_resize(worker, index);
	else if (what == 20)
		slot_realloc_too_much(worker, index);
	else if (what == 21)
		allocate_too_much();
	else if (what < 28)
		slot_free_sized(worker, index);
	else
		slot_free(worker, index);
}

static void warm_up(struct worker *worker)
{
	for (size_t i = 0; i < HEAP_SLOTS / 4; i++) {
		slot_allocate(worker, i);
		worker->is_old[i] = worker->slots[i].addr;
	}
}

static void *work(void *arg)
{
	struct worker *worker = arg;

	warm_up(worker);
	pthread_barrier_wait(&barrier);
	for (;;) {
		pthread_barrier_wait(&barrier);
		for (unsigned long i = 0; i < worker->operations; i++)
			operate(worker);
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

static void threads_start(unsigned long operations)
{
	pthread_barrier_init(&barrier, NULL, HEAP_THREADS + 1);
	for (size_t i = 0; i < HEAP_THREADS; i++) {
		workers[i].slots = account->slots[i];
		workers[i].random = i + 1;
		workers[i].operations = operations;
		target_expect(!pthread_create(&workers[i].thread, NULL, work, &workers[i]),
			      "pthread_create");
	}
	pthread_barrier_wait(&barrier);
}

static void threads_work(void)
{
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	mailbox_empty();
}

/* ---- the rest ---- */

/* In a copy of the memory, of which there is no account. */
static void fork_and_work(void)
{
	pid_t child = fork();
	int status = 0;

	if (!child) {
		for (size_t i = 0; i < HEAP_SLOTS; i++) {
			free((void *)account->slots[0][i].addr);
			if (malloc(i) == (void *)-1)
				_exit(1);
		}
		_exit(0);
	}
	target_expect(waitpid(child, &status, 0) == child && !status, "the child works");
}

static jmp_buf back;

__attribute__((noipa)) static void allocate_and_jump(int depth)
{
	volatile char frame[256];

	frame[0] = (char)depth;
	slot_free(&workers[0], (size_t)depth);
	slot_allocate(&workers[0], (size_t)depth);
	if (depth == 20)
		longjmp(back, 1);
	if (depth < 20)
		allocate_and_jump(depth + 1);
	frame[1] = frame[0];
}

static void jump(void)
{
	/* the thread that owns the slots waits */
	for (size_t i = 0; i <= 20; i++)
		if (!account->slots[0][i].addr)
			slot_allocate(&workers[0], i);
	for (int i = 0; i < 100; i++)
		if (!setjmp(back))
			allocate_and_jump(0);
	mailbox_empty();
}

static void account_open(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	account = mmap(NULL, sizeof(*account), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	target_expect(fd >= 0 && account != MAP_FAILED, "the file of the account");
	close(fd);
	memset(account, 0, sizeof(*account));
}

int main(int argc, char **argv)
{
	target_start();
	target_expect(argc > 1, "an account");
	account_open(argv[1]);
	allocators_find();
	threads_start(target_argument(argc, argv, 2, 20000));
	target_rest("warm");
	threads_work();
	target_rest("worked");
	fork_and_work();
	target_rest("forked");
	jump();
	target_rest("jumped");
	if (argc > 4 && !strcmp(argv[3], "exec")) {
		execl(argv[4], argv[4], argv[1], argv[2], NULL);
		target_die("exec: %s", strerror(errno));
	}
	return 0;
}
