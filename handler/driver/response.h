/* Whether a response is the right one for its event. */
#ifndef HANDLER_DRIVER_RESPONSE_H
#define HANDLER_DRIVER_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct expected {
	uint64_t records;	  /* in the event */
	uint64_t usable;	  /* of them, by what the generator put there */
	uint64_t instance_usable; /* sent to this instance so far, these included */
};

/*
 * Checks the response of length bytes, which may be anything. If it is wrong, why, of size bytes,
 * says in printable ASCII what is.
 */
bool response_check(const char *response, size_t length, const struct expected *expected, char *why,
		    size_t size);

#endif
