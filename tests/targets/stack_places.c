// SPDX-License-Identifier: GPL-2.0-only
/*
 * First touches in places that a chain of plain calls does not come to: before main and after it,
 * behind callbacks of libc, in signal handlers on this stack and on another, in the midst of the
 * dynamic linker's lazy binding.
 */
#define _GNU_SOURCE
#include "tests/targets/chain.h"

#include <search.h>

enum { PAGES = 64, ALT_STACK = 65536 };

static char *region;
static size_t used;
static const char *handler_end = "complete";
static unsigned int handler_least;

static void *page_next(void)
{
	return page_at(region, used++);
}

CHAIN_LINK static void constructor_work(void)
{
	chain_touch(page_next());
}

__attribute__((constructor)) static void before_main(void)
{
	chain_start();
	region = pages_map(PAGES);
	constructor_work();
}

static void after_main(void)
{
	chain_touch(page_next());
	target_rest("after_main");
}

/* ---- through libc ---- */

static unsigned int comparisons;

static int compare(const void *a, const void *b)
{
	if (comparisons++ == 5)
		chain_touch(page_next());
	return *(const int *)a - *(const int *)b;
}

CHAIN_LINK static void sort_numbers(void)
{
	int numbers[64];

	for (int i = 0; i < 64; i++)
		numbers[i] = (i * 37) % 64;
	comparisons = 0;
	qsort(numbers, 64, sizeof(numbers[0]), compare);
}

static void once_run(void)
{
	chain_touch(page_next());
}

CHAIN_LINK static void run_once(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, once_run);
}

/* ---- signals ---- */

static void handle(int number)
{
	(void)number;
	chain_touch_ending(page_next(), handler_end, handler_least);
}

static void handle_and_sort(int number)
{
	(void)number;
	sort_numbers();
}

static void handler_set(int number, void (*handler)(int), int flags)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

	target_expect(sigaction(number, &action, NULL) == 0, "sigaction");
}

CHAIN_LINK static void raise_usr1(void)
{
	raise(SIGUSR1);
}

static int compare_raising(const void *a, const void *b)
{
	if (comparisons++ == 3)
		raise_usr1();
	return *(const int *)a - *(const int *)b;
}

/* qsort, a signal in it, and qsort again in the handler. */
CHAIN_LINK static void signal_within_sort(void)
{
	int numbers[16];

	for (int i = 0; i < 16; i++)
		numbers[i] = (i * 7) % 16;
	comparisons = 0;
	qsort(numbers, 16, sizeof(numbers[0]), compare_raising);
}

CHAIN_LINK static void alternative_stack(void)
{
	stack_t alternative = {.ss_sp = pages_map(ALT_STACK / PAGE), .ss_size = ALT_STACK};

	target_expect(sigaltstack(&alternative, NULL) == 0, "sigaltstack");
	handler_set(SIGUSR1, handle, SA_ONSTACK);
	/* touch, the handler, what returns from it, and where raise was interrupted */
	handler_end = "cut";
	handler_least = 4;
	raise_usr1();
	alternative.ss_flags = SS_DISABLE;
	target_expect(sigaltstack(&alternative, NULL) == 0, "sigaltstack");
}

/*
 * A function whose first instruction is interrupted: one byte before it, the rules are those of
 * the function before, whose frame is another.
 */
#ifdef __x86_64__
__asm__(".pushsection .text\n"
	".type before_first, @function\n"
	"before_first: .cfi_startproc\n"
	" sub $0x1238, %rsp\n"
	" .cfi_def_cfa_offset 0x1240\n"
	" nop\n"
	" ud2\n"
	".cfi_endproc\n"
	".size before_first, .-before_first\n"
	".globl first_faults\n"
	".type first_faults, @function\n"
	"first_faults: .cfi_startproc\n"
	" movb $1, (%rdi)\n"
	" ret\n"
	".cfi_endproc\n"
	".size first_faults, .-first_faults\n"
	".popsection\n");
#else
__asm__(".pushsection .text\n"
	".type before_first, %function\n"
	"before_first: .cfi_startproc\n"
	" sub sp, sp, #0x1230\n"
	" .cfi_def_cfa_offset 0x1230\n"
	" nop\n"
	" brk #1\n"
	".cfi_endproc\n"
	".size before_first, .-before_first\n"
	".globl first_faults\n"
	".type first_faults, %function\n"
	"first_faults: .cfi_startproc\n"
	" strb wzr, [x0]\n"
	" ret\n"
	".cfi_endproc\n"
	".size first_faults, .-first_faults\n"
	".popsection\n");
#endif
void first_faults(char *page);

static char *forbidden;

static void handle_fault(int number)
{
	(void)number;
	target_expect(mprotect(forbidden, PAGE, PROT_READ | PROT_WRITE) == 0, "mprotect");
	chain_touch(page_next());
}

CHAIN_LINK static void fault_at_first_instruction(void)
{
	forbidden = pages_map_prot(1, PROT_NONE, 0);
	handler_set(SIGSEGV, handle_fault, 0);
	first_faults(forbidden);
	handler_set(SIGSEGV, SIG_DFL, 0);
}

/* ---- lazy binding ---- */

/*
 * In a child the linker's own data are still shared with the parent: binding a function at its
 * first call copies a page of them, behind the stub that made the call.
 */
CHAIN_LINK static void first_call(void)
{
	struct span *span = span_begin();

	hcreate(4);
	span_end(span);
}

static void child_run(const struct child_rest *rest, void *arg)
{
	(void)arg;
	sleep_ms(30);
	first_call();
	chain_touch(page_next());
	spans_say();
	target_flush();
	child_rest(rest);
}

CHAIN_LINK static void lazy_binding(void)
{
	struct child child = child_fork(child_run, NULL);

	child_wait_rest(&child);
	target_say("CHILD %d", child.pid);
	target_rest("lazy_binding");
	child_go(&child);
	child_wait_exit(&child);
}

int main(void)
{
	target_expect(atexit(after_main) == 0, "atexit");
	sort_numbers();
	run_once();
	handler_set(SIGUSR1, handle, 0);
	raise_usr1();
	signal_within_sort();
	handler_set(SIGUSR1, handle_and_sort, 0);
	raise_usr1();
	fault_at_first_instruction();
	alternative_stack();
	target_rest("places");
	lazy_binding();
	return 0;
}
