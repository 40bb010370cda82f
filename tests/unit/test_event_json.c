// SPDX-License-Identifier: GPL-2.0-only
/* What event_to_json() makes is what a reader of JSON reads. */
#include "tests/unit/exports.h"

#include <jansson.h>

/* The line as an object, the caller's. */
static json_t *convert(const struct event_header *event)
{
	char line[EVENT_JSON_MAX];
	size_t length = event_to_json(event, WORLD_START, line);
	json_error_t error;
	json_t *object;

	assert_int_equal(length, strlen(line));
	assert_int_equal(line[length - 1], '\n');
	assert_ptr_equal(strchr(line, '\n'), &line[length - 1]);
	object = json_loads(line, 0, &error);
	if (!object)
		fail_msg("%s: %s", error.text, line);
	return object;
}

static long long number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	assert_true(json_is_integer(value));
	return json_integer_value(value);
}

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	assert_non_null(value);
	return value;
}

static void events_carry_their_stack(void **state)
{
	struct event_fault fault = {
		.h = HEADER(EVENT_FAULT, event_fault, WORLD_PID, 5, WORLD_START + MS(1500)),
		.addr = A + 5,
		.error = FAULT_WRITE,
		.weight = 1,
	};
	json_t *object;

	(void)state;
	object = convert(&fault.h);
	assert_string_equal(text(object, "event"), "fault");
	assert_string_equal(text(object, "addr"), "0x7f0000000005");
	assert_int_equal(number(object, "tid"), 5);
	assert_null(json_object_get(object, "stack"));
	assert_null(json_object_get(object, "weight"));
	json_decref(object);
	fault.h.stack = 12;
	fault.weight = 40;
	object = convert(&fault.h);
	assert_int_equal(number(object, "stack"), 12);
	assert_int_equal(number(object, "weight"), 40);
	json_decref(object);
	fault.h.stack = STACK_TAKEN; /* no number */
	object = convert(&fault.h);
	assert_null(json_object_get(object, "stack"));
	json_decref(object);
}

static void stacks_hold_their_frames(void **state)
{
	const struct event_frame frames[] = {{0x1234, 3, 0}, {UINT64_MAX, 0, 0}};
	union exports_stack event;
	json_t *object, *list;

	(void)state;
	exports_stack_fill(&event, 9, STACK_END_NO_CFI, frames, 2);
	object = convert(&event.stack.h);
	assert_string_equal(text(object, "event"), "stack");
	assert_int_equal(number(object, "number"), 9);
	assert_string_equal(text(object, "end"), "no_cfi");
	list = json_object_get(object, "frames");
	assert_int_equal(json_array_size(list), 2);
	assert_int_equal(number(json_array_get(list, 0), "module"), 3);
	assert_string_equal(text(json_array_get(list, 0), "addr"), "0x1234");
	assert_string_equal(text(json_array_get(list, 1), "addr"), "0xffffffffffffffff");
	json_decref(object);
}

static void the_longest_stack_is_whole(void **state)
{
	struct event_frame frames[EVENT_FRAMES_MAX];
	union exports_stack event;
	json_t *object;

	(void)state;
	for (size_t i = 0; i < EVENT_FRAMES_MAX; i++)
		frames[i] = (struct event_frame){UINT64_MAX, UINT32_MAX, 0};
	exports_stack_fill(&event, UINT32_MAX, STACK_END_DEEP, frames, EVENT_FRAMES_MAX);
	event.stack.h.time_ns = UINT64_MAX >> 1;
	event.stack.h.tid = UINT32_MAX;
	object = convert(&event.stack.h);
	assert_int_equal(json_array_size(json_object_get(object, "frames")), EVENT_FRAMES_MAX);
	json_decref(object);
}

static void modules_have_a_path_and_an_id(void **state)
{
	struct event_module module = {
		.h = HEADER(EVENT_MODULE, event_module, WORLD_PID, 5, WORLD_START),
		.number = 4,
		.build_id_len = 3,
		.build_id = {0x00, 0x0f, 0xff},
		.path = "/usr/lib/libc.so.6 (deleted)",
	};
	json_t *object;

	(void)state;
	object = convert(&module.h);
	assert_string_equal(text(object, "event"), "module");
	assert_int_equal(number(object, "number"), 4);
	assert_string_equal(text(object, "path"), "/usr/lib/libc.so.6 (deleted)");
	assert_string_equal(text(object, "build_id"), "000fff");
	json_decref(object);
	memset(module.path, '\x01', sizeof(module.path) - 1); /* six characters each */
	object = convert(&module.h);
	assert_int_equal(strlen(text(object, "path")), sizeof(module.path) - 1);
	json_decref(object);
	memset(module.path, '\xff', sizeof(module.path) - 1);
	object = convert(&module.h);
	assert_int_equal(strlen(text(object, "path")), sizeof(module.path) - 1);
	assert_int_equal(text(object, "path")[0], '?');
	json_decref(object);
	snprintf(module.path, sizeof(module.path), "%s", HOSTILE);
	json_decref(convert(&module.h));
}

static void losses_tell_of_stacks(void **state)
{
	struct event_loss loss = {
		.h = HEADER(EVENT_LOSS, event_loss, WORLD_PID, 5, WORLD_START),
		.lost = 3,
	};
	json_t *object = convert(&loss.h);

	(void)state;
	assert_int_equal(number(object, "lost"), 3);
	assert_null(json_object_get(object, "lost_stacks"));
	json_decref(object);
	loss.stacks = 8;
	object = convert(&loss.h);
	assert_int_equal(number(object, "lost_stacks"), 8);
	json_decref(object);
}

static void invocations_have_an_edge_and_an_id(void **state)
{
	static const char *const edges[] = {"begin", "end", "gone"};
	struct event_invocation event = {
		.h = HEADER(EVENT_INVOCATION, event_invocation, WORLD_PID, 5, WORLD_START),
		.id = "request-7",
		.value = 0x7ffc00001000,
	};
	json_t *object;

	(void)state;
	for (uint32_t i = 0; i < ARRAY_SIZE(edges); i++) {
		event.edge = i;
		object = convert(&event.h);
		assert_string_equal(text(object, "event"), "invocation");
		assert_string_equal(text(object, "edge"), edges[i]);
		assert_string_equal(text(object, "id"), "request-7");
		assert_int_equal(number(object, "tid"), 5);
		assert_null(json_object_get(object, "caller"));
		json_decref(object);
	}
	/* readers of JSON lose digits of such a number */
	event.id[0] = '\0';
	event.value = UINT64_MAX;
	object = convert(&event.h);
	assert_string_equal(text(object, "id"), "18446744073709551615");
	json_decref(object);
	event.value = 0;
	event.caller = 0x401234;
	object = convert(&event.h);
	assert_null(json_object_get(object, "id"));
	assert_string_equal(text(object, "caller"), "0x401234");
	json_decref(object);
	event.value = 7;
	snprintf(event.id, sizeof(event.id), "%s", "a\"\\b");
	object = convert(&event.h);
	assert_string_equal(text(object, "id"), "a\"\\b");
	json_decref(object);
	snprintf(event.id, sizeof(event.id), "%s", HOSTILE); /* no text */
	object = convert(&event.h);
	assert_string_equal(text(object, "id"), "7");
	json_decref(object);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_carry_their_stack),
		cmocka_unit_test(stacks_hold_their_frames),
		cmocka_unit_test(the_longest_stack_is_whole),
		cmocka_unit_test(modules_have_a_path_and_an_id),
		cmocka_unit_test(losses_tell_of_stacks),
		cmocka_unit_test(invocations_have_an_edge_and_an_id),
	};

	return cmocka_run_group_tests_name("event_json", tests, NULL, NULL);
}
