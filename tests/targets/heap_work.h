/* SPDX-License-Identifier: GPL-2.0-only */
/* The account that heap_work keeps of its own allocations, in a file that the test maps, too. */
#ifndef TESTS_TARGETS_HEAP_WORK_H
#define TESTS_TARGETS_HEAP_WORK_H

#include <stdint.h>

#define HEAP_THREADS 4
#define HEAP_SLOTS 2000 /* allocations of one thread at a time */

struct heap_slot {
	uint64_t addr; /* 0: none */
	uint64_t size; /* as asked for */
};

struct heap_account {
	struct heap_slot slots[HEAP_THREADS][HEAP_SLOTS];
	uint64_t allocations; /* that succeeded, reallocs among them */
	uint64_t refused;
	uint64_t old_frees; /* of what was there at the first rest */
};

#endif
