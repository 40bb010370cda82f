// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copy-on-write between a parent, its child and its grandchild, each of which touches, frees and
 * unmaps pages of its own copy while the others are at rest.
 */
#define _GNU_SOURCE
#include "tests/targets/target.h"

enum { PAGES = 2048, TOUCHED = 1024, READ = 512, SHORT_LIVED = 16 };

static char *region;
static pid_t *grandchild; /* in shared memory, so not a private page */

static void grandchild_run(const struct child_rest *rest, void *arg)
{
	(void)arg;
	target_expect(munmap(page_at(region, 512), 256 * PAGE) == 0, "munmap");
	pages_touch(region, 0, 64);
	child_rest(rest);
}

/* The child writes 256 of the parent's pages and 128 new ones, and frees 128. */
static void child_run(const struct child_rest *rest, void *arg)
{
	struct child below;

	(void)arg;
	child_rest(rest);
	pages_touch(region, 0, 256);
	pages_touch(region, TOUCHED, 64);	 /* read before: the zero page is replaced */
	pages_touch(region, TOUCHED + READ, 64); /* never used */
	target_expect(madvise(page_at(region, 512), 128 * PAGE, MADV_DONTNEED) == 0, "madvise");
	child_rest(rest);
	below = child_fork(grandchild_run, NULL);
	child_wait_rest(&below);
	*grandchild = below.pid;
	child_rest(rest);
	child_go(&below);
	child_wait_exit(&below);
	pages_touch(region, 0, 512);
	child_rest(rest);
}

static void child_claim(const struct child *child, long resident, const char *name)
{
	target_say("CHILD %d", child->pid);
	target_claim_child(child->pid, region, PAGES, resident, 0, name);
}

static void child_next(const struct child *child)
{
	child_go(child);
	child_wait_rest(child);
}

static void fork_one(void)
{
	struct child child = child_fork(child_run, NULL);
	long in_child = TOUCHED;

	child_wait_rest(&child);
	child_claim(&child, in_child, "forked");
	target_claim(region, PAGES, TOUCHED, 0, "forked");
	target_rest("forked");

	child_next(&child);
	in_child += 128 - 128;
	child_claim(&child, in_child, "child wrote and freed");
	target_claim(region, PAGES, TOUCHED, 0, "child wrote and freed");
	target_rest("child_wrote");

	/* The parent copies in its turn, and frees what the child keeps. */
	pages_touch(region, 128, 256);
	target_expect(madvise(page_at(region, 900), 50 * PAGE, MADV_DONTNEED) == 0, "madvise");
	child_claim(&child, in_child, "parent wrote and freed");
	target_claim(region, PAGES, TOUCHED - 50, 0, "parent wrote and freed");
	target_rest("parent_wrote");

	child_next(&child);
	child_claim(&child, in_child, "grandchild forked");
	target_say("CHILD %d", *grandchild);
	/* Of the 256 pages it unmapped the child had freed 128. */
	target_claim_child(*grandchild, region, PAGES, in_child - 128, 0, "grandchild");
	target_claim(region, PAGES, TOUCHED - 50, 0, "grandchild forked");
	target_rest("grandchild");

	child_next(&child);
	child_claim(&child, in_child, "grandchild gone");
	target_claim(region, PAGES, TOUCHED - 50, 0, "grandchild gone");
	target_rest("grandchild_gone");
	child_go(&child);
	child_wait_exit(&child);
}

static void short_lived_run(const struct child_rest *rest, void *arg)
{
	(void)rest;
	pages_touch(region, 0, (size_t)(uintptr_t)arg);
}

int main(void)
{
	target_start();
	grandchild = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	target_expect(grandchild != MAP_FAILED, "mmap");
	*grandchild = 0;
	region = pages_map(PAGES);
	pages_touch(region, 0, TOUCHED);
	pages_read(region, TOUCHED, READ);
	target_claim(region, PAGES, TOUCHED, 0, "touched");
	target_rest("touched");
	fork_one();
	/* Alone again: a write takes the page as it is, with no copy. */
	pages_touch(region, 0, 900);
	target_claim(region, PAGES, TOUCHED - 50, 0, "alone");
	target_rest("alone");
	for (uintptr_t i = 0; i < SHORT_LIVED; i++) {
		struct child child = child_fork(short_lived_run, (void *)(i * 100));

		pages_touch(region, 950, i * 10);
		child_wait_exit(&child);
	}
	/* Pages 1024 to 1099 are new, 900 to 949 still free. */
	target_claim(region, PAGES, TOUCHED - 50 + 76, 0, "after short-lived children");
	target_rest("short_lived");
	return 0;
}
