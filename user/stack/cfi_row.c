// SPDX-License-Identifier: GPL-2.0-only
/* Turns the state of a program into the row that is kept. */
#include "user/stack/cfi.h"

#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>

#include "user/base/cleanup.h"

/* CFA and one for each register */
#define EXPRESSIONS_MAX (UNWIND_RULES_MAX + 1)

/* How an operation's operands are encoded; OPERANDS_NOT: unknown, or of no use here. */
enum operands {
	OPERANDS_NOT,
	OPERANDS_NONE,
	OPERANDS_U1,
	OPERANDS_S1,
	OPERANDS_U2,
	OPERANDS_S2,
	OPERANDS_U4,
	OPERANDS_S4,
	OPERANDS_8,
	OPERANDS_ULEB,
	OPERANDS_SLEB,
	OPERANDS_ULEB_SLEB,
};

static const uint8_t operands_of[256] = {
	[DW_OP_addr] = OPERANDS_8,
	[DW_OP_deref] = OPERANDS_NONE,
	[DW_OP_const1u] = OPERANDS_U1,
	[DW_OP_const1s] = OPERANDS_S1,
	[DW_OP_const2u] = OPERANDS_U2,
	[DW_OP_const2s] = OPERANDS_S2,
	[DW_OP_const4u] = OPERANDS_U4,
	[DW_OP_const4s] = OPERANDS_S4,
	[DW_OP_const8u] = OPERANDS_8,
	[DW_OP_const8s] = OPERANDS_8,
	[DW_OP_constu] = OPERANDS_ULEB,
	[DW_OP_consts] = OPERANDS_SLEB,
	[DW_OP_dup... DW_OP_over] = OPERANDS_NONE,
	[DW_OP_pick] = OPERANDS_U1,
	[DW_OP_swap... DW_OP_rot] = OPERANDS_NONE,
	[DW_OP_abs... DW_OP_plus] = OPERANDS_NONE,
	[DW_OP_plus_uconst] = OPERANDS_ULEB,
	[DW_OP_shl... DW_OP_xor] = OPERANDS_NONE,
	[DW_OP_bra] = OPERANDS_S2,
	[DW_OP_eq... DW_OP_ne] = OPERANDS_NONE,
	[DW_OP_skip] = OPERANDS_S2,
	[DW_OP_lit0... DW_OP_lit31] = OPERANDS_NONE,
	[DW_OP_breg0... DW_OP_breg31] = OPERANDS_SLEB,
	[DW_OP_bregx] = OPERANDS_ULEB_SLEB,
	[DW_OP_deref_size] = OPERANDS_U1,
	[DW_OP_nop] = OPERANDS_NONE,
	[DW_OP_call_frame_cfa] = OPERANDS_NONE,
	[DW_OP_stack_value] = OPERANDS_NONE,
};

static void operands_read(struct cfi_cursor *cursor, struct unwind_operation *operation)
{
	operation->number2 = 0;
	switch ((enum operands)operands_of[operation->atom]) {
	case OPERANDS_NONE:
		operation->number = 0;
		break;
	case OPERANDS_U1:
		operation->number = cursor_unsigned(cursor, 1);
		break;
	case OPERANDS_S1:
		operation->number = cursor_signed(cursor, 1);
		break;
	case OPERANDS_U2:
		operation->number = cursor_unsigned(cursor, 2);
		break;
	case OPERANDS_S2:
		operation->number = cursor_signed(cursor, 2);
		break;
	case OPERANDS_U4:
		operation->number = cursor_unsigned(cursor, 4);
		break;
	case OPERANDS_S4:
		operation->number = cursor_signed(cursor, 4);
		break;
	case OPERANDS_8:
		operation->number = cursor_unsigned(cursor, 8);
		break;
	case OPERANDS_ULEB:
		operation->number = cursor_uleb(cursor);
		break;
	case OPERANDS_SLEB:
		operation->number = cursor_sleb(cursor);
		break;
	case OPERANDS_ULEB_SLEB:
		operation->number = cursor_uleb(cursor);
		operation->number2 = cursor_sleb(cursor);
		break;
	case OPERANDS_NOT:
		cursor->failed = true;
		break;
	}
}

/* Where each operation begins in the block, and behind them its end. */
typedef uint64_t operation_offsets[UNWIND_OPERATIONS_MAX + 1];

/* A jump's target: an operation, or the end. Its operand counts from behind it. */
static int jump_resolve(struct unwind_operation *operations, int count, int jump,
			const operation_offsets offsets)
{
	uint64_t target = offsets[jump + 1] + operations[jump].number;

	for (int i = 0; i <= count; i++)
		if (offsets[i] == target) {
			operations[jump].number = (uint64_t)i;
			return 0;
		}
	return -EBADMSG;
}

int cfi_expression(const struct cfi_block *block, struct unwind_operation *operations)
{
	struct cfi_cursor cursor = {.at = block->bytes, .end = block->bytes + block->size};
	operation_offsets offsets = {0};
	int count = 0;

	while (cursor_left(&cursor)) {
		if (count == UNWIND_OPERATIONS_MAX)
			return -EBADMSG;
		operations[count].atom = cursor_u8(&cursor);
		operands_read(&cursor, &operations[count]);
		if (cursor.failed)
			return -EBADMSG;
		offsets[++count] = cursor.address;
	}
	for (int i = 0; i < count; i++)
		if ((operations[i].atom == DW_OP_bra || operations[i].atom == DW_OP_skip) &&
		    jump_resolve(operations, count, i, offsets))
			return -EBADMSG;
	return count;
}

/* A row under way: what of the state goes into it. */
struct draft {
	const struct cfi_state *state;
	uint64_t return_reg;
	uint8_t regs[UNWIND_RULES_MAX]; /* that have rules */
	size_t rule_count;
	const struct cfi_block *blocks[EXPRESSIONS_MAX];
	int counts[EXPRESSIONS_MAX]; /* of operations */
	size_t expression_count;
};

static bool is_expression(uint8_t kind)
{
	return kind == RULE_EXPRESSION || kind == RULE_VAL_EXPRESSION;
}

/* What a register without a rule does need not be said. */
static bool is_default(const struct draft *draft, const struct unwind_arch *arch, unsigned int reg)
{
	bool kept = arch->callee_saved & UNWIND_REGISTER(reg);

	if (reg >= arch->register_count)
		return true;
	switch (draft->state->kinds[reg]) {
	case CFI_UNSPECIFIED:
		return true;
	case RULE_SAME:
		return kept;
	case RULE_UNDEFINED:
		return !kept && reg != arch->sp && reg != draft->return_reg;
	default:
		return false;
	}
}

static int draft_expression(struct draft *draft, const struct cfi_block *block)
{
	struct unwind_operation operations[UNWIND_OPERATIONS_MAX];
	int count = cfi_expression(block, operations);

	if (count < 0)
		return count;
	draft->blocks[draft->expression_count] = block;
	draft->counts[draft->expression_count++] = count;
	return 0;
}

/* The offset of a rule fits its field, or there is no telling what it means. */
static bool value_fits(const struct cfi_state *state, unsigned int reg)
{
	int64_t offset = state->values[reg].offset;

	switch (state->kinds[reg]) {
	case RULE_OFFSET:
	case RULE_VAL_OFFSET:
		return offset >= INT32_MIN && offset <= INT32_MAX;
	case RULE_REGISTER:
		return offset >= 0 && offset < UNWIND_RULES_MAX;
	default:
		return true;
	}
}

static int draft_rules(struct draft *draft, const struct unwind_arch *arch)
{
	const struct cfi_state *state = draft->state;
	int rc = 0;

	for (unsigned int reg = 0; reg < UNWIND_RULES_MAX && !rc; reg++) {
		if (is_default(draft, arch, reg))
			continue;
		if (!value_fits(state, reg))
			return -EBADMSG;
		if (is_expression(state->kinds[reg]))
			rc = draft_expression(draft, &state->values[reg].block);
		draft->regs[draft->rule_count++] = (uint8_t)reg;
	}
	return rc;
}

static int draft_make(struct draft *draft, const struct unwind_arch *arch)
{
	const struct cfi_state *state = draft->state;
	uint8_t kind = state->kinds[draft->return_reg];
	int64_t offset = (int64_t)state->cfa_offset;
	int rc = 0;

	/* where the return address is has to be said, but where a register holds it */
	if ((kind == CFI_UNSPECIFIED || kind == RULE_SAME) &&
	    !(arch->callee_saved & UNWIND_REGISTER(draft->return_reg)))
		return -EBADMSG;
	if (state->cfa == CFA_NONE && kind != RULE_UNDEFINED)
		return -EBADMSG;
	if (state->cfa == CFA_REGISTER &&
	    (state->cfa_reg >= UNWIND_RULES_MAX || offset < INT32_MIN || offset > INT32_MAX))
		return -EBADMSG;
	if (state->cfa == CFA_EXPRESSION)
		rc = draft_expression(draft, &state->cfa_block);
	return rc ? rc : draft_rules(draft, arch);
}

static size_t expression_size(int count)
{
	return sizeof(struct unwind_expression) + (size_t)count * sizeof(struct unwind_operation);
}

/* Row, rules, pointers to expressions, and these: one piece of memory. */
static struct unwind_row *draft_allocate(const struct draft *draft)
{
	size_t size = sizeof(struct unwind_row) + draft->rule_count * sizeof(struct unwind_rule) +
		      draft->expression_count * sizeof(struct unwind_expression *);

	for (size_t i = 0; i < draft->expression_count; i++)
		size += expression_size(draft->counts[i]);
	return calloc(1, size);
}

static void row_expressions(struct unwind_row *row, const struct draft *draft)
{
	const struct unwind_expression **pointers =
		(const struct unwind_expression **)&row->rules[row->rule_count];
	char *at = (char *)(pointers + draft->expression_count);

	row->expressions = pointers;
	for (size_t i = 0; i < draft->expression_count; i++) {
		struct unwind_expression *expression = (struct unwind_expression *)at;

		cfi_expression(draft->blocks[i], expression->operations);
		expression->count = (uint32_t)draft->counts[i];
		pointers[i] = expression;
		at += expression_size(draft->counts[i]);
	}
}

static void row_rules(struct unwind_row *row, const struct draft *draft)
{
	const struct cfi_state *state = draft->state;
	int32_t expression = state->cfa == CFA_EXPRESSION;

	row->rule_count = (uint8_t)draft->rule_count;
	for (size_t i = 0; i < draft->rule_count; i++) {
		uint8_t reg = draft->regs[i], kind = state->kinds[reg];

		row->rules[i].reg = reg;
		row->rules[i].kind = kind;
		row->rules[i].offset =
			is_expression(kind) ? expression++ : (int32_t)state->values[reg].offset;
	}
}

int cfi_row_make(const struct cfi_cie *cie, const struct unwind_arch *arch,
		 const struct cfi_state *state, struct unwind_row **row)
{
	struct draft draft = {.state = state, .return_reg = cie->return_reg};
	struct unwind_row *made;
	int rc = draft_make(&draft, arch);

	if (rc)
		return rc;
	made = draft_allocate(&draft);
	if (!made)
		return -ENOMEM;
	made->signal_frame = cie->signal_frame;
	made->cfa_is_expression = state->cfa == CFA_EXPRESSION;
	made->return_reg = (uint8_t)cie->return_reg;
	made->cfa_reg = arch->sp;
	if (state->cfa == CFA_REGISTER) {
		made->cfa_reg = (uint8_t)state->cfa_reg;
		made->cfa_offset = (int32_t)state->cfa_offset;
	}
	row_rules(made, &draft);
	row_expressions(made, &draft);
	*row = made;
	return 0;
}
