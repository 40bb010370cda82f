// SPDX-License-Identifier: GPL-2.0-only
#include "user/pipeline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/sys/tree.h>

#include "user/base/log.h"
#include "user/base/units.h"
#include "user/source/look.h"

/* A process that ended stays in the views for so many intervals, if it is one of the last few. */
#define ENDED_INTERVALS 5
#define ENDED_MAX 64

/* A cycle that could not settle something is followed by another after this. */
#define FOLLOW_UP_NS (250 * NSEC_PER_MSEC)

/* Time spent in /proc is at most 1/100 of one CPU's. */
#define CYCLE_SHARE 100

/*
 * smaps holds the target's mmap_lock for 3.5 ms per GiB resident: what would
 * hold it longer than LAZY_QUICK_NS is asked at most once a minute, and the
 * rest at most 1/1000 of the time. Each round waits twice as long as the one
 * before; advice after a pause begins anew.
 */
#define LAZY_NS_PER_PAGE 14
#define LAZY_QUICK_NS NSEC_PER_MSEC
#define LAZY_SLOW_GAP_NS (60 * NSEC_PER_SEC)
#define LAZY_SHARE 1000
#define LAZY_GAP_MIN_NS (500 * NSEC_PER_MSEC)

struct tracked {
	RB_ENTRY(tracked) link; /* by pid, while alive */
	struct process *process;
	uint32_t pid;
	uint64_t ended_interval; /* when it ended */
	uint64_t seen_cycle_ns;	 /* the cycle end that follow-ups were decided on */
	uint64_t follow_up_ns;	 /* 0: none */
	uint32_t follow_up_cause;
	uint64_t lazy_gap_ns;
	uint64_t lazy_advice_ns; /* the advice that lazy_gap_ns is about */
};

RB_HEAD(tracked_tree, tracked);

struct pipeline {
	struct source *source;
	struct pipeline_options options;
	struct {
		const struct view_ops *ops;
		void *view;
	} views[PIPELINE_VIEWS_MAX];
	size_t view_count;
	struct tracked_tree alive;
	struct tracked **order;	    /* all, in order of attach; owned */
	struct process **processes; /* the same, for views */
	size_t count;
	size_t capacity;
	size_t alive_count;
	uint64_t orphans;
	uint64_t interval;
	struct tracked *last;	 /* the one of the last record */
	struct stacks *stacks;	 /* NULL: none are taken */
	struct symbols *symbols; /* likewise */
	struct tracked *current; /* the one that a record is about, while it is unwound */
	int error;		 /* negative errno: the recording cannot be followed any more */
};

static int tracked_compare(const struct tracked *a, const struct tracked *b)
{
	return a->pid < b->pid ? -1 : a->pid > b->pid;
}

RB_PROTOTYPE(tracked_tree, tracked, link, tracked_compare)
RB_GENERATE(tracked_tree, tracked, link, tracked_compare)

/* Calls one hook of every view that has it. */
#define EACH_VIEW(pipeline, hook, ...)                                                             \
	do {                                                                                       \
		for (size_t i_ = 0; i_ < (pipeline)->view_count; i_++)                             \
			if ((pipeline)->views[i_].ops->hook)                                       \
				(pipeline)->views[i_].ops->hook((pipeline)->views[i_].view,        \
								__VA_ARGS__);                      \
	} while (0)

/* A new stack or module: the views get it before the record it was found for. */
static void on_definition(void *ctx, const struct event_header *event)
{
	struct pipeline *pipeline = ctx;

	if (!pipeline->current)
		return;
	EACH_VIEW(pipeline, record, event);
	EACH_VIEW(pipeline, event, pipeline->current->process, event);
}

static void unwound_header(struct event_unwound *event, uint32_t pid, uint64_t time_ns)
{
	event->h = (struct event_header){
		.size = sizeof(*event),
		.kind = EVENT_UNWOUND,
		.pid = pid,
		.time_ns = time_ns,
	};
}

/* Recordings have no snapshots: before a report they are told what became of them. */
static void tell_unwound(struct pipeline *pipeline, const struct tracked *tracked, uint64_t time_ns)
{
	struct event_unwound event;

	if (pipeline->options.replayed || !tracked->process->unwinder ||
	    !unwinder_tell_totals(tracked->process->unwinder, &event))
		return;
	unwound_header(&event, tracked->pid, time_ns);
	EACH_VIEW(pipeline, record, &event.h);
}

struct pipeline *pipeline_new(struct source *source, const struct pipeline_options *options)
{
	struct pipeline *pipeline = calloc(1, sizeof(*pipeline));

	if (!pipeline)
		return NULL;
	pipeline->source = source;
	pipeline->options = *options;
	if (!options->stacks)
		return pipeline;
	pipeline->stacks = stacks_new(on_definition, pipeline);
	pipeline->symbols = pipeline->stacks ? symbols_new(pipeline->stacks, true) : NULL;
	if (!pipeline->symbols) {
		pipeline_free(pipeline);
		return NULL;
	}
	return pipeline;
}

void pipeline_add_view(struct pipeline *pipeline, const struct view_ops *ops, void *view)
{
	if (pipeline->view_count == PIPELINE_VIEWS_MAX)
		return;
	pipeline->views[pipeline->view_count].ops = ops;
	pipeline->views[pipeline->view_count++].view = view;
}

static struct tracked *tracked_find(struct pipeline *pipeline, uint32_t pid)
{
	struct tracked key = {.pid = pid};

	if (!pipeline->last || pipeline->last->pid != pid)
		pipeline->last = RB_FIND(tracked_tree, &pipeline->alive, &key);
	return pipeline->last;
}

static int order_reserve(struct pipeline *pipeline)
{
	size_t capacity = pipeline->capacity ? pipeline->capacity * 2 : 16;
	struct process **processes;
	struct tracked **order;

	if (pipeline->count < pipeline->capacity)
		return 0;
	order = reallocarray(pipeline->order, capacity, sizeof(*order));
	if (!order)
		return -ENOMEM;
	pipeline->order = order;
	processes = reallocarray(pipeline->processes, capacity, sizeof(struct process *));
	if (!processes)
		return -ENOMEM;
	pipeline->processes = processes;
	pipeline->capacity = capacity;
	return 0;
}

/* Without memory for it the process has no stacks. */
static void tracked_add_stacks(struct pipeline *pipeline, struct process *process,
			       const struct unwinder *parent)
{
	if (!pipeline->stacks)
		return;
	process->stacks = pipeline->stacks;
	process->symbols = pipeline->symbols;
	process->unwinder =
		parent ? unwinder_fork(parent, process->ledger)
		       : unwinder_new(pipeline->stacks, pipeline->source, process->ledger);
}

/* Takes the ledger. parent: the unwinder of the process that forked it, or NULL. */
static struct tracked *tracked_add(struct pipeline *pipeline, struct ledger *ledger,
				   const struct unwinder *parent)
{
	struct tracked *tracked = calloc(1, sizeof(*tracked));

	if (!ledger || !tracked || order_reserve(pipeline)) {
		if (!pipeline->options.replayed)
			log_error("out of memory: a process is not watched");
		/* nobody looks at what is missing: half a replay would be taken for a whole one */
		else if (!pipeline->error)
			pipeline->error = -ENOMEM;
		ledger_free(ledger);
		free(tracked);
		return NULL;
	}
	tracked->pid = ledger->pid;
	ledger->heap_tracked = pipeline->options.heap_tracked;
	tracked->process = process_new(ledger);
	if (!tracked->process) {
		free(tracked);
		return NULL;
	}
	tracked_add_stacks(pipeline, tracked->process, parent);
	pipeline->order[pipeline->count] = tracked;
	pipeline->processes[pipeline->count++] = tracked->process;
	pipeline->alive_count++;
	RB_INSERT(tracked_tree, &pipeline->alive, tracked);
	pipeline->last = NULL;
	EACH_VIEW(pipeline, begin, tracked->process);
	return tracked;
}

static void make_report(struct pipeline *pipeline, struct tracked *tracked, uint64_t now_ns)
{
	if (process_report(tracked->process, now_ns, pipeline->interval))
		return;
	EACH_VIEW(pipeline, report, tracked->process, process_newest(tracked->process));
}

/* It is watched no more; its last state stays for a while. */
static void tracked_end(struct pipeline *pipeline, struct tracked *tracked, uint64_t now_ns)
{
	const struct report *newest = process_newest(tracked->process);

	/* where nothing came after the last interval, its report is the last state */
	if (!newest || now_ns > newest->time_ns)
		make_report(pipeline, tracked, now_ns);
	tracked->process->ended = true;
	tracked->ended_interval = pipeline->interval;
	RB_REMOVE(tracked_tree, &pipeline->alive, tracked);
	pipeline->last = NULL;
	pipeline->alive_count--;
	EACH_VIEW(pipeline, end, tracked->process);
	if (tracked->process->unwinder)
		unwinder_rest(tracked->process->unwinder);
}

static void tracked_free(struct tracked *tracked)
{
	process_free(tracked->process);
	free(tracked);
}

static void forget_ended(struct pipeline *pipeline)
{
	size_t ended = pipeline->count - pipeline->alive_count, kept = 0;

	for (size_t i = 0; i < pipeline->count; i++) {
		struct tracked *tracked = pipeline->order[i];

		if (tracked->process->ended &&
		    (ended > ENDED_MAX ||
		     pipeline->interval > tracked->ended_interval + ENDED_INTERVALS)) {
			tracked_free(tracked);
			ended--;
			continue;
		}
		pipeline->order[kept] = tracked;
		pipeline->processes[kept++] = tracked->process;
	}
	pipeline->count = kept;
}

void pipeline_free(struct pipeline *pipeline)
{
	struct tracked *tracked;

	if (!pipeline)
		return;
	while ((tracked = RB_MIN(tracked_tree, &pipeline->alive))) {
		tell_unwound(pipeline, tracked, tracked->process->ledger->now_ns);
		tracked_end(pipeline, tracked, tracked->process->ledger->now_ns);
	}
	for (size_t i = 0; i < pipeline->count; i++)
		tracked_free(pipeline->order[i]);
	free(pipeline->order);
	free(pipeline->processes);
	symbols_free(pipeline->symbols);
	stacks_free(pipeline->stacks);
	free(pipeline);
}

static void on_interval(struct pipeline *pipeline, const struct event_header *event)
{
	struct tracked *tracked;

	RB_FOREACH (tracked, tracked_tree, &pipeline->alive)
		tell_unwound(pipeline, tracked, event->time_ns);
	EACH_VIEW(pipeline, record, event);
	pipeline->interval = ((const struct event_interval *)event)->number;
	for (size_t i = 0; i < pipeline->count; i++) {
		if (pipeline->order[i]->process->ended)
			continue;
		make_report(pipeline, pipeline->order[i], event->time_ns);
		ledger_apply(pipeline->order[i]->process->ledger, event);
	}
	EACH_VIEW(pipeline, interval, pipeline->interval);
	forget_ended(pipeline);
}

/* Of a child whose parent is not known nothing is known either: it is attached to. */
static struct ledger *ledger_adopt(const struct event_fork *fork)
{
	struct ledger *ledger = ledger_new(fork->child, fork->h.time_ns);

	if (ledger) {
		memcpy(ledger->comm, fork->comm, sizeof(ledger->comm));
		ledger->rescan_all = true;
		ledger->rescan_cause = CAUSE_ATTACH;
	}
	return ledger;
}

/* Of the process that an ATTACH, EXEC or KEPT is the first record of. Views want its name at once.
 */
static struct ledger *ledger_named(const struct event_header *event)
{
	struct ledger *ledger = ledger_new(event->pid, event->time_ns);
	const struct event_attach *attach = (const struct event_attach *)event;

	if (!ledger)
		return NULL;
	if (event->kind == EVENT_KEPT) {
		memcpy(ledger->comm, ((const struct event_kept *)event)->comm,
		       sizeof(ledger->comm));
	} else if (event->kind == EVENT_ATTACH) {
		memcpy(ledger->comm, attach->comm, sizeof(ledger->comm));
		ledger->start_ticks = attach->start_ticks;
	} else {
		memcpy(ledger->comm, ((const struct event_exec *)event)->comm,
		       sizeof(ledger->comm));
	}
	return ledger;
}

static void on_fork(struct pipeline *pipeline, const struct event_fork *fork,
		    const struct tracked *parent)
{
	struct tracked *stale;

	if (!(fork->flags & FORK_WATCHED))
		return;
	stale = tracked_find(pipeline, fork->child);
	if (stale) /* its EXIT was lost, and the pid is given anew */
		tracked_end(pipeline, stale, fork->h.time_ns);
	tracked_add(pipeline,
		    parent ? ledger_fork(parent->process->ledger, fork) : ledger_adopt(fork),
		    parent ? parent->process->unwinder : NULL);
}

/* A record with a stack, as it is handed on: with the stack's number. */
union stacked {
	struct event_header h;
	unsigned char room[sizeof(struct event_mmap_file)];
};

/* Live a look makes good what could not be applied; a replay has none. */
static void apply(struct pipeline *pipeline, struct tracked *tracked,
		  const struct event_header *event)
{
	if (ledger_apply(tracked->process->ledger, event) == -ENOMEM && pipeline->options.replayed)
		pipeline->error = -ENOMEM;
}

static void unwind_event(struct pipeline *pipeline, struct tracked *tracked,
			 const struct event_header *event)
{
	if (!tracked->process->unwinder || pipeline->options.replayed)
		return;
	pipeline->current = tracked;
	unwinder_event(tracked->process->unwinder, event);
	pipeline->current = NULL;
}

/* A record marked STACK_TAKEN, with the number that its stack has. */
static const struct event_header *
with_stack(struct unwinder *unwinder, const struct event_header *event, union stacked *stacked)
{
	/* longer than any that carries a stack today: what is known of it is enough */
	memcpy(stacked, event, event->size < sizeof(*stacked) ? event->size : sizeof(*stacked));
	if (stacked->h.size > sizeof(*stacked))
		stacked->h.size = sizeof(*stacked);
	stacked->h.stack = unwinder ? unwinder_take(unwinder, event) : 0;
	return &stacked->h;
}

/* Of a recording: what live comes from the unwinder. False: the views have no use for it. */
static bool replay_definition(struct pipeline *pipeline, struct tracked *tracked,
			      const struct event_header *event)
{
	if (event->kind == EVENT_UNWOUND) {
		if (tracked->process->unwinder)
			unwinder_set_totals(tracked->process->unwinder,
					    (const struct event_unwound *)event);
		return false;
	}
	if (pipeline->stacks && !pipeline->error)
		pipeline->error = stacks_apply(pipeline->stacks, event);
	return !pipeline->error;
}

static bool is_definition(const struct event_header *event)
{
	return event->kind == EVENT_STACK || event->kind == EVENT_MODULE ||
	       event->kind == EVENT_UNWOUND;
}

/* What is told of a process again: the views have no use for it. */
static bool is_kept(const struct event_header *event)
{
	return event->kind >= EVENT_KEPT && event->kind <= EVENT_KEPT_END;
}

/* A process is known by these, so nothing about it comes before them. */
static bool is_beginning(const struct event_header *event)
{
	return event->kind == EVENT_ATTACH || event->kind == EVENT_EXEC;
}

static struct tracked *tracked_of(struct pipeline *pipeline, const struct event_header *event)
{
	struct tracked *tracked = tracked_find(pipeline, event->pid);

	if (!tracked && (is_beginning(event) || event->kind == EVENT_KEPT))
		tracked = tracked_add(pipeline, ledger_named(event), NULL);
	return tracked;
}

static void on_stranger(struct pipeline *pipeline, const struct event_header *event)
{
	union stacked stacked;

	if (event->kind == EVENT_SNAPSHOT)
		return;
	/* nobody unwinds it: a recording would hold a stack that it has no number of */
	if (event->stack == STACK_TAKEN)
		event = with_stack(NULL, event, &stacked);
	EACH_VIEW(pipeline, record, event);
	if (is_definition(event) && pipeline->options.replayed) {
		/* of a process that has ended: others have the same stacks */
		if (pipeline->stacks && event->kind != EVENT_UNWOUND && !pipeline->error)
			pipeline->error = stacks_apply(pipeline->stacks, event);
		return;
	}
	/* between watching a pid and its ATTACH, and after its end, this is no loss */
	pipeline->orphans++;
}

/* The totals of a process that the record ends, before it is recorded. */
static void tell_ending(struct pipeline *pipeline, const struct tracked *tracked,
			const struct event_header *event)
{
	const struct event_fork *fork = (const struct event_fork *)event;

	if (event->kind == EVENT_FORK && fork->flags & FORK_WATCHED)
		tracked = tracked_find(pipeline, fork->child);
	else if (event->kind != EVENT_EXIT)
		return;
	if (tracked)
		tell_unwound(pipeline, tracked, event->time_ns);
}

/* A record of a process that is watched. */
static void on_known(struct pipeline *pipeline, struct tracked *tracked,
		     const struct event_header *event)
{
	union stacked stacked;

	if (is_definition(event)) {
		EACH_VIEW(pipeline, record, event);
		if (!pipeline->options.replayed || !replay_definition(pipeline, tracked, event))
			return;
	}
	if (is_kept(event)) {
		EACH_VIEW(pipeline, record, event);
		apply(pipeline, tracked, event);
		return;
	}
	/* the unwinder sees a record before the ledger does, and its definitions come first */
	if (!is_beginning(event))
		unwind_event(pipeline, tracked, event);
	if (event->kind == EVENT_SNAPSHOT)
		return;
	if (event->stack == STACK_TAKEN)
		event = with_stack(tracked->process->unwinder, event, &stacked);
	if (!is_definition(event))
		EACH_VIEW(pipeline, record, event);
	apply(pipeline, tracked, event);
	EACH_VIEW(pipeline, event, tracked->process, event);
	if (is_beginning(event))
		unwind_event(pipeline, tracked, event);
	else if (event->kind == EVENT_FORK)
		on_fork(pipeline, (const struct event_fork *)event, tracked);
	else if (event->kind == EVENT_EXIT)
		tracked_end(pipeline, tracked, event->time_ns);
}

static void on_event(void *ctx, const struct event_header *event)
{
	struct pipeline *pipeline = ctx;
	struct tracked *tracked;

	if (pipeline->error)
		return;
	if (event->kind == EVENT_INTERVAL) {
		on_interval(pipeline, event);
		return;
	}
	tell_ending(pipeline, tracked_find(pipeline, event->pid), event);
	tracked = tracked_of(pipeline, event);
	if (tracked) {
		on_known(pipeline, tracked, event);
	} else if (event->kind == EVENT_FORK) {
		EACH_VIEW(pipeline, record, event);
		on_fork(pipeline, (const struct event_fork *)event, NULL);
		pipeline->orphans++;
	} else {
		on_stranger(pipeline, event);
	}
	/* not one by one: forgetting walks the list */
	if (pipeline->count - pipeline->alive_count > 2 * ENDED_MAX)
		forget_ended(pipeline);
}

void pipeline_keep(struct pipeline *pipeline, source_sink sink, void *ctx)
{
	struct event_header at = {0};

	for (size_t i = 0; i < pipeline->count; i++) {
		const struct tracked *tracked = pipeline->order[i];

		if (tracked->process->ended)
			continue;
		ledger_keep(tracked->process->ledger, sink, ctx);
		/* any of them will do */
		at.pid = tracked->pid;
		at.time_ns = tracked->process->ledger->now_ns;
	}
	if (pipeline->stacks)
		stacks_tell_all(pipeline->stacks, &at, sink, ctx);
	for (size_t i = 0; i < pipeline->count; i++) {
		const struct process *process = pipeline->order[i]->process;
		struct event_unwound event;

		if (process->ended)
			continue;
		ledger_keep_memory(process->ledger, sink, ctx);
		if (!process->unwinder)
			continue;
		(void)unwinder_tell_totals(process->unwinder, &event);
		unwound_header(&event, process->ledger->pid, process->ledger->now_ns);
		sink(ctx, &event.h);
	}
}

static void start_cycle(const struct pipeline *pipeline, struct tracked *tracked, uint32_t cause)
{
	tracked->follow_up_ns = 0;
	tracked->process->ledger->rescan_all = false;
	pipeline->source->ops->look(pipeline->source, tracked->pid, 0, UINT64_MAX, cause);
}

/* What the last cycle left open is looked at again soon. */
static void plan_follow_up(struct tracked *tracked)
{
	const struct ledger *ledger = tracked->process->ledger;

	if (ledger->cycle_end_ns == tracked->seen_cycle_ns)
		return;
	tracked->seen_cycle_ns = ledger->cycle_end_ns;
	if (!ledger->totals.unsettled || ledger->cycle_cause == CAUSE_PERIODIC)
		return;
	tracked->follow_up_ns = ledger->cycle_end_ns + FOLLOW_UP_NS;
	if (tracked->follow_up_ns < ledger->cycle_end_ns + ledger->cycle_cost_ns * 10)
		tracked->follow_up_ns = ledger->cycle_end_ns + ledger->cycle_cost_ns * 10;
	tracked->follow_up_cause = ledger->cycle_cause;
}

static bool periodic_due(const struct pipeline *pipeline, const struct ledger *ledger, uint64_t now)
{
	uint64_t gap = (uint64_t)pipeline->options.reconcile_ms * NSEC_PER_MSEC;
	uint64_t cheap = ledger->cycle_cost_ns * CYCLE_SHARE;

	if (pipeline->options.reconcile_exact)
		return ledger->complete && now >= ledger->cycle_begin_ns + gap;
	if (gap < cheap)
		gap = cheap;
	return ledger->complete && now >= ledger->cycle_end_ns + gap;
}

static bool lazy_due(struct tracked *tracked, uint64_t now)
{
	const struct ledger *ledger = tracked->process->ledger;
	uint64_t gap = ledger->lazy_cost_ns * LAZY_SHARE;
	uint64_t last = ledger->lazy_round_ns ? ledger->lazy_round_ns : ledger->attach_ns;

	if (!ledger->pages.lazy)
		return false;
	/* better after the advice has come to an end; but it need not */
	if (now < ledger->lazy_ns + 2 * LEDGER_SETTLE_NS && now < last + LAZY_SLOW_GAP_NS / 6)
		return false;
	if (ledger->lazy_ns > tracked->lazy_advice_ns + LAZY_SLOW_GAP_NS / 6) {
		tracked->lazy_advice_ns = ledger->lazy_ns;
		tracked->lazy_gap_ns = LAZY_GAP_MIN_NS;
	}
	if (gap < tracked->lazy_gap_ns)
		gap = tracked->lazy_gap_ns;
	if (ledger->pages.pages * LAZY_NS_PER_PAGE > LAZY_QUICK_NS && gap < LAZY_SLOW_GAP_NS)
		gap = LAZY_SLOW_GAP_NS;
	if (ledger->lazy_round_ns && now < ledger->lazy_round_ns + gap)
		return false;
	if (tracked->lazy_gap_ns < LAZY_SLOW_GAP_NS)
		tracked->lazy_gap_ns *= 2;
	return true;
}

/* Loss that goes on must not become looks without a pause: one tenth of the time at most. */
static bool rescan_may_start(const struct ledger *ledger, uint64_t now)
{
	return !ledger->complete || now >= ledger->cycle_end_ns + ledger->cycle_cost_ns * 10;
}

static void plan_looks(struct pipeline *pipeline, struct tracked *tracked, uint64_t now)
{
	const struct source_ops *ops = pipeline->source->ops;
	struct ledger *ledger = tracked->process->ledger;
	struct scan_request request;

	if (ops->looking(pipeline->source, tracked->pid))
		return;
	plan_follow_up(tracked);
	if (ledger->rescan_all && rescan_may_start(ledger, now))
		start_cycle(pipeline, tracked, ledger->rescan_cause);
	else if (tracked->follow_up_ns && now >= tracked->follow_up_ns)
		start_cycle(pipeline, tracked, tracked->follow_up_cause);
	else if (periodic_due(pipeline, ledger, now))
		start_cycle(pipeline, tracked, CAUSE_PERIODIC);
	else if (lazy_due(tracked, now))
		ops->look_lazy(pipeline->source, tracked->pid);
	while (ledger_take_request(ledger, now, &request))
		ops->look(pipeline->source, tracked->pid, request.start, request.end,
			  request.cause);
}

int pipeline_wait(struct pipeline *pipeline, int timeout_ms)
{
	return pipeline->source->ops->wait(pipeline->source, timeout_ms);
}

int pipeline_run(struct pipeline *pipeline)
{
	int rc = pipeline->source->ops->drain(pipeline->source, on_event, pipeline);
	uint64_t now = clock_ns();
	struct tracked *tracked;

	RB_FOREACH (tracked, tracked_tree, &pipeline->alive)
		plan_looks(pipeline, tracked, now);
	return pipeline->error ? pipeline->error : rc;
}

const struct process *const *pipeline_processes(const struct pipeline *pipeline, size_t *count)
{
	*count = pipeline->count;
	return (const struct process *const *)pipeline->processes;
}

size_t pipeline_alive(const struct pipeline *pipeline)
{
	return pipeline->alive_count;
}

uint64_t pipeline_orphans(const struct pipeline *pipeline)
{
	return pipeline->orphans;
}

bool pipeline_settled(const struct pipeline *pipeline)
{
	struct tracked *tracked;

	RB_FOREACH (tracked, tracked_tree, (struct tracked_tree *)&pipeline->alive) {
		const struct ledger *ledger = tracked->process->ledger;

		if (!ledger->complete || ledger->rescan_all || ledger->request_count ||
		    tracked->follow_up_ns ||
		    pipeline->source->ops->looking(pipeline->source, tracked->pid))
			return false;
	}
	return true;
}
