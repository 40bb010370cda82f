/*
 * A function for the Runtime API that misbehaves as its first argument says. It speaks HTTP over a
 * socket by hand, so that it can send what no library would. What it finds out it writes to stdout.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "handler/batch.h"

#define RUNTIME "/2018-06-01/runtime/"
#define RECEIVE_MAX (16 << 20)
#define HUGE_BYTES ((6 << 20) + 1)

struct reply {
	int status;
	char id[64];
	char *body; /* lies in the received text */
	size_t length;
};

struct function {
	int socket;
	struct cache *cache;
	char *received;
	long argument;		/* second argument, or 0 */
	unsigned long answered; /* invocations */
};

static atomic_ulong ticks;

static void die(const char *what)
{
	perror(what);
	exit(70);
}

static void api_connect(struct function *function)
{
	const char *api = getenv("AWS_LAMBDA_RUNTIME_API");
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const int on = 1;
	const char *colon = api ? strchr(api, ':') : NULL;

	if (!colon || strncmp(api, "127.0.0.1:", 10) != 0)
		exit(71);
	address.sin_port = htons((uint16_t)atoi(colon + 1));
	function->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (function->socket < 0 ||
	    connect(function->socket, (struct sockaddr *)&address, sizeof(address)))
		die("connect");
	/* The body must not wait until the head is acknowledged. */
	if (setsockopt(function->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)))
		die("setsockopt");
}

static void send_all(struct function *function, const char *bytes, size_t length)
{
	while (length) {
		ssize_t count = send(function->socket, bytes, length, MSG_NOSIGNAL);

		if (count <= 0)
			die("send");
		bytes += count;
		length -= (size_t)count;
	}
}

static const char *header_find(const char *headers, const char *name)
{
	size_t length = strlen(name);

	for (const char *line = strstr(headers, "\r\n"); line; line = strstr(line + 2, "\r\n")) {
		if (strncasecmp(line + 2, name, length) == 0 && line[2 + length] == ':')
			return line + 2 + length + 1 + strspn(line + 3 + length, " ");
	}
	return NULL;
}

static struct reply reply_receive(struct function *function)
{
	struct reply reply = {0};
	size_t have = 0, want = SIZE_MAX;
	char *end;

	while (have < want) {
		ssize_t count = recv(function->socket, function->received + have,
				     RECEIVE_MAX - 1 - have, 0);

		if (count <= 0)
			die("recv");
		have += (size_t)count;
		function->received[have] = '\0';
		end = want == SIZE_MAX ? strstr(function->received, "\r\n\r\n") : NULL;
		if (end) {
			const char *length, *id;

			*end = '\0';
			length = header_find(function->received, "Content-Length");
			id = header_find(function->received, "Lambda-Runtime-Aws-Request-Id");
			reply.status = atoi(function->received + 9);
			reply.length = length ? (size_t)atol(length) : 0;
			if (id)
				snprintf(reply.id, sizeof(reply.id), "%.*s", (int)strcspn(id, "\r"),
					 id);
			reply.body = end + 4;
			want = (size_t)(reply.body - function->received) + reply.length;
		}
	}
	return reply;
}

static struct reply request(struct function *function, const char *method, const char *path,
			    const char *body, size_t length)
{
	char head[1024];
	int size =
		snprintf(head, sizeof(head),
			 "%s " RUNTIME "%s HTTP/1.1\r\nHost: lambda\r\nContent-Length: %zu\r\n\r\n",
			 method, path, length);

	send_all(function, head, (size_t)size);
	send_all(function, body, length);
	return reply_receive(function);
}

static int post(struct function *function, const char *id, const char *what, const char *body)
{
	char path[256];

	snprintf(path, sizeof(path), "invocation/%s/%s", id, what);
	return request(function, "POST", path, body, strlen(body)).status;
}

/* The right response to the event, with that much added to its processed_count. */
static char *respond(struct function *function, const struct reply *event, size_t wrong)
{
	struct batch_result result;
	char *response = NULL;

	if (batch_handle(function->cache, event->body, event->length, &result))
		exit(72);
	result.processed_count += wrong;
	if (batch_respond(&result, &response))
		exit(72);
	return response;
}

static struct reply next(struct function *function)
{
	struct reply event = request(function, "GET", "invocation/next", "", 0);

	if (event.status != 200)
		exit(73);
	return event;
}

static void answer(struct function *function, const struct reply *event, size_t wrong)
{
	char id[64];
	char *response = respond(function, event, wrong);

	snprintf(id, sizeof(id), "%s", event->id);
	if (post(function, id, "response", response) != 202)
		exit(74);
	free(response);
	function->answered++;
}

static void status_say(const char *what, int status)
{
	printf("%s %d\n", what, status);
	fflush(stdout);
}

/* Every wrong request that there is, then the right one. */
static void protocol_speak(struct function *function)
{
	struct reply event = next(function);
	char *response = respond(function, &event, 0);
	char id[64];

	snprintf(id, sizeof(id), "%s", event.id);
	status_say("path", request(function, "GET", "nowhere", "", 0).status);
	status_say("method", request(function, "DELETE", "invocation/next", "", 0).status);
	status_say("next", request(function, "GET", "invocation/next", "", 0).status);
	status_say("init", request(function, "POST", "init/error", "{}", 2).status);
	status_say("wrong-id",
		   post(function, "00000000-0000-4000-8000-000000000000", "response", response));
	status_say("no-id", post(function, "", "response", response));
	status_say("long-id",
		   post(function, "00000000-0000-4000-8000-0000000000000", "error", response));
	status_say("right", post(function, id, "response", response));
	status_say("again", post(function, id, "response", response));
	status_say("error", post(function, id, "error", "{}"));
	free(response);
}

static void *ticks_count(void *argument)
{
	const struct timespec tick = {.tv_nsec = 1000000};

	(void)argument;
	for (;;) {
		nanosleep(&tick, NULL);
		atomic_fetch_add(&ticks, 1);
	}
	return NULL;
}

static unsigned long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (unsigned long)now.tv_sec * 1000 + (unsigned long)now.tv_nsec / 1000000;
}

/* How often its timer ran while it waited, and how long that was. */
static void gap_account(struct function *function)
{
	unsigned long before = atomic_load(&ticks), start = now_ms();
	struct reply event = next(function);

	printf("ticks %lu ms %lu\n", atomic_load(&ticks) - before, now_ms() - start);
	fflush(stdout);
	answer(function, &event, 0);
}

static void memory_eat(long mib)
{
	size_t size = (size_t)mib << 20;
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		exit(75);
	memset(memory, 1, size);
}

static void huge_send(struct function *function, const char *event_id)
{
	char *body = malloc(HUGE_BYTES + 1);
	char id[64];

	if (!body)
		exit(75);
	snprintf(id, sizeof(id), "%s", event_id);
	memset(body, ' ', HUGE_BYTES);
	body[HUGE_BYTES] = '\0';
	status_say("huge", post(function, id, "response", body));
	free(body);
}

/* One event in the way of the mode, which never returns for some. */
static void serve(struct function *function, const char *mode)
{
	struct reply event;
	bool due;

	if (strcmp(mode, "protocol") == 0) {
		protocol_speak(function);
		return;
	}
	if (strcmp(mode, "ticks") == 0) {
		gap_account(function);
		return;
	}
	event = next(function);
	due = (long)function->answered == function->argument;
	if (strcmp(mode, "exit") == 0 && due)
		exit(9);
	if (strcmp(mode, "crash") == 0 && due)
		raise(SIGABRT);
	if (strcmp(mode, "mute") == 0 && due)
		pause();
	if (strcmp(mode, "eat") == 0)
		memory_eat(function->argument);
	if (strcmp(mode, "huge") == 0)
		huge_send(function, event.id);
	else if (strcmp(mode, "garbage") == 0)
		post(function, event.id, "response", "\x1b[31m{\"processed_count\":");
	else if (strcmp(mode, "error") == 0)
		post(function, event.id, "error",
		     "{\"errorType\":\"Order.Bad\",\"errorMessage\":\"no\\u001b way\"}");
	else
		answer(function, &event, strcmp(mode, "wrong") == 0);
	if (strcmp(mode, "leave") == 0)
		exit(0);
}

/* What some modes do before the first event. */
static void begin(struct function *function, const char *mode)
{
	static const char reason[] =
		"{\"errorType\":\"Init.Bad\",\"errorMessage\":\"no such table\"}";
	pthread_t thread;

	if (strcmp(mode, "init-error") == 0) {
		int status = request(function, "POST", "init/error", reason, strlen(reason)).status;

		exit(status == 202 ? 4 : 76);
	}
	if (strcmp(mode, "init-exit") == 0)
		exit(3);
	if (strcmp(mode, "init-mute") == 0)
		pause();
	if (strcmp(mode, "stubborn") == 0)
		signal(SIGTERM, SIG_IGN);
	if (strcmp(mode, "ticks") == 0 && pthread_create(&thread, NULL, ticks_count, NULL))
		exit(76);
	/* A process that leaves the session, and would live on. */
	if (strcmp(mode, "child") == 0 && fork() == 0) {
		setsid();
		printf("child %d\n", getpid());
		fflush(stdout);
		pause();
	}
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "good";
	struct function function = {.received = malloc(RECEIVE_MAX),
				    .argument = argc > 2 ? atol(argv[2]) : 0};

	if (!function.received || cache_create(&cache_unbounded, 1, &function.cache))
		return 75;
	api_connect(&function);
	begin(&function, mode);
	for (;;)
		serve(&function, mode);
}
