// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events as lines of JSON. There may be a million a second, so what is a number
 * is printed as one; only text, which comes from the watched process, goes
 * through the JSON library (2.4 us an event where this takes 0.4).
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "user/base/cleanup.h"
#include "user/source/decode.h"
#include "user/stack/stacks.h"
#include "user/view/export.h"
#include "user/view/invocation_text.h"

/* The line being made. No event's fields come near EVENT_JSON_MAX: a frame takes 48 bytes. */
struct line {
	char *text;
	size_t used;
};

__attribute__((format(printf, 2, 3))) static void put(struct line *line, const char *format, ...)
{
	size_t room = EVENT_JSON_MAX - line->used;
	va_list args;
	int size;

	va_start(args, format);
	size = vsnprintf(line->text + line->used, room, format, args);
	va_end(args);
	if (size > 0)
		line->used += (size_t)size < room ? (size_t)size : room - 1;
}

static void put_address(struct line *line, const char *key, uint64_t address)
{
	put(line, ",\"%s\":\"0x%" PRIx64 "\"", key, address);
}

static void put_number(struct line *line, const char *key, uint64_t number)
{
	put(line, ",\"%s\":%" PRIu64, key, number);
}

/* Names are whatever the process chose: what is not UTF-8 becomes '?'. */
static void put_text(struct line *line, const char *key, const char *text, size_t size)
{
	size_t length = strnlen(text, size);
	json_t *value = json_stringn(text, length);
	AUTO_FREE char *quoted = NULL;
	char clean[EVENT_PATH_LEN];

	if (!value) {
		length = length < sizeof(clean) ? length : sizeof(clean);
		for (size_t i = 0; i < length; i++)
			clean[i] = isascii((unsigned char)text[i]) ? text[i] : '?';
		value = json_stringn(clean, length);
	}
	quoted = json_dumps(value, JSON_ENCODE_ANY);
	json_decref(value);
	put(line, ",\"%s\":%s", key, quoted ? quoted : "null");
}

static void put_mmap(struct line *line, const struct event_mmap *call)
{
	put_address(line, "addr", call->addr);
	put_number(line, "length", call->len);
	put_number(line, "prot", call->prot);
	put_number(line, "flags", call->flags);
	put_address(line, "caller", call->callers[0]);
}

static void put_mmap_file(struct line *line, const struct event_mmap_file *call)
{
	put_mmap(line, &call->m);
	put_number(line, "offset", call->offset);
	put_text(line, "name", call->name, sizeof(call->name));
}

static void put_mremap(struct line *line, const struct event_mremap *call)
{
	put_address(line, "addr", call->old_addr);
	put_number(line, "length", call->old_len);
	put_number(line, "new_length", call->new_len);
	put_number(line, "flags", call->flags);
	if (call->h.kind != EVENT_MREMAP_END)
		return;
	if (call->result < 0 && call->result >= -4095)
		put_number(line, "error", (uint64_t)-call->result);
	else
		put_address(line, "new_addr", (uint64_t)call->result);
}

static void put_vma(struct line *line, const struct event_vma *vma)
{
	put_address(line, "start", vma->start);
	put_address(line, "end", vma->end);
	put_number(line, "prot", vma->prot);
	put_text(line, "name", vma->name, sizeof(vma->name));
}

static void put_scan(struct line *line, const struct event_scan *scan)
{
	uint64_t pages = 0;

	for (uint32_t i = 0; i < scan->run_count; i++)
		pages += scan->runs[i].pages;
	put_address(line, "start", scan->start);
	put_address(line, "end", scan->end);
	put_number(line, "cause", scan->cause);
	put_number(line, "pages", pages);
}

static void put_cycle(struct line *line, const struct event_cycle *cycle)
{
	put_number(line, "cause", cycle->cause);
	put_number(line, "end", cycle->end);
	put_number(line, "cost_ns", cycle->cost_ns);
}

static void put_sample(struct line *line, const struct event_sample *sample)
{
	put_number(line, "anon_bytes", sample->anon_bytes);
	put_number(line, "file_bytes", sample->file_bytes);
	put_number(line, "shmem_bytes", sample->shmem_bytes);
	put_number(line, "swap_bytes", sample->swap_bytes);
	put_number(line, "virtual_bytes", sample->virtual_bytes);
	put_number(line, "cpu_ns", sample->cpu_ns);
	put_number(line, "threads", sample->threads);
}

static void put_identity(struct line *line, const struct event_identity *identity)
{
	put_text(line, "command", identity->comm, sizeof(identity->comm));
	put_text(line, "allocator", allocator_name(identity->allocator), 32);
}

static void put_range(struct line *line, const struct event_range *range)
{
	put_address(line, "addr", range->addr);
	put_number(line, "length", range->len);
	if (range->h.kind == EVENT_MADVISE || range->h.kind == EVENT_POPULATE)
		put_number(line, "advice", range->arg);
	else if (range->h.kind == EVENT_MPROTECT)
		put_number(line, "prot", range->arg);
	else if (range->h.kind == EVENT_FAILED)
		put_number(line, "call", range->call);
	else if (range->h.kind == EVENT_LAZYFREE)
		put_number(line, "lazyfree_bytes", range->len ? range->value : 0);
}

static void put_fault(struct line *line, const struct event_fault *fault)
{
	put_address(line, "addr", fault->addr);
	put_number(line, "error", fault->error);
	if (fault->weight > 1)
		put_number(line, "weight", fault->weight);
}

static void put_loss(struct line *line, const struct event_loss *loss)
{
	put_number(line, "lost", loss->lost);
	if (loss->stacks)
		put_number(line, "lost_stacks", loss->stacks);
}

static void put_module(struct line *line, const struct event_module *module)
{
	put_number(line, "number", module->number);
	put_text(line, "path", module->path, sizeof(module->path));
	put(line, ",\"build_id\":\"");
	for (size_t i = 0; i < module->build_id_len && i < EVENT_BUILD_ID_LEN; i++)
		put(line, "%02x", module->build_id[i]);
	put(line, "\"");
}

static void put_stack(struct line *line, const struct event_stack *stack)
{
	put_number(line, "number", stack->number);
	put_text(line, "end", stack_end_name(stack->end), 32);
	put(line, ",\"frames\":[");
	for (uint32_t i = 0; i < stack->frame_count; i++) {
		uint64_t address = stack->frames[i].address;

		put(line, "%s{\"module\":%" PRIu32 ",\"addr\":\"0x%" PRIx64 "\"}", i ? "," : "",
		    stack->frames[i].module, address);
	}
	put(line, "]");
}

static void put_invocation(struct line *line, const struct event_invocation *invocation)
{
	static const char *const edges[INVOCATION_EDGE_COUNT] = {
		[INVOCATION_BEGIN] = "begin",
		[INVOCATION_END] = "end",
		[INVOCATION_GONE] = "gone",
	};
	char id[EVENT_ID_LEN];

	put(line, ",\"edge\":\"%s\"", edges[invocation->edge]);
	invocation_id_text(invocation->id, invocation->value, id);
	if (*id)
		put_text(line, "id", id, sizeof(id));
	if (invocation->caller)
		put_address(line, "caller", invocation->caller);
}

static void put_settings(struct line *line, const struct event_settings *settings)
{
	put_text(line, "environment", settings->text, sizeof(settings->text));
	put_number(line, "purge_thread", settings->flags & SETTINGS_PURGE_THREAD ? 1 : 0);
}

static void put_heap(struct line *line, const struct event_heap *heap)
{
	put(line, ",\"state\":\"%s\"", heap->state == HEAP_ON ? "on" : "off");
	put_text(line, "allocator", allocator_name(heap->allocator), 32);
	put_number(line, "functions", heap->functions);
	put_number(line, "dear", heap->dear);
}

static void put_alloc(struct line *line, const struct event_alloc *alloc)
{
	put_address(line, "addr", alloc->addr);
	put_number(line, "size", alloc->size);
	if (alloc->flags & ALLOC_REALLOC)
		put_address(line, "old", alloc->old);
}

static void put_free(struct line *line, const struct event_free *event)
{
	put_address(line, "addr", event->addr);
	put_number(line, "realloc", event->flags & FREE_REALLOC ? 1 : 0);
}

static void put_payload(struct line *line, const struct event_header *event)
{
	const void *data = event;

	switch (event->kind) {
	case EVENT_FAULT:
		return put_fault(line, data);
	case EVENT_MREMAP_BEGIN:
	case EVENT_MREMAP_END:
		return put_mremap(line, data);
	case EVENT_MMAP:
		return put_mmap(line, data);
	case EVENT_MMAP_FILE:
		return put_mmap_file(line, data);
	case EVENT_FORK:
		return put_number(line, "child", ((const struct event_fork *)data)->child);
	case EVENT_EXEC:
		return put_text(line, "command", ((const struct event_exec *)data)->comm,
				EVENT_COMM_LEN);
	case EVENT_EXIT:
		return put_number(line, "code", ((const struct event_exit *)data)->code);
	case EVENT_ATTACH:
		return put_text(line, "command", ((const struct event_attach *)data)->comm,
				EVENT_COMM_LEN);
	case EVENT_IDENTITY:
		return put_identity(line, data);
	case EVENT_VMA:
		return put_vma(line, data);
	case EVENT_SCAN:
		return put_scan(line, data);
	case EVENT_CYCLE:
		return put_cycle(line, data);
	case EVENT_SAMPLE:
		return put_sample(line, data);
	case EVENT_LOSS:
		return put_loss(line, data);
	case EVENT_MODULE:
		return put_module(line, data);
	case EVENT_STACK:
		return put_stack(line, data);
	case EVENT_INVOCATION:
		return put_invocation(line, data);
	case EVENT_SETTINGS:
		return put_settings(line, data);
	case EVENT_HEAP:
		return put_heap(line, data);
	case EVENT_ALLOC_BEGIN:
		return put_number(line, "size", ((const struct event_alloc_begin *)data)->size);
	case EVENT_ALLOC:
		return put_alloc(line, data);
	case EVENT_FREE:
		return put_free(line, data);
	default:
		return put_range(line, data);
	}
}

size_t event_to_json(const struct event_header *event, uint64_t start_ns, char text[EVENT_JSON_MAX])
{
	struct line line = {.text = text};
	int64_t since = (int64_t)(event->time_ns - start_ns);
	char kind[32];

	snprintf(kind, sizeof(kind), "%s", event_kind_name(event->kind));
	for (char *at = kind; *at; at++)
		*at = (char)tolower((unsigned char)*at);
	put(&line, "{\"time_s\":%.9f,\"event\":\"%s\",\"tid\":%" PRIu32,
	    (double)since / NSEC_PER_SEC, kind, event->tid);
	if (event->stack && event->stack != STACK_TAKEN)
		put_number(&line, "stack", event->stack);
	put_payload(&line, event);
	put(&line, "}\n");
	return line.used;
}
