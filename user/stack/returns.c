// SPDX-License-Identifier: GPL-2.0-only
#include "user/stack/returns.h"

#include <errno.h>
#include <stdlib.h>

/* By thread, innermost frame first: stacks grow down. */
static int replaced_compare(const struct replaced *a, const struct replaced *b)
{
	if (a->tid != b->tid)
		return a->tid < b->tid ? -1 : 1;
	return a->cfa < b->cfa ? -1 : a->cfa > b->cfa;
}

RB_PROTOTYPE(returns_tree, replaced, link, replaced_compare)
RB_GENERATE(returns_tree, replaced, link, replaced_compare)

static void replaced_drop(struct returns *returns, struct replaced *replaced)
{
	RB_REMOVE(returns_tree, &returns->tree, replaced);
	free(replaced);
	returns->count--;
}

void returns_free(struct returns *returns)
{
	struct replaced *replaced;

	while ((replaced = RB_MIN(returns_tree, &returns->tree)))
		replaced_drop(returns, replaced);
}

/* The innermost one of a thread at or outside of cfa, or NULL. */
static struct replaced *replaced_from(const struct returns *returns, uint32_t tid, uint64_t cfa)
{
	struct replaced key = {.tid = tid, .cfa = cfa};
	struct replaced *found =
		RB_NFIND(returns_tree, (struct returns_tree *)&returns->tree, &key);

	return found && found->tid == tid ? found : NULL;
}

static int replaced_add(struct returns *returns, uint32_t tid, uint64_t cfa, uint64_t caller)
{
	struct replaced *replaced;

	if (returns->count >= RETURNS_MAX)
		return -ENOSPC;
	replaced = malloc(sizeof(*replaced));
	if (!replaced)
		return -ENOMEM;
	*replaced = (struct replaced){.tid = tid, .cfa = cfa, .caller = caller};
	RB_INSERT(returns_tree, &returns->tree, replaced);
	returns->count++;
	return 0;
}

/*
 * A function is entered. What lies further in was left without a return: by longjmp.
 * In the same place is a function that left by a jump into this one; what it had
 * replaced holds, for this one found the trampoline there. Or it was left by longjmp,
 * too, and this one found a return address, which is true of it.
 */
static int returns_enter(struct returns *returns, const struct event_invocation *event)
{
	struct replaced *inner;
	uint64_t caller = event->caller;

	while ((inner = replaced_from(returns, event->h.tid, 0)) && inner->cfa <= event->cfa) {
		/* two that begin alike: the trampoline's page is where no code of theirs is */
		if (inner->cfa == event->cfa && !(event->caller & 4095))
			caller = inner->caller;
		replaced_drop(returns, inner);
	}
	return replaced_add(returns, event->h.tid, event->cfa, caller);
}

/* The innermost function returns, unless it was left before: then one further out does. */
static void returns_leave(struct returns *returns, const struct event_invocation *event)
{
	struct replaced *inner = replaced_from(returns, event->h.tid, 0);

	if (inner)
		replaced_drop(returns, inner);
	while ((inner = replaced_from(returns, event->h.tid, 0)) && inner->cfa <= event->cfa)
		replaced_drop(returns, inner);
}

int returns_event(struct returns *returns, const struct event_invocation *event)
{
	struct replaced *inner;

	switch (event->edge) {
	case INVOCATION_BEGIN:
		return event->cfa ? returns_enter(returns, event) : 0;
	case INVOCATION_END:
		if (event->cfa)
			returns_leave(returns, event);
		return 0;
	default: /* the thread is gone */
		while ((inner = replaced_from(returns, event->h.tid, 0)))
			replaced_drop(returns, inner);
		return 0;
	}
}

uint64_t returns_find(const struct returns *returns, uint32_t tid, uint64_t cfa)
{
	const struct replaced *found = replaced_from(returns, tid, cfa);

	if (!found || found->cfa != cfa)
		found = replaced_from(returns, 0, cfa);
	return found && found->cfa == cfa ? found->caller : 0;
}

int returns_fork(const struct returns *parent, struct returns *child)
{
	struct replaced *replaced;

	RB_FOREACH (replaced, returns_tree, (struct returns_tree *)&parent->tree) {
		struct replaced *known = replaced_from(child, 0, replaced->cfa);
		int rc = 0;

		if (!known || known->cfa != replaced->cfa)
			rc = replaced_add(child, 0, replaced->cfa, replaced->caller);
		if (rc)
			return rc;
	}
	return 0;
}
