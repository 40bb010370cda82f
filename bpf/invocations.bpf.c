// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where an invocation begins and ends: USDT probes, or the entry and return of a
 * function. The collector attaches these to the files that were named; who runs
 * such a file and is not watched pays one map look-up.
 */
#include "bpf/invocations.bpf.h"
#include <bpf/usdt.bpf.h>

static __always_inline int usdt_record(struct pt_regs *ctx, __u32 edge)
{
	struct watched *w = watch_current();
	INVOCATION(r, w, edge);
	long value;

	if (!r || bpf_usdt_arg(ctx, 0, &value))
		return 0;
	r->value = (__u64)value;
	/* a number points nowhere, or to what is no text: user space sees to that */
	if (bpf_probe_read_user_str(r->id, sizeof(r->id), (void *)value) < 0)
		__builtin_memset(r->id, 0, sizeof(r->id));
	return 0;
}

SEC("usdt")
int invocation_usdt_begin(struct pt_regs *ctx)
{
	return usdt_record(ctx, INVOCATION_BEGIN);
}

SEC("usdt")
int invocation_usdt_end(struct pt_regs *ctx)
{
	return usdt_record(ctx, INVOCATION_END);
}

/* Runs before the kernel puts its trampoline in the place of the return address. */
SEC("uprobe")
int invocation_enter(struct pt_regs *ctx)
{
	struct watched *w = watch_current();
	INVOCATION(r, w, INVOCATION_BEGIN);

	if (!r)
		return 0;
	r->cfa = user_entry_cfa(ctx);
	r->caller = user_entry_caller(ctx);
	return 0;
}

SEC("uretprobe")
int invocation_return(struct pt_regs *ctx)
{
	struct watched *w = watch_current();
	INVOCATION(r, w, INVOCATION_END);

	/* the return has taken the address off the stack */
	if (r)
		r->cfa = USER_STACK_POINTER(ctx);
	return 0;
}

char LICENSE[] SEC("license") __weak = "GPL";
