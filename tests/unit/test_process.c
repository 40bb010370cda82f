// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/support.h"

#include <math.h>

#include <sys/mman.h>

#include "user/verdict/process.h"

#define A ((uint64_t)0x7f0000000000)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

/* The process owns the ledger of the world. */
static struct process *process_make(struct world *w)
{
	struct process *process;

	*w = world_new();
	process = process_new(w->ledger);
	assert_non_null(process);
	w->now = WORLD_START;
	world_mmap(w, A, PAGES(100000), PROT_READ | PROT_WRITE, ANON);
	return process;
}

static void sample(struct world *w, uint64_t anon, uint64_t file, uint64_t shmem)
{
	struct event_sample event = {.anon_bytes = anon,
				     .file_bytes = file,
				     .shmem_bytes = shmem,
				     .swap_bytes = 77,
				     .virtual_bytes = 1 << 30};

	world_feed(w, &event.h, EVENT_SAMPLE, sizeof(event));
}

static const struct report *report(struct world *w, struct process *process, uint64_t number)
{
	assert_int_equal(process_report(process, w->now, number), 0);
	return process_newest(process);
}

static void a_report_adds_up(void **state)
{
	struct world w;
	struct process *process = process_make(&w);
	const struct report *newest;

	(void)state;
	assert_null(process_newest(process));
	world_touch(&w, A, 100);
	w.now += MS(500);
	world_interval(&w, 1);
	w.now += MS(500);
	world_touch(&w, A + PAGES(100), 50);
	world_range(&w, EVENT_MADVISE, A, PAGES(20), EVENT_CALL_MADVISE, MADV_DONTNEED);
	world_range(&w, EVENT_UNMAP, A + PAGES(20), PAGES(10), EVENT_CALL_MUNMAP, 0);
	world_range(&w, EVENT_MADVISE, A + PAGES(30), PAGES(5), EVENT_CALL_MADVISE, MADV_FREE);
	sample(&w, PAGES(123), PAGES(1000), PAGES(7));
	newest = report(&w, process, 9);
	assert_true(newest->time_s == 1.0);
	assert_true(newest->time_ns == w.now);
	assert_int_equal(newest->interval, 9);
	assert_int_equal(newest->rss, PAGES(123 + 1000 + 7));
	assert_int_equal(newest->anon, PAGES(123));
	assert_int_equal(newest->file, PAGES(1000));
	assert_int_equal(newest->shmem, PAGES(7));
	assert_int_equal(newest->swap, 77);
	assert_int_equal(newest->virtual, 1 << 30);
	assert_int_equal(newest->resident, PAGES(120));
	assert_int_equal(newest->retained, PAGES(70));
	assert_int_equal(newest->lazyfree, PAGES(5));
	assert_int_equal(newest->purged_total, PAGES(20));
	assert_int_equal(newest->returned_total, PAGES(10));
	assert_int_equal(newest->born_pages_total, 150);
	assert_int_equal(newest->unexplained, PAGES(3));
	assert_true(newest->born_pages_per_s == 150);
	assert_int_equal(newest->events_total, 1 + 150 + 3);
	process_free(process);
}

/* Unexplained is as of the sample: what came after it was not yet there. */
static void unexplained_is_taken_with_the_sample(void **state)
{
	struct world w;
	struct process *process = process_make(&w);

	(void)state;
	w.now += MS(100);
	world_touch(&w, A, 10);
	assert_int_equal(report(&w, process, 1)->unexplained, 0); /* nothing sampled yet */
	sample(&w, PAGES(10), 0, 0);
	world_touch(&w, A + PAGES(10), 90);
	assert_int_equal(report(&w, process, 2)->unexplained, 0);
	sample(&w, PAGES(98), 0, 0);
	assert_int_equal(report(&w, process, 3)->unexplained, -(int64_t)PAGES(2));
	process_free(process);
}

static void rates_are_per_second_of_the_interval(void **state)
{
	struct world w;
	struct process *process = process_make(&w);
	const struct report *newest;

	(void)state;
	w.now += MS(2000);
	world_touch(&w, A, 100);
	newest = report(&w, process, 1);
	assert_true(newest->born_pages_per_s == 50);
	assert_true(newest->events_per_s == (double)101 / 2);
	w.now += MS(500);
	world_touch(&w, A + PAGES(100), 30);
	newest = report(&w, process, 2);
	assert_true(newest->born_pages_per_s == 60);
	assert_true(newest->events_per_s == 60);
	/* no time has passed: no rate, and no division by it */
	newest = report(&w, process, 3);
	assert_true(newest->born_pages_per_s == 0);
	process_free(process);
}

static void growth_is_per_hour(void **state)
{
	struct world w;
	struct process *process = process_make(&w);

	(void)state;
	for (uint64_t i = 1; i <= 300; i++) {
		w.now += MS(1000);
		/* a spike every 7th second, and a leak of 4 KiB a second underneath */
		sample(&w, PAGES(1000 + i) + (i % 7 ? 0 : PAGES(5000)), 0, 0);
		report(&w, process, i);
		if (i == 1)
			assert_true(isnan(process_newest(process)->growth_per_hour));
	}
	assert_true(fabs(process_newest(process)->growth_per_hour - 4096.0 * 3600) <
		    4096.0 * 3600 / 20);
	/* what was long ago does not count */
	for (uint64_t i = 0; i < GROWTH_WINDOW; i++) {
		w.now += MS(1000);
		report(&w, process, 300 + i);
	}
	assert_true(process_newest(process)->growth_per_hour == 0);
	process_free(process);
}

/* What grew for three seconds and rests as long grows no more. */
static void what_rests_grows_no_more(void **state)
{
	struct world w;
	struct process *process = process_make(&w);

	(void)state;
	for (uint64_t i = 1; i <= 7; i++) {
		w.now += MS(1000);
		sample(&w, PAGES(5000 * (i < 4 ? i : 4)), 0, 0);
		report(&w, process, i);
		if (i > 2 && i < 5)
			assert_true(process_newest(process)->growth_per_hour > 1e9);
	}
	assert_true(process_newest(process)->growth_per_hour == 0);
	process_free(process);
}

/* Before the first sample nothing is known of the size: that is not a growth from 0. */
static void reports_without_a_sample_do_not_grow(void **state)
{
	struct world w;
	struct process *process = process_make(&w);

	(void)state;
	w.now += MS(1000);
	report(&w, process, 1);
	for (uint64_t i = 2; i < 4; i++) {
		w.now += MS(1000);
		sample(&w, PAGES(1000000), 0, 0);
		report(&w, process, i);
	}
	assert_true(process_newest(process)->growth_per_hour == 0);
	process_free(process);
}

static void the_ring_keeps_the_newest(void **state)
{
	struct world w;
	struct process *process = process_make(&w);

	(void)state;
	for (uint64_t i = 1; i <= REPORT_HISTORY + 30; i++) {
		w.now += MS(1000);
		assert_int_equal(report(&w, process, i)->interval, i);
		assert_int_equal(process->report_count, i);
		for (uint64_t back = 0; back < i && back < REPORT_HISTORY; back += 97)
			assert_int_equal(process_report_at(process, back)->interval, i - back);
		assert_null(process_report_at(process, i));
	}
	assert_int_equal(process_report_at(process, REPORT_HISTORY - 1)->interval, 31);
	assert_null(process_report_at(process, REPORT_HISTORY));
	assert_null(process_report_at(process, UINT64_MAX));
	process_free(process);
}

/* Each invocation keeps three pages; one in five has 30, and gives all but three back. */
static void invocations_are_reported(void **state)
{
	struct world w;
	struct process *process = process_make(&w);
	const struct report *newest;
	uint64_t next = A;

	(void)state;
	newest = report(&w, process, 1);
	assert_int_equal(newest->invocations_total, 0);
	assert_int_equal(newest->invocation_retained, 0);
	assert_true(isnan(newest->per_invocation.estimate));
	assert_true(isnan(newest->per_invocation.low) && isnan(newest->per_invocation.high));
	for (int i = 0; i < 400; i++) {
		unsigned int pages = i % 5 ? 3 : 30;

		world_invocation(&w, INVOCATION_BEGIN, "a");
		world_touch(&w, next, pages);
		world_invocation(&w, INVOCATION_END, "a");
		world_range(&w, EVENT_MADVISE, next + PAGES(3), PAGES(27), EVENT_CALL_MADVISE,
			    MADV_DONTNEED);
		next += PAGES(pages);
		if (i == 3)
			assert_true(isnan(report(&w, process, 2)->per_invocation.estimate));
	}
	world_invocation(&w, INVOCATION_END, "unknown");
	world_invocation(&w, INVOCATION_BEGIN, "cut");
	world_touch(&w, next, 10);
	world_invocation(&w, INVOCATION_GONE, "");
	world_invocation(&w, INVOCATION_BEGIN, "open");
	world_touch(&w, next + PAGES(10), 50);
	newest = report(&w, process, 3);
	assert_int_equal(newest->invocations_total, 400);
	assert_int_equal(newest->invocations_unmatched_total, 2);
	assert_int_equal(newest->invocation_retained, PAGES(400 * 3 + 10));
	/* by how much the 30 stand out in a block's ends */
	assert_true(fabs(newest->per_invocation.estimate - 3 * 4096) < 4096);
	assert_true(newest->per_invocation.low <= 3 * 4096);
	assert_true(newest->per_invocation.high >= 3 * 4096);
	process_free(process);
}

/* The last count of the kernel's is older than its end, or there is none. */
static void an_end_is_counted_by_the_ledger(void **state)
{
	struct world w;
	struct process *process = process_make(&w);
	struct event_exit exited = {0};
	const struct report *newest;

	(void)state;
	world_touch(&w, A, 100);
	sample(&w, PAGES(103), PAGES(1000), 0);
	world_touch(&w, A + PAGES(100), 50);
	newest = report(&w, process, 1);
	assert_int_equal(newest->anon, PAGES(103));
	world_feed(&w, &exited.h, EVENT_EXIT, sizeof(exited));
	newest = report(&w, process, 2);
	assert_int_equal(newest->anon, PAGES(150));
	assert_int_equal(newest->rss, PAGES(1150));
	/* what the last count could not explain is not explained by the end */
	assert_int_equal(newest->unexplained, PAGES(3));
	process_free(process);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_report_adds_up),
		cmocka_unit_test(an_end_is_counted_by_the_ledger),
		cmocka_unit_test(unexplained_is_taken_with_the_sample),
		cmocka_unit_test(rates_are_per_second_of_the_interval),
		cmocka_unit_test(growth_is_per_hour),
		cmocka_unit_test(what_rests_grows_no_more),
		cmocka_unit_test(reports_without_a_sample_do_not_grow),
		cmocka_unit_test(the_ring_keeps_the_newest),
		cmocka_unit_test(invocations_are_reported),
	};

	return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
