// SPDX-License-Identifier: GPL-2.0-only
#include "user/ledger/invocations.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/sys/tree.h>

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

/* What is open in a thread. */
struct open {
	uint32_t number;
	uint32_t lost; /* as at BEGIN */
	uint64_t cfa;  /* likewise; 0: it is no function's */
};

/* A thread with something open, or of which something was ended elsewhere. */
struct thread {
	RB_ENTRY(thread) link;
	uint32_t tid;
	uint32_t count;
	uint32_t deeper; /* begun beyond INVOCATION_DEPTH_MAX, and not ended */
	uint32_t taken;	 /* the last one that an end in another thread was taken to mean, or 0 */
	struct open open[INVOCATION_DEPTH_MAX];
};

RB_HEAD(invocation_threads, thread);

/* The end of one, in the order of the ends. */
struct ended {
	uint32_t number;
	uint64_t retained; /* right after it */
};

struct invocations {
	struct invocation_threads threads;
	struct thread *cached; /* the last one found, or NULL */
	size_t thread_count;
	size_t open;
	/* Rings: number n is at (n - 1) % capacity, so is the n-th end. */
	struct invocation *kept;
	struct ended *ended;
	uint32_t capacity; /* grows by doubling up to INVOCATIONS_KEPT */
	uint32_t newest;
	uint64_t retained;
	struct invocation_totals totals;
	struct invocation_survival survival[INVOCATION_POINT_COUNT];
};

static int thread_compare(const struct thread *a, const struct thread *b)
{
	return a->tid < b->tid ? -1 : a->tid > b->tid;
}

RB_GENERATE(invocation_threads, thread, link, thread_compare)

struct invocations *invocations_new(void)
{
	return calloc(1, sizeof(struct invocations));
}

void invocations_free(struct invocations *invocations)
{
	struct thread *thread, *next;

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

static struct invocation *kept_find(const struct invocations *invocations, uint32_t number)
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

static struct thread *thread_find(struct invocations *invocations, uint32_t tid)
{
	struct thread key = {.tid = tid}, *found;

	if (invocations->cached && invocations->cached->tid == tid)
		return invocations->cached;
	found = RB_FIND(invocation_threads, &invocations->threads, &key);
	if (found)
		invocations->cached = found;
	return found;
}

static struct thread *thread_get(struct invocations *invocations, uint32_t tid)
{
	struct thread *thread = thread_find(invocations, tid);

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
static void thread_settle(struct invocations *invocations, struct thread *thread)
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
static struct open thread_take(struct invocations *invocations, struct thread *thread,
			       uint32_t index)
{
	struct open taken = thread->open[index];

	thread->count--;
	invocations->open--;
	memmove(&thread->open[index], &thread->open[index + 1],
		(thread->count - index) * sizeof(taken));
	return taken;
}

static void thread_cut(struct invocations *invocations, struct thread *thread, uint32_t index,
		       uint64_t time_ns)
{
	struct open open = thread_take(invocations, thread, index);
	struct invocation *invocation = kept_find(invocations, open.number);

	invocation->state = INVOCATION_CUT;
	invocation->end_ns = time_ns;
	invocations->retained += invocation->resident;
	invocations->totals.cut++;
}

static void thread_cut_all(struct invocations *invocations, struct thread *thread, uint64_t time_ns)
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
static void thread_cut_frames(struct invocations *invocations, struct thread *thread, uint64_t cfa,
			      uint64_t time_ns)
{
	for (uint32_t i = thread->count; i-- > 0;) {
		if (!thread->open[i].cfa || thread->open[i].cfa >= cfa)
			continue;
		thread_cut(invocations, thread, i, time_ns);
		thread->deeper = 0; /* they began below it */
	}
}

/* Makes room for the next one: what is that old, and open, ends unseen. */
static void thread_cut_oldest(struct invocations *invocations, const struct thread *keep,
			      uint64_t time_ns)
{
	struct invocation *oldest = NULL;
	struct thread *thread;

	if (invocations->newest >= INVOCATIONS_KEPT)
		oldest = kept_find(invocations, invocations->newest - INVOCATIONS_KEPT + 1);
	if (!oldest || oldest->state != INVOCATION_OPEN)
		return;
	thread = thread_find(invocations, oldest->tid);
	for (uint32_t i = 0; i < thread->count; i++) {
		if (thread->open[i].number != oldest->number)
			continue;
		thread_cut(invocations, thread, i, time_ns);
		break;
	}
	if (thread != keep)
		thread_settle(invocations, thread);
}

/* --- beginnings -------------------------------------------------------------------- */

bool invocation_id_is_text(const char *id)
{
	for (; *id; id++)
		if (*id < ' ' || *id > '~')
			return false;
	return true;
}

static void invocation_push(struct invocations *invocations, struct thread *thread,
			    const struct event_invocation *event)
{
	uint32_t number = ++invocations->newest;
	struct invocation *invocation = kept_find(invocations, number);

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
	thread->open[thread->count++] = (struct open){number, event->lost, event->cfa};
	invocations->open++;
	invocations->totals.begun++;
}

static int invocation_begin(struct invocations *invocations, const struct event_invocation *event)
{
	struct thread *thread;

	if (kept_reserve(invocations))
		return -ENOMEM;
	thread = thread_get(invocations, event->h.tid);
	if (!thread)
		return -ENOMEM;
	/* and one at the same place: by a loop around setjmp, or a call in place of its return */
	if (event->cfa)
		thread_cut_frames(invocations, thread, event->cfa + 1, event->h.time_ns);
	/* numbers do not wrap: a page's stamp must mean one invocation */
	if (thread->count == INVOCATION_DEPTH_MAX || invocations->newest == UINT32_MAX) {
		thread->deeper += thread->count > 0;
		invocations->totals.too_deep++;
		thread_settle(invocations, thread);
		return 0;
	}
	thread_cut_oldest(invocations, thread, event->h.time_ns);
	invocation_push(invocations, thread, event);
	return 0;
}

/* --- ends --------------------------------------------------------------------------- */

/* The e-th end: for those that ended so many before it a point is reached. */
static void points_reach(struct invocations *invocations, uint64_t e)
{
	for (unsigned int point = 0; point < INVOCATION_POINT_COUNT; point++) {
		struct invocation_survival *survival = &invocations->survival[point];
		uint64_t later = invocation_later[point];
		struct invocation *invocation;

		if (e <= later)
			return;
		invocation = kept_find(
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

static void thread_end(struct invocations *invocations, struct thread *thread, uint32_t index,
		       const struct event_invocation *event)
{
	struct open open = thread_take(invocations, thread, index);
	struct invocation *invocation = kept_find(invocations, open.number);
	uint64_t e = ++invocations->totals.ended;

	thread_settle(invocations, thread);
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
static bool thread_match(const struct invocations *invocations, const struct thread *thread,
			 struct key key, uint32_t *index)
{
	for (uint32_t i = thread->count; i-- > 0;) {
		if (!key_matches(key, kept_find(invocations, thread->open[i].number)))
			continue;
		*index = i;
		return true;
	}
	return false;
}

static bool thread_has_alike(const struct invocations *invocations, const struct thread *thread,
			     struct key key)
{
	for (uint32_t i = 0; i < thread->count; i++)
		if (key_is_alike(key, kept_find(invocations, thread->open[i].number)))
			return true;
	return false;
}

/* In any thread: asynchronous programs end where they did not begin. */
static struct thread *key_find(struct invocations *invocations, struct key key, uint32_t *index)
{
	struct thread *thread;

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
static bool thread_gives_back(const struct invocations *invocations, struct thread *thread,
			      struct key key)
{
	const struct invocation *taken = kept_find(invocations, thread->taken);

	if (!taken || !key_matches(key, taken))
		return false;
	thread->taken = 0;
	return true;
}

/* By its key, or where nothing tells them apart the innermost that is no function's. */
static struct thread *marked_find(struct invocations *invocations, struct thread *own,
				  struct key key, uint32_t *index)
{
	bool named = key.id[0] || key.value;
	struct thread *thread = NULL;

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
static bool frame_find(struct invocations *invocations, struct thread *thread, uint64_t cfa,
		       uint64_t time_ns, uint32_t *index)
{
	thread_cut_frames(invocations, thread, cfa, time_ns);
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
static void end_unmatched(struct invocations *invocations, struct thread *thread)
{
	if (thread && thread->deeper)
		thread->deeper--;
	else
		invocations->totals.unmatched++;
	if (thread)
		thread_settle(invocations, thread);
}

static void invocation_end(struct invocations *invocations, const struct event_invocation *event)
{
	struct thread *own = thread_find(invocations, event->h.tid), *thread = NULL;
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

/* --- the whole ------------------------------------------------------------------------ */

int invocations_event(struct invocations *invocations, const struct event_invocation *event)
{
	struct thread *thread;

	switch (event->edge) {
	case INVOCATION_BEGIN:
		return invocation_begin(invocations, event);
	case INVOCATION_END:
		invocation_end(invocations, event);
		return 0;
	default: /* GONE */
		thread = thread_find(invocations, event->h.tid);
		if (!thread)
			return 0;
		thread_cut_all(invocations, thread, event->h.time_ns);
		thread_settle(invocations, thread);
		return 0;
	}
}

void invocations_cut(struct invocations *invocations, uint64_t time_ns)
{
	struct thread *thread, *next;

	RB_FOREACH_SAFE (thread, invocation_threads, &invocations->threads, next) {
		thread_cut_all(invocations, thread, time_ns);
		thread_settle(invocations, thread);
	}
}

uint32_t invocations_current(struct invocations *invocations, uint32_t tid)
{
	const struct thread *thread = thread_find(invocations, tid);

	return thread && thread->count ? thread->open[thread->count - 1].number : 0;
}

void invocations_page_born(struct invocations *invocations, uint32_t number)
{
	struct invocation *invocation = kept_find(invocations, number);

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
	struct invocation *invocation = kept_find(invocations, number);

	if (invocation)
		invocation->resident--;
	if (!invocation || invocation->state != INVOCATION_OPEN)
		invocations->retained--;
}

const struct invocation *invocations_find(const struct invocations *invocations, uint32_t number)
{
	return kept_find(invocations, number);
}

uint32_t invocations_newest(const struct invocations *invocations)
{
	return invocations->newest;
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
	       invocations->thread_count * sizeof(struct thread);
}
