/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The program: options wired to a source, a pipeline and views. Shared by main.c and the app_*.c
 * beside it; nobody else's. Functions that return an int give an exit code, or 0 and a negative
 * errno where that is said; what went wrong is said by then (log.h).
 */
#ifndef TIDEMARK_APP_H
#define TIDEMARK_APP_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/types.h>

#include "user/collector.h"
#include "user/options.h"
#include "user/pipeline.h"
#include "user/recorder.h"
#include "user/replay.h"
#include "user/source/live.h"
#include "user/view/check.h"
#include "user/view/export.h"
#include "user/view/watch.h"

#define HEAP_KEYS_MAX 16 /* processes whose heap evidence the dashboard has asked for, at once */

struct app {
	struct options options;
	struct live *live;	       /* NULL: a recording is replayed */
	struct source *source;	       /* of the live, or the recording */
	struct recording_header clock; /* of the stream, and who took it */
	struct recorder *recorder;
	struct pipeline *pipeline;
	struct collector collector;
	struct watch_view *watch;
	struct export *export;
	struct check_view *check; /* NULL: not `check` */
	struct {
		uint32_t pid; /* 0: free */
		uint64_t until_ns;
	} heaps[HEAP_KEYS_MAX]; /* heap evidence that ends by itself */
	pid_t command_pid;	/* of the command we started; 0: none, or reaped */
	bool command_ending;	/* it was sent SIGTERM */
	uint64_t start_ns;
};

/* The signal that asks us to end; 0: none has come. */
extern volatile sig_atomic_t app_stop_signal;

/* app_open.c: from options to what works, and its end */
int app_open(struct app *app);
void app_close(struct app *app);
/* 0 or a negative errno of standard output, which is not said. */
int app_print_summary(struct app *app);

/* Something was to be exported, and was not, or not all of it; that was said. */
bool app_export_failed(const struct app *app);

/* An exit code: a recording that could not be written whole. */
int app_end_recording(struct app *app);

/* A child process takes six files, an export a few more. */
void app_raise_file_limit(void);

/* Heap evidence is wanted, or the dashboard's key may ask for it. */
bool app_may_follow(const struct options *options);

/* app_command.c: what is watched. 0 or a negative errno. */
int app_watch_targets(struct app *app);

/* Reaps the command if it has ended, saying how. */
void app_reap_command(struct app *app);

/* We started it: it ends with us. The collector still runs, to see it end. */
void app_end_command(struct app *app);

/* app_watch.c: signals, lines, and the loop that prints them */
void app_catch_signals(void);
void app_answer_snapshot(struct app *app);
bool app_time_is_up(const struct app *app);
bool app_collector_ended(struct app *app);

/* To standard output. 0 or a negative errno; -EAGAIN: nobody reads. */
int app_write_out(struct app *app, const char *data, size_t size);
int app_print_lines(struct app *app);

/* 0 or a negative errno of standard output, which is not said. */
int app_run_watch(struct app *app);

/* app_top.c: the dashboard. The terminal is open, and closed at the end. 0 or a negative errno. */
int app_run_top(struct app *app, bool utf8);

#endif
