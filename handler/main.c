/* The order handler: wiring only. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "handler/allocator.h"
#include "handler/burst.h"
#include "handler/cache.h"
#include "handler/emf.h"
#include "handler/lambda.h"
#include "handler/log.h"
#include "handler/options.h"
#include "handler/run.h"
#include "handler/runtime_api.h"
#include "handler/stop.h"

#define RUNTIME_API_VARIABLE "AWS_LAMBDA_RUNTIME_API"

struct handler {
	struct runtime_api *api; /* NULL: the events are made here */
	struct emf emf;
	struct account account;
};

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

/* What keeps the function from its first event is told to whoever waits for it. */
__attribute__((format(printf, 3, 4))) static int fail_start(const struct handler *handler, int err,
							    const char *format, ...)
{
	char why[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(why, sizeof(why), format, arguments);
	va_end(arguments);
	log_error("%s", why);
	if (handler->api)
		runtime_api_fail_init(handler->api, "Runtime.StartFailed", why);
	return err;
}

/* Of a FIFO nobody reads it fails: the open would wait for a reader, and no signal end it. */
static FILE *file_open(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0666);
	FILE *file = NULL;

	if (fd < 0)
		return NULL;
	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK) == 0)
		file = fdopen(fd, "w");
	if (!file) {
		int err = errno;

		close(fd);
		errno = err;
	}
	return file;
}

static int truth_open(struct handler *handler, const struct options *options)
{
	struct account *account = &handler->account;
	char why[256];

	account->name = options->truth ? options->truth : "stdout";
	account->out = stdout;
	if (options->truth)
		account->out = file_open(options->truth);
	else if (handler->api)
		account->out = NULL; /* stdout is the log of the function */
	if (account->out || !options->truth)
		return 0;

	snprintf(why, sizeof(why), "%s", strerror(errno));
	return fail_start(handler, -EIO,
			  "cannot open the file of --truth: %s; give one that can be written", why);
}

static int handler_start(struct handler *handler, const struct options *options)
{
	int err;

	if (burst_run(options->burst_mb << 20, options->generator.seed))
		return fail_start(handler, -ENOMEM,
				  "out of memory in the burst: give a smaller --burst than %ju",
				  (uintmax_t)options->burst_mb);
	if (cache_create(options->cache, options->lru_size, &orders))
		return fail_start(handler, -ENOMEM, "out of memory for the cache: raise the limit");
	err = emf_open(&handler->emf);
	if (err)
		return fail_start(handler, err, "cannot open /proc/self/statm: %s; mount /proc",
				  strerror(-err));
	return truth_open(handler, options);
}

static int handler_work(struct handler *handler, const struct options *options)
{
	const struct function function = {.cache = orders,
					  .emf = options->emf ? &handler->emf : NULL};

	handler->account.report = options->report;
	handler->account.allocator = &allocator;
	handler->account.cache = orders;
	if (handler->api)
		return lambda_run(handler->api,
				  options->invocations_given ? options->invocations : 0,
				  &handler->emf, &handler->account);
	return run_workload(options, &function, &handler->account);
}

static int handler_run(struct handler *handler, const struct options *options)
{
	int err = stop_install();

	if (err)
		return fail_start(handler, err, "cannot set up the signals: %s", strerror(-err));
	handler->emf = (struct emf){
		.out = stdout,
		.statm = -1,
		.function = emf_function_name(getenv("AWS_LAMBDA_FUNCTION_NAME")),
		.allocator = allocator.name,
		.cache = options->cache->name,
		.capacity = options->lru_size,
	};
	err = handler_start(handler, options);
	if (!err)
		err = handler_work(handler, options);
	if (!err)
		stop_wait_until(stop_now_ns() + options->idle_s * 1000000000);

	emf_close(&handler->emf);
	if (handler->account.out && handler->account.out != stdout)
		fclose(handler->account.out); /* every line was flushed */
	return err;
}

/* The API is there first: it is told of all that goes wrong after it. */
static int api_open(struct runtime_api **api)
{
	const char *address = getenv(RUNTIME_API_VARIABLE);
	int err = address ? runtime_api_create(address, api) : 0;

	if (err == -EINVAL)
		log_error(RUNTIME_API_VARIABLE " cannot be used: give HOST:PORT, or unset it");
	else if (err)
		log_error("out of memory for the runtime API: raise the limit");
	return err;
}

static int handler_main(struct handler *handler, int argc, char **argv)
{
	struct options options;
	int outcome = options_parse(argc, argv, stdout, stderr, &options);

	if (outcome == -EINVAL) {
		if (handler->api)
			runtime_api_fail_init(handler->api, "Runtime.CommandLine",
					      "the command line cannot be used: its log says why");
		return EX_USAGE;
	}
	if (outcome == OPTIONS_RUN)
		return handler_run(handler, &options) ? EXIT_FAILURE : EXIT_SUCCESS;
	if (outcome < 0 || fflush(stdout) != 0) {
		log_error("cannot print the help: %s", strerror(outcome < 0 ? -outcome : errno));
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct handler handler = {0};
	int status;

	/* Before anything is opened: it would become stdout, and the lines would go there. */
	if (fcntl(STDOUT_FILENO, F_GETFD) < 0) {
		log_error("stdout is closed: give it a file, a pipe or /dev/null");
		return EXIT_FAILURE;
	}

	json_set_alloc_funcs(json_memory, free);
	if (api_open(&handler.api))
		return EXIT_FAILURE;
	status = handler_main(&handler, argc, argv);
	runtime_api_destroy(handler.api);
	return status;
}
