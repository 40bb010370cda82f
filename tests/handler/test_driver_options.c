#include "tests/handler/support.h"

#include "handler/driver/options.h"

#define ARGUMENTS_MAX 48

struct parsed {
	int result;
	struct driver_options options;
	char *argv[ARGUMENTS_MAX + 1];
	char *copy, *out, *err;
};

/* Parses a command line given as one string, split at blanks; what it points into stays. */
static void line_parse(const char *line, struct parsed *parsed)
{
	size_t out_length, err_length;
	FILE *out = open_memstream(&parsed->out, &out_length);
	FILE *err = open_memstream(&parsed->err, &err_length);
	int argc = 1;

	parsed->copy = strdup(line);
	parsed->argv[0] = (char *)"driver";
	for (char *word = strtok(parsed->copy, " "); word; word = strtok(NULL, " ")) {
		assert_true(argc < ARGUMENTS_MAX);
		parsed->argv[argc++] = word;
	}
	parsed->argv[argc] = NULL;
	parsed->result = driver_options_parse(argc, parsed->argv, out, err, &parsed->options);
	fclose(out);
	fclose(err);
}

static void parsed_free(struct parsed *parsed)
{
	free(parsed->copy);
	free(parsed->out);
	free(parsed->err);
}

static void test_defaults(void **state)
{
	struct parsed parsed = {0};
	const struct driver_options *options = &parsed.options;

	(void)state;
	line_parse("function", &parsed);
	assert_int_equal(parsed.result, DRIVER_RUN);
	assert_string_equal(options->function[0], "function");
	assert_null(options->function[1]);
	assert_int_equal(options->generator.records, 10);
	assert_int_equal(options->generator.seed, 1);
	assert_int_equal(options->invocations, 1000);
	assert_int_equal(options->timeout_ms, 30000);
	assert_int_equal(options->memory_bytes, 0);
	assert_int_equal(options->sample_every, 100);
	assert_false(options->freeze);
	assert_null(options->summary);
	parsed_free(&parsed);
}

static void test_all(void **state)
{
	struct parsed parsed = {0};
	const struct driver_options *options = &parsed.options;

	(void)state;
	line_parse("--records 3 --payload 5-9 --malformed 2.5 --seed 7 --invocations 0 "
		   "--duration 4 --gap 6 --rate 0.5 --timeout 8 --init-timeout 9 --freeze "
		   "--memory 2G --summary s --samples t --sample-every 11 --function-log l "
		   "-- f --gap 1 --",
		   &parsed);
	assert_int_equal(parsed.result, DRIVER_RUN);
	assert_int_equal(options->generator.records, 3);
	assert_int_equal(options->generator.payload_min, 5);
	assert_int_equal(options->generator.payload_max, 9);
	assert_true(options->generator.malformed_percent == 2.5);
	assert_int_equal(options->generator.seed, 7);
	assert_int_equal(options->invocations, INVOCATIONS_MAX);
	assert_int_equal(options->duration_s, 4);
	assert_int_equal(options->gap_ms, 6);
	assert_true(options->rate == 0.5);
	assert_int_equal(options->timeout_ms, 8);
	assert_int_equal(options->init_timeout_ms, 9);
	assert_true(options->freeze);
	assert_int_equal(options->memory_bytes, UINT64_C(2) << 30);
	assert_string_equal(options->summary, "s");
	assert_string_equal(options->samples, "t");
	assert_int_equal(options->sample_every, 11);
	assert_string_equal(options->function_log, "l");
	/* What is behind -- is the function's, whatever it looks like. */
	assert_string_equal(options->function[0], "f");
	assert_string_equal(options->function[1], "--gap");
	assert_string_equal(options->function[3], "--");
	assert_null(options->function[4]);
	parsed_free(&parsed);
}

static void test_memory_sizes(void **state)
{
	static const struct {
		const char *line;
		uint64_t bytes;
	} cases[] = {
		{"--memory 4194304 f", 4194304},
		{"--memory 4096K f", 4194304},
		{"--memory 4M f", 4194304},
		{"--memory 1048576G f", UINT64_C(1) << 50},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct parsed parsed = {0};

		line_parse(cases[i].line, &parsed);
		assert_int_equal(parsed.result, DRIVER_RUN);
		assert_int_equal(parsed.options.memory_bytes, cases[i].bytes);
		parsed_free(&parsed);
	}
}

static void test_absurd(void **state)
{
	static const char *const cases[] = {
		"",
		"--",
		"--nonsense f",
		"--gap f",
		"--gap -1 f",
		"--invocations 16777217 f",
		"--rate 0 f",
		"--rate -1 f",
		"--rate nan f",
		"--rate 1e3 f",
		"--memory 0 f",
		"--memory 3M f",
		"--memory 1T f",
		"--memory 1GG f",
		"--memory 18446744073709551616 f",
		"--memory 18014398509481984K f",
		"--timeout 0 f",
		"--sample-every 0 f",
		"--payload 9-5 f",
		"--malformed 101 f",
		"--seed 1x f",
		"--freeze=yes f",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct parsed parsed = {0};
		size_t length;

		line_parse(cases[i], &parsed);
		if (parsed.result != -EINVAL)
			fail_msg("'%s' was accepted", cases[i]);
		length = strlen(parsed.err);
		assert_true(length > 10);
		assert_ptr_equal(strchr(parsed.err, '\n'), parsed.err + length - 1);
		assert_string_equal(parsed.out, "");
		assert_null(parsed.options.function);
		parsed_free(&parsed);
	}
}

static void test_help(void **state)
{
	struct parsed parsed = {0};

	(void)state;
	line_parse("--help", &parsed);
	assert_int_equal(parsed.result, DRIVER_HELP);
	assert_string_equal(parsed.err, "");
	assert_non_null(strstr(parsed.out, "--freeze"));
	assert_non_null(strstr(parsed.out, "--payload"));
	assert_non_null(strstr(parsed.out, "Exit codes"));
	parsed_free(&parsed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),     cmocka_unit_test(test_all),
		cmocka_unit_test(test_memory_sizes), cmocka_unit_test(test_absurd),
		cmocka_unit_test(test_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
