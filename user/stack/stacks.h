/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The numbered stacks and modules of a stream: made by the unwinders of live
 * processes, or read back from a recording. Shared by all processes.
 *
 * Not thread safe. Nothing is ever dropped: numbers and pointers stay valid as
 * long as the table.
 */
#ifndef TIDEMARK_STACK_STACKS_H
#define TIDEMARK_STACK_STACKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/event.h"
#include "user/stack/module.h"

/*
 * A program that recurses through its data has as many stacks as data: past
 * this many, new ones are not kept, which is counted. At 15 frames: 64 MiB.
 */
#define STACKS_MAX (1U << 18)

/*
 * Code of further ones lies in no known module. Of those with a file at most half as many are open
 * as the process may have (RLIMIT_NOFILE); the others are unreadable.
 */
#define STACK_MODULES_MAX 65536

struct stack_module {
	uint32_t number;
	uint32_t flags; /* MODULE_* */
	uint32_t dev;
	uint64_t ino;
	uint32_t pid; /* of the process it was first seen in; whose JIT code it is */
	uint8_t build_id_len;
	uint8_t build_id[EVENT_BUILD_ID_LEN];
	char path[EVENT_PATH_LEN];
	const char *name;      /* base name within path; "[vdso]", "[jit]" */
	struct module *module; /* owned; NULL: not readable, not a file, or of a recording */
	bool unreadable;
	uint32_t tries;	   /* to open it, in vain */
	uint64_t tried_ns; /* the last of them */
};

struct stack {
	uint32_t number;
	uint16_t frame_count;
	uint16_t end;			  /* enum stack_end */
	const struct event_frame *frames; /* innermost first */
};

struct stacks;

/* How definitions leave, as STACK and MODULE events, in the order of their numbers. */
typedef void (*stacks_sink)(void *ctx, const struct event_header *event);

struct stacks *stacks_new(stacks_sink sink, void *ctx);
void stacks_free(struct stacks *stacks);

/*
 * Opens the file that a process has mapped at an address, and gives the path it
 * has for the process. A file descriptor, the caller's, or a negative errno.
 */
typedef int (*module_opener)(void *ctx, uint32_t pid, uint64_t address, uint32_t dev, uint64_t ino,
			     char path[EVENT_PATH_LEN]);

/*
 * The module of a file that the process of `at` has mapped at an address, opened when it is first
 * seen; NULL without memory or past STACK_MODULES_MAX. What cannot be opened is tried again, ever
 * more seldom: the process may have gone on to another program when it was first tried. `at`: the
 * record that asks, for pid and time.
 */
const struct stack_module *stacks_file(struct stacks *stacks, const struct event_header *at,
				       uint32_t dev, uint64_t ino, uint64_t address,
				       module_opener opener, void *ctx);

/* The code without a file of the process of `at`: each call makes a new module. */
const struct stack_module *stacks_jit(struct stacks *stacks, const struct event_header *at);

/* The vdso. */
const struct stack_module *stacks_vdso(struct stacks *stacks, const struct event_header *at);

/* The number of a chain, new or known; 0 past STACKS_MAX or without memory. */
uint32_t stacks_add(struct stacks *stacks, const struct event_frame *frames, size_t count,
		    enum stack_end end, const struct event_header *at);

/* Takes a STACK or MODULE event of a recording. 0, -EBADMSG out of order, -ENOMEM. */
int stacks_apply(struct stacks *stacks, const struct event_header *event);

/* Tells all definitions again: modules first, by their numbers. `at`: for pid and time. */
void stacks_tell_all(struct stacks *stacks, const struct event_header *at, stacks_sink sink,
		     void *ctx);

/* NULL for numbers never given. */
const struct stack *stacks_get(const struct stacks *stacks, uint32_t number);
const struct stack_module *stacks_module(const struct stacks *stacks, uint32_t number);

size_t stacks_count(const struct stacks *stacks);
size_t stacks_module_count(const struct stacks *stacks);
uint64_t stacks_refused(const struct stacks *stacks); /* chains not kept: too many */
uint64_t stacks_memory(const struct stacks *stacks);

/* "complete", "cut", ... and one sentence. */
const char *stack_end_name(unsigned int end);
const char *stack_end_help(unsigned int end);

#endif
