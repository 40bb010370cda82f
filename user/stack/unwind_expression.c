// SPDX-License-Identifier: GPL-2.0-only
/* DWARF expressions as unwind information has them (DWARF 5, 2.5.1). */
#include "user/stack/unwind_walk.h"

#include <dwarf.h>

struct machine {
	struct walk *walk;
	const uint64_t *cfa;
	uint32_t at; /* the operation after the present one */
	uint32_t count;
	uint64_t values[UNWIND_VALUES_MAX];
};

static bool push(struct machine *machine, uint64_t value)
{
	if (machine->count == UNWIND_VALUES_MAX)
		return false;
	machine->values[machine->count++] = value;
	return true;
}

static bool push_register(struct machine *machine, uint64_t reg, uint64_t offset)
{
	uint64_t value;

	return walk_register(machine->walk, reg, &value) && push(machine, value + offset);
}

static bool push_copy(struct machine *machine, uint64_t depth)
{
	return depth < machine->count && push(machine, machine->values[machine->count - 1 - depth]);
}

/* Values are moved about: the topmost under the count - 1 below it. */
static bool rotate(struct machine *machine, uint32_t count)
{
	uint64_t *values, top;

	if (machine->count < count)
		return false;
	values = &machine->values[machine->count - count];
	top = values[count - 1];
	for (uint32_t i = count - 1; i > 0; i--)
		values[i] = values[i - 1];
	values[0] = top;
	return true;
}

static bool dereference(struct machine *machine, uint64_t size)
{
	uint64_t *value;

	if (!machine->count || !size || size > sizeof(*value))
		return false;
	value = &machine->values[machine->count - 1];
	if (!walk_word(machine->walk, *value, value))
		return false;
	if (size < sizeof(*value))
		*value &= (1ULL << (8 * size)) - 1;
	return true;
}

static bool unary(struct machine *machine, const struct unwind_operation *operation)
{
	uint64_t *value;

	if (!machine->count)
		return false;
	value = &machine->values[machine->count - 1];
	switch (operation->atom) {
	case DW_OP_abs:
		*value = *value >> 63 ? -*value : *value;
		return true;
	case DW_OP_neg:
		*value = -*value;
		return true;
	case DW_OP_not:
		*value = ~*value;
		return true;
	case DW_OP_plus_uconst:
		*value += operation->number;
		return true;
	default:
		return false;
	}
}

static bool divide(int64_t a, int64_t b, uint64_t *result)
{
	if (!b || (a == INT64_MIN && b == -1))
		return false;
	*result = (uint64_t)(a / b);
	return true;
}

static bool compare(uint8_t atom, int64_t a, int64_t b)
{
	switch (atom) {
	case DW_OP_eq:
		return a == b;
	case DW_OP_ge:
		return a >= b;
	case DW_OP_gt:
		return a > b;
	case DW_OP_le:
		return a <= b;
	case DW_OP_lt:
		return a < b;
	default: /* DW_OP_ne */
		return a != b;
	}
}

/* A sign that fills a word: what an arithmetic shift brings in. */
static uint64_t shift_right_signed(uint64_t value, uint64_t by)
{
	uint64_t fill = value >> 63 ? UINT64_MAX : 0;

	if (by > 63)
		return fill;
	return by ? value >> by | fill << (64 - by) : value;
}

static bool arithmetic(uint8_t atom, uint64_t a, uint64_t b, uint64_t *result)
{
	switch (atom) {
	case DW_OP_and:
		*result = a & b;
		return true;
	case DW_OP_div:
		return divide((int64_t)a, (int64_t)b, result);
	case DW_OP_minus:
		*result = a - b;
		return true;
	case DW_OP_mod:
		if (b)
			*result = a % b;
		return b;
	case DW_OP_mul:
		*result = a * b;
		return true;
	case DW_OP_or:
		*result = a | b;
		return true;
	case DW_OP_plus:
		*result = a + b;
		return true;
	case DW_OP_shl:
		*result = b > 63 ? 0 : a << b;
		return true;
	case DW_OP_shr:
		*result = b > 63 ? 0 : a >> b;
		return true;
	case DW_OP_shra:
		*result = shift_right_signed(a, b);
		return true;
	case DW_OP_xor:
		*result = a ^ b;
		return true;
	default:
		*result = compare(atom, (int64_t)a, (int64_t)b);
		return true;
	}
}

static bool binary(struct machine *machine, uint8_t atom)
{
	uint64_t *values;

	if (machine->count < 2)
		return false;
	values = &machine->values[--machine->count - 1];
	return arithmetic(atom, values[0], values[1], &values[0]);
}

static bool jump(struct machine *machine, const struct unwind_operation *operation)
{
	bool taken = true;

	if (operation->atom == DW_OP_bra) {
		if (!machine->count)
			return false;
		taken = machine->values[--machine->count];
	}
	if (taken)
		machine->at = (uint32_t)operation->number;
	return true;
}

/* What only moves values, and all that is rare. */
static bool arrange(struct machine *machine, const struct unwind_operation *operation)
{
	switch (operation->atom) {
	case DW_OP_addr:
		return push(machine, operation->number + machine->walk->bias);
	case DW_OP_call_frame_cfa:
		return machine->cfa && push(machine, *machine->cfa);
	case DW_OP_dup:
		return push_copy(machine, 0);
	case DW_OP_over:
		return push_copy(machine, 1);
	case DW_OP_pick:
		return push_copy(machine, operation->number);
	case DW_OP_drop:
		return machine->count && machine->count--;
	case DW_OP_swap:
		return rotate(machine, 2);
	case DW_OP_rot:
		return rotate(machine, 3);
	case DW_OP_nop:
	case DW_OP_stack_value: /* whether it is one, the rule says */
		return true;
	default:
		return false;
	}
}

static bool operate(struct machine *machine, const struct unwind_operation *operation)
{
	uint8_t atom = operation->atom;

	switch (atom) {
	case DW_OP_breg0 ... DW_OP_breg31:
		return push_register(machine, atom - DW_OP_breg0, operation->number);
	case DW_OP_bregx:
		return push_register(machine, operation->number, operation->number2);
	case DW_OP_lit0 ... DW_OP_lit31:
		return push(machine, atom - DW_OP_lit0);
	case DW_OP_const1u ... DW_OP_consts:
		return push(machine, operation->number);
	case DW_OP_deref:
		return dereference(machine, sizeof(uint64_t));
	case DW_OP_deref_size:
		return dereference(machine, operation->number);
	case DW_OP_abs:
	case DW_OP_neg:
	case DW_OP_not:
	case DW_OP_plus_uconst:
		return unary(machine, operation);
	case DW_OP_and:
	case DW_OP_div ... DW_OP_mul:
	case DW_OP_or:
	case DW_OP_plus:
	case DW_OP_shl ... DW_OP_xor:
	case DW_OP_eq ... DW_OP_ne:
		return binary(machine, atom);
	case DW_OP_bra:
	case DW_OP_skip:
		return jump(machine, operation);
	default:
		return arrange(machine, operation);
	}
}

bool walk_expression(struct walk *walk, const struct unwind_expression *expression,
		     const uint64_t *cfa, uint64_t *value)
{
	struct machine machine;

	machine.walk = walk;
	machine.cfa = cfa;
	machine.at = 0;
	machine.count = 0;
	walk->end = STACK_END_BAD_CFI; /* unless it is a word that is missing */
	if (cfa)
		push(&machine, *cfa);
	while (machine.at < expression->count) {
		if (walk->steps++ >= UNWIND_STEPS_MAX ||
		    !operate(&machine, &expression->operations[machine.at++]))
			return false;
	}
	if (!machine.count)
		return false;
	*value = machine.values[machine.count - 1];
	return true;
}
