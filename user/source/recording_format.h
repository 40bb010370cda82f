/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A recording on disk. Little-endian; all sizes in bytes.
 *
 *	header	"TIDEMARK", major, minor (16 bits each), size of the header (32 bits), the fields of
 *		struct recording_header in their order, and at its end the checksum of all before
 *	chunk	any number of them, see struct recording_chunk: its head, then what it holds, packed
 *	chunk	of kind CHUNK_INDEX, the last one: the recording was closed
 *
 * A chunk stands for itself: whatever its records are told against lies within it
 * (record_code.h), and its checksum covers its head and what it holds. So a recording that was cut
 * anywhere is one up to its last whole chunk.
 *
 * Minor versions add kinds of records and of chunks, and fields at the end of records and of the
 * header: a reader skips what it does not know, and takes as zeroes what is not there. A major
 * version is what a reader of another cannot read.
 */
#ifndef TIDEMARK_SOURCE_RECORDING_FORMAT_H
#define TIDEMARK_SOURCE_RECORDING_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/event.h"

#define RECORDING_MAGIC "TIDEMARK"
#define RECORDING_MAJOR 1
#define RECORDING_MINOR 0

#define RECORDING_VERSION_LEN 64

#define RECORDING_STACKS 0x1 /* stacks were taken */

struct recording_header {
	uint16_t major;
	uint16_t minor;
	uint32_t flags;		/* RECORDING_* */
	uint32_t heap_tracked;	/* allocations tracked at most; 0: the default */
	int64_t wall_offset_ns; /* CLOCK_REALTIME - CLOCK_MONOTONIC */
	int64_t boot_offset_ns; /* CLOCK_BOOTTIME - CLOCK_MONOTONIC */
	uint64_t start_ns;	/* CLOCK_MONOTONIC */
	uint32_t interval_ms;
	uint32_t page_bytes;
	uint32_t machine;		     /* EM_X86_64 or EM_AARCH64, elf.h */
	uint32_t kind_count;		     /* kinds of records that its writer knew */
	char version[RECORDING_VERSION_LEN]; /* of tidemark, NUL-terminated */
};

/* The header as it is on disk, checksum included; later ones may be longer, up to the most. */
#define RECORDING_HEADER_BYTES (8 + 2 + 2 + 4 + 4 + 4 + 3 * 8 + 4 * 4 + RECORDING_VERSION_LEN + 8)
#define RECORDING_HEADER_MAX 4096

enum chunk_kind {
	CHUNK_NONE,
	CHUNK_RECORDS,
	/*
	 * All that was known when the next CHUNK_RECORDS began, as records. Read where a recording
	 * begins with it, because what came before was let go; skipped elsewhere.
	 */
	CHUNK_SNAPSHOT,
	CHUNK_INDEX,
};

#define CHUNK_MAGIC 0x4b4e4843U /* "CHNK" */

/* Unpacked: what a writer fills a chunk up to, and what a reader makes room for. */
#define CHUNK_BYTES ((size_t)256 << 10)
#define CHUNK_BYTES_MAX ((size_t)1 << 20)

/* In this order on disk: the checksum (XXH64 of all that follows), CHUNK_MAGIC, then these. */
struct recording_chunk {
	uint32_t kind;	  /* enum chunk_kind */
	uint32_t packed;  /* bytes that follow the head */
	uint32_t bytes;	  /* of these, unpacked (zstd) */
	uint32_t records; /* in it */
	uint32_t pad;
	uint64_t number;   /* from 0, one more than that of the chunk before */
	uint64_t first_ns; /* least time of its records, and greatest */
	uint64_t last_ns;
};

#define CHUNK_HEAD_BYTES (8 + 4 + 5 * 4 + 3 * 8)

/* No clock gets there: 146 years. What is later was made up. */
#define RECORDING_TIME_MAX ((uint64_t)1 << 62)

/*
 * An index holds, as varints (cursor.h), the number of chunks before it, then of each its place in
 * the file less that of the one before, how many records it has, and its first time less that of
 * the one before (zigzag).
 */

#endif
