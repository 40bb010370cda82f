/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/experiment/measure.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/units.h"
#include "user/verdict/trend.h"

#define MS_PER_S 1000.0
#define MB_PER_GB 1024.0

double lambda_cost(double requests, double billed_ms, double memory_mb)
{
	double gb_seconds = requests * billed_ms / MS_PER_S * memory_mb / MB_PER_GB;

	return requests * LAMBDA_USD_PER_REQUEST + gb_seconds * LAMBDA_USD_PER_GB_SECOND;
}

double lambda_billed_for(double cost_usd, double requests, double memory_mb)
{
	double gb_seconds =
		(cost_usd - requests * LAMBDA_USD_PER_REQUEST) / LAMBDA_USD_PER_GB_SECOND;

	return gb_seconds / requests * MS_PER_S * MB_PER_GB / memory_mb;
}

/* The greatest of a column, whatever its sign, in all rows but the last `less`; NAN: none. */
static double column_greatest(const struct table *table, const char *column, size_t less)
{
	double greatest = NAN;

	for (size_t i = 0; i + less < table->rows; i++)
		greatest = fmax(greatest, fabs(table_number(table, i, column)));
	return greatest;
}

/* When it was first known that memory grows with the invocations; NAN: it never was. */
static double growth_known(const struct table *series)
{
	for (size_t i = 0; i < series->rows; i++)
		if (table_number(series, i, "invocation_growth_low_bytes") > 0)
			return table_number(series, i, "time_s");
	return NAN;
}

/* Of all anonymous pages, whoever touched them first. */
static double whole_growth(const struct table *series)
{
	double *x = calloc(series->rows, sizeof(*x)), *y = calloc(series->rows, sizeof(*y));
	double slope = NAN;
	size_t count = 0;

	for (size_t i = 0; x && y && i < series->rows; i++) {
		x[count] = table_number(series, i, "invocations_total");
		y[count] = table_number(series, i, "resident_bytes");
		/* before the first one it is the start of the program that grows */
		count += x[count] > 0 && !isnan(y[count]);
	}
	if (count)
		slope = trend_slope(x, y, count);
	free(x);
	free(y);
	return slope;
}

void measure_series(const struct table *series, const struct sink *sink)
{
	static const struct {
		const char *column, *measure;
	} last[] = {
		{"invocations_total", "invocations"},
		{"invocations_unmatched_total", "unmatched"},
		{"invocation_growth_bytes", "growth_bytes"},
		{"invocation_growth_low_bytes", "growth_low_bytes"},
		{"invocation_growth_high_bytes", "growth_high_bytes"},
		{"invocation_retained_bytes", "retained_bytes"},
		{"resident_bytes", "resident_bytes"},
		{"lost_events_total", "lost_events"},
		{"repaired_pages_total", "repaired_pages"},
		{"purged_bytes_total", "purged_bytes"},
		{"returned_bytes_total", "returned_bytes"},
		{"time_s", "watched_s"},
	};

	if (!series->rows)
		return;
	for (size_t i = 0; i < sizeof(last) / sizeof(*last); i++)
		results_number(sink, last[i].measure,
			       table_number(series, series->rows - 1, last[i].column));
	/* at the last row the process is gone, and the kernel's count with it */
	results_number(sink, "unexplained_bytes", column_greatest(series, "unexplained_bytes", 1));
	results_number(sink, "growth_known_s", growth_known(series));
	results_number(sink, "whole_growth_bytes", whole_growth(series));
}

void measure_invocations(const struct table *invocations, const struct sink *sink)
{
	double pages = 0, lossy = 0;

	for (size_t i = 0; i < invocations->rows; i++) {
		const char *state = table_get(invocations, i, "state");

		if (!state || strcmp(state, "ended"))
			continue;
		pages += table_number(invocations, i, "resident_pages");
		lossy += table_number(invocations, i, "lossy");
	}
	results_number(sink, "listed", (double)invocations->rows);
	results_number(sink, "listed_resident_bytes", pages * (double)PAGE_BYTES);
	results_number(sink, "lossy_invocations", lossy);
}

/* ---- a burst, an invocation, silence, an invocation ---- */

static double given_back(const struct table *series, size_t row)
{
	return table_number(series, row, "purged_bytes_total") +
	       table_number(series, row, "returned_bytes_total");
}

/* First row at that time or later; rows: there is none. */
static size_t row_at(const struct table *series, double time_s)
{
	size_t row = 0;

	while (row < series->rows && !(table_number(series, row, "time_s") >= time_s))
		row++;
	return row;
}

/* Seconds from `begin` until half of what was kept at row `from` had gone, before row `to`. */
static double half_after(const struct table *series, size_t from, size_t to, double begin)
{
	double kept = table_number(series, from, "resident_bytes");

	for (size_t row = from; row <= to; row++)
		if (table_number(series, row, "resident_bytes") <= kept / 2)
			return table_number(series, row, "time_s") - begin;
	return NAN;
}

void measure_burst(const struct table *series, const struct table *invocations,
		   const struct sink *sink)
{
	double quiet = table_number(invocations, 0, "begin_s") +
		       table_number(invocations, 0, "duration_s");
	double busy = table_number(invocations, 1, "begin_s");
	size_t from = row_at(series, quiet), to = row_at(series, busy);

	if (!(busy > quiet) || to < from + 2 || to >= series->rows)
		return;
	to--; /* the last row of the silence */
	results_number(sink, "silence_s", busy - quiet);
	results_number(sink, "peak_bytes", column_greatest(series, "resident_bytes", 0));
	results_number(sink, "kept_at_first_bytes", table_number(series, from, "resident_bytes"));
	results_number(sink, "kept_at_last_bytes", table_number(series, to, "resident_bytes"));
	results_number(sink, "half_gone_s", half_after(series, from, to, quiet));
	results_number(sink, "back_before_bytes", given_back(series, from));
	results_number(sink, "back_in_silence_bytes",
		       given_back(series, to) - given_back(series, from));
	results_number(sink, "back_after_bytes",
		       given_back(series, series->rows - 1) - given_back(series, to));
	results_number(sink, "kept_in_the_end_bytes",
		       table_number(series, series->rows - 1, "resident_bytes"));
}

/* ---- the driver and the handler ---- */

/* "duration_ms.p99" is p99 in duration_ms. NAN: it is not there. */
static double json_path(const json_t *value, const char *path)
{
	char key[64];

	while (value && *path) {
		size_t length = strcspn(path, ".");

		snprintf(key, sizeof(key), "%.*s", (int)length, path);
		value = json_object_get(value, key);
		path += length + (path[length] == '.');
	}
	return json_is_number(value) ? json_number_value(value) : NAN;
}

struct json_measure {
	const char *path, *measure;
};

static int json_measures(const char *text, size_t length, const struct json_measure *measures,
			 size_t count, const struct sink *sink)
{
	json_t *value = json_loadb(text, length, 0, NULL);

	if (!json_is_object(value)) {
		json_decref(value);
		return -EBADMSG;
	}
	for (size_t i = 0; i < count; i++) {
		double number = json_path(value, measures[i].path);

		/* glibc's own figures, which are empty where another allocator is preloaded */
		if (number == 0 && !strncmp(measures[i].path, "allocator_stats.", 16))
			number = NAN;
		results_number(sink, measures[i].measure, number);
	}
	json_decref(value);
	return 0;
}

int measure_driver(const char *json, const struct sink *sink)
{
	static const struct json_measure measures[] = {
		{"invocations", "delivered"},
		{"succeeded", "succeeded"},
		{"failed", "failed"},
		{"failed_oom", "failed_oom"},
		{"timed_out", "timed_out"},
		{"mismatched", "mismatched"},
		{"crashes", "crashes"},
		{"instances", "instances"},
		{"cold_starts", "cold_starts"},
		{"oom_kills", "oom_kills"},
		{"invocations_per_instance", "invocations_per_instance"},
		{"reuse_percent", "reuse_percent"},
		{"duration_ms.mean", "mean_ms"},
		{"duration_ms.p50", "p50_ms"},
		{"duration_ms.p99", "p99_ms"},
		{"duration_ms.max", "max_ms"},
		{"billed_ms_mean", "billed_ms"},
		{"invocations_per_s", "rate_per_s"},
	};

	return json_measures(json, strlen(json), measures, sizeof(measures) / sizeof(*measures),
			     sink);
}

void measure_samples(const struct table *samples, unsigned int every, unsigned int last,
		     const struct sink *sink)
{
	for (size_t i = 0; i < samples->rows; i++) {
		double invocations = table_number(samples, i, "invocations");
		char measure[32];

		if (!(invocations > 0 && invocations <= last) || fmod(invocations, every) != 0)
			continue;
		snprintf(measure, sizeof(measure), "anon_at_%.0f_bytes", invocations);
		results_number(sink, measure, table_number(samples, i, "anon_bytes"));
	}
}

static int number_compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

void measure_lives(const struct table *samples, const struct sink *sink)
{
	double *lives = calloc(samples->rows + 1, sizeof(*lives));
	double before = 0; /* invocations at the end of the instance before */
	size_t count = 0;

	for (size_t i = 1; lives && i < samples->rows; i++) {
		double ended = table_number(samples, i - 1, "invocations");

		if (table_number(samples, i, "instance") ==
		    table_number(samples, i - 1, "instance"))
			continue;
		lives[count++] = ended - before;
		before = ended;
	}
	if (count) {
		qsort(lives, count, sizeof(*lives), number_compare);
		results_number(sink, "life_invocations",
			       (lives[(count - 1) / 2] + lives[count / 2]) / 2);
	}
	free(lives);
}

int measure_truth(const char *lines, const struct sink *sink)
{
	/* allocators count what they have given out under names of their own */
	static const struct json_measure measures[] = {
		{"live_bytes", "live_bytes"},
		{"entries", "entries"},
		{"processed", "processed"},
		{"allocator_stats.allocated", "allocator_live_bytes"},
		{"allocator_stats.uordblks", "allocator_live_bytes"},
	};
	const char *end = strrchr(lines, '\n'), *line = end;

	if (!end)
		return -EBADMSG;
	while (line > lines && line[-1] != '\n')
		line--;
	return json_measures(line, (size_t)(end - line), measures,
			     sizeof(measures) / sizeof(*measures), sink);
}

int measure_insert(const char *json, const struct sink *sink)
{
	static const struct json_measure measures[] = {
		{"ns_per_put", "ns_per_put"},
		{"puts", "puts"},
		{"body_bytes", "body_bytes"},
		{"entries", "entries"},
	};

	return json_measures(json, strlen(json), measures, sizeof(measures) / sizeof(*measures),
			     sink);
}
