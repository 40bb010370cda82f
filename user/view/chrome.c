// SPDX-License-Identifier: GPL-2.0-only
#include "user/view/chrome.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <stdio_ext.h>
#include <sys/mman.h>

#include "user/base/clean_text.h"
#include "user/base/cleanup.h"
#include "user/base/units.h"
#include "user/view/invocation_text.h"
#include "user/view/text_line.h"

/* The longest object is a process's name: 16 bytes of it, each escaped as \u00XX at worst. */
#define OBJECT_MAX 1024

/* ---- one object ---- */

/* What is written to the file system is whole objects: see chrome.h. */
static void put_object(FILE *file, const struct text_line *line)
{
	size_t length = line->used < line->size ? line->used : line->size - 1;

	if (__fpending(file) + length > __fbufsize(file))
		fflush(file);
	fwrite(line->text, 1, length, file);
}

/* "ph" and what all have. Microseconds with three digits are nanoseconds, in full. */
static void object_begin(struct text_line *line, char phase, const char *name,
			 const struct process *process, uint32_t tid, uint64_t time_ns)
{
	text_line_add(line,
		      ",\n{\"ph\":\"%c\",\"name\":\"%s\",\"pid\":%" PRIu32 ",\"tid\":%" PRIu32
		      ",\"ts\":%" PRIu64 ".%03" PRIu64,
		      phase, name, process->ledger->pid, tid, time_ns / 1000, time_ns % 1000);
}

/* A name that may hold anything, as a JSON string. */
static void add_text(struct text_line *line, const char *text)
{
	char clean[CLEAN_TEXT_MAX];
	json_t *value = json_string(clean_text(text, clean));
	AUTO_FREE char *quoted = json_dumps(value, JSON_ENCODE_ANY);

	json_decref(value);
	text_line_add(line, "%s", quoted ? quoted : "\"\"");
}

/* ---- names ---- */

static void metadata_add(struct text_line *line, const struct process *process, const char *name)
{
	char comm[EVENT_COMM_LEN + 1] = "";

	memcpy(comm, process->ledger->comm, EVENT_COMM_LEN);
	text_line_add(line,
		      "{\"ph\":\"M\",\"name\":\"%s\",\"pid\":%" PRIu32 ",\"tid\":%" PRIu32
		      ",\"args\":{\"name\":",
		      name, process->ledger->pid, process->ledger->pid);
	add_text(line, comm[0] ? comm : "?");
	text_line_add(line, "}}");
}

static void put_names(FILE *file, const struct process *process, const char *before)
{
	char text[OBJECT_MAX];
	struct text_line line = {.text = text, .size = sizeof(text)};

	text_line_add(&line, "%s", before);
	metadata_add(&line, process, "process_name");
	text_line_add(&line, ",\n");
	/* the main thread has the process's name; of the others none is known */
	metadata_add(&line, process, "thread_name");
	put_object(file, &line);
}

void chrome_begin(FILE *file, const struct process *process)
{
	put_names(file, process, "[\n");
}

/* ---- counters ---- */

struct counter {
	const char *name;
	int64_t value;
};

static void put_counters(FILE *file, const struct process *process, const struct report *report,
			 const char *name, const struct counter *counters, size_t count)
{
	char text[OBJECT_MAX];
	struct text_line line = {.text = text, .size = sizeof(text)};

	object_begin(&line, 'C', name, process, process->ledger->pid, report->time_ns);
	text_line_add(&line, ",\"args\":{");
	for (size_t i = 0; i < count; i++)
		text_line_add(&line, "%s\"%s\":%" PRId64, i ? "," : "", counters[i].name,
			      counters[i].value);
	text_line_add(&line, "}}");
	put_object(file, &line);
}

#define PUT_COUNTERS(file, process, report, name, ...)                                             \
	put_counters(file, process, report, name, (const struct counter[]){__VA_ARGS__},           \
		     sizeof((const struct counter[]){__VA_ARGS__}) / sizeof(struct counter))

/*
 * The classes add up to RSS less what is unexplained. How many of the lazily freed pages are
 * retained is not known; most are, so they are taken out there first.
 */
static void put_classes(FILE *file, const struct process *process, const struct report *report)
{
	uint64_t lazy_retained =
		report->lazyfree < report->retained ? report->lazyfree : report->retained;
	uint64_t retained = report->retained - lazy_retained;

	PUT_COUNTERS(file, process, report, "memory (bytes)", {"retained", (int64_t)retained},
		     {"young", (int64_t)(report->resident - report->lazyfree - retained)},
		     {"lazily freed", (int64_t)report->lazyfree}, {"file", (int64_t)report->file},
		     {"shared", (int64_t)report->shmem});
}

/* What is in the pages of the heap, once its allocations have been followed. */
static void put_heap(FILE *file, const struct process *process, const struct report *report)
{
	const struct heap_report *heap = &report->heap;
	struct counter classes[HEAP_CLASS_COUNT];

	if (!heap->begin_ns)
		return;
	for (unsigned int class = 0; class < HEAP_CLASS_COUNT; class ++)
		classes[class] = (struct counter){heap_class_name(class),
						  (int64_t)(heap->classes[class] << PAGE_SHIFT)};
	put_counters(file, process, report, "heap pages (bytes)", classes, HEAP_CLASS_COUNT);
	PUT_COUNTERS(file, process, report, "live allocations (bytes)",
		     {"live", (int64_t)heap->live_bytes});
}

void chrome_report(FILE *file, const struct process *process, const struct report *report)
{
	put_classes(file, process, report);
	put_heap(file, process, report);
	PUT_COUNTERS(file, process, report, "resident set (bytes)", {"rss", (int64_t)report->rss});
	PUT_COUNTERS(file, process, report, "unexplained (bytes)",
		     {"unexplained", report->unexplained});
	PUT_COUNTERS(file, process, report, "records lost", {"lost", (int64_t)report->lost_total});
	if (report->invocations_unmatched_total)
		PUT_COUNTERS(file, process, report, "invocations unmatched",
			     {"unmatched", (int64_t)report->invocations_unmatched_total});
}

/* ---- instants ---- */

/* scope: 't' of the thread, 'p' of the process. args: of a JSON object, without its braces. */
__attribute__((format(printf, 6, 7))) static void
put_instant(FILE *file, const struct process *process, const struct event_header *event, char scope,
	    const char *name, const char *args, ...)
{
	char text[OBJECT_MAX], rest[OBJECT_MAX / 2];
	struct text_line line = {.text = text, .size = sizeof(text)};
	va_list list;

	va_start(list, args);
	vsnprintf(rest, sizeof(rest), args, list);
	va_end(list);
	object_begin(&line, 'i', name, process, event->tid, event->time_ns);
	text_line_add(&line, ",\"s\":\"%c\",\"args\":{%s}}", scope, rest);
	put_object(file, &line);
}

/*
 * What a call took from the ledger: its record has just been applied. A move took nothing. (The
 * ledger's time is that of the newest record, which may have come before this one.)
 */
static void put_removals(FILE *file, const struct process *process,
			 const struct event_header *event)
{
	const struct ledger *ledger = process->ledger;
	uint64_t kept =
		ledger->removal_count < LEDGER_REMOVALS ? ledger->removal_count : LEDGER_REMOVALS;

	for (uint64_t back = 1; back <= kept; back++) {
		const struct removal *removal =
			&ledger->removals[(ledger->removal_count - back) % LEDGER_REMOVALS];

		if (removal->time_ns != ledger->now_ns || removal->tid != event->tid)
			break;
		if (!removal->pages || removal->kind == REMOVAL_MOVE)
			continue;
		put_instant(file, process, event, 't', removal_kind_name(removal->kind),
			    "\"bytes\":%" PRIu64 ",\"start\":\"0x%" PRIx64 "\",\"end\":\"0x%" PRIx64
			    "\"",
			    removal->pages << PAGE_SHIFT, removal->start, removal->end);
	}
}

static void put_advice(FILE *file, const struct process *process, const struct event_header *event)
{
	const struct event_range *range = (const struct event_range *)event;

	if (range->arg == MADV_FREE)
		put_instant(file, process, event, 't', "free lazily",
			    "\"bytes\":%llu,\"start\":\"0x%llx\"", range->len, range->addr);
	else
		put_removals(file, process, event);
}

/* ---- invocations ---- */

static void add_invocation(struct text_line *line, const struct invocation *invocation)
{
	char id[EVENT_ID_LEN];

	text_line_add(line, ",\"args\":{\"number\":%" PRIu32 ",\"id\":", invocation->number);
	add_text(line, invocation_id_text(invocation->id, invocation->value, id));
	text_line_add(line, ",\"born_pages\":%" PRIu32 ",\"resident_pages\":%" PRIu32 "}}",
		      invocation->born, invocation->resident);
}

/* One end of what does not nest in its thread: an asynchronous event, by its number. */
static void put_async(FILE *file, const struct process *process,
		      const struct invocation *invocation, char phase, uint64_t time_ns)
{
	char text[OBJECT_MAX];
	struct text_line line = {.text = text, .size = sizeof(text)};

	object_begin(&line, phase, "invocation", process, invocation->tid, time_ns);
	text_line_add(&line, ",\"cat\":\"invocation\",\"id\":%" PRIu32, invocation->number);
	add_invocation(&line, invocation);
	put_object(file, &line);
}

static void put_slice(FILE *file, const struct process *process,
		      const struct invocation *invocation)
{
	uint64_t duration = invocation->end_ns - invocation->begin_ns;
	char text[OBJECT_MAX];
	struct text_line line = {.text = text, .size = sizeof(text)};

	object_begin(&line, 'X', "invocation", process, invocation->tid, invocation->begin_ns);
	text_line_add(&line, ",\"dur\":%" PRIu64 ".%03" PRIu64, duration / 1000, duration % 1000);
	add_invocation(&line, invocation);
	put_object(file, &line);
}

/*
 * The invocation that has just ended, if the record ended one. Slices of a thread nest: where one
 * that began later is still open there, it is no slice.
 */
static void put_invocation(FILE *file, const struct process *process,
			   const struct event_header *event)
{
	struct invocations *invocations = process->ledger->invocations;
	const struct invocation *invocation =
		invocations ? invocations_newest_end(invocations) : NULL;

	if (((const struct event_invocation *)event)->edge != INVOCATION_END || !invocation ||
	    invocation->end_ns != event->time_ns)
		return;
	if (invocations_current(invocations, invocation->tid) < invocation->number) {
		put_slice(file, process, invocation);
		return;
	}
	put_async(file, process, invocation, 'b', invocation->begin_ns);
	put_async(file, process, invocation, 'e', invocation->end_ns);
}

/* ---- the stream ---- */

void chrome_event(FILE *file, const struct process *process, const struct event_header *event)
{
	switch (event->kind) {
	case EVENT_MADVISE:
		put_advice(file, process, event);
		break;
	case EVENT_UNMAP:
	case EVENT_OVERLAY:
	case EVENT_BRK_SHRINK:
	case EVENT_MREMAP_BEGIN:
	case EVENT_MREMAP_END:
		put_removals(file, process, event);
		break;
	case EVENT_INVOCATION:
		put_invocation(file, process, event);
		break;
	case EVENT_FAILED:
		put_instant(file, process, event, 't', "call refused", "%s", "");
		break;
	case EVENT_EXEC:
		put_names(file, process, ",\n");
		put_instant(file, process, event, 'p', "exec", "%s", "");
		break;
	case EVENT_FORK:
		put_instant(file, process, event, 't', "fork", "\"child\":%" PRIu32,
			    ((const struct event_fork *)event)->child);
		break;
	case EVENT_LOSS:
		put_instant(file, process, event, 'p', "records lost", "\"records\":%llu",
			    ((const struct event_loss *)event)->lost);
		break;
	case EVENT_EXIT:
		put_instant(file, process, event, 'p', "exit", "%s", "");
		break;
	default:
		break;
	}
}

void chrome_end(FILE *file, const struct process *process)
{
	(void)process;
	fputs("\n]\n", file);
}
