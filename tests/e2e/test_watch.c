// SPDX-License-Identifier: GPL-2.0-only
/* `tidemark watch`: its lines, its readers, and what becomes of the watched when it ends. */
#include "tests/e2e/support.h"

#include <linux/bpf.h>
#include <sys/syscall.h>

static struct series series; /* too large for a stack */

/* Lines of figures about the process: those that begin with its pid, less the summary's. */
static size_t lines_about(struct run *run, pid_t pid)
{
	const char *line, *end;
	size_t count = 0;

	run_read(run);
	line = run->out_text.data;
	for (; (end = strchr(line, '\n')); line = end + 1) {
		char *rest;

		if (*line == ' ' && strtol(line, &rest, 10) == pid && *rest == ' ')
			count++;
	}
	return count;
}

static void start_watch(struct run *run, const struct helper *helper)
{
	RUN(run, "watch", "--interval", "100", "-p", number_text(helper->pid));
	WAIT_UNTIL(lines_about(run, helper->pid) >= 2);
}

/* ---- lines ---- */

static void heading_and_line_per_process(void **state)
{
	static const char *const titles[] = {"PID", "COMMAND", "RSS", "RETAIN", "UNEXPL", "LOST"};
	struct helper helpers[2];
	char *line, *rest;
	struct run run;

	NEEDS_ROOT();
	for (int i = 0; i < 2; i++)
		helpers[i] = helper_start("rest", "100");
	RUN(&run, "watch", "--interval", "100", "-p", number_text(helpers[0].pid), "-p",
	    number_text(helpers[1].pid));
	WAIT_UNTIL(lines_about(&run, helpers[1].pid) >= 4);
	line = strtok_r(run.out_text.data, "\n", &rest);
	for (size_t i = 0; i < ARRAY_SIZE(titles); i++)
		assert_non_null(strstr(line, titles[i]));
	for (int i = 0; i < 8; i++) {
		line = strtok_r(NULL, "\n", &rest);
		assert_int_equal(strtol(line, NULL, 10), helpers[i % 2].pid);
	}
	kill(run.pid, SIGTERM);
	run_expect(&run, 0);
	assert_int_equal(run.err_text.size, 0);
	for (int i = 0; i < 2; i++)
		helper_end(&helpers[i], SIGKILL);
	run_release(&run);
}

/* The heading comes again after some 40 lines, and only then. */
static void heading_again(void **state)
{
	struct helper helper;
	size_t headings = 0;
	struct run run;

	NEEDS_ROOT();
	helper = helper_start("rest", "100");
	RUN(&run, "watch", "--interval", "50", "-p", number_text(helper.pid));
	WAIT_UNTIL(lines_about(&run, helper.pid) >= 45);
	kill(run.pid, SIGTERM);
	run_expect(&run, 0);
	for (char *at = run.out_text.data; (at = strstr(at, "COMMAND")); at++)
		headings++;
	assert_int_equal(headings, (lines_about(&run, helper.pid) + 39) / 40);
	helper_end(&helper, SIGKILL);
	run_release(&run);
}

static void same_pid_twice(void **state)
{
	char export[128], dir[512];
	struct helper helper;
	struct run run;

	NEEDS_ROOT();
	helper = helper_start("rest", "100");
	snprintf(export, sizeof(export), "%s/export", work_dir);
	RUN(&run, "watch", "--interval", "100", "--export", export, "-p", number_text(helper.pid),
	    "-p", number_text(helper.pid));
	WAIT_UNTIL(lines_about(&run, helper.pid) >= 4);
	kill(run.pid, SIGTERM);
	run_expect(&run, 0);
	assert_int_equal(run.err_text.size, 0);
	assert_int_equal(dir_count(export), 1);
	assert_true(export_dir(export, helper.pid, 0, dir, sizeof(dir)));
	assert_true(series_read(&series, dir));
	/* not two lines for one row */
	assert_true(lines_about(&run, helper.pid) <= series.rows);
	helper_end(&helper, SIGKILL);
	run_release(&run);
}

static void name_running_and_later(void **state)
{
	struct helper first, second, other;
	char name[16];
	struct run run;

	NEEDS_ROOT();
	snprintf(name, sizeof(name), "e2e %d", getpid()); /* of nobody else on this machine */
	first = helper_start("name", name);
	other = helper_start("name", "e2e other");
	RUN(&run, "watch", "--interval", "100", "-n", name);
	WAIT_UNTIL(lines_about(&run, first.pid) >= 2);
	helper_end(&first, SIGKILL);
	/* a program of that name: a name is given by exec, as most are */
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", work_dir, name);
	assert_int_equal(symlink(self_path, path), 0);
	second.pid = fork();
	if (!second.pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl(path, path, "--helper", "grow", NULL);
		_exit(126);
	}
	child_started(second.pid);
	WAIT_UNTIL(lines_about(&run, second.pid) >= 2);
	assert_int_equal(lines_about(&run, other.pid), 0);
	kill(run.pid, SIGTERM);
	run_expect(&run, 0);
	if (!strstr(run.out_text.data, "was ended by signal 9"))
		fail_msg("no end of process %d: %s", first.pid, run.out_text.data);
	assert_true(process_runs(second.pid));
	child_kill(second.pid, SIGKILL);
	helper_end(&other, SIGKILL);
	run_release(&run);
}

/* Nothing of that name yet: said, and waited for until --for. */
static void name_of_nobody(void **state)
{
	struct run run;

	NEEDS_ROOT();
	RUN(&run, "watch", "--for", "1", "-n", "e2e nobody");
	run_expect(&run, 0);
	expect_one_line(&run, "e2e nobody");
	run_release(&run);
}

static void children_have_lines(void **state)
{
	struct run run;
	pid_t parent, child = 0;

	NEEDS_ROOT();
	RUN(&run, "watch", "--interval", "100", "--children", HELPER_COMMAND("family", "1"));
	WAIT_UNTIL((parent = command_of(run.pid)) && (child = child_of(parent)));
	WAIT_UNTIL(lines_about(&run, child) >= 2);
	assert_true(lines_about(&run, parent) > 0);
	kill(run.pid, SIGTERM);
	run_expect(&run, 0);
	run_release(&run);
}

static void no_children_unless_asked(void **state)
{
	struct run run;
	pid_t parent, child = 0;

	NEEDS_ROOT();
	RUN(&run, "watch", "--interval", "100", HELPER_COMMAND("family", "1"));
	WAIT_UNTIL((parent = command_of(run.pid)) && (child = child_of(parent)));
	WAIT_UNTIL(lines_about(&run, parent) >= 4);
	assert_int_equal(lines_about(&run, child), 0);
	kill(run.pid, SIGTERM);
	run_expect(&run, 0);
	run_release(&run);
}

static void ends_after_its_time(void **state)
{
	struct helper helper;
	struct run run;

	NEEDS_ROOT();
	helper = helper_start("rest", "100");
	RUN(&run, "watch", "--interval", "100", "--for", "1", "-p", number_text(helper.pid));
	run_expect(&run, 0);
	assert_non_null(strstr(run.out_text.data, "still runs"));
	assert_true(process_runs(helper.pid));
	helper_end(&helper, SIGKILL);
	run_release(&run);
}

/* ---- readers ---- */

static void reader_closes(void **state)
{
	struct helper helper;
	struct run run;

	NEEDS_ROOT();
	helper = helper_start("rest", "100");
	start_watch(&run, &helper);
	close(run.out);
	run.out = -1;
	run_expect(&run, 0);
	assert_int_equal(run.err_text.size, 0);
	assert_true(process_runs(helper.pid));
	helper_end(&helper, SIGKILL);
	run_release(&run);
}

/*
 * Nobody reads: the pipe fills, the figures go on. Then the signal must end it
 * at once, with the last state in the files.
 */
static void unread_then(int number, const char *for_s)
{
	struct helper helper = helper_start("churn", NULL);
	double until = now_s() + WAIT_S;
	char export[128], dir[512];
	struct run run;

	snprintf(export, sizeof(export), "%s/export", work_dir);
	RUN(&run, "watch", "--interval", "50", "--for", for_s, "--export", export, "-p",
	    number_text(helper.pid));
	fcntl(run.out, F_SETPIPE_SZ, PAGE);
	WAIT_UNTIL(export_dir(export, helper.pid, 0, dir, sizeof(dir)));
	/* 4 KiB hold less than 45 lines */
	while (number && !(series_parse(&series, dir, false) && series.rows >= 60)) {
		assert_true(now_s() < until);
		sleep_ms(20);
	}
	if (number)
		kill(run.pid, number);
	WAIT_UNTIL(waitpid(run.pid, &run.status, WNOHANG) == run.pid);
	child_forget(run.pid);
	assert_int_equal(run.status, 0);
	assert_true(series_read(&series, dir));
	assert_true(series_last(&series, "lost_events_total") == 0);
	assert_true(series_last(&series, "events_total") > 1000);
	assert_int_equal(access(strcat(dir, "/mappings.csv"), F_OK), 0);
	assert_true(process_runs(helper.pid));
	helper_end(&helper, SIGKILL);
	run_release(&run);
}

static void unread_then_sigterm(void **state)
{
	NEEDS_ROOT();
	unread_then(SIGTERM, "1000");
}

static void unread_then_time_is_up(void **state)
{
	NEEDS_ROOT();
	unread_then(0, "4");
}

/* ---- the watched ---- */

static size_t programs_of(pid_t pid, uint32_t *ids, size_t max)
{
	char path[64], line[128];
	struct dirent *entry;
	size_t count = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo", pid);
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		char name[512];
		FILE *file;

		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		file = fopen(name, "r");
		while (file && fgets(line, sizeof(line), file))
			if (count < max && sscanf(line, "prog_id: %u", &ids[count]) == 1)
				count++;
		if (file)
			fclose(file);
	}
	closedir(dir);
	return count;
}

static bool program_exists(uint32_t id)
{
	union bpf_attr attr = {.prog_id = id};
	int fd = (int)syscall(SYS_bpf, BPF_PROG_GET_FD_BY_ID, &attr, sizeof(attr));

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* Whatever ends it, its programs leave the kernel and the target runs on. */
static void leaves_nothing(int number)
{
	struct helper helper = helper_start("signals", NULL);
	uint32_t ids[256];
	struct run run;
	struct pollfd said;
	size_t count;

	start_watch(&run, &helper);
	count = programs_of(run.pid, ids, ARRAY_SIZE(ids));
	assert_true(count >= 10);
	for (size_t i = 0; i < count; i++)
		assert_true(program_exists(ids[i]));
	kill(run.pid, number);
	WAIT_UNTIL(run_ended(&run));
	if (number == SIGKILL)
		assert_int_equal(WTERMSIG(run.status), SIGKILL);
	else
		assert_int_equal(run.status, 0);
	for (size_t i = 0; i < count; i++)
		WAIT_UNTIL(!program_exists(ids[i]));
	said = (struct pollfd){.fd = helper.out, .events = POLLIN};
	assert_int_equal(poll(&said, 1, 0), 0); /* it was not signalled */
	assert_int_equal(process_state(helper.pid), 'S');
	kill(helper.pid, SIGUSR1);
	helper_expect(&helper, "signal 10\n");
	helper_end(&helper, SIGKILL);
	run_release(&run);
}

static void leaves_nothing_after_sigkill(void **state)
{
	NEEDS_ROOT();
	leaves_nothing(SIGKILL);
}

static void leaves_nothing_after_sigterm(void **state)
{
	NEEDS_ROOT();
	leaves_nothing(SIGTERM);
}

static void leaves_nothing_after_sighup(void **state)
{
	NEEDS_ROOT();
	leaves_nothing(SIGHUP);
}

static void churning_target_survives_sigkill(void **state)
{
	struct helper helper;
	struct run run;

	NEEDS_ROOT();
	helper = helper_start("churn", NULL);
	start_watch(&run, &helper);
	kill(run.pid, SIGKILL);
	WAIT_UNTIL(run_ended(&run));
	run_release(&run);
	/* and it can be watched again */
	start_watch(&run, &helper);
	kill(run.pid, SIGTERM);
	run_expect(&run, 0);
	run_release(&run);
	assert_true(process_runs(helper.pid));
	helper_end(&helper, SIGKILL);
}

static void command_ends_with_us(int number)
{
	struct run run;
	pid_t command;

	RUN(&run, "watch", "--interval", "100", HELPER_COMMAND("signals"));
	WAIT_UNTIL((run_read(&run), strstr(run.out_text.data, "ready")));
	command = command_of(run.pid);
	assert_true(command > 0);
	kill(run.pid, number);
	run_expect(&run, 0);
	assert_non_null(strstr(run.out_text.data, "signal 15\n"));
	assert_non_null(strstr(run.out_text.data, "exited with status 0"));
	assert_false(process_runs(command));
	run_release(&run);
}

static void command_is_sent_sigterm(void **state)
{
	NEEDS_ROOT();
	command_ends_with_us(SIGTERM);
}

static void command_is_sent_sigterm_on_sigint(void **state)
{
	NEEDS_ROOT();
	command_ends_with_us(SIGINT);
}

/* Its end is ours: the status is told. */
static void command_ends_first(void **state)
{
	struct run run;

	NEEDS_ROOT();
	RUN(&run, "watch", "--interval", "100", "--", "sh", "-c", "exit 7");
	run_expect(&run, 0);
	expect_one_line(&run, "exited with status 7");
	assert_non_null(strstr(run.out_text.data, "exited with status 7"));
	run_release(&run);
}

/* A command that gives root up can still be ended. */
static void command_of_another_user_is_ended(void **state)
{
	pid_t command = 0;
	struct run run;

	NEEDS_ROOT();
	RUN(&run, "watch", "--interval", "100", "--", "setpriv", "--reuid=65534", "--clear-groups",
	    "--regid=65534", "sleep", "60");
	WAIT_UNTIL((command = command_of(run.pid)) &&
		   (run_read(&run), strstr(run.out_text.data, "sleep")));
	child_started(command); /* adopted by us should it be left behind */
	kill(run.pid, SIGTERM);
	run_expect(&run, 0);
	if (process_runs(command))
		fail_msg("the command is left running: %s", run.err_text.data);
	child_forget(command);
	run_release(&run);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		E2E_TEST(heading_and_line_per_process),
		E2E_TEST(heading_again),
		E2E_TEST(same_pid_twice),
		E2E_TEST(name_running_and_later),
		E2E_TEST(name_of_nobody),
		E2E_TEST(children_have_lines),
		E2E_TEST(no_children_unless_asked),
		E2E_TEST(ends_after_its_time),
		E2E_TEST(reader_closes),
		E2E_TEST(unread_then_sigterm),
		E2E_TEST(unread_then_time_is_up),
		E2E_TEST(leaves_nothing_after_sigkill),
		E2E_TEST(leaves_nothing_after_sigterm),
		E2E_TEST(leaves_nothing_after_sighup),
		E2E_TEST(churning_target_survives_sigkill),
		E2E_TEST(command_is_sent_sigterm),
		E2E_TEST(command_is_sent_sigterm_on_sigint),
		E2E_TEST(command_ends_first),
		E2E_TEST(command_of_another_user_is_ended),
	};

	E2E_MAIN("watch", tests);
}
