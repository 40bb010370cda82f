/* SPDX-License-Identifier: GPL-2.0-only */
/* The part of heap_throw that is C++. */
#ifndef TESTS_TARGETS_HEAP_THROW_H
#define TESTS_TARGETS_HEAP_THROW_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Does operator new throw? */
bool throw_is_refused(size_t size);

/* How often it gives size bytes before it throws, at most max times; they stay. */
unsigned int throw_until_refused(size_t size, unsigned int max);

#ifdef __cplusplus
}
#endif

#endif
