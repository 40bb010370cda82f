/* SPDX-License-Identifier: GPL-2.0-only */
/* The BPF programs, what each needs of the kernel, and what is lost without it. */
#ifndef TIDEMARK_SOURCE_PROGRAMS_H
#define TIDEMARK_SOURCE_PROGRAMS_H

#include <bpf/libbpf.h>

/*
 * Before loading: leaves out the programs whose tracepoint this kernel lacks,
 * with a message each. omit: one to be left out in any case, or NULL.
 * -EOPNOTSUPP if a needed one is missing.
 */
int programs_select(const struct bpf_object *object, const char *omit);

/*
 * Attaches what was loaded; links[] has room for one per program. -EOPNOTSUPP if
 * a needed one cannot be attached.
 */
int programs_attach(const struct bpf_object *object, struct bpf_link **links, size_t max,
		    size_t *count);

/* Makes sure that tracefs is mounted, mounting it where it belongs if not. */
int tracefs_ensure(void);

#endif
