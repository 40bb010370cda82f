// SPDX-License-Identifier: GPL-2.0-only
#include "user/ledger/invocations_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 64

const uint32_t invocation_later[INVOCATION_POINT_COUNT] = {
#define X(later) (later),
	INVOCATION_POINTS(X)
#undef X
};

#define X(later) _Static_assert((later) < INVOCATIONS_KEPT, "it is kept until then");
INVOCATION_POINTS(X)
#undef X
_Static_assert(!(INVOCATIONS_KEPT & (INVOCATIONS_KEPT - 1)), "rings double up to it");

static int thread_compare(const struct invocation_thread *a, const struct invocation_thread *b)
{
	return a->tid < b->tid ? -1 : a->tid > b->tid;
}

RB_GENERATE(invocation_threads, invocation_thread, link, thread_compare)

struct invocations *invocations_new(void)
{
	return calloc(1, sizeof(struct invocations));
}

void invocations_free(struct invocations *invocations)
{
	struct invocation_thread *thread, *next;

	if (!invocations)
		return;
	RB_FOREACH_SAFE (thread, invocation_threads, &invocations->threads, next) {
		RB_REMOVE(invocation_threads, &invocations->threads, thread);
		free(thread);
	}
	free(invocations->kept);
	free(invocations->ended);
	free(invocations);
}

const char *invocation_state_name(unsigned int state)
{
	static const char *const names[] = {
		[INVOCATION_OPEN] = "open",
		[INVOCATION_ENDED] = "ended",
		[INVOCATION_CUT] = "cut",
	};

	return state < sizeof(names) / sizeof(*names) ? names[state] : "?";
}

/* --- the ones kept ------------------------------------------------------------- */

struct invocation *invocations_kept(const struct invocations *invocations, uint32_t number)
{
	if (!number || number > invocations->newest ||
	    invocations->newest - number >= INVOCATIONS_KEPT)
		return NULL;
	return &invocations->kept[(number - 1) & (invocations->capacity - 1)];
}

/* Room for the next one. While the rings grow nothing in them changes its place. */
static int kept_reserve(struct invocations *invocations)
{
	uint32_t capacity = invocations->capacity ? invocations->capacity * 2 : FIRST_CAPACITY;
	struct invocation *kept;
	struct ended *ended;

	if (invocations->newest < invocations->capacity ||
	    invocations->capacity == INVOCATIONS_KEPT)
		return 0;
	kept = reallocarray(invocations->kept, capacity, sizeof(*kept));
	if (!kept)
		return -ENOMEM;
	invocations->kept = kept;
	ended = reallocarray(invocations->ended, capacity, sizeof(*ended));
	if (!ended)
		return -ENOMEM;
	invocations->ended = ended;
	invocations->capacity = capacity;
	return 0;
}

/* --- threads --------------------------------------------------------------------- */

struct invocation_thread *invocation_thread_find(struct invocations *invocations, uint32_t tid)
{
	struct invocation_thread key = {.tid = tid}, *found;

	if (invocations->cached && invocations->cached->tid == tid)
		return invocations->cached;
	found = RB_FIND(invocation_threads, &invocations->threads, &key);
	if (found)
		invocations->cached = found;
	return found;
}

struct invocation_thread *invocation_thread_get(struct invocations *invocations, uint32_t tid)
{
	struct invocation_thread *thread = invocation_thread_find(invocations, tid);

	if (thread)
		return thread;
	thread = calloc(1, sizeof(*thread));
	if (!thread)
		return NULL;
	thread->tid = tid;
	RB_INSERT(invocation_threads, &invocations->threads, thread);
	invocations->thread_count++;
	invocations->cached = thread;
	return thread;
}

/* A thread with nothing open is not kept, but for what may still come of it. */
void invocation_thread_settle(struct invocations *invocations, struct invocation_thread *thread)
{
	if (thread->count)
		return;
	thread->deeper = 0;
	if (thread->taken)
		return;
	if (invocations->cached == thread)
		invocations->cached = NULL;
	RB_REMOVE(invocation_threads, &invocations->threads, thread);
	invocations->thread_count--;
	free(thread);
}

/* Takes one off a thread's stack, wherever it lies; those around it stay. */
struct opened invocation_thread_take(struct invocations *invocations,
				     struct invocation_thread *thread, uint32_t index)
{
	struct opened taken = thread->open[index];

	thread->count--;
	invocations->open--;
	memmove(&thread->open[index], &thread->open[index + 1],
		(thread->count - index) * sizeof(taken));
	return taken;
}

static void thread_cut(struct invocations *invocations, struct invocation_thread *thread,
		       uint32_t index, uint64_t time_ns)
{
	struct opened open = invocation_thread_take(invocations, thread, index);
	struct invocation *invocation = invocations_kept(invocations, open.number);

	invocation->state = INVOCATION_CUT;
	invocation->end_ns = time_ns;
	invocations->retained += invocation->resident;
	invocations->totals.cut++;
}

static void thread_cut_all(struct invocations *invocations, struct invocation_thread *thread,
			   uint64_t time_ns)
{
	thread->taken = 0;
	while (thread->count)
		thread_cut(invocations, thread, thread->count - 1, time_ns);
}

/*
 * Functions whose frame lies below cfa were left without a return, by longjmp or
 * an exception: a stack grows down. A signal handler on a stack of its own, and
 * coroutines that share a thread, are taken for it where their stack lies higher.
 */
void invocation_thread_cut_frames(struct invocations *invocations, struct invocation_thread *thread,
				  uint64_t cfa, uint64_t time_ns)
{
	for (uint32_t i = thread->count; i-- > 0;) {
		if (!thread->open[i].cfa || thread->open[i].cfa >= cfa)
			continue;
		thread_cut(invocations, thread, i, time_ns);
		thread->deeper = 0; /* they began below it */
	}
}

/* Makes room for the next one: what is that old, and open, ends unseen. */
static void thread_cut_oldest(struct invocations *invocations, const struct invocation_thread *keep,
			      uint64_t time_ns)
{
	struct invocation *oldest = NULL;
	struct invocation_thread *thread;

	if (invocations->newest >= INVOCATIONS_KEPT)
		oldest = invocations_kept(invocations, invocations->newest - INVOCATIONS_KEPT + 1);
	if (!oldest || oldest->state != INVOCATION_OPEN)
		return;
	thread = invocation_thread_find(invocations, oldest->tid);
	for (uint32_t i = 0; i < thread->count; i++) {
		if (thread->open[i].number != oldest->number)
			continue;
		thread_cut(invocations, thread, i, time_ns);
		break;
	}
	if (thread != keep)
		invocation_thread_settle(invocations, thread);
}

/* --- beginnings -------------------------------------------------------------------- */

bool invocation_id_is_text(const char *id)
{
	for (; *id; id++)
		if (*id < ' ' || *id > '~')
			return false;
	return true;
}

static void invocation_push(struct invocations *invocations, struct invocation_thread *thread,
			    const struct event_invocation *event)
{
	uint32_t number = ++invocations->newest;
	struct invocation *invocation = invocations_kept(invocations, number);

	*invocation = (struct invocation){
		.number = number,
		.tid = thread->tid,
		.begin_ns = event->h.time_ns,
		.value = event->value,
		.state = INVOCATION_OPEN,
		.depth = (uint16_t)thread->count,
	};
	if (invocation_id_is_text(event->id))
		memcpy(invocation->id, event->id, sizeof(invocation->id));
	thread->open[thread->count++] = (struct opened){number, event->lost, event->cfa};
	invocations->open++;
	invocations->totals.begun++;
}

static int invocation_begin(struct invocations *invocations, const struct event_invocation *event)
{
	struct invocation_thread *thread;

	if (kept_reserve(invocations))
		return -ENOMEM;
	thread = invocation_thread_get(invocations, event->h.tid);
	if (!thread)
		return -ENOMEM;
	/* and one at the same place: by a loop around setjmp, or a call in place of its return */
	if (event->cfa)
		invocation_thread_cut_frames(invocations, thread, event->cfa + 1, event->h.time_ns);
	/* numbers do not wrap: a page's stamp must mean one invocation */
	if (thread->count == INVOCATION_DEPTH_MAX || invocations->newest == UINT32_MAX) {
		thread->deeper += thread->count > 0;
		invocations->totals.too_deep++;
		invocation_thread_settle(invocations, thread);
		return 0;
	}
	thread_cut_oldest(invocations, thread, event->h.time_ns);
	invocation_push(invocations, thread, event);
	return 0;
}

/* --- the whole ------------------------------------------------------------------------ */

int invocations_event(struct invocations *invocations, const struct event_invocation *event)
{
	struct invocation_thread *thread;

	switch (event->edge) {
	case INVOCATION_BEGIN:
		return invocation_begin(invocations, event);
	case INVOCATION_END:
		invocations_end(invocations, event);
		return 0;
	default: /* GONE */
		thread = invocation_thread_find(invocations, event->h.tid);
		if (!thread)
			return 0;
		thread_cut_all(invocations, thread, event->h.time_ns);
		invocation_thread_settle(invocations, thread);
		return 0;
	}
}

void invocations_cut(struct invocations *invocations, uint64_t time_ns)
{
	struct invocation_thread *thread, *next;

	RB_FOREACH_SAFE (thread, invocation_threads, &invocations->threads, next) {
		thread_cut_all(invocations, thread, time_ns);
		invocation_thread_settle(invocations, thread);
	}
}

uint32_t invocations_current(struct invocations *invocations, uint32_t tid)
{
	const struct invocation_thread *thread = invocation_thread_find(invocations, tid);

	return thread && thread->count ? thread->open[thread->count - 1].number : 0;
}

void invocations_page_born(struct invocations *invocations, uint32_t number)
{
	struct invocation *invocation = invocations_kept(invocations, number);

	if (!number) {
		invocations->totals.born_outside += invocations->totals.begun > 0;
		return;
	}
	invocations->totals.born++;
	if (!invocation || invocation->state != INVOCATION_OPEN)
		invocations->retained++;
	if (!invocation)
		return;
	invocation->born++;
	invocation->resident++;
	/* found only now (MAP_POPULATE, a huge page): it was there at those points */
	for (unsigned int point = 0; point < invocation->points; point++) {
		invocation->at[point]++;
		invocations->survival[point].born++;
		invocations->survival[point].resident++;
	}
}

void invocations_page_gone(struct invocations *invocations, uint32_t number)
{
	struct invocation *invocation = invocations_kept(invocations, number);

	if (invocation)
		invocation->resident--;
	if (!invocation || invocation->state != INVOCATION_OPEN)
		invocations->retained--;
}

const struct invocation *invocations_find(const struct invocations *invocations, uint32_t number)
{
	return invocations_kept(invocations, number);
}

uint32_t invocations_newest(const struct invocations *invocations)
{
	return invocations->newest;
}

const struct invocation *invocations_newest_end(const struct invocations *invocations)
{
	uint64_t e = invocations->totals.ended;

	return e ? invocations_kept(
			   invocations,
			   invocations->ended[(e - 1) & (invocations->capacity - 1)].number)
		 : NULL;
}

size_t invocations_open(const struct invocations *invocations)
{
	return invocations->open;
}

uint64_t invocations_retained(const struct invocations *invocations)
{
	return invocations->retained;
}

size_t invocations_history(const struct invocations *invocations, uint64_t *pages, size_t max)
{
	uint64_t ended = invocations->totals.ended;
	size_t count = ended < INVOCATIONS_KEPT ? (size_t)ended : INVOCATIONS_KEPT;

	if (count > max)
		count = max;
	for (size_t i = 0; i < count; i++)
		pages[i] = invocations->ended[(ended - count + i) & (invocations->capacity - 1)]
				   .retained;
	return count;
}

const struct invocation_survival *invocations_survival(const struct invocations *invocations,
						       unsigned int point)
{
	return &invocations->survival[point];
}

const struct invocation_totals *invocations_totals(const struct invocations *invocations)
{
	return &invocations->totals;
}

uint64_t invocations_memory(const struct invocations *invocations)
{
	return sizeof(*invocations) +
	       invocations->capacity * (sizeof(*invocations->kept) + sizeof(*invocations->ended)) +
	       invocations->thread_count * sizeof(struct invocation_thread);
}
