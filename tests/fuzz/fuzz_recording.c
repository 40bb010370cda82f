// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reader of recordings, and what is behind it. An input that begins with 0 is a file as it is;
 * others are what a chunk holds, unpacked, each 64 KiB of them in a chunk with the right checksum:
 * no mutation would get past that.
 */
#include "tests/fuzz/fuzz.h"

#include <unistd.h>

#include <sys/mman.h>
#include <xxhash.h>
#include <zstd.h>

#include "user/source/recording.h"
#include "user/stack/stacks.h"

static void put(int fd, const void *data, size_t size)
{
	if (write(fd, data, size) != (ssize_t)size)
		abort();
}

static void put_header(int fd)
{
	struct {
		char magic[8];
		uint16_t major, minor;
		uint32_t size, flags, pad;
		int64_t wall, boot;
		uint64_t start;
		uint32_t interval, page, machine, kinds;
		char version[RECORDING_VERSION_LEN];
		uint64_t sum;
	} header = {
		.magic = {'T', 'I', 'D', 'E', 'M', 'A', 'R', 'K'},
		.major = RECORDING_MAJOR,
		.size = RECORDING_HEADER_BYTES,
		.page = 4096,
	};

	_Static_assert(sizeof(header) == RECORDING_HEADER_BYTES, "as it is on disk");
	header.sum = XXH64(&header, sizeof(header) - 8, 0);
	put(fd, &header, sizeof(header));
}

static void put_chunk(int fd, const uint8_t *data, size_t size, uint64_t number)
{
	static uint8_t packed[1 << 18];
	struct {
		uint64_t sum;
		uint32_t magic, kind, packed, bytes, records, pad;
		uint64_t number, first, last;
	} head = {
		.magic = CHUNK_MAGIC,
		.kind = CHUNK_RECORDS,
		.bytes = (uint32_t)size,
		.records = (uint32_t)size / 3,
		.number = number,
		.last = RECORDING_TIME_MAX - 1,
	};
	size_t length =
		ZSTD_compress(packed + sizeof(head), sizeof(packed) - sizeof(head), data, size, 1);

	_Static_assert(sizeof(head) == CHUNK_HEAD_BYTES, "as it is on disk");
	head.packed = (uint32_t)length;
	memcpy(packed, &head, sizeof(head));
	head.sum = XXH64(packed + 8, sizeof(head) - 8 + length, 0);
	memcpy(packed, &head, sizeof(head.sum));
	put(fd, packed, sizeof(head) + length);
}

static int make_file(const uint8_t *data, size_t size)
{
	int fd = memfd_create("recording", MFD_CLOEXEC);

	if (fd < 0)
		abort();
	if (size && !data[0]) {
		put(fd, data + 1, size - 1);
		return fd;
	}
	put_header(fd);
	for (size_t at = 1, number = 0; at < size; at += 65536)
		put_chunk(fd, data + at, size - at < 65536 ? size - at : 65536, number++);
	return fd;
}

/* Definitions go to a table, as the pipeline would have them. */
static void apply_stacks(int fd)
{
	struct stacks *stacks = stacks_new(NULL, NULL);
	const struct event_header *event;
	struct recording_reader *reader;

	if (!recording_open_fd(fd, "fuzz", &reader)) {
		while (recording_read(reader, &event))
			if (event->kind == EVENT_STACK || event->kind == EVENT_MODULE)
				stacks_apply(stacks, event);
		recording_reader_free(reader);
	}
	stacks_free(stacks);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct recording_options options;
	struct recording_reader *reader;
	int fd = make_file(data, size);

	log_hold(true); /* of most files it says that they are none */
	apply_stacks(dup(fd));
	if (!recording_open_fd(fd, "fuzz", &reader)) {
		struct source *source = recording_source(reader, &options);

		fuzz_run(source);
		source->ops->close(source);
	}
	return 0;
}
