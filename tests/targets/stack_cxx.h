/* SPDX-License-Identifier: GPL-2.0-only */
/* Between the two halves of the C++ target. */
#ifndef TESTS_TARGETS_STACK_CXX_H
#define TESTS_TARGETS_STACK_CXX_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct span;

/* Of the C half, which knows how to walk and to talk: see chain.h. */
void cxx_touch(void);
struct span *cxx_span_begin(void);
void cxx_span_end(struct span *span);

/* Of the C++ half. */
void cxx_catch(void);
void cxx_destructor(void);
void cxx_rethrow(void);
void cxx_new(size_t count);
void cxx_throw_far(void);

#ifdef __cplusplus
}
#endif

#endif /* TESTS_TARGETS_STACK_CXX_H */
