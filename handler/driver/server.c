#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "handler/driver/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "handler/cleanup.h"
#include "handler/driver/request.h"
#include "handler/driver/text.h"
#include "handler/stop.h"

/* A function needs one or two; more are not accepted until one of them closes. */
#define CONNECTIONS_MAX 32
/* Rounds of work in a row: a function that sends without end does not keep the driver from time. */
#define ROUNDS_MAX 64
#define REASON_SIZE 256

/* The event under way, in the form in which it is sent. */
struct delivery {
	struct MHD_Response *response; /* owned; NULL: none */
	uint64_t timeout_ms;
};

struct server {
	struct MHD_Daemon *daemon;
	uint16_t port;
	int fd;
	struct request *next; /* suspended until there is an event; owned by its connection */
	struct delivery delivery;
	char request_id[REQUEST_ID_MAX + 1]; /* of the invocation under way; empty: none */
	uint64_t delivered_ns;
	struct server_answer answer; /* body NULL: none */
	bool init_over;		     /* it asked for an event: no init error comes after that */
	bool init_failed;
	char init_error[REASON_SIZE];
	uint64_t refused;
};

static enum MHD_Result reply(struct MHD_Connection *connection, unsigned int status,
			     const char *text)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_PERSISTENT);
	enum MHD_Result result = MHD_NO;

	if (!response)
		return MHD_NO;
	if (MHD_add_response_header(response, "Content-Type", "application/json") == MHD_YES)
		result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result refuse(struct server *server, struct MHD_Connection *connection,
			      unsigned int status, const char *text)
{
	server->refused++;
	return reply(connection, status, text);
}

static enum MHD_Result refuse_state(struct server *server, struct MHD_Connection *connection)
{
	return refuse(server, connection, MHD_HTTP_FORBIDDEN,
		      "{\"errorType\":\"InvalidStateTransition\","
		      "\"errorMessage\":\"not now: see the order of calls\"}");
}

/* The connection was resumed: with its event, or because a newer request took its place. */
static enum MHD_Result next_resumed(struct server *server, struct MHD_Connection *connection,
				    const struct request *request)
{
	char deadline[32];
	struct timespec now;
	enum MHD_Result result;

	if (request->superseded || !server->delivery.response)
		return refuse_state(server, connection);

	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(deadline, sizeof(deadline), "%ju",
		 (uintmax_t)now.tv_sec * 1000 + (uintmax_t)now.tv_nsec / 1000000 +
			 server->delivery.timeout_ms);
	MHD_add_response_header(server->delivery.response, "Lambda-Runtime-Deadline-Ms", deadline);
	result = MHD_queue_response(connection, MHD_HTTP_OK, server->delivery.response);
	MHD_destroy_response(server->delivery.response);
	server->delivery.response = NULL;
	server->delivered_ns = stop_now_ns();
	return result;
}

/*
 * A client that gave up waiting cannot be seen while its connection is suspended. So the newest
 * request is the one that waits, and the one before it is refused.
 */
static enum MHD_Result next_arrived(struct server *server, struct MHD_Connection *connection,
				    struct request *request)
{
	if (request->suspended)
		return next_resumed(server, connection, request);
	if (server->request_id[0] || server->init_failed)
		return refuse_state(server, connection);

	if (server->next) {
		server->next->superseded = true;
		MHD_resume_connection(server->next->connection);
	}
	request->suspended = true;
	request->connection = connection;
	server->next = request;
	server->init_over = true;
	MHD_suspend_connection(connection);
	return MHD_YES;
}

static enum MHD_Result answer_arrived(struct server *server, struct MHD_Connection *connection,
				      struct request *request)
{
	struct server_answer *answer = &server->answer;

	if (!server->request_id[0])
		return refuse_state(server, connection);
	if (strcmp(server->request_id, request->id) != 0)
		return refuse(server, connection, MHD_HTTP_FORBIDDEN,
			      "{\"errorType\":\"InvalidRequestID\","
			      "\"errorMessage\":\"this invocation is not under way\"}");
	if (request->out_of_memory)
		return MHD_NO;

	answer->kind = request->kind == REQUEST_RESPONSE ? ANSWER_RESPONSE : ANSWER_ERROR;
	if (request->too_large)
		answer->kind = ANSWER_TOO_LARGE;
	answer->body = request_take_body(request);
	if (!answer->body)
		return MHD_NO;
	answer->length = request->too_large ? 0 : request->length;
	answer->delivered_ns = server->delivered_ns;
	answer->arrived_ns = stop_now_ns();
	server->request_id[0] = '\0';
	if (answer->kind == ANSWER_TOO_LARGE)
		return refuse(server, connection, MHD_HTTP_CONTENT_TOO_LARGE,
			      "{\"errorType\":\"RequestEntityTooLarge\","
			      "\"errorMessage\":\"the response is over 6 MiB\"}");
	return reply(connection, MHD_HTTP_ACCEPTED, "{\"status\":\"OK\"}");
}

static enum MHD_Result init_error_arrived(struct server *server, struct MHD_Connection *connection,
					  struct request *request)
{
	if (server->init_over || server->init_failed)
		return refuse_state(server, connection);
	server->init_failed = true;
	error_describe(request->body ? request->body : "", request->length, server->init_error,
		       sizeof(server->init_error));
	return reply(connection, MHD_HTTP_ACCEPTED, "{\"status\":\"OK\"}");
}

/* All of the request is there, or the connection was resumed. */
static enum MHD_Result request_arrived(struct server *server, struct MHD_Connection *connection,
				       struct request *request)
{
	switch (request->kind) {
	case REQUEST_NEXT:
		return next_arrived(server, connection, request);
	case REQUEST_RESPONSE:
	case REQUEST_ERROR:
		return answer_arrived(server, connection, request);
	case REQUEST_INIT_ERROR:
		return init_error_arrived(server, connection, request);
	case REQUEST_WRONG_METHOD:
		return refuse(server, connection, MHD_HTTP_METHOD_NOT_ALLOWED,
			      "{\"errorType\":\"MethodNotAllowed\","
			      "\"errorMessage\":\"GET next, POST all else\"}");
	case REQUEST_MALFORMED:
		return refuse(server, connection, MHD_HTTP_BAD_REQUEST,
			      "{\"errorType\":\"InvalidRequest\","
			      "\"errorMessage\":\"there is no such request id\"}");
	default:
		return refuse(server, connection, MHD_HTTP_NOT_FOUND,
			      "{\"errorType\":\"NotFound\","
			      "\"errorMessage\":\"no such path in the Runtime API\"}");
	}
}

/* The HTTP library calls this when the header is there, for each piece of the body, and at its end.
 */
static enum MHD_Result request_handle(void *context, struct MHD_Connection *connection,
				      const char *url, const char *method, const char *version,
				      const char *data, size_t *size, void **state)
{
	struct request *request = *state;

	(void)version;
	if (!request) {
		request = request_create(url, method, SERVER_RESPONSE_MAX);
		*state = request;
		return request ? MHD_YES : MHD_NO;
	}
	if (*size) {
		request_add(request, data, *size);
		*size = 0;
		return MHD_YES;
	}
	return request_arrived(context, connection, request);
}

static void request_over(void *context, struct MHD_Connection *connection, void **state,
			 enum MHD_RequestTerminationCode code)
{
	struct server *server = context;

	(void)connection;
	(void)code;
	if (server->next == *state)
		server->next = NULL;
	request_free(*state);
	*state = NULL;
}

static int server_start(struct server *server)
{
	const struct sockaddr_in loopback = {.sin_family = AF_INET,
					     .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const union MHD_DaemonInfo *info;

	/* The port is 0, any free one; the address in the option is what counts. */
	server->daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, request_handle, server,
		MHD_OPTION_SOCK_ADDR, &loopback, MHD_OPTION_NOTIFY_COMPLETED, request_over, server,
		MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX, MHD_OPTION_END);
	if (!server->daemon)
		return errno ? -errno : -EIO;

	info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT);
	server->port = info ? info->port : 0;
	info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	server->fd = info ? info->epoll_fd : -1;
	return server->port && server->fd >= 0 ? 0 : -EIO;
}

int server_create(struct server **server)
{
	struct server *created = calloc(1, sizeof(*created));
	int err;

	if (!created)
		return -ENOMEM;
	errno = 0;
	err = server_start(created);
	if (err) {
		server_destroy(created);
		return err;
	}
	*server = created;
	return 0;
}

void server_destroy(struct server *server)
{
	if (!server)
		return;
	/* A daemon with a suspended connection cannot be stopped. */
	if (server->next)
		MHD_resume_connection(server->next->connection);
	if (server->delivery.response)
		MHD_destroy_response(server->delivery.response);
	server->delivery.response = NULL;
	if (server->daemon)
		MHD_stop_daemon(server->daemon);
	free(server->answer.body);
	free(server);
}

uint16_t server_port(const struct server *server)
{
	return server->port;
}

int server_fd(const struct server *server)
{
	return server->fd;
}

void server_run(struct server *server)
{
	int rounds = 0;

	do {
		MHD_run(server->daemon);
	} while (server_busy(server) && ++rounds < ROUNDS_MAX);
}

bool server_busy(const struct server *server)
{
	MHD_UNSIGNED_LONG_LONG timeout;

	/* A time-out of 0: a resumed connection, or more to read than it read in one go. */
	return MHD_get_timeout(server->daemon, &timeout) == MHD_YES && timeout == 0;
}

bool server_next_waits(const struct server *server)
{
	return server->next && !server->request_id[0] && !server->answer.body;
}

int server_offer(struct server *server, struct server_event *event)
{
	char *body = TAKE(event->body);
	struct MHD_Response *response =
		MHD_create_response_from_buffer(event->length, body, MHD_RESPMEM_MUST_FREE);

	if (!response) {
		free(body);
		return -ENOMEM;
	}
	if (MHD_add_response_header(response, "Content-Type", "application/json") != MHD_YES ||
	    MHD_add_response_header(response, "Lambda-Runtime-Aws-Request-Id", event->request_id) !=
		    MHD_YES ||
	    MHD_add_response_header(response, "Lambda-Runtime-Invoked-Function-Arn",
				    event->function_arn) != MHD_YES ||
	    MHD_add_response_header(response, "Lambda-Runtime-Trace-Id", event->trace_id) !=
		    MHD_YES) {
		MHD_destroy_response(response);
		return -ENOMEM;
	}

	/* One that a closed connection did not fetch. */
	if (server->delivery.response)
		MHD_destroy_response(server->delivery.response);
	server->delivery.response = response;
	server->delivery.timeout_ms = event->timeout_ms;
	snprintf(server->request_id, sizeof(server->request_id), "%s", event->request_id);
	/* Until it has really gone out, shortly; a deadline must not run from the one before. */
	server->delivered_ns = stop_now_ns();
	MHD_resume_connection(server->next->connection);
	server->next = NULL;
	server_run(server);
	return 0;
}

uint64_t server_delivered_ns(const struct server *server)
{
	return server->delivered_ns;
}

bool server_take_answer(struct server *server, struct server_answer *answer)
{
	if (!server->answer.body)
		return false;
	*answer = server->answer;
	server->answer.body = NULL;
	return true;
}

const char *server_init_error(const struct server *server)
{
	return server->init_failed ? server->init_error : NULL;
}

uint64_t server_refused(const struct server *server)
{
	return server->refused;
}
