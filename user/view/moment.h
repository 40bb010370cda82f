/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What processes held at one moment, kept apart from them, so that two moments can be compared: of
 * one stream or of two, on whatever machine. Names are clean (clean_text.h).
 */
#ifndef TIDEMARK_VIEW_MOMENT_H
#define TIDEMARK_VIEW_MOMENT_H

#include <stddef.h>
#include <stdint.h>

#include "user/verdict/process.h"

/* A site by its call stack, or the mappings of one kind, name and owner. */
struct moment_part {
	char *key;	   /* what makes it the same in both; owned */
	char *title;	   /* what is shown; owned */
	uint64_t count;	   /* of sites or mappings that share the key */
	uint64_t resident; /* bytes */
	uint64_t retained;
	uint64_t lazy;
};

struct moment_parts {
	struct moment_part *items; /* by key */
	size_t count;
	size_t capacity;
};

struct moment_process {
	uint32_t pid;
	uint64_t attach_ns;
	char *command;	/* owned */
	double time_s;	/* since its watch began */
	double *values; /* owned; of all fields (fields.h), NAN for text and what is not known */
	struct moment_parts sites;
	struct moment_parts mappings;
};

struct moment {
	struct moment_process *processes; /* in the order they were taken */
	size_t count;
	size_t capacity;
};

/* Adds a process as it is now; one without a report is left out. 0 or -ENOMEM. */
int moment_take(struct moment *moment, struct process *process);

void moment_free(struct moment *moment);

#endif
