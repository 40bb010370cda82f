/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The call chains that targets tell of (tests/targets/chain.h), held against
 * those that the collector has: for pages in the ledger, for records by their
 * time. Include watch.h's fixture with it.
 */
#ifndef TESTS_BPF_CHAINS_H
#define TESTS_BPF_CHAINS_H

#include "tests/bpf/watch.h"

#include <libgen.h>
#include <limits.h>
#include <sys/stat.h>

#include "user/stack/stacks.h"

#define CHAINS_FRAMES 300

struct true_module {
	uint32_t pid;
	int number;
	uint64_t bias;
	uint64_t inode; /* 0: not known */
	char path[PATH_MAX];
};

struct true_frame {
	const struct true_module *module; /* NULL: in none */
	uint64_t first;
	uint64_t last;
};

/* A CHAIN, or a SPAN: then tid is not 0. */
struct true_chain {
	uint32_t pid;
	uint32_t tid;
	uint64_t page;
	uint64_t from;
	uint64_t to;
	char end[16];
	unsigned int least;
	size_t count;
	struct true_frame *frames;
};

/* A record that has, or should have, a stack. */
struct logged {
	uint32_t pid;
	uint32_t tid;
	uint32_t kind;
	uint32_t stack;
	uint32_t weight;
	uint64_t addr;
	uint64_t time_ns;
};

struct chains {
	struct true_module *modules[64];
	size_t module_count;
	struct true_chain *chains;
	size_t count;
	size_t capacity;
	struct logged *log;
	size_t logged;
	size_t log_capacity;
	const struct stacks *stacks; /* of the pipeline */
	uint64_t pages_compared;
	uint64_t records_compared;
	uint64_t frames_compared;
};

/* ---- the target's lines ---- */

static inline const struct true_module *chains_module(const struct chains *chains, uint32_t pid,
						      int number)
{
	/* the newest of that number: after exec there are others */
	for (size_t i = chains->module_count; i-- > 0;)
		if (chains->modules[i]->pid == pid && chains->modules[i]->number == number)
			return chains->modules[i];
	assert_int_equal(number, -1);
	return NULL;
}

static inline bool chains_take_module(struct chains *chains, const char *line)
{
	struct true_module module = {0};

	if (sscanf(line, "MODULE %u %d 0x%" SCNx64 " %" SCNu64 " %4095[^\n]", &module.pid,
		   &module.number, &module.bias, &module.inode, module.path) != 5)
		return false;
	assert_true(chains->module_count < 64);
	chains->modules[chains->module_count] = malloc(sizeof(module));
	assert_non_null(chains->modules[chains->module_count]);
	*chains->modules[chains->module_count++] = module;
	return true;
}

static inline void chain_take_frames(const struct chains *chains, struct true_chain *chain,
				     const char *text)
{
	int module, used;

	chain->frames = calloc(CHAINS_FRAMES, sizeof(*chain->frames));
	assert_non_null(chain->frames);
	while (chain->count < CHAINS_FRAMES) {
		struct true_frame *frame = &chain->frames[chain->count];

		if (sscanf(text, " %d:0x%" SCNx64 "%n", &module, &frame->first, &used) != 2)
			break;
		text += used;
		frame->last = frame->first;
		if (sscanf(text, "-0x%" SCNx64 "%n", &frame->last, &used) == 1)
			text += used;
		frame->module = chains_module(chains, chain->pid, module);
		chain->count++;
	}
	assert_int_equal(*text, '\0');
	assert_true(chain->count > 1);
}

static inline void chains_line(void *ctx, const char *line)
{
	struct chains *chains = ctx;
	struct true_chain chain = {0};
	int used = 0;

	if (chains_take_module(chains, line))
		return;
	if (sscanf(line, "CHAIN %u 0x%" SCNx64 " %15s %u%n", &chain.pid, &chain.page, chain.end,
		   &chain.least, &used) != 4 &&
	    sscanf(line, "SPAN %u %u %" SCNu64 " %" SCNu64 "%n", &chain.pid, &chain.tid,
		   &chain.from, &chain.to, &used) != 4)
		return;
	chain_take_frames(chains, &chain, line + used);
	if (chains->count == chains->capacity) {
		chains->capacity = chains->capacity * 2 + 64;
		chains->chains =
			realloc(chains->chains, chains->capacity * sizeof(*chains->chains));
		assert_non_null(chains->chains);
	}
	chains->chains[chains->count++] = chain;
}

/* ---- the collector's records ---- */

/* The kinds that a stack is taken with. */
static inline bool logged_kind(uint32_t kind)
{
	return kind == EVENT_FAULT || kind == EVENT_MMAP || kind == EVENT_MMAP_FILE ||
	       kind == EVENT_BRK || kind == EVENT_MREMAP_END;
}

static inline void chains_event(void *view, struct process *process,
				const struct event_header *event)
{
	const struct event_fault *fault = (const struct event_fault *)event;
	struct chains *chains = view;
	struct logged *logged;

	if (!chains->stacks)
		chains->stacks = process->stacks;
	if (!logged_kind(event->kind))
		return;
	if (chains->logged == chains->log_capacity) {
		chains->log_capacity = chains->log_capacity * 2 + 1024;
		chains->log = realloc(chains->log, chains->log_capacity * sizeof(*chains->log));
		assert_non_null(chains->log);
	}
	logged = &chains->log[chains->logged++];
	*logged = (struct logged){
		.pid = event->pid,
		.tid = event->tid,
		.kind = event->kind,
		.stack = event->stack,
		.weight = event->kind == EVENT_FAULT ? fault->weight : 1,
		.addr = fault->addr, /* in all of these kinds behind the header */
		.time_ns = event->time_ns,
	};
	if (event->kind == EVENT_BRK) /* the break, not where the heap starts */
		logged->addr += ((const struct event_range *)event)->len;
	if (event->kind == EVENT_MREMAP_END && ((const struct event_mremap *)event)->result < 0)
		logged->weight = 0;
}

/* A collector that takes stacks, and remembers what it got. spec: what it marks, or NULL. */
static inline void chains_open_marking(struct chains *chains, struct watch *watch,
				       size_t stack_bytes, const struct invocation_spec *spec)
{
	static const struct view_ops ops = {.event = chains_event};
	struct live_options options = {
		.buffer_bytes = LIVE_BUFFER_DEFAULT,
		.interval_ms = 1000,
		.stack_bytes = stack_bytes,
		.stack_rate = LIVE_STACK_RATE_DEFAULT,
		.invocations = spec,
		.invocation_count = spec != NULL,
	};

	memset(chains, 0, sizeof(*chains));
	watch_open(watch, &options);
	pipeline_add_view(watch->pipeline, &ops, chains);
	watch->line_fn = chains_line;
	watch->line_ctx = chains;
}

static inline void chains_open(struct chains *chains, struct watch *watch, size_t stack_bytes)
{
	chains_open_marking(chains, watch, stack_bytes, NULL);
}

static inline void chains_clear(struct chains *chains)
{
	for (size_t i = 0; i < chains->count; i++)
		free(chains->chains[i].frames);
	chains->count = 0;
}

static inline void chains_free(struct chains *chains)
{
	chains_clear(chains);
	for (size_t i = 0; i < chains->module_count; i++)
		free(chains->modules[i]);
	free(chains->chains);
	free(chains->log);
}

/* ---- the two side by side ---- */

static inline const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static inline void chains_print_stack(const struct stacks *stacks, const struct stack *stack)
{
	print_message("    collector, %s:", stack_end_name(stack->end));
	for (size_t i = 0; i < stack->frame_count && i < 40; i++) {
		const struct stack_module *module = stacks_module(stacks, stack->frames[i].module);

		print_message(" %s+0x%" PRIx64, module ? module->name : "?",
			      (uint64_t)stack->frames[i].address);
	}
	print_message("\n");
}

static inline void chains_print_truth(const struct true_chain *chain)
{
	print_message("    truth, %s:", chain->end[0] ? chain->end : "span");
	for (size_t i = 0; i < chain->count && i < 40; i++)
		print_message(" %s+0x%" PRIx64,
			      chain->frames[i].module ? name_of(chain->frames[i].module->path)
						      : "?",
			      chain->frames[i].first);
	print_message("\n");
}

/*
 * The file is the same: by its inode, and by its path if that leads to it from
 * here, too, else by the last part of it.
 */
static inline bool module_is(const struct stack_module *module, const struct true_module *truth)
{
	static const char deleted[] = " (deleted)";
	char path[PATH_MAX];
	struct stat status;

	if (!module || !truth)
		return !module && !truth;
	if (!truth->inode) {
		snprintf(path, sizeof(path), "%.4000s%s", truth->path, deleted);
		return !strcmp(module->path, path);
	}
	if (truth->inode != module->ino)
		return false;
	if (!stat(truth->path, &status) && status.st_ino == truth->inode)
		return !strcmp(module->path, truth->path);
	return !strcmp(name_of(module->path), name_of(truth->path));
}

static inline bool frame_is(const struct stacks *stacks, const struct event_frame *frame,
			    const struct true_frame *truth)
{
	return frame->address >= truth->first && frame->address <= truth->last &&
	       module_is(stacks_module(stacks, frame->module), truth->module);
}

/* count frames of the stack from `at` on are the first ones of the chain. */
static inline bool frames_are(struct chains *chains, const struct stack *stack, size_t at,
			      const struct true_chain *chain, size_t count)
{
	if (stack->frame_count < at + count || chain->count < count)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!frame_is(chains->stacks, &stack->frames[at + i], &chain->frames[i]))
			return false;
	chains->frames_compared += count;
	return true;
}

static inline bool chain_is(struct chains *chains, const struct stack *stack,
			    const struct true_chain *chain)
{
	size_t count = stack->frame_count;

	if (!strcmp(chain->end, "complete") ||
	    (!strcmp(chain->end, "any") && stack->end == STACK_END_COMPLETE))
		return stack->end == STACK_END_COMPLETE && count == chain->count &&
		       frames_are(chains, stack, 0, chain, count);
	if (count < chain->least)
		return false;
	if (!strcmp(chain->end, "any"))
		return frames_are(chains, stack, 0, chain, chain->least);
	return !strcmp(stack_end_name(stack->end), chain->end) &&
	       frames_are(chains, stack, 0, chain, count);
}

/* The chain is the outer part of the stack: whatever was called is in the inner one. */
static inline bool span_is(struct chains *chains, const struct stack *stack,
			   const struct true_chain *span)
{
	return stack->end == STACK_END_COMPLETE && stack->frame_count >= span->count &&
	       frames_are(chains, stack, stack->frame_count - span->count, span, span->count);
}

/* The record of a page's first touch; NULL: there is none. */
static inline const struct logged *chains_fault(const struct chains *chains, uint32_t pid,
						uint64_t page)
{
	for (size_t i = chains->logged; i-- > 0;)
		if (chains->log[i].kind == EVENT_FAULT && chains->log[i].pid == pid &&
		    (chains->log[i].addr & ~4095ULL) == page)
			return &chains->log[i];
	return NULL;
}

/* The number of the stack that a page was first touched under, as the ledger has it. */
static inline uint32_t ledger_stack(const struct ledger *ledger, uint64_t page)
{
	const struct page_entry *entry = page_table_find(&ledger->pages, page);
	const struct provenance *provenance;

	if (!entry)
		fail_msg("page %" PRIx64 " is not in the ledger", page);
	provenance = intern_get(&ledger->provenances, entry->provenance);
	return entry->provenance ? provenance->stack : 0;
}

static inline void chains_check_page(struct chains *chains, const struct watch *watch,
				     const struct true_chain *chain)
{
	const struct ledger *ledger = watch_ledger(watch, chain->pid);
	const struct logged *fault = chains_fault(chains, chain->pid, chain->page);
	uint32_t number = ledger ? ledger_stack(ledger, chain->page) : fault ? fault->stack : 0;
	const struct stack *stack = chains->stacks ? stacks_get(chains->stacks, number) : NULL;

	if (!fault)
		fail_msg("no record of the first touch of %" PRIx64, chain->page);
	if (!stack && !strcmp(chain->end, "any"))
		return;
	if (!stack) {
		chains_print_truth(chain);
		fail_msg("%s: page %" PRIx64 " has no stack; its record has %u, weight %u",
			 watch->rest, chain->page, fault->stack, fault->weight);
	}
	if (fault->stack != number || !chain_is(chains, stack, chain)) {
		chains_print_truth(chain);
		chains_print_stack(chains->stacks, stack);
		fail_msg("%s: page %" PRIx64 " was touched under another chain", watch->rest,
			 chain->page);
	}
	chains->pages_compared++;
}

static inline void chains_check_span(struct chains *chains, const struct watch *watch,
				     const struct true_chain *span)
{
	for (size_t i = 0; i < chains->logged; i++) {
		const struct logged *logged = &chains->log[i];
		const struct stack *stack;

		if (logged->pid != span->pid || logged->tid != span->tid ||
		    logged->time_ns < span->from || logged->time_ns > span->to || !logged->weight)
			continue;
		stack = stacks_get(chains->stacks, logged->stack);
		if (!stack || !span_is(chains, stack, span)) {
			chains_print_truth(span);
			if (stack)
				chains_print_stack(chains->stacks, stack);
			fail_msg("%s: record of kind %u at %" PRIx64 " has %s", watch->rest,
				 logged->kind, logged->addr, stack ? "another stack" : "no stack");
		}
		chains->records_compared++;
	}
}

/* All that was told since the last time. */
static inline void chains_check(struct chains *chains, const struct watch *watch)
{
	for (size_t i = 0; i < chains->count; i++) {
		if (chains->chains[i].tid)
			chains_check_span(chains, watch, &chains->chains[i]);
		else
			chains_check_page(chains, watch, &chains->chains[i]);
	}
	chains_clear(chains);
}

#endif
