/* SPDX-License-Identifier: GPL-2.0-only */
/* The dashboard as text: hand-made records in, drawn grids out. */
#ifndef TESTS_UNIT_DASHBOARD_H
#define TESTS_UNIT_DASHBOARD_H

#include "tests/unit/support.h"

#include <sys/mman.h>

#include "user/view/dashboard/dashboard.h"

#define START_NS (1000 * NSEC_PER_SEC)
#define HEAP 0x555500000000ULL
#define ARENA 0x7f1200000000ULL
#define LIBRARY 0x7f1400000000ULL
#define PROCESSES_MAX 1000
#define MIB ((uint64_t)1 << 20)

/* A dashboard, what it looks at and where it draws. */
struct stage {
	struct dashboard *dashboard;
	struct process *processes[PROCESSES_MAX];
	struct dashboard_input input;
	struct grid grid;
	uint64_t interval;
	char *text; /* last drawn */
};

static inline int stage_open(void **state, bool utf8)
{
	struct stage *stage = calloc(1, sizeof(*stage));

	assert_non_null(stage);
	stage->dashboard = dashboard_new(utf8);
	assert_non_null(stage->dashboard);
	stage->input = (struct dashboard_input){
		.processes = (const struct process *const *)stage->processes,
		.now_ns = START_NS,
		.interval_ms = 1000,
		.message = "",
	};
	assert_int_equal(grid_resize(&stage->grid, 24, 80), 0);
	*state = stage;
	return 0;
}

static inline int open_utf8(void **state)
{
	return stage_open(state, true);
}

static inline int open_ascii(void **state)
{
	return stage_open(state, false);
}

static inline int stage_close(void **state)
{
	struct stage *stage = *state;

	dashboard_free(stage->dashboard);
	for (size_t i = 0; i < stage->input.count; i++)
		process_free(stage->processes[i]);
	grid_release(&stage->grid);
	free(stage->text);
	free(stage);
	return 0;
}

static inline void apply(struct process *process, struct event_header *event, size_t size,
			 uint32_t kind)
{
	event->size = (uint16_t)size;
	event->kind = (uint16_t)kind;
	event->pid = process->ledger->pid;
	assert_int_equal(ledger_apply(process->ledger, event), 0);
}

static inline struct process *add_process(struct stage *stage, uint32_t pid, const char *comm,
					  uint32_t allocator)
{
	struct ledger *ledger = ledger_new(pid, START_NS);
	struct event_identity identity = {.h.time_ns = START_NS, .allocator = allocator};
	struct process *process;

	assert_true(stage->input.count < PROCESSES_MAX);
	assert_non_null(ledger);
	process = process_new(ledger);
	assert_non_null(process);
	stage->processes[stage->input.count++] = process;
	memcpy(identity.comm, comm, strnlen(comm, sizeof(identity.comm) - 1));
	apply(process, &identity.h, sizeof(identity), EVENT_IDENTITY);
	return process;
}

static inline void map(struct process *process, uint64_t start, uint64_t size, uint32_t kind,
		       const char *name)
{
	struct event_vma vma = {
		.h.time_ns = START_NS,
		.gap_start = start,
		.start = start,
		.end = start + size,
		.prot = PROT_READ | PROT_WRITE | (kind == VMA_KIND_FILE ? PROT_EXEC : 0),
		.flags = MAP_PRIVATE,
		.vma_kind = kind,
	};

	memcpy(vma.name, name, strnlen(name, sizeof(vma.name) - 1));
	apply(process, &vma.h, sizeof(vma), EVENT_VMA);
}

static inline void touch(struct stage *stage, struct process *process, uint64_t addr,
			 uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i++) {
		struct event_fault fault = {
			.h = {.tid = process->ledger->pid + 1, .time_ns = stage->input.now_ns},
			.addr = addr + i * PAGE_BYTES,
			.error = FAULT_USER | FAULT_WRITE,
		};

		apply(process, &fault.h, sizeof(fault), EVENT_FAULT);
	}
}

static inline void advise(struct stage *stage, struct process *process, uint64_t addr,
			  uint64_t pages, uint32_t advice)
{
	struct event_range range = {
		.h = {.tid = 77, .time_ns = stage->input.now_ns},
		.addr = addr,
		.len = pages * PAGE_BYTES,
		.arg = advice,
	};

	apply(process, &range.h, sizeof(range), EVENT_MADVISE);
}

/* The kernel's counts; `extra` bytes are not in the ledger. */
static inline void sample(struct stage *stage, struct process *process, int64_t extra,
			  uint64_t file)
{
	struct event_sample counts = {
		.h.time_ns = stage->input.now_ns,
		.anon_bytes = (process->ledger->pages.pages << PAGE_SHIFT) + (uint64_t)extra,
		.file_bytes = file,
	};

	apply(process, &counts.h, sizeof(counts), EVENT_SAMPLE);
}

/* Ends a reporting interval of a second for all. */
static inline void end_interval(struct stage *stage)
{
	stage->input.now_ns += NSEC_PER_SEC;
	stage->interval++;
	for (size_t i = 0; i < stage->input.count; i++) {
		struct process *process = stage->processes[i];
		struct event_interval interval = {.h.time_ns = stage->input.now_ns,
						  .number = stage->interval};

		assert_int_equal(process_report(process, stage->input.now_ns, stage->interval), 0);
		apply(process, &interval.h, sizeof(interval), EVENT_INTERVAL);
	}
}

static inline void exit_process(struct stage *stage, struct process *process, uint32_t code)
{
	struct event_exit ended = {.h.time_ns = stage->input.now_ns, .code = code};

	apply(process, &ended.h, sizeof(ended), EVENT_EXIT);
	process->ended = true;
}

static inline const char *draw(struct stage *stage)
{
	dashboard_draw(stage->dashboard, &stage->input, &stage->grid);
	free(stage->text);
	stage->text = grid_to_text(&stage->grid);
	assert_non_null(stage->text);
	return stage->text;
}

static inline const char *draw_at(struct stage *stage, unsigned int rows, unsigned int cols)
{
	assert_int_equal(grid_resize(&stage->grid, rows, cols), 0);
	return draw(stage);
}

static inline void press(struct stage *stage, int key)
{
	assert_false(dashboard_key(stage->dashboard, key, &stage->input));
	draw(stage);
}

/* A line of what was drawn last, in memory that the next call reuses. */
static inline const char *line(const struct stage *stage, unsigned int row)
{
	static char copy[2048];
	const char *from = stage->text;

	while (row-- && from)
		from = strchr(from, '\n') ? strchr(from, '\n') + 1 : NULL;
	if (!from)
		fail_msg("there are not that many rows");
	else
		snprintf(copy, sizeof(copy), "%.*s", (int)strcspn(from, "\n"), from);
	return copy;
}

/* The row whose text holds a string, or UINT_MAX. */
static inline unsigned int row_of(const struct stage *stage, const char *text)
{
	const char *from = stage->text, *at;
	unsigned int row = 0;

	assert_non_null(from);
	at = strstr(from, text);
	if (!at)
		return UINT32_MAX;
	for (; from < at; from++)
		row += *from == '\n';
	return row;
}

static inline enum style style_at(const struct stage *stage, unsigned int row, unsigned int col)
{
	return stage->grid.cells[(size_t)row * stage->grid.cols + col].style;
}

static inline void assert_shows(const struct stage *stage, const char *text)
{
	if (strstr(stage->text, text))
		return;
	fputs(stage->text, stderr); /* more than a message of cmocka holds */
	fail_msg("\"%s\" is not shown", text);
}

static inline void assert_hides(const struct stage *stage, const char *text)
{
	if (!strstr(stage->text, text))
		return;
	fputs(stage->text, stderr);
	fail_msg("\"%s\" is shown", text);
}

/* One process with a bit of everything, after three intervals. */
static inline struct process *add_rich(struct stage *stage)
{
	struct process *process = add_process(stage, 1200, "orders", ALLOCATOR_JEMALLOC);

	map(process, HEAP, MIB, VMA_KIND_HEAP, "");
	map(process, ARENA, 64 * MIB, VMA_KIND_ANON, "");
	map(process, LIBRARY, 2 * MIB, VMA_KIND_FILE, "libjemalloc.so.2");
	touch(stage, process, HEAP, 16);
	touch(stage, process, ARENA, 4096);
	sample(stage, process, 0, 4 * MIB);
	end_interval(stage);
	advise(stage, process, ARENA, 256, MADV_DONTNEED);
	advise(stage, process, ARENA + MIB, 512, MADV_FREE);
	sample(stage, process, 0, 4 * MIB);
	end_interval(stage);
	touch(stage, process, ARENA + 32 * MIB, 1024);
	sample(stage, process, 2 * MIB, 4 * MIB);
	end_interval(stage);
	return process;
}

#define ON_UTF8(test) cmocka_unit_test_setup_teardown(test, open_utf8, stage_close)
#define ON_ASCII(test) cmocka_unit_test_setup_teardown(test, open_ascii, stage_close)

#endif
