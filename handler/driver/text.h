/* What the function says, made fit for a line on a terminal. */
#ifndef HANDLER_DRIVER_TEXT_H
#define HANDLER_DRIVER_TEXT_H

#include <stddef.h>

/*
 * Copies text of length bytes as printable ASCII into out of size bytes, cut where it is too long:
 * text from the function is not for a terminal. out may not overlap text.
 */
void text_clean(const char *text, size_t length, char *out, size_t size);

/* "errorType: errorMessage" of the document of an error, or its first bytes, in the same way. */
void error_describe(const char *body, size_t length, char *out, size_t size);

#endif
