// SPDX-License-Identifier: GPL-2.0-only
#include "user/base/units.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static char *scaled(char *text, double value, double base, const char *const *prefixes,
		    size_t count)
{
	const char *sign = value < 0 ? "-" : "";
	size_t step = 0;

	if (isnan(value)) {
		snprintf(text, UNITS_TEXT_LEN, "-");
		return text;
	}
	value = fabs(value);
	/* 999.95 would print as 1000.0 */
	while (value >= (step ? 999.95 : 999.5) && step + 1 < count) {
		value /= base;
		step++;
	}
	if (value > 99999)
		snprintf(text, UNITS_TEXT_LEN, "%s>99999%s", sign, prefixes[step]);
	else if (!step)
		snprintf(text, UNITS_TEXT_LEN, "%s%.0f", value < 0.5 ? "" : sign, value);
	else if (value < 9.995)
		snprintf(text, UNITS_TEXT_LEN, "%s%.2f%s", sign, value, prefixes[step]);
	else
		snprintf(text, UNITS_TEXT_LEN, "%s%.1f%s", sign, value, prefixes[step]);
	return text;
}

char *units_bytes(char *text, double bytes)
{
	static const char *const prefixes[] = {"", "K", "M", "G", "T", "P", "E"};

	return scaled(text, bytes, 1024, prefixes, sizeof(prefixes) / sizeof(*prefixes));
}

char *units_count(char *text, double count)
{
	static const char *const prefixes[] = {"", "k", "M", "G", "T", "P"};

	return scaled(text, count, 1000, prefixes, sizeof(prefixes) / sizeof(*prefixes));
}

char *units_signed_bytes(char *text, double bytes)
{
	char plain[UNITS_TEXT_LEN];

	units_bytes(plain, bytes);
	snprintf(text, UNITS_TEXT_LEN, "%s%.*s", bytes >= 0.5 ? "+" : "", UNITS_TEXT_LEN - 2,
		 plain);
	return text;
}

char *units_whole(char *text, uint64_t count)
{
	char *at = text + UNITS_TEXT_LEN - 1;

	*at = '\0';
	for (unsigned int digits = 0; count || !digits; digits++, count /= 10) {
		if (digits && digits % 3 == 0)
			*--at = ',';
		*--at = (char)('0' + count % 10);
	}
	return memmove(text, at, strlen(at) + 1);
}

char *units_share(char *text, uint64_t part, uint64_t whole)
{
	double percent = whole ? (double)part * 100 / (double)whole : 0;

	if (!part || part >= whole)
		snprintf(text, UNITS_TEXT_LEN, part && whole ? "100%%" : "0");
	else if (percent < 0.05)
		snprintf(text, UNITS_TEXT_LEN, "<0.1%%");
	else
		snprintf(text, UNITS_TEXT_LEN, "%.1f%%", fmin(percent, 99.9));
	return text;
}
