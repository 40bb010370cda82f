#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "handler/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

static atomic_bool requested;
/* Readable once a stop is requested, and never read: it wakes every sleeper, now and later. */
static int wakeup = -1;

static void signal_stop(int number)
{
	(void)number;
	stop_request();
}

int stop_install(void)
{
	struct sigaction stop = {.sa_handler = signal_stop, .sa_flags = SA_RESTART};
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int err;

	if (fd < 0)
		return -errno;
	/* If the program was started with stdin or stderr closed, the number must not be theirs. */
	wakeup = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	err = wakeup < 0 ? -errno : 0;
	close(fd);
	if (err)
		return err;

	if (sigaction(SIGINT, &stop, NULL) || sigaction(SIGTERM, &stop, NULL) ||
	    sigaction(SIGPIPE, &ignore, NULL))
		return -errno;
	return 0;
}

void stop_request(void)
{
	int saved = errno;
	uint64_t one = 1;

	atomic_store(&requested, true);
	if (write(wakeup, &one, sizeof(one)) < 0)
		errno = saved; /* full or absent: the flag alone has to do */
	errno = saved;
}

bool stop_requested(void)
{
	return atomic_load_explicit(&requested, memory_order_relaxed);
}

int stop_fd(void)
{
	return wakeup;
}

uint64_t stop_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void stop_wait_until(uint64_t deadline_ns)
{
	struct pollfd poll = {.fd = wakeup, .events = POLLIN};

	for (uint64_t now = stop_now_ns(); now < deadline_ns && !stop_requested();
	     now = stop_now_ns()) {
		struct timespec left = {.tv_sec = (time_t)((deadline_ns - now) / 1000000000),
					.tv_nsec = (long)((deadline_ns - now) % 1000000000)};

		ppoll(&poll, 1, &left, NULL);
	}
}
