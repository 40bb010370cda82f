// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which invocation a page belongs to, through the ledger: cases one by one, and
 * random ones against a model that keeps one number per page.
 */
#include "tests/unit/support.h"

#include <sys/mman.h>

#define A ((uint64_t)0x7f0000000000)
#define B ((uint64_t)0x7f8000000000)
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static const struct invocation *found(const struct world *w, uint32_t number)
{
	const struct invocation *invocation = invocations_find(w->ledger->invocations, number);

	assert_non_null(invocation);
	return invocation;
}

static uint64_t retained(const struct world *w)
{
	return invocations_retained(w->ledger->invocations);
}

static struct world mapped_world(void)
{
	struct world w = world_new();

	world_mmap(&w, A, PAGES(4096), RW, ANON);
	return w;
}

static void send_mremap(struct world *w, enum event_kind kind, uint64_t from, uint64_t len,
			int64_t to)
{
	struct event_mremap event = {
		.old_addr = from,
		.old_len = len,
		.new_len = len,
		.new_addr = kind == EVENT_MREMAP_BEGIN ? (uint64_t)to : 0,
		.result = kind == EVENT_MREMAP_END ? to : 0,
		.flags = MREMAP_MAYMOVE | MREMAP_FIXED,
	};

	world_feed(w, &event.h, kind, sizeof(event));
}

/* A look at [start, start + pages) that sees the first `seen` of them. */
static void send_scan(struct world *w, uint64_t start, uint64_t pages, uint64_t seen,
		      enum event_cause cause)
{
	struct {
		struct event_scan scan;
		struct event_run run;
	} event = {
		.scan = {.start = start,
			 .end = start + PAGES(pages),
			 .begin_ns = w->now,
			 .cause = cause,
			 .run_count = seen > 0},
		.run = {start, seen},
	};

	world_feed(w, &event.scan.h, EVENT_SCAN,
		   sizeof(event.scan) + (seen ? sizeof(event.run) : 0));
}

static void send_loss(struct world *w)
{
	struct event_loss event = {.lost = 5};

	world_feed(w, &event.h, EVENT_LOSS, sizeof(event));
}

static void pages_belong_to_the_toucher(void **state)
{
	struct world w = mapped_world();
	uint64_t memory;

	(void)state;
	world_touch(&w, A, 5); /* before any */
	memory = ledger_memory(w.ledger);
	world_invocation(&w, INVOCATION_GONE, "");
	assert_null(w.ledger->invocations); /* a thread that had none */
	world_invocation(&w, INVOCATION_BEGIN, "a");
	assert_true(ledger_memory(w.ledger) > memory);
	world_touch(&w, A, 7); /* two of them new */
	w.tid = 99;
	world_touch(&w, A + PAGES(10), 3); /* a helper, in none */
	w.tid = WORLD_PID;
	world_invocation(&w, INVOCATION_END, "a");
	world_touch(&w, A + PAGES(20), 4);
	assert_int_equal(found(&w, 1)->born, 2);
	assert_int_equal(found(&w, 1)->at[0], 2);
	assert_int_equal(invocations_totals(w.ledger->invocations)->born, 2);
	assert_int_equal(invocations_totals(w.ledger->invocations)->born_outside, 7);
	assert_int_equal(page_table_stamp(&w.ledger->pages, A + PAGES(4)), 0);
	assert_int_equal(page_table_stamp(&w.ledger->pages, A + PAGES(5)), 1);
	assert_int_equal(page_table_stamp(&w.ledger->pages, A + PAGES(10)), 0);
	world_range(&w, EVENT_MADVISE, A, PAGES(6), EVENT_CALL_MADVISE, MADV_DONTNEED);
	assert_int_equal(found(&w, 1)->resident, 1);
	assert_int_equal(retained(&w), 1);
	world_range(&w, EVENT_UNMAP, A, PAGES(100), EVENT_CALL_MUNMAP, 0);
	assert_int_equal(retained(&w), 0);
	assert_int_equal(w.ledger->totals.events, 1 + 5 + 3 + 7 + 3 + 4 + 2);
	world_free(&w);
}

/* What the kernel populates is found by a look, after the call and perhaps after the end. */
static void populated_pages_belong_to_the_caller(void **state)
{
	struct world w = mapped_world();

	(void)state;
	world_invocation(&w, INVOCATION_BEGIN, "a");
	world_range(&w, EVENT_POPULATE, A, PAGES(10), EVENT_CALL_MADVISE, MADV_POPULATE_WRITE);
	world_invocation(&w, INVOCATION_END, "a");
	world_invocation(&w, INVOCATION_BEGIN, "b");
	w.now += MS(500);
	send_scan(&w, A, 10, 10, CAUSE_POPULATE);
	assert_int_equal(found(&w, 1)->born, 10);
	assert_int_equal(found(&w, 1)->at[0], 10);
	assert_int_equal(found(&w, 2)->born, 0);
	assert_int_equal(retained(&w), 10);
	/* nobody asked for it */
	send_scan(&w, A + PAGES(50), 4, 4, CAUSE_POPULATE);
	assert_int_equal(invocations_totals(w.ledger->invocations)->born_outside, 4);
	world_free(&w);
}

/* Found at the first look or repaired: nobody saw who touched it. */
static void found_pages_belong_to_none(void **state)
{
	struct world w = mapped_world();

	(void)state;
	world_invocation(&w, INVOCATION_BEGIN, "a");
	w.now += MS(500);
	send_scan(&w, A, 10, 10, CAUSE_PERIODIC);
	send_scan(&w, A + PAGES(20), 10, 10, CAUSE_ATTACH);
	assert_int_equal(w.ledger->pages.pages, 20);
	assert_int_equal(found(&w, 1)->born, 0);
	assert_int_equal(invocations_totals(w.ledger->invocations)->born, 0);
	assert_int_equal(invocations_totals(w.ledger->invocations)->born_outside, 0);
	world_touch(&w, A + PAGES(40), 10);
	w.now += MS(500);
	send_scan(&w, A + PAGES(40), 10, 6, CAUSE_PERIODIC); /* four went unseen */
	assert_int_equal(found(&w, 1)->resident, 6);
	assert_int_equal(found(&w, 1)->born, 10);
	world_free(&w);
}

static void moved_pages_stay_in_their_invocation(void **state)
{
	struct world w = mapped_world();

	(void)state;
	world_invocation(&w, INVOCATION_BEGIN, "a");
	world_touch(&w, A, 600); /* a whole leaf and a part */
	world_invocation(&w, INVOCATION_END, "a");
	send_mremap(&w, EVENT_MREMAP_BEGIN, A, PAGES(1024), (int64_t)B);
	assert_int_equal(found(&w, 1)->resident, 600);
	send_mremap(&w, EVENT_MREMAP_END, A, PAGES(1024), (int64_t)B);
	assert_int_equal(found(&w, 1)->resident, 600);
	assert_int_equal(page_table_stamp(&w.ledger->pages, B + PAGES(599)), 1);
	/* lost on the way */
	send_mremap(&w, EVENT_MREMAP_BEGIN, B, PAGES(100), (int64_t)A);
	send_loss(&w);
	assert_int_equal(found(&w, 1)->resident, 500);
	assert_int_equal(retained(&w), 500);
	world_free(&w);
}

static void losses_exec_and_exit_cut(void **state)
{
	struct world w = mapped_world();
	struct event_exec exec = {.comm = "new"};
	struct event_exit exited = {0};
	struct event_loss stacks = {.stacks = 5};
	const struct invocation_totals *totals;

	(void)state;
	world_invocation(&w, INVOCATION_BEGIN, "a");
	totals = invocations_totals(w.ledger->invocations);
	world_touch(&w, A, 3);
	world_feed(&w, &stacks.h, EVENT_LOSS, sizeof(stacks));
	assert_int_equal(found(&w, 1)->state, INVOCATION_OPEN);
	send_loss(&w);
	assert_int_equal(found(&w, 1)->state, INVOCATION_CUT);
	assert_int_equal(retained(&w), 3);
	world_invocation(&w, INVOCATION_BEGIN, "b");
	world_touch(&w, A + PAGES(3), 4);
	send_mremap(&w, EVENT_MREMAP_BEGIN, A, PAGES(2), (int64_t)B);
	world_feed(&w, &exec.h, EVENT_EXEC, sizeof(exec));
	assert_int_equal(found(&w, 2)->state, INVOCATION_CUT);
	assert_int_equal(retained(&w), 0);
	assert_int_equal(found(&w, 1)->resident, 0);
	assert_int_equal(totals->born, 7);
	world_mmap(&w, A, PAGES(10), RW, ANON);
	world_invocation(&w, INVOCATION_BEGIN, "c");
	world_touch(&w, A, 2); /* in the new program's table */
	world_range(&w, EVENT_UNMAP, A, PAGES(1), EVENT_CALL_MUNMAP, 0);
	assert_int_equal(found(&w, 3)->resident, 1);
	world_feed(&w, &exited.h, EVENT_EXIT, sizeof(exited));
	assert_int_equal(found(&w, 3)->state, INVOCATION_CUT);
	assert_int_equal(totals->cut, 3);
	assert_int_equal(retained(&w), 1);
	world_free(&w);
}

/* --- against a model ------------------------------------------------------------------ */

#define WINDOW ((size_t)3 * LEAF_PAGES)
#define MODEL_PAGES (2 * WINDOW)
#define THREADS 4
#define STEPS_MAX 20000

/* How the ends tell what they end. */
enum mode { MODE_ID, MODE_NUMBER, MODE_PLAIN, MODE_FRAME, MODE_COUNT };

struct page {
	bool present;
	uint32_t number;
};

struct made {
	uint32_t thread;
	unsigned int state;
	uint64_t born;
	uint64_t at[INVOCATION_POINT_COUNT];
	unsigned int points;
};

struct model {
	struct world w;
	uint64_t seed;
	enum mode mode;
	struct page pages[MODEL_PAGES];
	struct page limbo[WINDOW]; /* on their way */
	size_t limbo_count;
	struct made made[STEPS_MAX]; /* by number */
	uint32_t newest;
	uint32_t ended[STEPS_MAX];
	uint64_t history[STEPS_MAX];
	size_t ended_count;
	uint64_t cut, unmatched, outside;
	uint32_t frames[THREADS][INVOCATION_DEPTH_MAX]; /* of MODE_FRAME: the true stack */
	uint32_t depth[THREADS];
};

static uint64_t model_addr(size_t page)
{
	return page < WINDOW ? A + PAGES(page) : B + PAGES(page - WINDOW);
}

static uint64_t below(struct model *model, uint64_t limit)
{
	return random_below(&model->seed, limit);
}

static uint64_t naive_resident(const struct model *model, uint32_t number)
{
	uint64_t count = 0;

	for (size_t i = 0; i < MODEL_PAGES; i++)
		count += model->pages[i].present && model->pages[i].number == number;
	for (size_t i = 0; i < model->limbo_count; i++)
		count += model->limbo[i].present && model->limbo[i].number == number;
	return count;
}

static uint64_t naive_retained(const struct model *model)
{
	uint64_t count = 0;

	for (size_t i = 0; i < MODEL_PAGES + model->limbo_count; i++) {
		const struct page *page =
			i < MODEL_PAGES ? &model->pages[i] : &model->limbo[i - MODEL_PAGES];

		count += page->present && page->number &&
			 model->made[page->number].state != INVOCATION_OPEN;
	}
	return count;
}

/* The last one to begin of those open in a thread; 0: none. */
static uint32_t naive_current(const struct model *model, uint32_t thread)
{
	for (uint32_t number = model->newest; number; number--)
		if (model->made[number].thread == thread &&
		    model->made[number].state == INVOCATION_OPEN)
			return number;
	return 0;
}

static uint32_t naive_open(const struct model *model, uint32_t thread)
{
	uint32_t count = 0;

	for (uint32_t number = 1; number <= model->newest; number++)
		count += model->made[number].thread == thread &&
			 model->made[number].state == INVOCATION_OPEN;
	return count;
}

static void model_cut(struct model *model, uint32_t number)
{
	if (model->made[number].state != INVOCATION_OPEN)
		return;
	model->made[number].state = INVOCATION_CUT;
	model->cut++;
}

static void model_cut_all(struct model *model)
{
	for (uint32_t number = 1; number <= model->newest; number++)
		model_cut(model, number);
}

/* Functions that longjmp left are noticed when the thread's next one begins or ends. */
static void model_cut_left(struct model *model, uint32_t thread)
{
	for (uint32_t number = 1; number <= model->newest; number++) {
		bool live = model->made[number].thread != thread;

		for (uint32_t i = 0; i < model->depth[thread]; i++)
			live |= model->frames[thread][i] == number;
		if (!live)
			model_cut(model, number);
	}
}

static void model_end(struct model *model, uint32_t number)
{
	size_t e = ++model->ended_count;

	model->made[number].state = INVOCATION_ENDED;
	model->ended[e] = number;
	model->history[e] = naive_retained(model);
	for (unsigned int point = 0; point < INVOCATION_POINT_COUNT; point++) {
		struct made *made;

		if (e <= invocation_later[point])
			break;
		made = &model->made[model->ended[e - invocation_later[point]]];
		/* what has been forgotten reaches no further point */
		if (model->newest - model->ended[e - invocation_later[point]] >= INVOCATIONS_KEPT)
			continue;
		made->at[point] = naive_resident(model, model->ended[e - invocation_later[point]]);
		made->points = point + 1;
	}
}

static void send_edge(struct model *model, enum invocation_edge edge, uint32_t thread,
		      uint32_t number)
{
	struct event_invocation event = {.edge = edge};

	if (model->mode == MODE_ID)
		snprintf(event.id, sizeof(event.id), "request-%u", number);
	else if (model->mode == MODE_NUMBER)
		event.value = number;
	else if (model->mode == MODE_FRAME)
		event.cfa = 0x7ffd00000000 + 0x100000 * (uint64_t)thread -
			    64 * (uint64_t)model->depth[thread];
	model->w.tid = 100 + thread;
	world_feed(&model->w, &event.h, EVENT_INVOCATION, sizeof(event));
}

static void step_begin(struct model *model, uint32_t thread)
{
	uint32_t number = model->newest + 1;

	if (number == STEPS_MAX ||
	    (model->mode == MODE_FRAME ? model->depth[thread] == INVOCATION_DEPTH_MAX
				       : naive_open(model, thread) == INVOCATION_DEPTH_MAX))
		return;
	send_edge(model, INVOCATION_BEGIN, thread, number);
	if (model->mode == MODE_FRAME) {
		model_cut_left(model, thread);
		model->frames[thread][model->depth[thread]++] = number;
	}
	if (number > INVOCATIONS_KEPT)
		model_cut(model, number - INVOCATIONS_KEPT);
	model->newest = number;
	model->made[number].thread = thread;
}

static void step_end_named(struct model *model, uint32_t thread)
{
	/* an open one of any thread, or one that is not open */
	uint32_t number = below(model, 4) ? naive_current(model, (uint32_t)below(model, THREADS))
					  : (uint32_t)below(model, model->newest + 2);

	if (!number)
		number = STEPS_MAX + 1;
	send_edge(model, INVOCATION_END, thread, number);
	if (number <= model->newest && model->made[number].state == INVOCATION_OPEN)
		model_end(model, number);
	else
		model->unmatched++;
}

static void step_end(struct model *model, uint32_t thread)
{
	uint32_t number = naive_current(model, thread);

	if (model->mode == MODE_ID || model->mode == MODE_NUMBER) {
		step_end_named(model, thread);
		return;
	}
	if (model->mode == MODE_FRAME) {
		if (!model->depth[thread])
			return;
		model_cut_left(model, thread);
		number = model->frames[thread][--model->depth[thread]];
		if (model->made[number].state != INVOCATION_OPEN)
			number = 0;
	}
	send_edge(model, INVOCATION_END, thread, 0);
	if (number)
		model_end(model, number);
	else
		model->unmatched++;
}

static void step_gone(struct model *model, uint32_t thread)
{
	send_edge(model, INVOCATION_GONE, thread, 0);
	model->depth[thread] = 0;
	for (uint32_t number = 1; number <= model->newest; number++)
		if (model->made[number].thread == thread)
			model_cut(model, number);
}

static void model_bear(struct model *model, size_t page, uint32_t number)
{
	if (model->pages[page].present)
		return;
	model->pages[page] = (struct page){true, number};
	if (!number) {
		model->outside += model->newest > 0;
		return;
	}
	model->made[number].born++;
	for (unsigned int point = 0; point < model->made[number].points; point++)
		model->made[number].at[point]++;
}

/* In one window. */
static void random_range(struct model *model, size_t *first, size_t *count)
{
	*count = 1 + below(model, below(model, 4) ? 40 : WINDOW);
	*first = below(model, WINDOW - *count + 1);
	if (!below(model, 4))
		*first -= *first % LEAF_PAGES;
	*first += below(model, 2) * WINDOW;
}

/* As much as one look may be of. */
static void random_scan(struct model *model, size_t *first, size_t *count)
{
	random_range(model, first, count);
	if (*count > EVENT_RUNS_MAX)
		*count = EVENT_RUNS_MAX;
}

static void step_touch(struct model *model, uint32_t thread)
{
	uint32_t number = naive_current(model, thread);
	size_t first, count;

	random_range(model, &first, &count);
	model->w.tid = 100 + thread;
	for (size_t i = first; i < first + count; i++) {
		world_fault(&model->w, model_addr(i) + i % 4096, FAULT_USER | FAULT_WRITE);
		model_bear(model, i, number);
	}
}

static void step_populate(struct model *model, uint32_t thread)
{
	uint32_t number = naive_current(model, thread);
	size_t first, count;

	random_scan(model, &first, &count);
	model->w.tid = 100 + thread;
	world_range(&model->w, EVENT_POPULATE, model_addr(first), PAGES(count), EVENT_CALL_MADVISE,
		    MADV_POPULATE_WRITE);
	if (below(model, 2))
		step_end(model, thread);
	model->w.now += MS(500);
	send_scan(&model->w, model_addr(first), count, count, CAUSE_POPULATE);
	for (size_t i = first; i < first + count; i++)
		model_bear(model, i, number);
}

static void step_remove(struct model *model)
{
	size_t first, count;

	random_range(model, &first, &count);
	if (below(model, 2)) {
		world_range(&model->w, EVENT_MADVISE, model_addr(first), PAGES(count),
			    EVENT_CALL_MADVISE, MADV_DONTNEED);
	} else {
		world_range(&model->w, EVENT_UNMAP, model_addr(first), PAGES(count),
			    EVENT_CALL_MUNMAP, 0);
		world_mmap(&model->w, model_addr(first), PAGES(count), RW, ANON);
	}
	for (size_t i = first; i < first + count; i++)
		model->pages[i].present = false;
}

/* A look that finds pages gone and others there that no record told of. */
static void step_repair(struct model *model)
{
	size_t first, count, seen;

	random_scan(model, &first, &count);
	seen = below(model, count + 1);
	model->w.now += MS(500);
	send_scan(&model->w, model_addr(first), count, seen, CAUSE_PERIODIC);
	for (size_t i = first; i < first + count; i++) {
		if (!model->pages[i].present)
			model->pages[i].number = 0;
		model->pages[i].present = i < first + seen;
	}
}

/* While no page is on its way a look finds all; so nothing else touches pages in between. */
static void step_move(struct model *model, uint32_t thread)
{
	size_t count = 1 + below(model, WINDOW), from = below(model, WINDOW - count + 1);
	size_t to = WINDOW + below(model, WINDOW - count + 1);
	bool refused = !below(model, 4);

	if (below(model, 2)) {
		from -= from % LEAF_PAGES;
		to -= to % LEAF_PAGES;
	}
	model->w.tid = 100 + thread;
	send_mremap(&model->w, EVENT_MREMAP_BEGIN, model_addr(from), PAGES(count),
		    (int64_t)model_addr(to));
	model->limbo_count = count;
	for (size_t i = 0; i < count; i++) {
		model->limbo[i] = model->pages[from + i];
		model->pages[from + i].present = false;
		model->pages[to + i].present = false;
	}
	if (!below(model, 3))
		step_end(model, (thread + 1) % THREADS);
	if (!below(model, 8)) {
		send_loss(&model->w);
		model_cut_all(model);
		model->limbo_count = 0;
	}
	model->w.tid = 100 + thread;
	send_mremap(&model->w, EVENT_MREMAP_END, model_addr(from), PAGES(count),
		    refused ? -EFAULT : (int64_t)model_addr(to));
	for (size_t i = 0; i < model->limbo_count; i++)
		model->pages[(refused ? from : to) + i] = model->limbo[i];
	model->limbo_count = 0;
	world_mmap(&model->w, model_addr(0), PAGES(WINDOW), RW, ANON);
	world_mmap(&model->w, model_addr(WINDOW), PAGES(WINDOW), RW, ANON);
}

/* The child has the pages, and no invocations; when it ends the parent is as before. */
static void step_fork(struct model *model)
{
	struct event_fork event = {.child = 4001, .flags = FORK_WATCHED};
	struct world child = {.now = model->w.now, .tid = 4001};
	uint64_t count = 0;

	event.h = HEADER(EVENT_FORK, event_fork, WORLD_PID, WORLD_PID, model->w.now);
	child.ledger = ledger_fork(model->w.ledger, &event);
	assert_non_null(child.ledger);
	assert_null(child.ledger->invocations);
	for (size_t i = 0; i < MODEL_PAGES; i++) {
		assert_int_equal(page_table_stamp(&child.ledger->pages, model_addr(i)), 0);
		count += model->pages[i].present;
	}
	assert_int_equal(child.ledger->pages.pages, count);
	world_invocation(&child, INVOCATION_BEGIN, "the child's first");
	assert_int_equal(invocations_newest(child.ledger->invocations), 1);
	world_free(&child);
}

static void step_exec(struct model *model)
{
	struct event_exec event = {.comm = "again"};

	world_feed(&model->w, &event.h, EVENT_EXEC, sizeof(event));
	model_cut_all(model);
	memset(model->pages, 0, sizeof(model->pages));
	memset(model->depth, 0, sizeof(model->depth));
	world_cycle(&model->w, CAUSE_ATTACH, 1, 0);
	world_mmap(&model->w, model_addr(0), PAGES(WINDOW), RW, ANON);
	world_mmap(&model->w, model_addr(WINDOW), PAGES(WINDOW), RW, ANON);
}

static void random_step(struct model *model)
{
	uint32_t thread = (uint32_t)below(model, THREADS);

	model->w.now += MS(1);
	switch (below(model, 32)) {
	case 0:
		step_move(model, thread);
		break;
	case 1:
		step_populate(model, thread);
		break;
	case 2:
		step_repair(model);
		break;
	case 3:
		step_gone(model, thread);
		break;
	case 4:
		if (model->depth[thread]) /* longjmp */
			model->depth[thread] = (uint32_t)below(model, model->depth[thread] + 1);
		break;
	case 5:
	case 6:
		step_remove(model);
		break;
	case 7: /* rare ones */
		if (!below(model, 8))
			step_fork(model);
		if (!below(model, 16)) {
			send_loss(&model->w);
			model_cut_all(model);
		}
		if (!below(model, 64))
			step_exec(model);
		break;
	case 8 ... 15:
		step_touch(model, thread);
		break;
	case 16 ... 23:
		step_begin(model, thread);
		break;
	default:
		step_end(model, thread);
	}
}

static void assert_survival(const struct model *model, const struct invocations *set)
{
	for (unsigned int point = 0; point < INVOCATION_POINT_COUNT; point++) {
		const struct invocation_survival *survival = invocations_survival(set, point);
		uint64_t count = 0, born = 0, resident = 0;

		for (uint32_t number = 1; number <= model->newest; number++) {
			if (model->made[number].points <= point)
				continue;
			count++;
			born += model->made[number].born;
			resident += model->made[number].at[point];
		}
		assert_int_equal(survival->invocations, count);
		assert_int_equal(survival->born, born);
		assert_int_equal(survival->resident, resident);
	}
}

static void assert_kept(const struct model *model, const struct invocations *set)
{
	for (uint32_t number = 1; number <= model->newest; number++) {
		const struct invocation *kept = invocations_find(set, number);
		const struct made *made = &model->made[number];

		if (model->newest - number >= INVOCATIONS_KEPT) {
			assert_null(kept);
			continue;
		}
		assert_int_equal(kept->number, number);
		assert_int_equal(kept->tid, 100 + made->thread);
		assert_int_equal(kept->state, made->state);
		assert_int_equal(kept->born, made->born);
		assert_int_equal(kept->points, made->points);
		for (unsigned int point = 0; point < made->points; point++)
			assert_int_equal(kept->at[point], made->at[point]);
	}
}

static void assert_same(struct model *model)
{
	struct invocations *set = model->w.ledger->invocations;
	static uint64_t history[INVOCATIONS_KEPT];
	uint64_t resident[STEPS_MAX] = {0};
	size_t count;

	for (size_t i = 0; i < MODEL_PAGES; i++) {
		const struct page *page = &model->pages[i];

		assert_int_equal(page_table_stamp(&model->w.ledger->pages, model_addr(i)),
				 page->present ? page->number : 0);
		resident[page->number] += page->present;
	}
	for (uint32_t number = 1; number <= model->newest; number++)
		if (invocations_find(set, number))
			assert_int_equal(invocations_find(set, number)->resident, resident[number]);
	assert_kept(model, set);
	assert_survival(model, set);
	assert_int_equal(invocations_retained(set), naive_retained(model));
	for (uint32_t thread = 0; thread < THREADS; thread++)
		assert_int_equal(invocations_current(set, 100 + thread),
				 naive_current(model, thread));
	count = invocations_history(set, history, INVOCATIONS_KEPT);
	assert_int_equal(count, model->ended_count < INVOCATIONS_KEPT ? model->ended_count
								      : INVOCATIONS_KEPT);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(history[i], model->history[model->ended_count - count + i + 1]);
	assert_int_equal(invocations_totals(set)->begun, model->newest);
	assert_int_equal(invocations_totals(set)->ended, model->ended_count);
	assert_int_equal(invocations_totals(set)->cut, model->cut);
	assert_int_equal(invocations_totals(set)->unmatched, model->unmatched);
	assert_int_equal(invocations_totals(set)->too_deep, 0);
	assert_int_equal(invocations_totals(set)->born_outside, model->outside);
	assert_int_equal(model->w.ledger->totals.errors, 0);
	assert_int_equal(model->w.ledger->totals.strays, 0);
}

/* So many that all before are forgotten, also what is open. */
static void step_flood(struct model *model)
{
	const uint32_t thread = THREADS - 1;

	step_gone(model, thread);
	for (uint32_t i = 0; i < INVOCATIONS_KEPT; i++) {
		step_begin(model, thread);
		model->depth[thread] -= model->mode == MODE_FRAME;
		send_edge(model, INVOCATION_END, thread, model->newest);
		model_end(model, model->newest);
	}
}

static void random_walk(enum mode mode, uint64_t seed)
{
	struct model *model = calloc(1, sizeof(*model));

	assert_non_null(model);
	model->mode = mode;
	model->seed = seed * 0x9e3779b97f4a7c15;
	model->w = world_new();
	world_mmap(&model->w, model_addr(0), PAGES(WINDOW), RW, ANON);
	world_mmap(&model->w, model_addr(WINDOW), PAGES(WINDOW), RW, ANON);
	step_begin(model, 0);
	for (int i = 1; i <= 4000; i++) {
		random_step(model);
		if (i == 3000 && seed % 2)
			step_flood(model);
		if (i % 400 == 0 || i < 20)
			assert_same(model);
	}
	world_free(&model->w);
	free(model);
}

static void random_events_match_a_model(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 12; seed++)
		random_walk((enum mode)(seed / 2 % MODE_COUNT), seed);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_belong_to_the_toucher),
		cmocka_unit_test(populated_pages_belong_to_the_caller),
		cmocka_unit_test(found_pages_belong_to_none),
		cmocka_unit_test(moved_pages_stay_in_their_invocation),
		cmocka_unit_test(losses_exec_and_exit_cut),
		cmocka_unit_test(random_events_match_a_model),
	};

	return cmocka_run_group_tests_name("ledger_invocations", tests, NULL, NULL);
}
