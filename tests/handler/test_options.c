#include "tests/handler/support.h"

#include "handler/options.h"

#define ARGUMENTS_MAX 32

struct parsed {
	int result;
	struct options options;
	char *out, *err;
};

/* Parses a command line given as one string, split at blanks; "" is an empty argument. */
static struct parsed line_parse(const char *line)
{
	char *copy = strdup(line);
	char *argv[ARGUMENTS_MAX + 1] = {(char *)"handler"};
	struct parsed parsed = {0};
	size_t out_length, err_length;
	FILE *out = open_memstream(&parsed.out, &out_length);
	FILE *err = open_memstream(&parsed.err, &err_length);
	int argc = 1;

	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " ")) {
		assert_true(argc < ARGUMENTS_MAX);
		argv[argc++] = strcmp(word, "\"\"") == 0 ? (char *)"" : word;
	}
	memset(&parsed.options, 0x5a, sizeof(parsed.options));
	parsed.result = options_parse(argc, argv, out, err, &parsed.options);
	fclose(out);
	fclose(err);
	free(copy);
	return parsed;
}

static void parsed_free(struct parsed *parsed)
{
	free(parsed->out);
	free(parsed->err);
}

static struct options line_accept(const char *line)
{
	struct parsed parsed = line_parse(line);

	if (parsed.result != OPTIONS_RUN)
		fail_msg("'%s' was refused: %s", line, parsed.err);
	assert_string_equal(parsed.out, "");
	assert_string_equal(parsed.err, "");
	parsed_free(&parsed);
	return parsed.options;
}

static void test_defaults(void **state)
{
	struct options options = line_accept("");

	(void)state;
	assert_ptr_equal(options.cache, &cache_unbounded);
	assert_int_equal(options.lru_size, 1000);
	assert_int_equal(options.generator.records, 10);
	assert_int_equal(options.generator.payload_min, 100);
	assert_int_equal(options.generator.payload_max, 700);
	assert_true(options.generator.malformed_percent == 1.0);
	assert_int_equal(options.invocations, 1000);
	assert_int_equal(options.duration_s, 0);
	assert_int_equal(options.gap_ms, 0);
	assert_int_equal(options.threads, 1);
	assert_int_equal(options.burst_mb, 0);
	assert_int_equal(options.idle_s, 0);
	assert_int_equal(options.report, 100);
	assert_false(options.invocations_given);
	assert_null(options.truth);
	assert_false(options.emf);
}

static void test_every_option(void **state)
{
	struct options options = line_accept(
		"--cache lru --lru-size 11 --records=12 --payload 13-14 --malformed 1.5 --seed 16 "
		"--invocations 17 --duration 18 --gap 19 --threads 20 --burst 21 --idle 22 "
		"--report 23");
	struct parsed lines = line_parse("--truth x/y --emf --invocations 1000");

	(void)state;
	assert_ptr_equal(options.cache, &cache_lru);
	assert_int_equal(options.lru_size, 11);
	assert_int_equal(options.generator.records, 12);
	assert_int_equal(options.generator.payload_min, 13);
	assert_int_equal(options.generator.payload_max, 14);
	assert_true(options.generator.malformed_percent == 1.5);
	assert_int_equal(options.generator.seed, 16);
	assert_int_equal(options.invocations, 17);
	assert_int_equal(options.duration_s, 18);
	assert_int_equal(options.gap_ms, 19);
	assert_int_equal(options.threads, 20);
	assert_int_equal(options.burst_mb, 21);
	assert_int_equal(options.idle_s, 22);
	assert_int_equal(options.report, 23);
	assert_true(options.invocations_given);
	assert_int_equal(lines.result, OPTIONS_RUN);
	assert_true(lines.options.emf);
	assert_true(lines.options.invocations_given);
	assert_non_null(lines.options.truth);
	parsed_free(&lines);
}

static void test_extremes(void **state)
{
	(void)state;
	assert_int_equal(line_accept("--payload 0").generator.payload_max, 0);
	assert_int_equal(line_accept("--payload 3800").generator.payload_min, 3800);
	assert_int_equal(line_accept("--payload 7-7").generator.payload_max, 7);
	assert_true(line_accept("--seed 18446744073709551615").generator.seed == UINT64_MAX);
	assert_true(line_accept("--malformed 0").generator.malformed_percent == 0);
	assert_true(line_accept("--malformed 100").generator.malformed_percent == 100);
	assert_int_equal(line_accept("--invocations 0").invocations, 0);
	/* The order of the options does not matter. */
	assert_int_equal(line_accept("--lru-size 5 --cache lru").lru_size, 5);
}

static void test_burst_implies_idle(void **state)
{
	(void)state;
	assert_int_equal(line_accept("--burst 64").idle_s, 15);
	assert_int_equal(line_accept("--burst 64 --idle 0").idle_s, 0);
	assert_int_equal(line_accept("--idle 3 --burst 64").idle_s, 3);
	assert_int_equal(line_accept("--burst 0").idle_s, 0);
}

static void test_absurd(void **state)
{
	/* A command line, and what its one line of complaint must name. */
	static const char *const cases[][2] = {
		{"--cache big", "unbounded or lru"},
		{"--cache", "--cache"},
		{"--cache \"\"", "unbounded or lru"},
		{"--lru-size 10", "--cache lru"},
		{"--cache lru --lru-size 0", "--lru-size 0"},
		{"--cache lru --lru-size -1", "--lru-size -1"},
		{"--cache lru --lru-size 1000000001", "to 1000000000"},
		{"--records 0", "from 1"},
		{"--records 10001", "to 10000"},
		{"--records 1e3", "--records 1e3"},
		{"--records 10x", "--records 10x"},
		{"--records +1", "--records +1"},
		{"--records 0x10", "--records 0x10"},
		{"--records \"\"", "--records"},
		{"--payload 3801", "3800"},
		{"--payload 4096", "3800"},
		{"--payload 9-8", "--payload 9-8"},
		{"--payload 1-", "--payload 1-"},
		{"--payload -1", "--payload -1"},
		{"--payload 1-2-3", "MIN-MAX"},
		{"--payload 1-2x", "MIN-MAX"},
		{"--payload 1--2", "MIN-MAX"},
		{"--payload \"\"", "MIN-MAX"},
		{"--payload 18446744073709551617", "MIN-MAX"},
		{"--malformed 101", "0 to 100"},
		{"--malformed 100.5", "0 to 100"},
		{"--malformed -1", "0 to 100"},
		{"--malformed nan", "0 to 100"},
		{"--malformed inf", "0 to 100"},
		{"--malformed 0x1", "0 to 100"},
		{"--malformed 1%", "0 to 100"},
		{"--malformed .", "0 to 100"},
		{"--malformed \"\"", "0 to 100"},
		{"--seed -1", "--seed"},
		{"--seed 18446744073709551616", "--seed"},
		{"--invocations -5", "--invocations -5"},
		{"--invocations many", "whole number"},
		{"--duration 1.5", "whole number"},
		{"--duration 99999999999", "31536000"},
		{"--gap -1", "--gap"},
		{"--threads 0", "from 1"},
		{"--threads 1025", "1024"},
		{"--burst -1", "--burst"},
		{"--burst 1048577", "1048576"},
		{"--idle x", "--idle x"},
		{"--report -1", "--report"},
		{"--truth", "'--truth'"},
		{"--emf=1", "'--emf=1'"},
		{"--nonsense", "'--nonsense'"},
		{"--records 1 --nonsense=3 --seed 1", "'--nonsense=3'"},
		{"-x", "'-x'"},
		{"--re 5", "ambiguous"},
		{"--help=x", "'--help=x'"},
		{"--usage", "'--usage'"},
		{"--version", "'--version'"},
		{"--records", "'--records'"},
		{"stray", "'stray'"},
		{"--records 1 stray --seed 2", "'stray'"},
		{"-- --records", "'--records'"},
		{"--threads 0 --records 0 stray", "--threads 0"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct parsed parsed = line_parse(cases[i][0]);
		struct options untouched;

		if (parsed.result != -EINVAL)
			fail_msg("'%s' gave %d", cases[i][0], parsed.result);
		if (!strstr(parsed.err, cases[i][1]))
			fail_msg("'%s' does not name '%s': %s", cases[i][0], cases[i][1],
				 parsed.err);
		assert_ptr_equal(strchr(parsed.err, '\n'), parsed.err + strlen(parsed.err) - 1);
		assert_string_equal(parsed.out, "");
		memset(&untouched, 0x5a, sizeof(untouched));
		assert_memory_equal(&parsed.options, &untouched, sizeof(untouched));
		parsed_free(&parsed);
	}
}

static void test_help(void **state)
{
	static const char *const words[] = {"--cache",
					    "--lru-size",
					    "--records",
					    "--payload",
					    "--malformed",
					    "--invocations",
					    "--duration",
					    "--gap",
					    "--threads",
					    "--burst",
					    "--idle",
					    "--report",
					    "--truth",
					    "--emf",
					    "CacheUtilization",
					    "AWS_LAMBDA_RUNTIME_API",
					    "--seed",
					    "Exit codes",
					    "  1 ",
					    "  64 "};
	struct parsed parsed = line_parse("--help");

	(void)state;
	assert_int_equal(parsed.result, OPTIONS_HELP);
	assert_string_equal(parsed.err, "");
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (!strstr(parsed.out, words[i]))
			fail_msg("--help does not speak of '%s'", words[i]);
	}
	parsed_free(&parsed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults), cmocka_unit_test(test_every_option),
		cmocka_unit_test(test_extremes), cmocka_unit_test(test_burst_implies_idle),
		cmocka_unit_test(test_absurd),	 cmocka_unit_test(test_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
