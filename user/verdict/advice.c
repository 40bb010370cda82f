// SPDX-License-Identifier: GPL-2.0-only
/* What to do about a verdict, by allocator; settings are of jemalloc(3), mimalloc's and glibc's
 * manuals. */
#include "user/verdict/rules.h"

struct advice {
	enum verdict_kind kind;
	uint32_t allocator; /* ALLOCATOR_UNKNOWN: of any that has no row of its own */
	const char *text;
};

static const struct advice advices[] = {
	{VERDICT_LIVE_GROWTH, ALLOCATOR_UNKNOWN,
	 "look at the top site: bound the cache, or free what it keeps; no setting of an "
	 "allocator changes this growth"},
	{VERDICT_IDLE_RETENTION, ALLOCATOR_JEMALLOC,
	 "MALLOC_CONF=background_thread:true purges while the program rests (a thread per "
	 "arena group; it stands still in a frozen process); dirty_decay_ms:0 purges at "
	 "once, and costs page faults at each reuse"},
	{VERDICT_IDLE_RETENTION, ALLOCATOR_MIMALLOC,
	 "call mi_collect(true) when work ends; MIMALLOC_DECOMMIT_DELAY=0 (from 2.1 on "
	 "MIMALLOC_PURGE_DELAY=0) gives back at once, and costs page faults at each reuse"},
	{VERDICT_IDLE_RETENTION, ALLOCATOR_GLIBC,
	 "call malloc_trim(0) when work ends (it walks all arenas; once, from outside: gdb -p PID "
	 "-batch -ex 'call (int)malloc_trim(0)'); MALLOC_TRIM_THRESHOLD_ set low gives back what "
	 "is free at the heap's top alone, MALLOC_MMAP_THRESHOLD_ large blocks"},
	{VERDICT_IDLE_RETENTION, ALLOCATOR_UNKNOWN,
	 "have the allocator purge when work ends; it costs page faults at the next burst"},
	{VERDICT_DELAYED_PURGE, ALLOCATOR_JEMALLOC,
	 "nothing leaks; a lower dirty_decay_ms (10000 by default) shortens the wait at the "
	 "cost of page faults, background_thread:true keeps to it while idle"},
	{VERDICT_DELAYED_PURGE, ALLOCATOR_UNKNOWN,
	 "nothing leaks; purging earlier costs page faults at the next burst"},
	{VERDICT_LAZY_FREE, ALLOCATOR_JEMALLOC,
	 "nothing leaks: judge by RSS less lazily freed pages; muzzy_decay_ms:0 gives them back "
	 "at once"},
	{VERDICT_LAZY_FREE, ALLOCATOR_GO,
	 "nothing leaks: judge by RSS less lazily freed pages; GODEBUG=madvdontneed=1 gives "
	 "them back at once"},
	{VERDICT_LAZY_FREE, ALLOCATOR_UNKNOWN,
	 "nothing leaks: judge by RSS less lazily freed pages; MADV_DONTNEED would give them "
	 "back at once"},
	{VERDICT_FRAGMENTATION, ALLOCATOR_GLIBC,
	 "allocate what lives long apart from what does not (a pool), or use an allocator with "
	 "size classes; malloc_trim(0) gives back whole pages only"},
	{VERDICT_FRAGMENTATION, ALLOCATOR_UNKNOWN,
	 "allocate what lives long apart from what does not: an arena or pool for the burst "
	 "that is dropped as a whole"},
	{VERDICT_HUGE_PAGES, ALLOCATOR_UNKNOWN,
	 "MADV_NOHUGEPAGE on sparse ranges, or transparent_hugepage=madvise; "
	 "max_ptes_none of khugepaged bounds how much it adds"},
	{VERDICT_FILE_MAPPINGS, ALLOCATOR_UNKNOWN,
	 "unmap files that are done with; clean file pages go under pressure, shared memory "
	 "and tmpfs do not"},
	{VERDICT_THREAD_STACKS, ALLOCATOR_UNKNOWN,
	 "end threads that are done with (join or detach them), or bound the pool; a deep "
	 "recursion keeps its stack: MADV_DONTNEED below the stack pointer gives it back"},
	{VERDICT_ARENAS, ALLOCATOR_GLIBC,
	 "MALLOC_ARENA_MAX=2 (or mallopt M_ARENA_MAX) shares arenas, at more contention; "
	 "malloc_trim(0) gives free pages of all arenas back"},
	{VERDICT_ARENAS, ALLOCATOR_JEMALLOC,
	 "MALLOC_CONF=narenas:N or background_thread:true bounds what arenas of resting threads "
	 "keep"},
	{VERDICT_ARENAS, ALLOCATOR_UNKNOWN, "fewer threads, or a pool of them"},
};

const char *verdict_advice(enum verdict_kind kind, uint32_t allocator)
{
	const char *any = "";

	for (size_t i = 0; i < sizeof(advices) / sizeof(*advices); i++) {
		if (advices[i].kind != kind)
			continue;
		if (advices[i].allocator == allocator)
			return advices[i].text;
		if (advices[i].allocator == ALLOCATOR_UNKNOWN)
			any = advices[i].text;
	}
	return any;
}

const char *verdict_purge_advice(uint32_t allocator)
{
	switch (allocator) {
	case ALLOCATOR_GLIBC:
		return "a purge tells: gdb -p PID -batch -ex 'call (int)malloc_trim(0)' stops it "
		       "for a moment and gives free pages back; or run it anew under `tidemark "
		       "heap -- COMMAND`, which knows what is live from the start";
	case ALLOCATOR_JEMALLOC:
		return "a purge tells (mallctl arena.4096.purge; of redis: MEMORY PURGE); or run "
		       "it anew under `tidemark heap -- COMMAND`, which knows what is live from "
		       "the start";
	case ALLOCATOR_MIMALLOC:
		return "a purge tells (mi_collect(true)); or run it anew under `tidemark heap -- "
		       "COMMAND`, which knows what is live from the start";
	default:
		return "run it anew under `tidemark heap -- COMMAND`, which knows what is live "
		       "from the start";
	}
}
