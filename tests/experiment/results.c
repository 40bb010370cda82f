/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/experiment/results.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/experiment/table.h"
#include "user/base/cleanup.h"
#include "user/view/csv.h"

#define RUNS_MAX 64

/* Copies the text, cut to fit. */
#define SET(field, text) snprintf(field, sizeof(field), "%s", text)

static struct cell *cell_add(struct results *results)
{
	if (results->count == results->capacity) {
		results->capacity = results->capacity ? results->capacity * 2 : 256;
		results->cells =
			reallocarray(results->cells, results->capacity, sizeof(*results->cells));
		if (!results->cells) {
			fprintf(stderr, "experiment: out of memory\n");
			exit(EXIT_FAILURE);
		}
	}
	return &results->cells[results->count++];
}

void results_text(const struct sink *sink, const char *measure, const char *text)
{
	struct cell *cell = cell_add(sink->results);

	SET(cell->scenario, sink->scenario);
	SET(cell->measure, measure);
	SET(cell->value, text);
	cell->run = sink->run;
}

void results_number(const struct sink *sink, const char *measure, double value)
{
	char text[32];

	if (isnan(value))
		return;
	snprintf(text, sizeof(text), "%.10g", value);
	results_text(sink, measure, text);
}

void results_free(struct results *results)
{
	free(results->cells);
	*results = (struct results){0};
}

const char *results_find(const struct results *results, const char *scenario, unsigned int run,
			 const char *measure)
{
	for (size_t i = 0; i < results->count; i++) {
		const struct cell *cell = &results->cells[i];

		if (cell->run == run && !strcmp(cell->measure, measure) &&
		    !strcmp(cell->scenario, scenario))
			return cell->value;
	}
	return NULL;
}

unsigned int results_runs(const struct results *results, const char *scenario, const char *state)
{
	unsigned int runs = 0;

	for (size_t i = 0; i < results->count; i++) {
		const struct cell *cell = &results->cells[i];

		runs += !strcmp(cell->scenario, scenario) && !strcmp(cell->measure, "state") &&
			(!state || !strcmp(cell->value, state));
	}
	return runs;
}

static bool cell_counts(const struct results *results, const struct cell *cell)
{
	const char *state = results_find(results, cell->scenario, cell->run, "state");

	return !state || strcmp(state, STATE_FAILED) != 0;
}

static int number_compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

/* In order; how many. */
static size_t numbers_sorted(const struct results *results, const char *scenario,
			     const char *measure, double numbers[RUNS_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < results->count && count < RUNS_MAX; i++) {
		const struct cell *cell = &results->cells[i];
		char *end;

		if (strcmp(cell->measure, measure) || strcmp(cell->scenario, scenario) ||
		    !cell_counts(results, cell))
			continue;
		numbers[count] = strtod(cell->value, &end);
		count += end != cell->value && !*end;
	}
	qsort(numbers, count, sizeof(*numbers), number_compare);
	return count;
}

double results_median(const struct results *results, const char *scenario, const char *measure)
{
	double numbers[RUNS_MAX];
	size_t count = numbers_sorted(results, scenario, measure, numbers);

	return count ? (numbers[(count - 1) / 2] + numbers[count / 2]) / 2 : NAN;
}

double results_least(const struct results *results, const char *scenario, const char *measure)
{
	double numbers[RUNS_MAX];

	return numbers_sorted(results, scenario, measure, numbers) ? numbers[0] : NAN;
}

double results_greatest(const struct results *results, const char *scenario, const char *measure)
{
	double numbers[RUNS_MAX];
	size_t count = numbers_sorted(results, scenario, measure, numbers);

	return count ? numbers[count - 1] : NAN;
}

int results_read(const char *path, struct results *results)
{
	struct results read = {0};
	struct table table;
	int err = table_read(path, &table);

	if (err)
		return err;
	for (size_t i = 0; i < table.rows; i++) {
		const char *scenario = table_get(&table, i, "scenario");
		const char *measure = table_get(&table, i, "measure");
		const char *value = table_get(&table, i, "value");
		double run = table_number(&table, i, "run");

		if (!scenario || !measure || !value || !(run >= 0 && run <= RUNS_MAX)) {
			table_free(&table);
			results_free(&read);
			return -EBADMSG;
		}
		results_text(&(struct sink){&read, scenario, (unsigned int)run}, measure, value);
	}
	table_free(&table);
	*results = read;
	return 0;
}

int results_write(const char *path, const struct results *results)
{
	FILE *file = fopen(path, "we");
	bool failed;

	if (!file)
		return -errno;
	fputs("scenario,run,measure,value\n", file);
	for (size_t i = 0; i < results->count; i++) {
		const struct cell *cell = &results->cells[i];

		csv_put(file, cell->scenario);
		fprintf(file, ",%u,%s,", cell->run, cell->measure);
		csv_put(file, cell->value);
		fputc('\n', file);
	}
	failed = ferror(file) != 0;
	return fclose(file) || failed ? -EIO : 0;
}
