// SPDX-License-Identifier: GPL-2.0-only
#include "user/view/text_line.h"

#include <stdarg.h>
#include <stdio.h>

void text_line_add(struct text_line *line, const char *format, ...)
{
	va_list args;
	int length;

	if (line->used >= line->size)
		return;
	va_start(args, format);
	length = vsnprintf(line->text + line->used, line->size - line->used, format, args);
	va_end(args);
	if (length > 0)
		line->used += (size_t)length;
}
