// SPDX-License-Identifier: GPL-2.0-only
#include "user/base/cursor.h"

#include <endian.h>
#include <string.h>

void cursor_fail(struct cursor *cursor)
{
	if (cursor->failed)
		return;
	cursor->failed = true;
	cursor->failed_at = cursor->at;
}

const void *cursor_take(struct cursor *cursor, size_t size)
{
	const uint8_t *taken = cursor->data + cursor->at;

	if (cursor->failed || size > cursor->size - cursor->at) {
		cursor_fail(cursor);
		return NULL;
	}
	cursor->at += size;
	return taken;
}

void cursor_read(struct cursor *cursor, void *into, size_t size)
{
	const void *taken = cursor_take(cursor, size);

	if (taken && size)
		memcpy(into, taken, size);
	else
		memset(into, 0, size);
}

uint8_t cursor_u8(struct cursor *cursor)
{
	uint8_t value;

	cursor_read(cursor, &value, sizeof(value));
	return value;
}

uint16_t cursor_u16(struct cursor *cursor)
{
	uint16_t value;

	cursor_read(cursor, &value, sizeof(value));
	return le16toh(value);
}

uint32_t cursor_u32(struct cursor *cursor)
{
	uint32_t value;

	cursor_read(cursor, &value, sizeof(value));
	return le32toh(value);
}

uint64_t cursor_u64(struct cursor *cursor)
{
	uint64_t value;

	cursor_read(cursor, &value, sizeof(value));
	return le64toh(value);
}

uint64_t cursor_varint_long(struct cursor *cursor)
{
	uint64_t value = 0;
	size_t begin = cursor->at;

	for (unsigned int shift = 0; shift < 64; shift += 7) {
		uint8_t byte = cursor_u8(cursor);

		if (cursor->failed || (shift == 63 && byte > 1))
			break;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return value;
	}
	if (!cursor->failed)
		cursor->at = begin;
	cursor_fail(cursor);
	return 0;
}
