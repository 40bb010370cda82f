/* SPDX-License-Identifier: GPL-2.0-only */
/* A recording as a source: what was recorded comes as it came then. See source.h. */
#ifndef TIDEMARK_SOURCE_RECORDING_H
#define TIDEMARK_SOURCE_RECORDING_H

#include <stdbool.h>
#include <stdint.h>

#include "user/source/recording_reader.h"
#include "user/source/source.h"

struct recording_options {
	bool realtime;	   /* as fast as it went then; else as fast as can be */
	uint64_t until_ns; /* by its own clock: what is later is left out; 0: nothing */
};

/* Takes the reader, in any case. NULL without memory. */
struct source *recording_source(struct recording_reader *reader,
				const struct recording_options *options);

/* The reader of such a source, for its account. */
const struct recording_reader *recording_source_reader(const struct source *source);

#endif
