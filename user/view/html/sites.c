// SPDX-License-Identifier: GPL-2.0-only
/* The sites of a page. Frames are told once, and named by their places in a list. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/clean_text.h"
#include "user/base/cleanup.h"
#include "user/base/intern.h"
#include "user/stack/frames.h"
#include "user/view/html/parts.h"
#include "user/view/site_text.h"

#define TITLE_LEN 512

struct frame_list {
	const struct process *process;
	struct intern known; /* of what is in the array, its number less 1 */
	json_t *frames;
};

/* Adds a frame as JSON, unless it is there. -1 without memory. */
static json_int_t frame_add(struct frame_list *list, json_t *frame)
{
	AUTO_FREE char *text = json_dumps(frame, JSON_COMPACT);
	uint32_t before = list->known.count, number;

	number = text ? intern_string(&list->known, text) : 0;
	if (number > before)
		json_array_append(list->frames, frame);
	json_decref(frame);
	return (json_int_t)number - 1;
}

static json_t *line_json(const struct symbol *line, const char *module, enum frame_role role)
{
	char place[CLEAN_TEXT_MAX] = "";
	const char *base = strrchr(line->file, '/');

	if (*line->file)
		snprintf(place, sizeof(place), "%s:%" PRIu32, base ? base + 1 : line->file,
			 line->line);
	return json_pack("[o, o, o, i, b]", html_text(line->name), html_text(place),
			 html_text(module), (int)role, line->inlined);
}

/* The numbers of its frames, outermost first. */
static json_t *stack_numbers(struct frame_list *list, const struct stack *stack)
{
	const struct process *process = list->process;
	json_t *numbers = json_array();

	for (size_t i = stack->frame_count; i-- > 0;) {
		const struct event_frame *frame = &stack->frames[i];
		struct symbol_lines shown = symbols_of(process->symbols, frame);
		const struct stack_module *module = stacks_module(process->stacks, frame->module);
		const char *path = module ? module->path : "";
		const char *base = strrchr(path, '/');

		for (size_t j = shown.count; j-- > 0;)
			html_append(&numbers,
				    json_integer(frame_add(
					    list, line_json(&shown.lines[j], base ? base + 1 : path,
							    frame_role(process->symbols, frame)))));
	}
	return numbers;
}

static json_t *placeholder_numbers(struct frame_list *list, const char *placeholder)
{
	json_t *frame = json_pack("[s, s, s, i, b]", placeholder, "", "", (int)FRAME_RUNTIME, 0);

	return json_pack("[I]", frame_add(list, frame));
}

static json_t *site_row(struct frame_list *list, const struct site *site)
{
	const struct process *process = list->process;
	const struct stack *stack = site_text_stack(process, site);
	const char *placeholder = site_text_placeholder(site);
	char title[TITLE_LEN];

	return json_pack(
		"{s:I, s:o, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o}", "stack",
		(json_int_t)site->stack, "title",
		html_text(stack ? stack_title(process->symbols, stack, title, sizeof(title))
				: placeholder),
		"allocator", allocator_name(site_text_allocator(process, site)), "reason",
		stack ? "" : site_reason_help(site->reason), "end",
		stack && stack->end ? stack_end_help(stack->end) : "", "resident",
		(json_int_t)site->resident, "retained", (json_int_t)site->retained, "lazy",
		(json_int_t)site->lazy, "estimated", (json_int_t)site->estimated, "growth",
		(json_int_t)site->growth, "oldest", html_number(site->oldest_s), "newest",
		html_number(site->newest_s), "mean", html_number(site->mean_s), "frames",
		stack ? stack_numbers(list, stack) : placeholder_numbers(list, placeholder));
}

static json_t *rest_row(const struct site_list *sites, json_t *notes)
{
	struct site rest = {0};

	if (sites->count <= HTML_SITES_MAX)
		return json_null();
	for (size_t i = HTML_SITES_MAX; i < sites->count; i++) {
		rest.resident += sites->sites[i].resident;
		rest.retained += sites->sites[i].retained;
		rest.lazy += sites->sites[i].lazy;
		rest.growth += sites->sites[i].growth;
	}
	html_note(notes,
		  "The %d sites with the most resident pages are told one by one; %zu more are "
		  "summed.",
		  HTML_SITES_MAX, sites->count - HTML_SITES_MAX);
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "count",
			 (json_int_t)(sites->count - HTML_SITES_MAX), "resident",
			 (json_int_t)rest.resident, "retained", (json_int_t)rest.retained, "lazy",
			 (json_int_t)rest.lazy, "growth", (json_int_t)rest.growth);
}

/* Live allocations by the stack they were made under: estimates, by samples. */
static json_t *allocations(struct frame_list *list, json_t *notes)
{
	const struct process *process = list->process;
	AUTO_FREE struct heap_site *sites = NULL;
	uint64_t rest = 0;
	size_t count;
	json_t *rows;

	if (!process->ledger->heap || !process->symbols)
		return json_array();
	if (heap_sites(process->ledger->heap, false, &sites, &count))
		return NULL;
	rows = json_array();
	for (size_t i = 0; i < count && sites[i].live_bytes; i++) {
		const struct stack *stack = process_stack(process, sites[i].stack);

		if (i >= HTML_SITES_MAX || !stack)
			rest += sites[i].live_bytes;
		else
			html_append(&rows, json_pack("{s:I, s:I, s:o}", "live",
						     (json_int_t)sites[i].live_bytes, "count",
						     (json_int_t)sites[i].live_count, "frames",
						     stack_numbers(list, stack)));
	}
	if (rest)
		html_append(&rows,
			    json_pack("{s:I, s:i, s:o}", "live", (json_int_t)rest, "count", 0,
				      "frames", placeholder_numbers(list, "[other allocations]")));
	if (count > HTML_SITES_MAX)
		html_note(notes,
			  "The %d stacks with the most live bytes are told one by one; %zu more "
			  "are summed.",
			  HTML_SITES_MAX, count - HTML_SITES_MAX);
	return rows;
}

json_t *html_sites(const struct process *process, json_t *notes)
{
	const struct site_list *sites = &process->sites;
	struct frame_list list = {.process = process, .frames = json_array()};
	json_t *rows = json_array(), *live;

	for (size_t i = 0; i < sites->count && i < HTML_SITES_MAX; i++)
		html_append(&rows, site_row(&list, &sites->sites[i]));
	live = allocations(&list, notes);
	intern_free(&list.known);
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "seconds", html_number(sites->seconds),
			 "frames", list.frames, "rows", rows, "rest", rest_row(sites, notes),
			 "allocations", live);
}
