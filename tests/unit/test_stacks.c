// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/support.h"

#include <fcntl.h>

#include "user/stack/stacks.h"

static const struct event_header at = {.pid = 100, .tid = 101, .time_ns = 7};

/* Definitions go from one table to another, as through a recording. */
static void pass_on(void *ctx, const struct event_header *event)
{
	assert_int_equal(event_check(event, event->size), 0);
	assert_int_equal(event->pid, at.pid);
	assert_int_equal(event->time_ns, at.time_ns);
	assert_int_equal(stacks_apply(ctx, event), 0);
}

static int open_self(void *ctx, uint32_t pid, uint64_t address, uint32_t dev, uint64_t ino,
		     char path[EVENT_PATH_LEN])
{
	(void)pid;
	(void)address;
	(void)dev;
	(void)ino;
	++*(int *)ctx;
	snprintf(path, EVENT_PATH_LEN, "/opt/bin/program (deleted)");
	return open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
}

static int open_none(void *ctx, uint32_t pid, uint64_t address, uint32_t dev, uint64_t ino,
		     char path[EVENT_PATH_LEN])
{
	(void)pid;
	(void)address;
	(void)dev;
	(void)ino;
	(void)path;
	++*(int *)ctx;
	return -ENOENT;
}

static void the_same_chain_has_the_same_number(void **state)
{
	const struct event_frame chain[] = {{0x1000, 1, 0}, {0x2000, 1, 0}, {0x3000, 2, 0}};
	struct stacks *stacks = stacks_new(NULL, NULL);
	const struct stack *stack;
	uint32_t first;

	(void)state;
	first = stacks_add(stacks, chain, 3, STACK_END_COMPLETE, &at);
	assert_int_equal(first, 1);
	assert_int_equal(stacks_add(stacks, chain, 3, STACK_END_COMPLETE, &at), first);
	assert_int_equal(stacks_add(stacks, chain, 2, STACK_END_COMPLETE, &at), 2);
	assert_int_equal(stacks_add(stacks, chain, 3, STACK_END_CUT, &at), 3);
	assert_int_equal(stacks_add(stacks, chain + 1, 2, STACK_END_COMPLETE, &at), 4);
	assert_int_equal(stacks_count(stacks), 4);
	stack = stacks_get(stacks, first);
	assert_int_equal(stack->number, first);
	assert_int_equal(stack->frame_count, 3);
	assert_memory_equal(stack->frames, chain, sizeof(chain));
	assert_null(stacks_get(stacks, 0));
	assert_null(stacks_get(stacks, 5));
	assert_int_equal(stacks_add(stacks, chain, 0, STACK_END_COMPLETE, &at), 0);
	stacks_free(stacks);
}

static void definitions_make_the_same_table(void **state)
{
	struct stacks *copy = stacks_new(NULL, NULL);
	struct stacks *stacks = stacks_new(pass_on, copy);
	const struct stack_module *file, *jit, *other, *again;
	struct event_frame chain[EVENT_FRAMES_MAX];
	int opened = 0;

	(void)state;
	file = stacks_file(stacks, &at, 8, 1234, 0x400000, open_self, &opened);
	again = stacks_file(stacks, &at, 8, 1234, 0x500000, open_self, &opened);
	assert_ptr_equal(file, again);
	assert_int_equal(opened, 1);
	assert_non_null(file->module);
	assert_true(file->build_id_len > 0);
	assert_string_equal(file->name, "program (deleted)");
	jit = stacks_jit(stacks, &at);
	other = stacks_jit(stacks, &at);
	assert_int_not_equal(jit->number, other->number);
	assert_non_null(stacks_vdso(stacks, &at));
	assert_ptr_equal(stacks_vdso(stacks, &at), stacks_vdso(stacks, &at));

	for (uint32_t i = 0; i < EVENT_FRAMES_MAX; i++)
		chain[i] = (struct event_frame){0x1000 + i, 1 + i % 4, 0};
	for (uint32_t count = 1; count <= EVENT_FRAMES_MAX; count++)
		assert_int_equal(stacks_add(stacks, chain, count, STACK_END_CUT, &at), count);

	assert_int_equal(stacks_module_count(copy), stacks_module_count(stacks));
	assert_int_equal(stacks_count(copy), stacks_count(stacks));
	for (uint32_t number = 1; number <= stacks_module_count(stacks); number++) {
		const struct stack_module *a = stacks_module(stacks, number);
		const struct stack_module *b = stacks_module(copy, number);

		assert_string_equal(a->path, b->path);
		assert_int_equal(a->flags, b->flags);
		assert_int_equal(a->pid, b->pid);
		assert_int_equal(a->build_id_len, b->build_id_len);
		assert_memory_equal(a->build_id, b->build_id, sizeof(a->build_id));
		/* but for the vdso, which has no file and is that of this machine */
		assert_true(!b->module == !(b->flags & MODULE_VDSO));
	}
	for (uint32_t number = 1; number <= stacks_count(stacks); number++) {
		const struct stack *a = stacks_get(stacks, number);
		const struct stack *b = stacks_get(copy, number);

		assert_int_equal(a->frame_count, b->frame_count);
		assert_int_equal(a->end, b->end);
		assert_memory_equal(a->frames, b->frames, a->frame_count * sizeof(*a->frames));
	}
	stacks_free(stacks);
	stacks_free(copy);
}

/* The process may be gone, or another program by now, when a file is first tried. */
static void an_unreadable_file_is_tried_again(void **state)
{
	struct stacks *stacks = stacks_new(NULL, NULL);
	struct event_header later = at;
	const struct stack_module *module;
	int opened = 0;

	(void)state;
	module = stacks_file(stacks, &at, 8, 77, 0x1000, open_none, &opened);
	assert_non_null(module);
	assert_true(module->unreadable);
	assert_int_equal(opened, 1);
	stacks_file(stacks, &at, 8, 77, 0x1000, open_none, &opened);
	assert_int_equal(opened, 1); /* not at once */
	for (int i = 0; i < 100000; i++) {
		later.time_ns += MS(10);
		stacks_file(stacks, &later, 8, 77, 0x1000, open_none, &opened);
	}
	/* 1000 s: at 10 ms, 20 ms, ... doubling to 82 s */
	assert_true(opened > 12 && opened < 40);
	later.time_ns += MS(100000);
	opened = 0;
	assert_ptr_equal(stacks_file(stacks, &later, 8, 77, 0x1000, open_self, &opened), module);
	assert_int_equal(opened, 1);
	assert_false(module->unreadable);
	assert_non_null(module->module);
	assert_true(module->build_id_len > 0);
	later.time_ns += MS(100000);
	stacks_file(stacks, &later, 8, 77, 0x1000, open_self, &opened);
	assert_int_equal(opened, 1);
	stacks_free(stacks);
}

static int apply_stack(struct stacks *stacks, uint32_t number, uint32_t module)
{
	struct {
		struct event_stack stack;
		struct event_frame frame;
	} event = {
		.stack = {.number = number, .frame_count = 1},
		.frame = {.address = number, .module = module},
	};

	event.stack.h = at;
	event.stack.h.kind = EVENT_STACK;
	event.stack.h.size = sizeof(event);
	return stacks_apply(stacks, &event.stack.h);
}

static int apply_module(struct stacks *stacks, uint32_t number, uint64_t ino)
{
	struct event_module event = {.number = number, .ino = ino, .path = "/lib/x"};

	event.h = at;
	event.h.kind = EVENT_MODULE;
	event.h.size = sizeof(event);
	return stacks_apply(stacks, &event.h);
}

static void definitions_out_of_order_are_refused(void **state)
{
	struct stacks *stacks = stacks_new(NULL, NULL);

	(void)state;
	assert_int_equal(apply_module(stacks, 2, 1), -EBADMSG);
	assert_int_equal(apply_module(stacks, 1, 1), 0);
	assert_int_equal(apply_module(stacks, 2, 1), -EBADMSG); /* the same file */
	assert_int_equal(apply_module(stacks, 1, 5), -EBADMSG); /* another one */
	assert_int_equal(apply_module(stacks, 1, 1), 0);	/* told again */
	assert_int_equal(apply_stack(stacks, 2, 1), -EBADMSG);
	assert_int_equal(apply_stack(stacks, 1, 2), -EBADMSG); /* no such module */
	assert_int_equal(apply_stack(stacks, 1, 1), 0);
	assert_int_equal(apply_stack(stacks, 1, 1), -EBADMSG);
	assert_int_equal(apply_stack(stacks, 2, 0), 0);
	assert_int_equal(stacks_count(stacks), 2);
	stacks_free(stacks);
}

static void too_many_stacks_are_counted_not_kept(void **state)
{
	struct stacks *stacks = stacks_new(NULL, NULL);
	struct event_frame frame = {0};

	(void)state;
	for (uint32_t i = 1; i <= STACKS_MAX; i++) {
		frame.address = i;
		assert_int_equal(stacks_add(stacks, &frame, 1, STACK_END_COMPLETE, &at), i);
	}
	frame.address = STACKS_MAX + 1;
	assert_int_equal(stacks_add(stacks, &frame, 1, STACK_END_COMPLETE, &at), 0);
	assert_int_equal(stacks_refused(stacks), 1);
	frame.address = 5; /* known ones still are */
	assert_int_equal(stacks_add(stacks, &frame, 1, STACK_END_COMPLETE, &at), 5);
	assert_true(stacks_memory(stacks) > STACKS_MAX * sizeof(struct stack));
	stacks_free(stacks);
}

static void ends_have_names(void **state)
{
	(void)state;
	for (unsigned int end = 0; end < STACK_END_COUNT; end++) {
		assert_string_not_equal(stack_end_name(end), "?");
		assert_string_not_equal(stack_end_help(end), "?");
	}
	assert_string_equal(stack_end_name(STACK_END_COUNT), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_chain_has_the_same_number),
		cmocka_unit_test(definitions_make_the_same_table),
		cmocka_unit_test(an_unreadable_file_is_tried_again),
		cmocka_unit_test(definitions_out_of_order_are_refused),
		cmocka_unit_test(too_many_stacks_are_counted_not_kept),
		cmocka_unit_test(ends_have_names),
	};

	return cmocka_run_group_tests_name("stacks", tests, NULL, NULL);
}
