// SPDX-License-Identifier: GPL-2.0-only
#include "user/stack/perf_map.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/stat.h>
#include <sys/syscall.h>

#include "user/base/cleanup.h"
#include "user/base/units.h"
#include "user/stack/debug_file.h"

/* A line that does not fit is no line. Names are cut far below it. */
#define BUFFER_BYTES ((size_t)64 << 10)

/* Waiting time for each function that is known: a list of a million is read every 11 s. */
#define NSEC_PER_FUNCTION 10000ULL

struct owner {
	unsigned int real_uid;
	unsigned int effective_uid;
	unsigned int inner_pid; /* as the process itself knows it */
};

static int read_owner(int proc_fd, struct owner *owner)
{
	AUTO_FD int fd = openat(proc_fd, "status", O_RDONLY | O_CLOEXEC);
	char text[8192], *line, *end;
	ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (got <= 0)
		return -ESRCH;
	text[got] = '\0';
	line = strstr(text, "\nUid:");
	if (!line || sscanf(line, "\nUid: %u %u", &owner->real_uid, &owner->effective_uid) != 2)
		return -EBADMSG;
	/* one number for each PID namespace that the process is in, the innermost last */
	line = strstr(text, "\nNSpid:");
	end = line ? strchr(line + 1, '\n') : NULL;
	if (!end)
		return -EBADMSG;
	*end = '\0';
	line = strrchr(line, '\t');
	return line && sscanf(line, "%u", &owner->inner_pid) == 1 ? 0 : -EBADMSG;
}

/* In the root of the process, which symbolic links in there cannot leave. Not yet for reading. */
static int open_below_root(int proc_fd, unsigned int inner_pid)
{
	AUTO_FD int root = openat(proc_fd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct open_how how = {.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
			       .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
	char path[40];
	long fd;

	if (root < 0)
		return -errno;
	snprintf(path, sizeof(path), "/tmp/perf-%u.map", inner_pid);
	fd = syscall(SYS_openat2, root, path, &how, sizeof(how));
	return fd < 0 ? -errno : (int)fd;
}

int perf_map_open(uint32_t pid)
{
	AUTO_FD int proc_fd = -1, found = -1;
	struct owner owner;
	struct stat st;
	char path[32];
	int rc;

	snprintf(path, sizeof(path), "/proc/%u", pid);
	proc_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc_fd < 0)
		return -errno;
	rc = read_owner(proc_fd, &owner);
	if (rc)
		return rc;
	found = open_below_root(proc_fd, owner.inner_pid);
	if (found < 0)
		return found;
	if (fstat(found, &st))
		return -errno;
	/* /tmp is everyone's: others may have laid it there */
	if (st.st_uid && st.st_uid != owner.real_uid && st.st_uid != owner.effective_uid)
		return -EPERM;
	return debug_reopen_regular(found);
}

/* Hexadecimal digits with a space behind, at most 16 of them. */
static bool take_number(const char **at, const char *end, uint64_t *number)
{
	const char *digits;

	if (end - *at > 2 && (*at)[0] == '0' && ((*at)[1] == 'x' || (*at)[1] == 'X'))
		*at += 2;
	digits = *at;
	for (*number = 0; *at < end && *at - digits <= 16; (*at)++) {
		char c = **at;

		if (c >= '0' && c <= '9')
			*number = *number << 4 | (uint64_t)(c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			*number = *number << 4 | (uint64_t)((c | 0x20) - 'a' + 10);
		else
			break;
	}
	if (*at == digits || *at - digits > 16 || *at == end || **at != ' ')
		return false;
	(*at)++;
	return true;
}

/* "START SIZE name": offset is that of the line in the file. */
static int take_line(struct perf_map *map, const char *line, const char *end, uint64_t offset)
{
	const char *at = line;
	struct span span = {0};
	uint64_t size;

	if (!take_number(&at, end, &span.start) || !take_number(&at, end, &size))
		return 0;
	if (at == end || *at == '\n' || !size || map->functions.count == PERF_MAP_FUNCTIONS_MAX)
		return 0;
	span.size = size < UINT32_MAX ? (uint32_t)size : UINT32_MAX;
	span.tag = offset + (uint64_t)(at - line);
	/* later lines win; those of earlier reads have rank 0 */
	span.rank = (uint32_t)map->functions.count + 1;
	return spans_add(&map->functions, &span);
}

/* Takes the whole lines of a buffer. Returns how many bytes they are. */
static size_t take_lines(struct perf_map *map, const char *buffer, size_t size, uint64_t offset)
{
	const char *line = buffer, *end = buffer + size, *newline;

	for (; line < end; line = newline + 1) {
		newline = memchr(line, '\n', (size_t)(end - line));
		if (!newline || take_line(map, line, newline, offset + (uint64_t)(line - buffer)))
			break;
	}
	return (size_t)(line - buffer);
}

static void settle(struct perf_map *map)
{
	if (spans_settle(&map->functions))
		spans_free(&map->functions);
	spans_trim(&map->functions);
	for (size_t i = 0; i < map->functions.count; i++)
		map->functions.items[i].rank = 0;
	map->version++;
}

void perf_map_read(struct perf_map *map, uint64_t size)
{
	AUTO_FREE char *buffer = malloc(BUFFER_BYTES);
	uint64_t limit = size < PERF_MAP_BYTES_MAX ? size : PERF_MAP_BYTES_MAX, before = map->done;

	while (buffer && map->done < limit) {
		size_t room = limit - map->done < BUFFER_BYTES ? limit - map->done : BUFFER_BYTES;
		ssize_t got = pread(map->fd, buffer, room, (off_t)map->done);
		size_t taken;

		if (got <= 0)
			break;
		taken = take_lines(map, buffer, (size_t)got, map->done);
		/* a line without end: skip it, unless the rest of it is yet to be written */
		if (!taken && (size_t)got == BUFFER_BYTES)
			taken = (size_t)got;
		if (!taken)
			break;
		map->done += taken;
	}
	if (map->done != before)
		settle(map);
}

static void forget(struct perf_map *map)
{
	spans_free(&map->functions);
	map->done = 0;
	map->version++;
}

void perf_map_update(struct perf_map *map, uint32_t pid, uint64_t now_ns)
{
	AUTO_FD int fd = -1;
	struct stat st;

	/* sorting a long list again takes up to a second */
	if (map->looked_ns &&
	    now_ns - map->looked_ns < NSEC_PER_SEC + map->functions.count * NSEC_PER_FUNCTION)
		return;
	map->looked_ns = now_ns;
	fd = perf_map_open(pid);
	/* the process may be gone, with what is known of it still good */
	if (fd < 0 || fstat(fd, &st))
		return;
	if (map->fd < 0 || st.st_dev != map->dev || st.st_ino != map->ino ||
	    (uint64_t)st.st_size < map->done)
		forget(map);
	if (map->fd >= 0)
		close(map->fd);
	map->fd = TAKE_FD(fd);
	map->dev = st.st_dev;
	map->ino = st.st_ino;
	perf_map_read(map, (uint64_t)st.st_size);
}

bool perf_map_name(const struct perf_map *map, uint64_t address, char *name, size_t size)
{
	const struct span *found = spans_find(&map->functions, address);
	ssize_t got;

	if (!found || map->fd < 0)
		return false;
	got = pread(map->fd, name, size - 1, (off_t)found->tag);
	if (got <= 0)
		return false;
	name[got] = '\0';
	name[strcspn(name, "\n")] = '\0';
	return name[0] != '\0';
}

void perf_map_close(struct perf_map *map)
{
	if (map->fd >= 0)
		close(map->fd);
	spans_free(&map->functions);
	*map = (struct perf_map)PERF_MAP_NONE;
}
