// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long a big process waits for its own mmap and munmap while tidemark reconciles with its page
 * table: reading it holds the process's mmap_lock.
 *
 * Each measurement is a new target (tests/targets/big_resident.c) that fills its memory, rests
 * until the watcher has taken all of it over, and then times its own mmap of 64 KiB and the munmap.
 * The arms of a round follow one another in turning order:
 *
 *   bare      nobody watches
 *   1 Hz      tidemark watch --reconcile 1000
 *   default   tidemark watch, which reconciles as seldom as it takes to stay cheap
 *   events    1 Hz with --export, whose events.jsonl tells of each cycle; writing that file costs
 *             more than all else here, so this arm counts cycles, and its latencies are beside the
 *             point
 *
 * While the target rests nothing but reconciliation runs: what the collector spends then, over the
 * cycles that ran, is what a cycle costs.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "tests/bench/bench.h"

#include <dirent.h>
#include <getopt.h>
#include <jansson.h>
#include <sys/stat.h>

enum {
	MIB_DEFAULT = 10240,
	/* What the rest of the machine and the collector's own tables need. */
	MIB_SPARE = 3072,
	MIB_MIN = 64,
	MAPPINGS_FEW = 8,
	MAPPINGS_MANY = 60000,
	/* Of the target itself, its libraries and its stack; and the probe's own. */
	MAPPINGS_SPARE = 100,
	ROUNDS_DEFAULT = 3,
	SECONDS_DEFAULT = 6,
	REST_SECONDS = 4,
	FILL_SECONDS_MAX = 300,
};

/* What a target may wait at most for its own call, at p99.9. */
#define LIMIT_US 1000.0

enum arm { ARM_BARE, ARM_EACH_SECOND, ARM_DEFAULT, ARM_EVENTS, ARM_COUNT };

static const char *const arm_names[] = {"bare", "1 Hz", "default", "events"};

/* The events arm runs once, in the first round. */
static const enum arm orders[][3] = {
	{ARM_BARE, ARM_EACH_SECOND, ARM_DEFAULT},
	{ARM_EACH_SECOND, ARM_DEFAULT, ARM_BARE},
	{ARM_DEFAULT, ARM_BARE, ARM_EACH_SECOND},
};

struct settings {
	const char *build;
	unsigned long mib;
	unsigned long rounds;
	unsigned long seconds;
	unsigned long mappings; /* 0: both layouts */
};

struct latency {
	unsigned long long pairs;
	double p50, p99, p999, max; /* us */
};

struct cycles {
	unsigned long begun;
	unsigned long ended;
	struct samples wall_ms;
};

struct run {
	struct latency latency;
	double rest_cpu;   /* of the collector, s, in REST_SECONDS */
	double probe_cpu;  /* share of the time in which the target times its calls */
	double attach_cpu; /* s, up to the first report: loading and the first look */
	double watcher_mib;
	struct evidence evidence;
	struct cycles cycles; /* of the events arm */
};

struct layout {
	const char *name;
	unsigned long mappings;
	struct samples p50[ARM_COUNT], p99[ARM_COUNT], p999[ARM_COUNT], max[ARM_COUNT];
	struct samples pairs[ARM_COUNT], probe_cpu[ARM_COUNT], rest_cpu[ARM_COUNT];
	struct samples attach_cpu[ARM_COUNT], mib[ARM_COUNT];
	unsigned long long events[ARM_COUNT], lost[ARM_COUNT], repaired[ARM_COUNT];
	struct cycles cycles;
};

/* ---- the export ---- */

static void cycle_read(const char *line, double *begun_s, struct cycles *cycles)
{
	json_t *event = json_loads(line, 0, NULL);
	double time = json_number_value(json_object_get(event, "time_s"));
	bool periodic = json_integer_value(json_object_get(event, "cause")) == 1;
	json_int_t end = json_integer_value(json_object_get(event, "end"));

	json_decref(event);
	if (!periodic)
		return;
	if (!end) {
		cycles->begun++;
		*begun_s = time;
	} else if (end == 1) {
		cycles->ended++;
		samples_add(&cycles->wall_ms, (time - *begun_s) * 1000);
	}
}

static void cycles_read(const char *path, struct cycles *cycles)
{
	FILE *file = fopen(path, "r");
	char line[1024];
	double begun_s = 0;

	while (file && fgets(line, sizeof(line), file))
		if (strstr(line, "\"event\":\"cycle\""))
			cycle_read(line, &begun_s, cycles);
	if (file)
		fclose(file);
}

/* Reads what the only process below the directory left, and removes all of it. */
static void export_take(const char *root, struct cycles *cycles)
{
	static const char *const files[] = {"events.jsonl", "series.csv", "mappings.csv"};
	DIR *dir = opendir(root);
	struct dirent *entry;
	char path[1024];

	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s/%s", root, entry->d_name, files[0]);
		cycles_read(path, cycles);
		for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
			snprintf(path, sizeof(path), "%s/%s/%s", root, entry->d_name, files[i]);
			unlink(path);
		}
		snprintf(path, sizeof(path), "%s/%s", root, entry->d_name);
		rmdir(path);
	}
	if (dir)
		closedir(dir);
	rmdir(root);
}

/* ---- one measurement ---- */

static void watcher_start(const struct settings *settings, pid_t pid, enum arm arm,
			  const char *export, struct program *watcher)
{
	char path[512], number[32];
	char *argv[12] = {path, "watch", "--interval", "1000", "-p", number};
	int argc = 6;

	snprintf(path, sizeof(path), "%s/tidemark", settings->build);
	snprintf(number, sizeof(number), "%d", pid);
	if (arm != ARM_DEFAULT) {
		argv[argc++] = "--reconcile";
		argv[argc++] = "1000";
	}
	if (arm == ARM_EVENTS) {
		argv[argc++] = "--export";
		argv[argc++] = (char *)export;
	}
	argv[argc] = NULL;
	program_start(watcher, argv, NULL);
	program_await(watcher, "COMMAND", 60, NULL);
}

static void latency_read(const struct program *target, struct latency *latency)
{
	const char *line = strstr(target->text, "LATENCY");

	if (!line ||
	    sscanf(line, "LATENCY pairs=%llu p50=%lf p99=%lf p99.9=%lf max=%lf", &latency->pairs,
		   &latency->p50, &latency->p99, &latency->p999, &latency->max) != 5)
		bench_die("the target said no latency:\n%s", target->text);
}

/* At rest, then while the target times its calls. */
static void watcher_measure(const struct settings *settings, struct program *target,
			    struct program *watcher, struct run *run)
{
	double begin, before;

	run->attach_cpu = bench_cpu(watcher->pid);
	bench_sleep(1); /* a first look at many mappings may take longer than the first report */
	before = bench_cpu(watcher->pid);
	begin = bench_now();
	while (bench_now() - begin < REST_SECONDS)
		program_read(watcher, 50);
	run->rest_cpu = bench_cpu(watcher->pid) - before;

	before = bench_cpu(watcher->pid);
	begin = bench_now();
	program_tell(target, "next\n");
	program_await(target, "REST measured", (double)settings->seconds + 30, watcher);
	run->probe_cpu = (bench_cpu(watcher->pid) - before) / (bench_now() - begin);
	run->watcher_mib = bench_peak_mib(watcher->pid);
}

static struct run run_once(const struct settings *settings, unsigned long mappings, enum arm arm)
{
	static struct program target, watcher;
	char path[512], mib[32], count[32], seconds[32], export[] = "/tmp/stall_bench-XXXXXX";
	char *argv[] = {path, mib, count, seconds, NULL};
	struct run run = {0};

	snprintf(path, sizeof(path), "%s/targets/big_resident", settings->build);
	snprintf(mib, sizeof(mib), "%lu", settings->mib);
	snprintf(count, sizeof(count), "%lu", mappings);
	snprintf(seconds, sizeof(seconds), "%lu", settings->seconds);
	program_start(&target, argv, NULL);
	program_await(&target, "REST touched", FILL_SECONDS_MAX, NULL);
	if (arm == ARM_EVENTS && !mkdtemp(export))
		bench_die("mkdtemp: %s", strerror(errno));
	if (arm == ARM_BARE) {
		bench_sleep(1);
		program_tell(&target, "next\n");
		program_await(&target, "REST measured", (double)settings->seconds + 30, NULL);
	} else {
		watcher_start(settings, target.pid, arm, export, &watcher);
		watcher_measure(settings, &target, &watcher, &run);
	}
	program_tell(&target, "next\n");
	program_drain(&target, 60, arm == ARM_BARE ? NULL : &watcher);
	if (program_end(&target))
		bench_die("the target failed:\n%s", target.text);
	latency_read(&target, &run.latency);
	if (arm == ARM_BARE)
		return run;
	program_drain(&watcher, 60, NULL);
	if (program_end(&watcher))
		bench_die("tidemark failed:\n%s", watcher.text);
	evidence_read(&watcher, &run.evidence);
	if (arm == ARM_EVENTS)
		export_take(export, &run.cycles);
	return run;
}

/* ---- layouts ---- */

static void arm_run(const struct settings *settings, struct layout *layout, enum arm arm)
{
	struct run run = run_once(settings, layout->mappings, arm);

	samples_add(&layout->p50[arm], run.latency.p50);
	samples_add(&layout->p99[arm], run.latency.p99);
	samples_add(&layout->p999[arm], run.latency.p999);
	samples_add(&layout->max[arm], run.latency.max);
	samples_add(&layout->pairs[arm], (double)run.latency.pairs / (double)settings->seconds);
	if (arm == ARM_BARE)
		return;
	samples_add(&layout->probe_cpu[arm], run.probe_cpu * 100);
	samples_add(&layout->rest_cpu[arm], run.rest_cpu / REST_SECONDS * 100);
	samples_add(&layout->attach_cpu[arm], run.attach_cpu);
	samples_add(&layout->mib[arm], run.watcher_mib);
	layout->events[arm] += run.evidence.events;
	layout->lost[arm] += run.evidence.lost;
	layout->repaired[arm] += run.evidence.repaired;
	if (arm == ARM_EVENTS)
		layout->cycles = run.cycles;
}

static void arm_print(const struct layout *layout, enum arm arm)
{
	const char *verdict = "";

	if (arm == ARM_EACH_SECOND || arm == ARM_DEFAULT)
		verdict = samples_median(&layout->p999[arm]) < LIMIT_US ? "ok" : "OVER";
	printf("%-8s %9.0f %7.2f %7.2f %8.2f %8.2f %9.0f %-4s", arm_names[arm],
	       samples_median(&layout->pairs[arm]), samples_median(&layout->p50[arm]),
	       samples_median(&layout->p99[arm]), samples_median(&layout->p999[arm]),
	       samples_at(&layout->p999[arm], 1), samples_at(&layout->max[arm], 1), verdict);
	if (arm != ARM_BARE)
		printf(" %6.2f %6.2f %6.2f %6.0f %10llu %6llu %6llu",
		       samples_median(&layout->rest_cpu[arm]),
		       samples_median(&layout->probe_cpu[arm]),
		       samples_median(&layout->attach_cpu[arm]), samples_at(&layout->mib[arm], 1),
		       layout->events[arm], layout->lost[arm], layout->repaired[arm]);
	printf("\n");
}

static void layout_print(const struct settings *settings, const struct layout *layout)
{
	const struct cycles *cycles = &layout->cycles;
	double wall_s = samples_median(&cycles->wall_ms) / 1000;
	/* the next cycle begins a second after the last one ended, and nothing else happens */
	double per_second = 1 / (1 + wall_s);
	double cost_ms = samples_median(&layout->rest_cpu[ARM_EACH_SECOND]) * 10 / per_second;

	printf("\n%s: %lu MiB in %lu mappings\n", layout->name, settings->mib, layout->mappings);
	printf("%-8s %9s %7s %7s %8s %8s %9s %-4s %6s %6s %6s %6s %10s %6s %6s\n", "", "pairs",
	       "p50", "p99", "p99.9", "worst", "max", "", "rest", "probe", "attach", "peak",
	       "events", "lost", "repair");
	printf("%-8s %9s %7s %7s %8s %8s %9s %-4s %6s %6s %6s %6s %10s %6s %6s\n", "", "/s", "us",
	       "us", "us", "p99.9 us", "us", "", "CPU%", "CPU%", "CPU s", "MiB", "", "", "pages");
	for (int arm = 0; arm < ARM_COUNT; arm++)
		arm_print(layout, arm);
	printf("cycles in the events arm: %lu began, %lu ended, %.0f ms from begin to end "
	       "(median), "
	       "%.0f ms at most\n",
	       cycles->begun, cycles->ended, samples_median(&cycles->wall_ms),
	       samples_at(&cycles->wall_ms, 1));
	printf("a cycle takes about %.1f ms of CPU time at rest, all of the collector included\n",
	       cost_ms);
	fflush(stdout);
}

static void layout_run(const struct settings *settings, const char *name, unsigned long mappings)
{
	struct layout layout = {.name = name, .mappings = mappings};

	for (unsigned long round = 0; round < settings->rounds; round++) {
		const enum arm *order = orders[round % (sizeof(orders) / sizeof(*orders))];

		for (int i = 0; i < 3; i++)
			arm_run(settings, &layout, order[i]);
		if (!round)
			arm_run(settings, &layout, ARM_EVENTS);
	}
	layout_print(settings, &layout);
}

/* ---- what the machine allows ---- */

static void memory_fit(struct settings *settings)
{
	double available = bench_proc_mib("/proc/meminfo", "MemAvailable") - MIB_SPARE;

	if ((double)settings->mib <= available)
		return;
	if (available < MIB_MIN)
		bench_die("not enough memory: %.0f MiB available, %d are left to others", available,
			  MIB_SPARE);
	printf("%.0f MiB are to spare: the target gets these instead of %lu\n", available,
	       settings->mib);
	settings->mib = (unsigned long)available;
}

/* vm.max_map_count bounds the mappings of one process. */
static unsigned long mappings_fit(unsigned long wanted)
{
	FILE *file = fopen("/proc/sys/vm/max_map_count", "r");
	unsigned long limit = 65530;

	if (file && fscanf(file, "%lu", &limit) != 1)
		limit = 65530;
	if (file)
		fclose(file);
	if (wanted + MAPPINGS_SPARE <= limit)
		return wanted;
	printf("vm.max_map_count is %lu: %lu mappings instead of %lu\n", limit,
	       limit - MAPPINGS_SPARE, wanted);
	return limit - MAPPINGS_SPARE;
}

static void settings_parse(int argc, char **argv, struct settings *settings)
{
	static const struct option options[] = {
		{"build", required_argument, NULL, 'b'},
		{"rounds", required_argument, NULL, 'r'},
		{"seconds", required_argument, NULL, 's'},
		{"mib", required_argument, NULL, 'm'},
		{"mappings", required_argument, NULL, 'n'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int key;

	while ((key = getopt_long(argc, argv, "b:r:s:m:n:h", options, NULL)) != -1) {
		switch (key) {
		case 'b':
			settings->build = optarg;
			break;
		case 'r':
			settings->rounds = bench_number("--rounds", optarg, 1, BENCH_SAMPLES_MAX);
			break;
		case 's':
			settings->seconds = bench_number("--seconds", optarg, 1, 600);
			break;
		case 'm':
			settings->mib = bench_number("--mib", optarg, MIB_MIN, 1UL << 24);
			break;
		case 'n':
			settings->mappings = bench_number("--mappings", optarg, 1, 1UL << 24);
			break;
		default:
			printf("Usage: stall_bench [--mib=N] [--mappings=N] [--rounds=N]\n"
			       "                   [--seconds=N per measurement] [--build=DIR]\n");
			exit(key == 'h' ? 0 : 64);
		}
	}
}

int main(int argc, char **argv)
{
	struct settings settings = {.build = "build",
				    .mib = MIB_DEFAULT,
				    .rounds = ROUNDS_DEFAULT,
				    .seconds = SECONDS_DEFAULT};

	settings_parse(argc, argv, &settings);
	signal(SIGPIPE, SIG_IGN);
	printf("mmap of 64 KiB and munmap by the one who is watched, %lu rounds of %lu s\n",
	       settings.rounds, settings.seconds);
	bench_machine();
	memory_fit(&settings);
	printf("median of the rounds; worst and max: over all rounds; limit: p99.9 below %.0f us\n"
	       "CPU%%: of one processor, by the collector, with the target at rest and while it "
	       "probes\n",
	       LIMIT_US);
	fflush(stdout);
	if (settings.mappings) {
		layout_run(&settings, "as asked", mappings_fit(settings.mappings));
		return 0;
	}
	layout_run(&settings, "few mappings", MAPPINGS_FEW);
	layout_run(&settings, "many mappings", mappings_fit(MAPPINGS_MANY));
	return 0;
}
