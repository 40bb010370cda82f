// SPDX-License-Identifier: GPL-2.0-only
#include "user/source/recording_writer.h"

#include <elf.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/stat.h>

#include <xxhash.h>
#include <zstd.h>

#include "user/base/cleanup.h"
#include "user/base/units.h"
#include "user/source/record_code.h"

/* Level 1 makes it an eighth larger; those above 3 gain 3% for twice the time. */
#define LEVEL 3

/* What a crash may lose, where little happens. */
#define REST_NS (2 * NSEC_PER_SEC)

struct index_entry {
	uint64_t offset;
	uint64_t first_ns;
	uint32_t records;
};

struct recording_writer {
	char *path;
	int fd;
	struct recording_header header;
	uint64_t max_bytes;
	uint64_t offset;	  /* where the next chunk goes */
	uint64_t snapshot_offset; /* of the newest snapshot; 0: none */
	uint64_t snapshot_end;
	struct recording_chunk chunk; /* the one being filled */
	struct record_code code;
	uint8_t *bytes; /* of it, `chunk.bytes` used */
	uint8_t *packed;
	size_t packed_size;
	ZSTD_CCtx *packer;
	struct index_entry *index;
	size_t index_count;
	size_t index_capacity;
	struct recording_figures figures;
	int error;
};

static int64_t clock_of(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * (int64_t)NSEC_PER_SEC + now.tv_nsec;
}

void recording_header_fill(struct recording_header *header, const char *version,
			   uint32_t interval_ms, uint32_t flags)
{
	int64_t now = clock_of(CLOCK_MONOTONIC);

	*header = (struct recording_header)
	{
		.major = RECORDING_MAJOR, .minor = RECORDING_MINOR, .flags = flags,
		.wall_offset_ns = clock_of(CLOCK_REALTIME) - now,
		.boot_offset_ns = clock_of(CLOCK_BOOTTIME) - now, .start_ns = (uint64_t)now,
		.interval_ms = interval_ms, .page_bytes = PAGE_BYTES,
#if defined(__aarch64__)
		.machine = EM_AARCH64,
#else
		.machine = EM_X86_64,
#endif
		.kind_count = EVENT_KIND_COUNT,
	};
	snprintf(header->version, sizeof(header->version), "%s", version);
}

/* ---- bytes ---- */

static uint8_t *put_u16(uint8_t *at, uint16_t value)
{
	value = htole16(value);
	memcpy(at, &value, sizeof(value));
	return at + sizeof(value);
}

static uint8_t *put_u32(uint8_t *at, uint32_t value)
{
	value = htole32(value);
	memcpy(at, &value, sizeof(value));
	return at + sizeof(value);
}

static uint8_t *put_u64(uint8_t *at, uint64_t value)
{
	value = htole64(value);
	memcpy(at, &value, sizeof(value));
	return at + sizeof(value);
}

static uint8_t *put_varint(uint8_t *at, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		*at++ = (uint8_t)(value | 0x80);
	*at++ = (uint8_t)value;
	return at;
}

static int write_all(int fd, const uint8_t *data, size_t size, uint64_t offset)
{
	while (size) {
		ssize_t done = pwrite(fd, data, size, (off_t)offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return done ? -errno : -EIO;
		data += done;
		size -= (size_t)done;
		offset += (uint64_t)done;
	}
	return 0;
}

static int header_write(int fd, const struct recording_header *header)
{
	uint8_t bytes[RECORDING_HEADER_BYTES], *at = bytes;

	memcpy(at, RECORDING_MAGIC, 8);
	at = put_u16(at + 8, header->major);
	at = put_u16(at, header->minor);
	at = put_u32(at, sizeof(bytes));
	at = put_u32(at, header->flags);
	at = put_u32(at, header->heap_tracked);
	at = put_u64(at, (uint64_t)header->wall_offset_ns);
	at = put_u64(at, (uint64_t)header->boot_offset_ns);
	at = put_u64(at, header->start_ns);
	at = put_u32(at, header->interval_ms);
	at = put_u32(at, header->page_bytes);
	at = put_u32(at, header->machine);
	at = put_u32(at, header->kind_count);
	memcpy(at, header->version, sizeof(header->version));
	at += sizeof(header->version);
	put_u64(at, XXH64(bytes, sizeof(bytes) - 8, 0));
	return write_all(fd, bytes, sizeof(bytes), 0);
}

/* ---- the file ---- */

static int writer_fail(struct recording_writer *writer, int error)
{
	if (writer->error || !error)
		return writer->error;
	writer->error = error;
	/* half a chunk is of no use; where it cannot be cut off a reader does without it */
	if (writer->fd >= 0 && ftruncate(writer->fd, (off_t)writer->offset))
		return error;
	return error;
}

static void writer_free(struct recording_writer *writer)
{
	if (writer->fd >= 0)
		close(writer->fd);
	ZSTD_freeCCtx(writer->packer);
	free(writer->path);
	free(writer->bytes);
	free(writer->packed);
	free(writer->index);
	free(writer);
}

/* What was there before is kept beside it: a recording cannot be made again. */
static int keep_former(const char *path)
{
	AUTO_FREE char *former = NULL;
	struct stat st;

	if (lstat(path, &st) || !S_ISREG(st.st_mode) || !st.st_size)
		return 0;
	if (asprintf(&former, "%s.old", path) < 0)
		return -ENOMEM;
	return rename(path, former) ? -errno : 0;
}

static bool is_same_file(int fd, const struct stat *st)
{
	struct stat other;

	return !fstat(fd, &other) && other.st_dev == st->st_dev && other.st_ino == st->st_ino;
}

/* The file itself, with nothing in it. */
static int file_create(const char *path)
{
	struct stat st;
	int fd, rc = keep_former(path);

	if (rc)
		return rc;
	/* O_NONBLOCK: a FIFO is refused, and not waited for */
	fd = open(path, O_RDWR | O_CREAT | O_NONBLOCK | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	if (!fstat(fd, &st) && (!S_ISREG(st.st_mode) || is_same_file(STDOUT_FILENO, &st) ||
				is_same_file(STDERR_FILENO, &st)))
		rc = -ENOTSUP;
	else if (ftruncate(fd, 0))
		rc = -errno;
	if (!rc)
		return fd;
	close(fd);
	return rc;
}

int recording_create(const char *path, const struct recording_header *header, uint64_t max_bytes,
		     struct recording_writer **out)
{
	struct recording_writer *writer = calloc(1, sizeof(*writer));
	int rc = 0;

	if (!writer)
		return -ENOMEM;
	writer->fd = -1;
	writer->header = *header;
	writer->max_bytes = max_bytes;
	writer->path = strdup(path);
	writer->packed_size = CHUNK_HEAD_BYTES + ZSTD_compressBound(CHUNK_BYTES_MAX);
	writer->bytes = malloc(CHUNK_BYTES_MAX);
	writer->packed = malloc(writer->packed_size);
	writer->packer = ZSTD_createCCtx();
	if (!writer->path || !writer->bytes || !writer->packed || !writer->packer)
		rc = -ENOMEM;
	if (!rc)
		writer->fd = file_create(path);
	if (!rc && writer->fd < 0)
		rc = writer->fd;
	if (!rc)
		rc = header_write(writer->fd, header);
	if (rc) {
		writer_free(writer);
		return rc;
	}
	writer->offset = writer->figures.bytes = RECORDING_HEADER_BYTES;
	*out = writer;
	return 0;
}

/* ---- chunks ---- */

static int index_add(struct recording_writer *writer)
{
	struct index_entry *index = writer->index;

	if (writer->index_count == writer->index_capacity) {
		size_t capacity = writer->index_capacity ? writer->index_capacity * 2 : 64;

		index = reallocarray(index, capacity, sizeof(*index));
		if (!index)
			return -ENOMEM;
		writer->index = index;
		writer->index_capacity = capacity;
	}
	index[writer->index_count++] = (struct index_entry){
		.offset = writer->offset,
		.first_ns = writer->chunk.first_ns,
		.records = writer->chunk.records,
	};
	return 0;
}

/* The head of the chunk before what is packed already behind it. */
static void head_put(uint8_t *packed, const struct recording_chunk *chunk)
{
	uint8_t *at = packed + 8;

	at = put_u32(at, CHUNK_MAGIC);
	at = put_u32(at, chunk->kind);
	at = put_u32(at, chunk->packed);
	at = put_u32(at, chunk->bytes);
	at = put_u32(at, chunk->records);
	at = put_u32(at, 0);
	at = put_u64(at, chunk->number);
	at = put_u64(at, chunk->first_ns);
	put_u64(at, chunk->last_ns);
	put_u64(packed, XXH64(packed + 8, CHUNK_HEAD_BYTES - 8 + chunk->packed, 0));
}

/* Packs and writes the chunk being filled, and begins the next. */
static int chunk_write(struct recording_writer *writer, enum chunk_kind kind)
{
	struct recording_chunk *chunk = &writer->chunk;
	size_t packed;
	int rc;

	if (!chunk->bytes || writer->error)
		return writer->error;
	packed = ZSTD_compressCCtx(writer->packer, writer->packed + CHUNK_HEAD_BYTES,
				   writer->packed_size - CHUNK_HEAD_BYTES, writer->bytes,
				   chunk->bytes, LEVEL);
	if (ZSTD_isError(packed))
		return writer_fail(writer, -ENOMEM);
	chunk->kind = kind;
	chunk->packed = (uint32_t)packed;
	head_put(writer->packed, chunk);
	rc = kind == CHUNK_INDEX ? 0 : index_add(writer);
	if (!rc)
		rc = write_all(writer->fd, writer->packed, CHUNK_HEAD_BYTES + packed,
			       writer->offset);
	if (rc)
		return writer_fail(writer, rc);
	writer->offset += CHUNK_HEAD_BYTES + packed;
	writer->figures.bytes = writer->offset;
	*chunk = (struct recording_chunk){.number = chunk->number + 1};
	memset(&writer->code, 0, sizeof(writer->code));
	return 0;
}

/* ---- the greatest size ---- */

static int copy_range(int from, uint64_t offset, uint64_t end, int to, uint64_t at)
{
	uint8_t block[1 << 16];

	while (offset < end) {
		size_t size = end - offset < sizeof(block) ? end - offset : sizeof(block);
		ssize_t got = pread(from, block, size, (off_t)offset);
		int rc;

		if (got <= 0)
			return got ? -errno : -EIO;
		rc = write_all(to, block, (size_t)got, at);
		if (rc)
			return rc;
		offset += (uint64_t)got;
		at += (uint64_t)got;
	}
	return 0;
}

/* The chunks from the newest snapshot on, as a file of their own: its descriptor. */
static int copy_kept(const struct recording_writer *writer, const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	int rc;

	if (fd < 0)
		return -errno;
	rc = header_write(fd, &writer->header);
	if (!rc)
		rc = copy_range(writer->fd, writer->snapshot_offset, writer->offset, fd,
				RECORDING_HEADER_BYTES);
	if (!rc)
		return fd;
	close(fd);
	unlink(path);
	return rc;
}

/* The index keeps the chunks that are kept, at their new places. */
static void index_drop(struct recording_writer *writer, uint64_t gone)
{
	size_t first = 0;

	while (first < writer->index_count && writer->index[first].offset < writer->snapshot_offset)
		first++;
	writer->index_count -= first;
	memmove(writer->index, writer->index + first, writer->index_count * sizeof(*writer->index));
	for (size_t i = 0; i < writer->index_count; i++)
		writer->index[i].offset -= gone;
}

/* Lets go of what is older than the newest snapshot. Until the new file is whole the old one stays.
 */
static int drop_old(struct recording_writer *writer)
{
	uint64_t gone = writer->snapshot_offset - RECORDING_HEADER_BYTES;
	char *path = NULL;
	int fd, rc = 0;

	if (!writer->snapshot_offset || !gone)
		return 0;
	if (asprintf(&path, "%s.tmp", writer->path) < 0)
		return writer_fail(writer, -ENOMEM);
	fd = copy_kept(writer, path);
	if (fd < 0)
		rc = fd;
	else if (rename(path, writer->path))
		rc = -errno;
	if (rc && fd >= 0) {
		close(fd);
		unlink(path);
	}
	free(path);
	if (rc)
		return writer_fail(writer, rc);
	close(writer->fd);
	writer->fd = fd;
	index_drop(writer, gone);
	writer->offset -= gone;
	writer->snapshot_offset -= gone;
	writer->snapshot_end -= gone;
	writer->figures.dropped += gone;
	writer->figures.bytes = writer->offset;
	return 0;
}

bool recording_snapshot_due(const struct recording_writer *writer)
{
	uint64_t since = writer->offset + writer->chunk.bytes / 2 - writer->snapshot_end;

	return writer->max_bytes && !writer->error && since >= writer->max_bytes / 2;
}

int recording_snapshot_begin(struct recording_writer *writer)
{
	int rc = chunk_write(writer, CHUNK_RECORDS);

	if (rc)
		return rc;
	writer->snapshot_offset = writer->offset;
	writer->chunk.kind = CHUNK_SNAPSHOT;
	return 0;
}

int recording_snapshot_end(struct recording_writer *writer)
{
	int rc = chunk_write(writer, CHUNK_SNAPSHOT);

	writer->chunk.kind = CHUNK_NONE;
	writer->snapshot_end = writer->offset;
	return rc;
}

/* ---- records ---- */

static int chunk_end(struct recording_writer *writer)
{
	uint32_t kind = writer->chunk.kind;
	int rc = chunk_write(writer, kind ? kind : CHUNK_RECORDS);

	writer->chunk.kind = kind;
	if (!rc && !kind && writer->max_bytes && writer->offset > writer->max_bytes)
		rc = drop_old(writer);
	return rc;
}

int recording_write(struct recording_writer *writer, const struct event_header *event)
{
	struct recording_chunk *chunk = &writer->chunk;
	size_t size;

	if (writer->error)
		return writer->error;
	size = record_encode(&writer->code, event, writer->bytes + chunk->bytes);
	if (!size) {
		writer->figures.refused++;
		return -EINVAL;
	}
	if (!chunk->records++ || event->time_ns < chunk->first_ns)
		chunk->first_ns = event->time_ns;
	if (event->time_ns > chunk->last_ns)
		chunk->last_ns = event->time_ns;
	chunk->bytes += (uint32_t)size;
	writer->figures.records++;
	return chunk->bytes >= CHUNK_BYTES ? chunk_end(writer) : 0;
}

int recording_rest(struct recording_writer *writer, uint64_t now_ns)
{
	if (!writer->chunk.records || now_ns < writer->chunk.first_ns + REST_NS)
		return writer->error;
	return chunk_end(writer);
}

void recording_figures(const struct recording_writer *writer, struct recording_figures *figures)
{
	*figures = writer->figures;
}

/* An index that does not fit one chunk is left out: a recording without one is whole, too. */
static int index_write(struct recording_writer *writer)
{
	uint8_t *at = put_varint(writer->bytes, writer->index_count);
	struct index_entry before = {0};

	for (size_t i = 0; i < writer->index_count; i++) {
		const struct index_entry *entry = &writer->index[i];
		int64_t later = (int64_t)(entry->first_ns - before.first_ns);

		if ((size_t)(at - writer->bytes) > CHUNK_BYTES_MAX - 32)
			break;
		at = put_varint(at, entry->offset - before.offset);
		at = put_varint(at, entry->records);
		at = put_varint(at, zigzag(later));
		before = *entry;
	}
	writer->chunk.bytes = (uint32_t)(at - writer->bytes);
	return chunk_write(writer, CHUNK_INDEX);
}

int recording_close(struct recording_writer *writer, struct recording_figures *figures)
{
	int rc;

	if (!writer)
		return 0;
	rc = chunk_end(writer);
	if (!rc)
		rc = index_write(writer);
	recording_figures(writer, figures);
	writer_free(writer);
	return rc;
}
