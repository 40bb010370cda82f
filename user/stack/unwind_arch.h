/* SPDX-License-Identifier: GPL-2.0-only */
/* What unwinding has to know of a machine. Registers are in DWARF's numbering. */
#ifndef TIDEMARK_STACK_UNWIND_ARCH_H
#define TIDEMARK_STACK_UNWIND_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UNWIND_REGISTER(number) (1ULL << (number))

#define SIGRETURN_CODE_MAX 16

/* A trampoline that the kernel returns from signal handlers through, by its code. */
struct unwind_sigreturn {
	uint8_t size; /* of code */
	uint8_t code[SIGRETURN_CODE_MAX];
};

struct unwind_arch {
	uint16_t machine;	/* EM_* */
	uint8_t register_count; /* with the pc */
	uint8_t sp;
	uint8_t fp;
	uint8_t pc;
	uint8_t return_bytes; /* that a call has pushed as its function is entered */
	bool link_register;   /* a leaf may have no frame: its CFA is its sp */
	uint64_t callee_saved;
	uint64_t address_mask; /* of return addresses: the rest may be a signature */

	/* In the trampoline, register r was saved at sp + context[r]. */
	const struct unwind_sigreturn *sigreturns;
	size_t sigreturn_count;
	const uint16_t *context;
};

/* NULL: not known. */
const struct unwind_arch *unwind_arch(uint16_t machine);

#endif
