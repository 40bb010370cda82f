// SPDX-License-Identifier: GPL-2.0-only
/* The format: what is written is read, and what was cut, damaged or made up does no harm. */
#include "tests/unit/recordings.h"

#include <signal.h>
#include <xxhash.h>
#include <zstd.h>

#include <sys/resource.h>

#include "user/base/log.h"
#include "user/source/record_code.h"

#define COUNT 150000 /* records: a handful of chunks */
#define OFFSETS 1000

static uint8_t *whole; /* a recording of COUNT faults */
static size_t whole_size;

static struct {
	size_t ends[64];      /* of the header, and of each chunk */
	uint64_t records[64]; /* before that */
	size_t count;
} layout;

static uint32_t word_at(size_t offset)
{
	uint32_t word;

	memcpy(&word, whole + offset, sizeof(word));
	return word;
}

/* By hand, from the description in recording_format.h. */
static void find_layout(void)
{
	size_t at = RECORDING_HEADER_BYTES;
	uint64_t records = 0;

	while (at < whole_size) {
		assert_true(layout.count < ARRAY_SIZE(layout.ends));
		layout.ends[layout.count] = at;
		layout.records[layout.count++] = records;
		assert_int_equal(word_at(at + 8), CHUNK_MAGIC);
		records += word_at(at + 24);
		at += CHUNK_HEAD_BYTES + word_at(at + 16);
	}
	layout.ends[layout.count] = at;
	layout.records[layout.count++] = records;
	assert_int_equal(at, whole_size);
	assert_int_equal(records, COUNT);
	assert_true(layout.count > 5);
}

static int setup(void **state)
{
	char path[64];

	(void)state;
	recordings_path(path);
	recordings_make(path, COUNT);
	whole = recordings_load(path, &whole_size);
	unlink(path);
	find_layout();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(whole);
	return 0;
}

/* Reads on to the end, holding each record against what was written. */
static uint64_t read_all(struct recording_reader *reader)
{
	const struct event_header *event;
	uint64_t i = 0;

	while (recording_read(reader, &event)) {
		struct event_fault fault = recordings_fault(i);

		fault.addr ^= (i * 0x9e3779b97f4a7c15ULL) & 0xfffffff000;
		assert_memory_equal(event, &fault, sizeof(fault));
		i++;
	}
	assert_false(recording_read(reader, &event));
	assert_int_equal(recording_account(reader)->records, i);
	return i;
}

static struct recording_reader *open_bytes(const uint8_t *bytes, size_t size)
{
	struct recording_reader *reader;
	int rc;

	reader = recordings_open(bytes, size, &rc);
	assert_int_equal(rc, 0);
	return reader;
}

static void what_is_written_is_read(void **state)
{
	struct recording_reader *reader = open_bytes(whole, whole_size);
	const struct recording_account *account = recording_account(reader);
	char text[256];

	(void)state;
	assert_memory_equal(recording_header(reader), &recordings_header,
			    sizeof(recordings_header));
	assert_int_equal(read_all(reader), COUNT);
	assert_int_equal(account->end, RECORDING_WHOLE);
	assert_int_equal(account->kinds[EVENT_FAULT], COUNT);
	assert_int_equal(account->chunks, layout.count - 2);
	assert_int_equal(account->read_bytes, whole_size);
	assert_true(account->first_ns == START_NS);
	assert_true(account->last_ns == START_NS + (COUNT - 1) * 10000ULL);
	assert_string_equal(recording_end_text(account, text, sizeof(text)), "");
	recording_reader_free(reader);
}

/* A prefix of the recording opens up to its last whole chunk, and says what is missing. */
static void check_cut(size_t size)
{
	struct recording_reader *reader = open_bytes(whole, size);
	const struct recording_account *account = recording_account(reader);
	char text[256], left[64];
	size_t last = 0;

	while (layout.ends[last + 1] <= size)
		last++;
	assert_int_equal(read_all(reader), layout.records[last]);
	assert_int_equal(account->end, RECORDING_CUT);
	assert_int_equal(account->read_bytes, layout.ends[last]);
	recording_end_text(account, text, sizeof(text));
	snprintf(left, sizeof(left), "the last %zu bytes", size - layout.ends[last]);
	if (size == layout.ends[last])
		assert_non_null(strstr(text, "not closed"));
	else
		assert_non_null(strstr(text, left));
	recording_reader_free(reader);
}

static void a_recording_may_be_cut_at_every_chunk(void **state)
{
	(void)state;
	for (size_t i = 0; i + 1 < layout.count; i++) {
		size_t end = layout.ends[i];

		check_cut(end);
		check_cut(end + 1);
		check_cut(end + CHUNK_HEAD_BYTES - 1);
		check_cut(end + CHUNK_HEAD_BYTES);
		check_cut(layout.ends[i + 1] - 1);
	}
}

static void a_recording_may_be_cut_anywhere(void **state)
{
	uint64_t random = 11;

	(void)state;
	for (int i = 0; i < OFFSETS; i++)
		check_cut(RECORDING_HEADER_BYTES +
			  random_below(&random, whole_size - RECORDING_HEADER_BYTES));
	for (size_t size = 0; size < RECORDING_HEADER_BYTES; size++) {
		int rc;

		assert_null(recordings_open(whole, size, &rc));
		assert_int_equal(rc, -EBADMSG);
	}
}

/* Whatever byte is not what it was: what comes before its chunk is read, and nothing after. */
static void flipped_bytes_are_noticed(void **state)
{
	uint64_t random = 12;

	(void)state;
	for (int i = 0; i < OFFSETS; i++) {
		size_t at = RECORDING_HEADER_BYTES +
			    random_below(&random, whole_size - RECORDING_HEADER_BYTES);
		struct recording_reader *reader;
		size_t last = 0;
		uint8_t was;

		while (layout.ends[last + 1] <= at)
			last++;
		was = whole[at];
		whole[at] ^= (uint8_t)(1U << random_below(&random, 8));
		reader = open_bytes(whole, whole_size);
		assert_int_equal(read_all(reader), layout.records[last]);
		assert_true(recording_account(reader)->end == RECORDING_DAMAGED ||
			    recording_account(reader)->end == RECORDING_CUT);
		recording_reader_free(reader);
		whole[at] = was;
	}
	for (size_t at = 0; at < RECORDING_HEADER_BYTES; at++) {
		int rc;

		whole[at] ^= 0x10;
		assert_null(recordings_open(whole, whole_size, &rc));
		assert_true(rc == -EBADMSG || rc == -EPROTONOSUPPORT);
		whole[at] ^= 0x10;
	}
}

/* ---- made up ---- */

#define MADE_MAX (2 * CHUNK_BYTES_MAX)

/* A recording that is made byte by byte. */
struct made {
	uint8_t *bytes;
	size_t size;
	struct record_code code;
	uint8_t *records; /* of the next chunk */
	struct recording_chunk chunk;
};

static struct made made_new(void)
{
	struct made made = {.bytes = malloc(MADE_MAX), .records = malloc(MADE_MAX)};

	memcpy(made.bytes, whole, RECORDING_HEADER_BYTES);
	made.size = RECORDING_HEADER_BYTES;
	made.chunk = (struct recording_chunk){
		.kind = CHUNK_RECORDS, .first_ns = START_NS, .last_ns = START_NS + MS(1000)};
	return made;
}

static void made_add(struct made *made, const void *event)
{
	made->chunk.bytes +=
		(uint32_t)record_encode(&made->code, event, made->records + made->chunk.bytes);
	made->chunk.records++;
}

static void made_seal(uint8_t *head, size_t packed)
{
	uint64_t sum = XXH64(head + 8, CHUNK_HEAD_BYTES - 8 + packed, 0);

	memcpy(head, &sum, sizeof(sum));
}

/* What was added, as a chunk; size: how many bytes it says it has. */
static void made_chunk_of(struct made *made, const uint8_t *bytes, size_t length, uint32_t size)
{
	uint8_t *head = made->bytes + made->size;
	const struct recording_chunk *chunk = &made->chunk;
	size_t packed = ZSTD_compress(head + CHUNK_HEAD_BYTES, MADE_MAX - made->size - 64, bytes,
				      length, 1);
	uint32_t words[] = {CHUNK_MAGIC, chunk->kind, (uint32_t)packed, size, chunk->records, 0};
	uint64_t longs[] = {chunk->number, chunk->first_ns, chunk->last_ns};

	assert_false(ZSTD_isError(packed));
	memcpy(head + 8, words, sizeof(words));
	memcpy(head + 8 + sizeof(words), longs, sizeof(longs));
	made_seal(head, packed);
	made->size += CHUNK_HEAD_BYTES + packed;
	made->chunk.number++;
	made->chunk.bytes = made->chunk.records = 0;
	memset(&made->code, 0, sizeof(made->code));
}

static void made_chunk(struct made *made)
{
	made_chunk_of(made, made->records, made->chunk.bytes, made->chunk.bytes);
}

static struct recording_reader *made_open(struct made *made)
{
	struct recording_reader *reader = open_bytes(made->bytes, made->size);

	free(made->bytes);
	free(made->records);
	return reader;
}

/* Reads to the end; how many records came. Frees the reader. */
static uint64_t drain(struct recording_reader *reader, struct recording_account *account)
{
	const struct event_header *event;
	uint64_t count = 0;

	while (recording_read(reader, &event))
		count++;
	*account = *recording_account(reader);
	recording_reader_free(reader);
	return count;
}

static void add_faults(struct made *made, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		struct event_fault fault = recordings_fault(i);

		made_add(made, &fault);
	}
}

static void what_is_made_by_hand_is_read(void **state)
{
	struct made made = made_new();
	struct recording_account account;

	(void)state;
	add_faults(&made, 10);
	made_chunk(&made);
	add_faults(&made, 5);
	made_chunk(&made);
	assert_int_equal(drain(made_open(&made), &account), 15);
	assert_int_equal(account.end, RECORDING_CUT);
	assert_int_equal(account.malformed, 0);
}

static void counts_that_are_lies_are_refused(void **state)
{
	static const struct {
		uint32_t records, size;
	} cases[] = {
		{UINT32_MAX, 0},       {11, 0}, {1000, 0}, {10, UINT32_MAX}, {10, 1}, {10, 100000},
		{10, CHUNK_BYTES_MAX},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct made made = made_new();
		struct recording_account account;

		add_faults(&made, 10);
		made.chunk.records = cases[i].records;
		made_chunk_of(&made, made.records, made.chunk.bytes,
			      cases[i].size ? cases[i].size : made.chunk.bytes);
		assert_true(drain(made_open(&made), &account) <= 10);
		assert_int_equal(account.end, RECORDING_DAMAGED);
	}
}

/* 64 MiB of zeroes in a few thousand bytes: unpacked no further than there is room. */
static void what_unpacks_to_too_much_is_refused(void **state)
{
	struct made made = made_new();
	struct recording_account account;
	uint8_t *zeroes = calloc(64, 1 << 20);

	(void)state;
	made.chunk.records = 1;
	made_chunk_of(&made, zeroes, (size_t)64 << 20, CHUNK_BYTES_MAX);
	free(zeroes);
	assert_int_equal(drain(made_open(&made), &account), 0);
	assert_int_equal(account.end, RECORDING_DAMAGED);
	assert_string_equal(account.damage, "a chunk cannot be unpacked");
}

/* Text that is no chunk, with the right checksum. */
static void heads_that_are_none_are_refused(void **state)
{
	static const size_t fields[] = {8, 16, 20, 24, 40, 48};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		struct made made = made_new();
		struct recording_account account;
		uint8_t *head = made.bytes + made.size;

		add_faults(&made, 10);
		made_chunk(&made);
		memset(head + fields[i], 0xff, 4 + 4 * (fields[i] >= 40));
		made_seal(head, made.size - RECORDING_HEADER_BYTES - CHUNK_HEAD_BYTES);
		assert_int_equal(drain(made_open(&made), &account), 0);
		assert_true(account.end == RECORDING_DAMAGED);
	}
}

static void a_missing_chunk_is_noticed(void **state)
{
	struct made made = made_new();
	struct recording_account account;

	(void)state;
	made.chunk.number = 7; /* what came before was let go of */
	add_faults(&made, 10);
	made_chunk(&made);
	made.chunk.number++;
	add_faults(&made, 5);
	made_chunk(&made);
	assert_int_equal(drain(made_open(&made), &account), 10);
	assert_int_equal(account.first_chunk, 7);
	assert_int_equal(account.end, RECORDING_DAMAGED);
	assert_string_equal(account.damage, "a chunk is missing");
}

static void what_a_later_version_adds_is_skipped(void **state)
{
	struct made made = made_new();
	struct recording_account account;
	struct {
		struct event_header h;
		uint64_t words[5];
	} later = {{sizeof(later), EVENT_KIND_COUNT + 3, 10, 10, 0, START_NS}, {1, 2, 3, 4, 5}};
	struct {
		struct event_fault fault;
		uint64_t more;
	} longer = {.fault = recordings_fault(3), .more = 99};

	(void)state;
	add_faults(&made, 3);
	made_add(&made, &later);
	longer.fault.h.size = sizeof(longer);
	made_add(&made, &longer);
	made_chunk(&made);
	made.chunk.kind = 77;
	made_add(&made, &later);
	made_chunk(&made);
	made.chunk.kind = CHUNK_RECORDS;
	add_faults(&made, 2);
	made_chunk(&made);
	assert_int_equal(drain(made_open(&made), &account), 6);
	assert_int_equal(account.unknown, 1);
	assert_int_equal(account.unknown_chunks, 1);
	assert_int_equal(account.malformed, 0);
	assert_int_equal(account.end, RECORDING_CUT);
}

/* A field that was added since it was written is 0. */
static void what_an_older_version_lacks_is_zero(void **state)
{
	struct made made = made_new();
	struct recording_reader *reader;
	const struct event_header *event;
	struct event_sample sample = {.anon_bytes = 1, .cpu_ns = 5, .threads = 6};

	(void)state;
	sample.h = HEADER(EVENT_SAMPLE, event_sample, 10, 10, START_NS);
	made_add(&made, &sample);
	sample.h.size = offsetof(struct event_sample, cpu_ns);
	made_add(&made, &sample);
	made_chunk(&made);
	reader = made_open(&made);
	assert_int_equal(recording_read(reader, &event), 1);
	assert_int_equal(((const struct event_sample *)event)->threads, 6);
	assert_int_equal(recording_read(reader, &event), 1);
	assert_int_equal(event->size, sizeof(sample));
	assert_int_equal(((const struct event_sample *)event)->anon_bytes, 1);
	assert_int_equal(((const struct event_sample *)event)->cpu_ns, 0);
	assert_int_equal(((const struct event_sample *)event)->threads, 0);
	recording_reader_free(reader);
}

static void records_out_of_place_are_skipped(void **state)
{
	struct made made = made_new();
	struct recording_account account;
	struct event_fault fault = recordings_fault(0);
	union {
		struct event_snapshot snapshot;
		uint8_t room[sizeof(struct event_snapshot) + 64];
	} snapshot = {.snapshot = {.register_count = 17}};

	(void)state;
	snapshot.snapshot.h = HEADER(EVENT_SNAPSHOT, event_snapshot, 10, 10, START_NS);
	made_add(&made, &snapshot); /* none is recorded */
	fault.h.stack = 1;
	made_add(&made, &fault); /* nobody told of that stack */
	fault.h.stack = STACK_TAKEN;
	made_add(&made, &fault);
	fault.h.stack = 0;
	fault.h.time_ns = START_NS - 1;
	made_add(&made, &fault);
	fault.h.time_ns = START_NS + MS(1000) + 1;
	made_add(&made, &fault);
	fault.h.time_ns = 0;
	made_add(&made, &fault);
	fault.h.size = sizeof(struct event_header); /* it has grown: its fields are 0 */
	fault.h.time_ns = START_NS;
	made_add(&made, &fault);
	made_chunk(&made);
	assert_int_equal(drain(made_open(&made), &account), 1);
	assert_int_equal(account.malformed, 6);
}

static void add_stack(struct made *made, uint32_t number)
{
	union {
		struct event_stack stack;
		uint8_t room[sizeof(struct event_stack) + sizeof(struct event_frame)];
	} event = {.stack = {.number = number, .frame_count = 1}};

	event.stack.h = HEADER(EVENT_STACK, event_stack, 10, 10, START_NS);
	event.stack.h.size = sizeof(event);
	made_add(made, &event);
}

static void add_module(struct made *made, uint32_t number)
{
	struct event_module module = {.number = number, .path = "/bin/true"};

	module.h = HEADER(EVENT_MODULE, event_module, 10, 10, START_NS);
	made_add(made, &module);
}

static void stacks_and_modules_come_in_order(void **state)
{
	static const uint32_t wrong[][3] = {{2}, {1, 1}, {1, 3}, {1, 2, UINT32_MAX}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		for (int modules = 0; modules < 2; modules++) {
			struct made made = made_new();
			struct recording_account account;
			bool again = modules && wrong[i][1] == 1; /* told again: it is known now */

			for (size_t j = 0; j < 3 && wrong[i][j]; j++)
				(modules ? add_module : add_stack)(&made, wrong[i][j]);
			add_faults(&made, 1);
			made_chunk(&made);
			drain(made_open(&made), &account);
			assert_int_equal(account.end, again ? RECORDING_CUT : RECORDING_DAMAGED);
		}
	}
}

/* ---- the header ---- */

static void seal_header(uint8_t *bytes, size_t size)
{
	uint64_t sum = XXH64(bytes, size - 8, 0);

	memcpy(bytes + size - 8, &sum, sizeof(sum));
}

static void other_major_versions_are_refused(void **state)
{
	uint8_t bytes[RECORDING_HEADER_BYTES];
	char said[256];
	int rc;

	(void)state;
	memcpy(bytes, whole, sizeof(bytes));
	bytes[8] = RECORDING_MAJOR + 1;
	seal_header(bytes, sizeof(bytes));
	assert_null(recordings_open(bytes, sizeof(bytes), &rc));
	assert_int_equal(rc, -EPROTONOSUPPORT);
	log_newest(said, sizeof(said));
	assert_non_null(strstr(said, "a newer tidemark"));
	/* also where nothing else is as it is now */
	memset(bytes + 12, 0xee, sizeof(bytes) - 12);
	assert_null(recordings_open(bytes, sizeof(bytes), &rc));
	assert_int_equal(rc, -EPROTONOSUPPORT);
}

static void longer_headers_of_minor_versions_are_read(void **state)
{
	size_t more = 40, size = RECORDING_HEADER_BYTES + more;
	uint8_t *bytes = malloc(whole_size + more);
	struct recording_reader *reader;
	uint32_t header_size = (uint32_t)size;

	(void)state;
	memcpy(bytes, whole, RECORDING_HEADER_BYTES - 8);
	memset(bytes + RECORDING_HEADER_BYTES - 8, 0x55, more);
	memcpy(bytes + size, whole + RECORDING_HEADER_BYTES, whole_size - RECORDING_HEADER_BYTES);
	bytes[10] = RECORDING_MINOR + 1;
	memcpy(bytes + 12, &header_size, sizeof(header_size));
	seal_header(bytes, size);
	reader = open_bytes(bytes, whole_size + more);
	assert_int_equal(recording_header(reader)->minor, RECORDING_MINOR + 1);
	assert_int_equal(read_all(reader), COUNT);
	recording_reader_free(reader);
	free(bytes);
}

static void implausible_headers_are_refused(void **state)
{
	static const size_t fields[] = {12, 24, 32, 40, 52}; /* size, three times, page size */
	uint8_t bytes[RECORDING_HEADER_BYTES];
	int rc;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		memcpy(bytes, whole, sizeof(bytes));
		memset(bytes + fields[i], 0x7f, fields[i] > 12 && fields[i] < 50 ? 8 : 4);
		seal_header(bytes, sizeof(bytes));
		assert_null(recordings_open(bytes, sizeof(bytes), &rc));
		assert_int_equal(rc, -EBADMSG);
	}
}

static void what_is_no_recording_is_refused(void **state)
{
	struct recording_reader *reader = NULL;

	(void)state;
	assert_int_equal(recording_open("/nonexistent", &reader), -ENOENT);
	assert_int_equal(recording_open("/dev/zero", &reader), -EINVAL);
	assert_int_equal(recording_open("/tmp", &reader), -EINVAL);
	assert_int_equal(recording_open("/proc/self/exe", &reader), -EBADMSG);
	assert_null(reader);
}

/* ---- writing ---- */

static void a_full_disk_ends_it_once(void **state)
{
	struct recording_figures figures;
	struct recording_writer *writer;
	struct event_fault fault = recordings_fault(0);
	uint64_t random = 5;
	int rc = 0;

	(void)state;
	assert_int_equal(recording_create("/nonexistent/x", &recordings_header, 0, &writer),
			 -ENOENT);
	/* a file that may not grow further than this */
	char path[64];
	struct rlimit limit, small;

	recordings_path(path);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	small = (struct rlimit){1000000, limit.rlim_max};
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(recording_create(path, &recordings_header, 0, &writer), 0);
	for (int i = 0; i < 1000000 && !rc; i++) {
		fault.addr = random_next(&random) >> 10;
		rc = recording_write(writer, &fault.h);
	}
	assert_int_equal(rc, -EFBIG);
	assert_int_equal(recording_write(writer, &fault.h), -EFBIG);
	assert_int_equal(recording_close(writer, &figures), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	/* what was written is whole chunks */
	struct recording_account account;
	struct recording_reader *reader;

	assert_int_equal(recording_open(path, &reader), 0);
	assert_true(drain(reader, &account) > 10000);
	assert_int_equal(account.end, RECORDING_CUT);
	assert_int_equal(account.file_bytes, account.read_bytes);
	unlink(path);
}

/* What was recorded before is kept beside it; nothing else is written to. */
static void a_former_recording_is_kept(void **state)
{
	struct recording_figures figures;
	struct recording_writer *writer;
	struct event_fault fault = recordings_fault(0);
	struct recording_account account;
	struct recording_reader *reader;
	char path[64], former[80], link[80];
	int fd;

	(void)state;
	recordings_path(path);
	snprintf(former, sizeof(former), "%s.old", path);
	snprintf(link, sizeof(link), "%s.link", path);
	for (size_t i = 1; i <= 3; i++) {
		assert_int_equal(recording_create(path, &recordings_header, 0, &writer), 0);
		for (size_t k = 0; k < i; k++)
			assert_int_equal(recording_write(writer, &fault.h), 0);
		assert_int_equal(recording_close(writer, &figures), 0);
		assert_int_equal(recording_open(path, &reader), 0);
		assert_int_equal(drain(reader, &account), i);
		assert_int_equal(access(former, F_OK), i > 1 ? 0 : -1);
		if (i == 1)
			continue;
		assert_int_equal(recording_open(former, &reader), 0);
		assert_int_equal(drain(reader, &account), i - 1);
	}
	assert_int_equal(recording_create("/dev/null", &recordings_header, 0, &writer), -ENOTSUP);
	assert_int_equal(recording_create("/dev/zero", &recordings_header, 0, &writer), -ENOTSUP);
	assert_int_equal(mkfifo(link, 0600), 0);
	assert_int_equal(recording_create(link, &recordings_header, 0, &writer), -ENOTSUP);
	assert_int_equal(unlink(link), 0);
	/* /dev/stdout, where lines go */
	fd = dup(STDOUT_FILENO);
	assert_true(fd >= 0);
	fflush(stdout);
	assert_non_null(freopen(former, "r+", stdout));
	assert_int_equal(symlink("/proc/self/fd/1", link), 0);
	assert_int_equal(recording_create(link, &recordings_header, 0, &writer), -ENOTSUP);
	assert_int_equal(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
	close(fd);
	assert_int_equal(recording_open(former, &reader), 0);
	assert_int_equal(drain(reader, &account), 2);
	unlink(link);
	unlink(former);
	unlink(path);
}

/* Two in one file are one and a rest. */
static void what_follows_the_end_is_said(void **state)
{
	struct recording_figures figures;
	struct recording_writer *writer;
	struct event_fault fault = recordings_fault(0);
	struct recording_account account;
	struct recording_reader *reader;
	char path[64], text[256];
	FILE *file;

	(void)state;
	recordings_path(path);
	assert_int_equal(recording_create(path, &recordings_header, 0, &writer), 0);
	assert_int_equal(recording_write(writer, &fault.h), 0);
	assert_int_equal(recording_close(writer, &figures), 0);
	file = fopen(path, "ae");
	assert_non_null(file);
	assert_int_equal(fputs("more", file) >= 0, 1);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(recording_open(path, &reader), 0);
	assert_int_equal(drain(reader, &account), 1);
	assert_int_equal(account.end, RECORDING_WHOLE);
	assert_int_equal(account.file_bytes - account.read_bytes, 4);
	assert_non_null(strstr(recording_end_text(&account, text, sizeof(text)),
			       "the 4 bytes after that are no part of it"));
	unlink(path);
}

static void what_waits_is_written_in_time(void **state)
{
	struct recording_figures figures;
	struct recording_writer *writer;
	struct event_fault fault = recordings_fault(0);
	char path[64];

	(void)state;
	recordings_path(path);
	assert_int_equal(recording_create(path, &recordings_header, 0, &writer), 0);
	assert_int_equal(recording_write(writer, &fault.h), 0);
	assert_int_equal(recording_rest(writer, fault.h.time_ns + MS(100)), 0);
	recording_figures(writer, &figures);
	assert_int_equal(figures.bytes, RECORDING_HEADER_BYTES);
	assert_int_equal(recording_rest(writer, fault.h.time_ns + MS(10000)), 0);
	recording_figures(writer, &figures);
	assert_true(figures.bytes > RECORDING_HEADER_BYTES);
	assert_int_equal(recording_close(writer, &figures), 0);
	unlink(path);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(a_recording_may_be_cut_at_every_chunk),
		cmocka_unit_test(a_recording_may_be_cut_anywhere),
		cmocka_unit_test(flipped_bytes_are_noticed),
		cmocka_unit_test(what_is_made_by_hand_is_read),
		cmocka_unit_test(counts_that_are_lies_are_refused),
		cmocka_unit_test(what_unpacks_to_too_much_is_refused),
		cmocka_unit_test(heads_that_are_none_are_refused),
		cmocka_unit_test(a_missing_chunk_is_noticed),
		cmocka_unit_test(what_a_later_version_adds_is_skipped),
		cmocka_unit_test(what_an_older_version_lacks_is_zero),
		cmocka_unit_test(records_out_of_place_are_skipped),
		cmocka_unit_test(stacks_and_modules_come_in_order),
		cmocka_unit_test(other_major_versions_are_refused),
		cmocka_unit_test(longer_headers_of_minor_versions_are_read),
		cmocka_unit_test(implausible_headers_are_refused),
		cmocka_unit_test(what_is_no_recording_is_refused),
		cmocka_unit_test(a_full_disk_ends_it_once),
		cmocka_unit_test(a_former_recording_is_kept),
		cmocka_unit_test(what_follows_the_end_is_said),
		cmocka_unit_test(what_waits_is_written_in_time),
	};

	return cmocka_run_group_tests_name("recording", tests, setup, teardown);
}
