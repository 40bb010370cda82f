// SPDX-License-Identifier: GPL-2.0-only
/* /proc of a child of the test's own, whose memory is known page by page. */
#include "tests/unit/support.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "user/source/look.h"
#include "user/source/procfs.h"

#define REGION_PAGES 3000
#define COMM "a) (b\n c"

struct child {
	pid_t pid;
	uint64_t region; /* anonymous, private */
	uint64_t shared;
};

/* Written are the pages whose number has an odd number of bits, read are some of the others. */
static bool touched(uint64_t page)
{
	return __builtin_parityll(page) && page < 2500;
}

static void child_run(int report)
{
	volatile char *region = mmap(NULL, PAGES(REGION_PAGES), PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	volatile char *shared =
		mmap(NULL, PAGES(16), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t addrs[2] = {(uintptr_t)region, (uintptr_t)shared};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, COMM);
	if (region == MAP_FAILED || shared == MAP_FAILED)
		_exit(1);
	madvise((void *)region, PAGES(REGION_PAGES), MADV_NOHUGEPAGE);
	for (uint64_t i = 0; i < REGION_PAGES; i++) {
		if (touched(i))
			region[PAGES(i)] = 1;
		else if (i % 3 == 0)
			(void)region[PAGES(i)];
	}
	for (uint64_t i = 0; i < 16; i++)
		shared[PAGES(i)] = 1;
	if (write(report, addrs, sizeof(addrs)) != sizeof(addrs))
		_exit(1);
	for (;;)
		pause();
}

static struct child child_new(void)
{
	struct child child;
	uint64_t addrs[2];
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	child.pid = fork();
	assert_true(child.pid >= 0);
	if (!child.pid)
		child_run(fds[1]);
	assert_int_equal(read(fds[0], addrs, sizeof(addrs)), sizeof(addrs));
	close(fds[0]);
	close(fds[1]);
	child.region = addrs[0];
	child.shared = addrs[1];
	return child;
}

static void child_kill(const struct child *child)
{
	kill(child->pid, SIGKILL);
	assert_int_equal(waitpid(child->pid, NULL, 0), child->pid);
}

static struct proc open_child(const struct child *child)
{
	struct proc proc;

	assert_int_equal(proc_open((uint32_t)child->pid, &proc), 0);
	return proc;
}

static void *thread_wait(void *arg)
{
	int *fds = arg;
	uint32_t tid = (uint32_t)syscall(SYS_gettid);
	char byte;

	if (write(fds[1], &tid, sizeof(tid)) != sizeof(tid))
		return NULL;
	return read(fds[2], &byte, 1) < 0 ? NULL : arg;
}

static void opening_tells_what_is_wrong(void **state)
{
	int fds[4];
	pthread_t thread;
	struct proc proc;
	uint32_t tid;

	(void)state;
	assert_int_equal(proc_open(UINT32_MAX, &proc), -ESRCH);
	assert_int_equal(proc_open(0, &proc), -ESRCH);
	/* a thread: it has a directory of its own in /proc, though unlisted */
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(pipe(fds + 2), 0);
	assert_int_equal(pthread_create(&thread, NULL, thread_wait, fds), 0);
	assert_int_equal(read(fds[0], &tid, sizeof(tid)), sizeof(tid));
	assert_int_equal(proc_open(tid, &proc), -EINVAL);
	close(fds[3]);
	pthread_join(thread, NULL);
	close(fds[0]);
	close(fds[1]);
	close(fds[2]);
	assert_int_equal(proc_open((uint32_t)getpid(), &proc), 0);
	assert_true(proc_alive(&proc));
	assert_true(proc.start_ticks > 0);
	proc_close(&proc);
	assert_int_equal(proc.dir_fd, -1);
}

static void zombies_are_gone(void **state)
{
	struct child child = child_new();
	struct proc proc = open_child(&child), other;
	struct event_sample sample;
	siginfo_t info;

	(void)state;
	assert_true(proc_alive(&proc));
	kill(child.pid, SIGKILL);
	assert_int_equal(waitid(P_PID, (id_t)child.pid, &info, WEXITED | WNOWAIT), 0);
	assert_false(proc_alive(&proc));
	assert_int_equal(proc_open((uint32_t)child.pid, &other), -ESRCH);
	assert_int_equal(proc_read_sample(&proc, &sample), -ESRCH);
	/* no mappings is no answer: it would take all of them from the ledger */
	assert_int_equal(proc_begin_vmas(&proc, 0), -ESRCH);
	proc.no_map_query = true;
	assert_int_equal(proc_begin_vmas(&proc, 0), -ESRCH);
	proc_close(&proc);
	child_kill(&child);
}

static void the_dead_stay_dead(void **state)
{
	struct child child = child_new();
	struct proc proc = open_child(&child);
	struct event_run runs[16];
	struct event_sample sample;
	struct proc_vma vma;
	uint64_t done;

	(void)state;
	assert_int_equal(proc_begin_vmas(&proc, 0), 0);
	child_kill(&child);
	assert_false(proc_alive(&proc));
	assert_int_equal(proc_read_comm(&proc), -ESRCH);
	assert_int_equal(proc_read_sample(&proc, &sample), -ESRCH);
	assert_int_equal(
		proc_scan_pages(&proc, child.region, child.region + PAGES(16), runs, 16, &done),
		-ESRCH);
	proc.no_page_scan = true;
	assert_int_equal(
		proc_scan_pages(&proc, child.region, child.region + PAGES(16), runs, 16, &done),
		-ESRCH);
	if (!proc.no_map_query)
		assert_int_equal(proc_next_vma(&proc, 0, &vma), -ESRCH);
	assert_int_equal(proc_begin_vmas(&proc, 0), -ESRCH);
	proc.no_map_query = true;
	assert_int_equal(proc_begin_vmas(&proc, 0), -ESRCH);
	assert_true(proc_read_lazy(&proc, NULL, NULL) < 0);
	proc_close(&proc);
}

static void any_command_name_is_read(void **state)
{
	struct child child = child_new();
	struct proc proc = open_child(&child);
	uint64_t start = proc.start_ticks;

	(void)state;
	assert_string_equal(proc.comm, COMM);
	memset(proc.comm, 'x', sizeof(proc.comm));
	assert_int_equal(proc_read_comm(&proc), 0);
	assert_string_equal(proc.comm, COMM);
	/* its ')' did not shift the fields of stat: it began before us, or with us, not at 0 */
	proc_close(&proc);
	assert_int_equal(proc_open((uint32_t)getpid(), &proc), 0);
	assert_true(start >= proc.start_ticks && start - proc.start_ticks < 100 * 3600);
	proc_close(&proc);
	child_kill(&child);
}

/* One line of maps, read another way than the code does. */
struct line {
	uint64_t start, end, offset, ino;
	unsigned int major, minor;
	char perms[5], path[512];
};

static size_t read_lines(pid_t pid, struct line *lines, size_t max)
{
	char path[64], text[1024];
	size_t count = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	file = fopen(path, "re");
	assert_non_null(file);
	while (fgets(text, sizeof(text), file)) {
		struct line *line = &lines[count++];

		assert_true(count <= max);
		memset(line, 0, sizeof(*line));
		assert_true(sscanf(text, "%lx-%lx %4s %lx %x:%x %lu %511[^\n]", &line->start,
				   &line->end, line->perms, &line->offset, &line->major,
				   &line->minor, &line->ino, line->path) >= 7);
	}
	fclose(file);
	return count;
}

static void assert_line(const struct proc_vma *vma, const struct line *line)
{
	const char *slash = strrchr(line->path, '/');

	assert_true(vma->start == line->start && vma->end == line->end);
	assert_true(vma->offset == line->offset && vma->ino == line->ino);
	assert_int_equal(vma->dev, line->major << 20 | line->minor);
	assert_int_equal(!!(vma->prot & PROT_READ), line->perms[0] == 'r');
	assert_int_equal(!!(vma->prot & PROT_WRITE), line->perms[1] == 'w');
	assert_int_equal(!!(vma->prot & PROT_EXEC), line->perms[2] == 'x');
	assert_int_equal(vma->shared, line->perms[3] == 's');
	assert_true(strlen(vma->name) < EVENT_NAME_LEN);
	assert_int_equal(strncmp(vma->name, slash ? slash + 1 : line->path, EVENT_NAME_LEN - 1), 0);
	if (line->path[0] == '/')
		assert_int_equal(vma->kind, VMA_KIND_FILE);
	else if (!strcmp(line->path, "[heap]"))
		assert_int_equal(vma->kind, VMA_KIND_HEAP);
	else if (!strcmp(line->path, "[stack]"))
		assert_int_equal(vma->kind, VMA_KIND_STACK);
	else
		assert_int_equal(vma->kind, line->path[0] ? VMA_KIND_SPECIAL : VMA_KIND_ANON);
}

static void assert_vmas(bool no_map_query)
{
	static struct line lines[1000];
	struct child child = child_new();
	struct proc proc = open_child(&child);
	size_t count = read_lines(child.pid, lines, ARRAY_SIZE(lines));
	struct proc_vma vma;
	uint64_t addr = 0;

	proc.no_map_query = no_map_query;
	/* it lies in the kernel's half, and only the text knows of it */
	if (count && !strcmp(lines[count - 1].path, "[vsyscall]"))
		count--;
	assert_true(count > 5);
	assert_int_equal(proc_begin_vmas(&proc, 0), 0);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(proc_next_vma(&proc, addr, &vma), 0);
		assert_line(&vma, &lines[i]);
		addr = vma.end;
	}
	if (!proc_next_vma(&proc, addr, &vma))
		assert_string_equal(vma.name, "[vsyscall]");
	/* from the middle of one */
	assert_int_equal(proc_begin_vmas(&proc, child.region + PAGES(10)), 0);
	assert_int_equal(proc_next_vma(&proc, child.region + PAGES(10), &vma), 0);
	assert_true(vma.start <= child.region && vma.end >= child.region + PAGES(REGION_PAGES));
	assert_int_equal(proc_next_vma(&proc, UINT64_MAX - 4096, &vma), -ENOENT);
	proc_close(&proc);
	child_kill(&child);
}

static void mappings_are_those_of_maps(void **state)
{
	(void)state;
	assert_vmas(false);
}

static void mappings_are_read_from_text(void **state)
{
	(void)state;
	assert_vmas(true);
}

/* Scans the region in steps, as many runs at a time, and compares with what was touched. */
static void assert_pages(bool no_page_scan, size_t max_runs)
{
	struct child child = child_new();
	struct proc proc = open_child(&child);
	uint64_t end = child.region + PAGES(REGION_PAGES), at = child.region, next = at, done;
	struct event_run runs[EVENT_RUNS_MAX];
	int count;

	proc.no_page_scan = no_page_scan;
	while (at < end) {
		uint64_t pages = 0;

		count = proc_scan_pages(&proc, at, end, runs, max_runs, &done);
		assert_in_range(count, 0, max_runs);
		assert_true(done > at && done <= end);
		for (int i = 0; i < count; i++) {
			assert_true(runs[i].start >= next && runs[i].pages);
			for (; next < runs[i].start; next += PAGE_BYTES)
				assert_false(touched((next - child.region) >> PAGE_SHIFT));
			for (; next < runs[i].start + PAGES(runs[i].pages); next += PAGE_BYTES)
				assert_true(touched((next - child.region) >> PAGE_SHIFT));
			pages += runs[i].pages;
		}
		assert_true(pages <= EVENT_RUNS_MAX && next <= done);
		for (; next < done; next += PAGE_BYTES)
			assert_false(touched((next - child.region) >> PAGE_SHIFT));
		at = done;
	}
	/* shared memory is not anonymous memory */
	assert_int_equal(proc_scan_pages(&proc, child.shared, child.shared + PAGES(16), runs,
					 max_runs, &done),
			 0);
	assert_true(done == child.shared + PAGES(16));
	proc_close(&proc);
	child_kill(&child);
}

static void pages_are_found_by_scan(void **state)
{
	(void)state;
	assert_pages(false, EVENT_RUNS_MAX);
	assert_pages(false, 7);
}

static void pages_are_found_by_pagemap(void **state)
{
	(void)state;
	assert_pages(true, EVENT_RUNS_MAX);
}

/* With room for fewer runs it comes less far; it does not leave pages out. */
static void pagemap_stops_when_runs_are_full(void **state)
{
	(void)state;
	assert_pages(true, 7);
}

static uint64_t status_kib(pid_t pid, const char *name)
{
	char path[64], line[256];
	uint64_t kib = UINT64_MAX;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file = fopen(path, "re");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, name, strlen(name)))
			kib = strtoull(line + strlen(name), NULL, 10);
	fclose(file);
	return kib;
}

static void samples_are_those_of_status(void **state)
{
	struct child child = child_new();
	struct proc proc = open_child(&child);
	struct event_sample sample = {.h = {.pid = 7}};

	(void)state;
	assert_int_equal(proc_read_sample(&proc, &sample), 0);
	assert_int_equal(sample.anon_bytes, status_kib(child.pid, "RssAnon:") << 10);
	assert_int_equal(sample.file_bytes, status_kib(child.pid, "RssFile:") << 10);
	assert_int_equal(sample.shmem_bytes, status_kib(child.pid, "RssShmem:") << 10);
	assert_int_equal(sample.swap_bytes, status_kib(child.pid, "VmSwap:") << 10);
	assert_int_equal(sample.virtual_bytes, status_kib(child.pid, "VmSize:") << 10);
	assert_true(sample.anon_bytes >= PAGES(1000) && sample.shmem_bytes >= PAGES(16));
	assert_int_equal(sample.h.pid, 7);
	proc_close(&proc);
	child_kill(&child);
}

struct found {
	uint64_t addr;
	uint64_t bytes;
};

static int find_lazy(void *ctx, uint64_t start, uint64_t end, uint64_t bytes)
{
	struct found *found = ctx;

	if (start <= found->addr && found->addr < end)
		found->bytes += bytes;
	return 0;
}

static void lazily_freed_bytes_are_told(void **state)
{
	struct proc proc;
	struct found found = {0};
	char *region =
		mmap(NULL, PAGES(64), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_ptr_not_equal(region, MAP_FAILED);
	/* a page before and after, so that it stays a mapping of its own */
	assert_int_equal(mprotect(region, PAGES(1), PROT_NONE), 0);
	assert_int_equal(mprotect(region + PAGES(63), PAGES(1), PROT_NONE), 0);
	memset(region + PAGES(1), 1, PAGES(62));
	assert_int_equal(madvise(region + PAGES(1), PAGES(40), MADV_FREE), 0);
	assert_int_equal(proc_open((uint32_t)getpid(), &proc), 0);
	found.addr = (uintptr_t)region + PAGES(1);
	assert_int_equal(proc_read_lazy(&proc, find_lazy, &found), 0);
	assert_int_equal(found.bytes, PAGES(40));
	/* written again: live again */
	memset(region + PAGES(1), 2, PAGES(10));
	found.bytes = 0;
	assert_int_equal(proc_read_lazy(&proc, find_lazy, &found), 0);
	assert_int_equal(found.bytes, PAGES(30));
	proc_close(&proc);
	munmap(region, PAGES(64));
}

struct seen {
	struct ledger *ledger;
	uint64_t cycles;
};

static void apply(void *ctx, const struct event_header *event)
{
	struct seen *seen = ctx;

	assert_int_equal(event_check(event, event->size), 0);
	assert_int_equal(ledger_apply(seen->ledger, event), 0);
	seen->cycles += event->kind == EVENT_CYCLE;
}

/* A look fills a ledger with exactly what there is, and comes to an end. */
static void assert_look(bool no_map_query, bool no_page_scan, bool whole)
{
	struct child child = child_new();
	struct proc proc = open_child(&child);
	struct look_job job = {.pid = (uint32_t)child.pid, .end = UINT64_MAX, .whole = whole};
	struct seen seen = {.ledger = ledger_new((uint32_t)child.pid, clock_ns())};
	uint64_t expected = 0;
	struct queue queue = {0};
	int steps = 0, rc;

	assert_non_null(seen.ledger);
	for (uint64_t i = 0; i < REGION_PAGES; i++)
		expected += touched(i);
	if (whole) {
		expected = status_kib(child.pid, "RssAnon:") >> (PAGE_SHIFT - 10);
	} else {
		job.start = child.region;
		job.end = child.region + PAGES(REGION_PAGES);
	}
	proc.no_map_query = no_map_query;
	proc.no_page_scan = no_page_scan;
	while ((rc = look_step(&job, &proc, &queue)) == 1) {
		assert_true(++steps < 20000);
		queue_deliver(&queue, UINT64_MAX, apply, &seen);
	}
	assert_int_equal(rc, 0);
	queue_deliver(&queue, UINT64_MAX, apply, &seen);
	assert_int_equal(seen.cycles, whole ? 2 : 0);
	assert_int_equal(seen.ledger->complete, whole);
	assert_int_equal(seen.ledger->pages.pages, expected);
	assert_non_null(mapping_find(&seen.ledger->mappings, child.region));
	ledger_free(seen.ledger);
	queue_free(&queue);
	proc_close(&proc);
	child_kill(&child);
}

static void a_look_is_exact(void **state)
{
	(void)state;
	assert_look(false, false, true);
	assert_look(false, false, false);
}

/* Before Linux 6.11 and 6.7. The text of maps may end with [vsyscall], past user space. */
static void a_look_on_older_kernels_is_exact(void **state)
{
	(void)state;
	alarm(5); /* a look without end takes all memory, too */
	assert_look(true, true, false);
	assert_look(true, false, true);
	alarm(0);
}

/* ---- settings ---- */

/* A program that rests, with that environment. */
static pid_t rest_with(char *const environment[])
{
	char *argv[] = {"sleep", "60", NULL}, byte;
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		fcntl(fds[1], F_SETFD, FD_CLOEXEC);
		execve("/bin/sleep", argv, environment);
		_exit(1);
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], &byte, 1), 0); /* it has begun */
	close(fds[0]);
	return pid;
}

static void assert_settings(char *const environment[], const char *expected)
{
	struct child child = {.pid = rest_with(environment)};
	struct proc proc = open_child(&child);
	struct event_settings settings;

	memset(&settings, 0x5a, sizeof(settings));
	assert_int_equal(proc_read_settings(&proc, &settings), 0);
	settings.h = HEADER(EVENT_SETTINGS, event_settings, 1, 1, 1);
	assert_int_equal(event_check(&settings.h, sizeof(settings)), 0);
	assert_int_equal(settings.flags, 0);
	assert_int_equal(settings.pad, 0);
	assert_string_equal(settings.text, expected);
	/* nothing behind it either: the record is written to files */
	for (size_t i = strlen(settings.text); i < sizeof(settings.text); i++)
		assert_int_equal(settings.text[i], 0);
	proc_close(&proc);
	child_kill(&child);
}

/* What allocators read, in the order that it has; names are whole, but for families of them. */
static void settings_are_of_allocators_alone(void **state)
{
	char *const environment[] = {"PATH=/bin",
				     "MALLOC_CONF=dirty_decay_ms:0",
				     "SECRET=MALLOC_CONF=x",
				     "MALLOC_CONFIDENTIAL=secret",
				     "MALLOC_CON=secret",
				     "XMALLOC_CONF=secret",
				     "malloc_conf=secret",
				     "MIMALLOC=secret",
				     "MIMALLOC_PURGE_DELAY=0",
				     "MIMALLOC_VERBOSE=1",
				     "MALLOC_ARENA_MAX=2",
				     "MALLOC_ARENA_MAX_TOKEN=secret",
				     "MALLOC_TOP_PAD_=131072",
				     "AWS_SECRET_ACCESS_KEY=secret",
				     "GLIBC_TUNABLES=glibc.malloc.tcache_count=0",
				     "GODEBUG=madvdontneed=1",
				     "GOGCX=secret",
				     "_RJEM_MALLOC_CONF=narenas:1",
				     "=secret",
				     "",
				     "secret",
				     NULL};
	char *const none[] = {"PATH=/bin", "TOKEN=secret", NULL}, *const empty[] = {NULL};

	(void)state;
	assert_settings(environment, "MALLOC_CONF=dirty_decay_ms:0\n"
				     "MIMALLOC_PURGE_DELAY=0\n"
				     "MIMALLOC_VERBOSE=1\n"
				     "MALLOC_ARENA_MAX=2\n"
				     "MALLOC_TOP_PAD_=131072\n"
				     "GLIBC_TUNABLES=glibc.malloc.tcache_count=0\n"
				     "GODEBUG=madvdontneed=1\n"
				     "_RJEM_MALLOC_CONF=narenas:1");
	assert_settings(none, "");
	assert_settings(empty, "");
}

static void hostile_settings(void **state)
{
	char *const bytes[] = {"MALLOC_CONF=a\nSECRET=b\x1b[2J\xff\t\x7f",
			       "MALLOC_ARENA_MAX=", NULL};
	char *long_one = malloc(200001), *const one[] = {long_one, NULL};
	char *const behind[] = {long_one + 100000, "MALLOC_ARENA_MAX=3", NULL};
	char *const beyond[] = {long_one + 100000, long_one + 160000, "MALLOC_ARENA_MAX=3", NULL};
	char expected[EVENT_SETTINGS_LEN];

	(void)state;
	assert_non_null(long_one);
	assert_settings(bytes, "MALLOC_CONF=a?SECRET=b?[2J???\nMALLOC_ARENA_MAX=");
	/* one that does not fit is cut; one behind a long environment is found */
	memset(long_one, 'x', 200000);
	long_one[200000] = '\0';
	assert_settings(behind, "MALLOC_ARENA_MAX=3"); /* 100,000 bytes of another before it */
	assert_settings(beyond, "");		       /* 140,000: that far nobody looks */
	long_one[120000] = '\0';		       /* one string has 128 KiB at most */
	memcpy(long_one, "MALLOC_CONF=", 12);
	memset(expected, 'x', sizeof(expected) - 1);
	expected[sizeof(expected) - 1] = '\0';
	memcpy(expected, "MALLOC_CONF=", 12);
	assert_settings(one, expected);
	free(long_one);
}

struct named {
	const char *name;
	int ready[2], go[2];
};

static void *thread_named(void *arg)
{
	struct named *named = arg;
	char byte = 0;

	prctl(PR_SET_NAME, named->name);
	return write(named->ready[1], &byte, 1) == 1 && read(named->go[0], &byte, 1) >= 0 ? arg
											  : NULL;
}

/* jemalloc's thread is known by its name. */
static void a_thread_that_purges(void **state)
{
	static const struct {
		const char *name;
		uint32_t flags;
	} cases[] = {
		{"jemalloc_bg_thd", SETTINGS_PURGE_THREAD},
		{"jemalloc_bg_th", 0},
		{"xjemalloc_bg_thd", 0}, /* cut to 15: no t, no d */
		{"", 0},
		{"a\nb", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct named named = {.name = cases[i].name};
		struct event_settings settings;
		pthread_t thread;
		struct proc proc;
		char byte;

		assert_int_equal(pipe(named.ready), 0);
		assert_int_equal(pipe(named.go), 0);
		assert_int_equal(pthread_create(&thread, NULL, thread_named, &named), 0);
		assert_int_equal(read(named.ready[0], &byte, 1), 1);
		assert_int_equal(proc_open((uint32_t)getpid(), &proc), 0);
		assert_int_equal(proc_read_settings(&proc, &settings), 0);
		assert_int_equal(settings.flags, cases[i].flags);
		proc_close(&proc);
		close(named.go[1]);
		pthread_join(thread, NULL);
		close(named.go[0]);
		close(named.ready[0]);
		close(named.ready[1]);
	}
}

/* Of what is gone nothing can be read: what is there is empty, and it is said. */
static void settings_of_the_dead(void **state)
{
	char *const environment[] = {"MALLOC_CONF=x", NULL};
	struct child child = {.pid = rest_with(environment)};
	struct proc proc = open_child(&child);
	struct event_settings settings;

	(void)state;
	child_kill(&child);
	memset(&settings, 0x5a, sizeof(settings));
	assert_true(proc_read_settings(&proc, &settings) < 0);
	assert_string_equal(settings.text, "");
	assert_int_equal(settings.flags, 0);
	proc_close(&proc);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(opening_tells_what_is_wrong),
		cmocka_unit_test(zombies_are_gone),
		cmocka_unit_test(the_dead_stay_dead),
		cmocka_unit_test(any_command_name_is_read),
		cmocka_unit_test(mappings_are_those_of_maps),
		cmocka_unit_test(mappings_are_read_from_text),
		cmocka_unit_test(pages_are_found_by_scan),
		cmocka_unit_test(pages_are_found_by_pagemap),
		cmocka_unit_test(pagemap_stops_when_runs_are_full),
		cmocka_unit_test(samples_are_those_of_status),
		cmocka_unit_test(lazily_freed_bytes_are_told),
		cmocka_unit_test(settings_are_of_allocators_alone),
		cmocka_unit_test(hostile_settings),
		cmocka_unit_test(a_thread_that_purges),
		cmocka_unit_test(settings_of_the_dead),
		cmocka_unit_test(a_look_is_exact),
		cmocka_unit_test(a_look_on_older_kernels_is_exact),
	};

	return cmocka_run_group_tests_name("procfs", tests, NULL, NULL);
}
