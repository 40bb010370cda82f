/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads numbers from bytes that nobody vouches for. What lies past the end reads
 * as 0 and is remembered: look at failed before believing what was read.
 */
#ifndef TIDEMARK_STACK_CFI_CURSOR_H
#define TIDEMARK_STACK_CFI_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cfi_cursor {
	const uint8_t *at;
	const uint8_t *end;
	uint64_t address; /* where `at` lies in the module */
	bool failed;
};

static inline size_t cursor_left(const struct cfi_cursor *cursor)
{
	return (size_t)(cursor->end - cursor->at);
}

/* The next size bytes, or NULL. */
static inline const uint8_t *cursor_take(struct cfi_cursor *cursor, uint64_t size)
{
	const uint8_t *at = cursor->at;

	if (cursor->failed || size > cursor_left(cursor)) {
		cursor->failed = true;
		cursor->at = cursor->end;
		return NULL;
	}
	cursor->at += size;
	cursor->address += size;
	return at;
}

/* A little-endian number of at most 8 bytes. */
static inline uint64_t cursor_unsigned(struct cfi_cursor *cursor, unsigned int size)
{
	const uint8_t *at = cursor_take(cursor, size);
	uint64_t value = 0;

	for (unsigned int i = 0; at && i < size; i++)
		value |= (uint64_t)at[i] << (8 * i);
	return value;
}

/* The same, its sign extended. */
static inline uint64_t cursor_signed(struct cfi_cursor *cursor, unsigned int size)
{
	uint64_t value = cursor_unsigned(cursor, size);
	uint64_t sign = 1ULL << (8 * size - 1);

	return (value ^ sign) - sign;
}

static inline uint8_t cursor_u8(struct cfi_cursor *cursor)
{
	return (uint8_t)cursor_unsigned(cursor, 1);
}

static inline uint64_t cursor_leb(struct cfi_cursor *cursor, bool is_signed)
{
	uint64_t value = 0, byte;
	unsigned int shift = 0;

	do {
		byte = cursor_u8(cursor);
		if (shift < 64)
			value |= (byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	if (is_signed && byte & 0x40 && shift < 64)
		value |= UINT64_MAX << shift;
	return value;
}

static inline uint64_t cursor_uleb(struct cfi_cursor *cursor)
{
	return cursor_leb(cursor, false);
}

static inline uint64_t cursor_sleb(struct cfi_cursor *cursor)
{
	return cursor_leb(cursor, true);
}

/* A NUL-terminated string, or NULL. */
static inline const char *cursor_string(struct cfi_cursor *cursor)
{
	const uint8_t *nul = memchr(cursor->at, '\0', cursor_left(cursor));

	/* without a NUL: one byte more than there is, to fail */
	return (const char *)cursor_take(cursor, nul ? (uint64_t)(nul - cursor->at) + 1
						     : (uint64_t)cursor_left(cursor) + 1);
}

#endif
