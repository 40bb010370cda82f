// SPDX-License-Identifier: GPL-2.0-only
/* The wiring, with a source that plays a script and remembers what it was asked. */
#include "tests/unit/support.h"

#include <sys/mman.h>

#include "user/pipeline.h"
#include "user/source/look.h"
#include "user/source/queue.h"

#define A ((uint64_t)0x7f0000000000)
#define ASKED_MAX 64

struct asked_look {
	uint32_t pid;
	uint64_t start, end;
	uint32_t cause;
	bool lazy;
};

struct script {
	struct source source;
	struct queue queue;
	struct asked_look asked[ASKED_MAX];
	size_t asked_count;
	uint32_t looking; /* the pid that a look is under way of; 0: none */
	bool ended;
	/* what views were told, one word each */
	char told[4096];
	struct pipeline *pipeline;
	uint64_t now;
};

static struct script *script_of(struct source *source)
{
	return (struct script *)((char *)source - offsetof(struct script, source));
}

static int script_wait(struct source *source, int timeout_ms)
{
	(void)source;
	return timeout_ms;
}

static int script_drain(struct source *source, source_sink sink, void *ctx)
{
	struct script *script = script_of(source);

	queue_deliver(&script->queue, UINT64_MAX, sink, ctx);
	return script->ended;
}

static void script_ask(struct source *source, struct asked_look asked)
{
	struct script *script = script_of(source);

	assert_true(script->asked_count < ASKED_MAX);
	script->asked[script->asked_count++] = asked;
}

static void script_look(struct source *source, uint32_t pid, uint64_t start, uint64_t end,
			enum event_cause cause)
{
	script_ask(source, (struct asked_look){pid, start, end, cause, false});
}

static void script_look_lazy(struct source *source, uint32_t pid)
{
	script_ask(source, (struct asked_look){.pid = pid, .lazy = true});
}

static bool script_looking(const struct source *source, uint32_t pid)
{
	return script_of((struct source *)source)->looking == pid;
}

static const struct source_ops script_ops = {
	.wait = script_wait,
	.drain = script_drain,
	.look = script_look,
	.look_lazy = script_look_lazy,
	.looking = script_looking,
};

static void tell(struct script *script, const char *word, uint64_t number)
{
	size_t used = strlen(script->told);

	snprintf(script->told + used, sizeof(script->told) - used, "%s%s:%llu", used ? " " : "",
		 word, (unsigned long long)number);
}

static void view_begin(void *view, struct process *process)
{
	tell(view, "begin", process->ledger->pid);
}

static void view_event(void *view, struct process *process, const struct event_header *event)
{
	assert_int_equal(event->pid, process->ledger->pid);
	if (event->kind == EVENT_MMAP)
		tell(view, "mmap", event->pid);
}

static void view_report(void *view, struct process *process, const struct report *report)
{
	assert_ptr_equal(report, process_newest(process));
	tell(view, "report", process->ledger->pid);
}

static void view_end(void *view, struct process *process)
{
	assert_true(process->ended);
	tell(view, "end", process->ledger->pid);
}

static void view_interval(void *view, uint64_t number)
{
	tell(view, "interval", number);
}

static const struct view_ops view_ops = {
	.begin = view_begin,
	.event = view_event,
	.report = view_report,
	.end = view_end,
	.interval = view_interval,
};

static struct script *script_new(const struct pipeline_options *options)
{
	struct script *script = calloc(1, sizeof(*script));

	assert_non_null(script);
	script->source.ops = &script_ops;
	script->pipeline = pipeline_new(&script->source, options);
	assert_non_null(script->pipeline);
	pipeline_add_view(script->pipeline, &view_ops, script);
	/* the pipeline plans looks by the clock: the script is of a minute ago */
	script->now = clock_ns() - 60 * NSEC_PER_SEC;
	return script;
}

static const struct pipeline_options seldom = {.reconcile_ms = 3600 * 1000};

static void script_free(struct script *script)
{
	pipeline_free(script->pipeline);
	queue_free(&script->queue);
	free(script);
}

static void add(struct script *script, struct event_header *event, uint16_t kind, size_t size,
		uint32_t pid)
{
	event->kind = kind;
	event->size = (uint16_t)size;
	event->pid = event->tid = pid;
	event->time_ns = script->now++;
	assert_int_equal(event_check(event, size), 0);
	assert_int_equal(queue_push(&script->queue, event), 0);
}

#define ADD(script, kind, type, pid, ...)                                                          \
	do {                                                                                       \
		struct type event_ = {__VA_ARGS__};                                                \
		add(script, &event_.h, kind, sizeof(event_), pid);                                 \
	} while (0)

static void add_touch(struct script *script, uint32_t pid, uint64_t pages)
{
	ADD(script, EVENT_MMAP, event_mmap, pid, .addr = A, .len = PAGES(pages),
	    .prot = PROT_READ | PROT_WRITE, .flags = MAP_PRIVATE | MAP_ANONYMOUS);
	for (uint64_t i = 0; i < pages; i++)
		ADD(script, EVENT_FAULT, event_fault, pid, .addr = A + PAGES(i),
		    .error = FAULT_USER | FAULT_WRITE);
}

/* A cycle as the source makes it, with so many pages that it could not settle. */
static void add_cycle(struct script *script, uint32_t pid, enum event_cause cause, uint64_t cost_ns)
{
	ADD(script, EVENT_CYCLE, event_cycle, pid, .cause = cause);
	ADD(script, EVENT_CYCLE, event_cycle, pid, .cause = cause, .end = 1, .cost_ns = cost_ns);
}

static void run(struct script *script)
{
	script->asked_count = 0;
	assert_int_equal(pipeline_run(script->pipeline), script->ended);
}

static const struct process *process_at(const struct script *script, size_t i)
{
	size_t count;
	const struct process *const *processes = pipeline_processes(script->pipeline, &count);

	assert_true(i < count);
	return processes[i];
}

static size_t process_count(const struct script *script)
{
	size_t count;

	pipeline_processes(script->pipeline, &count);
	return count;
}

/* A process that is watched, and looked at as a whole. */
static struct script *script_with(uint32_t pid, const struct pipeline_options *options)
{
	struct script *script = script_new(options);

	ADD(script, EVENT_ATTACH, event_attach, pid, .comm = "test");
	run(script);
	add_cycle(script, pid, CAUSE_ATTACH, 1000);
	run(script);
	return script;
}

static void attach_makes_a_process_and_a_look(void **state)
{
	struct script *script = script_new(&seldom);

	(void)state;
	assert_true(pipeline_settled(script->pipeline));
	ADD(script, EVENT_ATTACH, event_attach, 10, .start_ticks = 5, .comm = "test");
	run(script);
	assert_int_equal(pipeline_alive(script->pipeline), 1);
	assert_int_equal(process_at(script, 0)->ledger->pid, 10);
	assert_int_equal(process_at(script, 0)->ledger->start_ticks, 5);
	assert_int_equal(script->asked_count, 1);
	assert_int_equal(script->asked[0].pid, 10);
	assert_int_equal(script->asked[0].cause, CAUSE_ATTACH);
	assert_true(script->asked[0].start == 0 && script->asked[0].end == UINT64_MAX);
	assert_false(pipeline_settled(script->pipeline));
	/* it is asked for once */
	script->looking = 10;
	run(script);
	assert_int_equal(script->asked_count, 0);
	script->looking = 0;
	add_cycle(script, 10, CAUSE_ATTACH, 1000);
	run(script);
	assert_int_equal(script->asked_count, 0);
	assert_true(pipeline_settled(script->pipeline));
	assert_string_equal(script->told, "begin:10");
	script_free(script);
}

static void exec_makes_a_process(void **state)
{
	struct script *script = script_new(&seldom);

	(void)state;
	ADD(script, EVENT_EXEC, event_exec, 10, .comm = "test");
	run(script);
	assert_int_equal(pipeline_alive(script->pipeline), 1);
	assert_string_equal(process_at(script, 0)->ledger->comm, "test");
	assert_int_equal(script->asked_count, 1);
	script_free(script);
}

static void fork_makes_a_process_like_its_parent(void **state)
{
	struct script *script = script_with(10, &seldom);

	(void)state;
	add_touch(script, 10, 30);
	ADD(script, EVENT_FORK, event_fork, 10, .child = 12, .flags = FORK_SHARES_MM);
	ADD(script, EVENT_FORK, event_fork, 10, .child = 13);
	ADD(script, EVENT_FORK, event_fork, 10, .child = 11, .flags = FORK_WATCHED, .comm = "c");
	ADD(script, EVENT_UNMAP, event_range, 11, .addr = A, .len = PAGES(10));
	run(script);
	assert_int_equal(pipeline_alive(script->pipeline), 2);
	assert_int_equal(process_at(script, 0)->ledger->pages.pages, 30);
	assert_int_equal(process_at(script, 1)->ledger->pages.pages, 20);
	assert_int_equal(process_at(script, 1)->ledger->pid, 11);
	assert_int_equal(script->asked_count, 1);
	assert_int_equal(script->asked[0].pid, 11);
	assert_int_equal(script->asked[0].cause, CAUSE_ATTACH);
	/* told of twice, it is one */
	ADD(script, EVENT_FORK, event_fork, 10, .child = 11, .flags = FORK_WATCHED);
	run(script);
	assert_int_equal(pipeline_alive(script->pipeline), 2);
	script_free(script);
}

static void strangers_are_counted(void **state)
{
	struct script *script = script_new(&seldom);

	(void)state;
	add_touch(script, 10, 3);
	ADD(script, EVENT_SAMPLE, event_sample, 10, .anon_bytes = 1);
	run(script);
	assert_int_equal(pipeline_orphans(script->pipeline), 5);
	assert_int_equal(process_count(script), 0);
	assert_string_equal(script->told, "");
	script_free(script);
}

static void the_ended_are_kept_for_a_while(void **state)
{
	struct script *script = script_with(10, &seldom);
	uint64_t number = 1;

	(void)state;
	add_touch(script, 10, 7);
	ADD(script, EVENT_INTERVAL, event_interval, 0, .number = number);
	ADD(script, EVENT_EXIT, event_exit, 10, .code = 9);
	run(script);
	assert_int_equal(pipeline_alive(script->pipeline), 0);
	assert_int_equal(process_count(script), 1);
	assert_true(process_at(script, 0)->ended);
	assert_int_equal(process_at(script, 0)->ledger->pages.pages, 7);
	assert_string_equal(script->told, "begin:10 mmap:10 report:10 interval:1 report:10 end:10");
	/* a new owner of the pid is another process */
	ADD(script, EVENT_ATTACH, event_attach, 10, .comm = "other");
	run(script);
	assert_int_equal(process_count(script), 2);
	assert_int_equal(pipeline_alive(script->pipeline), 1);
	while (process_count(script) == 2) {
		assert_true(number < 20);
		ADD(script, EVENT_INTERVAL, event_interval, 0, .number = ++number);
		run(script);
	}
	assert_in_range(number, 5, 10);
	assert_string_equal(process_at(script, 0)->ledger->comm, "other");
	assert_int_equal(pipeline_orphans(script->pipeline), 0);
	script_free(script);
}

static void intervals_report_all_processes_in_order(void **state)
{
	struct script *script = script_new(&seldom);
	struct script second = {0};

	(void)state;
	pipeline_add_view(script->pipeline, &view_ops, &second);
	ADD(script, EVENT_ATTACH, event_attach, 20, .comm = "a");
	ADD(script, EVENT_ATTACH, event_attach, 10, .comm = "b");
	add_touch(script, 10, 4);
	ADD(script, EVENT_INTERVAL, event_interval, 0, .number = 41);
	script->now += MS(100);
	ADD(script, EVENT_FAULT, event_fault, 10, .addr = A, .error = FAULT_WRITE);
	ADD(script, EVENT_INTERVAL, event_interval, 0, .number = 42);
	run(script);
	assert_string_equal(script->told,
			    "begin:20 begin:10 mmap:10 report:20 report:10 interval:41 "
			    "report:20 report:10 interval:42");
	assert_string_equal(second.told, script->told);
	assert_int_equal(process_newest(process_at(script, 1))->interval, 42);
	/* the report is of the interval that ends: its own pages are young until after it */
	assert_int_equal(process_report_at(process_at(script, 1), 1)->retained, 0);
	assert_int_equal(process_newest(process_at(script, 1))->retained, PAGES(4));
	script_free(script);
	assert_string_equal(strstr(second.told, "interval:42"), "interval:42 end:10 end:20");
}

static void losses_lead_to_a_look_at_everything(void **state)
{
	struct script *script = script_with(10, &seldom);

	(void)state;
	ADD(script, EVENT_LOSS, event_loss, 10, .lost = 3);
	run(script);
	assert_int_equal(script->asked_count, 1);
	assert_int_equal(script->asked[0].cause, CAUSE_LOSS);
	assert_true(script->asked[0].end == UINT64_MAX);
	add_cycle(script, 10, CAUSE_LOSS, 1000);
	run(script);
	assert_int_equal(script->asked_count, 0);
	script_free(script);
}

static void requests_are_passed_on(void **state)
{
	struct script *script = script_with(10, &seldom);

	(void)state;
	ADD(script, EVENT_FAILED, event_range, 10, .addr = A, .len = PAGES(4),
	    .call = EVENT_CALL_MUNMAP);
	/* one that is not yet due */
	script->now = clock_ns() + 3600 * NSEC_PER_SEC;
	ADD(script, EVENT_FAILED, event_range, 10, .addr = A + PAGES(100), .len = PAGES(4),
	    .call = EVENT_CALL_MUNMAP);
	run(script);
	assert_int_equal(script->asked_count, 1);
	assert_true(script->asked[0].start == A && script->asked[0].end == A + PAGES(4));
	assert_int_equal(script->asked[0].cause, CAUSE_FAILED);
	assert_false(pipeline_settled(script->pipeline));
	script_free(script);
}

/* A look that left something open is followed by another, for the same reason. */
static void unsettled_cycles_are_followed_up(void **state)
{
	struct script *script = script_with(10, &seldom);

	(void)state;
	add_touch(script, 10, 4);
	ADD(script, EVENT_CYCLE, event_cycle, 10, .cause = CAUSE_LOSS);
	ADD(script, EVENT_SCAN, event_scan, 10, .start = A, .end = A + PAGES(4),
	    .begin_ns = script->now - 1, .cause = CAUSE_LOSS);
	ADD(script, EVENT_CYCLE, event_cycle, 10, .cause = CAUSE_LOSS, .end = 1, .cost_ns = 1000);
	run(script);
	assert_int_equal(process_at(script, 0)->ledger->totals.unsettled, 4);
	assert_int_equal(script->asked_count, 1);
	assert_int_equal(script->asked[0].cause, CAUSE_LOSS);
	assert_true(script->asked[0].end == UINT64_MAX);
	/* not at once, if it has just ended */
	script->now = clock_ns() + 3600 * NSEC_PER_SEC;
	add_touch(script, 10, 4);
	ADD(script, EVENT_CYCLE, event_cycle, 10, .cause = CAUSE_LOSS);
	ADD(script, EVENT_UNMAP, event_range, 10, .addr = A, .len = PAGES(4));
	ADD(script, EVENT_VMA, event_vma, 10, .start = A, .end = A + PAGES(4), .gap_start = A);
	ADD(script, EVENT_CYCLE, event_cycle, 10, .cause = CAUSE_LOSS, .end = 1, .cost_ns = 1000);
	run(script);
	assert_int_equal(script->asked_count, 0);
	assert_false(pipeline_settled(script->pipeline));
	script_free(script);
}

/* The last cycle ended a minute ago, and cost so much: is the next one due? */
static bool periodic_after(uint64_t cost_ns, struct pipeline_options options)
{
	struct script *script = script_with(10, &options);
	bool asked;

	script->now = clock_ns() - 60 * NSEC_PER_SEC;
	add_cycle(script, 10, CAUSE_PERIODIC, cost_ns);
	run(script);
	asked = script->asked_count;
	if (asked)
		assert_int_equal(script->asked[0].cause, CAUSE_PERIODIC);
	script_free(script);
	return asked;
}

static void periodic_cycles_take_one_percent(void **state)
{
	(void)state;
	/* 60 s allow 600 ms */
	assert_true(periodic_after(MS(500), (struct pipeline_options){.reconcile_ms = 1000}));
	assert_false(periodic_after(MS(700), (struct pipeline_options){.reconcile_ms = 1000}));
	assert_true(periodic_after(
		MS(700), (struct pipeline_options){.reconcile_ms = 1000, .reconcile_exact = true}));
	assert_false(periodic_after(0, (struct pipeline_options){.reconcile_ms = 120000}));
	assert_false(periodic_after(
		0, (struct pipeline_options){.reconcile_ms = 120000, .reconcile_exact = true}));
}

static void lazily_freed_pages_are_asked_for_while_there_are_any(void **state)
{
	struct script *script = script_with(10, &seldom);

	(void)state;
	run(script);
	assert_int_equal(script->asked_count, 0);
	add_touch(script, 10, 8);
	ADD(script, EVENT_MADVISE, event_range, 10, .addr = A, .len = PAGES(4),
	    .call = EVENT_CALL_MADVISE, .arg = MADV_FREE);
	run(script);
	assert_int_equal(script->asked_count, 1);
	assert_true(script->asked[0].lazy);
	/* a round has just been: not again at once */
	script->now = clock_ns();
	ADD(script, EVENT_LAZYFREE, event_range, 10, .addr = A, .len = PAGES(8), .arg = 1,
	    .value = PAGES(4));
	ADD(script, EVENT_LAZYFREE, event_range, 10, .value = 1000);
	run(script);
	assert_int_equal(script->asked_count, 0);
	script_free(script);
}

static void many_processes_are_told_apart(void **state)
{
	struct script *script = script_new(&seldom);

	(void)state;
	for (uint32_t pid = 1; pid <= 100; pid++) {
		ADD(script, EVENT_ATTACH, event_attach, pid * 7919 % 101, .comm = "t");
		if (script->queue.tail > 1 << 20)
			run(script);
	}
	for (uint32_t pid = 1; pid <= 100; pid++)
		add_touch(script, pid, pid);
	for (uint32_t pid = 1; pid <= 100; pid += 2)
		ADD(script, EVENT_EXIT, event_exit, pid, .code = 0);
	run(script);
	assert_int_equal(pipeline_alive(script->pipeline), 50);
	for (size_t i = 0; i < process_count(script); i++)
		assert_int_equal(process_at(script, i)->ledger->pages.pages,
				 process_at(script, i)->ledger->pid);
	assert_int_equal(script->asked_count, 50);
	script_free(script);
}

static void the_end_of_a_recording_is_told(void **state)
{
	struct script *script = script_with(10, &seldom);

	(void)state;
	assert_int_equal(pipeline_wait(script->pipeline, 17), 17);
	script->ended = true;
	run(script);
	script_free(script);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(attach_makes_a_process_and_a_look),
		cmocka_unit_test(exec_makes_a_process),
		cmocka_unit_test(fork_makes_a_process_like_its_parent),
		cmocka_unit_test(strangers_are_counted),
		cmocka_unit_test(the_ended_are_kept_for_a_while),
		cmocka_unit_test(intervals_report_all_processes_in_order),
		cmocka_unit_test(losses_lead_to_a_look_at_everything),
		cmocka_unit_test(requests_are_passed_on),
		cmocka_unit_test(unsettled_cycles_are_followed_up),
		cmocka_unit_test(periodic_cycles_take_one_percent),
		cmocka_unit_test(lazily_freed_pages_are_asked_for_while_there_are_any),
		cmocka_unit_test(many_processes_are_told_apart),
		cmocka_unit_test(the_end_of_a_recording_is_told),
	};

	return cmocka_run_group_tests_name("pipeline", tests, NULL, NULL);
}
