/*
 * The little HTTP that the client of the Runtime API needs: one connection, used again, no proxy
 * from the environment, bounded answers, bounded patience.
 */
#ifndef HANDLER_HTTP_H
#define HANDLER_HTTP_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_ADDRESS_LIMIT 255
/* Bytes of a path, the NUL included. */
#define HTTP_PATH_SIZE 256
#define HTTP_ATTEMPTS 5

struct http_request {
	const char *path; /* behind the host, with its '/'; shorter than HTTP_PATH_SIZE */
	const char *body; /* JSON; NULL: it is a GET, and the body of its answer is kept */
	size_t length;
	const char *header; /* one more line, or NULL */
	long timeout_ms;    /* 0: none */
	bool stoppable;	    /* a stop ends it, until it is being answered; others get 1.9 s */
};

/* The answer to the request before. */
struct http_reply {
	long status; /* 0: there was none */
	char *body;  /* of a GET; owned by the connection, not NUL-terminated */
	size_t length, capacity;
	bool too_large; /* its body was over the limit, and the rest was not taken */
	bool wanted, begun, out_of_memory;
	size_t limit;
	size_t head_length; /* of its header lines and trailers, bytes */
};

struct http {
	char address[HTTP_ADDRESS_LIMIT + 1];
	CURLM *multi;
	CURL *easy;
	struct http_reply reply;
	const char *why;  /* it was in vain, in a phrase */
	uint64_t stop_ns; /* when a stop was first seen; 0: it was not */
};

/*
 * address is HOST:PORT; body_max is the largest body taken, bytes. 0, -EINVAL for an address that
 * cannot be one, -ENOMEM; after a failure there is nothing to close. *http must stay where it is.
 */
int http_open(struct http *http, const char *address, size_t body_max);

void http_close(struct http *http);

/*
 * Sends the request and receives its answer, http->reply. A request that finds nobody, loses its
 * connection or is answered with 5xx is sent again with longer and longer pauses, 1.5 s in all.
 * accept, which may be NULL, looks at an answer that came with 2xx, also at one that broke off
 * (broken) or was too large: 0, an errno to return, or -EAGAIN with http->why set.
 *
 * 0           answered with 2xx
 * -EPROTO     answered with another status, so that it makes no sense to try again
 * -EAGAIN     all attempts were in vain: http->why
 * -ECANCELED  a stop was requested, and the request ended by it
 * -ENOMEM     or what accept returns
 */
int http_send(struct http *http, const struct http_request *request,
	      int (*accept)(struct http *http, bool broken));

/* The value of a header of the answer that is there once, or NULL; valid until the next request. */
const char *http_header(const struct http *http, const char *name);

#endif
