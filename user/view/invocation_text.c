// SPDX-License-Identifier: GPL-2.0-only
#include "user/view/invocation_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "user/base/units.h"
#include "user/view/text_line.h"

bool invocation_any(const struct invocation_totals *totals)
{
	return totals->begun || totals->unmatched;
}

char *invocation_id_text(const char *id, uint64_t value, char text[EVENT_ID_LEN])
{
	text[0] = '\0';
	if (*id && invocation_id_is_text(id))
		snprintf(text, EVENT_ID_LEN, "%s", id);
	else if (value)
		snprintf(text, EVENT_ID_LEN, "%" PRIu64, value);
	return text;
}

void invocation_flaws(const struct invocation_totals *totals,
		      struct invocation_flaw flaws[INVOCATION_FLAWS])
{
	flaws[0] = (struct invocation_flaw){"unmatched", totals->unmatched};
	flaws[1] = (struct invocation_flaw){"cut", totals->cut};
	flaws[2] = (struct invocation_flaw){"too deep", totals->too_deep};
}

char *invocation_counts_text(const struct invocation_totals *totals, char *text, size_t size)
{
	struct invocation_flaw flaws[INVOCATION_FLAWS];
	struct text_line line = {text, size, 0};
	char number[UNITS_TEXT_LEN];

	invocation_flaws(totals, flaws);
	text_line_add(&line, "%s ended", units_whole(number, totals->ended));
	for (size_t i = 0; i < INVOCATION_FLAWS; i++)
		if (flaws[i].count)
			text_line_add(&line, ", %s %s", units_whole(number, flaws[i].count),
				      flaws[i].name);
	return text;
}

char *invocation_growth_text(const struct trend_range *growth, char *text, size_t size)
{
	char estimate[UNITS_TEXT_LEN], low[UNITS_TEXT_LEN], high[UNITS_TEXT_LEN];

	if (isnan(growth->estimate))
		snprintf(text, size, "too few to tell their growth");
	else
		snprintf(text, size, "%s per invocation (%s to %s)%s",
			 units_signed_bytes(estimate, growth->estimate),
			 units_bytes(low, growth->low), units_bytes(high, growth->high),
			 growth->low > 0 ? "" : ", no growth shown");
	return text;
}

char *invocation_survival_text(const struct invocations *invocations, char *text, size_t size)
{
	struct text_line line = {text, size, 0};

	text[0] = '\0';
	for (unsigned int i = 0; i < INVOCATION_POINT_COUNT; i++) {
		const struct invocation_survival *point = invocations_survival(invocations, i);
		char later[UNITS_TEXT_LEN], share[UNITS_TEXT_LEN];

		if (!point->born)
			continue;
		text_line_add(&line, "%s%s%s %s", line.used ? ", " : "",
			      i ? units_whole(later, invocation_later[i]) : "at the end",
			      i ? " later" : "", units_share(share, point->resident, point->born));
	}
	return text;
}
