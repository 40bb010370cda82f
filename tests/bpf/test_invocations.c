// SPDX-License-Identifier: GPL-2.0-only
/*
 * Invocations as the kernel's probes tell of them, against targets that know what they touched in
 * each, how much of it they keep, and what they gave back after how many others.
 */
#include "tests/bpf/watch.h"

#include <sys/mount.h>
#include <sys/stat.h>

#define PROGRAM "build/targets/invocation_work"
#define LIBRARY "build/targets/invocation_library.so"
#define GUARDED "build/targets/invocation_guarded"

#define USDT "usdt:target:begin,end"
#define FUNCTION "func:invocation_work:invocation_handle"

#define TRUTHS 20000
#define SPECS_MAX 4

struct truth_line {
	char id[EVENT_ID_LEN];
	unsigned long born;
	unsigned long resident;
};

/* What the target said of itself. */
static struct {
	struct truth_line lines[TRUTHS];
	size_t count;
	struct invocation_survival survival[INVOCATION_POINT_COUNT];
	unsigned long outside;
} said;

static void on_line(void *ctx, const char *line)
{
	struct truth_line truth;
	struct invocation_survival sum;
	uint32_t later;

	(void)ctx;
	if (sscanf(line, "INVOCATION %39s %lu %lu", truth.id, &truth.born, &truth.resident) == 3) {
		assert_true(said.count < TRUTHS);
		said.lines[said.count++] = truth;
	} else if (sscanf(line, "SURVIVAL %u %" SCNu64 " %" SCNu64 " %" SCNu64, &later,
			  &sum.invocations, &sum.born, &sum.resident) == 4) {
		for (unsigned int point = 0; point < INVOCATION_POINT_COUNT; point++)
			if (invocation_later[point] == later)
				said.survival[point] = sum;
	}
	sscanf(line, "OUTSIDE %lu", &said.outside);
}

/* ---- a watch with marks ---- */

struct marks {
	struct invocation_spec specs[SPECS_MAX];
	struct live_options options;
};

static void marks_add(struct marks *marks, const char *text)
{
	char why[256];
	size_t index = marks->options.invocation_count++;

	assert_true(index < SPECS_MAX);
	if (invocation_spec_parse(text, &marks->specs[index], why, sizeof(why)))
		fail_msg("%s: %s", text, why);
}

static void marks_init(struct marks *marks, const char *text)
{
	memset(marks, 0, sizeof(*marks));
	marks->options = (struct live_options){.buffer_bytes = LIVE_BUFFER_DEFAULT,
					       .interval_ms = 200,
					       .stack_bytes = SNAPSHOT_BYTES_DEFAULT,
					       .stack_rate = LIVE_STACK_RATE_DEFAULT,
					       .invocations = marks->specs};
	marks_add(marks, text);
}

static void watch_marked(struct watch *watch, const struct marks *marks)
{
	watch_open(watch, &marks->options);
	memset(&said, 0, sizeof(said));
	watch->line_fn = on_line;
}

static struct invocations *invocations_of(struct watch *watch)
{
	const struct ledger *ledger = watch_ledger(watch, (uint32_t)watch->pid);

	assert_non_null(ledger);
	return ledger->invocations;
}

/* ---- truth ---- */

/* By its id; a function has none: the i-th one to begin. */
static const struct invocation *invocation_by_id(const struct invocations *invocations,
						 const char *id, uint32_t number)
{
	const struct invocation *invocation;

	for (uint32_t i = invocations_newest(invocations); i; i--) {
		invocation = invocations_find(invocations, i);
		if (!invocation)
			break;
		if (!strcmp(invocation->id, id))
			return invocation;
	}
	invocation = invocations_find(invocations, number);
	return invocation && !invocation->id[0] ? invocation : NULL;
}

static void check_lines(const struct invocations *invocations)
{
	size_t first = said.count > INVOCATIONS_KEPT ? said.count - INVOCATIONS_KEPT : 0;

	assert_int_equal(invocations_newest(invocations), said.count);
	for (size_t i = first; i < said.count; i++) {
		const struct truth_line *truth = &said.lines[i];
		const struct invocation *invocation =
			invocation_by_id(invocations, truth->id, (uint32_t)i + 1);

		assert_non_null(invocation);
		if (invocation->born != truth->born || invocation->resident != truth->resident)
			fail_msg("%s: born %u resident %u, in truth %lu and %lu", truth->id,
				 invocation->born, invocation->resident, truth->born,
				 truth->resident);
		assert_false(invocation->lossy);
	}
}

static void check_survival(const struct invocations *invocations)
{
	for (unsigned int point = 0; point < INVOCATION_POINT_COUNT; point++) {
		const struct invocation_survival *sum = invocations_survival(invocations, point);
		const struct invocation_survival *truth = &said.survival[point];

		assert_int_equal(sum->invocations, truth->invocations);
		assert_int_equal(sum->born, truth->born);
		assert_int_equal(sum->resident, truth->resident);
	}
}

static unsigned long resident_in_truth(void)
{
	unsigned long resident = 0;

	for (size_t i = 0; i < said.count; i++)
		resident += said.lines[i].resident;
	return resident;
}

/* The ledger beside the process's own page table: probes in its code are pages, too. */
static void check_exact(struct watch *watch)
{
	struct truth truth;

	watch_settle(watch);
	truth = truth_compare((uint32_t)watch->pid, watch_ledger(watch, (uint32_t)watch->pid));
	assert_int_equal(truth.missing + truth.extra, 0);
}

static void run_to_end(struct watch *watch)
{
	assert_true(watch_until_rest(watch));
	assert_string_equal(watch->rest, "ready");
	watch_pump(watch, 50);
	watch_next(watch);
	assert_true(watch_until_rest(watch));
	if (!strcmp(watch->rest, "loaded")) {
		watch_pump(watch, 50);
		watch_next(watch);
		assert_true(watch_until_rest(watch));
	}
	assert_string_equal(watch->rest, "done");
	watch_pump(watch, 50);
}

/* Returns with the watch open, at the target's last rest. */
static struct invocations *run_marked(struct watch *watch, const struct marks *marks,
				      char *const argv[])
{
	watch_marked(watch, marks);
	watch_spawn(watch, argv, 0);
	run_to_end(watch);
	return invocations_of(watch);
}

/* ---- steady invocations ---- */

/* slope: pages that each one keeps in the long run; -1: not the same for all */
static void check_steady(const char *spec, char *const argv[], double slope)
{
	const struct process *const *processes;
	const struct invocations *invocations;
	const struct invocation_totals *totals;
	const struct report *report;
	struct marks marks;
	struct watch watch;
	size_t count;

	if (!watch_possible())
		skip();
	marks_init(&marks, spec);
	invocations = run_marked(&watch, &marks, argv);
	assert_non_null(invocations);
	check_lines(invocations);
	if (said.survival[0].invocations)
		check_survival(invocations);
	totals = invocations_totals(invocations);
	assert_int_equal(totals->ended, said.count);
	assert_int_equal(totals->unmatched + totals->cut + totals->too_deep, 0);
	assert_int_equal(invocations_open(invocations), 0);
	assert_int_equal(invocations_retained(invocations), resident_in_truth());
	watch_pump(&watch, 400);
	processes = pipeline_processes(watch.pipeline, &count);
	report = process_newest(processes[0]);
	assert_int_equal(report->invocation_retained, resident_in_truth() * PAGE_BYTES);
	print_message("    %zu invocations, %.3f [%.3f, %.3f] bytes each stay\n", said.count,
		      report->per_invocation.estimate, report->per_invocation.low,
		      report->per_invocation.high);
	if (slope >= 0)
		assert_true(report->per_invocation.low <= slope * PAGE_BYTES &&
			    report->per_invocation.estimate == slope * PAGE_BYTES &&
			    report->per_invocation.high >= slope * PAGE_BYTES);
	check_exact(&watch);
	watch_close(&watch);
}

static void usdt_keeps(void **state)
{
	char *argv[] = {PROGRAM, "steady=2500", "keep=3", "early=2", NULL};

	(void)state;
	check_steady(USDT, argv, 3);
}

static void usdt_gives_back_later(void **state)
{
	char *argv[] = {PROGRAM, "steady=1200", "keep=1", "late=4", "after=100", NULL};

	(void)state;
	check_steady(USDT, argv, 1);
}

static void usdt_advises_away(void **state)
{
	char *argv[] = {PROGRAM, "steady=300", "early=2", "late=3", "after=10", "advise", NULL};

	(void)state;
	check_steady(USDT, argv, 0);
}

static void function_keeps(void **state)
{
	char *argv[] = {PROGRAM, "steady=1500", "keep=2", "late=1", "after=1", NULL};

	(void)state;
	check_steady(FUNCTION, argv, 2);
}

static void function_by_path(void **state)
{
	char *argv[] = {PROGRAM, "steady=20", "keep=2", NULL};

	(void)state;
	check_steady("func:" PROGRAM ":invocation_handle", argv, -1);
}

static void nested(void **state)
{
	char *argv[] = {PROGRAM, "steady=200", "keep=2", "inner=5", NULL};

	(void)state;
	check_steady(USDT, argv, -1);
	check_steady(FUNCTION, argv, -1);
}

static void threads_in_turn(void **state)
{
	char *argv[] = {PROGRAM, "steady=100", "keep=2", "threads=4", NULL};

	(void)state;
	check_steady(USDT, argv, -1);
	check_steady(FUNCTION, argv, -1);
}

static void library_loaded_late(void **state)
{
	char *argv[] = {PROGRAM, "steady=30", "keep=2", "library=" LIBRARY, NULL};

	(void)state;
	check_steady("func:invocation_library.so:library_handle", argv, -1);
	check_steady("func:invocation_library:library_handle", argv, -1);
	check_steady("usdt:invocation_library.so:target:begin,end", argv, -1);
	check_steady(USDT, argv, -1);
}

static void behind_semaphores(void **state)
{
	char *argv[] = {GUARDED, "steady=30", "keep=2", NULL};

	(void)state;
	check_steady(USDT, argv, -1);
}

/* A function is marked once, whatever it is called. */
static void two_names(void **state)
{
	char *argv[] = {PROGRAM, "steady=20", "keep=2", NULL};
	const struct invocation_totals *totals;
	struct marks marks;
	struct watch watch;

	(void)state;
	if (!watch_possible())
		skip();
	marks_init(&marks, FUNCTION);
	marks_add(&marks, "func:" PROGRAM ":invocation_alias");
	totals = invocations_totals(run_marked(&watch, &marks, argv));
	assert_int_equal(totals->ended, said.count);
	assert_int_equal(totals->cut + totals->unmatched, 0);
	watch_close(&watch);
}

static void two_at_once(void **state)
{
	char *argv[] = {PROGRAM, "steady=20", "keep=2", NULL};
	const struct invocations *invocations;
	struct marks marks;
	struct watch watch;

	(void)state;
	if (!watch_possible())
		skip();
	marks_init(&marks, FUNCTION);
	marks_add(&marks, USDT);
	invocations = run_marked(&watch, &marks, argv);
	/* the probes are inside of the function, and what is touched inside of both */
	assert_int_equal(invocations_totals(invocations)->ended, 2 * said.count);
	assert_int_equal(invocations_totals(invocations)->cut, 0);
	assert_int_equal(invocations_totals(invocations)->unmatched, 0);
	for (uint32_t i = 1; i <= 2 * said.count; i++) {
		const struct invocation *invocation = invocations_find(invocations, i);

		assert_int_equal(invocation->depth, (i - 1) % 2);
		assert_int_equal(invocation->born, i % 2 ? 0 : 2);
		assert_string_equal(invocation->id, i % 2 ? "" : said.lines[i / 2 - 1].id);
	}
	watch_close(&watch);
}

/* ---- scenes ---- */

/* Returns what was cut. Pages outside are counted from `ready` on. */
static uint64_t check_scene(const char *spec, const char *scene)
{
	char *argv[] = {PROGRAM, (char *)scene, NULL};
	const struct invocations *invocations;
	const struct invocation_totals *totals;
	struct marks marks;
	struct watch watch;
	uint64_t cut;

	if (!watch_possible())
		skip();
	marks_init(&marks, spec);
	invocations = run_marked(&watch, &marks, argv);
	assert_non_null(invocations);
	check_lines(invocations);
	totals = invocations_totals(invocations);
	cut = totals->cut;
	assert_int_equal(totals->begun, said.count);
	assert_int_equal(totals->ended + cut, said.count);
	assert_int_equal(totals->unmatched, 0);
	assert_int_equal(totals->born_outside, said.outside);
	check_exact(&watch);
	watch_close(&watch);
	return cut;
}

static void helper_is_charged_to_none(void **state)
{
	(void)state;
	assert_int_equal(check_scene(USDT, "helper"), 0);
	assert_int_equal(check_scene(FUNCTION, "helper"), 0);
}

static void concurrent(void **state)
{
	(void)state;
	assert_int_equal(check_scene(USDT, "concurrent"), 0);
}

static void interleaved(void **state)
{
	(void)state;
	assert_int_equal(check_scene(USDT, "interleaved"), 0);
}

static void thread_ends_inside(void **state)
{
	(void)state;
	assert_int_equal(check_scene(USDT, "gone"), 1);
	assert_int_equal(check_scene(FUNCTION, "gone"), 1);
}

static void forks_inside(void **state)
{
	(void)state;
	assert_int_equal(check_scene(USDT, "forks"), 0);
	assert_int_equal(check_scene(FUNCTION, "forks"), 0);
}

static void jumps_out(void **state)
{
	(void)state;
	assert_int_equal(check_scene(FUNCTION, "jumps"), 1);
}

/* ---- whom they are found in ---- */

static void attach_running(void **state)
{
	char *argv[] = {PROGRAM, "steady=50", "keep=3", NULL};
	static const char *const specs[] = {USDT, FUNCTION};

	(void)state;
	if (!watch_possible())
		skip();
	for (size_t i = 0; i < 2; i++) {
		struct marks marks;
		struct watch watch;

		marks_init(&marks, specs[i]);
		watch_marked(&watch, &marks);
		watch_spawn_apart(&watch, argv);
		assert_true(watch_until_rest(&watch));
		assert_int_equal(live_watch_pid(watch.live, (uint32_t)watch.pid, 0), 0);
		assert_int_equal(live_check_invocations(watch.live), 0);
		watch_settle(&watch);
		watch_next(&watch);
		assert_true(watch_until_rest(&watch));
		watch_pump(&watch, 50);
		check_lines(invocations_of(&watch));
		check_exact(&watch);
		watch_close(&watch);
	}
}

/* The program is not known when the command is started. */
static void exec_later(void **state)
{
	char *argv[] = {"/bin/sh", "-c", "exec " PROGRAM " steady=50 keep=3", NULL};

	(void)state;
	check_steady(USDT, argv, -1);
	check_steady(FUNCTION, argv, -1);
}

enum { OVERLAYS = 2 };

struct overlays {
	char directory[32];
	char program[OVERLAYS][64];
	bool mounted;
};

static void overlays_open(struct overlays *overlays)
{
	char command[512], path[64], options[128];

	strcpy(overlays->directory, "/tmp/invocations-XXXXXX");
	assert_non_null(mkdtemp(overlays->directory));
	snprintf(command, sizeof(command),
		 "cd %s && mkdir below none 0 1 && cp \"$OLDPWD\"/" PROGRAM " below",
		 overlays->directory);
	assert_int_equal(system(command), 0);
	snprintf(options, sizeof(options), "lowerdir=%s/below:%s/none", overlays->directory,
		 overlays->directory);
	overlays->mounted = true;
	for (int i = 0; i < OVERLAYS; i++) {
		snprintf(path, sizeof(path), "%s/%d", overlays->directory, i);
		overlays->mounted &= !mount("overlay", path, "overlay", MS_RDONLY, options);
		snprintf(overlays->program[i], sizeof(overlays->program[i]),
			 "%s/%d/invocation_work", overlays->directory, i);
	}
}

static void overlays_close(const struct overlays *overlays)
{
	char text[64];

	for (int i = 0; i < OVERLAYS; i++) {
		snprintf(text, sizeof(text), "%s/%d", overlays->directory, i);
		umount2(text, MNT_DETACH);
	}
	snprintf(text, sizeof(text), "rm -rf %s", overlays->directory);
	assert_int_equal(system(text), 0);
}

/*
 * As two containers of one image have it: two files of two file systems that are one inode below.
 * What is probed twice would have each invocation begin twice.
 */
static void overlays_of_one_file(void **state)
{
	static const char *const specs[OVERLAYS] = {USDT, FUNCTION};
	struct overlays overlays;

	(void)state;
	if (!watch_possible())
		skip();
	overlays_open(&overlays);
	for (int i = 0; i < OVERLAYS && overlays.mounted; i++) {
		char *argv[] = {overlays.program[i], "steady=5", "keep=1", NULL};
		char *other_argv[] = {overlays.program[!i], "steady=1", NULL};
		struct watch watch, other = {0};
		struct marks marks;

		marks_init(&marks, specs[i]);
		watch_marked(&watch, &marks);
		watch_spawn_apart(&other, other_argv);
		watch_spawn(&watch, argv, 0);
		assert_true(watch_until_rest(&watch));
		assert_int_equal(live_watch_pid(watch.live, (uint32_t)other.pid, 0), 0);
		assert_int_equal(live_check_invocations(watch.live), 0);
		watch_next(&watch);
		assert_true(watch_until_rest(&watch));
		watch_pump(&watch, 50);
		check_lines(invocations_of(&watch));
		close(other.to_target);
		waitpid(other.pid, NULL, 0);
		close(other.from_target);
		watch_close(&watch);
	}
	overlays_close(&overlays);
	if (!overlays.mounted) {
		print_message("skipped: no overlay can be mounted\n");
		skip();
	}
}

/* Standard error of a call, in text. */
static int said_by_check(struct watch *watch, char *text, size_t size)
{
	int ends[2], saved = dup(2), rc;
	ssize_t got;

	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	dup2(ends[1], 2);
	rc = live_check_invocations(watch->live);
	dup2(saved, 2);
	close(saved);
	got = read(ends[0], text, size - 1);
	text[got > 0 ? got : 0] = '\0';
	close(ends[0]);
	close(ends[1]);
	return rc;
}

static void unknown_names(void **state)
{
	static const struct {
		const char *spec;
		const char *text;
	} cases[] = {
		{"usdt:target:begn,end", "no probe 'target:begn' in "},
		{"usdt:target:begn,end", "did you mean target:begin"},
		{"usdt:target:begin,ende", "no probe 'target:ende' in "},
		{"usdt:target:begin,ende", "did you mean target:end"},
		{"func:invocation_work:invocation_hande", "did you mean invocation_handle"},
		{"func:invocation_work:invocation_hande", "invocation_handler"},
	};
	char *argv[] = {PROGRAM, "steady=1", NULL};
	char text[1024];

	(void)state;
	if (!watch_possible())
		skip();
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct marks marks;
		struct watch watch;

		marks_init(&marks, cases[i].spec);
		watch_marked(&watch, &marks);
		watch_spawn_apart(&watch, argv);
		assert_true(watch_until_rest(&watch));
		assert_int_equal(live_watch_pid(watch.live, (uint32_t)watch.pid, 0), 0);
		assert_int_equal(said_by_check(&watch, text, sizeof(text)), -ENOENT);
		if (!strstr(text, cases[i].text))
			fail_msg("%s: '%s' is not in: %s", cases[i].spec, cases[i].text, text);
		/* one line */
		assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
		watch_close(&watch);
	}
}

static void unknown_in_a_path(void **state)
{
	struct live *live = NULL;
	struct marks marks;

	(void)state;
	if (!watch_possible())
		skip();
	marks_init(&marks, "func:" PROGRAM ":no_such_function");
	assert_int_equal(live_open(&marks.options, &live), -ENOENT);
	assert_null(live);
}

/* ---- loss ---- */

/* Until the target says something; once a gap the records there are, are taken. */
static void wait_slowly(struct watch *watch, int gap_ms)
{
	struct pollfd fd = {.fd = watch->from_target, .events = POLLIN};

	while (poll(&fd, 1, gap_ms) != 1)
		assert_true(pipeline_run(watch->pipeline) >= 0);
}

/* What is said of an invocation that has ended is true: it has no pages of another. */
static uint64_t check_whole(const struct invocations *invocations)
{
	uint64_t whole = 0;

	for (uint32_t i = 1; i <= invocations_newest(invocations); i++) {
		const struct invocation *invocation = invocations_find(invocations, i);

		assert_non_null(invocation);
		assert_int_equal(strncmp(invocation->id, "work-", 5), 0);
		/* whose end was lost has what its thread touched until that was seen */
		if (invocation->state != INVOCATION_ENDED)
			continue;
		assert_true(invocation->born <= 4);
		if (invocation->lossy)
			continue;
		assert_int_equal(invocation->born, 4);
		whole++;
	}
	return whole;
}

/* With a buffer of 4 KiB, and a reader that is held up: for all of the run, or again and again. */
static void loss_cuts(void **state)
{
	char *argv[] = {PROGRAM, "steady=1000", "keep=2", "early=2", NULL};
	static const int gaps_ms[] = {-1, 1, 3};

	(void)state;
	if (!watch_possible())
		skip();
	for (size_t i = 0; i < sizeof(gaps_ms) / sizeof(*gaps_ms); i++) {
		const struct invocation_totals *totals;
		const struct ledger *ledger;
		struct marks marks;
		struct watch watch;
		uint64_t whole;

		marks_init(&marks, USDT);
		marks.options.buffer_bytes = LIVE_BUFFER_MIN;
		marks.options.stack_bytes = 0;
		watch_marked(&watch, &marks);
		watch_spawn(&watch, argv, 0);
		assert_true(watch_until_rest(&watch));
		watch_settle(&watch);
		watch_next(&watch);
		wait_slowly(&watch, gaps_ms[i]);
		assert_true(watch_until_rest(&watch));
		watch_settle(&watch);
		ledger = watch_ledger(&watch, (uint32_t)watch.pid);
		totals = invocations_totals(ledger->invocations);
		whole = check_whole(ledger->invocations);
		print_message("    %" PRIu64 " records lost; %" PRIu64 " begun, %" PRIu64
			      " ended, %" PRIu64 " whole, %" PRIu64 " cut, %" PRIu64 " unmatched\n",
			      ledger->totals.lost, totals->begun, totals->ended, whole, totals->cut,
			      totals->unmatched);
		if (gaps_ms[i] < 0) {
			assert_true(ledger->totals.lost > 0);
			assert_true(whole > 0 && whole < 1000);
		}
		assert_int_equal(invocations_open(ledger->invocations), 0);
		check_exact(&watch);
		watch_close(&watch);
	}
}

/* ---- what is left behind ---- */

/* The address of a function in a process that runs its program. */
static uint64_t address_of(pid_t pid, const char *program, const char *function)
{
	char command[256], line[4352];
	uint64_t value = 0, start = 0;
	FILE *file;

	snprintf(command, sizeof(command), "nm %s | awk '$3 == \"%s\" { print $1 }'", program,
		 function);
	file = popen(command, "r");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%" SCNx64, &value), 1);
	pclose(file);
	snprintf(command, sizeof(command), "/proc/%d/maps", pid);
	file = fopen(command, "r");
	assert_non_null(file);
	while (!start && fgets(line, sizeof(line), file))
		if (strstr(line, "/invocation_"))
			assert_int_equal(sscanf(line, "%" SCNx64, &start), 1);
	fclose(file);
	return start + value;
}

static uint64_t text_at(pid_t pid, uint64_t address)
{
	uint64_t word = 0;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &word, sizeof(word), (off_t)address), sizeof(word));
	close(fd);
	return word;
}

static void check_no_events(void)
{
	FILE *events = fopen("/sys/kernel/tracing/uprobe_events", "r");

	if (!events)
		return;
	assert_int_equal(fgetc(events), EOF);
	fclose(events);
}

static void leaves_nothing(void **state)
{
	char *argv[] = {PROGRAM, "steady=5", "keep=1", NULL};
	struct marks marks;
	struct watch watch;
	uint64_t address, before;
	pid_t pid;

	(void)state;
	if (!watch_possible())
		skip();
	marks_init(&marks, FUNCTION);
	watch_marked(&watch, &marks);
	watch_spawn_apart(&watch, argv);
	assert_true(watch_until_rest(&watch));
	pid = watch.pid;
	address = address_of(pid, PROGRAM, "invocation_handle");
	before = text_at(pid, address);
	assert_int_equal(live_watch_pid(watch.live, (uint32_t)pid, 0), 0);
	assert_int_equal(live_check_invocations(watch.live), 0);
	assert_true(text_at(pid, address) != before);
	check_no_events();
	watch.pid = 0;
	/* the target stays */
	int to_target = dup(watch.to_target), from_target = dup(watch.from_target);

	watch_close(&watch);
	assert_int_equal(text_at(pid, address), before);
	check_no_events();
	close(to_target);
	close(from_target);
	waitpid(pid, NULL, 0);
}

/* The same where tidemark gets no chance to put things right. */
static void leaves_nothing_killed(void **state)
{
	char *argv[] = {PROGRAM, "steady=5", "keep=1", NULL};
	struct marks marks;
	struct watch watch;
	uint64_t address, before;
	pid_t collector;
	int ready[2];
	char byte;

	(void)state;
	if (!watch_possible())
		skip();
	memset(&watch, 0, sizeof(watch));
	watch_spawn_apart(&watch, argv);
	for (int i = 0; i < 500 && read(watch.from_target, &byte, 1) != 1; i++)
		poll(NULL, 0, 10);
	assert_int_equal(byte, 'R');
	address = address_of(watch.pid, PROGRAM, "invocation_handle");
	before = text_at(watch.pid, address);
	assert_int_equal(pipe(ready), 0);
	marks_init(&marks, FUNCTION);
	collector = fork();
	if (!collector) {
		struct live *live;
		bool well = !live_open(&marks.options, &live) &&
			    !live_watch_pid(live, (uint32_t)watch.pid, 0) &&
			    !live_check_invocations(live);

		if (write(ready[1], well ? "y" : "n", 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(byte, 'y');
	assert_true(text_at(watch.pid, address) != before);
	kill(collector, SIGKILL);
	waitpid(collector, NULL, 0);
	/* the kernel takes down what it closes in its own time */
	for (int i = 0; i < 1000 && text_at(watch.pid, address) != before; i++)
		poll(NULL, 0, 10);
	assert_int_equal(text_at(watch.pid, address), before);
	check_no_events();
	close(watch.to_target);
	close(watch.from_target);
	waitpid(watch.pid, NULL, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(usdt_keeps),
		cmocka_unit_test(usdt_gives_back_later),
		cmocka_unit_test(usdt_advises_away),
		cmocka_unit_test(function_keeps),
		cmocka_unit_test(function_by_path),
		cmocka_unit_test(nested),
		cmocka_unit_test(threads_in_turn),
		cmocka_unit_test(library_loaded_late),
		cmocka_unit_test(behind_semaphores),
		cmocka_unit_test(two_names),
		cmocka_unit_test(two_at_once),
		cmocka_unit_test(helper_is_charged_to_none),
		cmocka_unit_test(concurrent),
		cmocka_unit_test(interleaved),
		cmocka_unit_test(thread_ends_inside),
		cmocka_unit_test(forks_inside),
		cmocka_unit_test(jumps_out),
		cmocka_unit_test(attach_running),
		cmocka_unit_test(exec_later),
		cmocka_unit_test(overlays_of_one_file),
		cmocka_unit_test(unknown_names),
		cmocka_unit_test(unknown_in_a_path),
		cmocka_unit_test(loss_cuts),
		cmocka_unit_test(leaves_nothing),
		cmocka_unit_test(leaves_nothing_killed),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("invocations", tests, NULL, NULL);
}
