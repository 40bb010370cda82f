// SPDX-License-Identifier: GPL-2.0-only
/*
 * `tidemark check` as scripts see it: exit codes, and what is on standard output. The programs are
 * those of the corpus whose answer nobody doubts: one that leaks 10 MB a second, and one at rest.
 */
#include "tests/e2e/support.h"

#include <jansson.h>

#define INVOCATION_MARKS "corpus:invocation_start,invocation_end"

static char program_path[4200];

/* Of the corpus: it lies beside tidemark. */
static const char *program(const char *name)
{
	const char *tidemark = tidemark_path(), *slash = strrchr(tidemark, '/');

	snprintf(program_path, sizeof(program_path), "%.*s/corpus/%s",
		 slash ? (int)(slash - tidemark) : 1, slash ? tidemark : ".", name);
	return program_path;
}

/* The line of text output that a process begins with, and the last one. */
static void expect_text(const struct run *run, const char *words, const char *last)
{
	const char *text = run->out_text.data;

	if (!strstr(text, words) || run->out_text.size < strlen(last) ||
	    strcmp(text + run->out_text.size - strlen(last), last))
		fail_msg("not '%s' and at the end '%s': %s; stderr: %s", words, last, text,
			 run->err_text.data);
}

/* Standard output is one array and nothing else; the caller frees it. */
static json_t *expect_json(const struct run *run, size_t count)
{
	json_error_t error;
	json_t *array =
		json_loadb(run->out_text.data, run->out_text.size, JSON_REJECT_DUPLICATES, &error);

	if (!json_is_array(array) || json_array_size(array) != count)
		fail_msg("no array of %zu: %s; stderr: %s", count, run->out_text.data,
			 run->err_text.data);
	return array;
}

static const char *string_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	if (!text)
		fail_msg("%s is no string", key);
	return text;
}

/* ---- exit codes ---- */

static void within(void **state)
{
	struct run run;

	NEEDS_ROOT();
	RUN(&run, "check", "--", program("idle-glibc"), "4");
	run_expect(&run, 0);
	expect_text(&run, "idle-glibc (glibc): within\n", "check: within\n");
	assert_null(strstr(run.out_text.data, "live_bytes")); /* it says so on stdout */
	assert_non_null(strstr(run.err_text.data, "live_bytes"));
	run_release(&run);
}

static void over(void **state)
{
	struct run run;

	NEEDS_ROOT();
	RUN(&run, "check", "--", program("fast_leak-glibc"), "5");
	run_expect(&run, 1);
	expect_text(&run, "fast_leak-glibc (glibc): over: the verdict is live-growth\n",
		    "check: over\n");
	expect_text(&run, "\n  top site  corpus_", "check: over\n");
	run_release(&run);
}

/* A shell, a script or sudo that runs it is not what is to be judged; and is not all that ends. */
static void what_it_forks_is_judged(void **state)
{
	char command[4400];
	struct run run;

	NEEDS_ROOT();
	snprintf(command, sizeof(command), "%s 60 & sleep 5", program("fast_leak-glibc"));
	RUN(&run, "check", "--", "sh", "-c", command);
	run_expect(&run, 1);
	expect_text(&run, "fast_leak-glibc (glibc): over: the verdict is live-growth\n",
		    "check: over\n");
	expect_text(&run, "sh (glibc): within\n", "check: over\n");
	assert_non_null(strstr(run.err_text.data, "1 more process that it started was sent "
						  "SIGTERM"));
	run_release(&run);
}

/* Its allocations, too, from a second after it began on; by fork and by vfork. */
static void what_it_forks_is_followed(void **state)
{
	static const char *const scripts[] = {"%s 60 & sleep 12", "%s 12; true"};
	char command[4400];
	struct run run;

	NEEDS_ROOT();
	for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
		snprintf(command, sizeof(command), scripts[i], program("slow_leak-jemalloc"));
		RUN(&run, "check", "--heap", "--", "sh", "-c", command);
		run_expect(&run, 1);
		expect_text(&run, "slow_leak-jemal (jemalloc): over: the verdict is live-growth\n",
			    "check: over\n");
		expect_text(&run, "(by heap evidence)\n", "check: over\n");
		run_release(&run);
	}
}

/* Too short to tell: that is no leak, and no pass. */
static void too_short(void **state)
{
	struct run run;

	NEEDS_ROOT();
	RUN(&run, "check", "--", "true");
	run_expect(&run, 2);
	expect_text(&run, "true (", "check: not judged\n");
	expect_text(&run, "not judged: the verdict is unknown: there are ", "check: not judged\n");
	run_release(&run);
}

/* When its time is up the command is ended: that is not its failure. */
static void time_is_up(void **state)
{
	struct run run;

	NEEDS_ROOT();
	RUN(&run, "check", "--for", "4s", "--", program("idle-jemalloc"), "60");
	run_expect(&run, 0);
	expect_text(&run, "idle-jemalloc (jemalloc): within\n", "check: within\n");
	run_release(&run);
}

static void limits_of_growth(void **state)
{
	struct run run;

	NEEDS_ROOT();
	RUN(&run, "check", "--max-growth", "1MB/h", "--", program("fast_leak-jemalloc"), "5");
	run_expect(&run, 1);
	expect_text(&run, "over: growth per hour is +", "check: over\n");
	run_release(&run);
	/* where a limit is given, that is what it is held against, and nothing else */
	RUN(&run, "check", "--max-growth", "1000GB/h", "--", program("fast_leak-jemalloc"), "5");
	run_expect(&run, 0);
	expect_text(&run, "verdict   live-growth", "check: within\n");
	run_release(&run);
}

static void limits_of_retained_pages(void **state)
{
	struct run run;

	NEEDS_ROOT();
	RUN(&run, "check", "--max-retained", "1MB", "--", program("idle-glibc"), "4");
	run_expect(&run, 1);
	expect_text(&run, " are retained, over ", "check: over\n");
	run_release(&run);
	RUN(&run, "check", "--max-retained", "1GB", "--", program("idle-glibc"), "4");
	run_expect(&run, 0);
	run_release(&run);
}

static void limits_per_invocation(void **state)
{
	struct run run;
	char marks[512];

	NEEDS_ROOT();
	snprintf(marks, sizeof(marks), "usdt:%s:" INVOCATION_MARKS,
		 program("invocation_leak-glibc"));
	RUN(&run, "check", "--invocation", marks, "--max-per-invocation", "512", "--",
	    program("invocation_leak-glibc"), "5");
	run_expect(&run, 1);
	expect_text(&run, "over: growth per invocation is +", "check: over\n");
	run_release(&run);
	RUN(&run, "check", "--invocation", marks, "--max-per-invocation", "1MiB", "--",
	    program("invocation_leak-glibc"), "5");
	run_expect(&run, 0);
	run_release(&run);
	/* none is marked: a gate that holds nothing is not passed */
	RUN(&run, "check", "--invocation", "func:no-such-file:f", "--max-per-invocation", "1MiB",
	    "--", program("idle-glibc"), "4");
	run_expect(&run, 2);
	expect_text(&run, "not judged: too little to tell the growth per invocation",
		    "check: not judged\n");
	run_release(&run);
}

static void fail_on(void **state)
{
	struct run run;

	NEEDS_ROOT();
	RUN(&run, "check", "--fail-on", "file-mappings,none", "--", program("idle-glibc"), "4");
	run_expect(&run, 1);
	expect_text(&run, "over: the verdict is none", "check: over\n");
	run_release(&run);
	RUN(&run, "check", "--fail-on", "file-mappings", "--", program("fast_leak-glibc"), "5");
	run_expect(&run, 0);
	run_release(&run);
}

/* ---- commands that fail ---- */

/* A test that failed half way has not shown that it does not leak. */
static void command_fails(void **state)
{
	static const struct {
		const char *script, *words;
	} cases[] = {
		{"sleep 3; exit 3", "'sh' exited with status 3"},
		{"sleep 3; kill -9 $$", "'sh' was ended by signal 9"},
	};
	struct run run;

	NEEDS_ROOT();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		RUN(&run, "check", "--", "sh", "-c", cases[i].script);
		run_expect(&run, 2);
		expect_text(&run, cases[i].words, "check: not judged\n");
		assert_non_null(strstr(run.err_text.data, cases[i].words));
		run_release(&run);
	}
	RUN(&run, "check", "--json", "--", "sh", "-c", cases[0].script);
	run_expect(&run, 2);
	json_decref(expect_json(&run, 2)); /* and sleep */
	assert_non_null(strstr(run.err_text.data, cases[0].words));
	run_release(&run);
}

/* 1 would say that a limit is passed. */
static void what_cannot_be_had(void **state)
{
	struct run run;

	NEEDS_ROOT();
	RUN(&run, "check", "--json", "--", "no-such-command-anywhere");
	run_expect(&run, 2);
	expect_one_line(&run, "no-such-command-anywhere");
	assert_int_equal(run.out_text.size, 0);
	run_release(&run);
	RUN(&run, "check", "-p", "4194304");
	run_expect(&run, 2);
	expect_one_line(&run, "4194304");
	run_release(&run);
}

/* ---- what is attached to ---- */

static bool has_rows(const char *dir, pid_t pid, size_t rows)
{
	static struct series series;
	char path[512];

	return export_dir(dir, pid, 0, path, sizeof(path)) && series_parse(&series, path, false) &&
	       series.rows >= rows;
}

static void process_that_ends(void **state)
{
	struct helper helper;
	json_t *array, *object;
	struct run run;

	NEEDS_ROOT();
	helper = helper_start("rest", "500");
	RUN(&run, "check", "--json", "-i", "200", "--export", work_dir, "--format", "csv", "-p",
	    number_text(helper.pid));
	WAIT_UNTIL(has_rows(work_dir, helper.pid, 15) || run_ended(&run));
	helper_end(&helper, SIGKILL);
	run_expect(&run, 0);
	array = expect_json(&run, 1); /* and where the export is, is said elsewhere */
	object = json_array_get(array, 0);
	assert_int_equal(json_integer_value(json_object_get(object, "pid")), helper.pid);
	assert_string_equal(string_of(object, "verdict"), "none");
	assert_string_equal(string_of(object, "result"), "within");
	json_decref(array);
	assert_non_null(strstr(run.err_text.data, work_dir));
	run_release(&run);
}

/* An end that somebody else makes: what was seen until then is judged. */
static void interrupted(void **state)
{
	struct helper helper;
	struct run run;

	NEEDS_ROOT();
	helper = helper_start("rest", "500");
	RUN(&run, "check", "-i", "200", "--export", work_dir, "--format", "csv", "-p",
	    number_text(helper.pid));
	WAIT_UNTIL(has_rows(work_dir, helper.pid, 15) || run_ended(&run));
	kill(run.pid, SIGINT);
	run_expect(&run, 0);
	expect_text(&run, ": within\n", "check: within\n");
	assert_true(process_runs(helper.pid));
	run_release(&run);
	helper_end(&helper, SIGKILL);
}

/* ---- JSON ---- */

/* Though the command writes to the same place. */
static void json_alone(void **state)
{
	json_t *array, *object;
	struct run run;

	NEEDS_ROOT();
	RUN(&run, "check", "--json", "--", program("fast_leak-mimalloc"), "5");
	run_expect(&run, 1);
	array = expect_json(&run, 1);
	object = json_array_get(array, 0);
	assert_true(json_integer_value(json_object_get(object, "pid")) > 0);
	assert_int_equal(strncmp(string_of(object, "comm"), "fast_leak-mimal", 15), 0);
	assert_string_equal(string_of(object, "allocator"), "mimalloc");
	assert_string_equal(string_of(object, "verdict"), "live-growth");
	assert_string_equal(string_of(object, "result"), "over");
	assert_int_equal(json_integer_value(json_object_get(object, "tier")), 1);
	/* 10 MB a second */
	assert_true(json_number_value(json_object_get(object, "growth_bytes_per_hour")) > 2e10);
	assert_true(json_number_value(json_object_get(object, "growth_bytes_per_hour")) < 6e10);
	assert_true(json_is_null(json_object_get(object, "bytes_per_invocation")));
	assert_true(json_integer_value(json_object_get(object, "retained_bytes")) > 20000000);
	assert_non_null(strstr(string_of(object, "top_site"), "corpus_"));
	assert_true(json_array_size(json_object_get(object, "evidence")) >= 2);
	json_decref(array);
	assert_non_null(strstr(run.err_text.data, "live_bytes"));
	run_release(&run);
}

/* With children: each is judged, and what came and went is left out. */
static void children(void **state)
{
	struct run run;

	NEEDS_ROOT();
	RUN(&run, "check", "--children", "--", "sh", "-c", "true; true; \"$0\" 5 & \"$1\" 5; wait",
	    program("fast_leak-glibc"), "sleep");
	run_expect(&run, 1);
	expect_text(&run, "fast_leak-glibc (glibc): over: the verdict is live-growth\n",
		    "check: over\n");
	expect_text(&run, " sh (", "check: over\n");
	run_release(&run);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		E2E_TEST(within),
		E2E_TEST(over),
		E2E_TEST(what_it_forks_is_judged),
		E2E_TEST(what_it_forks_is_followed),
		E2E_TEST(too_short),
		E2E_TEST(time_is_up),
		E2E_TEST(limits_of_growth),
		E2E_TEST(limits_of_retained_pages),
		E2E_TEST(limits_per_invocation),
		E2E_TEST(fail_on),
		E2E_TEST(command_fails),
		E2E_TEST(what_cannot_be_had),
		E2E_TEST(process_that_ends),
		E2E_TEST(interrupted),
		E2E_TEST(json_alone),
		E2E_TEST(children),
	};

	E2E_MAIN("check", tests);
}
