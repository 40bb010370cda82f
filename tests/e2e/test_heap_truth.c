// SPDX-License-Identifier: GPL-2.0-only
/*
 * Heap evidence against what allocators say of themselves, and targets of what they hold, at rest:
 * live bytes within 1%, free pages within 5%.
 */
#include "tests/e2e/support.h"

#include <jansson.h>

static char export_path[96], truth_path[96];

static int truth_setup(void **state)
{
	int rc = test_setup(state);

	snprintf(export_path, sizeof(export_path), "%s/traces", work_dir);
	snprintf(truth_path, sizeof(truth_path), "%s/truth", work_dir);
	return rc;
}

struct truth {
	double live, kept; /* by its own account */
	double allocated, active, resident;
	double uordblks, hblkhd, fordblks;
};

static double number_of(const json_t *line, const char *key)
{
	const json_t *value = json_object_get(line, key);

	return value ? (double)json_integer_value(value) : NAN;
}

static bool truth_read(struct truth *truth)
{
	json_t *line = json_load_file(truth_path, 0, NULL);

	if (!line)
		return false;
	*truth = (struct truth){
		.live = number_of(line, "live"),
		.kept = number_of(line, "kept"),
		.allocated = number_of(line, "allocated"),
		.active = number_of(line, "active"),
		.resident = number_of(line, "resident"),
		.uordblks = number_of(line, "uordblks"),
		.hblkhd = number_of(line, "hblkhd"),
		.fordblks = number_of(line, "fordblks"),
	};
	json_decref(line);
	return true;
}

static struct series series;

/* The only directory there is; false: it is not there yet, or has fewer rows than that. */
static bool rows_read(size_t rows)
{
	char dir[512];
	struct dirent **entries;
	int count = scandir(export_path, &entries, NULL, alphasort);
	bool read = false;

	if (count == 3) {
		snprintf(dir, sizeof(dir), "%s/%s", export_path, entries[2]->d_name);
		read = series_parse(&series, dir, false) && series.rows >= rows;
	}
	for (int i = 0; i < count; i++)
		free(entries[i]);
	if (count >= 0)
		free(entries);
	return read;
}

/* Watches one scenario until some reports of its rest are there; the last one is in `series`. */
static struct truth scenario(const char *allocator, const char *name)
{
	char path[4200];
	struct truth truth;
	struct run run;
	size_t rows;

	snprintf(path, sizeof(path), "%.*s/../../targets/heap_truth%s",
		 (int)(strrchr(self_path, '/') - self_path), self_path, allocator);
	RUN(&run, "watch", "--heap", "--interval", "200", "--buffer", "256M", "--export",
	    export_path, "--format", "csv", "--", path, name, truth_path);
	WAIT_UNTIL(truth_read(&truth));
	WAIT_UNTIL(rows_read(1));
	rows = series.rows;
	WAIT_UNTIL(rows_read(rows + 4));
	kill(run.pid, SIGINT);
	run_expect(&run, 0);
	assert_true(series_last(&series, "lost_events_total") == 0);
	assert_true(series_last(&series, "heap_unknown_bytes") == 0);
	run_release(&run);
	print_message("%s: live %.0f, allocated %.0f, free %.0f\n", name, truth.live,
		      series_last(&series, "heap_allocated_bytes"),
		      series_last(&series, "heap_free_bytes"));
	return truth;
}

static void assert_near(double value, double truth, double share)
{
	if (!(fabs(value - truth) <= share * truth))
		fail_msg("%.0f is not within %.0f%% of %.0f", value, share * 100, truth);
}

static void check_live(const struct truth *truth, double allocated)
{
	assert_near(series_last(&series, "heap_allocated_bytes"), allocated, 0.01);
	/* the C library has a few of its own */
	assert_true(series_last(&series, "heap_allocations") >= truth->kept);
	assert_true(series_last(&series, "heap_allocations") <= truth->kept + 20);
}

static void jemalloc_agrees(void **state)
{
	struct truth truth;

	(void)state;
	NEEDS_ROOT();
	truth = scenario("-jemalloc", "live");
	check_live(&truth, truth.allocated);
}

static void jemalloc_agrees_on_half(void **state)
{
	struct truth truth;

	(void)state;
	NEEDS_ROOT();
	truth = scenario("-jemalloc", "half");
	check_live(&truth, truth.allocated);
}

/* Its metadata has no live allocations, and counts as free on both sides. */
static void jemalloc_agrees_on_free(void **state)
{
	struct truth truth;

	(void)state;
	NEEDS_ROOT();
	truth = scenario("-jemalloc", "freed");
	assert_near(series_last(&series, "heap_free_bytes"), truth.resident - truth.active, 0.05);
}

static void glibc_agrees(void **state)
{
	struct truth truth;

	(void)state;
	NEEDS_ROOT();
	truth = scenario("", "live");
	check_live(&truth, truth.uordblks + truth.hblkhd);
}

/* What threads keep for themselves counts as in use there: a few blocks of each size. */
static void glibc_agrees_on_half(void **state)
{
	struct truth truth;

	(void)state;
	NEEDS_ROOT();
	truth = scenario("", "half");
	check_live(&truth, truth.uordblks + truth.hblkhd);
}

static void glibc_agrees_on_free(void **state)
{
	struct truth truth;

	(void)state;
	NEEDS_ROOT();
	truth = scenario("", "freed");
	assert_near(series_last(&series, "heap_free_bytes"), truth.fordblks, 0.05);
}

/* It tells nothing but what its blocks take. */
static void mimalloc_agrees(void **state)
{
	struct truth truth;

	(void)state;
	NEEDS_ROOT();
	truth = scenario("-mimalloc", "live");
	check_live(&truth, truth.live);
}

static void mimalloc_agrees_on_half(void **state)
{
	struct truth truth;

	(void)state;
	NEEDS_ROOT();
	truth = scenario("-mimalloc", "half");
	check_live(&truth, truth.live);
}

/* All that is resident but its few pages of data. */
static void mimalloc_agrees_on_free(void **state)
{
	(void)state;
	NEEDS_ROOT();
	scenario("-mimalloc", "freed");
	assert_near(series_last(&series, "heap_free_bytes"), series_last(&series, "anon_bytes"),
		    0.05);
}

#define TRUTH_TEST(name) cmocka_unit_test_setup_teardown(name, truth_setup, test_teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TRUTH_TEST(jemalloc_agrees),	     TRUTH_TEST(jemalloc_agrees_on_half),
		TRUTH_TEST(jemalloc_agrees_on_free), TRUTH_TEST(glibc_agrees),
		TRUTH_TEST(glibc_agrees_on_half),    TRUTH_TEST(glibc_agrees_on_free),
		TRUTH_TEST(mimalloc_agrees),	     TRUTH_TEST(mimalloc_agrees_on_half),
		TRUTH_TEST(mimalloc_agrees_on_free),
	};

	E2E_MAIN("heap truth", tests);
}
