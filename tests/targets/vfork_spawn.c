// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vfork child runs in its parent's memory under a pid of its own: what it touches and maps stays
 * the parent's, and neither its exec nor its exit may take a page from the parent.
 */
#define _GNU_SOURCE
#include "tests/targets/target.h"

#include <spawn.h>

enum { PAGES = 1024, ROUNDS = 40, PAGES_A_ROUND = 10 };

static char *const true_argv[] = {"true", NULL};
static char *const no_environment[] = {NULL};
static const char *true_path = "/bin/true";

static void child_reap(pid_t pid)
{
	int status;

	target_expect(pid > 0, "a child");
	target_expect(waitpid(pid, &status, 0) == pid, "waitpid");
	target_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child exits with 0");
}

static void spawn_true(void)
{
	pid_t pid;

	target_expect(posix_spawn(&pid, true_path, NULL, NULL, true_argv, no_environment) == 0,
		      "posix_spawn");
	child_reap(pid);
}

/* The child touches COUNT pages from FIRST on, then runs true or just exits. */
__attribute__((noinline)) static void vfork_touch(char *base, size_t first, size_t count, bool exec)
{
	pid_t pid = vfork();

	if (pid == 0) {
		pages_touch(base, first, count);
		if (exec)
			execve(true_path, true_argv, no_environment);
		_exit(exec ? 1 : 0);
	}
	child_reap(pid);
}

/* The child purges, unmaps and maps in its parent's memory. */
__attribute__((noinline)) static void vfork_map(char *base)
{
	pid_t pid = vfork();

	if (pid == 0) {
		if (madvise(base, 100 * PAGE, MADV_DONTNEED) != 0 ||
		    munmap(page_at(base, 200), 100 * PAGE) != 0 ||
		    mmap(page_at(base, 250), 50 * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
			_exit(1);
		pages_touch(base, 250, 20);
		execve(true_path, true_argv, no_environment);
		_exit(1);
	}
	child_reap(pid);
}

static void true_find(void)
{
	if (access(true_path, X_OK) != 0)
		true_path = "/usr/bin/true";
	if (access(true_path, X_OK) == 0)
		return;
	target_skip("true", errno);
	target_rest("skipped");
	_exit(0);
}

int main(void)
{
	char *base;

	target_start();
	true_find();
	base = pages_map(PAGES);
	pages_touch(base, 0, 100);
	target_claim(base, PAGES, 100, 0, "touched");
	target_rest("touched");
	for (int i = 0; i < ROUNDS; i++) {
		spawn_true();
		pages_touch(base, 100 + i, 1);
	}
	target_claim(base, PAGES, 100 + ROUNDS, 0, "posix_spawn");
	target_rest("posix_spawn");
	for (int i = 0; i < ROUNDS; i++)
		vfork_touch(base, 200 + i * PAGES_A_ROUND, PAGES_A_ROUND, i % 2 == 0);
	target_claim(base, PAGES, 100 + ROUNDS + ROUNDS * PAGES_A_ROUND, 0, "vfork");
	target_rest("vfork");
	vfork_map(base);
	/* Purged: 100; unmapped: 100 of the vfork children's; new: 20. */
	target_claim(base, PAGES, ROUNDS + ROUNDS * PAGES_A_ROUND - 100 + 20, 0, "vfork maps");
	target_rest("vfork_maps");
	return 0;
}
