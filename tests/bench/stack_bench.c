// SPDX-License-Identifier: GPL-2.0-only
/*
 * What stacks cost.
 *
 * In the kernel: a child makes the same calls beside a collector that takes stacks of them and
 * beside one that does not, in turning order; the difference is the snapshot's. The child's stack
 * is shallow, as a server's thread between two requests.
 *
 * In user space: snapshots of the order handler's own page faults and calls are kept, and then fed
 * to a new unwinder: the first of each stack is new, the next round finds them again, and with
 * the end of the stack moved by a word each is walked anew with everything it needs at hand.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "tests/bench/bench.h"

#include <getopt.h>
#include <sys/mman.h>

#include "user/base/units.h"
#include "user/pipeline.h"
#include "user/source/live.h"
#include "user/source/look.h"

enum {
	ROUNDS_DEFAULT = 7,
	PAIRS = 60000,
	TOUCH_PAGES = 512,
	TOUCH_REPEATS = 120,
	SNAPSHOTS_MAX = 20000,
};

/* The targets: microseconds. */
#define WARM_US 2.0
#define WARM_FRAMES 15
#define NEW_US 100.0
#define SNAPSHOT_US 0.6

#define RATE_ALL 1000000000U

struct settings {
	const char *build;
	unsigned long rounds;
};

/* ---- in the kernel ---- */

static double child_pairs(void)
{
	uint64_t begin = clock_ns();

	for (int i = 0; i < PAIRS; i++) {
		void *p = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			       0);

		if (p == MAP_FAILED)
			_exit(1);
		munmap(p, 65536);
	}
	return (double)(clock_ns() - begin) / PAIRS;
}

static double child_touches(void)
{
	uint64_t spent = 0;

	for (int i = 0; i < TOUCH_REPEATS; i++) {
		volatile char *p = mmap(NULL, TOUCH_PAGES * PAGE_BYTES, PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		uint64_t begin = clock_ns();

		if (p == MAP_FAILED)
			_exit(1);
		for (int page = 0; page < TOUCH_PAGES; page++)
			p[page * PAGE_BYTES] = 1;
		spent += clock_ns() - begin;
		munmap((void *)p, TOUCH_PAGES * PAGE_BYTES);
	}
	return (double)spent / (TOUCH_REPEATS * TOUCH_PAGES);
}

/* Answers each byte with two figures, until its input ends. */
static void child_main(void)
{
	char byte;

	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	while (read(STDIN_FILENO, &byte, 1) == 1) {
		double figures[2] = {child_pairs(), child_touches()};

		if (write(STDOUT_FILENO, figures, sizeof(figures)) != sizeof(figures))
			break;
	}
	_exit(0);
}

enum arm { ARM_BARE, ARM_EVENTS, ARM_STACKS, ARM_COUNT };

static const char *const arm_names[ARM_COUNT] = {"bare", "events", "events and stacks"};

/* One measurement of the child beside a collector of its own. */
static void measure(pid_t child, int to_child, int from_child, enum arm arm, double figures[2],
		    struct source_state *state)
{
	struct live_options options = {
		.buffer_bytes = LIVE_BUFFER_DEFAULT,
		.interval_ms = 1000,
		.stack_bytes = arm == ARM_STACKS ? SNAPSHOT_BYTES_DEFAULT : 0,
		.stack_rate = RATE_ALL,
	};
	struct pipeline_options policy = {.reconcile_ms = 3600 * 1000, .stacks = arm == ARM_STACKS};
	struct pollfd fd = {.fd = from_child, .events = POLLIN};
	struct pipeline *pipeline = NULL;
	struct live *live = NULL;

	if (arm != ARM_BARE) {
		if (live_open(&options, &live))
			exit(1);
		pipeline = pipeline_new(live_source(live), &policy);
		if (!pipeline || live_watch_pid(live, (uint32_t)child, 0))
			exit(1);
		for (int i = 0; i < 20; i++) {
			pipeline_wait(pipeline, 5);
			pipeline_run(pipeline);
		}
	}
	if (write(to_child, "g", 1) != 1)
		bench_die("the child is gone");
	while (poll(&fd, 1, arm == ARM_BARE ? 1000 : 0) <= 0) {
		if (!pipeline)
			continue;
		pipeline_wait(pipeline, 20);
		pipeline_run(pipeline);
	}
	if (read(from_child, figures, 2 * sizeof(*figures)) != 2 * sizeof(*figures))
		bench_die("the child is gone");
	if (live)
		live_source(live)->ops->state(live_source(live), state);
	pipeline_free(pipeline);
	if (live)
		live_source(live)->ops->close(live_source(live));
}

static int bench_kernel(const struct settings *settings)
{
	struct samples pairs[ARM_COUNT] = {0}, touches[ARM_COUNT] = {0}, pair_cost = {0},
		       touch_cost = {0};
	int in[2], out[2];
	pid_t child;

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		bench_die("pipe: %s", strerror(errno));
	fflush(stdout);
	child = fork();
	if (child < 0)
		bench_die("fork: %s", strerror(errno));
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		/* a program of its own: the stack up to here is not what is measured */
		execl("/proc/self/exe", "stack_bench", "--child", NULL);
		_exit(127);
	}
	for (unsigned long round = 0; round < settings->rounds; round++) {
		double figures[ARM_COUNT][2];

		for (unsigned int turn = 0; turn < ARM_COUNT; turn++) {
			enum arm arm = (enum arm)((turn + round) % ARM_COUNT);
			struct source_state state = {0};

			measure(child, in[1], out[0], arm, figures[arm], &state);
			samples_add(&pairs[arm], figures[arm][0]);
			samples_add(&touches[arm], figures[arm][1]);
		}
		samples_add(&pair_cost, figures[ARM_STACKS][0] - figures[ARM_EVENTS][0]);
		samples_add(&touch_cost, figures[ARM_STACKS][1] - figures[ARM_EVENTS][1]);
	}
	close(in[1]);
	waitpid(child, NULL, 0);
	printf("%-20s %22s %22s\n", "", "mmap + munmap, ns", "first touch, ns");
	for (unsigned int arm = 0; arm < ARM_COUNT; arm++)
		printf("%-20s %8.0f (%.0f to %.0f) %8.0f (%.0f to %.0f)\n", arm_names[arm],
		       samples_median(&pairs[arm]), samples_at(&pairs[arm], 0),
		       samples_at(&pairs[arm], 1), samples_median(&touches[arm]),
		       samples_at(&touches[arm], 0), samples_at(&touches[arm], 1));
	printf("a snapshot: %.2f us at mmap, %.2f us at a page fault (limit %.2f): medians of %lu "
	       "rounds\n",
	       samples_median(&pair_cost) / 1e3, samples_median(&touch_cost) / 1e3, SNAPSHOT_US,
	       settings->rounds);
	return samples_median(&pair_cost) > SNAPSHOT_US * 1e3 ||
	       samples_median(&touch_cost) > SNAPSHOT_US * 1e3;
}

/* ---- in user space ---- */

/* Stands at the door of the live source, and keeps the snapshots that pass: one at a time. */
static struct keeper {
	struct source_ops ops;
	const struct source_ops *inner;
	source_sink sink;
	void *ctx;
	struct event_snapshot *kept[SNAPSHOTS_MAX];
	size_t count;
} keeper;

static void keep(void *ctx, const struct event_header *event)
{
	(void)ctx;
	if (event->kind == EVENT_SNAPSHOT && keeper.count < SNAPSHOTS_MAX) {
		keeper.kept[keeper.count] = malloc(event->size);
		if (keeper.kept[keeper.count])
			memcpy(keeper.kept[keeper.count++], event, event->size);
	}
	keeper.sink(keeper.ctx, event);
}

static int keeper_drain(struct source *source, source_sink sink, void *ctx)
{
	keeper.sink = sink;
	keeper.ctx = ctx;
	return keeper.inner->drain(source, keep, NULL);
}

static void keeper_open(struct source *source)
{
	keeper = (struct keeper){.ops = *source->ops, .inner = source->ops};
	keeper.ops.drain = keeper_drain;
	source->ops = &keeper.ops;
}

struct walk {
	struct samples new_us;
	double modules_us; /* of the snapshots that brought a new file */
	size_t modules;
	double warm_us;
	double again_us;
	double frames;
	size_t stacks;
	double complete;
};

/* The first of each stack, and the opening of files apart from it. */
static void walk_new(struct unwinder *unwinder, struct stacks *stacks, struct walk *walk)
{
	for (size_t i = 0; i < keeper.count; i++) {
		size_t known = stacks_count(stacks), modules = stacks_module_count(stacks);
		uint64_t begin = clock_ns();
		double us;

		unwinder_event(unwinder, &keeper.kept[i]->h);
		us = (double)(clock_ns() - begin) / 1e3;
		if (stacks_module_count(stacks) != modules) {
			walk->modules_us += us;
			walk->modules += stacks_module_count(stacks) - modules;
		} else if (stacks_count(stacks) != known) {
			samples_add(&walk->new_us, us);
		}
	}
}

static double walk_all(struct unwinder *unwinder)
{
	uint64_t begin = clock_ns();

	for (size_t i = 0; i < keeper.count; i++)
		unwinder_event(unwinder, &keeper.kept[i]->h);
	return (double)(clock_ns() - begin) / 1e3 / (double)keeper.count;
}

/* What was walked is known again by the end of the stack, too: each one's own is known by none. */
static void move_tops(bool back)
{
	for (size_t i = 0; i < keeper.count; i++)
		keeper.kept[i]->top += back ? -8 * (i + 1) : 8 * (i + 1);
}

static double mean_frames(struct unwinder *unwinder, const struct stacks *stacks)
{
	double frames = 0;

	for (size_t i = 0; i < keeper.count; i++) {
		const struct stack *stack;

		unwinder_event(unwinder, &keeper.kept[i]->h);
		stack = stacks_get(stacks, unwinder_take(unwinder, &keeper.kept[i]->h));
		frames += stack ? stack->frame_count : 0;
	}
	return frames / (double)keeper.count;
}

static void walk_measure(struct source *source, const struct ledger *ledger, struct walk *walk)
{
	struct stacks *stacks = stacks_new(NULL, NULL);
	struct unwinder *unwinder = stacks ? unwinder_new(stacks, source, ledger) : NULL;
	const struct unwind_totals *totals;
	struct samples warm = {0}, again = {0};

	if (!unwinder)
		bench_die("out of memory");
	walk_new(unwinder, stacks, walk);
	for (int round = 0; round < 9; round++) {
		move_tops(false);
		samples_add(&warm, walk_all(unwinder));
		move_tops(true);
		walk_all(unwinder);
		samples_add(&again, walk_all(unwinder));
	}
	walk->warm_us = samples_median(&warm);
	walk->again_us = samples_median(&again);
	walk->frames = mean_frames(unwinder, stacks);
	walk->stacks = stacks_count(stacks);
	totals = unwinder_totals(unwinder);
	walk->complete = (double)totals->ends[STACK_END_COMPLETE] / (double)totals->taken;
	unwinder_free(unwinder);
	stacks_free(stacks);
}

static const struct ledger *ledger_of(const struct pipeline *pipeline, pid_t pid)
{
	size_t count;
	const struct process *const *processes = pipeline_processes(pipeline, &count);

	for (size_t i = 0; i < count; i++)
		if (processes[i]->ledger->pid == (uint32_t)pid && !processes[i]->ended)
			return processes[i]->ledger;
	return NULL;
}

/* Runs the handler until there are snapshots enough, and stops it where it is. */
static void bench_allocator(const struct settings *settings, const char *allocator,
			    struct walk *walk)
{
	struct live_options options = {
		.buffer_bytes = LIVE_BUFFER_DEFAULT,
		.interval_ms = 1000,
		.stack_bytes = SNAPSHOT_BYTES_DEFAULT,
		.stack_rate = RATE_ALL,
	};
	struct pipeline_options policy = {.reconcile_ms = 3600 * 1000, .stacks = true};
	const struct ledger *ledger;
	struct pipeline *pipeline;
	struct live *live;
	char path[512];
	char *argv[] = {path, "--invocations", "0", "--duration", "60", NULL};
	uint64_t until = clock_ns() + 20 * NSEC_PER_SEC;
	pid_t pid;
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC), out = dup(1);

	snprintf(path, sizeof(path), "%s/handler-%s", settings->build, allocator);
	if (live_open(&options, &live))
		exit(1);
	keeper_open(live_source(live));
	pipeline = pipeline_new(live_source(live), &policy);
	fflush(stdout);
	dup2(null, 1);
	if (!pipeline || live_spawn(live, argv, 0, &pid))
		exit(1);
	dup2(out, 1);
	close(out);
	close(null);
	while (keeper.count < SNAPSHOTS_MAX && clock_ns() < until) {
		pipeline_wait(pipeline, 20);
		if (pipeline_run(pipeline))
			bench_die("the records cannot be read");
	}
	kill(pid, SIGSTOP);
	for (int i = 0; i < 20; i++) {
		pipeline_wait(pipeline, 5);
		pipeline_run(pipeline);
	}
	ledger = ledger_of(pipeline, pid);
	if (!ledger || keeper.count < 100)
		bench_die("%s: too few snapshots: %zu", path, keeper.count);
	walk_measure(live_source(live), ledger, walk);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	for (size_t i = 0; i < keeper.count; i++)
		free(keeper.kept[i]);
	pipeline_free(pipeline);
	live_source(live)->ops->close(live_source(live));
}

static int bench_user(const struct settings *settings)
{
	static const char *const allocators[] = {"glibc", "jemalloc", "mimalloc"};
	int missed = 0;

	printf("%-10s %7s %7s %9s %14s %14s %16s\n", "handler", "stacks", "frames", "complete",
	       "walked, us", "known, us", "new, us (max)");
	for (size_t i = 0; i < sizeof(allocators) / sizeof(*allocators); i++) {
		struct walk walk = {0};
		double scaled;

		bench_allocator(settings, allocators[i], &walk);
		scaled = walk.frames > WARM_FRAMES ? walk.warm_us * WARM_FRAMES / walk.frames
						   : walk.warm_us;
		printf("%-10s %7zu %7.1f %8.2f%% %14.2f %14.2f %9.1f (%.0f)\n", allocators[i],
		       walk.stacks, walk.frames, walk.complete * 100, walk.warm_us, walk.again_us,
		       samples_median(&walk.new_us), samples_at(&walk.new_us, 1));
		if (walk.modules)
			printf("%-10s %zu files opened, %.0f us each with the walk they were "
			       "needed "
			       "for\n",
			       "", walk.modules, walk.modules_us / (double)walk.modules);
		missed |= scaled > WARM_US || samples_median(&walk.new_us) > NEW_US;
	}
	printf("limits: walked %.0f us at %d frames, new %.0f us\n", WARM_US, WARM_FRAMES, NEW_US);
	return missed;
}

int main(int argc, char **argv)
{
	static const struct option table[] = {
		{"build", required_argument, NULL, 'b'},
		{"rounds", required_argument, NULL, 'r'},
		{0},
	};
	struct settings settings = {.build = "build", .rounds = ROUNDS_DEFAULT};
	int option, missed;

	if (argc == 2 && !strcmp(argv[1], "--child"))
		child_main();
	while ((option = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (option == 'b')
			settings.build = optarg;
		else if (option == 'r')
			settings.rounds = bench_number("--rounds", optarg, 1, 100);
		else
			bench_die("stack_bench [--build DIR] [--rounds N]");
	}
	bench_machine();
	missed = bench_kernel(&settings);
	missed |= bench_user(&settings);
	printf("%s\n", missed ? "a limit was missed" : "all within the limits");
	return 0;
}
