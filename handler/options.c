#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "handler/options.h"

#include <argp.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "handler/option_values.h"

enum option_key {
	KEY_CACHE = 256, /* beyond the characters: no option has a short form */
	KEY_LRU_SIZE,
	KEY_INVOCATIONS,
	KEY_DURATION,
	KEY_GAP,
	KEY_THREADS,
	KEY_REPORT,
	KEY_TRUTH,
	KEY_EMF,
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
	{"invocations", KEY_INVOCATIONS, "N", 0,
	 "Stop after N invocations of all threads together; 0 to go on until --duration or a "
	 "signal; default 1000, on Lambda 0",
	 3},
	{"duration", KEY_DURATION, "SECONDS", 0,
	 "Begin no invocation after that time; 0 for no limit; default 0", 3},
	{"gap", KEY_GAP, "MS", 0, "Sleep between two invocations of a thread; default 0", 3},
	{"threads", KEY_THREADS, "N", 0,
	 "Threads that share the cache; thread t of N runs the invocations t, t+N, t+2N, ...; the "
	 "first is the main thread; default 1",
	 3},
	{"report", KEY_REPORT, "N", 0,
	 "Write a line of truth every N invocations; 0 for only the last; default 100", 4},
	{"truth", KEY_TRUTH, "FILE", 0,
	 "Write the lines of truth to FILE, which is made anew; default stdout, on Lambda nowhere",
	 4},
	{"emf", KEY_EMF, NULL, 0,
	 "Write a line of metrics per invocation to stdout, in CloudWatch's Embedded Metric "
	 "Format; "
	 "on Lambda always",
	 4},
	{"burst", KEY_BURST, "MB", 0,
	 "Before the first invocation allocate MB times 2^20 bytes as blocks of 16 to 1024 bytes, "
	 "write them and free all of them in random order; default 0. Implies --idle 15",
	 5},
	{"idle", KEY_IDLE, "SECONDS", 0, "Sleep after the last line of truth; default 0", 5},
	{"help", KEY_HELP, NULL, 0, "Print this help and exit", 6},
	{0},
};

static const char doc[] =
	"Handles batches of orders as an AWS Lambda function, and keeps the orders in a cache. The "
	"events come from the Lambda Runtime API where AWS_LAMBDA_RUNTIME_API is set, and are "
	"otherwise made here."
	"\v"
	"A line of truth is one JSON object: what the application knows about its own memory "
	"(live_bytes is what the cache requested from the allocator) and what the allocator says. "
	"The last line has \"final\":true. SIGINT and SIGTERM finish the current invocation of "
	"each thread, write the last line and end the program with 0.\n\n"
	"On Lambda there is one thread, and --records, --payload, --malformed, --seed, --duration, "
	"--gap and --threads have no effect.\n\n"
	"In the metrics CacheUtilization is the percentage of --lru-size, or of 1000, in the "
	"cache. "
	"An unbounded cache has no limit: it is measured by the same 1000, and exceeds 100.\n\n"
	"Exit codes:\n"
	"  0   done, or ended by SIGINT or SIGTERM\n"
	"  1   out of memory, no thread to be had, a line could not be written, or no runtime API\n"
	"  64  the command line cannot be used\n";

/* Options that are whole numbers; the others have a function below. */
static const struct number_option number_table[] = {
	{KEY_LRU_SIZE, "lru-size", offsetof(struct options, lru_size), 1, 1000000000},
	/* With 10,000 records each the order numbers still fit their type. */
	{KEY_INVOCATIONS, "invocations", offsetof(struct options, invocations), 0,
	 1000000000000000},
	{KEY_DURATION, "duration", offsetof(struct options, duration_s), 0, 31536000},
	{KEY_GAP, "gap", offsetof(struct options, gap_ms), 0, 3600000},
	{KEY_THREADS, "threads", offsetof(struct options, threads), 1, 1024},
	{KEY_REPORT, "report", offsetof(struct options, report), 0, 1000000000000000},
	{KEY_BURST, "burst", offsetof(struct options, burst_mb), 0, 1048576},
	{KEY_IDLE, "idle", offsetof(struct options, idle_s), 0, 31536000},
};

struct parse {
	struct options options;
	bool lru_size_given, idle_given, help;
	struct complaint complaint;
	struct generator_input generator;
};

static error_t cache_parse(struct parse *parse, const char *text)
{
	const struct cache_kind *kind = cache_kind_find(text);

	if (!kind)
		return complain(&parse->complaint,
				"--cache %s cannot be used: give unbounded or lru", text);
	parse->options.cache = kind;
	return 0;
}

static error_t options_check(struct parse *parse)
{
	struct options *options = &parse->options;

	if (parse->lru_size_given && options->cache != &cache_lru)
		return complain(&parse->complaint,
				"--lru-size needs --cache lru: give both or neither");
	if (options->burst_mb && !parse->idle_given)
		options->idle_s = BURST_IDLE_S;
	return 0;
}

static error_t option_parse(int key, char *text, struct argp_state *state)
{
	struct parse *parse = state->input;

	parse->lru_size_given |= key == KEY_LRU_SIZE;
	parse->idle_given |= key == KEY_IDLE;
	parse->options.invocations_given |= key == KEY_INVOCATIONS;
	switch (key) {
	case KEY_CACHE:
		return cache_parse(parse, text);
	case KEY_TRUTH:
		parse->options.truth = text;
		return 0;
	case KEY_EMF:
		parse->options.emf = true;
		return 0;
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &parse->generator;
		return 0;
	case KEY_HELP:
		parse->help = true;
		return 0;
	case ARGP_KEY_ARG:
		return complain(&parse->complaint,
				"the argument '%s' is not expected: see --help for the "
				"options",
				text);
	case ARGP_KEY_END:
		return options_check(parse);
	case ARGP_KEY_ERROR:
		return refusal_explain(&parse->complaint, state);
	default:
		return number_option_parse(&parse->complaint, number_table,
					   sizeof(number_table) / sizeof(number_table[0]), key,
					   text, &parse->options);
	}
}

static const struct argp_child children[] = {{.argp = &generator_argp, .group = 2}, {0}};
static const struct argp parser = {
	.options = option_table, .parser = option_parse, .doc = doc, .children = children};

int options_parse(int argc, char **argv, FILE *out, FILE *err, struct options *options)
{
	struct parse parse = {
		.options = {.cache = &cache_unbounded,
			    .lru_size = 1000,
			    .generator = GENERATOR_DEFAULTS,
			    .invocations = 1000,
			    .threads = 1,
			    .report = 100},
		.complaint = {.err = err},
		.generator = {&parse.complaint, &parse.options.generator},
	};
	int outcome = command_line_parse(&parser, argc, argv, 0, &parse, &parse.help, out);

	if (outcome)
		return outcome < 0 ? outcome : OPTIONS_HELP;
	*options = parse.options;
	return OPTIONS_RUN;
}
