/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads a recording (recording_format.h), which may be anyone's: checked records come out, in the
 * order they went in. What is behind this door may trust what it may trust of a live source: each
 * record is as decode.h says, its time is one, stacks and modules are numbered in order, and a
 * record names no stack that was not told of before.
 *
 * Takes 3 MiB, whatever the recording.
 */
#ifndef TIDEMARK_SOURCE_RECORDING_READER_H
#define TIDEMARK_SOURCE_RECORDING_READER_H

#include <stddef.h>
#include <stdint.h>

#include "user/source/recording_format.h"

struct recording_reader;

enum recording_end {
	RECORDING_OPEN,	   /* there may be more */
	RECORDING_WHOLE,   /* it was closed */
	RECORDING_CUT,	   /* it ends after a whole chunk, or within one, and was not closed */
	RECORDING_DAMAGED, /* a chunk is not what was written: it and what follows is left out */
};

/* What was read so far. */
struct recording_account {
	uint64_t chunks;	 /* of records, whole */
	uint64_t records;	 /* in them */
	uint64_t record_bytes;	 /* of these, unpacked */
	uint64_t unknown;	 /* records of kinds of a later version, skipped */
	uint64_t malformed;	 /* records that did not pass the check, skipped */
	uint64_t unknown_chunks; /* of kinds of a later version, skipped */
	uint64_t first_chunk;	 /* its number: more than 0 where older ones were let go of */
	uint64_t first_ns;	 /* least time of the records, and greatest */
	uint64_t last_ns;
	uint64_t file_bytes;
	uint64_t read_bytes; /* of these, in whole chunks, and the header */
	uint64_t kinds[EVENT_KIND_COUNT];
	enum recording_end end;
	const char *damage; /* what is wrong, a few words; NULL unless DAMAGED */
};

/*
 * -EBADMSG: no recording; -EPROTONOSUPPORT: of a newer major version; -ENOMEM; or what opening it
 * said. Has said why in one line (log.h), then.
 */
int recording_open(const char *path, struct recording_reader **reader);

/* The same for an open file, which the reader takes. name: for messages. */
int recording_open_fd(int fd, const char *name, struct recording_reader **reader);

const struct recording_header *recording_header(const struct recording_reader *reader);
const struct recording_account *recording_account(const struct recording_reader *reader);

/* The next record, valid until the next call. 1, or 0 at the end: the account says which. */
int recording_read(struct recording_reader *reader, const struct event_header **event);

/* "cut off: the last 1234 bytes are missing the rest of their chunk", ...; "" if whole. Returns
 * text. */
char *recording_end_text(const struct recording_account *account, char *text, size_t size);

void recording_reader_free(struct recording_reader *reader);

#endif
