/* The order handler: wiring only. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "handler/allocator.h"
#include "handler/burst.h"
#include "handler/cache.h"
#include "handler/log.h"
#include "handler/options.h"
#include "handler/run.h"
#include "handler/stop.h"

/* As in the handlers this one stands for, it lives as long as the process and is never freed. */
static struct cache *orders;

/*
 * The JSON library ignores that a string it reads could not grow, and then reads beyond it. So
 * that want of memory must end here, before the library hears of it; all else returns -ENOMEM.
 */
static void *json_memory(size_t size)
{
	void *memory = malloc(size);

	if (!memory) {
		log_error("out of memory for a document: use --cache lru, fewer --invocations, or "
			  "raise the limit");
		_exit(EXIT_FAILURE);
	}
	return memory;
}

static int handler_run(const struct options *options)
{
	int err = stop_install();

	if (err) {
		log_error("cannot set up the signals: %s", strerror(-err));
		return err;
	}
	if (burst_run(options->burst_mb << 20, options->generator.seed)) {
		log_error("out of memory in the burst: give a smaller --burst than %ju",
			  (uintmax_t)options->burst_mb);
		return -ENOMEM;
	}
	if (cache_create(options->cache, options->lru_size, &orders)) {
		log_error("out of memory for the cache: raise the limit");
		return -ENOMEM;
	}

	err = run_workload(options, &allocator, orders, stdout);
	if (!err)
		stop_wait_until(stop_now_ns() + options->idle_s * 1000000000);
	return err;
}

int main(int argc, char **argv)
{
	struct options options;
	int outcome;

	/* Before anything is opened: it would become stdout, and the truth would go there. */
	if (fcntl(STDOUT_FILENO, F_GETFD) < 0) {
		log_error("stdout is closed: give it a file, a pipe or /dev/null");
		return EXIT_FAILURE;
	}

	json_set_alloc_funcs(json_memory, free);
	outcome = options_parse(argc, argv, stdout, stderr, &options);
	if (outcome == -EINVAL)
		return EX_USAGE;
	if (outcome == OPTIONS_RUN)
		return handler_run(&options) ? EXIT_FAILURE : EXIT_SUCCESS;
	if (outcome < 0 || fflush(stdout) != 0) {
		log_error("cannot print the help: %s", strerror(outcome < 0 ? -outcome : errno));
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
