/* The driver: wiring only. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "handler/driver/figures.h"
#include "handler/driver/options.h"
#include "handler/driver/run.h"
#include "handler/driver/samples.h"
#include "handler/log.h"

/* It is not possible here. */
#define EXIT_IMPOSSIBLE 2

struct files {
	FILE *summary, *samples;
	int function_log;
};

/* Opened before the run: a name that cannot be written is not to cost one. */
static int file_open(const char *path, FILE **file)
{
	if (!path)
		return 0;
	*file = fopen(path, "we");
	if (*file)
		return 0;
	log_error("cannot write %s: %s", path, strerror(errno));
	return -EIO;
}

static int files_open(const struct driver_options *options, struct files *files)
{
	*files = (struct files){.function_log = -1};
	if (file_open(options->summary, &files->summary) ||
	    file_open(options->samples, &files->samples))
		return -EIO;
	if (options->function_log) {
		files->function_log =
			open(options->function_log,
			     O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
		if (files->function_log < 0) {
			log_error("cannot write %s: %s", options->function_log, strerror(errno));
			return -EIO;
		}
	}
	return 0;
}

/* 0, or -EIO after a line: what a full disk refuses may show only now. */
static int files_close(struct files *files)
{
	bool failed = false;

	if (files->summary)
		failed |= fclose(files->summary) != 0;
	if (files->samples)
		failed |= fclose(files->samples) != 0;
	if (files->function_log >= 0)
		close(files->function_log);
	if (!failed)
		return 0;
	log_error("cannot write the figures: %s; give them another place", strerror(errno));
	return -EIO;
}

static int figures_tell(struct figures *figures, const struct driver_options *options,
			const struct files *files)
{
	int err = 0;

	figures_print(figures, stdout);
	if (fflush(stdout) != 0)
		err = -errno;
	if (!err && files->summary)
		err = figures_write(figures, options, files->summary);
	if (err)
		log_error("cannot write the figures: %s; give them another place", strerror(-err));
	return err;
}

static int driver_run(const struct driver_options *options)
{
	struct figures figures = {0};
	struct files files;
	int err = files_open(options, &files);
	int status = EXIT_IMPOSSIBLE;

	if (!err && files.samples && samples_begin(files.samples))
		err = -EIO;
	if (!err) {
		const struct run_outputs outputs = {.samples = files.samples,
						    .function_log = files.function_log};

		err = run_function(options, &outputs, &figures);
		if (!err || err == -ECANCELED || figures.invocations) {
			status = err || figures_status(&figures) ? EXIT_FAILURE : EXIT_SUCCESS;
			if (figures_tell(&figures, options, &files))
				status = EXIT_FAILURE;
		}
	}
	times_free(&figures.durations);
	times_free(&figures.inits);
	if (files_close(&files) && status == EXIT_SUCCESS)
		status = EXIT_FAILURE;
	return status;
}

int main(int argc, char **argv)
{
	struct driver_options options;
	int outcome;

	/* Before anything is opened: it would become stdout, and the figures would go there. */
	if (fcntl(STDERR_FILENO, F_GETFD) < 0)
		return EXIT_IMPOSSIBLE;
	if (fcntl(STDOUT_FILENO, F_GETFD) < 0) {
		log_error("stdout is closed: give it a file, a pipe or /dev/null");
		return EXIT_IMPOSSIBLE;
	}
	signal(SIGPIPE, SIG_IGN);

	outcome = driver_options_parse(argc, argv, stdout, stderr, &options);
	if (outcome == -EINVAL)
		return EX_USAGE;
	if (outcome == DRIVER_RUN)
		return driver_run(&options);
	if (outcome < 0 || fflush(stdout) != 0) {
		log_error("cannot print the help: %s", strerror(outcome < 0 ? -outcome : errno));
		return EXIT_IMPOSSIBLE;
	}
	return EXIT_SUCCESS;
}
