/* SPDX-License-Identifier: GPL-2.0-only */
/* Inside of the dashboard: its state, its pages, and what the pages share. */
#ifndef TIDEMARK_VIEW_DASHBOARD_PAGE_H
#define TIDEMARK_VIEW_DASHBOARD_PAGE_H

#include "bpf/event.h"
#include "user/view/dashboard/dashboard.h"
#include "user/view/fields.h"

struct dashboard;

/* A key as the foot and the help name it. */
struct page_key {
	const char *key;
	const char *action; /* a word or two, at the foot; NULL: only in the help */
	const char *help;
};

/* One page: a const descriptor in a file of its own. */
struct page {
	const char *name;
	const struct page_key *keys; /* ends with a NULL key; most wanted first */
	/* Draws rows [0, rows); the rest of the grid is the foot. */
	void (*draw)(struct dashboard *dashboard, const struct dashboard_input *input,
		     struct grid *grid, unsigned int rows);
	/* Keys that are not common to all pages. */
	void (*key)(struct dashboard *dashboard, int key, const struct dashboard_input *input);
};

extern const struct page overview_page;
extern const struct page process_page;
extern const struct page sites_page;
extern const struct page stack_page;
extern const struct page invocations_page;
extern const struct page verdict_page;
extern const struct page help_page;

extern const struct page_key page_common_keys[];

/* A list that is longer than its place. */
struct scroll {
	size_t top;	   /* first item shown */
	unsigned int rows; /* items shown when last drawn, for the page keys */
};

/* A mapping of the process on show; names are copies, for the ledger may drop its own. */
struct mapping_row {
	struct mapping_report report; /* its strings are not to be used */
	char name[EVENT_NAME_LEN];
	char owner[32];
};

/* The mappings of one process in one interval, most retained first. */
struct mapping_list {
	const struct process *process; /* compared, never followed; NULL: empty */
	uint64_t attach_ns;
	uint64_t interval;
	struct mapping_row *rows; /* owned */
	size_t count;
	bool failed; /* no memory for it */
};

struct overview_state {
	const struct process *selected; /* compared, never followed; NULL: none yet */
	size_t selected_row;		/* where it was, should it vanish */
	const struct field *sort;
	bool ascending;
	struct scroll scroll;
	const struct process **order; /* owned: scratch memory for sorting */
	size_t order_capacity;
};

enum site_sort { SITE_SORT_RESIDENT, SITE_SORT_RETAINED, SITE_SORT_GROWTH, SITE_SORT_AGE };
#define SITE_SORT_COUNT (SITE_SORT_AGE + 1)

struct site_order {
	enum site_sort by;
	bool ascending;
	bool merged; /* sites of the same functions are one row */
};

struct site_row {
	struct site site; /* the sum of them; stack and reason are those of the largest */
	uint64_t key;	  /* tells rows apart, also from one list to the next */
	uint32_t stacks;  /* how many sites it is */
};

/* Keys of sites, by the numbers of their stacks; 0: not known yet. */
struct site_keys {
	uint64_t *items; /* owned */
	size_t count;
};

/* The sites of one process as of one of its lists, in the order that is on show. */
struct site_rows {
	const struct process *process; /* compared, never followed; NULL: empty */
	uint64_t attach_ns;
	uint64_t time_ns; /* of the list; 0: none has been made yet */
	double seconds;	  /* since the list before it; 0: there was none */
	struct site_order order;
	struct site *sites; /* owned: the list itself */
	size_t site_count;
	struct site_row *items; /* owned */
	size_t count;
	uint64_t resident;  /* pages of all sites */
	uint64_t unknown;   /* of these, those whose stack is not known */
	uint64_t estimated; /* of these, shares of pages without a stack */
	uint64_t grown;	    /* pages gained by those rows that grew */
	bool failed;	    /* no memory for it */
};

/* A call stack as it is drawn. */
struct stack_view {
	uint32_t stack; /* its number */
	bool unfolded;	/* the allocator's and the C library's frames one by one */
	struct scroll scroll;
	bool looked_up[EVENT_FRAMES_MAX]; /* symbols are looked up for what has been seen */
};

struct sites_state {
	const struct process *process; /* compared before it is followed */
	const struct page *back;
	struct site_order order;
	struct site_rows rows;
	struct site_keys keys;
	uint64_t selected;   /* key of the selected row */
	size_t selected_row; /* where it was, should it vanish */
	struct scroll scroll;
	struct stack_view preview;
	unsigned int lists; /* copied so far */
};

/* Whose call stack it is: that of a site, or of a mapping. */
struct stack_state {
	const struct process *process; /* compared before it is followed */
	const struct page *back;
	bool of_mapping;
	struct site_row row;	    /* the newest figures */
	struct mapping_row mapping; /* if of_mapping */
	struct stack_view view;
};

/* What is known of the invocations of one process, as it was at the end of an interval. */
struct invocation_list {
	const struct process *process; /* compared, never followed; NULL: empty */
	uint64_t attach_ns;
	uint64_t interval;
	bool ended; /* the process was */
	struct invocation_totals totals;
	struct invocation_survival survival[INVOCATION_POINT_COUNT];
	size_t open;
	uint64_t retained;	  /* pages */
	struct invocation *items; /* owned; newest first */
	size_t count;
	bool failed; /* no memory for it */
};

struct invocations_state {
	const struct process *process; /* compared before it is followed */
	const struct page *back;
	struct invocation_list list;
	struct scroll scroll;
};

#define VERDICT_SITE_LEN 192

/* The verdict on one process, as of its newest report, with the name of its site. */
struct verdict_state {
	const struct process *process; /* compared before it is followed */
	const struct page *back;
	uint64_t interval; /* of that report; 0: none yet */
	struct verdict verdict;
	char site[VERDICT_SITE_LEN];
	double share;
	struct scroll scroll;
};

enum process_focus { FOCUS_MAPPINGS, FOCUS_REMOVALS, FOCUS_COUNT };

struct process_state {
	const struct process *process; /* compared before it is followed */
	enum process_focus focus;
	struct scroll scroll[FOCUS_COUNT];
	unsigned int zoom; /* index of the time per column; 0: all history */
	struct mapping_list mappings;
	uint64_t selected;	     /* start of the selected mapping */
	size_t selected_row;	     /* where it was, should it vanish */
	struct unwind_totals stacks; /* as on show */
};

struct dashboard {
	bool utf8;
	const struct page *page;
	const struct page *back; /* from the help */
	bool frozen;
	uint64_t frozen_interval; /* newer reports are not shown while frozen */
	uint64_t frozen_ns;
	struct overview_state overview;
	struct process_state process;
	struct sites_state sites;
	struct stack_state stack;
	struct invocations_state invocations;
	struct verdict_state verdict;
	struct scroll help;
};

/* Time of what is on show. */
uint64_t page_now(const struct dashboard *dashboard, const struct dashboard_input *input);

/* The report on show: the newest, or while frozen that of then; NULL before the first. */
const struct report *page_report(const struct dashboard *dashboard, const struct process *process);

/* The one before it, or NULL. */
const struct report *page_report_before(const struct dashboard *dashboard,
					const struct process *process);

/*
 * The reports behind columns of a chart, oldest first, at the right end of
 * columns[width]; the rest NULL. Each column stands for `per_column` reports,
 * of which the one with the greatest RSS is taken: a peak must not hide.
 * per_column 0: as many as show all that is kept. Returns the number used.
 */
unsigned int page_history(const struct dashboard *dashboard, const struct process *process,
			  unsigned int per_column, const struct report **columns,
			  unsigned int width);

/* Is it still among the processes? */
bool page_has_process(const struct dashboard_input *input, const struct process *process);

/* Text that is put side by side and left out, item by item, where it does not fit. */
struct page_line {
	struct grid *grid;
	unsigned int row;
	unsigned int col;
};

/* False if it did not fit. */
__attribute__((format(printf, 3, 4))) bool page_line_add(struct page_line *line, enum style style,
							 const char *format, ...);

/* What is wrong with the figures, if anything: a line on every screen. */
struct page_health {
	int64_t unexplained; /* bytes */
	uint64_t anon;	     /* bytes it is a part of */
	uint64_t lost;	     /* records */
	uint64_t repaired;   /* pages */
	size_t incomplete;   /* processes whose first look has not ended */
};

/* That of all processes together. */
struct page_health page_health_of_all(const struct dashboard *dashboard,
				      const struct dashboard_input *input);

/* That of one; report may be NULL. */
struct page_health page_health_of(const struct process *process, const struct report *report);

void page_draw_health(const struct dashboard_input *input, struct grid *grid, unsigned int row,
		      const struct page_health *health);

/* How a figure of a report stands out. */
enum style page_unexplained_style(int64_t unexplained, uint64_t anon);
enum style page_growth_style(const struct report *report);
enum style page_invocation_style(const struct report *report);

/* Moves the first item by a key; true if it was one for scrolling. */
bool page_scroll_key(struct scroll *scroll, int key);

/* Keeps the list within its place; rows is the number of items that fit. */
void page_scroll_clamp(struct scroll *scroll, size_t count, unsigned int rows);

/* Where a key takes a selected item among count of them, `rows` of which are on show. */
size_t page_select_key(size_t selected, int key, size_t count, unsigned int rows);

/* Scrolls by as little as brings an item into sight. */
void page_scroll_to(struct scroll *scroll, size_t item, size_t count, unsigned int rows);

/* A duration or age: "12.3s", "3m20s"; text holds UNITS_TEXT_LEN bytes. Returns text. */
char *page_duration(char *text, double seconds);

/* "ended: exit 1" and the like; text holds size bytes. Returns text. */
char *page_ended(const struct process *process, char *text, size_t size);

/* The bar on top, for a page about one process; what: what it shows of it, "" if all. */
void page_draw_title(const struct dashboard *dashboard, const struct dashboard_input *input,
		     struct grid *grid, const struct process *process, const char *what);

/* invocation_list.c: brings the list up to date, unless frozen, and draws it with its heading. */
void invocation_list_update(struct invocation_list *list, const struct process *process,
			    uint64_t interval, bool frozen);
void invocation_list_release(struct invocation_list *list);
void invocation_list_draw(const struct invocation_list *list, uint64_t now_ns,
			  struct scroll *scroll, struct grid *grid, unsigned int row,
			  unsigned int rows);

/* Goes to the page about the invocations of a process, and comes back from it. */
void invocations_page_open(struct dashboard *dashboard, const struct process *process);

/* Goes to the page about the verdict on a process, and comes back from it. */
void verdict_page_open(struct dashboard *dashboard, const struct process *process);

/* Begins heap evidence of a process, or ends it. */
void page_toggle_heap(const struct dashboard_input *input, const struct process *process);

/* process_lists.c: the tables of the process page, each of rows rows with its heading. */
void mapping_list_update(struct mapping_list *list, const struct process *process,
			 uint64_t interval);
void mapping_list_release(struct mapping_list *list);
void mapping_list_draw(struct process_state *state, bool focus, struct grid *grid, unsigned int row,
		       unsigned int rows);
/* The row of the selected mapping, or of the one that took its place; the list is not empty. */
size_t mapping_list_selected(struct process_state *state);
void removal_list_draw(const struct process *process, uint64_t now_ns, struct scroll *scroll,
		       bool focus, struct grid *grid, unsigned int row, unsigned int rows);

#endif
