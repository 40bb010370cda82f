// SPDX-License-Identifier: GPL-2.0-only
#include "user/source/recording.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>

#include "user/base/units.h"
#include "user/source/look.h"

/* One drain ends after so many records, some 5 ms; and after an interval, of which there are
 * reports. */
#define DRAIN_RECORDS 16384

struct recording {
	struct source source;
	struct recording_reader *reader;
	struct recording_options options;
	const struct event_header *next; /* read, and not delivered: it is not its time */
	bool started;
	uint64_t offset_ns; /* from its clock to ours, in real time */
	struct source_state state;
};

static struct recording *recording_of(const struct source *source)
{
	return (struct recording *)((char *)source - offsetof(struct recording, source));
}

static uint64_t due_ns(const struct recording *recording, const struct event_header *event)
{
	return event->time_ns + recording->offset_ns;
}

static int recording_wait(struct source *source, int timeout_ms)
{
	const struct recording *recording = recording_of(source);
	uint64_t now = clock_ns(), due;
	int wait = timeout_ms;

	if (!recording->next)
		return 0;
	due = due_ns(recording, recording->next);
	if (due <= now)
		return 0;
	if (due - now < (uint64_t)timeout_ms * NSEC_PER_MSEC)
		wait = (int)((due - now) / NSEC_PER_MSEC) + 1;
	return poll(NULL, 0, wait) < 0 ? -errno : 0;
}

static void take_state(struct recording *recording, const struct event_state *event)
{
	recording->state = (struct source_state){
		.buffer_percent = event->buffer_percent,
		.unwatched_children = event->unwatched_children,
		.cut_iovecs = event->cut_iovecs,
		.malformed = event->malformed,
		.look_ns = event->look_ns,
		.missing_marks = event->missing_marks,
		.stack_weight = event->stack_weight,
	};
}

/* Is it to wait for its time? */
static bool is_early(struct recording *recording, const struct event_header *event)
{
	uint64_t now;

	if (!recording->options.realtime)
		return false;
	now = clock_ns();
	if (!recording->started)
		recording->offset_ns = now - event->time_ns;
	recording->started = true;
	return (int64_t)(due_ns(recording, event) - now) > 0;
}

static int recording_drain(struct source *source, source_sink sink, void *ctx)
{
	struct recording *recording = recording_of(source);
	const struct event_header *event;

	for (unsigned int i = 0; i < DRAIN_RECORDS; i++) {
		event = recording->next;
		recording->next = NULL;
		if (!event && !recording_read(recording->reader, &event))
			return 1;
		if (recording->options.until_ns && event->time_ns > recording->options.until_ns)
			return 1;
		if (is_early(recording, event)) {
			recording->next = event;
			return 0;
		}
		if (event->kind == EVENT_STATE)
			take_state(recording, (const struct event_state *)event);
		else
			sink(ctx, event);
		if (event->kind == EVENT_INTERVAL)
			return 0;
	}
	return 0;
}

static void recording_look(struct source *source, uint32_t pid, uint64_t start, uint64_t end,
			   enum event_cause cause)
{
	(void)source;
	(void)pid;
	(void)start;
	(void)end;
	(void)cause;
}

static void recording_look_lazy(struct source *source, uint32_t pid)
{
	(void)source;
	(void)pid;
}

static bool recording_looking(const struct source *source, uint32_t pid)
{
	(void)source;
	(void)pid;
	return false;
}

static void recording_state(const struct source *source, struct source_state *state)
{
	const struct recording *recording = recording_of(source);

	*state = recording->state;
	state->malformed += recording_account(recording->reader)->malformed;
}

static void recording_close_source(struct source *source)
{
	struct recording *recording = recording_of(source);

	recording_reader_free(recording->reader);
	free(recording);
}

static const struct source_ops recording_ops = {
	.wait = recording_wait,
	.drain = recording_drain,
	.look = recording_look,
	.look_lazy = recording_look_lazy,
	.looking = recording_looking,
	.state = recording_state,
	.close = recording_close_source,
};

struct source *recording_source(struct recording_reader *reader,
				const struct recording_options *options)
{
	struct recording *recording = calloc(1, sizeof(*recording));

	if (!recording) {
		recording_reader_free(reader);
		return NULL;
	}
	recording->source.ops = &recording_ops;
	recording->reader = reader;
	recording->options = *options;
	return &recording->source;
}

const struct recording_reader *recording_source_reader(const struct source *source)
{
	return recording_of(source)->reader;
}
