#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "handler/driver/options.h"

#include <argp.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sysexits.h>

#include "handler/option_values.h"

enum option_key {
	KEY_INVOCATIONS = 256, /* beyond the characters: no option has a short form */
	KEY_DURATION,
	KEY_GAP,
	KEY_RATE,
	KEY_TIMEOUT,
	KEY_INIT_TIMEOUT,
	KEY_FREEZE,
	KEY_MEMORY,
	KEY_SUMMARY,
	KEY_SAMPLES,
	KEY_SAMPLE_EVERY,
	KEY_FUNCTION_LOG,
	KEY_HELP,
};

/* What a process needs to start at all, and more than any machine has. */
#define MEMORY_MIN (UINT64_C(4) << 20)
#define MEMORY_MAX (UINT64_C(1) << 50)
#define RATE_MIN 0.001
#define RATE_MAX 1000000

static const struct argp_option option_table[] = {
	{"invocations", KEY_INVOCATIONS, "N", 0,
	 "Stop after N invocations; 0 for 16777216, which no run goes beyond; default 1000", 2},
	{"duration", KEY_DURATION, "SECONDS", 0,
	 "Begin no invocation after that time; 0 for no limit; default 0", 2},
	{"gap", KEY_GAP, "MS", 0,
	 "Wait between the end of an invocation and the next event; default 0", 2},
	{"rate", KEY_RATE, "R", 0,
	 "At most R events per second, such as 0.5, evenly spaced; those that are late follow each "
	 "other; default no limit",
	 2},
	{"timeout", KEY_TIMEOUT, "MS", 0,
	 "The deadline of an invocation: an instance that passes it is killed; default 30000", 2},
	{"init-timeout", KEY_INIT_TIMEOUT, "MS", 0,
	 "An instance has that long until it asks for its first event; default 10000", 2},
	{"freeze", KEY_FREEZE, NULL, 0,
	 "Freeze the function by its control group while it waits for its next event", 3},
	{"memory", KEY_MEMORY, "SIZE", 0,
	 "Limit the memory of each instance by its control group: bytes, or with K, M or G; what "
	 "the kernel kills for it is replaced, and no failure of the run",
	 3},
	{"summary", KEY_SUMMARY, "FILE", 0, "Write the figures as one JSON object", 4},
	{"samples", KEY_SAMPLES, "FILE", 0, "Write the instance's memory as CSV", 4},
	{"sample-every", KEY_SAMPLE_EVERY, "N", 0, "A sample every N invocations; default 100", 4},
	{"function-log", KEY_FUNCTION_LOG, "FILE", 0,
	 "Where the function's stdout goes; default nowhere. Its stderr is the driver's", 4},
	{"help", KEY_HELP, NULL, 0, "Print this help and exit", 5},
	{0},
};

static const char doc[] =
	"Plays AWS Lambda for a function that speaks the Runtime API: starts one instance of it, "
	"sends it events with orders, checks and times its responses."
	"\v"
	"An instance that ends is replaced, which is a cold start; three in a row that serve no "
	"invocation end the run. SIGINT and SIGTERM end it early, with the figures.\n\n"
	"Exit codes:\n"
	"  0   every invocation was answered right, but for those the memory limit ended\n"
	"  1   there were wrong answers, failures, time-outs or crashes\n"
	"  2   it is not possible here, such as without root for control groups\n"
	"  64  the command line cannot be used\n";

/* Options that are whole numbers; the others have a function below. */
static const struct number_option number_table[] = {
	{KEY_INVOCATIONS, "invocations", offsetof(struct driver_options, invocations), 0,
	 INVOCATIONS_MAX},
	{KEY_DURATION, "duration", offsetof(struct driver_options, duration_s), 0, 31536000},
	{KEY_GAP, "gap", offsetof(struct driver_options, gap_ms), 0, 3600000},
	{KEY_TIMEOUT, "timeout", offsetof(struct driver_options, timeout_ms), 1, 900000},
	{KEY_INIT_TIMEOUT, "init-timeout", offsetof(struct driver_options, init_timeout_ms), 1,
	 900000},
	{KEY_SAMPLE_EVERY, "sample-every", offsetof(struct driver_options, sample_every), 1,
	 INVOCATIONS_MAX},
};

/* Options that are paths. */
static const struct path_option {
	enum option_key key;
	size_t offset;
} path_table[] = {
	{KEY_SUMMARY, offsetof(struct driver_options, summary)},
	{KEY_SAMPLES, offsetof(struct driver_options, samples)},
	{KEY_FUNCTION_LOG, offsetof(struct driver_options, function_log)},
};

struct parse {
	struct driver_options options;
	struct complaint complaint;
	struct generator_input generator;
	bool help;
};

static error_t memory_parse(struct parse *parse, const char *text)
{
	static const char units[] = "KMG";
	const char *end = "", *unit = NULL;
	uint64_t number = 0;
	unsigned int shift = 0;
	int err = number_scan(text, &end, &number);

	if (!err && *end) {
		unit = strchr(units, *end++);
		shift = unit ? 10 * (unsigned int)(unit - units + 1) : 0;
		err = unit ? 0 : -EINVAL;
	}
	if (err || *end || number > MEMORY_MAX >> shift || number << shift < MEMORY_MIN)
		return complain(&parse->complaint,
				"--memory %s cannot be used: give bytes, 4M or more, such as 128M "
				"or 1G",
				text);
	parse->options.memory_bytes = number << shift;
	return 0;
}

static error_t rate_parse(struct parse *parse, const char *text)
{
	double rate;

	if (decimal_scan(text, &rate) || rate < RATE_MIN || rate > RATE_MAX)
		return complain(&parse->complaint,
				"--rate %s cannot be used: give events per second from 0.001 to "
				"1000000",
				text);
	parse->options.rate = rate;
	return 0;
}

/* 0, an error after a complaint, or ARGP_ERR_UNKNOWN: the key is in none of the tables. */
static error_t table_parse(struct parse *parse, int key, char *text)
{
	char *options = (char *)&parse->options;

	for (size_t i = 0; i < sizeof(path_table) / sizeof(path_table[0]); i++) {
		if ((int)path_table[i].key != key)
			continue;
		memcpy(options + path_table[i].offset, &text, sizeof(text));
		return 0;
	}
	return number_option_parse(&parse->complaint, number_table,
				   sizeof(number_table) / sizeof(number_table[0]), key, text,
				   options);
}

static error_t option_parse(int key, char *text, struct argp_state *state)
{
	struct parse *parse = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &parse->generator;
		return 0;
	case KEY_RATE:
		return rate_parse(parse, text);
	case KEY_MEMORY:
		return memory_parse(parse, text);
	case KEY_FREEZE:
		parse->options.freeze = true;
		return 0;
	case KEY_HELP:
		parse->help = true;
		return 0;
	case ARGP_KEY_ARGS:
		/* All that is left is the function's: none of it is looked at here. */
		parse->options.function = state->argv + state->next;
		return 0;
	case ARGP_KEY_END:
		if (parse->help || (parse->options.function && parse->options.function[0][0]))
			return 0;
		return complain(&parse->complaint,
				"there is no function to run: give its command line behind --");
	case ARGP_KEY_ERROR:
		return refusal_explain(&parse->complaint, state);
	default:
		return table_parse(parse, key, text);
	}
}

static const struct argp_child children[] = {{.argp = &generator_argp, .group = 1}, {0}};
static const struct argp parser = {.options = option_table,
				   .parser = option_parse,
				   .args_doc = "-- FUNCTION [ARGUMENT...]",
				   .doc = doc,
				   .children = children};

int driver_options_parse(int argc, char **argv, FILE *out, FILE *err,
			 struct driver_options *options)
{
	struct parse parse = {
		.options = {.generator = GENERATOR_DEFAULTS,
			    .invocations = 1000,
			    .timeout_ms = 30000,
			    .init_timeout_ms = 10000,
			    .sample_every = 100},
		.complaint = {.err = err},
		.generator = {&parse.complaint, &parse.options.generator},
	};
	int outcome =
		command_line_parse(&parser, argc, argv, ARGP_IN_ORDER, &parse, &parse.help, out);

	if (outcome)
		return outcome < 0 ? outcome : DRIVER_HELP;
	if (!parse.options.invocations)
		parse.options.invocations = INVOCATIONS_MAX;
	*options = parse.options;
	return DRIVER_RUN;
}
