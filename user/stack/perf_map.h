/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names of code that a process compiled for itself, from the list it writes for
 * perf: /tmp/perf-PID.map (perf's tools/perf/Documentation/jit-interface.txt).
 * Only where the code lies is kept, the names stay in the file.
 */
#ifndef TIDEMARK_STACK_PERF_MAP_H
#define TIDEMARK_STACK_PERF_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/stack/spans.h"

#define PERF_MAP_BYTES_MAX ((uint64_t)256 << 20)
#define PERF_MAP_FUNCTIONS_MAX ((size_t)4 << 20)

struct perf_map {
	int fd; /* -1: not there yet */
	uint64_t dev;
	uint64_t ino;
	uint64_t done; /* bytes of whole lines that were read */
	uint64_t looked_ns;
	uint64_t version; /* changes with what is known */
	struct spans functions;
};

#define PERF_MAP_NONE                                                                              \
	{                                                                                          \
		.fd = -1                                                                           \
	}

/*
 * Reads what has been added since, at most once a second, of long lists less often; now_ns is of a
 * clock that never stands at 0. Whatever cannot be read or understood is left out.
 */
void perf_map_update(struct perf_map *map, uint32_t pid, uint64_t now_ns);

/* Copies the name of what lies at an address, cut to fit. False: none. */
bool perf_map_name(const struct perf_map *map, uint64_t address, char *name, size_t size);

void perf_map_close(struct perf_map *map);

/*
 * The steps of perf_map_update(): opens the list of a process, a regular file of
 * its user's or root's, below its own root; and takes the lines of an open one.
 */
int perf_map_open(uint32_t pid);
void perf_map_read(struct perf_map *map, uint64_t size);

#endif
