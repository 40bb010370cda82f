/* The driver as it is built, with functions that behave and that do not. */
#include "tests/handler/support.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <jansson.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ARGUMENTS_MAX 64
#define TEST_SECONDS_MAX 300
/* Events of a run with a signal: never reached. */
#define ENDLESS "--invocations 0 "

static char build[2048]; /* where the programs are */
static char directory[] = "/tmp/driver-test-XXXXXX";
static const char *hidden; /* a directory of control groups that the driver does not see */
static bool without_stdout, without_directory; /* closed, and removed */

struct ended {
	int status; /* the exit code, or minus the signal */
	char *out, *err, *log, *samples;
	json_t *summary; /* NULL: there is none */
};

static char *file_path(const char *name)
{
	char *path = NULL;

	assert_true(asprintf(&path, "%s/%s", directory, name) > 0);
	return path;
}

/* All of it; "" if there is no such file. */
static char *file_read(const char *name)
{
	char *path = file_path(name);
	FILE *file = fopen(path, "r");
	char *text = NULL;
	size_t size = 0;

	free(path);
	if (!file || getdelim(&text, &size, '\0', file) < 0) {
		free(text);
		text = strdup("");
	}
	if (file)
		fclose(file);
	return text;
}

/* In the child: "STUB" in the line stands for the stub's path, "HANDLER" for the handler's. */
static void driver_exec(const char *line)
{
	char path[4096], stub[4096], handler[4096];
	char *argv[ARGUMENTS_MAX + 1] = {path};
	char *copy = strdup(line);
	int argc = 1;

	snprintf(path, sizeof(path), "%s/driver", build);
	snprintf(stub, sizeof(stub), "%s/tests/handler/function_stub", build);
	snprintf(handler, sizeof(handler), "%s/handler-glibc", build);
	for (char *word = strtok(copy, " "); word && argc < ARGUMENTS_MAX;
	     word = strtok(NULL, " ")) {
		if (strcmp(word, "STUB") == 0)
			word = stub;
		else if (strcmp(word, "HANDLER") == 0)
			word = handler;
		argv[argc++] = word;
	}
	execv(path, argv);
	fprintf(stderr, "%s: %s\n", path, strerror(errno));
	_exit(127);
}

/* As nobody, if user is not 0. */
static pid_t driver_start(const char *line, uid_t user)
{
	char *full = NULL;
	pid_t pid;

	for (const char *const *name = (const char *const[]){"summary", "samples", "log", NULL};
	     *name; name++) {
		char *path = file_path(*name);

		unlink(path);
		free(path);
	}
	/* Another user could not write the files. */
	assert_true((user ? asprintf(&full, "%s", line)
			  : asprintf(&full,
				     "--summary %1$s/summary --samples %1$s/samples "
				     "--function-log %1$s/log %2$s",
				     directory, line)) > 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		char *out = file_path("out"), *err = file_path("err");

		dup2(open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600), STDOUT_FILENO);
		dup2(open(err, O_WRONLY | O_CREAT | O_TRUNC, 0600), STDERR_FILENO);
		if (hidden &&
		    (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		     umount2(hidden, MNT_DETACH)))
			_exit(125);
		if (without_stdout)
			close(STDOUT_FILENO);
		if (without_directory) {
			char *gone = file_path("gone");

			if (mkdir(gone, 0700) || chdir(gone) || rmdir(gone))
				_exit(124);
		}
		if (user && (setgroups(0, NULL) || setgid(user) || setuid(user)))
			_exit(126);
		driver_exec(full);
	}
	free(full);
	return pid;
}

static json_int_t count(const struct ended *ended, const char *name)
{
	const json_t *value = json_object_get(ended->summary, name);

	assert_true(json_is_integer(value));
	return json_integer_value(value);
}

static double number(const struct ended *ended, const char *name, const char *part)
{
	const json_t *value = json_object_get(ended->summary, name);

	value = part ? json_object_get(value, part) : value;
	assert_true(json_is_number(value));
	return json_number_value(value);
}

/* What holds for every run. */
static void summary_check(const struct ended *ended)
{
	json_int_t invocations = count(ended, "invocations");

	assert_int_equal(invocations, count(ended, "succeeded") + count(ended, "failed") +
					      count(ended, "timed_out") +
					      count(ended, "mismatched") +
					      count(ended, "interrupted"));
	assert_in_range(count(ended, "failed_oom"), 0, count(ended, "failed"));
	assert_in_range(count(ended, "cold_starts"), 0, count(ended, "instances"));
	assert_in_range(count(ended, "oom_kills") + count(ended, "crashes"), 0,
			count(ended, "instances"));
	assert_true(number(ended, "duration_ms", "p50") <= number(ended, "duration_ms", "p90"));
	assert_true(number(ended, "duration_ms", "p90") <= number(ended, "duration_ms", "p99"));
	assert_true(number(ended, "duration_ms", "p99") <= number(ended, "duration_ms", "max"));
	assert_true(number(ended, "duration_ms", "mean") <= number(ended, "billed_ms_mean", NULL));
	if (invocations)
		assert_float_equal(number(ended, "reuse_percent", NULL),
				   100 - 100. * (double)count(ended, "cold_starts") /
						   (double)invocations,
				   1e-6);
}

static struct ended driver_finish(pid_t pid)
{
	struct ended ended;
	char *summary;
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	ended.status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
	ended.out = file_read("out");
	ended.err = file_read("err");
	ended.log = file_read("log");
	ended.samples = file_read("samples");
	summary = file_read("summary");
	ended.summary = json_loads(summary, JSON_REJECT_DUPLICATES, NULL);
	free(summary);
	return ended;
}

static void ended_free(struct ended *ended)
{
	free(ended->out);
	free(ended->err);
	free(ended->log);
	free(ended->samples);
	json_decref(ended->summary);
}

static struct ended driver_run(const char *line, int status)
{
	struct ended ended = driver_finish(driver_start(line, 0));

	if (ended.status != status)
		fail_msg("'%s' ended with %d: %s", line, ended.status, ended.err);
	if (status < 2)
		summary_check(&ended);
	return ended;
}

/* A run in which every event was answered right by one instance. */
static struct ended driver_succeed(const char *line, json_int_t invocations)
{
	struct ended ended = driver_run(line, 0);

	assert_int_equal(count(&ended, "succeeded"), invocations);
	assert_int_equal(count(&ended, "invocations"), invocations);
	assert_int_equal(count(&ended, "instances"), 1);
	assert_int_equal(count(&ended, "cold_starts"), 1);
	assert_string_equal(ended.err, "");
	return ended;
}

static bool control_groups_missing(void)
{
	struct ended ended;
	bool missing = true;

	if (geteuid() == 0) {
		ended = driver_finish(
			driver_start("--freeze --memory 64M --invocations 1 -- STUB good", 0));
		missing = ended.status == 2;
		if (missing)
			print_message("  skipped: %s", ended.err);
		ended_free(&ended);
	} else {
		print_message("  skipped: control groups need root\n");
	}
	return missing;
}

/* Groups of drivers that are left under /sys/fs/cgroup. */
static size_t groups_count(const char *path, int depth, pid_t driver)
{
	DIR *stream = opendir(path);
	struct dirent *entry;
	size_t found = 0;
	char name[64];

	snprintf(name, sizeof(name), "lambda-driver-%d-", driver);
	while (stream && (entry = readdir(stream))) {
		char *below = NULL;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		found += strncmp(entry->d_name, name, strlen(name)) == 0;
		assert_true(asprintf(&below, "%s/%s", path, entry->d_name) > 0);
		if (depth > 0)
			found += groups_count(below, depth - 1, driver);
		free(below);
	}
	if (stream)
		closedir(stream);
	return found;
}

static void test_handler_back_to_back(void **state)
{
	static const char *const lines[] = {
		"--invocations 10000 --malformed 5 -- HANDLER --cache unbounded",
		"--invocations 10000 --malformed 5 -- HANDLER --cache lru --lru-size 1000",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct ended ended = driver_succeed(lines[i], 10000);

		print_message("  %s: p50 %.3f ms, p99 %.3f ms, %.0f/s\n", i ? "lru" : "unbounded",
			      number(&ended, "duration_ms", "p50"),
			      number(&ended, "duration_ms", "p99"),
			      number(&ended, "invocations_per_s", NULL));
		ended_free(&ended);
	}
}

static void test_same_seed_same_answers(void **state)
{
	struct ended ended = driver_succeed("--seed 9 --records 100 --payload 0-3800 "
					    "--malformed 50 --invocations 200 -- STUB good",
					    200);

	(void)state;
	assert_int_equal(count(&ended, "seed"), 9);
	ended_free(&ended);
}

static void test_protocol(void **state)
{
	static const char once[] = "path 404\nmethod 405\nnext 403\ninit 403\nwrong-id 403\n"
				   "no-id 400\nlong-id 400\nright 202\nagain 403\nerror 403\n";
	struct ended ended = driver_succeed("--invocations 3 -- STUB protocol", 3);

	(void)state;
	assert_memory_equal(ended.log, once, strlen(once));
	assert_memory_equal(ended.log + strlen(once), once, strlen(once));
	assert_true(count(&ended, "refused_requests") >= 9 + 9 + 7);
	ended_free(&ended);
}

static void test_misbehaviour(void **state)
{
	static const struct {
		const char *line;
		json_int_t succeeded, failed, timed_out, mismatched, instances, crashes;
		const char *said;
	} cases[] = {
		{"--invocations 5 -- STUB exit 3", 4, 1, 0, 0, 2, 1, "exit code 9"},
		{"--invocations 5 -- STUB crash 3", 4, 1, 0, 0, 2, 1, "signal 6"},
		{"--invocations 5 -- STUB leave", 5, 0, 0, 0, 5, 4, "exit code 0"},
		{"--invocations 4 --timeout 2000 -- STUB mute 2", 3, 0, 1, 0, 2, 0, "deadline"},
		{"--invocations 4 -- STUB wrong", 0, 0, 0, 4, 1, 0, "processed_count is 11"},
		{"--invocations 4 -- STUB garbage", 0, 0, 0, 4, 1, 0, "no valid JSON"},
		{"--invocations 4 -- STUB error", 0, 4, 0, 0, 1, 0, "Order.Bad: no? way"},
		{"--invocations 4 -- STUB huge", 0, 4, 0, 0, 1, 0, "over 6 MiB"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ended ended = driver_run(cases[i].line, 1);

		if (!strstr(ended.err, cases[i].said))
			fail_msg("'%s' said: %s", cases[i].line, ended.err);
		assert_null(strchr(ended.err, '\x1b'));
		assert_int_equal(count(&ended, "succeeded"), cases[i].succeeded);
		assert_int_equal(count(&ended, "failed"), cases[i].failed);
		assert_int_equal(count(&ended, "timed_out"), cases[i].timed_out);
		assert_int_equal(count(&ended, "mismatched"), cases[i].mismatched);
		assert_int_equal(count(&ended, "instances"), cases[i].instances);
		assert_int_equal(count(&ended, "cold_starts"), cases[i].instances);
		assert_int_equal(count(&ended, "crashes"), cases[i].crashes);
		ended_free(&ended);
	}
}

static void test_init_failures_end_the_run(void **state)
{
	static const struct {
		const char *line, *said;
	} cases[] = {
		{"-- STUB init-error", "Init.Bad: no such table"},
		{"-- STUB init-exit", "exit code 3"},
		{"--init-timeout 200 -- STUB init-mute", "did not ask for an event in time"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ended ended = driver_run(cases[i].line, 1);

		assert_non_null(strstr(ended.err, cases[i].said));
		assert_non_null(strstr(ended.err, "3 instances in a row"));
		assert_int_equal(count(&ended, "invocations"), 0);
		assert_int_equal(count(&ended, "instances"), 3);
		assert_int_equal(count(&ended, "crashes"), 3);
		ended_free(&ended);
	}
}

static void test_samples(void **state)
{
	struct ended ended =
		driver_succeed("--sample-every 25 --invocations 110 -- STUB good", 110);
	char *rest = ended.samples;
	unsigned long expected = 25;

	(void)state;
	assert_string_equal(strsep(&rest, "\n"), "invocations,elapsed_s,instance,pid,rss_bytes,"
						 "anon_bytes,cgroup_bytes,duration_ms");
	for (char *line = strsep(&rest, "\n"); line && *line; line = strsep(&rest, "\n")) {
		unsigned long invocations, instance, pid, rss, anon;
		double elapsed, duration;

		assert_int_equal(sscanf(line, "%lu,%lf,%lu,%lu,%lu,%lu,,%lf", &invocations,
					&elapsed, &instance, &pid, &rss, &anon, &duration),
				 7);
		assert_int_equal(invocations, expected);
		assert_int_equal(instance, 1);
		assert_true(anon > 0 && anon < rss && rss % 4096 == 0);
		assert_true(duration > 0 && elapsed > 0);
		expected += 25;
	}
	assert_int_equal(expected, 125);
	ended_free(&ended);
}

static void test_gap_and_rate(void **state)
{
	static const char *const lines[] = {
		"--gap 20 --invocations 11 -- STUB good",
		"--rate 50 --invocations 11 -- STUB good",
	};
	struct ended ended;

	(void)state;
	/* 10 gaps of 20 ms each: it can take longer, but not less. */
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		ended = driver_succeed(lines[i], 11);
		assert_true(number(&ended, "elapsed_s", NULL) >= 0.2);
		ended_free(&ended);
	}
	ended = driver_run("--duration 1 --gap 3600000 --invocations 0 -- STUB good", 0);
	assert_int_equal(count(&ended, "succeeded"), 1);
	ended_free(&ended);
}

/* Ticks of the function's timer in all gaps, and how long those were. */
static void ticks_sum(const char *log, unsigned long *ticks, unsigned long *ms)
{
	*ticks = *ms = 0;
	for (const char *line = log; line; line = strstr(line + 1, "ticks ")) {
		unsigned long more, longer;

		assert_int_equal(sscanf(line, "ticks %lu ms %lu", &more, &longer), 2);
		*ticks += more;
		*ms += longer;
	}
}

static void test_freeze(void **state)
{
	unsigned long ticks, ms, free_ticks, free_ms;
	struct ended ended;

	(void)state;
	if (control_groups_missing())
		skip();
	ended = driver_succeed("--gap 200 --invocations 8 -- STUB ticks", 8);
	ticks_sum(ended.log, &free_ticks, &free_ms);
	ended_free(&ended);
	ended = driver_succeed("--freeze --gap 200 --invocations 8 -- STUB ticks", 8);
	ticks_sum(ended.log, &ticks, &ms);
	assert_int_equal(count(&ended, "freezes"), 7);
	assert_true(json_is_true(json_object_get(ended.summary, "frozen")));
	ended_free(&ended);

	print_message("  %lu ticks in %lu ms, frozen %lu in %lu ms\n", free_ticks, free_ms, ticks,
		      ms);
	/* The time passed, by its own clock, and its timer did not run. */
	assert_true(ms >= 7 * 190);
	assert_true(free_ticks > 0);
	assert_true(ticks * 4 < free_ticks);
}

/* Without version 1 it is version 2 that freezes. */
static void test_freeze_v2(void **state)
{
	unsigned long ticks, ms;
	struct ended ended;

	(void)state;
	if (control_groups_missing())
		skip();
	if (access("/sys/fs/cgroup/freezer/cgroup.procs", F_OK) ||
	    access("/sys/fs/cgroup/unified/cgroup.procs", F_OK)) {
		print_message("  skipped: there is only one version of control groups\n");
		skip();
	}
	hidden = "/sys/fs/cgroup/freezer";
	ended = driver_succeed("--freeze --gap 200 --invocations 8 -- STUB ticks", 8);
	hidden = NULL;
	ticks_sum(ended.log, &ticks, &ms);
	assert_int_equal(count(&ended, "freezes"), 7);
	assert_true(ms >= 7 * 190);
	assert_true(ticks < ms / 4);
	ended_free(&ended);
}

static void test_memory_limit(void **state)
{
	struct ended ended;
	pid_t pid;

	(void)state;
	if (control_groups_missing())
		skip();
	pid = driver_start("--memory 96M --invocations 40 -- STUB eat 16", 0);
	ended = driver_finish(pid);
	assert_int_equal(ended.status, 0);
	summary_check(&ended);
	assert_int_equal(count(&ended, "invocations"), 40);
	/* Six times 16 MiB are all of it: the sixth invocation, or one before it, is the last. */
	assert_in_range(count(&ended, "oom_kills"), 6, 40);
	assert_int_equal(count(&ended, "failed"), count(&ended, "oom_kills"));
	assert_int_equal(count(&ended, "failed_oom"), count(&ended, "failed"));
	assert_int_equal(count(&ended, "crashes"), 0);
	assert_in_range(count(&ended, "instances"), count(&ended, "oom_kills"),
			count(&ended, "oom_kills") + 1);
	assert_true(number(&ended, "reuse_percent", NULL) < 100);
	assert_true(number(&ended, "memory_limit_bytes", NULL) == 96 << 20);
	assert_int_equal(groups_count("/sys/fs/cgroup", 5, pid), 0);
	ended_free(&ended);
}

/* Waits until the file has a text, and returns it. */
static char *file_await(const char *name, const char *text)
{
	const struct timespec pause = {.tv_nsec = 10000000};

	for (;;) {
		char *all = file_read(name);

		if (strstr(all, text))
			return all;
		free(all);
		nanosleep(&pause, NULL); /* the alarm bounds it */
	}
}

/* Dead, or only not waited for yet. */
static bool process_gone(pid_t pid)
{
	char path[64], state = 'Z';
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "r");
	if (file && fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		state = 'Z';
	if (file)
		fclose(file);
	return state == 'Z' || state == 'X';
}

static void process_await_end(pid_t pid)
{
	const struct timespec pause = {.tv_nsec = 10000000};

	while (!process_gone(pid))
		nanosleep(&pause, NULL);
}

/* The function's process, from a sample: the driver is in the midst of its run then. */
static pid_t function_await(void)
{
	char *samples = file_await("samples", "\n1,");
	char *row = strstr(samples, "\n1,");
	int pid;

	assert_int_equal(sscanf(row, "\n1,%*f,%*u,%d,", &pid), 1);
	free(samples);
	return pid;
}

static void signal_ends(const char *line, int signal_number)
{
	pid_t driver = driver_start(line, 0);
	pid_t function = function_await();
	struct ended ended;

	assert_false(process_gone(function));
	assert_int_equal(kill(driver, signal_number), 0);
	ended = driver_finish(driver);
	if (ended.status != 0)
		fail_msg("'%s' ended with %d: %s", line, ended.status, ended.err);
	summary_check(&ended);
	assert_true(count(&ended, "succeeded") > 0);
	assert_in_range(count(&ended, "interrupted"), 0, 1);
	assert_non_null(strstr(ended.out, "succeeded"));
	assert_true(process_gone(function));
	assert_int_equal(groups_count("/sys/fs/cgroup", 5, driver), 0);
	ended_free(&ended);
}

static void test_signals(void **state)
{
	(void)state;
	signal_ends(ENDLESS "--sample-every 1 -- STUB good", SIGINT);
	signal_ends(ENDLESS "--sample-every 1 --gap 3600000 -- STUB good", SIGTERM);
	/* It does not end by itself, nor does it answer. */
	signal_ends(ENDLESS "--sample-every 1 -- STUB stubborn", SIGTERM);
	signal_ends(ENDLESS "--sample-every 1 -- STUB mute 1", SIGTERM);
	if (control_groups_missing())
		return;
	signal_ends(ENDLESS "--freeze --memory 64M --sample-every 1 --gap 3600000 -- STUB good",
		    SIGTERM);
	signal_ends(ENDLESS "--freeze --memory 64M --sample-every 1 --gap 3600000 -- STUB stubborn",
		    SIGINT);
}

static void test_killed_driver_leaves_no_function(void **state)
{
	pid_t driver = driver_start(ENDLESS "--sample-every 1 --gap 3600000 -- STUB good", 0);
	pid_t function = function_await();
	struct ended ended;

	(void)state;
	assert_int_equal(kill(driver, SIGKILL), 0);
	ended = driver_finish(driver);
	assert_int_equal(ended.status, -SIGKILL);
	process_await_end(function);
	ended_free(&ended);
}

/* A frozen process cannot die: the next driver sees to it. */
static void test_next_driver_cleans_up(void **state)
{
	struct ended ended;
	pid_t driver, function;

	(void)state;
	if (control_groups_missing())
		skip();
	driver = driver_start(ENDLESS "--freeze --memory 64M --sample-every 1 --gap 3600000 "
				      "-- STUB good",
			      0);
	function = function_await();
	assert_int_equal(kill(driver, SIGKILL), 0);
	ended = driver_finish(driver);
	ended_free(&ended);
	assert_true(groups_count("/sys/fs/cgroup", 5, driver) > 0);

	ended = driver_succeed("--memory 64M --invocations 1 -- STUB good", 1);
	ended_free(&ended);
	process_await_end(function);
	assert_int_equal(groups_count("/sys/fs/cgroup", 5, driver), 0);
}

/* A process of the function that leaves its session is still in its group. */
static void test_whole_group_ends(void **state)
{
	struct ended ended;
	int pid;

	(void)state;
	if (control_groups_missing())
		skip();
	ended = driver_succeed("--freeze --gap 1 --invocations 5 -- STUB child", 5);
	assert_int_equal(sscanf(ended.log, "child %d", &pid), 1);
	assert_true(process_gone(pid));
	ended_free(&ended);
}

static void line_refuse(const char *line, uid_t user, int status)
{
	struct ended ended = driver_finish(driver_start(line, user));
	size_t length = strlen(ended.err);

	if (ended.status != status)
		fail_msg("'%s' ended with %d: %s", line, ended.status, ended.err);
	assert_true(length > 10);
	assert_ptr_equal(strchr(ended.err, '\n'), ended.err + length - 1);
	assert_string_equal(ended.out, "");
	ended_free(&ended);
}

static void test_removed_directory(void **state)
{
	struct ended ended;

	(void)state;
	without_directory = true;
	ended = driver_succeed("--invocations 1 -- STUB good", 1);
	without_directory = false;
	ended_free(&ended);
}

static void test_not_possible(void **state)
{
	struct stat status;

	(void)state;
	without_stdout = true;
	line_refuse("-- STUB good", 0, 2);
	without_stdout = false;
	line_refuse("--nonsense -- STUB good", 0, 64);
	line_refuse("-- /nonexistent/function", 0, 2);
	line_refuse("-- /etc/passwd", 0, 2);
	line_refuse("--samples /nonexistent/file -- STUB good", 0, 2);
	if (geteuid() != 0 || stat(build, &status) || !(status.st_mode & 1)) {
		print_message("  skipped: another user cannot be become, or cannot reach %s\n",
			      build);
		return;
	}
	line_refuse("--freeze -- STUB good", 65534, 2);
	line_refuse("--memory 64M -- STUB good", 65534, 2);
	if (access("/sys/fs/cgroup/memory/cgroup.procs", F_OK) == 0) {
		hidden = "/sys/fs/cgroup/memory";
		line_refuse("--memory 64M -- STUB good", 0, 2);
		hidden = NULL;
	}
}

static int tests_begin(void **state)
{
	ssize_t length = readlink("/proc/self/exe", build, sizeof(build) - 1);

	(void)state;
	if (length < 0 || !mkdtemp(directory))
		return -1;
	/* .../tests/handler/test_driver */
	for (int i = 0; i < 3; i++)
		*strrchr(build, '/') = '\0';
	alarm(2 * TEST_SECONDS_MAX);
	return 0;
}

static int tests_end(void **state)
{
	static const char *const names[] = {"summary", "samples", "log", "out", "err"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char *path = file_path(names[i]);

		unlink(path);
		free(path);
	}
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_seed_same_answers),
		cmocka_unit_test(test_protocol),
		cmocka_unit_test(test_misbehaviour),
		cmocka_unit_test(test_init_failures_end_the_run),
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_gap_and_rate),
		cmocka_unit_test(test_freeze),
		cmocka_unit_test(test_freeze_v2),
		cmocka_unit_test(test_memory_limit),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_killed_driver_leaves_no_function),
		cmocka_unit_test(test_next_driver_cleans_up),
		cmocka_unit_test(test_whole_group_ends),
		cmocka_unit_test(test_removed_directory),
		cmocka_unit_test(test_not_possible),
		cmocka_unit_test(test_handler_back_to_back),
	};

	return cmocka_run_group_tests(tests, tests_begin, tests_end);
}
