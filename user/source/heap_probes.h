/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The probes of an allocator: which of its file's functions are probed, where, and what the
 * programs of bpf/heap.bpf.c are told of each. Files are anybody's: everything is bounded.
 */
#ifndef TIDEMARK_SOURCE_HEAP_PROBES_H
#define TIDEMARK_SOURCE_HEAP_PROBES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/event.h"
#include "user/source/heap_functions.h"
#include "user/source/heap_spec.h"

struct heap_probe {
	const struct heap_function *function;
	uint64_t entry;	 /* of its first byte in the file */
	uint64_t offset; /* of the instruction to probe */
	uint64_t cookie; /* see bpf/heap.h */
	bool returns;	 /* its return is probed, too */
	bool dear;
};

struct heap_probes {
	struct heap_probe probes[HEAP_FUNCTIONS_MAX];
	size_t count;
	size_t dear;
	enum event_allocator allocator; /* of what has no name of its own: ALLOCATOR_UNKNOWN */
	bool first_bytes;		/* set before: all at their first byte, to compare with */
	/*
	 * Set before: none that throws. An exception ends the process at a return address that is
	 * the kernel's trampoline. (Where the kernel can be asked not to place it, it is not placed
	 * for calls that are likely to fail: bpf/heap.bpf.c.)
	 */
	bool no_throwing;
	size_t left_out; /* for that */
};

/*
 * The functions that an open file has. program: it is one, not a library: what it keeps to itself
 * counts as well. 0; -ENOENT: it defines no malloc; -EBADMSG: no program or library, or damaged;
 * -errno.
 */
int heap_probes_find(int fd, bool program, struct heap_probes *probes);

/*
 * The same for functions at given offsets of it. -EFAULT: there is no code; -EILSEQ: no function
 * begins there, by the file's unwind information.
 */
int heap_probes_given(int fd, const struct heap_spec *const *specs, size_t count,
		      struct heap_probes *probes);

/* Has the program no loader (PT_INTERP), so that it is all there is? False if that is not known. */
bool heap_program_is_static(int fd);

#endif
