/*
 * The allocator the program is linked with. Each of the three is one object file with this one
 * descriptor; nothing else of the program knows which it is.
 */
#ifndef HANDLER_ALLOCATOR_H
#define HANDLER_ALLOCATOR_H

#include <jansson.h>

struct allocator {
	const char *name;
	/*
	 * The allocator's own figures as a JSON object, in bytes unless a name says otherwise. A
	 * new reference for the caller, or NULL when it cannot be had.
	 */
	json_t *(*stats)(void);
};

extern const struct allocator allocator;

#endif
