/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/experiment/report.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tests/experiment/claims.h"
#include "tests/experiment/measure.h"
#include "tests/experiment/number.h"
#include "tests/experiment/report_tables.h"
#include "tests/experiment/scenarios.h"

/* ---- text ---- */

static const char *machine(const struct results *results, const char *measure)
{
	const char *text = results_find(results, MACHINE, 0, measure);

	return text ? text : "unknown";
}

/* A number of the plan, for people. */
#define PLANNED(results, measure) NUMBER(results_median(results, MACHINE, measure), 0)

static void machine_put(FILE *out, const struct results *results)
{
	fprintf(out, "Measured on %s: %s, %s, %s, %s cores, %s GiB of memory, huge pages %s; ",
		machine(results, "date"), machine(results, "distribution"),
		machine(results, "kernel"), machine(results, "cpu"), machine(results, "cores"),
		NUMBER(results_median(results, MACHINE, "memory_gib"), 0),
		machine(results, "huge_pages"));
	for (size_t i = 0; i < ALLOCATORS; i++)
		fprintf(out, "%s (%s %s), ", memories[i].name, memories[i].package,
			machine(results, memories[i].package));
	fprintf(out, "%s.\n", machine(results, "compiler"));
}

static const char method_measures[] =
	"- **KiB per invocation**: growth of the pages that ended invocations left resident: a "
	"robust estimate over\n  the newest 4,096 (median of the runs) with its interval of "
	"confidence (the widest of all runs). Beside it\n  the growth of the whole process: what "
	"is first touched between invocations, as the next event arrives,\n  belongs to none of "
	"them, even if the allocator hands it to the cache later.\n"
	"- **Retained**: the pages of ended invocations after the last one. **Live**: what the "
	"cache requested from\n  the allocator and has not freed, by the handler's own count, and "
	"its share of all anonymous memory.\n";

static void method_put(FILE *out, const struct results *results)
{
	fputs("\n## Method\n\n", out);
	fprintf(out,
		"`driver` drives the order handler through the Lambda Runtime API on loopback, one "
		"instance at a time, with\nevents of 10 orders of 100 to 700 bytes. `tidemark "
		"watch "
		"--invocation` follows it from its first page on.\nThe LRU cache has %s entries "
		"and "
		"is full after some 20 invocations. Debug is the handler at -O0; allocators\nand "
		"libraries are Debian's in both.\n\n",
		PLANNED(results, "lru_entries"));
	fputs(method_measures, out);
	fprintf(out,
		"- **p99**: from delivery to answer, under tidemark; what that adds is below. Of "
		"%s "
		"invocations with gaps it\n  is almost the greatest, so it says little there.\n",
		PLANNED(results, "gap_invocations"));
	fprintf(out,
		"- **Cost**: requests x $%s/1M + GB-seconds x $%.10f at %s MB, each duration "
		"rounded "
		"up to 1 ms.\n",
		NUMBER(LAMBDA_USD_PER_REQUEST * 1e6, 2), LAMBDA_USD_PER_GB_SECOND,
		NUMBER(LAMBDA_MEMORY_MB, 0));
	fprintf(out,
		"- Figures are medians of %s runs (gaps, bursts, limits and long runs: of one); "
		"**unexplained** and **lost**\n  are the worst of all looks. A look at a process "
		"that runs on can be some pages late.\n"
		"- The memory after each 100 invocations is in samples.csv of each run, below "
		"build/experiment/runs.\n",
		PLANNED(results, "repeats"));
}

/* One line each, and the first column to be read first. */
static void claims_put(FILE *out, const struct results *results, bool rules)
{
	fprintf(out, "\n| claim | verdict | figures |%s\n|---|---|---|%s\n", rules ? " rule |" : "",
		rules ? "---|" : "");
	for (size_t i = 0; i < claim_count; i++) {
		struct judgement judgement = {0};

		claims[i].judge(results, &judgement);
		fprintf(out, "| %s | **%s** | %s |", claims[i].sentence,
			claim_verdict_text(judgement.verdict), judgement.figures);
		if (rules)
			fprintf(out, " %s |", claims[i].rule);
		fputc('\n', out);
	}
}

static void troubles_put(FILE *out, const struct results *results)
{
	size_t troubles = 0;

	fputs("\n## Runs that failed or lost records\n\n", out);
	for (size_t i = 0; i < results->count; i++) {
		const struct cell *cell = &results->cells[i];
		const char *reason;

		if (strcmp(cell->measure, "state") != 0 || !strcmp(cell->value, STATE_OK))
			continue;
		reason = results_find(results, cell->scenario, cell->run, "reason");
		fprintf(out, "- %s, run %u: %s: %s\n", cell->scenario, cell->run, cell->value,
			reason ? reason : "?");
		troubles++;
	}
	if (!troubles)
		fputs("None.\n", out);
}

static void heading_put(FILE *out, const char *title, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void heading_put(FILE *out, const char *title, const char *format, ...)
{
	va_list args;

	fprintf(out, "\n## %s\n\n", title);
	va_start(args, format);
	vfprintf(out, format, args);
	va_end(args);
	fputc('\n', out);
}

static void invocations_put(FILE *out, const struct results *results)
{
	heading_put(
		out, "Back to back",
		"%s invocations, one after the other; the limit is that of its own table below.",
		PLANNED(results, "short_invocations"));
	table_put(out, results, SCENARIO_BACK, 0, ALLOCATORS, TABLE_MAIN);
	heading_put(out, "jemalloc's settings", "The same, with MALLOC_CONF.");
	table_put(out, results, SCENARIO_BACK, ALLOCATORS, MEMORIES, TABLE_MAIN);
	heading_put(
		out, "Memory every 100 invocations",
		"Anonymous memory in MiB, as /proc/PID/statm has it, in these runs; and what was "
		"purged in all.");
	table_put(out, results, SCENARIO_BACK, 0, MEMORIES, TABLE_BACK_SAMPLE);
	heading_put(
		out, "Gaps of over 500 ms",
		"%s invocations (not %s), %s ms apart, frozen in between by the cgroup freezer as "
		"Lambda does; all rows at\nonce, as they mostly wait.",
		PLANNED(results, "gap_invocations"), PLANNED(results, "short_invocations"),
		PLANNED(results, "gap_ms"));
	table_put(out, results, SCENARIO_GAP, 0, ALLOCATORS, TABLE_GAP);
	if (results_median(results, MACHINE, "minute_invocations") > 0) {
		heading_put(out, "Gaps of a minute", "%s invocations, frozen in between.",
			    PLANNED(results, "minute_invocations"));
		table_put(out, results, SCENARIO_MINUTE, 0, ALLOCATORS, TABLE_GAP);
	}
	heading_put(out, "The long run", "%s invocations, back to back, release.",
		    PLANNED(results, "long_invocations"));
	table_put(out, results, SCENARIO_LONG, 0, ALLOCATORS, TABLE_LONG);
}

static void others_put(FILE *out, const struct results *results)
{
	heading_put(
		out, "Under a limit",
		"A memory limit of %s MiB by cgroup on each instance, %s invocations as fast as "
		"they are answered (the rate\nis in the table), release, without tidemark. What "
		"the kernel kills is replaced: a cold start. Until killed:\nthe median of the "
		"instances that were, to within 10 invocations.",
		PLANNED(results, "limit_mib"), PLANNED(results, "limit_invocations"));
	table_put(out, results, SCENARIO_LIMIT, 0, MEMORIES, TABLE_LIMIT);
	heading_put(out, "What watching adds",
		    "The short runs of the release builds without tidemark, and watched.");
	table_put(out, results, SCENARIO_BARE, 0, ALLOCATORS, TABLE_BARE);
	heading_put(
		out, "The cost of an insertion",
		"One order of 1 KB put into the handler's cache, which is full if it is bounded; "
		"no tidemark, no JSON. The\nunbounded cache pays for fresh pages.");
	table_put(out, results, SCENARIO_INSERT, 0, ALLOCATORS, TABLE_INSERT);
	heading_put(
		out, "A burst, then silence",
		"%s MiB of blocks of 16 to 1,024 bytes are allocated, written and freed in random "
		"order before the first\ninvocation, of %s orders (LRU cache); then %s s of "
		"silence, in which the process runs but has nothing\nto do, or is frozen; then one "
		"more such invocation. Given back is what was purged or returned to the\nkernel. "
		"Looked at every 250 ms: a shorter peak is not seen.",
		PLANNED(results, "burst_mib"), PLANNED(results, "burst_records"),
		NUMBER(results_median(results, MACHINE, "silence_ms") / 1000, 0));
	table_put(out, results, SCENARIO_BURST, 0, MEMORIES, TABLE_BURST);
}

void report_write(FILE *out, const struct results *results)
{
	fputs("# The postmortem's experiment, measured\n\nWritten by `make experiment`; every "
	      "figure comes from results.csv.\n\n",
	      out);
	machine_put(out, results);
	fputs("\n## Claim by claim\n", out);
	claims_put(out, results, true);
	method_put(out, results);
	invocations_put(out, results);
	others_put(out, results);
	troubles_put(out, results);
}

void report_quote(FILE *out, const struct results *results)
{
	machine_put(out, results);
	fprintf(out,
		"\n%s invocations back to back, medians of %s runs. Until killed: under a limit of "
		"%s MiB.\n",
		PLANNED(results, "short_invocations"), PLANNED(results, "repeats"),
		PLANNED(results, "limit_mib"));
	table_put(out, results, SCENARIO_BACK, 0, ALLOCATORS, TABLE_QUOTE);
	claims_put(out, results, false);
}

/* The only one, at the begin of a line; NULL otherwise. */
static const char *mark_find(const char *text, const char *mark)
{
	const char *at = strstr(text, mark);

	if (!at || strstr(at + 1, mark) || (at > text && at[-1] != '\n') ||
	    at[strlen(mark)] != '\n')
		return NULL;
	return at;
}

char *readme_quote(const char *readme, const struct results *results)
{
	const char *begin = mark_find(readme, README_BEGIN), *end = mark_find(readme, README_END);
	char *text = NULL;
	size_t size;
	FILE *out;

	if (!begin || !end || end < begin)
		return NULL;
	out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	fprintf(out, "%.*s" README_BEGIN "\n", (int)(begin - readme), readme);
	report_quote(out, results);
	fputs(end, out);
	fclose(out);
	return text;
}
