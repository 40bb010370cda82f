/* SPDX-License-Identifier: GPL-2.0-only */
/* The probes of one process's allocator: shared by two files. */
#ifndef TIDEMARK_SOURCE_LIVE_HEAP_H
#define TIDEMARK_SOURCE_LIVE_HEAP_H

#include "user/source/heap_probes.h"
#include "user/source/live_internal.h"

/* On returns, on entries, on frees. */
#define HEAP_LINKS 3

struct live_heap {
	struct heap_probes probes;
	char path[EVENT_PATH_LEN]; /* of the allocator's file, as the process sees it */
	int links[HEAP_LINKS];	   /* where all go at once; -1: none */
	struct bpf_link *enter[HEAP_FUNCTIONS_MAX];
	struct bpf_link *leave[HEAP_FUNCTIONS_MAX];
	bool on;      /* all are in place, and that has been said */
	bool waiting; /* for the allocator of a program that is being loaded */
	bool stopped; /* by the kernel side, until its files have been looked at */
};

/*
 * Finds the allocator of a process as it is loaded now, and what of it is probed; *fd is its file,
 * the caller's. is_static: the program is all there is. -ENOENT: none was found; -EPERM: files
 * could not be read; -ESRCH; -errno.
 */
int heap_search(struct live *live, struct live_process *process, struct live_heap *heap, int *fd,
		bool *is_static);

/* Before loading. True: all probes of a process go on at once. */
bool heap_attach_select(struct tidemark *skeleton);

/* Puts the probes on. -errno with none left. */
int heap_attach(struct live *live, uint32_t pid, int fd, struct live_heap *heap);
void heap_detach(struct live_heap *heap);

#endif
