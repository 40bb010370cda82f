// SPDX-License-Identifier: GPL-2.0-only
/* The C half of a C++ program: its main, and what target.h gives. */
#define _GNU_SOURCE
#include "tests/targets/chain.h"
#include "tests/targets/stack_cxx.h"

enum { PAGES = 32 };

static char *region;
static size_t used;

void cxx_touch(void)
{
	chain_touch(page_at(region, used++));
}

/* One frame more than span_begin() thinks of: the C++ function's is the first of the span. */
struct span *cxx_span_begin(void)
{
	struct span *span = span_begin();

	span->first = span->pc[0];
	span->count--;
	memmove(span->pc, span->pc + 1, span->count * sizeof(span->pc[0]));
	return span;
}

void cxx_span_end(struct span *span)
{
	span_end(span);
	span->last = (uintptr_t)__builtin_return_address(0);
}

static void *thread_run(void *arg)
{
	(void)arg;
	cxx_catch();
	cxx_destructor();
	return NULL;
}

int main(void)
{
	pthread_t thread;

	chain_start();
	region = pages_map(PAGES);
	cxx_throw_far();
	cxx_catch();
	cxx_destructor();
	cxx_rethrow();
	cxx_new(1000);
	target_expect(pthread_create(&thread, NULL, thread_run, NULL) == 0, "thread");
	target_expect(pthread_join(thread, NULL) == 0, "join");
	spans_say();
	target_rest("thrown");
	return 0;
}
