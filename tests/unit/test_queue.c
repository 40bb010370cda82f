// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/support.h"

#include "user/source/queue.h"

/* A record of any size, its payload derived from its number. */
struct record {
	struct event_header h;
	unsigned char payload[EVENT_SIZE_MAX - sizeof(struct event_header)];
};

static const struct record *record_make(uint32_t number, size_t size, uint64_t time_ns)
{
	static struct record record;

	record.h = (struct event_header){
		.size = (uint16_t)size, .kind = 1, .pid = number, .time_ns = time_ns};
	memset(record.payload, (int)(number & 255), size - sizeof(record.h));
	return &record;
}

struct seen {
	struct queue *queue;
	uint32_t next;	 /* the number that must come */
	uint32_t push;	 /* so many more are pushed during delivery */
	uint32_t pushed; /* the number of the next one pushed */
	size_t push_size;
	uint64_t push_time;
};

static void assert_payload(const struct event_header *event)
{
	const unsigned char *bytes = (const unsigned char *)(event + 1);

	for (size_t i = 0; i < event->size - sizeof(*event); i++)
		assert_int_equal(bytes[i], event->pid & 255);
}

static void see(void *ctx, const struct event_header *event)
{
	struct seen *seen = ctx;

	assert_int_equal((uintptr_t)event % 8, 0);
	assert_int_equal(event->pid, seen->next);
	seen->next++;
	assert_payload(event);
	if (!seen->push)
		return;
	seen->push--;
	assert_int_equal(
		queue_push(seen->queue,
			   &record_make(seen->pushed++, seen->push_size, seen->push_time)->h),
		0);
	/* still valid: it is, during the call */
	assert_int_equal(event->pid, seen->next - 1);
	assert_payload(event);
}

static void push(struct queue *queue, uint32_t number, size_t size, uint64_t time_ns)
{
	assert_int_equal(queue_push(queue, &record_make(number, size, time_ns)->h), 0);
}

static void older_records_are_delivered_in_order(void **state)
{
	struct queue queue = {0};
	struct seen seen = {0};

	(void)state;
	for (uint32_t i = 0; i < 10; i++)
		push(&queue, i, 40, 100 + i);
	queue_deliver(&queue, 100, see, &seen);
	assert_int_equal(seen.next, 0);
	queue_deliver(&queue, 103, see, &seen);
	assert_int_equal(seen.next, 3);
	queue_deliver(&queue, 103, see, &seen);
	assert_int_equal(seen.next, 3);
	queue_deliver(&queue, UINT64_MAX, see, &seen);
	assert_int_equal(seen.next, 10);
	assert_int_equal(queue_bytes(&queue), 0);
	queue_deliver(&queue, UINT64_MAX, see, &seen);
	assert_int_equal(seen.next, 10);
	queue_free(&queue);
}

static void records_of_equal_times_stay_together(void **state)
{
	struct queue queue = {0};
	struct seen seen = {0};

	(void)state;
	for (uint32_t i = 0; i < 6; i++)
		push(&queue, i, 32, i < 4 ? 7 : 8);
	queue_deliver(&queue, 7, see, &seen);
	assert_int_equal(seen.next, 0);
	queue_deliver(&queue, 8, see, &seen);
	assert_int_equal(seen.next, 4);
	queue_free(&queue);
}

static void odd_sizes_are_aligned(void **state)
{
	struct queue queue = {0};
	struct seen seen = {0};

	(void)state;
	for (uint32_t i = 0; i < 200; i++)
		push(&queue, i, 24 + i % 50, 1);
	queue_deliver(&queue, 2, see, &seen);
	assert_int_equal(seen.next, 200);
	queue_free(&queue);
}

/* Pushes and deliveries take turns: room is reused, and grows when it must. */
static void it_grows_and_reuses_its_room(void **state)
{
	struct queue queue = {0};
	struct seen seen = {0};
	uint64_t seed = 3;
	uint32_t pushed = 0;
	size_t capacity;

	(void)state;
	for (int round = 0; round < 300; round++) {
		for (uint64_t i = random_below(&seed, 30); i > 0; i--, pushed++)
			push(&queue, pushed, 24 + random_below(&seed, EVENT_SIZE_MAX - 24), pushed);
		queue_deliver(&queue, random_below(&seed, pushed + 1), see, &seen);
	}
	queue_deliver(&queue, UINT64_MAX, see, &seen);
	assert_int_equal(seen.next, pushed);
	/* a queue that is kept short does not grow */
	capacity = queue.capacity;
	for (int i = 0; i < 5000; i++, pushed++) {
		push(&queue, pushed, 4000, pushed);
		queue_deliver(&queue, pushed, see, &seen);
	}
	assert_int_equal(seen.next, pushed - 1);
	assert_int_equal(queue.capacity, capacity);
	queue_free(&queue);
	assert_null(queue.data);
}

/* What a sink pushes waits for its place, and does not disturb what is being delivered. */
static void a_sink_may_push(void **state)
{
	struct queue queue = {0};
	struct seen seen = {.queue = &queue, .push = 500, .push_size = 9000, .push_time = 50};
	const uint32_t first = 100;

	(void)state;
	for (uint32_t i = 0; i < first; i++)
		push(&queue, i, 1000, 10);
	seen.pushed = first;
	queue_deliver(&queue, 20, see, &seen);
	assert_int_equal(seen.next, first);
	assert_int_equal(seen.pushed, 2 * first);
	/* and those that are due are delivered at once, those pushed by their sinks among them */
	queue_deliver(&queue, 60, see, &seen);
	assert_int_equal(seen.next, first + 500);
	assert_int_equal(queue_bytes(&queue), 0);
	queue_free(&queue);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(older_records_are_delivered_in_order),
		cmocka_unit_test(records_of_equal_times_stay_together),
		cmocka_unit_test(odd_sizes_are_aligned),
		cmocka_unit_test(it_grows_and_reuses_its_room),
		cmocka_unit_test(a_sink_may_push),
	};

	return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
