/*
 * The Runtime API (2018-06-01) on a port of its own on 127.0.0.1, for one instance of a function.
 * It has no thread: server_run() does all work. Whatever arrives is untrusted; a request that does
 * not fit the moment is refused with the status the API names, and counted.
 */
#ifndef HANDLER_DRIVER_SERVER_H
#define HANDLER_DRIVER_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Largest response a function may send, bytes: Lambda's own limit for synchronous calls. */
#define SERVER_RESPONSE_MAX (6 << 20)

struct server;

/* One invocation as the function receives it. The texts are copied. */
struct server_event {
	const char *request_id;
	const char *function_arn;
	const char *trace_id;
	uint64_t timeout_ms; /* the deadline is this long after the delivery */
	char *body;	     /* server_offer() takes it over: free() */
	size_t length;
};

enum answer_kind {
	ANSWER_RESPONSE,
	ANSWER_ERROR,	  /* the function says that it failed */
	ANSWER_TOO_LARGE, /* over SERVER_RESPONSE_MAX: refused with 413, there is no body */
};

struct server_answer {
	enum answer_kind kind;
	char *body; /* owned by the taker, NUL-terminated, may hold NULs; never NULL */
	size_t length;
	uint64_t delivered_ns; /* CLOCK_MONOTONIC: the event went to the function */
	uint64_t arrived_ns;   /* the answer was there with its last byte */
};

/* 0 or a negative errno; on success *server belongs to the caller: server_destroy(). */
int server_create(struct server **server);

/* Closes every connection. server may be NULL. */
void server_destroy(struct server *server);

uint16_t server_port(const struct server *server);

/* Readable when server_run() has work, unless server_busy(). */
int server_fd(const struct server *server);

/* Does what can be done without waiting, or much of it. */
void server_run(struct server *server);

/* Whether server_run() has left work that server_fd() does not tell of. */
bool server_busy(const struct server *server);

/* Whether the function waits for its next event. */
bool server_next_waits(const struct server *server);

/*
 * Delivers the event to the function, which must be waiting for it. From then on the answer to its
 * request id is accepted, once. Takes over event->body in any case. 0 or -ENOMEM.
 */
int server_offer(struct server *server, struct server_event *event);

/* CLOCK_MONOTONIC of the last delivery; 0 before it. */
uint64_t server_delivered_ns(const struct server *server);

/* Whether there is an answer, which is then *answer. */
bool server_take_answer(struct server *server, struct server_answer *answer);

/* What /init/error said, in printable ASCII, or NULL; valid as long as the server. */
const char *server_init_error(const struct server *server);

/* Requests refused so far. */
uint64_t server_refused(const struct server *server);

#endif
