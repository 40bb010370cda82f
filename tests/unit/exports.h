/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A process with sites, made by hand for the tests of exports, and ways to read
 * what was exported. Include it first.
 */
#ifndef TESTS_UNIT_EXPORTS_H
#define TESTS_UNIT_EXPORTS_H

#include "tests/unit/support.h"

#include <fcntl.h>
#include <ftw.h>
#include <link.h>
#include <unistd.h>

#include <sys/mman.h>
#include <sys/stat.h>

#include "user/stack/unwinder.h"
#include "user/verdict/process.h"
#include "user/view/export.h"
#include "user/view/export_format.h"

#define A ((uint64_t)0x7f0000000000)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

/* Names that a process may choose. */
#define HOSTILE "a;b,\"c\"\n\r\t\x1b[31m\xff\xc0\xaf\xed\xa0\x80\xc2\x9b %s"

static const struct export_context exports_context = {.version = "v1.2", .wall_offset_ns = 0};

struct exports {
	struct world world;
	struct process *process;
	struct stacks *stacks;
	struct symbols *symbols;
	uint64_t next; /* address of the next pages */
};

/* With an anonymous mapping. stacks: they are taken. */
static inline struct exports exports_new(const char *comm, bool stacks)
{
	struct exports e = {.world = world_new(), .next = A};

	e.process = process_new(e.world.ledger);
	assert_non_null(e.process);
	strncpy(e.world.ledger->comm, comm, EVENT_COMM_LEN - 1);
	e.world.ledger->allocator = ALLOCATOR_JEMALLOC;
	world_mmap(&e.world, A, PAGES(1 << 20), PROT_READ | PROT_WRITE, ANON);
	if (!stacks)
		return e;
	e.stacks = stacks_new(NULL, NULL);
	assert_non_null(e.stacks);
	e.symbols = symbols_new(e.stacks, true);
	assert_non_null(e.symbols);
	e.process->stacks = e.stacks;
	e.process->symbols = e.symbols;
	e.process->unwinder = unwinder_new(e.stacks, NULL, e.world.ledger);
	assert_non_null(e.process->unwinder);
	return e;
}

static inline void exports_free(struct exports *e)
{
	process_free(e->process);
	symbols_free(e->symbols);
	stacks_free(e->stacks);
}

/* A module that is not there to be read; its number. */
static inline uint32_t exports_module(struct exports *e, const char *path)
{
	struct event_module event = {
		.h = HEADER(EVENT_MODULE, event_module, WORLD_PID, WORLD_PID, e->world.now),
		.number = (uint32_t)stacks_module_count(e->stacks) + 1,
		.dev = 0x800001,
		.build_id_len = 4,
		.build_id = {0xde, 0xad, 0xbe, 0xef},
	};

	event.ino = 100 + event.number;
	snprintf(event.path, sizeof(event.path), "%s", path);
	assert_int_equal(event_check(&event, sizeof(event)), 0);
	assert_int_equal(stacks_apply(e->stacks, &event.h), 0);
	return event.number;
}

union exports_stack {
	struct event_stack stack;
	unsigned char
		room[sizeof(struct event_stack) + EVENT_FRAMES_MAX * sizeof(struct event_frame)];
};

static inline void exports_stack_fill(union exports_stack *event, uint32_t number,
				      enum stack_end end, const struct event_frame *frames,
				      size_t count)
{
	memset(event, 0, sizeof(*event));
	event->stack.h = HEADER(EVENT_STACK, event_stack, WORLD_PID, WORLD_PID, WORLD_START);
	event->stack.h.size = (uint16_t)(sizeof(event->stack) + count * sizeof(*frames));
	event->stack.number = number;
	event->stack.frame_count = (uint16_t)count;
	event->stack.end = (uint16_t)end;
	memcpy(event->stack.frames, frames, count * sizeof(*frames));
	assert_int_equal(event_check(event, event->stack.h.size), 0);
}

/* Innermost frame first; the stack's number. */
static inline uint32_t exports_stack(struct exports *e, enum stack_end end,
				     const struct event_frame *frames, size_t count)
{
	uint32_t number = (uint32_t)stacks_count(e->stacks) + 1;
	union exports_stack event;

	exports_stack_fill(&event, number, end, frames, count);
	assert_int_equal(stacks_apply(e->stacks, &event.stack.h), 0);
	return number;
}

#define STACK(e, end, ...)                                                                         \
	exports_stack(e, end, (const struct event_frame[]){__VA_ARGS__},                           \
		      ARRAY_SIZE(((const struct event_frame[]){__VA_ARGS__})))

/* First touches under a stack; 0: it was to be taken, and is not known. Returns their address. */
static inline uint64_t exports_touch(struct exports *e, uint64_t pages, uint32_t stack)
{
	uint64_t start = e->next;

	e->world.now++; /* no two states at one time */
	for (uint64_t i = 0; i < pages; i++) {
		struct event_fault event = {
			.h.stack = stack,
			.addr = start + PAGES(i),
			.error = FAULT_USER | FAULT_WRITE,
			.weight = 1,
		};

		world_feed(&e->world, &event.h, EVENT_FAULT, sizeof(event));
	}
	e->next += PAGES(pages);
	return start;
}

/* What was touched before is retained from now on. */
static inline void exports_interval(struct exports *e)
{
	static uint64_t number;

	e->world.now += MS(1000);
	world_interval(&e->world, ++number);
	e->world.now += MS(1000);
}

/* ---- this program as a module: one with symbols ---- */

static inline int exports_open_self(void *ctx, uint32_t pid, uint64_t address, uint32_t dev,
				    uint64_t ino, char path[EVENT_PATH_LEN])
{
	(void)ctx;
	(void)pid;
	(void)address;
	(void)dev;
	(void)ino;
	snprintf(path, EVENT_PATH_LEN, "/opt/order handler/bin/handler");
	return open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
}

static inline int exports_find_bias(struct dl_phdr_info *info, size_t size, void *bias)
{
	(void)size;
	*(uint64_t *)bias = info->dlpi_addr;
	return 1; /* the first is the program */
}

static inline uint32_t exports_self(struct exports *e)
{
	struct event_header at =
		HEADER(EVENT_MMAP_FILE, event_mmap_file, WORLD_PID, WORLD_PID, e->world.now);
	const struct stack_module *module =
		stacks_file(e->stacks, &at, 0x800001, 77, 0x1000, exports_open_self, NULL);

	assert_non_null(module);
	assert_non_null(module->module);
	return module->number;
}

/* An address in this program, as a frame has it. */
static inline uint64_t exports_address(const void *at)
{
	uint64_t bias = 0;

	dl_iterate_phdr(exports_find_bias, &bias);
	return (uint64_t)(uintptr_t)at - bias;
}

/* ---- what was exported ---- */

static char exports_dir[64];

static inline int exports_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline int exports_setup(void **state)
{
	(void)state;
	snprintf(exports_dir, sizeof(exports_dir), "/tmp/tidemark-unit-XXXXXX");
	return mkdtemp(exports_dir) ? 0 : -1;
}

static inline int exports_teardown(void **state)
{
	(void)state;
	return nftw(exports_dir, exports_remove, 16, FTW_DEPTH | FTW_PHYS);
}

#define EXPORTS_TEST(test) cmocka_unit_test_setup_teardown(test, exports_setup, exports_teardown)

/* Writes one snapshot of the process to a file; its path. */
static inline const char *exports_write(struct exports *e,
					int (*write)(FILE *, const struct process *,
						     const struct export_context *))
{
	static char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/snapshot", exports_dir);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_int_equal(process_update_sites(e->process), 0);
	assert_int_equal(write(file, e->process, &exports_context), 0);
	assert_int_equal(fclose(file), 0);
	return path;
}

/* All of a stream, NUL-terminated; the caller's. */
static inline char *exports_read_stream(FILE *file)
{
	size_t used = 0, got, room = 1 << 16;
	char *text = malloc(room);

	assert_non_null(text);
	while ((got = fread(text + used, 1, room - used - 1, file))) {
		used += got;
		if (used + 1 < room)
			continue;
		room *= 2;
		text = realloc(text, room);
		assert_non_null(text);
	}
	text[used] = '\0';
	assert_int_equal(strlen(text), used);
	return text;
}

static inline char *exports_read(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text;

	assert_non_null(file);
	text = exports_read_stream(file);
	fclose(file);
	return text;
}

static inline void assert_clean_line(const char *line)
{
	for (; *line; line++)
		assert_true((unsigned char)*line >= 0x20 && (unsigned char)*line != 0x7f);
}

/* ---- CSV, by RFC 4180 ---- */

#define CSV_COLUMNS_MAX 64

struct csv {
	char *text; /* cut into fields */
	char *fields[64][CSV_COLUMNS_MAX];
	size_t rows; /* the heading among them */
	size_t columns;
};

/* Ends one field, and returns the character behind it. */
static inline char csv_field(char **at, char **field)
{
	char *read = *at, *write = *at, end;
	bool quoted = *read == '"';

	*field = write;
	read += quoted;
	while (quoted ? !(read[0] == '"' && read[1] != '"') : !strchr(",\n", *read)) {
		assert_int_not_equal(*read, '\0');
		assert_true(quoted || *read != '"');
		read += quoted && *read == '"';
		*write++ = *read++;
	}
	read += quoted;
	end = *read;
	assert_true(end == ',' || end == '\n');
	*write = '\0';
	*at = read + 1;
	return end;
}

static inline void csv_parse(struct csv *csv, const char *path)
{
	char *at;

	memset(csv, 0, sizeof(*csv));
	csv->text = exports_read(path);
	for (at = csv->text; *at; csv->rows++) {
		size_t column = 0;
		char end = ',';

		assert_true(csv->rows < ARRAY_SIZE(csv->fields));
		while (end == ',') {
			assert_true(column < CSV_COLUMNS_MAX);
			end = csv_field(&at, &csv->fields[csv->rows][column++]);
		}
		if (!csv->rows)
			csv->columns = column;
		assert_int_equal(column, csv->columns);
	}
}

/* Rows are numbered from 1, behind the heading. */
static inline const char *csv_get(const struct csv *csv, size_t row, const char *name)
{
	assert_true(row < csv->rows);
	for (size_t i = 0; i < csv->columns; i++)
		if (!strcmp(csv->fields[0][i], name))
			return csv->fields[row][i];
	fail_msg("there is no column %s", name);
	return NULL;
}

static inline unsigned long long csv_sum(const struct csv *csv, const char *name)
{
	unsigned long long sum = 0;

	for (size_t i = 1; i < csv->rows; i++)
		sum += strtoull(csv_get(csv, i, name), NULL, 10);
	return sum;
}

#endif
