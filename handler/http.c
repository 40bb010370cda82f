#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "handler/http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handler/stop.h"

#define BACKOFF_NS UINT64_C(100000000) /* before the second attempt; then twice that, and so on */
/* The other side is on the same machine. */
#define CONNECT_TIMEOUT_MS 5000L

/*
 * The least that curl takes. It allocates this for each transfer: what is larger is the first to
 * touch pages at the top of a heap, which the function's own data comes to lie in afterwards.
 */
#define RECEIVE_BYTES 1024L

/* How long a stop waits for an answer that has begun to arrive. */
#define STOP_GRACE_NS UINT64_C(1000000000)
/* And for one that must not be given up, in all its attempts: Lambda kills 2 s after SIGTERM. */
#define STOP_ANSWER_GRACE_NS UINT64_C(1900000000)
#define STOP_POLL_MS 10
#define POLL_MS 60000

#define URL_SIZE (sizeof("http://") + HTTP_ADDRESS_LIMIT + HTTP_PATH_SIZE)

/* A buffer that one large answer has left is not kept. */
#define BODY_KEPT (256 << 10)

/* Header lines and trailers of an answer, bytes: curl keeps them, and trailers without a bound. */
#define HEAD_MAX (256 << 10)

static int body_reserve(struct http_reply *reply, size_t size)
{
	size_t capacity = reply->capacity ? reply->capacity : 4096;
	char *body;

	while (capacity < size)
		capacity *= 2;
	if (capacity == reply->capacity)
		return 0;
	body = realloc(reply->body, capacity);
	if (!body)
		return -ENOMEM;
	reply->body = body;
	reply->capacity = capacity;
	return 0;
}

/* A return value other than the size ends the transfer. */
static size_t body_add(char *data, size_t one, size_t size, void *context)
{
	struct http_reply *reply = context;

	(void)one;
	if (size > reply->limit - reply->length) {
		reply->too_large = true;
		return 0;
	}
	/* Of the answer to an answer only the status counts. */
	if (!reply->wanted) {
		reply->length += size;
		return size;
	}
	if (body_reserve(reply, reply->length + size)) {
		reply->out_of_memory = true;
		return 0;
	}
	memcpy(reply->body + reply->length, data, size);
	reply->length += size;
	return size;
}

static size_t header_note(char *data, size_t one, size_t size, void *context)
{
	struct http_reply *reply = context;

	(void)data;
	(void)one;
	reply->begun = true;
	reply->head_length += size;
	return reply->head_length > HEAD_MAX ? 0 : size;
}

static void reply_reset(struct http_reply *reply, bool wanted)
{
	if (reply->capacity > BODY_KEPT) {
		free(reply->body);
		reply->body = NULL;
		reply->capacity = 0;
	}
	*reply = (struct http_reply){.body = reply->body,
				     .capacity = reply->capacity,
				     .limit = reply->limit,
				     .wanted = wanted};
}

/* What is the same for all requests. */
static int easy_set(struct http *http)
{
	CURL *easy = http->easy;

	if (curl_easy_setopt(easy, CURLOPT_NOPROXY, "*") ||
	    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http") ||
	    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) ||
	    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) ||
	    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, RECEIVE_BYTES) ||
	    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS) ||
	    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, body_add) ||
	    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &http->reply) ||
	    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, header_note) ||
	    curl_easy_setopt(easy, CURLOPT_HEADERDATA, &http->reply))
		return -ENOMEM;
	return 0;
}

int http_open(struct http *http, const char *address, size_t body_max)
{
	static const char allowed[] = "0123456789.:-[]"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz";
	size_t length = strnlen(address, HTTP_ADDRESS_LIMIT + 1);

	if (length == 0 || length > HTTP_ADDRESS_LIMIT || strspn(address, allowed) != length)
		return -EINVAL;
	/* Without TLS, which is not spoken: what it sets up would never be used. */
	if (curl_global_init(CURL_GLOBAL_NOTHING))
		return -ENOMEM;
	*http = (struct http){.multi = curl_multi_init(), .easy = curl_easy_init()};
	http->reply.limit = body_max;
	memcpy(http->address, address, length);
	if (!http->multi || !http->easy || easy_set(http) ||
	    curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, 1L)) {
		http_close(http);
		return -ENOMEM;
	}
	return 0;
}

void http_close(struct http *http)
{
	curl_easy_cleanup(http->easy);
	curl_multi_cleanup(http->multi);
	curl_global_cleanup();
	free(http->reply.body);
}

/* Whether a stop ends the transfer now; it was first seen at http->stop_ns. */
static bool stop_is_due(struct http *http, bool stoppable)
{
	if (!stop_requested())
		return false;
	if (!http->stop_ns)
		http->stop_ns = stop_now_ns();
	if (!stoppable)
		return stop_now_ns() >= http->stop_ns + STOP_ANSWER_GRACE_NS;
	return !http->reply.begun || stop_now_ns() >= http->stop_ns + STOP_GRACE_NS;
}

/* Moves the bytes. 0 with curl's verdict in *code, -ECANCELED, or -ENOMEM. */
static int transfer_run(struct http *http, bool stoppable, CURLcode *code)
{
	struct curl_waitfd stop = {.fd = stop_fd(), .events = CURL_WAIT_POLLIN};
	int running = 1, queued;
	struct CURLMsg *message;

	for (;;) {
		if (curl_multi_perform(http->multi, &running))
			return -ENOMEM;
		if (!running)
			break;
		if (stop_is_due(http, stoppable))
			return -ECANCELED;
		/* Once a stop was seen, its descriptor would only wake the poll for ever. */
		if (curl_multi_poll(http->multi, &stop, stop.fd >= 0 && !http->stop_ns,
				    http->stop_ns ? STOP_POLL_MS : POLL_MS, NULL))
			return -ENOMEM;
	}
	message = curl_multi_info_read(http->multi, &queued);
	*code = message ? message->data.result : CURLE_OUT_OF_MEMORY;
	return 0;
}

static int headers_add(struct curl_slist **headers, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*headers, line);

	if (!longer)
		return -ENOMEM;
	*headers = longer;
	return 0;
}

static int headers_make(const struct http_request *request, struct curl_slist **headers)
{
	/* Without this line a large body would wait for a "100 Continue". */
	int err = headers_add(headers, "Expect:");

	if (!err && request->body)
		err = headers_add(headers, "Content-Type: application/json");
	if (!err && request->header)
		err = headers_add(headers, request->header);
	return err;
}

static int request_set(struct http *http, const struct http_request *request,
		       struct curl_slist *headers)
{
	CURL *easy = http->easy;
	char url[URL_SIZE];

	snprintf(url, sizeof(url), "http://%s%s", http->address, request->path);
	if (curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L) ||
	    curl_easy_setopt(easy, CURLOPT_URL, url) ||
	    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers) ||
	    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, request->timeout_ms))
		return -ENOMEM;
	if (request->body &&
	    (curl_easy_setopt(easy, CURLOPT_POST, 1L) ||
	     curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body) ||
	     curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->length)))
		return -ENOMEM;
	return 0;
}

/* One attempt: 0 with curl's verdict, or as transfer_run(). */
static int request_try(struct http *http, const struct http_request *request, CURLcode *code)
{
	struct curl_slist *headers = NULL;
	int err;

	reply_reset(&http->reply, !request->body);
	err = headers_make(request, &headers);
	if (!err)
		err = request_set(http, request, headers);
	if (!err && curl_multi_add_handle(http->multi, http->easy))
		err = -ENOMEM;
	if (!err) {
		err = transfer_run(http, request->stoppable, code);
		curl_multi_remove_handle(http->multi, http->easy);
		curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &http->reply.status);
		if (http->reply.out_of_memory || (!err && *code == CURLE_OUT_OF_MEMORY))
			err = -ENOMEM;
	}
	curl_easy_setopt(http->easy, CURLOPT_HTTPHEADER, NULL);
	curl_slist_free_all(headers);
	return err;
}

const char *http_header(const struct http *http, const char *name)
{
	struct curl_header *header;

	if (curl_easy_header(http->easy, name, 0, CURLH_HEADER, -1, &header) || header->amount != 1)
		return NULL;
	return header->value;
}

/* 0 or an error that is the last word, or -EAGAIN with http->why. */
static int reply_judge(struct http *http, CURLcode code,
		       int (*accept)(struct http *http, bool broken))
{
	const struct http_reply *reply = &http->reply;
	bool broken = code && !reply->too_large;

	http->why = code ? curl_easy_strerror(code) : "it answered with an error of its own (5xx)";
	if (reply->head_length > HEAD_MAX)
		http->why = "its header lines have no end";
	if (reply->status >= 200 && reply->status < 300 && accept)
		return accept(http, broken);
	if (reply->status == 0 || broken || reply->status >= 500)
		return -EAGAIN;
	return reply->status >= 200 && reply->status < 300 ? 0 : -EPROTO;
}

int http_send(struct http *http, const struct http_request *request,
	      int (*accept)(struct http *http, bool broken))
{
	uint64_t backoff_ns = BACKOFF_NS;

	for (int attempt = 1;; attempt++) {
		CURLcode code = CURLE_OK;
		int err = request_try(http, request, &code);

		if (!err)
			err = reply_judge(http, code, accept);
		if (err != -EAGAIN || attempt == HTTP_ATTEMPTS)
			return err;
		stop_wait_until(stop_now_ns() + backoff_ns);
		backoff_ns *= 2;
		if (request->stoppable && stop_requested())
			return -ECANCELED;
	}
}
