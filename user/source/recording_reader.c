// SPDX-License-Identifier: GPL-2.0-only
#include "user/source/recording_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/stat.h>
#include <xxhash.h>
#include <zstd.h>

#include "user/base/cursor.h"
#include "user/base/log.h"
#include "user/source/decode.h"
#include "user/source/record_code.h"

struct recording_reader {
	int fd;
	struct recording_header header;
	struct recording_account account;
	uint64_t offset; /* of the next chunk */
	uint64_t next_number;
	bool begun;    /* a chunk of records has been read: snapshots are skipped */
	uint32_t left; /* records of the present chunk that are to come */
	struct recording_chunk chunk;
	struct cursor cursor;
	struct record_code code;
	uint32_t stacks; /* told of so far */
	uint32_t modules;
	union record record;
	ZSTD_DCtx *unpacker;
	uint8_t *packed; /* CHUNK_HEAD_BYTES + ZSTD_compressBound(CHUNK_BYTES_MAX) */
	uint8_t *bytes;	 /* CHUNK_BYTES_MAX */
};

/* Up to size bytes; fewer only at the end of the file. */
static ssize_t read_at(int fd, void *into, size_t size, uint64_t offset)
{
	size_t got = 0;

	while (got < size) {
		ssize_t more = pread(fd, (uint8_t *)into + got, size - got, (off_t)(offset + got));

		if (more < 0 && errno == EINTR)
			continue;
		if (more < 0)
			return -errno;
		if (!more)
			break;
		got += (size_t)more;
	}
	return (ssize_t)got;
}

/* ---- the header ---- */

static void header_fields(struct cursor *cursor, struct recording_header *header)
{
	header->flags = cursor_u32(cursor);
	header->heap_tracked = cursor_u32(cursor);
	header->wall_offset_ns = (int64_t)cursor_u64(cursor);
	header->boot_offset_ns = (int64_t)cursor_u64(cursor);
	header->start_ns = cursor_u64(cursor);
	header->interval_ms = cursor_u32(cursor);
	header->page_bytes = cursor_u32(cursor);
	header->machine = cursor_u32(cursor);
	header->kind_count = cursor_u32(cursor);
	cursor_read(cursor, header->version, sizeof(header->version));
	header->version[sizeof(header->version) - 1] = '\0';
}

/* What exports compute with. */
static bool header_plausible(const struct recording_header *header)
{
	const int64_t far = (int64_t)RECORDING_TIME_MAX;

	return header->page_bytes == 4096 && header->heap_tracked <= 1U << 28 &&
	       header->start_ns < RECORDING_TIME_MAX && header->wall_offset_ns > -far &&
	       header->wall_offset_ns < far && header->boot_offset_ns > -far &&
	       header->boot_offset_ns < far;
}

static int header_read(struct recording_reader *reader, const char *name)
{
	struct recording_header *header = &reader->header;
	uint8_t bytes[RECORDING_HEADER_MAX];
	ssize_t got = read_at(reader->fd, bytes, sizeof(bytes), 0);
	struct cursor cursor = cursor_of(bytes, got > 0 ? (size_t)got : 0);
	const char *magic = cursor_take(&cursor, 8);
	uint32_t size;

	if (got < 0) {
		log_error("%s: %s", name, strerror((int)-got));
		return (int)got;
	}
	header->major = cursor_u16(&cursor);
	header->minor = cursor_u16(&cursor);
	size = cursor_u32(&cursor);
	if (cursor.failed || memcmp(magic, RECORDING_MAGIC, 8)) {
		log_error("%s: this is no recording: `tidemark record -o FILE` makes one", name);
		return -EBADMSG;
	}
	if (header->major != RECORDING_MAJOR) {
		log_error("%s: a recording of format %u.%u, made by %s tidemark; this one reads "
			  "format %u",
			  name, header->major, header->minor,
			  header->major > RECORDING_MAJOR ? "a newer" : "an older",
			  RECORDING_MAJOR);
		return -EPROTONOSUPPORT;
	}
	header_fields(&cursor, header);
	if (!cursor.failed && size >= RECORDING_HEADER_BYTES && size <= (size_t)got) {
		struct cursor sum = cursor_of(bytes + size - 8, 8);

		if (cursor_u64(&sum) == XXH64(bytes, size - 8, 0) && header_plausible(header)) {
			reader->offset = reader->account.read_bytes = size;
			return 0;
		}
	}
	log_error("%s: the recording is damaged in its first %u bytes", name,
		  (unsigned int)RECORDING_HEADER_BYTES);
	return -EBADMSG;
}

int recording_open_fd(int fd, const char *name, struct recording_reader **out)
{
	struct recording_reader *reader = calloc(1, sizeof(*reader));
	struct stat st;
	int rc = 0;

	if (!reader) {
		close(fd);
		return -ENOMEM;
	}
	reader->fd = fd;
	reader->unpacker = ZSTD_createDCtx();
	reader->packed = malloc(CHUNK_HEAD_BYTES + ZSTD_compressBound(CHUNK_BYTES_MAX));
	reader->bytes = malloc(CHUNK_BYTES_MAX);
	if (!reader->unpacker || !reader->packed || !reader->bytes) {
		log_error("%s: out of memory", name);
		rc = -ENOMEM;
	}
	if (!rc)
		rc = header_read(reader, name);
	if (rc) {
		recording_reader_free(reader);
		return rc;
	}
	if (!fstat(fd, &st))
		reader->account.file_bytes = (uint64_t)st.st_size;
	*out = reader;
	return 0;
}

int recording_open(const char *path, struct recording_reader **reader)
{
	/* O_NONBLOCK: a FIFO is refused, and not waited for */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0) {
		int rc = -errno;

		log_error("%s: %s", path, strerror(-rc));
		return rc;
	}
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		log_error("%s: a recording is a regular file", path);
		close(fd);
		return -EINVAL;
	}
	return recording_open_fd(fd, path, reader);
}

void recording_reader_free(struct recording_reader *reader)
{
	if (!reader)
		return;
	close(reader->fd);
	ZSTD_freeDCtx(reader->unpacker);
	free(reader->packed);
	free(reader->bytes);
	free(reader);
}

const struct recording_header *recording_header(const struct recording_reader *reader)
{
	return &reader->header;
}

const struct recording_account *recording_account(const struct recording_reader *reader)
{
	return &reader->account;
}

/* ---- chunks ---- */

static int reader_end(struct recording_reader *reader, enum recording_end end, const char *damage)
{
	reader->account.end = end;
	reader->account.damage = damage;
	reader->left = 0;
	return 0;
}

static bool head_read(struct cursor *cursor, struct recording_chunk *chunk, uint64_t *checksum)
{
	*checksum = cursor_u64(cursor);
	if (cursor_u32(cursor) != CHUNK_MAGIC)
		return false;
	chunk->kind = cursor_u32(cursor);
	chunk->packed = cursor_u32(cursor);
	chunk->bytes = cursor_u32(cursor);
	chunk->records = cursor_u32(cursor);
	cursor_u32(cursor);
	chunk->number = cursor_u64(cursor);
	chunk->first_ns = cursor_u64(cursor);
	chunk->last_ns = cursor_u64(cursor);
	return !cursor->failed;
}

/* No record takes less than three bytes. */
static bool head_plausible(const struct recording_chunk *chunk)
{
	return chunk->bytes <= CHUNK_BYTES_MAX &&
	       chunk->packed <= ZSTD_compressBound(CHUNK_BYTES_MAX) &&
	       chunk->records <= chunk->bytes / 3 && chunk->first_ns <= chunk->last_ns &&
	       chunk->last_ns < RECORDING_TIME_MAX;
}

/* A chunk with its contents, packed. 1; 0 at the end, which is noted. */
static int chunk_take(struct recording_reader *reader)
{
	struct recording_chunk *chunk = &reader->chunk;
	uint8_t *head = reader->packed;
	ssize_t got = read_at(reader->fd, head, CHUNK_HEAD_BYTES, reader->offset);
	struct cursor cursor = cursor_of(head, CHUNK_HEAD_BYTES);
	uint64_t checksum;

	if (got < 0)
		return reader_end(reader, RECORDING_DAMAGED, "the file cannot be read");
	if ((size_t)got < CHUNK_HEAD_BYTES)
		return reader_end(reader, RECORDING_CUT, NULL);
	if (!head_read(&cursor, chunk, &checksum) || !head_plausible(chunk))
		return reader_end(reader, RECORDING_DAMAGED, "the head of a chunk is none");
	got = read_at(reader->fd, head + CHUNK_HEAD_BYTES, chunk->packed,
		      reader->offset + CHUNK_HEAD_BYTES);
	if (got < 0)
		return reader_end(reader, RECORDING_DAMAGED, "the file cannot be read");
	if ((size_t)got < chunk->packed)
		return reader_end(reader, RECORDING_CUT, NULL);
	if (XXH64(head + 8, CHUNK_HEAD_BYTES - 8 + chunk->packed, 0) != checksum)
		return reader_end(reader, RECORDING_DAMAGED, "a checksum does not match");
	return 1;
}

static int chunk_unpack(struct recording_reader *reader)
{
	struct recording_account *account = &reader->account;
	const struct recording_chunk *chunk = &reader->chunk;
	size_t size = ZSTD_decompressDCtx(reader->unpacker, reader->bytes, CHUNK_BYTES_MAX,
					  reader->packed + CHUNK_HEAD_BYTES, chunk->packed);

	if (ZSTD_isError(size) || size != chunk->bytes)
		return reader_end(reader, RECORDING_DAMAGED, "a chunk cannot be unpacked");
	if (account->chunks && chunk->number != reader->next_number)
		return reader_end(reader, RECORDING_DAMAGED, "a chunk is missing");
	if (!account->chunks++) {
		account->first_chunk = chunk->number;
		account->first_ns = chunk->first_ns;
	}
	if (chunk->first_ns < account->first_ns)
		account->first_ns = chunk->first_ns;
	if (chunk->last_ns > account->last_ns)
		account->last_ns = chunk->last_ns;
	account->record_bytes += size;
	reader->cursor = cursor_of(reader->bytes, size);
	memset(&reader->code, 0, sizeof(reader->code));
	reader->left = chunk->records;
	return 1;
}

/* A snapshot is of use only where it is the beginning. */
static bool chunk_wanted(struct recording_reader *reader)
{
	switch (reader->chunk.kind) {
	case CHUNK_RECORDS:
		return true;
	case CHUNK_SNAPSHOT:
		return !reader->begun;
	case CHUNK_INDEX:
		return false;
	default:
		reader->account.unknown_chunks++;
		return false;
	}
}

/* The next chunk with records. 1, or 0 at the end. */
static int chunk_next(struct recording_reader *reader)
{
	while (reader->account.end == RECORDING_OPEN) {
		bool wanted;

		if (!chunk_take(reader))
			return 0;
		wanted = chunk_wanted(reader);
		if (wanted && !chunk_unpack(reader))
			return 0;
		reader->begun |= reader->chunk.kind == CHUNK_RECORDS;
		reader->next_number = reader->chunk.number + 1;
		reader->offset += CHUNK_HEAD_BYTES + reader->chunk.packed;
		reader->account.read_bytes = reader->offset;
		if (reader->chunk.kind == CHUNK_INDEX)
			return reader_end(reader, RECORDING_WHOLE, NULL);
		if (wanted && reader->left)
			return 1;
	}
	return 0;
}

/* ---- records ---- */

/* A field that was added since it was written is 0. */
static void record_extend(union record *record)
{
	size_t size = event_size(record->h.kind);

	if (record->h.size >= size || record->h.kind == EVENT_STACK || record->h.kind == EVENT_SCAN)
		return;
	memset((uint8_t *)record + record->h.size, 0, size - record->h.size);
	record->h.size = (uint16_t)size;
}

/* What a record may not be although it is well-formed: see the top of the header. */
static int record_check(const struct recording_reader *reader)
{
	const struct event_header *event = &reader->record.h;

	if (event->kind == EVENT_SNAPSHOT || event->time_ns < reader->chunk.first_ns ||
	    event->time_ns > reader->chunk.last_ns || event->stack > reader->stacks)
		return -EBADMSG;
	return event_check(event, sizeof(reader->record));
}

/* Numbers are given one after the other; a module may be told of again. */
static bool definition_in_order(struct recording_reader *reader)
{
	const union record *record = &reader->record;

	if (record->h.kind == EVENT_STACK)
		return ((const struct event_stack *)record)->number == ++reader->stacks;
	if (record->h.kind == EVENT_MODULE) {
		uint32_t number = ((const struct event_module *)record)->number;

		reader->modules += number == reader->modules + 1;
		return number <= reader->modules;
	}
	return true;
}

int recording_read(struct recording_reader *reader, const struct event_header **event)
{
	struct recording_account *account = &reader->account;

	while (reader->left || chunk_next(reader)) {
		int rc;

		reader->left--;
		if (record_decode(&reader->code, &reader->cursor, &reader->record))
			return reader_end(reader, RECORDING_DAMAGED, "a record cannot be told");
		record_extend(&reader->record);
		rc = record_check(reader);
		if (rc == -ENOTSUP) {
			account->unknown++;
			continue;
		}
		if (!rc && !definition_in_order(reader))
			return reader_end(reader, RECORDING_DAMAGED, "stacks are out of order");
		if (rc) {
			account->malformed++;
			continue;
		}
		account->records++;
		account->kinds[reader->record.h.kind]++;
		*event = &reader->record.h;
		return 1;
	}
	return 0;
}

char *recording_end_text(const struct recording_account *account, char *text, size_t size)
{
	uint64_t left = account->file_bytes > account->read_bytes
				? account->file_bytes - account->read_bytes
				: 0;

	*text = '\0';
	if (account->end == RECORDING_WHOLE && left)
		snprintf(text, size,
			 "it ends at byte %" PRIu64 ": the %" PRIu64
			 " bytes after that are no part of it, and left out",
			 account->read_bytes, left);
	else if (account->end == RECORDING_CUT && left)
		snprintf(text, size,
			 "it was cut off: the last %" PRIu64 " bytes are no whole chunk, and what "
			 "came after them is missing",
			 left);
	else if (account->end == RECORDING_CUT)
		snprintf(text, size, "it was not closed: what came last may be missing");
	else if (account->end == RECORDING_DAMAGED)
		snprintf(text, size,
			 "it is damaged at byte %" PRIu64 " (%s): the last %" PRIu64
			 " bytes are left out",
			 account->read_bytes, account->damage, left);
	return text;
}
