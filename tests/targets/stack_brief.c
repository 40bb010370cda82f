// SPDX-License-Identifier: GPL-2.0-only
/* Ends right after its last first touch: what it did is looked at when it is gone. */
#define _GNU_SOURCE
#include "tests/targets/chain.h"

enum { PAGES = 8 };

static char *region;

CHAIN_LINK static void touch(size_t index)
{
	char locals[200];

	CHAIN_KEEP(locals);
	chain_touch(page_at(region, index));
	CHAIN_KEEP(locals);
}

int main(void)
{
	chain_start();
	region = pages_map(PAGES);
	touch(0);
	target_rest("before");
	for (size_t i = 1; i < PAGES; i++)
		touch(i);
	target_flush();
	_exit(0);
}
