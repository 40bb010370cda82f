// SPDX-License-Identifier: GPL-2.0-only
/* Why it grew, or why it stays. */
#include "user/view/html/parts.h"
#include "user/view/verdict_text.h"

#define SITE_LEN 512

static json_t *evidence(const struct verdict *verdict)
{
	json_t *texts = json_array();

	for (size_t i = 0; i < VERDICT_EVIDENCE_MAX && *verdict->evidence[i]; i++)
		html_append(&texts, html_text(verdict->evidence[i]));
	return texts;
}

json_t *html_verdict(const struct process *process)
{
	const struct verdict *verdict = &process->verdict;
	char site[SITE_LEN];
	double share;

	if (!process->report_count) /* no interval has ended: nothing was judged */
		return json_null();
	verdict_site_text(process, verdict, &share, site, sizeof(site));
	return json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:o}", "word",
		verdict_word(verdict->kind), "title", verdict_title(verdict->kind), "text",
		verdict_text(verdict->kind), "tier", verdict_tier_text(verdict->tier), "rule",
		verdict->rule ? verdict->rule : "", "share", html_number(verdict->share), "grows",
		verdict->grows, "seconds", html_number(verdict->seconds), "site", html_text(site),
		"site_share", html_number(share), "evidence", evidence(verdict), "advice",
		html_text(verdict->advice), "change", html_text(verdict->change));
}
