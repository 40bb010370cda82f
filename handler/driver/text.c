#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "handler/driver/text.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "handler/cleanup.h"

void text_clean(const char *text, size_t length, char *out, size_t size)
{
	size_t used = 0;

	for (; used < length && used + 1 < size; used++)
		out[used] = text[used] >= ' ' && text[used] <= '~' ? text[used] : '?';
	out[used] = '\0';
}

void error_describe(const char *body, size_t length, char *out, size_t size)
{
	CLEANUP_JSON json_t *document = json_loadb(body, length, 0, NULL);
	const char *type = json_string_value(json_object_get(document, "errorType"));
	const char *message = json_string_value(json_object_get(document, "errorMessage"));
	CLEANUP_FREE char *text = NULL;

	if (!message)
		text_clean(length ? body : "(no text)", length ? length : 9, out, size);
	else if (asprintf(&text, "%s%s%s", type ? type : "", type ? ": " : "", message) < 0)
		text = NULL;
	if (text)
		text_clean(text, strlen(text), out, size);
	else if (message)
		text_clean("(out of memory)", 15, out, size);
}
