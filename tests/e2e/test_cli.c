// SPDX-License-Identifier: GPL-2.0-only
/* The command line, and what tidemark says where it cannot work: exit codes and one clear line. */
#include "tests/e2e/support.h"

#include <linux/capability.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sys/syscall.h>

/* ---- usage ---- */

static void refuse(const char *const *args)
{
	struct run run;

	run_start(&run, NULL, args);
	WAIT_UNTIL(run_ended(&run));
	if (!WIFEXITED(run.status) || WEXITSTATUS(run.status) != 64 || run.out_text.size ||
	    strncmp(run.err_text.data, "tidemark: ", 10) || count_lines(run.err_text.data) != 1) {
		for (size_t i = 0; args[i]; i++)
			print_message("argument: '%s'\n", args[i]);
		fail_msg("wait status 0x%x; stdout: %s; stderr: %s", run.status, run.out_text.data,
			 run.err_text.data);
	}
	run_release(&run);
}

#define REFUSE(...) refuse((const char *const[]){__VA_ARGS__, NULL})

static void usage_commands(void **state)
{
	(void)state;
	refuse((const char *const[]){NULL});
	REFUSE("");
	REFUSE("wathc", "-p", "1");
	REFUSE("watch");
	REFUSE("top");
	REFUSE("watch", "top", "-p", "1");
	REFUSE("watch", "watch", "-p", "1");
	REFUSE("-p", "1");
	REFUSE("watch", "--");
	REFUSE("--", "true");
	REFUSE("watch", "true", "-p", "1");
}

static void usage_unknown_options(void **state)
{
	(void)state;
	REFUSE("watch", "--bogus", "-p", "1");
	REFUSE("watch", "-x", "-p", "1");
	REFUSE("watch", "--in", "1000", "-p", "1", "--childrenn");
	REFUSE("watch", "--children=yes", "-p", "1");
	REFUSE("watch", "-p");
	REFUSE("watch", "-n");
	REFUSE("watch", "-p", "1", "--interval");
	REFUSE("watch", "-p", "1", "--export");
	REFUSE("watch", "-p", "1", "--export", "/tmp/none", "--format");
	REFUSE("watch", "-p", "1", "--for");
	REFUSE("watch", "-p", "1", "--buffer");
	REFUSE("watch", "-p", "1", "--reconcile");
	REFUSE("watch", "-p", "--", "true");
}

static void usage_numbers(void **state)
{
	static const char *const intervals[] = {
		"0",	 "-5",	  "abc",  "1e3", "99999999999999999999", "", "49", "3600001",
		"100ms", "0x100", " 100", "+100"};
	static const char *const pids[] = {"0",	 "-1",	"abc",	   "",	 "99999999999",
					   "1x", "1.0", "4194305", " 1", "18446744073709551617"};
	static const char *const sizes[] = {"0",
					    "1X",
					    "2G",
					    "",
					    "M",
					    "4095",
					    "-1M",
					    "1MB",
					    "18446744073709551617",
					    "17179869185G",
					    "3"};
	static const char *const stacks[] = {"1",   "1023",  "61441", "61K",
					     "-1K", "",	     "16KB",  "18014398509481985K",
					     "0K",  "65536", "1M"};
	static const char *const times[] = {"0", "-1", "", "abc", "1.5", "99999999999"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(intervals); i++)
		REFUSE("watch", "-p", "1", "--interval", intervals[i]);
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
		REFUSE("watch", "-p", pids[i]);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		REFUSE("watch", "-p", "1", "--buffer", sizes[i]);
	for (size_t i = 0; i < ARRAY_SIZE(times); i++)
		REFUSE("watch", "-p", "1", "--for", times[i]);
	for (size_t i = 0; i < ARRAY_SIZE(stacks); i++)
		REFUSE("watch", "-p", "1", "--stack-bytes", stacks[i]);
	REFUSE("watch", "-p", "1", "--stack-rate", "10000001");
	REFUSE("watch", "-p", "1", "--stack-rate", "-1");
	REFUSE("watch", "-p", "1", "--stack-rate", "");
	REFUSE("watch", "-p", "1", "--reconcile", "0");
}

static void usage_texts(void **state)
{
	static const char *const formats[] = {"",     "CSV", "csv,",   ",",
					      "none", "cs",  "csv,,x", "csv jsonl"};
	const char *many[2 * 65 + 2] = {"watch"};

	(void)state;
	REFUSE("watch", "-n", "");
	REFUSE("watch", "-n", "sixteen-bytes-16");
	REFUSE("watch", "-p", "1", "--export", "");
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		REFUSE("watch", "-p", "1", "--export", "/tmp/none", "--format", formats[i]);
	REFUSE("watch", "-p", "1", "--format", "csv"); /* nothing is exported */
	for (size_t i = 0; i < 20; i++) {
		many[1 + 2 * i] = "-p";
		many[2 + 2 * i] = "1";
	}
	many[41] = "-p";
	many[42] = "none";
	refuse(many);
}

/* The line says what is wrong with it. */
static void refuse_invocation(const char *spec, const char *words)
{
	struct run run;

	REFUSE("watch", "-p", "1", "--invocation", spec);
	RUN(&run, "top", "-p", "1", "--invocation", spec);
	run_expect(&run, 64);
	expect_one_line(&run, words);
	run_release(&run);
}

static void usage_invocations(void **state)
{
	static char texts[9][32], long_name[512];
	const char *many[2 * ARRAY_SIZE(texts) + 4] = {"watch", "-p", "1"};

	(void)state;
	REFUSE("watch", "-p", "1", "--invocation");
	refuse_invocation("", "usdt:PROVIDER:START,END");
	refuse_invocation("orders", "func:BINARY:FUNCTION");
	refuse_invocation("kprobe:orders:begin,end", "unknown kind");
	refuse_invocation("usdt:orders", "missing");
	refuse_invocation("usdt:orders:begin", "at the end");
	refuse_invocation("usdt:orders:begin,", "at the end");
	refuse_invocation("usdt::begin,end", "PROVIDER is empty");
	refuse_invocation("usdt:orders:begin,begin", "the same probe");
	refuse_invocation("func:handle", "missing");
	refuse_invocation("func::handle", "BINARY is empty");
	refuse_invocation("func:handler:", "FUNCTION is empty");
	refuse_invocation("func:handler:order::handle(int)", "mangled");
	refuse_invocation("usdt:a\nb:begin,end", "control character");
	memset(long_name, 'n', sizeof(long_name) - 1);
	memcpy(long_name, "func:x:", 7);
	refuse_invocation(long_name, "FUNCTION is too long: at most 255");
	REFUSE("watch", "-p", "1", "--invocation", "func:x:f", "--invocation", "func:x:f");
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		snprintf(texts[i], sizeof(texts[i]), "func:x:f%zu", i);
		many[3 + 2 * i] = "--invocation";
		many[4 + 2 * i] = texts[i];
	}
	refuse(many);
}

/* A command line with one option's value, and words of the line that refuses it. */
static void refuse_value(const char *command, const char *option, const char *value,
			 const char *words)
{
	struct run run;

	RUN(&run, command, "-p", "1", option, value);
	run_expect(&run, 64);
	expect_one_line(&run, words);
	assert_int_equal(run.out_text.size, 0);
	run_release(&run);
}

static void usage_check(void **state)
{
	static const char *const rates[] = {"",		"10MB",	  "10MB/", "/h",
					    "10MB/30s", "-1MB/h", "10/y",  "1e6/h"};
	static const char *const sizes[] = {"", "4XB", "-1", "KB", "1e6", "1 KB"};
	static const char *const lists[] = {"", "leak,", ",leak", "leaks", "live_growth", "Leak"};
	static char long_list[2000];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rates); i++)
		refuse_value("check", "--max-growth", rates[i], "such as 10MB/h or 64KiB/s");
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		refuse_value("check", "--max-retained", sizes[i], "--max-retained");
		refuse_value("check", "--max-per-invocation", sizes[i], "such as 4KiB or 100MB");
	}
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		refuse_value("check", "--fail-on", lists[i], "give verdicts with commas");
	memset(long_list, 'x', sizeof(long_list) - 1);
	refuse_value("check", "--fail-on", long_list, "too long");
	refuse_value("check", "--max-per-invocation", "4KiB", "give --invocation");
	REFUSE("check");
	REFUSE("check", "--");
	REFUSE("check", "-p", "1", "--max-growth");
	REFUSE("check", "-p", "1", "--json=yes");
	REFUSE("check", "watch", "-p", "1");
}

/* What another command takes is refused, and not passed over: a gate that holds nothing is none. */
static void usage_of_other_commands(void **state)
{
	(void)state;
	refuse_value("watch", "--max-growth", "10MB/h", "--max-growth is not for 'watch'");
	refuse_value("top", "--max-retained", "10MB", "--max-retained is not for 'top'");
	refuse_value("heap", "--fail-on", "leak", "--fail-on is not for 'heap'");
	REFUSE("watch", "-p", "1", "--json");
	REFUSE("top", "-p", "1", "--json");
	REFUSE("heap", "-p", "1", "--json");
	REFUSE("heap", "-p", "1", "--heap");
	REFUSE("watch", "-p", "1", "--invocation", "func:x:f", "--max-per-invocation", "4K");
}

static void usage_heap(void **state)
{
	static const char *const tracked[] = {"", "0", "1023", "268435457", "-1", "1M"};
	static const char *const probes[] = {
		"",	   "malloc",	      "malloc=",    "malloc=x", "malloc=x+12",
		"=x+0x12", "nonsense=x+0x12", "malloc=x+0x"};

	(void)state;
	REFUSE("heap");
	for (size_t i = 0; i < ARRAY_SIZE(tracked); i++)
		refuse_value("heap", "--heap-tracked", tracked[i],
			     "a whole number from 1024 to 268435456");
	for (size_t i = 0; i < ARRAY_SIZE(probes); i++)
		refuse_value("heap", "--heap-probe", probes[i], "--heap-probe");
	refuse_value("heap", "--for", "1.5", "give a time from 1s to 366d");
}

static void help_and_version(void **state)
{
	struct run run;

	(void)state;
	RUN(&run, "--help");
	run_expect(&run, 0);
	assert_int_equal(run.err_text.size, 0);
	assert_non_null(strstr(run.out_text.data, "--interval"));
	assert_non_null(strstr(run.out_text.data, "--export"));
	assert_non_null(strstr(run.out_text.data, "--format"));
	assert_non_null(strstr(run.out_text.data, "--stack-rate"));
	assert_non_null(strstr(run.out_text.data, "--invocation=SPEC"));
	assert_non_null(strstr(run.out_text.data, "--stack-bytes"));
	assert_non_null(strstr(run.out_text.data, "--max-growth=SIZE/TIME"));
	assert_non_null(strstr(run.out_text.data, "--fail-on=LIST"));
	assert_non_null(strstr(run.out_text.data, "64"));
	assert_null(strstr(run.out_text.data, "omit-program"));
	run_release(&run);
	RUN(&run, "--version");
	run_expect(&run, 0);
	assert_int_equal(run.err_text.size, 0);
	assert_int_equal(strncmp(run.out_text.data, "tidemark ", 9), 0);
	assert_int_equal(count_lines(run.out_text.data), 1);
	run_release(&run);
}

/* A line for each, with its files; nothing else is needed, and nothing is watched. */
static void list_of_formats(void **state)
{
	static const char *const words[] = {"help", "list"};
	static const char *const expected[] = {
		"csv ",	      "series.csv",   "sites.csv", "jsonl ",	   "pprof ",
		"heap.pb.gz", "events.jsonl", "folded ",   "sites.folded", "chrome ",
		"html ",      "report.html",  "trace.json"};
	struct run run;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		RUN(&run, "--format", words[i]);
		run_expect(&run, 0);
		assert_int_equal(run.err_text.size, 0);
		assert_int_equal(count_lines(run.out_text.data), 6);
		for (size_t j = 0; j < ARRAY_SIZE(expected); j++)
			assert_non_null(strstr(run.out_text.data, expected[j]));
		run_release(&run);
	}
}

/* The line names what there is. */
static void unknown_format(void **state)
{
	struct run run;

	(void)state;
	RUN(&run, "watch", "-p", "1", "--export", "/tmp/none", "--format", "csv,svg");
	run_expect(&run, 64);
	expect_one_line(&run, "csv, jsonl, pprof, folded, chrome, html");
	run_release(&run);
	RUN(&run, "watch", "-p", "1", "--format", "pprof");
	run_expect(&run, 64);
	expect_one_line(&run, "--export");
	run_release(&run);
}

/* ---- where it is not possible ---- */

static void become_nobody(void)
{
	if (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
		_exit(125);
}

static void drop_from_bounds(const int *capabilities, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (prctl(PR_CAPBSET_DROP, capabilities[i], 0, 0, 0))
			_exit(125);
}

static void lose_bpf(void)
{
	static const int capabilities[] = {CAP_BPF, CAP_SYS_ADMIN, CAP_PERFMON};

	drop_from_bounds(capabilities, ARRAY_SIZE(capabilities));
}

/* A mount namespace of our own: what is done to mounts stays in it. */
static void own_mounts(void)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		_exit(125);
}

static void unmount_tracefs(void)
{
	own_mounts();
	umount2("/sys/kernel/debug/tracing", MNT_DETACH);
	umount2("/sys/kernel/debug", MNT_DETACH);
	umount2("/sys/kernel/tracing", MNT_DETACH);
	if (!access("/sys/kernel/tracing/events", F_OK))
		_exit(125);
}

static void unmount_tracefs_for_good(void)
{
	static const int capabilities[] = {CAP_SYS_ADMIN};

	unmount_tracefs();
	drop_from_bounds(capabilities, ARRAY_SIZE(capabilities));
}

/* libbpf would take the type information from a file beside the kernel's image. */
static void hide_types(void)
{
	own_mounts();
	if (mount("none", "/sys/kernel/btf", "tmpfs", 0, NULL))
		_exit(125);
	mount("none", "/boot", "tmpfs", 0, NULL);
	mount("none", "/lib/modules", "tmpfs", 0, NULL);
	mount("none", "/usr/lib/debug", "tmpfs", 0, NULL);
}

static void impossible(void (*prepare)(void), const char *words)
{
	struct run run;

	RUN_AS(&run, prepare, "watch", "--for", "1", "-p", number_text(getpid()));
	run_expect(&run, 2);
	expect_one_line(&run, words);
	assert_int_equal(run.out_text.size, 0);
	run_release(&run);
}

static void not_root(void **state)
{
	NEEDS_ROOT(); /* to become somebody else */
	impossible(become_nobody, "root");
}

/* The others say so, too; a check that could not be made is no check that is passed. */
static void not_root_for_others(void **state)
{
	static const char *const commands[] = {"heap", "check"};

	NEEDS_ROOT();
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		struct run run;

		RUN_AS(&run, become_nobody, commands[i], "--for", "1", "-p", number_text(getpid()));
		run_expect(&run, 2);
		expect_one_line(&run, "root");
		assert_int_equal(run.out_text.size, 0);
		run_release(&run);
	}
}

static void root_without_bpf(void **state)
{
	NEEDS_ROOT();
	impossible(lose_bpf, "CAP_BPF");
}

static void tracefs_is_mounted(void **state)
{
	struct run run;

	NEEDS_ROOT();
	RUN_AS(&run, unmount_tracefs, "watch", "--for", "1", "-p", number_text(getpid()));
	run_expect(&run, 0);
	expect_one_line(&run, "mounted tracefs");
	run_release(&run);
}

static void tracefs_cannot_be_mounted(void **state)
{
	NEEDS_ROOT();
	impossible(unmount_tracefs_for_good, "mount -t tracefs");
}

static void kernel_without_types(void **state)
{
	NEEDS_ROOT();
	impossible(hide_types, "CONFIG_DEBUG_INFO_BTF");
}

static void optional_program_missing(void **state)
{
	struct run run;

	NEEDS_ROOT();
	RUN(&run, "watch", "--for", "1", "--omit-program", "sys_enter_madvise", "-p",
	    number_text(getpid()));
	run_expect(&run, 0);
	expect_one_line(&run, "sys_enter_madvise");
	assert_non_null(strstr(run.err_text.data, "purges"));
	assert_true(count_lines(run.out_text.data) > 2);
	run_release(&run);
}

static void needed_program_missing(void **state)
{
	struct run run;

	NEEDS_ROOT();
	RUN(&run, "watch", "--for", "1", "--omit-program", "page_fault_user", "-p",
	    number_text(getpid()));
	run_expect(&run, 2);
	expect_one_line(&run, "first touches");
	run_release(&run);
}

/* ---- targets that cannot be watched ---- */

static void expect_target_error(const char *pid, const char *words)
{
	struct run run;

	RUN(&run, "watch", "--for", "1", "-p", pid);
	run_expect(&run, 1);
	expect_one_line(&run, words);
	run_release(&run);
}

static void unknown_pid(void **state)
{
	NEEDS_ROOT();
	expect_target_error("4194304", "4194304"); /* the highest there can be: never given */
}

static void *thread_rest(void *gate)
{
	pthread_mutex_lock(gate);
	pthread_mutex_unlock(gate);
	return NULL;
}

static void thread_id(void **state)
{
	pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
	struct dirent *entry;
	pthread_t thread;
	long tid = 0;
	DIR *dir;

	NEEDS_ROOT();
	pthread_mutex_lock(&gate);
	assert_int_equal(pthread_create(&thread, NULL, thread_rest, &gate), 0);
	dir = opendir("/proc/self/task");
	assert_non_null(dir);
	while ((entry = readdir(dir)))
		if (atol(entry->d_name) > 0 && atol(entry->d_name) != getpid())
			tid = atol(entry->d_name);
	closedir(dir);
	assert_true(tid > 0);
	expect_target_error(number_text(tid), "thread");
	pthread_mutex_unlock(&gate);
	pthread_join(thread, NULL);
}

static void zombie(void **state)
{
	pid_t pid;

	NEEDS_ROOT();
	pid = fork();
	if (!pid)
		_exit(0);
	child_started(pid);
	WAIT_UNTIL(process_state(pid) == 'Z');
	expect_target_error(number_text(pid), number_text(pid));
	child_kill(pid, 0);
}

/* A kernel thread has no memory: whatever is said, it is said soon. */
static void kernel_thread(void **state)
{
	struct run run;

	NEEDS_ROOT();
	if (parent_of(2) || process_state(2) == 0) {
		print_message("skipped: process 2 is not kthreadd here\n");
		skip();
	}
	RUN(&run, "watch", "--for", "1", "-p", "2");
	WAIT_UNTIL(run_ended(&run));
	assert_true(WIFEXITED(run.status) && WEXITSTATUS(run.status) <= 1);
	run_release(&run);
}

static void command_not_found(void **state)
{
	struct run run;

	NEEDS_ROOT();
	RUN(&run, "watch", "--", "no-such-command-anywhere", "argument");
	run_expect(&run, 1);
	expect_one_line(&run, "no-such-command-anywhere");
	run_release(&run);
	RUN(&run, "watch", "--", "");
	run_expect(&run, 1);
	expect_one_line(&run, "No such file");
	run_release(&run);
}

/* Said when it is noticed, and again where the figures are: lines scroll away. */
static void nothing_to_mark(void **state)
{
	struct run run;

	(void)state;
	NEEDS_ROOT();
	RUN(&run, "watch", "--invocation", "func:no-such-file:f", "--", "true");
	run_expect(&run, 0);
	assert_non_null(strstr(run.err_text.data, "no-such-file is not among the files"));
	assert_non_null(strstr(run.err_text.data, "1 of the --invocation were in no watched"));
	run_release(&run);
}

static void command_not_executable(void **state)
{
	char path[128];
	struct run run;

	NEEDS_ROOT();
	snprintf(path, sizeof(path), "%s/script", work_dir);
	close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	RUN(&run, "watch", "--", path);
	run_expect(&run, 1);
	expect_one_line(&run, "ermission");
	run_release(&run);
	RUN(&run, "watch", "--", work_dir);
	run_expect(&run, 1);
	expect_one_line(&run, work_dir);
	run_release(&run);
}

/* The second target cannot be had: the command that was to be third is not started. */
static void command_after_unknown_pid(void **state)
{
	char mark[128];
	struct run run;

	NEEDS_ROOT();
	snprintf(mark, sizeof(mark), "%s/mark", work_dir);
	RUN(&run, "watch", "-p", number_text(getpid()), "-p", "4194304", "--", "touch", mark);
	run_expect(&run, 1);
	expect_one_line(&run, "4194304");
	assert_int_not_equal(access(mark, F_OK), 0);
	run_release(&run);
}

/* ---- targets that end while tidemark attaches ---- */

static void short_lived(void **state)
{
	unsigned int attached = 0;

	NEEDS_ROOT();
	for (int i = 0; i < 6; i++) {
		struct helper helper = helper_start("rest", "100");
		struct run run;

		RUN(&run, "watch", "--interval", "50", "--for", "10", "-p",
		    number_text(helper.pid));
		/* from before tidemark loads to after it has attached */
		sleep_ms(i * 100);
		helper_end(&helper, SIGKILL);
		WAIT_UNTIL(run_ended(&run));
		if (!WIFEXITED(run.status) || WEXITSTATUS(run.status) > 1)
			fail_msg("wait status 0x%x: %s", run.status, run.err_text.data);
		if (WEXITSTATUS(run.status))
			expect_one_line(&run, number_text(helper.pid));
		else
			attached++;
		run_release(&run);
	}
	print_message("    attached to %u of 6\n", attached);
}

/* A helper under a given pid; 0: it is taken. */
static pid_t reborn(pid_t pid)
{
	struct clone_args args = {
		.exit_signal = SIGCHLD, .set_tid = (uintptr_t)&pid, .set_tid_size = 1};
	long child = syscall(SYS_clone3, &args, sizeof(args));

	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl("/proc/self/exe", "reborn", "--helper", "grow", NULL);
		_exit(126);
	}
	return child < 0 ? 0 : child_started((pid_t)child);
}

static pid_t reborn_or_skip(pid_t pid)
{
	for (int tries = 0; tries < 100; tries++) {
		pid_t child = reborn(pid);

		if (child)
			return child;
		if (errno == EPERM || errno == ENOSYS || errno == EINVAL)
			break;
		sleep_ms(10);
	}
	print_message("skipped: no process can be given a chosen pid here: %s\n", strerror(errno));
	skip();
	return 0;
}

/* The pid goes to another program: that one is not the process we were asked to watch. */
static void pid_reused_while_watched(void **state)
{
	struct helper helper;
	struct run run;
	char *found;

	NEEDS_ROOT();
	helper = helper_start("rest", "100");
	RUN(&run, "watch", "--interval", "50", "-p", number_text(helper.pid));
	WAIT_UNTIL(run_out_lines(&run) > 3);
	helper_end(&helper, SIGKILL);
	reborn_or_skip(helper.pid);
	run_expect(&run, 0);
	found = strstr(run.out_text.data, "was ended by signal 9");
	assert_non_null(found);
	assert_null(strstr(run.out_text.data, "reborn"));
	assert_true(process_runs(helper.pid));
	run_release(&run);
}

static void pid_reused_while_attaching(void **state)
{
	NEEDS_ROOT();
	child_kill(reborn_or_skip(20011), SIGKILL);
	for (int i = 0; i < 2; i++) {
		pid_t child = reborn_or_skip(20011);
		double until = now_s() + 1 + i * 0.2;
		struct run run;

		RUN(&run, "watch", "--interval", "50", "--for", "2", "-p", "20011");
		while (now_s() < until) {
			child_kill(child, SIGKILL);
			child = reborn_or_skip(20011);
		}
		WAIT_UNTIL(run_ended(&run));
		if (!WIFEXITED(run.status) || WEXITSTATUS(run.status) > 1)
			fail_msg("wait status 0x%x: %s", run.status, run.err_text.data);
		child_kill(child, SIGKILL);
		run_release(&run);
	}
}

/* ---- standard output that takes nothing ---- */

static void stdout_full(void)
{
	dup2(open("/dev/full", O_WRONLY | O_CLOEXEC), STDOUT_FILENO);
}

static void stdout_closed(void)
{
	close(STDOUT_FILENO);
}

static void all_closed(void)
{
	close_range(STDIN_FILENO, STDOUT_FILENO, 0);
}

#define GOLDEN "tests/golden/glibc.tdm"

/* What was not printed is no success, and nothing of it gets into a file of ours. */
static void output_that_cannot_be_written(void **state)
{
	static const char *const commands[][5] = {
		{"info", GOLDEN}, {"diff", GOLDEN, GOLDEN},	  {"replay", GOLDEN}, {"--help"},
		{"--version"},	  {"check", "--fail-on", "help"},
	};
	static void (*const outputs[])(void) = {stdout_full, stdout_closed, all_closed};
	static const char *const words[] = {"No space left on device", "Bad file descriptor",
					    "Bad file descriptor"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		for (size_t k = 0; k < ARRAY_SIZE(outputs); k++) {
			struct run run;

			run_start(&run, outputs[k], commands[i]);
			run_expect(&run, 2);
			expect_one_line(&run, words[k]);
			run_release(&run);
		}
}

static void a_watch_ends_with_its_output(void **state)
{
	struct run run;

	NEEDS_ROOT();
	RUN_AS(&run, stdout_full, "watch", "--interval", "100", "-p", number_text(getpid()));
	run_expect(&run, 2);
	expect_one_line(&run, "standard output: No space left on device");
	run_release(&run);
}

/* A file that may grow no more is as a full disk. */
static void small_files(void)
{
	setrlimit(RLIMIT_FSIZE, &(struct rlimit){4096, 4096});
}

static void a_limit_of_files_ends_the_export_alone(void **state)
{
	char path[300];
	struct run run;

	(void)state;
	snprintf(path, sizeof(path), "%s/limited", work_dir);
	RUN_AS(&run, small_files, "replay", GOLDEN, "--export", path, "--format", "csv,html");
	run_expect(&run, 2);
	assert_non_null(strstr(run.err_text.data, "File too large; "));
	assert_non_null(strstr(run.out_text.data, "  evidence "));
	run_release(&run);
}

static void quit_is_an_end_as_others_are(void **state)
{
	struct run run;

	NEEDS_ROOT();
	RUN(&run, "watch", "--interval", "100", "--", "sleep", "100");
	run_end_after(&run, 3, SIGQUIT);
	assert_non_null(strstr(run.err_text.data, "it ends with the watch"));
	assert_non_null(strstr(run.out_text.data, "  evidence "));
	run_release(&run);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		E2E_TEST(output_that_cannot_be_written),
		E2E_TEST(a_watch_ends_with_its_output),
		E2E_TEST(a_limit_of_files_ends_the_export_alone),
		E2E_TEST(quit_is_an_end_as_others_are),
		E2E_TEST(usage_commands),
		E2E_TEST(usage_unknown_options),
		E2E_TEST(usage_numbers),
		E2E_TEST(usage_texts),
		E2E_TEST(usage_invocations),
		E2E_TEST(usage_check),
		E2E_TEST(usage_of_other_commands),
		E2E_TEST(usage_heap),
		E2E_TEST(help_and_version),
		E2E_TEST(list_of_formats),
		E2E_TEST(unknown_format),
		E2E_TEST(not_root),
		E2E_TEST(not_root_for_others),
		E2E_TEST(root_without_bpf),
		E2E_TEST(tracefs_is_mounted),
		E2E_TEST(tracefs_cannot_be_mounted),
		E2E_TEST(kernel_without_types),
		E2E_TEST(optional_program_missing),
		E2E_TEST(needed_program_missing),
		E2E_TEST(unknown_pid),
		E2E_TEST(thread_id),
		E2E_TEST(zombie),
		E2E_TEST(kernel_thread),
		E2E_TEST(command_not_found),
		E2E_TEST(nothing_to_mark),
		E2E_TEST(command_not_executable),
		E2E_TEST(command_after_unknown_pid),
		E2E_TEST(short_lived),
		E2E_TEST(pid_reused_while_watched),
		E2E_TEST(pid_reused_while_attaching),
	};

	E2E_MAIN("cli", tests);
}
