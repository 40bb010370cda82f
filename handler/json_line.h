/* JSON, a document a line. */
#ifndef HANDLER_JSON_LINE_H
#define HANDLER_JSON_LINE_H

#include <jansson.h>
#include <stdio.h>

/*
 * Writes the document on one line and flushes it. flags: JSON_* of json_dumps(). 0; -ENOMEM, also
 * if line is NULL: it could not be made; or the negative errno of the write.
 */
int json_line_write(FILE *out, const json_t *line, size_t flags);

#endif
