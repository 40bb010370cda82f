// SPDX-License-Identifier: GPL-2.0-only
#include "user/ledger/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sys/mman.h>

/* A process that asks for more looks than this at once is looked at whole. */
#define REQUESTS_MAX 4096

/* Requests beside each other become one, which then comes due later, but by no more than this. */
#define REQUEST_JOIN_NS (100 * NSEC_PER_MSEC)

const char *allocator_name(uint32_t allocator)
{
	static const char *const names[ALLOCATOR_COUNT] = {
		[ALLOCATOR_UNKNOWN] = "?",
		[ALLOCATOR_GLIBC] = "glibc",
		[ALLOCATOR_JEMALLOC] = "jemalloc",
		[ALLOCATOR_MIMALLOC] = "mimalloc",
		[ALLOCATOR_TCMALLOC] = "tcmalloc",
		[ALLOCATOR_MUSL] = "musl",
		[ALLOCATOR_GO] = "go",
		[ALLOCATOR_SNMALLOC] = "snmalloc",
		[ALLOCATOR_JVM] = "jvm",
		[ALLOCATOR_V8] = "v8",
		[ALLOCATOR_PYTHON] = "python",
		[ALLOCATOR_THREADS] = "threads",
		[ALLOCATOR_LOADER] = "loader",
		[ALLOCATOR_OTHER] = "other",
	};

	return allocator < ALLOCATOR_COUNT ? names[allocator] : "?";
}

const char *removal_kind_name(enum removal_kind kind)
{
	static const char *const names[REMOVAL_KIND_COUNT] = {
		[REMOVAL_PURGE] = "purge",   [REMOVAL_UNMAP] = "munmap",    [REMOVAL_BRK] = "brk",
		[REMOVAL_MREMAP] = "mremap", [REMOVAL_OVERLAY] = "overlay", [REMOVAL_MOVE] = "move",
	};

	return kind < REMOVAL_KIND_COUNT ? names[kind] : "?";
}

struct ledger *ledger_new(uint32_t pid, uint64_t time_ns)
{
	struct ledger *ledger = calloc(1, sizeof(*ledger));

	if (!ledger)
		return NULL;
	ledger->pid = pid;
	ledger->attach_ns = time_ns;
	ledger->base_ns = time_ns;
	ledger->now_ns = time_ns;
	page_table_begin_interval(&ledger->pages, 1);
	return ledger;
}

void limbo_free(struct limbo *limbo)
{
	page_table_free(&limbo->pages);
	mapping_map_free(&limbo->mappings);
	free(limbo);
}

static void limbos_drop(struct ledger *ledger)
{
	while (ledger->limbos) {
		struct limbo *limbo = ledger->limbos;

		ledger->limbos = limbo->next;
		limbo_free(limbo);
	}
}

void ledger_reset(struct ledger *ledger)
{
	uint32_t epoch = ledger->pages.epoch, since = ledger->pages.young_since;

	if (ledger->invocations)
		invocations_cut(ledger->invocations, ledger->now_ns);
	if (ledger->heap)
		heap_reset(ledger->heap);
	page_table_free(&ledger->pages);
	ledger->pages.epoch = epoch;
	ledger->pages.young_since = since;
	mapping_map_free(&ledger->mappings);
	limbos_drop(ledger);
	ledger->request_count = 0;
	ledger->asked_count = 0;
	ledger->lazy_rewritten = 0;
	ledger->lazy_ns = 0;
	ledger->lock_future = false;
	ledger->complete = false;
}

void ledger_free(struct ledger *ledger)
{
	if (!ledger)
		return;
	ledger_reset(ledger);
	invocations_free(ledger->invocations);
	heap_free(ledger->heap);
	intern_free(&ledger->names);
	intern_free(&ledger->files);
	intern_free(&ledger->provenances);
	free(ledger->requests);
	free(ledger->removals);
	free(ledger->asked);
	free(ledger);
}

uint32_t ledger_tick(const struct ledger *ledger, uint64_t time_ns)
{
	uint64_t ticks =
		time_ns > ledger->base_ns ? (time_ns - ledger->base_ns) / LEDGER_TICK_NS : 0;

	ticks += 1 + ledger->tick_shift;
	return ticks < UINT32_MAX ? (uint32_t)ticks : UINT32_MAX;
}

/* 0 only without memory. */
static uint32_t provenance_number(struct ledger *ledger, struct provenance provenance)
{
	if (ledger->provenances.count >= LEDGER_PROVENANCES)
		provenance.tid = 0;
	if (ledger->provenances.count >= 2 * LEDGER_PROVENANCES) {
		provenance.stack = 0;
		provenance.weight = 1; /* not one of those that were not chosen */
	}
	/* the same as the one before: most are */
	if (!memcmp(&provenance, &ledger->provenance_cached, sizeof(provenance)) &&
	    ledger->provenance_number)
		return ledger->provenance_number;
	ledger->provenance_cached = provenance;
	ledger->provenance_number =
		intern_add(&ledger->provenances, &provenance, sizeof(provenance));
	return ledger->provenance_number;
}

int ledger_add_page(struct ledger *ledger, uint64_t addr, struct provenance provenance,
		    uint32_t invocation)
{
	enum page_origin origin = provenance.origin;
	struct page_entry entry = {
		.birth = origin == ORIGIN_FOUND ? 0 : ledger_tick(ledger, ledger->now_ns),
		.provenance = provenance_number(ledger, provenance),
	};
	int rc = page_table_add_stamped(&ledger->pages, addr, entry, invocation);

	if (rc <= 0)
		return rc;
	if (entry.birth > ledger->newest_birth)
		ledger->newest_birth = entry.birth;
	if (origin == ORIGIN_REPAIRED) {
		ledger->totals.repaired++;
	} else if (origin != ORIGIN_FOUND) {
		ledger->totals.born++;
		ledger->totals.huge += origin == ORIGIN_HUGE;
		if (ledger->invocations)
			invocations_page_born(ledger->invocations, invocation);
	}
	return 0;
}

static void removal_count(struct ledger *ledger, uint64_t pages, enum removal_kind kind)
{
	if (kind == REMOVAL_PURGE)
		ledger->totals.purged += pages;
	else if (kind != REMOVAL_MOVE)
		ledger->totals.returned += pages;
}

uint64_t ledger_remove_pages(struct ledger *ledger, uint64_t start, uint64_t end, uint32_t tid,
			     enum removal_kind kind)
{
	struct page_tally tally = {0};
	struct removal *removal;

	page_table_remove(&ledger->pages, start, end, &tally);
	removal_count(ledger, tally.pages, kind);
	if (!ledger->removals)
		ledger->removals = calloc(LEDGER_REMOVALS, sizeof(*ledger->removals));
	if (!ledger->removals) /* the next look may then believe what it sees too soon */
		return tally.pages;
	removal = &ledger->removals[ledger->removal_count++ % LEDGER_REMOVALS];
	*removal = (struct removal){
		.time_ns = ledger->now_ns,
		.start = start,
		.end = end,
		.pages = tally.pages,
		.tid = tid,
		.kind = kind,
	};
	return tally.pages;
}

void ledger_request(struct ledger *ledger, uint64_t start, uint64_t end, enum event_cause cause,
		    uint64_t not_before)
{
	struct scan_request *last;

	if (start >= end || ledger->exit_ns)
		return;
	if (ledger->request_count) {
		last = &ledger->requests[ledger->request_count - 1];
		if (last->cause == cause && start <= last->end && last->start <= end &&
		    not_before <= last->join_until) {
			last->start = start < last->start ? start : last->start;
			last->end = end > last->end ? end : last->end;
			last->not_before = not_before;
			return;
		}
	}
	if (ledger->request_count == ledger->request_capacity) {
		size_t capacity = ledger->request_capacity ? ledger->request_capacity * 2 : 16;
		struct scan_request *requests = NULL;

		if (capacity <= REQUESTS_MAX)
			requests = reallocarray(ledger->requests, capacity, sizeof(*requests));
		if (!requests) {
			ledger->rescan_all = true;
			ledger->rescan_cause = cause;
			ledger->request_count = 0;
			return;
		}
		ledger->requests = requests;
		ledger->request_capacity = capacity;
	}
	ledger->requests[ledger->request_count++] =
		(struct scan_request){.start = start,
				      .end = end,
				      .cause = cause,
				      .not_before = not_before,
				      .join_until = not_before + REQUEST_JOIN_NS};
}

uint32_t ledger_file(struct ledger *ledger, uint32_t dev, uint64_t ino)
{
	struct mapping_file file = {.dev = dev, .ino = ino};

	return intern_add(&ledger->files, &file, sizeof(file));
}

void ledger_ask(struct ledger *ledger, const struct asked *asked, uint64_t not_before)
{
	if (!ledger->asked)
		ledger->asked = calloc(LEDGER_ASKED, sizeof(*ledger->asked));
	if (ledger->asked) /* without it the mapping's own stack has to do */
		ledger->asked[ledger->asked_count++ % LEDGER_ASKED] = *asked;
	ledger_request(ledger, asked->start, asked->end, asked->cause, not_before);
}

bool ledger_take_request(struct ledger *ledger, uint64_t now_ns, struct scan_request *request)
{
	if (!ledger->request_count || ledger->requests[0].not_before > now_ns)
		return false;
	*request = ledger->requests[0];
	memmove(ledger->requests, ledger->requests + 1,
		--ledger->request_count * sizeof(*ledger->requests));
	return true;
}

uint32_t ledger_library_allocator(const char *name)
{
	static const struct {
		const char *prefix;
		uint32_t allocator;
	} libraries[] = {
		{"libjemalloc", ALLOCATOR_JEMALLOC}, {"libmimalloc", ALLOCATOR_MIMALLOC},
		{"libtcmalloc", ALLOCATOR_TCMALLOC}, {"libc.so.6", ALLOCATOR_GLIBC},
		{"libc-2.", ALLOCATOR_GLIBC},	     {"ld-musl", ALLOCATOR_MUSL},
	};

	for (size_t i = 0; i < sizeof(libraries) / sizeof(*libraries); i++)
		if (!strncmp(name, libraries[i].prefix, strlen(libraries[i].prefix)))
			return libraries[i].allocator;
	return ALLOCATOR_UNKNOWN;
}

/* The first match wins over a later libc: an allocator library replaces malloc. */
void ledger_learn_allocator(struct ledger *ledger, const char *name)
{
	uint32_t allocator = ledger_library_allocator(name);

	if (allocator != ALLOCATOR_UNKNOWN &&
	    (ledger->allocator == ALLOCATOR_UNKNOWN || ledger->allocator == ALLOCATOR_GLIBC))
		ledger->allocator = allocator;
}

bool ledger_mappings_known(const struct ledger *ledger)
{
	return ledger->complete && (!ledger->loss_ns || ledger->mapped_ns > ledger->loss_ns);
}

static int on_exec(struct ledger *ledger, const struct event_header *event)
{
	const struct event_exec *exec = (const struct event_exec *)event;

	ledger_reset(ledger);
	ledger->exec_ns = event->time_ns;
	ledger->execs++;
	memset(&ledger->settings, 0, sizeof(ledger->settings));
	ledger->allocator = ALLOCATOR_UNKNOWN;
	memcpy(ledger->comm, exec->comm, sizeof(ledger->comm));
	ledger->rescan_all = true;
	ledger->rescan_cause = CAUSE_ATTACH;
	return 0;
}

static int on_process_exit(struct ledger *ledger, const struct event_header *event)
{
	const struct event_exit *exited = (const struct event_exit *)event;

	ledger->exit_ns = event->time_ns;
	ledger->exit_code = exited->code;
	if (exited->lost > ledger->totals.lost)
		ledger->totals.lost = exited->lost;
	ledger->request_count = 0;
	ledger->rescan_all = false;
	if (ledger->invocations)
		invocations_cut(ledger->invocations, event->time_ns);
	return 0;
}

static int on_attach(struct ledger *ledger, const struct event_header *event)
{
	const struct event_attach *attach = (const struct event_attach *)event;

	ledger->start_ticks = attach->start_ticks;
	memcpy(ledger->comm, attach->comm, sizeof(ledger->comm));
	ledger->rescan_all = true;
	ledger->rescan_cause = CAUSE_ATTACH;
	return 0;
}

static int on_identity(struct ledger *ledger, const struct event_header *event)
{
	const struct event_identity *identity = (const struct event_identity *)event;

	if (identity->start_ticks)
		ledger->start_ticks = identity->start_ticks;
	ledger->identity_flags = identity->flags;
	if (identity->comm[0])
		memcpy(ledger->comm, identity->comm, sizeof(ledger->comm));
	if (identity->allocator != ALLOCATOR_UNKNOWN &&
	    (ledger->allocator == ALLOCATOR_UNKNOWN || ledger->allocator == ALLOCATOR_GLIBC))
		ledger->allocator = identity->allocator;
	return 0;
}

static int on_cycle(struct ledger *ledger, const struct event_header *event)
{
	const struct event_cycle *cycle = (const struct event_cycle *)event;

	if (cycle->end == 2) { /* given up: try again, unless its end is told next */
		ledger->rescan_all = true;
		ledger->rescan_cause = cycle->cause;
		ledger->cycle_end_ns = event->time_ns;
		ledger->cycle_cost_ns = NSEC_PER_SEC / 10;
	} else if (!cycle->end) {
		ledger->totals.unsettled = 0;
		ledger->cycle_begin_ns = event->time_ns;
	} else {
		ledger->totals.cycles++;
		ledger->complete = true;
		ledger->mapped_ns = ledger->cycle_begin_ns;
		ledger->cycle_end_ns = event->time_ns;
		ledger->cycle_cost_ns = cycle->cost_ns;
		ledger->cycle_cause = cycle->cause;
	}
	return 0;
}

static int on_sample(struct ledger *ledger, const struct event_header *event)
{
	memcpy(&ledger->sample, event, sizeof(ledger->sample));
	ledger->sample_pages = ledger->pages.pages;
	return 0;
}

static int on_loss(struct ledger *ledger, const struct event_header *event)
{
	const struct event_loss *loss = (const struct event_loss *)event;

	if (!loss->lost)
		return 0;
	ledger->totals.lost += loss->lost;
	ledger->loss_ns = event->time_ns;
	limbos_drop(ledger);	 /* their END may be among the lost: the cycle finds their pages */
	if (ledger->invocations) /* so may be the ends of what is open */
		invocations_cut(ledger->invocations, event->time_ns);
	ledger->rescan_all = true;
	ledger->rescan_cause = CAUSE_LOSS;
	return ledger->heap ? heap_event(ledger->heap, event) : 0;
}

static int on_interval(struct ledger *ledger, const struct event_header *event)
{
	uint32_t since = ledger_tick(ledger, ledger->now_ns);

	(void)event;
	/*
	 * Pages of both intervals must not share a tick: a page is young or not by
	 * its birth alone. So the clock is put forward, by at most one tick.
	 */
	if (ledger->newest_birth >= since && since < UINT32_MAX) {
		ledger->tick_shift += ledger->newest_birth - since + 1;
		since = ledger->newest_birth + 1;
	}
	page_table_begin_interval(&ledger->pages, since);
	for (struct limbo *limbo = ledger->limbos; limbo; limbo = limbo->next)
		page_table_begin_interval(&limbo->pages, since);
	return 0;
}

static void page_gone(void *invocations, uint32_t stamp)
{
	invocations_page_gone(invocations, stamp);
}

static int on_invocation(struct ledger *ledger, const struct event_header *event)
{
	const struct event_invocation *invocation = (const struct event_invocation *)event;

	if (!ledger->invocations) {
		if (invocation->edge == INVOCATION_GONE) /* of a thread without any */
			return 0;
		ledger->invocations = invocations_new();
		if (!ledger->invocations)
			return -ENOMEM;
		/* in limbo nothing is stamped yet */
		ledger->pages.gone = page_gone;
		ledger->pages.gone_ctx = ledger->invocations;
	}
	return invocations_event(ledger->invocations, invocation);
}

static int on_settings(struct ledger *ledger, const struct event_header *event)
{
	memcpy(&ledger->settings, event, sizeof(ledger->settings));
	return 0;
}

static int on_heap(struct ledger *ledger, const struct event_header *event)
{
	if (!ledger->heap) {
		if (event->kind != EVENT_HEAP) /* between its fork or exec and its HEAP */
			return 0;
		ledger->heap = heap_new(ledger->heap_tracked ? ledger->heap_tracked
							     : HEAP_TRACKED_DEFAULT);
		if (!ledger->heap)
			return -ENOMEM;
	}
	return heap_event(ledger->heap, event);
}

/* Of no concern here: FORK makes another ledger, stacks are known by their numbers. */
static int on_other(struct ledger *ledger, const struct event_header *event)
{
	(void)ledger;
	(void)event;
	return 0;
}

typedef int (*event_handler)(struct ledger *ledger, const struct event_header *event);

static const event_handler handlers[EVENT_KIND_COUNT] = {
	[EVENT_FAULT] = ledger_on_fault,
	[EVENT_UNMAP] = ledger_on_unmap,
	[EVENT_OVERLAY] = ledger_on_unmap,
	[EVENT_MADVISE] = ledger_on_madvise,
	[EVENT_BRK_SHRINK] = ledger_on_unmap,
	[EVENT_MREMAP_BEGIN] = ledger_on_mremap_begin,
	[EVENT_MREMAP_END] = ledger_on_mremap_end,
	[EVENT_MMAP] = ledger_on_mmap,
	[EVENT_MMAP_FILE] = ledger_on_mmap_file,
	[EVENT_MPROTECT] = ledger_on_mprotect,
	[EVENT_POPULATE] = ledger_on_populate,
	[EVENT_BRK] = ledger_on_brk,
	[EVENT_FAILED] = ledger_on_failed,
	[EVENT_FORK] = on_other,
	[EVENT_EXEC] = on_exec,
	[EVENT_EXIT] = on_process_exit,
	[EVENT_ATTACH] = on_attach,
	[EVENT_IDENTITY] = on_identity,
	[EVENT_VMA] = ledger_on_vma,
	[EVENT_SCAN] = ledger_on_scan,
	[EVENT_CYCLE] = on_cycle,
	[EVENT_LAZYFREE] = ledger_on_lazyfree,
	[EVENT_SAMPLE] = on_sample,
	[EVENT_LOSS] = on_loss,
	[EVENT_INTERVAL] = on_interval,
	[EVENT_SNAPSHOT] = on_other,
	[EVENT_MODULE] = on_other,
	[EVENT_STACK] = on_other,
	[EVENT_INVOCATION] = on_invocation,
	[EVENT_SETTINGS] = on_settings,
	[EVENT_HEAP] = on_heap,
	[EVENT_ALLOC_BEGIN] = on_heap,
	[EVENT_ALLOC] = on_heap,
	[EVENT_FREE] = on_heap,
};

int ledger_apply(struct ledger *ledger, const struct event_header *event)
{
	int rc;

	if (event->kind >= EVENT_KIND_COUNT || !handlers[event->kind])
		return -EINVAL;
	if (ledger->exit_ns && event->kind != EVENT_INTERVAL)
		return 0; /* a pid's next owner has a ledger of its own */
	if (event->time_ns > ledger->now_ns)
		ledger->now_ns = event->time_ns;
	/* those of the kernel side */
	ledger->totals.events += event->kind <= EVENT_EXIT || event->kind == EVENT_INVOCATION ||
				 event->kind >= EVENT_ALLOC_BEGIN;
	rc = handlers[event->kind](ledger, event);
	if (rc) {
		ledger->totals.errors++;
		ledger->rescan_all = true;
		ledger->rescan_cause = CAUSE_LOSS;
	}
	return rc;
}

/* Drops what MADV_DONTFORK and MADV_WIPEONFORK keep from a child. */
static void fork_drop_kept(struct ledger *child)
{
	struct mapping *mapping, *next;

	RB_FOREACH_SAFE (mapping, mapping_tree, &child->mappings.tree, next) {
		uint64_t start = mapping->start, end = mapping->end;

		if (mapping->attr.flags & (MAPPING_DONTFORK | MAPPING_WIPEONFORK))
			page_table_remove(&child->pages, start, end, NULL);
		if (mapping->attr.flags & MAPPING_DONTFORK)
			mapping_remove(&child->mappings, start, end);
	}
}

struct ledger *ledger_fork(const struct ledger *parent, const struct event_fork *event)
{
	struct ledger *child = ledger_new(event->child, event->h.time_ns);

	if (!child)
		return NULL;
	child->base_ns = parent->base_ns;
	child->tick_shift = parent->tick_shift;
	child->newest_birth = parent->newest_birth;
	child->pages.epoch = parent->pages.epoch;
	child->pages.young_since = parent->pages.young_since;
	if (page_table_clone(&parent->pages, &child->pages) ||
	    mapping_map_clone(&parent->mappings, &child->mappings) ||
	    intern_clone(&parent->names, &child->names) ||
	    intern_clone(&parent->files, &child->files) ||
	    intern_clone(&parent->provenances, &child->provenances)) {
		ledger_free(child);
		return NULL;
	}
	fork_drop_kept(child);
	child->allocator = parent->allocator;
	child->identity_flags = parent->identity_flags;
	child->settings = parent->settings;
	child->heap_tracked = parent->heap_tracked;
	memcpy(child->comm, event->comm, sizeof(child->comm));
	/* the parent's other threads went on between the copy and the record */
	child->rescan_all = true;
	child->rescan_cause = CAUSE_ATTACH;
	return child;
}

struct ledger_classes ledger_classes(const struct ledger *ledger)
{
	const struct page_table *pages = &ledger->pages;
	uint64_t rewritten = ledger->lazy_rewritten;

	return (struct ledger_classes){
		.resident = pages->pages,
		.retained = pages->pages - pages->young,
		.lazy = pages->lazy > rewritten ? pages->lazy - rewritten : 0,
	};
}

int ledger_report_mappings(const struct ledger *ledger, struct mapping_report **reports,
			   size_t *count)
{
	struct mapping_tree *tree = (struct mapping_tree *)&ledger->mappings.tree;
	struct mapping_report *out = calloc(ledger->mappings.count + 1, sizeof(*out));
	struct mapping *mapping;
	size_t used = 0;

	if (!out)
		return -ENOMEM;
	RB_FOREACH (mapping, mapping_tree, tree) {
		struct page_tally tally = {0};

		page_table_count(&ledger->pages, mapping->start, mapping->end, &tally);
		out[used++] = (struct mapping_report){
			.start = mapping->start,
			.end = mapping->end,
			.resident = tally.pages,
			.retained = tally.pages - tally.young,
			.lazy = tally.lazy,
			.prot = mapping->attr.prot,
			.flags = mapping->attr.flags,
			.kind = mapping->attr.kind,
			.name = intern_get(&ledger->names, mapping->attr.name),
			.owner = intern_get(&ledger->names, mapping->attr.owner),
			.stack = mapping->attr.stack,
		};
	}
	*reports = out;
	*count = used;
	return 0;
}

uint64_t ledger_memory(const struct ledger *ledger)
{
	return sizeof(*ledger) + (ledger->removals ? LEDGER_REMOVALS * sizeof(struct removal) : 0) +
	       ledger->pages.bytes + ledger->mappings.bytes + ledger->names.bytes +
	       ledger->provenances.bytes + ledger->request_capacity * sizeof(*ledger->requests) +
	       (ledger->invocations ? invocations_memory(ledger->invocations) : 0) +
	       (ledger->heap ? heap_memory(ledger->heap) : 0);
}
