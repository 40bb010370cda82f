/* One request of the function: what it asks for, and its body as it arrives piece by piece. */
#ifndef HANDLER_DRIVER_REQUEST_H
#define HANDLER_DRIVER_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "handler/request_id.h"

struct MHD_Connection;

/* Characters of a request id; longer ones were never given out. */
#define REQUEST_ID_MAX (REQUEST_ID_MADE - 1)

enum request_kind {
	REQUEST_UNKNOWN,
	REQUEST_WRONG_METHOD,
	REQUEST_MALFORMED, /* the id in the path cannot be one */
	REQUEST_NEXT,
	REQUEST_RESPONSE,
	REQUEST_ERROR,
	REQUEST_INIT_ERROR,
};

struct request {
	enum request_kind kind;
	char id[REQUEST_ID_MAX + 1]; /* of REQUEST_RESPONSE and REQUEST_ERROR */
	char *body;		     /* owned; NUL-terminated; NULL while there is none */
	size_t length, capacity, limit;
	bool too_large, out_of_memory; /* then the body is not kept */
	/* While it waits for an event: */
	bool suspended, superseded;
	struct MHD_Connection *connection;
};

/* limit is the largest body, bytes. NULL: out of memory. The caller owns it: request_free(). */
struct request *request_create(const char *url, const char *method, size_t limit);

/* request may be NULL. */
void request_free(struct request *request);

/* Adds a piece to the body, or drops it, for a body that nobody asked for or over the limit. */
void request_add(struct request *request, const char *data, size_t size);

/* The body, empty if none came, for the caller to free(); NULL: out of memory. */
char *request_take_body(struct request *request);

#endif
