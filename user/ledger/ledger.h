/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The page ledger of one process: its mappings, its resident anonymous pages,
 * and the totals of what became of them. It is driven by events alone
 * (bpf/event.h) and takes its time from them, so the same events give the same
 * ledger, live or replayed.
 *
 * Not thread safe. Functions return 0 or a negative errno and leave the ledger
 * consistent on failure.
 */
#ifndef TIDEMARK_LEDGER_LEDGER_H
#define TIDEMARK_LEDGER_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/event.h"
#include "user/base/intern.h"
#include "user/ledger/heap.h"
#include "user/ledger/invocations.h"
#include "user/ledger/mapping.h"
#include "user/ledger/page_table.h"

/*
 * A record says what was about to happen (a munmap was entered, a fault was
 * taken), so its effect trails it. A look at /proc that differs from the ledger
 * only in what was recorded less than this before the look settles nothing.
 */
#define LEDGER_SETTLE_NS (100 * NSEC_PER_MSEC)

/* The ledger's clock: 32 bits of this last for 497 days. */
#define LEDGER_TICK_NS (10 * NSEC_PER_MSEC)

#define LEDGER_REMOVALS 1024 /* remembered, for that and for the view of recent purges */

/* How a page came to be known. */
enum page_origin {
	ORIGIN_FAULT_USER,
	ORIGIN_FAULT_KERNEL, /* the kernel touched it for the process: read(2), futex */
	ORIGIN_POPULATE,     /* madvise POPULATE, MAP_POPULATE, mlock */
	ORIGIN_HUGE,	     /* came along in a huge page */
	ORIGIN_FORK,	     /* the parent's, shared until written */
	ORIGIN_FOUND,	     /* was there when the watch began */
	ORIGIN_REPAIRED,     /* found by reconciliation: no event told of it */
	ORIGIN_COUNT
};

/*
 * Who touched first. Interned: a page holds its index. Threads and stacks that
 * come and go make ever new ones: past LEDGER_PROVENANCES the thread is left out,
 * past twice as many the stack, too.
 */
struct provenance {
	uint32_t tid;	 /* 0: not known */
	uint32_t stack;	 /* number of its call stack; 0: not known */
	uint32_t weight; /* faults that this stack stands for; 0: not chosen, see event_fault */
	uint16_t origin; /* enum page_origin */
	uint16_t pad;
};

#define LEDGER_PROVENANCES (1U << 18)

enum removal_kind {
	REMOVAL_PURGE,	 /* madvise DONTNEED and the like: the mapping stays */
	REMOVAL_UNMAP,	 /* munmap */
	REMOVAL_BRK,	 /* the break went down */
	REMOVAL_MREMAP,	 /* shrunk */
	REMOVAL_OVERLAY, /* covered by mmap MAP_FIXED */
	REMOVAL_MOVE,	 /* left for another address: mremap */
	REMOVAL_KIND_COUNT
};

const char *removal_kind_name(enum removal_kind kind);

struct removal {
	uint64_t time_ns;
	uint64_t start;
	uint64_t end;
	uint64_t pages; /* resident ones it took */
	uint32_t tid;
	uint32_t kind;
};

/* A range given to MADV_FREE. */
#define LEDGER_FREED 32

struct freed {
	uint64_t time_ns;
	uint64_t start;
	uint64_t end;
};

/* Since the watch began; never reset. Pages unless said. */
struct ledger_totals {
	uint64_t events;    /* records applied */
	uint64_t lost;	    /* records lost in the kernel */
	uint64_t born;	    /* first touches */
	uint64_t purged;    /* given back, mapping kept */
	uint64_t returned;  /* given back with the mapping */
	uint64_t repaired;  /* added or removed by reconciliation */
	uint64_t faults;    /* page faults, also those on resident pages */
	uint64_t strays;    /* write faults outside any known mapping */
	uint64_t failed;    /* destroying calls that the kernel refused */
	uint64_t errors;    /* records that could not be applied: out of memory */
	uint64_t cycles;    /* reconciliation cycles completed */
	uint64_t huge;	    /* born: came along in a huge page */
	uint64_t unsettled; /* pages that the last cycle could not settle, see LEDGER_SETTLE_NS */
};

/* A part of /proc that has to be read: a request to the source. */
struct scan_request {
	uint64_t start;
	uint64_t end;
	uint32_t cause;	     /* enum event_cause */
	uint64_t not_before; /* CLOCK_MONOTONIC: earlier, the effect may still be on its way */
	uint64_t join_until; /* requests due by then may be joined to it */
};

/*
 * A call or fault whose pages a look is to find: populated, or brought along by
 * a huge page. They are first touched under its stack.
 */
#define LEDGER_ASKED 512

struct asked {
	uint64_t time_ns;
	uint64_t start;
	uint64_t end;
	uint32_t cause; /* enum event_cause */
	uint32_t tid;
	uint32_t stack;
	uint32_t weight;
	uint32_t invocation; /* the one open in the thread then; 0: none */
	uint32_t pad;
};

struct limbo;

struct ledger {
	uint32_t pid;
	uint32_t allocator; /* enum event_allocator */
	uint32_t identity_flags;
	uint64_t start_ticks;
	char comm[EVENT_COMM_LEN];

	uint64_t attach_ns;  /* when the watch began */
	uint64_t base_ns;    /* tick 1 of the ledger's clock; a child shares its parent's */
	uint64_t now_ns;     /* time of the newest record */
	uint32_t tick_shift; /* ticks that intervals have put the clock forward by */
	uint32_t newest_birth;
	uint64_t exec_ns; /* the last exec that was seen; 0: none */
	uint32_t execs;	  /* that were seen */
	uint64_t exit_ns; /* 0: alive */
	uint32_t exit_code;
	bool lock_future; /* mlockall(MCL_FUTURE): new mappings are faulted in at once */
	bool complete;	  /* a first cycle has ended: mappings and pages are all known */

	struct page_table pages;
	struct mapping_map mappings;
	struct intern names;
	struct intern files; /* struct mapping_file */
	struct intern provenances;
	struct provenance provenance_cached; /* the last one, and */
	uint32_t provenance_number;	     /* its number; 0: none yet */
	struct invocations *invocations;     /* NULL: none has been seen */
	struct heap *heap;		     /* NULL: no allocator was ever probed */
	size_t heap_tracked;		     /* of it, at most; 0: HEAP_TRACKED_DEFAULT */
	struct event_settings settings;	     /* h.time_ns 0: not known */
	struct limbo *limbos;		     /* sources of mremaps under way */
	struct ledger_totals totals;
	struct event_sample sample; /* the newest one; h.time_ns 0: none yet */
	uint64_t sample_pages;	    /* pages.pages when it was taken */
	uint64_t lazy_rewritten;    /* pages marked lazy that smaps says were written again */
	uint64_t lazy_ns;	    /* the last MADV_FREE; 0: none */
	uint64_t lazy_cursor;	    /* how far the present round of LAZYFREE records has come */

	struct freed freed[LEDGER_FREED]; /* ring */
	uint64_t freed_count;		  /* ever */
	struct asked *asked;		  /* ring of LEDGER_ASKED, made with the first */
	uint64_t asked_count;		  /* ever */

	struct removal *removals; /* ring of LEDGER_REMOVALS, made with the first */
	uint64_t removal_count;	  /* ever; newest at (count - 1) % LEDGER_REMOVALS */

	struct scan_request *requests;
	size_t request_count;
	size_t request_capacity;
	bool rescan_all; /* the requests did not suffice: look at everything */
	uint32_t rescan_cause;
	uint64_t cycle_begin_ns; /* when the last cycle began */
	uint64_t cycle_end_ns;	 /* when the last cycle ended; 0: none yet */
	uint64_t cycle_cost_ns;	 /* time it spent in /proc */
	uint64_t mapped_ns;	 /* the last cycle that was completed began then; 0: none yet */
	uint64_t loss_ns;	 /* when records were last said to be lost; 0: never */
	uint32_t cycle_cause;
	uint64_t lazy_round_ns; /* when smaps was last read; 0: never */
	uint64_t lazy_cost_ns;	/* time that took */
};

/* A new, empty ledger for a process; NULL without memory. */
struct ledger *ledger_new(uint32_t pid, uint64_t time_ns);
void ledger_free(struct ledger *ledger);

/*
 * Applies one decoded record of this process, or of no process (INTERVAL).
 * FORK is not applied here, see ledger_fork().
 */
int ledger_apply(struct ledger *ledger, const struct event_header *event);

/* The ledger of a child as fork(2) makes it: the same pages and mappings. */
struct ledger *ledger_fork(const struct ledger *parent, const struct event_fork *event);

/* The next part of /proc to read that is due; false if none is. */
bool ledger_take_request(struct ledger *ledger, uint64_t now_ns, struct scan_request *request);

/* Pages by class now. */
struct ledger_classes {
	uint64_t resident; /* all anonymous pages of the ledger */
	uint64_t retained; /* first touched before the present interval */
	uint64_t lazy;	   /* lazily freed, not known to be rewritten */
};

struct ledger_classes ledger_classes(const struct ledger *ledger);

/* Resident anonymous pages by where they are. Counts are of mappings with some. */
struct ledger_parts {
	uint64_t heap;		/* brk, and mappings that an allocator or nobody known asked for */
	uint64_t arenas;	/* glibc's arenas but the main one */
	uint64_t arena_count;	/* their heaps of 64 MiB */
	uint64_t own;		/* mappings that the program or its libraries made themselves */
	uint64_t threads;	/* stacks of threads */
	uint64_t thread_stacks; /* how many */
	uint64_t stack;		/* the main thread's */
	uint64_t files;		/* written pages of private file mappings */
	uint64_t huge_advised;	/* of heap, arenas and own: under MADV_HUGEPAGE */
	uint64_t runs;		/* runs of neighbouring resident pages in heap, arenas and own */
};

/* Walks mappings and leaves, not pages: some 20 ns a leaf. */
void ledger_parts(const struct ledger *ledger, struct ledger_parts *parts);

/* One mapping as the views show it. Strings belong to the ledger. */
struct mapping_report {
	uint64_t start;
	uint64_t end;
	uint64_t resident; /* anonymous pages */
	uint64_t retained;
	uint64_t lazy;
	uint32_t prot;
	uint32_t flags; /* MAPPING_* */
	enum mapping_kind kind;
	const char *name;  /* "" if it has none */
	const char *owner; /* library that asked for it, "" if not known */
	uint32_t stack;	   /* number of the stack it was created under; 0: not known */
};

/*
 * All mappings with their pages, in address order. *reports is the caller's to
 * free. Walks leaves, not pages.
 */
int ledger_report_mappings(const struct ledger *ledger, struct mapping_report **reports,
			   size_t *count);

/* Bytes of collector memory this ledger takes. */
uint64_t ledger_memory(const struct ledger *ledger);

/* "jemalloc", "glibc", ...; "?" when not known. */
const char *allocator_name(uint32_t allocator);

#endif
