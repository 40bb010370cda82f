/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TESTS_TARGETS_KEEP_H
#define TESTS_TARGETS_KEEP_H

/* A local array is there, in full, from one of these to the next. */
#define CHAIN_KEEP(locals) __asm__ volatile("" ::"r"(locals) : "memory")

#endif /* TESTS_TARGETS_KEEP_H */
