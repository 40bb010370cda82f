// SPDX-License-Identifier: GPL-2.0-only
#include "user/stack/debug_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <sys/stat.h>

#include "user/base/cleanup.h"

/* A file name and a checksum: more is not a link. */
#define LINK_MAX_BYTES ((size_t)512)

/* Reading all of a file for its checksum takes a second per GiB. */
#define CHECKSUM_MAX ((uint64_t)1 << 30)

#define DELETED " (deleted)"

int debug_reopen_regular(int found)
{
	char self[32];
	struct stat st;
	int fd;

	if (fstat(found, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ENOENT;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", found);
	fd = open(self, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int debug_open_regular(const char *path)
{
	AUTO_FD int found = open(path, O_PATH | O_CLOEXEC);

	return found < 0 ? -errno : debug_reopen_regular(found);
}

static int open_elf(const char *path, int *fd, struct elf_file *file)
{
	AUTO_FD int opened = debug_open_regular(path);
	struct elf_bytes bytes;
	int rc;

	if (opened < 0)
		return opened;
	if (!elf_bytes_of(opened, &bytes))
		return -ENOEXEC;
	rc = elf_file_open(&bytes, file);
	if (!rc)
		*fd = TAKE_FD(opened);
	return rc;
}

static void close_elf(int *fd, struct elf_file *file)
{
	elf_file_close(file);
	close(*fd);
	*fd = -1;
}

static bool has_build_id(const struct elf_file *file, const struct debug_search *search)
{
	uint8_t id[ELF_BUILD_ID_MAX];
	size_t length = elf_file_build_id(file, id);

	return length && length == search->build_id_len && !memcmp(id, search->build_id, length);
}

/* The file as a debugger knows it, without what the kernel says of it. */
static bool plain_path(const struct debug_search *search, char path[PATH_MAX])
{
	size_t length = strlen(search->path), mark = strlen(DELETED);

	if (search->path[0] != '/' || length >= PATH_MAX)
		return false;
	memcpy(path, search->path, length + 1);
	if (length > mark && !strcmp(path + length - mark, DELETED))
		path[length - mark] = '\0';
	return true;
}

static int find_by_build_id(const struct debug_search *search, int *fd, struct elf_file *debug)
{
	char path[PATH_MAX];
	size_t at;
	int rc;

	if (search->build_id_len < 2)
		return -ENOENT;
	at = (size_t)snprintf(path, sizeof(path), "%s/.build-id/%02x/", search->directory,
			      search->build_id[0]);
	if (at + 2 * search->build_id_len + sizeof(".debug") > sizeof(path))
		return -ENOENT;
	for (size_t i = 1; i < search->build_id_len; i++, at += 2)
		snprintf(path + at, 3, "%02x", search->build_id[i]);
	snprintf(path + at, sizeof(path) - at, ".debug");
	rc = open_elf(path, fd, debug);
	if (rc)
		return rc;
	if (has_build_id(debug, search))
		return 0;
	close_elf(fd, debug);
	return -ENOENT;
}

struct link {
	char *name; /* owned */
	uint32_t checksum;
};

/* .gnu_debuglink: the name, padding to 4 bytes, a CRC-32 of the whole file. */
static bool read_link(const struct elf_file *own, struct link *link)
{
	const Elf64_Shdr *section = elf_file_section(own, ".gnu_debuglink");
	AUTO_FREE char *data = section ? elf_file_copy(own, section, LINK_MAX_BYTES) : NULL;
	size_t at;

	if (!data)
		return false;
	at = (strlen(data) + 1 + 3) & ~(size_t)3;
	if (!data[0] || strchr(data, '/') || at + sizeof(link->checksum) > section->sh_size)
		return false;
	memcpy(&link->checksum, data + at, sizeof(link->checksum));
	link->name = TAKE_PTR(data);
	return true;
}

static bool has_checksum(const struct elf_bytes *bytes, uint32_t wanted)
{
	AUTO_FREE uint8_t *buffer = malloc(1 << 16);
	uLong sum = crc32(0, NULL, 0);

	if (!buffer || bytes->size > CHECKSUM_MAX)
		return false;
	for (uint64_t at = 0; at < bytes->size;) {
		size_t size = bytes->size - at < 1 << 16 ? bytes->size - at : 1 << 16;

		if (!elf_bytes_read(bytes, at, buffer, size))
			return false;
		sum = crc32(sum, buffer, (uInt)size);
		at += size;
	}
	return sum == wanted;
}

static bool proved(const struct debug_search *search, const struct link *link,
		   const struct elf_file *debug)
{
	uint8_t id[ELF_BUILD_ID_MAX];

	/* a link may lead back to the stripped file, which has the same build id */
	if (!elf_file_section_of(debug, SHT_SYMTAB) && !elf_file_section(debug, ".debug_info"))
		return false;
	if (search->build_id_len && elf_file_build_id(debug, id))
		return has_build_id(debug, search);
	return has_checksum(&debug->bytes, link->checksum);
}

/*
 * The places that gdb looks in ("Separate Debug Files"). The first two are in the
 * process's own root, which is not ours if it runs in a container.
 */
static int find_by_link(const struct debug_search *search, const struct link *link, int *fd,
			struct elf_file *debug)
{
	char path[PATH_MAX], candidate[2 * PATH_MAX], root[32] = "";
	const struct {
		const char *root, *below;
	} places[] = {{root, ""}, {root, "/.debug"}, {search->directory, ""}};

	if (!plain_path(search, path))
		return -ENOENT;
	*strrchr(path, '/') = '\0';
	if (search->pid)
		snprintf(root, sizeof(root), "/proc/%u/root", search->pid);
	if (access(root, X_OK))
		root[0] = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		snprintf(candidate, sizeof(candidate), "%s%s%s/%s", places[i].root, path,
			 places[i].below, link->name);
		if (open_elf(candidate, fd, debug))
			continue;
		if (proved(search, link, debug))
			return 0;
		close_elf(fd, debug);
	}
	return -ENOENT;
}

int debug_file_find(const struct debug_search *search, const struct elf_file *own, int *fd,
		    struct elf_file *debug)
{
	struct link link;
	int rc = find_by_build_id(search, fd, debug);

	if (!rc || !own || !read_link(own, &link))
		return rc ? -ENOENT : 0;
	rc = find_by_link(search, &link, fd, debug);
	free(link.name);
	return rc;
}

int debug_file_own(const struct debug_search *search, int *fd, struct elf_file *own)
{
	char path[PATH_MAX];
	int rc;

	if (!search->build_id_len || !plain_path(search, path))
		return -ENOENT;
	rc = open_elf(path, fd, own);
	if (rc)
		return rc;
	if (has_build_id(own, search))
		return 0;
	close_elf(fd, own);
	return -ENOENT;
}
