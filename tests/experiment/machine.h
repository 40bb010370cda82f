/* SPDX-License-Identifier: GPL-2.0-only */
/* Names the machine and what was measured on it, as results of the scenario MACHINE. */
#ifndef TESTS_EXPERIMENT_MACHINE_H
#define TESTS_EXPERIMENT_MACHINE_H

#include "tests/experiment/results.h"
#include "tests/experiment/scenarios.h"

void machine_describe(struct results *results, const struct plan *plan);

#endif
