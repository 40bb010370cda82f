// SPDX-License-Identifier: GPL-2.0-only
/*
 * heap_pairs [SECONDS [SIZE]]
 *
 * Pairs of malloc and free for so long; says what one took of the CPU, in ns, which does not depend
 * on what else the machine does.
 */
#define _GNU_SOURCE

#include "tests/targets/target.h"

#include <time.h>

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	double seconds = (double)target_argument(argc, argv, 1, 1), begin, now;
	size_t size = target_argument(argc, argv, 2, 64), pairs = 0;

	target_start();
	for (size_t i = 0; i < 1000; i++)
		free(malloc(size));
	begin = now = seconds_now();
	while (now - begin < seconds) {
		for (size_t i = 0; i < 1000; i++)
			free(malloc(size));
		pairs += 1000;
		now = seconds_now();
	}
	target_say("PAIR %.1f", (now - begin) * 1e9 / (double)pairs);
	target_flush();
	return 0;
}
