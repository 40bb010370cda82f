// SPDX-License-Identifier: GPL-2.0-only
/* The exported files: what is in them, that they are complete, and that they survive what happens.
 */
#include "tests/e2e/support.h"

#include <inttypes.h>
#include <math.h>

#include <jansson.h>

static struct series series; /* too large for a stack */

static char export_path[128];

static int export_setup(void **state)
{
	int rc = test_setup(state);

	snprintf(export_path, sizeof(export_path), "%s/export", work_dir);
	return rc;
}

#define EXPORT_TEST(test) cmocka_unit_test_setup_teardown(test, export_setup, test_teardown)

static void find_dir(pid_t pid, int n, char *dir, size_t size)
{
	if (!export_dir(export_path, pid, n, dir, size))
		fail_msg("no directory %d of process %d", n, pid);
}

/* The only one there is. */
static void find_only_dir(char *dir, size_t size)
{
	struct dirent **entries;
	int count = scandir(export_path, &entries, NULL, alphasort);

	assert_int_equal(count, 3);
	snprintf(dir, size, "%s/%s", export_path, entries[2]->d_name);
	for (int i = 0; i < count; i++)
		free(entries[i]);
	free(entries);
}

/* ---- series.csv ---- */

static void check_series(const struct series *rows)
{
	static const char *const totals[] = {"purged_bytes_total", "returned_bytes_total",
					     "born_pages_total",   "events_total",
					     "lost_events_total",  "repaired_pages_total"};

	assert_true(rows->rows > 0);
	for (size_t i = 0; i < rows->rows; i++) {
		if (series_get(rows, i, "rss_bytes") != series_get(rows, i, "anon_bytes") +
								series_get(rows, i, "file_bytes") +
								series_get(rows, i, "shmem_bytes"))
			fail_msg("row %zu: rss is not the sum of its parts", i);
		assert_true(series_get(rows, i, "retained_bytes") <=
			    series_get(rows, i, "resident_bytes"));
		if (!i)
			continue;
		if (series_get(rows, i, "time_s") <= series_get(rows, i - 1, "time_s"))
			fail_msg("time of row %zu: %.3f after %.3f", i,
				 series_get(rows, i, "time_s"), series_get(rows, i - 1, "time_s"));
		for (size_t j = 0; j < ARRAY_SIZE(totals); j++)
			if (series_get(rows, i, totals[j]) < series_get(rows, i - 1, totals[j]))
				fail_msg("row %zu: %s decreases", i, totals[j]);
	}
}

static void series_columns(void **state)
{
	static const char *const names[] = {"time_s",
					    "rss_bytes",
					    "anon_bytes",
					    "file_bytes",
					    "shmem_bytes",
					    "retained_bytes",
					    "lazyfree_bytes",
					    "purged_bytes_total",
					    "returned_bytes_total",
					    "born_pages_total",
					    "growth_bytes_per_hour",
					    "unexplained_bytes",
					    "events_total",
					    "lost_events_total",
					    "repaired_pages_total"};
	char dir[512];
	size_t shown;
	struct run run;

	NEEDS_ROOT();
	RUN(&run, "watch", "--interval", "100", "--export", export_path,
	    HELPER_COMMAND("grow", "250"));
	run_expect(&run, 0);
	find_only_dir(dir, sizeof(dir));
	assert_true(series_read(&series, dir));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_string_equal(series.names[i], names[i]);
	check_series(&series);
	/* one row per interval, as there is one line: less the headings, and what comes at the end
	 */
	shown = 0;
	for (char *line = strtok(run.out_text.data, "\n"); line && !strstr(line, ": watched ");
	     line = strtok(NULL, "\n"))
		shown += strstr(line, "COMMAND") == NULL;
	assert_int_equal(series.rows, shown);
	assert_true(series.rows >= 5);
	/* no more rows than intervals, but for the last state */
	assert_true((double)series.rows <= series_last(&series, "time_s") / 0.1 + 3);
	/* 250 rounds of 64 pages, of which 56 are returned */
	assert_true(series_last(&series, "born_pages_total") >= 250 * 64);
	assert_true(series_last(&series, "returned_bytes_total") >= 250 * 56 * PAGE);
	assert_true(series_last(&series, "retained_bytes") > 0);
	/* its one thread may have been amid a fault when the kernel's count was read last */
	if (fabs(series_last(&series, "unexplained_bytes")) > PAGE)
		fail_msg("%.0f bytes unexplained at the end: %.0f anonymous, %.0f events, %.0f "
			 "lost, "
			 "%.0f pages repaired; %s",
			 series_last(&series, "unexplained_bytes"),
			 series_last(&series, "anon_bytes"), series_last(&series, "events_total"),
			 series_last(&series, "lost_events_total"),
			 series_last(&series, "repaired_pages_total"), run.err_text.data);
	assert_true(isnan(series_get(&series, 0, "growth_bytes_per_hour")));
	run_release(&run);
}

/* ---- events.jsonl ---- */

struct event_count {
	size_t lines;
	size_t write_faults;
	size_t unmaps;
	size_t exits;
	char last[32];
};

static void count_event(struct event_count *count, const char *line)
{
	json_error_t error;
	json_t *event = json_loads(line, 0, &error);
	const char *kind;

	if (!event)
		fail_msg("events.jsonl, line %zu: %s: %s", count->lines + 1, error.text, line);
	kind = json_string_value(json_object_get(event, "event"));
	assert_non_null(kind);
	assert_true(json_is_real(json_object_get(event, "time_s")));
	assert_true(json_is_integer(json_object_get(event, "tid")));
	count->lines++;
	if (!strcmp(kind, "fault"))
		count->write_faults +=
			(json_integer_value(json_object_get(event, "error")) & 2) != 0;
	count->unmaps += !strcmp(kind, "unmap");
	count->exits += !strcmp(kind, "exit");
	snprintf(count->last, sizeof(count->last), "%s", kind);
	json_decref(event);
}

/* `whole`: the last line ends; else it may have been cut by SIGKILL. */
static struct event_count count_events(const char *dir, bool whole)
{
	char *data = file_read(dir, "events.jsonl"), *line = data, *end;
	struct event_count count = {0};

	assert_non_null(data);
	for (; *line; line = end + 1) {
		end = strchr(line, '\n');
		if (!end && !whole)
			break;
		assert_non_null(end);
		*end = '\0';
		count_event(&count, line);
	}
	free(data);
	return count;
}

static void events_tell_what_series_says(void **state)
{
	struct event_count count;
	char dir[512];
	struct run run;

	NEEDS_ROOT();
	RUN(&run, "watch", "--interval", "100", "--export", export_path,
	    HELPER_COMMAND("grow", "100"));
	run_expect(&run, 0);
	find_only_dir(dir, sizeof(dir));
	count = count_events(dir, true);
	assert_true(series_read(&series, dir));
	assert_int_equal(count.exits, 1);
	assert_string_equal(count.last, "exit");
	assert_true(count.unmaps >= 100);
	assert_true(count.write_faults >= 100 * 64);
	assert_true((double)count.write_faults >= series_last(&series, "born_pages_total"));
	assert_true(series_last(&series, "born_pages_total") >= 100 * 64);
	run_release(&run);
}

/* ---- mappings.csv ---- */

/* The n-th field of a line of CSV, quoted or not; NULL: there is none. */
static const char *csv_field(const char *line, unsigned int n)
{
	bool quoted = false;

	for (; n; line++) {
		if (!*line)
			return NULL;
		if (*line == '"')
			quoted = !quoted;
		n -= *line == ',' && !quoted;
	}
	return line;
}

static double mappings_resident(const char *dir)
{
	char *data = file_read(dir, "mappings.csv"), *line = data, *end;
	double sum = 0;

	assert_non_null(data);
	assert_int_equal(strncmp(data,
				 "start,end,kind,protection,name,owner,size_bytes,resident_"
				 "bytes,retained_bytes,lazyfree_bytes,allocator,stack\n",
				 97),
			 0);
	for (size_t number = 0; *line; line = end + 1, number++) {
		uint64_t from, to;

		end = strchr(line, '\n');
		assert_non_null(end);
		*end = '\0';
		if (!number)
			continue;
		assert_int_equal(sscanf(line, "0x%" SCNx64 ",0x%" SCNx64 ",", &from, &to), 2);
		assert_true(from < to);
		assert_non_null(csv_field(line, 11));
		assert_null(csv_field(line, 12));
		assert_true(strtod(csv_field(line, 6), NULL) == (double)(to - from));
		sum += strtod(csv_field(line, 7), NULL);
	}
	free(data);
	return sum;
}

/* ---- sites.csv ---- */

/* Sum of a column, after the heading. */
static double sites_sum(const char *dir, const char *column)
{
	char *data = file_read(dir, "sites.csv"), *line;
	unsigned int n = 0, columns = 1;
	double sum = 0;

	assert_non_null(data);
	line = strstr(data, column);
	assert_non_null(line);
	for (const char *at = data; *at != '\n'; at++) {
		n += at < line && *at == ',';
		columns += *at == ',';
	}
	/* no name has a newline in it */
	for (line = strchr(data, '\n') + 1; *line; line = strchr(line, '\n') + 1) {
		char *end = strchr(line, '\n');

		assert_non_null(end);
		*end = '\0';
		assert_non_null(csv_field(line, columns - 1));
		assert_null(csv_field(line, columns));
		sum += strtod(csv_field(line, n), NULL);
		*end = '\n';
	}
	free(data);
	return sum;
}

/* Everything there, the last state included. */
static void check_complete(const char *dir)
{
	assert_true(series_read(&series, dir));
	check_series(&series);
	assert_true(count_events(dir, true).lines > 0);
	assert_true(mappings_resident(dir) == series_last(&series, "resident_bytes"));
	assert_true(sites_sum(dir, "resident_bytes") == series_last(&series, "resident_bytes"));
	assert_true(sites_sum(dir, "retained_bytes") == series_last(&series, "retained_bytes"));
}

/* PID-COMMAND-START, also of what ran before the watch began. */
static void check_name(const char *dir, pid_t pid)
{
	char path[64], expected[64], comm[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%31[^\n]", comm), 1);
	fclose(file);
	snprintf(expected, sizeof(expected), "/%d-%s-20", (int)pid, comm);
	if (!strstr(dir, expected))
		fail_msg("%s: not %s", dir, expected);
}

static void ends_by_signal(int number)
{
	struct helper helper = helper_start("grow", NULL);
	char dir[512];
	struct run run;

	RUN(&run, "watch", "--interval", "100", "--export", export_path, "-p",
	    number_text(helper.pid));
	run_end_after(&run, 4, number);
	find_dir(helper.pid, 0, dir, sizeof(dir));
	check_name(dir, helper.pid);
	check_complete(dir);
	assert_true(series_last(&series, "resident_bytes") > 0);
	assert_true(process_runs(helper.pid));
	helper_end(&helper, SIGKILL);
	run_release(&run);
}

static void complete_after_sigint(void **state)
{
	NEEDS_ROOT();
	ends_by_signal(SIGINT);
}

static void complete_after_sigterm(void **state)
{
	NEEDS_ROOT();
	ends_by_signal(SIGTERM);
}

/* At rest, the last state is that of the last interval: no row twice. */
static void complete_at_rest(void **state)
{
	struct helper helper;
	char dir[512];
	struct run run;

	NEEDS_ROOT();
	helper = helper_start("rest", "50");
	RUN(&run, "watch", "--interval", "100", "--export", export_path, "-p",
	    number_text(helper.pid));
	run_end_after(&run, 5, SIGTERM);
	find_dir(helper.pid, 0, dir, sizeof(dir));
	check_complete(dir);
	helper_end(&helper, SIGKILL);
	run_release(&run);
}

static void target_ends(int number)
{
	struct helper helper = helper_start("rest", "100");
	struct event_count count;
	char dir[512];
	struct run run;

	RUN(&run, "watch", "--interval", "100", "--export", export_path, "-p",
	    number_text(helper.pid));
	WAIT_UNTIL(run_out_lines(&run) > 3);
	helper_end(&helper, number);
	run_expect(&run, 0);
	find_dir(helper.pid, 0, dir, sizeof(dir));
	check_complete(dir);
	count = count_events(dir, true);
	assert_int_equal(count.exits, 1);
	assert_string_equal(count.last, "exit");
	run_release(&run);
}

static void complete_after_target_exit(void **state)
{
	NEEDS_ROOT();
	target_ends(0); /* its standard input ends */
}

static void complete_after_target_sigkill(void **state)
{
	NEEDS_ROOT();
	target_ends(SIGKILL);
}

/* What was printed had been written before. */
static void kept_after_own_sigkill(void **state)
{
	struct helper helper;
	size_t lines, pages;
	struct run run;
	char dir[512];

	NEEDS_ROOT();
	helper = helper_start("grow", NULL);
	RUN(&run, "watch", "--interval", "100", "--export", export_path, "-p",
	    number_text(helper.pid));
	WAIT_UNTIL(run_out_lines(&run) > 5);
	kill(run.pid, SIGKILL);
	WAIT_UNTIL(run_ended(&run));
	lines = run_out_lines(&run) - 1;
	find_dir(helper.pid, 0, dir, sizeof(dir));
	assert_true(series_read(&series, dir));
	assert_true(series.rows >= lines);
	check_series(&series);
	pages = (size_t)series_last(&series, "born_pages_total");
	assert_true(pages > 0);
	assert_true(count_events(dir, false).write_faults >= pages);
	helper_end(&helper, SIGKILL);
	run_release(&run);
}

/* ---- where it cannot be written ---- */

static void own_mount(unsigned long flags, const char *options)
{
	mkdir(export_path, 0755);
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", export_path, "tmpfs", flags, options))
		_exit(125);
}

static void mount_read_only(void)
{
	own_mount(MS_RDONLY, NULL);
}

static void mount_small(void)
{
	own_mount(0, "size=64k");
}

static void watches_without_export(void (*prepare)(void), const char *words)
{
	struct helper helper = helper_start("rest", "100");
	struct run run;

	RUN_AS(&run, prepare, "watch", "--interval", "100", "--export", export_path, "-p",
	       number_text(helper.pid));
	WAIT_UNTIL(run_out_lines(&run) > 3);
	kill(run.pid, SIGTERM);
	run_expect(&run, 2);
	expect_one_line(&run, words);
	assert_non_null(strstr(run.err_text.data, "goes on"));
	assert_null(strstr(run.out_text.data, "traces in"));
	helper_end(&helper, SIGKILL);
	run_release(&run);
}

static void file_in_its_place(void **state)
{
	NEEDS_ROOT();
	close(open(export_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	watches_without_export(NULL, "Not a directory");
}

static void missing_parent(void **state)
{
	NEEDS_ROOT();
	snprintf(export_path, sizeof(export_path), "%s/none/export", work_dir);
	watches_without_export(NULL, "No such file");
}

static void read_only_mount(void **state)
{
	NEEDS_ROOT();
	watches_without_export(mount_read_only, "Read-only file system");
}

/* Each file says once that it ends; at the end one line says how much is missing. */
static void full_disk(void **state)
{
	struct helper helper;
	struct run run;
	size_t lines;

	NEEDS_ROOT();
	helper = helper_start("grow", NULL);
	RUN_AS(&run, mount_small, "watch", "--interval", "100", "--export", export_path, "-p",
	       number_text(helper.pid));
	WAIT_UNTIL((run_read(&run), strstr(run.err_text.data, "No space left")));
	lines = run_out_lines(&run);
	WAIT_UNTIL(run_out_lines(&run) > lines + 5);
	kill(run.pid, SIGTERM);
	run_expect(&run, 2);
	assert_non_null(strstr(run.err_text.data, "events.jsonl: No space left"));
	assert_non_null(strstr(run.err_text.data, "could not be written"));
	/* one for each file, and one for what could not be written */
	assert_true(count_lines(run.err_text.data) <= 8);
	for (char *line = strtok(run.err_text.data, "\n"); line; line = strtok(NULL, "\n"))
		assert_int_equal(strncmp(line, "tidemark: export: ", 18), 0);
	helper_end(&helper, SIGKILL);
	run_release(&run);
}

/* ---- directories ---- */

static void name_is_made_safe(const char *name)
{
	struct helper helper = helper_start("name", name);
	char dir[512], *base;
	struct run run;

	RUN(&run, "watch", "--interval", "100", "--export", export_path, "-p",
	    number_text(helper.pid));
	run_end_after(&run, 2, SIGTERM);
	find_dir(helper.pid, 0, dir, sizeof(dir));
	assert_int_equal(dir_count(work_dir), 1); /* nothing was written elsewhere */
	base = strrchr(dir, '/') + 1;
	assert_int_equal(base[strspn(base, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					   "0123456789._-+")],
			 '\0');
	check_complete(dir);
	/* nor do control characters get to a terminal */
	for (const char *at = run.out_text.data; *at; at++)
		assert_true(*at == '\n' || (unsigned char)*at >= ' ');
	helper_end(&helper, SIGKILL);
	run_release(&run);
}

static void names_are_made_safe(void **state)
{
	NEEDS_ROOT();
	name_is_made_safe("a b/c\n\t\x1b[31m\xff");
	name_is_made_safe("../../../etc/x");
	name_is_made_safe("\"q\",'q';%s%n*");
}

static void directory_per_child(void **state)
{
	struct dirent **entries;
	struct run run;
	int count;

	NEEDS_ROOT();
	RUN(&run, "watch", "--interval", "100", "--children", "--export", export_path,
	    HELPER_COMMAND("family", "3"));
	run_expect(&run, 0);
	count = scandir(export_path, &entries, NULL, alphasort);
	assert_int_equal(count - 2, 4);
	for (int i = 0; i < count; i++) {
		char dir[512];

		snprintf(dir, sizeof(dir), "%s/%s", export_path, entries[i]->d_name);
		if (entries[i]->d_name[0] != '.')
			check_complete(dir);
		free(entries[i]);
	}
	free(entries);
	run_release(&run);
}

static void second_run_overwrites_nothing(void **state)
{
	char dirs[2][512], *before = NULL, *after;
	struct helper helper;
	struct run run;

	NEEDS_ROOT();
	helper = helper_start("rest", "100");
	for (int i = 0; i < 2; i++) {
		RUN(&run, "watch", "--interval", "100", "--export", export_path, "-p",
		    number_text(helper.pid));
		run_end_after(&run, 2, SIGTERM);
		run_release(&run);
		find_dir(helper.pid, i, dirs[i], sizeof(dirs[i]));
		if (!i)
			before = file_read(dirs[0], "series.csv");
	}
	assert_int_equal(dir_count(export_path), 2);
	after = file_read(dirs[0], "series.csv");
	assert_string_equal(before, after);
	for (int i = 0; i < 2; i++)
		check_complete(dirs[i]);
	free(before);
	free(after);
	helper_end(&helper, SIGKILL);
}

/* ---- the truth ---- */

static uint64_t zero_pfn(void)
{
	volatile char *page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entry = 0;

	(void)page[0];
	assert_int_equal(pread(fd, &entry, 8, (off_t)((uintptr_t)page / PAGE * 8)), 8);
	close(fd);
	return entry & ((1ULL << 55) - 1);
}

/* Anonymous pages present in the page table. */
static size_t count_pages(pid_t pid)
{
	uint64_t start, end, entry, zero = zero_pfn();
	char path[64], line[4352];
	size_t pages = 0;
	FILE *maps;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "r");
	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps)) {
		assert_int_equal(sscanf(line, "%" SCNx64 "-%" SCNx64, &start, &end), 2);
		for (; start < end && !(start >> 63); start += PAGE) {
			assert_int_equal(pread(fd, &entry, 8, (off_t)(start / PAGE * 8)), 8);
			pages += entry >> 63 && !(entry >> 61 & 1) &&
				 (entry & ((1ULL << 55) - 1)) != zero;
		}
	}
	fclose(maps);
	close(fd);
	return pages;
}

/* The newest whole row of a file that is being written. */
static bool series_tells(const char *dir, double resident)
{
	return series_parse(&series, dir, false) && series.rows &&
	       series_last(&series, "resident_bytes") == resident &&
	       series_last(&series, "unexplained_bytes") == 0;
}

static void check_truth(struct run *run, pid_t pid, size_t pages)
{
	char dir[512];
	size_t truth;

	WAIT_UNTIL(run_out_lines(run) > 3);
	truth = count_pages(pid);
	assert_true(truth >= pages);
	WAIT_UNTIL(export_dir(export_path, pid, 0, dir, sizeof(dir)));
	WAIT_UNTIL(series_tells(dir, (double)truth * PAGE));
	kill(run->pid, SIGTERM);
	WAIT_UNTIL(run_ended(run));
	assert_int_equal(run->status, 0);
	check_complete(dir);
	/* a command was sent SIGTERM and has died since: its pages were there to the end */
	assert_true(series_last(&series, "unexplained_bytes") == 0);
	assert_true(series_last(&series, "lost_events_total") == 0);
}

static void truth_after_attach(void **state)
{
	struct helper helper;
	struct run run;

	NEEDS_ROOT();
	helper = helper_start("rest", "3001");
	RUN(&run, "watch", "--interval", "100", "--export", export_path, "-p",
	    number_text(helper.pid));
	check_truth(&run, helper.pid, 3001);
	assert_true(series_last(&series, "resident_bytes") ==
		    (double)count_pages(helper.pid) * PAGE);
	helper_end(&helper, SIGKILL);
	run_release(&run);
}

static void truth_of_command(void **state)
{
	struct run run;

	NEEDS_ROOT();
	RUN(&run, "watch", "--interval", "100", "--export", export_path,
	    HELPER_COMMAND("touch", "3001"));
	WAIT_UNTIL(run_out_lines(&run) > 3);
	check_truth(&run, command_of(run.pid), 3001);
	assert_true(series_last(&series, "repaired_pages_total") == 0);
	assert_true(series_last(&series, "born_pages_total") >= 3001);
	run_release(&run);
}

/* ---- snapshots and formats ---- */

#define ALL_FORMATS "csv,jsonl,pprof,folded,chrome,html"

static const char *const all_files[] = {"series.csv",	"mappings.csv",	   "sites.csv",
					"stacks.csv",	"events.jsonl",	   "heap.pb.gz",
					"sites.folded", "invocations.csv", "survival.csv",
					"trace.json",	"report.html"};

static bool export_has(const char *dir, const char *name)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return access(path, F_OK) == 0;
}

static const char *handler_path(const char *allocator)
{
	static char path[4200];

	snprintf(path, sizeof(path), "%.*s/../../handler-%s",
		 (int)(strrchr(self_path, '/') - self_path), self_path, allocator);
	return path;
}

/* What a command prints, the caller's; its exit status has to be 0. */
static char *shell(const char *format, const char *dir)
{
	char command[2048], *text = calloc(1, 1 << 20);
	FILE *pipe;

	assert_non_null(text);
	snprintf(command, sizeof(command), format, dir);
	pipe = popen(command, "re");
	assert_non_null(pipe);
	assert_true(fread(text, 1, (1 << 20) - 1, pipe) < (1 << 20) - 1);
	if (pclose(pipe))
		fail_msg("%s: %s", command, text);
	return text;
}

#define PPROF(arguments)                                                                           \
	"HOME=/tmp PPROF_TMPDIR=/tmp GOTOOLCHAIN=local GOPROXY=off timeout 60 "                    \
	"go tool pprof " arguments " %s/heap.pb.gz 2>&1"

static bool has_pprof(void)
{
	if (!system("go tool -n pprof >/dev/null 2>&1"))
		return true;
	print_message("skipped: go tool pprof is not installed\n");
	return false;
}

/* The sum of the third value of all samples: resident_space. */
static double profile_resident(const char *dir)
{
	char *text = shell(PPROF("-raw"), dir), *line = strstr(text, "Samples:");
	double values[3], sum = 0;

	assert_non_null(line);
	for (; line && strncmp(line, "\nLocations", 10); line = strchr(line + 1, '\n'))
		if (sscanf(line, " %lf %lf %lf:", &values[0], &values[1], &values[2]) == 3)
			sum += values[2];
	free(text);
	return sum;
}

/* Bytes of all lines. */
static double folded_sum(const char *dir)
{
	char *data = file_read(dir, "sites.folded"), *line = data, *end;
	double sum = 0;

	assert_non_null(data);
	for (; *line; line = end + 1) {
		char *value;

		end = strchr(line, '\n');
		assert_non_null(end);
		*end = '\0';
		value = strrchr(line, ' ');
		assert_non_null(value);
		assert_non_null(strchr(line, ';'));
		sum += strtod(value, NULL);
	}
	free(data);
	return sum;
}

/* The first row of `pprof -top` that is not 0 names the function that all work is under. */
static void check_profile(const char *dir)
{
	char *text, *row, *end;

	if (!has_pprof())
		return;
	assert_true(profile_resident(dir) == series_last(&series, "resident_bytes"));
	text = shell(PPROF("-top -sample_index=retained_space -show='^(main|batch_handle)$'"), dir);
	assert_non_null(strstr(text, "Type: retained_space"));
	assert_non_null(strstr(text, "File: handler-glibc\n"));
	row = strstr(text, "flat%");
	assert_non_null(row);
	row = strchr(row, '\n') + 1;
	end = strchr(row, '\n');
	assert_non_null(end);
	if (!memmem(row, (size_t)(end - row), "batch_handle", 12))
		fail_msg("the first row does not name batch_handle: %s", text);
	free(text);
}

static void all_formats_of_the_leak(void **state)
{
	char dir[512], *text;
	struct run run;

	NEEDS_ROOT();
	RUN(&run, "watch", "--interval", "100", "--export", export_path, "--format", ALL_FORMATS,
	    "--", handler_path("glibc"), "--cache", "unbounded", "--invocations", "0", "--duration",
	    "4", "--gap", "1", "--report", "0");
	WAIT_UNTIL(run_out_lines(&run) > 10);
	kill(run.pid, SIGUSR1);
	WAIT_UNTIL((run_read(&run), count_lines(run.err_text.data) > 0));
	expect_one_line(&run, "heap.pb.gz, sites.folded, report.html");
	find_only_dir(dir, sizeof(dir));
	assert_non_null(strstr(run.err_text.data, dir));
	for (size_t i = 0; i < ARRAY_SIZE(all_files); i++)
		if (!export_has(dir, all_files[i]))
			fail_msg("there is no %s", all_files[i]);
	/* of the moment of the signal, and whole */
	assert_int_equal(dir_count(dir), ARRAY_SIZE(all_files));
	assert_true(mappings_resident(dir) > 0);
	assert_true(sites_sum(dir, "resident_bytes") == mappings_resident(dir));
	assert_true(folded_sum(dir) == sites_sum(dir, "retained_bytes"));
	if (has_pprof())
		assert_true(profile_resident(dir) == mappings_resident(dir));
	run_expect(&run, 0);
	check_complete(dir);
	assert_int_equal(dir_count(dir), ARRAY_SIZE(all_files));
	assert_true(folded_sum(dir) == series_last(&series, "retained_bytes"));
	check_profile(dir);
	text = file_read(dir, "sites.folded");
	assert_non_null(strstr(text, ";batch_handle;"));
	free(text);
	run_release(&run);
}

static void only_what_was_chosen(void **state)
{
	char dir[512];
	struct run run;

	NEEDS_ROOT();
	RUN(&run, "watch", "--interval", "100", "--export", export_path, "--format", "folded",
	    HELPER_COMMAND("grow", "50"));
	run_expect(&run, 0);
	find_only_dir(dir, sizeof(dir));
	assert_int_equal(dir_count(dir), 1);
	assert_true(folded_sum(dir) > 0);
	run_release(&run);
}

static void all_formats_without_stacks(void **state)
{
	char dir[512], *text;
	struct run run;

	NEEDS_ROOT();
	RUN(&run, "watch", "--interval", "100", "--export", export_path, "--format", ALL_FORMATS,
	    "--stack-bytes", "0", HELPER_COMMAND("grow", "100"));
	WAIT_UNTIL(run_out_lines(&run) > 3);
	kill(run.pid, SIGUSR1);
	run_expect(&run, 0);
	expect_one_line(&run, "snapshot in ");
	find_only_dir(dir, sizeof(dir));
	check_complete(dir);
	assert_int_equal(dir_count(dir), ARRAY_SIZE(all_files));
	if (has_pprof())
		assert_true(profile_resident(dir) == series_last(&series, "resident_bytes"));
	text = file_read(dir, "events.jsonl");
	assert_null(strstr(text, "\"stack\":"));
	free(text);
	text = file_read(dir, "stacks.csv");
	assert_string_equal(text, "name,count,help\n");
	free(text);
	run_release(&run);
}

/* No stacks of page faults, but of calls. */
static void rate_of_zero(void **state)
{
	char dir[512], *text;
	struct run run;

	NEEDS_ROOT();
	RUN(&run, "watch", "--interval", "100", "--export", export_path, "--stack-rate", "0",
	    HELPER_COMMAND("grow", "50"));
	run_expect(&run, 0);
	find_only_dir(dir, sizeof(dir));
	check_complete(dir);
	text = file_read(dir, "events.jsonl");
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		if (strstr(line, "\"event\":\"fault\""))
			assert_null(strstr(line, "\"stack\":"));
	free(text);
	text = file_read(dir, "mappings.csv");
	assert_non_null(text);
	free(text);
	run_release(&run);
}

static void snapshots_of_several_processes(void **state)
{
	struct dirent **entries;
	struct run run;
	int count;

	NEEDS_ROOT();
	RUN(&run, "watch", "--interval", "100", "--children", "--export", export_path, "--format",
	    "csv,pprof", HELPER_COMMAND("family", "3"));
	WAIT_UNTIL(dir_count(work_dir) == 1 && dir_count(export_path) == 4);
	WAIT_UNTIL(run_out_lines(&run) > 3);
	kill(run.pid, SIGUSR1);
	WAIT_UNTIL((run_read(&run), count_lines(run.err_text.data) > 0));
	expect_one_line(&run, "snapshots of 4 processes in ");
	count = scandir(export_path, &entries, NULL, alphasort);
	for (int i = 0; i < count; i++) {
		char dir[512];

		snprintf(dir, sizeof(dir), "%s/%s", export_path, entries[i]->d_name);
		if (entries[i]->d_name[0] != '.')
			assert_true(export_has(dir, "heap.pb.gz"));
		free(entries[i]);
	}
	free(entries);
	run_expect(&run, 0);
	run_release(&run);
}

/* It is answered, and nothing else happens. */
static void signal_without_export(void **state)
{
	struct helper helper;
	struct run run;

	NEEDS_ROOT();
	helper = helper_start("rest", "100");
	RUN(&run, "watch", "--interval", "100", "-p", number_text(helper.pid));
	WAIT_UNTIL(run_out_lines(&run) > 3);
	kill(run.pid, SIGUSR1);
	WAIT_UNTIL((run_read(&run), count_lines(run.err_text.data) > 0));
	run_end_after(&run, run_out_lines(&run) + 3, SIGTERM);
	expect_one_line(&run, "nothing is exported");
	helper_end(&helper, SIGKILL);
	run_release(&run);
}

/* From before it is ready to after it is asked to end. */
static void signals_without_end(void **state)
{
	struct run run;
	char dir[512];

	NEEDS_ROOT();
	RUN(&run, "watch", "--interval", "100", "--export", export_path, "--format", ALL_FORMATS,
	    HELPER_COMMAND("grow", "200"));
	WAIT_UNTIL(dir_count(work_dir) == 1); /* its signals are caught by then */
	for (int i = 0; i < 1000; i++) {
		kill(run.pid, SIGUSR1);
		usleep(1000);
		run_read(&run);
	}
	run_expect(&run, 0);
	find_only_dir(dir, sizeof(dir));
	check_complete(dir);
	assert_int_equal(dir_count(dir), ARRAY_SIZE(all_files));
	assert_true(series_last(&series, "lost_events_total") == 0);
	for (char *line = strtok(run.err_text.data, "\n"); line; line = strtok(NULL, "\n"))
		assert_true(strstr(line, "snapshot"));
	run_release(&run);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		EXPORT_TEST(series_columns),
		EXPORT_TEST(events_tell_what_series_says),
		EXPORT_TEST(complete_after_sigint),
		EXPORT_TEST(complete_after_sigterm),
		EXPORT_TEST(complete_at_rest),
		EXPORT_TEST(complete_after_target_exit),
		EXPORT_TEST(complete_after_target_sigkill),
		EXPORT_TEST(kept_after_own_sigkill),
		EXPORT_TEST(file_in_its_place),
		EXPORT_TEST(missing_parent),
		EXPORT_TEST(read_only_mount),
		EXPORT_TEST(full_disk),
		EXPORT_TEST(names_are_made_safe),
		EXPORT_TEST(directory_per_child),
		EXPORT_TEST(second_run_overwrites_nothing),
		EXPORT_TEST(truth_after_attach),
		EXPORT_TEST(truth_of_command),
		EXPORT_TEST(all_formats_of_the_leak),
		EXPORT_TEST(only_what_was_chosen),
		EXPORT_TEST(all_formats_without_stacks),
		EXPORT_TEST(rate_of_zero),
		EXPORT_TEST(snapshots_of_several_processes),
		EXPORT_TEST(signal_without_export),
		EXPORT_TEST(signals_without_end),
	};

	E2E_MAIN("export", tests);
}
