// SPDX-License-Identifier: GPL-2.0-only
/* exec: a new image with nothing of the old one, from the main thread and from another. */
#define _GNU_SOURCE
#include "tests/targets/target.h"

#include <pthread.h>

enum { PAGES = 1024 };

/* Fixed places, so that the new image may map where the old one had pages. */
#define FIXED_ADDRESS ((char *)0x200000000000UL)

static char *fixed_map(void)
{
	char *p = mmap(FIXED_ADDRESS, PAGES * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	target_expect(p != MAP_FAILED, "mmap");
	return p;
}

static void exec_stage(const char *stage)
{
	char *const argv[] = {"exec_self", (char *)stage, NULL};
	char *const environment[] = {NULL};

	target_flush();
	execve("/proc/self/exe", argv, environment);
	target_die("execve: %s", strerror(errno));
}

/* An exec that fails leaves everything as it is. */
static void exec_fail(char *base)
{
	char *const argv[] = {"nothing", NULL};

	target_expect_errno(execve("/nonexistent/nothing", argv, argv) != 0, ENOENT, "execve");
	target_expect_errno(execve("/", argv, argv) != 0, EACCES, "execve of a directory");
	target_claim(base, PAGES, 300, 0, "exec failed");
	target_rest("exec_failed");
}

static void *exec_from_thread(void *arg)
{
	exec_stage(arg);
	return NULL;
}

int main(int argc, char **argv)
{
	unsigned long stage;
	char *base;

	target_start();
	stage = target_argument(argc, argv, 1, 0);
	base = fixed_map();
	if (stage == 0) {
		pages_touch(base, 0, 300);
		target_claim(base, PAGES, 300, 0, "first image");
		target_rest("first_image");
		exec_fail(base);
		exec_stage("1");
	}
	target_claim(base, PAGES, 0, 0, "new image, untouched");
	target_rest(stage == 1 ? "second_image" : "third_image");
	pages_touch(base, 200 * stage, 400);
	target_claim(base, PAGES, 400, 0, "new image, touched");
	target_rest(stage == 1 ? "second_touched" : "third_touched");
	if (stage == 1) {
		pthread_t thread;

		/* The thread becomes the process: it takes over the leader's pid. */
		target_expect(pthread_create(&thread, NULL, exec_from_thread, "2") == 0, "thread");
		pthread_join(thread, NULL);
	}
	return 0;
}
