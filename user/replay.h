/* SPDX-License-Identifier: GPL-2.0-only */
/* Recordings as they are opened for replay, info and diff. Errors are said in one line (log.h). */
#ifndef TIDEMARK_REPLAY_H
#define TIDEMARK_REPLAY_H

#include <stdbool.h>

#include "user/source/recording.h"

struct replay_options {
	const char *path;
	bool realtime;
	double to_s; /* since it began; NAN: to its end */
};

/*
 * Opens a recording as a source, and takes a copy of its header. A recording from a stranger may
 * ask for any amount of memory: this process may use half of the machine's from then on, and no
 * more. 0 or a negative errno.
 */
int replay_open(const struct replay_options *options, struct source **source,
		struct recording_header *header);

/* Why a pipeline could not go on with it, by its negative errno. */
const char *replay_error(int rc);

/* Says what is missing of it, and what was skipped, if anything was. */
void replay_report(const struct source *source, const char *path);

/* `tidemark info`: what is in it, read as a whole, on standard output. */
int info_print(const char *path);

/*
 * `tidemark diff`: what changed from one moment to another, on standard output. path_b may be
 * path_a; a moment is seconds since its recording began, NAN: its end, with all that ended before.
 */
int diff_print(const char *path_a, double at_a, const char *path_b, double at_b);

#endif
