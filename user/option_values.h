/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Values of options, as people write them. Each function returns 0, or -EINVAL with its output
 * untouched: what to say about it is the caller's.
 */
#ifndef TIDEMARK_OPTION_VALUES_H
#define TIDEMARK_OPTION_VALUES_H

#include <stddef.h>

/* A whole decimal number from min to max: no sign, no blank, nothing behind it. */
int option_number(const char *text, unsigned long min, unsigned long max, unsigned long *number);

/* Whole bytes from min (at least 1) to max, with an optional K, M or G: 1024, and so on. */
int option_size(const char *text, size_t min, size_t max, size_t *bytes);

/*
 * Bytes, such as 4096, 1.5M or 100MB, in upper or lower case: K and KiB are 1024, KB is 1000, as
 * other tools have it; the same for M and G.
 */
int option_bytes(const char *text, double *bytes);

/* Whole seconds from 1 to max, such as 30, 30s, 5m, 1.5h or 2d. */
int option_seconds(const char *text, unsigned int max, unsigned int *seconds);

/* Bytes per unit of time, such as 10MB/h or 64KiB/s, as bytes per hour. */
int option_rate(const char *text, double *per_hour);

#endif
