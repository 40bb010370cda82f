// SPDX-License-Identifier: GPL-2.0-only
/*
 * At rest, the ledger made from events alone is the page table: for every page
 * of every target of tests/targets/, at every point where it stands still.
 * No record may have been lost, and unless a call was refused by the kernel,
 * reconciliation may have repaired nothing.
 */
#include "tests/bpf/watch.h"

#define TARGETS_DIR "build/targets/"

static void check_claim(const struct watch *watch, const struct claim *claim)
{
	const struct ledger *ledger = watch_ledger(watch, claim->pid);
	struct page_tally tally = {0};

	if (!ledger)
		fail_msg("claim about %u, which has no ledger", claim->pid);
	page_table_count(&ledger->pages, claim->start, claim->start + (uint64_t)claim->pages * 4096,
			 &tally);
	if (claim->resident >= 0 && tally.pages != (uint64_t)claim->resident)
		fail_msg("%s %s: %ld resident, ledger %" PRIu64, watch->rest, claim->name,
			 claim->resident, tally.pages);
}

/* Rewritten pages show only in smaps, which the collector reads a while later. */
static void check_lazy(struct watch *watch)
{
	const struct ledger *ledger = watch_ledger(watch, (uint32_t)watch->pid);
	uint64_t truth = truth_lazy((uint32_t)watch->pid), known = 0;

	for (int i = 0; i < 60; i++) {
		known = ledger_classes(ledger).lazy;
		if (known == truth)
			return;
		watch_pump(watch, 100);
	}
	fail_msg("%s: %" PRIu64 " lazily freed, ledger %" PRIu64, watch->rest, truth, known);
}

/*
 * A fault is recorded before it is handled and a purge before it is done: where threads touch and
 * purge the same page at once, nobody can tell from records which came first. What that leaves is
 * a page a thread at most, and a look at the page table settles it.
 */
#define RACES_MAX 4

static bool settle_races(struct watch *watch, uint32_t pid, struct truth *truth)
{
	const struct ledger *ledger = watch_ledger(watch, pid);
	struct source *source = live_source(watch->live);

	if (!truth->missing && !truth->extra)
		return false;
	if (truth->missing + truth->extra > RACES_MAX)
		fail_msg("%s: %" PRIu64 " pages missing, %" PRIu64 " extra: more than races are",
			 watch->rest, truth->missing, truth->extra);
	print_message("    %s: %" PRIu64 " pages that two threads raced for\n", watch->rest,
		      truth->missing + truth->extra);
	source->ops->look(source, pid, 0, UINT64_MAX, CAUSE_PERIODIC);
	watch_settle(watch);
	*truth = truth_compare(pid, ledger);
	return true;
}

static void check_process(struct watch *watch, uint32_t pid, bool races)
{
	const struct ledger *ledger = watch_ledger(watch, pid);
	struct truth truth;

	if (!ledger)
		fail_msg("process %u has no ledger", pid);
	truth = truth_compare(pid, ledger);
	races = races && (settle_races(watch, pid, &truth) || ledger->totals.repaired);
	if (truth.missing || truth.extra || ledger->pages.pages != truth.pages)
		fail_msg("%s, process %u: of %" PRIu64 " pages %" PRIu64 " missing, %" PRIu64
			 " extra",
			 watch->rest, pid, truth.pages, truth.missing, truth.extra);
	/* what a refused call was thought to have done is put back by a look */
	if (ledger->totals.lost || (ledger->totals.repaired && !ledger->totals.failed && !races))
		fail_msg("%s, process %u: %" PRIu64 " records lost, %" PRIu64 " pages repaired",
			 watch->rest, pid, ledger->totals.lost, ledger->totals.repaired);
	assert_true(truth.pages > 10);
}

static void check_rest(struct watch *watch, bool races)
{
	watch_settle(watch);
	check_process(watch, (uint32_t)watch->pid, races);
	for (size_t i = 0; i < watch->child_count; i++)
		check_process(watch, watch->children[i], races);
	for (size_t i = 0; i < watch->claim_count; i++)
		check_claim(watch, &watch->claims[i]);
	check_lazy(watch);
}

static void run_target(const char *program, const char *argument, bool races)
{
	struct live_options options = {.buffer_bytes = LIVE_BUFFER_DEFAULT,
				       .interval_ms = 200,
				       .stack_bytes = SNAPSHOT_BYTES_DEFAULT,
				       .stack_rate = LIVE_STACK_RATE_DEFAULT};
	char path[256];
	char *argv[] = {path, (char *)argument, NULL};
	unsigned int rests = 0;
	struct watch watch;

	if (!watch_possible())
		skip();
	snprintf(path, sizeof(path), "%s%s", TARGETS_DIR, program);
	watch_open(&watch, &options);
	watch_spawn(&watch, argv, WATCH_CHILDREN);
	while (watch_until_rest(&watch)) {
		check_rest(&watch, races);
		rests++;
		watch_next(&watch);
	}
	assert_true(rests > 0);
	watch_close(&watch);
}

#define TARGET_TEST(test, program, argument)                                                       \
	static void test(void **state)                                                             \
	{                                                                                          \
		(void)state;                                                                       \
		run_target(program, argument, false);                                              \
	}

TARGET_TEST(malloc_glibc, "malloc_churn", NULL)
TARGET_TEST(malloc_jemalloc, "malloc_churn-jemalloc", NULL)
TARGET_TEST(malloc_mimalloc, "malloc_churn-mimalloc", NULL)
TARGET_TEST(fork_tree, "fork_tree", NULL)
TARGET_TEST(vfork_spawn, "vfork_spawn", NULL)
TARGET_TEST(exec_self, "exec_self", NULL)
TARGET_TEST(mremap_grow_shrink_move, "mremap_grow_shrink_move", NULL)
TARGET_TEST(map_fixed_overlay, "map_fixed_overlay", NULL)
TARGET_TEST(mprotect_reserve, "mprotect_reserve", NULL)
TARGET_TEST(madv_dontneed, "madv_dontneed", NULL)
TARGET_TEST(madv_free, "madv_free", NULL)
TARGET_TEST(madv_populate, "madv_populate", NULL)
TARGET_TEST(brk_up_down, "brk_up_down", NULL)
TARGET_TEST(kernel_faults, "kernel_faults", NULL)
TARGET_TEST(stack_growth, "stack_growth", NULL)
TARGET_TEST(thp, "thp", NULL)
TARGET_TEST(file_private, "file_private", NULL)
TARGET_TEST(munmap_partial, "munmap_partial", NULL)
TARGET_TEST(process_madvise_self, "process_madvise_self", NULL)
TARGET_TEST(guard_pages, "guard_pages", NULL)
TARGET_TEST(dontfork, "dontfork", NULL)

static void threads_same_range(void **state)
{
	(void)state;
	run_target("threads_same_range", NULL, true);
}

/* An argument is a pattern of test names to run. */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(malloc_glibc),
		cmocka_unit_test(malloc_jemalloc),
		cmocka_unit_test(malloc_mimalloc),
		cmocka_unit_test(fork_tree),
		cmocka_unit_test(vfork_spawn),
		cmocka_unit_test(exec_self),
		cmocka_unit_test(mremap_grow_shrink_move),
		cmocka_unit_test(map_fixed_overlay),
		cmocka_unit_test(mprotect_reserve),
		cmocka_unit_test(madv_dontneed),
		cmocka_unit_test(madv_free),
		cmocka_unit_test(madv_populate),
		cmocka_unit_test(brk_up_down),
		cmocka_unit_test(kernel_faults),
		cmocka_unit_test(stack_growth),
		cmocka_unit_test(thp),
		cmocka_unit_test(file_private),
		cmocka_unit_test(munmap_partial),
		cmocka_unit_test(threads_same_range),
		cmocka_unit_test(process_madvise_self),
		cmocka_unit_test(guard_pages),
		cmocka_unit_test(dontfork),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("exact", tests, NULL, NULL);
}
