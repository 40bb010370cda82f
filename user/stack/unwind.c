// SPDX-License-Identifier: GPL-2.0-only
#include "user/stack/unwind_walk.h"

#include <errno.h>
#include <string.h>

#include "user/base/units.h"

/* The frame was left, the walk goes on at its caller. */
#define STEP_DONE STACK_END_COUNT

/* Further above the stack pointer than this, a frame pointer is none. */
#define FRAME_BYTES_MAX (1ULL << 20)

#define ABSENT_PAGES 64 /* bits of event_snapshot.absent */

/* ---- words and registers ---- */

static bool word_absent(const struct walk *walk, uint64_t address)
{
	uint64_t from = (address >> PAGE_SHIFT) - (walk->bottom >> PAGE_SHIFT);
	uint64_t to = ((address + 7) >> PAGE_SHIFT) - (walk->bottom >> PAGE_SHIFT);

	return to < ABSENT_PAGES &&
	       (walk->snapshot->absent >> from | walk->snapshot->absent >> to) & 1;
}

/* Below the stack pointer nothing is kept; above the top of the stack it is not the stack. */
static enum stack_end word_missing(const struct walk *walk, uint64_t address)
{
	uint64_t top = walk->top ? walk->top : EVENT_ADDRESS_LIMIT;

	if (address < walk->bottom || address > top - sizeof(uint64_t))
		return STACK_END_BAD_CFI;
	return STACK_END_CUT;
}

static void word_note(struct unwind_result *result, uint64_t offset, uint64_t value)
{
	if (result->read_count < UNWIND_READS_MAX)
		result->reads[result->read_count] =
			(struct unwind_read){.offset = (uint32_t)offset, .value = value};
	result->read_count++;
}

bool walk_word(struct walk *walk, uint64_t address, uint64_t *word)
{
	uint64_t offset = address - walk->bottom;

	if (address < walk->bottom || walk->limit - walk->bottom < sizeof(*word) ||
	    offset > walk->limit - walk->bottom - sizeof(*word)) {
		walk->end = word_missing(walk, address);
		return false;
	}
	if (walk->snapshot->absent && word_absent(walk, address)) {
		walk->end = STACK_END_ABSENT;
		return false;
	}
	memcpy(word, (const char *)walk->snapshot->stack + offset, sizeof(*word));
	word_note(walk->result, offset, *word);
	return true;
}

bool walk_register(struct walk *walk, uint64_t reg, uint64_t *value)
{
	uint64_t bit = reg < UNWIND_RULES_MAX ? UNWIND_REGISTER(reg) : 0;

	if (!(walk->known & bit)) {
		walk->end = STACK_END_BAD_CFI;
		return false;
	}
	if (walk->saved & bit) {
		if (!walk_word(walk, walk->values[reg], &walk->values[reg]))
			return false;
		walk->saved &= ~bit;
	} else if (walk->first & bit) {
		walk->result->used_registers |= bit;
	}
	*value = walk->values[reg];
	return true;
}

static void register_set(struct walk *walk, unsigned int reg, uint64_t value)
{
	uint64_t bit = UNWIND_REGISTER(reg);

	walk->values[reg] = value;
	walk->known |= bit;
	walk->saved &= ~bit;
	walk->first &= ~bit;
}

/* ---- by unwind information ---- */

/* The caller's registers, before they take the place of the frame's. */
struct caller {
	uint64_t kept;	/* the same as in the frame */
	uint64_t known; /* of the rest, which have a value */
	uint64_t saved;
	uint64_t values[UNWIND_RULES_MAX]; /* by index of rule */
};

/*
 * Where a register was saved. Below the frame's stack pointer is where it will
 * be, or was: unwind information does not say when a register is restored.
 */
static void caller_saved(const struct walk *walk, const struct unwind_row *row,
			 const struct unwind_rule *rule, uint64_t address, struct caller *caller,
			 uint64_t *value)
{
	uint64_t bit = UNWIND_REGISTER(rule->reg);

	if (address < walk->sp && rule->reg != row->return_reg) {
		caller->kept |= bit;
		return;
	}
	caller->saved |= bit;
	*value = address;
}

static void caller_rule(struct walk *walk, const struct unwind_row *row,
			const struct unwind_rule *rule, uint64_t cfa, struct caller *caller,
			uint64_t *value)
{
	uint64_t bit = UNWIND_REGISTER(rule->reg), address;
	int32_t offset = rule->offset;

	switch ((enum unwind_rule_kind)rule->kind) {
	case RULE_UNDEFINED:
		break;
	case RULE_SAME:
		caller->kept |= bit;
		break;
	case RULE_OFFSET:
		caller_saved(walk, row, rule, cfa + (uint64_t)(int64_t)offset, caller, value);
		break;
	case RULE_VAL_OFFSET:
		*value = cfa + (uint64_t)(int64_t)offset;
		caller->known |= bit;
		break;
	case RULE_REGISTER:
		if (walk_register(walk, (uint64_t)offset, value))
			caller->known |= bit;
		break;
	case RULE_EXPRESSION:
		if (walk_expression(walk, row->expressions[offset], &cfa, &address))
			caller_saved(walk, row, rule, address, caller, value);
		break;
	case RULE_VAL_EXPRESSION:
		if (walk_expression(walk, row->expressions[offset], &cfa, value))
			caller->known |= bit;
		break;
	}
}

static void registers_replace(struct walk *walk, const struct unwind_row *row,
			      const struct caller *caller, uint64_t named)
{
	uint64_t kept = (walk->arch->callee_saved & ~named) | caller->kept;

	for (unsigned int i = 0; i < row->rule_count; i++)
		if ((caller->known | caller->saved) & UNWIND_REGISTER(row->rules[i].reg))
			walk->values[row->rules[i].reg] = caller->values[i];
	walk->known = (walk->known & kept) | caller->known | caller->saved;
	walk->saved = (walk->saved & kept) | caller->saved;
	walk->first &= kept;
}

/* Applies all rules of a row at once. False: the return address is undefined. */
static bool row_apply(struct walk *walk, const struct unwind_row *row, uint64_t cfa)
{
	struct caller caller; /* whose values have no value yet */
	uint64_t named = 0;
	bool outermost = false;

	caller.kept = caller.known = caller.saved = 0;
	for (unsigned int i = 0; i < row->rule_count; i++) {
		const struct unwind_rule *rule = &row->rules[i];

		named |= UNWIND_REGISTER(rule->reg);
		outermost |= rule->reg == row->return_reg && rule->kind == RULE_UNDEFINED;
		caller_rule(walk, row, rule, cfa, &caller, &caller.values[i]);
	}
	registers_replace(walk, row, &caller, named);
	if (!(named & UNWIND_REGISTER(walk->arch->sp)))
		register_set(walk, walk->arch->sp, cfa);
	return !outermost;
}

static bool row_cfa(struct walk *walk, const struct unwind_row *row, uint64_t *cfa)
{
	if (row->cfa_is_expression)
		return walk_expression(walk, row->expressions[0], NULL, cfa);
	if (!walk_register(walk, row->cfa_reg, cfa))
		return false;
	*cfa += (uint64_t)(int64_t)row->cfa_offset;
	return true;
}

/* Stacks grow downwards: a caller's is above, but for a leaf that has none, and over a signal. */
static bool progress(const struct walk *walk, const struct unwind_row *row, uint64_t sp)
{
	if (row->signal_frame || sp > walk->sp)
		return true;
	return sp == walk->sp && walk->exact && walk->arch->link_register;
}

static enum stack_end step_row(struct walk *walk, const struct unwind_row *row)
{
	const struct unwind_arch *arch = walk->arch;
	uint64_t cfa, pc, sp;

	/* a trampoline is not called: it is where it is returned to */
	if (row->signal_frame && !walk->exact)
		walk->result->frames[walk->result->frame_count - 1].address++;
	if (!row_cfa(walk, row, &cfa))
		return walk->end;
	if (!row_apply(walk, row, cfa))
		return STACK_END_COMPLETE;
	if (!walk_register(walk, row->return_reg, &pc) || !walk_register(walk, arch->sp, &sp))
		return walk->end;
	pc &= arch->address_mask;
	if (!pc)
		return STACK_END_COMPLETE;
	if (!progress(walk, row, sp))
		return STACK_END_BAD_CFI;
	register_set(walk, arch->pc, pc);
	walk->pc = pc;
	walk->sp = sp;
	walk->exact = walk->signalled = row->signal_frame;
	walk->guessed = false;
	return STEP_DONE;
}

/* ---- by frame pointer ---- */

/* Says what to think of a frame pointer that leads out of the snapshot. */
static enum stack_end chain_leaves(const struct walk *walk, uint64_t fp, enum stack_end otherwise)
{
	bool near = fp - walk->sp < FRAME_BYTES_MAX;

	return near && walk->end != STACK_END_BAD_CFI ? walk->end : otherwise;
}

/* May a frame with that CFA return to pc? What replaced the address there is no caller's code. */
static bool returns_to_code(const struct walk *walk, uint64_t pc, uint64_t cfa)
{
	const struct unwind_ops *ops = walk->ops;
	struct unwind_place place = {0};

	if (pc)
		ops->locate(ops->ctx, pc - 1, &place);
	return place.executable || (ops->replaced && ops->replaced(ops->ctx, cfa));
}

/*
 * A caller's frame by the frame pointer, for want of anything better: it points
 * to the caller's and the return address, on x86_64 and arm64 alike. `otherwise`
 * is the end if that is not so.
 */
static enum stack_end step_guess(struct walk *walk, enum stack_end otherwise)
{
	const struct unwind_arch *arch = walk->arch;
	uint64_t fp, next, pc;

	if (!walk_register(walk, arch->fp, &fp))
		return walk->end == STACK_END_BAD_CFI ? otherwise : walk->end;
	if (!fp && walk->guessed)
		return STACK_END_COMPLETE; /* how such a chain ends */
	if (fp & 7 || fp < walk->sp)
		return otherwise;
	if (!walk_word(walk, fp, &next) || !walk_word(walk, fp + 8, &pc))
		return chain_leaves(walk, fp, otherwise);
	pc &= arch->address_mask;
	if (!returns_to_code(walk, pc, fp + 16))
		return otherwise;
	walk->known = 0;
	register_set(walk, arch->fp, next);
	register_set(walk, arch->sp, fp + 16);
	register_set(walk, arch->pc, pc);
	walk->pc = pc;
	walk->sp = fp + 16;
	walk->exact = walk->signalled = false;
	walk->guessed = true;
	walk->result->guessed++;
	return STEP_DONE;
}

/* ---- frames ---- */

/* The row of a frame, as module_row() gives it. */
static int frame_row(const struct walk *walk, const struct unwind_place *place,
		     const struct unwind_row **row)
{
	int rc = module_row(place->module, place->address, row);

	if (rc != -ENOENT || walk->exact)
		return rc;
	/*
	 * A signal handler returns to where nothing was called from: to the first byte
	 * of the trampoline.
	 */
	rc = module_row(place->module, place->address + 1, row);
	return !rc && !(*row)->signal_frame ? -ENOENT : rc;
}

static enum stack_end frame_step(struct walk *walk, const struct unwind_place *place)
{
	const struct unwind_row *row;

	if (walk->top && walk->sp == walk->top)
		return STACK_END_COMPLETE; /* the loader's entry says nothing of being one */
	if (!place->module_number)
		return step_guess(walk, STACK_END_NO_MODULE);
	if (!place->module)
		return step_guess(walk,
				  place->unreadable ? STACK_END_UNREADABLE : STACK_END_NO_CFI);
	if (module_machine(place->module) != walk->arch->machine)
		return STACK_END_NO_CFI;
	walk->bias = walk->pc - !walk->exact - place->address;
	switch (frame_row(walk, place, &row)) {
	case 0:
		return step_row(walk, row);
	case -ENOENT:
		return step_guess(walk, STACK_END_NO_CFI);
	case -EBADMSG:
		return STACK_END_BAD_CFI;
	default:
		return STACK_END_UNREADABLE;
	}
}

/* Where a frame is: a caller where its call is, the byte before it goes on. */
static void frame_locate(const struct walk *walk, struct unwind_place *place)
{
	const struct unwind_ops *ops = walk->ops;
	uint64_t at = walk->pc - !walk->exact;

	/* the page of uretprobes is returned to at its first byte */
	if (!walk->exact && !(walk->pc & (PAGE_BYTES - 1))) {
		memset(place, 0, sizeof(*place));
		ops->locate(ops->ctx, walk->pc, place);
		if (place->uprobes)
			return;
	}
	memset(place, 0, sizeof(*place));
	place->address = at;
	ops->locate(ops->ctx, at, place);
}

/*
 * What belongs where the callee returned to: by the kernel's own list, as far as the snapshot has
 * it. 0: nothing is known of it.
 */
static uint64_t replaced_return(const struct walk *walk)
{
	const struct event_snapshot *snapshot = walk->snapshot;

	for (uint32_t i = 0; i < snapshot->return_count; i++)
		if (snapshot->returns[i].stack + walk->arch->return_bytes == walk->sp)
			return snapshot->returns[i].address;
	return walk->ops->replaced ? walk->ops->replaced(walk->ops->ctx, walk->sp) : 0;
}

/*
 * The callee returned to where no code is known to be: to a uretprobe's trampoline, whose page
 * may not have been listed yet, if something is known of the frame. True: the walk is where it
 * would be without it.
 */
static bool frame_restore(struct walk *walk)
{
	uint64_t pc;

	if (walk->exact)
		return false;
	pc = replaced_return(walk);
	if (!pc)
		return false;
	walk->result->replaced = true;
	register_set(walk, walk->arch->pc, pc);
	walk->pc = pc;
	return true;
}

static void frame_add(struct unwind_result *result, const struct unwind_place *place)
{
	result->frames[result->frame_count++] =
		(struct event_frame){.address = place->address, .module = place->module_number};
}

/* The frames from the one at hand on; why there are no more. */
static enum stack_end walk_frames(struct walk *walk)
{
	struct unwind_result *result = walk->result;
	struct unwind_place place;
	enum stack_end end;

	do {
		frame_locate(walk, &place);
		if (result->frame_count && !place.module_number && frame_restore(walk))
			frame_locate(walk, &place);
		/* what an instruction that a uprobe lies on does, is done there, too */
		if (place.uprobes && result->frame_count)
			return STACK_END_UPROBE;
		if (result->frame_count == EVENT_FRAMES_MAX)
			return STACK_END_DEEP;
		frame_add(result, &place);
		if (place.uprobes)
			return STACK_END_UPROBE;
		/* the handler ran on a stack of its own, and that is what was copied */
		if (walk->signalled && (walk->sp < walk->bottom || walk->sp > walk->limit))
			return STACK_END_CUT;
		end = frame_step(walk, &place);
	} while (end == STEP_DONE);
	return end;
}

void unwind(const struct event_snapshot *snapshot, const struct unwind_ops *ops,
	    struct unwind_result *result)
{
	const struct unwind_arch *arch = unwind_arch(snapshot->machine);
	struct walk walk = {
		.snapshot = snapshot, .arch = arch, .ops = ops, .result = result, .exact = true};

	result->frame_count = 0;
	result->guessed = 0;
	result->replaced = false;
	result->used_registers = 0;
	result->read_count = 0;
	result->end = STACK_END_BAD_CFI;
	if (!arch || snapshot->register_count < arch->register_count)
		return;
	walk.known = walk.first = UNWIND_REGISTER(arch->register_count) - 1;
	memcpy(walk.values, snapshot->registers, arch->register_count * sizeof(*walk.values));
	walk.pc = walk.values[arch->pc];
	walk.sp = walk.bottom = walk.values[arch->sp];
	walk.limit = walk.bottom + snapshot->bytes;
	if (walk.limit < walk.bottom)
		walk.limit = walk.bottom; /* there is no such stack */
	if (snapshot->top > walk.bottom && snapshot->top <= EVENT_ADDRESS_LIMIT)
		walk.top = snapshot->top;
	result->end = walk_frames(&walk);
	result->used_registers &= ~(UNWIND_REGISTER(arch->sp) | UNWIND_REGISTER(arch->pc));
}
