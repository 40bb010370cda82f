/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Source lines and inlined functions, by libdw. libdw was not made for files that
 * mean harm: it recurses as deep as the file says, opens files that it names, ends
 * the process when memory runs out. Only for a process that may be killed (reader.h).
 */
#ifndef TIDEMARK_STACK_DEBUG_INFO_H
#define TIDEMARK_STACK_DEBUG_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* More levels of inlining are cut. */
#define DEBUG_LINES_MAX 64

struct debug_line {
	const char *name;      /* as in DWARF: mangled where it knows; NULL: not known */
	const char *file;      /* NULL: not known */
	const char *directory; /* that file is relative to; NULL: it is not relative */
	uint32_t line;
};

struct debug_info;

/* Maps the file, which must stay open. -EBADMSG: no DWARF that libdw can read. */
int debug_info_open(int fd, struct debug_info **info);
void debug_info_close(struct debug_info *info);

/*
 * What is known of an address: inlined functions innermost first, then the function
 * itself. Strings live as long as the info. Returns how many lines, 0: nothing.
 */
size_t debug_info_lines(struct debug_info *info, uint64_t address,
			struct debug_line lines[DEBUG_LINES_MAX]);

#endif
