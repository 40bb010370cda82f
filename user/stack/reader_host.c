// SPDX-License-Identifier: GPL-2.0-only
#include "user/stack/reader_host.h"

#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "user/stack/demangle.h"

/* Seconds of CPU time, should nobody be there to kill a reader. */
#define CPU_SECONDS 20
#define STACK_BYTES ((rlim_t)8 << 20)

/* Who owns nothing: the kernel's overflow uid. */
#define NOBODY 65534

/* ---- what they may not do ---- */

static void leave(void)
{
	_exit(1);
}

/* Ctrl-C is for the collector, which may have names to ask for before it ends. */
static void reset_signals(void)
{
	sigset_t none;

	setsid();
	for (int number = 1; number < NSIG; number++)
		signal(number, number == SIGTERM ? SIG_IGN : SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void close_others(int kept)
{
	if (kept > 0)
		close_range(0, (unsigned int)kept - 1, 0);
	close_range((unsigned int)kept + 1, ~0U, 0);
}

/* By system calls: the C library's would tell all threads, of which there are none left. */
static void drop_privileges(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};

	if (!geteuid()) {
		syscall(SYS_setgroups, 0, NULL);
		syscall(SYS_setresgid, NOBODY, NOBODY, NOBODY);
		syscall(SYS_setresuid, NOBODY, NOBODY, NOBODY);
	}
	syscall(SYS_capset, &header, none);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	/* others of its user shall not look into it, and it leaves no core */
	prctl(PR_SET_DUMPABLE, 0);
}

static void confine(int control)
{
	/* libdw and libiberty end with exit() when memory runs out: skip what the collector set up
	 */
	atexit(leave);
	reset_signals();
	prctl(PR_SET_NAME, "tidemark-reader");
	close_others(control);
	drop_privileges();
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* which a change of user would forget */
}

/* Private memory that may be written, which is what RLIMIT_DATA counts. */
static uint64_t data_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%*u %*u %*u %*u %*u %lu", &pages) != 1)
		pages = 0;
	fclose(file);
	return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void limit(int resource, rlim_t most)
{
	struct rlimit now;

	if (getrlimit(resource, &now))
		return;
	if (now.rlim_max > most)
		now.rlim_max = most;
	if (now.rlim_cur > now.rlim_max)
		now.rlim_cur = now.rlim_max;
	setrlimit(resource, &now);
}

static void confine_reader(uint64_t memory, pid_t parent)
{
	/* it does not outlive the host, not even one that was killed before this line */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	limit(RLIMIT_DATA, data_bytes() + memory);
	limit(RLIMIT_CPU, CPU_SECONDS);
	limit(RLIMIT_STACK, STACK_BYTES);
	limit(RLIMIT_FSIZE, 0);
	limit(RLIMIT_CORE, 0);
}

/* ---- a reader ---- */

struct reply {
	size_t used;
	char data[READER_REPLY_MAX];
};

static uint16_t size_of(const char *text)
{
	return text ? (uint16_t)(strnlen(text, READER_MANGLED_MAX - 1) + 1) : 0;
}

static void reply_string(struct reply *reply, const char *text, size_t size)
{
	if (!size)
		return;
	memcpy(reply->data + reply->used, text, size - 1);
	reply->data[reply->used + size - 1] = '\0';
	reply->used += size;
}

static bool reply_line(struct reply *reply, const struct debug_line *line)
{
	char path[READER_MANGLED_MAX];
	const char *file = line->file;
	struct reader_line head = {.line = line->line, .name_size = size_of(line->name)};

	if (file && line->directory) {
		snprintf(path, sizeof(path), "%s/%s", line->directory, file);
		file = path;
	}
	head.file_size = size_of(file);
	if (sizeof(head) + head.name_size + head.file_size > sizeof(reply->data) - reply->used)
		return false;
	memcpy(reply->data + reply->used, &head, sizeof(head));
	reply->used += sizeof(head);
	reply_string(reply, line->name, head.name_size);
	reply_string(reply, file, head.file_size);
	return true;
}

static void answer_lines(struct debug_info *info, uint64_t address, struct reply *reply)
{
	struct debug_line lines[DEBUG_LINES_MAX];
	size_t count = debug_info_lines(info, address, lines);

	for (size_t i = 0; i < count; i++)
		if (!reply_line(reply, &lines[i]))
			break;
}

static void answer_name(const char *name, struct reply *reply)
{
	char text[READER_NAME_MAX];

	if (demangle(name, text, sizeof(text)))
		reply_line(reply, &(struct debug_line){.name = text});
}

static void __attribute__((noreturn)) read_for(int socket, int fd)
{
	static struct reader_request request;
	static struct reply reply;
	struct debug_info *info = NULL;

	if (fd >= 0 && debug_info_open(fd, &info))
		_exit(1);
	while (recv(socket, &request, sizeof(request), 0) > 0) {
		reply.used = 0;
		request.name[sizeof(request.name) - 1] = '\0';
		if (request.question == READER_DEMANGLE)
			answer_name(request.name, &reply);
		else if (info)
			answer_lines(info, request.address, &reply);
		/* a message without bytes looks like the end of the connection */
		if (!reply.used)
			reply_line(&reply, &(struct debug_line){0});
		if (send(socket, reply.data, reply.used, MSG_NOSIGNAL) < 0)
			break;
	}
	_exit(0);
}

/* ---- the host ---- */

#define FILES_MAX 2

/* Receives an order and the files that come with it, -1 where none does. */
static bool take_order(int control, struct reader_order *order, int files[FILES_MAX])
{
	union {
		char data[CMSG_SPACE(FILES_MAX * sizeof(int))];
		struct cmsghdr align;
	} space;
	struct iovec bytes = {.iov_base = order, .iov_len = sizeof(*order)};
	struct msghdr message = {.msg_iov = &bytes,
				 .msg_iovlen = 1,
				 .msg_control = space.data,
				 .msg_controllen = sizeof(space.data)};
	const struct cmsghdr *rights;

	for (size_t i = 0; i < FILES_MAX; i++)
		files[i] = -1;
	if (recvmsg(control, &message, 0) != sizeof(*order))
		return false;
	rights = CMSG_FIRSTHDR(&message);
	if (rights && rights->cmsg_type == SCM_RIGHTS)
		memcpy(files, CMSG_DATA(rights), rights->cmsg_len - CMSG_LEN(0));
	return true;
}

static int32_t start(int control, const struct reader_order *order, const int files[FILES_MAX])
{
	pid_t host = getpid(), pid = fork();

	if (!pid) {
		close(control);
		confine_reader(order->memory, host);
		read_for(files[0], files[1]);
	}
	return pid < 0 ? -errno : pid;
}

/* It is not reaped before, so the number cannot have become another process's. */
static int32_t stop(const struct reader_order *order)
{
	if (order->pid <= 0)
		return -EINVAL;
	kill(order->pid, SIGKILL);
	while (waitpid(order->pid, NULL, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return order->pid;
}

void reader_host_run(int control)
{
	struct reader_order order;
	int files[FILES_MAX];

	confine(control);
	while (take_order(control, &order, files)) {
		int32_t reply =
			order.kind == READER_START ? start(control, &order, files) : stop(&order);

		for (size_t i = 0; i < FILES_MAX; i++)
			if (files[i] >= 0)
				close(files[i]);
		if (send(control, &reply, sizeof(reply), MSG_NOSIGNAL) < 0)
			break;
	}
	_exit(0);
}
