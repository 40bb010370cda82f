/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/experiment/report_tables.h"

#include <math.h>
#include <string.h>

#include "tests/experiment/measure.h"
#include "tests/experiment/number.h"

#define KIB 1024.0
#define MIB 1048576.0

static void number_put(FILE *out, double number, int digits)
{
	fputs(NUMBER(number, digits), out);
}

struct row {
	const struct results *results;
	const struct scenario *scenario;
};

struct column {
	const char *title;
	void (*put)(FILE *out, const struct row *row);
};

static double median(const struct row *row, const char *measure)
{
	return results_median(row->results, row->scenario->name, measure);
}

/* The median of a measure in a unit. */
#define MEDIAN_COLUMN(id, measure, unit, digits)                                                   \
	static void put_##id(FILE *out, const struct row *row)                                     \
	{                                                                                          \
		number_put(out, median(row, measure) / (unit), digits);                            \
	}

/* The worst of all runs: an average would hide it. */
#define WORST_COLUMN(id, measure, unit, digits)                                                    \
	static void put_##id(FILE *out, const struct row *row)                                     \
	{                                                                                          \
		number_put(out,                                                                    \
			   results_greatest(row->results, row->scenario->name, measure) / (unit),  \
			   digits);                                                                \
	}

MEDIAN_COLUMN(invocations, "invocations", 1, 0)
MEDIAN_COLUMN(delivered, "delivered", 1, 0)
MEDIAN_COLUMN(retained, "retained_bytes", MIB, 2)
MEDIAN_COLUMN(whole_growth, "whole_growth_bytes", KIB, 2)
MEDIAN_COLUMN(resident, "resident_bytes", MIB, 2)
MEDIAN_COLUMN(at_100, "anon_at_100_bytes", MIB, 2)
MEDIAN_COLUMN(at_200, "anon_at_200_bytes", MIB, 2)
MEDIAN_COLUMN(at_300, "anon_at_300_bytes", MIB, 2)
MEDIAN_COLUMN(at_400, "anon_at_400_bytes", MIB, 2)
MEDIAN_COLUMN(at_500, "anon_at_500_bytes", MIB, 2)
MEDIAN_COLUMN(at_600, "anon_at_600_bytes", MIB, 2)
MEDIAN_COLUMN(at_700, "anon_at_700_bytes", MIB, 2)
MEDIAN_COLUMN(at_800, "anon_at_800_bytes", MIB, 2)
MEDIAN_COLUMN(at_900, "anon_at_900_bytes", MIB, 2)
MEDIAN_COLUMN(at_1000, "anon_at_1000_bytes", MIB, 2)
MEDIAN_COLUMN(p50, "p50_ms", 1, 3)
MEDIAN_COLUMN(p99, "p99_ms", 1, 3)
MEDIAN_COLUMN(billed, "billed_ms", 1, 3)
MEDIAN_COLUMN(purged, "purged_bytes", MIB, 2)
MEDIAN_COLUMN(rate, "rate_per_s", 1, 0)
MEDIAN_COLUMN(instances, "instances", 1, 0)
MEDIAN_COLUMN(kills, "oom_kills", 1, 0)
MEDIAN_COLUMN(each, "invocations_per_instance", 1, 0)
MEDIAN_COLUMN(life, "life_invocations", 1, 0)
MEDIAN_COLUMN(reuse, "reuse_percent", 1, 2)
MEDIAN_COLUMN(insertion, "ns_per_put", 1, 0)
MEDIAN_COLUMN(peak, "peak_bytes", MIB, 1)
MEDIAN_COLUMN(kept_first, "kept_at_first_bytes", MIB, 1)
MEDIAN_COLUMN(kept_last, "kept_at_last_bytes", MIB, 1)
MEDIAN_COLUMN(kept_end, "kept_in_the_end_bytes", MIB, 1)
MEDIAN_COLUMN(half, "half_gone_s", 1, 1)
MEDIAN_COLUMN(back_before, "back_before_bytes", MIB, 1)
MEDIAN_COLUMN(back_silent, "back_in_silence_bytes", MIB, 1)
MEDIAN_COLUMN(back_after, "back_after_bytes", MIB, 1)
WORST_COLUMN(unexplained, "unexplained_bytes", KIB, 0)
WORST_COLUMN(lost, "lost_events", 1, 0)

static void put_memory(FILE *out, const struct row *row)
{
	fputs(row->scenario->memory->name, out);
}

static void put_cache(FILE *out, const struct row *row)
{
	fputs(row->scenario->lru ? "lru" : "unbounded", out);
}

static void put_build(FILE *out, const struct row *row)
{
	fputs(row->scenario->debug ? "debug -O0" : "release -O2", out);
}

static void put_pace(FILE *out, const struct row *row)
{
	fputs(row->scenario->frozen ? "frozen" : "runs", out);
}

static void put_growth(FILE *out, const struct row *row)
{
	const char *name = row->scenario->name;

	number_put(out, median(row, "growth_bytes") / KIB, 2);
	fputs(" (", out);
	number_put(out, results_least(row->results, name, "growth_low_bytes") / KIB, 2);
	fputs(" to ", out);
	number_put(out, results_greatest(row->results, name, "growth_high_bytes") / KIB, 2);
	fputc(')', out);
}

static void put_live(FILE *out, const struct row *row)
{
	double live = median(row, "live_bytes"), resident = median(row, "resident_bytes");

	number_put(out, live / MIB, 2);
	fputs(" (", out);
	number_put(out, resident > 0 ? 100 * live / resident : NAN, 0);
	fputs("%)", out);
}

static void put_allocated(FILE *out, const struct row *row)
{
	number_put(out, median(row, "allocator_live_bytes") / MIB, 2);
}

static void put_cost_of(FILE *out, const struct row *row, double requests)
{
	number_put(out, lambda_cost(requests, median(row, "billed_ms"), LAMBDA_MEMORY_MB), 3);
}

static void put_cost(FILE *out, const struct row *row)
{
	put_cost_of(out, row, 1e6);
}

static void put_month(FILE *out, const struct row *row)
{
	put_cost_of(out, row, 5e6);
}

/* A run of another kind with the same allocator and cache, released and back to back. */
static double sibling(const struct row *row, enum scenario_kind kind, const char *measure)
{
	const struct scenario *scenario = row->scenario;

	return results_median(row->results,
			      scenario_name(kind, scenario->memory, scenario->lru, false), measure);
}

/* Of an instance that met the limit, or that none did. */
static void put_limit_life(FILE *out, const struct row *row)
{
	if (row->scenario->debug) {
		number_put(out, NAN, 0); /* not run */
		return;
	}
	if (sibling(row, SCENARIO_LIMIT, "oom_kills") == 0) {
		fputs("over ", out);
		number_put(out, sibling(row, SCENARIO_LIMIT, "delivered"), 0);
		return;
	}
	number_put(out, sibling(row, SCENARIO_LIMIT, "life_invocations"), 0);
}

static void put_watched_p50(FILE *out, const struct row *row)
{
	number_put(out, sibling(row, SCENARIO_BACK, "p50_ms"), 3);
}

static void put_watched_p99(FILE *out, const struct row *row)
{
	number_put(out, sibling(row, SCENARIO_BACK, "p99_ms"), 3);
}

/* Marks what is not whole: a run that failed is not in the figures, one that lost records is. */
static void put_runs(FILE *out, const struct row *row)
{
	const char *name = row->scenario->name;
	unsigned int all = results_runs(row->results, name, NULL);
	unsigned int failed = results_runs(row->results, name, STATE_FAILED);
	unsigned int lossy = results_runs(row->results, name, STATE_LOSSY);

	if (!all) {
		fputs("not run", out);
		return;
	}
	fprintf(out, "%u", all - failed);
	if (failed)
		fprintf(out, ", **%u failed**", failed);
	if (lossy)
		fprintf(out, ", **%u lossy**", lossy);
}

/* ---- tables ---- */

#define END                                                                                        \
	{                                                                                          \
		NULL, NULL                                                                         \
	}

static const struct column main_columns[] = {
	{"allocator", put_memory},
	{"cache", put_cache},
	{"build", put_build},
	{"invocations", put_invocations},
	{"KiB per invocation (95%)", put_growth},
	{"the whole process, KiB", put_whole_growth},
	{"retained, MiB", put_retained},
	{"anonymous in all, MiB", put_resident},
	{"of it live, MiB", put_live},
	{"allocated by the allocator's count, MiB", put_allocated},
	{"p99, ms", put_p99},
	{"billed each, ms", put_billed},
	{"$ per 1M", put_cost},
	{"$ per month of 5M", put_month},
	{"invocations until killed at the limit", put_limit_life},
	{"unexplained at most, KiB", put_unexplained},
	{"lost", put_lost},
	{"runs", put_runs},
	END,
};

static const struct column gap_columns[] = {
	{"allocator", put_memory},
	{"cache", put_cache},
	{"build", put_build},
	{"invocations", put_invocations},
	{"KiB per invocation (95%)", put_growth},
	{"the whole process, KiB", put_whole_growth},
	{"anonymous after 100, MiB", put_at_100},
	{"retained, MiB", put_retained},
	{"anonymous in all, MiB", put_resident},
	{"of it live, MiB", put_live},
	{"purged, MiB", put_purged},
	{"p99, ms", put_p99},
	{"billed each, ms", put_billed},
	{"$ per 1M", put_cost},
	{"$ per month of 5M", put_month},
	{"unexplained at most, KiB", put_unexplained},
	{"lost", put_lost},
	{"runs", put_runs},
	END,
};

static const struct column back_sample_columns[] = {
	{"allocator", put_memory}, {"cache", put_cache},	{"build", put_build},
	{"100", put_at_100},	   {"200", put_at_200},		{"300", put_at_300},
	{"400", put_at_400},	   {"500", put_at_500},		{"600", put_at_600},
	{"700", put_at_700},	   {"800", put_at_800},		{"900", put_at_900},
	{"1,000", put_at_1000},	   {"purged, MiB", put_purged}, END,
};

static const struct column long_columns[] = {
	{"allocator", put_memory},
	{"cache", put_cache},
	{"invocations", put_invocations},
	{"KiB per invocation (95%)", put_growth},
	{"the whole process, KiB", put_whole_growth},
	{"retained, MiB", put_retained},
	{"anonymous in all, MiB", put_resident},
	{"of it live, MiB", put_live},
	{"p50, ms", put_p50},
	{"p99, ms", put_p99},
	{"unexplained at most, KiB", put_unexplained},
	{"lost", put_lost},
	{"runs", put_runs},
	END,
};

static const struct column limit_columns[] = {
	{"allocator", put_memory},
	{"cache", put_cache},
	{"invocations", put_delivered},
	{"per second", put_rate},
	{"instances", put_instances},
	{"killed out of memory", put_kills},
	{"invocations until killed", put_life},
	{"invocations per instance", put_each},
	{"reuse, %", put_reuse},
	{"runs", put_runs},
	END,
};

static const struct column bare_columns[] = {
	{"allocator", put_memory},	 {"cache", put_cache}, {"p50, ms", put_p50},
	{"watched", put_watched_p50},	 {"p99, ms", put_p99}, {"watched", put_watched_p99},
	{"billed each, ms", put_billed}, {"runs", put_runs},   END,
};

static const struct column insert_columns[] = {
	{"allocator", put_memory},
	{"cache", put_cache},
	{"ns per insertion", put_insertion},
	{"runs", put_runs},
	END,
};

static const struct column burst_columns[] = {
	{"allocator", put_memory},
	{"in the silence it", put_pace},
	{"peak, MiB", put_peak},
	{"given back before the silence, MiB", put_back_before},
	{"kept at its begin, MiB", put_kept_first},
	{"kept at its end, MiB", put_kept_last},
	{"half gone after, s", put_half},
	{"given back in the silence, MiB", put_back_silent},
	{"given back by the next invocation, MiB", put_back_after},
	{"kept in the end, MiB", put_kept_end},
	{"unexplained at most, KiB", put_unexplained},
	{"lost", put_lost},
	{"runs", put_runs},
	END,
};

static const struct column quote_columns[] = {
	{"allocator", put_memory},
	{"cache", put_cache},
	{"build", put_build},
	{"KiB per invocation (95%)", put_growth},
	{"the whole process, KiB", put_whole_growth},
	{"retained, MiB", put_retained},
	{"anonymous in all, MiB", put_resident},
	{"of it live, MiB", put_live},
	{"p99, ms", put_p99},
	{"$ per 1M", put_cost},
	{"$ per month of 5M", put_month},
	{"invocations until killed", put_limit_life},
	END,
};

static const struct column *const tables[TABLE_COUNT] = {
	[TABLE_MAIN] = main_columns,
	[TABLE_GAP] = gap_columns,
	[TABLE_BACK_SAMPLE] = back_sample_columns,
	[TABLE_LONG] = long_columns,
	[TABLE_LIMIT] = limit_columns,
	[TABLE_BARE] = bare_columns,
	[TABLE_INSERT] = insert_columns,
	[TABLE_BURST] = burst_columns,
	[TABLE_QUOTE] = quote_columns,
};

void table_put(FILE *out, const struct results *results, enum scenario_kind kind, size_t first,
	       size_t end, enum report_table table)
{
	struct scenario scenarios[SCENARIOS_MAX];
	size_t count = scenarios_make(kind, scenarios);
	const struct column *columns = tables[table];

	fputc('\n', out);
	for (const struct column *column = columns; column->title; column++)
		fprintf(out, "| %s ", column->title);
	fputs("|\n", out);
	for (const struct column *column = columns; column->title; column++)
		fputs(column == columns ? "|---" : "|---:", out);
	fputs("|\n", out);
	for (size_t i = 0; i < count; i++) {
		const struct row row = {results, &scenarios[i]};
		size_t place = (size_t)(scenarios[i].memory - memories);

		if (place < first || place >= end)
			continue;
		for (const struct column *column = columns; column->title; column++) {
			fputs("| ", out);
			column->put(out, &row);
			fputc(' ', out);
		}
		fputs("|\n", out);
	}
}
