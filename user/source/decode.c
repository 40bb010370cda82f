// SPDX-License-Identifier: GPL-2.0-only
#include "user/source/decode.h"

#include <errno.h>
#include <stdint.h>
#include <stdbool.h>
#include <string.h>

static const size_t sizes[EVENT_KIND_COUNT] = {
#define X(name, type, text) [EVENT_##name] = sizeof(struct type),
	EVENT_KINDS(X)
#undef X
};

const char *event_kind_name(unsigned int kind)
{
	static const char *const names[EVENT_KIND_COUNT] = {
#define X(name, type, text) [EVENT_##name] = #name,
		EVENT_KINDS(X)
#undef X
	};

	return kind < EVENT_KIND_COUNT && names[kind] ? names[kind] : "?";
}

const char *event_kind_help(unsigned int kind)
{
	static const char *const texts[EVENT_KIND_COUNT] = {
#define X(name, type, text) [EVENT_##name] = (text),
		EVENT_KINDS(X)
#undef X
	};

	return kind < EVENT_KIND_COUNT && texts[kind] ? texts[kind] : "";
}

size_t event_size(unsigned int kind)
{
	return kind < EVENT_KIND_COUNT ? sizes[kind] : 0;
}

static int scan_check(const struct event_scan *scan)
{
	__u64 at = scan->start, pages = 0;

	if (scan->start > scan->end || scan->end > EVENT_ADDRESS_LIMIT ||
	    scan->run_count > (scan->h.size - sizeof(*scan)) / sizeof(*scan->runs))
		return -EBADMSG;
	for (__u32 i = 0; i < scan->run_count; i++) {
		const struct event_run *run = &scan->runs[i];

		if (run->start < at || run->start > scan->end || run->start & 4095 ||
		    run->pages > (scan->end - run->start) >> 12)
			return -EBADMSG;
		at = run->start + (run->pages << 12);
		pages += run->pages;
	}
	return pages <= EVENT_RUNS_MAX ? 0 : -EBADMSG;
}

static int snapshot_check(const struct event_snapshot *snapshot)
{
	if (snapshot->bytes > snapshot->h.size - sizeof(*snapshot) || snapshot->bytes & 7 ||
	    snapshot->register_count > EVENT_REGISTERS_MAX || !snapshot->register_count ||
	    snapshot->return_count > EVENT_RETURNS_MAX)
		return -EBADMSG;
	return 0;
}

static int module_check(const struct event_module *module)
{
	if (module->build_id_len > EVENT_BUILD_ID_LEN || !module->number ||
	    !memchr(module->path, '\0', sizeof(module->path)))
		return -EBADMSG;
	return 0;
}

static int stack_check(const struct event_stack *stack)
{
	if (!stack->number || stack->end >= STACK_END_COUNT || !stack->frame_count ||
	    stack->frame_count > EVENT_FRAMES_MAX ||
	    stack->frame_count > (stack->h.size - sizeof(*stack)) / sizeof(*stack->frames))
		return -EBADMSG;
	return 0;
}

static int invocation_check(const struct event_invocation *invocation)
{
	if (invocation->edge >= INVOCATION_EDGE_COUNT ||
	    !memchr(invocation->id, '\0', sizeof(invocation->id)))
		return -EBADMSG;
	return 0;
}

static int heap_check(const struct event_heap *heap)
{
	return heap->state < HEAP_STATE_COUNT && heap->allocator < ALLOCATOR_COUNT ? 0 : -EBADMSG;
}

/* What the ledger computes with: an allocation lies in user space. */
static int alloc_check(const struct event_alloc *alloc)
{
	if (alloc->addr >= EVENT_ADDRESS_LIMIT ||
	    (alloc->addr && alloc->size > EVENT_ADDRESS_LIMIT - alloc->addr))
		return -EBADMSG;
	return 0;
}

static int settings_check(const struct event_settings *settings)
{
	return memchr(settings->text, '\0', sizeof(settings->text)) ? 0 : -EBADMSG;
}

static int kept_check(const struct event_kept *kept)
{
	if (kept->allocator >= ALLOCATOR_COUNT || kept->attach_ns > kept->h.time_ns ||
	    kept->base_ns > kept->h.time_ns)
		return -EBADMSG;
	return 0;
}

static int is_page(__u64 addr)
{
	return !(addr & 4095) && addr <= EVENT_ADDRESS_LIMIT;
}

static int kept_mapping_check(const struct event_kept_mapping *mapping)
{
	if (!is_page(mapping->start) || !is_page(mapping->end) || mapping->start >= mapping->end ||
	    mapping->prot > UINT8_MAX || mapping->kind > UINT8_MAX || mapping->flags > UINT8_MAX)
		return -EBADMSG;
	return 0;
}

static int kept_pages_check(const struct event_kept_pages *pages)
{
	if (!is_page(pages->addr) || pages->pages > EVENT_RUNS_MAX ||
	    pages->pages > (EVENT_ADDRESS_LIMIT - pages->addr) >> 12)
		return -EBADMSG;
	return 0;
}

static int kept_invocation_check(const struct event_kept_invocation *invocation)
{
	return memchr(invocation->id, '\0', sizeof(invocation->id)) ? 0 : -EBADMSG;
}

/* Of the kinds with more to them than a size. */
static int payload_check(const struct event_header *header)
{
	switch (header->kind) {
	case EVENT_SCAN:
		return scan_check((const struct event_scan *)header);
	case EVENT_SNAPSHOT:
		return snapshot_check((const struct event_snapshot *)header);
	case EVENT_MODULE:
		return module_check((const struct event_module *)header);
	case EVENT_STACK:
		return stack_check((const struct event_stack *)header);
	case EVENT_INVOCATION:
		return invocation_check((const struct event_invocation *)header);
	case EVENT_SETTINGS:
		return settings_check((const struct event_settings *)header);
	case EVENT_HEAP:
		return heap_check((const struct event_heap *)header);
	case EVENT_KEPT:
		return kept_check((const struct event_kept *)header);
	case EVENT_KEPT_MAPPING:
		return kept_mapping_check((const struct event_kept_mapping *)header);
	case EVENT_KEPT_PAGES:
		return kept_pages_check((const struct event_kept_pages *)header);
	case EVENT_KEPT_INVOCATION:
		return kept_invocation_check((const struct event_kept_invocation *)header);
	case EVENT_ALLOC:
		return alloc_check((const struct event_alloc *)header);
	default:
		return 0;
	}
}

/*
 * The pipeline copies such a record, to give its stack a number: as much as the largest of these
 * kinds has. (A longer one from elsewhere would lose what its own figures speak of.)
 */
static bool may_take_stack(unsigned int kind)
{
	return (kind >= EVENT_FAULT && kind <= EVENT_FAILED) || kind == EVENT_ALLOC_BEGIN;
}

int event_check(const void *data, size_t size)
{
	const struct event_header *header = data;

	if (size < sizeof(*header) || header->size > size || header->size < sizeof(*header))
		return -EBADMSG;
	if (header->kind == EVENT_NONE || header->kind >= EVENT_KIND_COUNT)
		return -ENOTSUP;
	if (header->size < sizes[header->kind])
		return -EBADMSG;
	if (header->stack == STACK_TAKEN && !may_take_stack(header->kind))
		return -EBADMSG;
	return payload_check(header);
}
