/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A collector inside a test: the live source and the pipeline, beside a target
 * program of tests/targets/, and the truth about it from /proc read by other
 * code than the collector's.
 */
#ifndef TESTS_BPF_WATCH_H
#define TESTS_BPF_WATCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/mman.h>
#include <sys/wait.h>

#include "user/pipeline.h"
#include "user/source/live.h"
#include "user/source/look.h"

#define WATCH_CLAIMS 64
#define WATCH_CHILDREN_MAX 16

struct claim {
	uint32_t pid;
	uint64_t start;
	long pages;
	long resident; /* -1: not known */
	long lazy;     /* -1: not known */
	char name[64];
};

struct watch {
	struct live *live;
	struct pipeline *pipeline;
	pid_t pid;
	int to_target;
	int from_target;
	char buffer[65536];
	size_t used;
	struct claim claims[WATCH_CLAIMS];
	size_t claim_count;
	uint32_t children[WATCH_CHILDREN_MAX];
	size_t child_count;
	char rest[64];
	char note[256]; /* the last PAIRS or LATENCY line */
	/* sees every line; NULL: nobody does */
	void (*line_fn)(void *ctx, const char *line);
	void *line_ctx;
};

/* Skipped with a printed reason where BPF cannot be had. */
static inline bool watch_possible(void)
{
	if (!geteuid())
		return true;
	print_message("skipped: not root, so no BPF programs can be loaded\n");
	return false;
}

static inline void watch_open(struct watch *watch, const struct live_options *options)
{
	struct pipeline_options policy = {
		.reconcile_ms = 3600 * 1000,
		.stacks = options->stack_bytes != 0,
	};

	memset(watch, 0, sizeof(*watch));
	assert_int_equal(live_open(options, &watch->live), 0);
	watch->pipeline = pipeline_new(live_source(watch->live), &policy);
	assert_non_null(watch->pipeline);
}

static inline void watch_close(struct watch *watch)
{
	struct source *source = live_source(watch->live);

	if (watch->to_target >= 0)
		close(watch->to_target);
	if (watch->pid > 0) {
		int status;

		for (int i = 0; i < 3000 && !waitpid(watch->pid, &status, WNOHANG); i++) {
			pipeline_wait(watch->pipeline, 5);
			pipeline_run(watch->pipeline);
		}
	}
	close(watch->from_target);
	pipeline_free(watch->pipeline);
	source->ops->close(source);
}

static inline void watch_pipes(struct watch *watch, int target_ends[2])
{
	int in[2], out[2];

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	watch->to_target = in[1];
	watch->from_target = out[0];
	assert_int_equal(fcntl(out[0], F_SETFL, O_NONBLOCK), 0);
	target_ends[0] = in[0];
	target_ends[1] = out[1];
}

/* Starts a target with its standard input and output on our pipes. */
static inline void watch_spawn(struct watch *watch, char *const argv[], uint32_t flags)
{
	int ends[2], saved[2] = {dup(0), dup(1)};

	watch_pipes(watch, ends);
	fflush(stdout);
	dup2(ends[0], 0);
	dup2(ends[1], 1);
	int rc = live_spawn(watch->live, argv, flags, &watch->pid);
	dup2(saved[0], 0);
	dup2(saved[1], 1);
	close(saved[0]);
	close(saved[1]);
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(rc, 0);
}

/* Starts a target beside the collector, not by it. */
static inline void watch_spawn_apart(struct watch *watch, char *const argv[])
{
	posix_spawn_file_actions_t actions;
	int ends[2];

	watch_pipes(watch, ends);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[0], 0);
	posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
	assert_int_equal(posix_spawn(&watch->pid, argv[0], &actions, NULL, argv, environ), 0);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[0]);
	close(ends[1]);
}

static inline void watch_pump(struct watch *watch, unsigned int ms)
{
	uint64_t until = clock_ns() + ms * NSEC_PER_MSEC;

	do {
		pipeline_wait(watch->pipeline, 5);
		assert_true(pipeline_run(watch->pipeline) >= 0);
	} while (clock_ns() < until);
}

static inline void watch_line(struct watch *watch, const char *line)
{
	struct claim claim = {.pid = (uint32_t)watch->pid};
	unsigned int pid;

	if (sscanf(line, "CLAIM 0x%" SCNx64 " %ld %ld %ld %63s", &claim.start, &claim.pages,
		   &claim.resident, &claim.lazy, claim.name) == 5 ||
	    sscanf(line, "CHILDCLAIM %u 0x%" SCNx64 " %ld %ld %ld %63s", &claim.pid, &claim.start,
		   &claim.pages, &claim.resident, &claim.lazy, claim.name) == 6) {
		assert_true(watch->claim_count < WATCH_CLAIMS);
		watch->claims[watch->claim_count++] = claim;
	} else if (sscanf(line, "CHILD %u", &pid) == 1) {
		assert_true(watch->child_count < WATCH_CHILDREN_MAX);
		watch->children[watch->child_count++] = pid;
	} else if (!strncmp(line, "SKIP", 4)) {
		print_message("    %s\n", line);
	} else if (!strncmp(line, "PAIRS", 5) || !strncmp(line, "LATENCY", 7)) {
		snprintf(watch->note, sizeof(watch->note), "%.255s", line);
	}
	sscanf(line, "REST %63s", watch->rest);
}

/* Runs the collector until the target rests. False: it has ended instead. */
static inline bool watch_until_rest(struct watch *watch)
{
	uint64_t limit = clock_ns() + 100 * NSEC_PER_SEC;

	watch->rest[0] = '\0';
	watch->claim_count = watch->child_count = 0;
	while (!watch->rest[0]) {
		char *end;
		ssize_t got = read(watch->from_target, watch->buffer + watch->used,
				   sizeof(watch->buffer) - watch->used - 1);

		assert_true(clock_ns() < limit);
		if (!got)
			return false;
		if (got > 0)
			watch->used += (size_t)got;
		watch->buffer[watch->used] = '\0';
		while (!watch->rest[0] && (end = strchr(watch->buffer, '\n'))) {
			*end = '\0';
			watch_line(watch, watch->buffer);
			if (watch->line_fn)
				watch->line_fn(watch->line_ctx, watch->buffer);
			watch->used -= (size_t)(end + 1 - watch->buffer);
			memmove(watch->buffer, end + 1, watch->used + 1);
		}
		watch_pump(watch, 1);
	}
	return true;
}

static inline void watch_next(struct watch *watch)
{
	assert_int_equal(write(watch->to_target, "next\n", 5), 5);
}

static inline const struct ledger *watch_ledger(const struct watch *watch, uint32_t pid)
{
	size_t count;
	const struct process *const *processes = pipeline_processes(watch->pipeline, &count);

	for (size_t i = 0; i < count; i++)
		if (processes[i]->ledger->pid == pid && !processes[i]->ended)
			return processes[i]->ledger;
	return NULL;
}

static inline void watch_settle(struct watch *watch)
{
	for (int i = 0; i < 200; i++) {
		watch_pump(watch, 60);
		if (pipeline_settled(watch->pipeline))
			break;
	}
	watch_pump(watch, 60);
}

/* ---- the truth ---- */

static inline uint64_t truth_zero_pfn(void)
{
	static uint64_t pfn;
	volatile char *page;
	uint64_t entry = 0;
	int fd;

	if (pfn)
		return pfn;
	page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	(void)page[0];
	fd = open("/proc/self/pagemap", O_RDONLY);
	assert_int_equal(pread(fd, &entry, 8, (off_t)((uintptr_t)page / 4096 * 8)), 8);
	close(fd);
	pfn = entry & ((1ULL << 55) - 1);
	assert_int_not_equal(pfn, 0);
	return pfn;
}

/*
 * Present, not of a file or shared memory, not the zero page. Where there is no
 * swap, a swap entry is a page that is being moved (compaction takes up to 32 at
 * once), unless bit 58 says that it marks a guard region: since 6.15.
 */
static inline bool truth_is_anonymous(uint64_t entry)
{
	if (entry >> 62 & 1)
		return !(entry >> 61 & 1) && !(entry >> 58 & 1);
	return entry >> 63 && !(entry >> 61 & 1) &&
	       (entry & ((1ULL << 55) - 1)) != truth_zero_pfn();
}

struct truth {
	uint64_t pages;	  /* anonymous pages present */
	uint64_t missing; /* of these, not in the ledger */
	uint64_t extra;	  /* in the ledger, and not present */
};

static inline void truth_compare_page(struct truth *truth, const struct ledger *ledger,
				      uint64_t addr, uint64_t entry, const char *where)
{
	bool present = truth_is_anonymous(entry);
	bool known = page_table_find(&ledger->pages, addr);

	truth->pages += present;
	truth->missing += present && !known;
	truth->extra += known && !present;
	if (present != known && truth->missing + truth->extra <= 8)
		print_message("    page %" PRIx64 " %s: %s", addr,
			      known ? "is in the ledger only" : "is missing in the ledger", where);
}

/*
 * Anonymous pages that are clean, by mapping: without swap, only MADV_FREE makes
 * such. (LazyFree itself lags by per-CPU batches.)
 */
static inline uint64_t truth_lazy(uint32_t pid)
{
	uint64_t kib, dirty = 0, total = 0;
	char path[64], line[4352];
	FILE *smaps;

	snprintf(path, sizeof(path), "/proc/%u/smaps", pid);
	smaps = fopen(path, "r");
	assert_non_null(smaps);
	while (fgets(line, sizeof(line), smaps)) {
		if (sscanf(line, "Shared_Dirty: %" SCNu64, &kib) == 1)
			dirty = kib;
		else if (sscanf(line, "Private_Dirty: %" SCNu64, &kib) == 1)
			dirty += kib;
		else if (sscanf(line, "Anonymous: %" SCNu64, &kib) == 1 && kib > dirty)
			total += kib - dirty;
	}
	fclose(smaps);
	return total / 4;
}

/* Page by page, over every mapping of the process. */
static inline struct truth truth_compare(uint32_t pid, const struct ledger *ledger)
{
	struct truth truth = {0};
	uint64_t entries[512], counted = 0;
	char path[64], line[4352];
	FILE *maps;
	int pagemap;

	snprintf(path, sizeof(path), "/proc/%u/pagemap", pid);
	pagemap = open(path, O_RDONLY);
	snprintf(path, sizeof(path), "/proc/%u/maps", pid);
	maps = fopen(path, "r");
	assert_true(pagemap >= 0);
	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps)) {
		uint64_t start, end, addr;

		assert_int_equal(sscanf(line, "%" SCNx64 "-%" SCNx64, &start, &end), 2);
		if (start >> 63)
			continue;
		for (addr = start; addr < end;) {
			uint64_t want = (end - addr) / 4096 < 512 ? (end - addr) / 4096 : 512;
			ssize_t got = pread(pagemap, entries, want * 8, (off_t)(addr / 4096 * 8));

			assert_int_equal(got, want * 8);
			for (uint64_t i = 0; i < want; i++, addr += 4096) {
				truth_compare_page(&truth, ledger, addr, entries[i], line);
				counted += page_table_find(&ledger->pages, addr) != NULL;
			}
		}
	}
	fclose(maps);
	close(pagemap);
	/* pages of the ledger that lie in no mapping at all */
	truth.extra += ledger->pages.pages - counted;
	return truth;
}

#endif
