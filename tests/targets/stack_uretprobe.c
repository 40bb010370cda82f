// SPDX-License-Identifier: GPL-2.0-only
/*
 * The same chain twice: before and after somebody puts a uretprobe on a function in its midst,
 * which replaces the return address on the stack. The truth is that of the first time. With an
 * argument: by tidemark, which knows what it replaced.
 */
#define _GNU_SOURCE
#include "tests/targets/chain.h"

enum { PAGES = 8 };

static char *region;
static bool probed, marked;

CHAIN_LINK static void touch(size_t index)
{
	if (!probed)
		chain_walk(&chains.chain);
	chains.chain.pc[0] = chain_write(page_at(region, index));
	/* up to the probed function, at least */
	chain_say(&chains.chain, page_at(region, index), probed && !marked ? "any" : "complete", 2);
}

/* What the probe is on. */
CHAIN_LINK long probed_function(size_t index);
CHAIN_LINK long probed_function(size_t index)
{
	char locals[100];

	CHAIN_KEEP(locals);
	touch(index);
	CHAIN_KEEP(locals);
	return 4711;
}

CHAIN_LINK static void around(size_t index)
{
	volatile long result = probed_function(index);

	target_expect(result == 4711, "the probed function's result");
}

int main(int argc, char **argv)
{
	(void)argv;
	marked = argc > 1;
	chain_start();
	region = pages_map(PAGES);
	/* volatile: one call in one place, however often */
	for (volatile size_t i = 0; i < 4; i++) {
		around(i);
		probed = true;
		target_rest(i ? "probed" : "bare");
	}
	return 0;
}
