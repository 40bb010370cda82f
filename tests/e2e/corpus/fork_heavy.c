// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ten children a second; each writes 4 MiB that it inherited, and is gone after 50 ms.
 *
 * smaps: 4.1 MB throughout; each child has as much for 50 ms.
 */
#include "tests/e2e/corpus/corpus.h"

#include <sys/wait.h>

int main(int argc, char **argv)
{
	size_t children = 0;
	char *shared;

	corpus_start(argc, argv);
	shared = corpus_alloc(4 * MIB);
	while (corpus_step(20)) {
		corpus_churn(16);
		for (; children < corpus_due(0, 10); children++) {
			if (fork())
				continue;
			corpus_touch(shared, 4 * MIB);
			poll(NULL, 0, 50);
			_exit(0);
		}
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
	while (wait(NULL) > 0)
		;
	corpus_end();
}
