// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/support.h"

#include <unistd.h>

#include "user/base/log.h"

/* Standard error, while a test runs, is this file. */
static FILE *captured;
static int real_stderr;

static int capture_begin(void **state)
{
	(void)state;
	captured = tmpfile();
	real_stderr = dup(STDERR_FILENO);
	if (!captured || real_stderr < 0)
		return -1;
	fflush(stderr);
	return dup2(fileno(captured), STDERR_FILENO) < 0;
}

static int capture_end(void **state)
{
	(void)state;
	log_set_level(LOG_INFO);
	log_hold(false);
	fflush(stderr);
	dup2(real_stderr, STDERR_FILENO);
	close(real_stderr);
	fclose(captured);
	return 0;
}

/* What was printed since the last time. */
static const char *printed(void)
{
	static char text[65536];
	ssize_t got;

	fflush(stderr);
	got = pread(fileno(captured), text, sizeof(text) - 1, 0);
	assert_true(got >= 0);
	text[got] = '\0';
	assert_int_equal(ftruncate(fileno(captured), 0), 0);
	lseek(fileno(captured), 0, SEEK_SET);
	return text;
}

static void messages_are_lines_with_a_prefix(void **state)
{
	char newest[64];

	(void)state;
	log_error("no such process: %d", 42);
	assert_string_equal(printed(), "tidemark: no such process: 42\n");
	log_newest(newest, sizeof(newest));
	assert_string_equal(newest, "no such process: 42");
	/* one line, whatever is in it */
	log_error("%s: not found", "a\n\x1b[31mb\xff");
	assert_string_equal(printed(), "tidemark: a??[31mb?: not found\n");
}

static void levels_above_are_silent(void **state)
{
	char newest[64];

	(void)state;
	log_debug("details");
	assert_string_equal(printed(), "");
	log_info("info");
	assert_string_equal(printed(), "tidemark: info\n");
	log_set_level(LOG_ERROR);
	log_warning("warning");
	log_newest(newest, sizeof(newest));
	assert_string_equal(newest, "info");
	log_set_level(LOG_DEBUG);
	log_debug("details");
	assert_string_equal(printed(), "tidemark: details\n");
}

static void held_messages_come_out_in_order(void **state)
{
	char newest[8];

	(void)state;
	log_hold(true);
	log_info("first");
	log_info("second one");
	assert_string_equal(printed(), "");
	log_newest(newest, sizeof(newest));
	assert_string_equal(newest, "second ");
	log_hold(false);
	assert_string_equal(printed(), "tidemark: first\ntidemark: second one\n");
	log_hold(false);
	assert_string_equal(printed(), "");
}

static void what_could_not_be_kept_is_counted(void **state)
{
	const char *text;

	(void)state;
	log_hold(true);
	for (int i = 0; i < 40; i++)
		log_info("message %d", i);
	log_hold(false);
	text = printed();
	assert_ptr_equal(strstr(text, "tidemark: (8 earlier messages were not kept)\n"
				      "tidemark: message 8\n"),
			 text);
	assert_non_null(strstr(text, "tidemark: message 39\n"));
	assert_null(strstr(text, "message 7\n"));
}

static void long_messages_are_cut(void **state)
{
	char text[2000], newest[1000];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_info("%s", text);
	log_newest(newest, sizeof(newest));
	assert_int_equal(strlen(newest), 511);
	assert_int_equal(strlen(printed()), strlen("tidemark: \n") + 511);
}

int main(void)
{
#define CAPTURED(name) cmocka_unit_test_setup_teardown(name, capture_begin, capture_end)
	static const struct CMUnitTest tests[] = {
		CAPTURED(messages_are_lines_with_a_prefix),
		CAPTURED(levels_above_are_silent),
		CAPTURED(held_messages_come_out_in_order),
		CAPTURED(what_could_not_be_kept_is_counted),
		CAPTURED(long_messages_are_cut),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
