#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "handler/options.h"

#include <argp.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum option_key {
	KEY_CACHE = 256, /* beyond the characters: no option has a short form */
	KEY_LRU_SIZE,
	KEY_RECORDS,
	KEY_PAYLOAD,
	KEY_MALFORMED,
	KEY_SEED,
	KEY_INVOCATIONS,
	KEY_DURATION,
	KEY_GAP,
	KEY_THREADS,
	KEY_REPORT,
	KEY_BURST,
	KEY_IDLE,
	KEY_HELP,
};

/* What --burst idles for when --idle does not say: longer than jemalloc's decay time of 10 s. */
#define BURST_IDLE_S 15

static const struct argp_option option_table[] = {
	{"cache", KEY_CACHE, "KIND", 0,
	 "unbounded (keeps every order: the leak) or lru (keeps the orders used last); default "
	 "unbounded",
	 1},
	{"lru-size", KEY_LRU_SIZE, "N", 0, "Entries of the lru cache; default 1000", 1},
	{"records", KEY_RECORDS, "N", 0, "Records in an event; default 10", 2},
	{"payload", KEY_PAYLOAD, "BYTES", 0,
	 "Length of the free text in an order: N for always N, MIN-MAX for uniformly between them; "
	 "0 to 3800, so that a body with its other fields (about 130 bytes) stays below 4096; "
	 "default 100-700",
	 2},
	{"malformed", KEY_MALFORMED, "PERCENT", 0,
	 "Share of records with an empty, absent or malformed body, such as 0.5; default 1", 2},
	{"seed", KEY_SEED, "N", 0, "The same seed makes the same events; default 1", 2},
	{"invocations", KEY_INVOCATIONS, "N", 0,
	 "Stop after N invocations of all threads together; 0 to go on until --duration or a "
	 "signal; default 1000",
	 3},
	{"duration", KEY_DURATION, "SECONDS", 0,
	 "Begin no invocation after that time; 0 for no limit; default 0", 3},
	{"gap", KEY_GAP, "MS", 0, "Sleep between two invocations of a thread; default 0", 3},
	{"threads", KEY_THREADS, "N", 0,
	 "Threads that share the cache; thread t of N runs the invocations t, t+N, t+2N, ...; the "
	 "first is the main thread; default 1",
	 3},
	{"report", KEY_REPORT, "N", 0,
	 "Write a line of truth every N invocations; 0 for only the last; default 100", 3},
	{"burst", KEY_BURST, "MB", 0,
	 "Before the first invocation allocate MB times 2^20 bytes as blocks of 16 to 1024 bytes, "
	 "write them and free all of them in random order; default 0. Implies --idle 15",
	 4},
	{"idle", KEY_IDLE, "SECONDS", 0, "Sleep after the last line of truth; default 0", 4},
	{"help", KEY_HELP, NULL, 0, "Print this help and exit", 5},
	{0},
};

static const char doc[] =
	"Handles batches of orders as an AWS Lambda function would, with events it makes itself, "
	"and keeps the orders in a cache."
	"\v"
	"Every line on stdout is one JSON object: what the application knows about its own memory "
	"(live_bytes is what the cache requested from the allocator) and what the allocator says. "
	"The last line has \"final\":true. SIGINT and SIGTERM finish the current invocation of "
	"each thread, write the last line and end the program with 0.\n\n"
	"Exit codes:\n"
	"  0   done, or ended by SIGINT or SIGTERM\n"
	"  1   out of memory, no thread to be had, or a line could not be written\n"
	"  64  the command line cannot be used\n";

/* Options that are whole numbers; the others have a function below. */
static const struct number_option {
	enum option_key key;
	size_t offset;
	uint64_t min, max;
} number_table[] = {
	{KEY_LRU_SIZE, offsetof(struct options, lru_size), 1, 1000000000},
	{KEY_RECORDS, offsetof(struct options, generator.records), 1, 10000},
	{KEY_SEED, offsetof(struct options, generator.seed), 0, UINT64_MAX},
	/* With 10,000 records each the order numbers still fit their type. */
	{KEY_INVOCATIONS, offsetof(struct options, invocations), 0, 1000000000000000},
	{KEY_DURATION, offsetof(struct options, duration_s), 0, 31536000},
	{KEY_GAP, offsetof(struct options, gap_ms), 0, 3600000},
	{KEY_THREADS, offsetof(struct options, threads), 1, 1024},
	{KEY_REPORT, offsetof(struct options, report), 0, 1000000000000000},
	{KEY_BURST, offsetof(struct options, burst_mb), 0, 1048576},
	{KEY_IDLE, offsetof(struct options, idle_s), 0, 31536000},
};

struct parse {
	struct options options;
	bool lru_size_given, idle_given, help;
	bool complained; /* one line is enough */
	FILE *out, *err;
};

__attribute__((format(printf, 2, 3))) static error_t complain(struct parse *parse,
							      const char *format, ...)
{
	va_list arguments;

	if (parse->complained)
		return EINVAL;
	parse->complained = true;
	fprintf(parse->err, "%s: ", program_invocation_short_name);
	va_start(arguments, format);
	vfprintf(parse->err, format, arguments);
	va_end(arguments);
	fputc('\n', parse->err);
	return EINVAL;
}

static const char *option_name(enum option_key key)
{
	const struct argp_option *option = option_table;

	while (option->key != (int)key)
		option++;
	return option->name;
}

/* Decimal digits and nothing else: strtoull would take blanks, signs and wrap negatives. */
static int number_scan(const char *text, const char **end, uint64_t *number)
{
	char *stop;
	unsigned long long value;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	value = strtoull(text, &stop, 10);
	if (errno)
		return -errno;

	*end = stop;
	*number = value;
	return 0;
}

static error_t number_parse(struct parse *parse, const struct number_option *option,
			    const char *text)
{
	uint64_t number = 0;
	const char *end = "";

	if (number_scan(text, &end, &number) || *end || number < option->min ||
	    number > option->max)
		return complain(parse,
				"--%s %s cannot be used: give a whole number from %ju to %ju",
				option_name(option->key), text, (uintmax_t)option->min,
				(uintmax_t)option->max);

	memcpy((char *)&parse->options + option->offset, &number, sizeof(number));
	return 0;
}

static error_t payload_parse(struct parse *parse, const char *text)
{
	uint64_t min = 0, max = 0;
	const char *end = "";
	int err = number_scan(text, &end, &min);

	max = min;
	if (!err && *end == '-')
		err = number_scan(end + 1, &end, &max);
	if (err || *end || min > max || max > GENERATOR_PAYLOAD_MAX)
		return complain(parse,
				"--payload %s cannot be used: give N or MIN-MAX, with bytes from 0 "
				"to %d",
				text, GENERATOR_PAYLOAD_MAX);

	parse->options.generator.payload_min = min;
	parse->options.generator.payload_max = max;
	return 0;
}

static error_t malformed_parse(struct parse *parse, const char *text)
{
	char *end;
	double percent = strtod(text, &end);

	/* strtod also takes blanks, nan, infinity and hexadecimal numbers. */
	if (end == text || *end || text[strspn(text, "0123456789.")] || !isfinite(percent) ||
	    percent > 100)
		return complain(parse,
				"--malformed %s cannot be used: give a percentage from 0 to 100",
				text);

	parse->options.generator.malformed_percent = percent;
	return 0;
}

static error_t cache_parse(struct parse *parse, const char *text)
{
	const struct cache_kind *kind = cache_kind_find(text);

	if (!kind)
		return complain(parse, "--cache %s cannot be used: give unbounded or lru", text);
	parse->options.cache = kind;
	return 0;
}

static error_t options_check(struct parse *parse)
{
	struct options *options = &parse->options;

	if (parse->lru_size_given && options->cache != &cache_lru)
		return complain(parse, "--lru-size needs --cache lru: give both or neither");
	if (options->burst_mb && !parse->idle_given)
		options->idle_s = BURST_IDLE_S;
	return 0;
}

static error_t option_parse(int key, char *text, struct argp_state *state)
{
	struct parse *parse = state->input;

	for (size_t i = 0; i < sizeof(number_table) / sizeof(number_table[0]); i++) {
		if ((int)number_table[i].key != key)
			continue;
		parse->lru_size_given |= key == KEY_LRU_SIZE;
		parse->idle_given |= key == KEY_IDLE;
		return number_parse(parse, &number_table[i], text);
	}

	switch (key) {
	case KEY_CACHE:
		return cache_parse(parse, text);
	case KEY_PAYLOAD:
		return payload_parse(parse, text);
	case KEY_MALFORMED:
		return malformed_parse(parse, text);
	case KEY_HELP:
		parse->help = true;
		return 0;
	case ARGP_KEY_ARG:
		return complain(parse,
				"the argument '%s' is not expected: see --help for the "
				"options",
				text);
	case ARGP_KEY_END:
		return options_check(parse);
	case ARGP_KEY_ERROR:
		/* Whatever option_parse() itself did not name was refused by getopt. */
		return complain(parse,
				"'%s' is no option, is ambiguous, or its value is missing or too "
				"many: see --help for the options",
				state->argv[state->next - 1]);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp parser = {.options = option_table, .parser = option_parse, .doc = doc};

int options_parse(int argc, char **argv, FILE *out, FILE *err, struct options *options)
{
	struct parse parse = {
		.options = {.cache = &cache_unbounded,
			    .lru_size = 1000,
			    .generator = {.seed = 1,
					  .records = 10,
					  .payload_min = 100,
					  .payload_max = 700,
					  .malformed_percent = 1},
			    .invocations = 1000,
			    .threads = 1,
			    .report = 100},
		.out = out,
		.err = err,
	};
	error_t error;

	/*
	 * argp's own messages take two lines, and --usage would exit from here: the parser above
	 * says it in one, and main() is the only one to exit.
	 */
	argp_err_exit_status = EX_USAGE;
	error = argp_parse(&parser, argc, argv, ARGP_NO_ERRS | ARGP_NO_HELP, NULL, &parse);
	if (error)
		return error == ENOMEM ? -ENOMEM : -EINVAL;
	if (parse.help) {
		argp_help(&parser, out, ARGP_HELP_STD_HELP & ~ARGP_HELP_EXIT_OK,
			  program_invocation_short_name);
		return OPTIONS_HELP;
	}

	*options = parse.options;
	return OPTIONS_RUN;
}
