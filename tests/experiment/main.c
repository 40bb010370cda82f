/* SPDX-License-Identifier: GPL-2.0-only */
/* The experiment: wiring only. See results.md for what it does and found. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/experiment/machine.h"
#include "tests/experiment/process.h"
#include "tests/experiment/report.h"
#include "tests/experiment/run.h"
#include "tests/experiment/table.h"
#include "user/base/cleanup.h"

#define COMMITTED "tests/experiment"
#define README "README.md"

struct settings {
	const char *build;
	const char *only; /* part of the names of what is run; NULL: all, which is then kept */
	const struct plan *plan;
	bool render; /* from the committed results, without running anything */
};

/* Busy scenarios first; those that wait, and share the machine, last. */
static const enum scenario_kind order[] = {
	SCENARIO_BACK,	 SCENARIO_BARE, SCENARIO_LONG,	 SCENARIO_LIMIT,
	SCENARIO_INSERT, SCENARIO_GAP,	SCENARIO_MINUTE, SCENARIO_BURST,
};

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool is_at_once(enum scenario_kind kind)
{
	return kind == SCENARIO_GAP || kind == SCENARIO_MINUTE || kind == SCENARIO_BURST;
}

/* Those of a kind that are wanted; how many. */
static size_t scenarios_choose(const struct settings *settings, enum scenario_kind kind,
			       struct scenario scenarios[SCENARIOS_MAX])
{
	size_t count = scenarios_make(kind, scenarios), kept = 0;

	for (size_t i = 0; i < count; i++)
		if (!settings->only || strstr(scenarios[i].name, settings->only))
			scenarios[kept++] = scenarios[i];
	return kept;
}

static void plan_print(const struct settings *settings)
{
	double total = 0;

	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++) {
		struct scenario scenarios[SCENARIOS_MAX];
		size_t all = scenarios_make(order[i], scenarios);
		size_t count = scenarios_choose(settings, order[i], scenarios);
		unsigned int rounds = plan_rounds(settings->plan, order[i]);
		double seconds = plan_seconds(settings->plan, order[i]) * rounds;

		if (!count || !rounds)
			continue;
		if (!is_at_once(order[i]))
			seconds *= (double)count / (double)all;
		printf("%-8s %3zu scenarios x %u, about %4.0f s%s\n", scenario_kind_name(order[i]),
		       count, rounds, seconds, is_at_once(order[i]) ? ", all at once" : "");
		total += seconds;
	}
	printf("together about %.0f minutes\n", ceil(total / 60));
}

static void progress_print(const struct results *results, const struct scenario *scenarios,
			   size_t count, unsigned int run, double since)
{
	for (size_t i = 0; i < count; i++) {
		const char *state = results_find(results, scenarios[i].name, run, "state");
		const char *reason = results_find(results, scenarios[i].name, run, "reason");

		printf("%5.0f s  %-48s %u  %s%s%s\n", now_s() - since, scenarios[i].name, run,
		       state, reason ? ": " : "", reason ? reason : "");
	}
	fflush(stdout);
}

/* All rounds of a kind: one of each scenario, then again, so that what disturbs is spread. */
static int kind_run(const struct settings *settings, const struct run_setup *setup,
		    enum scenario_kind kind, double since)
{
	struct scenario scenarios[SCENARIOS_MAX];
	size_t count = scenarios_choose(settings, kind, scenarios);
	size_t step = is_at_once(kind) ? count : 1;

	for (unsigned int run = 1; count && run <= plan_rounds(setup->plan, kind); run++) {
		for (size_t i = 0; i < count; i += step) {
			int err = scenarios_run(setup, &scenarios[i], step, run);

			if (err)
				return err;
			progress_print(setup->results, &scenarios[i], step, run, since);
		}
	}
	return 0;
}

static int text_write(const char *path, const char *text)
{
	AUTO_FILE FILE *file = fopen(path, "we");

	if (!file)
		return -errno;
	return fputs(text, file) < 0 || fflush(file) ? -EIO : 0;
}

static int report_save(const char *dir, const struct results *results)
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/results.md", dir);
	file = fopen(path, "we");
	if (!file)
		return -errno;
	report_write(file, results);
	return fclose(file) ? -EIO : 0;
}

/* The report and README's quote of what is committed. */
static int committed_render(const struct results *results)
{
	AUTO_FREE char *readme = file_text(README);
	AUTO_FREE char *quoted = readme ? readme_quote(readme, results) : NULL;
	int err = report_save(COMMITTED, results);

	if (!quoted) {
		fprintf(stderr, "experiment: " README " lacks the lines " README_BEGIN
				" and " README_END ": add them\n");
		return -EINVAL;
	}
	return err ? err : text_write(README, quoted);
}

static int results_save(const struct settings *settings, const struct results *results)
{
	char dir[PATH_MAX - 16], path[PATH_MAX];
	int err;

	snprintf(dir, sizeof(dir), "%s/experiment", settings->build);
	snprintf(path, sizeof(path), "%s/results.csv", dir);
	err = results_write(path, results);
	if (!err)
		err = report_save(dir, results);
	if (err || settings->only) {
		printf("written: %s/results.md and results.csv; kept as they were: " COMMITTED "\n",
		       dir);
		return err;
	}
	err = results_write(COMMITTED "/results.csv", results);
	if (!err)
		err = committed_render(results);
	if (!err)
		printf("written: %s/results.md and results.csv; copied to " COMMITTED
		       ", and quoted in " README "\n",
		       dir);
	return err;
}

static int experiment_run(const struct settings *settings)
{
	struct results results = {0};
	char work[PATH_MAX];
	const struct run_setup setup = {.build = settings->build,
					.work = work,
					.plan = settings->plan,
					.results = &results};
	double since = now_s();
	int err = 0;

	snprintf(work, sizeof(work), "%s/experiment/runs", settings->build);
	plan_print(settings);
	process_setup();
	err = directories_make(work);
	machine_describe(&results, settings->plan);
	for (size_t i = 0; i < sizeof(order) / sizeof(*order) && !err; i++)
		err = kind_run(settings, &setup, order[i], since);
	if (!err)
		err = results_save(settings, &results);
	results_free(&results);
	return err;
}

static int experiment_render(void)
{
	struct results results = {0};
	int err = results_read(COMMITTED "/results.csv", &results);

	if (!err)
		err = committed_render(&results);
	results_free(&results);
	return err;
}

static const char usage[] =
	"Usage: experiment [--build=DIR] [--full] [--only=NAME] [--render]\n"
	"Runs the postmortem's experiment and writes DIR/experiment/results.{md,csv}; without\n"
	"--only also " COMMITTED " and the block in " README ". --only runs what has NAME in\n"
	"its name; --render makes the texts of the committed results.csv again.\n";

static bool settings_parse(int argc, char **argv, struct settings *settings)
{
	static const struct option options[] = {
		{"build", required_argument, NULL, 'b'}, {"full", no_argument, NULL, 'f'},
		{"only", required_argument, NULL, 'o'},	 {"render", no_argument, NULL, 'r'},
		{"help", no_argument, NULL, 'h'},	 {NULL, 0, NULL, 0},
	};
	int key;

	while ((key = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (key) {
		case 'b':
			settings->build = optarg;
			break;
		case 'f':
			settings->plan = &plan_full;
			break;
		case 'o':
			settings->only = optarg;
			break;
		case 'r':
			settings->render = true;
			break;
		default:
			fputs(usage, stdout);
			exit(key == 'h' ? 0 : 64);
		}
	}
	return optind == argc;
}

int main(int argc, char **argv)
{
	struct settings settings = {.build = "build", .plan = &plan_default};
	int err;

	if (!settings_parse(argc, argv, &settings)) {
		fputs(usage, stderr);
		return 64;
	}
	if (!settings.render && geteuid() != 0) {
		fprintf(stderr, "experiment: it loads BPF programs and makes control groups: run "
				"it as root\n");
		return 2;
	}
	err = settings.render ? experiment_render() : experiment_run(&settings);
	if (err)
		fprintf(stderr, "experiment: %s\n",
			err == -EINTR ? "ended early: nothing was kept" : strerror(-err));
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
