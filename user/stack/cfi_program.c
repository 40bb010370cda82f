// SPDX-License-Identifier: GPL-2.0-only
/* Runs the instructions of an entry: DW_CFA_*. */
#include "user/stack/cfi.h"

#include <dwarf.h>
#include <elf.h>
#include <errno.h>

enum action {
	ACTION_INVALID,
	ACTION_NOTHING,
	ACTION_ADVANCE,	     /* the location, by the first operand */
	ACTION_SET_LOCATION, /* to the first operand */
	ACTION_CFA,	     /* is register + offset */
	ACTION_CFA_REGISTER, /* is another register's, at the same offset */
	ACTION_CFA_OFFSET,   /* has another offset from the same register */
	ACTION_CFA_EXPRESSION,
	ACTION_RULE,	/* of the register in the first operand */
	ACTION_RESTORE, /* the CIE's rule of a register */
	ACTION_REMEMBER,
	ACTION_RESTORE_STATE,
	ACTION_ARM64, /* nothing, on arm64 */
};

enum operand {
	OPERAND_NONE,
	OPERAND_BYTES1,
	OPERAND_BYTES2,
	OPERAND_BYTES4,
	OPERAND_BYTES8,
	OPERAND_ULEB,
	OPERAND_ULEB_FACTORED, /* by the CIE's factor of data */
	OPERAND_SLEB_FACTORED,
	OPERAND_NEGATIVE_FACTORED, /* unsigned, then negated */
	OPERAND_POINTER,
	OPERAND_BLOCK,
};

struct instruction {
	uint8_t action;
	uint8_t first;
	uint8_t second;
	uint8_t rule; /* enum unwind_rule_kind */
};

/* 0x2c: the return address is signed, with the pc as second modifier, from here on or no more. */
#define CFA_ARM64_NEGATE_RA_STATE_WITH_PC 0x2c

#define RULE(second, kind)                                                                         \
	{                                                                                          \
		ACTION_RULE, OPERAND_ULEB, second, kind                                            \
	}

static const struct instruction instructions[DW_CFA_advance_loc] = {
	[DW_CFA_nop] = {ACTION_NOTHING, 0, 0, 0},
	[DW_CFA_set_loc] = {ACTION_SET_LOCATION, OPERAND_POINTER, 0, 0},
	[DW_CFA_advance_loc1] = {ACTION_ADVANCE, OPERAND_BYTES1, 0, 0},
	[DW_CFA_advance_loc2] = {ACTION_ADVANCE, OPERAND_BYTES2, 0, 0},
	[DW_CFA_advance_loc4] = {ACTION_ADVANCE, OPERAND_BYTES4, 0, 0},
	[DW_CFA_MIPS_advance_loc8] = {ACTION_ADVANCE, OPERAND_BYTES8, 0, 0},
	[DW_CFA_def_cfa] = {ACTION_CFA, OPERAND_ULEB, OPERAND_ULEB, 0},
	[DW_CFA_def_cfa_sf] = {ACTION_CFA, OPERAND_ULEB, OPERAND_SLEB_FACTORED, 0},
	[DW_CFA_def_cfa_register] = {ACTION_CFA_REGISTER, OPERAND_ULEB, 0, 0},
	[DW_CFA_def_cfa_offset] = {ACTION_CFA_OFFSET, 0, OPERAND_ULEB, 0},
	[DW_CFA_def_cfa_offset_sf] = {ACTION_CFA_OFFSET, 0, OPERAND_SLEB_FACTORED, 0},
	[DW_CFA_def_cfa_expression] = {ACTION_CFA_EXPRESSION, 0, OPERAND_BLOCK, 0},
	[DW_CFA_undefined] = RULE(0, RULE_UNDEFINED),
	[DW_CFA_same_value] = RULE(0, RULE_SAME),
	[DW_CFA_offset_extended] = RULE(OPERAND_ULEB_FACTORED, RULE_OFFSET),
	[DW_CFA_offset_extended_sf] = RULE(OPERAND_SLEB_FACTORED, RULE_OFFSET),
	[DW_CFA_GNU_negative_offset_extended] = RULE(OPERAND_NEGATIVE_FACTORED, RULE_OFFSET),
	[DW_CFA_val_offset] = RULE(OPERAND_ULEB_FACTORED, RULE_VAL_OFFSET),
	[DW_CFA_val_offset_sf] = RULE(OPERAND_SLEB_FACTORED, RULE_VAL_OFFSET),
	[DW_CFA_register] = RULE(OPERAND_ULEB, RULE_REGISTER),
	[DW_CFA_expression] = RULE(OPERAND_BLOCK, RULE_EXPRESSION),
	[DW_CFA_val_expression] = RULE(OPERAND_BLOCK, RULE_VAL_EXPRESSION),
	[DW_CFA_restore_extended] = {ACTION_RESTORE, OPERAND_ULEB, 0, 0},
	[DW_CFA_remember_state] = {ACTION_REMEMBER, 0, 0, 0},
	[DW_CFA_restore_state] = {ACTION_RESTORE_STATE, 0, 0, 0},
	[DW_CFA_GNU_args_size] = {ACTION_NOTHING, OPERAND_ULEB, 0, 0},
	/* on arm64 this is DW_CFA_AARCH64_negate_ra_state */
	[DW_CFA_GNU_window_save] = {ACTION_ARM64, 0, 0, 0},
	[CFA_ARM64_NEGATE_RA_STATE_WITH_PC] = {ACTION_ARM64, 0, 0, 0},
};

struct run {
	const struct cfi_cie *cie;
	const struct cfi_state *initial; /* NULL: the CIE's own instructions */
	struct cfi_cursor *program;
	struct cfi_state *state;
	uint64_t location;
	unsigned int remembered_count;
	struct cfi_state remembered[CFI_REMEMBER_MAX];
};

struct operands {
	uint64_t first;
	uint64_t second;
	struct cfi_block block;
};

static uint64_t operand_read(struct run *run, enum operand kind, struct cfi_block *block)
{
	struct cfi_cursor *program = run->program;
	uint64_t size;

	switch (kind) {
	case OPERAND_NONE:
		return 0;
	case OPERAND_BYTES1:
		return cursor_unsigned(program, 1);
	case OPERAND_BYTES2:
		return cursor_unsigned(program, 2);
	case OPERAND_BYTES4:
		return cursor_unsigned(program, 4);
	case OPERAND_BYTES8:
		return cursor_unsigned(program, 8);
	case OPERAND_ULEB:
		return cursor_uleb(program);
	case OPERAND_ULEB_FACTORED:
		return cursor_uleb(program) * run->cie->data_factor;
	case OPERAND_SLEB_FACTORED:
		return cursor_sleb(program) * run->cie->data_factor;
	case OPERAND_NEGATIVE_FACTORED:
		return -cursor_uleb(program) * run->cie->data_factor;
	case OPERAND_POINTER:
		return cfi_pointer(program, run->cie->fde_encoding);
	case OPERAND_BLOCK:
		size = cursor_uleb(program);
		block->bytes = cursor_take(program, size);
		block->size = block->bytes ? (uint32_t)size : 0;
		return 0;
	}
	return 0;
}

/* What unwinding does without, vector registers among them, is passed over. */
static void rule_set(struct run *run, uint8_t kind, const struct operands *operands)
{
	if (operands->first >= UNWIND_RULES_MAX)
		return;
	run->state->kinds[operands->first] = kind;
	if (kind == RULE_EXPRESSION || kind == RULE_VAL_EXPRESSION)
		run->state->values[operands->first].block = operands->block;
	else
		run->state->values[operands->first].offset = (int64_t)operands->second;
}

static int rule_restore(struct run *run, uint64_t reg)
{
	if (!run->initial)
		return -EBADMSG;
	if (reg < UNWIND_RULES_MAX) {
		run->state->kinds[reg] = run->initial->kinds[reg];
		run->state->values[reg] = run->initial->values[reg];
	}
	return 0;
}

static int state_remember(struct run *run)
{
	if (run->remembered_count == CFI_REMEMBER_MAX)
		return -EBADMSG;
	run->remembered[run->remembered_count++] = *run->state;
	return 0;
}

static int state_restore(struct run *run)
{
	if (!run->remembered_count)
		return -EBADMSG;
	*run->state = run->remembered[--run->remembered_count];
	return 0;
}

/* Register or offset alone only make sense where the CFA has both. */
static int cfa_change(struct run *run, uint64_t *part, uint64_t value)
{
	if (run->state->cfa != CFA_REGISTER)
		return -EBADMSG;
	*part = value;
	return 0;
}

static int location_set(struct run *run, uint64_t location)
{
	/* the CIE's instructions hold for any location */
	if (!run->initial)
		return -EBADMSG;
	run->location = location;
	return 0;
}

static int act(struct run *run, const struct instruction *instruction,
	       const struct operands *operands)
{
	struct cfi_state *state = run->state;

	switch ((enum action)instruction->action) {
	case ACTION_NOTHING:
		return 0;
	case ACTION_ARM64:
		/* a return address loses its signature when it is read */
		return run->cie->machine == EM_AARCH64 ? 0 : -EBADMSG;
	case ACTION_ADVANCE:
		return location_set(run, run->location + operands->first * run->cie->code_factor);
	case ACTION_SET_LOCATION:
		return location_set(run, operands->first);
	case ACTION_CFA:
		state->cfa = CFA_REGISTER;
		state->cfa_reg = operands->first;
		state->cfa_offset = operands->second;
		return 0;
	case ACTION_CFA_REGISTER:
		return cfa_change(run, &state->cfa_reg, operands->first);
	case ACTION_CFA_OFFSET:
		return cfa_change(run, &state->cfa_offset, operands->second);
	case ACTION_CFA_EXPRESSION:
		state->cfa = CFA_EXPRESSION;
		state->cfa_block = operands->block;
		return 0;
	case ACTION_RULE:
		rule_set(run, instruction->rule, operands);
		return 0;
	case ACTION_RESTORE:
		return rule_restore(run, operands->first);
	case ACTION_REMEMBER:
		return state_remember(run);
	case ACTION_RESTORE_STATE:
		return state_restore(run);
	case ACTION_INVALID:
		break;
	}
	return -EBADMSG;
}

/* The three that have an operand in their low 6 bits. */
static const struct instruction *primary(uint8_t opcode)
{
	static const struct instruction advance = {ACTION_ADVANCE, 0, 0, 0};
	static const struct instruction offset = {ACTION_RULE, 0, OPERAND_ULEB_FACTORED,
						  RULE_OFFSET};
	static const struct instruction restore = {ACTION_RESTORE, 0, 0, 0};

	switch (opcode & 0xc0) {
	case DW_CFA_advance_loc:
		return &advance;
	case DW_CFA_offset:
		return &offset;
	case DW_CFA_restore:
		return &restore;
	default:
		return NULL;
	}
}

static int step(struct run *run)
{
	uint8_t opcode = cursor_u8(run->program);
	const struct instruction *instruction = primary(opcode);
	struct operands operands = {.first = opcode & 0x3f};

	if (!instruction) {
		instruction = &instructions[opcode];
		operands.first = operand_read(run, instruction->first, &operands.block);
	}
	operands.second = operand_read(run, instruction->second, &operands.block);
	return run->program->failed ? -EBADMSG : act(run, instruction, &operands);
}

int cfi_run(const struct cfi_cie *cie, const struct cfi_state *initial, struct cfi_cursor *program,
	    uint64_t location, uint64_t target, struct cfi_state *state)
{
	struct run run; /* 16 KiB of remembered states, that few programs touch */

	run.cie = cie;
	run.initial = initial;
	run.program = program;
	run.state = state;
	run.location = location;
	run.remembered_count = 0;
	if (!initial) {
		state->cfa = CFA_NONE;
		memset(state->kinds, CFI_UNSPECIFIED, sizeof(state->kinds));
	}
	while (cursor_left(program) && run.location <= target) {
		int rc = step(&run);

		if (rc)
			return rc;
	}
	return 0;
}
