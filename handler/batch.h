/* One invocation: an SQS-style event in, a result out, the orders into the cache. */
#ifndef HANDLER_BATCH_H
#define HANDLER_BATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "handler/cache.h"

/* Bytes of an error message, the NUL included: what does not fit is replaced by "; ...". */
#define BATCH_ERROR_SIZE 512

struct batch_result {
	bool success;		/* no error at all */
	bool event_unusable;	/* not valid JSON, or without Records: there was nothing to do */
	size_t processed_count; /* orders that went into the cache */
	size_t error_count;	/* records that did not; 1 when the event itself is unusable */
	size_t cache_size;	/* entries in the cache after the batch */
	size_t redelivered;	/* processed orders that the cache held already */
	size_t log_bytes;	/* length of the log the batch wrote, bytes */
	char error_msg[BATCH_ERROR_SIZE]; /* valid UTF-8; empty when there was no error */
};

/*
 * Handles the event {"Records": [{"messageId": ..., "body": "<JSON>"}, ...]} of length bytes.
 * Whatever is wrong with the event or a record is an error in *result, and the batch goes on. A
 * negative return means the process itself is in trouble: -ENOMEM, with *result untouched; orders
 * stored before that stay in the cache.
 */
int batch_handle(struct cache *cache, const char *event, size_t length,
		 struct batch_result *result);

/*
 * The result as the caller of the function receives it: a JSON object of success, processed_count,
 * cache_size and error_msg (null when there was none). *response is NUL-terminated and belongs to
 * the caller: free(). 0 or -ENOMEM.
 */
int batch_respond(const struct batch_result *result, char **response);

#endif
