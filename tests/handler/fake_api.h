/*
 * A Runtime API that does what a test says, call by call, right or wrong: it speaks HTTP by hand
 * over one connection at a time. With it, the handler as it is built, as a child of the test.
 */
#ifndef TESTS_HANDLER_FAKE_API_H
#define TESTS_HANDLER_FAKE_API_H

#include "tests/handler/support.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define RUNTIME "/2018-06-01/runtime/"
#define WAIT_MS 60000
#define ARGUMENTS_MAX 32

struct fake_api {
	int listener, connection; /* connection -1: none */
	char address[32];
	unsigned int connections;
	/* The last call. */
	char *head, *body;
	size_t length;
};

struct child {
	pid_t pid; /* 0: none */
	FILE *out, *err;
	char *out_text, *err_text; /* once it has ended */
};

static inline void fake_open(struct fake_api *api)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);

	*api = (struct fake_api){.connection = -1};
	api->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(api->listener >= 0);
	assert_int_equal(bind(api->listener, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(api->listener, 5), 0);
	assert_int_equal(getsockname(api->listener, (struct sockaddr *)&address, &length), 0);
	snprintf(api->address, sizeof(api->address), "127.0.0.1:%u", ntohs(address.sin_port));
}

static inline void fake_hang_up(struct fake_api *api)
{
	if (api->connection >= 0)
		close(api->connection);
	api->connection = -1;
}

static inline void fake_close(struct fake_api *api)
{
	fake_hang_up(api);
	if (api->listener >= 0)
		close(api->listener);
	api->listener = -1;
	free(api->head);
	free(api->body);
	api->head = api->body = NULL;
}

static inline void fd_await(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	if (poll(&poll_fd, 1, WAIT_MS) != 1)
		fail_msg("nothing came from the handler");
}

/* One byte at a time is fast enough for a head. False: the connection was closed before it. */
static inline bool head_receive(struct fake_api *api)
{
	char *head = calloc(1, 8192);
	size_t length = 0;

	while (!strstr(head, "\r\n\r\n")) {
		assert_true(length < 8000);
		fd_await(api->connection);
		if (recv(api->connection, head + length, 1, 0) != 1) {
			assert_int_equal(length, 0);
			free(head);
			return false;
		}
		length++;
	}
	free(api->head);
	api->head = head;
	return true;
}

static inline const char *call_header(const struct fake_api *api, const char *name)
{
	char *at = strcasestr(api->head, name);

	return at ? at + strlen(name) : NULL;
}

/* Receives the next call, which must be this one. */
static inline void fake_expect(struct fake_api *api, const char *method, const char *path)
{
	char line[512];
	const char *length;

	do {
		if (api->connection < 0) {
			fd_await(api->listener);
			api->connection = accept(api->listener, NULL, NULL);
			assert_true(api->connection >= 0);
			/* A body must not wait until its head is acknowledged. */
			assert_int_equal(setsockopt(api->connection, IPPROTO_TCP, TCP_NODELAY,
						    &(int){1}, sizeof(int)),
					 0);
			api->connections++;
		} else if (!head_receive(api)) {
			fake_hang_up(api);
		} else {
			break;
		}
	} while (true);

	snprintf(line, sizeof(line), "%s " RUNTIME "%s HTTP/1.1\r\n", method, path);
	if (strncmp(api->head, line, strlen(line)) != 0)
		fail_msg("expected %s, got %s", line, api->head);
	length = call_header(api, "\r\nContent-Length: ");
	api->length = length ? strtoul(length, NULL, 10) : 0;
	free(api->body);
	api->body = calloc(1, api->length + 1);
	for (size_t have = 0; have < api->length;) {
		ssize_t count;

		fd_await(api->connection);
		count = recv(api->connection, api->body + have, api->length - have, 0);
		assert_true(count > 0);
		have += (size_t)count;
	}
}

/* The other side may have hung up, so a failure to send is no failure of the test. */
static inline void fake_send(struct fake_api *api, const char *bytes, size_t length)
{
	while (length) {
		ssize_t count = send(api->connection, bytes, length, MSG_NOSIGNAL);

		if (count <= 0)
			return;
		bytes += count;
		length -= (size_t)count;
	}
}

/* headers: whole lines, each with its end. */
static inline void fake_answer(struct fake_api *api, int status, const char *headers,
			       const char *body, size_t length)
{
	char *head = NULL;
	int size = asprintf(&head, "HTTP/1.1 %d Whatever\r\nContent-Length: %zu\r\n%s\r\n", status,
			    length, headers);

	assert_true(size > 0);
	fake_send(api, head, (size_t)size);
	fake_send(api, body, length);
	free(head);
}

/* Waits for the handler to ask for an event, and gives it this one. */
static inline void fake_give(struct fake_api *api, const char *id, const char *body, size_t length)
{
	char headers[512];

	snprintf(headers, sizeof(headers),
		 "lambda-runtime-aws-request-id: %s\r\nLambda-Runtime-Deadline-Ms: "
		 "32503680000000\r\n",
		 id);
	fake_expect(api, "GET", "invocation/next");
	fake_answer(api, 200, headers, body, length);
}

/* Waits for a POST to invocation/ID/what, and accepts it. */
static inline void fake_take(struct fake_api *api, const char *id, const char *what)
{
	char path[256];

	snprintf(path, sizeof(path), "invocation/%s/%s", id, what);
	fake_expect(api, "POST", path);
	fake_answer(api, 202, "", "{\"status\":\"OK\"}", 15);
}

/* Where the programs are: two directories above this one's. */
static inline void handler_path(char *path, size_t size, const char *name)
{
	char self[2048] = "";

	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	for (int i = 0; i < 3; i++)
		*strrchr(self, '/') = '\0';
	assert_in_range(snprintf(path, size, "%s/%s", self, name), 1, size - 1);
}

static inline void child_exec(const struct child *child, const char *address, const char *line)
{
	/* None of them leads anywhere: whoever used one would fail. */
	static const char *const proxies[] = {"http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"};
	char path[4096];
	char *argv[ARGUMENTS_MAX + 1] = {path};
	char *copy = strdup(line);
	int argc = 1;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(fileno(child->out), STDOUT_FILENO);
	dup2(fileno(child->err), STDERR_FILENO);
	handler_path(path, sizeof(path), "handler-glibc");
	for (char *word = strtok(copy, " "); word && argc < ARGUMENTS_MAX; word = strtok(NULL, " "))
		argv[argc++] = word;
	for (size_t i = 0; i < ARRAY_SIZE(proxies); i++)
		setenv(proxies[i], "http://127.0.0.1:1", 1);
	unsetenv("AWS_LAMBDA_RUNTIME_API");
	if (address)
		setenv("AWS_LAMBDA_RUNTIME_API", address, 1);
	setenv("AWS_LAMBDA_FUNCTION_NAME", "orders-test", 1);
	execv(path, argv);
	fprintf(stderr, "%s: %s\n", path, strerror(errno));
	_exit(127);
}

static inline void child_forget(struct child *child)
{
	if (child->pid > 0) {
		kill(child->pid, SIGKILL);
		waitpid(child->pid, NULL, 0);
	}
	if (child->out)
		fclose(child->out);
	if (child->err)
		fclose(child->err);
	free(child->out_text);
	free(child->err_text);
	*child = (struct child){0};
}

/* address NULL: in local mode. */
static inline void child_start(struct child *child, const char *address, const char *line)
{
	child_forget(child);
	child->out = tmpfile();
	child->err = tmpfile();
	assert_true(child->out && child->err);
	child->pid = fork();
	assert_true(child->pid >= 0);
	if (child->pid == 0)
		child_exec(child, address, line);
}

static inline char *stream_text(FILE *stream)
{
	char *text = NULL;
	size_t size = 0;

	rewind(stream);
	if (getdelim(&text, &size, '\0', stream) < 0) {
		free(text);
		return strdup("");
	}
	return text;
}

/* Waits for the child; its exit code, or minus its signal. */
static inline int child_finish(struct child *child)
{
	int status;

	assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
	child->pid = 0;
	child->out_text = stream_text(child->out);
	child->err_text = stream_text(child->err);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* The child ends with that status, and says one line that holds the text; NULL: says nothing. */
static inline void child_expect(struct child *child, int status, const char *text)
{
	int ended = child_finish(child);

	if (ended != status)
		fail_msg("the handler ended with %d: %s", ended, child->err_text);
	if (!text) {
		assert_string_equal(child->err_text, "");
		return;
	}
	if (!strstr(child->err_text, text))
		fail_msg("'%s' is not in: %s", text, child->err_text);
	assert_ptr_equal(strchr(child->err_text, '\n'),
			 child->err_text + strlen(child->err_text) - 1);
}

#endif
