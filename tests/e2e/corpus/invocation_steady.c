// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every invocation replaces the block of 6,000 bytes that one 64 invocations ago had kept.
 *
 * smaps: 0.5 to 0.8 MB throughout.
 */
#include "tests/e2e/corpus/invocation.h"

static void *baskets[64];

static void __attribute__((noinline)) basket_replace(void)
{
	static size_t turn;

	corpus_replace(&baskets[turn++ % 64], 6000);
}

int main(int argc, char **argv)
{
	corpus_start(argc, argv);
	invocations_run(basket_replace);
	corpus_end();
}
