/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one way to read bytes that may be anyone's. A read past the end gives zeroes, and the cursor
 * remembers where the first one failed: a reader takes what it wants and asks once, at the end.
 * Numbers are little-endian.
 */
#ifndef TIDEMARK_BASE_CURSOR_H
#define TIDEMARK_BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cursor {
	const uint8_t *data; /* borrowed */
	size_t size;
	size_t at;
	size_t failed_at; /* valid once failed: where the read that did not fit began */
	bool failed;
};

static inline struct cursor cursor_of(const void *data, size_t size)
{
	return (struct cursor){.data = data, .size = size};
}

static inline size_t cursor_left(const struct cursor *cursor)
{
	return cursor->failed ? 0 : cursor->size - cursor->at;
}

/* From now on all reads fail. The first failure is the one that is remembered. */
void cursor_fail(struct cursor *cursor);

/* The next size bytes, which the cursor then is behind; NULL where there are not so many. */
const void *cursor_take(struct cursor *cursor, size_t size);

/* Copies the next size bytes; zeroes where there are not so many. */
void cursor_read(struct cursor *cursor, void *into, size_t size);

uint8_t cursor_u8(struct cursor *cursor);
uint16_t cursor_u16(struct cursor *cursor);
uint32_t cursor_u32(struct cursor *cursor);
uint64_t cursor_u64(struct cursor *cursor);

/*
 * A number of 1 to 10 bytes, seven bits in each, the lowest first (LEB128). What does not fit 64
 * bits is a failure.
 */
uint64_t cursor_varint_long(struct cursor *cursor);

static inline uint64_t cursor_varint(struct cursor *cursor)
{
	/* most have one or two bytes */
	if (!cursor->failed && cursor->size - cursor->at >= 2) {
		const uint8_t *at = cursor->data + cursor->at;

		if (!(at[0] & 0x80)) {
			cursor->at++;
			return at[0];
		}
		if (!(at[1] & 0x80)) {
			cursor->at += 2;
			return (uint64_t)(at[0] & 0x7f) | (uint64_t)at[1] << 7;
		}
	}
	return cursor_varint_long(cursor);
}

/* Small numbers of either sign as small ones without. */
static inline uint64_t zigzag(int64_t value)
{
	return (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
}

static inline int64_t unzigzag(uint64_t value)
{
	return (int64_t)(value >> 1 ^ (~(value & 1) + 1));
}

#endif
