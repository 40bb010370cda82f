// SPDX-License-Identifier: GPL-2.0-only
/* MADV_DONTFORK and MADV_WIPEONFORK: what a child does not get, or gets empty. */
#define _GNU_SOURCE
#include "tests/targets/target.h"

enum { PAGES = 256 };

static char *plain, *kept_back, *wiped;

static void child_run(const struct child_rest *rest, void *arg)
{
	(void)arg;
	child_rest(rest);
	pages_touch(wiped, 0, 10);
	pages_touch(plain, 0, 10);
	/* Nothing is here, so there is room for a mapping of the child's. */
	if (mmap(kept_back, PAGES * PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		_exit(1);
	pages_touch(kept_back, 0, 20);
	child_rest(rest);
}

static void parent_claim(void)
{
	target_claim(plain, PAGES, PAGES, 0, "plain");
	target_claim(kept_back, PAGES, PAGES, 0, "MADV_DONTFORK");
	target_claim(wiped, PAGES, PAGES, 0, "MADV_WIPEONFORK");
}

static void child_claim(pid_t pid, long in_kept_back, long in_wiped)
{
	target_say("CHILD %d", pid);
	target_claim_child(pid, plain, PAGES, PAGES, 0, "plain");
	target_claim_child(pid, kept_back, PAGES, in_kept_back, 0, "MADV_DONTFORK");
	target_claim_child(pid, wiped, PAGES, in_wiped, 0, "MADV_WIPEONFORK");
}

static void fork_and_rest(const char *forked, const char *touched, bool inherits)
{
	struct child child = child_fork(child_run, NULL);

	child_wait_rest(&child);
	parent_claim();
	child_claim(child.pid, inherits ? PAGES : 0, inherits ? PAGES : 0);
	target_rest(forked);
	child_go(&child);
	child_wait_rest(&child);
	parent_claim();
	child_claim(child.pid, 20, inherits ? PAGES : 10);
	target_rest(touched);
	child_go(&child);
	child_wait_exit(&child);
}

int main(void)
{
	target_start();
	plain = pages_map(PAGES);
	kept_back = pages_map(PAGES);
	wiped = pages_map(PAGES);
	pages_touch(plain, 0, PAGES);
	pages_touch(kept_back, 0, PAGES);
	pages_touch(wiped, 0, PAGES);
	target_expect(madvise(kept_back, PAGES * PAGE, MADV_DONTFORK) == 0, "MADV_DONTFORK");
	target_expect(madvise(wiped, PAGES * PAGE, MADV_WIPEONFORK) == 0, "MADV_WIPEONFORK");
	parent_claim();
	target_rest("touched");
	fork_and_rest("forked", "child_touched", false);
	target_expect(madvise(kept_back, PAGES * PAGE, MADV_DOFORK) == 0, "MADV_DOFORK");
	target_expect(madvise(wiped, PAGES * PAGE, MADV_KEEPONFORK) == 0, "MADV_KEEPONFORK");
	fork_and_rest("forked_again", "child_touched_again", true);
	parent_claim();
	target_rest("alone");
	return 0;
}
