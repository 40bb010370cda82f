/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One or more scenarios become one shell script; tidemark, where it watches, starts the script and
 * follows its children, so that it sees each handler from its first page on.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "tests/experiment/run.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/experiment/collect.h"
#include "tests/experiment/process.h"
#include "user/base/cleanup.h"

/* The programs' probes. */
#define PROBES "order_handler:invocation_start,invocation_end"

/* Beyond what a run should take: it hangs. */
#define HANG_FACTOR 4
#define HANG_EXTRA_S 60

/* Orders put into the cache to measure what one costs. */
#define INSERT_COUNT 100000

/* Between the starts of scenarios that run at once: their starts are the busy part. */
#define STAGGER_S 1

static bool is_watched(enum scenario_kind kind)
{
	return kind != SCENARIO_BARE && kind != SCENARIO_LIMIT && kind != SCENARIO_INSERT;
}

/* Path of the scenario's program; of one that inserts, the one that measures that. */
static void program_path(const struct run_setup *setup, const struct scenario *scenario,
			 char path[PATH_MAX])
{
	if (scenario->kind == SCENARIO_INSERT)
		snprintf(path, PATH_MAX, "%s/experiment/insert-%s", setup->build,
			 scenario->memory->handler);
	else
		snprintf(path, PATH_MAX, "%s/%shandler-%s", setup->build,
			 scenario->debug ? "debug/" : "", scenario->memory->handler);
}

/* "env LD_PRELOAD=... PROGRAM --cache KIND": what the allocator is to be, and what to run. */
static void program_put(FILE *script, const struct run_setup *setup,
			const struct scenario *scenario)
{
	const struct memory *memory = scenario->memory;
	char path[PATH_MAX];

	program_path(setup, scenario, path);
	fputs("env", script);
	if (memory->preload)
		fprintf(script, " LD_PRELOAD=%s", memory->preload);
	if (memory->settings)
		fprintf(script, " MALLOC_CONF=%s", memory->settings);
	fprintf(script, " '%s' --cache %s", path, scenario->lru ? "lru" : "unbounded");
	if (scenario->lru)
		fprintf(script, " --lru-size %u", setup->plan->lru_entries);
}

static int sample_every(enum scenario_kind kind)
{
	switch (kind) {
	case SCENARIO_LIMIT:
		return SAMPLE_EVERY_LIMIT;
	case SCENARIO_MINUTE:
	case SCENARIO_BURST:
		return 1;
	default:
		return SAMPLE_EVERY;
	}
}

static void driver_put(FILE *script, const struct run_setup *setup, const struct scenario *scenario,
		       const char *dir)
{
	const struct plan *plan = setup->plan;

	fprintf(script,
		"'%s/driver' --summary '%s/driver.json' --samples '%s/samples.csv' --sample-every "
		"%d --function-log '%s/function.log'",
		setup->build, dir, dir, sample_every(scenario->kind), dir);
	switch (scenario->kind) {
	case SCENARIO_LONG:
		fprintf(script, " --invocations %u", plan->long_invocations);
		break;
	case SCENARIO_LIMIT:
		fprintf(script, " --invocations %u --memory %uM", plan->limit_invocations,
			plan->limit_mib);
		break;
	case SCENARIO_GAP:
		fprintf(script, " --invocations %u --gap %u", plan->gap_invocations, plan->gap_ms);
		break;
	case SCENARIO_MINUTE:
		fprintf(script, " --invocations %u --gap %d", plan->minute_invocations, MINUTE_MS);
		break;
	case SCENARIO_BURST:
		fprintf(script, " --invocations 2 --gap %u --records %u", plan->silence_ms,
			plan->burst_records);
		break;
	default:
		fprintf(script, " --invocations %u", plan->invocations);
	}
	fprintf(script, "%s -- ", scenario->frozen ? " --freeze" : "");
	program_put(script, setup, scenario);
	fprintf(script, " --truth '%s/truth.jsonl' --report 0", dir);
	if (scenario->kind == SCENARIO_BURST)
		fprintf(script, " --burst %u --idle 0", plan->burst_mib);
}

static void scenario_put(FILE *script, const struct run_setup *setup,
			 const struct scenario *scenario, const char *dir)
{
	if (scenario->kind == SCENARIO_INSERT) {
		program_put(script, setup, scenario);
		fprintf(script, " --count %d >'%s/insert.json'", INSERT_COUNT, dir);
	} else {
		driver_put(script, setup, scenario, dir);
		fprintf(script, " >'%s/log'", dir);
	}
	fprintf(script, " 2>>'%s/errors'; echo $? >'%s/status'\n", dir, dir);
}

/* Where a scenario's files go. The '/' of its name make directories. */
static void scenario_dir(const struct run_setup *setup, const struct scenario *scenario,
			 unsigned int run, char dir[PATH_MAX])
{
	snprintf(dir, PATH_MAX, "%s/%s/%u", setup->work, scenario->name, run);
	for (char *at = dir + strlen(setup->work); *at; at++)
		if (*at == ' ' || *at == ':')
			*at = '-';
}

/* Empty directories for what is to come. 0 or a negative errno. */
static int directory_renew(const char *dir)
{
	char *const argv[] = {"rm", "-rf", (char *)dir, NULL};
	int rc = process_run(argv, "/dev/null", 60);

	return rc ? rc : directories_make(dir);
}

static int script_write(const struct run_setup *setup, const struct scenario *scenarios,
			size_t count, unsigned int run, const char *path)
{
	AUTO_FILE FILE *script = fopen(path, "we");
	char dir[PATH_MAX];

	if (!script)
		return -errno;
	for (size_t i = 0; i < count; i++) {
		int rc;

		scenario_dir(setup, &scenarios[i], run, dir);
		rc = directory_renew(dir);
		if (rc)
			return rc;
		if (count > 1)
			fprintf(script, "( sleep %zu; ", i * STAGGER_S);
		scenario_put(script, setup, &scenarios[i], dir);
		if (count > 1)
			fputs(") &\n", script);
	}
	fputs("wait\n", script);
	return ferror(script) ? -EIO : 0;
}

/* tidemark and its options, ended with the script. */
struct watch_arguments {
	char *argv[64];
	size_t count;
	char tidemark[PATH_MAX], export[PATH_MAX];
	char specs[8][PATH_MAX + 80];
	size_t spec_count;
};

static void argument_add(struct watch_arguments *watch, const char *argument)
{
	watch->argv[watch->count++] = (char *)argument;
}

/* The probes of every program, each file once. */
static void specs_add(const struct run_setup *setup, const struct scenario *scenarios, size_t count,
		      struct watch_arguments *watch)
{
	for (size_t i = 0; i < count; i++) {
		char path[PATH_MAX], *spec = watch->specs[watch->spec_count];
		size_t same = 0;

		program_path(setup, &scenarios[i], path);
		snprintf(spec, sizeof(watch->specs[0]), "usdt:%s:" PROBES, path);
		while (strcmp(watch->specs[same], spec) != 0)
			same++;
		if (same < watch->spec_count)
			continue;
		argument_add(watch, "--invocation");
		argument_add(watch, spec);
		if (++watch->spec_count == sizeof(watch->specs) / sizeof(*watch->specs))
			return;
	}
}

static void watch_make(const struct run_setup *setup, const struct scenario *scenarios,
		       size_t count, const char *export, struct watch_arguments *watch)
{
	/* a short run is to be seen more than once, and a burst before it is over */
	const char *interval = count > 1 ? "250" : "100";

	snprintf(watch->tidemark, sizeof(watch->tidemark), "%s/tidemark", setup->build);
	snprintf(watch->export, sizeof(watch->export), "%s", export);
	argument_add(watch, watch->tidemark);
	argument_add(watch, "watch");
	argument_add(watch, "--children");
	argument_add(watch, "--interval");
	argument_add(watch, interval);
	argument_add(watch, "--stack-bytes");
	argument_add(watch, "0");
	argument_add(watch, "--export");
	argument_add(watch, watch->export);
	argument_add(watch, "--format");
	argument_add(watch, "csv");
	specs_add(setup, scenarios, count, watch);
	argument_add(watch, "--");
}

/* A run that takes longer than that hangs. Seconds. */
static double patience(const struct plan *plan, enum scenario_kind kind, size_t count)
{
	struct scenario all[SCENARIOS_MAX];
	double share = (double)count / (double)scenarios_make(kind, all);

	return HANG_EXTRA_S + HANG_FACTOR * plan_seconds(plan, kind) * (count > 1 ? 1 : share);
}

/* Runs the script, watched or not. What process_run() says. */
static int script_run(const struct run_setup *setup, const struct scenario *scenarios, size_t count,
		      const char *script, const char *trace)
{
	struct watch_arguments watch = {.count = 0};
	char output[PATH_MAX];

	snprintf(output, sizeof(output), "%s/watched/output", setup->work);
	if (is_watched(scenarios->kind))
		watch_make(setup, scenarios, count, trace, &watch);
	argument_add(&watch, "sh");
	argument_add(&watch, script);
	return process_run(watch.argv, output, patience(setup->plan, scenarios->kind, count));
}

int scenarios_run(const struct run_setup *setup, const struct scenario *scenarios, size_t count,
		  unsigned int run)
{
	char base[PATH_MAX - 32], script[PATH_MAX], trace[PATH_MAX], why[128] = "";
	int rc;

	snprintf(base, sizeof(base), "%s/watched", setup->work);
	snprintf(script, sizeof(script), "%s/script", base);
	snprintf(trace, sizeof(trace), "%s/trace", base);
	rc = directory_renew(base);
	if (!rc)
		rc = directories_make(trace);
	if (!rc)
		rc = script_write(setup, scenarios, count, run, script);
	if (!rc)
		rc = script_run(setup, scenarios, count, script, trace);
	if (process_stopped())
		return -EINTR;
	if (rc == -ETIMEDOUT)
		snprintf(why, sizeof(why), "took too long");
	else if (rc < 0)
		snprintf(why, sizeof(why), "%s", strerror(-rc));
	else if (rc > 0)
		snprintf(why, sizeof(why), "ended with exit code %d", rc);
	for (size_t i = 0; i < count; i++) {
		const struct sink sink = {setup->results, scenarios[i].name, run};
		char dir[PATH_MAX];

		scenario_dir(setup, &scenarios[i], run, dir);
		scenario_collect(&sink, &scenarios[i], dir,
				 is_watched(scenarios->kind) ? trace : NULL, rc ? why : NULL);
	}
	return 0;
}
