/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where events come from: the running kernel (live.h) or a recording. What is
 * behind this door is one checked stream, in the order of event.h.
 */
#ifndef TIDEMARK_SOURCE_SOURCE_H
#define TIDEMARK_SOURCE_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/event.h"

/* One record, valid during the call. */
typedef void (*source_sink)(void *ctx, const struct event_header *event);

/* What a source wants to be known of itself. */
struct source_state {
	unsigned int buffer_percent; /* how full the ring buffer was found, at most, lately */
	uint64_t unwatched_children; /* not followed: too many processes */
	uint64_t cut_iovecs;	     /* see struct watch_totals */
	uint64_t malformed;	     /* records that did not pass the check */
	uint64_t look_ns;	     /* CPU time spent reading /proc */
	unsigned int missing_marks;  /* --invocation that no watched process has had so far */
	uint32_t stack_weight;	     /* stacks are taken of one fault in this many; 0: of none */
};

struct source;

struct source_ops {
	/*
	 * Waits until there may be records, at most timeout_ms. 0 or a negative
	 * errno; -EINTR is a signal.
	 */
	int (*wait)(struct source *source, int timeout_ms);

	/* Delivers what there is. 0; 1 at the end of a recording; a negative errno. */
	int (*drain)(struct source *source, source_sink sink, void *ctx);

	/*
	 * Asks for VMA and SCAN records of [start, end) of a process. A cycle
	 * (all of it) comes between CYCLE records. Ignored by recordings: what
	 * was asked for is in them.
	 */
	void (*look)(struct source *source, uint32_t pid, uint64_t start, uint64_t end,
		     enum event_cause cause);

	/* Asks for a round of LAZYFREE records: dear, see procfs.h. */
	void (*look_lazy)(struct source *source, uint32_t pid);

	/* Is a cycle or a look of this process still under way? */
	bool (*looking)(const struct source *source, uint32_t pid);

	/*
	 * Lists the mappings with code of a process as they are now, as VMA records outside of the
	 * stream. 0; -ESRCH: it is gone; NULL for recordings.
	 */
	int (*list_code)(struct source *source, uint32_t pid, source_sink sink, void *ctx);

	/*
	 * Opens the file that a process has mapped at an address, if it is the one of dev and ino,
	 * with the path that the process sees. A file descriptor, the caller's, or a negative
	 * errno; NULL for recordings.
	 */
	int (*open_file)(struct source *source, uint32_t pid, uint64_t address, uint32_t dev,
			 uint64_t ino, char path[EVENT_PATH_LEN]);

	/*
	 * Places the probes of a process's allocator, or takes them off: heap evidence, told of by
	 * a HEAP record. What cannot be is said in one line (log.h), and what it will cost. 0;
	 * -ESRCH: it is gone; -ENOENT: no allocator with functions to probe was found; -EALREADY;
	 * -errno. NULL for recordings.
	 */
	int (*heap)(struct source *source, uint32_t pid, bool on);

	void (*state)(const struct source *source, struct source_state *state);
	void (*close)(struct source *source);
};

struct source {
	const struct source_ops *ops;
};

#endif
