/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * heap.pb.gz: sites as a profile that `go tool pprof` reads (profile.proto).
 *
 * Sample types: retained_pages/count, retained_space/bytes, resident_space/bytes,
 * the last being the default; and where allocations were followed, inuse_objects/count
 * and inuse_space/bytes: what is live of those made under a stack, by samples. A site
 * has a sample for each state its pages are in, so that the samples add up to the
 * pages of the ledger. Labels:
 * - state: retained, young (first touched in this interval), lazyfree; live: allocations;
 * - allocator: see site_text_allocator();
 * - end: how the stack ends: "complete", or why frames are missing.
 */
#ifndef TIDEMARK_VIEW_PPROF_H
#define TIDEMARK_VIEW_PPROF_H

#include "user/view/export_format.h"

/* Written as it is made: what is kept meanwhile are the distinct frames and names. */
int pprof_write(FILE *file, const struct process *process, const struct export_context *context);

#endif
