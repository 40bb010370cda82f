/* SPDX-License-Identifier: GPL-2.0-only */
/* From what a run leaves behind to figures. Pure: files of text in, cells out. */
#ifndef TESTS_EXPERIMENT_MEASURE_H
#define TESTS_EXPERIMENT_MEASURE_H

#include "tests/experiment/results.h"
#include "tests/experiment/table.h"

/* AWS Lambda's prices: x86, us-east-1. */
#define LAMBDA_USD_PER_REQUEST (0.20 / 1e6)
#define LAMBDA_USD_PER_GB_SECOND 0.0000166667

/* The memory that is configured, MB: what is billed, whatever is used of it. */
#define LAMBDA_MEMORY_MB 1024

/*
 * US dollars of so many requests, of which each is billed that long on average, with that much
 * memory configured. (Billed: every single duration rounded up to 1 ms.)
 */
double lambda_cost(double requests, double billed_ms, double memory_mb);

/* How long each of them would have to be billed for that cost, ms; below 0: not even without. */
double lambda_billed_for(double cost_usd, double requests, double memory_mb);

/* Each of these adds what its file says; what the file lacks is not added. */

/* tidemark's series.csv: growth per invocation, remainder, losses, what was given back. */
void measure_series(const struct table *series, const struct sink *sink);

/* tidemark's invocations.csv: pages still resident of those that have ended. */
void measure_invocations(const struct table *invocations, const struct sink *sink);

/* Both of them: what is kept through the silence between the first invocation and the second. */
void measure_burst(const struct table *series, const struct table *invocations,
		   const struct sink *sink);

/* The driver's summary (JSON). 0, or -EBADMSG. */
int measure_driver(const char *json, const struct sink *sink);

/* The driver's samples.csv: anonymous memory after each so many invocations, up to the last. */
void measure_samples(const struct table *samples, unsigned int every, unsigned int last,
		     const struct sink *sink);

/* The same file: invocations that instances which were replaced had, their median. */
void measure_lives(const struct table *samples, const struct sink *sink);

/* The handler's own account: the last whole line. 0, or -EBADMSG. */
int measure_truth(const char *lines, const struct sink *sink);

/* What insert.c prints (JSON). 0, or -EBADMSG. */
int measure_insert(const char *json, const struct sink *sink);

#endif
