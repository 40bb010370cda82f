// SPDX-License-Identifier: GPL-2.0-only
/*
 * Documents that are parsed into a tree of small nodes, looked at and freed, 20 a second: much is
 * allocated and nothing is kept.
 *
 * smaps: 1 to 3 MB within the first half second, then flat; jemalloc a few 100 KB more.
 */
#include "tests/e2e/corpus/corpus.h"

struct node {
	struct node *next;
	char *text;
	char value[48];
};

static struct node *parse(size_t nodes)
{
	struct node *first = NULL;

	while (nodes--) {
		struct node *node = corpus_alloc(sizeof(*node));

		node->text = corpus_alloc(20 + corpus_random(200));
		node->next = first;
		first = node;
	}
	return first;
}

static void release(struct node *node)
{
	while (node) {
		struct node *next = node->next;

		corpus_free(node->text);
		corpus_free(node);
		node = next;
	}
}

int main(int argc, char **argv)
{
	size_t documents = 0;

	corpus_start(argc, argv);
	while (corpus_step(10))
		for (; documents < corpus_due(0, 20); documents++) {
			struct node *tree = parse(1500);

			corpus_work(1000);
			release(tree);
		}
	corpus_end();
}
