/* SPDX-License-Identifier: GPL-2.0-only */
/* Finds the files that a run left, has them measured, and says how the run went. */
#ifndef TESTS_EXPERIMENT_COLLECT_H
#define TESTS_EXPERIMENT_COLLECT_H

#include "tests/experiment/results.h"
#include "tests/experiment/scenarios.h"

/*
 * dir has the scenario's own files; trace is tidemark's directory, or NULL where it did not watch;
 * failure says what went wrong with the run as a whole, or is NULL.
 */
void scenario_collect(const struct sink *sink, const struct scenario *scenario, const char *dir,
		      const char *trace, const char *failure);

#endif
