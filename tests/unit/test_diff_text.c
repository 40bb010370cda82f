// SPDX-License-Identifier: GPL-2.0-only
/* Moments, and what changed between two of them: tests of view/moment and view/diff_text. */
#include "tests/unit/exports.h"

#include "user/view/diff_text.h"

/* A process with two sites; more pages under the second one later. */
struct pair {
	struct exports e;
	uint32_t first, second;
};

static struct pair pair_new(const char *comm)
{
	struct pair pair = {.e = exports_new(comm, true)};
	uint32_t module = exports_module(&pair.e, "/opt/handler");

	pair.first = STACK(&pair.e, STACK_END_COMPLETE, {0x100, module, 0}, {0x200, module, 0});
	pair.second = STACK(&pair.e, STACK_END_COMPLETE, {0x300, module, 0}, {0x200, module, 0});
	return pair;
}

static void take(struct pair *pair, struct moment *moment)
{
	static uint64_t interval;

	pair->e.world.now += MS(1000);
	assert_int_equal(process_report(pair->e.process, pair->e.world.now, ++interval), 0);
	assert_int_equal(moment_take(moment, pair->e.process), 0);
}

static char *diff_of(const struct moment *a, const struct moment *b)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	assert_non_null(file);
	assert_int_equal(diff_write(file, a, b), 0);
	fclose(file);
	return text;
}

static void assert_line(const char *text, const char *line)
{
	if (!strstr(text, line))
		fail_msg("no '%s' in:\n%s", line, text);
}

static void what_changed_is_told_by_class_site_and_mapping(void **state)
{
	struct moment a = {0}, b = {0};
	struct pair pair = pair_new("handler");
	char *text, *grown, *same;

	(void)state;
	exports_touch(&pair.e, 4, pair.first);
	exports_touch(&pair.e, 2, pair.second);
	take(&pair, &a);
	exports_touch(&pair.e, 5, pair.second);
	take(&pair, &b);
	text = diff_of(&a, &b);
	assert_line(text, "4000 handler (2.0 s) -> 4000 handler (3.0 s)\n");
	assert_line(text, "     24.0K    44.0K    +20.0K  resident_bytes\n");
	assert_line(text, "\nsites, resident\n");
	assert_line(text, "     8.00K    28.0K    +20.0K  handler+0x300\n");
	/* what did not change is one line at the end */
	assert_line(text, "     16.0K    16.0K            1 more\n");
	assert_line(text, "\nmappings, resident\n     24.0K    44.0K    +20.0K  anon\n");
	grown = strstr(text, "handler+0x300");
	same = strstr(text, "1 more");
	assert_true(grown && same && grown < same);
	free(text);
	/* back again */
	text = diff_of(&b, &a);
	assert_line(text, "     28.0K    8.00K    -20.0K  handler+0x300\n");
	free(text);
	moment_free(&a);
	moment_free(&b);
	exports_free(&pair.e);
}

/* The process goes on, and ends: what was kept of it stays as it was. */
static void a_moment_outlives_its_process(void **state)
{
	struct moment a = {0}, b = {0};
	struct pair pair = pair_new("first");
	char *text, *again;

	(void)state;
	exports_touch(&pair.e, 3, pair.first);
	take(&pair, &a);
	exports_touch(&pair.e, 3, pair.first);
	take(&pair, &b);
	text = diff_of(&a, &b);
	exports_touch(&pair.e, 100, pair.second);
	exports_free(&pair.e);
	again = diff_of(&a, &b);
	assert_string_equal(text, again);
	free(text);
	free(again);
	moment_free(&a);
	moment_free(&b);
}

static void processes_go_with_those_of_their_name(void **state)
{
	static const char *const before[] = {"one", "two", "gone"}, *const after[] = {"two", "one",
										      "new"};
	struct moment a = {0}, b = {0};
	char *text;

	(void)state;
	for (int i = 0; i < 6; i++) {
		struct pair pair = pair_new(i < 3 ? before[i] : after[i - 3]);

		pair.e.world.ledger->attach_ns += (uint64_t)i; /* none is the same process */
		exports_touch(&pair.e, 1, pair.first);
		take(&pair, i < 3 ? &a : &b);
		exports_free(&pair.e);
	}
	text = diff_of(&a, &b);
	assert_line(text, "4000 one (2.0 s) -> 4000 one (2.0 s)\n");
	assert_line(text, "4000 two (2.0 s) -> 4000 two (2.0 s)\n");
	assert_line(text, "4000 gone (2.0 s) -> none\n");
	assert_line(text, "none -> 4000 new (2.0 s)\n");
	assert_line(text, "     4.00K        0    -4.00K  handler+0x100\n");
	assert_line(text, "         0    4.00K    +4.00K  handler+0x100\n");
	free(text);
	moment_free(&a);
	moment_free(&b);
}

static void the_only_two_are_compared(void **state)
{
	struct moment a = {0}, b = {0};
	struct pair glibc = pair_new("handler-glibc"), jemalloc = pair_new("handler-jemallo");
	char *text;

	(void)state;
	take(&glibc, &a);
	take(&jemalloc, &b);
	text = diff_of(&a, &b);
	assert_line(text, "handler-glibc (2.0 s) -> 4000 handler-jemallo (2.0 s)\n");
	free(text);
	moment_free(&a);
	moment_free(&b);
	exports_free(&glibc.e);
	exports_free(&jemalloc.e);
}

/* The same site by name, whatever its number: recordings number theirs as they come. */
static void sites_are_the_same_by_their_frames(void **state)
{
	struct moment a = {0}, b = {0};
	struct pair before = pair_new("handler"), after = {.e = exports_new("handler", true)};
	uint32_t module = exports_module(&after.e, "/opt/handler"), number;
	char *text;

	(void)state;
	exports_touch(&before.e, 1, before.second);
	take(&before, &a);
	number = STACK(&after.e, STACK_END_COMPLETE, {0x300, module, 0}, {0x200, module, 0});
	assert_int_not_equal(number, before.second);
	exports_touch(&after.e, 3, number);
	take(&after, &b);
	text = diff_of(&a, &b);
	assert_line(text, "     4.00K    12.0K    +8.00K  handler+0x300\n");
	free(text);
	moment_free(&a);
	moment_free(&b);
	exports_free(&before.e);
	exports_free(&after.e);
}

static void names_are_clean(void **state)
{
	struct moment a = {0}, b = {0};
	struct pair pair = pair_new("\x1b[2J\n\xff");
	char *text, *line, *rest;

	(void)state;
	exports_touch(&pair.e, 1, pair.first);
	take(&pair, &a);
	text = diff_of(&a, &b);
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		assert_clean_line(line);
	free(text);
	moment_free(&a);
	exports_free(&pair.e);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_changed_is_told_by_class_site_and_mapping),
		cmocka_unit_test(a_moment_outlives_its_process),
		cmocka_unit_test(processes_go_with_those_of_their_name),
		cmocka_unit_test(the_only_two_are_compared),
		cmocka_unit_test(sites_are_the_same_by_their_frames),
		cmocka_unit_test(names_are_clean),
	};

	return cmocka_run_group_tests_name("diff_text", tests, NULL, NULL);
}
