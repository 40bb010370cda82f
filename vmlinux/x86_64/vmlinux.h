/* SPDX-License-Identifier: GPL-2.0-only */
/* Types of the kernel that the programs read, as far as they read them: x86_64. */
#ifndef __VMLINUX_H__
#define __VMLINUX_H__

#include "../types.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* arch/x86/include/asm/ptrace.h */
struct pt_regs {
	unsigned long r15;
	unsigned long r14;
	unsigned long r13;
	unsigned long r12;
	unsigned long bp;
	unsigned long bx;
	unsigned long r11;
	unsigned long r10;
	unsigned long r9;
	unsigned long r8;
	unsigned long ax;
	unsigned long cx;
	unsigned long dx;
	unsigned long si;
	unsigned long di;
	unsigned long orig_ax;
	unsigned long ip;
	unsigned long cs;
	unsigned long flags;
	unsigned long sp;
	unsigned long ss;
};

/* arch/x86/include/asm/processor.h: as of the last time the thread left a CPU or set it */
struct thread_struct {
	unsigned long fsbase;
};

#pragma clang attribute pop

#include "../kernel.h"

#define USER_THREAD_POINTER(task) ((task)->thread.fsbase)
#define USER_STACK_POINTER(regs) ((regs)->sp)

#define USER_MACHINE 62 /* EM_X86_64 */
#define USER_REGISTER_COUNT 17

/* DWARF's numbering: System V ABI, AMD64 supplement, figure 3.36 */
static inline __attribute__((always_inline)) void user_registers_copy(u64 *to, struct pt_regs *from)
{
	to[0] = from->ax;
	to[1] = from->dx;
	to[2] = from->cx;
	to[3] = from->bx;
	to[4] = from->si;
	to[5] = from->di;
	to[6] = from->bp;
	to[7] = from->sp;
	to[8] = from->r8;
	to[9] = from->r9;
	to[10] = from->r10;
	to[11] = from->r11;
	to[12] = from->r12;
	to[13] = from->r13;
	to[14] = from->r14;
	to[15] = from->r15;
	to[16] = from->ip;
}

/* At a function's first instruction: System V ABI 3.2.2. 0 where it cannot be read. */
#define user_entry_cfa(context) ((context)->sp + 8)
#define user_entry_caller(context)                                                                 \
	({                                                                                         \
		__u64 caller_ = 0;                                                                 \
		bpf_probe_read_user(&caller_, sizeof(caller_), (void *)(context)->sp);             \
		caller_;                                                                           \
	})

/* Does the kernel's trampoline lie in the place of the return address of a frame? */
#define user_return_is_probed(task, cfa, caller)                                                   \
	({                                                                                         \
		struct xol_area *area_ = (task)->mm ? (task)->mm->uprobes_state.xol_area : NULL;   \
		bpf_probe_read_user(&(caller), sizeof(caller), (void *)((cfa)-8));                 \
		area_ && (caller) == area_->vaddr;                                                 \
	})

/* libbpf has PT_REGS_PARM6_CORE_SYSCALL from 1.3 on */
#define USER_ARG6(regs) BPF_CORE_READ(regs, r9)

#endif
