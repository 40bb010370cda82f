// SPDX-License-Identifier: GPL-2.0-only
/* Page faults on user addresses, taken in user mode or by the kernel for the process. */
#include "bpf/snapshot.bpf.h"

static __always_inline int fault_record(unsigned long address, unsigned long error_code)
{
	struct watched *w = watch_current();
	__u32 stack = 0, weight = 0;
	__u64 now;

	/* the upper half is the kernel's own: vmalloc, module text */
	if (!w || (long)address < 0)
		return 0;
	now = bpf_ktime_get_ns();
	/* a read maps the zero page or a file's: no page of the ledger's is born */
	if (error_code & FAULT_WRITE)
		weight = snapshot_weight(now);
	if (weight)
		stack = snapshot_take(w, now);

	RECORD_AT(struct event_fault, r, w, EVENT_FAULT, now);
	if (!r)
		return 0;
	r->h.stack = stack;
	r->addr = address;
	r->error = (__u32)error_code;
	r->weight = weight;
	return 0;
}

SEC("tp_btf/page_fault_user")
int BPF_PROG(page_fault_user, unsigned long address, struct pt_regs *regs, unsigned long error_code)
{
	return fault_record(address, error_code);
}

/*
 * read(2) into a fresh buffer, futexes, signal frames: the copy faults in kernel
 * mode. A read where faults are disabled brings no page: it is a snapshot's, of a
 * page of the stack that is not there. A futex writes there, and then sees to the
 * page by itself: mm/gup.c, fixup_user_fault().
 */
SEC("tp_btf/page_fault_kernel")
int BPF_PROG(page_fault_kernel, unsigned long address, struct pt_regs *regs,
	     unsigned long error_code)
{
	if (!(error_code & FAULT_WRITE) && bpf_get_current_task_btf()->pagefault_disabled)
		return 0;
	return fault_record(address, error_code);
}

char LICENSE[] SEC("license") __weak = "GPL";
