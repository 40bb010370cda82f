// SPDX-License-Identifier: GPL-2.0-only
/*
 * invocation_work STEADY-OPTIONS | NAME
 *
 * Invocations that know what they touch, keep and give back. With `steady` that is as the options
 * say; other names are scenes:
 *
 *   steady=N keep=K early=E late=L after=A [inner=I] [advise] [threads=T] [library=PATH]
 *       N invocations in each of T threads, in turn. Each touches K pages that stay, E pages that
 * go before its end, and L pages that go in the A-th later one; and has an inner invocation that
 *       touches I pages, which stay. With `advise` pages go by MADV_DONTNEED, else by munmap.
 *   helper, concurrent, interleaved, gone, forks, jumps
 *       see there.
 *
 *   INVOCATION ID BORN RESIDENT
 *       The invocation of that id touched BORN pages first; RESIDENT of them are there now.
 *   SURVIVAL LATER INVOCATIONS BORN RESIDENT
 *       Of so many invocations, LATER of which ended after each, the sums of pages.
 *   OUTSIDE BORN
 *       Pages touched by the scene in no invocation.
 *
 * Rests: `ready`, then `done`.
 */
#define _GNU_SOURCE
#include "tests/targets/target.h"

#include "tests/targets/invocation_work.h"

#ifdef LIBRARY

WORK_HANDLER(library_handle)

#else

#include <dlfcn.h>
#include <pthread.h>
#include <setjmp.h>

WORK_HANDLER(invocation_handle)
work_handler invocation_alias __attribute__((alias("invocation_handle")));

/* Others with much the same name, for the message that one is not there. */
void invocation_handler(void);
void invocation_handler(void)
{
}

enum { THREADS_MAX = 16, WORKS_MAX = 20000, STACK_PAGES = 16, ID_LEN = 24 };

struct work {
	char id[ID_LEN];
	char inner_id[ID_LEN];
	char *late; /* pages that go later */
	char *early;
	char *keep;
	char *inner;
};

static struct {
	size_t steady, keep, early, late, after, inner, threads;
	bool advise;
	const char *library;
	work_handler *handle;
	struct work *works;
	size_t turn; /* whose: number of the next invocation */
	pthread_mutex_t lock;
	pthread_cond_t turned;
	pthread_barrier_t barrier;
	work_fn *scene_work;
} plan = {.threads = 1,
	  .lock = PTHREAD_MUTEX_INITIALIZER,
	  .turned = PTHREAD_COND_INITIALIZER,
	  .handle = invocation_handle};

/* ---- steady ---- */

static void pages_give_back(char *base, size_t pages)
{
	if (!base || !pages)
		return;
	if (plan.advise)
		target_expect(madvise(base, pages * PAGE, MADV_DONTNEED) == 0, "madvise");
	else
		pages_unmap(base, pages);
}

static void work_inner(void *arg)
{
	struct work *work = arg;

	pages_touch(work->inner, 0, plan.inner);
}

static void work_do(void *arg)
{
	struct work *work = arg;
	size_t number = (size_t)(work - plan.works);

	pages_touch(work->keep, 0, plan.keep);
	pages_touch(work->early, 0, plan.early);
	if (plan.inner)
		plan.handle(work_inner, work, work->inner_id);
	pages_touch(work->late, 0, plan.late);
	pages_give_back(work->early, plan.early);
	if (plan.late && number >= plan.after)
		pages_give_back(plan.works[number - plan.after].late, plan.late);
}

/* Mapped before: what the kernel does for a mapping is not the invocation's. */
static void work_prepare(struct work *work, size_t number)
{
	snprintf(work->id, sizeof(work->id), "work-%zu", number);
	snprintf(work->inner_id, sizeof(work->inner_id), "inner-%zu", number);
	work->keep = plan.keep ? pages_map(plan.keep) : NULL;
	work->early = plan.early ? pages_map(plan.early) : NULL;
	work->late = plan.late ? pages_map(plan.late) : NULL;
	work->inner = plan.inner ? pages_map(plan.inner) : NULL;
}

/* Deeper than any invocation goes, so that none of them is the first to touch the stack. */
__attribute__((noipa)) static void stack_touch(void)
{
	volatile char room[STACK_PAGES * PAGE];

	for (size_t i = 0; i < sizeof(room); i += PAGE)
		room[i] = 1;
}

/* Thread after thread: the order in which they end is the order of their numbers. */
static void *steady_thread(void *arg)
{
	size_t index = (size_t)arg;

	stack_touch();
	for (size_t i = index; i < plan.steady * plan.threads; i += plan.threads) {
		pthread_mutex_lock(&plan.lock);
		while (plan.turn != i)
			pthread_cond_wait(&plan.turned, &plan.lock);
		plan.handle(work_do, &plan.works[i], plan.works[i].id);
		plan.turn++;
		pthread_cond_broadcast(&plan.turned);
		pthread_mutex_unlock(&plan.lock);
	}
	return NULL;
}

/* Pages of invocation `number` that are there once `later` others have ended after it. */
static size_t steady_resident(size_t later)
{
	return plan.keep + (later < plan.after ? plan.late : 0);
}

static void steady_survival(size_t later)
{
	size_t count = plan.steady * plan.threads, born = plan.keep + plan.early + plan.late;

	if (count <= later)
		return;
	target_say("SURVIVAL %zu %zu %zu %zu", later, count - later, (count - later) * born,
		   (count - later) * steady_resident(later));
}

static void steady_say(void)
{
	size_t count = plan.steady * plan.threads;

	for (size_t i = 0; i < count; i++) {
		target_say("INVOCATION %s %zu %zu", plan.works[i].id,
			   plan.keep + plan.early + plan.late, steady_resident(count - 1 - i));
		if (plan.inner)
			target_say("INVOCATION %s %zu %zu", plan.works[i].inner_id, plan.inner,
				   plan.inner);
	}
	if (plan.inner) /* which are among those that end: the figures would be others */
		return;
	for (size_t later = 1; later <= 1000; later *= 10)
		steady_survival(later);
	steady_survival(0);
}

static void steady_run(void)
{
	pthread_t threads[THREADS_MAX];

	if (plan.threads == 1) {
		steady_thread(NULL);
		return;
	}
	for (size_t i = 0; i < plan.threads; i++)
		target_expect(pthread_create(&threads[i], NULL, steady_thread, (void *)i) == 0,
			      "pthread_create");
	for (size_t i = 0; i < plan.threads; i++)
		pthread_join(threads[i], NULL);
}

static void steady(void)
{
	size_t count = plan.steady * plan.threads;

	target_expect(plan.threads && plan.threads <= THREADS_MAX && count <= WORKS_MAX,
		      "not as many invocations");
	plan.works = calloc(count, sizeof(*plan.works));
	target_expect(plan.works != NULL, "memory");
	for (size_t i = 0; i < count; i++)
		work_prepare(&plan.works[i], i);
	target_rest("ready");
	if (plan.library) {
		void *library = dlopen(plan.library, RTLD_NOW);

		target_expect(library != NULL, plan.library);
		plan.handle = (work_handler *)dlsym(library, "library_handle");
		target_expect(plan.handle != NULL, "library_handle");
		target_rest("loaded");
	}
	steady_run();
	steady_say();
}

/* ---- scenes ---- */

enum { REGION_PAGES = 256, CONCURRENT = 4 };

static char *region;

/* One invocation of a scene. */
struct span {
	const char *id;
	size_t first; /* pages of the region */
	size_t count;
};

static void span_touch(const struct span *span)
{
	pages_touch(region, span->first, span->count);
}

static void span_say(const struct span *span)
{
	target_say("INVOCATION %s %zu %zu", span->id, span->count, span->count);
}

static void scene_start(void)
{
	region = pages_map(REGION_PAGES);
	target_rest("ready");
}

static void *scene_thread(void *arg)
{
	struct span *span = arg;

	stack_touch();
	pthread_barrier_wait(&plan.barrier); /* the thread is there */
	pthread_barrier_wait(&plan.barrier); /* the scene begins */
	if (!span->id) {
		span_touch(span);
		pthread_barrier_wait(&plan.barrier);
		pthread_barrier_wait(&plan.barrier);
	} else {
		plan.handle(plan.scene_work, span, span->id);
	}
	return NULL;
}

/* With its stack touched, and nothing more to be done for it than to let it go. */
static pthread_t scene_thread_start(struct span *span, unsigned int parties)
{
	pthread_t thread;

	if (parties)
		pthread_barrier_init(&plan.barrier, NULL, parties);
	target_expect(pthread_create(&thread, NULL, scene_thread, span) == 0, "pthread_create");
	return thread;
}

/* A helper thread touches pages while another thread has an invocation open. */
static void helper_work(void *arg)
{
	pages_touch(region, 0, 5);
	pthread_barrier_wait(&plan.barrier);
	pthread_barrier_wait(&plan.barrier);
	span_touch(arg);
}

static void helper_scene(void)
{
	struct span rest = {"helped", 5, 2}, all = {"helped", 0, 7}, helper = {NULL, 100, 9};
	pthread_t thread = scene_thread_start(&helper, 2);

	pthread_barrier_wait(&plan.barrier);
	scene_start();
	plan.scene_work = helper_work;
	/* the second wait is the helper's own start, in the midst of the invocation */
	plan.handle(helper_work, &rest, rest.id);
	pthread_barrier_wait(&plan.barrier);
	pthread_join(thread, NULL);
	span_say(&all);
	target_say("OUTSIDE %zu", helper.count);
}

/* All are open at once. */
static void concurrent_work(void *arg)
{
	pthread_barrier_wait(&plan.barrier);
	span_touch(arg);
	pthread_barrier_wait(&plan.barrier);
}

static void concurrent_scene(void)
{
	static const char *const ids[CONCURRENT] = {"first", "second", "third", "fourth"};
	pthread_t threads[CONCURRENT];
	struct span spans[CONCURRENT];

	plan.scene_work = concurrent_work;
	for (size_t i = 0; i < CONCURRENT; i++) {
		spans[i] = (struct span){ids[i], i * 20, 3 + i * 2};
		threads[i] = scene_thread_start(&spans[i], i ? 0 : CONCURRENT + 1);
	}
	pthread_barrier_wait(&plan.barrier);
	scene_start();
	for (int waits = 0; waits < 3; waits++)
		pthread_barrier_wait(&plan.barrier);
	for (size_t i = 0; i < CONCURRENT; i++) {
		pthread_join(threads[i], NULL);
		span_say(&spans[i]);
	}
}

/* One thread has two open that are not nested: as an event loop does. */
static void interleaved_scene(void)
{
	struct span first = {"even", 0, 3}, second = {"odd", 10, 12};

	scene_start();
	WORK_BEGIN("even");
	span_touch(&first);
	WORK_BEGIN("odd");
	pages_touch(region, 10, 5);
	WORK_END("even");
	pages_touch(region, 15, 7);
	WORK_END("odd");
	pages_touch(region, 30, 2);
	span_say(&first);
	span_say(&second);
	target_say("OUTSIDE 2");
}

/* A thread ends inside an invocation; the next with its id, maybe, is another. */
static void gone_work(void *arg)
{
	span_touch(arg);
	syscall(SYS_exit, 0);
}

static void gone_scene(void)
{
	struct span span = {"gone", 0, 4}, after = {"after", 10, 3};
	pthread_t thread = scene_thread_start(&span, 2);

	plan.scene_work = gone_work;
	pthread_barrier_wait(&plan.barrier);
	scene_start();
	pthread_barrier_wait(&plan.barrier);
	pthread_join(thread, NULL);
	plan.handle((work_fn *)span_touch, &after, after.id);
	span_say(&span);
	span_say(&after);
}

/* What a child touches is its own; it ends inside its copy of the invocation, or leaves it. */
static void forks_work(void *arg)
{
	pid_t pid;
	int status;

	span_touch(arg);
	pid = fork();
	target_expect(pid >= 0, "fork");
	if (!pid) {
		pages_touch(region, 50, 20);
		return;
	}
	target_expect(waitpid(pid, &status, 0) == pid, "waitpid");
	pages_touch(region, 10, 2);
}

static void forks_scene(void)
{
	struct span span = {"forks", 0, 3}, all = {"forks", 0, 5};
	pid_t self = getpid();

	scene_start();
	plan.handle(forks_work, &span, span.id);
	if (getpid() != self) {
		pages_touch(region, 80, 6);
		_exit(0);
	}
	span_say(&all);
}

/* A function is left without a return. */
static jmp_buf jump;

static void jumps_work(void *arg)
{
	span_touch(arg);
	longjmp(jump, 1);
}

static void jumps_scene(void)
{
	struct span span = {"jumped", 0, 5}, after = {"after", 10, 3};

	scene_start();
	if (!setjmp(jump))
		plan.handle(jumps_work, &span, span.id);
	plan.handle((work_fn *)span_touch, &after, after.id);
	pages_touch(region, 40, 2);
	span_say(&span);
	span_say(&after);
	target_say("OUTSIDE 2");
}

static void (*scene_find(const char *name))(void)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} scenes[] = {{"helper", helper_scene},
		      {"concurrent", concurrent_scene},
		      {"interleaved", interleaved_scene},
		      {"gone", gone_scene},
		      {"forks", forks_scene},
		      {"jumps", jumps_scene}};

	for (size_t i = 0; i < sizeof(scenes) / sizeof(*scenes); i++)
		if (!strcmp(scenes[i].name, name))
			return scenes[i].run;
	return NULL;
}

static void option(const char *text)
{
	static const struct {
		const char *name;
		size_t *value;
	} numbers[] = {{"steady", &plan.steady},  {"keep", &plan.keep},	  {"early", &plan.early},
		       {"late", &plan.late},	  {"after", &plan.after}, {"inner", &plan.inner},
		       {"threads", &plan.threads}};
	const char *value = strchr(text, '=');

	if (!strcmp(text, "advise"))
		plan.advise = true;
	else if (!strncmp(text, "library=", 8))
		plan.library = text + 8;
	for (size_t i = 0; value && i < sizeof(numbers) / sizeof(*numbers); i++)
		if (!strncmp(text, numbers[i].name, (size_t)(value - text)))
			*numbers[i].value = strtoul(value + 1, NULL, 0);
}

int main(int argc, char **argv)
{
	void (*scene)(void) = argc > 1 ? scene_find(argv[1]) : NULL;

	target_start();
	stack_touch();
	for (int i = 1; i < argc; i++)
		option(argv[i]);
	if (scene)
		scene();
	else
		steady();
	target_rest("done");
	return 0;
}

#endif /* LIBRARY */
