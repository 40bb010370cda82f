// SPDX-License-Identifier: GPL-2.0-only
/* Invocations as records, and from them again: see ledger_keep.c. */
#include "user/ledger/invocations_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(INVOCATION_POINT_COUNT <= EVENT_KEPT_POINTS_MAX, "KEPT records have room for all");

/* ---- telling ---- */

static struct event_header header_of(uint16_t kind, size_t size, uint32_t pid, uint64_t time_ns)
{
	return (struct event_header){
		.size = (uint16_t)size, .kind = kind, .pid = pid, .time_ns = time_ns};
}

static void fill_sums(const struct invocations *invocations, struct event_kept_invocations *event)
{
	const struct invocation_totals *totals = &invocations->totals;

	event->begun = totals->begun;
	event->ended = totals->ended;
	event->cut = totals->cut;
	event->unmatched = totals->unmatched;
	event->too_deep = totals->too_deep;
	event->born = totals->born;
	event->born_outside = totals->born_outside;
	event->retained = invocations->retained;
	event->newest = invocations->newest;
	for (unsigned int i = 0; i < INVOCATION_POINT_COUNT; i++) {
		event->survival[i][0] = invocations->survival[i].invocations;
		event->survival[i][1] = invocations->survival[i].born;
		event->survival[i][2] = invocations->survival[i].resident;
	}
}

static const struct opened *find_opened(struct invocations *invocations,
					const struct invocation *invocation)
{
	const struct invocation_thread *thread =
		invocation_thread_find(invocations, invocation->tid);

	for (uint32_t i = 0; thread && i < thread->count; i++)
		if (thread->open[i].number == invocation->number)
			return &thread->open[i];
	return NULL;
}

static void fill_one(struct invocations *invocations, const struct invocation *invocation,
		     struct event_kept_invocation *event)
{
	const struct opened *opened = NULL;

	if (invocation->state == INVOCATION_OPEN)
		opened = find_opened(invocations, invocation);
	event->h.tid = invocation->tid;
	event->begin_ns = invocation->begin_ns;
	event->end_ns = invocation->end_ns;
	event->value = invocation->value;
	event->ended = invocation->ended;
	event->cfa = opened ? opened->cfa : 0;
	event->lost = opened ? opened->lost : 0;
	event->number = invocation->number;
	event->born = invocation->born;
	event->resident = invocation->resident;
	event->state = invocation->state;
	event->depth = invocation->depth;
	event->points = invocation->points;
	event->lossy = invocation->lossy;
	memcpy(event->at, invocation->at, sizeof(invocation->at));
	memcpy(event->id, invocation->id, sizeof(event->id));
}

static uint64_t kept_of(uint64_t count)
{
	return count < INVOCATIONS_KEPT ? count : INVOCATIONS_KEPT;
}

void invocations_keep(struct invocations *invocations, uint32_t pid, uint64_t time_ns,
		      void (*sink)(void *ctx, const struct event_header *event), void *ctx)
{
	struct event_kept_invocations sums = {
		.h = header_of(EVENT_KEPT_INVOCATIONS, sizeof(sums), pid, time_ns)};
	uint64_t ended = invocations->totals.ended;

	fill_sums(invocations, &sums);
	sink(ctx, &sums.h);
	for (uint64_t back = kept_of(invocations->newest); back-- > 0;) {
		const struct invocation *invocation =
			invocations_kept(invocations, invocations->newest - (uint32_t)back);
		struct event_kept_invocation event = {
			.h = header_of(EVENT_KEPT_INVOCATION, sizeof(event), pid, time_ns)};

		if (!invocation || !invocation->number)
			continue;
		fill_one(invocations, invocation, &event);
		sink(ctx, &event.h);
	}
	for (uint64_t back = kept_of(ended); back-- > 0;) {
		const struct ended *end =
			&invocations->ended[(ended - back - 1) & (invocations->capacity - 1)];
		struct event_kept_end event = {
			.h = header_of(EVENT_KEPT_END, sizeof(event), pid, time_ns),
			.order = ended - back,
			.retained = end->retained,
			.number = end->number,
		};

		sink(ctx, &event.h);
	}
}

/* ---- from records again ---- */

/* Room for all that are kept: nothing may be looked for where there is none. */
static int restore_room(struct invocations *invocations)
{
	uint32_t capacity = 64;

	while (capacity < INVOCATIONS_KEPT &&
	       (capacity < invocations->newest || capacity < invocations->totals.ended))
		capacity *= 2;
	invocations->kept = calloc(capacity, sizeof(*invocations->kept));
	invocations->ended = calloc(capacity, sizeof(*invocations->ended));
	if (!invocations->kept || !invocations->ended)
		return -ENOMEM;
	invocations->capacity = capacity;
	/* those that are told of come next; no other is open */
	for (uint32_t i = 0; i < capacity; i++)
		invocations->kept[i].state = INVOCATION_CUT;
	return 0;
}

struct invocations *invocations_restore(const struct event_kept_invocations *event)
{
	struct invocations *invocations = invocations_new();

	if (!invocations)
		return NULL;
	invocations->totals = (struct invocation_totals){
		.begun = event->begun,
		.ended = event->ended,
		.cut = event->cut,
		.unmatched = event->unmatched,
		.too_deep = event->too_deep,
		.born = event->born,
		.born_outside = event->born_outside,
	};
	invocations->retained = event->retained;
	invocations->newest = event->newest;
	for (unsigned int i = 0; i < INVOCATION_POINT_COUNT; i++)
		invocations->survival[i] = (struct invocation_survival){
			.invocations = event->survival[i][0],
			.born = event->survival[i][1],
			.resident = event->survival[i][2],
		};
	if (restore_room(invocations)) {
		invocations_free(invocations);
		return NULL;
	}
	return invocations;
}

/* It is open in its thread again. What finds no room there has ended unseen. */
static int restore_open(struct invocations *invocations, struct invocation *invocation,
			const struct event_kept_invocation *event)
{
	struct invocation_thread *thread = invocation_thread_get(invocations, invocation->tid);

	if (!thread || thread->count == INVOCATION_DEPTH_MAX) {
		invocation->state = INVOCATION_CUT;
		return thread ? 0 : -ENOMEM;
	}
	thread->open[thread->count++] =
		(struct opened){invocation->number, event->lost, event->cfa};
	invocations->open++;
	return 0;
}

static int restore_invocation(struct invocations *invocations,
			      const struct event_kept_invocation *event)
{
	struct invocation *invocation = invocations_kept(invocations, event->number);

	/* one that nobody begun, or that is there already */
	if (!invocation || invocation->number)
		return 0;
	*invocation = (struct invocation){
		.number = event->number,
		.tid = event->h.tid,
		.begin_ns = event->begin_ns,
		.end_ns = event->end_ns,
		.value = event->value,
		.state = event->state,
		.depth = event->depth,
		.points = event->points < INVOCATION_POINT_COUNT ? event->points
								 : INVOCATION_POINT_COUNT,
		.lossy = event->lossy,
		.ended = event->ended,
		.born = event->born,
		.resident = event->resident,
	};
	memcpy(invocation->at, event->at, sizeof(invocation->at));
	memcpy(invocation->id, event->id, sizeof(invocation->id));
	if (invocation->state == INVOCATION_OPEN)
		return restore_open(invocations, invocation, event);
	return 0;
}

static int restore_end(struct invocations *invocations, const struct event_kept_end *event)
{
	if (event->order && event->order <= invocations->totals.ended)
		invocations->ended[(event->order - 1) & (invocations->capacity - 1)] =
			(struct ended){event->number, event->retained};
	return 0;
}

int invocations_restore_one(struct invocations *invocations, const struct event_header *event)
{
	if (event->kind == EVENT_KEPT_INVOCATION)
		return restore_invocation(invocations, (const struct event_kept_invocation *)event);
	return restore_end(invocations, (const struct event_kept_end *)event);
}
