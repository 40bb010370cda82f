// SPDX-License-Identifier: GPL-2.0-only
/* What `make install` puts where, and that the man page and the completion know every option. */
#include "tests/e2e/support.h"

static char build_dir[4096];

/* The output of a shell command that has to succeed; the caller frees it. */
static char *__attribute__((format(printf, 1, 2))) output_of(const char *format, ...)
{
	char command[8192], *text = NULL;
	size_t size = 0, got;
	va_list args;
	FILE *pipe;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	do {
		text = realloc(text, size + 4096 + 1);
		assert_non_null(text);
		got = fread(text + size, 1, 4096, pipe);
		size += got;
	} while (got);
	text[size] = '\0';
	if (pclose(pipe))
		fail_msg("failed: %s\n%s", command, text);
	return text;
}

static int install_setup(void **state)
{
	int rc = test_setup(state);

	snprintf(build_dir, sizeof(build_dir), "%.*s/../..",
		 (int)(strrchr(self_path, '/') - self_path), self_path);
	return rc;
}

#define INSTALL_TEST(test) cmocka_unit_test_setup_teardown(test, install_setup, test_teardown)

static void installed_and_removed(void **state)
{
	static const char *const files[] = {
		"usr/bin/tidemark",
		"usr/share/man/man8/tidemark.8.gz",
		"usr/share/bash-completion/completions/tidemark",
	};
	char path[256];

	(void)state;
	free(output_of("make -s install BUILD=%s DESTDIR=%s PREFIX=/usr 2>&1", build_dir,
		       work_dir));
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", work_dir, files[i]);
		assert_int_equal(access(path, R_OK), 0);
	}
	snprintf(path, sizeof(path), "%s/usr/bin/tidemark", work_dir);
	assert_int_equal(access(path, X_OK), 0);
	free(output_of("%s --version", path));
	free(output_of("make -s uninstall BUILD=%s DESTDIR=%s PREFIX=/usr 2>&1", build_dir,
		       work_dir));
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", work_dir, files[i]);
		assert_int_equal(access(path, F_OK), -1);
	}
}

/* Words of one listing, a line each, that another text lacks. */
static void assert_all_in(const char *listing, const char *text)
{
	char *copy = strdup(listing), *rest = copy, *line;
	size_t found = 0;

	while ((line = strsep(&rest, "\n"))) {
		if (!*line)
			continue;
		if (!strstr(text, line))
			fail_msg("'%s' is not in it", line);
		found++;
	}
	assert_true(found >= 6);
	free(copy);
}

/* Two commands that have to print the same lines, and some. */
static void assert_same_lines(const char *one, const char *other)
{
	char *a = output_of("%s | sort -u", one), *b = output_of("%s | sort -u", other);

	assert_true(strlen(a) > 20);
	assert_string_equal(a, b);
	free(a);
	free(b);
}

/* No option and no command is in one of them alone; those in a text are checked, too. */
static void man_page_tells_no_more(void **state)
{
	static const char *const listings[] = {
		"grep -oE -- '^ +(-[a-zA-Z?], )?--[a-z-]+' | grep -oE -- '--[a-z-]+'",
		"grep -oE -- '--[a-z][a-z-]*'",
	};
	char page[4600], help[4600], one[9000], other[9000];

	(void)state;
	free(output_of("make -s %s/doc/tidemark.8 BUILD=%s 2>&1", build_dir, build_dir));
	snprintf(page, sizeof(page),
		 "mandoc -Tascii -Owidth=900 %s/doc/tidemark.8 | sed 's,.\x08,,g'", build_dir);
	snprintf(help, sizeof(help), "%s --help", tidemark_path());
	for (size_t i = 0; i < ARRAY_SIZE(listings); i++) {
		snprintf(one, sizeof(one), "%s | %s", page, listings[i]);
		snprintf(other, sizeof(other), "%s | %s", help, listings[i]);
		assert_same_lines(one, other);
	}
	snprintf(other, sizeof(other), "%s | sed -nE 's/^  tidemark ([a-z]+): .*/\\1/p'", help);
	snprintf(
		one, sizeof(one),
		"%s | sed -nE '/^SYNOPSIS/,/^DESC/s/^ +tidemark ([a-z|]+) .*/\\1/p' | tr '|' '\\n'",
		page);
	assert_same_lines(one, other);
	/* the list of commands: up to the first heading of options */
	snprintf(one, sizeof(one),
		 "%s | sed -nE '/^DESC/,/^   [A-Z]/s/^ {7}([a-z]+) +[a-z].*/\\1/p'", page);
	assert_same_lines(one, other);
}

/* The text behind the last option is not the option's: the heading stands between them. */
static void man_page_ends_its_options(void **state)
{
	char *page;

	(void)state;
	free(output_of("make -s %s/doc/tidemark.8 BUILD=%s 2>&1", build_dir, build_dir));
	page = output_of("mandoc -Tascii -Owidth=900 %s/doc/tidemark.8 | sed 's,.\x08,,g'",
			 build_dir);
	assert_non_null(strstr(page, "Print the version and exit\n"));
	free(page);
}

static void man_page_tells_all(void **state)
{
	char *page, *options, *verdicts, *formats;

	(void)state;
	free(output_of("make -s %s/doc/tidemark.8 BUILD=%s 2>&1", build_dir, build_dir));
	free(output_of("mandoc -Tlint -Wwarning %s/doc/tidemark.8 2>&1", build_dir));
	page = output_of("mandoc -Tascii %s/doc/tidemark.8 | sed 's,.\x08,,g'", build_dir);
	options = output_of("%s --help | grep -oE -- '^ +(-[a-z], )?--[a-z-]+' | grep -oE -- "
			    "'--[a-z-]+'",
			    tidemark_path());
	verdicts = output_of("%s --fail-on help | awk '{ print $1 }'", tidemark_path());
	formats = output_of("%s --format help | awk '{ print $2 }' | tr -d ':,'", tidemark_path());
	assert_all_in(options, page);
	assert_all_in(verdicts, page);
	assert_all_in(formats, page);
	assert_non_null(strstr(page, "EXIT STATUS"));
	free(page);
	free(options);
	free(verdicts);
	free(formats);
}

/* What is offered for the last of the words. */
static char *completed(const char *words, int last)
{
	return output_of("PATH=\"$(dirname \"$(readlink -f %s)\"):$PATH\" bash --norc -c '"
			 "source user/doc/tidemark.bash; COMP_WORDS=(%s); COMP_CWORD=%d; "
			 "_tidemark; printf \"%%s\\n\" \"${COMPREPLY[@]}\"'",
			 tidemark_path(), words, last);
}

static void completion_offers(const char *words, int last, const char *expected)
{
	char *offered = completed(words, last);

	if (strcmp(offered, expected))
		fail_msg("for '%s': %s", words, offered);
	free(offered);
}

static void bash_completes(void **state)
{
	char *offered;

	(void)state;
	completion_offers("tidemark che", 1, "check\n");
	completion_offers("tidemark re", 1, "record\nreplay\n");
	completion_offers("tidemark watch --inv", 2, "--invocation\n");
	completion_offers("tidemark watch --format p", 3, "pprof\n");
	completion_offers("tidemark watch --format csv,p", 3, "csv,pprof\n");
	completion_offers("tidemark watch --format = p", 4, "pprof\n");
	completion_offers("tidemark check --fail-on leak,fra", 3, "leak,fragmentation\n");
	completion_offers("tidemark check --fail-on le", 3, "leak\n");
	completion_offers("tidemark check --fail-on thread", 3, "thread-stacks\n");
	offered = completed("tidemark watch --max", 2);
	assert_non_null(strstr(offered, "--max-growth\n"));
	free(offered);
	offered = completed("tidemark watch -p 1", 3);
	assert_non_null(strstr(offered, "1\n"));
	free(offered);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		INSTALL_TEST(installed_and_removed),  INSTALL_TEST(man_page_tells_all),
		INSTALL_TEST(man_page_tells_no_more), INSTALL_TEST(man_page_ends_its_options),
		INSTALL_TEST(bash_completes),
	};

	E2E_MAIN("install", tests);
}
