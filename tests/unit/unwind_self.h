/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copies of this process's own registers and stack, and what two other
 * unwinders say of them: libdwfl, on the same copy, and libgcc's, on the stack
 * itself.
 */
#ifndef TESTS_UNIT_UNWIND_SELF_H
#define TESTS_UNIT_UNWIND_SELF_H

#include "tests/unit/unwind_support.h"

#include <elfutils/libdwfl.h>
#include <pthread.h>
#include <signal.h>
#include <ucontext.h>
#include <unwind.h>

/* As distributions build. Every call a call. */
#define PLAIN                                                                                      \
	__attribute__((noinline, noclone,                                                          \
		       optimize("O2,omit-frame-pointer,no-optimize-sibling-"                       \
				"calls")))
#define UNWATCHED __attribute__((noinline, no_sanitize("address", "undefined")))

static struct places *places;

/* ---- a copy of a stack, and what libgcc says of it ---- */

static struct {
	struct snapshot_room copy;
	ucontext_t context;
	uint64_t traced[EVENT_FRAMES_MAX + 2]; /* where frames go on */
	size_t traced_count;
} taken;

#define SNAPSHOT (&taken.copy.snapshot)

static uint64_t main_top; /* where the kernel put the arguments of the program */

static uint64_t stack_end(uint64_t sp)
{
	pthread_attr_t attr;
	size_t size;
	void *low;

	assert_int_equal(pthread_getattr_np(pthread_self(), &attr), 0);
	assert_int_equal(pthread_attr_getstack(&attr, &low, &size), 0);
	pthread_attr_destroy(&attr);
	if (sp < (uint64_t)low || sp >= (uint64_t)low + size)
		return 0; /* on another one */
	return getpid() == gettid() ? main_top : (uint64_t)low + size;
}

static void registers_copy(struct event_snapshot *snapshot)
{
#ifdef __x86_64__
	static const int order[] = {REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI,
				    REG_RBP, REG_RSP, REG_R8,  REG_R9,	REG_R10, REG_R11,
				    REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP};

	snapshot->machine = EM_X86_64;
	snapshot->register_count = 17;
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		snapshot->registers[i] = (uint64_t)taken.context.uc_mcontext.gregs[order[i]];
#else
	snapshot->machine = EM_AARCH64;
	snapshot->register_count = 33;
	for (size_t i = 0; i < 31; i++)
		snapshot->registers[i] = taken.context.uc_mcontext.regs[i];
	snapshot->registers[31] = taken.context.uc_mcontext.sp;
	snapshot->registers[32] = taken.context.uc_mcontext.pc;
#endif
}

/* Not memcpy: under AddressSanitizer the stack is full of bytes that nobody may copy. */
UNWATCHED static void stack_copy(struct event_snapshot *snapshot, uint64_t end)
{
	const volatile uint64_t *from = (const volatile uint64_t *)snapshot_sp(snapshot);

	for (uint32_t i = 0; i < snapshot->bytes / 8 && (uint64_t)(from + i) < end; i++)
		snapshot->stack[i] = from[i];
}

static size_t altstack_size;
static uint8_t *altstack;

static void snapshot_copy(void)
{
	struct event_snapshot *snapshot = SNAPSHOT;
	uint64_t sp, end;

	registers_copy(snapshot);
	sp = snapshot_sp(snapshot);
	end = stack_end(sp);
	snapshot->top = end;
	if (!end) /* on the signal stack, which is all there is to copy */
		end = (uint64_t)altstack + altstack_size;
	snapshot->absent = 0;
	snapshot->bytes = SNAPSHOT_BYTES_MAX;
	if (end - sp < snapshot->bytes)
		snapshot->bytes = (uint32_t)(end - sp) & ~7U;
	snapshot->h.size = (uint16_t)(sizeof(*snapshot) + snapshot->bytes);
	snapshot->h.kind = EVENT_SNAPSHOT;
	stack_copy(snapshot, end);
	assert_int_equal(event_check(snapshot, snapshot->h.size), 0);
}

static _Unwind_Reason_Code trace_frame(struct _Unwind_Context *context, void *arg)
{
	uint64_t pc = _Unwind_GetIP(context);

	(void)arg;
	if (!pc || taken.traced_count == ARRAY_SIZE(taken.traced))
		return _URC_END_OF_STACK;
	taken.traced[taken.traced_count++] = pc;
	return _URC_NO_REASON;
}

/* Its own frame is the innermost of both. (backtrace() has one more under AddressSanitizer.) */
PLAIN static void take(void)
{
	getcontext(&taken.context);
	snapshot_copy();
	taken.traced_count = 0;
	_Unwind_Backtrace(trace_frame, NULL);
}

/* ---- what libdwfl says ---- */

static struct {
	size_t count;
	uint64_t pcs[EVENT_FRAMES_MAX + 2]; /* as frames have them: of callers one less */
} oracle;

static pid_t oracle_thread(Dwfl *dwfl, void *arg, void **thread_arg)
{
	(void)dwfl;
	if (*thread_arg)
		return 0;
	*thread_arg = arg;
	return getpid();
}

static bool oracle_memory(Dwfl *dwfl, Dwarf_Addr addr, Dwarf_Word *word, void *arg)
{
	uint64_t offset = addr - snapshot_sp(SNAPSHOT);

	(void)dwfl, (void)arg;
	if (offset >= SNAPSHOT->bytes || SNAPSHOT->bytes - offset < sizeof(*word))
		return false;
	memcpy(word, (const char *)SNAPSHOT->stack + offset, sizeof(*word));
	return true;
}

static bool oracle_registers(Dwfl_Thread *thread, void *arg)
{
	(void)arg;
	return dwfl_thread_state_registers(thread, 0, SNAPSHOT->register_count,
					   (const Dwarf_Word *)SNAPSHOT->registers);
}

static int oracle_frame(Dwfl_Frame *frame, void *arg)
{
	Dwarf_Addr pc;
	bool exact;

	(void)arg;
	if (!dwfl_frame_pc(frame, &pc, &exact) || oracle.count == ARRAY_SIZE(oracle.pcs))
		return DWARF_CB_ABORT;
	oracle.pcs[oracle.count++] = pc - !exact;
	return DWARF_CB_OK;
}

static int oracle_threads(Dwfl_Thread *thread, void *arg)
{
	dwfl_thread_getframes(thread, oracle_frame, arg);
	return DWARF_CB_OK;
}

static int no_debug_info(Dwfl_Module *module, void **data, const char *name, Dwarf_Addr base,
			 const char *file, const char *link, GElf_Word crc, char **found)
{
	(void)module, (void)data, (void)name, (void)base, (void)file, (void)link, (void)crc,
		(void)found;
	return -1;
}

static void oracle_walk(void)
{
	static const Dwfl_Callbacks callbacks = {
		.find_elf = dwfl_linux_proc_find_elf,
		.find_debuginfo = no_debug_info,
	};
	static const Dwfl_Thread_Callbacks questions = {
		.next_thread = oracle_thread,
		.memory_read = oracle_memory,
		.set_initial_registers = oracle_registers,
	};
	Dwfl *dwfl = dwfl_begin(&callbacks);

	oracle.count = 0;
	assert_non_null(dwfl);
	assert_int_equal(dwfl_linux_proc_report(dwfl, getpid()), 0);
	assert_int_equal(dwfl_report_end(dwfl, NULL, NULL), 0);
	assert_true(dwfl_attach_state(dwfl, NULL, getpid(), &questions, &taken));
	dwfl_getthreads(dwfl, oracle_threads, NULL);
	dwfl_end(dwfl);
}

/* ---- comparison ---- */

static struct unwind_result result;

static void walk(void)
{
	unwind(SNAPSHOT, &(struct unwind_ops){.locate = places_locate, .ctx = places}, &result);
}

static uint64_t frame_pc(size_t i)
{
	return places_absolute(places, &result.frames[i]);
}

static void expect_oracle(void)
{
	oracle_walk();
	assert_int_equal(result.frame_count, oracle.count);
	for (size_t i = 0; i < oracle.count; i++)
		if (frame_pc(i) != oracle.pcs[i])
			fail_msg("frame %zu: 0x%lx, libdwfl has 0x%lx", i, frame_pc(i),
				 oracle.pcs[i]);
}

/*
 * libgcc names where a frame goes on. It differs in the innermost frame, which
 * went on after the copy.
 */
static void expect_traced(size_t count)
{
	assert_true(taken.traced_count >= count && result.frame_count >= count);
	for (size_t i = 1; i < count; i++) {
		uint64_t mine = frame_pc(i), theirs = taken.traced[i];

		if (mine != theirs && mine != theirs - 1)
			fail_msg("frame %zu: 0x%lx, libgcc has 0x%lx", i, mine, theirs);
	}
}

static void expect_whole(size_t at_least)
{
	places_read(places);
	walk();
	assert_int_equal(result.end, STACK_END_COMPLETE);
	assert_int_equal(result.guessed, 0);
	assert_true(result.frame_count >= at_least);
	expect_oracle();
	assert_int_equal(result.frame_count, taken.traced_count);
	expect_traced(result.frame_count);
}

static void expect_same(const struct unwind_result *a, const struct unwind_result *b)
{
	assert_int_equal(a->end, b->end);
	assert_int_equal(a->frame_count, b->frame_count);
	assert_int_equal(a->guessed, b->guessed);
	assert_memory_equal(a->frames, b->frames, a->frame_count * sizeof(*a->frames));
}

static uint64_t word_at(const struct event_snapshot *snapshot, uint32_t offset)
{
	uint64_t word;

	assert_true(offset + sizeof(word) <= snapshot->bytes);
	memcpy(&word, (const char *)snapshot->stack + offset, sizeof(word));
	return word;
}

/* Everything that the result does not say it rests on is turned upside down. */
static void expect_reads_are_all(void)
{
	static struct snapshot_room other;
	static struct unwind_result again;
	const struct unwind_arch *arch = unwind_arch(SNAPSHOT->machine);
	size_t matter = 0;

	assert_true(result.read_count <= UNWIND_READS_MAX);
	memcpy(&other, &taken.copy, SNAPSHOT->h.size);
	for (uint32_t i = 0; i < SNAPSHOT->bytes / 8; i++)
		other.snapshot.stack[i] = ~SNAPSHOT->stack[i];
	for (uint32_t i = 0; i < result.read_count; i++) {
		const struct unwind_read *read = &result.reads[i];

		assert_int_equal(read->value, word_at(SNAPSHOT, read->offset));
		memcpy((char *)other.snapshot.stack + read->offset, &read->value, 8);
	}
	for (unsigned int reg = 0; reg < SNAPSHOT->register_count; reg++)
		if (!(result.used_registers >> reg & 1) && reg != arch->sp && reg != arch->pc)
			other.snapshot.registers[reg] ^= 0x5555555555555555;
	unwind(&other.snapshot, &(struct unwind_ops){.locate = places_locate, .ctx = places},
	       &again);
	expect_same(&result, &again);
	for (uint32_t i = 0; i < result.read_count; i++) {
		uint64_t changed = result.reads[i].value ^ 0x100;

		memcpy((char *)other.snapshot.stack + result.reads[i].offset, &changed, 8);
		unwind(&other.snapshot,
		       &(struct unwind_ops){.locate = places_locate, .ctx = places}, &again);
		matter += again.frame_count != result.frame_count ||
			  memcmp(again.frames, result.frames,
				 result.frame_count * sizeof(*result.frames)) != 0;
		memcpy((char *)other.snapshot.stack + result.reads[i].offset,
		       &result.reads[i].value, 8);
	}
	/* at the least all return addresses do */
	assert_true(matter >= result.frame_count - 1 - result.guessed);
}

#endif
