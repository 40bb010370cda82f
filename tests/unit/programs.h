/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Programs that a test compiles for itself, in a directory of its own, and what the
 * tools of others say of them. Include it after support.h.
 */
#ifndef TESTS_UNIT_PROGRAMS_H
#define TESTS_UNIT_PROGRAMS_H

#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <unistd.h>

#include <sys/stat.h>

#include "user/base/elf_file.h"
#include "user/stack/stacks.h"

static char work_dir[64];

static inline int work_begin(void **state)
{
	(void)state;
	snprintf(work_dir, sizeof(work_dir), "/tmp/tidemark-test-XXXXXX");
	return mkdtemp(work_dir) ? 0 : -1;
}

static inline int work_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline int work_end(void **state)
{
	(void)state;
	return nftw(work_dir, work_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* The path of a file in the work directory; one of a few buffers, in turn. */
static inline const char *in_work(const char *name)
{
	static char paths[8][256];
	static unsigned int next;
	char *path = paths[next++ % ARRAY_SIZE(paths)];

	snprintf(path, sizeof(paths[0]), "%s/%s", work_dir, name);
	return path;
}

static inline void write_bytes(const char *name, const void *data, size_t size)
{
	FILE *file = fopen(in_work(name), "we");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

static inline void write_text(const char *name, const char *text)
{
	write_bytes(name, text, strlen(text));
}

static inline char *read_bytes(const char *name, size_t *size)
{
	FILE *file = fopen(in_work(name), "re");
	struct stat st;
	char *data;

	assert_non_null(file);
	assert_int_equal(fstat(fileno(file), &st), 0);
	data = malloc((size_t)st.st_size + 1);
	assert_non_null(data);
	*size = fread(data, 1, (size_t)st.st_size, file);
	assert_int_equal(*size, st.st_size);
	fclose(file);
	return data;
}

/* Runs a shell command in the work directory; the test fails if it does. */
__attribute__((format(printf, 1, 2))) static inline void run(const char *format, ...)
{
	char command[2048];
	size_t used = (size_t)snprintf(command, sizeof(command), "cd %s && ", work_dir);
	va_list args;

	va_start(args, format);
	vsnprintf(command + used, sizeof(command) - used, format, args);
	va_end(args);
	if (system(command))
		fail_msg("%s", command);
}

/* Opens what a shell command prints. */
__attribute__((format(printf, 1, 2))) static inline FILE *output_of(const char *format, ...)
{
	char command[2048];
	size_t used = (size_t)snprintf(command, sizeof(command), "cd %s && ", work_dir);
	va_list args;
	FILE *pipe;

	va_start(args, format);
	vsnprintf(command + used, sizeof(command) - used, format, args);
	va_end(args);
	pipe = popen(command, "re");
	assert_non_null(pipe);
	return pipe;
}

/* A symbol as nm shows it. */
struct nm_symbol {
	uint64_t address;
	uint64_t size;
	char type;
	char name[256];
};

#define NM_MAX 4096

/* The functions of a file, with sizes, by nm and its options. Returns how many. */
static inline size_t nm_functions(const char *options, const char *name, struct nm_symbol *symbols)
{
	FILE *pipe = output_of("nm -S --defined-only %s %s", options, name);
	char line[512];
	size_t count = 0;

	while (fgets(line, sizeof(line), pipe) && count < NM_MAX) {
		struct nm_symbol *symbol = &symbols[count];

		if (sscanf(line, "%" SCNx64 " %" SCNx64 " %c %255s", &symbol->address,
			   &symbol->size, &symbol->type, symbol->name) == 4 &&
		    strchr("tTwWi", symbol->type))
			count++;
	}
	assert_int_equal(pclose(pipe), 0);
	return count;
}

static inline uint64_t address_of(const char *name, const char *function)
{
	FILE *pipe = output_of("nm %s", name);
	uint64_t address = 0, found = 0;
	char line[512], other[256];

	while (fgets(line, sizeof(line), pipe))
		if (sscanf(line, "%" SCNx64 " %*c %255s", &address, other) == 2 &&
		    !strcmp(other, function))
			found = address;
	assert_int_equal(pclose(pipe), 0);
	if (!found)
		fail_msg("%s has no %s", name, function);
	return found;
}

/* Opens a file of the work directory; closes with elf_file_close() and close(bytes.fd). */
static inline struct elf_file open_work_elf(const char *name)
{
	struct elf_bytes bytes;
	struct elf_file file;

	assert_true(elf_bytes_of(open(in_work(name), O_RDONLY | O_CLOEXEC), &bytes));
	assert_int_equal(elf_file_open(&bytes, &file), 0);
	return file;
}

static inline void close_work_elf(struct elf_file *file)
{
	close(file->bytes.fd);
	elf_file_close(file);
}

/*
 * A module of a recording, which is found again by its path and build id. Numbers
 * are given in order, from 1.
 */
static inline uint32_t add_module(struct stacks *stacks, const char *path, uint32_t flags)
{
	struct event_module event = {
		.h = {.size = sizeof(event), .kind = EVENT_MODULE, .pid = (uint32_t)getpid()},
		.number = (uint32_t)stacks_module_count(stacks) + 1,
		.flags = flags,
		.ino = stacks_module_count(stacks) + 1,
		.dev = 1,
	};
	uint8_t id[ELF_BUILD_ID_MAX];
	struct elf_bytes bytes;
	struct elf_file file;
	int fd = flags ? -1 : open(path, O_RDONLY | O_CLOEXEC);

	snprintf(event.path, sizeof(event.path), "%s", path);
	if (fd >= 0) {
		assert_true(elf_bytes_of(fd, &bytes));
		assert_int_equal(elf_file_open(&bytes, &file), 0);
		event.build_id_len = (uint8_t)elf_file_build_id(&file, id);
		assert_true(event.build_id_len <= sizeof(event.build_id));
		memcpy(event.build_id, id, event.build_id_len);
		close_work_elf(&file);
	}
	assert_int_equal(stacks_apply(stacks, &event.h), 0);
	return event.number;
}

/* The children of a process, at most max; returns how many. 0 is the test's thread itself. */
static inline size_t children_of(pid_t pid, pid_t *children, size_t max)
{
	char path[64];
	size_t count = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	file = fopen(pid ? path : "/proc/thread-self/children", "re");
	if (!file)
		return 0;
	while (count < max && fscanf(file, "%d", &children[count]) == 1)
		count++;
	fclose(file);
	return count;
}

#endif
