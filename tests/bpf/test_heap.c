// SPDX-License-Identifier: GPL-2.0-only
/*
 * Heap evidence against targets that keep an account of their own allocations: the set of live ones
 * must be the same, address by address and size by size.
 */
#include <math.h>

#include "tests/bpf/heap_watch.h"

#include "user/base/log.h"
#include "user/source/heap_probes.h"
#include "user/source/privileges.h"

#define PROGRAM "build/targets/heap_work"
#define PROGRAM_THROWS "build/targets/heap_throw"
#define OPERATIONS "20000"

/* Of the next watch. */
static const struct heap_spec *given_specs;
static size_t given_count;
static bool small_buffer;
static enum heap_way given_way;

static struct live_options options_new(void)
{
	return (struct live_options){.buffer_bytes = small_buffer ? 1 << 16 : 128 << 20,
				     .heap_specs = given_specs,
				     .heap_spec_count = given_count,
				     .heap_way = given_way,
				     .interval_ms = 200,
				     .stack_bytes = SNAPSHOT_BYTES_DEFAULT,
				     .stack_rate = LIVE_STACK_RATE_DEFAULT,
				     .heap = true,
				     .heap_sample_bytes = LIVE_HEAP_SAMPLE_DEFAULT};
}

struct run {
	struct watch watch;
	struct live_options options;
	struct heap_account *account;
	struct heap_account *old; /* at HEAP_ON */
	char path[64];
};

static void run_rest(struct run *run, const char *name)
{
	assert_true(watch_until_rest(&run->watch));
	assert_string_equal(run->watch.rest, name);
	watch_pump(&run->watch, 100);
}

/* Started beside the collector, watched once it is warm. */
static void run_attach(struct run *run, const char *program)
{
	char *argv[] = {(char *)program, run->path, OPERATIONS, NULL};

	run->options = options_new();
	run->account = heap_account_new(run->path);
	run->old = calloc(1, sizeof(*run->old));
	heap_watch_open(&run->watch, &run->options);
	watch_spawn_apart(&run->watch, argv);
	heap.pid = (uint32_t)run->watch.pid;
	run_rest(run, "warm");
	memcpy(run->old, run->account, sizeof(*run->old));
	run->account->allocations = run->account->refused = 0;
	assert_int_equal(live_watch_pid(run->watch.live, heap.pid, 0), 0);
	watch_pump(&run->watch, 50);
}

static void run_close(struct run *run)
{
	heap_watch_close(&run->watch);
	heap_account_free(run->account, run->path);
	free(run->old);
}

static bool is_old(const struct run *run, size_t thread, size_t index)
{
	const struct heap_slot *old = &run->old->slots[thread][index];
	const struct heap_slot *now = &run->account->slots[thread][index];

	return old->addr == now->addr && !heap_find(now->addr);
}

/* How many of the account are in the set; all of it has to be, but what is older than ON. */
static size_t check_account(const struct run *run)
{
	size_t known = 0, wrong = 0;

	for (size_t i = 0; i < HEAP_THREADS; i++) {
		for (size_t j = 0; j < HEAP_SLOTS; j++) {
			const struct heap_slot *slot = &run->account->slots[i][j];
			const struct heap_cell *cell = slot->addr ? heap_find(slot->addr) : NULL;

			if (!slot->addr || (run->old && is_old(run, i, j)))
				continue;
			known++;
			if (cell && cell->size == slot->size)
				continue;
			if (wrong++ < 8)
				print_message(
					"    %" PRIx64 " has %" PRIu64 " bytes, not %" PRId64 "\n",
					slot->addr, slot->size, cell ? (int64_t)cell->size : -1);
		}
	}
	assert_int_equal(wrong, 0);
	return known;
}

/* Of nothing more, nothing less. */
static void check_exact(const struct run *run)
{
	size_t known = check_account(run);

	print_message("    %zu live, %" PRIu64 " allocations, %" PRIu64 " refused, %" PRIu64
		      " frees of old ones, %u functions, %u dear\n",
		      known, heap.allocs, heap.refused, heap.unknown, heap.state.functions,
		      heap.state.dear);
	assert_true(known > HEAP_SLOTS);
	assert_int_equal(heap.count, known);
	assert_int_equal(heap.allocs, run->account->allocations);
	assert_int_equal(heap.refused, run->account->refused);
	assert_int_equal(heap.unknown, run->account->old_frees);
	assert_int_equal(heap.doubled, 0);
	assert_int_equal(heap.strangers, 0);
	assert_int_equal(heap.lost, 0);
}

/* ---- attached to what runs ---- */

static void attach_exact(const char *program, uint32_t allocator)
{
	struct run run = {0};
	uint64_t begin;

	if (!watch_possible())
		skip();
	run_attach(&run, program);
	begin = clock_ns();
	assert_int_equal(heap_switch(&run.watch, true), 0);
	print_message("    on in %" PRIu64 " us\n", (clock_ns() - begin) / 1000);
	assert_int_equal(heap_switch(&run.watch, true), -EALREADY);
	watch_pump(&run.watch, 50);
	assert_int_equal(heap.states, 1);
	assert_int_equal(heap.state.state, HEAP_ON);
	assert_int_equal(heap.state.flags, 0);
	assert_int_equal(heap.state.allocator, allocator);
	watch_next(&run.watch);
	run_rest(&run, "worked");
	check_exact(&run);
	watch_next(&run.watch);
	run_rest(&run, "forked");
	check_exact(&run);
	watch_next(&run.watch);
	run_rest(&run, "jumped");
	check_exact(&run);
	begin = clock_ns();
	assert_int_equal(heap_switch(&run.watch, false), 0);
	print_message("    off in %" PRIu64 " us\n", (clock_ns() - begin) / 1000);
	assert_int_equal(heap_switch(&run.watch, false), -EALREADY);
	watch_pump(&run.watch, 50);
	assert_int_equal(heap.state.state, HEAP_OFF);
	run_close(&run);
}

static void glibc(void **state)
{
	(void)state;
	attach_exact(PROGRAM, ALLOCATOR_GLIBC);
}

static void jemalloc(void **state)
{
	(void)state;
	attach_exact(PROGRAM "-jemalloc", ALLOCATOR_JEMALLOC);
}

static void mimalloc(void **state)
{
	(void)state;
	attach_exact(PROGRAM "-mimalloc", ALLOCATOR_MIMALLOC);
}

static void statically(void **state)
{
	(void)state;
	attach_exact(PROGRAM "-static", ALLOCATOR_GLIBC);
}

static void cxx(void **state)
{
	(void)state;
	attach_exact(PROGRAM "-cxx", ALLOCATOR_GLIBC);
}

/* As on kernels before 6.10, and before 6.13. */
static void one_by_one(void **state)
{
	(void)state;
	given_way = HEAP_ONE_BY_ONE;
	attach_exact(PROGRAM, ALLOCATOR_GLIBC);
	given_way = HEAP_BEST;
}

static void by_multi(void **state)
{
	(void)state;
	given_way = HEAP_BY_MULTI;
	attach_exact(PROGRAM, ALLOCATOR_GLIBC);
	given_way = HEAP_BEST;
}

/* ---- from the start ---- */

static void run_start(struct run *run, char *const argv[])
{
	run->options = options_new();
	run->options.heap = false;
	run->options.heap_from_start = true;
	heap_watch_open(&run->watch, &run->options);
	watch_spawn(&run->watch, argv, 0);
	heap.pid = (uint32_t)run->watch.pid;
}

/* All of the account is in the set; beside it what libraries keep for themselves. */
static void check_whole(const struct run *run, uint32_t allocator)
{
	size_t known = check_account(run);

	print_message("    %zu live, and %zu of libraries, %" PRIu64 " unknown frees\n", known,
		      heap.count - known, heap.unknown);
	assert_int_equal(heap.state.state, HEAP_ON);
	assert_int_equal(heap.state.flags, HEAP_WHOLE);
	assert_int_equal(heap.state.allocator, allocator);
	assert_true(known > HEAP_SLOTS);
	assert_true(heap.count - known < 64);
	assert_int_equal(heap.unknown, 0);
	assert_int_equal(heap.doubled, 0);
	assert_int_equal(heap.lost, 0);
}

static void start_whole(const char *program, uint32_t allocator)
{
	struct run run = {0};
	char *argv[] = {(char *)program, run.path, OPERATIONS, NULL};

	if (!watch_possible())
		skip();
	run.account = heap_account_new(run.path);
	run_start(&run, argv);
	run_rest(&run, "warm");
	check_account(&run);
	watch_next(&run.watch);
	run_rest(&run, "worked");
	check_whole(&run, allocator);
	run_close(&run);
}

static void whole_glibc(void **state)
{
	(void)state;
	start_whole(PROGRAM, ALLOCATOR_GLIBC);
}

static void whole_jemalloc(void **state)
{
	(void)state;
	start_whole(PROGRAM "-jemalloc", ALLOCATOR_JEMALLOC);
}

static void whole_mimalloc(void **state)
{
	(void)state;
	start_whole(PROGRAM "-mimalloc", ALLOCATOR_MIMALLOC);
}

static void whole_static(void **state)
{
	(void)state;
	start_whole(PROGRAM "-static", ALLOCATOR_GLIBC);
}

/* A shell that becomes the program: its own allocations are over with it. */
static void whole_behind_shell(void **state)
{
	struct run run = {0};
	char command[256];
	char *argv[] = {"/bin/sh", "-c", command, NULL};

	(void)state;
	if (!watch_possible())
		skip();
	run.account = heap_account_new(run.path);
	snprintf(command, sizeof(command), "true; exec %s-mimalloc %s " OPERATIONS, PROGRAM,
		 run.path);
	run_start(&run, argv);
	run_rest(&run, "warm");
	watch_next(&run.watch);
	run_rest(&run, "worked");
	check_whole(&run, ALLOCATOR_MIMALLOC);
	run_close(&run);
}

/* ---- another program ---- */

static void exec_later(void **state)
{
	struct run run = {0};
	char *argv[] = {PROGRAM, run.path, "1000", "exec", PROGRAM "-jemalloc", NULL};

	(void)state;
	if (!watch_possible())
		skip();
	run.options = options_new();
	run.account = heap_account_new(run.path);
	heap_watch_open(&run.watch, &run.options);
	watch_spawn_apart(&run.watch, argv);
	heap.pid = (uint32_t)run.watch.pid;
	run_rest(&run, "warm");
	assert_int_equal(live_watch_pid(run.watch.live, heap.pid, 0), 0);
	assert_int_equal(heap_switch(&run.watch, true), 0);
	for (int i = 0; i < 3; i++) {
		watch_next(&run.watch);
		assert_true(watch_until_rest(&run.watch));
	}
	assert_string_equal(run.watch.rest, "jumped");
	watch_next(&run.watch);
	run_rest(&run, "warm");
	assert_int_equal(heap.states, 3);
	assert_int_equal(heap.state.state, HEAP_ON);
	assert_int_equal(heap.state.allocator, ALLOCATOR_JEMALLOC);
	assert_int_equal(heap.state.flags, 0);
	run.old = calloc(1, sizeof(*run.old));
	memcpy(run.old, run.account, sizeof(*run.old));
	watch_next(&run.watch);
	run_rest(&run, "worked");
	check_account(&run);
	run_close(&run);
}

/* ---- where it cannot be found ---- */

static void not_found(void **state)
{
	struct run run = {0};
	char text[512];

	(void)state;
	if (!watch_possible())
		skip();
	run_attach(&run, PROGRAM "-stripped");
	assert_int_equal(heap_switch(&run.watch, true), -ENOENT);
	log_newest(text, sizeof(text));
	assert_non_null(strstr(text, "--heap-probe malloc=BINARY+0xOFFSET"));
	assert_non_null(strstr(text, "statically"));
	assert_int_equal(heap_switch(&run.watch, false), -EALREADY);
	heap.pid++;
	assert_int_equal(heap_switch(&run.watch, true), -ESRCH);
	run_close(&run);
}

/* Without symbols, by offsets that the same program with symbols has. */
static void given_offsets(void **state)
{
	static struct heap_spec specs[HEAP_SPECS_MAX];
	static char texts[HEAP_SPECS_MAX][256];
	static struct heap_probes probes;
	char why[256];
	int fd = open(PROGRAM "-static", O_RDONLY | O_CLOEXEC);

	(void)state;
	if (!watch_possible())
		skip();
	assert_int_equal(heap_probes_find(fd, true, &probes), 0);
	close(fd);
	for (size_t i = 0; i < probes.count; i++) {
		snprintf(texts[i], sizeof(texts[i]), "%s=heap_work-stripped+0x%" PRIx64,
			 probes.probes[i].function->name, probes.probes[i].entry);
		assert_int_equal(heap_spec_parse(texts[i], &specs[i], why, sizeof(why)), 0);
	}
	given_specs = specs;
	given_count = probes.count;
	attach_exact(PROGRAM "-stripped", ALLOCATOR_UNKNOWN);
	given_count = 0;
}

/* ---- exceptions ---- */

/* They do not pass the kernel's trampoline: the target catches them. */
static void throws(void **state)
{
	char *argv[] = {PROGRAM_THROWS, NULL};
	struct run run = {0};

	(void)state;
	if (!watch_possible())
		skip();
	run_start(&run, argv);
	run_rest(&run, "caught");
	watch_pump(&run.watch, 200);
	/* what may have failed is not known */
	assert_int_equal(heap.lost, 1);
	assert_int_equal(heap.state.state, HEAP_ON);
	watch_next(&run.watch);
	run_rest(&run, "limited");
	assert_true(heap.allocs > 100);
	heap_watch_close(&run.watch);
}

/* ---- samples ---- */

/* From the samples the sum of all bytes is estimated without bias. */
static void samples(void **state)
{
	struct run run = {0};

	(void)state;
	if (!watch_possible())
		skip();
	run_attach(&run, PROGRAM);
	assert_int_equal(heap_switch(&run.watch, true), 0);
	watch_next(&run.watch);
	run_rest(&run, "worked");
	print_message("    %" PRIu64 " samples, %" PRIu64
		      " stacks, %.0f bytes by them, in truth %" PRIu64 "\n",
		      heap.begins, heap.begin_stacks, heap.estimated, heap.alloc_bytes);
	/* those of what was refused then are begun, too */
	assert_true(heap.begins > 1000 && heap.begin_stacks > heap.begins / 2);
	assert_int_equal(heap.begins, heap.sampled);
	assert_true(heap.estimated > 0.9 * (double)heap.alloc_bytes);
	assert_true(heap.estimated < 1.1 * (double)heap.alloc_bytes);
	run_close(&run);
}

/* ---- loss ---- */

static void loss_is_counted(void **state)
{
	struct run run = {0};

	(void)state;
	if (!watch_possible())
		skip();
	small_buffer = true;
	run_attach(&run, PROGRAM);
	small_buffer = false;
	assert_int_equal(heap_switch(&run.watch, true), 0);
	watch_pump(&run.watch, 50);
	watch_next(&run.watch);
	/* nobody reads meanwhile */
	for (char byte; read(run.watch.from_target, &byte, 1) != 1;)
		poll(NULL, 0, 10);
	watch_pump(&run.watch, 300);
	print_message("    %" PRIu64 " lost\n", heap.lost);
	assert_true(heap.lost > 1000);
	run_close(&run);
}

/* ---- nothing is left ---- */

/* The code of the C library as the process has it. The caller's. */
static uint8_t *text_copy(pid_t pid, size_t *size)
{
	uint64_t start = 0, end = 0;
	char path[64], line[4352];
	uint8_t *text;
	FILE *maps;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "r");
	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps))
		if (strstr(line, " r-xp ") && strstr(line, "/libc.so"))
			assert_int_equal(sscanf(line, "%" SCNx64 "-%" SCNx64, &start, &end), 2);
	fclose(maps);
	*size = end - start;
	text = malloc(*size);
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDONLY);
	assert_true(*size && text && fd >= 0);
	assert_int_equal(pread(fd, text, *size, (off_t)start), *size);
	close(fd);
	return text;
}

static size_t text_differs(pid_t pid, const uint8_t *before)
{
	size_t size, differs = 0;
	uint8_t *now = text_copy(pid, &size);

	for (size_t i = 0; i < size; i++)
		differs += now[i] != before[i];
	free(now);
	return differs;
}

static void leaves_nothing(void **state)
{
	struct run run = {0};
	uint8_t *before;
	size_t size;

	(void)state;
	if (!watch_possible())
		skip();
	run_attach(&run, PROGRAM);
	before = text_copy(run.watch.pid, &size);
	assert_int_equal(heap_switch(&run.watch, true), 0);
	/* a byte for each function */
	assert_int_equal(text_differs(run.watch.pid, before), 9);
	assert_int_equal(heap_switch(&run.watch, false), 0);
	assert_int_equal(text_differs(run.watch.pid, before), 0);
	free(before);
	run_close(&run);
}

/* With no more rights than are kept, and killed. */
static void __attribute__((noreturn)) collect_until_killed(uint32_t pid, int ready)
{
	struct live_options options = options_new();
	struct source *source;
	struct live *live;
	bool well = !live_open(&options, &live) && !live_watch_pid(live, pid, 0) &&
		    !privileges_drop(false, false, true);

	source = well ? live_source(live) : NULL;
	well = well && !source->ops->heap(source, pid, true);
	if (write(ready, well ? "y" : "n", 1) == 1)
		pause();
	_exit(1);
}

static void leaves_nothing_killed(void **state)
{
	struct watch watch = {0};
	char path[64], byte = 0;
	char *argv[] = {PROGRAM, path, OPERATIONS, NULL};
	struct heap_account *account;
	uint8_t *before;
	pid_t collector;
	size_t size;
	int ready[2];

	(void)state;
	if (!watch_possible())
		skip();
	account = heap_account_new(path);
	watch_spawn_apart(&watch, argv);
	for (int i = 0; i < 500 && read(watch.from_target, &byte, 1) != 1; i++)
		poll(NULL, 0, 10);
	assert_int_equal(byte, 'R');
	before = text_copy(watch.pid, &size);
	assert_int_equal(pipe(ready), 0);
	collector = fork();
	if (!collector)
		collect_until_killed((uint32_t)watch.pid, ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(byte, 'y');
	assert_int_equal(text_differs(watch.pid, before), 9);
	kill(collector, SIGKILL);
	waitpid(collector, NULL, 0);
	/* the kernel takes down what it closes in its own time */
	for (int i = 0; i < 1000 && text_differs(watch.pid, before); i++)
		poll(NULL, 0, 10);
	assert_int_equal(text_differs(watch.pid, before), 0);
	free(before);
	close(watch.to_target);
	close(watch.from_target);
	waitpid(watch.pid, NULL, 0);
	heap_account_free(account, path);
	close(ready[0]);
	close(ready[1]);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(glibc),
		cmocka_unit_test(jemalloc),
		cmocka_unit_test(mimalloc),
		cmocka_unit_test(statically),
		cmocka_unit_test(cxx),
		cmocka_unit_test(one_by_one),
		cmocka_unit_test(by_multi),
		cmocka_unit_test(whole_glibc),
		cmocka_unit_test(whole_jemalloc),
		cmocka_unit_test(whole_mimalloc),
		cmocka_unit_test(whole_static),
		cmocka_unit_test(whole_behind_shell),
		cmocka_unit_test(exec_later),
		cmocka_unit_test(not_found),
		cmocka_unit_test(given_offsets),
		cmocka_unit_test(throws),
		cmocka_unit_test(samples),
		cmocka_unit_test(loss_is_counted),
		cmocka_unit_test(leaves_nothing),
		cmocka_unit_test(leaves_nothing_killed),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("heap", tests, NULL, NULL);
}
