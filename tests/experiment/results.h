/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What was measured: a cell for each scenario, run and measure. results.csv is this and nothing
 * else, and everything that is printed is made from it.
 */
#ifndef TESTS_EXPERIMENT_RESULTS_H
#define TESTS_EXPERIMENT_RESULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* The scenario of what is said about the machine. */
#define MACHINE "machine"

/* How a run went, by its measure "state". */
#define STATE_OK "ok"
#define STATE_LOSSY "lossy"   /* records were lost: it counts, and is marked */
#define STATE_FAILED "failed" /* "reason" says why: it does not count */

struct cell {
	char scenario[64];
	unsigned int run; /* from 1; 0: of no run */
	char measure[32]; /* its name ends with its unit */
	char value[192];
};

struct results {
	struct cell *cells;
	size_t count, capacity;
};

/* Where values go. */
struct sink {
	struct results *results;
	const char *scenario;
	unsigned int run;
};

/* A text that does not fit is cut. Both end the program without memory. */
void results_text(const struct sink *sink, const char *measure, const char *text);

/* Nothing is added for NAN: what is not there is not known. */
void results_number(const struct sink *sink, const char *measure, double value);

void results_free(struct results *results);

/* NULL: there is none. */
const char *results_find(const struct results *results, const char *scenario, unsigned int run,
			 const char *measure);

/* Runs of a scenario: those begun, and of them those in that state (NULL: all). */
unsigned int results_runs(const struct results *results, const char *scenario, const char *state);

/* Median, least and greatest over the runs that have not failed; NAN: there is none. */
double results_median(const struct results *results, const char *scenario, const char *measure);
double results_least(const struct results *results, const char *scenario, const char *measure);
double results_greatest(const struct results *results, const char *scenario, const char *measure);

/* 0, or a negative errno; -EBADMSG: it is not such a file. *results is untouched on failure. */
int results_read(const char *path, struct results *results);
int results_write(const char *path, const struct results *results);

#endif
