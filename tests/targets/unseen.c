// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that come and go with neither a page-fault exception nor a memory system call of the
 * process: the kernel writes through get_user_pages, another process writes from outside, a file
 * is cut short under its private mapping. Only reconciliation can find these.
 */
#define _GNU_SOURCE
#include "tests/targets/target.h"

#include <sys/uio.h>

enum { PAGES = 512 };

static ssize_t vm_write(pid_t pid, char *to, size_t bytes)
{
	static char from[16 * PAGE];
	struct iovec local = {.iov_base = from, .iov_len = bytes};
	struct iovec remote = {.iov_base = to, .iov_len = bytes};

	memset(from, 'v', sizeof(from));
	return process_vm_writev(pid, &local, 1, &remote, 1, 0);
}

static long written_by_vm(char *base)
{
	if (vm_write(getpid(), base, 10 * PAGE) < 0) {
		target_skip("process_vm_writev", errno);
		return 0;
	}
	target_claim(base, PAGES, 10, 0, "process_vm_writev");
	target_rest("process_vm_writev");
	return 10;
}

static void outside_run(const struct child_rest *rest, void *arg)
{
	(void)rest;
	if (vm_write(getppid(), arg, 5 * PAGE) < 0)
		_exit(1);
}

/* The child may write only where its user may trace the parent. */
static long written_from_outside(char *base, long resident)
{
	struct child child;
	int status;

	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	child = child_fork(outside_run, page_at(base, 100));
	target_expect(waitpid(child.pid, &status, 0) == child.pid, "waitpid");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		target_skip("process_vm_writev from outside", EPERM);
		return resident;
	}
	target_claim(base, PAGES, resident + 5, 0, "written from outside");
	target_rest("outside");
	return resident + 5;
}

static long written_by_proc_mem(char *base, long resident)
{
	static char from[3 * PAGE];
	int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);

	memset(from, 'm', sizeof(from));
	if (fd < 0 || pwrite(fd, from, sizeof(from), (off_t)(uintptr_t)page_at(base, 200)) < 0) {
		target_skip("/proc/self/mem", errno);
		return resident;
	}
	close(fd);
	target_claim(base, PAGES, resident + 3, 0, "/proc/self/mem");
	target_rest("proc_mem");
	return resident + 3;
}

static long read_directly(char *base, long resident)
{
	int fd = file_pages_create(16);

	target_expect(fsync(fd) == 0, "fsync");
	if (fcntl(fd, F_SETFL, O_DIRECT) != 0 ||
	    pread(fd, page_at(base, 300), 16 * PAGE, 0) != 16 * (ssize_t)PAGE) {
		target_skip("O_DIRECT in /tmp", errno);
		close(fd);
		return resident;
	}
	close(fd);
	target_claim(base, PAGES, resident + 16, 0, "direct read");
	target_rest("direct_read");
	return resident + 16;
}

/* Cutting a file takes even the private copies of the pages cut off. */
static void file_cut(void)
{
	int fd = file_pages_create(64);
	char *space = pages_clear_space(64), *base;

	base = mmap(space, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd, 0);
	target_expect(base == space, "mmap of a file");
	pages_touch(base, 0, 64);
	target_claim(base, 64, 64, 0, "private file written");
	target_rest("file_written");
	target_expect(ftruncate(fd, 20 * PAGE) == 0, "ftruncate");
	target_claim(base, 64, 20, 0, "file cut");
	target_rest("file_cut");
	target_expect(ftruncate(fd, 64 * PAGE) == 0, "ftruncate");
	pages_touch(base, 20, 10);
	target_claim(base, 64, 30, 0, "file extended");
	target_rest("file_extended");
	close(fd);
}

int main(void)
{
	long resident;
	char *base;

	target_start();
	base = pages_map(PAGES);
	target_claim(base, PAGES, 0, 0, "mapped");
	target_rest("mapped");
	resident = written_by_vm(base);
	resident = written_from_outside(base, resident);
	resident = written_by_proc_mem(base, resident);
	read_directly(base, resident);
	file_cut();
	return 0;
}
