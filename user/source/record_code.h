/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records as a chunk of a recording holds them: each is told by what differs from those before it
 * in the chunk, so that a page fault takes 6 to 10 bytes of its 40, and what a compressor finds in
 * them is less than half of that.
 *
 *	varint	kind
 *	varint	time, less that of the record before (zigzag)
 *	varint	which of the following differ, a bit each: size, process, thread, stack, and words
 *of the payload (8 bytes each), the first RECORD_WORDS of them varint	each that differs, in that
 *order: the size as it is, the others less what they were before (zigzag); process and thread in
 *the record before, stack and words in the last record of the same kind varint	each further word,
 *less that two words before (zigzag)
 *
 * A word that is far from what it was is told as it is: the two bytes 0x80 0x00, which no varint
 * begins with, and its 8 bytes. So text stays text, for the compressor. The code knows no kind's
 * fields: those of a later version are read, and skipped, like any other.
 */
#ifndef TIDEMARK_SOURCE_RECORD_CODE_H
#define TIDEMARK_SOURCE_RECORD_CODE_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/event.h"
#include "user/base/cursor.h"

#define RECORD_WORDS 26

/* Kinds from the last one on share it. */
#define RECORD_LASTS 64

struct record_last {
	uint32_t size;
	uint32_t stack;
	uint64_t words[RECORD_WORDS];
};

/* What the next record is told against. All zeroes at the beginning of a chunk. */
struct record_code {
	uint64_t time_ns;
	uint32_t pid;
	uint32_t tid;
	struct record_last lasts[RECORD_LASTS];
};

/* No record takes more. */
#define RECORD_CODE_MAX (64 + EVENT_SIZE_MAX / 8 * 10)

/* A record's room while it is read: aligned, and zeroes behind its size up to that of its kind. */
union record {
	struct event_header h;
	uint64_t words[EVENT_SIZE_MAX / 8];
};

/*
 * Writes one record. Returns the bytes it took, at most RECORD_CODE_MAX; 0: it cannot be told, its
 * size is no multiple of 8, or beyond EVENT_SIZE_MAX.
 */
size_t record_encode(struct record_code *code, const struct event_header *event, uint8_t *into);

/* Reads one record. 0, or -EBADMSG: the cursor has failed then. */
int record_decode(struct record_code *code, struct cursor *cursor, union record *record);

#endif
