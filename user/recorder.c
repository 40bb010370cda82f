// SPDX-License-Identifier: GPL-2.0-only
#include "user/recorder.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/log.h"

struct recorder {
	struct recording_writer *writer;
	char *path;
	const struct source *source;
	struct pipeline *pipeline;
	struct event_state state; /* as it was told last */
	uint64_t now_ns;	  /* of the newest record */
	bool failed;		  /* and said so */
};

/* Said once: the recording ends where it failed, the watching goes on. */
static void note(struct recorder *recorder, int rc)
{
	if (!rc || rc == -EINVAL || recorder->failed)
		return;
	recorder->failed = true;
	log_error("%s: %s; the recording ends here, the watching goes on", recorder->path,
		  strerror(-rc));
}

static void tell_state(struct recorder *recorder, bool again)
{
	struct source_state state;
	struct event_state event;

	recorder->source->ops->state(recorder->source, &state);
	event = (struct event_state){
		.unwatched_children = state.unwatched_children,
		.cut_iovecs = state.cut_iovecs,
		.malformed = state.malformed,
		.look_ns = state.look_ns,
		.buffer_percent = state.buffer_percent,
		.missing_marks = state.missing_marks,
		.stack_weight = state.stack_weight,
	};
	if (!again && !memcmp(&event, &recorder->state, sizeof(event)))
		return;
	recorder->state = event;
	event.h = (struct event_header){
		.size = sizeof(event),
		.kind = EVENT_STATE,
		.time_ns = recorder->now_ns,
	};
	note(recorder, recording_write(recorder->writer, &event.h));
}

static void on_record(void *view, const struct event_header *event)
{
	struct recorder *recorder = view;

	if (event->time_ns > recorder->now_ns)
		recorder->now_ns = event->time_ns;
	note(recorder, recording_write(recorder->writer, event));
}

static void keep(void *ctx, const struct event_header *event)
{
	struct recorder *recorder = ctx;

	note(recorder, recording_write(recorder->writer, event));
}

/* All that is known, so that what was before can be let go of. */
static void take_snapshot(struct recorder *recorder)
{
	int rc = recording_snapshot_begin(recorder->writer);

	if (!rc) {
		pipeline_keep(recorder->pipeline, keep, recorder);
		tell_state(recorder, true);
		rc = recording_snapshot_end(recorder->writer);
	}
	note(recorder, rc);
}

static void on_interval(void *view, uint64_t number)
{
	struct recorder *recorder = view;

	(void)number;
	tell_state(recorder, false);
	note(recorder, recording_rest(recorder->writer, recorder->now_ns));
	if (recording_snapshot_due(recorder->writer))
		take_snapshot(recorder);
}

static const struct view_ops recorder_ops = {
	.record = on_record,
	.interval = on_interval,
};

int recorder_open(const struct recorder_options *options, struct recorder **out)
{
	struct recorder *recorder = calloc(1, sizeof(*recorder));
	int rc = recorder ? 0 : -ENOMEM;

	if (!rc) {
		recorder->path = strdup(options->path);
		rc = recorder->path ? recording_create(options->path, &options->header,
						       options->max_bytes, &recorder->writer)
				    : -ENOMEM;
	}
	if (rc) {
		log_error("%s: %s; nothing is recorded", options->path,
			  rc == -ENOTSUP ? "only a regular file can be recorded to"
					 : strerror(-rc));
		if (recorder)
			free(recorder->path);
		free(recorder);
		return rc;
	}
	*out = recorder;
	return 0;
}

void recorder_attach(struct recorder *recorder, struct pipeline *pipeline, struct source *source)
{
	recorder->source = source;
	recorder->pipeline = pipeline;
	pipeline_add_view(pipeline, &recorder_ops, recorder);
}

int recorder_close(struct recorder *recorder, struct recording_figures *figures)
{
	int rc;

	*figures = (struct recording_figures){0};
	if (!recorder)
		return 0;
	if (recorder->source)
		tell_state(recorder, false);
	rc = recording_close(recorder->writer, figures);
	note(recorder, rc);
	free(recorder->path);
	free(recorder);
	return rc;
}
