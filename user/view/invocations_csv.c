// SPDX-License-Identifier: GPL-2.0-only
/* invocations.csv and survival.csv. Where no invocation has been seen they hold their headings. */
#include <inttypes.h>

#include "user/base/units.h"
#include "user/view/csv.h"
#include "user/view/invocation_text.h"

static void put_begin(FILE *file, const struct ledger *ledger, const struct invocation *invocation)
{
	int64_t since = (int64_t)(invocation->begin_ns - ledger->attach_ns);

	fprintf(file, ",%.9f", (double)since / NSEC_PER_SEC);
	/* of one that was cut it is not known when it ended, if it has */
	if (invocation->state == INVOCATION_ENDED)
		fprintf(file, ",%.9f",
			(double)(int64_t)(invocation->end_ns - invocation->begin_ns) /
				NSEC_PER_SEC);
	else
		fputs(",nan", file);
}

static void put_invocation(FILE *file, const struct ledger *ledger,
			   const struct invocation *invocation)
{
	char id[EVENT_ID_LEN];

	fprintf(file, "%" PRIu32 ",", invocation->number);
	csv_put(file, invocation_id_text(invocation->id, invocation->value, id));
	fprintf(file, ",%" PRIu32 ",%u,%s,%d", invocation->tid, invocation->depth,
		invocation_state_name(invocation->state), invocation->lossy);
	put_begin(file, ledger, invocation);
	fprintf(file, ",%" PRIu32 ",%" PRIu32, invocation->born, invocation->resident);
	for (unsigned int i = 0; i < INVOCATION_POINT_COUNT; i++) {
		if (i < invocation->points)
			fprintf(file, ",%" PRIu32, invocation->at[i]);
		else
			fputs(",nan", file);
	}
	fputc('\n', file);
}

int invocations_csv_write(FILE *file, const struct process *process,
			  const struct export_context *context)
{
	const struct ledger *ledger = process->ledger;
	uint32_t newest;

	(void)context;
	fputs("number,id,tid,depth,state,lossy,begin_s,duration_s,born_pages,resident_pages,"
	      "end_pages",
	      file);
	for (unsigned int i = 1; i < INVOCATION_POINT_COUNT; i++)
		fprintf(file, ",later_%" PRIu32 "_pages", invocation_later[i]);
	fputc('\n', file);
	if (!ledger->invocations)
		return 0;
	newest = invocations_newest(ledger->invocations);
	for (uint32_t back = newest < INVOCATIONS_KEPT ? newest : INVOCATIONS_KEPT; back-- > 0;) {
		const struct invocation *invocation =
			invocations_find(ledger->invocations, newest - back);

		if (invocation)
			put_invocation(file, ledger, invocation);
	}
	return 0;
}

int survival_csv_write(FILE *file, const struct process *process,
		       const struct export_context *context)
{
	const struct invocations *invocations = process->ledger->invocations;

	(void)context;
	fputs("later,invocations,born_pages,resident_pages,share\n", file);
	for (unsigned int i = 0; invocations && i < INVOCATION_POINT_COUNT; i++) {
		const struct invocation_survival *point = invocations_survival(invocations, i);

		fprintf(file, "%" PRIu32 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64, invocation_later[i],
			point->invocations, point->born, point->resident);
		if (point->born)
			fprintf(file, ",%.6f\n", (double)point->resident / (double)point->born);
		else
			fputs(",nan\n", file);
	}
	return 0;
}
