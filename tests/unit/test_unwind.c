// SPDX-License-Identifier: GPL-2.0-only
/* Stacks of this very process, held frame by frame against two other unwinders. */
#include "tests/unit/unwind_self.h"

#include <sys/mman.h>
#include <sys/syscall.h>

/* ---- chains of calls ---- */

typedef int chain_fn(int);

static chain_fn *volatile chain_end;

#define LINK(name, next)                                                                           \
	PLAIN static int name(int depth)                                                           \
	{                                                                                          \
		volatile int local[8] = {depth};                                                   \
		int below = next(depth + 1);                                                       \
                                                                                                   \
		return below + local[0];                                                           \
	}

PLAIN static int chain_last(int depth)
{
	return chain_end(depth) + 1;
}

LINK(chain_4, chain_last)
LINK(chain_3, chain_4)
LINK(chain_2, chain_3)
LINK(chain_1, chain_2)

PLAIN static int end_take(int depth)
{
	take();
	return depth;
}

static void chain(chain_fn *end)
{
	chain_end = end;
	assert_true(chain_1(1) > 0);
}

static void a_chain_of_calls(void **state)
{
	(void)state;
	chain(end_take);
	expect_whole(10);
	expect_reads_are_all();
}

/* Frames of varying size: the CFA rests on the frame pointer. */
PLAIN static int with_alloca(int depth)
{
	volatile char *room = __builtin_alloca((size_t)depth * 16);

	room[0] = 1;
	return end_take(depth) + room[0];
}

static void a_frame_with_alloca(void **state)
{
	(void)state;
	chain(with_alloca);
	expect_whole(10);
	expect_reads_are_all();
}

/* The compiler realigns the stack, and says the CFA as an expression. */
PLAIN static int with_alignment(int depth)
{
	_Alignas(128) volatile char room[128];

	room[0] = 1;
	assert_int_equal((uintptr_t)room % 128, 0);
	return end_take(depth) + room[0];
}

static void a_realigned_frame(void **state)
{
	(void)state;
	chain(with_alignment);
	expect_whole(10);
	expect_reads_are_all();
}

PLAIN static int compare_take(const void *a, const void *b)
{
	const int *left = a, *right = b;

	if (!taken.traced_count)
		take();
	return *left - *right;
}

PLAIN static int with_qsort(int depth)
{
	int values[] = {depth, 5, 4, 3, 2, 1};

	qsort(values, ARRAY_SIZE(values), sizeof(values[0]), compare_take);
	return values[0];
}

static void a_callback_from_the_c_library(void **state)
{
	(void)state;
	taken.traced_count = 0;
	chain(with_qsort);
	expect_whole(11);
	expect_reads_are_all();
}

PLAIN static void *thread_main(void *arg)
{
	chain(end_take);
	return arg;
}

static void a_thread(void **state)
{
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, thread_main, NULL), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	expect_whole(9);
	expect_reads_are_all();
}

/* ---- signals ---- */

PLAIN static void on_signal_take(int number)
{
	(void)number;
	take();
}

static void signal_catch(int number, int flags, void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

	assert_int_equal(sigaction(number, &action, NULL), 0);
}

PLAIN static int end_raise(int depth)
{
	assert_int_equal(raise(SIGUSR1), 0);
	return depth;
}

static void a_signal_handler(void **state)
{
	(void)state;
	signal_catch(SIGUSR1, 0, on_signal_take);
	chain(end_raise);
	signal_catch(SIGUSR1, 0, SIG_DFL);
	expect_whole(12);
	expect_reads_are_all();
}

/* A signal on top of a signal. */
PLAIN static void on_signal_chain(int number)
{
	(void)number;
	signal_catch(SIGUSR1, 0, on_signal_take);
	chain(end_raise);
}

PLAIN static int end_raise_other(int depth)
{
	assert_int_equal(raise(SIGUSR2), 0);
	return depth;
}

static void a_signal_handler_interrupted(void **state)
{
	(void)state;
	signal_catch(SIGUSR2, 0, on_signal_chain);
	chain(end_raise_other);
	signal_catch(SIGUSR1, 0, SIG_DFL);
	signal_catch(SIGUSR2, 0, SIG_DFL);
	expect_whole(18);
	expect_reads_are_all();
}

/*
 * What the handler stands on is all that there is: the interrupted function is
 * the last frame. libgcc, which reads on, agrees so far.
 */
static void a_signal_stack(void **state)
{
	stack_t stack, old;

	(void)state;
	altstack_size = 256 * 1024;
	altstack = mmap(NULL, altstack_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);
	assert_true(altstack != MAP_FAILED);
	stack = (stack_t){.ss_sp = altstack, .ss_size = altstack_size};
	assert_int_equal(sigaltstack(&stack, &old), 0);
	signal_catch(SIGUSR1, SA_ONSTACK, on_signal_take);
	chain(end_raise);
	signal_catch(SIGUSR1, 0, SIG_DFL);
	assert_int_equal(sigaltstack(&old, NULL), 0);

	walk();
	assert_int_equal(result.end, STACK_END_CUT);
	/* take, handler, trampoline, and what raise() calls */
	assert_int_equal(result.frame_count, 4);
	assert_true(taken.traced_count > 10);
	expect_traced(4);
	expect_reads_are_all();
	munmap(altstack, altstack_size);
}

#ifdef __x86_64__

/*
 * The interrupted instruction is the first of its function, so that the byte
 * before it belongs to another one, with another frame.
 */
__asm__(".text\n"
	"before_fault:\n"
	"	.cfi_startproc\n"
	"	sub $0x1230, %rsp\n"
	"	.cfi_adjust_cfa_offset 0x1230\n"
	"	nop\n"
	"	.cfi_endproc\n"
	".type faults_at_once, @function\n"
	"faults_at_once:\n"
	"	.cfi_startproc\n"
	"	ud2\n"
	"	mov %edi, %eax\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size faults_at_once, .-faults_at_once\n");
int faults_at_once(int depth);

PLAIN static void on_fault(int number, siginfo_t *info, void *context)
{
	ucontext_t *interrupted = context;

	(void)number, (void)info;
	take();
	interrupted->uc_mcontext.gregs[REG_RIP] += 2; /* ud2 */
}

static void an_interrupted_first_instruction(void **state)
{
	struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

	(void)state;
	assert_int_equal(sigaction(SIGILL, &action, NULL), 0);
	chain(faults_at_once);
	signal_catch(SIGILL, 0, SIG_DFL);
	expect_whole(11);
	assert_int_equal(frame_pc(3), (uint64_t)faults_at_once);
	expect_reads_are_all();
}

/* A call that does not return may be a function's last instruction. */
__asm__(".text\n"
	".type calls_last, @function\n"
	"calls_last:\n"
	"	.cfi_startproc\n"
	"	sub $0x58, %rsp\n"
	"	.cfi_adjust_cfa_offset 0x58\n"
	"	call *%rdi\n"
	"	.cfi_endproc\n"
	".size calls_last, .-calls_last\n"
	"after_call:\n"
	"	.cfi_startproc\n"
	"	ret\n"
	"	.cfi_endproc\n");
void calls_last(void (*end)(void));

static jmp_buf back;

PLAIN static void take_and_leave(void)
{
	take();
	longjmp(back, 1);
}

PLAIN static int end_calls_last(int depth)
{
	if (!setjmp(back))
		calls_last(take_and_leave);
	return depth;
}

static void a_call_that_ends_its_function(void **state)
{
	(void)state;
	chain(end_calls_last);
	expect_whole(11);
	expect_reads_are_all();
}

/* musl's: without unwind information, known by its code. */
__asm__(".text\n"
	"	ret\n" /* whose byte no unwind information covers either */
	".type bare_restorer, @function\n"
	"bare_restorer:\n"
	"	mov $15, %rax\n"
	"	syscall\n"
	".size bare_restorer, .-bare_restorer\n");
void bare_restorer(void);

static void a_trampoline_known_by_its_code(void **state)
{
	struct {
		void (*handler)(int);
		unsigned long flags;
		void (*restorer)(void);
		unsigned long mask;
	} action = {on_signal_take, 0x04000000 /* SA_RESTORER */, bare_restorer, 0};

	(void)state;
	assert_int_equal(syscall(SYS_rt_sigaction, SIGUSR1, &action, NULL, 8), 0);
	chain(end_raise);
	signal_catch(SIGUSR1, 0, SIG_DFL);
	walk();
	assert_int_equal(result.end, STACK_END_COMPLETE);
	assert_int_equal(result.frame_count, taken.traced_count);
	expect_traced(result.frame_count);
	expect_reads_are_all();
}

/* ---- code without unwind information ---- */

/* push %rbp; mov %rsp, %rbp; sub $32, %rsp; call *%rsi; leave; ret */
static const uint8_t jit_code[] = {0x55, 0x48, 0x89, 0xe5, 0x48, 0x83,
				   0xec, 0x20, 0xff, 0xd6, 0xc9, 0xc3};
static int (*jit)(int, chain_fn *);

PLAIN static int end_jit(int depth)
{
	return jit(depth, end_take) + 1;
}

/* Makes nonsense of the frame pointer whose frame returns to an address. */
static void jit_chain_break(uint64_t return_address)
{
	uint64_t sp = snapshot_sp(SNAPSHOT), nonsense = 0x1234567, fp = 0;

	for (uint32_t i = 1; i < SNAPSHOT->bytes / 8; i++)
		if (SNAPSHOT->stack[i] == return_address)
			fp = sp + 8 * (i - 1);
	assert_true(fp);
	for (uint32_t i = 0; i < result.read_count; i++)
		if (result.reads[i].value == fp)
			memcpy((char *)SNAPSHOT->stack + result.reads[i].offset, &nonsense, 8);
	if (SNAPSHOT->registers[6] == fp)
		SNAPSHOT->registers[6] = nonsense;
}

static void code_without_a_file(void **state)
{
	uint8_t *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t in_jit = (uint64_t)code + 9;

	(void)state;
	assert_true(code != MAP_FAILED);
	memcpy(code, jit_code, sizeof(jit_code));
	jit = (int (*)(int, chain_fn *))(uintptr_t)code;
	chain(end_jit);
	places_read(places);
	walk();
	assert_int_equal(result.end, STACK_END_COMPLETE);
	assert_int_equal(result.guessed, 1);
	assert_int_equal(frame_pc(2), in_jit);
	expect_oracle(); /* which tries frame pointers, too */
	expect_reads_are_all();

	jit_chain_break(frame_pc(3) + 1);
	walk();
	assert_int_equal(result.end, STACK_END_NO_CFI);
	munmap(code, 4096);
	places_read(places);
}

/* ---- PLT entries ---- */

static const struct place_map *map_named(const char *part)
{
	for (uint32_t i = 0; i < places->map_count; i++)
		if (strstr(places->files[places->maps[i].file - 1].path, part))
			return &places->maps[i];
	fail_msg("%s is not mapped", part);
	return NULL;
}

/* Puts words below the stack pointer, as instructions push them. */
static void push(uint64_t word)
{
	__u64 *sp = &SNAPSHOT->registers[7];

	memmove(&SNAPSHOT->stack[1], SNAPSHOT->stack, SNAPSHOT->bytes);
	SNAPSHOT->stack[0] = word;
	SNAPSHOT->bytes += 8;
	*sp -= 8;
}

static void expect_called(const struct unwind_result *caller, uint64_t pc)
{
	struct unwind_place place;

	places_locate(places, pc, &place);
	*snapshot_pc(SNAPSHOT) = pc;
	walk();
	assert_int_equal(result.end, STACK_END_COMPLETE);
	assert_int_equal(result.frame_count, caller->frame_count + 1);
	assert_int_equal(result.frames[0].address, place.address);
	assert_int_equal(result.frames[0].module, place.module_number);
	assert_int_equal(result.frames[1].address, caller->frames[0].address - 1);
	assert_memory_equal(&result.frames[2], &caller->frames[1],
			    (caller->frame_count - 1) * sizeof(result.frames[0]));
}

/* One expression covers all entries: it counts in what is pushed by the low bits of the pc. */
static void entries_of_a_plt(void **state)
{
	static struct unwind_result caller;
	uint64_t plt, pc;

	(void)state;
	chain(end_take);
	walk();
	caller = result;
	pc = *snapshot_pc(SNAPSHOT);
	plt = strtoull(unwind_command("readelf -SW %s | sed -n 's/.* \\.plt  *PROGBITS *//p'",
				      places->files[map_named("/libc.so")->file - 1].path),
		       NULL, 16);
	assert_true(plt);
	plt += map_named("/libc.so")->base;
	push(pc);
	expect_called(&caller, plt + 16);
	expect_called(&caller, plt + 16 + 6);
	push(3); /* number of the relocation */
	expect_called(&caller, plt + 16 + 11);
	expect_called(&caller, plt);
	push(0x7777); /* the link map */
	expect_called(&caller, plt + 6);
}

#endif

/* ---- the end of a walk ---- */

static bool is_prefix(const struct unwind_result *part, const struct unwind_result *whole)
{
	return part->frame_count <= whole->frame_count &&
	       !memcmp(part->frames, whole->frames, part->frame_count * sizeof(*part->frames));
}

static void a_snapshot_of_any_size(void **state)
{
	static struct unwind_result whole;
	uint32_t bytes, last = 1;
	uint64_t top;

	(void)state;
	chain(end_take);
	walk();
	whole = result;
	bytes = SNAPSHOT->bytes;
	top = SNAPSHOT->top;
	for (SNAPSHOT->bytes = 0; SNAPSHOT->bytes < bytes; SNAPSHOT->bytes += 8) {
		SNAPSHOT->top = top;
		walk();
		assert_true(is_prefix(&result, &whole));
		assert_true(result.frame_count >= last); /* more bytes, not less frames */
		last = result.frame_count;
		if (result.frame_count < whole.frame_count)
			assert_int_equal(result.end, STACK_END_CUT);
		/* the same with the end of the stack where that of the snapshot is */
		SNAPSHOT->top = snapshot_sp(SNAPSHOT) + SNAPSHOT->bytes;
		if (SNAPSHOT->bytes)
			walk();
		assert_true(is_prefix(&result, &whole));
		if (SNAPSHOT->bytes && result.end != STACK_END_COMPLETE)
			assert_int_equal(result.end, STACK_END_BAD_CFI);
	}
	assert_int_equal(last, whole.frame_count);
}

static void pages_that_are_absent(void **state)
{
	static struct snapshot_room kept;
	static struct unwind_result whole;
	unsigned int absent = 0;
	uint64_t in_page;

	(void)state;
	chain(end_take);
	walk();
	whole = result;
	memcpy(&kept, &taken.copy, SNAPSHOT->h.size);
	in_page = snapshot_sp(SNAPSHOT) & (PAGE_BYTES - 1);
	/* the last page, too: what the walk needs may all be there */
	for (unsigned int page = 0; page <= (in_page + kept.snapshot.bytes - 1) >> PAGE_SHIFT;
	     page++) {
		memcpy(&taken.copy, &kept, kept.snapshot.h.size);
		SNAPSHOT->absent = 1ULL << page;
		for (uint32_t i = 0; i < SNAPSHOT->bytes / 8; i++)
			if ((in_page + 8 * i) >> PAGE_SHIFT == page)
				SNAPSHOT->stack[i] = 0;
		walk();
		assert_true(is_prefix(&result, &whole));
		if (result.frame_count < whole.frame_count) {
			assert_int_equal(result.end, STACK_END_ABSENT);
			absent++;
		} else {
			assert_int_equal(result.end, STACK_END_COMPLETE);
		}
	}
	assert_true(absent > 0);
}

static uint64_t uprobes_page;
static bool unreadable;

static void locate_odd(void *ctx, uint64_t pc, struct unwind_place *place)
{
	places_locate(ctx, pc, place);
	if (pc >> PAGE_SHIFT == uprobes_page >> PAGE_SHIFT)
		*place = (struct unwind_place){.address = pc, .uprobes = true, .executable = true};
	place->executable = false; /* no guesses */
	if (unreadable && place->module_number) {
		place->module = NULL;
		place->unreadable = true;
	}
}

/* A return address of the chain is replaced. The frames before it stay. */
static void expect_end_behind(size_t frame, uint64_t address, enum stack_end end, size_t frames)
{
	static struct unwind_result whole;
	uint64_t behind;

	chain(end_take);
	walk();
	whole = result;
	behind = frame_pc(frame + 1) + 1;
	for (uint32_t i = 0; i < result.read_count; i++)
		if (result.reads[i].value == behind)
			memcpy((char *)SNAPSHOT->stack + result.reads[i].offset, &address, 8);
	unwind(SNAPSHOT, &(struct unwind_ops){.locate = locate_odd, .ctx = places}, &result);
	assert_int_equal(result.end, end);
	assert_int_equal(result.frame_count, frames);
	assert_memory_equal(result.frames, whole.frames, (frame + 1) * sizeof(*whole.frames));
}

static void odd_return_addresses(void **state)
{
	(void)state;
	uprobes_page = 0x7fffffffe000;
	expect_end_behind(3, 0, STACK_END_COMPLETE, 4);
	expect_end_behind(3, uprobes_page, STACK_END_UPROBE, 4);
	expect_end_behind(3, 0x1000, STACK_END_NO_MODULE, 5);
	assert_int_equal(result.frames[4].module, 0);
	assert_int_equal(result.frames[4].address, 0xfff);
	expect_end_behind(3, UINT64_MAX, STACK_END_NO_MODULE, 5);
	expect_end_behind(3, 1, STACK_END_NO_MODULE, 5);
}

/* What the kernel has noted of a replaced return address is as good as the address. */
static void replaced_return_addresses(void **state)
{
	static struct unwind_result whole;
	uint64_t behind, trampoline;

	(void)state;
	for (int listed = 0; listed <= 1; listed++) {
		chain(end_take);
		walk();
		whole = result;
		assert_true(whole.frame_count > 6);
		/* its page is found in the second round alone */
		uprobes_page = listed ? 0x7fffffffe000 : 0x1000;
		trampoline = 0x7fffffffe000;
		SNAPSHOT->return_count = 1; /* of nobody here */
		SNAPSHOT->returns[0] = (struct event_return){.stack = 8, .address = 16};
		for (uint32_t frame = 2; frame < 6; frame += 2) {
			behind = frame_pc(frame + 1) + 1;
			for (uint32_t i = 0; i < whole.read_count; i++) {
				if (whole.reads[i].value != behind)
					continue;
				memcpy((char *)SNAPSHOT->stack + whole.reads[i].offset, &trampoline,
				       8);
				SNAPSHOT->returns[SNAPSHOT->return_count++] = (struct event_return){
					.stack = snapshot_sp(SNAPSHOT) + whole.reads[i].offset,
					.address = behind,
				};
				break;
			}
		}
		assert_int_equal(SNAPSHOT->return_count, 3);
		unwind(SNAPSHOT, &(struct unwind_ops){.locate = locate_odd, .ctx = places},
		       &result);
		assert_true(result.replaced);
		assert_int_equal(result.end, whole.end);
		assert_int_equal(result.frame_count, whole.frame_count);
		assert_memory_equal(result.frames, whole.frames,
				    whole.frame_count * sizeof(*whole.frames));
		/* and without it the walk ends there */
		SNAPSHOT->return_count = 2;
		unwind(SNAPSHOT, &(struct unwind_ops){.locate = locate_odd, .ctx = places},
		       &result);
		assert_int_equal(result.end, listed ? STACK_END_UPROBE : STACK_END_NO_MODULE);
		assert_int_equal(result.frame_count, listed ? 5 : 6);
		SNAPSHOT->return_count = 0;
	}
}

static void files_that_cannot_be_read(void **state)
{
	(void)state;
	chain(end_take);
	unreadable = true;
	unwind(SNAPSHOT, &(struct unwind_ops){.locate = locate_odd, .ctx = places}, &result);
	unreadable = false;
	assert_int_equal(result.end, STACK_END_UNREADABLE);
	assert_int_equal(result.frame_count, 1);
}

PLAIN static int recurse(int depth)
{
	return depth < 400 ? recurse(depth + 1) + 1 : end_take(depth);
}

static void more_frames_than_are_kept(void **state)
{
	(void)state;
	chain(recurse);
	walk();
	assert_int_equal(result.end, STACK_END_DEEP);
	assert_int_equal(result.frame_count, EVENT_FRAMES_MAX);
	expect_traced(EVENT_FRAMES_MAX);
}

static void machines_that_are_not_known(void **state)
{
	(void)state;
	chain(end_take);
	SNAPSHOT->machine = EM_AARCH64 + EM_X86_64 - SNAPSHOT->machine;
	walk();
	assert_int_equal(result.frame_count, SNAPSHOT->machine == EM_X86_64);
	SNAPSHOT->machine = EM_386;
	walk();
	assert_int_equal(result.end, STACK_END_BAD_CFI);
	assert_int_equal(result.frame_count, 0);
}

/* ---- nonsense ---- */

/* What a stack is likely to hold, and what it is not. */
static uint64_t nonsense_word(uint64_t *random)
{
	uint64_t sp = snapshot_sp(SNAPSHOT);
	const struct place_map *map = &places->maps[random_below(random, places->map_count)];

	switch (random_below(random, 6)) {
	case 0:
		return random_next(random);
	case 1:
		return sp + random_below(random, 2ULL * SNAPSHOT->bytes);
	case 2:
		return sp + 8 * random_below(random, SNAPSHOT->bytes / 8);
	case 3:
		return map->start + random_below(random, map->end - map->start);
	case 4:
		return random_below(random, 16);
	default:
		return UINT64_MAX - random_below(random, 64);
	}
}

static void expect_sane(void)
{
	assert_true(result.end < STACK_END_COUNT);
	assert_true(result.frame_count >= 1 && result.frame_count <= EVENT_FRAMES_MAX);
	for (uint32_t i = 0; i < result.read_count && i < UNWIND_READS_MAX; i++)
		assert_int_equal(result.reads[i].value, word_at(SNAPSHOT, result.reads[i].offset));
}

static void stacks_of_nonsense(void **state)
{
	static struct snapshot_room kept;
	uint64_t random = 7;
	unsigned int ends[STACK_END_COUNT] = {0};

	(void)state;
	chain(end_take);
	memcpy(&kept, &taken.copy, SNAPSHOT->h.size);
	for (int round = 0; round < 5000; round++) {
		uint64_t changes = 1ULL << random_below(&random, 10);

		memcpy(&taken.copy, &kept, kept.snapshot.h.size);
		for (uint64_t i = 0; i < changes; i++)
			SNAPSHOT->stack[random_below(&random, SNAPSHOT->bytes / 8)] =
				nonsense_word(&random);
		if (round & 1)
			for (int i = 0; i < SNAPSHOT->register_count; i++)
				SNAPSHOT->registers[i] = nonsense_word(&random);
		if (round & 2)
			SNAPSHOT->absent = random_next(&random);
		if (round & 4)
			SNAPSHOT->top = nonsense_word(&random);
		walk();
		expect_sane();
		ends[result.end]++;
	}
	assert_true(ends[STACK_END_COMPLETE] && ends[STACK_END_CUT] && ends[STACK_END_BAD_CFI] &&
		    ends[STACK_END_NO_MODULE] && ends[STACK_END_ABSENT]);
}

/* ---- set-up ---- */

/* Field 28 of stat; the name in field 2 has no blanks here. */
static uint64_t start_of_arguments(void)
{
	return strtoull(unwind_command("cut -d' ' -f28 /proc/%d/stat", getpid()), NULL, 10);
}

static int set_up(void **state)
{
	(void)state;
	main_top = start_of_arguments();
	places = places_new();
	return main_top ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	places_free(places);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_chain_of_calls),
		cmocka_unit_test(a_frame_with_alloca),
		cmocka_unit_test(a_realigned_frame),
		cmocka_unit_test(a_callback_from_the_c_library),
		cmocka_unit_test(a_thread),
		cmocka_unit_test(a_signal_handler),
		cmocka_unit_test(a_signal_handler_interrupted),
		cmocka_unit_test(a_signal_stack),
#ifdef __x86_64__
		cmocka_unit_test(an_interrupted_first_instruction),
		cmocka_unit_test(a_call_that_ends_its_function),
		cmocka_unit_test(a_trampoline_known_by_its_code),
		cmocka_unit_test(code_without_a_file),
		cmocka_unit_test(entries_of_a_plt),
#endif
		cmocka_unit_test(a_snapshot_of_any_size),
		cmocka_unit_test(pages_that_are_absent),
		cmocka_unit_test(odd_return_addresses),
		cmocka_unit_test(replaced_return_addresses),
		cmocka_unit_test(files_that_cannot_be_read),
		cmocka_unit_test(more_frames_than_are_kept),
		cmocka_unit_test(machines_that_are_not_known),
		cmocka_unit_test(stacks_of_nonsense),
	};

	return cmocka_run_group_tests_name("unwind", tests, set_up, tear_down);
}
