/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A file with code, shared by all processes that map it: where its segments
 * lie, its build id, and how to unwind through it. Everything in it is read
 * with pread when first asked for, never mapped: a file that is cut short while
 * it is in use must not end the collector with SIGBUS.
 *
 * The file may be anyone's: nothing in it is trusted.
 */
#ifndef TIDEMARK_STACK_MODULE_H
#define TIDEMARK_STACK_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/event.h"
#include "user/stack/unwind_row.h"

struct module;

/*
 * A module from an open file; takes fd in any case, and keeps it open. -ENOEXEC: no
 * ELF file that can be run, -ENOTSUP: of another machine than x86_64 or arm64,
 * 32-bit, or big-endian. -ENOMEM.
 */
int module_open(int fd, struct module **module);

/*
 * The vdso of this machine, which is the same in all its 64-bit processes, from the
 * collector's own memory. -ENOENT: the kernel gives none.
 */
int module_open_vdso(struct module **module);
void module_close(struct module *module);

/* EM_X86_64 or EM_AARCH64. */
uint16_t module_machine(const struct module *module);

/* 0 without one. */
size_t module_build_id(const struct module *module, const uint8_t **id);

/*
 * The p_vaddr of a byte of the file that some PT_LOAD segment maps executable. False if none
 * does. For the vdso the offset is from its start in memory.
 */
bool module_address(const struct module *module, uint64_t file_offset, uint64_t *address);

/*
 * The row of unwind rules for an address (p_vaddr), cached; valid until module_close().
 * -ENOENT: no unwind information covers it; -EBADMSG: it cannot be followed;
 * -ENOMEM; -EIO: the file cannot be read.
 */
int module_row(struct module *module, uint64_t address, const struct unwind_row **row);

/* Bytes of collector memory it takes: rows, and what was read to make them. */
uint64_t module_memory(const struct module *module);

/*
 * The open file, for symbols: borrowed, -1 for the vdso, whose ELF image is then in
 * *image (*size bytes) as long as the module lives.
 */
int module_file(const struct module *module, const void **image, size_t *size);

#endif
