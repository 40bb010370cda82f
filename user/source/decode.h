/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bytes in, checked records out. Behind this door every record has the size of
 * its kind, its runs lie in its range, sorted; text fields may lack a NUL.
 */
#ifndef TIDEMARK_SOURCE_DECODE_H
#define TIDEMARK_SOURCE_DECODE_H

#include <stddef.h>

#include "bpf/event.h"

/*
 * Checks one record of `size` bytes, 8-byte aligned. 0; -EBADMSG if it is
 * malformed; -ENOTSUP if its kind is unknown, to be skipped.
 */
int event_check(const void *data, size_t size);

/* Bytes of a record of that kind, at least; 0 for unknown kinds. */
size_t event_size(unsigned int kind);

/* "fault", "unmap", ...; "?" for unknown kinds. */
const char *event_kind_name(unsigned int kind);
const char *event_kind_help(unsigned int kind); /* a few words */

#endif
