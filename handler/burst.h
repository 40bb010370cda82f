/* A burst: much memory used once and given back, which the allocator may keep. */
#ifndef HANDLER_BURST_H
#define HANDLER_BURST_H

#include <stddef.h>
#include <stdint.h>

/* Sizes of the blocks, bytes, both included; uniformly distributed. */
#define BURST_BLOCK_MIN 16
#define BURST_BLOCK_MAX 1024

/*
 * Allocates blocks until together they reach bytes, writes every byte of them, then frees them all
 * in random order. The list of the blocks is held outside the allocator, so that nothing but the
 * blocks passes through it. A stop request ends the allocating early; the frees still happen.
 * 0 or -ENOMEM; nothing is left allocated either way.
 */
int burst_run(uint64_t bytes, uint64_t seed);

#endif
