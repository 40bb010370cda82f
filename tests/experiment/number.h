/* SPDX-License-Identifier: GPL-2.0-only */
/* Numbers for people. */
#ifndef TESTS_EXPERIMENT_NUMBER_H
#define TESTS_EXPERIMENT_NUMBER_H

/* Enough for any number below 1e30. */
#define NUMBER_TEXT_LEN 64

/*
 * With so many digits behind the point (at most 10), the thousands separated: "-1,234.50"; what
 * rounds to 0 has no sign; "–" for NAN. Returns text, of NUMBER_TEXT_LEN bytes.
 */
char *number_text(char *text, double number, int digits);

/* The same for an argument list: in memory of the block around it. */
#define NUMBER(number, digits) number_text((char[NUMBER_TEXT_LEN]){0}, number, digits)

#endif
