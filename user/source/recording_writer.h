/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writes a recording (recording_format.h). Whole chunks go to the file, so that what is there can
 * be read whenever writing ends. The first error ends it: what follows is refused with the same
 * one.
 */
#ifndef TIDEMARK_SOURCE_RECORDING_WRITER_H
#define TIDEMARK_SOURCE_RECORDING_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/source/recording_format.h"

/* Less than this cannot hold the state of a process and what it does. */
#define RECORDING_MAX_BYTES_MIN ((uint64_t)1 << 20)

struct recording_writer;

/*
 * The header of a recording that begins now on this machine. version: of tidemark; flags:
 * RECORDING_*.
 */
void recording_header_fill(struct recording_header *header, const char *version,
			   uint32_t interval_ms, uint32_t flags);

/*
 * Makes the file; one that is there becomes PATH.old, as perf-record(1) does it. max_bytes: what it
 * may take, see recording_snapshot_due(); 0: whatever comes. 0, -ENOMEM, -ENOTSUP: it is no regular
 * file, or is standard output or error; or what opening or writing it said.
 */
int recording_create(const char *path, const struct recording_header *header, uint64_t max_bytes,
		     struct recording_writer **writer);

/* One record of the stream. 0, -EINVAL: it is none that can be kept; or the error that ended it. */
int recording_write(struct recording_writer *writer, const struct event_header *event);

/* Writes what is not in the file yet, if it has waited for long by the time of the stream. */
int recording_rest(struct recording_writer *writer, uint64_t now_ns);

/*
 * Of a recording with a greatest size: is it time for a snapshot? Then all that is known comes as
 * records between begin and end; what is older than the snapshot before is let go once the file is
 * full.
 */
bool recording_snapshot_due(const struct recording_writer *writer);
int recording_snapshot_begin(struct recording_writer *writer);
int recording_snapshot_end(struct recording_writer *writer);

/* What was written so far. */
struct recording_figures {
	uint64_t records;
	uint64_t bytes;	  /* of the file now */
	uint64_t dropped; /* bytes let go of to keep it in its size */
	uint64_t refused; /* records that could not be kept */
};

void recording_figures(const struct recording_writer *writer, struct recording_figures *figures);

/* Writes the rest and the index, and frees; NULL too. 0, or the error that ended it. */
int recording_close(struct recording_writer *writer, struct recording_figures *figures);

#endif
