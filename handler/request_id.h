/* What tells invocations apart: the id that comes with an event, or one made for it. */
#ifndef HANDLER_REQUEST_ID_H
#define HANDLER_REQUEST_ID_H

#include <stdbool.h>
#include <stdint.h>

/* Longest id taken, in characters; Lambda's are UUIDs of 36. */
#define REQUEST_ID_LIMIT 64
/* Bytes of an id that was made, the NUL included. */
#define REQUEST_ID_MADE 37

/*
 * A UUID of version 4, the same for the same seed and number, and no part of what the events of
 * that seed are made of.
 */
void request_id_make(uint64_t seed, uint64_t number, char id[REQUEST_ID_MADE]);

/* Whether it can go into a URL and a line as it is: 1 to REQUEST_ID_LIMIT of 0-9, A-Z, a-z and -.
 */
bool request_id_valid(const char *id);

#endif
