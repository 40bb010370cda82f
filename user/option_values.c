// SPDX-License-Identifier: GPL-2.0-only
#include "user/option_values.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS "0123456789"

/* As binary fractions: 0.1h is 360 s, and so is 0.1000000000000001h. */
#define WHOLE_EPSILON 1e-6

struct unit {
	const char *suffix;
	double factor;
};

static const struct unit size_units[] = {
	{"", 1},	{"B", 1},	  {"K", 1024},	    {"KiB", 1024},
	{"KB", 1e3},	{"M", 1 << 20},	  {"MiB", 1 << 20}, {"MB", 1e6},
	{"G", 1 << 30}, {"GiB", 1 << 30}, {"GB", 1e9},
};

static const struct unit time_units[] = {
	{"", 1}, {"s", 1}, {"sec", 1}, {"m", 60}, {"min", 60}, {"h", 3600}, {"d", 86400},
};

#define UNITS(table) table, sizeof(table) / sizeof(*(table))

int option_number(const char *text, unsigned long min, unsigned long max, unsigned long *number)
{
	unsigned long value;

	/* strtoul would take blanks, signs, and wrap negatives */
	if (!*text || text[strspn(text, DIGITS)])
		return -EINVAL;
	errno = 0;
	value = strtoul(text, NULL, 10);
	if (errno || value < min || value > max)
		return -EINVAL;
	*number = value;
	return 0;
}

int option_size(const char *text, size_t min, size_t max, size_t *bytes)
{
	static const struct {
		const char *suffix;
		unsigned int shift;
	} suffixes[] = {{"", 0}, {"K", 10}, {"k", 10}, {"M", 20}, {"m", 20}, {"G", 30}, {"g", 30}};
	size_t digits = strspn(text, DIGITS);
	unsigned long number;
	char copy[24];

	for (size_t i = 0;
	     digits && digits < sizeof(copy) && i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		if (strcmp(text + digits, suffixes[i].suffix))
			continue;
		snprintf(copy, sizeof(copy), "%.*s", (int)digits, text);
		if (option_number(copy, 1, max >> suffixes[i].shift, &number) ||
		    number << suffixes[i].shift < min)
			break;
		*bytes = number << suffixes[i].shift;
		return 0;
	}
	return -EINVAL;
}

static int unit_factor(const char *text, size_t length, const struct unit *units, size_t count,
		       double *factor)
{
	for (size_t i = 0; i < count; i++) {
		if (strlen(units[i].suffix) != length || strncasecmp(units[i].suffix, text, length))
			continue;
		*factor = units[i].factor;
		return 0;
	}
	return -EINVAL;
}

/* The first `length` bytes of text: a number and a unit, which may be left out if it is 1. */
static int parse_amount(const char *text, size_t length, const struct unit *units, size_t count,
			double *out)
{
	size_t digits = strspn(text, DIGITS ".");
	char number[32], *end;
	double value, factor;

	if (!digits || digits >= sizeof(number) || digits > length)
		return -EINVAL;
	snprintf(number, sizeof(number), "%.*s", (int)digits, text);
	value = strtod(number, &end);
	if (*end || unit_factor(text + digits, length - digits, units, count, &factor))
		return -EINVAL;
	*out = value * factor;
	return 0;
}

int option_bytes(const char *text, double *bytes)
{
	return parse_amount(text, strlen(text), UNITS(size_units), bytes);
}

int option_seconds(const char *text, unsigned int max, unsigned int *seconds)
{
	double value;

	if (parse_amount(text, strlen(text), UNITS(time_units), &value) || value < 1 ||
	    value > max || fabs(value - round(value)) > WHOLE_EPSILON)
		return -EINVAL;
	*seconds = (unsigned int)round(value);
	return 0;
}

int option_rate(const char *text, double *per_hour)
{
	const char *slash = strchr(text, '/');
	double bytes, seconds;

	if (!slash || !slash[1] ||
	    parse_amount(text, (size_t)(slash - text), UNITS(size_units), &bytes) ||
	    unit_factor(slash + 1, strlen(slash + 1), UNITS(time_units), &seconds))
		return -EINVAL;
	*per_hour = bytes / seconds * 3600;
	return 0;
}
