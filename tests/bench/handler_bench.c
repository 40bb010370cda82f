// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the order handler's throughput loses beside `tidemark watch`.
 *
 * For each allocator and cache the handler runs at full speed, one thread, the same events each
 * time: bare, watched, and with tidemark attached to another, idle process, which shows what the
 * programs cost those that nobody watches. A round is one run of each, next to one another in
 * time and in turning order; the ratios compare runs of the same round only, so that what the
 * machine does besides falls on both sides. The rate is the handler's own, from its first to its
 * last invocation: neither attaching nor starting is part of it. tidemark attaches before the
 * handler's exec, while the handler waits at a gate.
 *
 * Where other virtual machines share the processors, runs differ by half from one minute to the
 * next, and so do ratios. So each round also lets two handlers, one watched and one not, take
 * turns of a few milliseconds (SIGSTOP, SIGCONT) until both have done the same work, and compares
 * their CPU time: whatever comes and goes falls on both. The collector's own CPU time is not in
 * it, and the one not watched pays what those beside a watched process pay.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "tests/bench/bench.h"

#include <getopt.h>
#include <jansson.h>

enum { RUN_SECONDS_DEFAULT = 3, ROUNDS_DEFAULT = 5, RUN_SECONDS_MAX = 120 };

/* Long beside what a switch costs and the caches it empties, short beside a disturbance. */
#define TURN_SECONDS 0.01

/* Of the bare rate, the least that a watched handler is to reach; with --no-stacks. */
#define RATIO_LIMIT 0.95
#define RATIO_LIMIT_NO_STACKS 0.97

enum arm { ARM_BARE, ARM_WATCHED, ARM_BESIDE, ARM_COUNT };

/* Each arm is first, last, and next to each other arm about as often. */
static const enum arm orders[][ARM_COUNT] = {
	{ARM_BARE, ARM_WATCHED, ARM_BESIDE}, {ARM_WATCHED, ARM_BARE, ARM_BESIDE},
	{ARM_BESIDE, ARM_BARE, ARM_WATCHED}, {ARM_WATCHED, ARM_BESIDE, ARM_BARE},
	{ARM_BARE, ARM_BESIDE, ARM_WATCHED}, {ARM_BESIDE, ARM_WATCHED, ARM_BARE},
};

struct settings {
	const char *build;
	const char *allocator; /* NULL: all */
	const char *cache;
	unsigned long rounds;
	unsigned long seconds;
	bool turns_only;
	bool no_stacks;
};

struct variant {
	const char *allocator;
	const char *cache;
	unsigned long invocations;
};

struct run {
	double rate;	     /* invocations/s */
	double cpu_per_call; /* of the handler, s */
	double watcher_cpu;  /* share of the run's wall time */
	double watcher_mib;
	double events_per_s;
	struct evidence evidence;
};

static void truth_read(const struct program *handler, struct run *run)
{
	const char *line = handler->text;
	json_t *truth;

	for (const char *at; (at = strchr(line, '\n')) && at[1];)
		line = at + 1;
	truth = json_loads(line, JSON_DISABLE_EOF_CHECK, NULL);
	run->rate = json_number_value(json_object_get(truth, "invocations_per_s"));
	if (!json_is_true(json_object_get(truth, "final")) && run->rate <= 0)
		bench_die("the handler's last line is no truth:\n%s", handler->text);
	json_decref(truth);
}

static void handler_start(const struct settings *settings, const struct variant *variant,
			  struct program *handler, int *gate)
{
	char path[512], cache[64], count[64];
	char *argv[] = {path, cache, count, "--report=0", "--seed=1", "--threads=1", NULL};

	snprintf(path, sizeof(path), "%s/handler-%s", settings->build, variant->allocator);
	snprintf(cache, sizeof(cache), "--cache=%s", variant->cache);
	snprintf(count, sizeof(count), "--invocations=%lu", variant->invocations);
	program_start(handler, argv, gate);
}

/* Returns once its first line says that it is attached and has looked around. */
static void watcher_start(const struct settings *settings, pid_t pid, struct program *watcher)
{
	char path[512], number[32];
	char *argv[] = {path, "watch", "--interval", "1000", "-p", number, NULL, NULL, NULL};

	snprintf(path, sizeof(path), "%s/tidemark", settings->build);
	snprintf(number, sizeof(number), "%d", pid);
	if (settings->no_stacks) {
		argv[6] = "--stack-bytes";
		argv[7] = "0";
	}
	program_start(watcher, argv, NULL);
	program_await(watcher, "COMMAND", 30, NULL);
}

static struct run run_once(const struct settings *settings, const struct variant *variant,
			   enum arm arm)
{
	static struct program handler, watcher, idle;
	struct run run = {0};
	double begin, took, cpu;
	int gate, idle_gate;

	handler_start(settings, variant, &handler, &gate);
	if (arm == ARM_BESIDE)
		handler_start(settings, variant, &idle, &idle_gate);
	if (arm != ARM_BARE)
		watcher_start(settings, arm == ARM_BESIDE ? idle.pid : handler.pid, &watcher);

	begin = bench_now();
	cpu = arm == ARM_BARE ? 0 : bench_cpu(watcher.pid);
	program_go(gate);
	program_await(&handler, "\"final\"", RUN_SECONDS_MAX, arm == ARM_BARE ? NULL : &watcher);
	took = bench_now() - begin;
	if (arm != ARM_BARE) {
		run.watcher_cpu = (bench_cpu(watcher.pid) - cpu) / took;
		run.watcher_mib = bench_peak_mib(watcher.pid);
	}
	program_drain(&handler, 10, arm == ARM_BARE ? NULL : &watcher);
	if (program_end(&handler))
		bench_die("the handler failed:\n%s", handler.text);
	truth_read(&handler, &run);
	run.cpu_per_call = program_cpu(&handler) / (double)variant->invocations;

	if (arm == ARM_BESIDE) {
		close(idle_gate);
		program_drain(&idle, 10, &watcher);
		program_end(&idle);
	}
	if (arm == ARM_BARE)
		return run;
	program_drain(&watcher, 10, NULL);
	if (program_end(&watcher))
		bench_die("tidemark failed:\n%s", watcher.text);
	evidence_read(&watcher, &run.evidence);
	run.events_per_s = (double)run.evidence.events / took;
	return run;
}

/* One handler goes on, the other stands still. */
static void turn_take(const struct program *goes, const struct program *rests)
{
	kill(rests->pid, SIGSTOP);
	kill(goes->pid, SIGCONT);
}

/* Returns the CPU time of a bare handler to that of a watched one, in turns beside it. */
static double turns_run(const struct settings *settings, const struct variant *variant,
			unsigned long round)
{
	static struct program handlers[2], watcher;
	struct program *watched = &handlers[round % 2], *bare = &handlers[(round + 1) % 2];
	int gates[2];

	for (int i = 0; i < 2; i++)
		handler_start(settings, variant, &handlers[i], &gates[i]);
	watcher_start(settings, watched->pid, &watcher);
	for (int i = 0; i < 2; i++)
		program_go(gates[i]);
	for (unsigned long turn = 0;
	     !strstr(handlers[0].text, "\"final\"") && !strstr(handlers[1].text, "\"final\"");
	     turn++) {
		turn_take(&handlers[turn % 2], &handlers[(turn + 1) % 2]);
		bench_sleep(TURN_SECONDS);
		for (int i = 0; i < 2; i++)
			program_read(&handlers[i], 0);
		program_read(&watcher, 0);
	}
	for (int i = 0; i < 2; i++) {
		kill(handlers[i].pid, SIGCONT);
		program_drain(&handlers[i], RUN_SECONDS_MAX, &watcher);
		if (program_end(&handlers[i]))
			bench_die("the handler failed:\n%s", handlers[i].text);
	}
	program_drain(&watcher, 10, NULL);
	if (program_end(&watcher))
		bench_die("tidemark failed:\n%s", watcher.text);
	return program_cpu(bare) / program_cpu(watched);
}

/* A first run warms the page cache up and says how many invocations take the time wanted. */
static void variant_size(const struct settings *settings, struct variant *variant)
{
	variant->invocations = 1000;
	for (int i = 0; i < 2; i++) {
		double rate = run_once(settings, variant, ARM_BARE).rate;

		variant->invocations = (unsigned long)(rate * (double)settings->seconds);
		variant->invocations -= variant->invocations % 100;
		variant->invocations += 100;
	}
}

/* What the rounds of one variant came to. */
struct result {
	struct samples rate[ARM_COUNT];
	struct samples ratio[ARM_COUNT];     /* to the bare rate of the same round */
	struct samples cpu_ratio[ARM_COUNT]; /* bare to this CPU time per invocation */
	struct samples turns;		     /* bare to watched CPU time, taking turns */
	struct samples watcher_cpu, watcher_mib, events;
	unsigned long long lost, repaired;
	char unexplained[32];
};

static void round_run(const struct settings *settings, const struct variant *variant,
		      const enum arm *order, struct result *result)
{
	struct run runs[ARM_COUNT];
	const struct run *watched = &runs[ARM_WATCHED];

	for (int i = 0; i < ARM_COUNT; i++)
		runs[order[i]] = run_once(settings, variant, order[i]);
	for (int arm = 0; arm < ARM_COUNT; arm++) {
		samples_add(&result->rate[arm], runs[arm].rate);
		samples_add(&result->ratio[arm], runs[arm].rate / runs[ARM_BARE].rate);
		samples_add(&result->cpu_ratio[arm],
			    runs[ARM_BARE].cpu_per_call / runs[arm].cpu_per_call);
	}
	samples_add(&result->watcher_cpu, watched->watcher_cpu * 100);
	samples_add(&result->watcher_mib, watched->watcher_mib);
	samples_add(&result->events, watched->events_per_s);
	result->lost += watched->evidence.lost;
	result->repaired += watched->evidence.repaired;
	if (strcmp(watched->evidence.unexplained, "0") || !result->unexplained[0])
		memcpy(result->unexplained, watched->evidence.unexplained,
		       sizeof(result->unexplained));
}

/* The fastest runs are those that nothing else disturbed. */
static double best_ratio(const struct result *result, enum arm arm)
{
	return samples_at(&result->rate[arm], 1) / samples_at(&result->rate[ARM_BARE], 1);
}

static double ratio_limit(const struct settings *settings)
{
	return settings->no_stacks ? RATIO_LIMIT_NO_STACKS : RATIO_LIMIT;
}

static const char *verdict(const struct settings *settings, const struct samples *ratio)
{
	return samples_median(ratio) >= ratio_limit(settings) ? "ok" : "UNDER";
}

static void result_print(const struct settings *settings, const struct variant *variant,
			 const struct result *result)
{
	const struct samples *watched = &result->ratio[ARM_WATCHED];

	printf("%-8s %-9s  %5.3f %5.3f %5.3f %-5s", variant->allocator, variant->cache,
	       samples_at(&result->turns, 0), samples_median(&result->turns),
	       samples_at(&result->turns, 1), verdict(settings, &result->turns));
	if (!watched->count) {
		printf("\n");
		fflush(stdout);
		return;
	}
	printf("  %7.0f %7.0f", samples_median(&result->rate[ARM_BARE]),
	       samples_median(&result->rate[ARM_WATCHED]));
	printf("  %5.3f %5.3f %5.3f %-5s %5.3f %5.3f", samples_at(watched, 0),
	       samples_median(watched), samples_at(watched, 1), verdict(settings, watched),
	       best_ratio(result, ARM_WATCHED), samples_median(&result->cpu_ratio[ARM_WATCHED]));
	printf("  %5.3f %5.3f %5.3f", samples_median(&result->ratio[ARM_BESIDE]),
	       best_ratio(result, ARM_BESIDE), samples_median(&result->cpu_ratio[ARM_BESIDE]));
	printf("  %5.2f %6.1f %7.0f %5llu %6llu %6s\n", samples_median(&result->watcher_cpu),
	       samples_at(&result->watcher_mib, 1), samples_median(&result->events), result->lost,
	       result->repaired, result->unexplained);
	fflush(stdout);
}

static void variant_run(const struct settings *settings, struct variant *variant)
{
	struct result result = {0};

	variant_size(settings, variant);
	for (unsigned long round = 0; round < settings->rounds; round++) {
		const enum arm *order = orders[round % (sizeof(orders) / sizeof(*orders))];

		if (!settings->turns_only)
			round_run(settings, variant, order, &result);
		samples_add(&result.turns, turns_run(settings, variant, round));
	}
	result_print(settings, variant, &result);
}

static void heading(const struct settings *settings)
{
	printf("order handler, 1 thread, runs of about %lu s, %lu rounds\n", settings->seconds,
	       settings->rounds);
	bench_machine();
	printf("turns      bare to watched CPU time of two handlers that take turns of 10 ms\n"
	       "ratio      watched to bare invocations/s of two runs in the same round\n"
	       "           the median of either is to be %.2f or more\n"
	       "best       the fastest watched to the fastest bare run: what else the machine "
	       "does\n"
	       "           only makes runs slower\n"
	       "cpu        bare to watched CPU time per invocation, median\n"
	       "beside     median ratio, best and cpu while tidemark watches another, idle "
	       "process\n"
	       "collector  CPU in %% of one processor while the handler runs; peak RSS in MiB, in\n"
	       "           which its ring buffer of 32 MiB counts twice, mapped so; events/s; and\n"
	       "           of all rounds events lost, pages repaired, bytes unexplained at the "
	       "end\n"
	       "\n",
	       ratio_limit(settings));
	printf("%-8s %-9s  %-23s  %15s  %-35s  %-17s  %s\n", "", "", "turns", "invocations/s",
	       "ratio", "beside", "collector");
	printf("%-8s %-9s  %5s %5s %5s %-5s  %7s %7s  %5s %5s %5s %-5s %5s %5s  %5s %5s %5s  %5s "
	       "%6s %7s %5s %6s %6s\n",
	       "alloc", "cache", "min", "med", "max", "", "bare", "watched", "min", "med", "max",
	       "", "best", "cpu", "med", "best", "cpu", "CPU%", "MiB", "evt/s", "lost", "repair",
	       "unexpl");
	fflush(stdout);
}

static void settings_parse(int argc, char **argv, struct settings *settings)
{
	static const struct option options[] = {
		{"build", required_argument, NULL, 'b'},
		{"rounds", required_argument, NULL, 'r'},
		{"seconds", required_argument, NULL, 's'},
		{"allocator", required_argument, NULL, 'a'},
		{"cache", required_argument, NULL, 'c'},
		{"turns", no_argument, NULL, 't'},
		{"no-stacks", no_argument, NULL, 'n'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int key;

	while ((key = getopt_long(argc, argv, "b:r:s:a:c:tnh", options, NULL)) != -1) {
		switch (key) {
		case 'b':
			settings->build = optarg;
			break;
		case 'r':
			settings->rounds = bench_number("--rounds", optarg, 1, BENCH_SAMPLES_MAX);
			break;
		case 's':
			settings->seconds = bench_number("--seconds", optarg, 1, 60);
			break;
		case 'a':
			settings->allocator = optarg;
			break;
		case 'c':
			settings->cache = optarg;
			break;
		case 't':
			settings->turns_only = true;
			break;
		case 'n':
			settings->no_stacks = true;
			break;
		default:
			printf("Usage: handler_bench [--rounds=N] [--seconds=N per run]\n"
			       "                     [--allocator=glibc|jemalloc|mimalloc]\n"
			       "                     [--cache=unbounded|lru] [--turns] "
			       "[--no-stacks]\n"
			       "                     [--build=DIR]\n");
			exit(key == 'h' ? 0 : 64);
		}
	}
}

int main(int argc, char **argv)
{
	static const char *const allocators[] = {"glibc", "jemalloc", "mimalloc"};
	static const char *const caches[] = {"unbounded", "lru"};
	struct settings settings = {
		.build = "build", .rounds = ROUNDS_DEFAULT, .seconds = RUN_SECONDS_DEFAULT};

	settings_parse(argc, argv, &settings);
	signal(SIGPIPE, SIG_IGN);
	heading(&settings);
	for (size_t a = 0; a < sizeof(allocators) / sizeof(*allocators); a++) {
		for (size_t c = 0; c < sizeof(caches) / sizeof(*caches); c++) {
			struct variant variant = {.allocator = allocators[a], .cache = caches[c]};

			if (settings.allocator && strcmp(settings.allocator, variant.allocator))
				continue;
			if (settings.cache && strcmp(settings.cache, variant.cache))
				continue;
			variant_run(&settings, &variant);
		}
	}
	return 0;
}
