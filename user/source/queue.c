// SPDX-License-Identifier: GPL-2.0-only
#include "user/source/queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Records start at multiples of this: they hold 64-bit fields. */
#define ALIGN 8

static size_t record_span(const struct event_header *event)
{
	return ((size_t)event->size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

static int queue_reserve(struct queue *queue, size_t span)
{
	size_t used = queue_bytes(queue), capacity = queue->capacity ? queue->capacity : 65536;
	unsigned char *data;

	if (queue->tail + span <= queue->capacity)
		return 0;
	if (queue->head) {
		memmove(queue->data, queue->data + queue->head, used);
		queue->head = 0;
		queue->tail = used;
		if (used + span <= queue->capacity)
			return 0;
	}
	while (capacity < used + span)
		capacity *= 2;
	data = realloc(queue->data, capacity);
	if (!data)
		return -ENOMEM;
	queue->data = data;
	queue->capacity = capacity;
	return 0;
}

int queue_push(struct queue *queue, const struct event_header *event)
{
	int rc = event->size <= EVENT_SIZE_MAX ? queue_reserve(queue, record_span(event))
					       : -EMSGSIZE;

	if (rc)
		return rc;
	memcpy(queue->data + queue->tail, event, event->size);
	queue->tail += record_span(event);
	return 0;
}

void queue_deliver(struct queue *queue, uint64_t time_ns, source_sink sink, void *ctx)
{
	while (queue->head < queue->tail) {
		const struct event_header *event =
			(const struct event_header *)(queue->data + queue->head);
		uint64_t copy[EVENT_SIZE_MAX / sizeof(uint64_t)];

		if (event->time_ns >= time_ns)
			return;
		/* the sink may push, and what is queued may move then */
		memcpy(copy, event, event->size);
		queue->head += record_span(event);
		sink(ctx, (const struct event_header *)copy);
	}
	queue->head = queue->tail = 0;
}

void queue_free(struct queue *queue)
{
	free(queue->data);
	memset(queue, 0, sizeof(*queue));
}
