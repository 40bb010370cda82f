/* SPDX-License-Identifier: GPL-2.0-only */
/* The report's tables: a row per scenario, columns from one list per table. */
#ifndef TESTS_EXPERIMENT_REPORT_TABLES_H
#define TESTS_EXPERIMENT_REPORT_TABLES_H

#include <stdio.h>

#include "tests/experiment/results.h"
#include "tests/experiment/scenarios.h"

enum report_table {
	TABLE_MAIN,
	TABLE_GAP,
	TABLE_BACK_SAMPLE,
	TABLE_LONG,
	TABLE_LIMIT,
	TABLE_BARE,
	TABLE_INSERT,
	TABLE_BURST,
	TABLE_QUOTE,
	TABLE_COUNT,
};

/* The scenarios of a kind whose memory's number is from `first` to before `end`. */
void table_put(FILE *out, const struct results *results, enum scenario_kind kind, size_t first,
	       size_t end, enum report_table table);

#endif
