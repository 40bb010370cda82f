/*
 * The client of the AWS Lambda Runtime API, version 2018-06-01. It has one connection, which is
 * used again, and takes no proxy from the environment. What the other side sends is untrusted.
 *
 * A request that finds nobody, loses its connection or is answered with 5xx is sent again, five
 * times in all within 1.5 s; the messages say so once that was in vain.
 */
#ifndef HANDLER_RUNTIME_API_H
#define HANDLER_RUNTIME_API_H

#include <stddef.h>
#include <stdint.h>

#include "handler/request_id.h"

/* The largest event taken and response sent, bytes: Lambda's own limit for both. */
#define RUNTIME_PAYLOAD_MAX (6 << 20)

struct runtime_api;

struct runtime_event {
	char request_id[REQUEST_ID_LIMIT + 1];
	uint64_t deadline_ms; /* since 1970; 0: not told */
	/* Valid until the next call with the same API. */
	const char *body;
	size_t length;
};

/*
 * address is HOST:PORT, as in AWS_LAMBDA_RUNTIME_API. Connects to nobody yet. 0, -EINVAL for an
 * address that cannot be one, -ENOMEM. On success *api belongs to the caller.
 */
int runtime_api_create(const char *address, struct runtime_api **api);

/* api may be NULL. */
void runtime_api_destroy(struct runtime_api *api);

/*
 * Waits for the next event, for as long as it takes. Except for -EMSGSIZE and -EBADMSG *event is
 * only set on success.
 *
 * -ECANCELED  a stop was requested first
 * -EMSGSIZE   the event is over RUNTIME_PAYLOAD_MAX: event->request_id wants an error
 * -EBADMSG    the event broke off: the same
 * -ENOMEM, and -EIO for an API that is not there or talks nonsense: logged
 */
int runtime_api_next(struct runtime_api *api, struct runtime_event *event);

/*
 * Sends the response to the event; a hanging API is given up at the deadline of the event. 0;
 * -EBADMSG: it was refused, such as one over RUNTIME_PAYLOAD_MAX; -ENOMEM or -EIO as above.
 */
int runtime_api_respond(struct runtime_api *api, const struct runtime_event *event,
			const char *response, size_t length);

/* Says that the event failed, and why; type is Category.Reason. As runtime_api_respond(). */
int runtime_api_fail(struct runtime_api *api, const struct runtime_event *event, const char *type,
		     const char *message);

/* Says that the function cannot start; the caller is about to exit. As runtime_api_respond(). */
int runtime_api_fail_init(struct runtime_api *api, const char *type, const char *message);

#endif
