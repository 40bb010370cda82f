/* SPDX-License-Identifier: GPL-2.0-only */
/* What the pages about sites and call stacks share. Their state is in page.h. */
#ifndef TIDEMARK_VIEW_DASHBOARD_SITES_H
#define TIDEMARK_VIEW_DASHBOARD_SITES_H

#include "user/view/dashboard/page.h"

/* Said where stacks would be shown: none at all, or none of page faults. */
#define STACKS_OFF "no call stacks are taken: start tidemark without --stack-bytes 0"
#define STACKS_OFF_FAULTS "no call stacks of page faults: start tidemark without --stack-rate 0"

/* Goes to another page of a process, and comes back from it. */
void sites_page_open(struct dashboard *dashboard, const struct process *process);
void sites_leave(struct dashboard *dashboard, const struct dashboard_input *input,
		 const struct process *process, const struct page *back);
void stack_page_open_site(struct dashboard *dashboard, const struct process *process,
			  const struct site_row *row);
void stack_page_open_mapping(struct dashboard *dashboard, const struct process *process,
			     const struct mapping_row *mapping);

/*
 * site_rows.c. Copies the process's list if it is a new one, unless frozen, and brings the rows
 * into that order.
 */
void site_rows_update(struct site_rows *rows, struct site_keys *keys, const struct process *process,
		      bool frozen, struct site_order order);
void site_rows_release(struct site_rows *rows);

/* The row of that key, or NULL. */
const struct site_row *site_rows_find(const struct site_rows *rows, uint64_t key);

/*
 * site_keys.c. Sites of equal key are one row: those of the same functions, from the first of the
 * user's own outwards. Kept by stack, for names are the same in all processes.
 */
uint64_t site_key(struct site_keys *keys, const struct process *process, const struct site *site);
void site_keys_release(struct site_keys *keys);

/* Likewise, where each site is a row of its own. */
uint64_t site_key_exact(const struct site *site);

/* Why stacks of page faults are not there at all, and how to have them; NULL if they are. */
const char *sites_off(const struct dashboard_input *input, const struct process *process,
		      const struct site_rows *rows);

/* Why a site has no stack, in a few words. off: what sites_off() says. */
const char *site_reason(const struct site *site, const char *off);

/* How a site's growth stands out: as that of the process, if it has a good part in it. */
enum style site_growth_style(const struct site_rows *rows, const struct site *site,
			     const struct report *report);

/* "+1.20M"; "-" where there is nothing to compare with. text as units_share(). Returns text. */
char *site_growth(const struct site_rows *rows, const struct site *site, char *text);

/* Of an age; where it is not known, ">3m20s": older than the watch. text as units_share(). */
char *site_age(const struct site_rows *rows, double age_s, char *text);

/*
 * stack_view.c: draws a call stack in rows rows with its heading. What is looked up for it is what
 * is seen of it.
 */
void stack_view_draw(struct stack_view *view, const struct process *process, uint32_t stack,
		     struct grid *grid, unsigned int row, unsigned int rows, bool focus);

/* The allocator (enum event_allocator) in a stack; ALLOCATOR_UNKNOWN also without a stack. */
uint32_t stack_view_allocator(const struct process *process, uint32_t stack);

#endif
