/* SPDX-License-Identifier: GPL-2.0-only */
/* Runs scenarios and collects what they leave behind. */
#ifndef TESTS_EXPERIMENT_RUN_H
#define TESTS_EXPERIMENT_RUN_H

#include "tests/experiment/results.h"
#include "tests/experiment/scenarios.h"

struct run_setup {
	const char *build; /* where the programs are */
	const char *work;  /* where what is measured goes */
	const struct plan *plan;
	struct results *results;
};

/*
 * Runs them, of one kind and at once, and adds their results as those of that run. What goes wrong
 * is in the results. 0, or -EINTR: a signal asked for the end, and nothing was added.
 */
int scenarios_run(const struct run_setup *setup, const struct scenario *scenarios, size_t count,
		  unsigned int run);

#endif
