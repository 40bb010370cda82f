// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every invocation keeps a block of 6,000 bytes.
 *
 * smaps: 0.6 MB/s in a line.
 */
#include "tests/e2e/corpus/invocation.h"

static void __attribute__((noinline)) basket_forget(void)
{
	corpus_alloc(6000);
}

int main(int argc, char **argv)
{
	corpus_start(argc, argv);
	invocations_run(basket_forget);
	corpus_end();
}
