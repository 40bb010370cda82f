// SPDX-License-Identifier: GPL-2.0-only
/* A ledger as records, and from them again: what a recording begins with that let go of more. */
#include "user/ledger/internal.h"

#include <errno.h>
#include <string.h>

#include "user/ledger/heap_internal.h"

_Static_assert(sizeof(struct ledger_totals) <= EVENT_KEPT_TOTALS_MAX * sizeof(__u64),
	       "KEPT has room for all totals");

/* ---- telling ---- */

struct keeper {
	const struct ledger *ledger;
	ledger_sink sink;
	void *ctx;
};

static struct event_header header_of(const struct keeper *keeper, uint16_t kind, size_t size)
{
	return (struct event_header){
		.size = (uint16_t)size,
		.kind = kind,
		.pid = keeper->ledger->pid,
		.time_ns = keeper->ledger->now_ns,
	};
}

void ledger_keep(const struct ledger *ledger, ledger_sink sink, void *ctx)
{
	const struct keeper keeper = {.ledger = ledger};
	struct event_kept event = {
		.h = header_of(&keeper, EVENT_KEPT, sizeof(event)),
		.attach_ns = ledger->attach_ns,
		.base_ns = ledger->base_ns,
		.start_ticks = ledger->start_ticks,
		.exec_ns = ledger->exec_ns,
		.lazy_ns = ledger->lazy_ns,
		.lazy_rewritten = ledger->lazy_rewritten,
		.loss_ns = ledger->loss_ns,
		.mapped_ns = ledger->mapped_ns,
		.tick_shift = ledger->tick_shift,
		.newest_birth = ledger->newest_birth,
		.young_since = ledger->pages.young_since,
		.epoch = ledger->pages.epoch,
		.allocator = ledger->allocator,
		.identity_flags = ledger->identity_flags,
		.flags = (ledger->complete ? KEPT_COMPLETE : 0) |
			 (ledger->lock_future ? KEPT_LOCK_FUTURE : 0),
		.execs = ledger->execs,
	};

	memcpy(event.comm, ledger->comm, sizeof(event.comm));
	memcpy(event.totals, &ledger->totals, sizeof(ledger->totals));
	sink(ctx, &event.h);
}

static void name_copy(const struct ledger *ledger, uint32_t number, char name[EVENT_NAME_LEN])
{
	const char *text = intern_get(&ledger->names, number);

	memcpy(name, text, strnlen(text, EVENT_NAME_LEN - 1));
}

static void keep_mapping(const struct keeper *keeper, const struct mapping *mapping)
{
	const struct mapping_attr *attr = &mapping->attr;
	const struct mapping_file *file =
		attr->file ? intern_get(&keeper->ledger->files, attr->file) : NULL;
	struct event_kept_mapping event = {
		.h = header_of(keeper, EVENT_KEPT_MAPPING, sizeof(event)),
		.start = mapping->start,
		.end = mapping->end,
		.base = attr->base,
		.ino = file ? file->ino : 0,
		.dev = file ? file->dev : 0,
		.birth = mapping->birth,
		.prot = attr->prot,
		.kind = attr->kind,
		.flags = attr->flags,
	};

	event.h.stack = attr->stack;
	name_copy(keeper->ledger, attr->name, event.name);
	name_copy(keeper->ledger, attr->owner, event.owner);
	keeper->sink(keeper->ctx, &event.h);
}

/* What pages next to each other have to agree in to be one record. */
static bool is_alike(const struct page_leaf *leaf, unsigned int a, unsigned int b)
{
	return leaf->entries[a].birth == leaf->entries[b].birth &&
	       leaf->entries[a].provenance == leaf->entries[b].provenance &&
	       leaf->entries[a].lazy == leaf->entries[b].lazy &&
	       (!leaf->stamps || leaf->stamps[a] == leaf->stamps[b]);
}

static void keep_run(const struct keeper *keeper, const struct page_leaf *leaf, uint64_t addr,
		     unsigned int rank, unsigned int pages)
{
	const struct page_entry *entry = &leaf->entries[rank];
	struct provenance provenance = {0};
	struct event_kept_pages event = {
		.h = header_of(keeper, EVENT_KEPT_PAGES, sizeof(event)),
		.addr = addr,
		.pages = pages,
		.birth = entry->birth,
		.lazy = entry->lazy,
		.stamp = leaf->stamps ? leaf->stamps[rank] : 0,
	};

	if (entry->provenance)
		memcpy(&provenance, intern_get(&keeper->ledger->provenances, entry->provenance),
		       sizeof(provenance));
	event.h.tid = provenance.tid;
	event.h.stack = provenance.stack;
	event.weight = provenance.weight;
	event.origin = provenance.origin;
	keeper->sink(keeper->ctx, &event.h);
}

static void keep_leaf(const struct keeper *keeper, const struct page_leaf *leaf, uint64_t start)
{
	unsigned int rank = 0, first = 0, length = 0, first_rank = 0;

	for (unsigned int page = 0; page < LEAF_PAGES; page++) {
		bool here = leaf_has(leaf, page);

		if (length && (!here || !is_alike(leaf, first_rank, rank))) {
			keep_run(keeper, leaf, start + ((uint64_t)first << PAGE_SHIFT), first_rank,
				 length);
			length = 0;
		}
		if (!here)
			continue;
		if (!length++) {
			first = page;
			first_rank = rank;
		}
		rank++;
	}
	if (length)
		keep_run(keeper, leaf, start + ((uint64_t)first << PAGE_SHIFT), first_rank, length);
}

static void keep_pages(const struct keeper *keeper)
{
	const struct page_leaf *leaf;
	uint64_t addr = 0;

	while ((leaf = page_table_next(&keeper->ledger->pages, addr, PAGE_TABLE_LIMIT, &addr))) {
		keep_leaf(keeper, leaf, addr);
		addr += LEAF_BYTES;
	}
}

/* As if the probes had come just now: of what was allocated before nothing is known. */
static void keep_heap(const struct keeper *keeper)
{
	const struct heap *heap = keeper->ledger->heap;
	struct event_heap event;

	if (!heap || !heap->on)
		return;
	event = heap->probes;
	event.h = header_of(keeper, EVENT_HEAP, sizeof(event));
	event.flags &= ~(uint32_t)HEAP_WHOLE;
	keeper->sink(keeper->ctx, &event.h);
}

void ledger_keep_memory(const struct ledger *ledger, ledger_sink sink, void *ctx)
{
	const struct keeper keeper = {.ledger = ledger, .sink = sink, .ctx = ctx};
	const struct mapping *mapping;

	for (mapping = mapping_at_or_after(&ledger->mappings, 0); mapping;
	     mapping = mapping_next(mapping))
		keep_mapping(&keeper, mapping);
	if (ledger->invocations)
		invocations_keep(ledger->invocations, ledger->pid, ledger->now_ns, sink, ctx);
	keep_pages(&keeper);
	if (ledger->settings.h.time_ns)
		sink(ctx, &ledger->settings.h);
	if (ledger->sample.h.time_ns)
		sink(ctx, &ledger->sample.h);
	keep_heap(&keeper);
}

/* ---- from records again ---- */

static int on_process(struct ledger *ledger, const struct event_kept *event)
{
	ledger_reset(ledger);
	ledger->attach_ns = event->attach_ns;
	ledger->base_ns = event->base_ns;
	ledger->start_ticks = event->start_ticks;
	ledger->exec_ns = event->exec_ns;
	ledger->lazy_ns = event->lazy_ns;
	ledger->lazy_rewritten = event->lazy_rewritten;
	ledger->loss_ns = event->loss_ns;
	ledger->mapped_ns = event->mapped_ns;
	ledger->tick_shift = event->tick_shift;
	ledger->newest_birth = event->newest_birth;
	ledger->pages.young_since = event->young_since;
	ledger->pages.epoch = event->epoch;
	ledger->allocator = event->allocator;
	ledger->identity_flags = event->identity_flags;
	ledger->complete = event->flags & KEPT_COMPLETE;
	ledger->lock_future = event->flags & KEPT_LOCK_FUTURE;
	ledger->execs = event->execs;
	memcpy(ledger->comm, event->comm, sizeof(ledger->comm));
	memcpy(&ledger->totals, event->totals, sizeof(ledger->totals));
	return 0;
}

static uint32_t name_number(struct ledger *ledger, const char name[EVENT_NAME_LEN])
{
	return intern_add(&ledger->names, name, (uint32_t)strnlen(name, EVENT_NAME_LEN));
}

static int on_mapping(struct ledger *ledger, const struct event_kept_mapping *event)
{
	struct mapping_attr attr = {
		.prot = (uint8_t)event->prot,
		.kind = (uint8_t)event->kind,
		.flags = (uint8_t)event->flags,
		.name = name_number(ledger, event->name),
		.owner = name_number(ledger, event->owner),
		.file = event->ino ? ledger_file(ledger, event->dev, event->ino) : 0,
		.stack = event->h.stack,
		.base = event->base,
	};

	return mapping_set(&ledger->mappings, event->start, event->end, attr, event->birth);
}

static int on_pages(struct ledger *ledger, const struct event_kept_pages *event)
{
	struct provenance provenance = {
		.tid = event->h.tid,
		.stack = event->h.stack,
		.weight = event->weight,
		.origin = event->origin,
	};
	struct page_entry entry = {
		.birth = event->birth,
		.provenance = ledger_provenance(ledger, provenance),
		.lazy = event->lazy != 0,
	};

	for (uint32_t i = 0; i < event->pages; i++) {
		int rc = page_table_add_stamped(&ledger->pages,
						event->addr + ((uint64_t)i << PAGE_SHIFT), entry,
						ledger->invocations ? event->stamp : 0);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static int on_invocations(struct ledger *ledger, const struct event_kept_invocations *event)
{
	if (ledger->invocations)
		return 0;
	ledger->invocations = invocations_restore(event);
	if (!ledger->invocations)
		return -ENOMEM;
	ledger_mark_pages(ledger);
	return 0;
}

int ledger_on_kept(struct ledger *ledger, const struct event_header *event)
{
	const void *data = event;

	switch (event->kind) {
	case EVENT_KEPT:
		return on_process(ledger, data);
	case EVENT_KEPT_MAPPING:
		return on_mapping(ledger, data);
	case EVENT_KEPT_PAGES:
		return on_pages(ledger, data);
	case EVENT_KEPT_INVOCATIONS:
		return on_invocations(ledger, data);
	default:
		return ledger->invocations ? invocations_restore_one(ledger->invocations, event)
					   : 0;
	}
}
