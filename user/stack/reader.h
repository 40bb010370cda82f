/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Processes of the collector's own that read what others wrote: DWARF and mangled
 * names. Both are read by libraries that hostile input can crash, hang, or bring to
 * use all memory; DWARF can be gigabytes. So they have no privileges, no open file
 * but the one they read, a bound on their memory, and are killed when they take too
 * long. What they read is the kernel's page cache, and none of the collector's memory.
 *
 * They are forked by a host, which is itself forked while the collector is small: a
 * fork takes 40 ms for each GiB that a process has.
 */
#ifndef TIDEMARK_STACK_READER_H
#define TIDEMARK_STACK_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/stack/debug_info.h"

/* Longer names are left mangled, and what is demangled is cut. */
#define READER_MANGLED_MAX 4096
#define READER_NAME_MAX 1024

struct reader_host;
struct reader;

/* Starts the host; it ends with the process that started it. */
int reader_host_start(struct reader_host **host);

/* Ends it. Its readers have been stopped before. */
void reader_host_stop(struct reader_host *host);

/*
 * Starts a reader. fd: the file with DWARF, borrowed, or -1: it only demangles.
 * memory: bytes that it may take besides. -EPIPE, -ETIMEDOUT: the host is gone.
 */
int reader_start(struct reader_host *host, int fd, uint64_t memory, struct reader **reader);
void reader_stop(struct reader *reader);

/*
 * Inlined functions innermost first, then the function itself, files with their directories;
 * valid until the next question. Returns how many, or: -ETIMEDOUT, -EPIPE: it died, -EBADMSG:
 * it answers nonsense. After any of these it answers no more.
 */
int reader_lines(struct reader *reader, uint64_t address, unsigned int wait_ms,
		 struct debug_line lines[DEBUG_LINES_MAX]);

/* Has it answered anything yet? One that has may have died of what it had gathered. */
bool reader_was_fine(const struct reader *reader);

/* 0, -ENOENT: it is no mangled name; or as above. */
int reader_demangle(struct reader *reader, const char *name, unsigned int wait_ms,
		    char text[READER_NAME_MAX]);

#endif
