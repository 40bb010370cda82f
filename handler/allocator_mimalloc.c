#include <mimalloc.h>

#include "handler/allocator.h"

static json_t *mimalloc_stats(void)
{
	size_t elapsed_ms, user_ms, system_ms, rss, peak_rss, commit, peak_commit, faults;

	/* A thread's counts reach the process's only when merged. */
	mi_stats_merge();
	mi_process_info(&elapsed_ms, &user_ms, &system_ms, &rss, &peak_rss, &commit, &peak_commit,
			&faults);
	/*
	 * Not its resident sets: here current_rss is the committed memory again, and peak_rss, as
	 * getrusage(2) has it, was before exec somebody else's.
	 */
	return json_pack("{sI sI sI}", "current_commit", (json_int_t)commit, "peak_commit",
			 (json_int_t)peak_commit, "page_faults_count", (json_int_t)faults);
}

const struct allocator allocator = {.name = "mimalloc", .stats = mimalloc_stats};
