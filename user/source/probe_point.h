/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where in a function a probe is cheap. What a uprobe costs is decided by the instruction it lies
 * on: one that the kernel emulates takes half a microsecond, one that it has to execute out of line
 * takes 11. So the block of instructions at a function's entry is decoded, as far as it is always
 * executed, for the first of the former kind.
 */
#ifndef TIDEMARK_SOURCE_PROBE_POINT_H
#define TIDEMARK_SOURCE_PROBE_POINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of a function that are looked at; the rest is not known to jump back into the entry. */
#define PROBE_CODE_MAX 16384

/* Arguments that are passed in registers on all machines. */
#define PROBE_ARGUMENTS_MAX 6

struct probe_code {
	uint16_t machine;     /* EM_X86_64 or EM_AARCH64 */
	const uint8_t *bytes; /* from the function's first on */
	size_t size;	      /* of these, at least 1, up to the function's end if that is known */
};

struct probe_point {
	size_t offset; /* from the function's first byte */
	bool dear;     /* the kernel steps over the instruction out of line */
	/*
	 * Where the i-th argument is then: the place of its register in struct pt_regs, in words
	 * of 8 bytes. Only of those that were asked for.
	 */
	uint8_t places[PROBE_ARGUMENTS_MAX];
};

/*
 * The stack pointer is as at the entry there, so the return can be probed as well. wanted: bit i
 * asks for the i-th argument. The first byte if nothing else will do, or if first_byte asks for it.
 * 0; -EINVAL: an unknown machine or argument, or no code; -ENOMEM.
 */
int probe_point_find(const struct probe_code *code, uint32_t wanted, bool first_byte,
		     struct probe_point *point);

/*
 * Where a function goes on: the targets of its direct jumps and calls that lie outside of it, from
 * its first byte on, negative before it.
 */
struct probe_exit {
	int64_t target;
	bool always; /* the block at the entry ends in a jump there: the function does no more */
};

/* At most `max`; how many there are. Of arm64 none. */
size_t probe_exits_find(const struct probe_code *code, struct probe_exit *exits, size_t max);

/*
 * Of a stub of the procedure linkage table: the address, from its first byte on, of the word that
 * has its target. False: it is none.
 */
bool probe_stub_slot(const struct probe_code *code, int64_t *slot);

#endif
