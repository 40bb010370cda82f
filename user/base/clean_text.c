// SPDX-License-Identifier: GPL-2.0-only
#include "user/base/clean_text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Bytes of the sequence that begins with this one; 0: none does (RFC 3629). */
static size_t sequence_length(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first < 0xc2)
		return 0;
	if (first < 0xe0)
		return 2;
	if (first < 0xf0)
		return 3;
	return first < 0xf5 ? 4 : 0;
}

/*
 * C0 and C1; what turns the direction of a text (UAX #9, 2.1 to 2.6), so that a name is not read
 * as another one; and the separators of lines and paragraphs.
 */
static bool is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x61c || code == 0x200e ||
	       code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
	       (code >= 0x2066 && code <= 0x2069);
}

/* Bytes of the character at text; 0: it is not UTF-8, or a control character. */
static size_t character_length(const char *text)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *bytes = (const unsigned char *)text;
	size_t length = sequence_length(bytes[0]);
	uint32_t code = length > 1 ? bytes[0] & (0x7fU >> length) : bytes[0];

	for (size_t i = 1; i < length; i++) {
		if ((bytes[i] & 0xc0) != 0x80) /* the end of the text among them */
			return 0;
		code = code << 6 | (bytes[i] & 0x3f);
	}
	if (!length || code < least[length] || code > 0x10ffff || code >> 11 == 0x1b)
		return 0;
	return is_control(code) ? 0 : length;
}

static char *clean(const char *text, char separator, char out[CLEAN_TEXT_MAX])
{
	size_t used = 0;

	while (*text && used < CLEAN_TEXT_MAX - 1) {
		size_t length;

		/* nearly all are such, and a site may have a hundred names */
		if (*text >= ' ' && *text < 0x7f && *text != separator) {
			out[used++] = *text++;
			continue;
		}
		length = character_length(text);
		if (used + length >= CLEAN_TEXT_MAX)
			break;
		if (length > 1) {
			memcpy(out + used, text, length);
			used += length;
			text += length;
		} else {
			out[used++] = length ? ':' : '?';
			text++;
		}
	}
	out[used] = '\0';
	return out;
}

char *clean_text(const char *text, char out[CLEAN_TEXT_MAX])
{
	return clean(text, '\0', out);
}

char *clean_item(const char *text, char out[CLEAN_TEXT_MAX])
{
	return clean(text, ';', out);
}
