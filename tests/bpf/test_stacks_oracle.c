// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stacks of a program that knows nothing of this test, the order handler under
 * each allocator, held against two other unwinders: libdwfl with the same
 * snapshots, and gdb, which reads the stopped process itself.
 */
#include "tests/bpf/chains.h"
#include "tests/bpf/tap.h"

/* The directory of this test's build. */
static char build_dir[PATH_MAX];

/* Its last line comes before it idles. */
static void handler_wait_final(struct watch *watch)
{
	uint64_t limit = clock_ns() + 60 * NSEC_PER_SEC;

	while (!strstr(watch->buffer, "\"final\": true")) {
		ssize_t got = read(watch->from_target, watch->buffer + watch->used,
				   sizeof(watch->buffer) - watch->used - 1);

		assert_true(got != 0 && clock_ns() < limit);
		if (got > 0)
			watch->used += (size_t)got;
		watch->buffer[watch->used] = '\0';
		watch_pump(watch, 20);
	}
}

/* The handler stays for as long as it takes to ask the oracle, which reads its /proc. */
static void against_libdwfl(const char *allocator, const char *cache)
{
	char handler[PATH_MAX + 64];
	char *argv[] = {handler, "--cache",   (char *)cache, "--invocations", "1500", "--gap",
			"1",	 "--threads", "2",	     "--idle",	      "60",   NULL};
	struct live_options options = {.buffer_bytes = LIVE_BUFFER_DEFAULT,
				       .interval_ms = 1000,
				       .stack_bytes = SNAPSHOT_BYTES_DEFAULT,
				       .stack_rate = LIVE_STACK_RATE_DEFAULT};
	struct verdicts verdicts;
	const struct stacks *stacks;
	struct watch watch;
	size_t processes;

	if (!watch_possible())
		skip();
	snprintf(handler, sizeof(handler), "%s/handler-%s", build_dir, allocator);
	watch_open(&watch, &options);
	tap_open(&watch);
	watch_spawn(&watch, argv, 0);
	handler_wait_final(&watch);
	watch_pump(&watch, 200);
	stacks = pipeline_processes(watch.pipeline, &processes)[0]->stacks;
	assert_non_null(stacks);
	verdicts = tap_judge(watch.pid, stacks);
	tap_print(allocator, cache, &verdicts);
	/* hardly a snapshot came without its record */
	assert_true(verdicts.taken * 100 >= tap.count * 99);
	kill(watch.pid, SIGTERM);
	watch_close(&watch);
	tap_close();
	assert_true(verdicts.taken >= 300);
	assert_true(verdicts.both * 100 >= verdicts.taken * 99);
}

/* ---- gdb ---- */

/* A call that gdb stopped at. */
struct stopped {
	uint32_t kind; /* EVENT_MMAP for files, too */
	uint64_t key;
	size_t count;
	uint64_t *pc;
};

struct gdb_run {
	pid_t pid;
	struct stopped *calls;
	size_t count;
	FILE *maps;
};

static void gdb_take_call(struct gdb_run *run, const char *line)
{
	struct stopped *stopped;
	char name[16];
	uint64_t pc;
	int used;

	run->calls = realloc(run->calls, (run->count + 1) * sizeof(*run->calls));
	assert_non_null(run->calls);
	stopped = &run->calls[run->count++];
	*stopped = (struct stopped){.pc = calloc(256, sizeof(pc))};
	assert_non_null(stopped->pc);
	assert_int_equal(sscanf(line, "CALL %15s %" SCNx64 "%n", name, &stopped->key, &used), 2);
	stopped->kind = !strcmp(name, "brk") ? EVENT_BRK : EVENT_MMAP;
	for (line += used; stopped->count < 256 && sscanf(line, " %" SCNx64 "%n", &pc, &used) == 1;
	     line += used)
		stopped->pc[stopped->count++] = pc;
}

static void gdb_line(void *ctx, const char *line)
{
	struct gdb_run *run = ctx;
	int pid;

	if (sscanf(line, "PID %d", &pid) == 1)
		run->pid = pid;
	else if (!strncmp(line, "CALL ", 5))
		gdb_take_call(run, line);
	else if (!strncmp(line, "MAP ", 4))
		fprintf(run->maps, "%s\n", line + 4);
}

/* What of a record gdb knows, too. */
static bool logged_is(const struct logged *logged, const struct stopped *stopped)
{
	if (stopped->kind == EVENT_MMAP)
		return (logged->kind == EVENT_MMAP || logged->kind == EVENT_MMAP_FILE) &&
		       logged->addr == stopped->key;
	return logged->kind == stopped->kind && logged->addr == stopped->key;
}

/* gdb goes on by guessing where there is no unwind information: before the linker's start. */
static bool gdb_agrees(struct oracle *oracle, const struct chains *chains,
		       const struct stack *stack, const struct stopped *stopped)
{
	static struct oracle_stack truth;

	truth.count = 0;
	for (size_t i = 0; i < stopped->count && i < ORACLE_FRAMES; i++) {
		oracle_place(oracle, stopped->pc[i] - (i ? 1 : 0), &truth.frames[i]);
		truth.count++;
		if (oracle_at_linker_start(&truth.frames[i]))
			break;
	}
	if (oracle_agrees(&truth, chains->stacks, stack))
		return true;
	print_message("    gdb:");
	for (size_t i = 0; i < truth.count; i++)
		print_message(" %s+0x%" PRIx64, truth.frames[i].name, truth.frames[i].address);
	print_message("\n");
	chains_print_stack(chains->stacks, stack);
	return false;
}

/* Returns how many of gdb's stacks the collector has, all of them the same. */
static size_t gdb_compare(const struct gdb_run *run, const struct chains *chains)
{
	size_t next = 0, compared = 0, differ = 0;
	static struct oracle oracle;

	oracle_open(&oracle, run->pid, run->maps);
	for (size_t i = 0; i < run->count; i++) {
		const struct stack *stack;
		size_t at = next;

		while (at < chains->logged && !logged_is(&chains->log[at], &run->calls[i]))
			at++;
		/* a brk that asks only, and what came before the watch, has no record */
		if (at == chains->logged)
			continue;
		next = at + 1;
		stack = stacks_get(chains->stacks, chains->log[at].stack);
		assert_non_null(stack);
		compared++;
		differ += !gdb_agrees(&oracle, chains, stack, &run->calls[i]);
	}
	oracle_close(&oracle);
	assert_int_equal(differ, 0);
	return compared;
}

static void gdb_run_free(struct gdb_run *run)
{
	for (size_t i = 0; i < run->count; i++)
		free(run->calls[i].pc);
	free(run->calls);
	fclose(run->maps);
}

static pid_t gdb_start(struct watch *watch, const char *program, const char *arguments)
{
	char set_args[256];
	char *argv[] = {"gdb",
			"-q",
			"-nx",
			"-batch",
			(char *)program,
			"-ex",
			set_args,
			"-x",
			"tests/bpf/gdb_stacks.py",
			NULL};
	int ends[2];
	pid_t pid;

	snprintf(set_args, sizeof(set_args), "set args %s </dev/null >/dev/null", arguments);
	watch_pipes(watch, ends);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		dup2(ends[0], 0);
		dup2(ends[1], 1);
		execvp(argv[0], argv);
		_exit(127);
	}
	close(ends[0]);
	close(ends[1]);
	return pid;
}

/* gdb is what the fixture has as its target; the program below it is watched by its pid. */
static void against_gdb(const char *name, const char *arguments, size_t least)
{
	struct gdb_run run = {.maps = tmpfile()};
	char program[PATH_MAX + 64];
	struct chains chains;
	struct watch watch;
	size_t compared;

	if (!watch_possible())
		skip();
#ifndef __x86_64__
	print_message("skipped: gdb_stacks.py knows x86_64's system calls only\n");
	skip();
#endif
	if (system("gdb -batch -ex 'python print(1)' >/dev/null 2>&1")) {
		print_message("skipped: no gdb with python here\n");
		skip();
	}
	assert_non_null(run.maps);
	snprintf(program, sizeof(program), "%s/%s", build_dir, name);
	chains_open(&chains, &watch, SNAPSHOT_BYTES_DEFAULT);
	watch.line_fn = gdb_line;
	watch.line_ctx = &run;
	watch.pid = gdb_start(&watch, program, arguments);
	assert_true(watch_until_rest(&watch));
	assert_true(run.pid > 0);
	assert_int_equal(live_watch_pid(watch.live, (uint32_t)run.pid, 0), 0);
	watch_settle(&watch);
	watch_next(&watch);
	assert_true(watch_until_rest(&watch));
	watch_settle(&watch);
	compared = gdb_compare(&run, &chains);
	print_message("    %s: of %zu stacks of gdb's %zu compared, all the same\n", name,
		      run.count, compared);
	assert_true(compared * 10 >= run.count * 9);
	watch_next(&watch);
	watch_close(&watch);
	gdb_run_free(&run);
	chains_free(&chains);
	assert_true(compared >= least);
}

#define ALLOCATOR_TESTS(allocator, variant)                                                        \
	static void dwfl_unbounded_##allocator(void **state)                                       \
	{                                                                                          \
		(void)state;                                                                       \
		against_libdwfl(#allocator, "unbounded");                                          \
	}                                                                                          \
	static void dwfl_lru_##allocator(void **state)                                             \
	{                                                                                          \
		(void)state;                                                                       \
		against_libdwfl(#allocator, "lru");                                                \
	}                                                                                          \
	static void gdb_malloc_##allocator(void **state)                                           \
	{                                                                                          \
		(void)state;                                                                       \
		/* a mapping for every block */                                                    \
		against_gdb("targets/stack_malloc" variant, "0 80 1", 40);                         \
	}                                                                                          \
	static void gdb_handler_##allocator(void **state)                                          \
	{                                                                                          \
		(void)state;                                                                       \
		/* mimalloc maps 32 MiB at a time */                                               \
		against_gdb("handler-" #allocator, "--invocations 400 --payload 3800", 15);        \
	}

ALLOCATOR_TESTS(glibc, "")
ALLOCATOR_TESTS(jemalloc, "-jemalloc")
ALLOCATOR_TESTS(mimalloc, "-mimalloc")

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dwfl_unbounded_glibc),	   cmocka_unit_test(dwfl_lru_glibc),
		cmocka_unit_test(dwfl_unbounded_jemalloc), cmocka_unit_test(dwfl_lru_jemalloc),
		cmocka_unit_test(dwfl_unbounded_mimalloc), cmocka_unit_test(dwfl_lru_mimalloc),
		cmocka_unit_test(gdb_malloc_glibc),	   cmocka_unit_test(gdb_malloc_jemalloc),
		cmocka_unit_test(gdb_malloc_mimalloc),	   cmocka_unit_test(gdb_handler_glibc),
		cmocka_unit_test(gdb_handler_jemalloc),	   cmocka_unit_test(gdb_handler_mimalloc),
	};
	char self[PATH_MAX];

	if (!realpath("/proc/self/exe", self))
		return 1;
	snprintf(build_dir, sizeof(build_dir), "%.4000s/../..", dirname(self));
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("stacks_oracle", tests, NULL, NULL);
}
