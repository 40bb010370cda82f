// SPDX-License-Identifier: GPL-2.0-only
#include "user/view/csv.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <sys/mman.h>

#include "user/base/clean_text.h"
#include "user/base/cleanup.h"
#include "user/base/units.h"
#include "user/stack/frames.h"
#include "user/view/fields.h"
#include "user/view/unwind_text.h"

void csv_put(FILE *file, const char *text)
{
	if (!text[strcspn(text, ",\"\r\n")]) {
		fputs(text, file);
		return;
	}
	fputc('"', file);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', file);
		fputc(*text, file);
	}
	fputc('"', file);
}

void csv_put_name(FILE *file, const char *name)
{
	char clean[CLEAN_TEXT_MAX];

	csv_put(file, clean_text(name, clean));
}

/* ---- series.csv ---- */

void series_begin(FILE *file, const struct process *process)
{
	bool first = true;

	(void)process;
	for (size_t i = 0; i < field_count; i++) {
		if (!(fields[i].shown & FIELD_IN_CSV))
			continue;
		fprintf(file, "%s%s", first ? "" : ",", fields[i].name);
		first = false;
	}
	fputc('\n', file);
}

static void put_value(FILE *file, const struct field *field, union field_value value)
{
	switch (field->type) {
	case FIELD_UINT:
		fprintf(file, "%" PRIu64, value.u);
		break;
	case FIELD_INT:
		fprintf(file, "%" PRId64, value.i);
		break;
	case FIELD_DOUBLE:
		/* "nan" is what strtod and everything built on it reads back */
		if (isnan(value.d))
			fputs("nan", file);
		else
			fprintf(file, "%.6f", value.d);
		break;
	case FIELD_TEXT:
		csv_put_name(file, value.text);
		break;
	}
}

void series_report(FILE *file, const struct process *process, const struct report *report)
{
	bool first = true;

	for (size_t i = 0; i < field_count; i++) {
		if (!(fields[i].shown & FIELD_IN_CSV))
			continue;
		if (!first)
			fputc(',', file);
		put_value(file, &fields[i], fields[i].get(process, report));
		first = false;
	}
	fputc('\n', file);
}

/* ---- mappings.csv ---- */

/* "?" where the stack it was created under is not known, or does not tell. */
static const char *mapping_allocator(const struct process *process, uint32_t number)
{
	const struct stack *stack = NULL;

	if (process->stacks && process->symbols)
		stack = stacks_get(process->stacks, number);
	return stack ? allocator_name(stack_allocator(process->symbols, stack)) : "?";
}

static void mapping_put(FILE *file, const struct process *process,
			const struct mapping_report *mapping)
{
	fprintf(file, "0x%" PRIx64 ",0x%" PRIx64 ",%s,%c%c%c%c,", mapping->start, mapping->end,
		mapping_kind_name(mapping->kind), mapping->prot & PROT_READ ? 'r' : '-',
		mapping->prot & PROT_WRITE ? 'w' : '-', mapping->prot & PROT_EXEC ? 'x' : '-',
		mapping->flags & MAPPING_SHARED ? 's' : 'p');
	csv_put_name(file, mapping->name);
	fputc(',', file);
	csv_put_name(file, mapping->owner);
	fprintf(file, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%s,%" PRIu32 "\n",
		mapping->end - mapping->start, mapping->resident << PAGE_SHIFT,
		mapping->retained << PAGE_SHIFT, mapping->lazy << PAGE_SHIFT,
		mapping_allocator(process, mapping->stack), mapping->stack);
}

int mappings_csv_write(FILE *file, const struct process *process,
		       const struct export_context *context)
{
	AUTO_FREE struct mapping_report *reports = NULL;
	size_t count;
	int rc = ledger_report_mappings(process->ledger, &reports, &count);

	(void)context;
	if (rc)
		return rc;
	fputs("start,end,kind,protection,name,owner,size_bytes,resident_bytes,retained_bytes,"
	      "lazyfree_bytes,allocator,stack\n",
	      file);
	for (size_t i = 0; i < count; i++)
		mapping_put(file, process, &reports[i]);
	return 0;
}

/* ---- stacks.csv ---- */

static void counter_put(FILE *file, const char *name, uint64_t count, const char *help)
{
	fprintf(file, "%s,%" PRIu64 ",", name, count);
	csv_put(file, help);
	fputc('\n', file);
}

int stacks_csv_write(FILE *file, const struct process *process,
		     const struct export_context *context)
{
	const struct unwind_totals *totals;

	(void)context;
	fputs("name,count,help\n", file);
	if (!process->unwinder)
		return 0;
	totals = unwinder_totals(process->unwinder);
	counter_put(file, "taken", totals->taken, "stacks taken since the watch began");
	counter_put(file, "repeated", totals->repeated,
		    "of these, recognised without unwinding them again");
	for (unsigned int end = 0; end < STACK_END_COUNT; end++)
		counter_put(file, stack_end_name(end), totals->ends[end], stack_end_help(end));
	for (const struct unwind_counter *counter = unwind_counters; counter->name; counter++)
		counter_put(file, counter->name,
			    *(const uint64_t *)((const char *)totals + counter->offset),
			    counter->help);
	return 0;
}
