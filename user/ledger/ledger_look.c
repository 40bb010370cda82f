// SPDX-License-Identifier: GPL-2.0-only
/*
 * What /proc shows, held against the ledger. A look is true only for pages and
 * mappings that no record touched around it; see LEDGER_SETTLE_NS. What it
 * cannot settle is counted, and left to the next look.
 */
#include "user/ledger/internal.h"

#include <string.h>

#include <sys/mman.h>

/* Was any of [start, end) removed at or after since_ns? */
static bool removed_since(const struct ledger *ledger, uint64_t start, uint64_t end,
			  uint64_t since_ns)
{
	for (uint64_t back = 1; back <= ledger->removal_count && back <= LEDGER_REMOVALS; back++) {
		const struct removal *removal =
			&ledger->removals[(ledger->removal_count - back) % LEDGER_REMOVALS];

		if (removal->time_ns < since_ns)
			return false;
		if (removal->start < end && start < removal->end)
			return true;
	}
	return false;
}

static uint64_t settled_before(uint64_t look_ns)
{
	return look_ns > LEDGER_SETTLE_NS ? look_ns - LEDGER_SETTLE_NS : 0;
}

static struct mapping_attr vma_attr(struct ledger *ledger, const struct event_vma *vma)
{
	static const uint8_t kinds[VMA_KIND_COUNT] = {
		[VMA_KIND_ANON] = MAPPING_ANON,	      [VMA_KIND_FILE] = MAPPING_FILE,
		[VMA_KIND_HEAP] = MAPPING_HEAP,	      [VMA_KIND_STACK] = MAPPING_STACK,
		[VMA_KIND_SPECIAL] = MAPPING_SPECIAL,
	};

	struct mapping_attr attr = {
		.prot = (uint8_t)vma->prot,
		.kind = vma->vma_kind < VMA_KIND_COUNT ? kinds[vma->vma_kind] : MAPPING_ANON,
		.flags = vma->flags & MAP_SHARED ? MAPPING_SHARED : 0,
		.name = intern_add(&ledger->names, vma->name,
				   (uint32_t)strnlen(vma->name, sizeof(vma->name))),
	};

	if (vma->ino && vma->prot & PROT_EXEC) {
		attr.file = ledger_file(ledger, vma->dev, vma->ino);
		attr.base = vma->start - vma->offset;
	}
	return attr;
}

/*
 * A part that the ledger knows keeps what /proc cannot tell (who asked for it,
 * advice); only what it can tell is corrected.
 */
static int vma_fit_part(struct ledger *ledger, const struct mapping *known, uint64_t start,
			uint64_t end, struct mapping_attr seen, uint32_t birth)
{
	struct mapping_attr attr = known->attr;

	attr.prot = seen.prot;
	attr.flags = (uint8_t)((attr.flags & ~MAPPING_SHARED) | seen.flags);
	if (seen.kind != MAPPING_ANON || attr.kind != MAPPING_THREAD)
		attr.kind = seen.kind;
	if (seen.name)
		attr.name = seen.name;
	attr.file = seen.file;
	attr.base = seen.base;
	if (!memcmp(&attr, &known->attr, sizeof(attr)))
		return 0;
	return mapping_set(&ledger->mappings, start, end, attr, birth);
}

/* .bss: anonymous memory right behind a file's mapping, when nothing better is known. */
static void vma_guess_owner(const struct ledger *ledger, uint64_t start, struct mapping_attr *attr)
{
	const struct mapping *before;

	if (attr->kind != MAPPING_ANON || attr->owner || !start)
		return;
	before = mapping_find(&ledger->mappings, start - 1);
	if (before && before->attr.kind == MAPPING_FILE && before->attr.prot & PROT_WRITE)
		attr->owner = before->attr.name;
}

/* The pages of a leaf in [start, end) that were born before `since`; the later ones are counted. */
static uint64_t leaf_settled(const struct page_leaf *leaf, uint64_t at, uint64_t start,
			     uint64_t end, uint32_t since, uint64_t bits[LEAF_WORDS])
{
	uint64_t unsettled = 0;

	memset(bits, 0, LEAF_WORDS * sizeof(*bits));
	for (unsigned int page = 0; page < LEAF_PAGES; page++) {
		uint64_t addr = at + ((uint64_t)page << PAGE_SHIFT);

		if (addr < start || addr >= end || !leaf_has(leaf, page))
			continue;
		if (leaf->entries[leaf_rank(leaf, page)].birth < since)
			bits[page / 64] |= 1ULL << (page % 64);
		else
			unsettled++;
	}
	return unsettled;
}

/*
 * Where nothing is mapped nothing is resident: the record of its going was lost.
 * But a fault that makes a stack grow is recorded before the mapping has grown.
 */
static void vma_drop_pages(struct ledger *ledger, uint64_t start, uint64_t end, uint32_t since)
{
	struct page_leaf *leaf;
	uint64_t addr = start & ~(LEAF_BYTES - 1), gone = 0, bits[LEAF_WORDS];

	while ((leaf = page_table_next(&ledger->pages, addr, end, &addr))) {
		ledger->totals.unsettled += leaf_settled(leaf, addr, start, end, since, bits);
		for (unsigned int page = 0; page < LEAF_PAGES; page++) {
			uint64_t at = addr + ((uint64_t)page << PAGE_SHIFT);

			if (!(bits[page / 64] >> (page % 64) & 1))
				continue;
			page_table_remove(&ledger->pages, at, at + PAGE_BYTES, NULL);
			gone++;
		}
		addr += LEAF_BYTES;
	}
	if (ledger->complete)
		ledger->totals.repaired += gone;
}

int ledger_on_vma(struct ledger *ledger, const struct event_header *event)
{
	const struct event_vma *vma = (const struct event_vma *)event;
	uint32_t birth = ledger_tick(ledger, event->time_ns);
	uint32_t since = ledger_tick(ledger, settled_before(event->time_ns));
	struct mapping_attr seen = vma_attr(ledger, vma);
	/*
	 * A mapping is recorded after it was made and the record at hand is from
	 * before the look: what the ledger has in the gap was there, and is gone.
	 */
	int rc = mapping_remove(&ledger->mappings, vma->gap_start, vma->start);

	vma_drop_pages(ledger, vma->gap_start, vma->start, since);
	if (vma->flags & MAP_SHARED) /* it is not scanned: no anonymous page lives in it */
		vma_drop_pages(ledger, vma->start, vma->end, since);

	if (vma->prot & PROT_EXEC && seen.name)
		ledger_learn_allocator(ledger, intern_get(&ledger->names, seen.name));
	for (uint64_t addr = vma->start, end; !rc && addr < vma->end; addr = end) {
		struct mapping *known = mapping_at_or_after(&ledger->mappings, addr);

		if (known && known->start <= addr) {
			end = known->end < vma->end ? known->end : vma->end;
			rc = vma_fit_part(ledger, known, addr, end, seen, birth);
			continue;
		}
		end = known && known->start < vma->end ? known->start : vma->end;
		if (removed_since(ledger, addr, end, settled_before(event->time_ns))) {
			ledger->totals.unsettled++;
			continue;
		}
		vma_guess_owner(ledger, addr, &seen);
		/* found at the first look: older than the watch */
		rc = mapping_set(&ledger->mappings, addr, end, seen, ledger->complete ? birth : 0);
	}
	return rc;
}

struct look {
	struct ledger *ledger;
	const struct event_scan *scan;
	uint64_t since_ns;  /* what was recorded later than this is not settled */
	uint32_t since;	    /* the same as a birth */
	uint32_t run;	    /* the first run not wholly below the present leaf */
	bool removals_near; /* some removal is recent enough to matter */
	uint64_t added;
	uint64_t removed;
	uint64_t unsettled;
};

/* The pages of the leaf at `at` that the scan saw, as a bitmap. */
static void look_fill(struct look *look, uint64_t at, uint64_t bits[LEAF_WORDS])
{
	const struct event_scan *scan = look->scan;

	memset(bits, 0, LEAF_WORDS * sizeof(*bits));
	while (look->run < scan->run_count) {
		const struct event_run *run = &scan->runs[look->run];
		uint64_t run_end = run->start + (run->pages << PAGE_SHIFT);
		uint64_t low = run->start > at ? run->start : at;
		uint64_t high = run_end < at + LEAF_BYTES ? run_end : at + LEAF_BYTES;

		if (run->start >= at + LEAF_BYTES)
			return;
		for (uint64_t addr = low; addr < high; addr += PAGE_BYTES) {
			unsigned int page = (addr - at) >> PAGE_SHIFT;

			bits[page / 64] |= 1ULL << (page % 64);
		}
		if (run_end > at + LEAF_BYTES)
			return;
		look->run++;
	}
}

static enum page_origin look_origin(uint32_t cause)
{
	switch (cause) {
	case CAUSE_ATTACH:
		return ORIGIN_FOUND;
	case CAUSE_HUGE:
		return ORIGIN_HUGE;
	case CAUSE_POPULATE:
		return ORIGIN_POPULATE;
	default:
		return ORIGIN_REPAIRED;
	}
}

/* The newest call or fault that asked for the page, in the mapping as it is now. */
static const struct asked *look_asked(const struct ledger *ledger, const struct mapping *mapping,
				      uint64_t addr, uint32_t cause)
{
	for (uint64_t back = 1; back <= ledger->asked_count && back <= LEDGER_ASKED; back++) {
		const struct asked *asked =
			&ledger->asked[(ledger->asked_count - back) % LEDGER_ASKED];

		if (asked->cause != cause || addr < asked->start || addr >= asked->end)
			continue;
		return !mapping || ledger_tick(ledger, asked->time_ns) >= mapping->birth ? asked
											 : NULL;
	}
	return NULL;
}

/*
 * Who touched what the look found first, and in which invocation: whoever asked
 * for it. What a mapping came populated with is its creator's, also if so many
 * asked that it is forgotten.
 */
static struct provenance look_provenance(const struct ledger *ledger, uint64_t addr, uint32_t cause,
					 uint32_t *invocation)
{
	struct provenance provenance = {.origin = (uint16_t)look_origin(cause)};
	const struct mapping *mapping;
	const struct asked *asked;

	if (cause != CAUSE_POPULATE && cause != CAUSE_HUGE)
		return provenance;
	mapping = mapping_find(&ledger->mappings, addr);
	asked = look_asked(ledger, mapping, addr, cause);
	if (asked) {
		provenance.tid = asked->tid;
		provenance.stack = asked->stack;
		provenance.weight = asked->weight;
		*invocation = asked->invocation;
	} else if (cause == CAUSE_POPULATE && mapping) {
		provenance.stack = mapping->attr.stack;
		provenance.weight = 1;
	} else {
		provenance.weight = 1;
	}
	return provenance;
}

static int look_add(struct look *look, uint64_t addr)
{
	struct ledger *ledger = look->ledger;
	struct provenance provenance;
	uint32_t invocation = 0;

	/* pages of an mremap under way: MREMAP_END will say where they are */
	if (ledger->limbos || (look->removals_near &&
			       removed_since(ledger, addr, addr + PAGE_BYTES, look->since_ns))) {
		look->unsettled++;
		return 0;
	}
	look->added++;
	provenance = look_provenance(ledger, addr, look->scan->cause, &invocation);
	return ledger_add_page(ledger, addr, provenance, invocation);
}

static void look_remove(struct look *look, uint64_t addr)
{
	struct ledger *ledger = look->ledger;
	const struct page_entry *entry = page_table_find(&ledger->pages, addr);

	if (entry->birth >= look->since) {
		look->unsettled++;
		return;
	}
	page_table_remove(&ledger->pages, addr, addr + PAGE_BYTES, NULL);
	look->removed++;
}

/* Holds one leaf against what was seen of it; bits outside the scanned range do not count. */
static int look_leaf(struct look *look, uint64_t at)
{
	const struct event_scan *scan = look->scan;
	const struct page_leaf *leaf = page_table_leaf(&look->ledger->pages, at);
	uint64_t seen[LEAF_WORDS], differs[LEAF_WORDS];
	int rc = 0;

	look_fill(look, at, seen);
	for (unsigned int word = 0; word < LEAF_WORDS; word++)
		differs[word] = seen[word] ^ (leaf ? leaf->present[word] : 0);
	for (unsigned int word = 0; word < LEAF_WORDS && !rc; word++) {
		for (uint64_t rest = differs[word]; rest && !rc; rest &= rest - 1) {
			unsigned int bit = (unsigned int)__builtin_ctzll(rest);
			uint64_t addr = at + ((uint64_t)(word * 64 + bit) << PAGE_SHIFT);

			if (addr < scan->start || addr >= scan->end)
				continue;
			if (seen[word] >> bit & 1)
				rc = look_add(look, addr);
			else
				look_remove(look, addr);
		}
	}
	return rc;
}

static void look_account(struct look *look)
{
	struct ledger_totals *totals = &look->ledger->totals;
	const struct event_scan *scan = look->scan;

	totals->unsettled += look->unsettled;
	if (scan->cause == CAUSE_ADVICE)
		totals->purged += look->removed; /* PAGEOUT: the kernel took them when it could */
	else if (scan->cause != CAUSE_ATTACH)
		totals->repaired += look->removed;
	/* cycles come again; a look at one range has to be asked for */
	if (look->unsettled && scan->cause != CAUSE_ATTACH && scan->cause != CAUSE_PERIODIC &&
	    scan->cause != CAUSE_LOSS)
		ledger_request(look->ledger, scan->start, scan->end, scan->cause,
			       scan->h.time_ns + LEDGER_SETTLE_NS);
}

int ledger_on_scan(struct ledger *ledger, const struct event_header *event)
{
	const struct event_scan *scan = (const struct event_scan *)event;
	struct look look = {
		.ledger = ledger,
		.scan = scan,
		.since_ns = settled_before(scan->begin_ns),
	};
	uint64_t addr = scan->start & ~(LEAF_BYTES - 1);
	int rc = 0;

	look.since = ledger_tick(ledger, look.since_ns);
	look.removals_near = removed_since(ledger, scan->start, scan->end, look.since_ns);
	while (addr < scan->end && !rc) {
		uint64_t known = scan->end, seen = scan->end;

		page_table_next(&ledger->pages, addr, scan->end, &known);
		if (look.run < scan->run_count)
			seen = scan->runs[look.run].start & ~(LEAF_BYTES - 1);
		/* a run that began in an earlier leaf goes on in this one */
		if (seen < addr)
			seen = addr;
		addr = known < seen ? known : seen;
		if (addr >= scan->end)
			break;
		rc = look_leaf(&look, addr);
		addr += LEAF_BYTES;
	}
	look_account(&look);
	return rc;
}

/* Was any of [start, end) given to MADV_FREE at or after since_ns, as far as is remembered? */
static bool freed_since(const struct ledger *ledger, uint64_t start, uint64_t end,
			uint64_t since_ns)
{
	for (uint64_t back = 1; back <= ledger->freed_count && back <= LEDGER_FREED; back++) {
		const struct freed *freed =
			&ledger->freed[(ledger->freed_count - back) % LEDGER_FREED];

		if (freed->time_ns < since_ns)
			return false;
		if (freed->start < end && start < freed->end)
			return true;
	}
	return false;
}

/*
 * A write makes a lazily freed page live again without a fault, so only smaps
 * tells. It tells how many per mapping, not which: where none is left the marks
 * go, elsewhere the surplus is kept as a number. A round is one record per
 * mapping that has lazily freed pages, in address order, then one of length 0.
 */
int ledger_on_lazyfree(struct ledger *ledger, const struct event_header *event)
{
	const struct event_range *range = (const struct event_range *)event;
	uint64_t end = range->len ? range->addr + range->len : PAGE_TABLE_LIMIT;
	uint64_t start = range->len ? range->addr : PAGE_TABLE_LIMIT;
	uint64_t still = range->value >> PAGE_SHIFT;
	struct page_tally tally = {0};
	uint64_t since_ns;

	if (!range->len) {
		ledger->lazy_round_ns = event->time_ns;
		ledger->lazy_cost_ns = range->value;
	}
	if (range->arg) { /* the first of a round */
		ledger->lazy_cursor = 0;
		ledger->lazy_rewritten = 0;
	}
	/* advised around the look: its count says nothing of these pages */
	since_ns = settled_before(event->time_ns);
	if (!freed_since(ledger, ledger->lazy_cursor, start, since_ns))
		page_table_mark_lazy(&ledger->pages, ledger->lazy_cursor, start, false);
	ledger->lazy_cursor = end;
	if (freed_since(ledger, start, end, since_ns))
		return 0;
	page_table_count(&ledger->pages, start, end, &tally);
	if (tally.lazy > still)
		ledger->lazy_rewritten += tally.lazy - still;
	return 0;
}
