// SPDX-License-Identifier: GPL-2.0-only
/* heap.pb.gz as `go tool pprof` reads it. */
#include "tests/unit/exports.h"

#include "tests/unit/heap_world.h"
#include "user/view/pprof.h"

#define KEPT __attribute__((noinline, noclone, used))

static volatile int sink;
static const char *inlined_at; /* where cache_grow() is inlined into cache_insert() */

static KEPT const char *here(void)
{
	sink++;
	return __builtin_return_address(0);
}

static inline __attribute__((always_inline)) void cache_grow(void)
{
	inlined_at = here();
	sink++;
}

static KEPT void cache_insert(void)
{
	cache_grow();
	sink++;
}

KEPT void order_handle(void) __asm__("_ZN5order6handleEv");

KEPT void order_handle(void)
{
	cache_insert();
	sink++;
}

/* ---- the reader ---- */

/* What `go tool pprof ARGUMENTS FILE` prints, the caller's. It has to succeed. */
static char *pprof(const char *arguments, const char *path)
{
	char command[512];
	FILE *pipe;
	char *text;

	snprintf(command, sizeof(command),
		 "HOME=%s PPROF_TMPDIR=%s GOTOOLCHAIN=local GOFLAGS= GOPROXY=off "
		 "timeout 60 go tool pprof %s %s 2>&1",
		 exports_dir, exports_dir, arguments, path);
	pipe = popen(command, "re");
	assert_non_null(pipe);
	text = exports_read_stream(pipe);
	if (pclose(pipe))
		fail_msg("%s: %s", command, text);
	return text;
}

#define NEEDS_PPROF()                                                                              \
	do {                                                                                       \
		(void)state;                                                                       \
		if (system("go tool -n pprof >/dev/null 2>&1")) {                                  \
			print_message("skipped: go tool pprof is not installed\n");                \
			skip();                                                                    \
		}                                                                                  \
	} while (0)

#define TYPES 3 /* retained_pages, retained_space, resident_space */

struct sums {
	long long all[TYPES];
	long long state[TYPES]; /* of the samples with a certain label */
	size_t samples;
};

/* From `pprof -raw`: a line of values and locations, followed by a line of labels. */
static struct sums sum_up(const char *raw, const char *label)
{
	const char *line = strstr(raw, "Samples:\n"), *end = strstr(raw, "\nLocations\n");
	struct sums sums = {0};
	long long values[TYPES] = {0};

	assert_non_null(line);
	assert_non_null(end);
	for (; line < end; line = strchr(line, '\n') + 1) {
		size_t length = strcspn(line, "\n");

		if (sscanf(line, "%lld %lld %lld:", &values[0], &values[1], &values[2]) == TYPES) {
			sums.samples++;
			for (size_t i = 0; i < TYPES; i++)
				sums.all[i] += values[i];
		} else if (memmem(line, length, label, strlen(label))) {
			for (size_t i = 0; i < TYPES; i++)
				sums.state[i] += values[i];
		}
	}
	return sums;
}

static void check_sums(const long long values[TYPES], uint64_t retained, uint64_t resident)
{
	assert_int_equal(values[0], retained);
	assert_int_equal(values[1], PAGES(retained));
	assert_int_equal(values[2], PAGES(resident));
}

/* ---- */

/* 30 pages under a known stack: 16 retained, 4 of these lazily freed, 14 young. */
static uint32_t known_site(struct exports *e)
{
	uint32_t self = exports_self(e), stack;
	uint64_t start;

	order_handle();
	stack = STACK(e, STACK_END_COMPLETE, {exports_address(inlined_at) - 1, self, 0},
		      {exports_address(order_handle), self, 0});
	start = exports_touch(e, 16, stack);
	world_range(&e->world, EVENT_MADVISE, start, PAGES(4), EVENT_CALL_MADVISE, MADV_FREE);
	exports_interval(e);
	exports_touch(e, 14, stack);
	return stack;
}

static void samples_add_up_to_the_ledger(void **state)
{
	struct exports e;
	struct sums sums;
	char *raw;

	NEEDS_PPROF();
	e = exports_new("handler", true);
	known_site(&e);
	exports_touch(&e, 5, 0);
	raw = pprof("-raw", exports_write(&e, pprof_write));
	assert_non_null(strstr(raw, "retained_pages/count retained_space/bytes "
				    "resident_space/bytes[dflt]\n"));
	sums = sum_up(raw, "state:[lazyfree]");
	check_sums(sums.all, 16, 35);
	check_sums(sums.state, 4, 4);
	assert_int_equal(sums.samples, 4);
	check_sums(sum_up(raw, "state:[retained]").state, 12, 12);
	check_sums(sum_up(raw, "state:[young]").state, 0, 19);
	check_sums(sum_up(raw, "allocator:[jemalloc]").state, 16, 35);
	check_sums(sum_up(raw, "end:[complete]").state, 16, 30);
	free(raw);
	exports_free(&e);
}

/* Live allocations are samples of their own: they add nothing to the pages. */
static void live_allocations_have_their_own_types(void **state)
{
	struct event_alloc_begin begin = {.size = 100};
	struct exports e;
	char *raw, *top;

	NEEDS_PPROF();
	e = exports_new("handler", true);
	begin.h.stack = known_site(&e);
	world_probes(&e.world, HEAP_ON, ALLOCATOR_JEMALLOC, HEAP_WHOLE, 0);
	for (uint64_t i = 0; i < 7; i++) {
		world_feed(&e.world, &begin.h, EVENT_ALLOC_BEGIN, sizeof(begin));
		world_alloc_flags(&e.world, A + i * 112, 100, 0, ALLOC_SAMPLED);
	}
	world_release(&e.world, A, 0);
	raw = pprof("-raw", exports_write(&e, pprof_write));
	assert_non_null(strstr(raw, "resident_space/bytes[dflt] inuse_objects/count "
				    "inuse_space/bytes\n"));
	check_sums(sum_up(raw, "").all, 16, 30);
	check_sums(sum_up(raw, "state:[live]").state, 0, 0);
	assert_non_null(strstr(raw, "          6        600:"));
	top = pprof("-top -sample_index=inuse_space", exports_write(&e, pprof_write));
	assert_non_null(strstr(top, "100%"));
	assert_non_null(strstr(top, "cache_grow"));
	free(top);
	free(raw);
	exports_free(&e);
}

/* A recording without stacks may have samples of them all the same. */
static void live_allocations_without_stacks(void **state)
{
	struct event_alloc_begin begin = {.h.stack = 7, .size = 100};
	struct exports e;
	char *raw;

	NEEDS_PPROF();
	e = exports_new("handler", false);
	world_probes(&e.world, HEAP_ON, ALLOCATOR_JEMALLOC, HEAP_WHOLE, 0);
	world_feed(&e.world, &begin.h, EVENT_ALLOC_BEGIN, sizeof(begin));
	world_alloc_flags(&e.world, A, 100, 0, ALLOC_SAMPLED);
	raw = pprof("-raw", exports_write(&e, pprof_write));
	assert_non_null(strstr(raw, "          1        100:"));
	free(raw);
	exports_free(&e);
}

/* Pages of which some were freed lazily before they were a full interval old. */
static void young_pages_may_be_lazily_freed(void **state)
{
	struct exports e;
	uint64_t start;
	char *raw;

	NEEDS_PPROF();
	e = exports_new("handler", true);
	start = exports_touch(&e, 9, 0);
	exports_interval(&e);
	world_range(&e.world, EVENT_UNMAP, start + PAGES(2), PAGES(7), EVENT_CALL_MUNMAP, 0);
	start = exports_touch(&e, 8, 0);
	world_range(&e.world, EVENT_MADVISE, start, PAGES(6), EVENT_CALL_MADVISE, MADV_FREE);
	raw = pprof("-raw", exports_write(&e, pprof_write));
	check_sums(sum_up(raw, "").all, 2, 10);
	check_sums(sum_up(raw, "state:[lazyfree]").state, 2, 6);
	check_sums(sum_up(raw, "state:[young]").state, 0, 4);
	free(raw);
	exports_free(&e);
}

static void functions_have_names_and_lines(void **state)
{
	struct exports e;
	const char *at;
	char *text;

	NEEDS_PPROF();
	e = exports_new("handler", true);
	known_site(&e);
	text = pprof("-raw", exports_write(&e, pprof_write));
	/* both names, with their lines, of one location */
	at = strstr(text, "cache_grow ");
	assert_non_null(at);
	assert_non_null(strstr(at, "test_pprof.c:"));
	at = strchr(at, '\n');
	assert_non_null(at);
	assert_non_null(memmem(at, strcspn(at + 1, "\n"), " cache_insert ", 14));
	/* demangled, and as it is in the file */
	at = strstr(text, "order::handle");
	assert_non_null(at);
	assert_non_null(memmem(at, strcspn(at, "\n"), "(_ZN5order6handleEv)", 20));
	assert_non_null(strstr(text, "0x0/0x200000000000000/0x0 /opt/order handler/bin/handler "));
	assert_non_null(strstr(text, "[FN][FL][LN][IN]"));
	free(text);
	exports_free(&e);
}

/* The name in the first row of `pprof -top`. */
static void check_first(const char *top, const char *name)
{
	const char *line = strstr(top, "flat%"), *found;

	assert_non_null(line);
	line = strchr(line, '\n');
	assert_non_null(line);
	found = memmem(line + 1, strcspn(line + 1, "\n"), name, strlen(name));
	if (!found)
		fail_msg("the first row does not name %s: %s", name, top);
}

static void top_names_the_site(void **state)
{
	struct exports e;
	const char *path;
	char *text;

	NEEDS_PPROF();
	e = exports_new("handler", true);
	known_site(&e);
	exports_touch(&e, 5, 0);
	path = exports_write(&e, pprof_write);
	text = pprof("-top", path);
	assert_non_null(strstr(text, "Type: resident_space\n"));
	check_first(text, "cache_grow");
	free(text);
	text = pprof("-top -cum -sample_index=retained_space", path);
	assert_non_null(strstr(text, "Type: retained_space\n"));
	assert_non_null(strstr(text, "order::handle"));
	assert_null(strstr(text, "[stack not taken]")); /* young */
	free(text);
	text = pprof("-top -tagfocus=state=lazyfree -unit=bytes", path);
	check_first(text, "16384B");
	free(text);
	text = pprof("-comments", path);
	assert_non_null(strstr(text, "tidemark v1.2\n"));
	assert_non_null(strstr(text, "process 4000 handler\n"));
	free(text);
	exports_free(&e);
}

/* The profile has the name of the program, not of the library that was seen first. */
static void the_program_comes_first(void **state)
{
	struct event_mmap_file program = {
		.m = {.addr = 0x400000, .len = PAGES(10), .prot = PROT_READ | PROT_EXEC},
		.dev = 0x800001,
		.ino = 77,
		.name = "handler",
	};
	struct exports e;
	uint32_t stack;
	char *text;

	NEEDS_PPROF();
	e = exports_new("handler", true);
	stack = exports_module(&e, "/usr/lib/libjemalloc.so.2");
	stack = STACK(&e, STACK_END_COMPLETE, {0x5, stack, 0},
		      {exports_address(order_handle), exports_self(&e), 0});
	program.m.flags = MAP_PRIVATE;
	world_feed(&e.world, &program.m.h, EVENT_MMAP_FILE, sizeof(program));
	exports_touch(&e, 5, stack);
	text = pprof("-top", exports_write(&e, pprof_write));
	assert_non_null(strstr(text, "File: handler\n"));
	check_first(text, "libjemalloc.so.2+0x5");
	free(text);
	exports_free(&e);
}

static void hostile_names_are_read(void **state)
{
	struct exports e;
	uint32_t stack;
	char *text, *line, *rest;

	NEEDS_PPROF();
	e = exports_new("x\n\xff;", true);
	stack = exports_module(&e, "/x/" HOSTILE);
	stack = STACK(&e, STACK_END_CUT, {0x5, stack, 0}, {0x6, 0, 0});
	exports_touch(&e, 5, stack);
	text = pprof("-raw", exports_write(&e, pprof_write));
	check_sums(sum_up(text, "end:[cut]").state, 0, 5);
	assert_non_null(strstr(text, "a;b,\"c\"???"));
	for (rest = text; (line = strsep(&rest, "\n"));)
		assert_clean_line(line);
	free(text);
	exports_free(&e);
}

static void without_stacks(void **state)
{
	struct exports e;
	const char *path;
	char *text;

	NEEDS_PPROF();
	e = exports_new("handler", false);
	path = exports_write(&e, pprof_write);
	free(pprof("-raw", path)); /* nothing is a profile, too */
	exports_touch(&e, 4, 0);
	exports_interval(&e);
	path = exports_write(&e, pprof_write);
	text = pprof("-raw", path);
	check_sums(sum_up(text, "state:[retained]").state, 4, 4);
	free(text);
	text = pprof("-top", path);
	check_first(text, "[stack not taken]");
	free(text);
	exports_free(&e);
}

#define MANY 3000

static void many_sites_are_no_matter(void **state)
{
	struct event_frame frames[200];
	struct exports e;
	uint32_t module;
	char *text;

	NEEDS_PPROF();
	e = exports_new("handler", true);
	module = exports_module(&e, "/bin/deep");
	for (size_t i = 0; i < ARRAY_SIZE(frames); i++)
		frames[i] = (struct event_frame){16 * i, module, 0};
	for (uint32_t i = 0; i < MANY; i++) {
		frames[0].address = 0x100000 + i;
		exports_touch(&e, 1, exports_stack(&e, STACK_END_DEEP, frames, ARRAY_SIZE(frames)));
	}
	text = pprof("-raw", exports_write(&e, pprof_write));
	assert_int_equal(sum_up(text, "").samples, MANY);
	check_sums(sum_up(text, "").all, 0, MANY);
	free(text);
	exports_free(&e);
}

/* An error of the file is told. */
static void a_full_disk_is_an_error(void **state)
{
	struct exports e = exports_new("handler", true);
	FILE *file = fopen("/dev/full", "we");

	(void)state;
	assert_non_null(file);
	known_site(&e);
	assert_int_equal(process_update_sites(e.process), 0);
	assert_int_equal(pprof_write(file, e.process, &exports_context), -ENOSPC);
	fclose(file);
	exports_free(&e);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		EXPORTS_TEST(samples_add_up_to_the_ledger),
		EXPORTS_TEST(live_allocations_have_their_own_types),
		EXPORTS_TEST(live_allocations_without_stacks),
		EXPORTS_TEST(young_pages_may_be_lazily_freed),
		EXPORTS_TEST(functions_have_names_and_lines),
		EXPORTS_TEST(top_names_the_site),
		EXPORTS_TEST(the_program_comes_first),
		EXPORTS_TEST(hostile_names_are_read),
		EXPORTS_TEST(without_stacks),
		EXPORTS_TEST(many_sites_are_no_matter),
		EXPORTS_TEST(a_full_disk_is_an_error),
	};

	return cmocka_run_group_tests_name("pprof", tests, NULL, NULL);
}
