#include "tests/handler/support.h"

#include <jansson.h>
#include <signal.h>
#include <unistd.h>

#include "handler/truth.h"

static json_t *fixed_stats(void)
{
	return json_pack("{si}", "held", 99);
}

static json_t *no_stats(void)
{
	return NULL;
}

static const struct allocator fixed = {.name = "fixed", .stats = fixed_stats};
static const struct allocator broken = {.name = "broken", .stats = no_stats};

static const struct truth middle = {
	.invocations = 100,
	.processed = 990,
	.errors = 10,
	.size = {.entries = 989, .live_bytes = 5000000000},
	.cache = "lru",
};

static json_t *line_parse(const struct truth *truth, const struct allocator *of)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);
	json_t *line;

	assert_int_equal(truth_write(out, truth, of), 0);
	fclose(out);
	assert_ptr_equal(strchr(text, '\n'), text + length - 1);
	line = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_true(json_is_object(line));
	free(text);
	return line;
}

static void test_line(void **state)
{
	json_t *line = line_parse(&middle, &fixed);
	json_t *expected =
		json_pack("{si si si sI si ss ss s{si}}", "invocations", 100, "processed", 990,
			  "errors", 10, "live_bytes", (json_int_t)5000000000, "entries", 989,
			  "cache", "lru", "allocator", "fixed", "allocator_stats", "held", 99);

	(void)state;
	assert_true(json_equal(line, expected));
	json_decref(line);
	json_decref(expected);
}

static void test_final_line(void **state)
{
	struct truth truth = middle;
	double elapsed, rate;
	json_t *line;

	(void)state;
	truth.final = true;
	truth.elapsed_s = 0.4;
	line = line_parse(&truth, &fixed);
	assert_true(json_is_true(json_object_get(line, "final")));
	elapsed = json_real_value(json_object_get(line, "elapsed_s"));
	rate = json_real_value(json_object_get(line, "invocations_per_s"));
	assert_true(elapsed > 0.3999 && elapsed < 0.4001);
	assert_true(rate > 249.9 && rate < 250.1);
	assert_int_equal(json_integer_value(json_object_get(line, "invocations")), 100);
	json_decref(line);

	truth.elapsed_s = 0;
	line = line_parse(&truth, &fixed);
	assert_true(json_real_value(json_object_get(line, "invocations_per_s")) == 0);
	json_decref(line);
}

static void test_the_line_is_flushed(void **state)
{
	char text[1000] = "";
	int ends[2];
	FILE *out;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	out = fdopen(ends[1], "w");
	assert_int_equal(truth_write(out, &middle, &fixed), 0);
	assert_true(read(ends[0], text, sizeof(text) - 1) > 0);
	assert_int_equal(text[strlen(text) - 1], '\n');
	fclose(out);
	close(ends[0]);
}

static void test_write_errors(void **state)
{
	FILE *full = fopen("/dev/full", "w");
	FILE *pipe_end;
	int ends[2];

	(void)state;
	assert_int_equal(truth_write(full, &middle, &fixed), -ENOSPC);
	fclose(full);

	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	pipe_end = fdopen(ends[1], "w");
	assert_int_equal(truth_write(pipe_end, &middle, &fixed), -EPIPE);
	fclose(pipe_end);
}

static void test_no_stats_to_be_had(void **state)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	(void)state;
	assert_int_equal(truth_write(out, &middle, &broken), -ENOMEM);
	fclose(out);
	assert_int_equal(length, 0);
	free(text);
}

static void test_glibc_figures(void **state)
{
	static const char *const names[] = {"arena", "hblkhd", "uordblks", "fordblks", "keepcost"};
	json_t *before, *after;
	json_int_t grown;
	void *block;

	(void)state;
	assert_string_equal(allocator.name, "glibc");
	before = allocator.stats();
	block = malloc(100000);
	memset(block, 1, 100000);
	after = allocator.stats();
	assert_int_equal(json_object_size(after), ARRAY_SIZE(names));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_true(json_is_integer(json_object_get(after, names[i])));
	grown = json_integer_value(json_object_get(after, "uordblks")) -
		json_integer_value(json_object_get(before, "uordblks"));
	if (!UNDER_SANITIZER)
		assert_in_range(grown, 100000, 110000);
	free(block);
	json_decref(before);
	json_decref(after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_final_line),
		cmocka_unit_test(test_the_line_is_flushed),
		cmocka_unit_test(test_write_errors),
		cmocka_unit_test(test_no_stats_to_be_had),
		cmocka_unit_test(test_glibc_figures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
