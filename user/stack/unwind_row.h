/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How to get from one frame to its caller, at one address: .eh_frame's rules,
 * decoded once and kept in this form (DWARF 5, 6.4.1).
 */
#ifndef TIDEMARK_STACK_UNWIND_ROW_H
#define TIDEMARK_STACK_UNWIND_ROW_H

#include <stdbool.h>
#include <stdint.h>

enum unwind_rule_kind {
	RULE_UNDEFINED,	 /* of the return address: the outermost frame */
	RULE_SAME,	 /* the caller's is in the same register */
	RULE_OFFSET,	 /* saved at CFA + offset */
	RULE_VAL_OFFSET, /* is CFA + offset */
	RULE_REGISTER,	 /* is in register `offset` */
	/* Saved at the address that expression `offset` of the row gives, started with the CFA. */
	RULE_EXPRESSION,
	RULE_VAL_EXPRESSION,
};

struct unwind_rule {
	uint8_t reg; /* DWARF number; the return address's column among them */
	uint8_t kind;
	uint16_t pad;
	int32_t offset;
};

#define UNWIND_RULES_MAX 33
#define UNWIND_OPERATIONS_MAX 64

/* DW_OP_*, with its operand. */
struct unwind_operation {
	uint8_t atom;
	uint64_t number;  /* of DW_OP_bra and DW_OP_skip: the index of the operation to go on at */
	uint64_t number2; /* of DW_OP_bregx: the offset; else 0 */
};

struct unwind_expression {
	uint32_t count;
	struct unwind_operation operations[];
};

struct unwind_row {
	bool signal_frame;	/* the caller was interrupted: its pc is exact */
	bool cfa_is_expression; /* expressions[0] */
	uint8_t cfa_reg;
	uint8_t return_reg; /* column of the return address */
	uint8_t rule_count;
	int32_t cfa_offset;
	const struct unwind_expression *const *expressions;
	/*
	 * Registers that no rule names: the stack pointer is the CFA, the callee-saved ones
	 * are the same, others undefined.
	 */
	struct unwind_rule rules[];
};

#endif
