// SPDX-License-Identifier: GPL-2.0-only
/*
 * Heap evidence against targets that keep an account of their own allocations: the set of live ones
 * must be the same, address by address and size by size.
 */
#include <math.h>

#include "tests/bpf/heap_watch.h"

#include "user/base/log.h"
#include "user/source/heap_spec.h"

#define PROGRAM "build/targets/heap_work"
#define OPERATIONS "20000"

static struct live_options options_new(void)
{
	return (struct live_options){.buffer_bytes = (size_t)128 << 20,
				     .interval_ms = 200,
				     .stack_bytes = SNAPSHOT_BYTES_DEFAULT,
				     .stack_rate = LIVE_STACK_RATE_DEFAULT,
				     .heap = true,
				     .heap_sample_bytes = LIVE_HEAP_SAMPLE_DEFAULT};
}

struct run {
	struct watch watch;
	struct live_options options;
	struct heap_account *account;
	struct heap_account *old; /* at HEAP_ON */
	char path[64];
};

static void run_rest(struct run *run, const char *name)
{
	assert_true(watch_until_rest(&run->watch));
	assert_string_equal(run->watch.rest, name);
	watch_pump(&run->watch, 100);
}

/* Started beside the collector, watched once it is warm. */
static void run_attach(struct run *run, const char *program)
{
	char *argv[] = {(char *)program, run->path, OPERATIONS, NULL};

	run->options = options_new();
	run->account = heap_account_new(run->path);
	run->old = calloc(1, sizeof(*run->old));
	heap_watch_open(&run->watch, &run->options);
	watch_spawn_apart(&run->watch, argv);
	heap.pid = (uint32_t)run->watch.pid;
	run_rest(run, "warm");
	memcpy(run->old, run->account, sizeof(*run->old));
	run->account->allocations = run->account->refused = 0;
	assert_int_equal(live_watch_pid(run->watch.live, heap.pid, 0), 0);
	watch_pump(&run->watch, 50);
}

static void run_close(struct run *run)
{
	heap_watch_close(&run->watch);
	heap_account_free(run->account, run->path);
	free(run->old);
}

static bool is_old(const struct run *run, size_t thread, size_t index)
{
	const struct heap_slot *old = &run->old->slots[thread][index];
	const struct heap_slot *now = &run->account->slots[thread][index];

	return old->addr == now->addr && !heap_find(now->addr);
}

/* How many of the account are in the set; all of it has to be, but what is older than ON. */
static size_t check_account(const struct run *run)
{
	size_t known = 0, wrong = 0;

	for (size_t i = 0; i < HEAP_THREADS; i++) {
		for (size_t j = 0; j < HEAP_SLOTS; j++) {
			const struct heap_slot *slot = &run->account->slots[i][j];
			const struct heap_cell *cell = slot->addr ? heap_find(slot->addr) : NULL;

			if (!slot->addr || (run->old && is_old(run, i, j)))
				continue;
			known++;
			if (cell && cell->size == slot->size)
				continue;
			if (wrong++ < 8)
				print_message(
					"    %" PRIx64 " has %" PRIu64 " bytes, not %" PRId64 "\n",
					slot->addr, slot->size, cell ? (int64_t)cell->size : -1);
		}
	}
	assert_int_equal(wrong, 0);
	return known;
}

/* Of nothing more, nothing less. */
static void check_exact(const struct run *run)
{
	size_t known = check_account(run);

	print_message("    %zu live, %" PRIu64 " allocations, %" PRIu64 " refused, %" PRIu64
		      " frees of old ones, %u functions, %u dear\n",
		      known, heap.allocs, heap.refused, heap.unknown, heap.state.functions,
		      heap.state.dear);
	assert_true(known > HEAP_SLOTS);
	assert_int_equal(heap.count, known);
	assert_int_equal(heap.allocs, run->account->allocations);
	assert_int_equal(heap.refused, run->account->refused);
	assert_int_equal(heap.unknown, run->account->old_frees);
	assert_int_equal(heap.doubled, 0);
	assert_int_equal(heap.strangers, 0);
	assert_int_equal(heap.lost, 0);
}

/* ---- attached to what runs ---- */

static void attach_exact(const char *program, uint32_t allocator)
{
	struct run run = {0};
	uint64_t begin;

	if (!watch_possible())
		skip();
	run_attach(&run, program);
	begin = clock_ns();
	assert_int_equal(heap_switch(&run.watch, true), 0);
	print_message("    on in %" PRIu64 " us\n", (clock_ns() - begin) / 1000);
	assert_int_equal(heap_switch(&run.watch, true), -EALREADY);
	watch_pump(&run.watch, 50);
	assert_int_equal(heap.states, 1);
	assert_int_equal(heap.state.state, HEAP_ON);
	assert_int_equal(heap.state.flags, 0);
	assert_int_equal(heap.state.allocator, allocator);
	watch_next(&run.watch);
	run_rest(&run, "worked");
	check_exact(&run);
	watch_next(&run.watch);
	run_rest(&run, "forked");
	check_exact(&run);
	watch_next(&run.watch);
	run_rest(&run, "jumped");
	check_exact(&run);
	begin = clock_ns();
	assert_int_equal(heap_switch(&run.watch, false), 0);
	print_message("    off in %" PRIu64 " us\n", (clock_ns() - begin) / 1000);
	assert_int_equal(heap_switch(&run.watch, false), -EALREADY);
	watch_pump(&run.watch, 50);
	assert_int_equal(heap.state.state, HEAP_OFF);
	run_close(&run);
}

static void glibc(void **state)
{
	(void)state;
	attach_exact(PROGRAM, ALLOCATOR_GLIBC);
}

static void jemalloc(void **state)
{
	(void)state;
	attach_exact(PROGRAM "-jemalloc", ALLOCATOR_JEMALLOC);
}

static void mimalloc(void **state)
{
	(void)state;
	attach_exact(PROGRAM "-mimalloc", ALLOCATOR_MIMALLOC);
}

static void statically(void **state)
{
	(void)state;
	attach_exact(PROGRAM "-static", ALLOCATOR_GLIBC);
}

static void cxx(void **state)
{
	(void)state;
	attach_exact(PROGRAM "-cxx", ALLOCATOR_GLIBC);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(glibc),    cmocka_unit_test(jemalloc),
		cmocka_unit_test(mimalloc), cmocka_unit_test(statically),
		cmocka_unit_test(cxx),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("heap", tests, NULL, NULL);
}
