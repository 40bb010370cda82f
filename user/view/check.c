// SPDX-License-Identifier: GPL-2.0-only
#include "user/view/check.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "user/base/clean_text.h"
#include "user/base/log.h"
#include "user/base/units.h"
#include "user/view/verdict_text.h"

/* Of more processes the rest is counted: a build has thousands. */
#define JUDGED_MAX 4096

#define SITE_MAX 192

struct check_view {
	struct check_limits limits;
	bool json;
	json_t *objects;
	FILE *text;
	char *text_data;
	size_t text_size;
	uint64_t first_ns;  /* when the watch of the first began */
	uint32_t first_pid; /* 0: there is none yet */
	size_t judged;
	size_t short_lived; /* left out: too little to judge */
	size_t beyond;	    /* left out: more than JUDGED_MAX */
	enum check_result worst;
	char command_failed[CHECK_REASON_MAX]; /* "" if it did not */
};

struct check_view *check_view_new(const struct check_limits *limits, bool json)
{
	struct check_view *view = calloc(1, sizeof(*view));

	if (!view)
		return NULL;
	view->limits = *limits;
	view->json = json;
	view->objects = json_array();
	view->text = open_memstream(&view->text_data, &view->text_size);
	if (!view->objects || !view->text) {
		check_view_free(view);
		return NULL;
	}
	return view;
}

void check_view_free(struct check_view *view)
{
	if (!view)
		return;
	json_decref(view->objects);
	if (view->text)
		fclose(view->text);
	free(view->text_data);
	free(view);
}

/* ---- the limits ---- */

__attribute__((format(printf, 3, 4))) static enum check_result
because(enum check_result result, char *reason, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(reason, CHECK_REASON_MAX, format, args);
	va_end(args);
	return result;
}

static enum check_result hold_range(const struct trend_range *range, double limit, const char *what,
				    char *reason)
{
	char a[UNITS_TEXT_LEN], b[UNITS_TEXT_LEN], c[UNITS_TEXT_LEN], d[UNITS_TEXT_LEN];

	if (isnan(limit))
		return CHECK_WITHIN;
	if (isnan(range->estimate))
		return because(CHECK_UNJUDGED, reason, "too little to tell the growth %s", what);
	units_signed_bytes(a, range->estimate);
	units_signed_bytes(b, range->low);
	units_signed_bytes(c, range->high);
	units_bytes(d, limit);
	if (range->low > limit)
		return because(CHECK_OVER, reason, "growth %s is %s (95%%: %s to %s), over %s",
			       what, a, b, c, d);
	if (range->estimate > limit)
		return because(CHECK_UNJUDGED, reason,
			       "growth %s may be over %s: it is %s (95%%: %s to %s); a longer "
			       "watch would tell",
			       what, d, a, b, c);
	return CHECK_WITHIN;
}

/* What an unknown verdict may still turn out to be. */
static uint32_t may_be(const struct verdict *verdict)
{
	if (verdict->rule && !strcmp(verdict->rule, "kept_idle"))
		return 1U << VERDICT_IDLE_RETENTION | 1U << VERDICT_FRAGMENTATION |
		       1U << VERDICT_PLATEAU;
	return UINT32_MAX;
}

static enum check_result hold_verdict(const struct check_limits *limits,
				      const struct verdict *verdict, char *reason)
{
	if (limits->fail_on >> verdict->kind & 1)
		return because(CHECK_OVER, reason, "the verdict is %s",
			       verdict_word(verdict->kind));
	if (verdict->kind == VERDICT_UNKNOWN && limits->fail_on & may_be(verdict))
		return because(CHECK_UNJUDGED, reason, "the verdict is unknown: %s",
			       verdict->evidence[0]);
	return CHECK_WITHIN;
}

enum check_result check_limits_hold(const struct check_limits *limits,
				    const struct verdict *verdict, char *reason)
{
	enum check_result worst = CHECK_WITHIN, result;
	char why[CHECK_REASON_MAX], a[UNITS_TEXT_LEN], b[UNITS_TEXT_LEN];

	*reason = '\0';
	for (int i = 0; i < 4; i++) {
		result = CHECK_WITHIN;
		if (i == 0)
			result = hold_range(&verdict->growth, limits->growth_per_hour, "per hour",
					    why);
		else if (i == 1)
			result = hold_range(&verdict->per_invocation, limits->per_invocation,
					    "per invocation", why);
		else if (i == 2 && (double)verdict->retained > limits->retained)
			result = because(CHECK_OVER, why, "%s are retained, over %s",
					 units_bytes(a, (double)verdict->retained),
					 units_bytes(b, limits->retained));
		else if (i == 3)
			result = hold_verdict(limits, verdict, why);
		if (result <= worst)
			continue;
		worst = result;
		memcpy(reason, why, sizeof(why));
	}
	return worst;
}

/* ---- one process ---- */

static const char *result_word(enum check_result result)
{
	static const char *const words[] = {
		[CHECK_WITHIN] = "within",
		[CHECK_UNJUDGED] = "not judged",
		[CHECK_OVER] = "over",
	};

	return words[result];
}

static json_t *number_or_null(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

static void json_add(const struct check_view *view, const struct process *process,
		     const struct verdict *verdict, const char *site, enum check_result result,
		     const char *reason)
{
	char comm[CLEAN_TEXT_MAX];
	json_t *evidence = json_array(), *object;

	for (size_t i = 0; i < VERDICT_EVIDENCE_MAX && *verdict->evidence[i]; i++)
		json_array_append_new(evidence, json_string(verdict->evidence[i]));
	object = json_pack(
		"{sI ss ss ss si ss so so sI so so ss ss ss ss}", "pid",
		(json_int_t)process->ledger->pid, "comm", clean_text(process->ledger->comm, comm),
		"allocator", allocator_name(process->ledger->allocator), "verdict",
		verdict_word(verdict->kind), "tier", (int)verdict->tier, "rule",
		verdict->rule ? verdict->rule : "", "growth_bytes_per_hour",
		number_or_null(verdict->growth.estimate), "bytes_per_invocation",
		number_or_null(verdict->per_invocation.estimate), "retained_bytes",
		(json_int_t)verdict->retained, "top_site", *site ? json_string(site) : json_null(),
		"evidence", evidence, "advice", verdict->advice, "change", verdict->change,
		"result", result_word(result), "reason", reason);
	if (object)
		json_array_append_new(view->objects, object);
}

static void text_add(const struct check_view *view, const struct process *process,
		     const struct verdict *verdict, const char *site, double share,
		     enum check_result result, const char *reason)
{
	char text[VERDICT_TEXT_MAX], comm[CLEAN_TEXT_MAX], retained[UNITS_TEXT_LEN];

	fprintf(view->text, "%u %s (%s): %s%s%s\n", process->ledger->pid,
		clean_text(process->ledger->comm, comm), allocator_name(process->ledger->allocator),
		result_word(result), *reason ? ": " : "", reason);
	fprintf(view->text, "  verdict   %s: %s\n", verdict_word(verdict->kind),
		verdict_head_text(verdict, text, sizeof(text)));
	for (size_t i = 0; i < VERDICT_EVIDENCE_MAX && *verdict->evidence[i]; i++)
		fprintf(view->text, "  evidence  %s\n", verdict->evidence[i]);
	fprintf(view->text, "  retained  %s\n", units_bytes(retained, (double)verdict->retained));
	if (*site)
		fprintf(view->text, "  top site  %s (%.0f%%)\n", site, share * 100);
	if (*verdict->advice)
		fprintf(view->text, "  advice    %s\n", verdict->advice);
	if (*verdict->change)
		fprintf(view->text, "  change    this would change the verdict: %s\n",
			verdict->change);
}

void check_view_begin(struct check_view *view, const struct process *process)
{
	if (view->first_pid)
		return;
	view->first_pid = process->ledger->pid;
	view->first_ns = process->ledger->attach_ns;
}

static bool is_first(const struct check_view *view, const struct process *process)
{
	return process->ledger->pid == view->first_pid &&
	       process->ledger->attach_ns == view->first_ns;
}

void check_view_end(struct check_view *view, const struct process *process)
{
	char site[SITE_MAX], reason[CHECK_REASON_MAX];
	enum check_result result;
	struct verdict verdict;
	double share;

	verdict_judge(process, true, &verdict);
	/* what came and went is no finding */
	if (!is_first(view, process) && process->ledger->exit_ns && verdict.rule &&
	    !strcmp(verdict.rule, "too_little")) {
		view->short_lived++;
		return;
	}
	if (view->judged == JUDGED_MAX) {
		view->beyond++;
		return;
	}
	view->judged++;
	result = check_limits_hold(&view->limits, &verdict, reason);
	if (result > view->worst)
		view->worst = result;
	verdict_site_text(process, &verdict, &share, site, sizeof(site));
	if (view->json)
		json_add(view, process, &verdict, site, result, reason);
	else
		text_add(view, process, &verdict, site, share, result, reason);
}

void check_view_command_failed(struct check_view *view, const char *text)
{
	snprintf(view->command_failed, sizeof(view->command_failed), "%s", text);
}

enum check_result check_view_result(const struct check_view *view)
{
	if (view->worst == CHECK_OVER)
		return CHECK_OVER;
	if (!view->judged || view->beyond || *view->command_failed)
		return CHECK_UNJUDGED;
	return view->worst;
}

char *check_view_take(struct check_view *view, size_t *size)
{
	char *text;

	if (view->json) {
		/* the array is all that standard output has */
		if (view->short_lived)
			log_info("%zu processes ended too soon to be judged", view->short_lived);
		if (view->beyond)
			log_warning("%zu processes were not judged: more than %d", view->beyond,
				    JUDGED_MAX);
		text = json_dumps(view->objects, JSON_INDENT(2));
		if (text) {
			*size = strlen(text);
			text[(*size)++] = '\n'; /* in the place of the NUL: it is no string */
		}
		return text;
	}
	if (view->short_lived)
		fprintf(view->text, "%zu processes ended too soon to be judged\n",
			view->short_lived);
	if (view->beyond)
		fprintf(view->text, "%zu processes were not judged: more than %d\n", view->beyond,
			JUDGED_MAX);
	if (*view->command_failed)
		fprintf(view->text, "not judged: %s\n", view->command_failed);
	fprintf(view->text, "check: %s\n", result_word(check_view_result(view)));
	fclose(view->text);
	view->text = NULL;
	text = view->text_data;
	view->text_data = NULL;
	*size = view->text_size;
	return text;
}
