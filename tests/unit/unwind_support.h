/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests of unwinding share: snapshots of this process, and modules made for a test. */
#ifndef TESTS_UNIT_UNWIND_SUPPORT_H
#define TESTS_UNIT_UNWIND_SUPPORT_H

#include "tests/unit/support.h"

#include <elf.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/base/intern.h"
#include "user/stack/module.h"
#include "user/stack/unwind.h"
#include "user/stack/unwind_arch.h"

/* ---- a directory of its own ---- */

static char unwind_dir[64];
static struct intern unwind_paths;

static inline int unwind_dir_make(void **state)
{
	(void)state;
	strcpy(unwind_dir, "/tmp/tidemark-unwind-XXXXXX");
	return mkdtemp(unwind_dir) ? 0 : -1;
}

static inline int unwind_dir_drop_one(const char *path, const struct stat *st, int type,
				      struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

static inline int unwind_dir_drop(void **state)
{
	(void)state;
	intern_free(&unwind_paths);
	return nftw(unwind_dir, unwind_dir_drop_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* The path of a file there, as long as the tests run. */
static inline const char *unwind_path(const char *name)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", unwind_dir, name);
	return intern_get(&unwind_paths, intern_string(&unwind_paths, path));
}

static inline void unwind_write(const char *path, const void *data, size_t size)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

/* All of a file, the caller's. */
static inline uint8_t *unwind_read(const char *path, size_t *size)
{
	FILE *file = fopen(path, "r");
	struct stat st;
	uint8_t *data;

	assert_non_null(file);
	assert_int_equal(fstat(fileno(file), &st), 0);
	*size = (size_t)st.st_size;
	data = malloc(*size + 1);
	assert_non_null(data);
	assert_int_equal(fread(data, 1, *size, file), *size);
	fclose(file);
	return data;
}

/* The first line that a command prints, or "". */
static inline const char *unwind_command(const char *format, ...)
{
	static char line[512];
	char command[1024];
	va_list args;
	FILE *pipe;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	if (!fgets(line, sizeof(line), pipe))
		line[0] = '\0';
	while (fgetc(pipe) != EOF)
		;
	assert_int_equal(pclose(pipe), 0);
	line[strcspn(line, "\n")] = '\0';
	return line;
}

/* Builds a file of the directory from source text. options go before it. */
static inline const char *unwind_build(const char *name, const char *suffix, const char *source,
				       const char *options)
{
	const char *path = unwind_path(name), *from;
	char with_suffix[64];

	snprintf(with_suffix, sizeof(with_suffix), "%s.%s", name, suffix);
	from = unwind_path(with_suffix);
	unwind_write(from, source, strlen(source));
	unwind_command("gcc %s -o %s %s 2>&1", options, path, from);
	return path;
}

static inline struct module *unwind_open(const char *path)
{
	struct module *module = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(module_open(fd, &module), 0);
	return module;
}

/* ---- what this process has mapped ---- */

struct place_file {
	char path[256];
	struct module *module; /* NULL: not a file */
};

struct place_map {
	uint64_t start;
	uint64_t end;
	uint64_t base; /* address in memory of the file's first byte */
	uint32_t file; /* number, from 1; 0: nothing is mapped */
	bool executable;
};

struct places {
	struct place_file files[64];
	struct place_map maps[512];
	uint32_t file_count;
	uint32_t map_count;
};

static inline uint32_t places_file(struct places *places, const char *path)
{
	struct place_file *file;

	for (uint32_t i = 0; i < places->file_count; i++)
		if (!strcmp(places->files[i].path, path))
			return i + 1;
	assert_true(places->file_count < ARRAY_SIZE(places->files));
	file = &places->files[places->file_count++];
	snprintf(file->path, sizeof(file->path), "%s", path);
	file->module = NULL;
	if (path[0] == '/')
		file->module = unwind_open(path);
	else if (!strcmp(path, "[vdso]"))
		assert_int_equal(module_open_vdso(&file->module), 0);
	return places->file_count;
}

/* Reads /proc/self/maps: what is mapped now. */
static inline void places_read(struct places *places)
{
	FILE *file = fopen("/proc/self/maps", "r");
	char line[512];

	assert_non_null(file);
	places->map_count = 0;
	while (fgets(line, sizeof(line), file)) {
		struct place_map map = {0};
		char path[256] = "", perms[8];
		unsigned long offset;

		assert_true(sscanf(line, "%lx-%lx %7s %lx %*s %*s %255s", &map.start, &map.end,
				   perms, &offset, path) >= 4);
		if (perms[2] != 'x')
			continue;
		map.executable = true;
		map.base = map.start - offset;
		map.file = places_file(places, path[0] ? path : "[anonymous]");
		if (!strcmp(path, "[vdso]"))
			map.base = map.start;
		assert_true(places->map_count < ARRAY_SIZE(places->maps));
		places->maps[places->map_count++] = map;
	}
	fclose(file);
}

static inline void places_free(struct places *places)
{
	for (uint32_t i = 0; i < places->file_count; i++)
		module_close(places->files[i].module);
	free(places);
}

static inline struct places *places_new(void)
{
	struct places *places = calloc(1, sizeof(*places));

	assert_non_null(places);
	places_read(places);
	return places;
}

static inline const struct place_map *places_find(const struct places *places, uint64_t pc)
{
	for (uint32_t i = 0; i < places->map_count; i++)
		if (pc >= places->maps[i].start && pc < places->maps[i].end)
			return &places->maps[i];
	return NULL;
}

static inline void places_locate(void *ctx, uint64_t pc, struct unwind_place *place)
{
	const struct places *places = ctx;
	const struct place_map *map = places_find(places, pc);

	*place = (struct unwind_place){.address = pc};
	if (!map)
		return;
	place->module_number = map->file;
	place->module = places->files[map->file - 1].module;
	place->executable = map->executable;
	/* behind the end of the file, in its last page: the place in the file will do */
	if (place->module && !module_address(place->module, pc - map->base, &place->address))
		place->address = pc - map->base;
}

/* Where a frame lies in memory. */
static inline uint64_t places_absolute(const struct places *places, const struct event_frame *frame)
{
	for (uint32_t i = 0; i < places->map_count; i++) {
		const struct place_map *map = &places->maps[i];
		struct unwind_place at = {0};

		if (map->file != frame->module)
			continue;
		places_locate((void *)places, map->start, &at);
		return frame->address - at.address + map->start;
	}
	return frame->address;
}

/* ---- snapshots ---- */

#define SNAPSHOT_ROOM 65536

struct snapshot_room {
	union {
		struct event_snapshot snapshot;
		uint8_t room[SNAPSHOT_ROOM];
	};
};

static inline uint64_t snapshot_sp(const struct event_snapshot *snapshot)
{
	return snapshot->registers[unwind_arch(snapshot->machine)->sp];
}

static inline __u64 *snapshot_pc(struct event_snapshot *snapshot)
{
	return &snapshot->registers[unwind_arch(snapshot->machine)->pc];
}

#endif
