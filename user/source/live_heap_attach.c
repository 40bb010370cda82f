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

static bool is_kernel(unsigned int major, unsigned int minor)
{
	unsigned int has_major = 0, has_minor = 0;
	struct utsname system;

	if (uname(&system) || sscanf(system.release, "%u.%u", &has_major, &has_minor) != 2)
		return false;
	return has_major > major || (has_major == major && has_minor >= minor);
}

/*
 * uprobe_multi for a process meant one of its threads at first: 46ba0e49b642 ("bpf: fix
 * multi-uprobe PID filtering logic") of 6.10. It cannot be tried without losing what the other
 * threads do. Sessions: d920179b3d48 ("bpf: Add support for uprobe multi session attach") of 6.13.
 */
static enum heap_way best_way(void)
{
	if (is_kernel(6, 13))
		return HEAP_BY_SESSION;
	return is_kernel(6, 10) ? HEAP_BY_MULTI : HEAP_ONE_BY_ONE;
}

static void program_select(struct bpf_program *program, bool wanted, uint32_t attach_type)
{
	bpf_program__set_autoload(program, wanted);
	if (wanted && attach_type)
		bpf_program__set_expected_attach_type(program, (enum bpf_attach_type)attach_type);
}

enum heap_way heap_attach_select(struct tidemark *skeleton, bool wanted, enum heap_way most)
{
	enum heap_way way = best_way();
	uint32_t multi;

	if (way > most)
		way = most;
	multi = way == HEAP_ONE_BY_ONE ? 0 : UPROBE_MULTI_ATTACH_TYPE;
	program_select(skeleton->progs.heap_session, wanted && way == HEAP_BY_SESSION,
		       UPROBE_SESSION_ATTACH_TYPE);
	program_select(skeleton->progs.heap_enter, wanted && way != HEAP_BY_SESSION, multi);
	program_select(skeleton->progs.heap_return, wanted && way != HEAP_BY_SESSION, multi);
	program_select(skeleton->progs.heap_free, wanted, multi);
	return way;
}

/* ---- many at once ---- */

/* What a link is for. Of parts that no function is of, none is made. */
struct part {
	const struct bpf_program *program;
	uint32_t attach_type;
	uint32_t flags;
	bool returns; /* of functions whose return is probed, too */
};

static int multi_attach(const struct part *part, uint32_t pid, const char *path,
			const struct heap_probes *probes, int *link)
{
	uint64_t offsets[HEAP_FUNCTIONS_MAX], cookies[HEAP_FUNCTIONS_MAX];
	struct uprobe_multi_attr attr = {
		.prog_fd = (uint32_t)bpf_program__fd(part->program),
		.attach_type = part->attach_type,
		.path = (uintptr_t)path,
		.offsets = (uintptr_t)offsets,
		.cookies = (uintptr_t)cookies,
		.flags = part->flags,
		.pid = pid,
	};

	for (size_t i = 0; i < probes->count; i++) {
		if (probes->probes[i].returns != part->returns)
			continue;
		offsets[attr.count] = probes->probes[i].offset;
		cookies[attr.count++] = probes->probes[i].cookie;
	}
	if (!attr.count)
		return 0;
	*link = (int)syscall(SYS_bpf, UPROBE_MULTI_LINK_CREATE, &attr, sizeof(attr));
	return *link < 0 ? -errno : 0;
}

/* The returns first, so that no function is entered whose return would not be seen. */
static int multi_attach_all(struct live *live, uint32_t pid, const char *path,
			    struct live_heap *heap)
{
	const struct tidemark *skeleton = live->skeleton;
	const struct part session[] = {
		{skeleton->progs.heap_session, UPROBE_SESSION_ATTACH_TYPE, 0, true},
		{skeleton->progs.heap_free, UPROBE_MULTI_ATTACH_TYPE, 0, false},
	};
	const struct part multi[] = {
		{skeleton->progs.heap_return, UPROBE_MULTI_ATTACH_TYPE, UPROBE_MULTI_RETURN, true},
		{skeleton->progs.heap_enter, UPROBE_MULTI_ATTACH_TYPE, 0, true},
		{skeleton->progs.heap_free, UPROBE_MULTI_ATTACH_TYPE, 0, false},
	};
	bool by_session = live->heap_way == HEAP_BY_SESSION;
	size_t count =
		by_session ? sizeof(session) / sizeof(*session) : sizeof(multi) / sizeof(*multi);
	int rc = 0;

	for (size_t i = 0; i < count && !rc; i++)
		rc = multi_attach(by_session ? &session[i] : &multi[i], pid, path, &heap->probes,
				  &heap->links[i]);
	return rc;
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
	rc = live->heap_way == HEAP_ONE_BY_ONE ? probes_attach(live->skeleton, pid, path, heap)
					       : multi_attach_all(live, pid, path, heap);
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
