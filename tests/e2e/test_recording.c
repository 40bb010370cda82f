// SPDX-License-Identifier: GPL-2.0-only
/* `tidemark record`, `replay`, `info`, `diff`: what was seen live is seen again. */
#include "tests/e2e/support.h"

#define FORMATS "csv,jsonl,pprof,folded,chrome,html"

static char path_of_recording[256], live_dir[256], replay_dir[256];

static void find_paths(void)
{
	snprintf(path_of_recording, sizeof(path_of_recording), "%s/a.tdm", work_dir);
	snprintf(live_dir, sizeof(live_dir), "%s/live", work_dir);
	snprintf(replay_dir, sizeof(replay_dir), "%s/replay", work_dir);
}

/* ---- two trees of files ---- */

static const char *tree_root, *other_root;
static unsigned int tree_files;

static char *load(const char *path, size_t *size)
{
	FILE *file = fopen(path, "re");
	char *bytes = NULL;

	*size = 0;
	if (!file)
		fail_msg("%s is not there", path);
	for (size_t got = 1; got; *size += got) {
		bytes = realloc(bytes, *size + 65536);
		assert_non_null(bytes);
		got = fread(bytes + *size, 1, 65536, file);
	}
	fclose(file);
	return bytes;
}

static int compare_file(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
	char other[512], *a, *b;
	size_t size_a, size_b;

	(void)stat;
	(void)ftw;
	if (type != FTW_F)
		return 0;
	snprintf(other, sizeof(other), "%s%s", other_root, path + strlen(tree_root));
	a = load(path, &size_a);
	b = load(other, &size_b);
	if (size_a != size_b || memcmp(a, b, size_a))
		fail_msg("%s is not %s", path, other);
	free(a);
	free(b);
	tree_files++;
	return 0;
}

/* Every file of a is in b, byte by byte, and none more. Returns how many. */
static unsigned int trees_compare(const char *a, const char *b)
{
	unsigned int files;

	tree_files = 0;
	tree_root = a;
	other_root = b;
	assert_int_equal(nftw(a, compare_file, 16, FTW_PHYS), 0);
	files = tree_files;
	tree_root = b;
	other_root = a;
	assert_int_equal(nftw(b, compare_file, 16, FTW_PHYS), 0);
	assert_int_equal(tree_files, 2 * files);
	return files;
}

/* ---- tests ---- */

/* Lines of figures and the summary, without where the traces are. */
static char *lines_of(struct run *run)
{
	char *traces = strstr(run->out_text.data, "traces in ");

	assert_non_null(traces);
	*traces = '\0';
	return run->out_text.data;
}

static void exports_of_a_replay_are_those_of_the_run(void **state)
{
	struct run live, replay;
	char self[256] = "";

	NEEDS_ROOT();
	find_paths();
	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	/* it forks, and its children map, touch and unmap */
	RUN(&live, "watch", "-o", path_of_recording, "--interval", "100", "--children", "--export",
	    live_dir, "--format", FORMATS, "--", self, "--helper", "family", "3");
	run_expect(&live, 0);
	RUN(&replay, "replay", path_of_recording, "--export", replay_dir, "--format", FORMATS);
	run_expect(&replay, 0);
	assert_int_equal(replay.err_text.size, 0);
	assert_true(trees_compare(live_dir, replay_dir) >= 2 * 9);
	assert_string_equal(lines_of(&live), lines_of(&replay));
	run_release(&live);
	run_release(&replay);
}

static void a_process_that_ran_before_is_replayed(void **state)
{
	struct helper helper;
	struct run live, replay;

	NEEDS_ROOT();
	find_paths();
	helper = helper_start("grow", "1000000");
	RUN(&live, "record", "-o", path_of_recording, "--interval", "100", "--for", "2", "--export",
	    live_dir, "--format", FORMATS, "-p", number_text(helper.pid));
	run_expect(&live, 0);
	RUN(&replay, "replay", path_of_recording, "--export", replay_dir, "--format", FORMATS);
	run_expect(&replay, 0);
	assert_true(trees_compare(live_dir, replay_dir) >= 9);
	helper_end(&helper, SIGKILL);
	run_release(&live);
	run_release(&replay);
}

/* Whatever ends it: what is in whole chunks is there. */
static void a_killed_recording_opens(void **state)
{
	struct helper helper;
	struct run live, info, replay;
	struct stat before;
	bool cut;

	NEEDS_ROOT();
	find_paths();
	helper = helper_start("grow", "1000000");
	RUN(&live, "record", "-o", path_of_recording, "--interval", "100", "-p",
	    number_text(helper.pid));
	WAIT_UNTIL(!stat(path_of_recording, &before) && before.st_size > 1000);
	child_kill(live.pid, SIGKILL);
	RUN(&info, "info", path_of_recording);
	run_expect(&info, 0);
	/* or amid a chunk */
	cut = strstr(info.out_text.data, "bytes are no whole chunk");
	assert_true(cut || strstr(info.out_text.data, "state       it was not closed"));
	RUN(&replay, "replay", path_of_recording);
	run_expect(&replay, 0);
	expect_one_line(&replay, cut ? "bytes are no whole chunk" : "it was not closed");
	assert_non_null(strstr(replay.out_text.data, "  evidence "));
	/* and cut off anywhere */
	assert_int_equal(truncate(path_of_recording, before.st_size - 1), 0);
	run_release(&replay);
	RUN(&replay, "replay", path_of_recording);
	run_expect(&replay, 0);
	expect_one_line(&replay, "bytes are no whole chunk");
	helper_end(&helper, SIGKILL);
	run_release(&live);
	run_release(&info);
	run_release(&replay);
}

static void info_and_diff_say_what_is_there(void **state)
{
	struct helper helper;
	struct run live, info, diff;

	NEEDS_ROOT();
	find_paths();
	helper = helper_start("grow", "1000000");
	RUN(&live, "record", "-o", path_of_recording, "--interval", "100", "--for", "3", "-p",
	    number_text(helper.pid));
	run_expect(&live, 0);
	expect_one_line(&live, "records, ");
	RUN(&info, "info", path_of_recording);
	run_expect(&info, 0);
	assert_non_null(strstr(info.out_text.data, "state       whole"));
	assert_non_null(strstr(info.out_text.data, "\n  fault "));
	RUN(&diff, "diff", "--from", "1", "--to", "2", path_of_recording);
	run_expect(&diff, 0);
	assert_non_null(strstr(diff.out_text.data, "resident_bytes"));
	assert_non_null(strstr(diff.out_text.data, "sites, resident\n"));
	assert_non_null(strstr(diff.out_text.data, "mappings, resident\n"));
	helper_end(&helper, SIGKILL);
	run_release(&live);
	run_release(&info);
	run_release(&diff);
}

/* A line of the summary, which ends with the text. */
static char *summary_line(struct run *run, const char *begin)
{
	char *line = strstr(run->out_text.data, begin);

	assert_non_null(line);
	line[strcspn(line, "\n")] = '\0';
	return line;
}

/* Most of it is let go of, and the totals are those of the whole run. */
static void a_recording_keeps_to_its_size(void **state)
{
	struct helper helper;
	struct run live, info, replay;
	struct stat file;

	NEEDS_ROOT();
	find_paths();
	helper = helper_start("churn", "");
	RUN(&live, "record", "-o", path_of_recording, "--max-size", "1M", "--interval", "100",
	    "--for", "8", "-p", number_text(helper.pid));
	run_expect(&live, 0);
	helper_end(&helper, SIGKILL);
	assert_int_equal(stat(path_of_recording, &file), 0);
	assert_true(file.st_size < 2 << 20);
	RUN(&info, "info", path_of_recording);
	run_expect(&info, 0);
	assert_non_null(strstr(info.out_text.data, "what is older was let go of"));
	assert_non_null(strstr(info.out_text.data, "state       whole"));
	RUN(&replay, "replay", path_of_recording);
	run_expect(&replay, 0);
	assert_int_equal(replay.err_text.size, 0);
	assert_string_equal(summary_line(&live, "  evidence "),
			    summary_line(&replay, "  evidence "));
	assert_string_equal(summary_line(&live, "  pages  "), summary_line(&replay, "  pages  "));
	run_release(&info);
	run_release(&live);
	run_release(&replay);
}

/* As a full disk does, but for its error. */
static void limit_files(void)
{
	const struct rlimit limit = {100000, 100000};

	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
}

/* Said once; the watching goes on to its end, and what is in the file can be read. */
static void a_full_disk_ends_the_recording_alone(void **state)
{
	struct helper helper;
	struct run live, replay;

	NEEDS_ROOT();
	find_paths();
	helper = helper_start("churn", "");
	RUN_AS(&live, limit_files, "record", "-o", path_of_recording, "--interval", "100", "--for",
	       "4", "-p", number_text(helper.pid));
	run_expect(&live, 2);
	helper_end(&helper, SIGKILL);
	assert_non_null(strstr(live.err_text.data, "File too large; the recording ends here"));
	assert_int_equal(count_lines(live.err_text.data), 2); /* and what was recorded */
	assert_non_null(strstr(live.out_text.data, "  evidence "));
	RUN(&replay, "replay", path_of_recording);
	run_expect(&replay, 0);
	expect_one_line(&replay, "it was not closed");
	run_release(&live);
	run_release(&replay);
}

/* Root is not needed to look again. */
static void golden_recordings_replay_to_the_same_exports(void **state)
{
	static const char *const allocators[] = {"glibc", "jemalloc", "mimalloc"};

	(void)state;
	find_paths();
	for (size_t i = 0; i < ARRAY_SIZE(allocators); i++) {
		char path[128], a[300], b[300];
		struct run runs[2];

		snprintf(path, sizeof(path), "tests/golden/%s.tdm", allocators[i]);
		snprintf(a, sizeof(a), "%s-%zu", live_dir, i);
		snprintf(b, sizeof(b), "%s-%zu", replay_dir, i);
		RUN(&runs[0], "replay", path, "--export", a, "--format", FORMATS);
		run_expect(&runs[0], 0);
		RUN(&runs[1], "replay", path, "--export", b, "--format", FORMATS);
		run_expect(&runs[1], 0);
		assert_int_equal(trees_compare(a, b), 11);
		assert_non_null(strstr(runs[0].out_text.data, allocators[i]));
		assert_non_null(strstr(runs[0].out_text.data, "0 unexplained"));
		run_release(&runs[0]);
		run_release(&runs[1]);
	}
}

static void what_cannot_be_read_is_said_in_a_line(void **state)
{
	static const struct {
		const char *args[6];
		int code;
		const char *words;
	} cases[] = {
		{{"replay", "/nonexistent"}, 1, "No such file"},
		{{"info", "/proc/self/exe"}, 1, "this is no recording"},
		{{"diff", "tests/golden/glibc.tdm", "/dev/null"}, 1, "regular file"},
		{{"replay"}, 64, "give a recording"},
		{{"replay", "a", "b"}, 64, "too much"},
		{{"diff", "a"}, 64, "two recordings"},
		{{"diff", "a", "b", "--to", "1"}, 64, "two recordings"},
		{{"diff", "a", "--to", "x"}, 64, "give seconds"},
		{{"replay", "a", "-p", "1"}, 64, "not for 'replay'"},
		{{"watch", "-p", "1", "--realtime"}, 64, "not for 'watch'"},
		{{"record", "-p", "1"}, 64, "give -o FILE"},
		{{"watch", "-p", "1", "--max-size", "2M"}, 64, "give -o FILE"},
		{{"record", "-o", "a", "--max-size", "2"}, 64, "1M or more"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct run run;

		run_start(&run, NULL, cases[i].args);
		run_expect(&run, cases[i].code);
		expect_one_line(&run, cases[i].words);
		run_release(&run);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		E2E_TEST(exports_of_a_replay_are_those_of_the_run),
		E2E_TEST(a_process_that_ran_before_is_replayed),
		E2E_TEST(a_killed_recording_opens),
		E2E_TEST(info_and_diff_say_what_is_there),
		E2E_TEST(a_recording_keeps_to_its_size),
		E2E_TEST(a_full_disk_ends_the_recording_alone),
		E2E_TEST(golden_recordings_replay_to_the_same_exports),
		E2E_TEST(what_cannot_be_read_is_said_in_a_line),
	};

	E2E_MAIN("recording", tests);
}
