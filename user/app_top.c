// SPDX-License-Identifier: GPL-2.0-only
/* The loop of the dashboard, and the heap evidence that it asks for. */
#include "user/app.h"

#include <errno.h>

#include "user/base/log.h"
#include "user/base/units.h"
#include "user/source/look.h"
#include "user/view/dashboard/dashboard.h"
#include "user/view/dashboard/terminal.h"

/* How long heap evidence lasts that the dashboard asks for: it costs. */
#define HEAP_KEY_NS (30 * NSEC_PER_SEC)

/* A recording is looked at as it was then. */
static uint64_t stream_now(const struct app *app)
{
	uint64_t newest = 0;
	size_t count;
	const struct process *const *processes = pipeline_processes(app->pipeline, &count);

	if (app->live)
		return clock_ns();
	for (size_t i = 0; i < count; i++)
		if (processes[i]->ledger->now_ns > newest)
			newest = processes[i]->ledger->now_ns;
	return newest;
}

/* The dashboard's key; under the lock. What cannot be is said by the source. */
static void toggle_heap(void *ctx, uint32_t pid, bool on)
{
	struct app *app = ctx;
	struct source *source = app->source;
	size_t slot = HEAP_KEYS_MAX;

	if (!source->ops->heap) {
		log_warning("this is a recording: what was not followed then cannot be now");
		return;
	}
	for (size_t i = 0; i < HEAP_KEYS_MAX; i++)
		if (app->heaps[i].pid == pid || (!app->heaps[i].pid && slot == HEAP_KEYS_MAX))
			slot = i;
	if (on && slot == HEAP_KEYS_MAX) {
		log_warning("allocations of %d processes are followed already", HEAP_KEYS_MAX);
		return;
	}
	if (source->ops->heap(source, pid, on) || slot == HEAP_KEYS_MAX)
		return;
	app->heaps[slot].pid = on ? pid : 0;
	app->heaps[slot].until_ns = clock_ns() + HEAP_KEY_NS;
	if (on)
		log_info("allocations of process %u are followed for 30 s", pid);
}

/* Ends what has lasted. */
static void rest_heaps(struct app *app)
{
	uint64_t now = clock_ns();

	for (size_t i = 0; i < HEAP_KEYS_MAX; i++) {
		if (!app->heaps[i].pid || now < app->heaps[i].until_ns)
			continue;
		pthread_mutex_lock(&app->collector.lock);
		toggle_heap(app, app->heaps[i].pid, false);
		log_info("allocations of process %u are not followed any more: 30 s are over",
			 app->heaps[i].pid);
		pthread_mutex_unlock(&app->collector.lock);
		app->heaps[i].pid = 0;
	}
}

/* Passes the model to one call under the lock. */
static bool with_dashboard(struct app *app, struct dashboard *dashboard, int key, struct grid *grid)
{
	struct source *source = app->source;
	struct source_state state;
	char message[256];
	struct dashboard_input input = {
		.interval_ms = app->clock.interval_ms,
		.message = message,
		.heap = toggle_heap,
		.heap_ctx = app,
	};
	bool quit = false;

	log_newest(message, sizeof(message));
	pthread_mutex_lock(&app->collector.lock);
	source->ops->state(source, &state);
	input.now_ns = stream_now(app);
	input.processes = pipeline_processes(app->pipeline, &input.count);
	input.buffer_percent = state.buffer_percent;
	input.stack_weight = state.stack_weight;
	input.orphans = pipeline_orphans(app->pipeline);
	if (key)
		quit = dashboard_key(dashboard, key, &input);
	if (grid)
		dashboard_draw(dashboard, &input, grid);
	pthread_mutex_unlock(&app->collector.lock);
	return quit;
}

static int draw(struct app *app, struct dashboard *dashboard, struct grid *grid)
{
	unsigned int rows, cols;
	int rc;

	terminal_size(&rows, &cols);
	rc = grid_resize(grid, rows, cols);
	if (rc)
		return rc;
	with_dashboard(app, dashboard, 0, grid);
	terminal_flush(grid);
	return 0;
}

int app_run_top(struct app *app, bool utf8)
{
	struct dashboard *dashboard = dashboard_new(utf8);
	struct grid grid = {0};
	int rc = dashboard ? 0 : -ENOMEM;
	bool quit = false;

	while (!rc && !quit && !app_stop_signal && !app_time_is_up(app)) {
		unsigned int wait = app->options.interval_ms < 500 ? app->options.interval_ms : 500;
		int key;

		app_answer_snapshot(app);
		rest_heaps(app);
		rc = draw(app, dashboard, &grid);
		key = rc ? 0 : terminal_key((int)wait);
		if (key)
			quit = with_dashboard(app, dashboard, key, NULL);
		app_reap_command(app);
		if (app->options.argv && !app->options.pid_count && !app->options.name_count &&
		    app_collector_ended(app))
			quit = true;
	}
	terminal_close();
	dashboard_free(dashboard);
	grid_release(&grid);
	return rc;
}
