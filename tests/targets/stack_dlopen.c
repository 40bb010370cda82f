// SPDX-License-Identifier: GPL-2.0-only
/*
 * stack_dlopen PLUGIN
 *
 * Call chains through libraries that were loaded while somebody watched: plain, from a file that
 * is deleted by then, from a place that only this process's mount namespace has, and in a chroot.
 * The library is made of this file, too.
 */
#define _GNU_SOURCE
#include <stddef.h>

typedef void plugin_fn(void *arg);

#ifdef PLUGIN

#include "tests/targets/keep.h"

/* Far from what the program's own functions look like: its rules do not do for these. */
__attribute__((noipa)) static void plugin_inner(plugin_fn *fn, void *arg, size_t size)
{
	char locals[size];

	CHAIN_KEEP(locals);
	fn(arg);
	CHAIN_KEEP(locals);
}

void plugin_call(plugin_fn *fn, void *arg);
void plugin_call(plugin_fn *fn, void *arg)
{
	char locals[333];

	CHAIN_KEEP(locals);
	plugin_inner(fn, arg, 777);
	CHAIN_KEEP(locals);
}

#else

#include "tests/targets/chain.h"

#include <dlfcn.h>
#include <sched.h>
#include <sys/mount.h>

enum { PAGES = 16 };

typedef void plugin_entry(plugin_fn *fn, void *arg);

static char *region;
static size_t used;

static plugin_entry *plugin_open(const char *path)
{
	void *library = dlopen(path, RTLD_NOW);
	plugin_entry *entry;

	if (!library)
		target_die("%s", dlerror());
	entry = (plugin_entry *)dlsym(library, "plugin_call");
	target_expect(entry != NULL, "dlsym");
	return entry;
}

static void touch(void *page)
{
	chain_touch(page);
}

CHAIN_LINK static void plugin_use(plugin_entry *entry)
{
	entry(touch, page_at(region, used++));
}

static void file_copy(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_CREAT | O_WRONLY, 0755);
	char buffer[4096];
	ssize_t n;

	target_expect(in >= 0 && out >= 0, to);
	while ((n = read(in, buffer, sizeof(buffer))) > 0)
		target_expect(write(out, buffer, (size_t)n) == n, to);
	close(in);
	close(out);
}

static void deleted(const char *plugin, const char *directory)
{
	plugin_entry *entry;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/stack-deleted.so", directory);
	file_copy(plugin, path);
	entry = plugin_open(path);
	target_expect(unlink(path) == 0, "unlink");
	plugin_use(entry);
}

/* In children, each with a directory of its own that the collector's path does not lead to. */
static void elsewhere_rest(const struct child_rest *rest, plugin_entry *entry)
{
	sleep_ms(30);
	plugin_use(entry);
	target_flush();
	child_rest(rest);
}

static void chrooted(const struct child_rest *rest, void *directory)
{
	if (chroot((const char *)directory) || chdir("/")) {
		target_skip("chroot", errno);
		target_flush();
		child_rest(rest);
		return;
	}
	elsewhere_rest(rest, plugin_open("/stack-chroot.so"));
}

static void bound(const struct child_rest *rest, void *directory)
{
	char at[PATH_MAX];

	snprintf(at, sizeof(at), "%s/bound", (const char *)directory);
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount((const char *)directory, at, NULL, MS_BIND, NULL)) {
		target_skip("mount namespace", errno);
		target_flush();
		child_rest(rest);
		return;
	}
	snprintf(at, sizeof(at), "%s/bound/stack-chroot.so", (const char *)directory);
	elsewhere_rest(rest, plugin_open(at));
}

static void in_child(void (*fn)(const struct child_rest *, void *), char *directory,
		     const char *name)
{
	struct child child = child_fork(fn, directory);

	child_wait_rest(&child);
	target_say("CHILD %d", child.pid);
	target_rest(name);
	child_go(&child);
	child_wait_exit(&child);
}

int main(int argc, char **argv)
{
	char directory[] = "/tmp/stack-dlopen-XXXXXX", path[PATH_MAX];

	chain_start();
	target_expect(argc == 2, "an argument");
	region = pages_map(PAGES);
	target_rest("before");
	plugin_use(plugin_open(argv[1]));
	target_rest("loaded");
	target_expect(mkdtemp(directory) != NULL, "mkdtemp");
	deleted(argv[1], directory);
	target_rest("deleted");
	snprintf(path, sizeof(path), "%s/bound", directory);
	target_expect(mkdir(path, 0755) == 0, "mkdir");
	snprintf(path, sizeof(path), "%s/stack-chroot.so", directory);
	file_copy(argv[1], path);
	in_child(chrooted, directory, "chroot");
	in_child(bound, directory, "mount_namespace");
	unlink(path);
	snprintf(path, sizeof(path), "%s/bound", directory);
	rmdir(path);
	rmdir(directory);
	return 0;
}

#endif
