/*
 * One invocation: what the function does with an event it was handed, its answer included. The
 * USDT probes order_handler:invocation_start(const char *request_id) and
 * order_handler:invocation_end(const char *request_id, int failed) are around each.
 */
#ifndef HANDLER_INVOCATION_H
#define HANDLER_INVOCATION_H

#include <stdbool.h>
#include <stddef.h>

#include "handler/batch.h"
#include "handler/cache.h"
#include "handler/emf.h"

struct invocation {
	const char *request_id;
	const char *event;
	size_t length; /* bytes of the event */
};

struct outcome {
	struct batch_result result;
	bool failed; /* the event was unusable, or the answer refused */
};

struct function {
	struct cache *cache;
	struct emf *emf; /* NULL: no line of metrics */
	/*
	 * Hands over the answer: the response, or, where it is NULL, why the event is unusable. 0;
	 * -EBADMSG: it was refused, which fails this invocation alone; else a negative errno that
	 * ends the program and has been logged. NULL: the answer goes nowhere.
	 */
	int (*answer)(void *context, const char *response, const char *why);
	void *context;
};

/*
 * 0 with *outcome set, whether or not the invocation failed. Otherwise the process itself is in
 * trouble and *outcome untouched: -ENOMEM, or an errno that has been logged.
 */
int invocation_run(const struct function *function, const struct invocation *invocation,
		   struct outcome *outcome);

#endif
