// SPDX-License-Identifier: GPL-2.0-only
/* Which file of a process is its allocator, and the probes on it. */
#include "user/source/live_heap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/base/cleanup.h"
#include "user/base/log.h"
#include "user/source/load_order.h"

/* ---- which file it is ---- */

/* A file with code of the process, while it is looked at. */
struct candidate {
	int fd;
	bool is_program;
	uint64_t rank;
	struct code_file file;
	char path[EVENT_PATH_LEN];
};

struct search {
	struct live *live;
	struct proc *proc;
	struct live_heap *heap;
	struct code_file program;
	bool has_program;
	bool is_static;
	int rc;	       /* of the search so far */
	int fd;	       /* of the file that was chosen, ours; -1: none */
	uint64_t rank; /* of that */
	bool given;    /* offsets were given for a file of the process */
	int given_rc;  /* why these cannot be probed */
	struct load_order order;
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* It has a malloc of its own, for the time before there is another; musl's is the libc. */
static bool is_loader(const struct proc_vma *vma)
{
	return !strncmp(vma->name, "ld-", 3) && strncmp(vma->name, "ld-musl", 7) != 0;
}

static enum event_allocator owner_by_path(const char *path)
{
	const char *base = base_name(path);

	if (!strncmp(base, "ld-musl", 7))
		return ALLOCATOR_MUSL;
	return !strncmp(base, "libc.so", 7) || !strncmp(base, "libc-2", 6) ? ALLOCATOR_GLIBC
									   : ALLOCATOR_UNKNOWN;
}

/*
 * Who defines malloc first in the order of look-up is the allocator: the program itself, then its
 * libraries. Where the order is not known, what is not the C library.
 */
static uint64_t rank_of(const struct search *search, bool is_program, const struct proc_vma *vma)
{
	int place = load_order_place(&search->order, vma->start);

	if (is_program)
		return UINT64_MAX;
	if (place >= 0)
		return UINT64_MAX - 1 - (uint64_t)place;
	return owner_by_path(vma->name) == ALLOCATOR_UNKNOWN ? 2 : 1;
}

static bool spec_means(const struct search *search, const struct heap_spec *spec,
		       const struct candidate *candidate)
{
	struct code_file seen;

	if (!strchr(spec->binary, '/'))
		return !strcmp(base_name(candidate->path), spec->binary);
	return !strcmp(candidate->path, spec->binary) ||
	       (!code_file_seen(search->proc, spec->binary, &seen) &&
		code_file_same(&seen, &candidate->file));
}

/*
 * Has another process its probes on that file? Whoever has a breakpoint there runs what is placed
 * for all: its return would be probed for the other's sake.
 */
static bool is_taken(const struct search *search, const struct code_file *file)
{
	struct live_process *process;

	RB_FOREACH (process, live_processes, &search->live->processes)
		if (process->heap && process->heap != search->heap && process->heap->on &&
		    code_file_same(&process->heap->file, file))
			return true;
	return false;
}

/* What the user has given for that file, or what its symbols say. */
static int candidate_probes(struct search *search, const struct candidate *candidate,
			    struct heap_probes *probes)
{
	const struct live *live = search->live;
	const struct heap_spec *given[HEAP_SPECS_MAX];
	size_t count = 0;

	for (size_t i = 0; i < live->heap_spec_count; i++)
		if (spec_means(search, &live->heap_specs[i], candidate))
			given[count++] = &live->heap_specs[i];
	probes->first_bytes = live->heap_first_bytes;
	probes->no_throwing =
		live->heap_way != HEAP_BY_SESSION || is_taken(search, &candidate->file);
	if (!count)
		return heap_probes_find(candidate->fd, candidate->is_program, probes);
	search->given = true;
	search->given_rc = heap_probes_given(candidate->fd, given, count, probes);
	return search->given_rc;
}

/* Takes the candidate's descriptor if it is the better one. */
static void candidate_try(struct search *search, struct candidate *candidate)
{
	AUTO_FREE struct heap_probes *probes = calloc(1, sizeof(*probes));

	if (!probes || candidate_probes(search, candidate, probes))
		return;
	if (!probes->allocator)
		probes->allocator = candidate->is_program ? proc_static_allocator(search->proc)
							  : owner_by_path(candidate->path);
	if (search->fd >= 0)
		close(search->fd);
	search->fd = candidate->fd;
	candidate->fd = -1;
	search->rank = candidate->rank;
	search->rc = 0;
	search->heap->probes = *probes;
	search->heap->file = candidate->file;
	memcpy(search->heap->path, candidate->path, sizeof(candidate->path));
}

static int search_vma(void *ctx, const struct proc_vma *vma)
{
	struct search *search = ctx;
	struct candidate candidate;

	if (vma->kind != VMA_KIND_FILE || !vma->ino || is_loader(vma))
		return 0;
	candidate.fd = proc_open_file(search->proc, vma->start, vma->dev, vma->ino, candidate.path);
	if (candidate.fd < 0) {
		if (search->rc == -ENOENT && candidate.fd == -EPERM)
			search->rc = -EPERM;
		return 0;
	}
	if (!code_file_read(candidate.fd, "", &candidate.file)) {
		candidate.is_program =
			search->has_program && code_file_same(&candidate.file, &search->program);
		candidate.rank = rank_of(search, candidate.is_program, vma);
		if (candidate.is_program)
			search->is_static = heap_program_is_static(candidate.fd);
		if (candidate.rank > search->rank)
			candidate_try(search, &candidate);
	}
	if (candidate.fd >= 0)
		close(candidate.fd);
	return 0;
}

int heap_search(struct live *live, struct live_process *process, struct live_heap *heap, int *fd,
		bool *is_static)
{
	AUTO_FREE struct search *search = calloc(1, sizeof(*search));

	*is_static = false;
	if (!search)
		return -ENOMEM;
	*search = (struct search){.live = live, .heap = heap, .rc = -ENOENT, .fd = -1};
	search->proc = live_process_proc(live, process);
	if (!search->proc)
		return -ESRCH;
	if (load_order_read(search->proc->dir_fd, &search->order))
		search->order.count = 0; /* a program that is being loaded: what is there first */
	search->has_program = !code_file_read(search->proc->dir_fd, "exe", &search->program);
	if (proc_list_code(search->proc, search_vma, search)) {
		if (search->fd >= 0)
			close(search->fd);
		return -ESRCH;
	}
	*is_static = search->is_static;
	if (search->given_rc) {
		if (search->fd >= 0)
			close(search->fd);
		return search->given_rc;
	}
	if (live->heap_spec_count && !search->given)
		log_warning("--heap-probe: process %u maps no file that it names: its allocator is "
			    "looked for by symbols",
			    process->pid);
	*fd = search->fd;
	return search->rc;
}
