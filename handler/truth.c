#include "handler/truth.h"

#include <errno.h>

#include "handler/cleanup.h"
#include "handler/json_line.h"

static int summary_add(json_t *line, const struct truth *truth)
{
	double rate = truth->elapsed_s > 0 ? (double)truth->invocations / truth->elapsed_s : 0;
	CLEANUP_JSON json_t *summary = json_pack("{sb sf sf}", "final", 1, "elapsed_s",
						 truth->elapsed_s, "invocations_per_s", rate);

	return summary && json_object_update(line, summary) == 0 ? 0 : -ENOMEM;
}

int truth_write(FILE *out, const struct truth *truth, const struct allocator *allocator)
{
	CLEANUP_JSON json_t *line = json_pack(
		"{sI sI sI sI sI ss ss so}", "invocations", (json_int_t)truth->invocations,
		"processed", (json_int_t)truth->processed, "errors", (json_int_t)truth->errors,
		"live_bytes", (json_int_t)truth->size.live_bytes, "entries",
		(json_int_t)truth->size.entries, "cache", truth->cache, "allocator",
		allocator->name, "allocator_stats", allocator->stats());

	if (!line || (truth->final && summary_add(line, truth)))
		return -ENOMEM;
	return json_line_write(out, line, JSON_REAL_PRECISION(9));
}
