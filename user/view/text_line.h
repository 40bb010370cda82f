/* SPDX-License-Identifier: GPL-2.0-only */
/* A line of text that is put together part by part, in a buffer of the caller's. */
#ifndef TIDEMARK_VIEW_TEXT_LINE_H
#define TIDEMARK_VIEW_TEXT_LINE_H

#include <stddef.h>

struct text_line {
	char *text; /* NUL-terminated once something was added */
	size_t size;
	size_t used; /* as long as it would be with room enough */
};

/* What does not fit is cut. */
__attribute__((format(printf, 2, 3))) void text_line_add(struct text_line *line, const char *format,
							 ...);

#endif
