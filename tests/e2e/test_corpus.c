// SPDX-License-Identifier: GPL-2.0-only
/*
 * The verdicts on programs whose answer is known: tests/e2e/corpus. Every program runs under
 * `tidemark check`, once judged by its pages alone and once with heap evidence; the confusion
 * matrix and every wrong verdict are printed.
 *
 * By hand, to see what a rule does (--only is a pattern, as of a shell):
 *
 *   test_corpus --only 'burst_idle-*' [--heap] [-v] [--jobs N]
 */
#include "tests/e2e/support.h"

#include <fnmatch.h>
#include <jansson.h>

#define JOBS 4 /* side by side; none of them needs more than 5% of a CPU */
#define JOBS_MAX 16
#define START_GAP_S 0.6 /* loading the programs is what takes long: not all at the same time */
#define TRIAL_LIFE_S 60 /* a check of 6 s that has not ended by then is a failed one */
#define SOURCES "tests/e2e/corpus"

/* Every word that `tidemark check` has, and how it is called above a column. */
#define VERDICTS(X)                                                                                \
	X(LIVE_GROWTH, "live-growth", "live")                                                      \
	X(PLATEAU, "plateau", "plat")                                                              \
	X(IDLE_RETENTION, "idle-retention", "idle")                                                \
	X(DELAYED_PURGE, "delayed-purge", "purge")                                                 \
	X(LAZY_FREE, "lazy-free", "lazy")                                                          \
	X(FRAGMENTATION, "fragmentation", "frag")                                                  \
	X(HUGE_PAGES, "huge-pages", "huge")                                                        \
	X(FILE_MAPPINGS, "file-mappings", "file")                                                  \
	X(THREAD_STACKS, "thread-stacks", "stack")                                                 \
	X(ARENAS, "arenas", "arena")                                                               \
	X(NONE, "none", "none")                                                                    \
	X(UNKNOWN, "unknown", "unkn")

enum verdict {
#define X(name, word, column) name,
	VERDICTS(X)
#undef X
		VERDICT_COUNT,
	NO_ANSWER = VERDICT_COUNT /* the check failed, or said something else */
};

static const char *const words[] = {
#define X(name, word, column) word,
	VERDICTS(X)
#undef X
		"(no answer)"};

static const char *const columns[] = {
#define X(name, word, column) column,
	VERDICTS(X)
#undef X
		"-"};

enum { GLIBC = 1, JEMALLOC = 2, MIMALLOC = 4, ALL = 7, ALLOCATORS = 3 };

static const char *const allocators[ALLOCATORS] = {"glibc", "jemalloc", "mimalloc"};

#define OR(verdict) (1U << (verdict))

/*
 * The answers. `right` is why its memory is as it is. What else is true of it may be said, too.
 * What is not here is wrong, and `unknown` is not right. (By pages alone memory that is free but
 * dirty looks like data: of what grew once, and rests, nothing but `unknown` is expected there; or
 * `plateau` where the program works on within it, which says that it is not known what is free.)
 */
static const struct answer {
	const char *program;
	unsigned int allocators;
	enum verdict right;
	unsigned int also_by_pages;
	unsigned int also_by_heap;
} answers[] = {
	/* leaks */
	{"slow_leak", ALL, LIVE_GROWTH, 0, 0},
	{"fast_leak", ALL, LIVE_GROWTH, 0, 0},
	{"big_leak", ALL, LIVE_GROWTH, 0, 0},
	{"late_leak", ALL, LIVE_GROWTH, 0, 0},
	{"thread_leak", ALL, LIVE_GROWTH, 0, 0},
	{"string_leak", ALL, LIVE_GROWTH, 0, 0},
	{"invocation_leak", ALL, LIVE_GROWTH, 0, 0},
	{"cache_unbounded", ALL, LIVE_GROWTH, 0, 0},
	{"realloc_growth", ALL, LIVE_GROWTH, 0, 0},
	{"mmap_leak", GLIBC, LIVE_GROWTH, 0, 0},
	{"connection_leak", ALL, LIVE_GROWTH, 0, 0},
	{"queue_backlog", ALL, LIVE_GROWTH, 0, 0},
	{"aligned_leak", ALL, LIVE_GROWTH, 0, 0},
	{"batch_leak", ALL, LIVE_GROWTH, 0, 0},
	/* data that stays */
	{"lru_churn", ALL, PLATEAU, OR(NONE), OR(NONE)},
	{"warm_up", ALL, PLATEAU, OR(NONE), OR(NONE)},
	{"ttl_cache", ALL, PLATEAU, OR(NONE), OR(NONE)},
	{"session_table", ALL, PLATEAU, OR(NONE), OR(NONE)},
	{"loaded_idle", GLIBC, PLATEAU, OR(NONE), OR(NONE)},
	{"loaded_serving", ALL, PLATEAU, OR(NONE), OR(NONE)},
	{"reserve", MIMALLOC, PLATEAU, OR(NONE), OR(NONE)},
	/* the whole is used again and again; what jemalloc has grows beyond what is ever live */
	{"sawtooth", GLIBC, PLATEAU, OR(NONE), OR(NONE)},
	{"sawtooth", JEMALLOC, PLATEAU, OR(NONE) | OR(DELAYED_PURGE),
	 OR(NONE) | OR(DELAYED_PURGE) | OR(IDLE_RETENTION)},
	{"sawtooth", MIMALLOC, PLATEAU, OR(NONE) | OR(DELAYED_PURGE), OR(NONE) | OR(DELAYED_PURGE)},
	/* free, and kept */
	{"burst_idle", ALL, IDLE_RETENTION, 0, 0},
	{"burst_trickle", GLIBC | MIMALLOC, IDLE_RETENTION, OR(PLATEAU), 0},
	{"grow_shrink", GLIBC, IDLE_RETENTION, 0, 0},
	{"grow_shrink", JEMALLOC, IDLE_RETENTION, OR(DELAYED_PURGE), OR(DELAYED_PURGE)},
	/* free, and purged in the end */
	{"grow_shrink", MIMALLOC, DELAYED_PURGE, OR(PLATEAU) | OR(NONE), OR(PLATEAU) | OR(NONE)},
	{"burst_trickle", JEMALLOC, DELAYED_PURGE, 0, 0},
	{"background_purge", JEMALLOC, DELAYED_PURGE, 0, 0},
	{"late_trim", GLIBC, DELAYED_PURGE, 0, 0},
	{"lazy_free", GLIBC, LAZY_FREE, 0, 0},
	{"lazy_decay", JEMALLOC, LAZY_FREE, 0, 0},
	{"frag_mix", ALL, FRAGMENTATION, 0, 0},
	{"frag_rounds", ALL, FRAGMENTATION, 0, 0},
	/* not of the heap */
	{"huge_pages", GLIBC, HUGE_PAGES, 0, 0},
	{"file_growth", GLIBC, FILE_MAPPINGS, 0, 0},
	{"shared_growth", GLIBC, FILE_MAPPINGS, 0, 0},
	{"private_file", GLIBC, FILE_MAPPINGS, 0, 0},
	{"thread_stacks", GLIBC, THREAD_STACKS, 0, 0},
	{"deep_stack", GLIBC, THREAD_STACKS, 0, 0},
	{"arenas", GLIBC, ARENAS, 0, 0},
	/* no growth */
	{"idle", ALL, NONE, OR(PLATEAU), OR(PLATEAU)},
	{"steady", ALL, NONE, OR(PLATEAU), OR(PLATEAU)},
	{"parse_steady", ALL, NONE, OR(PLATEAU), OR(PLATEAU)},
	{"big_churn", ALL, NONE, OR(PLATEAU), OR(PLATEAU)},
	{"mmap_churn", GLIBC, NONE, OR(PLATEAU), OR(PLATEAU)},
	{"fork_heavy", GLIBC, NONE, OR(PLATEAU), OR(PLATEAU)},
	{"exec_again", GLIBC, NONE, OR(PLATEAU), OR(PLATEAU)},
	{"invocation_steady", ALL, NONE, OR(PLATEAU), OR(PLATEAU)},
	{"reserve", GLIBC | JEMALLOC, NONE, OR(PLATEAU), OR(PLATEAU)},
};

#define TRIALS_MAX (ARRAY_SIZE(answers) * ALLOCATORS)

static struct {
	const char *only; /* NULL: all */
	bool heap;	  /* of those alone */
	bool verbose;
	unsigned int jobs;
} options = {.jobs = JOBS};

/* One program judged once. */
struct trial {
	const struct answer *answer;
	char name[64]; /* of the program with its allocator */
	bool heap;
	struct run run;
	double start;
	enum verdict verdict;
	char *object; /* the whole of what was said, or why there is nothing */
};

static struct trial trials[TRIALS_MAX];
static size_t trial_count;

/* ---- the programs ---- */

static const char *program_path(const char *name)
{
	static char path[4300];

	snprintf(path, sizeof(path), "%.*s/../../corpus/%s",
		 (int)(strrchr(self_path, '/') - self_path), self_path, name);
	return path;
}

static bool huge_pages_are_off(void)
{
	char line[128] = "";
	FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "re");

	if (file && !fgets(line, sizeof(line), file))
		line[0] = '\0';
	if (file)
		fclose(file);
	return !file || strstr(line, "[never]");
}

static bool trial_is_wanted(const struct trial *trial)
{
	if (options.only && fnmatch(options.only, trial->name, 0))
		return false;
	if (trial->answer->right != HUGE_PAGES || !huge_pages_are_off())
		return true;
	print_message("skipped: %s: this kernel gives no huge pages\n", trial->name);
	return false;
}

static void trials_list(bool heap)
{
	trial_count = 0;
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++)
		for (size_t k = 0; k < ALLOCATORS; k++) {
			struct trial *trial = &trials[trial_count];

			if (!(answers[i].allocators & 1U << k))
				continue;
			memset(trial, 0, sizeof(*trial));
			trial->answer = &answers[i];
			trial->heap = heap;
			trial->verdict = NO_ANSWER;
			snprintf(trial->name, sizeof(trial->name), "%s-%s", answers[i].program,
				 allocators[k]);
			trial_count += trial_is_wanted(trial);
		}
}

/* ---- one trial ---- */

static void trial_start(struct trial *trial)
{
	const char *args[16] = {"check", "--json", "--interval", "250", "--for", "6"};
	const char *path = program_path(trial->name);
	char probes[4400];
	size_t count = 6;

	if (trial->heap)
		args[count++] = "--heap";
	if (!strncmp(trial->name, "invocation_", 11)) {
		snprintf(probes, sizeof(probes), "usdt:%s:corpus:invocation_start,invocation_end",
			 path);
		args[count++] = "--invocation";
		args[count++] = probes;
	}
	args[count++] = "--";
	args[count++] = path;
	trial->start = now_s();
	run_start(&trial->run, NULL, args);
}

/* The program says its own lines on the same output. */
static void lines_drop(char *text, const char *beginning)
{
	char *line = text, *end;

	while (*line) {
		end = strchr(line, '\n');
		end = end ? end + 1 : line + strlen(line);
		if (strncmp(line, beginning, strlen(beginning)))
			line = end;
		else
			memmove(line, end, strlen(end) + 1);
	}
}

/* Its children have its name, too, and greater pids. */
static json_t *root_object(json_t *processes, const char *name)
{
	json_t *found = NULL, *object;
	size_t i;

	json_array_foreach(processes, i, object)
	{
		const char *comm = json_string_value(json_object_get(object, "comm"));
		json_int_t pid = json_integer_value(json_object_get(object, "pid"));

		if (comm && pid && !strncmp(comm, name, 15) &&
		    (!found || pid < json_integer_value(json_object_get(found, "pid"))))
			found = object;
	}
	return found;
}

static enum verdict verdict_of(const char *word)
{
	enum verdict verdict = 0;

	while (verdict < VERDICT_COUNT && (!word || strcmp(words[verdict], word)))
		verdict++;
	return verdict;
}

/* What the check said of the program. */
static void trial_read(struct trial *trial, char *out)
{
	json_t *processes, *object;
	char *array;

	lines_drop(out, "{\"live_bytes\":");
	array = strchr(out, '[');
	processes = array ? json_loads(array, 0, NULL) : NULL;
	object = processes ? root_object(processes, trial->name) : NULL;
	if (object) {
		trial->verdict = verdict_of(json_string_value(json_object_get(object, "verdict")));
		trial->object = json_dumps(object, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	}
	json_decref(processes);
}

static void trial_end(struct trial *trial)
{
	struct run *run = &trial->run;

	if (WIFEXITED(run->status) && WEXITSTATUS(run->status) <= 2)
		trial_read(trial, run->out_text.data);
	if (!trial->object && asprintf(&trial->object, "status 0x%x: %s%s", run->status,
				       run->err_text.data, run->out_text.data) < 0)
		trial->object = NULL;
	assert_non_null(trial->object);
	run_release(run);
}

/* Whether it is over. */
static bool trial_look(struct trial *trial)
{
	if (!run_ended(&trial->run)) {
		if (now_s() < trial->start + TRIAL_LIFE_S)
			return false;
		trial->run.status = child_kill(trial->run.pid, SIGKILL);
		run_read(&trial->run);
	}
	trial_end(trial);
	return true;
}

static void trials_run(void)
{
	size_t running[JOBS_MAX], count = 0, next = 0;
	double started = 0;

	while (next < trial_count || count) {
		if (next < trial_count && count < options.jobs && now_s() > started + START_GAP_S) {
			trial_start(&trials[next]);
			started = trials[next].start;
			running[count++] = next++;
		}
		sleep_ms(20);
		for (size_t i = count; i-- > 0;)
			if (trial_look(&trials[running[i]]))
				running[i] = running[--count];
	}
}

/* ---- what came out ---- */

struct tally {
	size_t total, right, unknown, wrong, false_leaks, no_answer;
};

static unsigned int right_of(const struct trial *trial)
{
	const struct answer *answer = trial->answer;

	return OR(answer->right) | (trial->heap ? answer->also_by_heap : answer->also_by_pages);
}

static struct tally trials_tally(const struct trial *list, size_t count)
{
	struct tally tally = {.total = count};

	for (size_t i = 0; i < count; i++) {
		enum verdict verdict = list[i].verdict;

		if (verdict == NO_ANSWER)
			tally.no_answer++;
		else if (right_of(&list[i]) & OR(verdict))
			tally.right++;
		else if (verdict == UNKNOWN)
			tally.unknown++;
		else
			tally.wrong++;
		tally.false_leaks += verdict == LIVE_GROWTH && list[i].answer->right != LIVE_GROWTH;
	}
	return tally;
}

static void row_print(enum verdict right)
{
	size_t cells[VERDICT_COUNT + 1] = {0}, sum = 0;

	for (size_t i = 0; i < trial_count; i++)
		if (trials[i].answer->right == right) {
			cells[trials[i].verdict]++;
			sum++;
		}
	if (!sum)
		return;
	print_message("%-15s", words[right]);
	for (size_t i = 0; i <= VERDICT_COUNT; i++)
		if (cells[i])
			print_message("%6zu", cells[i]);
		else
			print_message("%6s", ".");
	print_message("\n");
}

static void matrix_print(bool heap)
{
	print_message("\n%s: rows are right answers, columns verdicts\n%-15s",
		      heap ? "with heap evidence" : "by pages alone", "");
	for (size_t i = 0; i <= VERDICT_COUNT; i++)
		print_message("%6s", columns[i]);
	print_message("\n");
	for (enum verdict right = 0; right < VERDICT_COUNT; right++)
		row_print(right);
}

/* The answer itself first, then what else would have been taken. */
static void answer_print(const struct trial *trial)
{
	print_message("; right: %s", words[trial->answer->right]);
	for (enum verdict word = 0; word < VERDICT_COUNT; word++)
		if (word != trial->answer->right && right_of(trial) & OR(word))
			print_message(" or %s", words[word]);
}

static void trials_print(void)
{
	for (size_t i = 0; i < trial_count; i++) {
		const struct trial *trial = &trials[i];
		bool right = right_of(trial) & OR(trial->verdict);

		if (right && !options.verbose)
			continue;
		print_message("%s: %s", trial->name, words[trial->verdict]);
		if (!right)
			answer_print(trial);
		print_message("\n%s\n", trial->object);
	}
}

static struct tally trials_judge(bool heap)
{
	double start = now_s();
	struct tally tally;

	trials_list(heap);
	if (!trial_count)
		fail_msg("no program is called %s", options.only);
	trials_run();
	tally = trials_tally(trials, trial_count);
	trials_print();
	matrix_print(heap);
	print_message(
		"%zu of %zu right (%zu%%), %zu unknown, %zu wrong (%zu of them said to leak), "
		"%zu without an answer; %.0f s\n\n",
		tally.right, tally.total, tally.right * 100 / tally.total, tally.unknown,
		tally.wrong, tally.false_leaks, tally.no_answer, now_s() - start);
	for (size_t i = 0; i < trial_count; i++)
		free(trials[i].object);
	return tally;
}

/* ---- the tests ---- */

static void judged_by_pages(void **state)
{
	struct tally tally;

	NEEDS_ROOT();
	tally = trials_judge(false);
	assert_int_equal(tally.no_answer, 0);
	assert_int_equal(tally.false_leaks, 0);
	assert_int_equal(tally.wrong, 0);
	assert_true(tally.right * 100 >= tally.total * 80);
}

static void judged_by_heap(void **state)
{
	struct tally tally;

	NEEDS_ROOT();
	tally = trials_judge(true);
	assert_int_equal(tally.no_answer, 0);
	assert_int_equal(tally.false_leaks, 0);
	assert_true(tally.right * 100 >= tally.total * 95);
}

static size_t answers_of(const char *program)
{
	unsigned int seen = 0;
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		if (strcmp(answers[i].program, program))
			continue;
		assert_false(seen & answers[i].allocators); /* one answer only */
		seen |= answers[i].allocators;
		count++;
	}
	return count;
}

static void every_program_has_an_answer(void **state)
{
	DIR *dir = opendir(SOURCES);
	struct dirent *entry;
	size_t programs = 0;

	(void)state;
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		char *dot = strrchr(entry->d_name, '.');

		if (!dot || strcmp(dot, ".c"))
			continue;
		*dot = '\0';
		programs++;
		if (!answers_of(entry->d_name))
			fail_msg("%s/%s.c has no answer in the table", SOURCES, entry->d_name);
	}
	closedir(dir);
	assert_true(programs >= 24);
	trials_list(false);
	for (size_t i = 0; i < trial_count; i++)
		if (access(program_path(trials[i].name), X_OK))
			fail_msg("%s was not built", program_path(trials[i].name));
}

/* What is built is judged: the other way round. */
static void every_build_is_judged(void **state)
{
	DIR *dir = opendir(program_path(""));
	struct dirent *entry;
	size_t builds = 0;

	(void)state;
	assert_non_null(dir);
	trials_list(false);
	while ((entry = readdir(dir))) {
		size_t i = 0;

		if (!strchr(entry->d_name, '-') || strchr(entry->d_name, '.'))
			continue;
		builds++;
		while (i < trial_count && strcmp(trials[i].name, entry->d_name))
			i++;
		if (i == trial_count && strncmp(entry->d_name, "huge_pages", 10))
			fail_msg("%s is built and not in the table", entry->d_name);
	}
	closedir(dir);
	assert_true(builds >= trial_count);
}

/* The judge itself: a right word, one that only pages may say, a wrong one, unknown, none. */
static void wrong_is_told_from_right(void **state)
{
	static const struct answer leak = {"a", ALL, LIVE_GROWTH, 0, 0},
				   kept = {"b", ALL, IDLE_RETENTION, OR(PLATEAU), 0};
	struct trial list[] = {
		{.answer = &leak, .verdict = LIVE_GROWTH}, {.answer = &kept, .verdict = PLATEAU},
		{.answer = &kept, .verdict = LIVE_GROWTH}, {.answer = &kept, .verdict = UNKNOWN},
		{.answer = &leak, .verdict = PLATEAU},	   {.answer = &leak, .verdict = NO_ANSWER},
	};
	struct trial read = {.answer = &leak, .name = "thread_leak-jemalloc"};
	char said[] =
		"{\"live_bytes\":5}\n[{\"pid\":9,\"comm\":\"thread_leak-jem\","
		"\"verdict\":\"none\"},{\"pid\":7,\"comm\":\"thread_leak-jem\","
		"\"verdict\":\"arenas\"},{\"pid\":1,\"comm\":\"other\"}]\n{\"live_bytes\":5}\n";
	struct tally tally = trials_tally(list, ARRAY_SIZE(list));

	(void)state;
	assert_int_equal(tally.right, 2);
	assert_int_equal(tally.wrong, 2);
	assert_int_equal(tally.unknown, 1);
	assert_int_equal(tally.no_answer, 1);
	assert_int_equal(tally.false_leaks, 1);
	list[1].heap = true;
	assert_int_equal(trials_tally(list, ARRAY_SIZE(list)).wrong, 3);
	trial_read(&read, said);
	assert_int_equal(read.verdict, ARENAS);
	free(read.object);
}

static void options_read(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--only") && i + 1 < argc)
			options.only = argv[++i];
		else if (!strcmp(argv[i], "--jobs") && i + 1 < argc)
			options.jobs = (unsigned int)strtoul(argv[++i], NULL, 10);
		else if (!strcmp(argv[i], "--heap"))
			options.heap = true;
		else if (!strcmp(argv[i], "-v"))
			options.verbose = true;
		else
			cmocka_set_test_filter(argv[i]);
	if (options.jobs < 1 || options.jobs > JOBS_MAX)
		options.jobs = JOBS;
	if (options.only || options.heap)
		cmocka_set_test_filter(options.heap ? "judged_by_heap" : "judged_by_pages");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_program_has_an_answer),
		cmocka_unit_test(every_build_is_judged),
		cmocka_unit_test(wrong_is_told_from_right),
		E2E_TEST(judged_by_pages),
		E2E_TEST(judged_by_heap),
	};

	if (readlink("/proc/self/exe", self_path, sizeof(self_path) - 1) < 0)
		return 1;
	options_read(argc, argv);
	return cmocka_run_group_tests_name("corpus", tests, NULL, NULL);
}
