// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stacks made up, over files whose unwind information is made up as well: what
 * compilers do not write, and what only somebody who means harm writes.
 */
#include "tests/unit/unwind_support.h"

/* Spots of code are 256 bytes apart, and have the directives of one case. */
#define TEXT 0x10000
#define SPOT_BYTES 256
#define BIAS 0x550000000000
#define STACK 0x7f0000000000
#define WORDS 64

#define SPOT(index) (TEXT + SPOT_BYTES * (uint64_t)(index))

static struct module *module;
static struct unwind_result result;
static struct snapshot_room room;

#define SNAPSHOT (&room.snapshot)

static bool not_executable;

static void locate(void *ctx, uint64_t pc, struct unwind_place *place)
{
	(void)ctx;
	*place = (struct unwind_place){.address = pc};
	if (pc - BIAS - TEXT >= 0x100000)
		return;
	place->module_number = 1;
	place->module = module;
	place->address = pc - BIAS;
	place->executable = !not_executable;
}

/* ---- making files ---- */

struct text {
	char *text;
	size_t size;
	FILE *file;
};

static FILE *text_open(struct text *text)
{
	text->file = open_memstream(&text->text, &text->size);
	assert_non_null(text->file);
	return text->file;
}

/* Builds what was written, and makes it the module at hand. */
static void text_build(struct text *text, uint16_t machine)
{
	const char *path;
	Elf64_Ehdr *header;
	uint8_t *data;
	size_t size;

	assert_int_equal(fclose(text->file), 0);
	path = unwind_build("made", "s", text->text,
			    "-shared -nostdlib -Wl,--section-start=.text=0x10000");
	free(text->text);
	data = unwind_read(path, &size);
	header = (Elf64_Ehdr *)data;
	header->e_machine = machine;
	unwind_write(path, data, size);
	free(data);
	module_close(module);
	module = unwind_open(path);
}

static void spot_begin(FILE *file, const char *how)
{
	fprintf(file, ".p2align 8\n.cfi_startproc %s\n", how);
}

static void spot_end(FILE *file)
{
	fputs(".fill 16,1,0x90\n.cfi_endproc\n", file);
}

/* One spot for each text of directives. */
static void build(const char *const *cases, size_t count, const char *how, uint16_t machine)
{
	struct text text;
	FILE *file = text_open(&text);

	fputs(".text\n", file);
	for (size_t i = 0; i < count; i++) {
		spot_begin(file, how);
		fprintf(file, "%s\n", cases[i]);
		spot_end(file);
	}
	fputs(".p2align 8\n.fill 512,1,0x90\n", file);
	text_build(&text, machine);
}

/* ---- making stacks ---- */

/* Registers of the value 0x1000 + number, a stack of numbered words, the pc at a spot. */
static void stack_make(uint16_t machine, uint64_t spot)
{
	const struct unwind_arch *arch = unwind_arch(machine);

	memset(&room, 0, sizeof(room.snapshot));
	SNAPSHOT->machine = machine;
	SNAPSHOT->register_count = arch->register_count;
	for (unsigned int i = 0; i < arch->register_count; i++)
		SNAPSHOT->registers[i] = 0x1000 + i;
	SNAPSHOT->registers[arch->sp] = STACK;
	SNAPSHOT->registers[arch->pc] = BIAS + spot;
	SNAPSHOT->bytes = WORDS * 8;
	for (unsigned int i = 0; i < WORDS; i++)
		SNAPSHOT->stack[i] = i;
}

static void walk(void)
{
	unwind(SNAPSHOT, &(struct unwind_ops){.locate = locate, .ctx = NULL}, &result);
}

static void expect_frame(size_t i, uint64_t address)
{
	assert_true(i < result.frame_count);
	if (result.frames[i].address != address)
		fail_msg("frame %zu: 0x%llx instead of 0x%lx", i, result.frames[i].address,
			 address);
}

static void expect_end(enum stack_end end, size_t frames)
{
	if (result.end != end || result.frame_count != frames)
		fail_msg("end %d with %u frames instead of %d with %zu", result.end,
			 result.frame_count, end, frames);
}

/* ---- rules ---- */

#define OUTERMOST ".cfi_undefined rip"

enum rule_spot {
	RULE_OUTERMOST,
	RULE_PLAIN,
	RULE_CFA_RBX,	 /* the CFA is rbx */
	RULE_RBX_IN_R12, /* the caller's rbx is in r12 */
	RULE_RBX_OF_CFA, /* the caller's rbx is CFA + 32 */
	RULE_RBX_SAVED,	 /* at CFA - 16 */
	RULE_RBX_POPPED, /* at CFA - 16, which is below the stack pointer again */
	RULE_RBX_AT,	 /* at the address that an expression gives: CFA + 40 */
	RULE_RBX_VALUE,	 /* what an expression gives: CFA + 48 */
	RULE_CFA_RAX,	 /* a register that callers do not keep */
	RULE_SP_OF_CFA,	 /* the caller's stack pointer is CFA + 32 */
	RULE_NOT_GROWING,
	RULE_BACKWARDS,
	RULE_BELOW,
	RULE_FAR,
	RULE_TOO_FAR,
	RULE_SIGNAL,
	RULE_NO_RBX,
	RULE_SWAPPED, /* rbx and r12 change places */
	RULE_HUGE_REGISTER,
	RULE_REMEMBERS_MUCH,
	RULE_RESTORES_NOTHING,
	RULE_UNKNOWN_INSTRUCTION,
	RULE_CUT_SHORT,
	RULE_CFA_OF_NOTHING,
	RULE_NO_RETURN_RULE,
	RULE_SAME_PC,
	RULE_RESTORED, /* the return address elsewhere, and then not */
	RULE_SPOTS
};

static const char *const rules[RULE_SPOTS] = {
	[RULE_OUTERMOST] = OUTERMOST,
	[RULE_PLAIN] = "",
	[RULE_CFA_RBX] = ".cfi_def_cfa rbx, 0",
	[RULE_RBX_IN_R12] = ".cfi_register rbx, r12",
	[RULE_RBX_OF_CFA] = ".cfi_val_offset rbx, 32",
	[RULE_RBX_SAVED] = ".cfi_def_cfa_offset 32\n.cfi_offset rbx, -16",
	[RULE_RBX_POPPED] = ".cfi_offset rbx, -16",
	[RULE_RBX_AT] = ".cfi_escape 0x10, 3, 2, 0x23, 40",
	[RULE_RBX_VALUE] = ".cfi_escape 0x16, 3, 2, 0x23, 48",
	[RULE_CFA_RAX] = ".cfi_def_cfa rax, 0",
	[RULE_SP_OF_CFA] = ".cfi_val_offset rsp, 32",
	[RULE_NOT_GROWING] = ".cfi_def_cfa_offset 0\n.cfi_offset rip, 0",
	[RULE_BACKWARDS] = ".cfi_escape 0x12, 7, 0x01", /* CFA: rsp - 8 */
	[RULE_BELOW] = ".cfi_offset rip, -24",
	[RULE_FAR] = ".cfi_def_cfa_offset 0x7ffffff0",
	[RULE_TOO_FAR] = ".cfi_escape 0x0e, 0x80, 0x80, 0x80, 0x80, 0x10",
	[RULE_SIGNAL] = ".cfi_signal_frame",
	[RULE_NO_RBX] = ".cfi_undefined rbx",
	[RULE_SWAPPED] = ".cfi_register rbx, r12\n.cfi_register r12, rbx",
	/* elfutils makes room for 134 million registers */
	[RULE_HUGE_REGISTER] = ".cfi_escape 0x07, 0xfe, 0xff, 0xff, 0x3f",
	[RULE_REMEMBERS_MUCH] = ".rept 100\n.cfi_remember_state\n.endr",
	[RULE_RESTORES_NOTHING] = ".cfi_escape 0x0b",
	[RULE_UNKNOWN_INSTRUCTION] = ".cfi_escape 0x3f",
	[RULE_CUT_SHORT] = ".cfi_escape 0x0f, 0x7f",   /* an expression longer than the entry */
	[RULE_CFA_OF_NOTHING] = ".cfi_escape 0x0f, 0", /* an empty expression */
	[RULE_NO_RETURN_RULE] = ".cfi_restore rip\n.cfi_escape 0x08, 16",
	[RULE_SAME_PC] = ".cfi_same_value rip",
	[RULE_RESTORED] = ".cfi_offset rip, -24\n.cfi_restore rip",
};

static int rules_set_up(void **state)
{
	(void)state;
	build(rules, RULE_SPOTS, "", EM_X86_64);
	return 0;
}

/* The stack of a chain of spots, innermost first, each with a frame of its return address only. */
static void chain_make(const enum rule_spot *spots, size_t count)
{
	stack_make(EM_X86_64, SPOT(spots[0]));
	for (size_t i = 1; i < count; i++)
		SNAPSHOT->stack[i - 1] = BIAS + SPOT(spots[i]) + 1;
}

#define CHAIN(...)                                                                                 \
	do {                                                                                       \
		static const enum rule_spot spots[] = {__VA_ARGS__};                               \
                                                                                                   \
		chain_make(spots, ARRAY_SIZE(spots));                                              \
	} while (0)

static void frames_are_where_calls_are(void **state)
{
	(void)state;
	CHAIN(RULE_PLAIN, RULE_PLAIN, RULE_OUTERMOST);
	walk();
	expect_end(STACK_END_COMPLETE, 3);
	expect_frame(0, SPOT(RULE_PLAIN));
	expect_frame(1, SPOT(RULE_PLAIN));
	expect_frame(2, SPOT(RULE_OUTERMOST));
	assert_int_equal(result.used_registers, 0);
	assert_int_equal(result.read_count, 2);
	assert_int_equal(result.reads[1].offset, 8);
}

#define TRAMPOLINE 0x7ffffffff000

/* One frame, at the CFA that ctx points to, returns to the outermost spot. */
static uint64_t replaced(void *ctx, uint64_t cfa)
{
	return cfa == *(const uint64_t *)ctx ? BIAS + SPOT(RULE_OUTERMOST) + 1 : 0;
}

static void return_addresses_that_were_replaced(void **state)
{
	uint64_t cfa = STACK + 16;
	const struct unwind_ops ops = {.locate = locate, .replaced = replaced, .ctx = &cfa};

	(void)state;
	CHAIN(RULE_PLAIN, RULE_PLAIN, RULE_PLAIN);
	SNAPSHOT->stack[1] = TRAMPOLINE;
	unwind(SNAPSHOT, &ops, &result);
	expect_end(STACK_END_COMPLETE, 3);
	expect_frame(1, SPOT(RULE_PLAIN));
	expect_frame(2, SPOT(RULE_OUTERMOST));
	assert_true(result.replaced);
	/* not where code is: what is known may be of a frame that was left */
	SNAPSHOT->stack[1] = BIAS + SPOT(RULE_PLAIN) + 1;
	SNAPSHOT->stack[2] = BIAS + SPOT(RULE_OUTERMOST) + 1;
	unwind(SNAPSHOT, &ops, &result);
	expect_end(STACK_END_COMPLETE, 4);
	assert_false(result.replaced);
	/* nothing is known of this one */
	cfa = STACK + 24;
	SNAPSHOT->stack[1] = TRAMPOLINE;
	unwind(SNAPSHOT, &ops, &result);
	expect_end(STACK_END_NO_MODULE, 3);
	assert_false(result.replaced);
}

/* The caller's CFA is rbx, and its return address at rbx - 8. */
static void expect_rbx(enum rule_spot spot, uint64_t rbx, uint64_t used)
{
	CHAIN(RULE_PLAIN, RULE_CFA_RBX, RULE_OUTERMOST);
	SNAPSHOT->registers[16] = BIAS + SPOT(spot);
	SNAPSHOT->registers[3] = STACK + 200;
	SNAPSHOT->registers[12] = STACK + 208;
	SNAPSHOT->stack[2] = STACK + 216; /* CFA - 16 of RULE_RBX_SAVED */
	SNAPSHOT->stack[6] = STACK + 224; /* CFA + 40 of RULE_RBX_AT */
	if (spot == RULE_RBX_SAVED)
		SNAPSHOT->stack[3] = SNAPSHOT->stack[0];
	for (unsigned int i = 8; i < WORDS; i++) /* who looks elsewhere returns elsewhere */
		SNAPSHOT->stack[i] = i == (rbx - STACK) / 8 - 1 ? BIAS + SPOT(RULE_OUTERMOST) + 1
								: BIAS + SPOT(RULE_PLAIN) + 8;
	if ((rbx - STACK) / 8 - 1 < 8)
		SNAPSHOT->stack[(rbx - STACK) / 8 - 1] = BIAS + SPOT(RULE_OUTERMOST) + 1;
	walk();
	expect_end(STACK_END_COMPLETE, 3);
	expect_frame(1, SPOT(RULE_CFA_RBX));
	expect_frame(2, SPOT(RULE_OUTERMOST));
	assert_int_equal(result.used_registers, used);
}

static void registers_of_callers(void **state)
{
	(void)state;
	expect_rbx(RULE_PLAIN, STACK + 200, 1 << 3);
	expect_rbx(RULE_RBX_IN_R12, STACK + 208, 1 << 12);
	expect_rbx(RULE_RBX_OF_CFA, STACK + 8 + 32, 0);
	expect_rbx(RULE_RBX_SAVED, STACK + 216, 0);
	expect_rbx(RULE_RBX_AT, STACK + 224, 0);
	expect_rbx(RULE_RBX_VALUE, STACK + 8 + 48, 0);
}

/* All rules of a row speak of the registers before it. */
static void rules_are_applied_at_once(void **state)
{
	(void)state;
	CHAIN(RULE_SWAPPED, RULE_SWAPPED, RULE_CFA_RBX, RULE_OUTERMOST);
	SNAPSHOT->registers[3] = STACK + 24;
	SNAPSHOT->registers[12] = STACK + 400;
	walk();
	expect_end(STACK_END_COMPLETE, 4);
	CHAIN(RULE_SWAPPED, RULE_CFA_RBX, RULE_OUTERMOST);
	SNAPSHOT->registers[3] = STACK + 400;
	SNAPSHOT->registers[12] = STACK + 16;
	walk();
	expect_end(STACK_END_COMPLETE, 3);
}

/* The instruction at hand may be behind the pop that restored it. */
static void a_register_saved_below_the_stack_pointer(void **state)
{
	(void)state;
	CHAIN(RULE_RBX_POPPED, RULE_CFA_RBX, RULE_OUTERMOST);
	SNAPSHOT->registers[3] = STACK + 16;
	walk();
	expect_end(STACK_END_COMPLETE, 3);
	assert_int_equal(result.used_registers, 1 << 3);
	/* in a caller as well: nothing is kept below where it goes on */
	CHAIN(RULE_PLAIN, RULE_RBX_POPPED, RULE_CFA_RBX, RULE_OUTERMOST);
	SNAPSHOT->registers[3] = STACK + 24;
	walk();
	expect_end(STACK_END_COMPLETE, 4);
}

static void a_rule_that_is_restored(void **state)
{
	(void)state;
	CHAIN(RULE_RESTORED, RULE_RESTORED, RULE_OUTERMOST);
	walk();
	expect_end(STACK_END_COMPLETE, 3);
}

static void registers_that_nobody_knows(void **state)
{
	(void)state;
	CHAIN(RULE_PLAIN, RULE_CFA_RAX, RULE_OUTERMOST);
	walk();
	expect_end(STACK_END_BAD_CFI, 2);
	CHAIN(RULE_NO_RBX, RULE_CFA_RBX, RULE_OUTERMOST);
	walk();
	expect_end(STACK_END_BAD_CFI, 2);
	/* but the innermost frame's are all known */
	CHAIN(RULE_CFA_RAX, RULE_OUTERMOST);
	SNAPSHOT->registers[0] = STACK + 8;
	walk();
	expect_end(STACK_END_COMPLETE, 2);
	assert_int_equal(result.used_registers, 1);
}

static void a_stack_pointer_with_a_rule(void **state)
{
	(void)state;
	CHAIN(RULE_SP_OF_CFA, RULE_PLAIN);
	SNAPSHOT->stack[5] = BIAS + SPOT(RULE_OUTERMOST) + 1;
	walk();
	expect_end(STACK_END_COMPLETE, 3);
}

static void stacks_that_do_not_grow(void **state)
{
	(void)state;
	CHAIN(RULE_NOT_GROWING, RULE_NOT_GROWING);
	walk();
	expect_end(STACK_END_BAD_CFI, 1);
	CHAIN(RULE_PLAIN, RULE_BACKWARDS);
	walk();
	expect_end(STACK_END_BAD_CFI, 2);
	CHAIN(RULE_SAME_PC);
	walk();
	expect_end(STACK_END_BAD_CFI, 1);
}

static void words_outside_of_the_snapshot(void **state)
{
	static const enum rule_spot spots[] = {RULE_BELOW, RULE_FAR, RULE_CFA_RBX};
	static const enum stack_end ends[] = {STACK_END_BAD_CFI, STACK_END_CUT, STACK_END_CUT};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(spots); i++) {
		chain_make(&spots[i], 1);
		SNAPSHOT->registers[3] = STACK + 0x100000000000;
		walk();
		expect_end(ends[i], 1);
		SNAPSHOT->top = STACK + SNAPSHOT->bytes;
		walk();
		expect_end(STACK_END_BAD_CFI, 1);
	}
	CHAIN(RULE_CFA_RBX);
	SNAPSHOT->registers[3] = 0;
	walk();
	expect_end(STACK_END_BAD_CFI, 1);
	SNAPSHOT->registers[3] = STACK + SNAPSHOT->bytes + 1; /* the word has 7 bytes here */
	walk();
	expect_end(STACK_END_CUT, 1);
	SNAPSHOT->registers[3] = STACK + SNAPSHOT->bytes - 3;
	walk();
	assert_int_equal(result.reads[0].offset, SNAPSHOT->bytes - 11);
}

/* Addresses that wrap around. */
static void stacks_at_the_end_of_memory(void **state)
{
	(void)state;
	CHAIN(RULE_PLAIN, RULE_OUTERMOST);
	SNAPSHOT->registers[7] = -(uint64_t)SNAPSHOT->bytes;
	walk();
	expect_end(STACK_END_BAD_CFI, 1); /* the limit is 0 */
	SNAPSHOT->registers[7] = UINT64_MAX - 100;
	walk();
	expect_end(STACK_END_BAD_CFI, 1);
	SNAPSHOT->registers[7] = UINT64_MAX - 8 * WORDS;
	walk();
	expect_end(STACK_END_COMPLETE, 2);
	SNAPSHOT->registers[7] = 0;
	walk();
	expect_end(STACK_END_COMPLETE, 2);
	SNAPSHOT->bytes = 0;
	walk();
	expect_end(STACK_END_CUT, 1);
	SNAPSHOT->bytes = 4;
	walk();
	expect_end(STACK_END_CUT, 1);
}

static void the_top_of_the_stack(void **state)
{
	(void)state;
	/* the loader's entry: nothing says that it is one */
	CHAIN(RULE_PLAIN, RULE_PLAIN);
	SNAPSHOT->top = STACK + 8;
	SNAPSHOT->bytes = 8;
	walk();
	expect_end(STACK_END_COMPLETE, 2);
	SNAPSHOT->top = STACK + 16;
	walk();
	expect_end(STACK_END_CUT, 2);
	/* a top that is none */
	SNAPSHOT->top = STACK;
	walk();
	expect_end(STACK_END_CUT, 2);
	SNAPSHOT->top = 1;
	walk();
	expect_end(STACK_END_CUT, 2);
}

static void the_caller_of_a_signal_frame_is_exact(void **state)
{
	(void)state;
	CHAIN(RULE_PLAIN, RULE_SIGNAL, RULE_OUTERMOST);
	SNAPSHOT->stack[1] = BIAS + SPOT(RULE_OUTERMOST);
	walk();
	expect_end(STACK_END_COMPLETE, 3);
	expect_frame(1, SPOT(RULE_SIGNAL) + 1); /* returned to, not called */
	expect_frame(2, SPOT(RULE_OUTERMOST));
}

static void instructions_that_make_no_sense(void **state)
{
	static const enum rule_spot bad[] = {
		RULE_TOO_FAR,	     RULE_REMEMBERS_MUCH, RULE_RESTORES_NOTHING,
		RULE_CFA_OF_NOTHING, RULE_CUT_SHORT,	  RULE_UNKNOWN_INSTRUCTION,
	};
	const struct unwind_row *row;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		chain_make(&bad[i], 1);
		walk();
		expect_end(STACK_END_BAD_CFI, 1);
	}
	assert_int_equal(module_row(module, SPOT(RULE_UNKNOWN_INSTRUCTION), &row), -EBADMSG);
	/* registers that unwinding does without */
	CHAIN(RULE_HUGE_REGISTER, RULE_OUTERMOST);
	walk();
	expect_end(STACK_END_COMPLETE, 2);
	assert_true(module_memory(module) < 100000);
}

static void code_without_unwind_information(void **state)
{
	uint64_t bare = SPOT(RULE_SPOTS) + 64;

	(void)state;
	stack_make(EM_X86_64, bare);
	walk();
	expect_end(STACK_END_NO_CFI, 1);
	/* by frame pointer: two frames, and from there on as said */
	SNAPSHOT->registers[6] = STACK + 64;
	SNAPSHOT->stack[8] = STACK + 128;
	SNAPSHOT->stack[9] = BIAS + bare;
	SNAPSHOT->stack[17] = BIAS + SPOT(RULE_PLAIN) + 1;
	SNAPSHOT->stack[18] = BIAS + SPOT(RULE_OUTERMOST) + 1;
	walk();
	expect_end(STACK_END_COMPLETE, 4);
	assert_int_equal(result.guessed, 2);
	assert_int_equal(result.used_registers, 1 << 6);
	expect_frame(1, bare - 1);
	/* such code says nothing of other registers */
	SNAPSHOT->registers[3] = STACK + 160;
	SNAPSHOT->stack[17] = BIAS + SPOT(RULE_CFA_RBX) + 1;
	walk();
	expect_end(STACK_END_BAD_CFI, 3);
	/* where such a chain ends there is 0 */
	SNAPSHOT->stack[8] = 0;
	walk();
	expect_end(STACK_END_COMPLETE, 2);
	/* which is no end where nobody said that it is a chain */
	SNAPSHOT->registers[6] = 0;
	walk();
	expect_end(STACK_END_NO_CFI, 1);
}

static void frame_pointers_that_are_none(void **state)
{
	static const uint64_t pointers[] = {STACK - 8,	STACK + 4,	1,
					    UINT64_MAX, UINT64_MAX - 7, STACK + (2 << 20)};

	(void)state;
	stack_make(EM_X86_64, SPOT(RULE_SPOTS) + 64);
	for (size_t i = 0; i < ARRAY_SIZE(pointers); i++) {
		SNAPSHOT->registers[6] = pointers[i];
		walk();
		expect_end(STACK_END_NO_CFI, 1);
	}
	/* a plausible one, past what was copied */
	SNAPSHOT->registers[6] = STACK + SNAPSHOT->bytes + 64;
	walk();
	expect_end(STACK_END_CUT, 1);
	SNAPSHOT->registers[6] = STACK + SNAPSHOT->bytes - 8;
	walk();
	expect_end(STACK_END_CUT, 1);
	SNAPSHOT->top = STACK + SNAPSHOT->bytes;
	walk();
	expect_end(STACK_END_NO_CFI, 1);
	/* a return address where no code is */
	SNAPSHOT->registers[6] = STACK + 64;
	walk();
	expect_end(STACK_END_NO_CFI, 1);
	SNAPSHOT->stack[9] = 0;
	walk();
	expect_end(STACK_END_NO_CFI, 1);
	SNAPSHOT->stack[9] = BIAS + SPOT(RULE_OUTERMOST) + 1;
	not_executable = true;
	walk();
	not_executable = false;
	expect_end(STACK_END_NO_CFI, 1);
	walk();
	expect_end(STACK_END_COMPLETE, 2);
}

static void an_address_in_no_mapping(void **state)
{
	(void)state;
	stack_make(EM_X86_64, 0);
	SNAPSHOT->registers[16] = 0x4242;
	walk();
	expect_end(STACK_END_NO_MODULE, 1);
	assert_int_equal(result.frames[0].module, 0);
	expect_frame(0, 0x4242);
	/* a call to nowhere, from a function with a frame pointer */
	SNAPSHOT->registers[6] = STACK;
	SNAPSHOT->stack[1] = BIAS + SPOT(RULE_OUTERMOST) + 1;
	walk();
	expect_end(STACK_END_COMPLETE, 2);
	assert_int_equal(result.guessed, 1);
}

/* ---- rows within a function ---- */

static void rows_begin_where_they_say(void **state)
{
	static const char *const steps[] = {
		"nop\n.cfi_def_cfa_offset 16\nnop\nnop\n.cfi_remember_state\n"
		".cfi_def_cfa_offset 24\nnop\n.cfi_restore_state\nnop\n"
		".fill 70,1,0x90\n.cfi_def_cfa_offset 32",
	};
	static const struct {
		uint64_t at;
		int32_t offset;
	} expected[] = {{0, 8}, {1, 16}, {2, 16}, {3, 24}, {4, 16}, {5, 16}, {74, 16}, {75, 32}};
	const struct unwind_row *row;

	(void)state;
	build(steps, 1, "", EM_X86_64);
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		assert_int_equal(module_row(module, TEXT + expected[i].at, &row), 0);
		assert_int_equal(row->cfa_offset, expected[i].offset);
	}
	/* the function has 91 bytes */
	assert_int_equal(module_row(module, TEXT + 90, &row), 0);
	assert_int_equal(module_row(module, TEXT + 91, &row), -ENOENT);
	assert_int_equal(module_row(module, TEXT - 1, &row), -ENOENT);
}

/* ---- expressions ---- */

/*
 * The CFA of each is 0x40 above the stack pointer: r0 is 0x1000, r1 0x1001 and
 * so on, breg7 (0x77) the stack pointer; words of the stack are their numbers.
 */
static const char *const good[] = {
	"0x03, 0x40, 0, 0, 0, 0, 0x2a, 0, 0", /* addr: STACK + 0x40 - BIAS, in the file */
	"0x77, 0xc0, 0",		      /* breg7 64 */
	"0x77, 0, 0x23, 0x40",		      /* plus_uconst */
	"0x77, 0, 0x08, 0x40, 0x22",	      /* const1u plus */
	"0x77, 0, 0x09, 0xc0, 0x1c",	      /* const1s -64 minus */
	"0x77, 0, 0x0a, 0x40, 0, 0x22",	      /* const2u */
	"0x77, 0, 0x0b, 0xc0, 0xff, 0x1c",    /* const2s */
	"0x77, 0, 0x0c, 0x40, 0, 0, 0, 0x22", /* const4u */
	"0x77, 0, 0x0d, 0xc0, 0xff, 0xff, 0xff, 0x1c",
	"0x77, 0, 0x0e, 0x40, 0, 0, 0, 0, 0, 0, 0, 0x22",
	"0x77, 0, 0x0f, 0xc0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1c",
	"0x77, 0, 0x10, 0xc0, 0, 0x22",				   /* constu */
	"0x77, 0, 0x11, 0x40, 0x1c",				   /* consts -64 */
	"0x92, 7, 0xc0, 0",					   /* bregx */
	"0x77, 0, 0x38, 0x38, 0x1e, 0x22",			   /* lit8 lit8 mul */
	"0x77, 0, 0x4f, 0x32, 0x1e, 0x31, 0x31, 0x22, 0x22, 0x22", /* 31 * 2 + 1 + 1 */
	"0x77, 0, 0x31, 0x36, 0x24, 0x22",			   /* 1 << 6 */
	"0x77, 0, 0x08, 0x80, 0x31, 0x25, 0x22",		   /* 0x80 >> 1 */
	"0x77, 0, 0x09, 0x80, 0x31, 0x26, 0x1c",		   /* -128 >> 1, signed */
	"0x77, 0, 0x09, 0x80, 0x32, 0x1b, 0x1c",		   /* -128 / 2 */
	"0x77, 0, 0x08, 0xc3, 0x08, 0x83, 0x1d, 0x22",		   /* 0xc3 % 0x83 */
	"0x77, 0, 0x08, 0x7f, 0x08, 0x40, 0x1a, 0x22",		   /* and */
	"0x77, 0, 0x08, 0x40, 0x21",				   /* or */
	"0x77, 0, 0x08, 0x40, 0x27",				   /* xor */
	"0x77, 0, 0x09, 0xc0, 0x19, 0x22",			   /* abs */
	"0x77, 0, 0x09, 0xc0, 0x1f, 0x22",			   /* neg */
	"0x77, 0, 0x08, 0x3f, 0x20, 0x1c",			   /* not: -64 */
	"0x77, 0, 0x08, 0x20, 0x12, 0x22, 0x22",		   /* dup */
	"0x77, 0xc0, 0, 0x30, 0x13",				   /* drop */
	"0x08, 0x40, 0x77, 0, 0x30, 0x13, 0x22",
	"0x77, 0xc0, 0, 0x31, 0x14, 0x16, 0x13",		      /* over swap drop */
	"0x77, 0xc0, 0, 0x31, 0x32, 0x15, 2",			      /* pick 2 */
	"0x31, 0x77, 0xc0, 0, 0x32, 0x17, 0x13, 0x13, 0x77, 0xc0, 0", /* rot */
	"0x30, 0x31, 0x77, 0xc0, 0, 0x17, 0x13, 0x13",		      /* rot: c a b */
	"0x77, 0xc0, 0, 0x96",					      /* nop */
	"0x77, 0, 0x77, 0xc0, 0, 0x06, 0x33, 0x24, 0x22",	      /* deref: word 8, << 3 */
	"0x77, 0, 0x77, 0xc0, 0, 0x94, 1, 0x33, 0x24, 0x22",	      /* deref_size 1 */
	/* skip over lit1; bra not taken, then taken backwards never */
	"0x77, 0xc0, 0, 0x2f, 1, 0, 0x31", "0x77, 0xc0, 0, 0x31, 0x28, 1, 0, 0x31",
	"0x77, 0, 0x30, 0x28, 2, 0, 0x23, 0x40",
	/* count down from 8, adding 8 each time: x n -> x+8 n-1, until n is 0 */
	"0x77, 0, 0x38, 0x16, 0x23, 8, 0x16, 0x31, 0x1c, 0x12, 0x28, 0xf6, 0xff, 0x13",
	/* comparisons, signed: 0x40 for each that holds, taken away again */
	"0x77, 0, 0x09, 0xff, 0x30, 0x2d, 0x36, 0x24, 0x22", /* -1 < 0 */
	"0x77, 0, 0x30, 0x09, 0xff, 0x2b, 0x36, 0x24, 0x22", /* 0 > -1 */
	"0x77, 0, 0x30, 0x30, 0x2a, 0x36, 0x24, 0x22",	     /* 0 >= 0 */
	"0x77, 0, 0x30, 0x30, 0x2c, 0x36, 0x24, 0x22",	     /* 0 <= 0 */
	"0x77, 0, 0x30, 0x30, 0x29, 0x36, 0x24, 0x22",	     /* 0 == 0 */
	"0x77, 0, 0x30, 0x31, 0x2e, 0x36, 0x24, 0x22",	     /* 0 != 1 */
	"0x77, 0xc0, 0, 0x30, 0x30, 0x2e, 0x22",	     /* not 0 != 0 */
	"0x77, 0xc0, 0, 0x30, 0x30, 0x2d, 0x22",	     /* not 0 < 0 */
	"0x77, 0xc0, 0, 0x30, 0x30, 0x2b, 0x22",	     /* not 0 > 0 */
	"0x77, 0xc0, 0, 0x31, 0x08, 64, 0x24, 0x22",	     /* 1 << 64 is 0 */
	"0x77, 0xc0, 0, 0x31, 0x08, 64, 0x25, 0x22",	     /* 1 >> 64 */
	"0x77, 0xc1, 0, 0x09, 0xff, 0x08, 200, 0x26, 0x22",  /* -1 >> 200, signed */
};

static const char *const bad[] = {
	"0x96",		    /* leaves nothing */
	"0x06",		    /* nothing to read at */
	"0x22",		    /* nothing to add */
	"0x31, 0x22",	    /* one of two */
	"0x31, 0x30, 0x1b", /* division by 0 */
	"0x31, 0x30, 0x1d",
	"0x0f, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x11, 0x7f, 0x1b", /* INT64_MIN / -1 */
	"0x31, 0x15, 1",				     /* pick what is not there */
	"0x31, 0x14",					     /* over */
	"0x31, 0x16",					     /* swap */
	"0x31, 0x31, 0x17",				     /* rot */
	"0x12",						     /* dup */
	"0x13",						     /* drop */
	"0x1f",						     /* neg */
	"0x28, 0, 0",					     /* bra */
	"0x2f, 0xfd, 0xff",				     /* for ever */
	"0x31, 0x2f, 0xfc, 0xff",			     /* for ever, and more and more */
	"0x31, 0x31, 0x28, 0xfb, 0xff",
	"0x31, 0x2f, 5, 0",		      /* behind the end */
	"0x0a, 0x31, 0x31, 0x2f, 0xfb, 0xff", /* into another operation */
	"0x77, 0xc0, 0, 0x2f, 1, 0, 0x0a, 0x30, 0x30",
	"0x31, 0x2f, 0xf0, 0xff", /* before the beginning */
	"0x77, 0, 0x94, 0",	  /* deref_size of nothing */
	"0x77, 0, 0x94, 9",
	"0x30, 0x06",	    /* at 0 */
	"0x77, 0x78, 0x06", /* below the stack pointer */
	"0x9c",		    /* call_frame_cfa, of itself */
	"0x92, 40, 0",	    /* a register that is none */
	"0x92, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0",
	"0x50",	   /* reg0 */
	"0x93, 8", /* piece */
	"0xf1",	   /* unknown */
	"0x0a, 1", /* an operand cut short */
	"0x10, 0x80",
	".rept 70\n.cfi_escape 0x96\n.endr", /* see below */
};

static void build_expressions(const char *const *cases, size_t count)
{
	struct text text;
	FILE *file = text_open(&text);

	fputs(".text\n", file);
	for (size_t i = 0; i < count; i++) {
		unsigned int size = 1;

		for (const char *at = cases[i]; *at; at++)
			size += *at == ',';
		spot_begin(file, "");
		if (cases[i][0] == '.')
			fprintf(file, ".cfi_escape 0x0f, 71, 0x31\n%s\n", cases[i]);
		else
			fprintf(file, ".cfi_escape 0x0f, %u, %s\n", size, cases[i]);
		spot_end(file);
	}
	spot_begin(file, "");
	fprintf(file, "%s\n", OUTERMOST);
	spot_end(file);
	text_build(&text, EM_X86_64);
}

static void expressions_that_have_a_value(void **state)
{
	uint64_t outermost = SPOT(ARRAY_SIZE(good));

	(void)state;
	build_expressions(good, ARRAY_SIZE(good));
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		stack_make(EM_X86_64, SPOT(i));
		SNAPSHOT->stack[7] = BIAS + outermost + 1; /* CFA - 8 */
		walk();
		if (result.end != STACK_END_COMPLETE || result.frame_count != 2 ||
		    result.frames[1].address != outermost)
			fail_msg("%s: end %d, %u frames", good[i], result.end, result.frame_count);
	}
}

static void expressions_that_have_none(void **state)
{
	(void)state;
	build_expressions(bad, ARRAY_SIZE(bad));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		stack_make(EM_X86_64, SPOT(i));
		walk();
		if (result.end != STACK_END_BAD_CFI || result.frame_count != 1)
			fail_msg("%s: end %d, %u frames", bad[i], result.end, result.frame_count);
	}
}

/* What an expression reads may be missing for other reasons. */
static void expressions_read_like_rules(void **state)
{
	static const char *const one[] = {"0x77, 0xc0, 0, 0x06"};

	(void)state;
	build_expressions(one, 1);
	stack_make(EM_X86_64, TEXT);
	SNAPSHOT->stack[8] = STACK + 24;
	SNAPSHOT->stack[2] = BIAS + SPOT(1) + 1;
	walk();
	expect_end(STACK_END_COMPLETE, 2);
	assert_int_equal(result.read_count, 2);
	assert_int_equal(result.reads[0].offset, 64);
	SNAPSHOT->absent = 1;
	walk();
	expect_end(STACK_END_ABSENT, 1);
	SNAPSHOT->absent = 0;
	SNAPSHOT->bytes = 64;
	walk();
	expect_end(STACK_END_CUT, 1);
}

/* Each of many frames may ask for a little too much: in all there is a limit. */
static void expressions_have_a_limit_in_all(void **state)
{
	/* count down from 254, then lit8, and the stack pointer plus it */
	static const char *const one[] = {
		"0x08, 0xfe, 0x31, 0x1c, 0x12, 0x28, 0xfa, 0xff, 0x13, 0x77, 8"};

	(void)state;
	build_expressions(one, 1);
	stack_make(EM_X86_64, TEXT);
	for (unsigned int i = 0; i < WORDS; i++)
		SNAPSHOT->stack[i] = BIAS + TEXT + 8;
	walk();
	expect_end(STACK_END_BAD_CFI, 5); /* 1019 operations each */
}

/* ---- arm64 ---- */

enum arm64_spot {
	ARM64_OUTERMOST,
	ARM64_LEAF,  /* the return address is in x30, the CFA is the stack pointer */
	ARM64_FRAME, /* 32 bytes, x29 and x30 saved at its bottom */
	ARM64_SPOTS
};

static const char *const arm64_rules[ARM64_SPOTS] = {
	[ARM64_OUTERMOST] = ".cfi_return_column 30\n.cfi_def_cfa 31, 0\n.cfi_undefined 30",
	[ARM64_LEAF] = ".cfi_return_column 30\n.cfi_def_cfa 31, 0\n"
		       ".cfi_escape 0x2d", /* negate_ra_state */
	[ARM64_FRAME] = ".cfi_return_column 30\n.cfi_def_cfa 29, 32\n.cfi_offset 29, -32\n"
			".cfi_offset 30, -24",
};

/* mov x8, #139; svc #0 */
#define ARM64_TRAMPOLINE 64 /* bytes behind the last spot */

static void build_arm64(void)
{
	struct text text;
	FILE *file = text_open(&text);

	fputs(".text\n", file);
	for (size_t i = 0; i < ARM64_SPOTS; i++) {
		spot_begin(file, "simple");
		fprintf(file, "%s\n", arm64_rules[i]);
		spot_end(file);
	}
	fprintf(file, ".p2align 8\n.fill %d,1,0\n.long 0xd2801168, 0xd4000001\n", ARM64_TRAMPOLINE);
	fputs(".fill 256,1,0\n", file);
	text_build(&text, EM_AARCH64);
}

static void frames_of_arm64(void **state)
{
	uint64_t signature = 0x00aa000000000000;

	(void)state;
	build_arm64();
	stack_make(EM_AARCH64, SPOT(ARM64_LEAF));
	SNAPSHOT->registers[30] = signature | (BIAS + SPOT(ARM64_FRAME) + 4);
	SNAPSHOT->registers[29] = STACK;
	SNAPSHOT->stack[0] = STACK + 64;
	SNAPSHOT->stack[1] = signature | (BIAS + SPOT(ARM64_FRAME) + 8);
	SNAPSHOT->stack[8] = 0;
	SNAPSHOT->stack[9] = BIAS + SPOT(ARM64_OUTERMOST) + 4;
	walk();
	expect_end(STACK_END_COMPLETE, 4);
	expect_frame(0, SPOT(ARM64_LEAF));
	expect_frame(1, SPOT(ARM64_FRAME) + 3);
	expect_frame(2, SPOT(ARM64_FRAME) + 7);
	expect_frame(3, SPOT(ARM64_OUTERMOST) + 3);
	assert_int_equal(result.used_registers, 1 << 29 | 1 << 30);
	/* only the innermost may be a leaf */
	SNAPSHOT->registers[30] = BIAS + SPOT(ARM64_LEAF) + 4;
	walk();
	expect_end(STACK_END_BAD_CFI, 2);
}

static void signals_of_arm64(void **state)
{
	uint64_t trampoline = SPOT(ARM64_SPOTS) + ARM64_TRAMPOLINE;

	(void)state;
	build_arm64();
	/* a handler that is a leaf, over a leaf interrupted at its first instruction */
	stack_make(EM_AARCH64, SPOT(ARM64_LEAF));
	SNAPSHOT->registers[30] = BIAS + trampoline;
	SNAPSHOT->bytes = 128 * 8;
	SNAPSHOT->stack[39 + 30] = BIAS + SPOT(ARM64_FRAME) + 4; /* x0 is at 312 */
	SNAPSHOT->stack[39 + 29] = STACK + 90 * 8;
	SNAPSHOT->stack[39 + 31] = STACK + 80 * 8;
	SNAPSHOT->stack[39 + 32] = BIAS + SPOT(ARM64_LEAF);
	SNAPSHOT->stack[91] = BIAS + SPOT(ARM64_OUTERMOST) + 4;
	walk();
	expect_end(STACK_END_COMPLETE, 5);
	expect_frame(1, trampoline);
	expect_frame(2, SPOT(ARM64_LEAF));
	expect_frame(3, SPOT(ARM64_FRAME) + 3);
	expect_frame(4, SPOT(ARM64_OUTERMOST) + 3);
	/* the handler had a stack of its own */
	SNAPSHOT->stack[39 + 31] = STACK - 0x10000;
	walk();
	expect_end(STACK_END_CUT, 3);
	expect_frame(2, SPOT(ARM64_LEAF));
	/* and code that is none */
	SNAPSHOT->registers[30] = BIAS + trampoline + 4;
	walk();
	expect_end(STACK_END_NO_CFI, 2);
}

static int tear_down(void **state)
{
	module_close(module);
	return unwind_dir_drop(state);
}

int main(void)
{
	static const struct CMUnitTest rule_tests[] = {
		cmocka_unit_test_setup(frames_are_where_calls_are, rules_set_up),
		cmocka_unit_test(return_addresses_that_were_replaced),
		cmocka_unit_test(registers_of_callers),
		cmocka_unit_test(rules_are_applied_at_once),
		cmocka_unit_test(a_register_saved_below_the_stack_pointer),
		cmocka_unit_test(a_rule_that_is_restored),
		cmocka_unit_test(registers_that_nobody_knows),
		cmocka_unit_test(a_stack_pointer_with_a_rule),
		cmocka_unit_test(stacks_that_do_not_grow),
		cmocka_unit_test(words_outside_of_the_snapshot),
		cmocka_unit_test(stacks_at_the_end_of_memory),
		cmocka_unit_test(the_top_of_the_stack),
		cmocka_unit_test(the_caller_of_a_signal_frame_is_exact),
		cmocka_unit_test(instructions_that_make_no_sense),
		cmocka_unit_test(code_without_unwind_information),
		cmocka_unit_test(frame_pointers_that_are_none),
		cmocka_unit_test(an_address_in_no_mapping),
		cmocka_unit_test(rows_begin_where_they_say),
		cmocka_unit_test(expressions_that_have_a_value),
		cmocka_unit_test(expressions_that_have_none),
		cmocka_unit_test(expressions_read_like_rules),
		cmocka_unit_test(expressions_have_a_limit_in_all),
		cmocka_unit_test(frames_of_arm64),
		cmocka_unit_test(signals_of_arm64),
	};

	return cmocka_run_group_tests_name("unwind_made", rule_tests, unwind_dir_make, tear_down);
}
