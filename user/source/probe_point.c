// SPDX-License-Identifier: GPL-2.0-only
#include "user/source/probe_point.h"

#include <errno.h>
#include <string.h>

#include <capstone.h>
#include <elf.h>

/* The block at the entry is a few instructions; a compiler's longest had 20. */
#define BLOCK_MAX 64

#define REGISTERS 16
#define RSP 4

/* By the number that instructions encode registers by: what of struct pt_regs they are. */
static const uint8_t x86_places[REGISTERS] = {
	10 /* rax */, 11 /* rcx */, 12 /* rdx */, 5 /* rbx */,
	19 /* rsp */, 4 /* rbp */,  13 /* rsi */, 14 /* rdi */,
	9 /* r8 */,   8 /* r9 */,   7 /* r10 */,  6 /* r11 */,
	3 /* r12 */,  2 /* r13 */,  1 /* r14 */,  0 /* r15 */};

/* System V ABI, AMD64 supplement, 3.2.3: rdi, rsi, rdx, rcx, r8, r9 */
static const uint8_t x86_arguments[PROBE_ARGUMENTS_MAX] = {7, 6, 2, 1, 8, 9};

/* ---- registers ---- */

static const struct {
	uint16_t names[5]; /* of 64, 32, 16 bits, the low byte, the one above */
} x86_names[REGISTERS] = {
	{{X86_REG_RAX, X86_REG_EAX, X86_REG_AX, X86_REG_AL, X86_REG_AH}},
	{{X86_REG_RCX, X86_REG_ECX, X86_REG_CX, X86_REG_CL, X86_REG_CH}},
	{{X86_REG_RDX, X86_REG_EDX, X86_REG_DX, X86_REG_DL, X86_REG_DH}},
	{{X86_REG_RBX, X86_REG_EBX, X86_REG_BX, X86_REG_BL, X86_REG_BH}},
	{{X86_REG_RSP, X86_REG_ESP, X86_REG_SP, X86_REG_SPL}},
	{{X86_REG_RBP, X86_REG_EBP, X86_REG_BP, X86_REG_BPL}},
	{{X86_REG_RSI, X86_REG_ESI, X86_REG_SI, X86_REG_SIL}},
	{{X86_REG_RDI, X86_REG_EDI, X86_REG_DI, X86_REG_DIL}},
	{{X86_REG_R8, X86_REG_R8D, X86_REG_R8W, X86_REG_R8B}},
	{{X86_REG_R9, X86_REG_R9D, X86_REG_R9W, X86_REG_R9B}},
	{{X86_REG_R10, X86_REG_R10D, X86_REG_R10W, X86_REG_R10B}},
	{{X86_REG_R11, X86_REG_R11D, X86_REG_R11W, X86_REG_R11B}},
	{{X86_REG_R12, X86_REG_R12D, X86_REG_R12W, X86_REG_R12B}},
	{{X86_REG_R13, X86_REG_R13D, X86_REG_R13W, X86_REG_R13B}},
	{{X86_REG_R14, X86_REG_R14D, X86_REG_R14W, X86_REG_R14B}},
	{{X86_REG_R15, X86_REG_R15D, X86_REG_R15W, X86_REG_R15B}},
};

/* -1: none of the sixteen. */
static int register_number(unsigned int name)
{
	for (int i = 0; name && i < REGISTERS; i++)
		for (size_t j = 0; j < sizeof(x86_names[i].names) / sizeof(uint16_t); j++)
			if (x86_names[i].names[j] == name)
				return i;
	return -1;
}

/* ---- instructions ---- */

enum step {
	STEP_PLAIN,  /* writes registers */
	STEP_READ,   /* writes none but flags */
	STEP_PUSH,   /* moves the stack pointer */
	STEP_BRANCH, /* what is behind it is not always executed, or it is not known */
};

/* What compilers put into a function's first lines. Whatever is not here ends the block. */
static enum step step_of(const cs_insn *insn)
{
	switch (insn->id) {
	case X86_INS_MOV:
	case X86_INS_MOVABS:
	case X86_INS_MOVZX:
	case X86_INS_MOVSX:
	case X86_INS_MOVSXD:
	case X86_INS_LEA:
	case X86_INS_ADD:
	case X86_INS_SUB:
	case X86_INS_ADC:
	case X86_INS_SBB:
	case X86_INS_AND:
	case X86_INS_OR:
	case X86_INS_XOR:
	case X86_INS_NOT:
	case X86_INS_NEG:
	case X86_INS_INC:
	case X86_INS_DEC:
	case X86_INS_SHL:
	case X86_INS_SAL:
	case X86_INS_SHR:
	case X86_INS_SAR:
	case X86_INS_ROL:
	case X86_INS_ROR:
	case X86_INS_MUL:
	case X86_INS_IMUL:
	case X86_INS_SETE:
	case X86_INS_SETNE:
	case X86_INS_SETA:
	case X86_INS_SETAE:
	case X86_INS_SETB:
	case X86_INS_SETBE:
	case X86_INS_SETO:
	case X86_INS_CMOVE:
	case X86_INS_CMOVNE:
	case X86_INS_CMOVA:
	case X86_INS_CMOVAE:
	case X86_INS_CMOVB:
	case X86_INS_CMOVBE:
		return STEP_PLAIN;
	case X86_INS_CMP:
	case X86_INS_TEST:
	case X86_INS_BT:
	case X86_INS_NOP:
	case X86_INS_ENDBR64:
		return STEP_READ;
	case X86_INS_PUSH:
		return STEP_PUSH;
	default:
		return STEP_BRANCH;
	}
}

/* A jump or call to an address that the instruction has in it: how far, from behind it. */
static bool is_direct(const uint8_t *bytes, size_t size, int64_t *distance, bool *always)
{
	int32_t word;

	*always = bytes[0] == 0xeb || bytes[0] == 0xe9;
	if (size == 2 && (bytes[0] == 0xeb || (bytes[0] & 0xf0) == 0x70)) {
		*distance = (int8_t)bytes[1];
		return true;
	}
	if ((size == 5 && (bytes[0] == 0xe8 || bytes[0] == 0xe9)) ||
	    (size == 6 && bytes[0] == 0x0f && (bytes[1] & 0xf0) == 0x80)) {
		memcpy(&word, bytes + size - sizeof(word), sizeof(word));
		*distance = word;
		return true;
	}
	return false;
}

/*
 * arch/x86/kernel/uprobes.c, branch_setup_xol_ops() and push_setup_xol_ops(): jumps, calls and
 * conditional jumps by a distance, nop, push of a register. Nothing with a prefix but the REX that
 * names r8 to r15. (Later kernels know more: what they emulate is cheap in them only.)
 */
static bool is_emulated(const uint8_t *bytes, size_t size)
{
	int64_t distance;
	bool always;

	if (size == 1)
		return bytes[0] == 0x90 || (bytes[0] & 0xf8) == 0x50;
	if (size == 2 && bytes[0] == 0x41 && (bytes[1] & 0xf8) == 0x50)
		return true;
	return is_direct(bytes, size, &distance, &always);
}

/* ---- where the arguments are ---- */

struct walk {
	csh handle;
	cs_insn *insn;
	uint32_t wanted;
	uint32_t holders[PROBE_ARGUMENTS_MAX]; /* bit r: register r has the i-th argument */
};

static uint32_t written_by(const struct walk *walk, const cs_insn *insn)
{
	const cs_x86 *x86 = &insn->detail->x86;
	cs_regs read, written;
	uint8_t read_count = 0, written_count = 0;
	uint32_t mask = 0;
	int number;

	if (cs_regs_access(walk->handle, insn, read, &read_count, written, &written_count))
		return UINT32_MAX;
	for (uint8_t i = 0; i < written_count; i++) {
		number = register_number(written[i]);
		mask |= number >= 0 ? 1U << number : 0;
	}
	/* capstone's tables have gaps: the first operand of all in step_of() is written */
	if (step_of(insn) == STEP_PLAIN && x86->op_count && x86->operands[0].type == X86_OP_REG) {
		number = register_number(x86->operands[0].reg);
		mask |= number >= 0 ? 1U << number : 0;
	}
	if (insn->id == X86_INS_MUL || (insn->id == X86_INS_IMUL && x86->op_count == 1))
		mask |= 1U << 0 | 1U << 2; /* rax, rdx */
	return mask;
}

/* A copy of a whole register: the number of its source, else -1. */
static int copied_by(const cs_insn *insn, int *to)
{
	const cs_x86_op *ops = insn->detail->x86.operands;
	int from;

	if (insn->id != X86_INS_MOV || insn->detail->x86.op_count != 2 ||
	    ops[0].type != X86_OP_REG || ops[1].type != X86_OP_REG || ops[0].size != 8)
		return -1;
	from = register_number(ops[1].reg);
	*to = register_number(ops[0].reg);
	return *to < 0 ? -1 : from;
}

/* False: an argument that is wanted is nowhere any more, or the stack pointer has moved. */
static bool walk_over(struct walk *walk, const cs_insn *insn)
{
	uint32_t written = written_by(walk, insn);
	int to = -1, from = copied_by(insn, &to);

	if (written & 1U << RSP)
		return false;
	for (unsigned int i = 0; i < PROBE_ARGUMENTS_MAX; i++) {
		bool copied = from >= 0 && walk->holders[i] >> from & 1;

		walk->holders[i] &= ~written;
		if (copied)
			walk->holders[i] |= 1U << to;
		if (walk->wanted >> i & 1 && !walk->holders[i])
			return false;
	}
	return true;
}

static void point_set(const struct walk *walk, size_t offset, bool dear, struct probe_point *point)
{
	*point = (struct probe_point){.offset = offset, .dear = dear};
	for (unsigned int i = 0; i < PROBE_ARGUMENTS_MAX; i++)
		if (walk->wanted >> i & 1)
			point->places[i] = x86_places[__builtin_ctz(walk->holders[i])];
}

/* ---- the whole function ---- */

/* Calls back for its direct jumps and calls, until that returns false. */
typedef bool (*jump_found)(void *ctx, int64_t target, bool always, bool in_block);

/* entry: the instructions of the block at the entry only. */
static void visit_jumps(csh handle, cs_insn *insn, const struct probe_code *code, jump_found found,
			void *ctx)
{
	const uint8_t *at = code->bytes;
	size_t left = code->size < PROBE_CODE_MAX ? code->size : PROBE_CODE_MAX;
	uint64_t address = 0;
	bool in_block = true;

	while (cs_disasm_iter(handle, &at, &left, &address, insn)) {
		int64_t distance;
		bool always;

		if (is_direct(insn->bytes, insn->size, &distance, &always) &&
		    !found(ctx, (int64_t)address + distance, always, in_block))
			return;
		in_block = in_block && step_of(insn) != STEP_BRANCH;
	}
}

/* The first byte behind the entry that is jumped back to: it may be executed more than once. */
static bool lowest_found(void *ctx, int64_t target, bool always, bool in_block)
{
	size_t *lowest = ctx;

	(void)always;
	(void)in_block;
	if (target > 0 && (uint64_t)target < *lowest)
		*lowest = (size_t)target;
	return true;
}

static bool walk_open(struct walk *walk)
{
	if (cs_open(CS_ARCH_X86, CS_MODE_64, &walk->handle))
		return false;
	cs_option(walk->handle, CS_OPT_DETAIL, CS_OPT_ON);
	/* what is no instruction, as a table between two functions, is stepped over */
	cs_option(walk->handle, CS_OPT_SKIPDATA, CS_OPT_ON);
	walk->insn = cs_malloc(walk->handle);
	if (!walk->insn)
		cs_close(&walk->handle);
	return walk->insn;
}

static void walk_close(struct walk *walk)
{
	cs_free(walk->insn, 1);
	cs_close(&walk->handle);
}

/* Up to `limit`, where the function may come back to. */
static void find_emulated(struct walk *walk, const struct probe_code *code, size_t limit,
			  struct probe_point *point)
{
	const uint8_t *at = code->bytes;
	size_t left = code->size;
	uint64_t address = 0;

	for (int i = 0; i < BLOCK_MAX; i++) {
		size_t offset = (size_t)address;

		if (!cs_disasm_iter(walk->handle, &at, &left, &address, walk->insn))
			return;
		if (offset && offset >= limit)
			return;
		if (is_emulated(walk->insn->bytes, walk->insn->size)) {
			point_set(walk, offset, false, point);
			return;
		}
		if (step_of(walk->insn) >= STEP_PUSH || !walk_over(walk, walk->insn))
			return;
	}
}

static int find_x86(const struct probe_code *code, uint32_t wanted, bool first_byte,
		    struct probe_point *point)
{
	struct walk walk = {.wanted = wanted};
	size_t lowest = first_byte ? 1 : SIZE_MAX;

	if (!walk_open(&walk))
		return -ENOMEM;
	for (unsigned int i = 0; i < PROBE_ARGUMENTS_MAX; i++)
		walk.holders[i] = 1U << x86_arguments[i];
	point_set(&walk, 0, true, point);
	visit_jumps(walk.handle, walk.insn, code, lowest_found, &lowest);
	find_emulated(&walk, code, lowest, point);
	walk_close(&walk);
	return 0;
}

/* x0 to x5, and at the first instruction: few of arm64's are simulated. */
static void find_arm64(uint32_t wanted, struct probe_point *point)
{
	*point = (struct probe_point){.dear = true};
	for (uint8_t i = 0; i < PROBE_ARGUMENTS_MAX; i++)
		if (wanted >> i & 1)
			point->places[i] = i;
}

int probe_point_find(const struct probe_code *code, uint32_t wanted, bool first_byte,
		     struct probe_point *point)
{
	if (!code->size || wanted >> PROBE_ARGUMENTS_MAX)
		return -EINVAL;
	if (code->machine == EM_X86_64)
		return find_x86(code, wanted, first_byte, point);
	if (code->machine != EM_AARCH64)
		return -EINVAL;
	find_arm64(wanted, point);
	return 0;
}

/* ---- where it goes on ---- */

struct exits {
	struct probe_exit *exits;
	size_t count;
	size_t max;
	int64_t size; /* of the function */
};

static bool exit_found(void *ctx, int64_t target, bool always, bool in_block)
{
	struct exits *exits = ctx;

	if (target >= 0 && target < exits->size)
		return true;
	if (exits->count == exits->max)
		return false;
	exits->exits[exits->count++] =
		(struct probe_exit){.target = target, .always = always && in_block};
	return true;
}

size_t probe_exits_find(const struct probe_code *code, struct probe_exit *exits, size_t max)
{
	struct exits found = {.exits = exits, .max = max, .size = (int64_t)code->size};
	struct walk walk = {0};

	if (code->machine != EM_X86_64 || !walk_open(&walk))
		return 0;
	visit_jumps(walk.handle, walk.insn, code, exit_found, &found);
	walk_close(&walk);
	return found.count;
}

/* endbr64, a prefix for what has no more meaning (bnd), jmp *word(%rip) */
bool probe_stub_slot(const struct probe_code *code, int64_t *slot)
{
	static const uint8_t endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};
	size_t at = 0;
	int32_t word;

	if (code->machine != EM_X86_64)
		return false;
	if (code->size >= sizeof(endbr64) && !memcmp(code->bytes, endbr64, sizeof(endbr64)))
		at = sizeof(endbr64);
	if (at < code->size && code->bytes[at] == 0xf2)
		at++;
	if (code->size < at + 6 || code->bytes[at] != 0xff || code->bytes[at + 1] != 0x25)
		return false;
	memcpy(&word, code->bytes + at + 2, sizeof(word));
	*slot = (int64_t)at + 6 + word;
	return true;
}
