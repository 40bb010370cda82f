// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that the kernel touches first, copying out of a system call: the chain is that of the
 * call. Once by an instruction of the program's own, once through libc's function.
 */
#define _GNU_SOURCE
#include "tests/targets/chain.h"

enum { PAGES = 16 };

static int zeros;

/* read(2). *pc: where the thread is while the kernel works for it. */
static inline __attribute__((always_inline)) long read_exactly(void *at, size_t size, uintptr_t *pc)
{
#ifdef __x86_64__
	long result = SYS_read;

	__asm__ volatile("leaq 1f(%%rip), %1\n"
			 "syscall\n"
			 "1:"
			 : "+a"(result), "=&r"(*pc)
			 : "D"((long)zeros), "S"(at), "d"(size)
			 : "rcx", "r11", "memory");
	return result;
#else
	register long number __asm__("x8") = SYS_read;
	register long result __asm__("x0") = zeros;
	register void *where __asm__("x1") = at;
	register size_t length __asm__("x2") = size;

	__asm__ volatile("adr %1, 1f\n"
			 "svc #0\n"
			 "1:"
			 : "+r"(result), "=&r"(*pc)
			 : "r"(number), "r"(where), "r"(length)
			 : "memory");
	return result;
#endif
}

CHAIN_LINK static void kernel_touch(char *page)
{
	long got;

	chain_walk(&chains.chain);
	got = read_exactly(page, 100, &chains.chain.pc[0]);
	target_expect(got == 100, "read");
	chain_say(&chains.chain, page, "complete", 0);
}

CHAIN_LINK static void kernel_touch_by_libc(char *page)
{
	struct span *span = span_begin();
	ssize_t got = read(zeros, page, PAGE);

	span_end(span);
	target_expect(got == (ssize_t)PAGE, "read");
}

CHAIN_LINK static void kernel_touch_deeper(char *page)
{
	char locals[2000];

	CHAIN_KEEP(locals);
	kernel_touch(page);
	kernel_touch_by_libc(page + PAGE);
	CHAIN_KEEP(locals);
}

static void *thread_run(void *arg)
{
	kernel_touch_deeper((char *)arg);
	return NULL;
}

int main(void)
{
	pthread_t thread;
	char *region;

	chain_start();
	region = pages_map(PAGES);
	zeros = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	target_expect(zeros >= 0, "open of /dev/zero");
	kernel_touch(region);
	kernel_touch_by_libc(page_at(region, 1));
	kernel_touch_deeper(page_at(region, 2));
	target_expect(pthread_create(&thread, NULL, thread_run, page_at(region, 4)) == 0, "thread");
	target_expect(pthread_join(thread, NULL) == 0, "join");
	spans_say();
	target_rest("read");
	return 0;
}
