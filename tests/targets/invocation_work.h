/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an invocation of invocation_work is: a function to be probed at its entry and return, with a
 * USDT probe at its start and end. The library that is loaded late is made of the same.
 */
#ifndef TESTS_TARGETS_INVOCATION_WORK_H
#define TESTS_TARGETS_INVOCATION_WORK_H

#ifdef GUARDED /* the probes are behind semaphores, as many a library's are */
#define _SDT_HAS_SEMAPHORES 1
#endif
#include <sys/sdt.h>

#ifdef GUARDED
__extension__ unsigned short target_begin_semaphore __attribute__((unused, section(".probes")));
__extension__ unsigned short target_end_semaphore __attribute__((unused, section(".probes")));
#define WORK_BEGIN(id)                                                                             \
	do {                                                                                       \
		if (__builtin_expect(*(volatile unsigned short *)&target_begin_semaphore, 0))      \
			STAP_PROBE1(target, begin, id);                                            \
	} while (0)
#define WORK_END(id)                                                                               \
	do {                                                                                       \
		if (__builtin_expect(*(volatile unsigned short *)&target_end_semaphore, 0))        \
			STAP_PROBE1(target, end, id);                                              \
	} while (0)
#else
#define WORK_BEGIN(id) STAP_PROBE1(target, begin, id)
#define WORK_END(id) STAP_PROBE1(target, end, id)
#endif

typedef void work_fn(void *arg);
typedef void work_handler(work_fn *fn, void *arg, const char *id);

/* An invocation: fn(arg) is what it does. */
#define WORK_HANDLER(name)                                                                         \
	work_handler name;                                                                         \
	__attribute__((noipa)) void name(work_fn *fn, void *arg, const char *id)                   \
	{                                                                                          \
		WORK_BEGIN(id);                                                                    \
		fn(arg);                                                                           \
		WORK_END(id);                                                                      \
	}

#endif /* TESTS_TARGETS_INVOCATION_WORK_H */
