/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every target program of the exactness tests shares.
 *
 * A target brings its memory into a state it knows, says so on stdout, and stands still while a
 * test compares it page by page. Lines of the protocol:
 *
 *   CLAIM 0xSTART PAGES RESIDENT LAZY NAME
 *       Of the PAGES pages of 4096 bytes at START exactly RESIDENT are resident anonymous private
 *       pages, and LAZY of these are lazily freed (MADV_FREE, not rewritten). -1: not known.
 *       Pages of files, of shared memory, and the zero page that a read maps do not count.
 *   CHILD PID
 *       A child (or grandchild) that is blocked, too, until the target goes on.
 *   CHILDCLAIM PID 0xSTART PAGES RESIDENT LAZY NAME
 *       The same as CLAIM about the memory of that process.
 *   SKIP REASON
 *       A step that this kernel or user cannot do; the program goes on without it.
 *   NOTE TEXT, PAIRS N, LATENCY KEY=VALUE...
 *       For people and benchmarks; a checker ignores lines it does not know.
 *   REST NAME
 *       The lines since the last REST hold now. Nothing runs in the target or its children: every
 *       other thread is asleep, the main thread touches nothing more and goes into read(2) on stdin
 *       (state S in /proc/PID/stat says that it is there).
 *
 * A line `next` on stdin continues. End of file ends the target with status 0, as does `next` after
 * the last rest. A target that meets what it did not expect exits with 1 and says why on stderr.
 *
 * Talking must not disturb what is measured: lines are built in a static buffer touched at the
 * start, without stdio's. A range from pages_map has a mapping border at both ends, so that smaps
 * has figures for just that range: Anonymous is RESIDENT; LAZY is Anonymous less the dirty pages
 * (LazyFree lags behind).
 */
#ifndef TESTS_TARGETS_TARGET_H
#define TESTS_TARGETS_TARGET_H

#ifndef _GNU_SOURCE
#error "define _GNU_SOURCE before the first include"
#endif

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096UL
#define MIB (1024UL * 1024UL)
#define PAGES_OF_MIB(mib) ((size_t)(mib) * (MIB / PAGE))

/* A claim's number that the target does not know. */
#define UNKNOWN (-1L)

/* Newer than the C library's headers. */
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE 103
#endif

/* /proc/PID/pagemap */
#define PAGEMAP_PRESENT (1ULL << 63)
#define PAGEMAP_FILE (1ULL << 61)
#define PAGEMAP_EXCLUSIVE (1ULL << 56)

enum { TARGET_OUT_SIZE = 16384, TARGET_PAGEMAP_ENTRIES = 512, TARGET_GUARD_SECONDS = 120 };

static struct {
	char out[TARGET_OUT_SIZE];
	size_t out_used;
	uint64_t pagemap[TARGET_PAGEMAP_ENTRIES];
	char stat[1024];
	unsigned int guard_seconds;
} target;

/* ---- failing ---- */

__attribute__((format(printf, 1, 2), noreturn)) static inline void target_die(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vdprintf(STDERR_FILENO, fmt, args);
	va_end(args);
	dprintf(STDERR_FILENO, "\n");
	_exit(1);
}

static inline void target_expect(bool ok, const char *what)
{
	if (!ok)
		target_die("not as expected: %s (errno %d: %s)", what, errno, strerror(errno));
}

/* The call must have failed with that errno. */
static inline void target_expect_errno(bool failed, int expected, const char *what)
{
	if (!failed || errno != expected)
		target_die("%s: %s, errno %d, expected %d", what, failed ? "failed" : "succeeded",
			   failed ? errno : 0, expected);
}

/* ---- talking ---- */

static inline void target_flush(void)
{
	size_t done = 0;

	while (done < target.out_used) {
		ssize_t n = write(STDOUT_FILENO, target.out + done, target.out_used - done);

		if (n < 0 && errno != EINTR)
			_exit(0); /* nobody listens any more */
		if (n > 0)
			done += (size_t)n;
	}
	target.out_used = 0;
}

__attribute__((format(printf, 1, 2))) static inline void target_say(const char *fmt, ...)
{
	va_list args;
	int n;

	if (target.out_used > TARGET_OUT_SIZE - 512)
		target_flush();
	va_start(args, fmt);
	n = vsnprintf(target.out + target.out_used, TARGET_OUT_SIZE - target.out_used, fmt, args);
	va_end(args);
	target_expect(n > 0 && n < 512, "a line of the protocol fits");
	target.out_used += (size_t)n;
	target.out[target.out_used++] = '\n';
}

static inline void target_claim(const volatile void *start, size_t pages, long resident, long lazy,
				const char *name)
{
	target_say("CLAIM 0x%lx %zu %ld %ld %s", (unsigned long)start, pages, resident, lazy, name);
}

static inline void target_claim_child(pid_t pid, const volatile void *start, size_t pages,
				      long resident, long lazy, const char *name)
{
	target_say("CHILDCLAIM %d 0x%lx %zu %ld %ld %s", pid, (unsigned long)start, pages, resident,
		   lazy, name);
}

static inline void target_skip(const char *step, int error)
{
	target_say("SKIP %s: %s", step, strerror(error));
}

/* Reads one line from stdin, byte by byte so that lines sent at once stay apart. */
static inline void target_line_read(char *line, size_t size)
{
	size_t used = 0;

	for (;;) {
		char c;
		ssize_t n = read(STDIN_FILENO, &c, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			_exit(0);
		if (c == '\n')
			break;
		if (used + 1 < size)
			line[used++] = c;
	}
	line[used] = '\0';
}

/* Stands still until the test says `next`. */
static inline void target_rest(const char *name)
{
	static char line[16] = "touched";

	target_say("REST %s", name);
	alarm(target.guard_seconds);
	target_flush();
	do {
		target_line_read(line, sizeof(line));
	} while (strcmp(line, "next") != 0);
	alarm(target.guard_seconds);
}

/*
 * Call first. The calls that a rest makes are made once here, so that neither the buffers nor the
 * dynamic linker's lazy binding touch a page between a REST line and the read that follows it.
 */
static inline void target_start_keep_thp(void)
{
	char none;

	memset(target.out, 1, sizeof(target.out));
	memset(target.pagemap, 1, sizeof(target.pagemap));
	memset(target.stat, 1, sizeof(target.stat));
	target.out_used = 0;
	target.guard_seconds = TARGET_GUARD_SECONDS;
	alarm(target.guard_seconds);
	signal(SIGPIPE, SIG_IGN);
	if (write(STDOUT_FILENO, &none, 0) < 0 || read(STDIN_FILENO, &none, 0) < 0)
		_exit(1);
}

/* As above, and one byte touched is one page, whatever the machine says about huge pages. */
static inline void target_start(void)
{
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	target_start_keep_thp();
}

static inline unsigned long target_argument(int argc, char **argv, int index, unsigned long unless)
{
	return argc > index ? strtoul(argv[index], NULL, 0) : unless;
}

/* ---- pages ---- */

/*
 * PAGES private anonymous pages between two pages of PROT_NONE, so that the kernel can merge the
 * mapping with no neighbour and mremap cannot grow it in place.
 */
static inline char *pages_map_prot(size_t pages, int prot, int flags)
{
	char *p = mmap(NULL, (pages + 2) * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	target_expect(p != MAP_FAILED, "mmap");
	target_expect(mprotect(p, PAGE, PROT_NONE) == 0, "mprotect of the lower fence");
	target_expect(mprotect(p + (pages + 1) * PAGE, PAGE, PROT_NONE) == 0,
		      "mprotect of the upper fence");
	return p + PAGE;
}

static inline char *pages_map(size_t pages)
{
	return pages_map_prot(pages, PROT_READ | PROT_WRITE, 0);
}

/* Takes back what pages_map gave, fences and all. */
static inline void pages_unmap(char *base, size_t pages)
{
	target_expect(munmap(base - PAGE, (pages + 2) * PAGE) == 0, "munmap");
}

/* Address space for PAGES pages, unmapped but for a fence at either end. */
static inline char *pages_clear_space(size_t pages)
{
	char *p = pages_map_prot(pages, PROT_NONE, MAP_NORESERVE);

	target_expect(munmap(p, pages * PAGE) == 0, "munmap");
	return p;
}

static inline char *page_at(char *base, size_t index)
{
	return base + index * PAGE;
}

/* Writes one byte to COUNT pages from page FIRST on, STEP pages apart. */
static inline void pages_touch_every(char *base, size_t first, size_t count, size_t step)
{
	for (size_t i = 0; i < count; i++)
		*(volatile char *)(base + (first + i * step) * PAGE + 64) = (char)(i + 1);
}

static inline void pages_touch(char *base, size_t first, size_t count)
{
	pages_touch_every(base, first, count, 1);
}

static inline void pages_read(const char *base, size_t first, size_t count)
{
	for (size_t i = 0; i < count; i++)
		(void)*(const volatile char *)(base + (first + i) * PAGE + 64);
}

/* An unlinked file in /tmp, or one in memory where there is no /tmp. */
static inline int file_unlinked_open(void)
{
	char path[] = "/tmp/target-XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC);

	if (fd >= 0)
		target_expect(unlink(path) == 0, "unlink");
	else
		fd = memfd_create("target", MFD_CLOEXEC);
	target_expect(fd >= 0, "a temporary file");
	return fd;
}

/* A file of PAGES pages that hold no zero byte. */
static inline int file_pages_create(size_t pages)
{
	static char page[PAGE];
	int fd = file_unlinked_open();

	memset(page, 'f', sizeof(page));
	for (size_t i = 0; i < pages; i++)
		target_expect(write(fd, page, PAGE) == (ssize_t)PAGE, "write");
	return fd;
}

/*
 * Counts the pages of the range whose pagemap entry has all bits of MASK and none of NOT: for steps
 * whose outcome is the kernel's choice. Needs no privilege for the process's own pagemap.
 */
static inline long pages_count(const char *base, size_t pages, uint64_t mask, uint64_t not )
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	long count = 0;

	target_expect(fd >= 0, "open of /proc/self/pagemap");
	for (size_t done = 0; done < pages;) {
		size_t some = pages - done;
		off_t at = (off_t)(((uintptr_t)base / PAGE + done) * sizeof(uint64_t));
		ssize_t n;

		if (some > TARGET_PAGEMAP_ENTRIES)
			some = TARGET_PAGEMAP_ENTRIES;
		n = pread(fd, target.pagemap, some * sizeof(uint64_t), at);
		target_expect(n == (ssize_t)(some * sizeof(uint64_t)), "pread of pagemap");
		for (size_t i = 0; i < some; i++)
			count += (target.pagemap[i] & mask) == mask && !(target.pagemap[i] & not );
		done += some;
	}
	close(fd);
	return count;
}

/* Anonymous pages, in a process that never forked: the zero page is mapped by nobody alone. */
static inline long pages_count_own(const char *base, size_t pages)
{
	return pages_count(base, pages, PAGEMAP_PRESENT | PAGEMAP_EXCLUSIVE, PAGEMAP_FILE);
}

/* ---- other threads and processes ---- */

static inline void sleep_ms(long ms)
{
	poll(NULL, 0, (int)ms);
}

/* Waits until the task at /proc/... sleeps in the kernel, so that it touches nothing more. */
static inline void task_wait_asleep(const char *stat_path)
{
	for (int tries = 0; tries < 10000; tries++) {
		int fd = open(stat_path, O_RDONLY | O_CLOEXEC);
		ssize_t n;
		const char *state;

		target_expect(fd >= 0, stat_path);
		n = read(fd, target.stat, sizeof(target.stat) - 1);
		close(fd);
		target_expect(n > 0, stat_path);
		target.stat[n] = '\0';
		state = strrchr(target.stat, ')');
		if (state && state[1] == ' ' && state[2] == 'S')
			return;
		sleep_ms(1);
	}
	target_die("%s never came to sleep", stat_path);
}

static inline void process_wait_asleep(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	task_wait_asleep(path);
}

static inline void thread_wait_asleep(pid_t tid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	task_wait_asleep(path);
}

static inline pid_t thread_id(void)
{
	return (pid_t)syscall(SYS_gettid);
}

struct child {
	pid_t pid;
	int go;	   /* write a byte: the child runs on */
	int ready; /* read a byte: the child has come to rest */
};

/* What the child's function gets: its ends of the two pipes. */
struct child_rest {
	int go;
	int ready;
};

/* In the child: at rest until the parent lets it go on; gone when the parent is. */
static inline void child_rest(const struct child_rest *rest)
{
	char byte = 'r';

	if (write(rest->ready, &byte, 1) != 1 || read(rest->go, &byte, 1) != 1)
		_exit(0);
}

/* Forks a child that runs FN and exits. The parent must have flushed its lines. */
static inline struct child child_fork(void (*fn)(const struct child_rest *, void *), void *arg)
{
	int go[2], ready[2];
	pid_t pid;

	target_flush();
	target_expect(pipe2(go, O_CLOEXEC) == 0 && pipe2(ready, O_CLOEXEC) == 0, "pipe2");
	pid = fork();
	target_expect(pid >= 0, "fork");
	if (pid == 0) {
		struct child_rest rest = {.go = go[0], .ready = ready[1]};

		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		alarm(TARGET_GUARD_SECONDS); /* fork cleared the parent's */
		close(go[1]);
		close(ready[0]);
		fn(&rest, arg);
		_exit(0);
	}
	close(go[0]);
	close(ready[1]);
	return (struct child){.pid = pid, .go = go[1], .ready = ready[0]};
}

static inline void child_wait_rest(const struct child *child)
{
	char byte;

	target_expect(read(child->ready, &byte, 1) == 1, "the child comes to rest");
	process_wait_asleep(child->pid);
}

static inline void child_go(const struct child *child)
{
	target_expect(write(child->go, "g", 1) == 1, "the child goes on");
}

static inline void child_wait_exit(const struct child *child)
{
	int status;

	target_expect(waitpid(child->pid, &status, 0) == child->pid, "waitpid");
	target_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child exits with 0");
	close(child->go);
	close(child->ready);
}

#endif /* TESTS_TARGETS_TARGET_H */
