// SPDX-License-Identifier: GPL-2.0-only
#include "user/view/fields.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "user/base/units.h"

#define GETTER(name, member, as)                                                                   \
	static union field_value get_##name(const struct process *process,                         \
					    const struct report *report)                           \
	{                                                                                          \
		(void)process;                                                                     \
		return (union field_value){.as = report->member};                                  \
	}
#define REPORT_GETTER(member, as) GETTER(member, member, as)

REPORT_GETTER(time_s, d)
REPORT_GETTER(rss, u)
REPORT_GETTER(anon, u)
REPORT_GETTER(file, u)
REPORT_GETTER(shmem, u)
REPORT_GETTER(retained, u)
REPORT_GETTER(lazyfree, u)
REPORT_GETTER(purged_total, u)
REPORT_GETTER(returned_total, u)
REPORT_GETTER(born_pages_total, u)
REPORT_GETTER(growth_per_hour, d)
REPORT_GETTER(unexplained, i)
REPORT_GETTER(events_total, u)
REPORT_GETTER(lost_total, u)
REPORT_GETTER(repaired_pages_total, u)
REPORT_GETTER(resident, u)
REPORT_GETTER(swap, u)
REPORT_GETTER(virtual, u)
REPORT_GETTER(born_pages_per_s, d)
REPORT_GETTER(events_per_s, d)
REPORT_GETTER(unknown, u)
REPORT_GETTER(stacks_total, u)
REPORT_GETTER(stacks_failed_total, u)
REPORT_GETTER(invocations_total, u)
REPORT_GETTER(invocations_unmatched_total, u)
REPORT_GETTER(invocation_retained, u)
GETTER(invocation_growth, per_invocation.estimate, d)
GETTER(invocation_growth_low, per_invocation.low, d)
GETTER(invocation_growth_high, per_invocation.high, d)

GETTER(heap_allocated, heap.live_bytes, u)
GETTER(heap_allocations, heap.live_count, u)

#define HEAP_GETTER(name, class)                                                                   \
	static union field_value get_heap_##name(const struct process *process,                    \
						 const struct report *report)                      \
	{                                                                                          \
		(void)process;                                                                     \
		return (union field_value){.u = report->heap.classes[class] << PAGE_SHIFT};        \
	}

HEAP_GETTER(live, HEAP_LIVE)
HEAP_GETTER(fragmented, HEAP_FRAGMENTED)
HEAP_GETTER(free, HEAP_FREE)
HEAP_GETTER(unknown, HEAP_UNKNOWN)

static union field_value get_pid(const struct process *process, const struct report *report)
{
	(void)report;
	return (union field_value){.u = process->ledger->pid};
}

static union field_value get_command(const struct process *process, const struct report *report)
{
	(void)report;
	return (union field_value){.text = process->ledger->comm};
}

static union field_value get_allocator(const struct process *process, const struct report *report)
{
	(void)report;
	return (union field_value){.text = allocator_name(process->ledger->allocator)};
}

static union field_value get_verdict(const struct process *process, const struct report *report)
{
	(void)process;
	return (union field_value){.text = report ? verdict_word(report->verdict) : "-"};
}

#define CSV FIELD_IN_CSV
#define WATCH FIELD_IN_WATCH
#define OVERVIEW FIELD_IN_OVERVIEW
#define ON_INVOCATIONS FIELD_ON_INVOCATIONS
#define ON_HEAP FIELD_ON_HEAP

/*
 * The order is that of every output. Scripts read series.csv by its columns:
 * time_s to repaired_pages_total keep their names and places, new columns go
 * to the end.
 */
const struct field fields[] = {
	{"pid", "PID", "Process ID, as the initial PID namespace has it.", FIELD_UINT, UNIT_NONE,
	 WATCH | OVERVIEW, 7, 3, get_pid},
	{"command", "COMMAND",
	 "Name the process gives itself (comm); unprintable characters are shown as '?'.",
	 FIELD_TEXT, UNIT_NONE, WATCH | OVERVIEW, 15, 1, get_command},
	{"allocator", "ALLOC",
	 "Memory allocator found in the process: who may keep pages that the application has "
	 "freed; '?' when none was recognised.",
	 FIELD_TEXT, UNIT_NONE, WATCH | OVERVIEW, 8, 13, get_allocator},
	{"time_s", "TIME", "Time since the watch of this process began.", FIELD_DOUBLE,
	 UNIT_SECONDS, CSV, 7, 20, get_time_s},
	{"rss_bytes", "RSS",
	 "Resident set: anonymous, file and shared pages in memory, as the kernel counts them.",
	 FIELD_UINT, UNIT_BYTES, CSV | WATCH | OVERVIEW, 6, 2, get_rss},
	{"anon_bytes", "ANON",
	 "Anonymous part of the resident set as the kernel counts it: heaps, stacks, written "
	 "private file pages; of a process that has ended the ledger's count.",
	 FIELD_UINT, UNIT_BYTES, CSV, 6, 21, get_anon},
	{"file_bytes", "FILE",
	 "File part of the resident set: programs, libraries, mapped files; the kernel can drop "
	 "clean ones.",
	 FIELD_UINT, UNIT_BYTES, CSV, 6, 22, get_file},
	{"shmem_bytes", "SHMEM",
	 "Shared-memory part of the resident set: tmpfs, System V, shared anonymous mappings.",
	 FIELD_UINT, UNIT_BYTES, CSV, 6, 23, get_shmem},
	{"retained_bytes", "RETAIN",
	 "Resident pages first touched before this reporting interval and not given back since, "
	 "lazily freed ones included; what keeps growing here is kept by someone.",
	 FIELD_UINT, UNIT_BYTES, CSV | WATCH | OVERVIEW, 6, 6, get_retained},
	{"lazyfree_bytes", "LAZY",
	 "Lazily freed (MADV_FREE): given back, but resident and counted in RSS until the kernel "
	 "wants the pages; not a leak.",
	 FIELD_UINT, UNIT_BYTES, CSV | WATCH | OVERVIEW, 6, 9, get_lazyfree},
	{"purged_bytes_total", "PURGED",
	 "Purged since the watch began: resident pages given back by madvise with the mapping "
	 "kept, so they were free.",
	 FIELD_UINT, UNIT_BYTES, CSV | WATCH, 6, 12, get_purged_total},
	{"returned_bytes_total", "RETURN",
	 "Returned since the watch began: resident pages given back with their mapping: munmap, "
	 "brk, mremap.",
	 FIELD_UINT, UNIT_BYTES, CSV, 6, 24, get_returned_total},
	{"born_pages_total", "BORN",
	 "First touches since the watch began: page faults that made an anonymous page resident.",
	 FIELD_UINT, UNIT_PAGES, CSV, 6, 25, get_born_pages_total},
	{"growth_bytes_per_hour", "GROW/h",
	 "Growth of RSS per hour: the median slope over the newest reports, which a short burst "
	 "does not move; '-' until there are enough of them.",
	 FIELD_DOUBLE, UNIT_BYTES_PER_HOUR, CSV | WATCH | OVERVIEW, 7, 5, get_growth_per_hour},
	{"unexplained_bytes", "UNEXPL",
	 "Unexplained remainder: anonymous memory by the kernel's count minus the pages in the "
	 "ledger; 0 when the ledger balances.",
	 FIELD_INT, UNIT_BYTES, CSV | WATCH | OVERVIEW, 7, 8, get_unexplained},
	{"events_total", "EVENTS", "Records about this process since the watch began.", FIELD_UINT,
	 UNIT_EVENTS, CSV, 6, 26, get_events_total},
	{"lost_events_total", "LOST",
	 "Records lost since the watch began because the ring buffer was full; the page table is "
	 "then read again and the ledger repaired.",
	 FIELD_UINT, UNIT_EVENTS, CSV | WATCH | OVERVIEW, 6, 7, get_lost_total},
	{"repaired_pages_total", "REPAIR",
	 "Pages that reconciliation with the kernel's page table had to add or remove since the "
	 "watch began.",
	 FIELD_UINT, UNIT_PAGES, CSV, 6, 27, get_repaired_pages_total},
	{"resident_bytes", "RESID",
	 "Anonymous pages in the ledger: retained ones and those first touched in this interval.",
	 FIELD_UINT, UNIT_BYTES, CSV, 6, 28, get_resident},
	{"swap_bytes", "SWAP", "Anonymous memory in swap; not part of RSS.", FIELD_UINT, UNIT_BYTES,
	 CSV, 6, 29, get_swap},
	{"virtual_bytes", "VIRT",
	 "Address space of all mappings, touched or not; large values cost no memory.", FIELD_UINT,
	 UNIT_BYTES, CSV, 6, 30, get_virtual},
	{"born_pages_per_second", "BORN/s", "First touches per second in this interval.",
	 FIELD_DOUBLE, UNIT_PAGES_PER_SECOND, CSV | WATCH, 6, 11, get_born_pages_per_s},
	{"events_per_second", "EVT/s",
	 "Records per second in this interval: what the watch of this process costs.", FIELD_DOUBLE,
	 UNIT_EVENTS_PER_SECOND, CSV | WATCH | OVERVIEW, 6, 16, get_events_per_s},
	{"unknown_bytes", "NOSITE",
	 "Resident pages whose call stack of the first touch is not known: resident before the "
	 "watch began, found by reconciliation, or their stack was not taken.",
	 FIELD_UINT, UNIT_BYTES, CSV, 6, 31, get_unknown},
	{"stacks_total", "STACKS",
	 "Call stacks taken since the watch began, of page faults and of calls that change "
	 "mappings.",
	 FIELD_UINT, UNIT_STACKS, CSV, 6, 32, get_stacks_total},
	{"stacks_failed_total", "FAILED",
	 "Of these, stacks that could not be followed to the start of their thread or program; "
	 "their innermost frames are mostly known.",
	 FIELD_UINT, UNIT_STACKS, CSV, 6, 33, get_stacks_failed_total},
	{"invocations_total", "INVOC",
	 "Invocations that have ended since the watch began, as marked with --invocation.",
	 FIELD_UINT, UNIT_INVOCATIONS, CSV | WATCH | ON_INVOCATIONS, 6, 14, get_invocations_total},
	{"invocations_unmatched_total", "UNPAIR",
	 "Ends of invocations whose beginning was not seen, and beginnings whose end was not: "
	 "before the watch began, lost, or the thread ended.",
	 FIELD_UINT, UNIT_INVOCATIONS, CSV, 6, 34, get_invocations_unmatched_total},
	{"invocation_retained_bytes", "INVKEP",
	 "Resident pages first touched in an invocation that is not open any more.", FIELD_UINT,
	 UNIT_BYTES, CSV, 6, 35, get_invocation_retained},
	{"invocation_growth_bytes", "GROW/i",
	 "Growth of these pages per invocation: a robust estimate over the newest ones; '-' until "
	 "there are enough of them.",
	 FIELD_DOUBLE, UNIT_BYTES_PER_INVOCATION, CSV | WATCH | OVERVIEW | ON_INVOCATIONS, 7, 10,
	 get_invocation_growth},
	{"invocation_growth_low_bytes", "LOW/i",
	 "Lower end of its interval of confidence of 95%; where it is above 0, memory does grow "
	 "with the invocations.",
	 FIELD_DOUBLE, UNIT_BYTES_PER_INVOCATION, CSV, 7, 36, get_invocation_growth_low},
	{"invocation_growth_high_bytes", "HIGH/i",
	 "Upper end of its interval of confidence of 95%.", FIELD_DOUBLE, UNIT_BYTES_PER_INVOCATION,
	 CSV, 7, 37, get_invocation_growth_high},
	{"heap_live_bytes", "LIVE",
	 "Resident heap pages of which at least three quarters are live allocations, by the probes "
	 "on the allocator; 0 without heap evidence.",
	 FIELD_UINT, UNIT_BYTES, CSV | WATCH | ON_HEAP, 6, 38, get_heap_live},
	{"heap_fragmented_bytes", "FRAG",
	 "Resident heap pages that live allocations keep, with less than three quarters of them "
	 "in use.",
	 FIELD_UINT, UNIT_BYTES, CSV | WATCH | ON_HEAP, 6, 39, get_heap_fragmented},
	{"heap_free_bytes", "FREE",
	 "Resident heap pages with no live allocation in them: freed, and kept by the allocator.",
	 FIELD_UINT, UNIT_BYTES, CSV | WATCH | ON_HEAP, 6, 40, get_heap_free},
	{"heap_unknown_bytes", "UNKNWN",
	 "Resident heap pages that may hold allocations older than the probes.", FIELD_UINT,
	 UNIT_BYTES, CSV | WATCH | ON_HEAP, 6, 41, get_heap_unknown},
	{"heap_allocated_bytes", "ALLOCD",
	 "Live allocations that the probes have seen, as the allocator rounds them.", FIELD_UINT,
	 UNIT_BYTES, CSV, 6, 42, get_heap_allocated},
	{"heap_allocations", "BLOCKS", "Number of live allocations that the probes have seen.",
	 FIELD_UINT, UNIT_ALLOCATIONS, CSV, 6, 43, get_heap_allocations},
	{"verdict", "WHY",
	 "Why memory grows, or why it stays, by the evidence so far; 'unknown' where that does not "
	 "reach.",
	 FIELD_TEXT, UNIT_NONE, CSV | WATCH | OVERVIEW, 14, 4, get_verdict},
};

const size_t field_count = sizeof(fields) / sizeof(*fields);

unsigned int field_demands(const struct report *report)
{
	return (report->invocations_total ? FIELD_ON_INVOCATIONS : 0) |
	       (report->heap.begin_ns ? FIELD_ON_HEAP : 0);
}

bool field_is_demanded(const struct field *field, unsigned int demands)
{
	return !(field->shown & FIELD_ON_DEMAND & ~demands);
}

const struct field *field_find(const char *name)
{
	for (size_t i = 0; i < field_count; i++) {
		if (!strcmp(fields[i].name, name))
			return &fields[i];
	}
	return NULL;
}

double field_number(const struct field *field, union field_value value)
{
	switch (field->type) {
	case FIELD_UINT:
		return (double)value.u;
	case FIELD_INT:
		return (double)value.i;
	case FIELD_DOUBLE:
		return value.d;
	case FIELD_TEXT:
		break;
	}
	return NAN;
}

/*
 * A process chooses its own name, and a terminal obeys escape sequences in it.
 * What passes is printable in the present locale and takes room: that leaves
 * out controls and marks that turn the writing direction, and in the C locale
 * everything but ASCII, whose bytes an 8-bit terminal may take for controls.
 */
static void copy_printable(char *text, size_t size, const char *from)
{
	size_t left = strlen(from);
	mbstate_t state = {0};
	size_t used = 0;

	while (left) {
		wchar_t c;
		size_t length = mbrtowc(&c, from, left, &state);
		bool valid = length != 0 && length <= left;

		if (!valid) {
			state = (mbstate_t){0};
			length = 1;
		}
		if (valid && wcwidth(c) > 0) {
			if (used + length >= size)
				break;
			memcpy(text + used, from, length);
			used += length;
		} else {
			if (used + 1 >= size)
				break;
			text[used++] = '?';
		}
		from += length;
		left -= length;
	}
	text[used] = '\0';
}

static void format_duration(char *text, size_t size, double seconds)
{
	uint64_t whole;

	if (!(seconds >= 0) || seconds > 1e15) {
		snprintf(text, size, "-");
		return;
	}
	whole = (uint64_t)seconds;
	if (seconds < 99.95)
		snprintf(text, size, "%.1fs", seconds);
	else if (whole < 100 * 60)
		snprintf(text, size, "%" PRIu64 "m%02" PRIu64 "s", whole / 60, whole % 60);
	else if (whole < 100 * 3600)
		snprintf(text, size, "%" PRIu64 "h%02" PRIu64 "m", whole / 3600, whole / 60 % 60);
	else
		snprintf(text, size, "%" PRIu64 "d%02" PRIu64 "h", whole / 86400,
			 whole / 3600 % 24);
}

char *field_format(const struct field *field, union field_value value, char *text, size_t size)
{
	char number[UNITS_TEXT_LEN];

	if (!size)
		return text;
	if (field->type == FIELD_TEXT) {
		copy_printable(text, size, value.text);
		return text;
	}
	switch (field->unit) {
	case UNIT_SECONDS:
		format_duration(text, size, field_number(field, value));
		return text;
	case UNIT_BYTES:
		units_bytes(number, field_number(field, value));
		break;
	case UNIT_BYTES_PER_HOUR:
	case UNIT_BYTES_PER_INVOCATION:
		units_signed_bytes(number, field_number(field, value));
		break;
	case UNIT_NONE:
		if (field->type == FIELD_UINT) {
			snprintf(text, size, "%" PRIu64, value.u);
			return text;
		}
		/* fall through */
	default:
		units_count(number, field_number(field, value));
	}
	snprintf(text, size, "%s", number);
	return text;
}
