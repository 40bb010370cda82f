// SPDX-License-Identifier: GPL-2.0-only
/* Which invocation an end is of, and what it makes known of it and of those before. */
#include "user/ledger/invocations_internal.h"

#include <string.h>

/* The e-th end: for those that ended so many before it a point is reached. */
static void points_reach(struct invocations *invocations, uint64_t e)
{
	for (unsigned int point = 0; point < INVOCATION_POINT_COUNT; point++) {
		struct invocation_survival *survival = &invocations->survival[point];
		uint64_t later = invocation_later[point];
		struct invocation *invocation;

		if (e <= later)
			return;
		invocation = invocations_kept(
			invocations,
			invocations->ended[(e - later - 1) & (invocations->capacity - 1)].number);
		if (!invocation) /* so many were open at once that it is forgotten */
			continue;
		invocation->at[point] = invocation->resident;
		invocation->points = (uint16_t)(point + 1);
		survival->invocations++;
		survival->born += invocation->born;
		survival->resident += invocation->resident;
	}
}

static void thread_end(struct invocations *invocations, struct invocation_thread *thread,
		       uint32_t index, const struct event_invocation *event)
{
	struct opened open = invocation_thread_take(invocations, thread, index);
	struct invocation *invocation = invocations_kept(invocations, open.number);
	uint64_t e = ++invocations->totals.ended;

	invocation_thread_settle(invocations, thread);
	invocation->state = INVOCATION_ENDED;
	invocation->end_ns = event->h.time_ns;
	invocation->lossy = open.lost != event->lost;
	invocation->ended = e;
	invocations->retained += invocation->resident;
	invocations->ended[(e - 1) & (invocations->capacity - 1)] =
		(struct ended){open.number, invocations->retained};
	points_reach(invocations, e);
}

/* What an end says of which it is: a text, else a number. Both "" and 0: nothing. */
struct key {
	const char *id;
	uint64_t value;
};

static bool key_matches(struct key key, const struct invocation *invocation)
{
	return key.id[0] ? !strcmp(key.id, invocation->id) : key.value == invocation->value;
}

/* Does the beginning say the same kind of thing, so that it would match if it were meant? */
static bool key_is_alike(struct key key, const struct invocation *invocation)
{
	return key.id[0] ? invocation->id[0] : !invocation->id[0] && invocation->value;
}

/* The innermost one that matches. */
static bool thread_match(const struct invocations *invocations,
			 const struct invocation_thread *thread, struct key key, uint32_t *index)
{
	for (uint32_t i = thread->count; i-- > 0;) {
		if (!key_matches(key, invocations_kept(invocations, thread->open[i].number)))
			continue;
		*index = i;
		return true;
	}
	return false;
}

static bool thread_has_alike(const struct invocations *invocations,
			     const struct invocation_thread *thread, struct key key)
{
	for (uint32_t i = 0; i < thread->count; i++)
		if (key_is_alike(key, invocations_kept(invocations, thread->open[i].number)))
			return true;
	return false;
}

/* In any thread: asynchronous programs end where they did not begin. */
static struct invocation_thread *key_find(struct invocations *invocations, struct key key,
					  uint32_t *index)
{
	struct invocation_thread *thread;

	RB_FOREACH (thread, invocation_threads, &invocations->threads)
		if (thread_match(invocations, thread, key, index))
			return thread;
	return NULL;
}

/*
 * Is it the end of what an end in another thread was taken to mean? Where threads use one id, and
 * one of them was in the midst of it when the watch began, each end would else be taken from the
 * next thread, without an end to it.
 */
static bool thread_gives_back(const struct invocations *invocations,
			      struct invocation_thread *thread, struct key key)
{
	const struct invocation *taken = invocations_kept(invocations, thread->taken);

	if (!taken || !key_matches(key, taken))
		return false;
	thread->taken = 0;
	return true;
}

/* By its key, or where nothing tells them apart the innermost that is no function's. */
static struct invocation_thread *marked_find(struct invocations *invocations,
					     struct invocation_thread *own, struct key key,
					     uint32_t *index)
{
	bool named = key.id[0] || key.value;
	struct invocation_thread *thread = NULL;

	if (named && own && thread_match(invocations, own, key, index))
		return own;
	if (named && own && thread_gives_back(invocations, own, key))
		return NULL;
	if (named)
		thread = key_find(invocations, key, index);
	if (thread)
		thread->taken = thread->open[*index].number;
	if (thread || !own || own->deeper || (named && thread_has_alike(invocations, own, key)))
		return thread;
	for (uint32_t i = own->count; i-- > 0;) {
		if (own->open[i].cfa)
			continue;
		*index = i;
		return own;
	}
	return NULL;
}

/* The return of a function: of the one with its frame. What lies below was left. */
static bool frame_find(struct invocations *invocations, struct invocation_thread *thread,
		       uint64_t cfa, uint64_t time_ns, uint32_t *index)
{
	invocation_thread_cut_frames(invocations, thread, cfa, time_ns);
	for (uint32_t i = thread->count; i-- > 0;) {
		if (thread->open[i].cfa != cfa)
			continue;
		thread->deeper = 0;
		*index = i;
		return true;
	}
	return false;
}

/* One that began too deep has ended, or one that is not known. */
static void end_unmatched(struct invocations *invocations, struct invocation_thread *thread)
{
	if (thread && thread->deeper)
		thread->deeper--;
	else
		invocations->totals.unmatched++;
	if (thread)
		invocation_thread_settle(invocations, thread);
}

void invocations_end(struct invocations *invocations, const struct event_invocation *event)
{
	struct invocation_thread *own = invocation_thread_find(invocations, event->h.tid),
				 *thread = NULL;
	struct key key = {invocation_id_is_text(event->id) ? event->id : "", event->value};
	uint32_t index = 0;

	if (!event->cfa)
		thread = marked_find(invocations, own, key, &index);
	else if (own && frame_find(invocations, own, event->cfa, event->h.time_ns, &index))
		thread = own;
	if (thread)
		thread_end(invocations, thread, index, event);
	else
		end_unmatched(invocations, own);
}
