// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <math.h>
#include <stdbool.h>

#include "user/base/log.h"
#include "user/pipeline.h"
#include "user/replay.h"
#include "user/view/diff_text.h"

/* The view that keeps what there is at the end. */
struct keeper {
	struct moment moment;
	bool ended_too; /* also what ended before */
	int error;
};

static void keep(void *view, struct process *process)
{
	struct keeper *keeper = view;

	if ((process->ledger->exit_ns && !keeper->ended_too) || keeper->error)
		return;
	keeper->error = moment_take(&keeper->moment, process);
}

static const struct view_ops keeper_ops = {.end = keep};

static int replay_to_end(struct source *source, const struct recording_header *header,
			 struct keeper *keeper)
{
	const struct pipeline_options policy = {
		.stacks = header->flags & RECORDING_STACKS,
		.replayed = true,
	};
	struct pipeline *pipeline = pipeline_new(source, &policy);
	int rc = 0;

	if (!pipeline)
		return -ENOMEM;
	pipeline_add_view(pipeline, &keeper_ops, keeper);
	while (!rc)
		rc = pipeline_run(pipeline);
	pipeline_free(pipeline);
	return rc < 0 ? rc : keeper->error;
}

/* The moment is the caller's, in any case. */
static int moment_of(const char *path, double at, struct moment *moment)
{
	const struct replay_options options = {.path = path, .to_s = at};
	struct keeper keeper = {.ended_too = isnan(at)};
	struct recording_header header;
	struct source *source;
	int rc = replay_open(&options, &source, &header);

	if (rc)
		return rc;
	rc = replay_to_end(source, &header, &keeper);
	if (rc)
		log_error("%s: %s", path, replay_error(rc));
	else
		replay_report(source, path);
	source->ops->close(source);
	*moment = keeper.moment;
	return rc;
}

int diff_print(const char *path_a, double at_a, const char *path_b, double at_b)
{
	struct moment a = {0}, b = {0};
	int rc = moment_of(path_a, at_a, &a);

	if (!rc)
		rc = moment_of(path_b, at_b, &b);
	if (!rc && diff_write(stdout, &a, &b)) {
		log_error("out of memory");
		rc = -ENOMEM;
	}
	moment_free(&a);
	moment_free(&b);
	return rc;
}
