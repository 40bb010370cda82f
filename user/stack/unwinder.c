// SPDX-License-Identifier: GPL-2.0-only
#include "user/stack/unwinder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sys/mman.h>

#include "user/stack/returns.h"
#include "user/stack/unwind.h"

/*
 * Stacks known again without a walk: kept by pc, sp and top of the stack, with
 * the words that the walk had read. A program has a few hundred places where
 * it first touches pages; a place costs about 1 KiB.
 */
#define REPEATS 1024 /* a power of two */

/* Stacks of servers in C have 1 to 4 KiB. */
#define PREFETCH_BYTES 2048

/* A snapshot and the record it belongs to come right after one another on one CPU. */
#define WAITING 256

/* How often the mappings with code are taken from the ledger, if nothing is missed in them. */
#define TEXTS_GAP_NS (10 * NSEC_PER_MSEC)

/* How often the mappings are listed again because an address was in none. */
#define LIST_GAP_NS NSEC_PER_SEC

enum text_flags {
	TEXT_UPROBES = 0x1,
	TEXT_NO_FILE = 0x2,
};

/* A mapping with code. */
struct text {
	uint64_t start;
	uint64_t end;
	uint64_t base; /* of a file: the address its first byte has, or would have */
	const struct stack_module *module; /* NULL: has none, see flags */
	uint32_t flags;
	uint32_t pad;
};

struct texts {
	struct text *items; /* in address order */
	size_t count;
	size_t capacity;
};

struct repeat {
	uint64_t pc;
	uint64_t sp;
	uint64_t top;
	uint32_t bytes;
	uint32_t pad2;
	uint64_t epoch; /* of the texts it was walked with */
	uint64_t used;	/* bit per register that mattered */
	uint32_t stack;
	uint16_t end;
	uint16_t pad;
	uint32_t read_count;
	uint64_t registers[EVENT_REGISTERS_MAX];
	struct unwind_read reads[];
};

struct waiting {
	uint32_t tid;
	bool taken; /* a snapshot came, and its record has not */
	uint32_t stack;
};

struct unwinder {
	struct stacks *stacks;
	struct source *source;
	const struct ledger *ledger;
	struct texts texts;  /* as the ledger has them */
	struct texts listed; /* as /proc had them: exec's own are in no record */
	uint64_t changes;    /* of the ledger's mappings, when texts were made */
	uint64_t made_ns;    /* when that was */
	bool made;
	uint64_t epoch; /* grows when either changes */
	uint64_t listed_ns;
	const struct stack_module *jit; /* NULL: none yet */
	struct repeat **repeats;	/* REPEATS of them, NULL until the first */
	struct waiting waiting[WAITING];
	uint32_t waiting_next;
	struct unwind_totals totals;
	struct unwind_totals told;     /* by the last UNWOUND */
	struct returns returns;	       /* of functions whose return is marked */
	const struct event_header *at; /* the record at hand */
};

struct unwinder *unwinder_new(struct stacks *stacks, struct source *source,
			      const struct ledger *ledger)
{
	struct unwinder *unwinder = calloc(1, sizeof(*unwinder));

	if (!unwinder)
		return NULL;
	unwinder->stacks = stacks;
	unwinder->source = source;
	unwinder->ledger = ledger;
	return unwinder;
}

static void repeats_free(struct unwinder *unwinder)
{
	for (size_t i = 0; unwinder->repeats && i < REPEATS; i++)
		free(unwinder->repeats[i]);
	free(unwinder->repeats);
	unwinder->repeats = NULL;
}

static void texts_free(struct texts *texts)
{
	free(texts->items);
	*texts = (struct texts){0};
}

void unwinder_rest(struct unwinder *unwinder)
{
	repeats_free(unwinder);
	texts_free(&unwinder->texts);
	texts_free(&unwinder->listed);
	returns_free(&unwinder->returns);
	unwinder->made = false;
}

void unwinder_free(struct unwinder *unwinder)
{
	if (!unwinder)
		return;
	unwinder_rest(unwinder);
	free(unwinder);
}

struct unwinder *unwinder_fork(const struct unwinder *parent, const struct ledger *ledger)
{
	struct unwinder *child = unwinder_new(parent->stacks, parent->source, ledger);
	size_t count = parent->listed.count;

	if (!child)
		return NULL;
	child->jit = parent->jit;
	child->listed_ns = parent->listed_ns;
	child->listed.items = count ? malloc(count * sizeof(struct text)) : NULL;
	if (child->listed.items) {
		memcpy(child->listed.items, parent->listed.items, count * sizeof(struct text));
		child->listed.count = child->listed.capacity = count;
	}
	/* what does not fit: stacks that end in `uprobe`, which is counted */
	(void)returns_fork(&parent->returns, &child->returns);
	return child;
}

/* ---- what lies where ---- */

static struct text *texts_add(struct texts *texts)
{
	if (texts->count == texts->capacity) {
		size_t capacity = texts->capacity ? texts->capacity * 2 : 32;
		struct text *items = reallocarray(texts->items, capacity, sizeof(*items));

		if (!items)
			return NULL;
		texts->items = items;
		texts->capacity = capacity;
	}
	texts->items[texts->count] = (struct text){0};
	return &texts->items[texts->count++];
}

static struct text *texts_find(const struct texts *texts, uint64_t addr)
{
	size_t low = 0, high = texts->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (texts->items[middle].end <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low < texts->count && texts->items[low].start <= addr ? &texts->items[low] : NULL;
}

static int open_file(void *ctx, uint32_t pid, uint64_t address, uint32_t dev, uint64_t ino,
		     char path[EVENT_PATH_LEN])
{
	struct source *source = ctx;

	if (!source || !source->ops->open_file)
		return -ENOENT;
	return source->ops->open_file(source, pid, address, dev, ino, path);
}

static const struct stack_module *file_module(struct unwinder *unwinder, uint32_t dev, uint64_t ino,
					      uint64_t address)
{
	return stacks_file(unwinder->stacks, unwinder->at, dev, ino, address, open_file,
			   unwinder->source);
}

/* What is not of a file: by the name that /proc gives it. */
static void text_name(struct unwinder *unwinder, struct text *text, const char *name)
{
	if (!strcmp(name, "[vdso]")) {
		text->base = text->start;
		text->module = stacks_vdso(unwinder->stacks, unwinder->at);
	} else if (!strcmp(name, "[uprobes]")) {
		text->flags = TEXT_UPROBES;
	} else {
		text->flags = TEXT_NO_FILE;
	}
}

/* file NULL: of none; then the name tells what it is. */
static void texts_put(struct unwinder *unwinder, struct texts *texts, struct text text,
		      const struct mapping_file *file, const char *name)
{
	struct text *put = texts_add(texts);

	if (!put)
		return;
	*put = text;
	if (file)
		put->module = file_module(unwinder, file->dev, file->ino, put->start);
	else
		text_name(unwinder, put, name);
}

static void text_of_mapping(struct unwinder *unwinder, const struct mapping *mapping)
{
	const struct mapping_attr *attr = &mapping->attr;
	const struct ledger *ledger = unwinder->ledger;

	texts_put(unwinder, &unwinder->texts,
		  (struct text){.start = mapping->start, .end = mapping->end, .base = attr->base},
		  attr->file ? intern_get(&ledger->files, attr->file) : NULL,
		  intern_get(&ledger->names, attr->name));
}

static bool texts_stale(const struct unwinder *unwinder)
{
	return !unwinder->made || unwinder->changes != unwinder->ledger->mappings.code_changes;
}

/* Makes the texts anew. What was walked before stays known if they are the same. */
static void texts_make(struct unwinder *unwinder)
{
	const struct mapping_map *mappings = &unwinder->ledger->mappings;
	struct texts before = unwinder->texts;
	const struct mapping *mapping;

	unwinder->made = true;
	unwinder->made_ns = unwinder->at->time_ns;
	unwinder->changes = mappings->code_changes;
	unwinder->texts = (struct texts){0};
	for (mapping = mapping_at_or_after(mappings, 0); mapping; mapping = mapping_next(mapping))
		if (mapping->attr.prot & PROT_EXEC)
			text_of_mapping(unwinder, mapping);
	if (before.count != unwinder->texts.count ||
	    (before.count &&
	     memcmp(before.items, unwinder->texts.items, before.count * sizeof(struct text))))
		unwinder->epoch++;
	texts_free(&before);
}

/*
 * Where a mapping with code has come, gone or changed. JIT compilers make theirs
 * writable and back for each function: not for every such change.
 */
static void texts_update(struct unwinder *unwinder)
{
	if (texts_stale(unwinder) &&
	    (!unwinder->made || unwinder->at->time_ns >= unwinder->made_ns + TEXTS_GAP_NS))
		texts_make(unwinder);
}

static void text_of_vma(void *ctx, const struct event_header *event)
{
	const struct event_vma *vma = (const struct event_vma *)event;
	const struct mapping_file file = {.ino = vma->ino, .dev = vma->dev};
	struct text text = {
		.start = vma->start,
		.end = vma->end,
		.base = vma->start - vma->offset,
	};
	struct unwinder *unwinder = ctx;

	texts_put(unwinder, &unwinder->listed, text, vma->ino ? &file : NULL, vma->name);
}

/* Asks /proc what has code now, and opens it while it is there. */
static void texts_list(struct unwinder *unwinder)
{
	struct source *source = unwinder->source;

	if (!source || !source->ops->list_code)
		return;
	unwinder->listed_ns = unwinder->at->time_ns;
	unwinder->listed.count = 0;
	unwinder->epoch++;
	source->ops->list_code(source, unwinder->ledger->pid, text_of_vma, unwinder);
}

static const struct text *text_find(struct unwinder *unwinder, uint64_t pc)
{
	const struct text *text = texts_find(&unwinder->texts, pc);

	if (!text)
		text = texts_find(&unwinder->listed, pc);
	return text;
}

static void text_locate(struct unwinder *unwinder, const struct text *text, uint64_t pc,
			struct unwind_place *place)
{
	const struct stack_module *module = text->module;

	place->executable = true;
	place->uprobes = text->flags & TEXT_UPROBES;
	if (text->flags & TEXT_NO_FILE) {
		if (!unwinder->jit)
			unwinder->jit = stacks_jit(unwinder->stacks, unwinder->at);
		module = unwinder->jit;
	}
	if (!module)
		return;
	if (module->unreadable && !module->flags)
		file_module(unwinder, module->dev, module->ino, pc);
	place->module_number = module->number;
	place->module = module->module;
	place->unreadable = module->unreadable;
	if (text->flags & TEXT_NO_FILE)
		place->address = pc;
	else if (!module->module ||
		 !module_address(module->module, pc - text->base, &place->address))
		place->address = pc - text->base; /* all that is known: the place in the file */
}

static void locate(void *ctx, uint64_t pc, struct unwind_place *place)
{
	struct unwinder *unwinder = ctx;
	const struct text *text = text_find(unwinder, pc);

	*place = (struct unwind_place){.address = pc};
	if (!text && texts_stale(unwinder)) {
		texts_make(unwinder);
		text = text_find(unwinder, pc);
	}
	/*
	 * Loss, or what no record tells of: exec's own mappings, [uprobes]. Not for
	 * any word that looks like an address: small ones are none.
	 */
	if (!text && pc >= PAGE_BYTES && pc < EVENT_ADDRESS_LIMIT &&
	    unwinder->at->time_ns >= unwinder->listed_ns + LIST_GAP_NS) {
		texts_list(unwinder);
		text = text_find(unwinder, pc);
	}
	if (text)
		text_locate(unwinder, text, pc, place);
}

/* ---- stacks known again ---- */

static uint64_t snapshot_pc(const struct event_snapshot *snapshot)
{
	return snapshot->registers[snapshot->register_count - 1];
}

/* x86_64: r7, before the pc in r16; arm64: r31, before the pc in r32. */
static uint64_t snapshot_sp(const struct event_snapshot *snapshot)
{
	return snapshot->registers[snapshot->register_count == 17 ? 7 : 31];
}

static size_t repeat_slot(const struct event_snapshot *snapshot)
{
	uint64_t mix = snapshot_pc(snapshot) * 0x9e3779b97f4a7c15ULL ^
		       snapshot_sp(snapshot) * 0xc2b2ae3d27d4eb4fULL;

	return (size_t)(mix >> 32) & (REPEATS - 1);
}

static bool repeat_matches(const struct unwinder *unwinder, const struct repeat *repeat,
			   const struct event_snapshot *snapshot)
{
	const char *stack = (const char *)snapshot->stack;

	if (repeat->pc != snapshot_pc(snapshot) || repeat->sp != snapshot_sp(snapshot) ||
	    repeat->top != snapshot->top || repeat->bytes != snapshot->bytes ||
	    repeat->epoch != unwinder->epoch || snapshot->absent)
		return false;
	for (uint64_t rest = repeat->used; rest; rest &= rest - 1) {
		int reg = __builtin_ctzll(rest);

		if (repeat->registers[reg] != snapshot->registers[reg])
			return false;
	}
	for (uint32_t i = 0; i < repeat->read_count; i++) {
		const struct unwind_read *read = &repeat->reads[i];
		uint64_t value;

		if (read->offset + sizeof(value) > snapshot->bytes)
			return false;
		memcpy(&value, stack + read->offset, sizeof(value));
		if (value != read->value)
			return false;
	}
	return true;
}

static void repeat_keep(struct unwinder *unwinder, const struct event_snapshot *snapshot,
			const struct unwind_result *result, uint32_t stack)
{
	size_t slot = repeat_slot(snapshot), size;
	struct repeat *repeat;

	if (!unwinder->repeats)
		unwinder->repeats = calloc(REPEATS, sizeof(struct repeat *));
	if (!unwinder->repeats || result->read_count > UNWIND_READS_MAX || snapshot->absent)
		return;
	/*
	 * The next walk may go further: a file that could not be opened is tried again. Or
	 * elsewhere: a trampoline looks the same whatever it stands for.
	 */
	if (result->guessed || result->replaced || result->end == STACK_END_UPROBE ||
	    result->end == STACK_END_UNREADABLE || result->end == STACK_END_NO_MODULE)
		return;
	size = sizeof(*repeat) + result->read_count * sizeof(struct unwind_read);
	repeat = unwinder->repeats[slot];
	if (!repeat || repeat->read_count != result->read_count) {
		repeat = realloc(repeat, size);
		if (!repeat)
			return;
		unwinder->repeats[slot] = repeat;
	}
	repeat->pc = snapshot_pc(snapshot);
	repeat->sp = snapshot_sp(snapshot);
	repeat->top = snapshot->top;
	repeat->bytes = snapshot->bytes;
	repeat->epoch = unwinder->epoch;
	repeat->used = result->used_registers & ((1ULL << EVENT_REGISTERS_MAX) - 1);
	repeat->stack = stack;
	repeat->end = (uint16_t)result->end;
	repeat->read_count = result->read_count;
	memcpy(repeat->registers, snapshot->registers, sizeof(repeat->registers));
	memcpy(repeat->reads, result->reads, result->read_count * sizeof(struct unwind_read));
}

static uint64_t replaced(void *ctx, uint64_t cfa)
{
	const struct unwinder *unwinder = ctx;

	return returns_find(&unwinder->returns, unwinder->at->tid, cfa);
}

static uint32_t snapshot_walk(struct unwinder *unwinder, const struct event_snapshot *snapshot)
{
	const struct unwind_ops ops = {
		.locate = locate,
		.replaced = unwinder->returns.count ? replaced : NULL,
		.ctx = unwinder,
	};
	struct unwind_result result; /* 20 KiB, of which a walk writes what it needs */
	uint32_t stack;

	unwind(snapshot, &ops, &result);
	unwinder->totals.ends[result.end]++;
	unwinder->totals.guessed += result.guessed;
	stack = stacks_add(unwinder->stacks, result.frames, result.frame_count, result.end,
			   &snapshot->h);
	if (stack)
		repeat_keep(unwinder, snapshot, &result, stack);
	else
		unwinder->totals.refused++;
	return stack;
}

/*
 * Another CPU wrote it: its words come one cache miss after the other, unless
 * they are asked for all at once.
 */
static void snapshot_prefetch(const struct event_snapshot *snapshot)
{
	uint32_t bytes = snapshot->bytes < PREFETCH_BYTES ? snapshot->bytes : PREFETCH_BYTES;

	for (uint32_t at = 0; at < bytes; at += 64)
		__builtin_prefetch((const char *)snapshot->stack + at);
}

static uint32_t snapshot_stack(struct unwinder *unwinder, const struct event_snapshot *snapshot)
{
	const struct repeat *repeat;

	unwinder->totals.taken++;
	snapshot_prefetch(snapshot);
	texts_update(unwinder);
	repeat = unwinder->repeats ? unwinder->repeats[repeat_slot(snapshot)] : NULL;
	if (!repeat || !repeat_matches(unwinder, repeat, snapshot))
		return snapshot_walk(unwinder, snapshot);
	unwinder->totals.repeated++;
	unwinder->totals.ends[repeat->end]++;
	return repeat->stack;
}

/* ---- records ---- */

static void on_snapshot(struct unwinder *unwinder, const struct event_snapshot *snapshot)
{
	struct waiting *waiting = &unwinder->waiting[unwinder->waiting_next++ % WAITING];

	unwinder->totals.lost += waiting->taken; /* its record was lost, or never came */
	waiting->tid = snapshot->h.tid;
	waiting->taken = true;
	waiting->stack = snapshot_stack(unwinder, snapshot);
}

/* Another program, in another memory. */
static void on_new_memory(struct unwinder *unwinder)
{
	unwinder->jit = NULL;
	returns_free(&unwinder->returns);
	unwinder->texts.count = 0;
	unwinder->made = false;
	unwinder->listed.count = 0;
	unwinder->epoch++;
	texts_list(unwinder);
}

static void on_file(struct unwinder *unwinder, const struct event_mmap_file *call)
{
	if (call->m.prot & PROT_EXEC)
		file_module(unwinder, call->dev, call->ino, call->m.addr);
}

/*
 * What is known of return addresses may be of functions that have returned, and others be in
 * their place: a stack that ends too early is better than one with callers that it never had.
 */
static void on_loss(struct unwinder *unwinder, const struct event_loss *loss)
{
	unwinder->totals.skipped += loss->stacks;
	if (loss->lost)
		returns_free(&unwinder->returns);
}

void unwinder_event(struct unwinder *unwinder, const struct event_header *event)
{
	unwinder->at = event;
	switch (event->kind) {
	case EVENT_SNAPSHOT:
		on_snapshot(unwinder, (const struct event_snapshot *)event);
		break;
	case EVENT_ATTACH:
	case EVENT_EXEC:
		on_new_memory(unwinder);
		break;
	case EVENT_MMAP_FILE:
		on_file(unwinder, (const struct event_mmap_file *)event);
		break;
	case EVENT_INVOCATION:
		/* without memory for it the stacks end in `uprobe`, which is counted */
		(void)returns_event(&unwinder->returns, (const struct event_invocation *)event);
		break;
	case EVENT_LOSS:
		on_loss(unwinder, (const struct event_loss *)event);
		break;
	default:
		break;
	}
	unwinder->at = NULL;
}

uint32_t unwinder_take(struct unwinder *unwinder, const struct event_header *event)
{
	for (uint32_t back = 1; back <= WAITING; back++) {
		struct waiting *waiting =
			&unwinder->waiting[(unwinder->waiting_next - back) % WAITING];

		if (!waiting->taken || waiting->tid != event->tid)
			continue;
		waiting->taken = false;
		return waiting->stack;
	}
	unwinder->totals.lost++;
	return 0;
}

_Static_assert(STACK_END_COUNT <= EVENT_STACK_ENDS_MAX, "UNWOUND has room for all ends");

void unwinder_set_totals(struct unwinder *unwinder, const struct event_unwound *event)
{
	struct unwind_totals totals = {
		.taken = event->taken,
		.repeated = event->repeated,
		.guessed = event->guessed,
		.refused = event->refused,
		.lost = event->lost,
		.skipped = event->skipped,
	};

	memcpy(totals.ends, event->ends, sizeof(totals.ends));
	unwinder->totals = unwinder->told = totals;
}

bool unwinder_tell_totals(struct unwinder *unwinder, struct event_unwound *event)
{
	const struct unwind_totals *totals = &unwinder->totals;
	bool changed = memcmp(totals, &unwinder->told, sizeof(*totals)) != 0;

	*event = (struct event_unwound){
		.taken = totals->taken,
		.repeated = totals->repeated,
		.guessed = totals->guessed,
		.refused = totals->refused,
		.lost = totals->lost,
		.skipped = totals->skipped,
	};
	memcpy(event->ends, totals->ends, sizeof(totals->ends));
	unwinder->told = *totals;
	return changed;
}

const struct unwind_totals *unwinder_totals(const struct unwinder *unwinder)
{
	return &unwinder->totals;
}

uint64_t unwind_failures(const struct unwind_totals *totals)
{
	uint64_t failures = totals->refused + totals->lost;

	for (unsigned int end = 0; end < STACK_END_COUNT; end++)
		failures += end == STACK_END_COMPLETE ? 0 : totals->ends[end];
	return failures;
}

uint64_t unwinder_memory(const struct unwinder *unwinder)
{
	uint64_t bytes =
		sizeof(*unwinder) +
		(unwinder->texts.capacity + unwinder->listed.capacity) * sizeof(struct text) +
		unwinder->returns.count * sizeof(struct replaced);

	for (size_t i = 0; unwinder->repeats && i < REPEATS; i++)
		if (unwinder->repeats[i])
			bytes += sizeof(struct repeat) +
				 unwinder->repeats[i]->read_count * sizeof(struct unwind_read);
	return bytes;
}
