/* SPDX-License-Identifier: GPL-2.0-only */
/* Results as Markdown. The same results give the same text. */
#ifndef TESTS_EXPERIMENT_REPORT_H
#define TESTS_EXPERIMENT_REPORT_H

#include <stdio.h>

#include "tests/experiment/results.h"

/* results.md: readable on its own. */
void report_write(FILE *out, const struct results *results);

/* What README.md quotes, without the marks around it. */
void report_quote(FILE *out, const struct results *results);

/* The marks, each a line of its own. */
#define README_BEGIN "<!-- experiment:begin -->"
#define README_END "<!-- experiment:end -->"

/*
 * README's text with what is between the marks replaced by the quote, for the caller to free();
 * NULL: the marks are not there once each, in this order.
 */
char *readme_quote(const char *readme, const struct results *results);

#endif
