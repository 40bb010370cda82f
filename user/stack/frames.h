/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a stack says to a person: which of its frames are the allocator's and
 * the C library's, which is the first of the user's own program, and to which
 * allocator a mapping that was created under it belongs.
 */
#ifndef TIDEMARK_STACK_FRAMES_H
#define TIDEMARK_STACK_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/stack/symbols.h"

enum frame_role {
	FRAME_USER,	 /* the program and its libraries */
	FRAME_ALLOCATOR, /* malloc and what it calls, operator new */
	FRAME_RUNTIME,	 /* libc, libstdc++, the loader, the vdso: memcpy, fopen, ... */
};

/* The role of one frame, by its module's name, and where that does not tell by its symbol. */
enum frame_role frame_role(struct symbols *symbols, const struct event_frame *frame);

/*
 * The number of leading frames that are folded: all before the first FRAME_USER one. Where there
 * is none, all but the outermost frame that is not the start of the thread or program.
 */
size_t stack_folded(struct symbols *symbols, const struct stack *stack);

/*
 * One line for a site, "cache_insert (handler.c:12)" or "json_loads [libjansson.so.4] < parse":
 * the first frame of the user's program; where that is not of the main program, the first frame
 * of that behind it. text holds size bytes. Returns text.
 */
char *stack_title(struct symbols *symbols, const struct stack *stack, char *text, size_t size);

/*
 * The allocator (enum event_allocator) that mapped memory under this stack: ALLOCATOR_UNKNOWN
 * where the stack is not known or stopped too early to tell. Statically linked allocators are
 * known by their symbols. Cached by stack.
 */
uint32_t stack_allocator(struct symbols *symbols, const struct stack *stack);

#endif
