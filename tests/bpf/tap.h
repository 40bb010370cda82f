/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stands at the door of the live source: keeps every snapshot on its way to the
 * pipeline, and what became of it, for the oracle to judge.
 */
#ifndef TESTS_BPF_TAP_H
#define TESTS_BPF_TAP_H

#include "tests/bpf/chains.h"
#include "tests/bpf/oracle.h"

struct tapped {
	struct event_snapshot *snapshot;
	uint32_t kind; /* of the record it belongs to; 0: that has not come */
	uint32_t stack;
};

/* Stands at the door of the source: there is one at a time. */
static struct {
	struct source_ops ops;
	const struct source_ops *inner;
	source_sink sink;
	void *sink_ctx;
	struct tapped *tapped;
	size_t count;
	size_t capacity;
	struct tapped *current; /* the one of the record on its way */
} tap;

static inline void tap_snapshot(const struct event_header *event)
{
	if (tap.count == tap.capacity) {
		tap.capacity = tap.capacity * 2 + 1024;
		tap.tapped = realloc(tap.tapped, tap.capacity * sizeof(*tap.tapped));
		assert_non_null(tap.tapped);
	}
	tap.tapped[tap.count] = (struct tapped){.snapshot = malloc(event->size)};
	assert_non_null(tap.tapped[tap.count].snapshot);
	memcpy(tap.tapped[tap.count++].snapshot, event, event->size);
}

/* The thread's newest snapshot that has no record yet. */
static inline struct tapped *tap_find(uint32_t tid)
{
	for (size_t i = tap.count; i-- > 0 && tap.count - i < 1000;)
		if (tap.tapped[i].snapshot->h.tid == tid)
			return tap.tapped[i].kind ? NULL : &tap.tapped[i];
	return NULL;
}

static inline void tap_record(void *ctx, const struct event_header *event)
{
	(void)ctx;
	if (event->kind == EVENT_SNAPSHOT)
		tap_snapshot(event);
	tap.current = event->stack == STACK_TAKEN ? tap_find(event->tid) : NULL;
	if (tap.current)
		tap.current->kind = event->kind;
	tap.sink(tap.sink_ctx, event);
	tap.current = NULL;
}

static inline int tap_drain(struct source *source, source_sink sink, void *ctx)
{
	tap.sink = sink;
	tap.sink_ctx = ctx;
	return tap.inner->drain(source, tap_record, NULL);
}

/* What the pipeline made of it. */
static inline void tap_event(void *view, struct process *process, const struct event_header *event)
{
	(void)view;
	(void)process;
	if (tap.current && event->kind == tap.current->kind)
		tap.current->stack = event->stack;
}

static inline void tap_open(struct watch *watch)
{
	static const struct view_ops view = {.event = tap_event};
	struct source *source = live_source(watch->live);

	tap.inner = source->ops;
	tap.ops = *source->ops;
	tap.ops.drain = tap_drain;
	source->ops = &tap.ops;
	pipeline_add_view(watch->pipeline, &view, NULL);
}

static inline void tap_close(void)
{
	for (size_t i = 0; i < tap.count; i++)
		free(tap.tapped[i].snapshot);
	free(tap.tapped);
	memset(&tap, 0, sizeof(tap));
}

/* ---- libdwfl's opinion of them ---- */

struct verdicts {
	size_t taken;
	size_t numbered;  /* have a stack at all */
	size_t complete;  /* as the collector says */
	size_t oracle;	  /* as the oracle says */
	size_t identical; /* frame by frame */
	size_t both;	  /* complete and identical */
	size_t shown;
};

static inline void oracle_show(const struct stacks *stacks, const struct stack *stack,
			       const struct oracle_stack *truth)
{
	print_message("    libdwfl%s:", truth->complete ? "" : ", breaks off");
	for (size_t i = 0; i < truth->count && i < 40; i++)
		print_message(" %s+0x%" PRIx64, truth->frames[i].name, truth->frames[i].address);
	print_message("\n");
	chains_print_stack(stacks, stack);
}

static inline void oracle_judge(struct oracle *oracle, const struct stacks *stacks,
				const struct tapped *tapped, struct verdicts *verdicts)
{
	static struct oracle_stack truth;
	const struct stack *stack = stacks_get(stacks, tapped->stack);
	bool complete, identical;

	verdicts->taken++;
	oracle_unwind(oracle, tapped->snapshot, &truth);
	verdicts->oracle += truth.complete;
	if (!stack)
		return;
	complete = stack->end == STACK_END_COMPLETE;
	identical = oracle_agrees(&truth, stacks, stack);
	verdicts->numbered++;
	verdicts->complete += complete;
	verdicts->identical += identical;
	verdicts->both += complete && identical;
	if (!identical && verdicts->shown++ < 4)
		oracle_show(stacks, stack, &truth);
}

/* The process still runs: the oracle reads its /proc. */
static inline struct verdicts tap_judge(pid_t pid, const struct stacks *stacks)
{
	struct verdicts verdicts = {0};
	static struct oracle oracle; /* large */

	oracle_open(&oracle, pid, NULL);
	for (size_t i = 0; i < tap.count; i++)
		if (tap.tapped[i].kind)
			oracle_judge(&oracle, stacks, &tap.tapped[i], &verdicts);
	oracle_close(&oracle);
	return verdicts;
}

static inline double tap_percent(size_t part, const struct verdicts *verdicts)
{
	return 100.0 * (double)part / (double)verdicts->taken;
}

static inline void tap_print(const char *program, const char *what, const struct verdicts *verdicts)
{
	print_message(
		"    %s, %s: %zu stacks taken, %zu numbered; complete: libdwfl %.2f%%, "
		"collector %.2f%%; identical %.2f%%, both %.2f%%\n",
		program, what, verdicts->taken, verdicts->numbered,
		tap_percent(verdicts->oracle, verdicts), tap_percent(verdicts->complete, verdicts),
		tap_percent(verdicts->identical, verdicts), tap_percent(verdicts->both, verdicts));
}

#endif
