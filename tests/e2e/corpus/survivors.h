/* SPDX-License-Identifier: GPL-2.0-only */
/* Fragmentation on purpose: of many blocks all are freed but one in each page. */
#ifndef TESTS_E2E_CORPUS_SURVIVORS_H
#define TESTS_E2E_CORPUS_SURVIVORS_H

#include "tests/e2e/corpus/corpus.h"

#define SURVIVOR_PAGES 65536U /* a power of two, twice what is ever asked for */

/* Page numbers seen, as a hash table; 0: empty. */
static uintptr_t survivor_pages[SURVIVOR_PAGES];

static inline bool survivor_is_first(const void *block)
{
	uintptr_t page = (uintptr_t)block / PAGE;
	size_t at = page % SURVIVOR_PAGES;

	while (survivor_pages[at] && survivor_pages[at] != page)
		at = (at + 1) % SURVIVOR_PAGES;
	if (survivor_pages[at])
		return false;
	survivor_pages[at] = page;
	return true;
}

/* Frees the list but for the first block seen in each page. */
static inline void survivors_leave(struct corpus_list *list)
{
	struct corpus_block *block;

	while ((block = corpus_list_take(list)))
		if (!survivor_is_first(block))
			corpus_free(block);
}

#endif /* TESTS_E2E_CORPUS_SURVIVORS_H */
