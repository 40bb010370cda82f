/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Why the memory of a process grows, or why it stays: a verdict with its evidence, from named
 * rules (rules.c) over the series that the reports of a process make. Page evidence is always
 * there; what allocators say of themselves and heap evidence raise the tier. Where the evidence
 * does not reach, the verdict is `unknown` and says what would change that.
 *
 * Takes its time from the records, so a recording gives the verdicts of its run.
 */
#ifndef TIDEMARK_VERDICT_VERDICT_H
#define TIDEMARK_VERDICT_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/verdict/trend.h"

/*
 * The words are part of the interface (tidemark check --json). X(NAME, word, title, text)
 */
#define VERDICTS(X)                                                                                \
	X(UNKNOWN, "unknown", "cannot be told", "the evidence does not reach")                     \
	X(NONE, "none", "no growth", "memory has not grown")                                       \
	X(LIVE_GROWTH, "live-growth", "live data grows",                                           \
	  "the program keeps more and more: a leak, or a cache without a bound")                   \
	X(PLATEAU, "plateau", "grown and come to rest",                                            \
	  "memory grew, and grows no more: what is freed is used again, or nothing is")            \
	X(IDLE_RETENTION, "idle-retention", "the allocator keeps free pages",                      \
	  "freed pages stay while nothing is allocated that would make the allocator purge them")  \
	X(DELAYED_PURGE, "delayed-purge", "the allocator purges late",                             \
	  "pages that were free stayed for a while, as their later purge proved")                  \
	X(LAZY_FREE, "lazy-free", "lazily freed",                                                  \
	  "pages are given back by MADV_FREE, and counted in RSS until the kernel wants them")     \
	X(FRAGMENTATION, "fragmentation", "fragmented",                                            \
	  "a few live allocations keep many pages resident")                                       \
	X(HUGE_PAGES, "huge-pages", "huge pages",                                                  \
	  "the kernel backs a range with 2 MiB where the program touched a little of it")          \
	X(FILE_MAPPINGS, "file-mappings", "file or shared mappings",                               \
	  "mapped files or shared memory grow, and not the heap")                                  \
	X(THREAD_STACKS, "thread-stacks", "thread stacks",                                         \
	  "the stacks of threads grow, by their number or their depth")                            \
	X(ARENAS, "arenas", "an arena per thread",                                                 \
	  "each thread has an arena of its own, and keeps in it what it freed")

enum verdict_kind {
#define X(name, word, title, text) VERDICT_##name,
	VERDICTS(X)
#undef X
		VERDICT_COUNT
};

const char *verdict_word(unsigned int kind);
const char *verdict_title(unsigned int kind);
const char *verdict_text(unsigned int kind);

/* The kind of that word, or -EINVAL. */
int verdict_find(const char *word);

/* What the verdict rests on; design: tiers of evidence. */
enum verdict_tier {
	TIER_COUNTS,	/* the kernel's counts alone: page records were lost */
	TIER_PAGES,	/* page evidence */
	TIER_ALLOCATOR, /* and which allocator it is, its settings, its purges */
	TIER_HEAP,	/* and its live allocations */
	TIER_COUNT
};

/* "counts", "pages", "allocator", "heap" */
const char *verdict_tier_name(unsigned int tier);

#define VERDICT_EVIDENCE_MAX 10 /* all that verdict.c has to say at once */
#define VERDICT_TEXT_MAX 320

/* Bytes unless said. Texts are complete sentences without a newline. */
struct verdict {
	enum verdict_kind kind;
	enum verdict_tier tier;
	const char *rule; /* the name of the rule that gave it, constant */
	double share;	  /* of the growth (or, without any, of what is kept) explained, 0..1 */
	bool grows;	  /* its growth is above 0 with 95% confidence, and material */
	struct trend_range growth; /* of RSS per hour */
	struct trend_range per_invocation;
	uint64_t retained;  /* resident pages first touched in an earlier interval */
	uint64_t kept;	    /* what the verdict is about: bytes that it explains */
	uint32_t stack;	    /* number of the top site's stack; 0: none is known */
	bool stack_is_heap; /* of allocations; else of first touches */
	double stack_share; /* of what grew or is kept, 0..1 */
	double seconds;	    /* that the evidence covers */
	char evidence[VERDICT_EVIDENCE_MAX][VERDICT_TEXT_MAX]; /* "" from the first unused on */
	char advice[VERDICT_TEXT_MAX]; /* what to do about it; "" where there is nothing */
	char change[VERDICT_TEXT_MAX]; /* what evidence would change it */
};

struct process;

/*
 * Judges a process by what it has shown so far. use_heap false: as if there were no heap evidence.
 * Costs about 50 us; walks neither pages nor allocations.
 */
void verdict_judge(const struct process *process, bool use_heap, struct verdict *verdict);

#endif
