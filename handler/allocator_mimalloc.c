#include <mimalloc.h>

#include "handler/allocator.h"

static json_t *mimalloc_stats(void)
{
	size_t elapsed_ms, user_ms, system_ms, rss, peak_rss, commit, peak_commit, faults;

	/* A thread's counts reach the process's only when merged. */
	mi_stats_merge();
	mi_process_info(&elapsed_ms, &user_ms, &system_ms, &rss, &peak_rss, &commit, &peak_commit,
			&faults);
	return json_pack("{sI sI sI sI sI}", "current_rss", (json_int_t)rss, "peak_rss",
			 (json_int_t)peak_rss, "current_commit", (json_int_t)commit, "peak_commit",
			 (json_int_t)peak_commit, "page_faults_count", (json_int_t)faults);
}

const struct allocator allocator = {.name = "mimalloc", .stats = mimalloc_stats};
