/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds and opens the files that belong to a module: its separate debug file,
 * and, for a module that a recording names, the file itself. What is found is
 * taken only if its build id, or the checksum that .gnu_debuglink gives, proves it.
 */
#ifndef TIDEMARK_STACK_DEBUG_FILE_H
#define TIDEMARK_STACK_DEBUG_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/base/elf_file.h"

#define DEBUG_DIRECTORY "/usr/lib/debug"

struct debug_search {
	const char *directory; /* DEBUG_DIRECTORY */
	const char *path;      /* of the module, as its process sees it; "" if not known */
	uint32_t pid;	       /* of that process, which may be gone; 0: not known */
	const uint8_t *build_id;
	size_t build_id_len; /* 0: it has none */
};

/*
 * Opens a regular file for reading; nothing else is ever opened, so no device
 * or FIFO notices. A file descriptor or a negative errno.
 */
int debug_open_regular(const char *path);

/* The same for what is open with O_PATH, which is not closed. */
int debug_reopen_regular(int found);

/*
 * The separate debug file of a module, whose own file (NULL: not there) may name it.
 * On success *debug is open, over *fd, the caller's. -ENOENT: there is none.
 */
int debug_file_find(const struct debug_search *search, const struct elf_file *own, int *fd,
		    struct elf_file *debug);

/* The module's own file by its path, if it has the build id that is asked for. */
int debug_file_own(const struct debug_search *search, int *fd, struct elf_file *own);

#endif
