/* The three programs as they are built, run as child processes. */
#include "tests/handler/support.h"

#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/handler/emf_check.h"

#define ARGUMENTS_MAX 32
#define TEST_SECONDS_MAX 120

static const char *const allocators[] = {"glibc", "jemalloc", "mimalloc"};

struct child {
	pid_t pid;
	int out, err; /* what the child writes */
};

struct outcome {
	int status; /* the exit code, or minus the signal */
	char *out, *err;
};

/* How a child's surroundings are made hostile. */
enum setting { NORMAL, OUT_CLOSED, OUT_FULL, OUT_UNREAD, LITTLE_MEMORY };

static void child_settle(enum setting setting)
{
	const struct rlimit limit = {.rlim_cur = 256 << 20, .rlim_max = 256 << 20};

	if (setting == OUT_CLOSED)
		close(STDOUT_FILENO);
	else if (setting == OUT_FULL)
		dup2(open("/dev/full", O_WRONLY), STDOUT_FILENO);
	else if (setting == LITTLE_MEMORY)
		setrlimit(RLIMIT_AS, &limit);
}

static void child_exec(const char *allocator, const char *line)
{
	const char *directory = getenv("HANDLER_DIR");
	char path[4096];
	char *copy = strdup(line);
	char *argv[ARGUMENTS_MAX + 1] = {path};
	int argc = 1;

	snprintf(path, sizeof(path), "%s/handler-%s", directory ? directory : "build", allocator);
	for (char *word = strtok(copy, " "); word && argc < ARGUMENTS_MAX; word = strtok(NULL, " "))
		argv[argc++] = word;
	execv(path, argv);
	fprintf(stderr, "%s: %s\n", path, strerror(errno));
	_exit(127);
}

static struct child child_start(const char *allocator, enum setting setting, const char *line)
{
	struct child child;
	int out[2], err[2];

	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(pipe2(err, O_CLOEXEC), 0);
	child.pid = fork();
	assert_true(child.pid >= 0);
	if (child.pid == 0) {
		dup2(out[1], STDOUT_FILENO);
		dup2(err[1], STDERR_FILENO);
		close(out[0]);
		signal(SIGPIPE, SIG_DFL);
		child_settle(setting);
		child_exec(allocator, line);
	}
	close(out[1]);
	close(err[1]);
	child.out = out[0];
	child.err = err[0];
	if (setting == OUT_UNREAD) {
		close(child.out);
		child.out = open("/dev/null", O_RDONLY);
	}
	return child;
}

static void stream_read(struct pollfd *poll, FILE *into)
{
	char bytes[4096];
	ssize_t count = read(poll->fd, bytes, sizeof(bytes));

	if (count > 0) {
		fwrite(bytes, 1, (size_t)count, into);
	} else {
		close(poll->fd);
		poll->fd = -1;
	}
}

static struct outcome child_finish(struct child child)
{
	struct pollfd fds[2] = {{.fd = child.out, .events = POLLIN},
				{.fd = child.err, .events = POLLIN}};
	struct outcome outcome = {0};
	size_t sizes[2];
	FILE *streams[2] = {open_memstream(&outcome.out, &sizes[0]),
			    open_memstream(&outcome.err, &sizes[1])};
	int status;

	while (fds[0].fd >= 0 || fds[1].fd >= 0) {
		if (poll(fds, 2, TEST_SECONDS_MAX * 1000) == 0) {
			kill(child.pid, SIGKILL);
			fail_msg("the child wrote nothing and did not end");
		}
		for (int i = 0; i < 2; i++) {
			if (fds[i].fd >= 0 && fds[i].revents)
				stream_read(&fds[i], streams[i]);
		}
	}
	fclose(streams[0]);
	fclose(streams[1]);
	assert_int_equal(waitpid(child.pid, &status, 0), child.pid);
	outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
	return outcome;
}

static void outcome_free(struct outcome *outcome)
{
	free(outcome->out);
	free(outcome->err);
}

static struct outcome child_run(const char *allocator, enum setting setting, const char *line)
{
	return child_finish(child_start(allocator, setting, line));
}

/* All lines as an array, each checked to be an object; the last one is final and the only one. */
static json_t *lines_parse(const struct outcome *outcome)
{
	json_t *lines = json_array();
	char *copy = strdup(outcome->out);
	char *rest;

	for (char *line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		json_t *parsed = json_loads(line, JSON_REJECT_DUPLICATES, NULL);

		assert_true(json_is_object(parsed));
		assert_int_equal(json_array_append_new(lines, parsed), 0);
	}
	free(copy);
	assert_true(json_array_size(lines) > 0);
	for (size_t i = 0; i < json_array_size(lines); i++) {
		bool last = i + 1 == json_array_size(lines);

		assert_int_equal(json_is_true(json_object_get(json_array_get(lines, i), "final")),
				 last);
	}
	return lines;
}

static json_t *lines_run(const char *allocator, const char *line)
{
	struct outcome outcome = child_run(allocator, NORMAL, line);
	json_t *lines;

	if (outcome.status != 0)
		fail_msg("%s %s ended with %d: %s", allocator, line, outcome.status, outcome.err);
	assert_string_equal(outcome.err, "");
	lines = lines_parse(&outcome);
	outcome_free(&outcome);
	return lines;
}

static json_int_t line_number(const json_t *lines, size_t index, const char *name)
{
	const json_t *value = json_object_get(json_array_get(lines, index), name);

	assert_true(json_is_integer(value));
	return json_integer_value(value);
}

static const char *line_text(const json_t *lines, const char *name)
{
	return json_string_value(json_object_get(json_array_get(lines, 0), name));
}

static void test_unbounded_keeps_all(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(allocators); i++) {
		json_t *lines = lines_run(allocators[i], "--invocations 1000 --report 100");
		json_int_t last = 0, before = 0;

		assert_int_equal(json_array_size(lines), 11);
		assert_string_equal(line_text(lines, "allocator"), allocators[i]);
		assert_string_equal(line_text(lines, "cache"), "unbounded");
		for (size_t j = 0; j < 10; j++) {
			json_int_t processed = line_number(lines, j, "processed");
			json_int_t live = line_number(lines, j, "live_bytes");

			assert_int_equal(line_number(lines, j, "invocations"), 100 * (j + 1));
			assert_int_equal(line_number(lines, j, "entries"), processed);
			assert_int_equal(processed + line_number(lines, j, "errors"),
					 1000 * (j + 1));
			/* A block for every order, and beside it its entry and its buckets. */
			assert_in_range(live - last, (processed - before) * ORDER_BLOCK,
					(processed - before) * (ORDER_BLOCK + 256));
			last = live;
			before = processed;
		}
		assert_int_equal(line_number(lines, 10, "invocations"), 1000);
		json_decref(lines);
	}
}

static void test_lru_stays_bounded(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(allocators); i++) {
		json_t *lines = lines_run(allocators[i], "--cache lru --lru-size 500 "
							 "--invocations 1000 --report 100 "
							 "--payload 400 --threads 2");

		assert_string_equal(line_text(lines, "cache"), "lru");
		for (size_t j = 0; j < json_array_size(lines); j++) {
			assert_int_equal(line_number(lines, j, "entries"), 500);
			assert_in_range(line_number(lines, j, "live_bytes"), 500 * ORDER_BLOCK,
					500 * (ORDER_BLOCK + 256));
			/* Every order takes one block: once the cache is full, all is reuse. */
			assert_int_equal(line_number(lines, j, "live_bytes"),
					 line_number(lines, 0, "live_bytes"));
		}
		json_decref(lines);
	}
}

static void test_allocators_tell_their_figures(void **state)
{
	static const char *const names[][7] = {
		{"arena", "hblkhd", "uordblks", "fordblks", "keepcost"},
		{"allocated", "active", "resident", "mapped", "retained", "metadata"},
		{"current_commit", "peak_commit", "page_faults_count"},
	};
	/* The figure that must cover what the cache holds, so the allocator is really in use. */
	static const char *const held[] = {"uordblks", "allocated", "current_commit"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(allocators); i++) {
		json_t *lines = lines_run(allocators[i], "--invocations 2000 --report 0");
		const json_t *stats = json_object_get(json_array_get(lines, 0), "allocator_stats");

		for (size_t j = 0; j < 7 && names[i][j]; j++)
			assert_true(json_is_integer(json_object_get(stats, names[i][j])));
		if (!UNDER_SANITIZER)
			assert_in_range(json_integer_value(json_object_get(stats, held[i])),
					line_number(lines, 0, "live_bytes"), 1 << 30);
		json_decref(lines);
	}
}

static void test_same_work_for_all(void **state)
{
	json_int_t live = 0, processed = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(allocators); i++) {
		/* Orders of one block and of two: what they take tells which they were. */
		json_t *lines = lines_run(allocators[i], "--seed 42 --threads 3 --report 0 "
							 "--invocations 500 --malformed 7.5 "
							 "--payload 0-3800");

		if (i == 0) {
			live = line_number(lines, 0, "live_bytes");
			processed = line_number(lines, 0, "processed");
			assert_in_range(processed, 4500, 4750);
			assert_in_range(live, processed * ORDER_BLOCK * 5 / 4,
					processed * ORDER_BLOCK * 7 / 4);
		}
		assert_int_equal(line_number(lines, 0, "live_bytes"), live);
		assert_int_equal(line_number(lines, 0, "processed"), processed);
		json_decref(lines);
	}
}

static void child_refuse(const char *allocator, enum setting setting, const char *line, int status)
{
	struct outcome outcome = child_run(allocator, setting, line);
	size_t length = strlen(outcome.err);

	if (outcome.status != status)
		fail_msg("%s %s ended with %d: %s", allocator, line, outcome.status, outcome.err);
	assert_true(length > 10);
	assert_ptr_equal(strchr(outcome.err, '\n'), outcome.err + length - 1);
	assert_memory_equal(outcome.err, "handler-", 8);
	if (status == 64)
		assert_string_equal(outcome.out, "");
	outcome_free(&outcome);
}

static void test_absurd_options(void **state)
{
	static const char *const cases[] = {
		"--cache none", "--threads 0", "--payload 5000", "--malformed 200", "--nonsense",
		"--records -1", "stray",       "--lru-size 5",	 "--burst",	    "--version",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(allocators); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(cases); j++)
			child_refuse(allocators[i], NORMAL, cases[j], 64);
	}
}

static void test_no_place_to_write(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(allocators); i++) {
		child_refuse(allocators[i], OUT_CLOSED, "--invocations 10", 1);
		child_refuse(allocators[i], OUT_FULL, "--invocations 10", 1);
		child_refuse(allocators[i], OUT_FULL, "--invocations 0 --report 5 --threads 4", 1);
		child_refuse(allocators[i], OUT_UNREAD, "--invocations 0 --report 5", 1);
		child_refuse(allocators[i], OUT_FULL, "--help", 1);
		child_refuse(allocators[i], OUT_FULL, "--emf --threads 4 --truth /dev/null", 1);
		child_refuse(allocators[i], NORMAL, "--truth /dev/full", 1);
		child_refuse(allocators[i], NORMAL, "--truth /nonexistent/truth", 1);
	}
}

static void test_out_of_memory(void **state)
{
	(void)state;
	if (UNDER_SANITIZER)
		skip(); /* its shadow alone needs more address space than the limit */
	for (size_t i = 0; i < ARRAY_SIZE(allocators); i++) {
		child_refuse(allocators[i], LITTLE_MEMORY, "--burst 1000", 1);
		child_refuse(allocators[i], LITTLE_MEMORY,
			     "--invocations 0 --report 0 --records 1000 --payload 3800", 1);
	}
}

static void test_metrics_and_truth_apart(void **state)
{
	char path[] = "/tmp/truth-XXXXXX";
	char line[256];
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	snprintf(line, sizeof(line), "--invocations 20 --report 10 --emf --truth %s", path);
	for (size_t i = 0; i < ARRAY_SIZE(allocators); i++) {
		/* Longer than what will be there: the file is made anew. */
		char *before = calloc(1, 100000);
		struct outcome metrics, truth = {0};
		size_t lines = 0;
		json_t *parsed;
		char *rest;

		assert_int_equal(pwrite(fd, before, 100000, 0), 100000);
		free(before);
		metrics = child_run(allocators[i], NORMAL, line);
		assert_int_equal(metrics.status, 0);
		for (char *one = strtok_r(metrics.out, "\n", &rest); one;
		     one = strtok_r(NULL, "\n", &rest), lines++)
			json_decref(emf_parse(one));
		assert_int_equal(lines, 20);

		truth.out = calloc(1, 100001);
		assert_in_range(pread(fd, truth.out, 100000, 0), 100, 99999);
		parsed = lines_parse(&truth);
		assert_int_equal(json_array_size(parsed), 3);
		json_decref(parsed);
		outcome_free(&truth);
		outcome_free(&metrics);
	}
	close(fd);
	unlink(path);
}

static void test_help(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(allocators); i++) {
		struct outcome outcome = child_run(allocators[i], NORMAL, "--help");

		assert_int_equal(outcome.status, 0);
		assert_string_equal(outcome.err, "");
		assert_non_null(strstr(outcome.out, "Exit codes"));
		outcome_free(&outcome);
	}
}

/* Waits until the child has written something: it is past its start. */
static void child_await(struct child child)
{
	struct pollfd fd = {.fd = child.out, .events = POLLIN};

	assert_int_equal(poll(&fd, 1, TEST_SECONDS_MAX * 1000), 1);
}

static void child_signal(const char *allocator, int number, const char *line)
{
	struct child child = child_start(allocator, NORMAL, line);
	struct outcome outcome;
	json_t *lines;
	size_t last;

	child_await(child);
	assert_int_equal(kill(child.pid, number), 0);
	outcome = child_finish(child);
	assert_int_equal(outcome.status, 0);
	assert_string_equal(outcome.err, "");
	lines = lines_parse(&outcome);
	last = json_array_size(lines) - 1;
	assert_true(line_number(lines, last, "invocations") > 0);
	assert_int_equal(line_number(lines, last, "entries"),
			 line_number(lines, last, "processed"));
	json_decref(lines);
	outcome_free(&outcome);
}

static void test_signals(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(allocators); i++) {
		child_signal(allocators[i], SIGTERM, "--invocations 0");
		child_signal(allocators[i], SIGINT, "--invocations 0 --threads 3");
		/* Within a gap, and within the idle time: neither is waited for. */
		child_signal(allocators[i], SIGTERM,
			     "--invocations 0 --gap 3600000 --report 1 --threads 2");
		child_signal(allocators[i], SIGTERM, "--invocations 5 --report 0 --idle 86400");
		child_signal(allocators[i], SIGTERM, "--invocations 5 --report 0 --burst 8");
	}
}

static int abort_late(void **state)
{
	(void)state;
	alarm(10 * TEST_SECONDS_MAX);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unbounded_keeps_all),
		cmocka_unit_test(test_lru_stays_bounded),
		cmocka_unit_test(test_allocators_tell_their_figures),
		cmocka_unit_test(test_same_work_for_all),
		cmocka_unit_test(test_absurd_options),
		cmocka_unit_test(test_no_place_to_write),
		cmocka_unit_test(test_out_of_memory),
		cmocka_unit_test(test_metrics_and_truth_apart),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_signals),
	};

	return cmocka_run_group_tests(tests, abort_late, NULL);
}
