// SPDX-License-Identifier: GPL-2.0-only
/*
 * What heap evidence costs: pairs of malloc and free, and the order handler at full speed, bare,
 * with tidemark's probes, with the same programs on the functions' first bytes, and under heaptrack
 * where that is installed. A round is one run of each. What is compared is the CPU time of the
 * program itself, so that neither the collector nor what else runs on the machine is in it. The
 * probes are there from the start, and all records are read, as a collector does, by a process of
 * its own.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "tests/bench/bench.h"

#include <getopt.h>
#include <jansson.h>

#include <sys/mman.h>

#include "user/base/log.h"
#include "user/source/live.h"

enum { ROUNDS_DEFAULT = 2, SECONDS_DEFAULT = 2 };

/* The least of the first bytes' slowdown over that of tidemark's places. */
#define RATIO_WANTED 8.0

enum arm { ARM_BARE, ARM_PLACED, ARM_FIRST, ARM_HEAPTRACK, ARM_COUNT };

static const char *const arm_names[ARM_COUNT] = {"bare", "heap evidence", "first bytes",
						 "heaptrack"};

struct settings {
	const char *build;
	const char *allocator; /* NULL: all */
	unsigned long rounds;
	unsigned long seconds;
};

/* What the collector's process tells. */
struct told {
	unsigned long long records;
	unsigned long long lost;
	unsigned int functions;
	unsigned int dear;
	double cpu; /* of the program, s */
};

static struct told *told;

static void sink(void *ctx, const struct event_header *event)
{
	(void)ctx;
	told->records++;
	if (event->kind == EVENT_LOSS)
		told->lost += ((const struct event_loss *)event)->lost;
	if (event->kind == EVENT_HEAP && ((const struct event_heap *)event)->state == HEAP_ON) {
		told->functions = ((const struct event_heap *)event)->functions;
		told->dear = ((const struct event_heap *)event)->dear;
	}
}

static double cpu_of(const struct rusage *usage)
{
	return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
	       (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1e6;
}

/* In a process of its own: runs the command with its probes, and reads until it has ended. */
static void collect(char *const argv[], bool first_bytes)
{
	struct live_options options = {.buffer_bytes = (size_t)64 << 20,
				       .stack_bytes = SNAPSHOT_BYTES_DEFAULT,
				       .stack_rate = LIVE_STACK_RATE_DEFAULT,
				       .interval_ms = 1000,
				       .heap_from_start = true,
				       .heap_sample_bytes = LIVE_HEAP_SAMPLE_DEFAULT,
				       .heap_first_bytes = first_bytes};
	struct rusage usage;
	struct source *source;
	struct live *live;
	pid_t pid, ended = 0;
	int status;

	log_set_level(LOG_ERROR);
	if (live_open(&options, &live) || live_spawn(live, argv, 0, &pid))
		_exit(1);
	source = live_source(live);
	while (!ended) {
		source->ops->wait(source, 20);
		source->ops->drain(source, sink, NULL);
		ended = wait4(pid, &status, WNOHANG, &usage);
	}
	told->cpu = cpu_of(&usage);
	for (int i = 0; i < 10; i++)
		source->ops->drain(source, sink, NULL);
	_exit(status ? 1 : 0);
}

static void run_program(char *const argv[], enum arm arm)
{
	char *traced[16] = {"/usr/bin/heaptrack", "-o", "/tmp/heap_bench"};
	struct rusage usage;
	pid_t pid;
	int status = 1;

	memset(told, 0, sizeof(*told));
	fflush(stdout);
	pid = fork();
	if (!pid) {
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		if (arm == ARM_PLACED || arm == ARM_FIRST)
			collect(argv, arm == ARM_FIRST);
		for (size_t i = 0; i < 12 && argv[i]; i++)
			traced[i + 3] = argv[i];
		if (arm == ARM_HEAPTRACK && null >= 0)
			dup2(null, STDERR_FILENO);
		execv(arm == ARM_HEAPTRACK ? traced[0] : argv[0],
		      arm == ARM_HEAPTRACK ? traced : argv);
		_exit(127);
	}
	if (wait4(pid, &status, 0, &usage) == pid && (arm == ARM_BARE || arm == ARM_HEAPTRACK))
		told->cpu = cpu_of(&usage);
	if (status)
		bench_die("%s with %s failed: status %d", argv[0], arm_names[arm], status);
}

/* ---- what they say ---- */

static FILE *output;

/* Their output goes to a file: heaptrack mixes its own with it. */
static void output_take(int saved)
{
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	rewind(output);
}

static int output_give(void)
{
	int saved = dup(STDOUT_FILENO);

	fflush(stdout);
	rewind(output);
	if (ftruncate(fileno(output), 0))
		bench_die("ftruncate: %s", strerror(errno));
	dup2(fileno(output), STDOUT_FILENO);
	return saved;
}

static double pair_read(void)
{
	char line[4096];
	double ns = 0;

	while (fgets(line, sizeof(line), output))
		sscanf(line, "PAIR %lf", &ns);
	return ns > 0 ? ns : (bench_die("no PAIR was said"), 0);
}

/* Its start is in it: some ms of seconds. */
static double rate_read(void)
{
	char line[65536];
	double rate = 0;

	while (fgets(line, sizeof(line), output)) {
		json_t *truth = json_loads(line, 0, NULL);

		if (json_is_true(json_object_get(truth, "final")))
			rate = json_number_value(json_object_get(truth, "invocations")) / told->cpu;
		json_decref(truth);
	}
	return rate > 0 ? rate : (bench_die("the handler said no rate"), 0);
}

static double pairs_run(const struct settings *settings, const char *allocator, enum arm arm)
{
	char path[512], seconds[32];
	char *argv[] = {path, seconds, NULL};
	int saved;

	snprintf(path, sizeof(path), "%s/targets/heap_pairs%s%s", settings->build,
		 strcmp(allocator, "glibc") ? "-" : "",
		 strcmp(allocator, "glibc") ? allocator : "");
	snprintf(seconds, sizeof(seconds), "%lu", (settings->seconds + 1) / 2);
	saved = output_give();
	run_program(argv, arm);
	output_take(saved);
	return 1e9 / pair_read();
}

static double handler_run(const struct settings *settings, const char *allocator, enum arm arm)
{
	char path[512], duration[64];
	char *argv[] = {path,	    duration,	   "--invocations=0", "--report=0",
			"--seed=1", "--cache=lru", "--threads=1",     NULL};
	int saved;

	snprintf(path, sizeof(path), "%s/handler-%s", settings->build, allocator);
	snprintf(duration, sizeof(duration), "--duration=%lu", settings->seconds);
	saved = output_give();
	run_program(argv, arm);
	output_take(saved);
	return rate_read();
}

/* ---- the table ---- */

typedef double (*bench_run)(const struct settings *settings, const char *allocator, enum arm arm);

/* rate: of a second. ns: per operation. */
static void table_print(const char *what, const char *allocator, const struct samples rates[],
			const struct told tolds[])
{
	double bare = samples_median(&rates[ARM_BARE]);
	double slower[ARM_COUNT] = {0};

	for (enum arm arm = 0; arm < ARM_COUNT; arm++) {
		double rate = samples_median(&rates[arm]);

		if (!rates[arm].count)
			continue;
		slower[arm] = bare / rate;
		printf("  %-8s %-9s %-14s %10.0f /s of CPU %10.0f ns  %8.2f times slower", what,
		       allocator, arm_names[arm], rate, 1e9 / rate, slower[arm]);
		if (tolds[arm].records)
			printf("  %u functions, %u dear, %llu records, %llu lost",
			       tolds[arm].functions, tolds[arm].dear, tolds[arm].records,
			       tolds[arm].lost);
		printf("\n");
	}
	printf("  %-8s %-9s first bytes are %.1f times slower than heap evidence and cost %.1f "
	       "times "
	       "as much (wanted: %.0f)\n",
	       what, allocator, slower[ARM_FIRST] / slower[ARM_PLACED],
	       (slower[ARM_FIRST] - 1) / (slower[ARM_PLACED] - 1), RATIO_WANTED);
}

static void variant_run(const struct settings *settings, const char *what, const char *allocator,
			bench_run run, bool with_heaptrack)
{
	struct samples rates[ARM_COUNT] = {0};
	struct told tolds[ARM_COUNT] = {0};

	for (unsigned long i = 0; i < settings->rounds; i++) {
		for (unsigned int j = 0; j < ARM_COUNT; j++) {
			enum arm arm = (j + i) % ARM_COUNT;

			if (arm == ARM_HEAPTRACK && !with_heaptrack)
				continue;
			samples_add(&rates[arm], run(settings, allocator, arm));
			tolds[arm] = *told;
		}
	}
	table_print(what, allocator, rates, tolds);
}

static void settings_parse(int argc, char **argv, struct settings *settings)
{
	static const struct option options[] = {
		{"build", required_argument, NULL, 'b'},
		{"rounds", required_argument, NULL, 'r'},
		{"seconds", required_argument, NULL, 's'},
		{"allocator", required_argument, NULL, 'a'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int key;

	while ((key = getopt_long(argc, argv, "b:r:s:a:h", options, NULL)) != -1) {
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
		default:
			printf("Usage: heap_bench [--rounds=N] [--seconds=N per run]\n"
			       "                  [--allocator=glibc|jemalloc|mimalloc] "
			       "[--build=DIR]\n");
			exit(key == 'h' ? 0 : 64);
		}
	}
}

int main(int argc, char **argv)
{
	static const char *const allocators[] = {"glibc", "jemalloc", "mimalloc"};
	struct settings settings = {
		.build = "build", .rounds = ROUNDS_DEFAULT, .seconds = SECONDS_DEFAULT};
	bool heaptrack = !access("/usr/bin/heaptrack", X_OK);

	settings_parse(argc, argv, &settings);
	if (geteuid()) {
		printf("skipped: not root, so no BPF programs can be loaded\n");
		return 0;
	}
	output = tmpfile();
	told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!output || told == MAP_FAILED)
		bench_die("%s", strerror(errno));
	bench_machine();
	for (size_t i = 0; i < sizeof(allocators) / sizeof(*allocators); i++) {
		if (settings.allocator && strcmp(settings.allocator, allocators[i]) != 0)
			continue;
		variant_run(&settings, "pairs", allocators[i], pairs_run, false);
		/* heaptrack preloads itself in front of the C library's functions only */
		variant_run(&settings, "handler", allocators[i], handler_run,
			    heaptrack && !strcmp(allocators[i], "glibc"));
	}
	unlink("/tmp/heap_bench.zst");
	unlink("/tmp/heap_bench.gz");
	return 0;
}
