// SPDX-License-Identifier: GPL-2.0-only
#include "user/view/allocations.h"

#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/stack/frames.h"

#define LOOKED_UP 256 /* of the largest sites: names cost */

static int compare_bytes(const void *left, const void *right)
{
	const struct allocations_row *a = left, *b = right;

	return a->bytes < b->bytes ? 1 : -(a->bytes > b->bytes);
}

static size_t merge(const struct process *process, const struct heap_site *sites, size_t count,
		    struct allocations_row *rows, size_t max)
{
	size_t used = 0;

	for (size_t i = 0; i < count && sites[i].live_bytes; i++) {
		const struct stack *stack = process_stack(process, sites[i].stack);
		char title[sizeof(rows->title)] = "?";
		size_t at = 0;

		if (stack)
			stack_title(process->symbols, stack, title, sizeof(title));
		while (at < used && strcmp(rows[at].title, title))
			at++;
		if (at == max)
			continue;
		if (at == used) {
			rows[used] = (struct allocations_row){0};
			memcpy(rows[used++].title, title, sizeof(title));
		}
		rows[at].bytes += sites[i].live_bytes;
		rows[at].count += sites[i].live_count;
	}
	qsort(rows, used, sizeof(*rows), compare_bytes);
	return used;
}

size_t allocations_rows(const struct process *process, struct allocations_row *rows, size_t max)
{
	AUTO_FREE struct heap_site *sites = NULL;
	size_t count;

	if (!process->ledger->heap || !process->symbols ||
	    heap_sites(process->ledger->heap, false, &sites, &count))
		return 0;
	return merge(process, sites, count < LOOKED_UP ? count : LOOKED_UP, rows, max);
}
