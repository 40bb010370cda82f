#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "handler/runtime_api.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "handler/cleanup.h"
#include "handler/http.h"
#include "handler/log.h"
#include "handler/option_values.h"

#define RUNTIME "/2018-06-01/runtime/"
#define REQUEST_ID_HEADER "Lambda-Runtime-Aws-Request-Id"

/* Lambda gives a function 10 s to start and 15 minutes for an event. */
#define INIT_TIMEOUT_MS 10000
#define INVOCATION_TIMEOUT_MAX_MS (15 * 60 * 1000)
/* A response that is late is still tried: the clocks may differ. */
#define INVOCATION_TIMEOUT_MIN_MS 1000

_Static_assert(sizeof(RUNTIME "invocation//response") + REQUEST_ID_LIMIT <= HTTP_PATH_SIZE,
	       "every id fits a path");

struct runtime_api {
	struct http http;
};

int runtime_api_create(const char *address, struct runtime_api **api)
{
	struct runtime_api *created = malloc(sizeof(*created));
	int err = created ? http_open(&created->http, address, RUNTIME_PAYLOAD_MAX) : -ENOMEM;

	if (err) {
		free(created);
		return err;
	}
	*api = created;
	return 0;
}

void runtime_api_destroy(struct runtime_api *api)
{
	if (!api)
		return;
	http_close(&api->http);
	free(api);
}

/* As http_send(), with what ends the program logged: -EIO, -ENOMEM. */
static int request_send(struct runtime_api *api, const struct http_request *request,
			int (*accept)(struct http *http, bool broken))
{
	int err = http_send(&api->http, request, accept);

	if (err == -ENOMEM)
		log_error("out of memory for a request to the runtime API: raise the limit, or "
			  "see to it that its header lines have an end");
	if (err != -EAGAIN)
		return err;
	log_error("the runtime API at %s cannot be used: %d times in a row %s failed: %s; see to "
		  "it that it is what AWS_LAMBDA_RUNTIME_API names",
		  api->http.address, HTTP_ATTEMPTS, request->path, api->http.why);
	return -EIO;
}

/* An event without an id is worth nothing; one with an id is owed an answer, however it came. */
static int event_accept(struct http *http, bool broken)
{
	const char *id = http_header(http, REQUEST_ID_HEADER);

	if (!id || !request_id_valid(id)) {
		if (!broken)
			http->why = "it sent an event without a request id of 0-9, A-Z, a-z and -";
		return -EAGAIN;
	}
	if (http->reply.too_large)
		return -EMSGSIZE;
	return broken ? -EBADMSG : 0;
}

int runtime_api_next(struct runtime_api *api, struct runtime_event *event)
{
	const struct http_request request = {.path = RUNTIME "invocation/next", .stoppable = true};
	const struct http_reply *reply = &api->http.reply;
	const char *deadline, *end = "";
	uint64_t deadline_ms = 0;
	int err = request_send(api, &request, event_accept);

	if (err == -EPROTO) {
		log_error("the runtime API at %s refused to give an event, with status %ld: is "
			  "another runtime at work there?",
			  api->http.address, reply->status);
		return -EIO;
	}
	if (err && err != -EMSGSIZE && err != -EBADMSG)
		return err;

	deadline = http_header(&api->http, "Lambda-Runtime-Deadline-Ms");
	if (deadline && (number_scan(deadline, &end, &deadline_ms) || *end))
		deadline_ms = 0;
	*event = (struct runtime_event){.deadline_ms = deadline_ms,
					.body = reply->length ? reply->body : "",
					.length = reply->length};
	snprintf(event->request_id, sizeof(event->request_id), "%s",
		 http_header(&api->http, REQUEST_ID_HEADER));
	return err;
}

static long timeout_find(const struct runtime_event *event)
{
	struct timespec now;
	uint64_t now_ms;

	clock_gettime(CLOCK_REALTIME, &now);
	now_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	if (event->deadline_ms == 0 || event->deadline_ms > now_ms + INVOCATION_TIMEOUT_MAX_MS)
		return INVOCATION_TIMEOUT_MAX_MS;
	if (event->deadline_ms < now_ms + INVOCATION_TIMEOUT_MIN_MS)
		return INVOCATION_TIMEOUT_MIN_MS;
	return (long)(event->deadline_ms - now_ms);
}

static int answer_send(struct runtime_api *api, const struct http_request *request)
{
	int err = request_send(api, request, NULL);

	if (err == -ECANCELED) {
		log_error("the runtime API at %s did not take %s before the stop was due",
			  api->http.address, request->path);
		return -EIO;
	}
	if (err != -EPROTO)
		return err;
	log_error("the runtime API at %s refused %s with status %ld", api->http.address,
		  request->path, api->http.reply.status);
	return -EBADMSG;
}

static void path_make(char path[HTTP_PATH_SIZE], const struct runtime_event *event,
		      const char *what)
{
	snprintf(path, HTTP_PATH_SIZE, RUNTIME "invocation/%s/%s", event->request_id, what);
}

int runtime_api_respond(struct runtime_api *api, const struct runtime_event *event,
			const char *response, size_t length)
{
	char path[HTTP_PATH_SIZE];
	const struct http_request request = {.path = path,
					     .body = response,
					     .length = length,
					     .timeout_ms = timeout_find(event)};

	path_make(path, event, "response");
	if (length > RUNTIME_PAYLOAD_MAX) {
		log_error("the response to %s has %zu bytes: more than the runtime API takes",
			  event->request_id, length);
		return -EBADMSG;
	}
	return answer_send(api, &request);
}

static int error_send(struct runtime_api *api, const char *path, long timeout_ms, const char *type,
		      const char *message)
{
	CLEANUP_JSON json_t *document =
		json_pack("{ss ss s[]}", "errorMessage", message, "errorType", type, "stackTrace");
	CLEANUP_FREE char *text = document ? json_dumps(document, JSON_COMPACT) : NULL;
	char header[128];
	struct http_request request = {
		.path = path, .body = text, .header = header, .timeout_ms = timeout_ms};

	if (!text) {
		log_error("out of memory for an error: raise the limit");
		return -ENOMEM;
	}
	request.length = strlen(text);
	snprintf(header, sizeof(header), "Lambda-Runtime-Function-Error-Type: %s", type);
	return answer_send(api, &request);
}

int runtime_api_fail(struct runtime_api *api, const struct runtime_event *event, const char *type,
		     const char *message)
{
	char path[HTTP_PATH_SIZE];

	path_make(path, event, "error");
	return error_send(api, path, timeout_find(event), type, message);
}

int runtime_api_fail_init(struct runtime_api *api, const char *type, const char *message)
{
	return error_send(api, RUNTIME "init/error", INIT_TIMEOUT_MS, type, message);
}
