// SPDX-License-Identifier: GPL-2.0-only
#include "user/stack/unwind_arch.h"

#include <elf.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* mov $15, %rax or %eax; syscall. C libraries without unwind information: musl. */
static const struct unwind_sigreturn x86_64_sigreturns[] = {
	{9, {0x48, 0xc7, 0xc0, 0x0f, 0x00, 0x00, 0x00, 0x0f, 0x05}},
	{7, {0xb8, 0x0f, 0x00, 0x00, 0x00, 0x0f, 0x05}},
};

/*
 * struct ucontext, arch/x86/include/uapi/asm/sigcontext.h: r8 to r15 are at 40,
 * then rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip.
 */
static const uint16_t x86_64_context[] = {
	144, 136, 152, 128, 112, 104, 120, 160, 40, 48, 56, 64, 72, 80, 88, 96, 168,
};

/*
 * mov x8, #139; svc #0. The vdso's has had no unwind information since 338c11e94921
 * ("arm64: vdso: Disable dwarf unwinding through the sigreturn trampoline").
 */
static const struct unwind_sigreturn arm64_sigreturns[] = {
	{8, {0x68, 0x11, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4}},
};

/*
 * struct rt_sigframe, arch/arm64/kernel/signal.c: 128 bytes of siginfo, 176 to
 * the sigcontext, 8 of fault address, then x0 to x30, sp, pc.
 */
#define ARM64_CONTEXT(r) (312 + 8 * (r))
#define ARM64_CONTEXTS(r)                                                                          \
	ARM64_CONTEXT(r), ARM64_CONTEXT((r) + 1), ARM64_CONTEXT((r) + 2), ARM64_CONTEXT((r) + 3),  \
		ARM64_CONTEXT((r) + 4), ARM64_CONTEXT((r) + 5), ARM64_CONTEXT((r) + 6),            \
		ARM64_CONTEXT((r) + 7)

static const uint16_t arm64_context[] = {
	ARM64_CONTEXTS(0),  ARM64_CONTEXTS(8), ARM64_CONTEXTS(16),
	ARM64_CONTEXTS(24), ARM64_CONTEXT(32),
};

static const struct unwind_arch arches[] = {
	{
		.machine = EM_X86_64,
		.register_count = COUNT(x86_64_context),
		.sp = 7,
		.fp = 6,
		.pc = 16,
		.return_bytes = 8,
		/* rbx, rbp, r12 to r15 */
		.callee_saved = UNWIND_REGISTER(3) | UNWIND_REGISTER(6) | 0xf000,
		.address_mask = UINT64_MAX,
		.sigreturns = x86_64_sigreturns,
		.sigreturn_count = COUNT(x86_64_sigreturns),
		.context = x86_64_context,
	},
	{
		.machine = EM_AARCH64,
		.register_count = COUNT(arm64_context),
		.sp = 31,
		.fp = 29,
		.pc = 32,
		.link_register = true,
		/* x19 to x28, the frame pointer x29, the link register x30 */
		.callee_saved = 0x7ff80000,
		/*
		 * Return addresses may carry an authentication code above the bits of
		 * an address. Nobody gets more than 48 of these without asking.
		 */
		.address_mask = (1ULL << 48) - 1,
		.sigreturns = arm64_sigreturns,
		.sigreturn_count = COUNT(arm64_sigreturns),
		.context = arm64_context,
	},
};

const struct unwind_arch *unwind_arch(uint16_t machine)
{
	for (size_t i = 0; i < COUNT(arches); i++)
		if (arches[i].machine == machine)
			return &arches[i];
	return NULL;
}
