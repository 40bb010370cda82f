/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the story claims, each held against what was measured. A claim is a row of one table: its
 * sentence, the rule that decides it, and the function that is the rule.
 */
#ifndef TESTS_EXPERIMENT_CLAIMS_H
#define TESTS_EXPERIMENT_CLAIMS_H

#include <stddef.h>

#include "tests/experiment/results.h"

enum verdict {
	VERDICT_HOLDS,
	VERDICT_FAILS,
	VERDICT_UNTESTED, /* it cannot be tested here, or what it needs was not measured */
};

/* "holds", "does not hold", "cannot be tested here". */
const char *claim_verdict_text(enum verdict verdict);

struct judgement {
	enum verdict verdict;
	char figures[1024]; /* what it rests on, one line, plain text */
};

struct claim {
	const char *name;     /* a short one, for tests and people */
	const char *sentence; /* as the story says it */
	const char *rule;     /* when it holds */
	void (*judge)(const struct results *results, struct judgement *judgement);
};

extern const struct claim claims[];
extern const size_t claim_count;

/* NULL: there is no claim of that name. */
const struct claim *claim_find(const char *name);

#endif
