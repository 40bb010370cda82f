/* SPDX-License-Identifier: GPL-2.0-only */
/* Names of functions as people write them. */
#ifndef TIDEMARK_STACK_DEMANGLE_H
#define TIDEMARK_STACK_DEMANGLE_H

#include <stdbool.h>
#include <stddef.h>

/* Does a name look like a mangled one, of C++ or Rust? */
bool name_is_mangled(const char *name);

/*
 * Demangles C++ and Rust, legacy and v0, into text of size bytes, cut to fit.
 * False: it is no mangled name. 300 characters can make a gigabyte of text, or
 * take longer than anyone has: only for a process that may be killed (reader.h).
 */
bool demangle(const char *name, char *text, size_t size);

#endif
