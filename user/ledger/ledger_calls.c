// SPDX-License-Identifier: GPL-2.0-only
/* What the watched process and the kernel do, as the BPF programs record it. */
#include "user/ledger/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sys/mman.h>

#ifndef MADV_DONTNEED_LOCKED /* include/uapi/asm-generic/mman-common.h, since 5.18 */
#define MADV_DONTNEED_LOCKED 24
#endif
#ifndef MADV_COLLAPSE /* since 6.1 */
#define MADV_COLLAPSE 25
#endif
#define MADV_GUARD_INSTALL 102 /* since 6.13 */

/* How far below the known stack a fault may lie and still grow it. */
#define STACK_GROWTH_MAX ((uint64_t)1 << 30)

/* A call is recorded before or just after its effect; looks wait for it this long. */
#define EFFECT_NS (20 * NSEC_PER_MSEC)

static const struct event_range *range_of(const struct event_header *event)
{
	return (const struct event_range *)event;
}

static struct limbo *limbo_holding(const struct ledger *ledger, uint64_t addr)
{
	struct limbo *limbo = ledger->limbos;

	while (limbo && !(limbo->start <= addr && addr < limbo->end))
		limbo = limbo->next;
	return limbo;
}

/* A look at a range of which the call at hand touched the pages. */
static void ask_for(struct ledger *ledger, const struct event_header *event, uint64_t start,
		    uint64_t end, enum event_cause cause)
{
	struct asked asked = {
		.time_ns = event->time_ns,
		.start = start,
		.end = end,
		.cause = cause,
		.tid = event->tid,
		.stack = event->stack,
		.weight = 1,
		.invocation = ledger_invocation(ledger, event->tid),
	};

	if (event->kind == EVENT_FAULT)
		asked.weight = ((const struct event_fault *)event)->weight;
	ledger_ask(ledger, &asked, ledger->now_ns + EFFECT_NS);
}

/* The first touch in an untouched 2 MiB of a mapping that allows huge pages may bring 512. */
static void fault_expect_huge(struct ledger *ledger, const struct mapping *mapping,
			      const struct event_fault *fault)
{
	uint64_t addr = fault->addr;
	uint64_t start = addr & ~(LEAF_BYTES - 1), end = start + LEAF_BYTES;
	bool allowed = ledger->identity_flags & IDENTITY_THP_ALWAYS ||
		       (mapping->attr.flags & MAPPING_HUGE &&
			!(ledger->identity_flags & IDENTITY_THP_NEVER));

	if (!allowed || mapping->attr.flags & MAPPING_NOHUGE || mapping->attr.kind == MAPPING_FILE)
		return;
	if (ledger->identity_flags & IDENTITY_THP_SIZES) {
		/* smaller folios come aligned to their size, so also at a mapping's edge */
		start = start > mapping->start ? start : mapping->start;
		end = end < mapping->end ? end : mapping->end;
	} else if (start < mapping->start || end > mapping->end ||
		   page_table_leaf(&ledger->pages, addr)) {
		return;
	}
	ask_for(ledger, &fault->h, start, end, CAUSE_HUGE);
}

/* A fault just below a stack makes it longer, whether it reads or writes. */
static int fault_grow_stack(struct ledger *ledger, uint64_t addr, bool *grown)
{
	struct mapping *above = mapping_at_or_after(&ledger->mappings, addr);

	*grown = above && above->attr.kind == MAPPING_STACK && above->start > addr &&
		 above->start - addr <= STACK_GROWTH_MAX;
	if (!*grown)
		return 0;
	return mapping_set(&ledger->mappings, page_floor(addr), above->start, above->attr,
			   ledger_tick(ledger, ledger->now_ns));
}

int ledger_on_fault(struct ledger *ledger, const struct event_header *event)
{
	const struct event_fault *fault = (const struct event_fault *)event;
	struct mapping *mapping = mapping_find(&ledger->mappings, fault->addr);
	bool write = fault->error & FAULT_WRITE, grown;
	struct provenance provenance = {
		.tid = event->tid,
		.stack = event->stack,
		.weight = fault->weight,
		.origin = fault->error & FAULT_USER ? ORIGIN_FAULT_USER : ORIGIN_FAULT_KERNEL,
	};

	ledger->totals.faults++;
	if (!mapping) {
		int rc = fault_grow_stack(ledger, fault->addr, &grown);

		if (rc || !write)
			return rc;
		/* before the first look is done any address may be mapped */
		if (!grown && ledger->complete && !limbo_holding(ledger, fault->addr)) {
			ledger->totals.strays++;
			return 0;
		}
		return ledger_add_page(ledger, fault->addr, provenance,
				       ledger_invocation(ledger, event->tid));
	}
	/* what is read first maps the zero page or a file's: neither is anonymous memory */
	if (!write || !mapping_is_private(mapping))
		return 0;
	if (!(mapping->attr.prot & PROT_WRITE) && ledger->complete) {
		ledger->totals.strays++; /* ends in SIGSEGV */
		return 0;
	}
	fault_expect_huge(ledger, mapping, fault);
	return ledger_add_page(ledger, fault->addr, provenance,
			       ledger_invocation(ledger, event->tid));
}

int ledger_on_unmap(struct ledger *ledger, const struct event_header *event)
{
	const struct event_range *range = range_of(event);
	uint64_t start = range->addr, end = page_ceil(range->addr + range->len);
	enum removal_kind kind = REMOVAL_UNMAP;

	if (event->kind == EVENT_BRK_SHRINK) {
		start = page_ceil(start);
		kind = REMOVAL_BRK;
	} else if (event->kind == EVENT_OVERLAY) {
		kind = REMOVAL_OVERLAY;
	}
	/* unaligned, empty or wrapping: the kernel refuses it, and FAILED follows */
	if (start & (PAGE_BYTES - 1) || !range->len || end <= start)
		return 0;
	ledger_remove_pages(ledger, start, end, event->tid, kind);
	return mapping_remove(&ledger->mappings, start, end);
}

static void attr_set_flag(struct mapping_attr *attr, uint32_t flag)
{
	attr->flags |= (uint8_t)flag;
	if (flag == MAPPING_HUGE)
		attr->flags &= (uint8_t)~MAPPING_NOHUGE;
	if (flag == MAPPING_NOHUGE)
		attr->flags &= (uint8_t)~MAPPING_HUGE;
}

static void attr_clear_flag(struct mapping_attr *attr, uint32_t flag)
{
	attr->flags &= (uint8_t)~flag;
}

static int advice_mark(struct ledger *ledger, uint64_t start, uint64_t end, uint32_t advice)
{
	static const struct {
		uint32_t advice;
		uint32_t flag;
		void (*change)(struct mapping_attr *attr, uint32_t flag);
	} marks[] = {
		{MADV_DONTFORK, MAPPING_DONTFORK, attr_set_flag},
		{MADV_DOFORK, MAPPING_DONTFORK, attr_clear_flag},
		{MADV_WIPEONFORK, MAPPING_WIPEONFORK, attr_set_flag},
		{MADV_KEEPONFORK, MAPPING_WIPEONFORK, attr_clear_flag},
		{MADV_HUGEPAGE, MAPPING_HUGE, attr_set_flag},
		{MADV_NOHUGEPAGE, MAPPING_NOHUGE, attr_set_flag},
	};

	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
		if (marks[i].advice == advice)
			return mapping_change(&ledger->mappings, start, end, marks[i].change,
					      marks[i].flag);
	return 0;
}

int ledger_on_madvise(struct ledger *ledger, const struct event_header *event)
{
	const struct event_range *range = range_of(event);
	uint64_t start = range->addr, end = page_ceil(range->addr + range->len);

	if (start & (PAGE_BYTES - 1) || end <= start)
		return 0;
	switch (range->arg) {
	case MADV_DONTNEED:
	case MADV_DONTNEED_LOCKED:
	case MADV_GUARD_INSTALL:
		ledger_remove_pages(ledger, start, end, event->tid, REMOVAL_PURGE);
		return 0;
	case MADV_FREE:
		ledger->lazy_ns = event->time_ns;
		ledger->freed[ledger->freed_count++ % LEDGER_FREED] =
			(struct freed){event->time_ns, start, end};
		page_table_mark_lazy(&ledger->pages, start, end, true);
		return 0;
	default:
		return advice_mark(ledger, start, end, range->arg);
	}
}

static struct limbo *limbo_new(struct ledger *ledger, uint32_t tid, uint64_t start, uint64_t end)
{
	struct limbo *limbo = calloc(1, sizeof(*limbo));

	if (!limbo)
		return NULL;
	limbo->tid = tid;
	limbo->start = start;
	limbo->end = end;
	limbo->pages.epoch = ledger->pages.epoch;
	limbo->pages.young_since = ledger->pages.young_since;
	limbo->pages.gone = ledger->pages.gone;
	limbo->pages.gone_ctx = ledger->pages.gone_ctx;
	limbo->next = ledger->limbos;
	ledger->limbos = limbo;
	return limbo;
}

static struct limbo *limbo_take(struct ledger *ledger, uint32_t tid)
{
	struct limbo **at = &ledger->limbos;
	struct limbo *limbo;

	while (*at && (*at)->tid != tid)
		at = &(*at)->next;
	limbo = *at;
	if (limbo)
		*at = limbo->next;
	return limbo;
}

/* Copies the mappings of a range from one map to another, moved by delta. */
static int mappings_copy(const struct mapping_map *from, uint64_t start, uint64_t end,
			 struct mapping_map *into, uint64_t delta, uint32_t birth)
{
	struct mapping *mapping = mapping_at_or_after(from, start);

	for (; mapping && mapping->start < end; mapping = mapping_next(mapping)) {
		uint64_t low = mapping->start > start ? mapping->start : start;
		uint64_t high = mapping->end < end ? mapping->end : end;
		struct mapping_attr attr = mapping->attr;
		int rc;

		if (attr.file)
			attr.base += delta;
		rc = mapping_set(into, low + delta, high + delta, attr, birth);
		if (rc)
			return rc;
	}
	return 0;
}

/* The source leaves its place, to come back at MREMAP_END wherever the kernel put it. */
static int mremap_detach(struct ledger *ledger, uint32_t tid, uint64_t start, uint64_t end,
			 bool keep_mapping)
{
	uint32_t birth = ledger_tick(ledger, ledger->now_ns);
	struct limbo *stale = limbo_take(ledger, tid); /* its END was lost */
	struct limbo *limbo;
	int rc;

	if (stale)
		limbo_free(stale);
	limbo = limbo_new(ledger, tid, start, end);
	if (!limbo)
		return -ENOMEM;
	rc = mappings_copy(&ledger->mappings, start, end, &limbo->mappings, 0, birth);
	if (!rc)
		rc = page_table_move(&ledger->pages, start, end, &limbo->pages, start);
	ledger_remove_pages(ledger, start, end, tid, REMOVAL_MOVE);
	if (!rc && !keep_mapping)
		rc = mapping_remove(&ledger->mappings, start, end);
	return rc;
}

/*
 * MREMAP_FIXED covers its target only as far as there is a source: since 6.17 a
 * source may be several mappings, and under its holes the target stays.
 */
static int mremap_cover(struct ledger *ledger, uint32_t tid, uint64_t source, uint64_t source_end,
			uint64_t target, uint64_t length)
{
	uint64_t limit = source + length, at = source;
	const struct mapping *mapping;
	int rc = 0;

	while (!rc && at < source_end && at < limit &&
	       (mapping = mapping_at_or_after(&ledger->mappings, at)) &&
	       mapping->start < source_end) {
		uint64_t low = mapping->start > at ? mapping->start : at;
		/* the last part of the source is what grows */
		uint64_t high = mapping->end < source_end ? mapping->end : limit;

		if (high > limit)
			high = limit;
		if (low >= high)
			break;
		at = high;
		ledger_remove_pages(ledger, target + (low - source), target + (high - source), tid,
				    REMOVAL_OVERLAY);
		rc = mapping_remove(&ledger->mappings, target + (low - source),
				    target + (high - source));
	}
	return rc;
}

int ledger_on_mremap_begin(struct ledger *ledger, const struct event_header *event)
{
	const struct event_mremap *call = (const struct event_mremap *)event;
	uint64_t old = call->old_addr, old_len = page_ceil(call->old_len);
	uint64_t new_len = page_ceil(call->new_len), kept = old_len;
	int rc = 0;

	if ((old | call->new_addr * !!(call->flags & MREMAP_FIXED)) & (PAGE_BYTES - 1) ||
	    !new_len || old + old_len < old ||
	    (call->flags & MREMAP_FIXED && call->new_addr + new_len < call->new_addr))
		return 0;
	if (call->flags & MREMAP_FIXED)
		rc = mremap_cover(ledger, event->tid, old, old + old_len, call->new_addr, new_len);
	if (!rc && new_len < old_len) {
		ledger_remove_pages(ledger, old + new_len, old + old_len, event->tid,
				    REMOVAL_MREMAP);
		rc = mapping_remove(&ledger->mappings, old + new_len, old + old_len);
		kept = new_len;
	}
	if (rc || !old_len ||
	    (new_len <= old_len && !(call->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))))
		return rc;
	return mremap_detach(ledger, event->tid, old, old + kept, call->flags & MREMAP_DONTUNMAP);
}

static bool mremap_failed(const struct event_mremap *call)
{
	return call->result < 0 && call->result >= -4095;
}

/* A refused call may have unmapped its target or cut its tail before: look. */
static void mremap_look(struct ledger *ledger, const struct event_mremap *call)
{
	uint64_t due = ledger->now_ns + EFFECT_NS;

	ledger_request(ledger, page_floor(call->old_addr),
		       page_ceil(call->old_addr + call->old_len), CAUSE_FAILED, due);
	if (call->flags & MREMAP_FIXED)
		ledger_request(ledger, page_floor(call->new_addr),
			       page_ceil(call->new_addr + call->new_len), CAUSE_FAILED, due);
	else if (!mremap_failed(call))
		ledger_request(ledger, page_floor((uint64_t)call->result),
			       page_ceil((uint64_t)call->result + call->new_len), CAUSE_FAILED,
			       due);
}

/* An old length of 0: a second mapping of the same shared memory. */
static int mremap_duplicate(struct ledger *ledger, const struct event_mremap *call, uint32_t birth)
{
	const struct mapping *source = mapping_find(&ledger->mappings, call->old_addr);
	uint64_t start = (uint64_t)call->result, end = page_ceil(start + call->new_len);

	return source ? mapping_set(&ledger->mappings, start, end, source->attr, birth) : 0;
}

int ledger_on_mremap_end(struct ledger *ledger, const struct event_header *event)
{
	const struct event_mremap *call = (const struct event_mremap *)event;
	struct limbo *limbo = limbo_take(ledger, event->tid);
	uint32_t birth = ledger_tick(ledger, ledger->now_ns);
	bool failed = mremap_failed(call);
	uint64_t to = failed ? call->old_addr : (uint64_t)call->result;
	struct mapping *last;
	uint64_t length;
	int rc;

	if (failed) {
		ledger->totals.failed++;
		mremap_look(ledger, call);
	}
	if (!limbo && !failed && !call->old_len)
		return mremap_duplicate(ledger, call, birth);
	if (!limbo) {
		if (!failed && to != call->old_addr) /* its BEGIN was lost */
			mremap_look(ledger, call);
		return 0;
	}
	length = limbo->end - limbo->start;
	if (ledger->heap && to != limbo->start)
		heap_moved(ledger->heap, to, to + length);
	rc = mappings_copy(&limbo->mappings, limbo->start, limbo->end, &ledger->mappings,
			   to - limbo->start, birth);
	last = failed ? NULL : mapping_find(&ledger->mappings, to + length - PAGE_BYTES);
	if (!rc && last && page_ceil(call->new_len) > length) {
		if (ledger->lock_future || last->attr.flags & MAPPING_LOCKED)
			ask_for(ledger, event, to, to + page_ceil(call->new_len), CAUSE_POPULATE);
		if (ledger->heap)
			heap_fresh(ledger->heap, to + length, to + page_ceil(call->new_len),
				   event->time_ns);
		rc = mapping_set(&ledger->mappings, to + length, to + page_ceil(call->new_len),
				 last->attr, birth);
	}
	if (!rc)
		rc = page_table_move(&limbo->pages, limbo->start, limbo->end, &ledger->pages, to);
	limbo_free(limbo);
	return rc;
}

static const struct mapping *library_at(const struct ledger *ledger, uint64_t addr)
{
	const struct mapping *mapping = mapping_find(&ledger->mappings, addr);

	return mapping && mapping->attr.name && mapping->attr.prot & PROT_EXEC ? mapping : NULL;
}

/*
 * The library that called mmap: the module of the first return address on its
 * stack. The loader maps on behalf of others: what it lays over or behind a
 * file's mapping is that file's .bss.
 */
static uint32_t mmap_owner(const struct ledger *ledger, const struct event_mmap *call)
{
	const struct mapping *library = NULL, *before;
	const char *name;

	for (size_t i = 0; i < EVENT_CALLERS && !library; i++)
		library = library_at(ledger, call->callers[i]);
	if (!library)
		return 0;
	name = intern_get(&ledger->names, library->attr.name);
	if (strncmp(name, "ld-linux", 8) && strncmp(name, "ld-musl", 7))
		return library->attr.name;
	before = call->addr ? mapping_find(&ledger->mappings, call->addr - 1) : NULL;
	return before && before->attr.kind == MAPPING_FILE ? before->attr.name : library->attr.name;
}

static uint8_t mmap_mapping_flags(uint32_t flags)
{
	uint8_t out = 0;

	if ((flags & MAP_TYPE) != MAP_PRIVATE)
		out |= MAPPING_SHARED;
	if (flags & MAP_NORESERVE)
		out |= MAPPING_NORESERVE;
	if (flags & MAP_HUGETLB)
		out |= MAPPING_HUGETLB;
	return out;
}

static int mmap_apply(struct ledger *ledger, const struct event_mmap *call,
		      struct mapping_attr attr)
{
	uint64_t end = page_ceil(call->addr + call->len);

	if (call->addr & (PAGE_BYTES - 1) || end <= call->addr)
		return -EINVAL;
	if (call->flags & (MAP_POPULATE | MAP_LOCKED) || ledger->lock_future)
		ask_for(ledger, &call->h, call->addr, end, CAUSE_POPULATE);
	if (ledger->heap && attr.kind != MAPPING_FILE)
		heap_fresh(ledger->heap, call->addr, end, call->h.time_ns);
	return mapping_set(&ledger->mappings, call->addr, end, attr,
			   ledger_tick(ledger, ledger->now_ns));
}

int ledger_on_mmap(struct ledger *ledger, const struct event_header *event)
{
	const struct event_mmap *call = (const struct event_mmap *)event;
	struct mapping_attr attr = {
		.prot = (uint8_t)call->prot,
		.kind = call->flags & MAP_STACK ? MAPPING_THREAD : MAPPING_ANON,
		.flags = mmap_mapping_flags(call->flags),
		.owner = mmap_owner(ledger, call),
		.stack = event->stack,
	};

	return mmap_apply(ledger, call, attr);
}

int ledger_on_mmap_file(struct ledger *ledger, const struct event_header *event)
{
	const struct event_mmap_file *call = (const struct event_mmap_file *)event;
	struct mapping_attr attr = {
		.prot = (uint8_t)call->m.prot,
		.kind = MAPPING_FILE,
		.flags = mmap_mapping_flags(call->m.flags),
		.name = intern_add(&ledger->names, call->name,
				   (uint32_t)strnlen(call->name, sizeof(call->name))),
		.stack = event->stack,
	};

	if (call->m.prot & PROT_EXEC) {
		/* of no other: some programs map a million files */
		attr.file = ledger_file(ledger, call->dev, call->ino);
		attr.base = call->m.addr - call->offset;
		ledger_learn_allocator(ledger, intern_get(&ledger->names, attr.name));
	}
	return mmap_apply(ledger, &call->m, attr);
}

static void attr_set_prot(struct mapping_attr *attr, uint32_t prot)
{
	attr->prot = (uint8_t)prot;
}

/*
 * What could not be accessed before has nothing live in it: so glibc's arenas grow, and so
 * mimalloc takes back what it has given up.
 */
static void mprotect_opens(struct ledger *ledger, const struct event_range *range)
{
	uint64_t end = page_ceil(range->addr + range->len);
	const struct mapping *mapping;

	if (!ledger->heap || !(range->arg & PROT_WRITE) || !ledger_mappings_known(ledger))
		return;
	mapping = mapping_at_or_after(&ledger->mappings, range->addr);
	for (; mapping && mapping->start < end; mapping = mapping_next(mapping)) {
		if (mapping->attr.kind != MAPPING_ANON || mapping->attr.prot)
			continue;
		heap_fresh(ledger->heap,
			   mapping->start > range->addr ? mapping->start : range->addr,
			   mapping->end < end ? mapping->end : end, range->h.time_ns);
	}
}

int ledger_on_mprotect(struct ledger *ledger, const struct event_header *event)
{
	const struct event_range *range = range_of(event);

	mprotect_opens(ledger, range);
	return mapping_change(&ledger->mappings, range->addr, page_ceil(range->addr + range->len),
			      attr_set_prot, range->arg & (PROT_READ | PROT_WRITE | PROT_EXEC));
}

int ledger_on_populate(struct ledger *ledger, const struct event_header *event)
{
	const struct event_range *range = range_of(event);
	uint64_t start = page_floor(range->addr), end = page_ceil(range->addr + range->len);
	enum event_cause cause = CAUSE_POPULATE;

	if (range->call == EVENT_CALL_MADVISE && range->arg == MADV_PAGEOUT)
		cause = CAUSE_ADVICE;
	if (range->len == UINT64_MAX) { /* mlockall */
		end = PAGE_TABLE_LIMIT;
		ledger->lock_future = range->arg & MCL_FUTURE;
	}
	ask_for(ledger, event, start, end, cause);
	if (range->call != EVENT_CALL_MLOCK)
		return 0;
	return mapping_change(&ledger->mappings, start, end, attr_set_flag, MAPPING_LOCKED);
}

/* glibc's sbrk calls brk; so does the tcmalloc of gperftools, through it. */
static uint32_t heap_owner(struct ledger *ledger)
{
	switch (ledger->allocator) {
	case ALLOCATOR_GLIBC:
	case ALLOCATOR_JEMALLOC:
	case ALLOCATOR_MIMALLOC:
		return intern_string(&ledger->names, "libc.so.6");
	case ALLOCATOR_TCMALLOC:
		return intern_string(&ledger->names, "libtcmalloc");
	default:
		return 0;
	}
}

int ledger_on_brk(struct ledger *ledger, const struct event_header *event)
{
	const struct event_range *range = range_of(event);
	uint64_t start = page_floor(range->addr), end = page_ceil(range->addr + range->len);
	struct mapping *heap = mapping_find(&ledger->mappings, start);
	struct mapping_attr attr = {
		.prot = PROT_READ | PROT_WRITE,
		.kind = MAPPING_HEAP,
		.owner = heap_owner(ledger),
		.stack = event->stack,
	};

	/* parts that mprotect made different stay as they are */
	while (heap && heap->attr.kind == MAPPING_HEAP && heap->end < end) {
		attr = heap->attr;
		start = heap->end;
		heap = mapping_find(&ledger->mappings, start);
	}
	if (start >= end || (heap && heap->attr.kind == MAPPING_HEAP))
		return 0;
	if (ledger->lock_future)
		ask_for(ledger, event, start, end, CAUSE_POPULATE);
	/* where the break was before has to be known */
	if (ledger->heap && ledger_mappings_known(ledger))
		heap_fresh(ledger->heap, start, end, event->time_ns);
	return mapping_set(&ledger->mappings, start, end, attr,
			   ledger_tick(ledger, ledger->now_ns));
}

/* The end of what is mapped without a hole from start on, at most end. */
static uint64_t mapped_until(const struct ledger *ledger, uint64_t start, uint64_t end)
{
	const struct mapping *mapping;

	while (start < end && (mapping = mapping_find(&ledger->mappings, start)))
		start = mapping->end;
	return start < end ? start : end;
}

int ledger_on_failed(struct ledger *ledger, const struct event_header *event)
{
	const struct event_range *range = range_of(event);
	uint64_t start = page_floor(range->addr), end = page_ceil(range->addr + range->len);

	ledger->totals.failed++;
	/* mprotect goes mapping by mapping, and stops where there is none: mm/mprotect.c */
	if (range->call == EVENT_CALL_MPROTECT && start == range->addr && start < end) {
		int rc = mapping_change(&ledger->mappings, start, mapped_until(ledger, start, end),
					attr_set_prot,
					range->arg & (PROT_READ | PROT_WRITE | PROT_EXEC));

		if (rc)
			return rc;
	}
	ledger_request(ledger, page_floor(range->addr), page_ceil(range->addr + range->len),
		       CAUSE_FAILED, event->time_ns + EFFECT_NS);
	return 0;
}
