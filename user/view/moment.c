// SPDX-License-Identifier: GPL-2.0-only
#include "user/view/moment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/clean_text.h"
#include "user/base/cleanup.h"
#include "user/base/units.h"
#include "user/stack/frames.h"
#include "user/view/fields.h"
#include "user/view/site_text.h"

#define TITLE_LEN 512

/* ---- parts ---- */

/* Takes both texts, in any case. */
static int part_add(struct moment_parts *parts, char *key, char *title, struct moment_part figures)
{
	if (parts->count == parts->capacity) {
		size_t capacity = parts->capacity ? parts->capacity * 2 : 32;
		struct moment_part *items = reallocarray(parts->items, capacity, sizeof(*items));

		if (items) {
			parts->items = items;
			parts->capacity = capacity;
		}
	}
	if (!key || !title || parts->count == parts->capacity) {
		free(key);
		free(title);
		return -ENOMEM;
	}
	figures.key = key;
	figures.title = title;
	parts->items[parts->count++] = figures;
	return 0;
}

static void part_release(struct moment_part *part)
{
	free(part->key);
	free(part->title);
}

static int compare_keys(const void *left, const void *right)
{
	const struct moment_part *a = left, *b = right;

	return strcmp(a->key, b->key);
}

/* By key, those with the same one as one. */
static void parts_settle(struct moment_parts *parts)
{
	size_t kept = 0;

	if (parts->count)
		qsort(parts->items, parts->count, sizeof(*parts->items), compare_keys);
	for (size_t i = 0; i < parts->count; i++) {
		struct moment_part *item = &parts->items[i];
		struct moment_part *last = kept ? &parts->items[kept - 1] : NULL;

		if (!last || strcmp(last->key, item->key)) {
			parts->items[kept++] = *item;
			continue;
		}
		last->count += item->count;
		last->resident += item->resident;
		last->retained += item->retained;
		last->lazy += item->lazy;
		part_release(item);
	}
	parts->count = kept;
}

static void parts_free(struct moment_parts *parts)
{
	for (size_t i = 0; i < parts->count; i++)
		part_release(&parts->items[i]);
	free(parts->items);
}

static char *clean_copy(const char *text)
{
	char clean[CLEAN_TEXT_MAX];

	return strdup(clean_text(text, clean));
}

static int take_site(struct moment_parts *parts, const struct process *process,
		     const struct site *site)
{
	const struct stack *stack = site_text_stack(process, site);
	char title[TITLE_LEN];
	struct moment_part figures = {
		.count = 1,
		.resident = site->resident << PAGE_SHIFT,
		.retained = site->retained << PAGE_SHIFT,
		.lazy = site->lazy << PAGE_SHIFT,
	};

	return part_add(
		parts, site_text_frames(process, site),
		clean_copy(stack ? stack_title(process->symbols, stack, title, sizeof(title))
				 : site_text_placeholder(site)),
		figures);
}

static int take_mapping(struct moment_parts *parts, const struct mapping_report *mapping)
{
	const char *kind = mapping_kind_name(mapping->kind);
	/* the kernel's name of the heap is known from a reading of /proc on: its kind says it */
	const char *name = strcmp(mapping->name, "[heap]") ? mapping->name : "";
	char text[TITLE_LEN];
	struct moment_part figures = {
		.count = 1,
		.resident = mapping->resident << PAGE_SHIFT,
		.retained = mapping->retained << PAGE_SHIFT,
		.lazy = mapping->lazy << PAGE_SHIFT,
	};

	snprintf(text, sizeof(text), "%s%s%s%s%s", kind, *name ? " " : "", name,
		 *mapping->owner ? " of " : "", mapping->owner);
	return part_add(parts, clean_copy(text), clean_copy(text), figures);
}

static int take_parts(struct moment_process *taken, struct process *process)
{
	AUTO_FREE struct mapping_report *mappings = NULL;
	size_t count;
	int rc = process_update_sites(process);

	for (size_t i = 0; i < process->sites.count && !rc; i++)
		rc = take_site(&taken->sites, process, &process->sites.sites[i]);
	if (!rc)
		rc = ledger_report_mappings(process->ledger, &mappings, &count);
	for (size_t i = 0; !rc && i < count; i++)
		rc = take_mapping(&taken->mappings, &mappings[i]);
	parts_settle(&taken->sites);
	parts_settle(&taken->mappings);
	if (process->symbols)
		symbols_rest(process->symbols);
	return rc;
}

/* ---- processes ---- */

static void process_release(struct moment_process *process)
{
	free(process->command);
	free(process->values);
	parts_free(&process->sites);
	parts_free(&process->mappings);
}

static int take_figures(struct moment_process *taken, const struct process *process,
			const struct report *report)
{
	char comm[EVENT_COMM_LEN + 1] = "";

	memcpy(comm, process->ledger->comm, EVENT_COMM_LEN);
	taken->command = clean_copy(comm);
	taken->values = calloc(field_count, sizeof(*taken->values));
	if (!taken->command || !taken->values)
		return -ENOMEM;
	for (size_t i = 0; i < field_count; i++)
		taken->values[i] = field_number(&fields[i], fields[i].get(process, report));
	return 0;
}

int moment_take(struct moment *moment, struct process *process)
{
	const struct report *report = process_newest(process);
	struct moment_process taken = {
		.pid = process->ledger->pid,
		.attach_ns = process->ledger->attach_ns,
		.time_s = report ? report->time_s : 0,
	};
	int rc;

	if (!report)
		return 0;
	if (moment->count == moment->capacity) {
		size_t capacity = moment->capacity ? moment->capacity * 2 : 8;
		struct moment_process *processes =
			reallocarray(moment->processes, capacity, sizeof(*processes));

		if (!processes)
			return -ENOMEM;
		moment->processes = processes;
		moment->capacity = capacity;
	}
	rc = take_figures(&taken, process, report);
	if (!rc)
		rc = take_parts(&taken, process);
	if (rc) {
		process_release(&taken);
		return rc;
	}
	moment->processes[moment->count++] = taken;
	return 0;
}

void moment_free(struct moment *moment)
{
	for (size_t i = 0; i < moment->count; i++)
		process_release(&moment->processes[i]);
	free(moment->processes);
	*moment = (struct moment){0};
}
