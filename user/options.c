// SPDX-License-Identifier: GPL-2.0-only
#include "user/options.h"

#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/log.h"
#include "user/base/units.h"
#include "user/source/live.h"
#include "user/source/recording_writer.h"
#include "user/view/clean_text.h"
#include "user/view/export_format.h"

#define INTERVAL_MS_DEFAULT 1000
#define INTERVAL_MS_MIN 50
#define INTERVAL_MS_MAX 3600000
#define RECONCILE_MS_DEFAULT 5000
#define DURATION_S_MAX (366 * 86400)
#define STACK_RATE_MAX 10000000

enum {
	KEY_CHILDREN = 256,
	KEY_EXPORT,
	KEY_FORMAT,
	KEY_FOR,
	KEY_INVOCATION,
	KEY_RECONCILE,
	KEY_BUFFER,
	KEY_STACK_RATE,
	KEY_STACK_BYTES,
	KEY_OMIT,
	KEY_MAX_SIZE,
	KEY_REALTIME,
	KEY_TOP,
	KEY_FROM,
	KEY_TO,
};

static const struct argp_option option_table[] = {
	{NULL, 0, NULL, 0, "What to watch (any number of each; at least one):", 1},
	{"pid", 'p', "PID", 0, "A running process", 1},
	{"name", 'n', "NAME", 0,
	 "Every process with this command name (at most 15 bytes, as in /proc/PID/comm), now "
	 "running or started later",
	 1},
	{"children", KEY_CHILDREN, NULL, 0, "Also what they fork from now on", 1},
	{NULL, 0, NULL, 0, "How:", 2},
	{"interval", 'i', "MS", 0, "Report every MS milliseconds, 50 to 3600000; default 1000", 2},
	{"for", KEY_FOR, "SECONDS", 0, "Stop after that time; default: when nothing is left", 2},
	{"export", KEY_EXPORT, "DIR", 0,
	 "Write a directory per process below DIR. What shows the present state is written when a "
	 "process ends, and on SIGUSR1",
	 2},
	{"format", KEY_FORMAT, "LIST", 0,
	 "What to write there, such as csv,pprof; default csv,jsonl. --format help lists the "
	 "formats",
	 2},
	{"invocation", KEY_INVOCATION, "SPEC", 0,
	 "Count memory by invocation. SPEC says where one begins and ends: "
	 "usdt:PROVIDER:START,END, usdt:BINARY:PROVIDER:START,END (USDT probes) or "
	 "func:BINARY:FUNCTION (its entry and return; a mangled name). BINARY is a path, or a "
	 "file name that processes have mapped. Up to 8 times",
	 2},
	{"output", 'o', "FILE", 0, "Record to FILE as well, for replay, info and diff", 2},
	{"max-size", KEY_MAX_SIZE, "SIZE", 0,
	 "Keep what is newest in so much room on disk, such as 100M; 1M or more; default: all", 2},
	{NULL, 0, NULL, 0, "Of recordings:", 3},
	{"realtime", KEY_REALTIME, NULL, 0, "Replay as fast as it went; default: at full speed", 3},
	{"top", KEY_TOP, NULL, 0, "Replay in the dashboard; default: as lines", 3},
	{"from", KEY_FROM, "SECONDS", 0, "diff: this moment of a recording, since its begin", 3},
	{"to", KEY_TO, "SECONDS", 0, "diff: and this one; replay: stop there", 3},
	{NULL, 0, NULL, 0, "Seldom needed:", 4},
	{"buffer", KEY_BUFFER, "SIZE", 0,
	 "Ring buffer between kernel and collector, such as 64M; 4K to 1G, rounded up to a power "
	 "of two; default 32M",
	 4},
	{"reconcile", KEY_RECONCILE, "MS", 0,
	 "Compare with the page table every MS milliseconds, whatever it costs; default: every "
	 "5000, or less often to stay under 1% of one CPU",
	 4},
	{"stack-rate", KEY_STACK_RATE, "N", 0,
	 "Take the call stacks of at most N page faults a second, and of one in so many beyond; "
	 "0 to 10000000, 0: of none; default 20000",
	 4},
	{"stack-bytes", KEY_STACK_BYTES, "SIZE", 0,
	 "How much of a call stack is copied, 1K to 60K; default 16K. 0: no stacks at all", 4},
	{"verbose", 'v', NULL, 0, "Print what libbpf and the kernel's verifier say", 4},
	{"omit-program", KEY_OMIT, "NAME", OPTION_HIDDEN,
	 "Leave a BPF program out, to see what is lost without it", 4},
	{"version", 'V', NULL, 0, "Print the version and exit", 5},
	{"help", '?', NULL, 0, "Print this help and exit", 5},
	{0},
};

static const char doc[] =
	"Says what grows in the memory of running processes, page by page.\n\n"
	"  tidemark top    full-screen dashboard\n"
	"  tidemark watch  the same as lines, for pipes and logs\n"
	"  tidemark record to a file, for later\n"
	"  tidemark replay such a file, as watch would have shown it\n"
	"  tidemark info   what is in such a file\n"
	"  tidemark diff   what changed between two files, or two moments of one\n"
	"\v"
	"A command after -- is watched from its first instruction, and is sent SIGTERM when "
	"tidemark ends first. Processes given by -p and -n are never signalled.\n\n"
	"Exit codes:\n"
	"  0   done: what was watched has ended, or --for, q, SIGINT or SIGTERM ended it\n"
	"  1   no such process or command, or it could not be watched\n"
	"  2   not possible here: no root, no BPF, a kernel without what is needed, no terminal\n"
	"  64  the command line cannot be used\n";

static const char args_doc[] =
	"top|watch|record [-- COMMAND [ARG...]]\nreplay|info FILE\ndiff FILE [FILE]";

struct parse {
	struct options *options;
	const char *version;
	bool has_command;
	bool has_format;
	bool failed;
	bool done;
};

__attribute__((format(printf, 2, 3))) static error_t complain(struct parse *parse,
							      const char *format, ...)
{
	char text[384], clean[CLEAN_TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (!parse->failed)
		log_error("%s", clean_text(text, clean));
	parse->failed = true;
	return EINVAL;
}

/* A whole decimal number in a range. */
static int parse_number(const char *text, unsigned long min, unsigned long max,
			unsigned long *number)
{
	unsigned long value;
	char *end;

	if (!*text || text[strspn(text, "0123456789")])
		return -EINVAL;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || value < min || value > max)
		return -EINVAL;
	*number = value;
	return 0;
}

static error_t parse_unsigned(struct parse *parse, const char *option, const char *text,
			      unsigned int min, unsigned int max, unsigned int *out)
{
	unsigned long number;

	if (parse_number(text, min, max, &number))
		return complain(parse, "%s '%s': give a whole number from %u to %u", option, text,
				min, max);
	*out = (unsigned int)number;
	return 0;
}

/* Bytes with an optional K, M or G. */
static int parse_size(const char *text, size_t min, size_t max, size_t *out)
{
	static const struct {
		const char *suffix;
		unsigned int shift;
	} suffixes[] = {{"", 0}, {"K", 10}, {"k", 10}, {"M", 20}, {"m", 20}, {"G", 30}, {"g", 30}};
	size_t digits = strspn(text, "0123456789");
	unsigned long number;
	char copy[24];

	for (size_t i = 0;
	     digits && digits < sizeof(copy) && i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		if (strcmp(text + digits, suffixes[i].suffix))
			continue;
		snprintf(copy, sizeof(copy), "%.*s", (int)digits, text);
		if (parse_number(copy, 1, max >> suffixes[i].shift, &number) ||
		    number << suffixes[i].shift < min)
			break;
		*out = number << suffixes[i].shift;
		return 0;
	}
	return -EINVAL;
}

static error_t parse_buffer(struct parse *parse, const char *text)
{
	if (parse_size(text, LIVE_BUFFER_MIN, LIVE_BUFFER_MAX, &parse->options->buffer_bytes))
		return complain(parse, "--buffer '%s': give a size from 4K to 1G, such as 64M",
				text);
	return 0;
}

/* The kernel side copies whole words. */
static error_t parse_stack_bytes(struct parse *parse, const char *text)
{
	size_t *bytes = &parse->options->stack_bytes;

	if (!strcmp(text, "0"))
		*bytes = 0;
	else if (parse_size(text, SNAPSHOT_BYTES_MIN, SNAPSHOT_BYTES_MAX, bytes))
		return complain(
			parse, "--stack-bytes '%s': give a size from 1K to 60K, or 0 for no stacks",
			text);
	*bytes -= *bytes % sizeof(uint64_t);
	return 0;
}

static void print_formats(void)
{
	for (size_t i = 0; i < export_format_count; i++)
		printf("  %-8s %s%s\n", export_formats[i].name, export_formats[i].help,
		       export_formats[i].by_default ? " (default)" : "");
}

static error_t add_formats(struct parse *parse, const char *text)
{
	char names[128];

	if (!strcmp(text, "help") || !strcmp(text, "list")) {
		print_formats();
		parse->done = true;
		return ECANCELED;
	}
	parse->has_format = true;
	if (export_formats_add(text, &parse->options->formats))
		return complain(parse, "--format '%s': give one or more of %s, with commas", text,
				export_formats_text(names, sizeof(names)));
	return 0;
}

static error_t add_pid(struct parse *parse, const char *text)
{
	struct options *options = parse->options;
	unsigned int pid = 0;
	error_t rc = parse_unsigned(parse, "-p", text, 1, 4194304, &pid); /* PID_MAX_LIMIT */

	if (rc)
		return rc;
	if (options->pid_count == OPTIONS_LIST_MAX)
		return complain(parse, "-p: at most %d processes", OPTIONS_LIST_MAX);
	options->pids[options->pid_count++] = pid;
	return 0;
}

static error_t add_name(struct parse *parse, const char *text)
{
	struct options *options = parse->options;

	if (!*text || strlen(text) >= EVENT_COMM_LEN)
		return complain(parse,
				"-n '%s': a command name has 1 to 15 bytes, as in /proc/PID/comm",
				text);
	if (options->name_count == OPTIONS_LIST_MAX)
		return complain(parse, "-n: at most %d names", OPTIONS_LIST_MAX);
	options->names[options->name_count++] = text;
	return 0;
}

static bool is_same(const struct invocation_spec *a, const struct invocation_spec *b)
{
	return a->kind == b->kind && !strcmp(a->binary, b->binary) &&
	       !strcmp(a->provider, b->provider) && !strcmp(a->begin, b->begin) &&
	       !strcmp(a->end, b->end);
}

static error_t add_invocation(struct parse *parse, const char *text)
{
	struct options *options = parse->options;
	struct invocation_spec *spec = &options->invocations[options->invocation_count];
	char why[256];

	if (options->invocation_count == INVOCATION_SPECS_MAX)
		return complain(parse, "--invocation: at most %d of them", INVOCATION_SPECS_MAX);
	if (invocation_spec_parse(text, spec, why, sizeof(why)))
		return complain(parse, "--invocation '%.100s': %s", text, why);
	for (size_t i = 0; i < options->invocation_count; i++)
		if (is_same(&options->invocations[i], spec))
			return complain(parse, "--invocation '%.100s': given twice", text);
	options->invocation_count++;
	return 0;
}

static error_t parse_max_size(struct parse *parse, const char *text)
{
	size_t bytes;

	if (parse_size(text, RECORDING_MAX_BYTES_MIN, (size_t)1 << 50, &bytes))
		return complain(parse, "--max-size '%s': give a size of 1M or more, such as 100M",
				text);
	parse->options->recording_bytes = bytes;
	return 0;
}

static error_t parse_moment(struct parse *parse, const char *option, const char *text,
			    double *seconds)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !(value >= 0) || value > DURATION_S_MAX)
		return complain(parse, "%s '%s': give seconds since the recording began", option,
				text);
	*seconds = value;
	return 0;
}

static const struct {
	const char *name;
	enum command command;
	size_t files; /* at most */
} commands[] = {
	{"top", COMMAND_TOP, 0},       {"watch", COMMAND_WATCH, 0}, {"record", COMMAND_RECORD, 0},
	{"replay", COMMAND_REPLAY, 1}, {"info", COMMAND_INFO, 1},   {"diff", COMMAND_DIFF, 2},
};

static error_t add_file(struct parse *parse, const char *text)
{
	struct options *options = parse->options;

	if (options->file_count == commands[options->command].files)
		return complain(parse, "'%s' is too much: a command to run comes after --", text);
	options->files[options->file_count++] = text;
	return 0;
}

static error_t parse_command(struct parse *parse, const char *text)
{
	if (parse->has_command)
		return add_file(parse, text);
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		if (strcmp(text, commands[i].name))
			continue;
		parse->options->command = commands[i].command;
		parse->has_command = true;
		return 0;
	}
	return complain(parse, "'%s' is no command: give top or watch, see --help", text);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct parse *parse = state->input;
	struct options *options = parse->options;

	switch (key) {
	case 'p':
		return add_pid(parse, arg);
	case 'n':
		return add_name(parse, arg);
	case 'i':
		return parse_unsigned(parse, "--interval", arg, INTERVAL_MS_MIN, INTERVAL_MS_MAX,
				      &options->interval_ms);
	case KEY_FOR:
		return parse_unsigned(parse, "--for", arg, 1, DURATION_S_MAX, &options->duration_s);
	case KEY_RECONCILE:
		options->reconcile_exact = true;
		return parse_unsigned(parse, "--reconcile", arg, 10, INTERVAL_MS_MAX,
				      &options->reconcile_ms);
	case KEY_BUFFER:
		return parse_buffer(parse, arg);
	case KEY_STACK_RATE:
		return parse_unsigned(parse, "--stack-rate", arg, 0, STACK_RATE_MAX,
				      &options->stack_rate);
	case KEY_STACK_BYTES:
		return parse_stack_bytes(parse, arg);
	case KEY_CHILDREN:
		options->children = true;
		return 0;
	case KEY_EXPORT:
		options->export_path = arg;
		return *arg ? 0 : complain(parse, "--export: give a directory");
	case KEY_FORMAT:
		return add_formats(parse, arg);
	case KEY_INVOCATION:
		return add_invocation(parse, arg);
	case 'o':
		options->recording_path = arg;
		return *arg ? 0 : complain(parse, "-o: give a file");
	case KEY_MAX_SIZE:
		return parse_max_size(parse, arg);
	case KEY_REALTIME:
		options->realtime = true;
		return 0;
	case KEY_TOP:
		options->on_top = true;
		return 0;
	case KEY_FROM:
		return parse_moment(parse, "--from", arg, &options->from_s);
	case KEY_TO:
		return parse_moment(parse, "--to", arg, &options->to_s);
	case KEY_OMIT:
		options->omit_program = arg;
		return 0;
	case 'v':
		options->verbose = true;
		return 0;
	case 'V':
		printf("tidemark %s\n", parse->version);
		parse->done = true;
		return ECANCELED;
	case '?':
		argp_help(state->root_argp, stdout,
			  ARGP_HELP_USAGE | ARGP_HELP_DOC | ARGP_HELP_LONG, state->name);
		parse->done = true;
		return ECANCELED;
	case ARGP_KEY_ARG:
		return parse_command(parse, arg);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* argp would take the command's own options: what comes after -- is cut off before. */
static int split_command(int argc, char **argv, struct options *options)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--"))
			continue;
		options->argv = &argv[i + 1];
		return i;
	}
	return argc;
}

static void check_files(struct parse *parse)
{
	const struct options *options = parse->options;
	bool moments = !isnan(options->from_s) || !isnan(options->to_s);

	if (!options->file_count)
		complain(parse, "%s: give a recording", commands[options->command].name);
	else if (options->argv || options->pid_count || options->name_count)
		complain(parse, "%s reads a recording: nothing is watched",
			 commands[options->command].name);
	else if (options->recording_path)
		complain(parse, "-o: what is replayed is recorded already");
	else if (parse->has_format && !options->export_path)
		complain(parse, "--format says what to export: give --export DIR, too");
	else if (options->command == COMMAND_DIFF && (options->file_count == 2) == moments)
		complain(parse, "diff: give two recordings, or one with --from and --to");
}

static void check_complete(struct parse *parse)
{
	const struct options *options = parse->options;

	if (parse->failed || parse->done)
		return;
	if (!parse->has_command)
		complain(parse, "give top or watch, and what to watch: see --help");
	else if (options->command >= COMMAND_REPLAY)
		check_files(parse);
	else if (options->argv && !options->argv[0])
		complain(parse, "no command after --");
	else if (!options->pid_count && !options->name_count && !options->argv)
		complain(parse, "nothing to watch: give -p PID, -n NAME or -- COMMAND");
	else if (parse->has_format && !options->export_path)
		complain(parse, "--format says what to export: give --export DIR, too");
	else if (options->command == COMMAND_RECORD && !options->recording_path)
		complain(parse, "record: give -o FILE");
	else if (options->recording_bytes && !options->recording_path)
		complain(parse, "--max-size is of a recording: give -o FILE, too");
}

int options_parse(int argc, char **argv, const char *version, struct options *options, int *code)
{
	static const struct argp argp = {
		.options = option_table, .parser = parse_option, .args_doc = args_doc, .doc = doc};
	struct parse parse = {.options = options, .version = version};
	char *end = NULL;
	int count, rc;

	*options = (struct options){
		.interval_ms = INTERVAL_MS_DEFAULT,
		.reconcile_ms = RECONCILE_MS_DEFAULT,
		.buffer_bytes = LIVE_BUFFER_DEFAULT,
		.stack_bytes = SNAPSHOT_BYTES_DEFAULT,
		.stack_rate = LIVE_STACK_RATE_DEFAULT,
		.from_s = NAN,
		.to_s = NAN,
	};
	count = split_command(argc, argv, options);
	if (count < argc) {
		end = argv[count];
		argv[count] = NULL;
	}
	/* one line for an unknown option: argp's own has three */
	rc = argp_parse(&argp, count, argv, ARGP_NO_HELP | ARGP_NO_ERRS, NULL, &parse);
	if (end)
		argv[count] = end;
	if (rc && !parse.failed && !parse.done)
		complain(&parse, "an option is unknown, ambiguous or lacks its value: see --help");
	check_complete(&parse);
	if (!options->formats)
		options->formats = export_formats_default();
	*code = parse.failed ? EXIT_BAD_USAGE : EXIT_DONE;
	return parse.failed || parse.done;
}
