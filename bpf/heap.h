/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the collector tells the probes of an allocator's functions, all of which run the same three
 * programs: in the cookie of each probe what the function does and where its arguments are.
 *
 * Included as event.h is.
 */
#ifndef TIDEMARK_BPF_HEAP_H
#define TIDEMARK_BPF_HEAP_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

/* KIND(NAME, what the function does) */
#define HEAP_KINDS(KIND)                                                                           \
	KIND(ALLOC, "returns the address of size bytes, or NULL")                                  \
	KIND(ALLOC_OUT, "stores the address at `out` and returns 0, or an error")                  \
	KIND(REALLOC,                                                                              \
	     "frees `old`, returns the address of size bytes; or NULL, and frees nothing")         \
	KIND(REALLOC_FREES, "the same, but frees `old` also if it fails")                          \
	KIND(REALLOC_OUT, "the same with `old` at `out`, and its new address there; returns 0")    \
	KIND(RESIZE, "leaves `old` where it is and returns the bytes that it has then")            \
	KIND(FREE, "frees `old`, which may be NULL")

enum heap_kind {
#define KIND(name, text) HEAP_KIND_##name,
	HEAP_KINDS(KIND)
#undef KIND
		HEAP_KIND_COUNT
};

/* The arguments that are asked for, and which byte of the cookie each has; the kind has the 0th. */
enum heap_argument {
	HEAP_ARGUMENT_SIZE,
	HEAP_ARGUMENT_COUNT, /* the size is multiplied by it */
	HEAP_ARGUMENT_OLD,
	HEAP_ARGUMENT_OUT,
	HEAP_ARGUMENT_TOTAL
};

/*
 * Where an argument is when the probe is hit: its register's place in the kernel's struct pt_regs,
 * in words of 8 bytes. The layout is ABI (asm/ptrace.h), arm64's x0 is 0.
 */
#define HEAP_NOWHERE 0xff /* the function has no such argument */

#define HEAP_COOKIE_BYTE(cookie, index) ((cookie) >> 8 * (index)&0xff)
#define HEAP_COOKIE_KIND(cookie) HEAP_COOKIE_BYTE(cookie, 0)
#define HEAP_COOKIE_ARGUMENT(cookie, argument) HEAP_COOKIE_BYTE(cookie, 1 + (argument))

/*
 * Draws from the exponential distribution: the i-th is -ln(i / HEAP_DRAWS) in 1/65536, the first
 * is not used.
 */
#define HEAP_DRAWS 256
#define HEAP_DRAW_ONE 65536

#endif
