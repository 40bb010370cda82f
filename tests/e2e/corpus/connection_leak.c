// SPDX-License-Identifier: GPL-2.0-only
/*
 * Connections with a buffer, a name and a state each: 300 a second come and go, and of one in ten
 * the buffer is forgotten on an error path.
 *
 * smaps: 0.5 MB/s in a line.
 */
#include "tests/e2e/corpus/corpus.h"

struct connection {
	char *name;
	char *buffer;
	char state[200];
};

static void __attribute__((noinline)) connection_close(struct connection *connection, bool failed)
{
	corpus_free(connection->name);
	if (!failed)
		corpus_free(connection->buffer);
	corpus_free(connection);
}

static struct connection *connection_open(void)
{
	struct connection *connection = corpus_alloc(sizeof(*connection));

	connection->name = corpus_alloc(40 + corpus_random(40));
	connection->buffer = corpus_alloc(16 * KIB);
	return connection;
}

int main(int argc, char **argv)
{
	size_t served = 0;

	corpus_start(argc, argv);
	while (corpus_step(20)) {
		corpus_work(300);
		for (; served < corpus_due(0, 300); served++)
			connection_close(connection_open(), served % 10 == 3);
	}
	corpus_end();
}
