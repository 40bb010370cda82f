// SPDX-License-Identifier: GPL-2.0-only
/* Page faults on user addresses, taken in user mode or by the kernel for the process. */
#include "bpf/tidemark.bpf.h"

static __always_inline int fault_record(unsigned long address, unsigned long error_code)
{
	struct watched *w = watch_current();

	/* the upper half is the kernel's own: vmalloc, module text */
	if (!w || (long)address < 0)
		return 0;

	RECORD(struct event_fault, r, w, EVENT_FAULT);
	if (!r)
		return 0;
	r->addr = address;
	r->error = (__u32)error_code;
	r->pad = 0;
	return 0;
}

SEC("tp_btf/page_fault_user")
int BPF_PROG(page_fault_user, unsigned long address, struct pt_regs *regs, unsigned long error_code)
{
	return fault_record(address, error_code);
}

/* read(2) into a fresh buffer, futexes, signal frames: the copy faults in kernel mode. */
SEC("tp_btf/page_fault_kernel")
int BPF_PROG(page_fault_kernel, unsigned long address, struct pt_regs *regs,
	     unsigned long error_code)
{
	return fault_record(address, error_code);
}

char LICENSE[] SEC("license") __weak = "GPL";
