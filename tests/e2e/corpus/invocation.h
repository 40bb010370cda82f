/* SPDX-License-Identifier: GPL-2.0-only */
/* Invocations with the probes of the order handler, under a provider of their own. */
#ifndef TESTS_E2E_CORPUS_INVOCATION_H
#define TESTS_E2E_CORPUS_INVOCATION_H

#include "tests/e2e/corpus/corpus.h"

/* Arguments in registers: not every reader of probes knows all forms of an operand in memory. */
#define STAP_SDT_ARG_CONSTRAINT nr
#include <sys/sdt.h>

/* 100 invocations a second, each with some churn and what `work` does. */
static void __attribute__((noinline)) invocation_run(size_t number, void (*work)(void))
{
	char id[32];

	snprintf(id, sizeof(id), "%zu", number);
	DTRACE_PROBE1(corpus, invocation_start, id);
	corpus_churn(32);
	work();
	DTRACE_PROBE2(corpus, invocation_end, id, 0);
}

static inline void invocations_run(void (*work)(void))
{
	size_t number = 0;

	while (corpus_step(10))
		while (number < corpus_due(0, 100))
			invocation_run(number++, work);
}

#endif /* TESTS_E2E_CORPUS_INVOCATION_H */
