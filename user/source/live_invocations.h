/* SPDX-License-Identifier: GPL-2.0-only */
/* What each --invocation is after, and the files that have it or not: shared by two files. */
#ifndef TIDEMARK_SOURCE_LIVE_INVOCATIONS_H
#define TIDEMARK_SOURCE_LIVE_INVOCATIONS_H

#include "user/base/log.h"
#include "user/source/live_internal.h"
#include "user/source/probes.h"

/* Files known to have nothing that is wanted; who is overwritten is looked at again. */
#define MISSED_SLOTS 1024

#define MESSAGE_LEN 2048

/* How a search for what a specification names went wrong. */
struct miss {
	int rc;	  /* 0: there was no search yet */
	bool end; /* the beginning is there, the end is not */
	struct probes_near near;
};

/* One --invocation. */
struct wanted {
	const struct invocation_spec *spec;
	bool here;    /* its path leads somewhere from here, too: `file` */
	bool command; /* it is the name of a command here, which may be a link: `file` */
	struct code_file file;
	int fd; /* of that, until its probes are attached; -1: none */
	uint64_t offset;
	bool named; /* a watched process has mapped a file that it may mean */
	bool found; /* with the probes in it */
	bool said;  /* that it was not found */
	struct miss miss;
};

struct missed {
	struct code_file file;
	uint32_t wanted; /* bit i: wanted[i] is not in it */
};

struct live_invocations {
	struct wanted wanted[INVOCATION_SPECS_MAX];
	size_t count;
	struct probe_pair pairs[PROBE_PAIRS_MAX]; /* those without a spec are free */
	bool full_said;
	bool unreadable_said;
	struct missed missed[MISSED_SLOTS];
};

_Static_assert(INVOCATION_SPECS_MAX <= 32, "one bit each");

/* One line about it. Control characters, of names that are anybody's, are not shown. */
void wanted_say(enum log_level level, const struct wanted *wanted, const char *text);

/* Its miss in words: "no function 'handle' in WHERE: did you mean handler?" */
void wanted_miss_text(const struct wanted *wanted, const char *where, char *text, size_t size);

bool wanted_is_path(const struct wanted *wanted);

/* Has the file what is wanted? 0, or an errno of probes.h, with *miss filled. */
int wanted_find(const struct invocation_spec *spec, int fd, uint64_t *offset, struct miss *miss);

/* Was it looked for in that file, and not found? */
bool was_missed(struct live_invocations *all, const struct code_file *file, size_t index);

/* The index of the probes of that on the file; -1: there are none. */
int pair_find(const struct live_invocations *all, const struct wanted *wanted,
	      const struct code_file *file);

/* Puts its probes on an open file. 0 or a negative errno. */
int wanted_attach(struct live *live, const struct wanted *wanted, int fd, uint64_t offset,
		  const char *path);

/* The same with a file that wanted[index] may mean, if it has them. 0: its probes are on it. */
int wanted_try(struct live *live, size_t index, int fd, const struct code_file *file,
	       const char *path);

#endif
