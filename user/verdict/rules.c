// SPDX-License-Identifier: GPL-2.0-only
#include "user/verdict/rules.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "user/base/units.h"

/* A cause explains growth, or what is kept, from this share of it on. */
#define MOST 0.5

/* Heap evidence: of the heap's pages, or of growth, this much is worth a verdict of its own. */
#define RETAINED_SHARE 0.3

/* And no less than this: an allocator always keeps something. */
#define RETAINED_BYTES ((double)(1 << 20))

/* What a program's own code and libraries may take as it starts is no finding. */
#define LOADED_BYTES ((double)(16 << 20))

/* What rises and falls comes down again by this share of the way, and as far, or it climbs. */
#define BACK_SHARE 0.5
#define TROUGH_SHARE 0.4
#define SWINGS_MIN 3

/* Peaks that differ by no more than this are the same. */
#define SAME_SHARE 0.05

/* A program that frees much at once, and keeps few pages in a row, has holes in its heap. */
#define HOLES_PAGES 8

/* A part of facts.newer and its RSS. */
#define OF_GAIN "%s of the %s that RSS gained since the middle of the watch "

__attribute__((format(printf, 2, 3))) static bool say(struct finding *finding, const char *format,
						      ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(finding->text, sizeof(finding->text), format, args);
	va_end(args);
	return true;
}

static const char *bytes(double value)
{
	static _Thread_local char texts[8][UNITS_TEXT_LEN];
	static _Thread_local unsigned int next;

	return units_bytes(texts[next++ % 8], value < 0 ? 0 : value);
}

static double share_of(double part, double whole)
{
	if (whole <= 0 || part <= 0)
		return 0;
	return part < whole ? part / whole : 1;
}

/* Growth that a cause explains: most of what was gained in the newer half. */
static bool explains_growth(const struct facts *facts, struct finding *finding, double part)
{
	finding->share = share_of(part, facts->newer.rss);
	finding->kept = part;
	return finding->share >= MOST;
}

/* ---- what cannot be judged ---- */

static bool too_little(const struct facts *facts, struct finding *finding)
{
	if (facts->count >= FACTS_REPORTS_MIN && facts->seconds >= FACTS_SECONDS_MIN)
		return false;
	if (facts->process->ledger->execs > 1)
		return say(finding,
			   "it has begun a new program %" PRIu32
			   " times, the last one %.1f s ago: what grew before is gone, and since "
			   "then there is too little to tell",
			   facts->process->ledger->execs, facts->seconds);
	return say(finding, "there are %zu reports over %.1f s: at least %d over %.1f s are needed",
		   facts->count, facts->seconds, FACTS_REPORTS_MIN, FACTS_SECONDS_MIN);
}

/* ---- growth ---- */

static bool lazy_growth(const struct facts *facts, struct finding *finding)
{
	return explains_growth(facts, finding, facts->newer.lazy) &&
	       say(finding,
		   OF_GAIN "is lazily freed: "
			   "given back by MADV_FREE, and counted until the kernel wants it",
		   bytes(facts->newer.lazy), bytes(facts->newer.rss));
}

static bool file_growth(const struct facts *facts, struct finding *finding)
{
	return explains_growth(facts, finding, facts->newer.file) &&
	       say(finding, OF_GAIN "is in mapped files and shared memory",
		   bytes(facts->newer.file), bytes(facts->newer.rss));
}

static bool stack_growth(const struct facts *facts, struct finding *finding)
{
	const struct ledger_parts *a = &facts->middle->parts, *b = &facts->last->parts;

	return explains_growth(facts, finding, facts->newer.stacks) &&
	       say(finding,
		   OF_GAIN "is in stacks of threads: %" PRIu64 " of them in use, %" PRIu64
			   " before",
		   bytes(facts->newer.stacks), bytes(facts->newer.rss), b->thread_stacks,
		   a->thread_stacks);
}

static bool huge_growth(const struct facts *facts, struct finding *finding)
{
	return explains_growth(facts, finding, facts->newer.huge) &&
	       say(finding, OF_GAIN "came along in huge pages: one touch made 2 MiB resident",
		   bytes(facts->newer.huge), bytes(facts->newer.rss));
}

/* Arenas that go on growing after they were made hold what grows; this is about new ones. */
static bool arena_growth(const struct facts *facts, struct finding *finding)
{
	if (facts->arenas_new < 2 || !explains_growth(facts, finding, facts->newer.arenas))
		return false;
	if (facts->heap_spans && facts->newer.live >= MOST * facts->newer.arenas)
		return false;
	return say(finding,
		   OF_GAIN "is in arenas of threads, %" PRIu32 " of them new; there are %" PRIu64
			   " for %" PRIu32 " threads",
		   bytes(facts->newer.arenas), bytes(facts->newer.rss), facts->arenas_new,
		   facts->last->parts.arena_count, facts->last->threads);
}

/*
 * Where copies come and go beside it, as of a buffer that realloc moves, RSS is no measure: live
 * data that grows steadily is the cause, also where what it left behind grows faster.
 */
static bool heap_live_trend(const struct facts *facts, struct finding *finding)
{
	double rss = fmax(facts->newer.rss, facts->asked_gain);

	finding->kept = facts->asked_gain;
	finding->share = share_of(facts->asked_gain, rss);
	return facts->live_grows && finding->share >= 0.2 &&
	       say(finding,
		   "live allocations gained %s since the middle of the watch, steadily, while RSS "
		   "gained %s",
		   bytes(facts->asked_gain), bytes(facts->newer.rss));
}

/* Live data does not grow, whatever it is at either end: what goes up is what is kept. */
static bool is_kept_growing(const struct facts *facts, struct finding *finding)
{
	double free = facts_class(facts->last, HEAP_FREE);

	if (facts->live_grows || facts->live_may_grow || free < RETAINED_BYTES ||
	    facts->newer.own >= MOST * facts->newer.rss)
		return false;
	finding->share = share_of(facts->newer.free, facts->newer.rss);
	finding->kept = free;
	return free >= RETAINED_SHARE * (double)(facts->last->heap.pages << PAGE_SHIFT);
}

static bool heap_retention_growth(const struct facts *facts, struct finding *finding)
{
	const struct facts_gain *gain = &facts->newer;
	bool most = gain->free > gain->live && gain->free > gain->fragmented &&
		    explains_growth(facts, finding, gain->free);

	return facts->heap_spans && (most || is_kept_growing(facts, finding)) &&
	       say(finding,
		   OF_GAIN "are pages without a "
			   "live allocation: the allocator keeps them; live data gained %s",
		   bytes(gain->free), bytes(gain->rss), bytes(gain->live));
}

static bool heap_fragment_growth(const struct facts *facts, struct finding *finding)
{
	const struct facts_gain *gain = &facts->newer;

	return facts->heap_spans && gain->fragmented > gain->live &&
	       explains_growth(facts, finding, gain->fragmented) &&
	       say(finding,
		   OF_GAIN "is the empty part "
			   "of pages that a live allocation keeps resident; live data gained %s",
		   bytes(gain->fragmented), bytes(gain->rss), bytes(gain->live));
}

static bool heap_live_growth(const struct facts *facts, struct finding *finding)
{
	const struct facts_gain *gain = &facts->newer;
	double live = gain->live + (gain->own > 0 ? gain->own : 0);

	return facts->heap_spans &&
	       (facts->live_grows || facts->live_may_grow || gain->own >= MOST * gain->rss) &&
	       explains_growth(facts, finding, live) &&
	       say(finding,
		   "since the middle of the watch live allocations gained %s while RSS gained %s; "
		   "free pages gained %s, the empty part of fragmented ones %s",
		   bytes(gain->live), bytes(gain->rss), bytes(gain->free), bytes(gain->fragmented));
}

/* What was born and what is left of it. */
static void say_survival(const struct facts *facts, struct finding *finding)
{
	double given = facts->purged + facts->returned;

	say(finding,
	    "pages that were first touched stay: RSS gained %s in %.0f s, %s were touched and %s "
	    "given back again",
	    bytes(facts->whole.rss), facts->seconds, bytes(facts->born), bytes(given));
}

static bool page_live_growth(const struct facts *facts, struct finding *finding)
{
	const struct facts_gain *gain = &facts->newer;
	double part = fmax(gain->heap, 0) + fmax(gain->arenas, 0) + fmax(gain->own, 0);

	if (!explains_growth(facts, finding, part))
		return false;
	/* heap evidence knows better */
	if (facts->heap_spans && !facts->live_grows && !facts->live_may_grow &&
	    gain->own < MOST * gain->rss)
		return false;
	say_survival(facts, finding);
	return true;
}

static bool other_growth(const struct facts *facts, struct finding *finding)
{
	return say(finding,
		   "RSS gained %s since the middle of the watch, and no cause explains half of it: "
		   "heaps %s, own mappings %s, stacks %s, files and shared memory %s",
		   bytes(facts->newer.rss), bytes(facts->newer.heap + facts->newer.arenas),
		   bytes(facts->newer.own), bytes(facts->newer.stacks), bytes(facts->newer.file));
}

static bool unsure_growth(const struct facts *facts, struct finding *finding)
{
	/* what is live does not grow, whatever RSS does */
	if (facts->heap_spans && !facts->live_may_grow)
		return false;
	return facts->may_grow &&
	       say(finding,
		   "RSS gained %s since the middle of the watch, but not steadily: its growth "
		   "per hour may be anything from %s%s to %s",
		   bytes(facts->newer.rss), facts->growth.low < 0 ? "-" : "",
		   bytes(fabs(facts->growth.low)), bytes(facts->growth.high));
}

/* ---- rest ---- */

/* What is kept since it grew, or at all: by a cause that has most of it. */
static bool explains_kept(const struct facts *facts, struct finding *finding, double part)
{
	finding->kept = part;
	finding->share = share_of(part, facts->whole.rss);
	return facts->grown && finding->share >= MOST;
}

static bool lazy_kept(const struct facts *facts, struct finding *finding)
{
	double lazy = (double)facts->last->lazyfree, rss = (double)facts->last->rss;

	finding->share = share_of(lazy, rss);
	finding->kept = lazy;
	return lazy >= facts->material && finding->share >= 0.25 &&
	       say(finding,
		   "%s of %s RSS is lazily freed: given back by MADV_FREE, and counted until the "
		   "kernel wants it",
		   bytes(lazy), bytes(rss));
}

static bool file_kept(const struct facts *facts, struct finding *finding)
{
	return explains_kept(facts, finding, facts->whole.file) &&
	       facts->whole.file >= LOADED_BYTES &&
	       say(finding, "%s of the %s that RSS gained is in mapped files and shared memory",
		   bytes(facts->whole.file), bytes(facts->whole.rss));
}

static bool stack_kept(const struct facts *facts, struct finding *finding)
{
	return explains_kept(facts, finding, facts->whole.stacks) &&
	       say(finding,
		   "%s of the %s that RSS gained is in stacks of threads, which the kernel never "
		   "takes back while they live",
		   bytes(facts->whole.stacks), bytes(facts->whole.rss));
}

static bool huge_kept(const struct facts *facts, struct finding *finding)
{
	return explains_kept(facts, finding, facts->whole.huge) &&
	       say(finding,
		   "%s of the %s that RSS gained came along in huge pages: one touch made 2 MiB "
		   "resident",
		   bytes(facts->whole.huge), bytes(facts->whole.rss));
}

static bool late_purge(const struct facts *facts, struct finding *finding)
{
	finding->kept = facts->late_purged;
	finding->share = share_of(facts->late_purged, (double)facts->peak->rss);
	return facts->late_purged >= RETAINED_BYTES && finding->share >= 0.25 &&
	       say(finding,
		   "%s were purged after the process had touched hardly a page for up to %.1f s: "
		   "they were free, and sat for some of that time",
		   bytes(facts->late_purged), facts->late_seconds);
}

static bool heap_arenas(const struct facts *facts, struct finding *finding)
{
	double heap = (double)(facts->last->heap.pages << PAGE_SHIFT);
	double free = facts_class(facts->last, HEAP_FREE);
	const struct ledger_parts *parts = &facts->last->parts;

	if (!facts->has_heap || parts->arena_count < 4 || free < RETAINED_BYTES ||
	    (double)(parts->arenas << PAGE_SHIFT) < MOST * heap)
		return false;
	finding->share = share_of(free, heap);
	finding->kept = free;
	return finding->share >= RETAINED_SHARE &&
	       say(finding,
		   "%s of %s heap are pages without a live allocation, most of them in %" PRIu64
		   " arenas of threads",
		   bytes(free), bytes(heap), parts->arena_count);
}

static bool heap_fragmented(const struct facts *facts, struct finding *finding)
{
	double heap = (double)(facts->last->heap.pages << PAGE_SHIFT);
	double empty = (double)facts->last->heap.fragmented_bytes;

	if (!facts->has_heap || empty < RETAINED_BYTES ||
	    empty < facts_class(facts->last, HEAP_FREE))
		return false;
	finding->share = share_of(empty, heap);
	finding->kept = empty;
	return finding->share >= RETAINED_SHARE &&
	       say(finding,
		   "%s of %s heap is the empty part of pages that a live allocation keeps "
		   "resident; %s are live in %" PRIu64 " allocations",
		   bytes(empty), bytes(heap), bytes((double)facts->last->heap.live_bytes),
		   facts->last->heap.live_count);
}

static bool heap_free_kept(const struct facts *facts, struct finding *finding)
{
	double heap = (double)(facts->last->heap.pages << PAGE_SHIFT);
	double free = facts_class(facts->last, HEAP_FREE);

	/* what is turned over as fast is used again, not kept */
	if (!facts->has_heap || free < RETAINED_BYTES || facts->turnover >= free ||
	    free < 0.15 * (double)facts->peak->rss)
		return false;
	finding->share = share_of(free, heap);
	finding->kept = free;
	return finding->share >= RETAINED_SHARE &&
	       say(finding,
		   "%s of %s heap are pages without a live allocation: the allocator keeps them; "
		   "%s are live",
		   bytes(free), bytes(heap), bytes((double)facts->last->heap.live_bytes));
}

/* Given back in places, with what stays in between: only where a good part was given back. */
static bool holes_suspected(const struct facts *facts, struct finding *finding)
{
	const struct ledger_parts *parts = &facts->last->parts;
	uint64_t pages = parts->heap + parts->arenas + parts->own;
	double run = parts->runs ? (double)pages / (double)parts->runs : 0;

	finding->kept = (double)(pages << PAGE_SHIFT);
	finding->share = share_of(finding->kept, (double)facts->last->rss);
	return !facts->has_heap && parts->runs && run <= HOLES_PAGES &&
	       finding->kept >= RETAINED_BYTES &&
	       facts->purged >= 0.25 * (double)facts->peak->rss && !facts->grows &&
	       say(finding,
		   "%s were purged in between what stays: the %s that are left lie in pieces of "
		   "%.1f pages",
		   bytes(facts->purged), bytes(finding->kept), run);
}

static bool is_restless(const struct facts *facts)
{
	return facts->swing >= 0.2 * (double)facts->peak->rss &&
	       facts->swing >= 8 * facts->material;
}

/* By a good part of the way up, and in the newer half again to about where it began. */
static bool comes_down(const struct facts *facts)
{
	double up = (double)(facts->peak->rss - facts->first->rss);

	/* again and again, and no higher than before */
	if (facts->falls >= 2 && facts->peak_gain <= SAME_SHARE * (double)facts->peak->rss)
		return true;
	/* it moves, up again as well or far, and the newer half came to nothing */
	if ((facts->falls || facts->swing >= BACK_SHARE * up) &&
	    facts->level_gain <= BACK_SHARE / 2 * facts->swing &&
	    facts->peak_gain <= BACK_SHARE / 5 * (double)facts->peak->rss)
		return true;
	if (facts->swing < BACK_SHARE * up ||
	    facts->trough - (double)facts->first->rss > TROUGH_SHARE * up)
		return false;
	/* over and over, or for good: a fall and a new rise may be anything */
	return facts->falls >= SWINGS_MIN ||
	       (double)facts->last->rss - (double)facts->first->rss <= TROUGH_SHARE * up;
}

/*
 * Rises and falls without growing. A fall that was purged late is late_purge's; here the program,
 * or its allocator, gives back as it goes, or uses again.
 */
static bool swings(const struct facts *facts, struct finding *finding)
{
	finding->kept = (double)facts->last->retained;
	finding->share = 1;
	return is_restless(facts) &&
	       (comes_down(facts) || (facts->falls >= SWINGS_MIN && facts->growth.estimate <= 0)) &&
	       say(finding,
		   "RSS rises and falls: it fell by up to %s from a peak of %s, and gained %s in "
		   "all; %s were touched and %s given back",
		   bytes(facts->swing), bytes((double)facts->peak->rss), bytes(facts->whole.rss),
		   bytes(facts->born), bytes(facts->purged + facts->returned));
}

static bool heap_plateau(const struct facts *facts, struct finding *finding)
{
	finding->kept = (double)facts->last->heap.live_bytes;
	finding->share = share_of(finding->kept, (double)facts->last->rss);
	return facts->has_heap && facts->grown &&
	       say(finding,
		   "RSS gained %s and has come to rest; %s are live, and what is freed is used "
		   "again",
		   bytes(facts->whole.rss), bytes(finding->kept));
}

static bool plateau(const struct facts *facts, struct finding *finding)
{
	finding->kept = (double)facts->last->retained;
	finding->share = share_of(finding->kept, (double)facts->last->rss);
	return facts->grown && facts->shows_work && !is_restless(facts) &&
	       say(finding,
		   "RSS gained %s and has come to rest while the process works (%.1f%% of a CPU): "
		   "it grows no more; pages alone do not tell how much of it is free",
		   bytes(facts->whole.rss), facts->cpu_share * 100);
}

static bool restless(const struct facts *facts, struct finding *finding)
{
	finding->kept = (double)facts->last->retained;
	return facts->grown && is_restless(facts) &&
	       say(finding,
		   "RSS gained %s and moves by up to %s: whether it grows cannot be told yet",
		   bytes(facts->whole.rss), bytes(facts->swing));
}

static bool kept_idle(const struct facts *facts, struct finding *finding)
{
	finding->kept = (double)facts->last->retained;
	finding->share = 0;
	return facts->grown &&
	       say(finding,
		   "RSS gained %s and stays while the process rests (%.1f%% of a CPU): pages "
		   "alone do not tell whether these are live or free",
		   bytes(facts->whole.rss), facts->cpu_share * 100);
}

static bool no_growth(const struct facts *facts, struct finding *finding)
{
	finding->kept = (double)facts->last->retained;
	finding->share = 1;
	return say(finding, "RSS was %s and is %s after %.0f s", bytes((double)facts->first->rss),
		   bytes((double)facts->last->rss), facts->seconds);
}

#define HEAP_WOULD "heap evidence (tidemark heap) tells live data from free pages"

/* From the first row on; a row's place is its precedence. */
const struct rule verdict_rules[] = {
	{"too_little", RULE_FIRST, VERDICT_UNKNOWN, TIER_PAGES, "a longer watch", too_little,
	 "Fewer than eight reports, or less than 1.5 s, of the present program."},

	{"lazy_growth", RULE_GROWING, VERDICT_LAZY_FREE, TIER_PAGES,
	 "memory pressure: the kernel then takes these pages without a fault of the program",
	 lazy_growth, "Most of the growth is lazily freed."},
	{"file_growth", RULE_GROWING, VERDICT_FILE_MAPPINGS, TIER_PAGES,
	 "growth of anonymous memory beside it", file_growth,
	 "Most of the growth is in mapped files and shared memory."},
	{"stack_growth", RULE_GROWING, VERDICT_THREAD_STACKS, TIER_PAGES,
	 "growth that goes on while no thread is made and none goes deeper", stack_growth,
	 "Most of the growth is in the stacks of threads."},
	{"huge_growth", RULE_GROWING, VERDICT_HUGE_PAGES, TIER_PAGES,
	 "a run with MADV_NOHUGEPAGE or transparent_hugepage=never that grows as fast: then it "
	 "is the data",
	 huge_growth, "Most of the growth came along in huge pages."},
	{"arena_growth", RULE_GROWING, VERDICT_ARENAS, TIER_PAGES,
	 "growth that goes on when no arena is added; " HEAP_WOULD, arena_growth,
	 "Most of the growth is in new arenas of threads, and not in live data."},
	{"heap_live_trend", RULE_ALWAYS, VERDICT_LIVE_GROWTH, TIER_HEAP,
	 "live data that stays the same over a longer time: a cache that fills comes to rest",
	 heap_live_trend, "Live allocations grow steadily, by a fifth of what RSS gains or more."},
	{"heap_retention_growth", RULE_GROWING, VERDICT_IDLE_RETENTION, TIER_HEAP,
	 "live data that grows as fast as RSS", heap_retention_growth,
	 "Pages without a live allocation are most of the growth."},
	{"heap_fragment_growth", RULE_GROWING, VERDICT_FRAGMENTATION, TIER_HEAP,
	 "live data that grows as fast as RSS", heap_fragment_growth,
	 "The empty part of partly live pages is most of the growth."},
	{"heap_live_growth", RULE_GROWING, VERDICT_LIVE_GROWTH, TIER_HEAP,
	 "live data that stays the same over a longer time: a cache that fills comes to rest",
	 heap_live_growth, "Live allocations are most of the growth."},
	{"live_growth", RULE_GROWING, VERDICT_LIVE_GROWTH, TIER_PAGES,
	 "fragmentation looks the same by pages: " HEAP_WOULD, page_live_growth,
	 "Births in heaps and own mappings survive, steadily: an allocator would use freed "
	 "pages again before it takes new ones."},
	{"other_growth", RULE_GROWING, VERDICT_UNKNOWN, TIER_PAGES, HEAP_WOULD, other_growth,
	 "It grows, and no cause explains half of it."},

	{"unsure_growth", RULE_RESTING, VERDICT_UNKNOWN, TIER_PAGES, "a longer watch",
	 unsure_growth, "It may grow: the interval of its growth contains 0."},
	{"lazy_kept", RULE_RESTING, VERDICT_LAZY_FREE, TIER_PAGES,
	 "memory pressure: the kernel then takes these pages without a fault of the program",
	 lazy_kept, "A quarter of RSS or more is lazily freed."},
	{"file_kept", RULE_RESTING, VERDICT_FILE_MAPPINGS, TIER_PAGES,
	 "growth of anonymous memory beside it", file_kept,
	 "It grew by mapped files and shared memory, and rests."},
	{"stack_kept", RULE_RESTING, VERDICT_THREAD_STACKS, TIER_PAGES,
	 "growth that goes on while no thread is made and none goes deeper", stack_kept,
	 "It grew by the stacks of threads, and rests."},
	{"huge_kept", RULE_RESTING, VERDICT_HUGE_PAGES, TIER_PAGES,
	 "a run with MADV_NOHUGEPAGE or transparent_hugepage=never that grows as far", huge_kept,
	 "It grew by huge pages, and rests."},
	{"late_purge", RULE_RESTING, VERDICT_DELAYED_PURGE, TIER_ALLOCATOR,
	 "a program that frees so late itself: " HEAP_WOULD, late_purge,
	 "A quarter of the peak or more was purged after a second or more without births."},
	{"heap_arenas", RULE_RESTING, VERDICT_ARENAS, TIER_HEAP,
	 "live data in the arenas, or fewer of them", heap_arenas,
	 "Free pages are kept, and most of the heap is in arenas of threads."},
	{"heap_fragmented", RULE_RESTING, VERDICT_FRAGMENTATION, TIER_HEAP,
	 "live allocations that fill these pages, or leave them", heap_fragmented,
	 "The empty part of partly live pages is a good part of the heap."},
	{"heap_free_kept", RULE_RESTING, VERDICT_IDLE_RETENTION, TIER_HEAP,
	 "a purge, as on the next burst of allocations", heap_free_kept,
	 "Pages without a live allocation are a good part of the heap."},
	{"holes_suspected", RULE_RESTING, VERDICT_FRAGMENTATION, TIER_PAGES, HEAP_WOULD,
	 holes_suspected, "Purges took pages from between what stays."},
	{"swings", RULE_RESTING, VERDICT_PLATEAU, TIER_PAGES,
	 "peaks that get higher over a longer time", swings,
	 "It rises and falls, without growing."},
	{"heap_plateau", RULE_RESTING, VERDICT_PLATEAU, TIER_HEAP, "growth over a longer time",
	 heap_plateau, "It grew, rests, and little of the heap is free."},
	{"plateau", RULE_RESTING, VERDICT_PLATEAU, TIER_PAGES,
	 "growth over a longer time; " HEAP_WOULD, plateau,
	 "It grew and rests while the process works."},
	{"restless", RULE_RESTING, VERDICT_UNKNOWN, TIER_PAGES, "a longer watch; " HEAP_WOULD,
	 restless, "It grew, and rises and falls by a good part of that."},
	{"kept_idle", RULE_RESTING, VERDICT_UNKNOWN, TIER_PAGES,
	 "a purge, which proves that pages were free; " HEAP_WOULD, kept_idle,
	 "It grew and rests while the process does: live or free, pages do not tell."},
	{"no_growth", RULE_RESTING, VERDICT_NONE, TIER_PAGES, "growth over a longer time",
	 no_growth, "Nothing of the above."},
};

const size_t verdict_rule_count = sizeof(verdict_rules) / sizeof(*verdict_rules);
