/* SPDX-License-Identifier: GPL-2.0-only */
/* What is run: every combination has a name, by which its results are found again. */
#ifndef TESTS_EXPERIMENT_SCENARIOS_H
#define TESTS_EXPERIMENT_SCENARIOS_H

#include <stdbool.h>
#include <stddef.h>

/* An allocator, and how it comes under the handler. */
struct memory {
	const char *name;
	const char *handler;  /* the suffix of the handler's file */
	const char *preload;  /* LD_PRELOAD, or NULL */
	const char *settings; /* MALLOC_CONF, or NULL: as Debian builds it */
	const char *package;  /* Debian's, which says the version */
};

/* The four allocators come first, then jemalloc with other settings. */
#define ALLOCATORS 4
#define MEMORIES 7
extern const struct memory memories[MEMORIES];

enum scenario_kind {
	SCENARIO_BACK,	 /* invocations back to back: the main table */
	SCENARIO_LONG,	 /* ten times as many */
	SCENARIO_BARE,	 /* without tidemark */
	SCENARIO_LIMIT,	 /* under a limit on the memory, without tidemark */
	SCENARIO_INSERT, /* the cost of one order put into the cache */
	SCENARIO_GAP,	 /* a gap between invocations, frozen meanwhile; all at once */
	SCENARIO_MINUTE, /* the same, a minute long; in the full plan only */
	SCENARIO_BURST,	 /* a burst before the first invocation, then silence; all at once */
	SCENARIO_KINDS,
};

struct scenario {
	char name[64]; /* see scenario_name() */
	enum scenario_kind kind;
	const struct memory *memory;
	bool lru;    /* else unbounded; of a burst: what is live is to be little */
	bool debug;  /* else release */
	bool frozen; /* while it waits for its next event */
};

/* How much of it. */
struct plan {
	bool full;
	unsigned int repeats;	  /* of BACK, BARE and INSERT */
	unsigned int invocations; /* of BACK and BARE */
	unsigned int long_invocations;
	unsigned int gap_invocations, gap_ms;
	unsigned int minute_invocations; /* 0: not run */
	unsigned int limit_invocations, limit_mib;
	unsigned int burst_mib, burst_records, silence_ms;
	unsigned int lru_entries;
};

extern const struct plan plan_default, plan_full;

/* The memory is logged after so many; where the limit ends instances, after fewer. */
#define SAMPLE_EVERY 100
#define SAMPLE_EVERY_LIMIT 10

#define MINUTE_MS 60000

#define SCENARIOS_MAX 128

/* All of one kind; how many. */
size_t scenarios_make(enum scenario_kind kind, struct scenario scenarios[SCENARIOS_MAX]);

/*
 * "back/jemalloc/unbounded/release"; second is debug, or of a burst frozen. Static, of the last
 * call.
 */
const char *scenario_name(enum scenario_kind kind, const struct memory *memory, bool lru,
			  bool second);

const char *scenario_kind_name(enum scenario_kind kind);

/* Seconds that one round of a kind takes, about: a guess from earlier runs. */
double plan_seconds(const struct plan *plan, enum scenario_kind kind);
unsigned int plan_rounds(const struct plan *plan, enum scenario_kind kind);

#endif
