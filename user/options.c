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

#include "user/base/clean_text.h"
#include "user/base/log.h"
#include "user/option_values.h"
#include "user/source/live.h"
#include "user/source/recording_writer.h"
#include "user/view/export_format.h"

#define INTERVAL_MS_DEFAULT 1000
#define INTERVAL_MS_MIN 50
#define INTERVAL_MS_MAX 3600000
#define RECONCILE_MS_DEFAULT 5000
#define DURATION_S_MAX (366 * 86400)
#define STACK_RATE_MAX 10000000
#define HEAP_SECONDS_DEFAULT 30
#define CHECK_SECONDS_DEFAULT 60 /* of what is attached to; a command's end is waited for */
#define CHECK_INTERVAL_MS 250	 /* of a command that may end at any time */
#define CHECK_REPORTS 60	 /* made in that time, if no interval is given */

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
	KEY_HEAP,
	KEY_HEAP_TRACKED,
	KEY_HEAP_PROBE,
	KEY_MAX_GROWTH,
	KEY_MAX_PER_INVOCATION,
	KEY_MAX_RETAINED,
	KEY_FAIL_ON,
	KEY_JSON,
	KEY_OMIT,
	KEY_MAX_SIZE,
	KEY_REALTIME,
	KEY_TOP,
	KEY_FROM,
	KEY_TO,
};

static const struct {
	const char *word, *help;
} commands[COMMAND_COUNT] = {
#define X(name, word, help) [COMMAND_##name] = {word, help},
	COMMANDS(X)
#undef X
};

#define ONLY(command) (1U << COMMAND_##command)

/* They read recordings: nothing is watched. */
#define READERS (ONLY(REPLAY) | ONLY(INFO) | ONLY(DIFF))
#define WATCHERS (ONLY(TOP) | ONLY(WATCH) | ONLY(HEAP) | ONLY(CHECK) | ONLY(RECORD))

/* Options that not every command takes. */
static const struct {
	int key;
	uint32_t commands; /* bit 1 << enum command */
} restricted[] = {
	{KEY_HEAP, ONLY(TOP) | ONLY(WATCH) | ONLY(CHECK) | ONLY(RECORD)},
	{KEY_MAX_GROWTH, ONLY(CHECK)},
	{KEY_MAX_PER_INVOCATION, ONLY(CHECK)},
	{KEY_MAX_RETAINED, ONLY(CHECK)},
	{KEY_FAIL_ON, ONLY(CHECK)},
	{KEY_JSON, ONLY(CHECK)},
	{'p', WATCHERS},
	{'n', WATCHERS},
	{KEY_CHILDREN, WATCHERS},
	{KEY_INVOCATION, WATCHERS},
	{'o', WATCHERS},
	{KEY_MAX_SIZE, WATCHERS},
	{KEY_EXPORT, WATCHERS | ONLY(REPLAY)},
	{KEY_REALTIME, ONLY(REPLAY)},
	{KEY_TOP, ONLY(REPLAY)},
	{KEY_FROM, ONLY(DIFF)},
	{KEY_TO, ONLY(REPLAY) | ONLY(DIFF)},
};

static const struct argp_option option_table[] = {
	{NULL, 0, NULL, 0, "What to watch (any number of each; at least one):", 1},
	{"pid", 'p', "PID", 0, "A running process", 1},
	{"name", 'n', "NAME", 0,
	 "Every process with this command name (at most 15 bytes, as in /proc/PID/comm), now "
	 "running or started later",
	 1},
	{"children", KEY_CHILDREN, NULL, 0,
	 "Also what they fork from now on; check does so for its COMMAND", 1},
	{NULL, 0, NULL, 0, "How:", 2},
	{"interval", 'i', "MS", 0, "Report every MS milliseconds, 50 to 3600000; default 1000", 2},
	{"for", KEY_FOR, "TIME", 0,
	 "Stop after that time, such as 30s, 5m, 2h or a number of seconds; default: when nothing "
	 "is left; heap: 30s; check of a running process: 60s",
	 2},
	{"heap", KEY_HEAP, NULL, 0,
	 "Follow allocations from the start, by probes in the allocator: which pages are live, "
	 "fragmented or free. Costs about 1 us per call",
	 2},
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
	{NULL, 0, NULL, 0, "What check holds against (default: --fail-on leak):", 3},
	{"max-growth", KEY_MAX_GROWTH, "SIZE/TIME", 0,
	 "Growth of RSS, such as 10MB/h or 64KiB/s, that is still within", 3},
	{"max-per-invocation", KEY_MAX_PER_INVOCATION, "SIZE", 0,
	 "What each --invocation may leave, such as 4KiB", 3},
	{"max-retained", KEY_MAX_RETAINED, "SIZE", 0,
	 "Retained pages at the end: first touched in an earlier interval and still there", 3},
	{"fail-on", KEY_FAIL_ON, "LIST", 0,
	 "Verdicts to fail on, such as leak,idle-retention; leak is live-growth. --fail-on help "
	 "lists them",
	 3},
	{"json", KEY_JSON, NULL, 0, "Print an array with an object per process, not text", 3},
	{NULL, 0, NULL, 0, "Recordings:", 4},
	{"output", 'o', "FILE", 0,
	 "Record to FILE as well, for replay, info and diff; a file of that name becomes "
	 "FILE.old",
	 4},
	{"max-size", KEY_MAX_SIZE, "SIZE", 0,
	 "Keep what is newest in so much room on disk, such as 100M; 1M or more; default: all", 4},
	{"realtime", KEY_REALTIME, NULL, 0, "Replay as fast as it went; default: at full speed", 4},
	{"top", KEY_TOP, NULL, 0, "Replay in the dashboard; default: as lines", 4},
	{"from", KEY_FROM, "SECONDS", 0, "diff: this moment of a recording, since its begin", 4},
	{"to", KEY_TO, "SECONDS", 0, "diff: and this one; replay: stop there", 4},
	{NULL, 0, NULL, 0, "Seldom needed:", 5},
	{"buffer", KEY_BUFFER, "SIZE", 0,
	 "Ring buffer between kernel and collector, such as 64M; 4K to 1G, rounded up to a power "
	 "of two; default 32M",
	 5},
	{"reconcile", KEY_RECONCILE, "MS", 0,
	 "Compare with the page table every MS milliseconds, whatever it costs; default: every "
	 "5000, or less often to stay under 1% of one CPU",
	 5},
	{"stack-rate", KEY_STACK_RATE, "N", 0,
	 "Take the call stacks of at most N page faults a second, and of one in so many beyond; "
	 "0 to 10000000, 0: of none; default 20000",
	 5},
	{"stack-bytes", KEY_STACK_BYTES, "SIZE", 0,
	 "How much of a call stack is copied, 1K to 60K; default 16K. 0: no stacks at all", 5},
	{"heap-probe", KEY_HEAP_PROBE, "NAME=BINARY+0xOFFSET", 0,
	 "Where a function of the allocator is, such as malloc=server+0x12340, in a stripped "
	 "static program; up to 32 times",
	 5},
	{"heap-tracked", KEY_HEAP_TRACKED, "N", 0,
	 "Allocations tracked at most by heap evidence, 1024 to 268435456; beyond, those of one "
	 "page in so many; default 4194304",
	 5},
	{"verbose", 'v', NULL, 0, "Print what libbpf and the kernel's verifier say", 5},
	{"omit-program", KEY_OMIT, "NAME", OPTION_HIDDEN,
	 "Leave a BPF program out, to see what is lost without it", 5},
	{"version", 'V', NULL, 0, "Print the version and exit", 6},
	{"help", '?', NULL, 0, "Print this help and exit", 6},
	{NULL, 'h', NULL, OPTION_HIDDEN, "The same", 6},
	{0},
};

static const char doc[] =
	"Says what grows in the memory of running processes, page by page, and why.\n\n"
#define X(name, word, help) "  tidemark " word ": " help "\n"
	COMMANDS(X)
#undef X
		"\v"
		"A command after -- is watched from its first instruction, and is sent SIGTERM "
		"when "
		"tidemark ends first. Processes given by -p and -n are never signalled.\n\n"
		"Exit codes:\n"
		"  0   done: what was watched has ended, or --for, q, SIGINT or SIGTERM ended it\n"
		"  1   no such process or command, or it could not be watched\n"
		"  2   not possible here: no root, no BPF, a kernel without what is needed, no "
		"terminal\n"
		"  64  the command line cannot be used\n"
		"check exits with 0 (within), 1 (over a limit) or 2 (could not be judged).\n";

static const char args_doc[] =
	"top|watch|heap|check|record [-- COMMAND [ARG...]]\nreplay|info FILE\ndiff FILE [FILE]";

struct parse {
	struct options *options;
	const char *version;
	bool has_command;
	bool has_format;
	bool has_interval;
	uint32_t given; /* bit i: restricted[i] */
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

static error_t parse_unsigned(struct parse *parse, const char *option, const char *text,
			      unsigned int min, unsigned int max, unsigned int *out)
{
	unsigned long number;

	if (option_number(text, min, max, &number))
		return complain(parse, "%s '%s': give a whole number from %u to %u", option, text,
				min, max);
	*out = (unsigned int)number;
	return 0;
}

static error_t parse_limit(struct parse *parse, const char *option, const char *text, double *out)
{
	if (option_bytes(text, out))
		return complain(parse, "%s '%s': give a size, such as 4KiB or 100MB", option, text);
	return 0;
}

static error_t parse_rate(struct parse *parse, const char *text)
{
	if (option_rate(text, &parse->options->limits.growth_per_hour))
		return complain(
			parse, "--max-growth '%s': give a size per time, such as 10MB/h or 64KiB/s",
			text);
	return 0;
}

static error_t parse_duration(struct parse *parse, const char *text)
{
	if (option_seconds(text, DURATION_S_MAX, &parse->options->duration_s))
		return complain(parse, "--for '%s': give a time from 1s to 366d, such as 30s or 5m",
				text);
	return 0;
}

static error_t print_verdicts(struct parse *parse)
{
	for (unsigned int kind = 0; kind < VERDICT_COUNT; kind++)
		printf("  %-15s %s: %s\n", verdict_word(kind), verdict_title(kind),
		       verdict_text(kind));
	parse->done = true;
	return ECANCELED;
}

static error_t parse_fail_on(struct parse *parse, const char *text)
{
	char words[256], *rest = words, *word;

	if (!strcmp(text, "help") || !strcmp(text, "list"))
		return print_verdicts(parse);

	if ((size_t)snprintf(words, sizeof(words), "%s", text) >= sizeof(words))
		return complain(parse, "--fail-on: the list is too long");
	while ((word = strsep(&rest, ","))) {
		int kind = strcmp(word, "leak") ? verdict_find(word) : VERDICT_LIVE_GROWTH;

		if (kind < 0)
			return complain(parse,
					"--fail-on '%s': give verdicts with commas, such as "
					"leak,idle-retention; --fail-on help lists them",
					word);
		parse->options->limits.fail_on |= 1U << kind;
	}
	return 0;
}

static error_t parse_tracked(struct parse *parse, const char *text)
{
	unsigned int number = 0;
	error_t rc =
		parse_unsigned(parse, "--heap-tracked", text, HEAP_TRACKED_MIN, 1U << 28, &number);

	if (!rc)
		parse->options->heap_tracked = number;
	return rc;
}

static error_t parse_buffer(struct parse *parse, const char *text)
{
	if (option_size(text, LIVE_BUFFER_MIN, LIVE_BUFFER_MAX, &parse->options->buffer_bytes))
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
	else if (option_size(text, SNAPSHOT_BYTES_MIN, SNAPSHOT_BYTES_MAX, bytes))
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

static error_t add_heap_spec(struct parse *parse, const char *text)
{
	struct options *options = parse->options;
	char why[256];

	if (options->heap_spec_count == HEAP_SPECS_MAX)
		return complain(parse, "--heap-probe: at most %d of them", HEAP_SPECS_MAX);
	if (heap_spec_parse(text, &options->heap_specs[options->heap_spec_count], why, sizeof(why)))
		return complain(parse, "--heap-probe '%.100s': %s", text, why);
	options->heap_spec_count++;
	return 0;
}

static error_t parse_max_size(struct parse *parse, const char *text)
{
	size_t bytes;

	if (option_size(text, RECORDING_MAX_BYTES_MIN, (size_t)1 << 50, &bytes))
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

static bool is_reader(enum command command)
{
	return READERS >> command & 1;
}

static error_t add_file(struct parse *parse, const char *text)
{
	struct options *options = parse->options;
	size_t most = options->command == COMMAND_DIFF ? 2 : is_reader(options->command);

	if (options->file_count == most)
		return complain(parse,
				most ? "'%s' is too much: see --help"
				     : "'%s' is too much: a command to run comes after --",
				text);
	options->files[options->file_count++] = text;
	return 0;
}

#define COMMAND_WORDS "top, watch, heap, check or record, or replay, info or diff of a recording"

static error_t parse_command(struct parse *parse, const char *text)
{
	if (parse->has_command)
		return add_file(parse, text);
	for (int i = 0; i < COMMAND_COUNT; i++) {
		if (strcmp(text, commands[i].word))
			continue;
		parse->options->command = (enum command)i;
		parse->has_command = true;
		return 0;
	}
	return complain(parse, "'%s' is no command: give " COMMAND_WORDS ", see --help", text);
}

static error_t print_help(struct parse *parse, const struct argp_state *state)
{
	argp_help(state->root_argp, stdout, ARGP_HELP_USAGE | ARGP_HELP_DOC | ARGP_HELP_LONG,
		  state->name);
	parse->done = true;
	return ECANCELED;
}

/* getopt has gone past what it did not take. */
static error_t parse_failed(struct parse *parse, const struct argp_state *state)
{
	if (!parse->failed && !parse->done && state->next > 1 && state->next <= state->argc)
		complain(parse,
			 "'%.64s' is no option, may be several, or lacks its value: see --help",
			 state->argv[state->next - 1]);
	return 0;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct parse *parse = state->input;
	struct options *options = parse->options;

	for (size_t i = 0; i < sizeof(restricted) / sizeof(*restricted); i++)
		if (restricted[i].key == key)
			parse->given |= 1U << i;
	switch (key) {
	case 'p':
		return add_pid(parse, arg);
	case 'n':
		return add_name(parse, arg);
	case 'i':
		parse->has_interval = true;
		return parse_unsigned(parse, "--interval", arg, INTERVAL_MS_MIN, INTERVAL_MS_MAX,
				      &options->interval_ms);
	case KEY_FOR:
		return parse_duration(parse, arg);
	case KEY_HEAP:
		options->heap = true;
		return 0;
	case KEY_HEAP_TRACKED:
		return parse_tracked(parse, arg);
	case KEY_HEAP_PROBE:
		return add_heap_spec(parse, arg);
	case KEY_MAX_GROWTH:
		return parse_rate(parse, arg);
	case KEY_MAX_PER_INVOCATION:
		return parse_limit(parse, "--max-per-invocation", arg,
				   &options->limits.per_invocation);
	case KEY_MAX_RETAINED:
		return parse_limit(parse, "--max-retained", arg, &options->limits.retained);
	case KEY_FAIL_ON:
		return parse_fail_on(parse, arg);
	case KEY_JSON:
		options->json = true;
		return 0;
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
	case 'h':
		return print_help(parse, state);
	case ARGP_KEY_ARG:
		if (!parse->has_command && !strcmp(arg, "help"))
			return print_help(parse, state);
		return parse_command(parse, arg);
	case ARGP_KEY_ERROR:
		return parse_failed(parse, state);
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

/* The first option given that this command does not take. */
static void check_restricted(struct parse *parse)
{
	for (size_t i = 0; i < sizeof(restricted) / sizeof(*restricted); i++) {
		const struct argp_option *row = option_table;

		if (!(parse->given >> i & 1) ||
		    restricted[i].commands >> parse->options->command & 1)
			continue;
		while (row->key != restricted[i].key)
			row++;
		complain(parse, "--%s is not for '%s': see --help", row->name,
			 commands[parse->options->command].word);
	}
}

/* What depends on the command, where nothing was given. */
static void set_defaults(const struct parse *parse)
{
	struct options *options = parse->options;
	struct check_limits *limits = &options->limits;

	if (options->command == COMMAND_HEAP) {
		options->heap = true;
		if (!options->duration_s)
			options->duration_s = HEAP_SECONDS_DEFAULT;
	}
	if (options->command != COMMAND_CHECK)
		return;
	/* a shell, sudo or a script that runs it is not what is to be judged */
	options->children |= options->argv != NULL;
	if (!options->duration_s && !options->argv)
		options->duration_s = CHECK_SECONDS_DEFAULT;
	if (!parse->has_interval && !options->duration_s)
		options->interval_ms = CHECK_INTERVAL_MS;
	if (!parse->has_interval && options->duration_s &&
	    options->duration_s * 1000 / CHECK_REPORTS < options->interval_ms) {
		options->interval_ms = options->duration_s * 1000 / CHECK_REPORTS;
		if (options->interval_ms < INTERVAL_MS_MIN)
			options->interval_ms = INTERVAL_MS_MIN;
	}
	if (isnan(limits->growth_per_hour) && isnan(limits->per_invocation) &&
	    isnan(limits->retained) && !limits->fail_on)
		limits->fail_on = 1U << VERDICT_LIVE_GROWTH;
}

static void check_files(struct parse *parse)
{
	const struct options *options = parse->options;
	bool moments = !isnan(options->from_s) || !isnan(options->to_s);

	if (!options->file_count)
		complain(parse, "%s: give a recording", commands[options->command].word);
	else if (options->argv)
		complain(parse, "%s reads a recording: nothing is watched",
			 commands[options->command].word);
	else if (parse->has_format && !options->export_path)
		complain(parse, "--format says what to export: give --export DIR, too");
	else if (options->command == COMMAND_DIFF && (options->file_count == 2) == moments)
		complain(parse, "diff: give two recordings, or one with --from and --to");
	else
		check_restricted(parse);
}

static void check_complete(struct parse *parse)
{
	const struct options *options = parse->options;

	if (parse->failed || parse->done)
		return;
	if (!parse->has_command)
		complain(parse, "give " COMMAND_WORDS ": see --help");
	else if (is_reader(options->command))
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
	else if (!isnan(options->limits.per_invocation) && !options->invocation_count)
		complain(parse, "--max-per-invocation needs to know what one is: give "
				"--invocation, too");
	else
		check_restricted(parse);
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
		.heap_tracked = HEAP_TRACKED_DEFAULT,
		.limits = {.growth_per_hour = NAN, .per_invocation = NAN, .retained = NAN},
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
	set_defaults(&parse);
	if (!options->formats)
		options->formats = export_formats_default();
	*code = parse.failed ? EXIT_BAD_USAGE : EXIT_DONE;
	return parse.failed || parse.done;
}
