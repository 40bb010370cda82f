// SPDX-License-Identifier: GPL-2.0-only
#include "user/stack/reader.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/socket.h>
#include <sys/wait.h>

#include "user/base/cleanup.h"
#include "user/base/units.h"
#include "user/stack/reader_host.h"

/* The host does nothing that takes long. */
#define HOST_WAIT_MS 2000

struct reader_host {
	pid_t pid;
	int control;
	bool broken; /* it did not answer: a late reply would be taken for another */
};

struct reader {
	struct reader_host *host;
	int32_t pid;
	int socket;
	bool broken;
	bool answered;
	char reply[READER_REPLY_MAX];
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / NSEC_PER_MSEC;
}

static int wait_for_reply(int socket, unsigned int wait_ms)
{
	struct pollfd fd = {.fd = socket, .events = POLLIN};
	uint64_t end = now_ms() + wait_ms, now;

	while ((now = now_ms()) < end) {
		int ready = poll(&fd, 1, (int)(end - now));

		if (ready > 0)
			return 0;
		if (ready < 0 && errno != EINTR)
			return -errno;
	}
	return -ETIMEDOUT;
}

/* ---- the host ---- */

int reader_host_start(struct reader_host **host)
{
	AUTO_FREE struct reader_host *started = calloc(1, sizeof(*started));
	int sockets[2];

	if (!started)
		return -ENOMEM;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		return -errno;
	started->control = sockets[0];
	started->pid = fork();
	if (!started->pid)
		reader_host_run(sockets[1]);
	close(sockets[1]);
	if (started->pid < 0) {
		int rc = -errno;

		close(sockets[0]);
		return rc;
	}
	*host = TAKE_PTR(started);
	return 0;
}

void reader_host_stop(struct reader_host *host)
{
	if (!host)
		return;
	/* it ends by itself at the end of its socket, and may not be ours to kill */
	close(host->control);
	kill(host->pid, SIGKILL);
	for (int i = 0; i < HOST_WAIT_MS && !waitpid(host->pid, NULL, WNOHANG); i++)
		usleep(1000);
	free(host);
}

/* Sends an order with files, and waits for what the host says to it. */
static int32_t give_order(struct reader_host *host, const struct reader_order *order,
			  const int *files, size_t count)
{
	union {
		char data[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr align;
	} space = {0};
	struct iovec bytes = {.iov_base = (void *)order, .iov_len = sizeof(*order)};
	struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};
	int32_t reply;
	int rc;

	if (count) {
		message.msg_control = space.data;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
		space.align = (struct cmsghdr){.cmsg_level = SOL_SOCKET,
					       .cmsg_type = SCM_RIGHTS,
					       .cmsg_len = CMSG_LEN(count * sizeof(int))};
		memcpy(CMSG_DATA(&space.align), files, count * sizeof(int));
	}
	if (host->broken)
		return -EPIPE;
	host->broken = true;
	if (sendmsg(host->control, &message, MSG_NOSIGNAL) < 0)
		return -EPIPE;
	rc = wait_for_reply(host->control, HOST_WAIT_MS);
	if (rc)
		return rc;
	if (recv(host->control, &reply, sizeof(reply), MSG_DONTWAIT) != sizeof(reply))
		return -EPIPE;
	host->broken = false;
	return reply;
}

int reader_start(struct reader_host *host, int fd, uint64_t memory, struct reader **reader)
{
	const struct reader_order order = {.kind = READER_START, .memory = memory};
	AUTO_FREE struct reader *started = calloc(1, sizeof(*started));
	int sockets[2], files[2];

	if (!started)
		return -ENOMEM;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		return -errno;
	files[0] = sockets[1];
	files[1] = fd;
	started->pid = give_order(host, &order, files, fd < 0 ? 1 : 2);
	close(sockets[1]);
	if (started->pid < 0) {
		close(sockets[0]);
		return started->pid;
	}
	started->host = host;
	started->socket = sockets[0];
	*reader = TAKE_PTR(started);
	return 0;
}

void reader_stop(struct reader *reader)
{
	struct reader_order order = {.kind = READER_STOP};

	if (!reader)
		return;
	close(reader->socket);
	order.pid = reader->pid;
	give_order(reader->host, &order, NULL, 0);
	free(reader);
}

/* ---- questions ---- */

/* Sends a question and waits for the reply. Returns its size, or an error. */
static ssize_t ask(struct reader *reader, const struct reader_request *request, size_t size,
		   unsigned int wait_ms)
{
	ssize_t got;
	int rc;

	if (send(reader->socket, request, size, MSG_NOSIGNAL) < 0)
		return -EPIPE;
	rc = wait_for_reply(reader->socket, wait_ms);
	if (rc)
		return rc;
	got = recv(reader->socket, reader->reply, sizeof(reader->reply), MSG_DONTWAIT | MSG_TRUNC);
	if (got <= 0)
		return -EPIPE;
	return (size_t)got > sizeof(reader->reply) ? -EBADMSG : got;
}

/* A string of the reply, which is not trusted. False: it is none. */
static bool take_string(const char **at, const char *end, size_t size, const char **text)
{
	*text = size ? *at : NULL;
	if ((size_t)(end - *at) < size || (size && (*at)[size - 1]))
		return false;
	*at += size;
	return true;
}

static int take_lines(const char *at, const char *end, struct debug_line lines[DEBUG_LINES_MAX])
{
	int count = 0;

	while (at < end && count < DEBUG_LINES_MAX) {
		struct debug_line *line = &lines[count++];
		struct reader_line head;

		if ((size_t)(end - at) < sizeof(head))
			return -EBADMSG;
		memcpy(&head, at, sizeof(head));
		at += sizeof(head);
		*line = (struct debug_line){.line = head.line};
		if (!take_string(&at, end, head.name_size, &line->name) ||
		    !take_string(&at, end, head.file_size, &line->file))
			return -EBADMSG;
	}
	return count;
}

static int ask_lines(struct reader *reader, const struct reader_request *request, size_t size,
		     unsigned int wait_ms, struct debug_line lines[DEBUG_LINES_MAX])
{
	ssize_t got = reader->broken ? -EPIPE : ask(reader, request, size, wait_ms);
	int count = got < 0 ? (int)got : take_lines(reader->reply, reader->reply + got, lines);

	/* a late reply must not be taken for that to the next question */
	if (count < 0)
		reader->broken = true;
	else
		reader->answered = true;
	return count;
}

bool reader_was_fine(const struct reader *reader)
{
	return reader->answered;
}

static bool is_empty(const struct debug_line *line)
{
	return !line->name && !line->file && !line->line;
}

int reader_lines(struct reader *reader, uint64_t address, unsigned int wait_ms,
		 struct debug_line lines[DEBUG_LINES_MAX])
{
	const struct reader_request request = {.question = READER_LINES, .address = address};
	int count = ask_lines(reader, &request, offsetof(struct reader_request, name) + 1, wait_ms,
			      lines);

	return count == 1 && is_empty(&lines[0]) ? 0 : count;
}

int reader_demangle(struct reader *reader, const char *name, unsigned int wait_ms,
		    char text[READER_NAME_MAX])
{
	struct reader_request request = {.question = READER_DEMANGLE};
	struct debug_line lines[DEBUG_LINES_MAX];
	size_t length = strlen(name);
	int count;

	if (length >= sizeof(request.name))
		return -ENOENT;
	memcpy(request.name, name, length + 1);
	count = ask_lines(reader, &request, offsetof(struct reader_request, name) + length + 1,
			  wait_ms, lines);
	if (count < 0)
		return count;
	if (!count || !lines[0].name || strlen(lines[0].name) >= READER_NAME_MAX)
		return -ENOENT;
	memcpy(text, lines[0].name, strlen(lines[0].name) + 1);
	return 0;
}
