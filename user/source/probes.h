/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an ELF file offers to put a probe on: its USDT probes (.note.stapsdt,
 * sourceware.org/systemtap/wiki/UserSpaceProbeImplementation) and its functions
 * (.symtab, .dynsym). Files are anybody's: everything is bounded and checked.
 */
#ifndef TIDEMARK_SOURCE_PROBES_H
#define TIDEMARK_SOURCE_PROBES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/base/elf_file.h"

/* Names like a wanted one, for the message that it is not there. */
#define PROBES_NEAR_MAX 3

struct probes_near {
	char names[PROBES_NEAR_MAX][256]; /* nearest first; "" where there are fewer */
};

/*
 * Has it that USDT probe? 0; -ENOENT: no, *near (may be NULL) has names like it,
 * "provider:name"; -EBADMSG: no program or library (64-bit ELF, x86_64 or arm64), or damaged;
 * -errno of reading.
 */
int probes_find_usdt(int fd, const char *provider, const char *name, struct probes_near *near);

/*
 * The offset of a function's first instruction in the file. Of several with that name the
 * exported one of the default version is meant. 0; -ENOENT as above; -ENOTUNIQ: several
 * functions have that name, at different places; -EOPNOTSUPP: it is there, but its return must
 * not be probed (a Go program moves its stacks: a changed return address ends it; setjmp keeps its
 * own, dlsym looks at it, the cold part of a function has none), or it is an ifunc; -EBADMSG;
 * -errno.
 */
int probes_find_function(int fd, const char *name, uint64_t *offset, struct probes_near *near);

/*
 * Opens a file with code that the kernel runs or a loader maps. 0; -EBADMSG as above; -errno. The
 * caller closes it.
 */
int probes_open(int fd, struct elf_file *file);

typedef void (*probes_function_found)(void *ctx, const char *name, uint64_t address, uint64_t size);

/*
 * Calls back for the functions of one table (SHT_DYNSYM, SHT_SYMTAB) that other files can see, each
 * name of each, without versions. size 0: not known. 0; -ENOENT: there is no such table; -EBADMSG:
 * it is damaged, and what could be read of it was told.
 */
int probes_list_functions(const struct elf_file *file, uint32_t type, probes_function_found found,
			  void *ctx);

/*
 * Keeps a name if it is one of the nearest to `wanted` ("provider:name", or a function): what
 * contains it, then typing errors, then other probes of the provider. Names over 255 bytes or
 * with other bytes than printable ASCII are left out.
 */
void probes_near_add(struct probes_near *near, const char *name, const char *wanted);

/* Joins two files' near names, keeping the nearest to `wanted`. */
void probes_near_merge(struct probes_near *into, const struct probes_near *from,
		       const char *wanted);

/* "did you mean a, b or c?", or "" if there are none. Returns text. */
char *probes_near_text(const struct probes_near *near, char *text, size_t size);

#endif
