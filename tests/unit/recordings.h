/* SPDX-License-Identifier: GPL-2.0-only */
/* Recordings for tests: made record by record, read back, cut, damaged. Include it first. */
#ifndef TESTS_UNIT_RECORDINGS_H
#define TESTS_UNIT_RECORDINGS_H

#include "tests/unit/support.h"

#include <fcntl.h>
#include <unistd.h>

#include <sys/mman.h>
#include <sys/stat.h>

#include "user/source/recording_reader.h"
#include "user/source/recording_writer.h"

#define START_NS MS(5000)

static const struct recording_header recordings_header = {
	.major = RECORDING_MAJOR,
	.minor = RECORDING_MINOR,
	.flags = RECORDING_STACKS,
	.wall_offset_ns = 1700000000000000000,
	.boot_offset_ns = 77,
	.start_ns = START_NS,
	.interval_ms = 1000,
	.page_bytes = 4096,
	.machine = 62,
	.kind_count = EVENT_KIND_COUNT,
	.version = "v1.2",
};

/* A file of its own in the build's folder for temporary things. */
static inline void recordings_path(char path[64])
{
	int fd;

	snprintf(path, 64, "/tmp/tidemark-test-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
}

static inline struct event_fault recordings_fault(uint64_t i)
{
	struct event_fault fault = {.addr = 0x7f0000000000 + PAGES(i), .error = 6, .weight = 1};

	fault.h = HEADER(EVENT_FAULT, event_fault, 10, 10 + i % 3, START_NS + i * 10000);
	return fault;
}

/* count faults, with an interval every thousand. */
static inline void recordings_write(struct recording_writer *writer, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		struct event_fault fault = recordings_fault(i);

		/* what a compressor cannot do much about: several chunks soon */
		fault.addr ^= (i * 0x9e3779b97f4a7c15ULL) & 0xfffffff000;
		assert_int_equal(recording_write(writer, &fault.h), 0);
	}
}

static inline void recordings_make(const char *path, uint64_t count)
{
	struct recording_figures figures;
	struct recording_writer *writer;

	assert_int_equal(recording_create(path, &recordings_header, 0, &writer), 0);
	recordings_write(writer, count);
	assert_int_equal(recording_close(writer, &figures), 0);
	assert_int_equal(figures.records, count);
}

/* All of a file; the caller's. */
static inline uint8_t *recordings_load(const char *path, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t *bytes;
	struct stat st;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	*size = (size_t)st.st_size;
	bytes = malloc(*size + 1);
	assert_int_equal(read(fd, bytes, *size), *size);
	close(fd);
	return bytes;
}

/* Bytes as an open recording; NULL if it is refused, with the error in *rc. */
static inline struct recording_reader *recordings_open(const uint8_t *bytes, size_t size, int *rc)
{
	int fd = memfd_create("recording", MFD_CLOEXEC);
	struct recording_reader *reader = NULL;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	*rc = recording_open_fd(fd, "recording", &reader);
	return *rc ? NULL : reader;
}

#endif
