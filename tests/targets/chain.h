/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the target programs of the stack tests share: the truth about their own call chains, from
 * libgcc's unwinder and the dynamic linker, neither of which the collector uses.
 *
 * Lines beside those of target.h:
 *
 *   MODULE PID NUMBER 0xBIAS INODE PATH
 *       Frames of that process name this file by its number from here on; an address in the file's
 *       own numbering is the one in memory less the bias. INODE 0: not known (the file is gone).
 *   CHAIN PID 0xPAGE END LEAST FRAME...
 *       The page was first touched under this call chain, innermost frame first. END is how a
 *       collector's stack must end: a word of STACK_ENDS, or `any`; one that does not end
 *       `complete` has at least LEAST frames.
 *   SPAN PID TID FROM TO FRAME...
 *       Whatever that thread did between these two times (CLOCK_MONOTONIC, ns), page faults in
 *       libraries included, it did under a chain that ends in these frames: the first is of the
 *       function that called them.
 *
 * FRAME is MODULE:0xADDRESS, or MODULE:0xFIRST-0xLAST where the exact place in the function is not
 * known. Of callers the address is that of the last byte of the call, as in the collector's stacks.
 * At most CHAIN_FRAMES are given.
 */
#ifndef TESTS_TARGETS_CHAIN_H
#define TESTS_TARGETS_CHAIN_H

#include "tests/targets/keep.h"
#include "tests/targets/target.h"

#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <sys/stat.h>
#include <time.h>
#include <unwind.h>

enum { CHAIN_FRAMES = 300, CHAIN_MODULES = 32, SPAN_FRAMES = 64, SPAN_MAX = 1024 };

/* Functions of a known chain: called, with a frame of their own. */
#define CHAIN_LINK __attribute__((noipa, unused))

struct chain {
	uint32_t count;
	uintptr_t pc[CHAIN_FRAMES];
};

struct chain_module {
	const void *headers; /* in memory: what tells it from others */
	uintptr_t bias;
	ino_t inode;
	bool said;
	char path[PATH_MAX];
};

struct span {
	pid_t tid;
	uint64_t from;
	uint64_t to;
	uintptr_t first;
	uintptr_t last;
	uint32_t count;
	uintptr_t pc[SPAN_FRAMES]; /* from the caller's caller on */
};

static struct {
	pthread_mutex_t lock;
	struct chain chain;
	pid_t pid;
	size_t module_count;
	struct chain_module modules[CHAIN_MODULES];
	size_t span_count;
	struct span spans[SPAN_MAX];
} chains = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- words of a line ---- */

__attribute__((format(printf, 1, 2))) static inline void chain_word(const char *fmt, ...)
{
	va_list args;
	int n;

	if (target.out_used > TARGET_OUT_SIZE - PATH_MAX - 64)
		target_flush();
	va_start(args, fmt);
	n = vsnprintf(target.out + target.out_used, TARGET_OUT_SIZE - target.out_used, fmt, args);
	va_end(args);
	target_expect(n > 0 && (size_t)n < TARGET_OUT_SIZE - target.out_used, "a word fits");
	target.out_used += (size_t)n;
}

/* ---- modules ---- */

struct chain_search {
	uintptr_t pc;
	struct chain_module *module;
};

static inline struct chain_module *chain_module_of(const struct dl_phdr_info *info)
{
	for (size_t i = 0; i < chains.module_count; i++)
		if (chains.modules[i].headers == info->dlpi_phdr)
			return &chains.modules[i];
	return NULL;
}

static inline struct chain_module *chain_module_new(const struct dl_phdr_info *info)
{
	struct chain_module *module = &chains.modules[chains.module_count++];
	struct stat status;

	target_expect(chains.module_count <= CHAIN_MODULES, "so few modules");
	module->headers = info->dlpi_phdr;
	module->bias = info->dlpi_addr;
	if (!realpath(info->dlpi_name[0] ? info->dlpi_name : "/proc/self/exe", module->path))
		snprintf(module->path, sizeof(module->path), "%s", info->dlpi_name);
	if (!stat(module->path, &status))
		module->inode = status.st_ino;
	return module;
}

static inline int chain_module_find(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct chain_search *search = (struct chain_search *)arg;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];

		if (segment->p_type != PT_LOAD ||
		    search->pc - info->dlpi_addr - segment->p_vaddr >= segment->p_memsz)
			continue;
		search->module = chain_module_of(info);
		if (!search->module)
			search->module = chain_module_new(info);
		return 1;
	}
	return 0;
}

/* A child says them anew. */
static inline void chain_modules_renew(void)
{
	if (chains.pid == getpid())
		return;
	chains.pid = getpid();
	for (size_t i = 0; i < chains.module_count; i++)
		chains.modules[i].said = false;
}

/* Says the module of a pc if need be. NULL: in none. */
static inline struct chain_module *chain_module_say(uintptr_t pc)
{
	struct chain_search search = {.pc = pc};

	dl_iterate_phdr(chain_module_find, &search);
	if (search.module && !search.module->said) {
		search.module->said = true;
		target_say("MODULE %d %zu 0x%lx %lu %s", chains.pid,
			   (size_t)(search.module - chains.modules), search.module->bias,
			   (unsigned long)search.module->inode, search.module->path);
	}
	return search.module;
}

/* Before the line that names them. */
static inline void chain_modules_say(const uintptr_t *pc, size_t count)
{
	chain_modules_renew();
	for (size_t i = 0; i < count; i++)
		chain_module_say(pc[i]);
}

static inline void chain_frame_say(uintptr_t first, uintptr_t last)
{
	struct chain_module *module = chain_module_say(first);
	uintptr_t bias = module ? module->bias : 0;

	chain_word(" %zd:0x%lx", module ? module - chains.modules : -1, first - bias);
	if (last != first)
		chain_word("-0x%lx", last - bias);
}

/* ---- walks ---- */

static inline _Unwind_Reason_Code chain_walk_step(struct _Unwind_Context *context, void *arg)
{
	struct chain *chain = (struct chain *)arg;
	int exact = 0;
	uintptr_t pc = _Unwind_GetIPInfo(context, &exact);

	/* what a signal handler returns to has not called it: it is at its first byte */
	if (exact && chain->count && chain->count < CHAIN_FRAMES)
		chain->pc[chain->count - 1]++;
	/* the walk's last step may be to where nothing is */
	if (pc && chain->count < CHAIN_FRAMES)
		chain->pc[chain->count++] = exact ? pc : pc - 1;
	return _URC_NO_REASON;
}

/* In line: the first frame is that of the function that this is in. */
static inline __attribute__((always_inline)) void chain_walk(struct chain *chain)
{
	chain->count = 0;
	_Unwind_Backtrace(chain_walk_step, chain);
	target_expect(chain->count > 1, "a chain");
}

/* Writes a byte. Returns the address of the instruction that does. */
static inline __attribute__((always_inline)) uintptr_t chain_write(void *at)
{
	uintptr_t pc;

#ifdef __x86_64__
	__asm__ volatile("leaq 1f(%%rip), %0\n"
			 "1: movb $1, (%1)"
			 : "=&r"(pc)
			 : "r"(at)
			 : "memory");
#else
	__asm__ volatile("adr %0, 1f\n"
			 "1: strb %w0, [%1]"
			 : "=&r"(pc)
			 : "r"(at)
			 : "memory");
#endif
	return pc;
}

static inline void chain_say(const struct chain *chain, const void *page, const char *end,
			     unsigned int least)
{
	chain_modules_say(chain->pc, chain->count);
	chain_word("CHAIN %d 0x%lx %s %u", chains.pid, (unsigned long)page, end, least);
	for (uint32_t i = 0; i < chain->count; i++)
		chain_frame_say(chain->pc[i], chain->pc[i]);
	chain_word("\n");
}

/* Touches a page, and says under which chain. */
CHAIN_LINK static void chain_touch_ending(void *page, const char *end, unsigned int least)
{
	pthread_mutex_lock(&chains.lock);
	chain_walk(&chains.chain);
	chains.chain.pc[0] = chain_write(page);
	chain_say(&chains.chain, page, end, least);
	pthread_mutex_unlock(&chains.lock);
}

CHAIN_LINK static void chain_touch(void *page)
{
	chain_touch_ending(page, "complete", 0);
}

/* ---- spans ---- */

static inline uint64_t chain_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* What the calling function does from here to span_end() is done under this chain. */
CHAIN_LINK static struct span *span_begin(void)
{
	struct span *span;

	pthread_mutex_lock(&chains.lock);
	target_expect(chains.span_count < SPAN_MAX, "so few spans");
	span = &chains.spans[chains.span_count++];
	chain_walk(&chains.chain);
	target_expect(chains.chain.count > 2 && chains.chain.count - 2 < SPAN_FRAMES,
		      "a chain that a span holds");
	span->tid = thread_id();
	span->first = chains.chain.pc[1];
	span->count = chains.chain.count - 2;
	memcpy(span->pc, chains.chain.pc + 2, span->count * sizeof(span->pc[0]));
	pthread_mutex_unlock(&chains.lock);
	span->from = chain_now();
	return span;
}

CHAIN_LINK static void span_end(struct span *span)
{
	span->to = chain_now();
	span->last = (uintptr_t)__builtin_return_address(0);
}

static inline void spans_say(void)
{
	for (size_t i = 0; i < chains.span_count; i++) {
		const struct span *span = &chains.spans[i];

		chain_modules_say(&span->first, 1);
		chain_modules_say(span->pc, span->count);
		chain_word("SPAN %d %d %lu %lu", chains.pid, span->tid, span->from, span->to);
		chain_frame_say(span->first, span->last);
		for (uint32_t k = 0; k < span->count; k++)
			chain_frame_say(span->pc[k], span->pc[k]);
		chain_word("\n");
	}
	chains.span_count = 0;
}

/* ---- starting and resting ---- */

/*
 * Call first. Stacks are taken of so many page faults a second, of a part of them past that: a
 * program's start is over when this returns.
 */
static inline void chain_start(void)
{
	char *page;

	target_start();
	memset(&chains.chain, 1, sizeof(chains.chain));
	memset(chains.spans, 0, sizeof(chains.spans));
	page = pages_map(1);
	chain_touch_ending(page, "any", 0);
	chain_now();
	sleep_ms(30);
}

#endif /* TESTS_TARGETS_CHAIN_H */
