// SPDX-License-Identifier: GPL-2.0-only
/* What is watched: processes that run, and a command that is started and ends with us. */
#include "user/app.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>

#include <sys/wait.h>

#include "user/base/log.h"

/* How long a command that was sent SIGTERM may take to end. */
#define COMMAND_END_MS 3000

/* Follows the allocations of what runs already; a command's are followed as it starts. */
static int begin_heaps(struct app *app)
{
	struct source *source = app->source;
	int rc = 0;

	for (size_t i = 0; i < app->options.pid_count && !rc; i++)
		rc = source->ops->heap ? source->ops->heap(source, app->options.pids[i], true)
				       : -EOPNOTSUPP;
	return rc;
}

int app_watch_targets(struct app *app)
{
	const struct options *options = &app->options;
	uint32_t flags = options->children ? WATCH_CHILDREN : 0;
	unsigned int found;
	int rc = 0;

	for (size_t i = 0; i < options->pid_count && !rc; i++)
		rc = live_watch_pid(app->live, options->pids[i], flags);
	for (size_t i = 0; i < options->name_count && !rc; i++) {
		rc = live_watch_name(app->live, options->names[i], flags, &found);
		if (!rc && !found)
			log_info("no process is called '%s' yet: waiting for one",
				 options->names[i]);
	}
	if (!rc)
		rc = live_check_invocations(app->live);
	if (!rc && options->heap)
		rc = begin_heaps(app);
	if (!rc && options->argv)
		rc = live_spawn_held(app->live, options->argv, flags, &app->command_pid);
	return rc;
}

/* We end it by SIGTERM ourselves: that is no failure. */
static void command_failed(const struct app *app, const char *how, int number)
{
	char text[256];

	snprintf(text, sizeof(text), "'%.128s' %s %d", app->options.argv[0], how, number);
	log_info("%s", text);
	if (app->check && !app->command_ending)
		check_view_command_failed(app->check, text);
}

/* Reaps the command, saying how it ended. */
void app_reap_command(struct app *app)
{
	int status;

	if (!app->options.argv || app->command_pid <= 0 ||
	    waitpid(app->command_pid, &status, WNOHANG) != app->command_pid)
		return;
	app->command_pid = 0;
	if (app->command_ending && WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM)
		log_info("'%.128s' was ended: it ends with the watch", app->options.argv[0]);
	else if (WIFSIGNALED(status))
		command_failed(app, "was ended by signal", WTERMSIG(status));
	else if (WEXITSTATUS(status))
		command_failed(app, "exited with status", WEXITSTATUS(status));
}

/*
 * What the command has forked, where that is followed, too: a shell ends without what it runs. (Of
 * other processes that were named nobody can tell them apart: those run on.)
 */
static void end_descendants(struct app *app)
{
	const struct process *const *processes;
	size_t count, ended = 0;

	if (!app->options.children || app->options.pid_count || app->options.name_count)
		return;
	pthread_mutex_lock(&app->collector.lock);
	processes = pipeline_processes(app->pipeline, &count);
	for (size_t i = 0; i < count; i++) {
		const struct ledger *ledger = processes[i]->ledger;

		if (!processes[i]->ended && !ledger->exit_ns &&
		    (pid_t)ledger->pid != app->command_pid)
			ended += !kill((pid_t)ledger->pid, SIGTERM);
	}
	pthread_mutex_unlock(&app->collector.lock);
	if (ended)
		log_info("%zu more process%s that it started %s sent SIGTERM", ended,
			 ended > 1 ? "es" : "", ended > 1 ? "were" : "was");
}

/* We started it: it ends with us. The collector still runs, to see it end. */
void app_end_command(struct app *app)
{
	if (app->options.argv && app->pipeline)
		end_descendants(app);
	app_reap_command(app);
	if (app->command_pid <= 0)
		return;
	app->command_ending = true;
	kill(app->command_pid, SIGTERM);
	kill(app->command_pid, SIGCONT); /* one that is stopped does not see it */
	for (int waited = 0; waited < COMMAND_END_MS && app->command_pid; waited += 20) {
		poll(NULL, 0, 20);
		app_reap_command(app);
	}
	if (app->command_pid)
		log_warning("'%s' (process %d) does not end on SIGTERM and is left running",
			    app->options.argv[0], (int)app->command_pid);
}
