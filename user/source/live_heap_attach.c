// SPDX-License-Identifier: GPL-2.0-only
/*
 * The probes on an allocator's functions. All of a process in one go where the kernel can
 * (uprobe_multi): each uprobe taken off by itself waits 0.1 s for all CPUs.
 */
#include "user/source/live_heap.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include <sys/syscall.h>
#include <sys/utsname.h>

#include "user/source/uapi.h"

/*
 * uprobe_multi for a process meant one of its threads at first: 46ba0e49b642 ("bpf: fix
 * multi-uprobe PID filtering logic") of 6.10. It cannot be tried without losing what the other
 * threads do.
 */
static bool has_multi(void)
{
	struct utsname system;
	unsigned int major = 0, minor = 0;

	if (uname(&system) || sscanf(system.release, "%u.%u", &major, &minor) != 2)
		return false;
	return major > 6 || (major == 6 && minor >= 10);
}

bool heap_attach_select(struct tidemark *skeleton)
{
	struct bpf_program *programs[] = {skeleton->progs.heap_enter, skeleton->progs.heap_return,
					  skeleton->progs.heap_free};
	bool multi = has_multi();

	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs) && multi; i++)
		multi = !bpf_program__set_expected_attach_type(
			programs[i], (enum bpf_attach_type)UPROBE_MULTI_ATTACH_TYPE);
	return multi;
}

/* ---- many at once ---- */

/* Which of the functions a link is for. */
enum part { PART_RETURN, PART_ENTER, PART_FREE };

static bool is_of(const struct heap_probe *probe, enum part part)
{
	return part == PART_FREE ? !probe->returns : probe->returns;
}

static int multi_attach(const struct bpf_program *program, uint32_t pid, const char *path,
			const struct heap_probes *probes, enum part part)
{
	uint64_t offsets[HEAP_FUNCTIONS_MAX], cookies[HEAP_FUNCTIONS_MAX];
	struct uprobe_multi_attr attr = {
		.prog_fd = (uint32_t)bpf_program__fd(program),
		.attach_type = UPROBE_MULTI_ATTACH_TYPE,
		.path = (uintptr_t)path,
		.offsets = (uintptr_t)offsets,
		.cookies = (uintptr_t)cookies,
		.flags = part == PART_RETURN ? UPROBE_MULTI_RETURN : 0,
		.pid = pid,
	};
	long fd;

	for (size_t i = 0; i < probes->count; i++) {
		if (!is_of(&probes->probes[i], part))
			continue;
		offsets[attr.count] = probes->probes[i].offset;
		cookies[attr.count++] = probes->probes[i].cookie;
	}
	if (!attr.count)
		return -1;
	fd = syscall(SYS_bpf, UPROBE_MULTI_LINK_CREATE, &attr, sizeof(attr));
	return fd < 0 ? -errno - 1 : (int)fd;
}

/* The returns first, so that no function is entered whose return would not be seen. */
static int multi_attach_all(const struct tidemark *skeleton, uint32_t pid, const char *path,
			    struct live_heap *heap)
{
	const struct bpf_program *const programs[HEAP_LINKS] = {
		[PART_RETURN] = skeleton->progs.heap_return,
		[PART_ENTER] = skeleton->progs.heap_enter,
		[PART_FREE] = skeleton->progs.heap_free,
	};

	for (unsigned int i = 0; i < HEAP_LINKS; i++) {
		int fd = multi_attach(programs[i], pid, path, &heap->probes, i);

		if (fd < -1)
			return fd + 1;
		heap->links[i] = fd;
	}
	return 0;
}

static void multi_detach(struct live_heap *heap)
{
	/* frees and entries before returns */
	for (unsigned int i = HEAP_LINKS; i-- > 0;) {
		if (heap->links[i] >= 0)
			close(heap->links[i]);
		heap->links[i] = -1;
	}
}

/* ---- one by one ---- */

static int probe_attach(const struct bpf_program *program, uint32_t pid, const char *path,
			const struct heap_probe *probe, bool at_return, struct bpf_link **link)
{
	LIBBPF_OPTS(bpf_uprobe_opts, options, .retprobe = at_return, .bpf_cookie = probe->cookie);

	*link = bpf_program__attach_uprobe_opts(program, (pid_t)pid, path, probe->offset, &options);
	return *link ? 0 : -errno;
}

static int probes_attach(const struct tidemark *skeleton, uint32_t pid, const char *path,
			 struct live_heap *heap)
{
	int rc = 0;

	for (size_t i = 0; i < heap->probes.count && !rc; i++) {
		const struct heap_probe *probe = &heap->probes.probes[i];

		if (probe->returns)
			rc = probe_attach(skeleton->progs.heap_return, pid, path, probe, true,
					  &heap->leave[i]);
		if (!rc)
			rc = probe_attach(probe->returns ? skeleton->progs.heap_enter
							 : skeleton->progs.heap_free,
					  pid, path, probe, false, &heap->enter[i]);
	}
	return rc;
}

static void *link_destroy(void *link)
{
	bpf_link__destroy(link);
	return NULL;
}

/* Side by side: they wait for the same. */
static void links_destroy(struct bpf_link *links[HEAP_FUNCTIONS_MAX])
{
	pthread_t threads[HEAP_FUNCTIONS_MAX];
	bool started[HEAP_FUNCTIONS_MAX] = {false};

	for (size_t i = 0; i < HEAP_FUNCTIONS_MAX; i++) {
		if (!links[i])
			continue;
		started[i] = !pthread_create(&threads[i], NULL, link_destroy, links[i]);
		if (!started[i])
			bpf_link__destroy(links[i]);
		links[i] = NULL;
	}
	for (size_t i = 0; i < HEAP_FUNCTIONS_MAX; i++)
		if (started[i])
			pthread_join(threads[i], NULL);
}

int heap_attach(struct live *live, uint32_t pid, int fd, struct live_heap *heap)
{
	char path[32];
	int rc;

	/* the file that was looked at, whatever its path means by now */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	rc = live->heap_multi ? multi_attach_all(live->skeleton, pid, path, heap)
			      : probes_attach(live->skeleton, pid, path, heap);
	if (rc)
		heap_detach(heap);
	return rc;
}

void heap_detach(struct live_heap *heap)
{
	multi_detach(heap);
	links_destroy(heap->enter);
	links_destroy(heap->leave);
}
