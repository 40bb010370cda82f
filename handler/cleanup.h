/*
 * Owning locals: each macro releases its variable when the scope ends, on every path. With them,
 * what the JSON library leaves its callers to find out.
 */
#ifndef HANDLER_CLEANUP_H
#define HANDLER_CLEANUP_H

#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>

static inline void cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

static inline void cleanup_json(json_t **value)
{
	json_decref(*value);
}

/*
 * Whether json_load*() failed for want of memory: most of its failed allocations leave no text at
 * all. One inside a string is reported as an invalid token and cannot be told from bad input.
 */
static inline bool json_out_of_memory(const json_error_t *error)
{
	return error->text[0] == '\0' || json_error_code(error) == json_error_out_of_memory;
}

#define CLEANUP_FREE __attribute__((cleanup(cleanup_free)))
#define CLEANUP_JSON __attribute__((cleanup(cleanup_json)))

/* Hands the pointer to a new owner: the cleanup of the variable then finds NULL. */
#define TAKE(variable)                                                                             \
	({                                                                                         \
		__typeof__(variable) taken_ = (variable);                                          \
		(variable) = NULL;                                                                 \
		taken_;                                                                            \
	})

#endif
