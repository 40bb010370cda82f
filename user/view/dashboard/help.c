// SPDX-License-Identifier: GPL-2.0-only
/* The help: the keys of every page, then what the figures mean. */
#include <string.h>

#include "user/view/dashboard/page.h"
#include "user/view/dashboard/writer.h"

#define HEAD_ROWS 2 /* title, health */
#include "user/view/unwind_text.h"

static void write_keys(struct writer *writer, const struct page_key *keys)
{
	for (; keys->key; keys++)
		writer_entry(writer, keys->key, STYLE_NORMAL, keys->help);
}

static void write_words(struct writer *writer)
{
	static const char *const words[][2] = {
		{"retained", "resident pages first touched before this reporting interval"},
		{"young", "resident pages first touched in this interval"},
		{"lazy", "lazily freed: MADV_FREE, in RSS until the kernel wants the pages"},
		{"purge", "pages given back by madvise while the mapping is kept: they were free"},
		{"return", "pages given back with their mapping: munmap, brk, mremap"},
		{"OWNER",
		 "the library that asked for the mapping; on narrow screens the allocator, "
		 "where it is known"},
		{"ALLOC",
		 "the allocator that made the mapping; of a site: the one whose code touched its "
		 "pages, else, dim, the one found in the process"},
		{"buffer", "fill of the ring buffer between kernel and tidemark; full, it loses "
			   "records"},
		{"repaired", "pages added to or removed from the ledger after a look at the "
			     "kernel's page table; after lost records this makes the figures "
			     "right again"},
		{"orphans", "records about no process that is watched"},
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		writer_entry(writer, words[i][0], STYLE_NORMAL, words[i][1]);
}

static void write_sites(struct writer *writer)
{
	static const char *const words[][2] = {
		{"site",
		 "all resident anonymous pages first touched under the same call stack; the "
		 "sites of a process add up to its pages"},
		{"x3",
		 "three call stacks in one row, alike from the first function of the program's "
		 "own outwards: malloc and memcpy touch pages in many places; f tells them apart"},
		{"SHARE", "of the process's resident anonymous pages"},
		{"GROWTH",
		 "bytes gained since the list of sites before this one; coloured where the "
		 "process grows and a tenth or more of what its sites gained is here"},
		{"AGE", "mean time since the first touch of the site's pages, also the oldest and "
			"the newest of them; '>' where they are older than the watch"},
		{"~",
		 "partly estimated: while many pages are touched, stacks are taken of one fault "
		 "in N, and the other pages are divided among the sites in proportion"},
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		writer_entry(writer, words[i][0], STYLE_NORMAL, words[i][1]);
	for (unsigned int reason = SITE_KNOWN + 1; reason < SITE_REASON_COUNT; reason++)
		writer_entry(writer, site_reason_name(reason), STYLE_NORMAL,
			     site_reason_help(reason));
}

static void write_invocations(struct writer *writer)
{
	static const char *const words[][2] = {
		{"invocation",
		 "one request handled, from where --invocation says it begins to where it ends; a "
		 "page belongs to the innermost one open in the thread that first touched it"},
		{"outside", "pages first touched in no invocation since the first one began: by "
			    "helper threads and between invocations. They are charged to none"},
		{"retained",
		 "resident pages first touched in an invocation that is not open any more"},
		{"LATER",
		 "how many invocations of the process have ended since the page's own; SHARE is "
		 "what was still resident then of all that those that came so far had first "
		 "touched. Pages, not objects: what the allocator uses again stays, so that "
		 "memory grows is told by the growth, not by a high share"},
		{"growth",
		 "of retained pages per invocation, over the newest ones, and its interval of "
		 "confidence of 95%; coloured where all of that is above 0"},
		{"unmatched", "ends whose beginning was not seen: before the watch began, or lost"},
		{"cut", "its end was not seen: the thread ended, records were lost, or exec"},
		{"lossy", "records were lost while it was open: it may have touched more pages"},
		{"too deep", "begun in a thread where too many were open: not told apart"},
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		writer_entry(writer, words[i][0], STYLE_NORMAL, words[i][1]);
}

static void write_verdicts(struct writer *writer)
{
	for (unsigned int kind = 0; kind < VERDICT_COUNT; kind++)
		writer_entry(writer, verdict_word(kind), STYLE_NORMAL, verdict_text(kind));
	for (unsigned int class = 0; class < HEAP_CLASS_COUNT; class ++)
		writer_entry(writer, heap_class_name(class), STYLE_NORMAL, heap_class_help(class));
}

/* The counters in the line about stacks. */
static void write_stack_ends(struct writer *writer)
{
	for (unsigned int end = 0; end < STACK_END_COUNT; end++)
		writer_entry(writer, stack_end_name(end), STYLE_NORMAL, stack_end_help(end));
	for (const struct unwind_counter *counter = unwind_counters; counter->name; counter++)
		writer_entry(writer, counter->name, STYLE_NORMAL, counter->help);
}

static void write_all(struct writer *writer)
{
	static const struct page *const pages[] = {&overview_page,    &process_page,
						   &sites_page,	      &stack_page,
						   &invocations_page, &verdict_page};

	writer_heading(writer, "Keys");
	write_keys(writer, page_common_keys);
	for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++) {
		writer_heading(writer, pages[i]->name);
		write_keys(writer, pages[i]->keys);
	}
	writer_heading(writer, "Columns");
	for (size_t i = 0; i < field_count; i++) {
		if (fields[i].shown & FIELD_IN_OVERVIEW)
			writer_entry(writer, fields[i].title, STYLE_NORMAL, fields[i].help);
	}
	writer_heading(writer, "Words");
	write_words(writer);
	writer_heading(writer, "Sites: where pages come from");
	write_sites(writer);
	writer_heading(writer, "Invocations: what each leaves");
	write_invocations(writer);
	writer_heading(writer, "Verdicts, and classes of heap pages");
	write_verdicts(writer);
	writer_heading(writer, "How call stacks end");
	write_stack_ends(writer);
	writer_heading(writer, "In exports");
	for (size_t i = 0; i < field_count; i++) {
		if (!(fields[i].shown & FIELD_IN_OVERVIEW))
			writer_entry(writer, fields[i].title, STYLE_NORMAL, fields[i].help);
	}
}

static void help_draw(struct dashboard *dashboard, const struct dashboard_input *input,
		      struct grid *grid, unsigned int rows)
{
	struct writer measure = {.grid = grid};
	struct writer writer = {.grid = grid, .head = HEAD_ROWS, .rows = rows - HEAD_ROWS};
	struct page_health health = page_health_of_all(dashboard, input);

	write_all(&measure);
	page_scroll_clamp(&dashboard->help, measure.line, writer.rows);
	writer.top = dashboard->help.top;
	grid_fill(grid, 0, 0, 1, grid->cols, STYLE_TITLE, ' ');
	grid_text(grid, 0, 1, STYLE_TITLE, "tidemark  help");
	page_draw_health(input, grid, 1, &health);
	write_all(&writer);
}

static void help_key(struct dashboard *dashboard, int key, const struct dashboard_input *input)
{
	(void)input;
	if (key == DASHBOARD_KEY_ESC || key == DASHBOARD_KEY_BACKSPACE)
		dashboard->page = dashboard->back;
	else
		page_scroll_key(&dashboard->help, key);
}

static const struct page_key keys[] = {
	{"Esc", "back", "back"},
	{"Up Down", "scroll", "scroll"},
	{NULL, NULL, NULL},
};

const struct page help_page = {
	.name = "Help",
	.keys = keys,
	.draw = help_draw,
	.key = help_key,
};
