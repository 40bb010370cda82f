/* Makes the events: the same seed gives the same events, whichever thread asks for them. */
#ifndef HANDLER_GENERATOR_H
#define HANDLER_GENERATOR_H

#include <stddef.h>
#include <stdint.h>

/* Longest note in an order: the body stays below ORDER_BODY_LIMIT with all its other fields. */
#define GENERATOR_PAYLOAD_MAX 3800

struct generator {
	uint64_t seed;
	uint64_t records;	  /* per event, >= 1 */
	uint64_t payload_min;	  /* bytes of the note in an order, both ends included */
	uint64_t payload_max;	  /* >= payload_min, <= GENERATOR_PAYLOAD_MAX */
	double malformed_percent; /* chance of a record to be unusable, 0..100 */
};

/*
 * The event of the invocation with that number, counted from 0: a JSON document of records whose
 * order ids appear in no other invocation and increase with its number. *event is NUL-terminated,
 * *length bytes long, and belongs to the caller: free(). *usable is how many of its records hold an
 * order as they should; usable may be NULL. 0 or -ENOMEM.
 */
int event_generate(const struct generator *generator, uint64_t invocation, char **event,
		   size_t *length, uint64_t *usable);

#endif
