/* SPDX-License-Identifier: GPL-2.0-only */
/* Numbers as people read them. */
#ifndef TIDEMARK_BASE_UNITS_H
#define TIDEMARK_BASE_UNITS_H

#include <stddef.h>
#include <stdint.h>

#define PAGE_SHIFT 12
#define PAGE_BYTES ((uint64_t)1 << PAGE_SHIFT)

#define NSEC_PER_SEC 1000000000ULL
#define NSEC_PER_MSEC 1000000ULL

/* Enough for any result of the functions below. */
#define UNITS_TEXT_LEN 32

static inline uint64_t page_floor(uint64_t addr)
{
	return addr & ~(PAGE_BYTES - 1);
}

/* Saturates at the last page instead of wrapping to 0. */
static inline uint64_t page_ceil(uint64_t addr)
{
	return addr > UINT64_MAX - PAGE_BYTES ? page_floor(UINT64_MAX)
					      : page_floor(addr + PAGE_BYTES - 1);
}

/*
 * bytes as at most 6 characters: "0", "812", "4.00K", "12.3M", "1.25T"; binary
 * prefixes; a minus sign adds one. text holds UNITS_TEXT_LEN bytes. Returns text.
 */
char *units_bytes(char *text, double bytes);

/* A count with decimal prefixes: "0", "950", "1.20k", "12.3M". Returns text. */
char *units_count(char *text, double count);

/* Like units_bytes with an explicit sign, for rates and differences: "+1.20M", "0", "-4.00K". */
char *units_signed_bytes(char *text, double bytes);

/* A count in full: "12,345". Returns text. */
char *units_whole(char *text, uint64_t count);

/* A part of a whole, cut, not rounded up to it: "0", "<0.1%", "12.3%", "100%". Returns text. */
char *units_share(char *text, uint64_t part, uint64_t whole);

#endif
