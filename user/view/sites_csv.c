// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "user/base/cleanup.h"
#include "user/base/units.h"
#include "user/stack/frames.h"
#include "user/view/csv.h"
#include "user/view/site_text.h"

#define TITLE_LEN 512

static void put_age(FILE *file, double seconds)
{
	if (isnan(seconds))
		fputs(",nan", file);
	else
		fprintf(file, ",%.2f", seconds);
}

static void put_figures(FILE *file, const struct site_list *list, const struct site *site)
{
	fprintf(file, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64, site->resident,
		site->resident << PAGE_SHIFT, site->retained, site->retained << PAGE_SHIFT);
	fprintf(file, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRId64, site->lazy,
		site->lazy << PAGE_SHIFT, site->estimated, site->growth);
	fprintf(file, ",%.3f", list->seconds);
	put_age(file, site->oldest_s);
	put_age(file, site->newest_s);
	put_age(file, site->mean_s);
}

static int put_site(FILE *file, const struct process *process, size_t index)
{
	const struct site *site = &process->sites.sites[index];
	const struct stack *stack = site_text_stack(process, site);
	AUTO_FREE char *frames = site_text_frames(process, site);
	char title[TITLE_LEN];

	if (!frames)
		return -ENOMEM;
	fprintf(file, "%zu,%" PRIu32 ",%s,%s,%s", index + 1, site->stack,
		site_reason_name(site->reason), allocator_name(site_text_allocator(process, site)),
		stack ? stack_end_name(stack->end) : "");
	put_figures(file, &process->sites, site);
	fputc(',', file);
	csv_put_name(file, stack ? stack_title(process->symbols, stack, title, sizeof(title))
				 : site_text_placeholder(site));
	fputc(',', file);
	csv_put(file, frames);
	fputc('\n', file);
	return 0;
}

int sites_csv_write(FILE *file, const struct process *process, const struct export_context *context)
{
	int rc = 0;

	(void)context;
	fputs("rank,stack,reason,allocator,end,resident_pages,resident_bytes,retained_pages,"
	      "retained_bytes,lazyfree_pages,lazyfree_bytes,estimated_pages,growth_pages,"
	      "growth_time_s,oldest_s,newest_s,mean_s,title,frames\n",
	      file);
	for (size_t i = 0; i < process->sites.count && !rc; i++)
		rc = put_site(file, process, i);
	return rc;
}
