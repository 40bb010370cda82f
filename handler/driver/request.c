#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "handler/driver/request.h"

#include <stdlib.h>
#include <string.h>

#include "handler/cleanup.h"

#define API "/2018-06-01/runtime/"
#define INVOCATION API "invocation/"

/* The path behind invocation/: ID/response or ID/error. */
static void answer_parse(struct request *request, const char *rest)
{
	const char *end = strchrnul(rest, '/');
	size_t length = (size_t)(end - rest);
	enum request_kind kind = REQUEST_UNKNOWN;

	if (strcmp(end, "/response") == 0)
		kind = REQUEST_RESPONSE;
	else if (strcmp(end, "/error") == 0)
		kind = REQUEST_ERROR;
	if (kind != REQUEST_UNKNOWN && (length == 0 || length > REQUEST_ID_MAX))
		kind = REQUEST_MALFORMED;
	else if (kind != REQUEST_UNKNOWN)
		memcpy(request->id, rest, length);
	request->kind = kind;
}

struct request *request_create(const char *url, const char *method, size_t limit)
{
	struct request *request = calloc(1, sizeof(*request));
	const char *wanted = "POST";

	if (!request)
		return NULL;
	request->limit = limit;
	if (strcmp(url, INVOCATION "next") == 0) {
		request->kind = REQUEST_NEXT;
		wanted = "GET";
	} else if (strcmp(url, API "init/error") == 0) {
		request->kind = REQUEST_INIT_ERROR;
	} else if (strncmp(url, INVOCATION, strlen(INVOCATION)) == 0) {
		answer_parse(request, url + strlen(INVOCATION));
	}
	if (request->kind > REQUEST_MALFORMED && strcmp(method, wanted) != 0)
		request->kind = REQUEST_WRONG_METHOD;
	return request;
}

void request_free(struct request *request)
{
	if (!request)
		return;
	free(request->body);
	free(request);
}

static void body_drop(struct request *request)
{
	free(request->body);
	request->body = NULL;
	request->length = request->capacity = 0;
}

void request_add(struct request *request, const char *data, size_t size)
{
	size_t capacity = request->capacity ? request->capacity : 1024;
	char *body;

	if (request->kind <= REQUEST_NEXT || request->too_large || request->out_of_memory)
		return;
	if (size > request->limit - request->length) {
		request->too_large = true;
		body_drop(request);
		return;
	}
	while (capacity <= request->length + size)
		capacity *= 2;
	if (capacity != request->capacity) {
		body = realloc(request->body, capacity);
		if (!body) {
			request->out_of_memory = true;
			body_drop(request);
			return;
		}
		request->body = body;
		request->capacity = capacity;
	}
	memcpy(request->body + request->length, data, size);
	request->length += size;
	request->body[request->length] = '\0';
}

char *request_take_body(struct request *request)
{
	return request->body ? TAKE(request->body) : strdup("");
}
