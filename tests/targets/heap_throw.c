// SPDX-License-Identifier: GPL-2.0-only
/*
 * heap_throw
 *
 * Catches what operator new throws, of an allocator that has its own: when it asks for what nobody
 * has, and when it reaches its own limit. Rests: `caught`, `limited`.
 */
#define _GNU_SOURCE

#include "tests/targets/target.h"

#include <sys/resource.h>

#include "tests/targets/heap_throw.h"

#define COUNT_MAX 1000

int main(void)
{
	struct rlimit limit = {512 * MIB, RLIM_INFINITY};

	target_start();
	target_expect(!throw_is_refused(100), "a little is there");
	target_expect(throw_is_refused(1UL << 62), "too much is refused");
	target_rest("caught");
	target_expect(!setrlimit(RLIMIT_AS, &limit), "setrlimit");
	target_expect(throw_until_refused(MIB, COUNT_MAX) < COUNT_MAX, "the limit is met");
	target_rest("limited");
	return 0;
}
