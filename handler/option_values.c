#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "handler/option_values.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum generator_key {
	/* Beyond the characters, and beyond what the parsers above it number from 256. */
	KEY_RECORDS = 1024,
	KEY_PAYLOAD,
	KEY_MALFORMED,
	KEY_SEED,
};

static const struct argp_option generator_table[] = {
	{"records", KEY_RECORDS, "N", 0, "Records in an event; default 10", 1},
	{"payload", KEY_PAYLOAD, "BYTES", 0,
	 "Length of the free text in an order: N for always N, MIN-MAX for uniformly between them; "
	 "0 to 3800, so that a body with its other fields (about 130 bytes) stays below 4096; "
	 "default 100-700",
	 1},
	{"malformed", KEY_MALFORMED, "PERCENT", 0,
	 "Share of records with an empty, absent or malformed body, such as 0.5; default 1", 1},
	{"seed", KEY_SEED, "N", 0, "The same seed makes the same events; default 1", 1},
	{0},
};

error_t complain(struct complaint *complaint, const char *format, ...)
{
	va_list arguments;

	if (complaint->made)
		return EINVAL;
	complaint->made = true;
	fprintf(complaint->err, "%s: ", program_invocation_short_name);
	va_start(arguments, format);
	vfprintf(complaint->err, format, arguments);
	va_end(arguments);
	fputc('\n', complaint->err);
	return EINVAL;
}

int number_scan(const char *text, const char **end, uint64_t *number)
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

error_t number_parse(struct complaint *complaint, const char *option, const char *text,
		     uint64_t min, uint64_t max, uint64_t *number)
{
	const char *end = "";
	uint64_t value = 0;

	if (number_scan(text, &end, &value) || *end || value < min || value > max)
		return complain(complaint,
				"--%s %s cannot be used: give a whole number from %ju to %ju",
				option, text, (uintmax_t)min, (uintmax_t)max);

	*number = value;
	return 0;
}

error_t number_option_parse(struct complaint *complaint, const struct number_option *options,
			    size_t count, int key, const char *text, void *values)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t number;
		error_t error;

		if (options[i].key != key)
			continue;
		error = number_parse(complaint, options[i].name, text, options[i].min,
				     options[i].max, &number);
		if (!error)
			memcpy((char *)values + options[i].offset, &number, sizeof(number));
		return error;
	}
	return ARGP_ERR_UNKNOWN;
}

error_t refusal_explain(struct complaint *complaint, const struct argp_state *state)
{
	return complain(complaint,
			"'%s' is no option, is ambiguous, or its value is missing or too many: see "
			"--help for the options",
			state->argv[state->next - 1]);
}

int command_line_parse(const struct argp *parser, int argc, char **argv, unsigned int flags,
		       void *input, const bool *help, FILE *out)
{
	error_t error;

	/* in case argp exits after all: only main() is to */
	argp_err_exit_status = EX_USAGE;
	error = argp_parse(parser, argc, argv, flags | ARGP_NO_ERRS | ARGP_NO_HELP, NULL, input);
	if (error)
		return error == ENOMEM ? -ENOMEM : -EINVAL;
	if (!*help)
		return 0;
	argp_help(parser, out, ARGP_HELP_STD_HELP & ~ARGP_HELP_EXIT_OK,
		  program_invocation_short_name);
	return 1;
}

static error_t payload_parse(const struct generator_input *input, const char *text)
{
	uint64_t min = 0, max = 0;
	const char *end = "";
	int err = number_scan(text, &end, &min);

	max = min;
	if (!err && *end == '-')
		err = number_scan(end + 1, &end, &max);
	if (err || *end || min > max || max > GENERATOR_PAYLOAD_MAX)
		return complain(input->complaint,
				"--payload %s cannot be used: give N or MIN-MAX, with bytes from 0 "
				"to %d",
				text, GENERATOR_PAYLOAD_MAX);

	input->generator->payload_min = min;
	input->generator->payload_max = max;
	return 0;
}

int decimal_scan(const char *text, double *number)
{
	char *end;
	double value = strtod(text, &end);

	/* strtod also takes blanks, nan, infinity and hexadecimal numbers. */
	if (end == text || *end || text[strspn(text, "0123456789.")] || !isfinite(value))
		return -EINVAL;
	*number = value;
	return 0;
}

static error_t malformed_parse(const struct generator_input *input, const char *text)
{
	double percent;

	if (decimal_scan(text, &percent) || percent > 100)
		return complain(input->complaint,
				"--malformed %s cannot be used: give a percentage from 0 to 100",
				text);

	input->generator->malformed_percent = percent;
	return 0;
}

static error_t generator_parse(int key, char *text, struct argp_state *state)
{
	const struct generator_input *input = state->input;

	switch (key) {
	case KEY_RECORDS:
		return number_parse(input->complaint, "records", text, 1, 10000,
				    &input->generator->records);
	case KEY_SEED:
		return number_parse(input->complaint, "seed", text, 0, UINT64_MAX,
				    &input->generator->seed);
	case KEY_PAYLOAD:
		return payload_parse(input, text);
	case KEY_MALFORMED:
		return malformed_parse(input, text);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp generator_argp = {.options = generator_table, .parser = generator_parse};
