// SPDX-License-Identifier: GPL-2.0-only
/* Recordings behind the source door: the golden ones, and some that are made here. */
#include "tests/unit/recordings.h"

#include <malloc.h>
#include <math.h>

#include <sys/resource.h>

#include "user/pipeline.h"
#include "user/recorder.h"
#include "user/replay.h"
#include "user/verdict/process.h"
#include "user/view/csv.h"
#include "user/view/export_format.h"

#define A ((uint64_t)0x7f0000000000)

/* What a replay came to, of its last process. */
struct seen {
	bool keep_texts;
	uint64_t max_bytes; /* of the recording of the replay */
	unsigned int begun, ended, reports;
	struct report last;
	uint32_t allocator;
	uint64_t pages;
	uint64_t invocations;
	uint64_t taken;			  /* stacks */
	size_t memory_early, memory_late; /* of the heap, at two intervals */
	char *texts[16];		  /* of each process that ended: all tables, owned */
};

/* All that exports say of the state of a process. */
static char *tables_of(struct process *process)
{
	static const struct export_context context = {.version = "test"};
	struct report report = *process_newest(process);
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	report.growth_per_hour = 0; /* over the reports that there are: not a total */
	assert_int_equal(process_update_sites(process), 0);
	series_report(file, process, &report);
	assert_int_equal(mappings_csv_write(file, process, &context), 0);
	assert_int_equal(sites_csv_write(file, process, &context), 0);
	assert_int_equal(invocations_csv_write(file, process, &context), 0);
	assert_int_equal(survival_csv_write(file, process, &context), 0);
	assert_int_equal(stacks_csv_write(file, process, &context), 0);
	fclose(file);
	return text;
}

static void seen_free(struct seen *seen)
{
	for (size_t i = 0; i < ARRAY_SIZE(seen->texts); i++)
		free(seen->texts[i]);
}

static void on_begin(void *view, struct process *process)
{
	(void)process;
	((struct seen *)view)->begun++;
}

static void on_report(void *view, struct process *process, const struct report *report)
{
	struct seen *seen = view;

	(void)process;
	(void)report;
	seen->reports++;
	if (seen->reports == 20)
		seen->memory_early = mallinfo2().uordblks;
	seen->memory_late = mallinfo2().uordblks;
}

static void on_end(void *view, struct process *process)
{
	struct seen *seen = view;

	if (seen->keep_texts && seen->ended < ARRAY_SIZE(seen->texts))
		seen->texts[seen->ended] = tables_of(process);
	seen->ended++;
	seen->last = *process_newest(process);
	seen->allocator = process->ledger->allocator;
	seen->pages = process->ledger->pages.pages;
	if (process->ledger->invocations)
		seen->invocations = invocations_totals(process->ledger->invocations)->ended;
	if (process->unwinder)
		seen->taken = unwinder_totals(process->unwinder)->taken;
}

static const struct view_ops seen_ops = {.begin = on_begin, .report = on_report, .end = on_end};

/* Replays a file, and records it again if there is a path for it. The source's last answer. */
static int replay(const char *path, double to_s, const char *again, struct seen *seen,
		  struct recording_account *account)
{
	struct replay_options options = {.path = path, .to_s = to_s};
	struct recorder_options recording = {.path = again, .max_bytes = seen->max_bytes};
	struct pipeline_options policy = {.replayed = true};
	struct recording_figures figures;
	struct recorder *recorder = NULL;
	struct pipeline *pipeline;
	struct source *source;
	int rc;

	*seen = (struct seen){.keep_texts = seen->keep_texts};
	assert_int_equal(replay_open(&options, &source, &recording.header), 0);
	policy.stacks = recording.header.flags & RECORDING_STACKS;
	pipeline = pipeline_new(source, &policy);
	assert_non_null(pipeline);
	if (again) {
		assert_int_equal(recorder_open(&recording, &recorder), 0);
		recorder_attach(recorder, pipeline, source);
	}
	pipeline_add_view(pipeline, &seen_ops, seen);
	while (!(rc = pipeline_run(pipeline)))
		;
	*account = *recording_account(recording_source_reader(source));
	pipeline_free(pipeline);
	assert_int_equal(recorder_close(recorder, &figures), 0);
	source->ops->close(source);
	return rc;
}

/* ---- the handler under each allocator ---- */

static const struct {
	const char *path;
	uint32_t allocator;
} golden[] = {
	{"tests/golden/glibc.tdm", ALLOCATOR_GLIBC},
	{"tests/golden/jemalloc.tdm", ALLOCATOR_JEMALLOC},
	{"tests/golden/mimalloc.tdm", ALLOCATOR_MIMALLOC},
};

static void golden_recordings_balance(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(golden); i++) {
		struct recording_account account;
		struct seen seen = {0};

		assert_int_equal(replay(golden[i].path, NAN, NULL, &seen, &account), 1);
		assert_int_equal(account.end, RECORDING_WHOLE);
		assert_int_equal(account.unknown + account.malformed, 0);
		assert_int_equal(seen.begun, 1);
		assert_int_equal(seen.ended, 1);
		assert_int_equal(seen.allocator, golden[i].allocator);
		/* the kernel's count of the last interval is the ledger's */
		assert_int_equal(seen.last.unexplained, 0);
		assert_int_equal(seen.last.lost_total, 0);
		assert_int_equal(seen.last.repaired_pages_total, 0);
		/* an unbounded cache: 900 invocations, each of which leaves some 20 KiB */
		assert_int_equal(seen.invocations, 900);
		assert_true(seen.last.per_invocation.estimate > 18000 &&
			    seen.last.per_invocation.estimate < 24000);
		assert_in_range(seen.last.resident, 18 << 20, 24 << 20);
		assert_in_range(seen.taken, 5000, 6000);
		assert_true(seen.last.unknown < seen.last.resident / 100);
	}
}

/* Records pass through as they are: a recording of a replay is the recording. */
static void a_replay_records_as_it_was(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(golden); i++) {
		const struct event_header *event, *again;
		struct recording_reader *readers[2];
		struct recording_account account;
		struct seen seen = {0};
		uint64_t count = 0;
		char path[64];
		int rc;

		recordings_path(path);
		assert_int_equal(replay(golden[i].path, NAN, path, &seen, &account), 1);
		assert_int_equal(recording_open(golden[i].path, &readers[0]), 0);
		assert_int_equal(recording_open(path, &readers[1]), 0);
		do {
			do
				rc = recording_read(readers[0], &event);
			while (rc && event->kind == EVENT_STATE); /* by intervals, not by time */
			do
				assert_int_equal(recording_read(readers[1], &again) >= rc, 1);
			while (rc && again->kind == EVENT_STATE);
			if (rc)
				assert_memory_equal(event, again, event->size);
			count += rc;
		} while (rc);
		assert_true(count > 7000);
		recording_reader_free(readers[0]);
		recording_reader_free(readers[1]);
		unlink(path);
	}
}

static void a_replay_stops_where_it_is_told(void **state)
{
	struct recording_account account;
	struct seen whole = {0}, half = {0}, none = {0};

	(void)state;
	assert_int_equal(replay(golden[0].path, NAN, NULL, &whole, &account), 1);
	assert_int_equal(replay(golden[0].path, 0.7, NULL, &half, &account), 1);
	assert_int_equal(account.end, RECORDING_OPEN);
	assert_int_equal(half.ended, 1); /* of the views: the last state of what is alive */
	assert_in_range(half.reports, 2, whole.reports - 1);
	assert_true(half.pages > 0 && half.pages < whole.pages);
	assert_int_equal(replay(golden[0].path, 0, NULL, &none, &account), 1);
	assert_int_equal(none.begun, 0);
}

/* ---- made here ---- */

struct maker {
	struct recording_writer *writer;
	uint64_t now;
	char path[64];
};

static void maker_open(struct maker *maker)
{
	maker->now = START_NS;
	recordings_path(maker->path);
	assert_int_equal(recording_create(maker->path, &recordings_header, 0, &maker->writer), 0);
}

static void maker_close(struct maker *maker)
{
	struct recording_figures figures;

	assert_int_equal(recording_close(maker->writer, &figures), 0);
}

static void make(struct maker *maker, struct event_header *event, uint16_t kind, size_t size,
		 uint32_t pid)
{
	event->kind = kind;
	event->size = (uint16_t)size;
	event->pid = event->tid = pid;
	event->time_ns = maker->now += 1000;
	assert_int_equal(event_check(event, size), 0);
	assert_int_equal(recording_write(maker->writer, event), 0);
}

#define MAKE(maker, kind, type, pid, ...)                                                          \
	do {                                                                                       \
		struct type event_ = {__VA_ARGS__};                                                \
		make(maker, &event_.h, kind, sizeof(event_), pid);                                 \
	} while (0)

/* Maps, touches and unmaps: the ledger is as small in the end as it was in the beginning. */
static void make_churn(struct maker *maker, int intervals)
{
	MAKE(maker, EVENT_ATTACH, event_attach, 10, .comm = "churn");
	for (int i = 1; i <= intervals; i++) {
		for (int round = 0; round < 100; round++) {
			MAKE(maker, EVENT_MMAP, event_mmap, 10, .addr = A, .len = PAGES(32),
			     .prot = PROT_READ | PROT_WRITE, .flags = MAP_PRIVATE | MAP_ANONYMOUS);
			for (uint64_t page = 0; page < 32; page++)
				MAKE(maker, EVENT_FAULT, event_fault, 10, .addr = A + PAGES(page),
				     .error = FAULT_USER | FAULT_WRITE, .weight = 1);
			MAKE(maker, EVENT_UNMAP, event_range, 10, .addr = A, .len = PAGES(32));
		}
		MAKE(maker, EVENT_INTERVAL, event_interval, 0, .number = (uint64_t)i);
	}
}

static void memory_follows_the_ledger(void **state)
{
	struct recording_account account;
	struct maker maker;
	struct seen seen = {0};

	(void)state;
	maker_open(&maker);
	make_churn(&maker, 300);
	maker_close(&maker);
	assert_int_equal(replay(maker.path, NAN, NULL, &seen, &account), 1);
	assert_int_equal(seen.last.born_pages_total, 300 * 100 * 32);
	assert_int_equal(seen.pages, 0);
	assert_true(account.records > 1000000);
#ifndef __SANITIZE_ADDRESS__
	/* reports are kept for some minutes: 720 of them */
	assert_true(seen.memory_late <
		    seen.memory_early + 300 * sizeof(struct report) * 2 + (256 << 10));
#endif
	unlink(maker.path);
}

/* The same chain twice would have the same number: what follows would be taken for others. */
static void stacks_told_twice_end_it(void **state)
{
	union {
		struct event_stack stack;
		uint8_t room[sizeof(struct event_stack) + sizeof(struct event_frame)];
	} event = {.stack = {.frame_count = 1}};
	struct recording_account account;
	struct maker maker;
	struct seen seen = {0};

	(void)state;
	maker_open(&maker);
	MAKE(&maker, EVENT_ATTACH, event_attach, 10, .comm = "twice");
	for (event.stack.number = 1; event.stack.number <= 2; event.stack.number++)
		make(&maker, &event.stack.h, EVENT_STACK, sizeof(event), 10);
	maker_close(&maker);
	assert_int_equal(replay(maker.path, NAN, NULL, &seen, &account), -EBADMSG);
	unlink(maker.path);
}

/* A few hundred bytes that ask for terabytes: a large process that forks and forks. */
static void what_asks_for_too_much_memory_ends(void **state)
{
#ifndef __SANITIZE_ADDRESS__
	struct rlimit limit, small = {.rlim_cur = (rlim_t)512 << 20};
	struct recording_account account;
	struct maker maker;
	struct seen seen = {0};

	(void)state;
	maker_open(&maker);
	MAKE(&maker, EVENT_ATTACH, event_attach, 10, .comm = "bomb");
	for (uint64_t i = 0; i < 2000; i++)
		MAKE(&maker, EVENT_KEPT_PAGES, event_kept_pages, 10, .addr = i << 21, .pages = 512);
	for (uint32_t i = 0; i < 100000; i++)
		MAKE(&maker, EVENT_FORK, event_fork, 10, .child = 11 + i, .flags = FORK_WATCHED);
	maker_close(&maker);
	assert_int_equal(getrlimit(RLIMIT_DATA, &limit), 0);
	small.rlim_max = limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_DATA, &small), 0);
	assert_int_equal(replay(maker.path, NAN, NULL, &seen, &account), -ENOMEM);
	assert_int_equal(setrlimit(RLIMIT_DATA, &limit), 0);
	assert_true(seen.begun > 2 && seen.begun < 1000);
	unlink(maker.path);
#else
	(void)state;
#endif
}

static void the_state_of_the_source_is_replayed(void **state)
{
	static const struct recording_options options;
	struct recording_reader *reader;
	struct source_state was;
	struct source *source;
	struct maker maker;

	(void)state;
	maker_open(&maker);
	MAKE(&maker, EVENT_STATE, event_state, 0, .stack_weight = 1, .cut_iovecs = 2);
	MAKE(&maker, EVENT_STATE, event_state, 0, .stack_weight = 7, .unwatched_children = 3,
	     .missing_marks = 4, .malformed = 5, .look_ns = 6, .buffer_percent = 8);
	maker_close(&maker);
	assert_int_equal(recording_open(maker.path, &reader), 0);
	source = recording_source(reader, &options);
	assert_int_equal(source->ops->drain(source, NULL, NULL), 1); /* the sink is told nothing */
	source->ops->state(source, &was);
	assert_int_equal(was.stack_weight, 7);
	assert_int_equal(was.unwatched_children, 3);
	assert_int_equal(was.missing_marks, 4);
	assert_int_equal(was.malformed, 5);
	assert_int_equal(was.look_ns, 6);
	assert_int_equal(was.buffer_percent, 8);
	assert_int_equal(was.cut_iovecs, 0);
	source->ops->close(source);
	unlink(maker.path);
}

/* ---- kept to a size ---- */

static void make_stack(struct maker *maker, uint32_t number)
{
	union {
		struct event_stack stack;
		uint8_t room[sizeof(struct event_stack) + 2 * sizeof(struct event_frame)];
	} event = {.stack = {.number = number, .frame_count = 2}};

	event.stack.frames[0] = (struct event_frame){.address = number * 16, .module = 1};
	event.stack.frames[1] = (struct event_frame){.address = 64, .module = 1};
	make(maker, &event.stack.h, EVENT_STACK, sizeof(event), 10);
}

static void make_invocation(struct maker *maker, enum invocation_edge edge, uint32_t pid,
			    uint64_t value)
{
	MAKE(maker, EVENT_INVOCATION, event_invocation, pid, .edge = edge, .value = value);
}

/* One process that works by invocations, and a child that forks off and goes on for itself. */
static void make_work(struct maker *maker, int intervals)
{
	uint64_t random = 17, invocation = 0, top = A;
	uint32_t stacks = 0;

	MAKE(maker, EVENT_ATTACH, event_attach, 10, .comm = "work", .start_ticks = 9);
	MAKE(maker, EVENT_IDENTITY, event_identity, 10, .allocator = ALLOCATOR_JEMALLOC);
	MAKE(maker, EVENT_MODULE, event_module, 10, .number = 1, .ino = 5, .path = "/opt/work");
	MAKE(maker, EVENT_CYCLE, event_cycle, 10, .cause = CAUSE_ATTACH);
	MAKE(maker, EVENT_VMA, event_vma, 10, .start = 0x400000, .end = 0x500000, .ino = 5,
	     .prot = PROT_READ | PROT_EXEC, .vma_kind = VMA_KIND_FILE, .name = "work");
	MAKE(maker, EVENT_CYCLE, event_cycle, 10, .cause = CAUSE_ATTACH, .end = 1);
	for (int i = 1; i <= intervals; i++) {
		uint32_t pid = i > 3 && i % 3 == 0 ? 11 : 10;

		if (i == 3)
			MAKE(maker, EVENT_FORK, event_fork, 10, .child = 11, .flags = FORK_WATCHED,
			     .comm = "child");
		make_stack(maker, ++stacks);
		MAKE(maker, EVENT_MMAP, event_mmap, pid, .h.stack = stacks, .addr = top,
		     .len = PAGES(4096), .prot = PROT_READ | PROT_WRITE,
		     .flags = MAP_PRIVATE | MAP_ANONYMOUS, .callers = {0x400010});
		for (int round = 0; round < 600; round++) {
			make_invocation(maker, INVOCATION_BEGIN, pid, ++invocation);
			for (int page = 0; page < 12; page++) {
				MAKE(maker, EVENT_FAULT, event_fault, pid,
				     .h.stack = 1 + (uint32_t)random_below(&random, stacks),
				     .addr = top + random_below(&random, PAGES(4096)),
				     .error = FAULT_USER | FAULT_WRITE, .weight = 1);
				maker->now += random_below(&random, 100000);
			}
			if (!random_below(&random, 20))
				MAKE(maker, EVENT_MADVISE, event_range, pid,
				     .addr = page_floor(top + random_below(&random, PAGES(4000))),
				     .len = PAGES(40), .call = EVENT_CALL_MADVISE,
				     .arg = random_below(&random, 2) ? MADV_DONTNEED : MADV_FREE);
			if (random_below(&random, 50))
				make_invocation(maker, INVOCATION_END, pid, invocation);
		}
		top += PAGES(5000);
		for (uint32_t of = 10; of <= (i < 3 ? 10 : 11); of++) {
			MAKE(maker, EVENT_UNWOUND, event_unwound, of, .taken = (uint64_t)i,
			     .ends = {(uint64_t)i});
			MAKE(maker, EVENT_SAMPLE, event_sample, of,
			     .anon_bytes = (uint64_t)i << 20);
		}
		MAKE(maker, EVENT_INTERVAL, event_interval, 0, .number = (uint64_t)i);
	}
}

static void what_is_kept_to_a_size_has_the_same_totals(void **state)
{
	struct seen whole = {.keep_texts = true, .max_bytes = 1 << 20}, kept = {.keep_texts = true};
	struct recording_account account;
	struct maker maker;
	char path[64];
	uint64_t size;

	(void)state;
	maker_open(&maker);
	make_work(&maker, 130);
	maker_close(&maker);
	recordings_path(path);
	assert_int_equal(replay(maker.path, NAN, path, &whole, &account), 1);
	size = account.file_bytes;
	assert_int_equal(replay(path, NAN, NULL, &kept, &account), 1);
	assert_int_equal(account.end, RECORDING_WHOLE);
	assert_int_equal(account.malformed + account.unknown, 0);
	/* most was let go of, and nothing is missing for it */
	assert_true(account.first_chunk > 0);
	assert_true(account.kinds[EVENT_KEPT] == 2 && account.kinds[EVENT_KEPT_PAGES] > 1000);
	assert_true(account.file_bytes < size && account.file_bytes < 3 << 20);
	assert_true(kept.reports < whole.reports);
	assert_int_equal(kept.ended, 2);
	assert_int_equal(whole.ended, 2);
	for (int i = 0; i < 2; i++)
		assert_string_equal(kept.texts[i], whole.texts[i]);
	seen_free(&whole);
	seen_free(&kept);
	unlink(path);
	unlink(maker.path);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_recordings_balance),
		cmocka_unit_test(a_replay_records_as_it_was),
		cmocka_unit_test(a_replay_stops_where_it_is_told),
		cmocka_unit_test(memory_follows_the_ledger),
		cmocka_unit_test(stacks_told_twice_end_it),
		cmocka_unit_test(what_asks_for_too_much_memory_ends),
		cmocka_unit_test(the_state_of_the_source_is_replayed),
		cmocka_unit_test(what_is_kept_to_a_size_has_the_same_totals),
	};

	return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
