/* SPDX-License-Identifier: GPL-2.0-only */
/* Types of the kernel that the programs read, as far as they read them: arm64. */
#ifndef __VMLINUX_H__
#define __VMLINUX_H__

#include "../types.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* arch/arm64/include/uapi/asm/ptrace.h */
struct user_pt_regs {
	__u64 regs[31];
	__u64 sp;
	__u64 pc;
	__u64 pstate;
};

/* arch/arm64/include/asm/ptrace.h */
struct pt_regs {
	union {
		struct user_pt_regs user_regs;
		struct {
			u64 regs[31];
			u64 sp;
			u64 pc;
			u64 pstate;
		};
	};
	u64 orig_x0;
	s32 syscallno;
};

/* arch/arm64/include/asm/processor.h: as of the last time the thread left a CPU */
struct thread_uw {
	unsigned long tp_value;
};

struct thread_struct {
	struct thread_uw uw;
};

#pragma clang attribute pop

#include "../kernel.h"

#define USER_THREAD_POINTER(task) ((task)->thread.uw.tp_value)
#define USER_STACK_POINTER(regs) ((regs)->sp)

#define USER_MACHINE 183 /* EM_AARCH64 */
#define USER_REGISTER_COUNT 33

/* DWARF's numbering is the kernel's: AADWARF64, 4.1 */
static inline __attribute__((always_inline)) void user_registers_copy(u64 *to, struct pt_regs *from)
{
#pragma unroll
	for (int i = 0; i < 31; i++)
		to[i] = from->regs[i];
	to[31] = from->sp;
	to[32] = from->pc;
}

/* At a function's first instruction: AAPCS64 6.1.1 */
#define user_entry_cfa(context) ((context)->sp)
#define user_entry_caller(context) ((context)->regs[30])

/* It is in a register that the function has saved somewhere by now: taken for granted. */
#define user_return_is_probed(task, cfa, caller) ((void)(task), (void)(caller), (cfa) != 0)

/* libbpf has PT_REGS_PARM6_CORE_SYSCALL from 1.3 on */
#define USER_ARG6(regs) BPF_CORE_READ(regs, regs[5])

#endif
