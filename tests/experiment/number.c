/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/experiment/number.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

char *number_text(char *text, double number, int digits)
{
	char plain[NUMBER_TEXT_LEN / 2 + 16], *to = text;
	const char *at = plain;

	if (isnan(number) || fabs(number) >= 1e30) {
		snprintf(text, NUMBER_TEXT_LEN, "–");
		return text;
	}
	snprintf(plain, sizeof(plain), "%.*f", digits, fabs(number));
	if (number < 0 && strspn(plain, "0.") < strlen(plain))
		*to++ = '-';
	for (size_t whole = strcspn(plain, "."); whole; whole--) {
		*to++ = *at++;
		if (whole > 1 && whole % 3 == 1)
			*to++ = ',';
	}
	memcpy(to, at, strlen(at) + 1);
	return text;
}
