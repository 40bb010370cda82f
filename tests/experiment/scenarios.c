/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/experiment/scenarios.h"

#include <stdio.h>

#define JEMALLOC(setting)                                                                          \
	{                                                                                          \
		"jemalloc " setting, "jemalloc", NULL, setting, "libjemalloc2"                     \
	}

const struct memory memories[MEMORIES] = {
	{"jemalloc", "jemalloc", NULL, NULL, "libjemalloc2"},
	{"mimalloc", "mimalloc", NULL, NULL, "libmimalloc2.0"},
	{"glibc", "glibc", NULL, NULL, "libc6"},
	{"tcmalloc", "glibc", "libtcmalloc_minimal.so.4", NULL, "libtcmalloc-minimal4"},
	JEMALLOC("background_thread:true"),
	JEMALLOC("dirty_decay_ms:0"),
	JEMALLOC("dirty_decay_ms:1000"),
};

const struct plan plan_default = {
	.repeats = 3,
	.invocations = 1000,
	.long_invocations = 10000,
	.gap_invocations = 120,
	.gap_ms = 510,
	/* the unbounded cache is to meet it several times, the bounded one never */
	.limit_invocations = 10000,
	.limit_mib = 64,
	.burst_mib = 64,
	/* enough calls that an allocator gets to work; SQS delivers up to 10,000 */
	.burst_records = 5000,
	.silence_ms = 60000,
	/* full after some 20 invocations, so that the longest part of every run is beyond that */
	.lru_entries = 200,
};

const struct plan plan_full = {
	.full = true,
	.repeats = 7,
	.invocations = 1000,
	.long_invocations = 50000,
	.gap_invocations = 1000,
	.gap_ms = 510,
	.minute_invocations = 12,
	.limit_invocations = 50000,
	.limit_mib = 64,
	.burst_mib = 256,
	.burst_records = 5000,
	.silence_ms = 300000,
	.lru_entries = 200,
};

/* What one kind is a combination of. */
static const struct shape {
	const char *name;
	const char *variants[2]; /* what else there are two of */
	size_t memories;
	size_t varied; /* of so many memories; the others have the first variant only */
	bool caches;   /* unbounded and lru; else unbounded */
	bool repeated;
} shapes[SCENARIO_KINDS] = {
	[SCENARIO_BACK] = {"back", {"release", "debug"}, MEMORIES, ALLOCATORS, true, true},
	[SCENARIO_LONG] = {"long", {NULL}, ALLOCATORS, 0, true, false},
	[SCENARIO_BARE] = {"bare", {NULL}, ALLOCATORS, 0, true, true},
	[SCENARIO_LIMIT] = {"limit", {NULL}, MEMORIES, 0, true, false},
	[SCENARIO_INSERT] = {"insert", {NULL}, ALLOCATORS, 0, true, true},
	[SCENARIO_GAP] = {"gap", {"release", "debug"}, ALLOCATORS, ALLOCATORS, true, false},
	[SCENARIO_MINUTE] = {"minute", {NULL}, ALLOCATORS, 0, true, false},
	[SCENARIO_BURST] = {"burst", {"awake", "frozen"}, MEMORIES, MEMORIES, false, false},
};

const char *scenario_kind_name(enum scenario_kind kind)
{
	return shapes[kind].name;
}

const char *scenario_name(enum scenario_kind kind, const struct memory *memory, bool lru,
			  bool second)
{
	const struct shape *shape = &shapes[kind];
	const char *variant = shape->variants[second];
	static char name[64];

	snprintf(name, sizeof(name), "%s/%s%s%s%s", shape->name, memory->name,
		 !shape->caches ? ""
		 : lru		? "/lru"
				: "/unbounded",
		 variant ? "/" : "", variant ? variant : "");
	return name;
}

size_t scenarios_make(enum scenario_kind kind, struct scenario scenarios[SCENARIOS_MAX])
{
	const struct shape *shape = &shapes[kind];
	size_t count = 0;

	for (size_t m = 0; m < shape->memories; m++) {
		for (int lru = 0; lru <= shape->caches; lru++) {
			for (int second = 0; second <= (m < shape->varied); second++) {
				struct scenario *scenario = &scenarios[count++];

				*scenario = (struct scenario){
					.kind = kind, .memory = &memories[m], .lru = lru};
				scenario->lru |= kind == SCENARIO_BURST;
				scenario->debug = second && kind != SCENARIO_BURST;
				scenario->frozen = kind == SCENARIO_GAP ||
						   kind == SCENARIO_MINUTE ||
						   (kind == SCENARIO_BURST && second);
				snprintf(scenario->name, sizeof(scenario->name), "%s",
					 scenario_name(kind, &memories[m], lru, second));
			}
		}
	}
	return count;
}

unsigned int plan_rounds(const struct plan *plan, enum scenario_kind kind)
{
	if (kind == SCENARIO_MINUTE && !plan->minute_invocations)
		return 0;
	return shapes[kind].repeated ? plan->repeats : 1;
}

double plan_seconds(const struct plan *plan, enum scenario_kind kind)
{
	struct scenario scenarios[SCENARIOS_MAX];
	double count = (double)scenarios_make(kind, scenarios);
	/* measured here: an invocation through the driver, and the start and end of a run */
	const double per_invocation = 0.0006, watched = 1.5, bare = 0.2, insert = 1.0;

	switch (kind) {
	case SCENARIO_BACK:
		return count * (watched + plan->invocations * per_invocation);
	case SCENARIO_LONG:
		return count * (watched + plan->long_invocations * per_invocation);
	case SCENARIO_BARE:
		return count * (bare + plan->invocations * per_invocation);
	case SCENARIO_LIMIT:
		return count * (bare + plan->limit_invocations * per_invocation);
	case SCENARIO_INSERT:
		return count * insert;
	case SCENARIO_GAP:
		return watched + plan->gap_invocations * plan->gap_ms / 1000.0;
	case SCENARIO_MINUTE:
		return watched + plan->minute_invocations * MINUTE_MS / 1000.0;
	case SCENARIO_BURST:
		return watched + count + plan->silence_ms / 1000.0;
	default:
		return 0;
	}
}
