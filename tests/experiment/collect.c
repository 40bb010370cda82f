/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "tests/experiment/collect.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/experiment/measure.h"
#include "user/base/cleanup.h"

/* The memory of longer runs is in their samples only. */
#define SAMPLES_LAST 1000

struct outcome {
	const struct sink *sink;
	bool failed, lossy;
	char reason[160];
};

/* The first reason is kept. */
__attribute__((format(printf, 3, 4))) static void outcome_note(struct outcome *outcome, bool failed,
							       const char *format, ...)
{
	va_list args;

	if (failed ? !outcome->failed : !outcome->failed && !outcome->lossy) {
		va_start(args, format);
		vsnprintf(outcome->reason, sizeof(outcome->reason), format, args);
		va_end(args);
	}
	outcome->failed |= failed;
	outcome->lossy |= !failed;
}

static char *text_read(const char *dir, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return file_text(path);
}

/* False, with a note, if it cannot be read. */
static bool csv_read(struct outcome *outcome, const char *dir, const char *name,
		     struct table *table)
{
	char path[PATH_MAX];
	int err;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	err = table_read(path, table);
	if (err)
		outcome_note(outcome, true, "%s: %s", name, strerror(-err));
	return !err;
}

/* The newest line of what the programs said on stderr. */
static void errors_newest(const char *dir, char *line, size_t size)
{
	AUTO_FREE char *text = text_read(dir, "errors");
	char *start;

	*line = '\0';
	if (!text)
		return;
	while (*text && text[strlen(text) - 1] == '\n')
		text[strlen(text) - 1] = '\0';
	start = strrchr(text, '\n');
	snprintf(line, size, "%s", start ? start + 1 : text);
}

static void status_check(struct outcome *outcome, const char *dir)
{
	AUTO_FREE char *text = text_read(dir, "status");
	char line[100];

	errors_newest(dir, line, sizeof(line));
	if (!text)
		outcome_note(outcome, true, "it did not end: %s", line);
	else if (strcmp(text, "0\n") != 0)
		outcome_note(outcome, true, "exit code %.*s: %s", (int)strcspn(text, "\n"), text,
			     line);
}

/* The process that the driver served: the last sample that names one; 0: there is none. */
static int served_pid(const struct table *samples)
{
	for (size_t row = samples->rows; row-- > 0;) {
		double pid = table_number(samples, row, "pid");

		if (pid > 0)
			return (int)pid;
	}
	return 0;
}

/* tidemark's directory of that process as the handler, which it became by exec. */
static bool trace_find(const char *trace, int pid, char path[PATH_MAX])
{
	char prefix[32];
	struct dirent *entry;
	DIR *dir = opendir(trace);
	bool found = false;

	snprintf(prefix, sizeof(prefix), "%d-handler-", pid);
	while (dir && !found && (entry = readdir(dir))) {
		found = !strncmp(entry->d_name, prefix, strlen(prefix));
		if (found)
			snprintf(path, PATH_MAX, "%.1024s/%s", trace, entry->d_name);
	}
	if (dir)
		closedir(dir);
	return found;
}

static double number_of(const struct sink *sink, const char *measure)
{
	const char *text = results_find(sink->results, sink->scenario, sink->run, measure);

	return text ? strtod(text, NULL) : NAN;
}

/* What was seen is what there was. */
static void watch_check(struct outcome *outcome)
{
	const struct sink *sink = outcome->sink;
	double seen = number_of(sink, "invocations"), sent = number_of(sink, "delivered");
	double lost = number_of(sink, "lost_events"), lossy = number_of(sink, "lossy_invocations");

	if (number_of(sink, "instances") != 1)
		outcome_note(outcome, true, "%.0f instances instead of one",
			     number_of(sink, "instances"));
	if (!(seen > 0))
		outcome_note(outcome, true, "tidemark saw no invocation");
	else if (seen != sent)
		outcome_note(outcome, false, "tidemark saw %.0f of %.0f invocations", seen, sent);
	if (lost > 0 || lossy > 0)
		outcome_note(outcome, false, "%.0f records lost, in %.0f invocations", lost, lossy);
}

static void trace_collect(struct outcome *outcome, const struct scenario *scenario,
			  const char *trace, const struct table *samples)
{
	struct table series = {0}, invocations = {0};
	char path[PATH_MAX];

	if (!trace_find(trace, served_pid(samples), path)) {
		outcome_note(outcome, true, "tidemark has no trace of process %d",
			     served_pid(samples));
		return;
	}
	if (csv_read(outcome, path, "series.csv", &series))
		measure_series(&series, outcome->sink);
	if (csv_read(outcome, path, "invocations.csv", &invocations))
		measure_invocations(&invocations, outcome->sink);
	if (scenario->kind == SCENARIO_BURST)
		measure_burst(&series, &invocations, outcome->sink);
	table_free(&series);
	table_free(&invocations);
	watch_check(outcome);
}

static void driver_collect(struct outcome *outcome, const struct scenario *scenario,
			   const char *dir, const char *trace)
{
	AUTO_FREE char *json = text_read(dir, "driver.json");
	AUTO_FREE char *truth = text_read(dir, "truth.jsonl");
	struct table samples = {0};

	if (!json || measure_driver(json, outcome->sink))
		outcome_note(outcome, true, "the driver left no summary");
	/* an instance that the kernel kills has no last word */
	if (scenario->kind != SCENARIO_LIMIT && (!truth || measure_truth(truth, outcome->sink)))
		outcome_note(outcome, true, "the handler left no account of its own");
	if (csv_read(outcome, dir, "samples.csv", &samples)) {
		if (scenario->kind == SCENARIO_LIMIT)
			measure_lives(&samples, outcome->sink);
		else
			measure_samples(&samples, SAMPLE_EVERY, SAMPLES_LAST, outcome->sink);
		if (trace)
			trace_collect(outcome, scenario, trace, &samples);
	}
	table_free(&samples);
}

void scenario_collect(const struct sink *sink, const struct scenario *scenario, const char *dir,
		      const char *trace, const char *failure)
{
	struct outcome outcome = {.sink = sink};

	status_check(&outcome, dir);
	if (failure)
		outcome_note(&outcome, true, "%s", failure);
	if (scenario->kind == SCENARIO_INSERT) {
		AUTO_FREE char *json = text_read(dir, "insert.json");

		if (!json || measure_insert(json, sink))
			outcome_note(&outcome, true, "nothing was measured");
	} else {
		driver_collect(&outcome, scenario, dir, trace);
	}
	results_text(sink, "state",
		     outcome.failed  ? STATE_FAILED
		     : outcome.lossy ? STATE_LOSSY
				     : STATE_OK);
	if (outcome.failed || outcome.lossy)
		results_text(sink, "reason", outcome.reason);
}
