// SPDX-License-Identifier: GPL-2.0-only
#include "user/view/site_text.h"

#include <stdio.h>
#include <stdlib.h>

#include "user/base/clean_text.h"
#include "user/base/cleanup.h"
#include "user/stack/frames.h"

const struct stack *site_text_stack(const struct process *process, const struct site *site)
{
	return process_stack(process, site->stack);
}

const char *site_text_placeholder(const struct site *site)
{
	static const char *const texts[SITE_REASON_COUNT] = {
		[SITE_KNOWN] = "[stack without names]",
		[SITE_FOUND] = "[found at attach]",
		[SITE_REPAIRED] = "[found by reconciliation]",
		[SITE_UNSAMPLED] = "[stack not sampled]",
		[SITE_UNTAKEN] = "[stack not taken]",
	};

	return site->reason < SITE_REASON_COUNT ? texts[site->reason] : "[unknown]";
}

uint32_t site_text_allocator(const struct process *process, const struct site *site)
{
	const struct stack *stack = site_text_stack(process, site);
	uint32_t allocator = stack ? stack_allocator(process->symbols, stack) : ALLOCATOR_UNKNOWN;

	/* OTHER says of a mapping that the program asked for it; of a first touch it says nothing
	 */
	if (allocator == ALLOCATOR_UNKNOWN || allocator == ALLOCATOR_OTHER)
		return process->ledger->allocator;
	return allocator;
}

static void put_stack(FILE *file, const struct process *process, const struct stack *stack)
{
	char clean[CLEAN_TEXT_MAX];
	bool first = true;

	for (size_t i = stack->frame_count; i-- > 0;) {
		struct symbol_lines shown = symbols_of(process->symbols, &stack->frames[i]);

		for (size_t j = shown.count; j-- > 0; first = false) {
			if (!first)
				fputc(';', file);
			fputs(clean_item(shown.lines[j].name, clean), file);
		}
	}
}

char *site_text_frames(const struct process *process, const struct site *site)
{
	const struct stack *stack = site_text_stack(process, site);
	AUTO_FREE char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	if (!file)
		return NULL;
	if (stack)
		put_stack(file, process, stack);
	else
		fputs(site_text_placeholder(site), file);
	if (fclose(file))
		return NULL;
	return TAKE_PTR(text);
}
