// SPDX-License-Identifier: GPL-2.0-only
/*
 * What recordings cost: bytes for each event, events replayed in a second, the memory that takes,
 * and what the order handler loses when it is recorded and not only watched.
 *
 * The last is compared as handler_bench does: two handlers, one watched and one recorded, take
 * turns of a few milliseconds until both have done the same work; the ratio is that of their CPU
 * times, so that whatever the machine does besides falls on both.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "tests/bench/bench.h"

#include <getopt.h>
#include <sys/stat.h>

#include "user/pipeline.h"
#include "user/source/recording.h"

enum { ROUNDS_DEFAULT = 5, RUN_SECONDS_MAX = 120, INVOCATIONS = 15000 };

#define TURN_SECONDS 0.01

#define BYTES_LIMIT 12.0
#define RATE_LIMIT 2e6
#define RATIO_LIMIT 0.99

struct settings {
	const char *build;
	const char *allocator; /* NULL: all */
	unsigned long rounds;
};

static const char *verdict(bool ok)
{
	return ok ? "ok" : "MISSED";
}

static void handler_start(const struct settings *settings, const char *allocator, const char *cache,
			  unsigned long invocations, struct program *handler, int *gate)
{
	char path[512], kind[64], count[64];
	char *argv[] = {path, kind, count, "--report=0", "--seed=1", "--threads=1", NULL};

	snprintf(path, sizeof(path), "%s/handler-%s", settings->build, allocator);
	snprintf(kind, sizeof(kind), "--cache=%s", cache);
	snprintf(count, sizeof(count), "--invocations=%lu", invocations);
	program_start(handler, argv, gate);
}

/* file NULL: it is only watched. marks: invocations are counted, too. */
static void watcher_start(const struct settings *settings, pid_t pid, const char *file,
			  const char *marks, struct program *watcher)
{
	char path[512], number[32];
	char *argv[12] = {path, "watch", "--interval", "1000", "-p", number};
	size_t count = 6;

	snprintf(path, sizeof(path), "%s/tidemark", settings->build);
	snprintf(number, sizeof(number), "%d", pid);
	if (file) {
		argv[count++] = "-o";
		argv[count++] = (char *)file;
	}
	if (marks) {
		argv[count++] = "--invocation";
		argv[count++] = (char *)marks;
	}
	program_start(watcher, argv, NULL);
	program_await(watcher, "COMMAND", 30, NULL);
}

static void program_finish(struct program *program, const char *what)
{
	program_drain(program, RUN_SECONDS_MAX, NULL);
	if (program_end(program))
		bench_die("%s failed:\n%s", what, program->text);
}

static void record(const struct settings *settings, const char *allocator, const char *cache,
		   unsigned long invocations, const char *file)
{
	static struct program handler, watcher;
	char marks[600];
	int gate;

	snprintf(marks, sizeof(marks),
		 "usdt:%s/handler-%s:order_handler:invocation_start,invocation_end",
		 settings->build, allocator);
	handler_start(settings, allocator, cache, invocations, &handler, &gate);
	watcher_start(settings, handler.pid, file, marks, &watcher);
	program_go(gate);
	program_drain(&handler, RUN_SECONDS_MAX, &watcher);
	if (program_end(&handler))
		bench_die("the handler failed:\n%s", handler.text);
	program_finish(&watcher, "tidemark");
}

/* ---- size and speed ---- */

struct replayed {
	double seconds;
	uint64_t records;
	uint64_t bytes;
};

static struct replayed replay(const char *file)
{
	static const struct recording_options options;
	struct recording_reader *reader;
	struct pipeline_options policy = {.replayed = true};
	struct replayed result = {0};
	const struct recording_account *account;
	struct pipeline *pipeline;
	struct source *source;
	double begin = bench_now();

	if (recording_open(file, &reader))
		bench_die("no recording");
	policy.stacks = recording_header(reader)->flags & RECORDING_STACKS;
	source = recording_source(reader, &options);
	pipeline = source ? pipeline_new(source, &policy) : NULL;
	if (!pipeline)
		bench_die("out of memory");
	while (!pipeline_run(pipeline))
		;
	result.seconds = bench_now() - begin;
	account = recording_account(reader);
	result.records = account->records;
	result.bytes = account->read_bytes;
	if (account->end != RECORDING_WHOLE)
		bench_die("the recording is not whole");
	pipeline_free(pipeline);
	source->ops->close(source);
	return result;
}

/* Peak resident memory of `tidemark replay`. */
static double replay_mib(const struct settings *settings, const char *file)
{
	static struct program program;
	char path[512];
	char *argv[] = {path, "replay", (char *)file, NULL};

	snprintf(path, sizeof(path), "%s/tidemark", settings->build);
	program_start(&program, argv, NULL);
	program_finish(&program, "replay");
	return (double)program.usage.ru_maxrss / 1024;
}

static void size_and_speed(const struct settings *settings, const char *allocator, const char *file)
{
	struct samples rate = {0};
	struct replayed last = {0};
	double each;

	record(settings, allocator, "unbounded", 2UL * INVOCATIONS, file);
	for (unsigned long round = 0; round < settings->rounds; round++) {
		last = replay(file);
		samples_add(&rate, (double)last.records / last.seconds);
	}
	each = (double)last.bytes / (double)last.records;
	printf("%-8s  %9llu %6.2f %-6s  %5.2f %5.2f %5.2f %-6s  %7.1f", allocator,
	       (unsigned long long)last.records, each, verdict(each <= BYTES_LIMIT),
	       samples_at(&rate, 0) / 1e6, samples_median(&rate) / 1e6, samples_at(&rate, 1) / 1e6,
	       verdict(samples_median(&rate) >= RATE_LIMIT), replay_mib(settings, file));
	/* the same ledger, ten times the events */
	record(settings, allocator, "lru", INVOCATIONS / 5, file);
	printf(" %7.1f", replay_mib(settings, file));
	record(settings, allocator, "lru", 2UL * INVOCATIONS, file);
	printf(" %7.1f", replay_mib(settings, file));
	fflush(stdout);
}

/* ---- the handler beside it ---- */

static void turn_take(const struct program *goes, const struct program *rests)
{
	kill(rests->pid, SIGSTOP);
	kill(goes->pid, SIGCONT);
}

/* CPU time of a watched handler to that of a recorded one, in turns beside it. */
static double turns_run(const struct settings *settings, const char *allocator, const char *file,
			unsigned long round)
{
	static struct program handlers[2], watchers[2];
	struct program *recorded = &handlers[round % 2], *watched = &handlers[(round + 1) % 2];
	int gates[2];

	for (int i = 0; i < 2; i++)
		handler_start(settings, allocator, "unbounded", INVOCATIONS, &handlers[i],
			      &gates[i]);
	watcher_start(settings, recorded->pid, file, NULL, &watchers[0]);
	watcher_start(settings, watched->pid, NULL, NULL, &watchers[1]);
	for (int i = 0; i < 2; i++)
		program_go(gates[i]);
	for (unsigned long turn = 0;
	     !strstr(handlers[0].text, "\"final\"") && !strstr(handlers[1].text, "\"final\"");
	     turn++) {
		turn_take(&handlers[turn % 2], &handlers[(turn + 1) % 2]);
		bench_sleep(TURN_SECONDS);
		for (int i = 0; i < 2; i++) {
			program_read(&handlers[i], 0);
			program_read(&watchers[i], 0);
		}
	}
	for (int i = 0; i < 2; i++) {
		kill(handlers[i].pid, SIGCONT);
		program_finish(&handlers[i], "the handler");
	}
	for (int i = 0; i < 2; i++)
		program_finish(&watchers[i], "tidemark");
	return program_cpu(watched) / program_cpu(recorded);
}

static void cost(const struct settings *settings, const char *allocator, const char *file)
{
	struct samples turns = {0};

	for (unsigned long round = 0; round < settings->rounds; round++)
		samples_add(&turns, turns_run(settings, allocator, file, round));
	printf("  %5.3f %5.3f %5.3f %s\n", samples_at(&turns, 0), samples_median(&turns),
	       samples_at(&turns, 1), verdict(samples_median(&turns) >= RATIO_LIMIT));
	fflush(stdout);
}

static void heading(void)
{
	bench_machine();
	printf("bytes   of the file for each record of the handler, with its invocations; %.0f at "
	       "most\n"
	       "replay  records a second in millions, least, median and greatest; %.0f at least\n"
	       "MiB     peak of `tidemark replay`: of that recording; and of a cache that does "
	       "not\n"
	       "        grow, for %d and for %d invocations\n"
	       "turns   CPU time of a watched handler to that of a recorded one; median %.2f or "
	       "more\n\n",
	       BYTES_LIMIT, RATE_LIMIT / 1e6, INVOCATIONS / 5, 2 * INVOCATIONS, RATIO_LIMIT);
	printf("%-8s  %9s %6s %6s  %5s %5s %5s %6s  %7s %7s %7s  %5s %5s %5s\n", "alloc", "records",
	       "bytes", "", "min", "med", "max", "", "MiB", "lru", "lru", "min", "med", "max");
	fflush(stdout);
}

static void settings_parse(int argc, char **argv, struct settings *settings)
{
	static const struct option options[] = {
		{"build", required_argument, NULL, 'b'},
		{"rounds", required_argument, NULL, 'r'},
		{"allocator", required_argument, NULL, 'a'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int key;

	while ((key = getopt_long(argc, argv, "b:r:a:h", options, NULL)) != -1) {
		switch (key) {
		case 'b':
			settings->build = optarg;
			break;
		case 'r':
			settings->rounds = bench_number("--rounds", optarg, 1, BENCH_SAMPLES_MAX);
			break;
		case 'a':
			settings->allocator = optarg;
			break;
		default:
			printf("Usage: recording_bench [--rounds=N] [--build=DIR]\n"
			       "                       [--allocator=glibc|jemalloc|mimalloc]\n");
			exit(key == 'h' ? 0 : 64);
		}
	}
}

int main(int argc, char **argv)
{
	static const char *const allocators[] = {"glibc", "jemalloc", "mimalloc"};
	struct settings settings = {.build = "build", .rounds = ROUNDS_DEFAULT};
	char file[] = "/tmp/tidemark-bench-XXXXXX";
	int fd = mkstemp(file);

	settings_parse(argc, argv, &settings);
	if (fd < 0)
		bench_die("%s: %s", file, strerror(errno));
	close(fd);
	signal(SIGPIPE, SIG_IGN);
	heading();
	for (size_t a = 0; a < sizeof(allocators) / sizeof(*allocators); a++) {
		if (settings.allocator && strcmp(settings.allocator, allocators[a]))
			continue;
		size_and_speed(&settings, allocators[a], file);
		cost(&settings, allocators[a], file);
	}
	unlink(file);
	return 0;
}
