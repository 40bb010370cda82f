// SPDX-License-Identifier: GPL-2.0-only
#include "user/collector.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <sys/eventfd.h>

#include "user/base/units.h"
#include "user/source/look.h"

/* The longest the thread takes to see that it is to stop. */
#define WAIT_MS 20

/* The longest the first process takes to show up. */
#define FIRST_NS (2 * NSEC_PER_SEC)

void collector_wake(struct collector *collector)
{
	uint64_t one = 1;

	/* a full counter is readable already */
	if (write(collector->wake_fd, &one, sizeof(one)) < 0)
		return;
}

/* Is there nothing to watch, and nothing to come? */
static bool nothing_left(struct collector *collector)
{
	size_t count;

	if (collector->wait_for_new || pipeline_alive(collector->pipeline))
		return false;
	pipeline_processes(collector->pipeline, &count);
	collector->seen |= count > 0;
	/* a command's EXEC record comes a moment after its start */
	return collector->seen || clock_ns() - collector->start_ns > FIRST_NS;
}

static void *collector_run(void *arg)
{
	struct collector *collector = arg;
	bool go_on = true;

	while (go_on) {
		int rc = pipeline_wait(collector->pipeline, WAIT_MS);

		pthread_mutex_lock(&collector->lock);
		if (!rc || rc == -EINTR)
			rc = pipeline_run(collector->pipeline);
		if (rc < 0 && rc != -EINTR)
			collector->error = rc;
		if (rc == 1 || collector->error || nothing_left(collector))
			collector->ended = true;
		go_on = !collector->stop && !collector->ended;
		pthread_mutex_unlock(&collector->lock);
	}
	collector_wake(collector);
	return NULL;
}

int collector_start(struct collector *collector, struct pipeline *pipeline, bool wait_for_new)
{
	sigset_t all, before;
	int rc;

	memset(collector, 0, sizeof(*collector));
	collector->pipeline = pipeline;
	collector->wait_for_new = wait_for_new;
	collector->start_ns = clock_ns();
	pthread_mutex_init(&collector->lock, NULL);
	collector->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (collector->wake_fd < 0)
		return -errno;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&collector->thread, NULL, collector_run, collector);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -rc;
}

void collector_stop(struct collector *collector)
{
	pthread_mutex_lock(&collector->lock);
	collector->stop = true;
	pthread_mutex_unlock(&collector->lock);
	pthread_join(collector->thread, NULL);
	close(collector->wake_fd);
}
