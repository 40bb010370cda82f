/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the end-to-end tests share: running tidemark as a child, running helper
 * processes to watch (this test binary again, with --helper), and reading what
 * was exported. Include it first: it brings cmocka's prerequisites.
 *
 * Waits poll for a condition until WAIT_S have gone: a slow machine makes a
 * test slow, never wrong.
 */
#ifndef TESTS_E2E_SUPPORT_H
#define TESTS_E2E_SUPPORT_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <math.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define WAIT_S 20
#define PAGE 4096UL

/* A helper that is forgotten ends by itself. */
#define HELPER_LIFE_S 60

/* ---- time ---- */

static inline double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static inline void sleep_ms(int ms)
{
	poll(NULL, 0, ms);
}

/* Fails the test unless the condition comes true. */
#define WAIT_UNTIL(condition)                                                                      \
	do {                                                                                       \
		double until_ = now_s() + WAIT_S;                                                  \
		while (!(condition)) {                                                             \
			if (now_s() > until_)                                                      \
				fail_msg("waited %d s for: %s", WAIT_S, #condition);               \
			sleep_ms(10);                                                              \
		}                                                                                  \
	} while (0)

/* ---- children ---- */

/* What the present test has started; its teardown ends what is left. */
static pid_t started[256];
static size_t started_count;

static inline pid_t child_started(pid_t pid)
{
	assert_true(pid > 0);
	assert_true(started_count < ARRAY_SIZE(started));
	return started[started_count++] = pid;
}

static inline void child_forget(pid_t pid)
{
	for (size_t i = 0; i < started_count; i++)
		if (started[i] == pid)
			started[i] = started[--started_count];
}

static inline int child_kill(pid_t pid, int number)
{
	int status = -1;

	kill(pid, number);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	child_forget(pid);
	return status;
}

/* The state letter of /proc/PID/stat; 0: no such process. */
static inline char process_state(pid_t pid)
{
	char path[64], text[512] = "", *end;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "r");
	if (!file)
		return 0;
	if (!fread(text, 1, sizeof(text) - 1, file))
		text[0] = '\0';
	fclose(file);
	end = strrchr(text, ')');
	return end && end[1] ? end[2] : 0;
}

static inline bool process_runs(pid_t pid)
{
	char state = process_state(pid);

	return state && state != 'Z' && state != 'X';
}

static inline pid_t parent_of(pid_t pid)
{
	char path[64], line[128];
	int parent = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "PPid: %d", &parent) == 1)
			break;
	if (file)
		fclose(file);
	return parent;
}

/* One that tidemark keeps to read names with, or a command that has not begun. */
static inline bool is_tidemarks_own(pid_t pid)
{
	char path[64], comm[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	file = fopen(path, "r");
	if (file && !fgets(comm, sizeof(comm), file))
		comm[0] = '\0';
	if (file)
		fclose(file);
	return !strncmp(comm, "tidemark", 8);
}

static inline pid_t child_find(pid_t parent, bool skip_own)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	pid_t found = 0;

	while (dir && !found && (entry = readdir(dir))) {
		pid_t pid = atoi(entry->d_name);

		if (pid > 0 && parent_of(pid) == parent && !(skip_own && is_tidemarks_own(pid)))
			found = pid;
	}
	if (dir)
		closedir(dir);
	return found;
}

/* The command that a tidemark runs; 0: none, or not yet. */
static inline pid_t command_of(pid_t tidemark)
{
	return child_find(tidemark, true);
}

/* A child of `parent` that has not been reaped; 0: none. */
static inline pid_t child_of(pid_t parent)
{
	return child_find(parent, false);
}

/* ---- tidemark as a child ---- */

struct text {
	char *data; /* NUL-terminated */
	size_t size;
};

struct run {
	pid_t pid;
	int out; /* -1: closed */
	int err;
	struct text out_text;
	struct text err_text;
	int status; /* as from waitpid() */
};

static inline const char *tidemark_path(void)
{
	const char *path = getenv("TIDEMARK");

	return path ? path : "build/tidemark";
}

/* In a child: becomes tidemark. `prepare` makes the world it runs in. */
static inline void __attribute__((noreturn))
tidemark_exec(void (*prepare)(void), const char *const *args)
{
	struct rlimit no_core = {0, 0};
	const char *argv[48] = {"tidemark"};
	int fd = open(tidemark_path(), O_PATH); /* prepare may hide the path */

	setrlimit(RLIMIT_CORE, &no_core);
	for (size_t i = 0; args[i] && i < ARRAY_SIZE(argv) - 2; i++)
		argv[i + 1] = args[i];
	if (prepare)
		prepare();
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	fexecve(fd, (char *const *)argv, environ);
	_exit(126);
}

static inline void run_start(struct run *run, void (*prepare)(void), const char *const *args)
{
	int out[2], err[2];

	memset(run, 0, sizeof(*run));
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(pipe2(err, O_CLOEXEC), 0);
	fflush(NULL);
	run->pid = fork();
	if (!run->pid) {
		int null = open("/dev/null", O_RDONLY);

		dup2(null, 0);
		dup2(out[1], 1);
		dup2(err[1], 2);
		tidemark_exec(prepare, args);
	}
	child_started(run->pid);
	close(out[1]);
	close(err[1]);
	run->out = out[0];
	run->err = err[0];
	fcntl(run->out, F_SETFL, O_NONBLOCK);
	fcntl(run->err, F_SETFL, O_NONBLOCK);
	run->out_text.data = calloc(1, 1);
	run->err_text.data = calloc(1, 1);
}

#define RUN_AS(run, prepare, ...) run_start(run, prepare, (const char *const[]){__VA_ARGS__, NULL})
#define RUN(run, ...) RUN_AS(run, NULL, __VA_ARGS__)

static inline void text_read(struct text *text, int *fd)
{
	char data[4096];
	ssize_t got;

	while (*fd >= 0 && (got = read(*fd, data, sizeof(data))) != 0) {
		if (got < 0)
			return;
		text->data = realloc(text->data, text->size + (size_t)got + 1);
		assert_non_null(text->data);
		memcpy(text->data + text->size, data, (size_t)got);
		text->size += (size_t)got;
		text->data[text->size] = '\0';
	}
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static inline void run_read(struct run *run)
{
	text_read(&run->out_text, &run->out);
	text_read(&run->err_text, &run->err);
}

static inline bool run_ended(struct run *run)
{
	bool ended = waitpid(run->pid, &run->status, WNOHANG) == run->pid;

	run_read(run);
	if (ended)
		child_forget(run->pid);
	return ended;
}

static inline void run_release(struct run *run)
{
	if (run->out >= 0)
		close(run->out);
	if (run->err >= 0)
		close(run->err);
	free(run->out_text.data);
	free(run->err_text.data);
	memset(run, 0, sizeof(*run));
	run->out = run->err = -1;
}

/* Waits for the end, which has to be an exit with that code. */
static inline void run_expect(struct run *run, int code)
{
	WAIT_UNTIL(run_ended(run));
	if (!WIFEXITED(run->status) || WEXITSTATUS(run->status) != code)
		fail_msg("wait status 0x%x, expected exit code %d; stderr: %s", run->status, code,
			 run->err_text.data);
}

static inline size_t count_lines(const char *text)
{
	size_t lines = 0;

	for (; (text = strchr(text, '\n')); text++)
		lines++;
	return lines;
}

static inline size_t run_out_lines(struct run *run)
{
	run_read(run);
	return count_lines(run->out_text.data);
}

/* Exactly one line for a person on standard error, which holds `words`. */
static inline void expect_one_line(const struct run *run, const char *words)
{
	const char *text = run->err_text.data;

	if (strncmp(text, "tidemark: ", 10) || count_lines(text) != 1 ||
	    text[run->err_text.size - 1] != '\n' || !strstr(text, words))
		fail_msg("not one line with '%s': %s", words, text);
}

/* Waits for that many lines of figures, ends it by the signal, expects exit code 0. */
static inline void run_end_after(struct run *run, size_t lines, int number)
{
	WAIT_UNTIL(run_out_lines(run) > lines);
	kill(run->pid, number);
	run_expect(run, 0);
}

/* ---- helpers: what is watched ---- */

struct helper {
	pid_t pid;
	int in;	 /* closing it lets the helper end */
	int out; /* what it says */
};

static inline char *pages_map(size_t pages)
{
	char *base = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);

	if (base == MAP_FAILED)
		_exit(1);
	return base;
}

static inline void pages_touch(char *base, size_t pages)
{
	for (size_t i = 0; i < pages; i++)
		*(volatile char *)(base + i * PAGE) = 1;
}

/* At rest until standard input ends. */
static inline int helper_rest(void)
{
	char byte;

	if (write(STDOUT_FILENO, "ready\n", 6) != 6)
		return 1;
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	return 0;
}

/* rounds < 0: for ever; one in eight pages of a round is kept. */
static inline int helper_grow(long rounds)
{
	for (; rounds; rounds -= rounds > 0) {
		char *base = pages_map(64);

		pages_touch(base, 64);
		munmap(base + 8 * PAGE, 56 * PAGE);
		sleep_ms(5);
	}
	return 0;
}

static inline void __attribute__((noreturn)) helper_churn(void)
{
	for (;;) {
		char *base = pages_map(16);

		pages_touch(base, 16);
		munmap(base, 16 * PAGE);
		usleep(100);
	}
}

static inline int helper_family(long children)
{
	for (long i = 0; i < children; i++) {
		if (fork())
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		helper_grow(100);
		_exit(0);
	}
	while (wait(NULL) > 0)
		;
	return 0;
}

static void helper_signal(int number)
{
	dprintf(STDOUT_FILENO, "signal %d\n", number);
	if (number == SIGTERM)
		_exit(0);
}

static inline void __attribute__((noreturn)) helper_signals(void)
{
	for (int number = 1; number < NSIG; number++)
		if (number != SIGALRM)
			signal(number, helper_signal);
	if (write(STDOUT_FILENO, "ready\n", 6) != 6)
		_exit(1);
	for (;;)
		pause();
}

static inline int helper_main(char **argv)
{
	const char *what = argv[0], *argument = argv[1] ? argv[1] : "";

	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	alarm(HELPER_LIFE_S);
	if (!strcmp(what, "rest")) {
		size_t pages = strtoul(argument, NULL, 10);

		if (pages)
			pages_touch(pages_map(pages), pages);
		return helper_rest();
	}
	if (!strcmp(what, "touch")) { /* as a command: no standard input to wait for */
		size_t pages = strtoul(argument, NULL, 10);

		pages_touch(pages_map(pages), pages);
		for (;;)
			pause();
	}
	if (!strcmp(what, "name")) {
		prctl(PR_SET_NAME, argument);
		return helper_rest();
	}
	if (!strcmp(what, "grow"))
		return helper_grow(*argument ? atol(argument) : -1);
	if (!strcmp(what, "churn"))
		helper_churn();
	if (!strcmp(what, "family"))
		return helper_family(atol(argument));
	if (!strcmp(what, "signals"))
		helper_signals();
	return 99;
}

/* Waits for the line. */
static inline void helper_expect(const struct helper *helper, const char *line)
{
	char text[256] = "";
	size_t used = 0;

	while (!strstr(text, line)) {
		struct pollfd fd = {.fd = helper->out, .events = POLLIN};
		ssize_t got;

		assert_int_equal(poll(&fd, 1, WAIT_S * 1000), 1);
		got = read(helper->out, text + used, sizeof(text) - 1 - used);
		if (got <= 0)
			fail_msg("the helper ended without '%s'", line);
		used += (size_t)got;
	}
}

static inline struct helper helper_start(const char *what, const char *argument)
{
	int in[2], out[2];
	struct helper helper;

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	fflush(NULL);
	helper.pid = fork();
	if (!helper.pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(in[0], 0);
		dup2(out[1], 1);
		execl("/proc/self/exe", "helper", "--helper", what, argument, NULL);
		_exit(126);
	}
	child_started(helper.pid);
	close(in[0]);
	close(out[1]);
	helper.in = in[1];
	helper.out = out[0];
	if (!strcmp(what, "rest") || !strcmp(what, "name") || !strcmp(what, "signals"))
		helper_expect(&helper, "ready\n");
	return helper;
}

/* Ends it; its wait status. */
static inline int helper_end(struct helper *helper, int number)
{
	int rc = child_kill(helper->pid, number); /* not after the end of its input ends it */

	close(helper->in);
	close(helper->out);
	return rc;
}

static char pid_texts[8][16];

/* A number as an argument; eight of them live at a time. */
static inline const char *number_text(long number)
{
	static size_t next;
	char *text = pid_texts[next++ % ARRAY_SIZE(pid_texts)];

	snprintf(text, sizeof(pid_texts[0]), "%ld", number);
	return text;
}

static char self_path[4096];

/* Arguments that make tidemark run a helper. */
#define HELPER_COMMAND(...) "--", self_path, "--helper", __VA_ARGS__

/* ---- a directory per test ---- */

static char work_dir[64];

static inline int remove_entry(const char *path, const struct stat *stat, int type,
			       struct FTW *where)
{
	(void)stat;
	(void)type;
	(void)where;
	return remove(path);
}

static inline int test_setup(void **state)
{
	(void)state;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	snprintf(work_dir, sizeof(work_dir), "/tmp/tidemark-e2e-XXXXXX");
	return mkdtemp(work_dir) ? 0 : -1;
}

/* Ends what the test left behind, which is an error if the test had not started it itself. */
static inline int test_teardown(void **state)
{
	double until = now_s() + WAIT_S;
	int rc = 0;
	pid_t pid;

	(void)state;
	while (started_count)
		child_kill(started[0], SIGKILL);
	while ((pid = child_of(getpid()))) {
		if (waitpid(pid, NULL, WNOHANG) == pid || now_s() < until - WAIT_S + 3) {
			sleep_ms(5);
			continue;
		}
		print_message("process %d was left behind\n", pid);
		child_kill(pid, SIGKILL);
		rc = -1;
	}
	nftw(work_dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	return rc;
}

/* Every test that watches begins with it. */
#define NEEDS_ROOT()                                                                               \
	do {                                                                                       \
		(void)state;                                                                       \
		if (geteuid()) {                                                                   \
			print_message("skipped: not root, so no BPF programs can be loaded\n");    \
			skip();                                                                    \
		}                                                                                  \
	} while (0)

#define E2E_TEST(test) cmocka_unit_test_setup_teardown(test, test_setup, test_teardown)

/* An argument is a pattern of test names to run; --helper is for ourselves. */
#define E2E_MAIN(name, tests)                                                                      \
	do {                                                                                       \
		if (argc > 2 && !strcmp(argv[1], "--helper"))                                      \
			return helper_main(argv + 2);                                              \
		if (readlink("/proc/self/exe", self_path, sizeof(self_path) - 1) < 0)              \
			return 1;                                                                  \
		if (argc > 1)                                                                      \
			cmocka_set_test_filter(argv[1]);                                           \
		return cmocka_run_group_tests_name(name, tests, NULL, NULL);                       \
	} while (0)

/* ---- what was exported ---- */

/* The directory of the process below DIR, the n-th of it in order of names; false: none. */
static inline bool export_dir(const char *dir, pid_t pid, int n, char *path, size_t size)
{
	struct dirent **entries;
	char prefix[16];
	bool found = false;
	int count = scandir(dir, &entries, NULL, alphasort);

	snprintf(prefix, sizeof(prefix), "%d-", pid);
	for (int i = 0; i < count; i++) {
		if (!strncmp(entries[i]->d_name, prefix, strlen(prefix)) && !n--) {
			snprintf(path, size, "%s/%s", dir, entries[i]->d_name);
			found = true;
		}
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	return found;
}

/* Entries of a directory, less . and .. */
static inline size_t dir_count(const char *dir)
{
	struct dirent **entries;
	int count = scandir(dir, &entries, NULL, NULL);

	assert_true(count >= 2);
	for (int i = 0; i < count; i++)
		free(entries[i]);
	free(entries);
	return (size_t)count - 2;
}

/* The whole file, NUL-terminated; NULL: there is none. The caller frees it. */
static inline char *file_read(const char *dir, const char *name)
{
	char path[1024], *data = NULL;
	size_t size = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "r");
	if (!file)
		return NULL;
	for (;;) {
		size_t got;

		data = realloc(data, size + 65537);
		assert_non_null(data);
		got = fread(data + size, 1, 65536, file);
		size += got;
		data[size] = '\0';
		if (!got)
			break;
	}
	fclose(file);
	return data;
}

#define SERIES_COLUMNS_MAX 40
#define SERIES_ROWS_MAX 2000

/* series.csv as numbers. */
struct series {
	char names[SERIES_COLUMNS_MAX][40];
	size_t columns;
	double values[SERIES_ROWS_MAX][SERIES_COLUMNS_MAX];
	size_t rows;
};

/* The column of words, which are NAN as numbers. */
#define SERIES_WORDS "verdict"

/*
 * Every line must hold one number per column, but for SERIES_WORDS; `whole`: the
 * last one has its end, else it may be in the middle of being written. False: no
 * file yet.
 */
static inline bool series_parse(struct series *series, const char *dir, bool whole)
{
	char *data = file_read(dir, "series.csv"), *line = data, *end;

	series->columns = series->rows = 0;
	if (!data || !*data) {
		free(data);
		return false;
	}
	for (size_t number = 0; *line; line = end + 1, number++) {
		size_t column = 0;
		char *field;

		end = strchr(line, '\n');
		if (!end && !whole)
			break;
		assert_non_null(end);
		*end = '\0';
		while ((field = strsep(&line, ","))) {
			char *rest;

			assert_true(column < SERIES_COLUMNS_MAX && series->rows < SERIES_ROWS_MAX);
			if (!number) {
				snprintf(series->names[column++], 40, "%s", field);
				continue;
			}
			if (column < series->columns &&
			    !strcmp(series->names[column], SERIES_WORDS)) {
				if (!*field || field[strspn(field, "abcdefghijklmnopqrstuvwxyz-")])
					fail_msg("series.csv: '%s' is no verdict", field);
				series->values[series->rows][column++] = (double)NAN;
				continue;
			}
			series->values[series->rows][column++] = strtod(field, &rest);
			if (rest == field || *rest)
				fail_msg("series.csv, row %zu: '%s' is no number", number, field);
		}
		if (!number)
			series->columns = column;
		else
			series->rows++;
		assert_int_equal(column, series->columns);
	}
	free(data);
	return true;
}

static inline bool series_read(struct series *series, const char *dir)
{
	return series_parse(series, dir, true);
}

static inline double series_get(const struct series *series, size_t row, const char *name)
{
	for (size_t i = 0; i < series->columns; i++)
		if (!strcmp(series->names[i], name))
			return series->values[row][i];
	fail_msg("series.csv has no column %s", name);
	return 0;
}

/* Of the last row. */
static inline double series_last(const struct series *series, const char *name)
{
	assert_true(series->rows > 0);
	return series_get(series, series->rows - 1, name);
}

#endif
