/*
 * What the command lines of the handler and of its driver share: checked values, one line of
 * complaint, and the options that say which events are made.
 */
#ifndef HANDLER_OPTION_VALUES_H
#define HANDLER_OPTION_VALUES_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "handler/generator.h"

/* One line is enough: what follows the first complaint is left out. */
struct complaint {
	FILE *err;
	bool made;
};

/* Writes the line, with the program's name before it, and returns EINVAL. */
__attribute__((format(printf, 2, 3))) error_t complain(struct complaint *complaint,
						       const char *format, ...);

/*
 * Reads decimal digits, and nothing else: strtoull would take blanks, signs and wrap negatives.
 * *end is the first byte behind them. 0, or -EINVAL or -ERANGE with the outputs untouched.
 */
int number_scan(const char *text, const char **end, uint64_t *number);

/* A whole number from min to max. 0, or EINVAL after a complaint, with *number untouched. */
error_t number_parse(struct complaint *complaint, const char *option, const char *text,
		     uint64_t min, uint64_t max, uint64_t *number);

/* An option that is a whole number: its name, where it goes, and what it may be. */
struct number_option {
	int key;
	const char *name;
	size_t offset; /* of a uint64_t */
	uint64_t min, max;
};

/*
 * Stores the number of the option with that key, if it is among count options. 0, EINVAL after a
 * complaint, or ARGP_ERR_UNKNOWN: it is none of them.
 */
error_t number_option_parse(struct complaint *complaint, const struct number_option *options,
			    size_t count, int key, const char *text, void *values);

/* What getopt refused, for ARGP_KEY_ERROR: what no parser has complained of before. EINVAL. */
error_t refusal_explain(struct complaint *complaint, const struct argp_state *state);

/*
 * Parses a command line; flags: ARGP_*, beside those that keep argp's own messages, which take two
 * lines, and its exits away. *help, which the parser sets, has the help printed to out. 0, 1 after
 * help, -EINVAL after a complaint, -ENOMEM.
 */
int command_line_parse(const struct argp *parser, int argc, char **argv, unsigned int flags,
		       void *input, const bool *help, FILE *out);

/* A number such as 12 or 0.5, and nothing else. 0, or -EINVAL with *number untouched. */
int decimal_scan(const char *text, double *number);

#define GENERATOR_DEFAULTS                                                                         \
	{                                                                                          \
		.seed = 1, .records = 10, .payload_min = 100, .payload_max = 700,                  \
		.malformed_percent = 1                                                             \
	}

/* What generator_argp takes as its input: both belong to the caller. */
struct generator_input {
	struct complaint *complaint;
	struct generator *generator;
};

/* --records, --payload, --malformed and --seed: to be a child of another parser. */
extern const struct argp generator_argp;

#endif
