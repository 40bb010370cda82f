/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is known of modules and functions by their names: which are an allocator's,
 * the C library's, the language's own. Tables; the reading of whole stacks is in frames.c.
 * function: the symbol's name as in the file, or NULL if no symbol covers the address.
 */
#ifndef TIDEMARK_STACK_ALLOCATORS_H
#define TIDEMARK_STACK_ALLOCATORS_H

#include <stdbool.h>
#include <stdint.h>

#include "user/stack/frames.h"

struct allocator_row {
	uint8_t allocator; /* enum event_allocator */
	uint8_t role;	   /* enum frame_role of its frames */
	/* It brings a malloc() of its own: whose it is may be told by its other functions. */
	bool has_malloc;
	/*
	 * Its functions call user code, so that one of them further out does not
	 * tell: only the function that asked the kernel counts.
	 */
	bool nearest_only;
	/* Patterns with spaces between, of base names; with a * behind: of their beginnings. */
	const char *modules;
	const char *functions;
	/* Modules that come stripped, whose functions without a name call mmap for the allocator.
	 */
	const char *unnamed;
};

/*
 * The allocator that a module is; that a function belongs to, in any module; that a function
 * without a name belongs to which calls mmap. NULL: none.
 */
const struct allocator_row *allocator_of_module(const char *module);
const struct allocator_row *allocator_of_function(const char *function);
const struct allocator_row *allocator_of_unnamed(const char *module);

/* A C library; *allocator is the one in it. */
bool is_c_library(const char *module, uint32_t *allocator);

/* malloc and those that come with it, under their public names. */
bool is_malloc(const char *function);

/* mmap, brk, madvise, ...: they only pass the call on. */
bool is_system_call(const char *function);

/* Where threads and programs begin. */
bool is_start(const char *function);

/* A module or a function that is neither the user's nor known for more. */
enum frame_role name_role(const char *module, const char *function);

/* A function of a language's library, by the name that people read: std::, core::, ... */
bool is_library_name(const char *name);

#endif
