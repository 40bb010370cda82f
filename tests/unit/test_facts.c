// SPDX-License-Identifier: GPL-2.0-only
/* What histories of reports say as figures: the window, gains, steadiness, swings, purges, work. */
#include "tests/unit/support.h"

#include <sys/mman.h>

#include "tests/unit/verdict_history.h"

/* ---- which reports count ---- */

static void nothing_reported(void **state)
{
	struct history h = history_new(ALLOCATOR_GLIBC);
	struct facts facts = history_facts(&h);

	(void)state;
	assert_int_equal(facts.count, 0);
	assert_null(facts.last);
	assert_true(isnan(facts.growth.estimate) && isnan(facts.growth.low));
	assert_true(isnan(facts.invocation.estimate) && isnan(facts.invocation.high));
	assert_false(facts.grows || facts.may_grow || facts.grown || facts.working);
	history_free(&h);
}

/* Seven reports tell nothing, eight do; and a second and a half has to pass. */
static void too_few_or_too_short(void **state)
{
	struct history h = history_new(ALLOCATOR_GLIBC);
	struct facts facts;

	(void)state;
	RUN(&h, FACTS_REPORTS_MIN - 1, .anon = MIB(1));
	facts = history_facts(&h);
	assert_int_equal(facts.count, FACTS_REPORTS_MIN - 1);
	assert_true(isnan(facts.growth.estimate));
	assert_false(facts.grows);
	RUN(&h, 1, .anon = MIB(1));
	facts = history_facts(&h);
	assert_true(facts.growth.estimate == (double)MIB(3600));
	assert_true(facts.growth.low == facts.growth.estimate);
	assert_true(facts.grows);
	history_free(&h);

	h = history_new(ALLOCATOR_GLIBC);
	h.step_s = 0.125;
	RUN(&h, 12, .anon = MIB(1)); /* 1.375 s */
	assert_true(isnan(history_facts(&h).growth.estimate));
	RUN(&h, 1, .anon = MIB(1)); /* 1.5 s */
	assert_true(history_facts(&h).growth.estimate == (double)MIB(8 * 3600));
	history_free(&h);
}

/* What another program did before says nothing of the present one. */
static void begins_anew_at_exec(void **state)
{
	struct history h = history_new(ALLOCATOR_GLIBC);
	struct facts facts;

	(void)state;
	RUN(&h, 50, .anon = MIB(5));
	h.now.execs++;
	h.now.anon = (uint64_t)MIB(2);
	RUN(&h, 9, .anon = KIB(1));
	facts = history_facts(&h);
	assert_int_equal(facts.count, 9);
	assert_int_equal(facts.first->interval, 51);
	assert_int_equal(facts.middle->interval, 55);
	assert_int_equal(facts.last->interval, 59);
	assert_true(facts.seconds == 8);
	assert_true(facts.whole.rss == (double)KIB(8));
	assert_int_equal(facts.peak->interval, 59);
	assert_false(facts.grows);
	history_free(&h);
}

/* The pages are not all known at first, and the size is not before the first sample. */
static void incomplete_reports_are_left_out(void **state)
{
	struct history h = history_new(ALLOCATOR_GLIBC);
	struct facts facts;

	(void)state;
	h.now.anon = 0;
	RUN(&h, 3);
	h.now.anon = (uint64_t)MIB(10);
	h.now.complete = false;
	RUN(&h, 4);
	h.now.complete = true;
	h.now.anon = (uint64_t)MIB(50);
	RUN(&h, 10);
	facts = history_facts(&h);
	assert_int_equal(facts.count, 10);
	assert_int_equal(facts.first->interval, 8);
	assert_true(facts.whole.rss == 0);
	assert_false(facts.grows || facts.grown);
	history_free(&h);

	h = history_new(ALLOCATOR_GLIBC);
	h.now.anon = 0;
	RUN(&h, 20);
	assert_int_equal(history_facts(&h).count, 0);
	RUN(&h, 1, .anon = MIB(1));
	assert_int_equal(history_facts(&h).count, 1);
	history_free(&h);
}

/* The report that a process's end makes is within an interval that has one already. */
static void last_moment_is_left_out(void **state)
{
	struct history h = history_new(ALLOCATOR_GLIBC);
	struct facts facts;

	(void)state;
	RUN(&h, 20, .anon = MIB(1));
	h.now.interval--;
	h.now.time_s -= 0.99;
	RUN(&h, 1, .anon = -MIB(19));
	facts = history_facts(&h);
	assert_int_equal(facts.count, 20);
	assert_int_equal(facts.last->interval, 20);
	assert_int_equal(facts.last->rss, MIB(40));
	assert_true(facts.grows);
	assert_true(facts.swing == 0);
	/* one of an interval of its own counts */
	RUN(&h, 1);
	assert_int_equal(history_facts(&h).last->interval, 21);
	history_free(&h);

	/* a process that had but that */
	h = history_new(ALLOCATOR_GLIBC);
	RUN(&h, 1);
	h.now.interval--;
	RUN(&h, 1);
	assert_int_equal(history_facts(&h).count, 1);
	history_free(&h);
}

/* All that is kept counts, whatever came before and is overwritten. */
static void a_full_history(void **state)
{
	struct history h = history_new(ALLOCATOR_GLIBC);
	struct facts facts;

	(void)state;
	RUN(&h, 500, .anon = MIB(1));
	RUN(&h, REPORT_HISTORY, .anon = KIB(4));
	facts = history_facts(&h);
	assert_int_equal(facts.count, REPORT_HISTORY);
	assert_true(facts.seconds == REPORT_HISTORY - 1);
	assert_int_equal(facts.first->interval, 501);
	assert_int_equal(facts.last->interval, 500 + REPORT_HISTORY);
	assert_true(facts.whole.rss == (double)KIB(4 * (REPORT_HISTORY - 1)));
	assert_true(fabs(facts.growth.estimate - (double)KIB(4) * 3600) < 1);
	assert_true(facts.grows);
	/* and the last moment, when the ring is full */
	h.now.interval--;
	RUN(&h, 1, .anon = -MIB(300));
	facts = history_facts(&h);
	assert_int_equal(facts.count, REPORT_HISTORY - 1);
	assert_int_equal(facts.last->interval, 500 + REPORT_HISTORY);
	assert_int_equal(facts.first->interval, 502);
	history_free(&h);
}

/* ---- what was gained ---- */

static void assert_gain(const struct facts_gain *gain, double times)
{
	assert_true(gain->rss == times * (7 + 2 + 1) * 4096);
	assert_true(gain->file == times * 3 * 4096);
	assert_true(gain->lazy == times * 5 * 4096);
	assert_true(gain->heap == times * 11 * 4096);
	assert_true(gain->arenas == times * 13 * 4096);
	assert_true(gain->own == times * -1 * 4096);
	assert_true(gain->stacks == times * (17 + 19) * 4096);
	assert_true(gain->huge == times * 23 * 4096);
	assert_true(gain->live == times * 29);
	assert_true(gain->fragmented == times * -31);
	assert_true(gain->free == times * 37 * 4096);
	assert_true(gain->unknown == times * -41 * 4096);
}

static void gains_are_of_each_kind(void **state)
{
	struct history h = history_new(ALLOCATOR_GLIBC);
	struct facts facts;

	(void)state;
	history_probes(&h, 5000);
	h.now.parts.own = 1000;
	h.now.heap.fragmented_bytes = 1 << 20;
	h.now.heap.classes[HEAP_UNKNOWN] = 5000;
	RUN(&h, 21, .anon = 7 * 4096, .file = 2 * 4096, .shmem = 4096, .lazy = 5 * 4096, .heap = 11,
	    .arenas = 13, .own = -1, .threads = 17, .stack = 19, .huge = 23, .live = 29,
	    .fragmented = -31, .free = 37, .unknown = -41, .born = 43, .purged = 47 * 4096,
	    .returned = 53 * 4096);
	facts = history_facts(&h);
	assert_int_equal(facts.middle->interval, 11);
	assert_gain(&facts.newer, 10);
	assert_gain(&facts.whole, 20);
	assert_true(facts.born == 20 * 43 * 4096);
	assert_true(facts.purged == 20 * 47 * 4096);
	assert_true(facts.returned == 20 * 53 * 4096);
	history_free(&h);
}

/* 32 pages, or one part in a thousand of what is there: growth by less is not worth a word. */
static void small_growth_is_immaterial(void **state)
{
	static const struct {
		int64_t rss, step;
		double material;
		bool grows;
	} cases[] = {
		{MIB(20), KIB(13), FACTS_MATERIAL_BYTES, true}, /* 130K in the newer half */
		{MIB(20), KIB(12), FACTS_MATERIAL_BYTES, false},
		{MIB(2000), KIB(220), 0, true},
		{MIB(2000), KIB(200), 0, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct history h = history_new(ALLOCATOR_GLIBC);
		struct facts facts;

		h.now.anon = (uint64_t)cases[i].rss;
		RUN(&h, 21, .anon = cases[i].step);
		facts = history_facts(&h);
		assert_true(facts.material == (cases[i].material ? cases[i].material
								 : (double)facts.last->rss / 1000));
		assert_true(facts.growth.low > 0);
		assert_int_equal(facts.grows, cases[i].grows);
		history_free(&h);
	}
}

/* To have grown means by 16 times that, and by a fifth of what is there. */
static void grown_is_a_good_part(void **state)
{
	static const struct {
		int64_t from, by;
		bool grown;
	} cases[] = {
		{MIB(4), MIB(2), true},	    {MIB(4), MIB(2) - 4096, false},
		{MIB(40), MIB(10), true},   {MIB(40), MIB(10) - 4096, false},
		{MIB(40), -MIB(20), false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct history h = history_new(ALLOCATOR_GLIBC);

		h.now.anon = (uint64_t)cases[i].from;
		RUN(&h, 2);
		RUN(&h, 1, .anon = cases[i].by);
		RUN(&h, 20);
		assert_int_equal(history_facts(&h).grown, cases[i].grown);
		history_free(&h);
	}
}

/* ---- growth ---- */

static void add_level(struct history *h, double bytes)
{
	h->now.anon = (uint64_t)bytes & ~(uint64_t)4095;
	history_add(h);
}

/* What fills gains ever less: it is not growth, wherever the watch ends after the first third. */
static void what_fills_is_not_growth(void **state)
{
	(void)state;
	for (unsigned int count = 60; count <= 600; count += 60) {
		struct history h = history_new(ALLOCATOR_JEMALLOC);
		struct facts facts;

		for (unsigned int i = 0; i < count; i++)
			add_level(&h, 20e6 + 80e6 * (1 - exp(-(double)i / 20)));
		facts = history_facts(&h);
		if (facts.grows || !facts.grown)
			fail_msg("over %u reports: grows %d, grown %d", count, facts.grows,
				 facts.grown);
		history_free(&h);
	}
}

/* A leak that begins late shows in the newer half alone; and one that slows down a little is one.
 */
static void what_grows_late_is_growth(void **state)
{
	struct history h = history_new(ALLOCATOR_JEMALLOC);

	(void)state;
	RUN(&h, 40);
	RUN(&h, 40, .anon = KIB(64));
	assert_true(history_facts(&h).steady);
	assert_true(history_facts(&h).may_grow); /* half of the watch: not sure yet */
	RUN(&h, 40, .anon = KIB(64));
	assert_true(history_facts(&h).steady);
	assert_true(history_facts(&h).grows);
	history_free(&h);

	/* a start-up of 200 MiB, then a leak: of what a heap at work gains by chance it is not seen
	 */
	for (int leak = 0; leak <= 1; leak++) {
		h = history_new(ALLOCATOR_JEMALLOC);
		RUN(&h, 10, .anon = MIB(20));
		RUN(&h, 110,
		    .anon = leak ? KIB(256) : KIB(64)); /* 6% of RSS in the newer half, 2% */
		assert_int_equal(history_facts(&h).grows, leak);
		history_free(&h);
	}

	h = history_new(ALLOCATOR_JEMALLOC);
	RUN(&h, 60, .anon = KIB(100));
	RUN(&h, 60, .anon = KIB(60));
	assert_true(history_facts(&h).grows);
	history_free(&h);
}

/* One leap is no trend. */
static void a_leap_is_not_growth(void **state)
{
	(void)state;
	for (unsigned int at = 3; at < 117; at += 6) {
		struct history h = history_new(ALLOCATOR_JEMALLOC);

		RUN(&h, at);
		RUN(&h, 1, .anon = MIB(50));
		RUN(&h, 120 - at);
		assert_false(history_facts(&h).grows);
		history_free(&h);
	}
}

/* What climbs by steps may be done: it may grow, and is not said to. */
static void steps_may_be_growth(void **state)
{
	struct history h = history_new(ALLOCATOR_JEMALLOC);
	struct facts facts;

	(void)state;
	for (int i = 0; i < 120; i++)
		RUN(&h, 1, .anon = i % 40 == 20 ? MIB(20) : 0);
	facts = history_facts(&h);
	assert_false(facts.grows || facts.steady);
	assert_true(facts.may_grow);
	history_free(&h);
}

/* Invocations that leave something say so earlier than the size does. */
static void growth_by_invocations(void **state)
{
	struct history h = history_new(ALLOCATOR_JEMALLOC);
	struct facts facts;

	(void)state;
	h.now.per_invocation = (struct trend_range){4096, 4000, 4200};
	for (int i = 0; i < 30; i++)
		RUN(&h, 1, .anon = i % 5 ? 0 : MIB(1), .invocations = 1);
	facts = history_facts(&h);
	assert_true(facts.growth.low <= 0);
	assert_true(facts.invocation.estimate == 4096);
	assert_true(facts.grows);
	history_free(&h);

	/* but not where none has ended since the middle: that was then */
	h = history_new(ALLOCATOR_JEMALLOC);
	h.now.per_invocation = (struct trend_range){4096, 4000, 4200};
	h.now.invocations_total = 100;
	for (int i = 0; i < 30; i++)
		RUN(&h, 1, .anon = i % 5 ? 0 : MIB(1));
	assert_false(history_facts(&h).grows);
	history_free(&h);

	/* NAN is not above 0 */
	h = history_new(ALLOCATOR_JEMALLOC);
	for (int i = 0; i < 30; i++)
		RUN(&h, 1, .anon = i % 5 ? 0 : MIB(1), .invocations = 1);
	assert_false(history_facts(&h).grows);
	history_free(&h);
}

/* ---- rising and falling ---- */

/* Against the definitions, over random series. */
static void swings_are_as_defined(void **state)
{
	uint64_t seed = 11;

	(void)state;
	for (int round = 0; round < 200; round++) {
		struct history h = history_new(ALLOCATOR_GLIBC);
		unsigned int count = 8 + (unsigned int)random_below(&seed, 200);
		double rss[208], swing = 0, swing_newer = 0, trough = INFINITY, top = 0, older = 0,
				 newer = 0;
		unsigned int middle;
		struct facts facts;

		for (unsigned int i = 0; i < count; i++) {
			rss[i] = (double)(PAGES(1 + random_below(&seed, 50000)));
			add_level(&h, rss[i]);
		}
		facts = history_facts(&h);
		middle = (unsigned int)facts.middle->interval - 1;
		assert_true(middle == count / 2);
		for (unsigned int i = 0; i < count; i++) {
			for (unsigned int j = i + 1; j < count; j++) {
				swing = fmax(swing, rss[i] - rss[j]);
				if (i > middle)
					swing_newer = fmax(swing_newer, rss[i] - rss[j]);
			}
			top = fmax(top, rss[i]);
			if (i > middle) {
				trough = fmin(trough, rss[i]);
				newer = fmax(newer, rss[i]);
			} else {
				older = fmax(older, rss[i]);
			}
		}
		assert_true(facts.swing == swing);
		assert_true(facts.swing_newer == swing_newer);
		assert_true(facts.trough == trough);
		assert_true((double)facts.peak->rss == top);
		assert_true(facts.peak_gain == newer - older);
		history_free(&h);
	}
}

/* A tide that comes and goes is not growth, wherever the watch ends. */
static void a_sawtooth_is_not_growth(void **state)
{
	(void)state;
	for (unsigned int period = 4; period < 20; period++) {
		for (unsigned int count = 4 * period; count < 5 * period; count++) {
			struct history h = history_new(ALLOCATOR_GLIBC);
			struct facts facts;

			for (unsigned int i = 0; i < count; i++)
				add_level(&h, (double)MIB(20 + 40 * (i % period) / period));
			facts = history_facts(&h);
			if (facts.grows)
				fail_msg("period %u over %u reports grows", period, count);
			history_free(&h);
		}
	}
}

/* One that climbs, too: with few reports it is not sure to go on; with many it is. */
static void few_teeth_that_climb_are_not_sure(void **state)
{
	unsigned int sure = 0, unsure = 0;

	(void)state;
	for (unsigned int count = 24; count <= 96; count += 72)
		for (unsigned int phase = 0; phase < 20; phase++) {
			struct history h = history_new(ALLOCATOR_JEMALLOC);
			struct facts facts;

			/* in four reports up by 7 MiB, a rest, and down by 4 */
			for (unsigned int i = 0; i < count; i++) {
				unsigned int at = 5 * i + phase, within = at % 20;

				add_level(&h, (double)MIB(8) + (double)MIB(3) * (at / 20) +
						      (double)MIB(7) * (within < 13 ? within : 13) /
							      13);
			}
			facts = history_facts(&h);
			assert_true(facts.grows || facts.may_grow);
			if (count == 24)
				unsure += !facts.grows;
			else
				sure += facts.grows;
			history_free(&h);
		}
	/* not at any phase, not even if each tooth ends as the watch does */
	assert_int_equal(unsure, 20);
	assert_int_equal(sure, 20);
}

/* Most came early, fast, and it goes on, steadily: it has not come to rest. */
static void steady_growth_may_go_on(void **state)
{
	struct history h = history_new(ALLOCATOR_JEMALLOC);
	struct facts facts;

	(void)state;
	for (unsigned int i = 0; i < 24; i++)
		add_level(&h, i < 12 ? (double)MIB(8) * (i + 1)
				     : (double)MIB(96) + (double)KIB(700) * (i - 11));
	facts = history_facts(&h);
	assert_true(facts.newer.rss < 0.25 * facts.whole.rss);
	assert_false(facts.grows);
	assert_true(facts.may_grow);
	history_free(&h);
}

/* Where two moments differ by chance, the levels of two quarters do not. */
static void levels_are_medians(void **state)
{
	uint64_t seed = 3;

	(void)state;
	for (int round = 0; round < 50; round++) {
		struct history h = history_new(ALLOCATOR_GLIBC);

		for (unsigned int i = 0; i < 80; i++)
			add_level(&h, (double)(MIB(40) + PAGES(random_below(&seed, 4096)) +
					       (i == 79) * MIB(30)));
		assert_in_range(history_facts(&h).newer.rss, MIB(14), MIB(47));
		assert_true(fabs(history_facts(&h).level_gain) < (double)MIB(10));
		assert_true(history_facts(&h).level_gain != 0);
		history_free(&h);
	}
}

/* ---- late purges ---- */

/* Rises to 60 MiB within a few seconds, rests, and is purged to 20. */
static struct history burst(uint32_t allocator, unsigned int rest)
{
	struct history h = history_new(allocator);

	RUN(&h, 4, .anon = MIB(10), .born = PMIB(10));
	RUN(&h, rest);
	RUN(&h, 1, .anon = -MIB(40), .purged = MIB(40));
	RUN(&h, 8);
	return h;
}

static void late_purges_by_allocator(void **state)
{
	static const struct {
		uint32_t allocator;
		const char *settings;
		double late;
	} cases[] = {
		{ALLOCATOR_JEMALLOC, "", 40},
		{ALLOCATOR_JEMALLOC, "MALLOC_CONF=narenas:1,dirty_decay_ms:5000", 40},
		{ALLOCATOR_JEMALLOC, "MALLOC_CONF=dirty_decay_ms:0", 0},
		{ALLOCATOR_JEMALLOC, "MALLOC_CONF=dirty_decay_ms:0,narenas:1", 0},
		{ALLOCATOR_GLIBC, "", 40},
		{ALLOCATOR_MIMALLOC, "", 0},
		{ALLOCATOR_UNKNOWN, "", 0},
		{ALLOCATOR_TCMALLOC, "", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct history h = burst(cases[i].allocator, 6);
		struct facts facts;

		snprintf(h.process->ledger->settings.text, EVENT_SETTINGS_LEN, "%s",
			 cases[i].settings);
		facts = history_facts(&h);
		if (facts.late_purged != cases[i].late * (double)MIB(1))
			fail_msg("case %zu: %f", i, facts.late_purged / (double)MIB(1));
		if (cases[i].late)
			assert_true(facts.late_seconds == 6); /* the purge is within the next */
		assert_true(facts.purged == (double)MIB(40));
		history_free(&h);
	}
}

/* A second without births is a rest; a purge in the midst of work is not late. */
static void late_is_after_a_rest(void **state)
{
	struct history h = burst(ALLOCATOR_JEMALLOC, 0);

	(void)state;
	assert_true(history_facts(&h).late_purged == 0);
	history_free(&h);
	h = burst(ALLOCATOR_JEMALLOC, 1);
	assert_true(history_facts(&h).late_purged == (double)MIB(40));
	history_free(&h);

	/* pages are touched all the while: more than one in a hundred */
	h = history_new(ALLOCATOR_JEMALLOC);
	RUN(&h, 4, .anon = MIB(10), .born = PMIB(10));
	RUN(&h, 6, .born = PMIB(1));
	RUN(&h, 1, .anon = -MIB(40), .purged = MIB(40));
	RUN(&h, 8);
	assert_true(history_facts(&h).late_purged == 0);
	history_free(&h);

	/* and a few now and then are a rest */
	h = history_new(ALLOCATOR_JEMALLOC);
	RUN(&h, 4, .anon = MIB(10), .born = PMIB(10));
	RUN(&h, 6, .born = 100);
	RUN(&h, 1, .anon = -MIB(40), .purged = MIB(40));
	RUN(&h, 8);
	assert_true(history_facts(&h).late_purged == (double)MIB(40));
	history_free(&h);
}

/* Small purges are how an allocator works. */
static void small_purges_are_not_late(void **state)
{
	struct history h = history_new(ALLOCATOR_JEMALLOC);

	(void)state;
	RUN(&h, 4, .anon = MIB(20), .born = PMIB(20));
	RUN(&h, 3);
	RUN(&h, 20, .anon = -MIB(4), .purged = MIB(4)); /* of 100 MiB */
	assert_true(history_facts(&h).late_purged == 0);
	RUN(&h, 1, .anon = -MIB(6), .purged = MIB(6));
	assert_true(history_facts(&h).late_purged == (double)MIB(6));
	history_free(&h);
}

/*
 * With heap evidence: what was free a second before, less what was purged since. 10 MiB have been
 * free for long, 20 have just become so when 25 are purged: 10 of these sat.
 */
static void late_purges_by_heap_evidence(void **state)
{
	static const struct {
		int64_t old_free, new_free, purged, late;
	} cases[] = {
		{PMIB(10), PMIB(20), MIB(25), MIB(10)},
		{PMIB(30), PMIB(5), MIB(25), MIB(25)},
		{0, PMIB(30), MIB(25), 0},
		{PMIB(8), 0, MIB(25), MIB(8)},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		/* mimalloc: by its name alone nothing would be late */
		struct history h = history_new(ALLOCATOR_MIMALLOC);
		struct facts facts;

		history_probes(&h, PMIB(5));
		RUN(&h, 4, .anon = MIB(10), .born = PMIB(10), .pages = PMIB(10),
		    .live_pages = PMIB(10), .live = MIB(10), .asked = MIB(10));
		h.step_s = 0.5;
		RUN(&h, 1, .live_pages = -cases[i].old_free, .free = cases[i].old_free);
		RUN(&h, 4);
		RUN(&h, 1, .live_pages = -cases[i].new_free, .free = cases[i].new_free);
		RUN(&h, 1, .anon = -cases[i].purged, .purged = cases[i].purged);
		RUN(&h, 5);
		facts = history_facts(&h);
		assert_true(facts.has_heap);
		if (facts.late_purged != (double)cases[i].late)
			fail_msg("case %zu: %f MiB", i, facts.late_purged / (double)MIB(1));
		/* without it, the allocator's habit decides */
		facts_gather(h.process, false, &facts);
		assert_false(facts.has_heap);
		assert_true(facts.late_purged == 0);
		history_free(&h);
	}
}

/* What was purged meanwhile went first: it is not counted twice. */
static void late_purges_come_in_order(void **state)
{
	struct history h = history_new(ALLOCATOR_MIMALLOC);

	(void)state;
	history_probes(&h, PMIB(5));
	RUN(&h, 4, .anon = MIB(10), .born = PMIB(10), .pages = PMIB(10), .live_pages = PMIB(10));
	h.step_s = 0.5;
	RUN(&h, 1, .live_pages = -PMIB(20), .free = PMIB(20));
	RUN(&h, 3);
	/* 12 of the 20 that sat go, and 10 are freed; half a second later 15 go: 8 of them sat */
	RUN(&h, 1, .anon = -MIB(12), .purged = MIB(12), .free = -PMIB(2), .pages = -PMIB(12),
	    .live_pages = -PMIB(10));
	RUN(&h, 1, .anon = -MIB(15), .purged = MIB(15), .free = -PMIB(15), .pages = -PMIB(15));
	RUN(&h, 5);
	assert_true(history_facts(&h).late_purged == (double)MIB(12 + 8));
	history_free(&h);
}

/* ---- work ---- */

static void idle_and_working(void **state)
{
	static const struct {
		int64_t cpu_ms; /* in the newer half, of 10 s */
		bool working;
	} cases[] = {{0, false}, {50, false}, {99, false}, {100, true}, {5000, true}};
	struct history h;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		h = history_new(ALLOCATOR_GLIBC);
		RUN(&h, 11); /* what was before does not count */
		RUN(&h, 1, .cpu_ms = cases[i].cpu_ms);
		RUN(&h, 9);
		assert_int_equal(history_facts(&h).working, cases[i].working);
		assert_int_equal(history_facts(&h).shows_work, cases[i].working);
		assert_true(fabs(history_facts(&h).cpu_share - (double)cases[i].cpu_ms / 10e3) <
			    1e-9);
		history_free(&h);
	}
	/* one tick is no work, however short the time; two are */
	for (int64_t ticks = 1; ticks <= 2; ticks++) {
		h = history_new(ALLOCATOR_GLIBC);
		h.step_s = 0.25;
		RUN(&h, 7);
		RUN(&h, 1, .cpu_ms = 10 * ticks);
		RUN(&h, 3);
		assert_int_equal(history_facts(&h).working, ticks == 2);
		history_free(&h);
	}
}

/* Who works less than half as hard as it did while it grew does little: it waits, and looks. */
static void less_work_than_before(void **state)
{
	(void)state;
	for (int64_t cpu_ms = 240; cpu_ms <= 260; cpu_ms += 20) {
		struct history h = history_new(ALLOCATOR_GLIBC);

		RUN(&h, 2);
		RUN(&h, 8, .anon = MIB(10), .cpu_ms = 500);
		RUN(&h, 20, .cpu_ms = cpu_ms);
		assert_int_equal(history_facts(&h).working, cpu_ms > 250);
		history_free(&h);
	}
}

/* Invocations that end, and pages that are born, are work, too. */
static void work_without_cpu_time(void **state)
{
	struct history h = history_new(ALLOCATOR_GLIBC);

	(void)state;
	RUN(&h, 15);
	RUN(&h, 1, .invocations = 1);
	RUN(&h, 5);
	assert_true(history_facts(&h).shows_work);
	assert_false(history_facts(&h).working);
	history_free(&h);
	for (int64_t pages = 127; pages <= 128; pages++) { /* four times what is material */
		h = history_new(ALLOCATOR_GLIBC);
		RUN(&h, 15);
		RUN(&h, 1, .born = pages);
		RUN(&h, 5);
		assert_int_equal(history_facts(&h).shows_work, pages == 128);
		history_free(&h);
	}
	/* in the older half they are not the present */
	h = history_new(ALLOCATOR_GLIBC);
	RUN(&h, 5, .invocations = 5, .born = 1000, .cpu_ms = 500);
	RUN(&h, 15);
	assert_false(history_facts(&h).shows_work);
	history_free(&h);
}

static void new_arenas(void **state)
{
	struct history h = history_new(ALLOCATOR_GLIBC);

	(void)state;
	RUN(&h, 10, .arena_count = 1);
	RUN(&h, 11, .arena_count = 1);
	assert_int_equal(history_facts(&h).arenas_new, 10);
	RUN(&h, 30, .arena_count = 0);
	assert_int_equal(history_facts(&h).arenas_new, 0);
	RUN(&h, 1, .arena_count = -20);
	assert_int_equal(history_facts(&h).arenas_new, 0);
	history_free(&h);
}

static void purge_thread_is_known_from_settings(void **state)
{
	struct history h = history_new(ALLOCATOR_JEMALLOC);

	(void)state;
	RUN(&h, 10);
	assert_false(history_facts(&h).purge_thread);
	h.process->ledger->settings.flags = SETTINGS_PURGE_THREAD;
	assert_true(history_facts(&h).purge_thread);
	history_free(&h);
}

/* ---- heap evidence ---- */

/* Below 70% of the heap known it does not decide. */
static void heap_has_to_be_known(void **state)
{
	static const struct {
		int64_t unknown;
		bool has;
	} cases[] = {{0, true}, {299, true}, {300, true}, {301, false}, {1000, false}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct history h = history_new(ALLOCATOR_JEMALLOC);
		struct facts facts;

		history_probes(&h, 1000);
		history_move(&h, &(struct delta){.live_pages = -cases[i].unknown,
						 .unknown = cases[i].unknown});
		RUN(&h, 20);
		facts = history_facts(&h);
		assert_int_equal(facts.has_heap, cases[i].has);
		assert_int_equal(facts.heap_spans, cases[i].has);
		assert_true(fabs(facts.heap_known - 1 + (double)cases[i].unknown / 1000) < 1e-9);
		facts_gather(h.process, false, &facts);
		assert_false(facts.has_heap || facts.heap_spans);
		history_free(&h);
	}
}

/* Gains by heap evidence need it on both sides: since before the middle, the same probes. */
static void heap_has_to_span(void **state)
{
	struct history h = history_new(ALLOCATOR_JEMALLOC);

	(void)state;
	RUN(&h, 15);
	history_probes(&h, 1000);
	RUN(&h, 5);
	assert_true(history_facts(&h).has_heap);
	assert_false(history_facts(&h).heap_spans);
	assert_true(history_facts(&h).turnover == 0);
	RUN(&h, 15, .turnover = 100);
	assert_true(history_facts(&h).heap_spans);
	assert_true(history_facts(&h).turnover > 0);
	h.now.heap.begin_ns++; /* taken off, and placed again */
	RUN(&h, 1);
	assert_true(history_facts(&h).has_heap);
	assert_false(history_facts(&h).heap_spans);
	history_free(&h);
}

/* By the bytes that were asked for. */
static void live_data_grows(void **state)
{
	struct history h = history_new(ALLOCATOR_JEMALLOC);
	struct facts facts;

	(void)state;
	history_probes(&h, PMIB(20));
	RUN(&h, 41, .asked = KIB(64), .live = KIB(64));
	facts = history_facts(&h);
	assert_true(facts.asked_gain == (double)KIB(64 * 20));
	assert_true(facts.live_grows);
	history_free(&h);

	/* a cache that fills: no growth, and its peak is as high as before */
	h = history_new(ALLOCATOR_JEMALLOC);
	history_probes(&h, PMIB(20));
	for (int i = 0; i < 120; i++) {
		h.now.heap.asked_bytes = (uint64_t)(20e6 + 80e6 * (1 - exp(-(double)i / 15)));
		RUN(&h, 1);
	}
	facts = history_facts(&h);
	assert_false(facts.live_grows || facts.live_may_grow);
	history_free(&h);

	/* twice as high a peak may be growth */
	h = history_new(ALLOCATOR_JEMALLOC);
	history_probes(&h, PMIB(20));
	RUN(&h, 20);
	RUN(&h, 1, .asked = MIB(20));
	RUN(&h, 1, .asked = -MIB(20));
	RUN(&h, 10);
	facts = history_facts(&h);
	assert_false(facts.live_grows);
	assert_true(facts.live_may_grow);
	history_free(&h);
}

/* The probes went, and the program works on: what was free then may be in use now. */
static void heap_evidence_gets_old(void **state)
{
	struct history h = history_new(ALLOCATOR_JEMALLOC);

	(void)state;
	h.now.time_s = 100;
	history_probes(&h, 1000);
	h.now.heap.begin_ns = WORLD_START + MS(100000);
	RUN(&h, 30);
	assert_true(history_facts(&h).has_heap);
	h.now.heap.on = false;
	h.now.heap.end_ns = h.now.time_ns;
	RUN(&h, 30);
	assert_true(history_facts(&h).has_heap); /* not older than it was long */
	RUN(&h, 1);
	assert_false(history_facts(&h).has_heap);
	assert_false(history_facts(&h).heap_spans);
	history_free(&h);
}

/* ---- by records, from the ledger's door on ---- */

#define BASE ((uint64_t)0x7f0000000000)

static void by_records(void **state)
{
	struct world w = world_new();
	struct process *process = process_new(w.ledger);
	struct facts facts;

	(void)state;
	assert_non_null(process);
	world_mmap(&w, BASE, PAGES(100000), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
	for (uint64_t i = 1; i <= 20; i++) {
		struct event_sample sample = {
			.anon_bytes = PAGES(1000 + 50 * i), .cpu_ns = MS(100) * i, .threads = 3};

		w.now += MS(1000);
		world_touch(&w, BASE + PAGES(60 * (i - 1)), 60);
		world_range(&w, EVENT_MADVISE, BASE + PAGES(60 * (i - 1)), PAGES(10),
			    EVENT_CALL_MADVISE, MADV_DONTNEED);
		world_feed(&w, &sample.h, EVENT_SAMPLE, sizeof(sample));
		assert_int_equal(process_report(process, w.now, i), 0);
	}
	facts_gather(process, true, &facts);
	assert_int_equal(facts.count, 20);
	assert_true(facts.seconds == 19);
	assert_true(facts.grows && facts.steady && facts.working);
	assert_true(facts.growth.estimate == (double)PAGES(50) * 3600);
	assert_true(facts.born == (double)PAGES(60 * 19));
	assert_true(facts.purged == (double)PAGES(10 * 19));
	assert_true(facts.newer.heap == (double)PAGES(50 * 9));
	assert_true(fabs(facts.cpu_share - 0.1) < 1e-9);
	assert_int_equal(process->verdict.kind, VERDICT_LIVE_GROWTH);
	process_free(process);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_reported),
		cmocka_unit_test(too_few_or_too_short),
		cmocka_unit_test(begins_anew_at_exec),
		cmocka_unit_test(incomplete_reports_are_left_out),
		cmocka_unit_test(last_moment_is_left_out),
		cmocka_unit_test(a_full_history),
		cmocka_unit_test(gains_are_of_each_kind),
		cmocka_unit_test(small_growth_is_immaterial),
		cmocka_unit_test(grown_is_a_good_part),
		cmocka_unit_test(what_fills_is_not_growth),
		cmocka_unit_test(what_grows_late_is_growth),
		cmocka_unit_test(a_leap_is_not_growth),
		cmocka_unit_test(steps_may_be_growth),
		cmocka_unit_test(growth_by_invocations),
		cmocka_unit_test(swings_are_as_defined),
		cmocka_unit_test(a_sawtooth_is_not_growth),
		cmocka_unit_test(few_teeth_that_climb_are_not_sure),
		cmocka_unit_test(steady_growth_may_go_on),
		cmocka_unit_test(levels_are_medians),
		cmocka_unit_test(late_purges_by_allocator),
		cmocka_unit_test(late_is_after_a_rest),
		cmocka_unit_test(small_purges_are_not_late),
		cmocka_unit_test(late_purges_by_heap_evidence),
		cmocka_unit_test(late_purges_come_in_order),
		cmocka_unit_test(idle_and_working),
		cmocka_unit_test(less_work_than_before),
		cmocka_unit_test(work_without_cpu_time),
		cmocka_unit_test(new_arenas),
		cmocka_unit_test(purge_thread_is_known_from_settings),
		cmocka_unit_test(heap_has_to_be_known),
		cmocka_unit_test(heap_has_to_span),
		cmocka_unit_test(live_data_grows),
		cmocka_unit_test(heap_evidence_gets_old),
		cmocka_unit_test(by_records),
	};

	return cmocka_run_group_tests_name("facts", tests, NULL, NULL);
}
