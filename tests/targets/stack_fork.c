// SPDX-License-Identifier: GPL-2.0-only
/* Call chains in a forked child and its child, in threads of it, and after exec. */
#define _GNU_SOURCE
#include "tests/targets/chain.h"

enum { PAGES = 16 };

static char *region;

CHAIN_LINK static void touch_at(size_t index)
{
	chain_touch(page_at(region, index));
}

CHAIN_LINK static void touch_below(size_t index)
{
	char locals[500];

	CHAIN_KEEP(locals);
	touch_at(index);
	CHAIN_KEEP(locals);
}

static void *thread_run(void *arg)
{
	(void)arg;
	touch_below(5);
	return NULL;
}

static void thread_once(void)
{
	pthread_t thread;

	target_expect(pthread_create(&thread, NULL, thread_run, NULL) == 0, "thread");
	target_expect(pthread_join(thread, NULL) == 0, "join");
}

static void grandchild_run(const struct child_rest *rest, void *arg)
{
	(void)arg;
	touch_below(6);
	target_flush();
	child_rest(rest);
}

static void child_run(const struct child_rest *rest, void *arg)
{
	struct child below;

	(void)arg;
	touch_below(3);
	touch_at(4);
	thread_once();
	target_flush();
	below = child_fork(grandchild_run, NULL);
	child_wait_rest(&below);
	target_say("CHILD %d", below.pid);
	target_flush();
	child_rest(rest);
	child_go(&below);
	child_wait_exit(&below);
}

static void family(void)
{
	struct child child = child_fork(child_run, NULL);

	child_wait_rest(&child);
	target_say("CHILD %d", child.pid);
	touch_below(7);
	target_rest("forked");
	child_go(&child);
	child_wait_exit(&child);
}

int main(int argc, char **argv)
{
	char *const again[] = {argv[0], "again", NULL};

	chain_start();
	region = pages_map(PAGES);
	touch_at(0);
	touch_below(1);
	if (argc > 1) {
		target_rest("new_image");
		thread_once();
		target_rest("new_thread");
		return 0;
	}
	target_rest("first_image");
	family();
	execv("/proc/self/exe", again);
	target_die("execv: %s", strerror(errno));
}
