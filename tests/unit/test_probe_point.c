// SPDX-License-Identifier: GPL-2.0-only
/* Where in a function's first lines a probe is cheap, on code made up for it. */
#include "tests/unit/support.h"

#include <elf.h>

#include "user/source/probe_point.h"

/* struct pt_regs, asm/ptrace.h */
enum place { R15, R14, R13, R12, RBP, RBX, R11, R10, R9, R8, RAX, RCX, RDX, RSI, RDI };

#define CODE(...) ((const uint8_t[]){__VA_ARGS__}), sizeof((const uint8_t[]){__VA_ARGS__})
#define JE 0x74, 0x10
#define RET 0xc3

static struct probe_point find(const uint8_t *bytes, size_t size, uint32_t wanted)
{
	const struct probe_code code = {EM_X86_64, bytes, size};
	struct probe_point point;

	assert_int_equal(probe_point_find(&code, wanted, false, &point), 0);
	assert_true(point.offset < size);
	return point;
}

struct expected {
	const char *what;
	const uint8_t *bytes;
	size_t size;
	uint32_t wanted;
	size_t offset;
	bool dear;
	int places[2]; /* of the first and the second argument; -1: not asked for */
};

static void check(const struct expected *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct expected *one = &cases[i];
		struct probe_point point = find(one->bytes, one->size, one->wanted);

		if (point.offset != one->offset || point.dear != one->dear)
			fail_msg("%s: +%zu%s", one->what, point.offset, point.dear ? ", dear" : "");
		for (unsigned int j = 0; j < 2; j++)
			if (one->wanted >> j & 1 && point.places[j] != one->places[j])
				fail_msg("%s: argument %u is in %u", one->what, j, point.places[j]);
	}
}

static void cheap_ones(void **state)
{
	const struct expected cases[] = {
		{"push %rbx", CODE(0x53, RET), 1, 0, false, {RDI, -1}},
		{"push %r12", CODE(0x41, 0x54, RET), 1, 0, false, {RDI, -1}},
		{"nop", CODE(0x90, RET), 1, 0, false, {RDI, -1}},
		{"jmp", CODE(0xeb, 0x10), 1, 0, false, {RDI, -1}},
		{"jmp far", CODE(0xe9, 0, 1, 0, 0), 3, 0, false, {RDI, RSI}},
		{"call", CODE(0xe8, 0, 1, 0, 0), 3, 0, false, {RDI, RSI}},
		{"je", CODE(JE, RET), 1, 0, false, {RDI, -1}},
		{"test; je far",
		 CODE(0x48, 0x85, 0xff, 0x0f, 0x84, 0, 1, 0, 0),
		 1,
		 3,
		 false,
		 {RDI, -1}},
		/* cmp $0,(%rip); push */
		{"cmpb; push",
		 CODE(0x80, 0x3d, 1, 2, 3, 4, 0, 0x41, 0x54),
		 7,
		 7,
		 false,
		 {RDI, RSI}},
		/* endbr64 is stepped over */
		{"endbr64; push", CODE(0xf3, 0x0f, 0x1e, 0xfa, 0x55), 1, 4, false, {RDI, -1}},
	};

	(void)state;
	check(cases, ARRAY_SIZE(cases));
}

static void dear_ones(void **state)
{
	const struct expected cases[] = {
		{"ret", CODE(RET), 1, 0, true, {RDI, -1}},
		{"test; ret; push", CODE(0x48, 0x85, 0xff, RET, 0x53), 1, 0, true, {RDI, -1}},
		/* the stack pointer moves first: sub $8,%rsp; push */
		{"sub rsp; push", CODE(0x48, 0x83, 0xec, 0x08, 0x53), 1, 0, true, {RDI, -1}},
		{"lea rsp; push", CODE(0x48, 0x8d, 0x64, 0x24, 0xf8, 0x53), 1, 0, true, {RDI, -1}},
		{"and rsp; push", CODE(0x48, 0x83, 0xe4, 0xf0, 0x53), 1, 0, true, {RDI, -1}},
		{"mov rsp; push", CODE(0x48, 0x89, 0xc4, 0x53), 1, 0, true, {RDI, -1}},
		{"pop; push", CODE(0x58, 0x53), 1, 0, true, {RDI, -1}},
		{"leave; push", CODE(0xc9, 0x53), 1, 0, true, {RDI, -1}},
		{"xchg rsp; push", CODE(0x48, 0x94, 0x53), 1, 0, true, {RDI, -1}},
		/* pushes that are not of a register, calls and jumps not by a distance */
		{"push $1", CODE(0x6a, 1), 1, 0, true, {RDI, -1}},
		{"push (%rdi)", CODE(0xff, 0x37), 1, 0, true, {RDI, -1}},
		{"jmp *%rax; push", CODE(0xff, 0xe0, 0x53), 1, 0, true, {RDI, -1}},
		{"call *%rax; push", CODE(0xff, 0xd0, 0x53), 1, 0, true, {RDI, -1}},
		/* with a prefix, which the kernel does not take */
		{"data16 call", CODE(0x66, 0xe8, 0, 1, 0, 0), 1, 0, true, {RDI, -1}},
		{"nopw", CODE(0x66, 0x90, RET), 1, 0, true, {RDI, -1}},
		{"push %ax", CODE(0x66, 0x50, RET), 1, 0, true, {RDI, -1}},
		{"syscall; push", CODE(0x0f, 0x05, 0x53), 1, 0, true, {RDI, -1}},
		{"cpuid; push", CODE(0x0f, 0xa2, 0x53), 1, 0, true, {RDI, -1}},
		{"rep stos; push", CODE(0xf3, 0x48, 0xab, 0x53), 1, 0, true, {RDI, -1}},
		{"ud2; push", CODE(0x0f, 0x0b, 0x53), 1, 0, true, {RDI, -1}},
		{"no instruction; push", CODE(0x06, 0x53), 1, 0, true, {RDI, -1}},
		{"cut", CODE(0x48), 1, 0, true, {RDI, -1}},
	};

	(void)state;
	check(cases, ARRAY_SIZE(cases));
}

static void moves(void **state)
{
	const struct expected cases[] = {
		/* mov %rdi,%rsi; mov (%rax),%rdi; je */
		{"to the other's place",
		 CODE(0x48, 0x89, 0xfe, 0x48, 0x8b, 0x38, JE),
		 1,
		 6,
		 false,
		 {RSI, -1}},
		/* mov %rsi,%rdx; mov %rdi,%rsi; xor %edi,%edi; jmp */
		{"both",
		 CODE(0x48, 0x89, 0xf2, 0x48, 0x89, 0xfe, 0x31, 0xff, 0xeb, 0x10),
		 3,
		 8,
		 false,
		 {RSI, RDX}},
		/* mov %rdi,%r10; mov %r10,%r11; xor %edi,%edi; xor %r10d,%r10d; je */
		{"twice",
		 CODE(0x49, 0x89, 0xfa, 0x4d, 0x89, 0xd3, 0x31, 0xff, 0x45, 0x31, 0xd2, JE),
		 1,
		 11,
		 false,
		 {R11, -1}},
		/* xor %edi,%edi; je */
		{"overwritten", CODE(0x31, 0xff, JE), 1, 0, true, {RDI, -1}},
		{"overwritten, not wanted", CODE(0x31, 0xff, JE), 2, 2, false, {-1, RSI}},
		{"a byte of it", CODE(0x40, 0xb7, 1, JE), 1, 0, true, {RDI, -1}},
		/* mov %edi,%esi: half of it; xor %edi,%edi */
		{"half a copy", CODE(0x89, 0xfe, 0x31, 0xff, JE), 1, 0, true, {RDI, -1}},
		/* mov %rdi,(%rsi) writes memory only */
		{"stored", CODE(0x48, 0x89, 0x3e, JE), 1, 3, false, {RDI, -1}},
		/* mov %rdx,%rax of the third; mul %rsi */
		{"mul", CODE(0x48, 0xf7, 0xe6, JE), 1 << 2, 0, true, {-1, -1}},
		{"mul of others", CODE(0x48, 0xf7, 0xe6, JE), 3, 3, false, {RDI, RSI}},
		/* cmove %rax,%rdi may write it */
		{"cmov", CODE(0x48, 0x0f, 0x44, 0xf8, JE), 1, 0, true, {RDI, -1}},
		/* xchg %rdi,%rsi is not followed */
		{"xchg", CODE(0x48, 0x87, 0xfe, JE), 1, 0, true, {RDI, -1}},
		/* lea 1(%rdi),%rdi */
		{"lea", CODE(0x48, 0x8d, 0x7f, 1, JE), 1, 0, true, {RDI, -1}},
		/* mov %rdi,%rdi */
		{"itself", CODE(0x48, 0x89, 0xff, JE), 1, 3, false, {RDI, -1}},
		/* mov %rsi,%rdi: the second has taken its place */
		{"the other's", CODE(0x48, 0x89, 0xf7, JE), 2, 3, false, {-1, RSI}},
		{"both in one", CODE(0x48, 0x89, 0xf7, JE), 3, 0, true, {RDI, RSI}},
	};

	(void)state;
	check(cases, ARRAY_SIZE(cases));
}

/* What is jumped back to is executed more than once. */
static void loops(void **state)
{
	const struct expected cases[] = {
		/* test; push; jmp to the push */
		{"to it", CODE(0x48, 0x85, 0xff, 0x53, 0xeb, 0xfd), 1, 0, true, {RDI, -1}},
		{"before it",
		 CODE(0x48, 0x85, 0xff, 0x48, 0x85, 0xff, 0x53, 0xeb, 0xfa),
		 1,
		 0,
		 true,
		 {RDI, -1}},
		{"behind it",
		 CODE(0x48, 0x85, 0xff, 0x53, 0x90, 0xeb, 0xfd),
		 1,
		 3,
		 false,
		 {RDI, -1}},
		{"to the entry", CODE(0x48, 0x85, 0xff, 0x53, 0xeb, 0xfa), 1, 3, false, {RDI, -1}},
		{"to itself", CODE(0x48, 0x85, 0xff, 0xeb, 0xfe), 1, 0, true, {RDI, -1}},
		{"far",
		 CODE(0x48, 0x85, 0xff, 0x53, 0x0f, 0x84, 0xf9, 0xff, 0xff, 0xff),
		 1,
		 0,
		 true,
		 {RDI, -1}},
	};

	(void)state;
	check(cases, ARRAY_SIZE(cases));
}

static void first_byte(void **state)
{
	const uint8_t bytes[] = {0x48, 0x85, 0xff, 0x53};
	const struct probe_code code = {EM_X86_64, bytes, sizeof(bytes)};
	struct probe_point point;

	(void)state;
	assert_int_equal(probe_point_find(&code, 1, true, &point), 0);
	assert_int_equal(point.offset, 0);
	assert_true(point.dear);
}

static void other_machines(void **state)
{
	const uint8_t bytes[] = {0xfd, 0x7b, 0xbf, 0xa9};
	struct probe_code code = {EM_AARCH64, bytes, sizeof(bytes)};
	struct probe_point point;

	(void)state;
	assert_int_equal(probe_point_find(&code, 7, false, &point), 0);
	assert_int_equal(point.offset, 0);
	for (uint8_t i = 0; i < 3; i++)
		assert_int_equal(point.places[i], i);
	code.machine = EM_RISCV;
	assert_int_equal(probe_point_find(&code, 1, false, &point), -EINVAL);
	code.machine = EM_X86_64;
	assert_int_equal(probe_point_find(&code, 1 << PROBE_ARGUMENTS_MAX, false, &point), -EINVAL);
	code.size = 0;
	assert_int_equal(probe_point_find(&code, 1, false, &point), -EINVAL);
}

/* ---- where it goes on ---- */

static void exits(void **state)
{
	/* test; je +4 (inside); call outside; jmp outside */
	const uint8_t bytes[] = {0x48, 0x85, 0xff, 0x74, 0x05, 0xe8, 0x00, 0x01,
				 0x00, 0x00, 0xe9, 0xf0, 0xff, 0xff, 0xff};
	const uint8_t forward[] = {0x48, 0x89, 0xfe, 0xe9, 0x00, 0x02, 0x00, 0x00};
	struct probe_code code = {EM_X86_64, bytes, sizeof(bytes)};
	struct probe_exit found[4];

	(void)state;
	assert_int_equal(probe_exits_find(&code, found, 4), 2);
	assert_int_equal(found[0].target, 10 + 0x100);
	assert_false(found[0].always);
	assert_int_equal(found[1].target, 15 - 16);
	assert_false(found[1].always);
	assert_int_equal(probe_exits_find(&code, found, 1), 1);
	code = (struct probe_code){EM_X86_64, forward, sizeof(forward)};
	assert_int_equal(probe_exits_find(&code, found, 4), 1);
	assert_int_equal(found[0].target, 8 + 0x200);
	assert_true(found[0].always);
}

static void stubs(void **state)
{
	const struct {
		const uint8_t *bytes;
		size_t size;
		int64_t slot; /* -1: none */
	} cases[] = {
		{CODE(0xff, 0x25, 0x10, 0, 0, 0), 0x16},
		{CODE(0xf3, 0x0f, 0x1e, 0xfa, 0xff, 0x25, 0x10, 0, 0, 0), 0x1a},
		{CODE(0xf3, 0x0f, 0x1e, 0xfa, 0xf2, 0xff, 0x25, 0x10, 0, 0, 0), 0x1b},
		{CODE(0xff, 0x25, 0x10, 0, 0), -1},
		{CODE(0xff, 0xe0, 0x10, 0, 0, 0), -1},
		{CODE(0xf2), -1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct probe_code code = {EM_X86_64, cases[i].bytes, cases[i].size};
		int64_t slot = -1;

		assert_int_equal(probe_stub_slot(&code, &slot), cases[i].slot >= 0);
		assert_int_equal(slot, cases[i].slot);
	}
}

/* Whatever the bytes: a place in the function, its arguments in registers that there are. */
static void anything(void **state)
{
	uint64_t random = 1;
	uint8_t bytes[64];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		size_t size = 1 + random_below(&random, sizeof(bytes));
		struct probe_code code = {EM_X86_64, bytes, size};
		struct probe_point point;
		struct probe_exit found[4];
		int64_t slot;

		for (size_t j = 0; j < size; j++)
			bytes[j] = (uint8_t)random_next(&random);
		point = find(bytes, size, 0x3f);
		for (unsigned int j = 0; j < PROBE_ARGUMENTS_MAX; j++)
			assert_true(point.places[j] <= RDI);
		assert_true(probe_exits_find(&code, found, 4) <= 4);
		probe_stub_slot(&code, &slot);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cheap_ones), cmocka_unit_test(dear_ones),
		cmocka_unit_test(moves),      cmocka_unit_test(loops),
		cmocka_unit_test(first_byte), cmocka_unit_test(other_machines),
		cmocka_unit_test(exits),      cmocka_unit_test(stubs),
		cmocka_unit_test(anything),
	};

	return cmocka_run_group_tests_name("probe_point", tests, NULL, NULL);
}
