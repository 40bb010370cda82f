// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attaching to a process that runs: its mappings and pages come from /proc, what
 * it does meanwhile from events, and nothing is missed in between. And what no
 * event tells of is found by reconciliation.
 */
#include "tests/bpf/watch.h"

static void check_exact(struct watch *watch)
{
	const struct ledger *ledger;
	struct truth truth;

	watch_settle(watch);
	ledger = watch_ledger(watch, (uint32_t)watch->pid);
	assert_non_null(ledger);
	truth = truth_compare((uint32_t)watch->pid, ledger);
	if (truth.missing || truth.extra)
		fail_msg("%s: of %" PRIu64 " pages %" PRIu64 " missing, %" PRIu64 " extra",
			 watch->rest, truth.pages, truth.missing, truth.extra);
	assert_int_equal(ledger->totals.lost, 0);
}

/* At rest when attached to; then it goes on. */
static void attach_at_rest(const char *program)
{
	struct live_options options = {.buffer_bytes = LIVE_BUFFER_DEFAULT,
				       .interval_ms = 200,
				       .stack_bytes = SNAPSHOT_BYTES_DEFAULT,
				       .stack_rate = LIVE_STACK_RATE_DEFAULT};
	char *argv[] = {(char *)program, NULL};
	struct watch watch;

	if (!watch_possible())
		skip();
	watch_open(&watch, &options);
	watch_spawn_apart(&watch, argv);
	assert_true(watch_until_rest(&watch));
	assert_int_equal(live_watch_pid(watch.live, (uint32_t)watch.pid, 0), 0);
	do {
		check_exact(&watch);
		watch_next(&watch);
	} while (watch_until_rest(&watch));
	watch_close(&watch);
}

static void attach_to_malloc(void **state)
{
	(void)state;
	attach_at_rest("build/targets/malloc_churn");
}

static void attach_to_jemalloc(void **state)
{
	(void)state;
	attach_at_rest("build/targets/malloc_churn-jemalloc");
}

static void attach_to_mappings(void **state)
{
	(void)state;
	attach_at_rest("build/targets/munmap_partial");
}

/* In the middle of what it does, at many different moments. */
static void attach_while_busy(void **state)
{
	struct live_options options = {.buffer_bytes = LIVE_BUFFER_DEFAULT,
				       .interval_ms = 200,
				       .stack_bytes = SNAPSHOT_BYTES_DEFAULT,
				       .stack_rate = LIVE_STACK_RATE_DEFAULT};
	char *argv[] = {"build/targets/malloc_churn", "4", "400", "7", NULL};

	(void)state;
	if (!watch_possible())
		skip();
	for (unsigned int round = 0; round < 8; round++) {
		struct watch watch;

		watch_open(&watch, &options);
		watch_spawn_apart(&watch, argv);
		poll(NULL, 0, (int)(3 + round * 11));
		assert_int_equal(live_watch_pid(watch.live, (uint32_t)watch.pid, 0), 0);
		assert_true(watch_until_rest(&watch));
		check_exact(&watch);
		watch_close(&watch);
	}
}

/* Pages that come and go without a fault or a traced call. */
static void unseen_is_reconciled(void **state)
{
	struct live_options options = {.buffer_bytes = LIVE_BUFFER_DEFAULT,
				       .interval_ms = 200,
				       .stack_bytes = SNAPSHOT_BYTES_DEFAULT,
				       .stack_rate = LIVE_STACK_RATE_DEFAULT};
	struct pipeline_options policy = {.reconcile_ms = 300, .reconcile_exact = true};
	char *argv[] = {"build/targets/unseen", NULL};
	uint64_t repaired = 0;
	struct watch watch;

	(void)state;
	if (!watch_possible())
		skip();
	watch_open(&watch, &options);
	pipeline_free(watch.pipeline);
	watch.pipeline = pipeline_new(live_source(watch.live), &policy);
	watch_spawn(&watch, argv, 0);
	while (watch_until_rest(&watch)) {
		const struct ledger *ledger;
		struct truth truth;

		watch_pump(&watch, 1200);
		ledger = watch_ledger(&watch, (uint32_t)watch.pid);
		assert_non_null(ledger);
		truth = truth_compare((uint32_t)watch.pid, ledger);
		assert_int_equal(truth.missing + truth.extra, 0);
		repaired = ledger->totals.repaired;
		watch_next(&watch);
	}
	assert_true(repaired > 0);
	watch_close(&watch);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attach_to_malloc),	cmocka_unit_test(attach_to_jemalloc),
		cmocka_unit_test(attach_to_mappings),	cmocka_unit_test(attach_while_busy),
		cmocka_unit_test(unseen_is_reconciled),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("attach", tests, NULL, NULL);
}
