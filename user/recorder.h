/* SPDX-License-Identifier: GPL-2.0-only */
/* The view that records: what the pipeline gets goes to a file (source/recording_format.h). */
#ifndef TIDEMARK_RECORDER_H
#define TIDEMARK_RECORDER_H

#include <stdint.h>

#include "user/pipeline.h"
#include "user/source/recording_writer.h"

struct recorder_options {
	const char *path;
	uint64_t max_bytes; /* 0: whatever comes */
	struct recording_header header;
};

struct recorder;

/* 0 or a negative errno; has said why in one line (log.h), then. */
int recorder_open(const struct recorder_options *options, struct recorder **recorder);

/* Adds it to a pipeline, which it is closed after. */
void recorder_attach(struct recorder *recorder, struct pipeline *pipeline, struct source *source);

/*
 * Writes the rest and frees, NULL too. 0 or the error that ended the recording, which was said when
 * it came. *figures is what was written.
 */
int recorder_close(struct recorder *recorder, struct recording_figures *figures);

#endif
