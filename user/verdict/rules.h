/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rules of the verdict: one const table, tried from its first row on. The first whose test
 * holds gives the verdict; what others further down say too is added to its evidence. A new rule
 * is a row.
 */
#ifndef TIDEMARK_VERDICT_RULES_H
#define TIDEMARK_VERDICT_RULES_H

#include "user/verdict/facts.h"
#include "user/verdict/verdict.h"

/* What a rule found. */
struct finding {
	double share;		     /* of the growth, or of what is kept, that it explains, 0..1 */
	double kept;		     /* bytes that it is about */
	char text[VERDICT_TEXT_MAX]; /* the figures, as a sentence */
};

/* When a rule is tried. */
enum rule_when {
	RULE_FIRST, /* always; nothing else is said if it holds */
	RULE_ALWAYS,
	RULE_GROWING, /* facts.grows */
	RULE_RESTING, /* not so */
};

struct rule {
	const char *name; /* constant, for exports: snake_case */
	enum rule_when when;
	enum verdict_kind kind;
	enum verdict_tier tier; /* the evidence that its test rests on */
	const char *change;	/* what evidence would change it: a sentence, or NULL */
	bool (*test)(const struct facts *facts, struct finding *finding);
	const char *help; /* what it tests, for people: a sentence */
};

extern const struct rule verdict_rules[];
extern const size_t verdict_rule_count;

/* What to do about a verdict where that allocator is; "" where there is nothing to do. */
const char *verdict_advice(enum verdict_kind kind, uint32_t allocator);

/* Where it is not known whether what is kept is live or free: how to learn it. */
const char *verdict_purge_advice(uint32_t allocator);

#endif
