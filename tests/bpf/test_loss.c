// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two threads that mmap, touch and munmap as fast as they can: with the default
 * buffer nothing is lost; with one too small on purpose the loss is counted for
 * the process, and one interval after it stands still the ledger is right again.
 */
#include "tests/bpf/watch.h"

/* Seconds of hammering: a whole 10 for the promise, 3 where loss is wanted. */
static void hammer(struct watch *watch, size_t buffer_bytes, unsigned int interval_ms,
		   const char *seconds)
{
	struct live_options options = {.buffer_bytes = buffer_bytes,
				       .interval_ms = interval_ms,
				       .stack_bytes = SNAPSHOT_BYTES_DEFAULT,
				       .stack_rate = LIVE_STACK_RATE_DEFAULT};
	char *argv[] = {"build/targets/hammer", "2", (char *)seconds, NULL};

	watch_open(watch, &options);
	watch_spawn(watch, argv, 0);
	while (watch_until_rest(watch) && !watch->note[0]) {
		watch_next(watch);
		/* a reader that is held up: then the wake-up at a quarter full is no help */
		for (int i = 0; buffer_bytes < LIVE_BUFFER_DEFAULT && i < 5; i++) {
			poll(NULL, 0, 100);
			watch_pump(watch, 200);
		}
	}
	assert_true(watch->note[0]);
}

static void nothing_is_lost(void **state)
{
	const struct ledger *ledger;
	struct watch watch;
	struct truth truth;

	(void)state;
	if (!watch_possible())
		skip();
	hammer(&watch, LIVE_BUFFER_DEFAULT, 1000, "10");
	watch_settle(&watch);
	ledger = watch_ledger(&watch, (uint32_t)watch.pid);
	assert_non_null(ledger);
	print_message("    %s, %" PRIu64 " records, %" PRIu64 " lost\n", watch.note,
		      ledger->totals.events, ledger->totals.lost);
	truth = truth_compare((uint32_t)watch.pid, ledger);
	assert_int_equal(ledger->totals.lost, 0);
	assert_int_equal(ledger->totals.repaired, 0);
	assert_int_equal(truth.missing + truth.extra, 0);
	assert_true(ledger->totals.events > 100000);
	watch_close(&watch);
}

/* 64 KiB hold some 1,000 records: a few milliseconds of hammering. */
static void loss_is_counted_and_healed(void **state)
{
	enum { INTERVAL_MS = 500 };
	const struct ledger *ledger;
	const struct report *report;
	struct watch watch;
	struct truth truth;
	size_t count;

	(void)state;
	if (!watch_possible())
		skip();
	hammer(&watch, 65536, INTERVAL_MS, "3");
	/* at rest from here on: one interval */
	watch_pump(&watch, INTERVAL_MS);
	ledger = watch_ledger(&watch, (uint32_t)watch.pid);
	assert_non_null(ledger);
	truth = truth_compare((uint32_t)watch.pid, ledger);
	print_message("    %s, %" PRIu64 " records, %" PRIu64 " lost, %" PRIu64
		      " pages repaired; one interval later %" PRIu64 " missing, %" PRIu64
		      " extra\n",
		      watch.note, ledger->totals.events, ledger->totals.lost,
		      ledger->totals.repaired, truth.missing, truth.extra);
	assert_true(ledger->totals.lost > 0);
	assert_int_equal(truth.missing + truth.extra, 0);
	/* and it is shown */
	watch_pump(&watch, INTERVAL_MS);
	report = process_newest(pipeline_processes(watch.pipeline, &count)[0]);
	assert_non_null(report);
	assert_int_equal(report->lost_total, ledger->totals.lost);
	assert_int_equal(report->unexplained, 0);
	watch_close(&watch);
}

/* A loss that hits the records of pages that stay: they are found again. */
static void lost_pages_are_found(void **state)
{
	struct live_options options = {.buffer_bytes = 4096,
				       .interval_ms = 500,
				       .stack_bytes = SNAPSHOT_BYTES_DEFAULT,
				       .stack_rate = LIVE_STACK_RATE_DEFAULT};
	char *argv[] = {"build/targets/mprotect_reserve", NULL};
	const struct ledger *ledger;
	struct watch watch;
	struct truth truth;

	(void)state;
	if (!watch_possible())
		skip();
	watch_open(&watch, &options);
	watch_spawn(&watch, argv, 0);
	while (watch_until_rest(&watch)) {
		watch_pump(&watch, 1000);
		ledger = watch_ledger(&watch, (uint32_t)watch.pid);
		assert_non_null(ledger);
		truth = truth_compare((uint32_t)watch.pid, ledger);
		assert_int_equal(truth.missing + truth.extra, 0);
		watch_next(&watch);
	}
	watch_close(&watch);
}

/*
 * The record of an munmap is lost: what was there lies in no mapping any more,
 * and goes from the ledger all the same.
 */
static void lost_unmaps_are_found(void **state)
{
	const struct ledger *ledger;
	struct watch watch;
	struct truth truth;

	(void)state;
	if (!watch_possible())
		skip();
	for (int round = 0; round < 3; round++) {
		hammer(&watch, LIVE_BUFFER_MIN, 500, "1");
		watch_settle(&watch);
		ledger = watch_ledger(&watch, (uint32_t)watch.pid);
		assert_non_null(ledger);
		truth = truth_compare((uint32_t)watch.pid, ledger);
		assert_true(ledger->totals.lost > 0);
		assert_int_equal(truth.missing + truth.extra, 0);
		watch_close(&watch);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_lost),
		cmocka_unit_test(loss_is_counted_and_healed),
		cmocka_unit_test(lost_pages_are_found),
		cmocka_unit_test(lost_unmaps_are_found),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("loss", tests, NULL, NULL);
}
