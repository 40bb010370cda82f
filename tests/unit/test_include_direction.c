// SPDX-License-Identifier: GPL-2.0-only
/* Arrows point one way. Run from the top of the source tree. */
#include "tests/unit/support.h"

#include <ftw.h>

/* Lowest first: a file includes what is at or below its own place. */
static const struct {
	const char *prefix;
	int place;
} places[] = {
	{"user/base/", 1},     {"user/source/", 2},  {"user/ledger/", 3},
	{"user/stack/", 4},    {"user/verdict/", 5}, {"user/view/", 6},
	{"user/pipeline.", 7}, {"user/", 8}, /* main, options, and what else only wires */
};

static unsigned int files, includes, offences;

static int place_of(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (!strncmp(path, places[i].prefix, strlen(places[i].prefix)))
			return places[i].place;
	return 0;
}

static bool begins(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

static const char *offence(const char *path, const char *included)
{
	if (begins(path, "handler/"))
		return begins(included, "user/") || begins(included, "bpf/")
			       ? "the handler knows nothing of the collector"
			       : NULL;
	if (begins(path, "bpf/"))
		return begins(included, "user/") || begins(included, "handler/")
			       ? "the kernel side knows nothing of the collector"
			       : NULL;
	if (begins(included, "handler/") || begins(included, "tests/"))
		return "the collector knows nothing of its workloads";
	if (strstr(included, ".skel.h") && strcmp(path, "user/source/live_internal.h"))
		return "only the live source includes the skeleton";
	if (strstr(included, "curses") && strcmp(path, "user/view/dashboard/terminal.c"))
		return "only the terminal includes curses";
	if (strstr(included, "bpf.h") && strcmp(included, "bpf/event.h") &&
	    !begins(path, "user/source/"))
		return "only sources know of BPF";
	if (begins(included, "user/") && place_of(included) > place_of(path))
		return "it lies above";
	return NULL;
}

static void check_line(const char *path, unsigned int number, const char *line)
{
	char included[256];
	const char *why;

	if (sscanf(line, " # include %*[\"<]%255[^\">]", included) != 1)
		return;
	includes++;
	why = offence(path, included);
	if (!why)
		return;
	offences++;
	print_error("%s:%u: includes %s: %s\n", path, number, included, why);
}

static int check_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	const char *dot = strrchr(path, '.');
	unsigned int number = 0;
	char line[1024];
	FILE *file;

	(void)st;
	(void)ftw;
	if (type != FTW_F || !dot || (strcmp(dot, ".c") && strcmp(dot, ".h")))
		return 0;
	file = fopen(path, "re");
	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file))
		check_line(path, ++number, line);
	fclose(file);
	files++;
	return 0;
}

static void includes_point_one_way(void **state)
{
	static const char *const roots[] = {"user", "bpf", "handler"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(roots); i++) {
		unsigned int before = files;

		assert_int_equal(nftw(roots[i], check_file, 16, FTW_PHYS), 0);
		assert_true(files > before);
	}
	assert_true(includes > files);
	assert_int_equal(offences, 0);
}

/* The check itself finds what it is for. */
static void offences_are_found(void **state)
{
	static const struct {
		const char *path, *included;
		bool offends;
	} cases[] = {
		{"user/base/log.c", "user/base/log.h", false},
		{"user/base/log.c", "user/source/source.h", true},
		{"user/source/queue.c", "user/base/units.h", false},
		{"user/source/queue.c", "user/ledger/ledger.h", true},
		{"user/ledger/ledger.c", "user/source/source.h", false},
		{"user/ledger/ledger.c", "bpf/event.h", false},
		{"user/ledger/ledger.c", "user/verdict/trend.h", true},
		{"user/verdict/trend.c", "user/view/fields.h", true},
		{"user/view/dashboard/page.c", "user/pipeline.h", true},
		{"user/view/dashboard/page.c", "user/stack/module.h", false},
		{"user/pipeline.c", "user/view/fields.h", false},
		{"user/pipeline.c", "user/options.h", true},
		{"user/main.c", "user/pipeline.h", false},
		{"user/source/live_internal.h", "build/bpf/tidemark.skel.h", false},
		{"user/main.c", "build/bpf/tidemark.skel.h", true},
		{"user/view/dashboard/terminal.c", "curses.h", false},
		{"user/view/dashboard/grid.c", "ncursesw/ncurses.h", true},
		{"handler/cache.c", "handler/cache.h", false},
		{"handler/cache.c", "user/base/log.h", true},
		{"handler/cache.c", "bpf/event.h", true},
		{"bpf/tasks.bpf.c", "bpf/event.h", false},
		{"bpf/tasks.bpf.c", "user/base/units.h", true},
		{"user/base/log.c", "stdio.h", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (!!offence(cases[i].path, cases[i].included) != cases[i].offends)
			fail_msg("%s including %s", cases[i].path, cases[i].included);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(includes_point_one_way),
		cmocka_unit_test(offences_are_found),
	};

	return cmocka_run_group_tests_name("include_direction", tests, NULL, NULL);
}
