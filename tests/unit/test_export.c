// SPDX-License-Identifier: GPL-2.0-only
/* The directories and files of --export. */
#include "tests/unit/exports.h"

#include <dirent.h>

#include "user/base/log.h"

#define CSV_FILES "invocations.csv mappings.csv series.csv sites.csv stacks.csv survival.csv"

static struct export *export_make(const char *formats)
{
	struct export_options options = {.path = exports_dir, .version = "test"};
	struct export *export = NULL;

	assert_int_equal(export_formats_add(formats, &options.formats), 0);
	assert_int_equal(export_open(&options, &export), 0);
	return export;
}

/* The path of a file of the only process. */
static const char *exported(const char *name)
{
	static char path[512];
	struct dirent **entries;
	int count = scandir(exports_dir, &entries, NULL, alphasort);

	assert_int_equal(count, 3); /* with . and .. */
	snprintf(path, sizeof(path), "%s/%s/%s", exports_dir, entries[2]->d_name, name);
	for (int i = 0; i < count; i++)
		free(entries[i]);
	free(entries);
	return path;
}

static bool exists(const char *name)
{
	return access(exported(name), F_OK) == 0;
}

/* Exactly these files, separated by blanks, in order. */
static void expect_files(const char *expected)
{
	struct dirent **entries;
	int count = scandir(exported("."), &entries, NULL, alphasort);
	char names[512] = "";

	for (int i = 0; i < count; i++) {
		size_t used = strlen(names);

		if (strcmp(entries[i]->d_name, ".") && strcmp(entries[i]->d_name, ".."))
			snprintf(names + used, sizeof(names) - used, "%s%s", used ? " " : "",
				 entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	assert_string_equal(names, expected);
}

static void event(struct exports *e, struct export *export)
{
	struct event_fault fault = {
		.h = HEADER(EVENT_FAULT, event_fault, WORLD_PID, WORLD_PID, e->world.now),
		.addr = A,
		.error = FAULT_WRITE};

	export_event(export, e->process, &fault.h);
}

static size_t snapshot_round(struct export *export)
{
	size_t count = 0;

	export_snapshots_begin(export);
	while (export_snapshots_next(export))
		count++;
	export_snapshots_end(export);
	return count;
}

static void each_format_has_its_files(void **state)
{
	static const struct {
		const char *formats;
		const char *begun; /* after the first event */
		const char *ended;
	} cases[] = {
		{"csv", "series.csv", CSV_FILES},
		{"jsonl", "events.jsonl", "events.jsonl"},
		{"pprof", "", "heap.pb.gz"},
		{"folded", "", "sites.folded"},
		{"chrome", "trace.json", "trace.json"},
		{"html", "", "report.html"},
		{"folded,csv,jsonl,pprof,chrome,html", "events.jsonl series.csv trace.json",
		 "events.jsonl heap.pb.gz invocations.csv mappings.csv report.html series.csv "
		 "sites.csv sites.folded stacks.csv survival.csv trace.json"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct exports e = exports_new("handler", true);
		struct export *export;

		if (i)
			assert_int_equal(exports_setup(NULL), 0);
		export = export_make(cases[i].formats);
		event(&e, export);
		expect_files(cases[i].begun);
		export_end(export, e.process);
		expect_files(cases[i].ended);
		assert_int_equal(export_failures(export), 0);
		export_close(export);
		exports_free(&e);
		if (i + 1 < ARRAY_SIZE(cases))
			exports_teardown(NULL);
	}
}

static void streams_grow(void **state)
{
	struct exports e = exports_new("handler", true);
	struct export *export = export_make("csv,jsonl");
	static struct csv csv;
	char *text;

	(void)state;
	event(&e, export);
	event(&e, export);
	for (uint64_t i = 1; i <= 3; i++) {
		e.world.now += MS(1000);
		assert_int_equal(process_report(e.process, e.world.now, i), 0);
		export_report(export, e.process, process_newest(e.process));
	}
	export_flush(export);
	csv_parse(&csv, exported("series.csv"));
	assert_int_equal(csv.rows, 4);
	assert_string_equal(csv.fields[0][0], "time_s");
	free(csv.text);
	text = exports_read(exported("events.jsonl"));
	assert_ptr_equal(strchr(strchr(text, '\n') + 1, '\n') + 1, text + strlen(text));
	free(text);
	export_end(export, e.process);
	export_close(export);
	exports_free(&e);
}

/* A snapshot takes the place of the one before, which a reader may still have open. */
static void snapshots_are_replaced_whole(void **state)
{
	struct exports e = exports_new("handler", true);
	struct export *export = export_make("folded,csv");
	char *before, *after, *still;
	FILE *reader;

	(void)state;
	exports_touch(&e, 3, 0);
	exports_interval(&e);
	event(&e, export);
	assert_false(exists("sites.folded"));
	assert_int_equal(snapshot_round(export), 1);
	expect_files("invocations.csv mappings.csv series.csv sites.csv sites.folded stacks.csv "
		     "survival.csv");
	before = exports_read(exported("sites.folded"));
	assert_string_equal(before, "handler;[stack not taken] 12288\n");
	reader = fopen(exported("sites.folded"), "re");
	assert_non_null(reader);
	exports_touch(&e, 2, 0);
	exports_interval(&e);
	assert_int_equal(snapshot_round(export), 1);
	after = exports_read(exported("sites.folded"));
	assert_string_equal(after, "handler;[stack not taken] 20480\n");
	still = exports_read_stream(reader);
	assert_string_equal(still, before);
	fclose(reader);
	free(before);
	free(after);
	free(still);
	export_end(export, e.process);
	assert_int_equal(snapshot_round(export), 0);
	export_close(export);
	exports_free(&e);
}

/* Between two steps of a round processes may begin and end. */
static void rounds_take_each_process_once(void **state)
{
	struct exports e[3];
	struct export *export = export_make("folded");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(e); i++) {
		e[i] = exports_new("handler", true);
		e[i].process->ledger->pid += (uint32_t)i;
	}
	event(&e[0], export);
	event(&e[1], export);
	export_snapshots_begin(export);
	assert_true(export_snapshots_next(export));
	export_end(export, e[0].process);
	event(&e[2], export);
	export_snapshots_next(export);
	assert_false(export_snapshots_next(export));
	export_snapshots_end(export);
	assert_int_equal(snapshot_round(export), 2);
	for (size_t i = 1; i < ARRAY_SIZE(e); i++)
		export_end(export, e[i].process);
	assert_int_equal(export_failures(export), 0);
	export_close(export);
	for (size_t i = 0; i < ARRAY_SIZE(e); i++)
		exports_free(&e[i]);
}

/* What is in the way of a snapshot is told, counted and left alone; the others are written. */
static void a_snapshot_that_fails_leaves_nothing(void **state)
{
	struct exports e = exports_new("handler", true);
	struct export *export = export_make("folded,pprof");
	char message[512];

	(void)state;
	event(&e, export);
	assert_int_equal(mkdir(exported("heap.pb.gz"), 0700), 0);
	log_hold(true);
	snapshot_round(export);
	assert_int_equal(export_failures(export), 1);
	expect_files("heap.pb.gz sites.folded");
	assert_int_equal(rmdir(exported("heap.pb.gz")), 0);
	snapshot_round(export);
	log_newest(message, sizeof(message));
	log_hold(false);
	assert_int_equal(export_failures(export), 1);
	/* one line says what was written where */
	assert_non_null(strstr(message, exports_dir));
	assert_non_null(strstr(message, "heap.pb.gz, sites.folded"));
	export_end(export, e.process);
	export_close(export);
	exports_free(&e);
}

static void a_directory_follows_an_exec(void **state)
{
	struct exports e = exports_new("sh", true);
	struct event_exec exec = {
		.h = HEADER(EVENT_EXEC, event_exec, WORLD_PID, WORLD_PID, e.world.now),
		.comm = "handler",
	};
	struct export *export = export_make("folded,csv");

	(void)state;
	event(&e, export);
	assert_non_null(strstr(exported(""), "/4000-sh-"));
	assert_int_equal(ledger_apply(e.world.ledger, &exec.h), 0);
	export_event(export, e.process, &exec.h);
	assert_non_null(strstr(exported(""), "/4000-handler-"));
	export_end(export, e.process);
	assert_true(exists("sites.folded"));
	export_close(export);
	exports_free(&e);
}

static void without_stacks(void **state)
{
	struct exports e = exports_new("handler", false);
	struct export *export = export_make("csv,jsonl,pprof,folded,chrome,html");

	(void)state;
	exports_touch(&e, 3, 0);
	event(&e, export);
	assert_int_equal(snapshot_round(export), 1);
	export_end(export, e.process);
	assert_int_equal(export_failures(export), 0);
	export_close(export);
	exports_free(&e);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		EXPORTS_TEST(each_format_has_its_files),
		EXPORTS_TEST(streams_grow),
		EXPORTS_TEST(snapshots_are_replaced_whole),
		EXPORTS_TEST(rounds_take_each_process_once),
		EXPORTS_TEST(a_snapshot_that_fails_leaves_nothing),
		EXPORTS_TEST(a_directory_follows_an_exec),
		EXPORTS_TEST(without_stacks),
	};

	return cmocka_run_group_tests_name("export", tests, NULL, NULL);
}
